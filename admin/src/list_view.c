/*
 * Every page looks at all rows and keeps those that come first behind the cursor, so
 * the plugin's own order does not matter and need not be stable.  That costs a copy and
 * a comparison per row; members are counted only of rows that are kept.
 */
#include "list_view.h"

#include "entity_find.h"
#include "json_fields.h"

#include <reef/components.h>

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

static void *make_zeroed(size_t count, size_t size)
{
    void *memory = calloc(count > 0 ? count : 1, size);

    if (memory == NULL) {
        abort();
    }
    return memory;
}

/* All lists -------------------------------------------------------------------- */

void reef__list_counts_init(reef__list_counts_t *counts, reef_app_t *app)
{
    *counts = (reef__list_counts_t){.app = app};
    counts->rows = make_zeroed(reef_app_list_count(app), sizeof(*counts->rows));
}

void reef__list_counts_finish(reef__list_counts_t *counts)
{
    free(counts->rows);
    counts->rows = NULL;
}

void reef__list_counts_collect(void *argument)
{
    reef__list_counts_t *counts = argument;

    counts->now = reef__admin_now(counts->app);
    for (uint32_t i = 0; i < reef_app_list_count(counts->app); i++) {
        const reef_list_desc_t *list = reef_app_list(counts->app, i);

        counts->rows[i] = list->count(list->context);
    }
}

cJSON *reef__list_describe(const reef_list_desc_t *list, uint32_t rows)
{
    cJSON *json = cJSON_CreateObject();
    cJSON *type = reef__type_to_json(list->row);

    cJSON_AddStringToObject(json, "name", list->name);
    cJSON_AddItemToObject(json, "doc",
                          list->doc != NULL ? cJSON_CreateString(list->doc)
                                            : cJSON_CreateNull());
    cJSON_AddNumberToObject(json, "rows", rows);
    cJSON_AddStringToObject(json, "key", list->row->fields[0].name);
    cJSON_AddItemToObject(json, "fields", cJSON_DetachItemFromObject(type, "fields"));
    cJSON_AddBoolToObject(json, "has_members", list->members != NULL);
    cJSON_Delete(type);
    return json;
}

/* Walking ---------------------------------------------------------------------- */

static void begin_call(reef__list_walk_t *walk, reef_app_t *app)
{
    walk->now = reef__admin_now(app);
    walk->rows = walk->list->count(walk->list->context);
    if (!walk->begun || walk->at > walk->rows) {
        walk->begun = true;
        walk->at = walk->rows;
    }
}

/* Write the next row; false at the first. */
static bool next_row(reef__list_walk_t *walk, void *row)
{
    if (walk->at == 0) {
        walk->done = true;
        return false;
    }
    memset(row, 0, walk->list->row->size);
    walk->list->get(walk->list->context, --walk->at, row);
    return true;
}

static const reef_entity_t *members_of(const reef__list_walk_t *walk, uint32_t *count)
{
    *count = 0;
    return walk->list->members == NULL
               ? NULL
               : walk->list->members(walk->list->context, walk->at, count);
}

/* Rows ------------------------------------------------------------------------- */

void reef__rows_page_init(reef__rows_page_t *page, uint32_t limit)
{
    size_t size = page->walk.list->row->size;
    size_t most = REEF__PAGE_BYTES / size > 0 ? REEF__PAGE_BYTES / size : 1;

    reef__row_set_init(&page->set, &page->order, size,
                       limit < most ? limit : (uint32_t)most);
    page->row = make_zeroed(1, size);
}

void reef__rows_page_finish(reef__rows_page_t *page)
{
    reef__row_set_finish(&page->set);
    free(page->row);
    free(page->after);
    page->row = NULL;
    page->after = NULL;
}

static bool
field_matches(const reef_field_t *field, const void *row, const char *search)
{
    reef_value_t value;
    char text[64];

    if (field->secret || field->array_count > 0) {
        return false;
    }
    if (field->kind == REEF_KIND_STRING) {
        return strcasestr(reef_field_at_const(field, row, 0), search) != NULL;
    }
    if (field->kind != REEF_KIND_ENUM) {
        return false;
    }
    value = reef_field_get(field, reef_field_at_const(field, row, 0));
    if (value.tag != REEF_VALUE_TEXT) {
        return false;
    }
    snprintf(text, sizeof(text), "%.*s", (int)value.text.size,
             (const char *)value.text.data);
    return strcasestr(text, search) != NULL;
}

static bool row_matches(const reef__rows_page_t *page)
{
    const reef_type_t *type = page->walk.list->row;
    char key[32];

    if (page->search[0] == '\0') {
        return true;
    }
    for (uint32_t i = 0; i < type->field_count; i++) {
        if (field_matches(&type->fields[i], page->row, page->search)) {
            return true;
        }
    }
    if (page->order.key->kind == REEF_KIND_STRING) {
        return false;
    }
    reef_field_format(page->order.key,
                      reef_field_at_const(page->order.key, page->row, 0), key,
                      sizeof(key));
    return strcmp(key, page->search) == 0;
}

static void look_at_row(reef__rows_page_t *page)
{
    uint32_t slot;

    if (!row_matches(page)) {
        return;
    }
    page->total++;
    if (page->after != NULL &&
        reef__row_compare(&page->order, page->row, page->after) <= 0) {
        return;
    }
    page->behind++;
    slot = reef__row_set_offer(&page->set, page->row);
    if (slot != UINT32_MAX) {
        members_of(&page->walk, &page->set.members[slot]);
    }
}

void reef__rows_page_collect(void *argument)
{
    reef__rows_page_t *page = argument;
    uint32_t steps =
        page->search[0] != '\0' ? REEF__LIST_SEARCH_STEPS : REEF__LIST_STEPS;

    begin_call(&page->walk, page->app);
    for (uint32_t i = 0; i < steps && next_row(&page->walk, page->row); i++) {
        look_at_row(page);
    }
    page->walk.done = page->walk.at == 0;
}

cJSON *reef__row_json(const reef_list_desc_t *list, const void *row, uint32_t members)
{
    const reef_field_t *key = &list->row->fields[0];
    const void *at = reef_field_at_const(key, row, 0);
    cJSON *json = cJSON_CreateObject();
    char text[REEF_LIST_KEY_SIZE];

    reef_field_format(key, at, text, sizeof(text));
    cJSON_AddItemToObject(json, "key", reef__json_text(reef_span_text(text)));
    cJSON_AddItemToObject(json, "value", reef__value_to_json(list->row, row));
    cJSON_AddItemToObject(json, "members",
                          list->members == NULL ? cJSON_CreateNull()
                                                : cJSON_CreateNumber(members));
    return json;
}

/* One row and its members ------------------------------------------------------ */

void reef__row_page_init(reef__row_page_t *page)
{
    page->wanted = make_zeroed(1, page->walk.list->row->size);
    page->row = make_zeroed(1, page->walk.list->row->size);
    page->items = make_zeroed(page->limit, sizeof(*page->items));
}

void reef__row_page_finish(reef__row_page_t *page)
{
    free(page->wanted);
    free(page->row);
    free(page->items);
    page->wanted = NULL;
    page->row = NULL;
    page->items = NULL;
}

/* What the entity is called by @p component, which nobody may have made known. */
static const char *
text_of(const reef__row_page_t *page, reef_entity_t entity, const char *component)
{
    reef_world_t *world = reef_app_world(page->app);
    reef_component_t id = reef_world_find_component(world, reef_span_text(component));
    const void *value =
        id == REEF_NO_COMPONENT ? NULL : reef_world_find(world, entity, id);

    return value != NULL ? value : "";
}

static void copy_member(reef__row_page_t *page, reef_entity_t entity)
{
    reef__member_t *member = &page->items[page->count++];
    const client_id_t *client = REEF_FIND(reef_app_world(page->app), entity, client_id);
    const char *name = text_of(page, entity, username_type.name);

    static_assert(offsetof(username_t, value) == 0 && offsetof(name_t, value) == 0,
                  "both begin with their text");
    if (name[0] == '\0') {
        name = text_of(page, entity, name_type.name);
    }
    member->id = entity;
    member->client_id = client != NULL ? client->value : 0;
    snprintf(member->name, sizeof(member->name), "%s", name);
}

/* The lowest indices behind the cursor, one more than wanted to know of a next page. */
static void copy_members(reef__row_page_t *page)
{
    const reef_entity_t *members = members_of(&page->walk, &page->members);
    reef_entity_t found[REEF__PAGE_MAX + 1];
    reef__lowest_t lowest = {.items = found, .capacity = page->limit + 1};

    if (page->limit == 0) {
        return;
    }
    for (uint32_t i = 0; i < page->members; i++) {
        if (reef_entity_index(members[i]) > page->after) {
            reef__lowest_offer(&lowest, members[i]);
        }
    }
    reef__lowest_sort(&lowest);
    page->more = lowest.count > page->limit;
    for (size_t i = 0; i < lowest.count && i < page->limit; i++) {
        page->after = reef_entity_index(found[i]);
        if (reef_world_is_alive(reef_app_world(page->app), found[i])) {
            copy_member(page, found[i]);
        }
    }
}

void reef__row_page_collect(void *argument)
{
    reef__row_page_t *page = argument;

    begin_call(&page->walk, page->app);
    for (uint32_t i = 0; i < REEF__LIST_STEPS && next_row(&page->walk, page->row);
         i++) {
        if (reef__row_is_same(&page->order, page->row, page->wanted)) {
            page->found = true;
            page->walk.done = true;
            copy_members(page);
            return;
        }
    }
    page->walk.done = page->walk.at == 0;
}

cJSON *reef__member_json(const reef__member_t *member)
{
    cJSON *json = cJSON_CreateObject();

    reef__json_add_id(json, "id", member->id);
    if (member->client_id != 0) {
        reef__json_add_id(json, "client_id", member->client_id);
    } else {
        cJSON_AddNullToObject(json, "client_id");
    }
    cJSON_AddItemToObject(json, "name",
                          member->name[0] != '\0'
                              ? reef__json_text(reef_span_text(member->name))
                              : cJSON_CreateNull());
    return json;
}
