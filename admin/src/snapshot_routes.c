/*
 * Snapshots, through the service that a snapshot plugin may offer.  Taking one waits a
 * little for it to be written; a longer one is answered with where to look.
 */
#include "handlers.h"
#include "views.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    WAIT_MS = 2000,
    PAGE_MAX = 1000
};

static const reef_snapshot_service_t *find_service(reef__admin_t *admin,
                                                   reef__reply_t *reply)
{
    const reef_snapshot_service_t *service =
        reef_app_service(admin->app, REEF_SNAPSHOT_SERVICE);

    if (service == NULL) {
        reef__problem(reply, 404, "this server has no snapshots");
    }
    return service;
}

static void reply_failure(const reef_failure_t *failure, reef__reply_t *reply)
{
    const char *text =
        failure->text[0] != '\0' ? failure->text : reef_error_text(failure->error);

    switch (failure->error) {
    case REEF_E_NOT_FOUND:
        reef__problem(reply, 404, "%s", text);
        break;
    case REEF_E_INVALID:
    case REEF_E_CORRUPT:
    case REEF_E_TOO_NEW:
        reef__problem(reply, 409, "%s", text);
        break;
    case REEF_E_TIMEOUT:
    case REEF_E_CLOSED:
    case REEF_E_LIMIT:
        reef__problem(reply, 503, "%s", text);
        reef__reply_header(reply, "Retry-After", "1");
        break;
    default:
        reef__problem(reply, 500, "%s", text);
        break;
    }
}

cJSON *reef__admin_snapshot_json(const reef_snapshot_info_t *info)
{
    static const char *const states[] = {
        [REEF_SNAPSHOT_WRITING] = "writing",
        [REEF_SNAPSHOT_COMPLETE] = "complete",
        [REEF_SNAPSHOT_FAILED] = "failed",
    };
    cJSON *json = cJSON_CreateObject();

    reef__json_add_id(json, "id", (uint64_t)info->id);
    reef__json_add_time(json, "created_at", info->created_at_ms);
    cJSON_AddNumberToObject(json, "tick", (double)info->tick);
    cJSON_AddNumberToObject(json, "entities", (double)info->entities);
    cJSON_AddNumberToObject(json, "bytes", (double)info->bytes);
    cJSON_AddStringToObject(json, "reason", info->reason != NULL ? info->reason : "");
    cJSON_AddStringToObject(json, "state", states[info->state]);
    return json;
}

static void reply_list(const reef_snapshot_info_t *infos,
                       size_t count,
                       size_t limit,
                       reef__list_t list,
                       reef__reply_t *reply)
{
    char cursor[24];

    list.items = cJSON_CreateArray();
    for (size_t i = 0; i < count && i < limit; i++) {
        cJSON_AddItemToArray(list.items, reef__admin_snapshot_json(&infos[i]));
    }
    if (count > limit) {
        snprintf(cursor, sizeof(cursor), "%" PRId64, infos[limit - 1].id);
        list.next_cursor = cursor;
    }
    reef__reply_json(reply, 200, reef__list_json(&list));
}

void reef__serve_snapshots_list(reef__admin_t *admin,
                                const reef__request_t *request,
                                reef__reply_t *reply)
{
    const reef_snapshot_service_t *service = find_service(admin, reply);
    uint64_t limit = 100, before = 0;
    reef_snapshot_info_t *infos;
    reef__frame_view_t frame = {.app = admin->app};
    reef__list_t list = {0};
    reef_failure_t failure = {0};
    size_t count;

    if (service == NULL ||
        !reef__number_parameter(request, "limit", PAGE_MAX, &limit, reply) ||
        !reef__number_parameter(request, "cursor", INT64_MAX, &before, reply) ||
        !reef__admin_call(admin, reef__frame_collect, &frame, reply)) {
        return;
    }
    list.now = frame.now;
    count = (size_t)limit + 1; /* one more tells whether there is a next page */
    infos = calloc(count, sizeof(*infos));
    if (infos == NULL) {
        abort();
    }
    failure.error = service->list(service->self, (int64_t)before, infos, &count,
                                  &list.total, &failure);
    if (failure.error != REEF_OK) {
        reply_failure(&failure, reply);
    } else {
        reply_list(infos, count, (size_t)limit, list, reply);
    }
    free(infos);
}

/* The service and the id in the path; NULL with the reply filled. */
static const reef_snapshot_service_t *find_one(reef__admin_t *admin,
                                               const reef__request_t *request,
                                               int64_t *id,
                                               reef__reply_t *reply)
{
    uint64_t number;

    if (!reef__parse_id(request->parameters[0], &number) || number > INT64_MAX) {
        reef__problem(reply, 404, "there is no such snapshot");
        return NULL;
    }
    *id = (int64_t)number;
    return find_service(admin, reply);
}

void reef__serve_snapshot_get(reef__admin_t *admin,
                              const reef__request_t *request,
                              reef__reply_t *reply)
{
    int64_t id;
    const reef_snapshot_service_t *service = find_one(admin, request, &id, reply);
    reef_snapshot_info_t info = {0};
    reef_failure_t failure = {0};

    if (service == NULL) {
        return;
    }
    failure.error = service->get(service->self, id, &info, &failure);
    if (failure.error != REEF_OK) {
        reply_failure(&failure, reply);
    } else {
        reef__reply_json(reply, 200, reef__admin_snapshot_json(&info));
    }
}

static void reply_taken(const reef_snapshot_info_t *info, reef__reply_t *reply)
{
    if (info->state == REEF_SNAPSHOT_FAILED) {
        reef__problem(reply, 500, "snapshot %" PRId64 " could not be written",
                      info->id);
        return;
    }
    reef__reply_json(reply, info->state == REEF_SNAPSHOT_COMPLETE ? 201 : 202,
                     reef__admin_snapshot_json(info));
    reef__reply_header(reply, "Location", "/api/v1/snapshots/%" PRId64, info->id);
}

/* A body is not needed; what is in it must be nothing. */
static bool is_empty_body(const reef__request_t *request, reef__reply_t *reply)
{
    static const char *const known[] = {NULL};
    reef__field_errors_t errors = {0};
    cJSON *body;

    if (request->body.size == 0) {
        return true;
    }
    if (!reef__admin_json(request, &body, reply)) {
        return false;
    }
    reef__check_members(body, known, &errors);
    cJSON_Delete(body);
    if (errors.count > 0) {
        reef__problem_fields(reply, &errors);
    }
    return errors.count == 0;
}

void reef__serve_snapshot_take(reef__admin_t *admin,
                               const reef__request_t *request,
                               reef__reply_t *reply)
{
    const reef_snapshot_service_t *service = find_service(admin, reply);
    reef_snapshot_info_t info = {0};
    reef_failure_t failure = {0};
    char target[24];
    int64_t id;

    if (service == NULL || !is_empty_body(request, reply)) {
        return;
    }
    failure.error = service->take(service->self, &id, &failure);
    if (failure.error == REEF_OK) {
        failure.error = service->wait(service->self, id, WAIT_MS, &info, &failure);
        if (failure.error == REEF_E_TIMEOUT) {
            failure.error = service->get(service->self, id, &info, &failure);
        }
    }
    if (failure.error != REEF_OK) {
        reply_failure(&failure, reply);
        return;
    }
    snprintf(target, sizeof(target), "%" PRId64, id);
    reef__audit(admin, request, "snapshot", target, info.tick);
    reply_taken(&info, reply);
}

static cJSON *restored_json(const char *id, const reef_snapshot_restored_t *restored)
{
    cJSON *json = cJSON_CreateObject();
    cJSON *warnings;

    cJSON_AddStringToObject(json, "restored", id);
    cJSON_AddNumberToObject(json, "applied_tick", (double)restored->applied_tick);
    cJSON_AddNumberToObject(json, "entities", (double)restored->entities);
    warnings = cJSON_AddArrayToObject(json, "warnings");
    for (uint32_t i = 0; i < restored->warning_count && i < REEF_SNAPSHOT_MAX_WARNINGS;
         i++) {
        cJSON_AddItemToArray(warnings,
                             reef__json_text(reef_span_text(restored->warnings[i])));
    }
    return json;
}

static bool
read_dry_run(const reef__request_t *request, bool *dry_run, reef__reply_t *reply)
{
    static const char *const known[] = {"dry_run", NULL};
    reef__field_errors_t errors = {0};
    const cJSON *item;
    cJSON *body;

    *dry_run = false;
    if (request->body.size == 0) {
        return true;
    }
    if (!reef__admin_json(request, &body, reply)) {
        return false;
    }
    reef__check_members(body, known, &errors);
    item = cJSON_GetObjectItemCaseSensitive(body, "dry_run");
    if (item != NULL && !cJSON_IsBool(item)) {
        reef__field_errors_add(&errors, "/dry_run", "true or false is wanted");
    }
    *dry_run = cJSON_IsTrue(item);
    cJSON_Delete(body);
    if (errors.count > 0) {
        reef__problem_fields(reply, &errors);
    }
    return errors.count == 0;
}

void reef__serve_snapshot_restore(reef__admin_t *admin,
                                  const reef__request_t *request,
                                  reef__reply_t *reply)
{
    int64_t id;
    const reef_snapshot_service_t *service = find_one(admin, request, &id, reply);
    reef_snapshot_restored_t restored = {0};
    reef_failure_t failure = {0};
    bool dry_run;

    if (service == NULL || !read_dry_run(request, &dry_run, reply)) {
        return;
    }
    failure.error = service->restore(service->self, id, dry_run, &restored, &failure);
    if (failure.error != REEF_OK) {
        reply_failure(&failure, reply);
        return;
    }
    if (!dry_run) {
        reef__audit(admin, request, "restore", request->parameters[0],
                    restored.applied_tick);
    }
    reef__reply_json(reply, 200, restored_json(request->parameters[0], &restored));
}
