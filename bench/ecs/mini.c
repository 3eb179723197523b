/*
 * Tables own one growing array per component and one of entity ids.  A record per
 * index says in which table and row an entity lies and how often the index was used.
 * Removing a row moves the last one into its place.  An edge remembers, per table and
 * component, where a row goes and what is to be copied, so that adding and removing
 * look nothing up.  Memory grows by doubling and is kept.
 */
#include "mini.h"

#include "harness.h"
#include "mini_store.h"

#include <stdlib.h>

mini_store_t *mini_store_create(void)
{
    mini_store_t *store = bench_resize(NULL, sizeof(*store));

    memset(store, 0, sizeof(*store));
    return store;
}

void mini_component(mini_store_t *store, uint32_t component, uint32_t size)
{
    store->sizes[component] = size;
}

void mini_observe(mini_store_t *store,
                  uint32_t component,
                  mini_hook_fn added,
                  mini_hook_fn removed,
                  void *context)
{
    store->added[component] = added;
    store->removed[component] = removed;
    store->contexts[component] = context;
}

void mini_track(mini_store_t *store, uint32_t component)
{
    store->tracked |= 1ull << component;
}

uint64_t mini_take_changes(mini_store_t *store, uint32_t component)
{
    uint64_t changes = 0;

    for (uint32_t i = 0; i < store->table_count; i++) {
        mini_table_t *table = store->tables[i];
        uint32_t words = table->dirty[component] ? (table->capacity + 63) / 64 : 0;

        for (uint32_t word = 0; word < words; word++) {
            uint64_t bits = table->dirty[component][word];

            for (; bits != 0; bits &= bits - 1) {
                changes++;
            }
            table->dirty[component][word] = 0;
        }
    }
    return changes;
}

/* Growing ----------------------------------------------------------------------- */

static uint32_t grown(uint32_t capacity, uint32_t count, uint32_t least)
{
    capacity = capacity > least ? capacity : least;
    while (capacity < count) {
        capacity *= 2;
    }
    return capacity;
}

void mini__table_grow(mini_store_t *store, mini_table_t *table, uint32_t count)
{
    uint32_t old = table->capacity, capacity = grown(old, count, 16);

    for (uint32_t i = 0; i < table->value_count; i++) {
        uint32_t component = table->values[i].component;

        table->columns[component] = bench_resize(
            table->columns[component], (size_t)capacity * table->values[i].size);
        if (store->tracked >> component & 1) {
            size_t words = (capacity + 63) / 64, old_words = (old + 63) / 64;

            table->dirty[component] =
                bench_resize(table->dirty[component], words * sizeof(uint64_t));
            memset(table->dirty[component] + old_words, 0,
                   (words - old_words) * sizeof(uint64_t));
        }
    }
    table->entities =
        bench_resize(table->entities, capacity * sizeof(*table->entities));
    table->capacity = capacity;
}

void mini__record_grow(mini_store_t *store, uint32_t count)
{
    store->record_capacity = grown(store->record_capacity, count, 64);
    store->records =
        bench_resize(store->records, store->record_capacity * sizeof(*store->records));
}

/* Plans, tables and edges ---------------------------------------------------------- */

static inline void move_value(uint8_t *restrict from,
                              uint8_t *restrict to,
                              size_t old,
                              size_t last,
                              size_t row,
                              size_t size)
{
    memcpy(to + row * size, from + old * size, size);
    if (old != last) {
        memcpy(from + old * size, from + last * size, size);
    }
}

#define MOVE_OF(bytes_)                                                                \
    static void move_##bytes_(uint8_t *restrict from, uint8_t *restrict to,            \
                              size_t old, size_t last, size_t row, size_t size)        \
    {                                                                                  \
        (void)size;                                                                    \
        move_value(from, to, old, last, row, bytes_);                                  \
    }
MOVE_OF(4)
MOVE_OF(8)
MOVE_OF(12)
MOVE_OF(16)

static void move_any(uint8_t *restrict from,
                     uint8_t *restrict to,
                     size_t old,
                     size_t last,
                     size_t row,
                     size_t size)
{
    move_value(from, to, old, last, row, size);
}

static mini_move_fn move_of(uint32_t size)
{
    switch (size) {
    case 4:
        return move_4;
    case 8:
        return move_8;
    case 12:
        return move_12;
    case 16:
        return move_16;
    default:
        return move_any;
    }
}

static void table_destroy(mini_table_t *table)
{
    for (uint32_t i = 0; i < MINI_MAX_COMPONENTS; i++) {
        free(table->columns[i]);
        free(table->dirty[i]);
        free(table->add[i].moves);
        free(table->remove[i].moves);
    }
    free(table->entities);
    free(table->values);
    free(table);
}

void mini_store_destroy(mini_store_t *store)
{
    for (uint32_t i = 0; i < store->table_count; i++) {
        table_destroy(store->tables[i]);
    }
    free(store->tables);
    free(store->records);
    free(store->free_indices);
    free(store);
}

mini_table_t *mini_table(mini_store_t *store, uint64_t components)
{
    mini_table_t *table;

    for (uint32_t i = 0; i < store->table_count; i++) {
        if (store->tables[i]->components == components) {
            return store->tables[i];
        }
    }
    table = bench_resize(NULL, sizeof(*table));
    memset(table, 0, sizeof(*table));
    table->components = components;
    table->values = bench_resize(NULL, MINI_MAX_COMPONENTS * sizeof(*table->values));
    for (uint32_t i = 0; i < MINI_MAX_COMPONENTS; i++) {
        if (components >> i & 1 && store->sizes[i] != 0) {
            table->values[table->value_count++] =
                (mini_value_t){i, store->sizes[i], move_of(store->sizes[i])};
        }
    }
    store->tables =
        bench_resize(store->tables, (store->table_count + 1) * sizeof(*store->tables));
    store->tables[store->table_count++] = table;
    return table;
}

static mini_table_t *edge_build(mini_store_t *store,
                                mini_edge_t *edge,
                                const mini_table_t *from,
                                uint64_t components)
{
    edge->to = mini_table(store, components);
    edge->moves = bench_resize(NULL, from->value_count * sizeof(*edge->moves));
    for (uint32_t i = 0; i < from->value_count; i++) {
        if (components >> from->values[i].component & 1) {
            edge->moves[edge->move_count++] = from->values[i];
        }
    }
    return edge->to;
}

/* Entities ------------------------------------------------------------------------ */

mini_entity_t
mini_spawn(mini_store_t *store, mini_table_t *table, const void *const *values)
{
    mini_entity_t entity = mini__reserve(store);
    uint32_t row = mini__append(store, table, entity);

    for (uint32_t i = 0; i < table->value_count; i++) {
        uint32_t size = table->values[i].size;

        mini__copy(table->columns[table->values[i].component] + (size_t)row * size,
                   values[i], size);
    }
    return entity;
}

void mini_spawn_rows(mini_store_t *store,
                     mini_table_t *table,
                     uint32_t count,
                     const void *const *columns,
                     mini_entity_t *entities)
{
    uint32_t first = table->count;

    if (first + count > table->capacity) {
        mini__table_grow(store, table, first + count);
    }
    for (uint32_t i = 0; i < count; i++) {
        entities[i] = mini__reserve(store);
        mini__append(store, table, entities[i]);
    }
    for (uint32_t i = 0; i < table->value_count; i++) {
        uint32_t size = table->values[i].size;

        memcpy(table->columns[table->values[i].component] + (size_t)first * size,
               columns[i], (size_t)count * size);
    }
}

/* The last row's value takes the place of one that goes for good. */
static inline void
close_column(mini_table_t *table, uint32_t component, uint32_t row, uint32_t size)
{
    uint32_t last = table->count - 1;

    if (row != last) {
        mini__copy(table->columns[component] + (size_t)row * size,
                   table->columns[component] + (size_t)last * size, size);
    }
}

/* Let the last row's entity have a row that becomes free; the values are copied by the
 * caller. */
static inline void close_gap(mini_store_t *store, mini_table_t *table, uint32_t row)
{
    uint32_t last = --table->count;
    mini_entity_t moved = table->entities[last];

    table->entities[row] = moved;
    store->records[(uint32_t)moved].row = row;
}

bool mini_despawn(mini_store_t *store, mini_entity_t entity)
{
    mini_record_t *record = mini__record(store, entity);
    mini_table_t *table;

    if (record == NULL) {
        return false;
    }
    if (store->free_count == store->free_capacity) {
        store->free_capacity = grown(store->free_capacity, store->free_count + 1, 64);
        store->free_indices = bench_resize(
            store->free_indices, store->free_capacity * sizeof(*store->free_indices));
    }
    store->free_indices[store->free_count++] = (uint32_t)entity;
    table = record->table;
    for (uint32_t i = 0; i < table->value_count; i++) {
        close_column(table, table->values[i].component, record->row,
                     table->values[i].size);
    }
    close_gap(store, table, record->row);
    record->table = &store->limbo;
    record->generation++;
    return true;
}

uint64_t mini_count(const mini_store_t *store)
{
    return store->record_count - store->free_count;
}

/* Components of an entity ---------------------------------------------------------- */

static inline uint32_t move_row(mini_store_t *store,
                                mini_record_t *record,
                                const mini_edge_t *edge,
                                mini_entity_t entity)
{
    const mini_value_t *move = edge->moves, *end = move + edge->move_count;
    mini_table_t *from = record->table, *to = edge->to;
    uint32_t old = record->row, last = from->count - 1, row;

    close_gap(store, from, old); /* it may be the last: before it moves */
    row = mini__append(store, to, entity);
    for (; move != end; move++) {
        move->move(from->columns[move->component], to->columns[move->component], old,
                   last, row, move->size);
    }
    return row;
}

bool mini_add(mini_store_t *store,
              mini_entity_t entity,
              uint32_t component,
              const void *value)
{
    mini_record_t *record = mini__record(store, entity);
    uint32_t row, size = store->sizes[component];
    mini_edge_t *edge;
    mini_table_t *to;
    void *place;

    if (record == NULL) {
        return false;
    }
    row = record->row;
    edge = &record->table->add[component];
    to = edge->to;
    if (to == NULL) {
        to = edge_build(store, edge, record->table,
                        record->table->components | 1ull << component);
    }
    if (to != record->table) {
        row = move_row(store, record, edge, entity);
    }
    place = mini__value(to, component, row, size);
    mini__copy(place, value, size);
    if (store->added[component] != NULL) {
        store->added[component](entity, place, store->contexts[component]);
    }
    return true;
}

bool mini_remove(mini_store_t *store, mini_entity_t entity, uint32_t component)
{
    mini_record_t *record = mini__record(store, entity);
    mini_edge_t *edge;

    if (record == NULL || (record->table->components >> component & 1) == 0) {
        return false;
    }
    edge = &record->table->remove[component];
    if (edge->to == NULL) {
        edge_build(store, edge, record->table,
                   record->table->components & ~(1ull << component));
    }
    if (store->removed[component] != NULL) {
        store->removed[component](entity,
                                  record->table->columns[component] +
                                      (size_t)record->row * store->sizes[component],
                                  store->contexts[component]);
    }
    close_column(record->table, component, record->row, store->sizes[component]);
    move_row(store, record, edge, entity);
    return true;
}

const void *
mini_find(const mini_store_t *store, mini_entity_t entity, uint32_t component)
{
    const mini_record_t *record = mini__record(store, entity);
    const uint8_t *column = record ? record->table->columns[component] : NULL;

    return column ? column + (size_t)record->row * store->sizes[component] : NULL;
}

void *mini_find_mut(mini_store_t *store, mini_entity_t entity, uint32_t component)
{
    const mini_record_t *record = mini__record(store, entity);
    uint8_t *column = record ? record->table->columns[component] : NULL;

    if (column == NULL) {
        return NULL;
    }
    if (record->table->dirty[component] != NULL) {
        record->table->dirty[component][record->row / 64] |= 1ull << record->row % 64;
    }
    return column + (size_t)record->row * store->sizes[component];
}

/* Queries -------------------------------------------------------------------------- */

mini_query_t mini_query(const mini_store_t *store, uint32_t component)
{
    mini_query_t query = {
        .matches = bench_resize(NULL, store->table_count * sizeof(*query.matches))};

    for (uint32_t i = 0; i < store->table_count; i++) {
        const mini_table_t *table = store->tables[i];

        if (table->components >> component & 1) {
            query.matches[query.count++] =
                (mini_match_t){&table->count, &table->columns[component]};
        }
    }
    return query;
}

void mini_query_finish(mini_query_t *query)
{
    free(query->matches);
}
