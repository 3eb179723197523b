/*
 * Small services that every handler uses: asking the world, reading input, lists.
 */
#include "state.h"

#include "json_text.h"

#include <reef/components.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

reef__admin_now_t reef__admin_now(reef_app_t *app)
{
    const simulation_time_t *time = REEF_RESOURCE(reef_app_world(app), simulation_time);

    return (reef__admin_now_t){.tick = time->tick};
}

bool reef__admin_call(reef__admin_t *admin,
                      reef_request_fn run,
                      void *argument,
                      reef__reply_t *reply)
{
    reef_error_t error = reef_mailbox_call(reef_app_mailbox(admin->app), run, argument,
                                           admin->config.deadline_ms);

    if (error == REEF_OK) {
        return true;
    }
    reef__problem(reply, 503, "the world did not answer: %s", reef_error_text(error));
    reef__reply_header(reply, "Retry-After", "1");
    return false;
}

bool reef__admin_json(const reef__request_t *request,
                      cJSON **json,
                      reef__reply_t *reply)
{
    reef_failure_t failure;

    if (reef__json_parse(request->body, json, &failure) != REEF_OK) {
        reef__problem(reply, 400, "%s", failure.text);
        return false;
    }
    return true;
}

void reef__check_members(const cJSON *body,
                         const char *const *known,
                         reef__field_errors_t *errors)
{
    const cJSON *member;

    if (!cJSON_IsObject(body)) {
        reef__field_errors_add(errors, "", "an object is wanted");
        return;
    }
    cJSON_ArrayForEach(member, body)
    {
        const char *const *name = known;

        while (*name != NULL && strcmp(*name, member->string) != 0) {
            name++;
        }
        if (*name == NULL) {
            char pointer[REEF__POINTER_SIZE] = "";

            reef__pointer_append(pointer, member->string);
            reef__field_errors_add(errors, pointer, "'%.64s' is not known here",
                                   member->string);
        }
    }
}

bool reef__parse_id(const char *text, uint64_t *id)
{
    size_t size = strlen(text);
    char *end;

    if (size == 0 || size > 20 || strspn(text, "0123456789") != size) {
        return false;
    }
    errno = 0;
    *id = strtoull(text, &end, 10);
    return errno == 0 && *end == '\0';
}

bool reef__number_parameter(const reef__request_t *request,
                            const char *name,
                            uint64_t max,
                            uint64_t *value,
                            reef__reply_t *reply)
{
    char text[24];
    uint64_t number;

    if (reef__request_parameter(request, name, text, sizeof(text))) {
        if (text[0] == '\0') {
            return true;
        }
        if (reef__parse_id(text, &number) && number >= 1 && number <= max) {
            *value = number;
            return true;
        }
    }
    reef__problem(reply, 400, "%s is a number from 1 to %llu", name,
                  (unsigned long long)max);
    return false;
}

cJSON *reef__list_json(const reef__list_t *list)
{
    cJSON *json = cJSON_CreateObject();

    cJSON_AddItemToObject(json, "items", list->items);
    if (list->next_cursor != NULL) {
        cJSON_AddStringToObject(json, "next_cursor", list->next_cursor);
    } else {
        cJSON_AddNullToObject(json, "next_cursor");
    }
    cJSON_AddNumberToObject(json, "total", (double)list->total);
    cJSON_AddBoolToObject(json, "total_exact", !list->inexact);
    cJSON_AddNumberToObject(json, "tick", (double)list->now.tick);
    cJSON_AddBoolToObject(json, "paused", list->now.paused);
    return json;
}

double reef__uptime_s(const reef__admin_t *admin)
{
    return (double)(uint64_t)(reef_app_uptime_s(admin->app) * 1e3) / 1e3;
}
