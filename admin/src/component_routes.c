/*
 * One component over HTTP: what was asked becomes an edit, and its result a status.
 */
#include "component_edit.h"
#include "handlers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

static void reply_result(const reef__edit_t *edit, reef__reply_t *reply)
{
    switch (edit->result) {
    case REEF__EDIT_DONE:
        break;
    case REEF__EDIT_NO_ENTITY:
        reef__problem(reply, 404, "there is no such entity");
        break;
    case REEF__EDIT_NO_TYPE:
        reef__problem(reply, 404, "there is no component of this name");
        break;
    case REEF__EDIT_NO_COMPONENT:
        reef__problem(reply, 404, "the entity has no such component");
        break;
    case REEF__EDIT_STALE:
    case REEF__EDIT_TEST_FAILED:
        reef__problem_stale(reply, cJSON_Duplicate(edit->before, true));
        break;
    case REEF__EDIT_REFUSED:
        reef__problem_fields(reply, &edit->errors);
        break;
    }
}

static void add_etag(reef__reply_t *reply, const cJSON *value, uint64_t tick)
{
    char etag[REEF__ETAG_SIZE];
    char *text = reef__json_print(value);

    reef__etag_make(text, etag);
    free(text);
    reef__reply_header(reply, "ETag", "%s", etag);
    reef__reply_header(reply, "Reef-Tick", "%" PRIu64, tick);
}

/* Fill an edit from the path and have it run. */
static bool run(reef__admin_t *admin,
                const reef__request_t *request,
                reef__edit_t *edit,
                reef__reply_t *reply)
{
    edit->app = admin->app;
    edit->component = request->parameters[1];
    if (!reef__parse_id(request->parameters[0], &edit->entity)) {
        reef__problem(reply, 404, "there is no such entity");
        return false;
    }
    return reef__admin_call(admin, reef__edit_run, edit, reply);
}

void reef__serve_component_get(reef__admin_t *admin,
                               const reef__request_t *request,
                               reef__reply_t *reply)
{
    reef__edit_t edit = {.kind = REEF__EDIT_READ};

    if (run(admin, request, &edit, reply)) {
        reply_result(&edit, reply);
        if (edit.result == REEF__EDIT_DONE) {
            reef__reply_json(reply, 200, cJSON_Duplicate(edit.before, true));
            add_etag(reply, edit.before, edit.tick);
        }
    }
    reef__edit_finish(&edit);
}

static void
audit(reef__admin_t *admin, const reef__request_t *request, const reef__edit_t *edit)
{
    static const char *const actions[] = {"read", "put", "patch", "patch", "remove"};
    char *before = edit->before != NULL ? reef__json_print(edit->before) : NULL;
    char *after = edit->after != NULL ? reef__json_print(edit->after) : NULL;
    char target[2 * REEF__PARAMETER_SIZE + 2];

    snprintf(target, sizeof(target), "%s/%s", request->parameters[0],
             request->parameters[1]);
    reef__audit_change(admin, request,
                       &(reef__audit_change_t){.action = actions[edit->kind],
                                               .target = target,
                                               .before = before,
                                               .after = after,
                                               .tick = edit->tick});
    free(before);
    free(after);
}

static void reply_written(const reef__edit_t *edit, reef__reply_t *reply)
{
    cJSON *json = cJSON_CreateObject();

    cJSON_AddItemToObject(json, "value",
                          edit->after != NULL ? cJSON_Duplicate(edit->after, true)
                                              : cJSON_CreateNull());
    cJSON_AddNumberToObject(json, "applied_tick", (double)edit->tick);
    reef__reply_json(reply, edit->after != NULL && edit->before == NULL ? 201 : 200,
                     json);
    if (edit->after != NULL) {
        add_etag(reply, edit->after, edit->tick);
    }
}

static void write_component(reef__admin_t *admin,
                            const reef__request_t *request,
                            reef__edit_t *edit,
                            reef__reply_t *reply)
{
    edit->if_match = reef__request_header(request, "If-Match");
    if (edit->if_match == NULL) {
        reef__problem(reply, 428,
                      "send If-Match with the ETag of the value that you saw, or *");
        return;
    }
    if (run(admin, request, edit, reply)) {
        reply_result(edit, reply);
        if (edit->result == REEF__EDIT_DONE) {
            audit(admin, request, edit);
            reply_written(edit, reply);
        }
    }
    reef__edit_finish(edit);
}

static void write_body(reef__admin_t *admin,
                       const reef__request_t *request,
                       reef__edit_kind_t kind,
                       reef__reply_t *reply)
{
    cJSON *body;

    if (reef__admin_json(request, &body, reply)) {
        write_component(admin, request, &(reef__edit_t){.kind = kind, .body = body},
                        reply);
        cJSON_Delete(body);
    }
}

/* The media type of the body, without its parameters. */
static bool has_type(const reef__request_t *request, const char *type)
{
    const char *given = reef__request_header(request, "Content-Type");
    size_t size = strlen(type);

    return given != NULL && strncasecmp(given, type, size) == 0 &&
           strchr("; \t", given[size]) != NULL;
}

void reef__serve_component_put(reef__admin_t *admin,
                               const reef__request_t *request,
                               reef__reply_t *reply)
{
    write_body(admin, request, REEF__EDIT_PUT, reply);
}

void reef__serve_component_patch(reef__admin_t *admin,
                                 const reef__request_t *request,
                                 reef__reply_t *reply)
{
    if (has_type(request, "application/merge-patch+json")) {
        write_body(admin, request, REEF__EDIT_MERGE, reply);
    } else if (has_type(request, "application/json-patch+json")) {
        write_body(admin, request, REEF__EDIT_PATCH, reply);
    } else {
        reef__problem(reply, 415,
                      "send application/merge-patch+json or "
                      "application/json-patch+json");
        reef__reply_header(reply, "Accept-Patch",
                           "application/merge-patch+json, "
                           "application/json-patch+json");
    }
}

void reef__serve_component_delete(reef__admin_t *admin,
                                  const reef__request_t *request,
                                  reef__reply_t *reply)
{
    write_component(admin, request, &(reef__edit_t){.kind = REEF__EDIT_REMOVE}, reply);
}
