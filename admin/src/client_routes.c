/*
 * Connected clients: list, one of them, kick.
 */
#include "handlers.h"
#include "views.h"

#include <reef/session.h>

#include <inttypes.h>
#include <stdio.h>

enum {
    MAX_REASON = 123 /* bytes that a close frame has room for */
};

void reef__serve_clients_list(reef__admin_t *admin,
                              const reef__request_t *request,
                              reef__reply_t *reply)
{
    reef__clients_t clients = {.app = admin->app};
    uint64_t limit = 100;
    char cursor[24];

    if (!reef__number_parameter(request, "limit", 1000, &limit, reply) ||
        !reef__number_parameter(request, "cursor", UINT64_MAX, &clients.after, reply)) {
        return;
    }
    clients.limit = (uint32_t)limit;
    if (reef__admin_call(admin, reef__clients_collect, &clients, reply)) {
        snprintf(cursor, sizeof(cursor), "%" PRIu64, clients.after);
        reef__reply_json(
            reply, 200,
            reef__list_json(&(reef__list_t){.items = reef__clients_items(&clients),
                                            .next_cursor = clients.more ? cursor : NULL,
                                            .total = clients.total,
                                            .now = clients.now}));
    }
    reef__clients_finish(&clients);
}

void reef__serve_client_get(reef__admin_t *admin,
                            const reef__request_t *request,
                            reef__reply_t *reply)
{
    reef__clients_t clients = {.app = admin->app, .limit = 1};
    uint64_t id;

    if (!reef__parse_id(request->parameters[0], &id) || id == 0) {
        reef__problem(reply, 404, "there is no such client");
        return;
    }
    clients.after = id - 1;
    if (reef__admin_call(admin, reef__clients_collect, &clients, reply)) {
        if (clients.list.count == 1 && clients.list.items[0].id == id) {
            reef__reply_json(reply, 200, reef__client_json(&clients.list.items[0]));
        } else {
            reef__problem(reply, 404, "there is no such client");
        }
    }
    reef__clients_finish(&clients);
}

typedef struct kick {
    reef_app_t *app;
    uint64_t id;
    uint16_t code;
    const char *reason;
    bool found;
    uint64_t tick;
} kick_t;

static void kick_on_world(void *argument)
{
    kick_t *kick = argument;
    reef_entity_t entity = reef_session_find(kick->app, kick->id);

    kick->tick = reef__admin_now(kick->app).tick;
    kick->found =
        entity != 0 && reef_session_close(kick->app, entity, kick->code, kick->reason);
}

/* Codes that an endpoint may send (RFC 6455 section 7.4). */
static bool is_close_code(double code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

/* Texts over the wire must be UTF-8; what had to be mended was not. */
static bool is_utf8(const char *text)
{
    cJSON *mended = reef__json_text(reef_span_text(text));
    bool same = strcmp(mended->valuestring, text) == 0;

    cJSON_Delete(mended);
    return same;
}

static void read_kick(const cJSON *body, kick_t *kick, reef__field_errors_t *errors)
{
    static const char *const known[] = {"code", "reason", NULL};
    const cJSON *code = cJSON_GetObjectItemCaseSensitive(body, "code");
    const cJSON *reason = cJSON_GetObjectItemCaseSensitive(body, "reason");

    reef__check_members(body, known, errors);
    if (code != NULL) {
        if (cJSON_IsNumber(code) && is_close_code(code->valuedouble) &&
            code->valuedouble == (double)(uint16_t)code->valuedouble) {
            kick->code = (uint16_t)code->valuedouble;
        } else {
            reef__field_errors_add(errors, "/code",
                                   "a close code is 1000 to 1003, 1007 to 1014 or "
                                   "3000 to 4999");
        }
    }
    if (reason != NULL) {
        if (cJSON_IsString(reason) && strlen(reason->valuestring) <= MAX_REASON &&
            is_utf8(reason->valuestring)) {
            kick->reason = reason->valuestring;
        } else {
            reef__field_errors_add(errors, "/reason",
                                   "a text of at most %d bytes is wanted", MAX_REASON);
        }
    }
}

void reef__serve_client_kick(reef__admin_t *admin,
                             const reef__request_t *request,
                             reef__reply_t *reply)
{
    kick_t kick = {.app = admin->app};
    reef__field_errors_t errors = {0};
    cJSON *body = NULL, *json;

    if (!reef__parse_id(request->parameters[0], &kick.id)) {
        reef__problem(reply, 404, "there is no such client");
        return;
    }
    if (request->body.size > 0) {
        if (!reef__admin_json(request, &body, reply)) {
            return;
        }
        read_kick(body, &kick, &errors);
    }
    if (errors.count > 0) {
        reef__problem_fields(reply, &errors);
    } else if (!reef__admin_call(admin, kick_on_world, &kick, reply)) {
        /* The reply says so. */
    } else if (!kick.found) {
        reef__problem(reply, 404, "there is no such client");
    } else {
        reef__audit(admin, request, "kick", request->parameters[0], kick.tick);
        json = cJSON_CreateObject();
        cJSON_AddStringToObject(json, "kicked", request->parameters[0]);
        cJSON_AddNumberToObject(json, "applied_tick", (double)kick.tick);
        reef__reply_json(reply, 200, json);
    }
    cJSON_Delete(body);
}
