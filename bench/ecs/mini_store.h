/**
 * @file mini_store.h
 * @brief What mini.c and mini_commands.c share, and nobody else sees.
 */
#ifndef BENCH_MINI_STORE_H
#define BENCH_MINI_STORE_H

#include "mini.h"

#include <string.h>

/** Copy row @p old of a column to row @p row of another, and close the gap with row
 *  @p last. */
typedef void (*mini_move_fn)(uint8_t *restrict from,
                             uint8_t *restrict to,
                             size_t old,
                             size_t last,
                             size_t row,
                             size_t size);

/** A component with data; the function knows the usual sizes. */
typedef struct mini_value {
    uint32_t component;
    uint32_t size;
    mini_move_fn move;
} mini_value_t;

/** Where a row goes when one component comes or goes, and what goes along. */
typedef struct mini_edge {
    mini_table_t *to; /* NULL = not looked up yet */
    mini_value_t *moves;
    uint32_t move_count;
} mini_edge_t;

/* Columns are found by component id, so a get needs no search. */
struct mini_table {
    uint8_t *columns[MINI_MAX_COMPONENTS]; /* NULL = not there, or a tag */
    mini_entity_t *entities;
    uint32_t count, capacity;
    mini_value_t *values; /* ascending */
    uint32_t value_count;
    uint64_t components;
    uint64_t *dirty[MINI_MAX_COMPONENTS]; /* bitmap of rows; NULL = not tracked */
    mini_edge_t add[MINI_MAX_COMPONENTS], remove[MINI_MAX_COMPONENTS];
};

typedef struct mini_record {
    mini_table_t *table;
    uint32_t row;
    uint32_t generation;
} mini_record_t;

struct mini_store {
    mini_record_t *records;
    uint32_t record_count, record_capacity;
    uint32_t *free_indices;
    uint32_t free_count, free_capacity;
    uint32_t sizes[MINI_MAX_COMPONENTS];
    mini_hook_fn added[MINI_MAX_COMPONENTS], removed[MINI_MAX_COMPONENTS];
    void *contexts[MINI_MAX_COMPONENTS];
    uint64_t tracked;
    mini_table_t **tables;
    uint32_t table_count;
    mini_table_t limbo; /* of ids that are reserved but not spawned */
};

/** Copy a value; the usual sizes without a call. */
static inline void
mini__copy(void *restrict to, const void *restrict from, uint32_t size)
{
    switch (size) {
    case 4:
        memcpy(to, from, 4);
        break;
    case 8:
        memcpy(to, from, 8);
        break;
    case 12:
        memcpy(to, from, 12);
        break;
    case 16:
        memcpy(to, from, 16);
        break;
    default:
        memcpy(to, from, size);
    }
}

static inline uint8_t *
mini__value(const mini_table_t *table, uint32_t component, uint32_t row, uint32_t size)
{
    return table->columns[component] + (size_t)row * size;
}

static inline mini_record_t *mini__record(const mini_store_t *store,
                                          mini_entity_t entity)
{
    uint32_t index = (uint32_t)entity;
    mini_record_t *record = &store->records[index];

    return index < store->record_count && record->generation == (uint32_t)(entity >> 32)
               ? record
               : NULL;
}

void mini__table_grow(mini_store_t *store, mini_table_t *table, uint32_t count);
void mini__record_grow(mini_store_t *store, uint32_t count);

/** An id that is in limbo. */
static inline mini_entity_t mini__reserve(mini_store_t *store)
{
    uint32_t index;

    if (store->free_count > 0) {
        index = store->free_indices[--store->free_count];
    } else {
        if (store->record_count == store->record_capacity) {
            mini__record_grow(store, store->record_count + 1);
        }
        index = store->record_count++;
        store->records[index] = (mini_record_t){.table = &store->limbo};
    }
    return (uint64_t)store->records[index].generation << 32 | index;
}

/** Give a reserved id its row; the values are the caller's to write. */
static inline uint32_t
mini__append(mini_store_t *store, mini_table_t *table, mini_entity_t entity)
{
    mini_record_t *record = &store->records[(uint32_t)entity];
    uint32_t row = table->count;

    if (row == table->capacity) {
        mini__table_grow(store, table, row + 1);
    }
    table->count = row + 1;
    table->entities[row] = entity;
    record->table = table;
    record->row = row;
    return row;
}

#endif /* BENCH_MINI_STORE_H */
