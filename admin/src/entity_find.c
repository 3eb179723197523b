/*
 * Tables are judged once for all their rows.  The lowest of many rows are kept in a
 * max-heap by index: a row that is not below the top is dismissed by one comparison.
 */
#include "entity_find.h"

#include <reef/components.h>
#include <reef/table.h>

#include <stdio.h>
#include <stdlib.h>

bool reef__finder_init(reef__finder_t *finder,
                       reef_world_t *world,
                       const reef__name_list_t *query,
                       const char *search,
                       char unknown[64])
{
    *finder = (reef__finder_t){.world = world, .search = search};
    for (size_t i = 0; i < query->count; i++) {
        reef_component_t component =
            reef_world_find_component(world, reef_span_text(query->names[i]));

        if (component == REEF_NO_COMPONENT) {
            snprintf(unknown, 64, "%s", query->names[i]);
            return false;
        }
        finder->with[finder->with_count++] = component;
    }
    finder->name = reef_world_component(world, &name_type);
    if (!reef__parse_id(search, &finder->search_id)) {
        finder->search_id = 0;
    }
    return true;
}

bool reef__finder_matches(const reef__finder_t *finder, reef_entity_t entity)
{
    const name_t *name;

    for (size_t i = 0; i < finder->with_count; i++) {
        if (!reef_world_has(finder->world, entity, finder->with[i])) {
            return false;
        }
    }
    if (finder->search[0] == '\0' || entity == finder->search_id) {
        return true;
    }
    name = reef_world_find(finder->world, entity, finder->name);
    return name != NULL && strcasestr(name->value, finder->search) != NULL;
}

static bool table_matches(const reef__finder_t *finder, const reef_table_t *table)
{
    uint32_t count;
    const reef_component_t *components;

    if (table == NULL) {
        return false;
    }
    components = reef_table_components(table, &count);
    for (size_t i = 0; i < finder->with_count; i++) {
        uint32_t k = 0;

        while (k < count && components[k] != finder->with[i]) {
            k++;
        }
        if (k == count) {
            return false;
        }
    }
    return true;
}

uint64_t reef__finder_count(const reef__finder_t *finder)
{
    uint32_t tables = reef_world_table_count(finder->world);
    uint64_t total = 0;

    if (finder->with_count == 0) {
        return reef_world_entity_count(finder->world);
    }
    for (uint32_t i = 0; i < tables; i++) {
        const reef_table_t *table = reef_world_table(finder->world, i);

        if (table_matches(finder, table)) {
            total += reef_table_row_count(table);
        }
    }
    return total;
}

static void swap(reef_entity_t *a, reef_entity_t *b)
{
    reef_entity_t kept = *a;

    *a = *b;
    *b = kept;
}

static bool is_above(reef_entity_t a, reef_entity_t b)
{
    return reef_entity_index(a) > reef_entity_index(b);
}

static void sift_up(reef__lowest_t *lowest)
{
    size_t at = lowest->count - 1;

    while (at > 0 && is_above(lowest->items[at], lowest->items[(at - 1) / 2])) {
        swap(&lowest->items[at], &lowest->items[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
}

static void sift_down(reef__lowest_t *lowest)
{
    size_t at = 0;

    for (;;) {
        size_t child = 2 * at + 1;

        if (child + 1 < lowest->count &&
            is_above(lowest->items[child + 1], lowest->items[child])) {
            child++;
        }
        if (child >= lowest->count ||
            !is_above(lowest->items[child], lowest->items[at])) {
            return;
        }
        swap(&lowest->items[child], &lowest->items[at]);
        at = child;
    }
}

void reef__lowest_offer(reef__lowest_t *lowest, reef_entity_t entity)
{
    if (lowest->count < lowest->capacity) {
        lowest->items[lowest->count++] = entity;
        sift_up(lowest);
    } else if (is_above(lowest->items[0], entity)) {
        lowest->items[0] = entity;
        sift_down(lowest);
    }
}

static void
offer_table(reef__lowest_t *lowest, const reef_table_t *table, uint32_t after)
{
    uint32_t chunks = reef_table_chunk_count(table);

    for (uint32_t i = 0; i < chunks; i++) {
        reef_chunk_view_t chunk = reef_table_chunk(table, i);

        for (uint32_t row = 0; row < chunk.count; row++) {
            if (reef_entity_index(chunk.entities[row]) > after) {
                reef__lowest_offer(lowest, chunk.entities[row]);
            }
        }
    }
}

static int by_index(const void *a, const void *b)
{
    uint32_t left = reef_entity_index(*(const reef_entity_t *)a);
    uint32_t right = reef_entity_index(*(const reef_entity_t *)b);

    return (left > right) - (left < right);
}

void reef__lowest_sort(reef__lowest_t *lowest)
{
    qsort(lowest->items, lowest->count, sizeof(*lowest->items), by_index);
}

void reef__finder_lowest(const reef__finder_t *finder,
                         uint32_t after,
                         reef__lowest_t *lowest)
{
    uint32_t tables = reef_world_table_count(finder->world);

    for (uint32_t i = 0; i < tables; i++) {
        const reef_table_t *table = reef_world_table(finder->world, i);

        if (table_matches(finder, table)) {
            offer_table(lowest, table, after);
        }
    }
    reef__lowest_sort(lowest);
}
