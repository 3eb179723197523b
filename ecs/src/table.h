/**
 * @file table.h
 * @brief The rows of all entities with one set of components.
 */
#ifndef REEF_ECS_TABLE_H
#define REEF_ECS_TABLE_H

#include "component.h"
#include "copy.h"
#include "slab.h"
#include "watch.h"

#include <reef/table.h>

#include <assert.h>
#include <string.h>

enum {
    REEF__CHUNK_SIZE = 64 * 1024, /* bytes of the rows of a full chunk, at most */
    REEF__CHUNK_ROWS = REEF__WATCH_MAX_ROWS,
    REEF__FIRST_ROWS = 8, /* rows the first chunk begins with */
    REEF__NO_COLUMN = UINT8_MAX,
    REEF__ROWS_VERSION = 0, /* slot of a chunk's rows among its versions */
};

typedef struct reef__column {
    uint32_t offset; /* bytes from the start of a chunk to the values; of a tag 0 */
    uint32_t size;   /* of one value; 0 = tag */
    const reef_type_t *owner; /* when its values own something, else NULL */
    reef__track_t *track;     /* when queries watch it, else NULL */
} reef__column_t;

/** Chunks that were allocated together. */
typedef struct reef__slab {
    uint8_t *data;
    size_t size;
    uint32_t first_chunk;
    bool big; /* from the slab pool */
} reef__slab_t;

/** What the tables of one world share. */
typedef struct reef__storage {
    const reef_alloc_t *alloc;
    reef__slab_pool_t slabs;
    void *retired; /* a block that an operation may still read from */
    size_t retired_size;
} reef__storage_t;

struct reef__edge;

struct reef_table {
    /* What random access reads comes first. */
    uint8_t **chunks;         /* [chunk_count] a chunk: entities, then columns */
    reef__column_t *columns;  /* [component_count], by ascending component */
    const uint8_t *column_of; /* [component_limit] or REEF__NO_COLUMN */
    uint64_t *versions;       /* [chunk_count][stride]: rows, then each column */
    uint32_t component_limit; /* the highest component, plus 1 */
    uint32_t shift;           /* a full chunk has 1 << shift rows */
    uint32_t row_count;
    uint32_t room;   /* rows that fit into the chunks there are */
    uint32_t stride; /* 1 + component_count */
    uint32_t component_count;
    uint32_t stamp; /* counts changes of rows, for the caches of queries */
    uint32_t owner_count;
    uint32_t track_count;                                 /* columns that are watched */
    bool add_observed, remove_observed, despawn_observed; /* some component is */
    bool related;                                         /* has a relation */

    uint32_t chunk_count;
    uint32_t chunk_capacity;
    size_t chunk_size; /* bytes of a full chunk */
    struct {
        reef__slab_t *items; /* the first is the chunk that grows */
        size_t count, capacity;
    } slabs;
    reef__storage_t *storage;
    reef_component_t *components; /* ascending */
    uint64_t sequence;            /* tables are made in this order */
    uint32_t index;               /* among the tables of the world */
    uint32_t pins;                /* bundles that hold it */

    /** What becomes of an entity when a component comes (if it is absent here) or
     *  goes (if it is present): [edge_count], NULL where not needed yet. */
    struct reef__edge **edges;
    uint32_t edge_count;

    reef__component_set_t set;
};

/** An empty table.  @p components are distinct and ascending, and copied.  Owned by
 *  the caller: reef__table_destroy(). */
reef_table_t *reef__table_create(reef__storage_t *storage,
                                 const reef__component_registry_t *registry,
                                 const reef_component_t *components,
                                 uint32_t count);

/** Drop all values, then the table; its edges are the owner's. */
void reef__table_destroy(reef_table_t *table);

/** Release the block kept for the last operation, and spare slabs. */
void reef__storage_trim(reef__storage_t *storage);

/** Make room for at least one more row, for up to @p wanted at best. */
void reef__table_grow(reef_table_t *table, uint32_t wanted);

/** Let memory go that more rows than there are would need, but for one chunk. */
void reef__table_shrink(reef_table_t *table);

/** Release the memory of a table without rows. */
void reef__table_clear(reef_table_t *table);

/** Run the drop hooks of a row. */
void reef__table_drop_row(reef_table_t *table, uint32_t row);

/** Follow the watches of a component that is in the table. */
void reef__table_update_track(reef_table_t *table,
                              const reef__component_registry_t *registry,
                              reef_component_t component);

static inline uint8_t reef__table_column_of(const reef_table_t *table,
                                            reef_component_t component)
{
    return component < table->component_limit ? table->column_of[component]
                                              : (uint8_t)REEF__NO_COLUMN;
}

/** Row number within its chunk. */
static inline uint32_t reef__table_place(const reef_table_t *table, uint32_t row)
{
    return row & ((1u << table->shift) - 1);
}

static inline reef_entity_t *reef__table_entity(const reef_table_t *table, uint32_t row)
{
    return (reef_entity_t *)(void *)table->chunks[row >> table->shift] +
           reef__table_place(table, row);
}

/** The value at @p row.  Of a tag: an address without meaning, not NULL. */
static inline uint8_t *
reef__table_value(const reef_table_t *table, uint32_t row, uint32_t column)
{
    const reef__column_t *at = &table->columns[column];

    return table->chunks[row >> table->shift] + at->offset +
           (size_t)reef__table_place(table, row) * at->size;
}

/** The versions of a chunk: of its rows, then of each column. */
static inline uint64_t *reef__table_versions(const reef_table_t *table, uint32_t chunk)
{
    return &table->versions[(size_t)chunk * table->stride];
}

/** Note that one value was written. */
static inline void reef__table_note_write(const reef_table_t *table,
                                          uint32_t row,
                                          uint32_t column,
                                          uint64_t version)
{
    uint32_t chunk = row >> table->shift;
    reef__track_t *track = table->columns[column].track;

    reef__table_versions(table, chunk)[1 + column] = version;
    if (REEF_UNLIKELY(track != NULL)) {
        reef__track_mark(track, chunk, reef__table_place(table, row), track->written);
    }
}

/** Append a row.  The caller fills in entity and values, and notes on watched columns;
 *  all columns count as written. */
static inline uint32_t reef__table_append(reef_table_t *table, uint64_t version)
{
    uint32_t row = table->row_count;
    uint64_t *versions;

    if (REEF_UNLIKELY(row == table->room)) {
        reef__table_grow(table, 1);
    }
    table->row_count = row + 1;
    table->stamp++;
    versions = reef__table_versions(table, row >> table->shift);
    for (uint32_t i = 0; i < table->stride; i++) {
        versions[i] = version;
    }
    return row;
}

/**
 * Fill the hole at @p row with the table's last row.  Values of @p row are forgotten,
 * not dropped.
 *
 * @return The entity that is now at @p row, or 0 when it was the last.
 */
reef_entity_t
reef__table_swap_remove(reef_table_t *table, uint32_t row, uint64_t version);

/** Mark a new row's watched columns: as in row @p from_row of @p from where that table
 *  has the component, else as added. */
void reef__table_track_arrival(reef_table_t *table,
                               uint32_t row,
                               const reef_table_t *from,
                               uint32_t from_row);

/** Chunks that hold rows. */
static inline uint32_t reef__table_used_chunks(const reef_table_t *table)
{
    return (uint32_t)(((uint64_t)table->row_count + (1u << table->shift) - 1) >>
                      table->shift);
}

/** Rows in chunk @p chunk, which holds some. */
static inline uint32_t reef__table_chunk_rows(const reef_table_t *table, uint32_t chunk)
{
    uint32_t rest = table->row_count - (chunk << table->shift);

    return rest < 1u << table->shift ? rest : 1u << table->shift;
}

#endif /* REEF_ECS_TABLE_H */
