/*
 * A topic keeps its copies between two messages, so a steady stream allocates next to
 * nothing on the world thread.
 */
#include "stream_topics.h"

#include "entity_find.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    SNAPSHOTS = 100 /* of the list */
};

static const struct {
    const char *name;
    reef__topic_kind_t kind;
    uint32_t interval_ms;
} simple_topics[] = {
    {"frames", REEF__TOPIC_FRAMES, 100},        {"metrics", REEF__TOPIC_METRICS, 1000},
    {"systems", REEF__TOPIC_SYSTEMS, 500},      {"clients", REEF__TOPIC_CLIENTS, 500},
    {"snapshots", REEF__TOPIC_SNAPSHOTS, 1000}, {"lists", REEF__TOPIC_LISTS, 1000},
};

/* Parsing ---------------------------------------------------------------------- */

static bool parse_query(reef__topic_t *topic)
{
    const char *query = topic->name + strlen("query:");
    const char *cursor = strrchr(query, '@');
    size_t size = cursor != NULL ? (size_t)(cursor - query) : strlen(query);
    uint64_t after = 0;

    if (cursor != NULL && (!reef__parse_id(cursor + 1, &after) || after > UINT32_MAX)) {
        return false;
    }
    topic->kind = REEF__TOPIC_QUERY;
    topic->interval_ms = 100;
    topic->after = (uint32_t)after;
    topic->page.limit = REEF__TOPIC_PAGE;
    return reef__name_list_parse(&topic->page.query, reef_span(query, size));
}

static bool parse_topic(reef__topic_t *topic)
{
    for (size_t i = 0; i < sizeof(simple_topics) / sizeof(simple_topics[0]); i++) {
        if (strcmp(simple_topics[i].name, topic->name) == 0) {
            topic->kind = simple_topics[i].kind;
            topic->interval_ms = simple_topics[i].interval_ms;
            topic->clients.limit = REEF__PAGE_MAX;
            if (topic->kind == REEF__TOPIC_LISTS) {
                reef__list_counts_init(&topic->lists, topic->clients.app);
            }
            return true;
        }
    }
    if (strncmp(topic->name, "entity:", 7) == 0) {
        topic->kind = REEF__TOPIC_ENTITY;
        topic->interval_ms = 100;
        return reef__parse_id(topic->name + 7, &topic->entity);
    }
    return strncmp(topic->name, "query:", 6) == 0 && parse_query(topic);
}

/* A query holds commas itself: it reaches to the next topic that has a colon, or the
 * end, so queries come last in a list. */
static size_t topic_size(const char *text)
{
    const char *end = text + strcspn(text, ",");

    if (strncmp(text, "query:", 6) != 0) {
        return (size_t)(end - text);
    }
    while (*end == ',' && end[1 + strcspn(end + 1, ",:")] != ':') {
        end += 1 + strcspn(end + 1, ",");
    }
    return (size_t)(end - text);
}

bool reef__topics_parse(reef__topics_t *topics, const char *text, char wrong[64])
{
    while (*text != '\0') {
        size_t size = topic_size(text);
        reef__topic_t *topic = &topics->items[topics->count];

        snprintf(wrong, 64, "%.*s", (int)size, text);
        if (topics->count == REEF__MAX_TOPICS || size >= REEF__TOPIC_SIZE) {
            return false;
        }
        snprintf(topic->name, sizeof(topic->name), "%.*s", (int)size, text);
        topic->page.app = topics->admin->app;
        topic->clients.app = topics->admin->app;
        topic->systems.app = topics->admin->app;
        if (!parse_topic(topic)) {
            return false;
        }
        topics->count++;
        text += size + (text[size] == ',');
    }
    topics->frame.app = topics->admin->app;
    wrong[0] = '\0';
    return topics->count > 0;
}

/* Collecting ------------------------------------------------------------------- */

void reef__topics_check(void *argument)
{
    reef__topics_t *topics = argument;
    reef_world_t *world = reef_app_world(topics->admin->app);

    for (size_t i = 0; i < topics->count && topics->unknown[0] == '\0'; i++) {
        reef__finder_t finder;

        (void)reef__finder_init(&finder, world, &topics->items[i].page.query, "",
                                topics->unknown);
    }
}

bool reef__topics_mark(reef__topics_t *topics, uint64_t now_ns)
{
    bool any = false;

    for (size_t i = 0; i < topics->count; i++) {
        reef__topic_t *topic = &topics->items[i];

        topic->is_due = now_ns >= topic->due_ns;
        if (topic->is_due) {
            topic->due_ns = now_ns + topic->interval_ms * UINT64_C(1000000);
            any = true;
        }
    }
    return any;
}

static void collect_topic(reef__topic_t *topic)
{
    switch (topic->kind) {
    case REEF__TOPIC_FRAMES:
    case REEF__TOPIC_METRICS:
    case REEF__TOPIC_SNAPSHOTS:
        break; /* the frame is always collected; the others are not the world's */
    case REEF__TOPIC_SYSTEMS:
        topic->systems.list.count = 0;
        reef__systems_collect(&topic->systems);
        break;
    case REEF__TOPIC_CLIENTS:
        topic->clients.list.count = 0;
        topic->clients.after = 0;
        reef__clients_collect(&topic->clients);
        break;
    case REEF__TOPIC_LISTS:
        reef__list_counts_collect(&topic->lists);
        break;
    case REEF__TOPIC_ENTITY:
        reef__page_reset(&topic->page);
        topic->found = reef__page_copy(&topic->page, topic->entity);
        break;
    case REEF__TOPIC_QUERY:
        reef__page_reset(&topic->page);
        topic->page.after = topic->after;
        reef__page_collect(&topic->page);
        break;
    }
}

void reef__topics_collect(void *argument)
{
    reef__topics_t *topics = argument;

    reef__frame_collect(&topics->frame);
    for (size_t i = 0; i < topics->count; i++) {
        if (topics->items[i].is_due) {
            collect_topic(&topics->items[i]);
        }
    }
}

/* Showing ---------------------------------------------------------------------- */

static cJSON *items_json(cJSON *items, double total)
{
    cJSON *json = cJSON_CreateObject();

    cJSON_AddItemToObject(json, "items", items);
    cJSON_AddNumberToObject(json, "total", total);
    return json;
}

static cJSON *snapshots_json(reef__admin_t *admin)
{
    const reef_snapshot_service_t *service =
        reef_app_service(admin->app, REEF_SNAPSHOT_SERVICE);
    reef_snapshot_info_t infos[SNAPSHOTS];
    size_t count = SNAPSHOTS;
    uint64_t total = 0;
    cJSON *items = cJSON_CreateArray();

    if (service == NULL ||
        service->list(service->self, 0, infos, &count, &total, NULL) != REEF_OK) {
        count = 0;
    }
    for (size_t i = 0; i < count; i++) {
        cJSON_AddItemToArray(items, reef__admin_snapshot_json(&infos[i]));
    }
    return items_json(items, (double)total);
}

static cJSON *lists_json(const reef__list_counts_t *counts)
{
    uint32_t count = reef_app_list_count(counts->app);
    cJSON *items = cJSON_CreateArray();

    for (uint32_t i = 0; i < count; i++) {
        cJSON *item = cJSON_CreateObject();

        cJSON_AddStringToObject(item, "name", reef_app_list(counts->app, i)->name);
        cJSON_AddNumberToObject(item, "rows", counts->rows[i]);
        cJSON_AddItemToArray(items, item);
    }
    return items_json(items, count);
}

static cJSON *query_json(const reef__page_t *page)
{
    cJSON *items = cJSON_CreateArray(), *json;
    char cursor[16];

    for (size_t i = 0; i < page->entities.count; i++) {
        cJSON_AddItemToArray(items, reef__page_entity_json(page, i));
    }
    json = items_json(items, (double)page->total);
    snprintf(cursor, sizeof(cursor), "%" PRIu32, page->after);
    cJSON_AddItemToObject(json, "next_cursor",
                          page->more ? cJSON_CreateString(cursor) : cJSON_CreateNull());
    return json;
}

char *reef__topic_print(reef__topics_t *topics, reef__topic_t *topic)
{
    cJSON *json = NULL;
    char *text;

    switch (topic->kind) {
    case REEF__TOPIC_FRAMES:
        json = reef__frame_json(&topics->frame);
        break;
    case REEF__TOPIC_METRICS:
        json = reef__metrics_json(topics->admin, topics->frame.now.tick);
        break;
    case REEF__TOPIC_SYSTEMS:
        json = items_json(reef__systems_items(&topic->systems),
                          (double)topic->systems.list.count);
        break;
    case REEF__TOPIC_CLIENTS:
        json = items_json(reef__clients_items(&topic->clients),
                          (double)topic->clients.total);
        break;
    case REEF__TOPIC_SNAPSHOTS:
        json = snapshots_json(topics->admin);
        break;
    case REEF__TOPIC_LISTS:
        json = lists_json(&topic->lists);
        break;
    case REEF__TOPIC_ENTITY:
        json =
            topic->found ? reef__page_entity_json(&topic->page, 0) : cJSON_CreateNull();
        break;
    case REEF__TOPIC_QUERY:
        json = query_json(&topic->page);
        break;
    }
    text = reef__json_print(json);
    cJSON_Delete(json);
    return text;
}

void reef__topics_finish(reef__topics_t *topics)
{
    for (size_t i = 0; i < topics->count; i++) {
        reef__page_finish(&topics->items[i].page);
        reef__clients_finish(&topics->items[i].clients);
        reef__systems_finish(&topics->items[i].systems);
        reef__list_counts_finish(&topics->items[i].lists);
    }
}
