/*
 * Entities: lists, one of them, spawn and despawn.
 */
#include "component_edit.h"
#include "handlers.h"
#include "world_view.h"

#include <reef/components.h>
#include <reef/session.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    MAX_CALLS = 64 /* frames that one search may take part in */
};

/* Lists ------------------------------------------------------------------------ */

static bool read_names(const reef__request_t *request,
                       const char *parameter,
                       reef__name_list_t *names,
                       reef__reply_t *reply)
{
    char text[1024];

    if (reef__request_parameter(request, parameter, text, sizeof(text)) &&
        reef__name_list_parse(names, reef_span_text(text))) {
        return true;
    }
    reef__problem(reply, 400, "%s is a list of at most %d component names", parameter,
                  REEF__MAX_QUERY);
    return false;
}

static bool
read_page(const reef__request_t *request, reef__page_t *page, reef__reply_t *reply)
{
    uint64_t limit = REEF__PAGE_DEFAULT, after = 0;
    size_t size = sizeof(page->search);

    if (!reef__number_parameter(request, "limit", REEF__PAGE_MAX, &limit, reply) ||
        !reef__number_parameter(request, "cursor", UINT32_MAX, &after, reply) ||
        !read_names(request, "query", &page->query, reply) ||
        !read_names(request, "fields", &page->fields, reply)) {
        return false;
    }
    page->limit = (uint32_t)limit;
    page->after = (uint32_t)after;
    if (!reef__request_parameter(request, "search", page->search, size) ||
        (page->search[0] == '\0' &&
         !reef__request_parameter(request, "text", page->search, size))) {
        reef__problem(reply, 400, "search is a text of at most %zu bytes", size - 1);
        return false;
    }
    return true;
}

static cJSON *page_json(const reef__page_t *page)
{
    reef__list_t list = {.items = cJSON_CreateArray(),
                         .total = page->total,
                         .inexact = page->search[0] != '\0',
                         .now = page->now};
    char cursor[16];

    for (size_t i = 0; i < page->entities.count; i++) {
        cJSON_AddItemToArray(list.items, reef__page_entity_json(page, i));
    }
    if (page->more) {
        snprintf(cursor, sizeof(cursor), "%" PRIu32, page->after);
        list.next_cursor = cursor;
    } else if (list.inexact && page->entities.count < page->limit) {
        list.total = page->entities.count;
    }
    return reef__list_json(&list);
}

void reef__serve_entities_list(reef__admin_t *admin,
                               const reef__request_t *request,
                               reef__reply_t *reply)
{
    reef__page_t page = {.app = admin->app};
    unsigned calls = 0;
    bool answered = read_page(request, &page, reply);

    if (answered) {
        reef__page_reserve(&page);
    }
    while (answered) {
        answered = reef__admin_call(admin, reef__page_collect, &page, reply);
        if (!page.interrupted || ++calls == MAX_CALLS) {
            break;
        }
    }
    if (answered && page.unknown[0] != '\0') {
        reef__problem(reply, 400, "there is no component '%s'", page.unknown);
    } else if (answered) {
        reef__reply_json(reply, 200, page_json(&page));
    }
    reef__page_finish(&page);
}

/* One of them ------------------------------------------------------------------ */

typedef struct one {
    reef__page_t page;
    reef_entity_t entity;
    bool found;
} one_t;

static void copy_one(void *argument)
{
    one_t *one = argument;

    one->page.now = reef__admin_now(one->page.app);
    one->found = reef__page_copy(&one->page, one->entity);
}

/* Answer with one entity in its present state. */
static void reply_entity(reef__admin_t *admin,
                         reef_entity_t entity,
                         int status,
                         reef__reply_t *reply)
{
    one_t one = {.page = {.app = admin->app}, .entity = entity};

    if (!reef__admin_call(admin, copy_one, &one, reply)) {
        /* The reply says so. */
    } else if (!one.found) {
        reef__problem(reply, 404, "there is no such entity");
    } else {
        reef__reply_json(reply, status, reef__page_entity_json(&one.page, 0));
        reef__reply_header(reply, "Reef-Tick", "%" PRIu64, one.page.now.tick);
    }
    reef__page_finish(&one.page);
}

void reef__serve_entity_get(reef__admin_t *admin,
                            const reef__request_t *request,
                            reef__reply_t *reply)
{
    reef_entity_t entity;

    if (!reef__parse_id(request->parameters[0], &entity)) {
        reef__problem(reply, 404, "there is no such entity");
        return;
    }
    reply_entity(admin, entity, 200, reply);
}

/* Spawn ------------------------------------------------------------------------ */

typedef struct spawn {
    reef_app_t *app;
    const cJSON *components;
    reef__field_errors_t errors;
    reef_entity_t entity;
    uint64_t tick;
} spawn_t;

/* All values are made before anything is spawned, so a refused one leaves no trace. */
static void spawn_on_world(void *argument)
{
    spawn_t *spawn = argument;
    reef_world_t *world = reef_app_world(spawn->app);
    reef_component_t ids[REEF_MAX_TABLE_COMPONENTS];
    void *values[REEF_MAX_TABLE_COMPONENTS];
    uint32_t count = 0;
    const cJSON *member;

    cJSON_ArrayForEach(member, spawn->components)
    {
        char pointer[REEF__POINTER_SIZE] = "/components";

        reef__pointer_append(pointer, member->string);
        if (count == REEF_MAX_TABLE_COMPONENTS) {
            reef__field_errors_add(&spawn->errors, pointer, "too many components");
            break;
        }
        ids[count] = reef_world_find_component(world, reef_span_text(member->string));
        if (ids[count] == REEF_NO_COMPONENT) {
            reef__field_errors_add(&spawn->errors, pointer,
                                   "there is no component '%.64s'", member->string);
            continue;
        }
        values[count] =
            reef__component_value(reef_world_component_type(world, ids[count]), member,
                                  pointer, &spawn->errors);
        count += values[count] != NULL;
    }
    spawn->tick = reef__admin_now(spawn->app).tick;
    if (spawn->errors.count == 0) {
        spawn->entity = reef_world_spawn(world, REEF_RANGE_WORLD);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (spawn->errors.count > 0 ||
            !reef_world_add(world, spawn->entity, ids[i], values[i])) {
            reef_type_drop(reef_world_component_type(world, ids[i]), values[i]);
        }
        free(values[i]);
    }
}

void reef__serve_entity_spawn(reef__admin_t *admin,
                              const reef__request_t *request,
                              reef__reply_t *reply)
{
    static const char *const known[] = {"components", NULL};
    spawn_t spawn = {.app = admin->app};
    cJSON *body;
    char id[24];

    if (!reef__admin_json(request, &body, reply)) {
        return;
    }
    spawn.components = cJSON_GetObjectItemCaseSensitive(body, "components");
    reef__check_members(body, known, &spawn.errors);
    if (spawn.components != NULL && !cJSON_IsObject(spawn.components)) {
        reef__field_errors_add(&spawn.errors, "/components", "an object is wanted");
    }
    if (spawn.errors.count == 0 &&
        !reef__admin_call(admin, spawn_on_world, &spawn, reply)) {
        cJSON_Delete(body);
        return;
    }
    if (spawn.errors.count > 0) {
        reef__problem_fields(reply, &spawn.errors);
    } else {
        snprintf(id, sizeof(id), "%" PRIu64, spawn.entity);
        reef__audit(admin, request, "spawn", id, spawn.tick);
        reply_entity(admin, spawn.entity, 201, reply);
        if (reply->status == 201) {
            reef__reply_header(reply, "Location", "/api/v1/entities/%s", id);
        }
    }
    cJSON_Delete(body);
}

/* Despawn ---------------------------------------------------------------------- */

typedef struct despawn {
    reef_app_t *app;
    reef_entity_t entity;
    bool found;
    uint64_t tick;
} despawn_t;

static void despawn_on_world(void *argument)
{
    despawn_t *despawn = argument;
    reef_world_t *world = reef_app_world(despawn->app);

    despawn->tick = reef__admin_now(despawn->app).tick;
    despawn->found = reef_world_despawn(world, despawn->entity);
}

void reef__serve_entity_despawn(reef__admin_t *admin,
                                const reef__request_t *request,
                                reef__reply_t *reply)
{
    despawn_t despawn = {.app = admin->app};
    cJSON *json;

    if (!reef__parse_id(request->parameters[0], &despawn.entity)) {
        reef__problem(reply, 404, "there is no such entity");
        return;
    }
    if (!reef__admin_call(admin, despawn_on_world, &despawn, reply)) {
        return;
    }
    if (!despawn.found) {
        reef__problem(reply, 404, "there is no such entity");
        return;
    }
    reef__audit(admin, request, "despawn", request->parameters[0], despawn.tick);
    json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "applied_tick", (double)despawn.tick);
    reef__reply_json(reply, 200, json);
}
