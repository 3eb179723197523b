/**
 * @file table.h
 * @brief The rows of all entities with one set of components.
 */
#ifndef REEF_ECS_TABLE_H
#define REEF_ECS_TABLE_H

#include "component.h"

#include <reef/table.h>

#include <assert.h>
#include <string.h>

enum {
    REEF__CHUNK_SIZE = 64 * 1024, /* bytes of a full chunk, at most */
    REEF__CHUNK_ROWS = 8192,      /* rows of a full chunk, at most */
    REEF__FIRST_ROWS = 8,         /* rows the first chunk begins with */
    REEF__NO_COLUMN = UINT8_MAX,
};

typedef struct reef__column {
    uint8_t *data;    /* NULL for a tag */
    uint64_t version; /* of the last write; a tag has none */
} reef__column_t;

typedef struct reef__chunk {
    reef_entity_t *entities; /* begins the block in which the columns lie */
    size_t block_size;
    uint32_t capacity; /* rows */
    uint64_t rows_version;
    reef__column_t columns[]; /* [component_count] */
} reef__chunk_t;

/** Big blocks that an operation may still read from after it let go of them. */
typedef struct reef__block_store {
    const reef_alloc_t *alloc;
    void *retired;
    size_t retired_size;
} reef__block_store_t;

typedef struct reef__drop {
    uint32_t column;
    void (*run)(void *value);
} reef__drop_t;

struct reef__edge;

struct reef_table {
    reef__block_store_t *blocks;
    reef__chunk_t **chunks;
    uint32_t chunk_count; /* up to one more than hold rows */
    uint32_t chunk_capacity;
    uint32_t row_count;
    uint32_t shift; /* a full chunk has 1 << shift rows */
    uint32_t component_count;
    bool add_observed, remove_observed; /* some component is */
    reef_component_t *components;       /* ascending */
    uint32_t *sizes;                    /* of the values in each column; 0 = tag */
    reef__drop_t *drops;                /* the columns whose values own something */
    uint32_t drop_count;
    uint32_t index; /* among the tables of the world */

    /** What becomes of an entity when a component comes (if it is absent here) or
     *  goes (if it is present): [edge_count], NULL where not needed yet. */
    struct reef__edge **edges;
    uint32_t edge_count;

    reef__component_set_t set;
    uint8_t column_of[REEF_MAX_COMPONENTS]; /* or REEF__NO_COLUMN */
};

/** Rows that lie side by side. */
typedef struct reef__slice {
    reef__chunk_t *chunk;
    uint32_t first; /* row within the chunk */
    uint32_t count;
    uint32_t row; /* the first one's row in the table */
} reef__slice_t;

/** An empty table.  @p components are distinct and ascending, and copied.  Owned by
 *  the caller: reef__table_destroy(). */
reef_table_t *reef__table_create(reef__block_store_t *blocks,
                                 const reef__component_registry_t *registry,
                                 const reef_component_t *components,
                                 uint32_t count);

/** Drop all values, then the table; its edges are the owner's. */
void reef__table_destroy(reef_table_t *table);

/** Release the block kept for the last operation. */
void reef__block_store_finish(reef__block_store_t *blocks);

/**
 * Make room for up to @p wanted rows at the end, at least one: as many as lie side by
 * side.  The caller fills in entities and values; all columns count as written.
 */
reef__slice_t
reef__table_append(reef_table_t *table, uint32_t wanted, uint64_t version);

/**
 * Fill the hole at @p row with the table's last row.  Values of @p row are forgotten,
 * not dropped.
 *
 * @return The entity that is now at @p row, or 0 when it was the last.
 */
reef_entity_t
reef__table_swap_remove(reef_table_t *table, uint32_t row, uint64_t version);

/** Run the drop hooks of a row. */
void reef__table_drop_row(reef_table_t *table, uint32_t row);

static inline reef__chunk_t *reef__table_chunk_of(const reef_table_t *table,
                                                  uint32_t row)
{
    return table->chunks[row >> table->shift];
}

/** Row number within its chunk. */
static inline uint32_t reef__table_row_in_chunk(const reef_table_t *table, uint32_t row)
{
    return row & ((1u << table->shift) - 1);
}

/** The value at @p row.  Of a tag: an address without meaning, not NULL. */
static inline void *
reef__table_value(const reef_table_t *table, uint32_t row, uint32_t column)
{
    reef__chunk_t *chunk = reef__table_chunk_of(table, row);
    size_t in_chunk = reef__table_row_in_chunk(table, row);
    uint8_t *data = chunk->columns[column].data;

    if (data == NULL) {
        return &chunk->entities[in_chunk];
    }
    return data + in_chunk * table->sizes[column];
}

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
