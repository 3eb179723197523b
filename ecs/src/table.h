/**
 * @file table.h
 * @brief The rows of all entities with one set of components.
 */
#ifndef REEF_ECS_TABLE_H
#define REEF_ECS_TABLE_H

#include "component.h"
#include "copy.h"
#include "watch.h"

#include <reef/query.h>
#include <reef/table.h>

#include <assert.h>
#include <string.h>

enum {
    REEF__CHUNK_ROWS = 1 << REEF__CHUNK_SHIFT, /* of a full chunk */
    REEF__FIRST_ROWS = 8,                      /* room of a new table */
    REEF__NO_COLUMN = UINT8_MAX,
};

typedef struct reef__column {
    uint8_t *data;        /* [room] values, 64-byte aligned; of a tag no matter */
    uint64_t *versions;   /* [chunks] of the last write in each */
    reef__track_t *track; /* when queries watch it, else NULL */
    uint32_t size;        /* of one value; 0 = tag */
} reef__column_t;

typedef struct reef__retired_region {
    void *data;
    size_t size;
} reef__retired_region_t;

/** What the tables of one world share. */
typedef struct reef__storage {
    const reef_alloc_t *alloc;
    void *retired; /* a block that an operation may still read from */
    size_t retired_size;
    reef__retired_region_t
        retired_regions[1 + REEF_MAX_TABLE_COMPONENTS]; /* likewise */
} reef__storage_t;

struct reef__edge;

struct reef_table {
    /* What random access reads comes first. */
    reef__column_t *columns;  /* [component_count], by ascending component */
    const uint8_t *column_of; /* [component_limit] or REEF__NO_COLUMN */
    uint32_t component_limit; /* the highest component, plus 1 */
    uint32_t component_count;
    reef_entity_t *entities; /* [room] */
    uint64_t *versions;      /* [chunks] of the last change of rows in each */
    uint32_t row_count;
    uint32_t room;          /* rows that fit */
    uint32_t stamp;         /* counts changes of rows, for the caches of queries */
    uint32_t stamped_chunk; /* the chunk last stamped as a whole, and with what */
    uint64_t stamped_version;
    uint32_t track_count; /* columns that are watched */
    bool hooked; /* something is to be done before a row goes: any of the next four */
    bool remove_observed, despawn_observed, owning, related;
    bool add_observed;
    bool is_large; /* columns are regions, else all are in one block */

    reef__storage_t *storage;
    uint8_t *block; /* versions, and in a small table entities and columns */
    size_t block_size;
    size_t entities_reserved;     /* bytes, in a large table */
    reef_component_t *components; /* [component_count] ascending */
    const reef_type_t **owners;   /* [component_count] of values that own, else NULL */
    size_t *reserved;             /* [component_count] bytes, in a large table */
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

/** Release what is kept for the last operation. */
void reef__storage_trim(reef__storage_t *storage);

/** Make room for at least @p wanted more rows.  Values may move; the old ones can be
 *  read until the next call for a table of this world. */
void reef__table_grow(reef_table_t *table, uint32_t wanted);

/** Let go of memory that the rows there are do not need. */
void reef__table_trim(reef_table_t *table);

/** Give all memory of rows back, whose values are forgotten. */
void reef__table_free_memory(reef_table_t *table);

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

/** The value at @p row.  Of a tag: an address without meaning, not NULL. */
static inline uint8_t *
reef__table_value(const reef_table_t *table, uint32_t row, uint32_t column)
{
    const reef__column_t *at = &table->columns[column];

    return at->data + (size_t)row * at->size;
}

/** Note that one value was written. */
static inline void reef__table_note_write(const reef_table_t *table,
                                          uint32_t row,
                                          uint32_t column,
                                          uint64_t version)
{
    const reef__column_t *at = &table->columns[column];

    at->versions[row >> REEF__CHUNK_SHIFT] = version;
    if (REEF_UNLIKELY(at->track != NULL)) {
        reef__track_mark(at->track, row, at->track->written);
    }
}

/** A row came from the chunk of @p last to that of @p row: a write not looked at yet
 *  stays one where the row is now. */
void reef__table_raise_versions(reef_table_t *table,
                                uint32_t row,
                                uint32_t last,
                                uint64_t version);

/** The hole's watch bits become those of the row that fills it, which are then cleared.
 */
void reef__table_move_bits(reef_table_t *table, uint32_t row, uint32_t last);

/** Note that all columns of a chunk were written. */
static inline void
reef__table_stamp(reef_table_t *table, uint32_t chunk, uint64_t version)
{
    table->stamped_chunk = chunk;
    table->stamped_version = version;
    table->versions[chunk] = version;
    for (uint32_t i = 0; i < table->component_count; i++) {
        table->columns[i].versions[chunk] = version;
    }
}

/** Append a row.  The caller fills in entity and values, and notes on watched columns;
 *  all columns count as written. */
static inline uint32_t reef__table_append(reef_table_t *table, uint64_t version)
{
    uint32_t row = table->row_count;
    uint32_t chunk = row >> REEF__CHUNK_SHIFT;

    if (REEF_UNLIKELY(row == table->room)) {
        reef__table_grow(table, 1);
    }
    table->row_count = row + 1;
    table->stamp++;
    if (chunk != table->stamped_chunk || version != table->stamped_version) {
        reef__table_stamp(table, chunk, version);
    }
    return row;
}

/** A row was taken away from @p row, and the last one, at @p last, put there; both are
 *  told to versions and watches.  The table has a row less. */
static inline void
reef__table_note_gap(reef_table_t *table, uint32_t row, uint32_t last, uint64_t version)
{
    table->versions[last >> REEF__CHUNK_SHIFT] = version;
    table->row_count = last;
    table->stamp++;
    if (row >> REEF__CHUNK_SHIFT != last >> REEF__CHUNK_SHIFT) {
        reef__table_raise_versions(table, row, last, version);
    }
    if (REEF_UNLIKELY(table->track_count > 0)) {
        reef__table_move_bits(table, row, last);
    }
}

/**
 * Fill the hole at @p row with the table's last row.  Values of @p row are forgotten,
 * not dropped.
 *
 * @return The entity that is now at @p row; 0 when it was the last.
 */
static inline reef_entity_t
reef__table_swap_remove(reef_table_t *table, uint32_t row, uint64_t version)
{
    uint32_t last = table->row_count - 1;
    const reef__column_t *column = table->columns;
    const reef__column_t *end = column + table->component_count;
    reef_entity_t moved = 0;

    REEF_DEBUG_ASSERT(row <= last);
    if (REEF_LIKELY(row != last)) {
        moved = table->entities[last];
        table->entities[row] = moved;
        for (; column != end; column++) {
            uint8_t *data = column->data;
            size_t size = column->size;

            reef__copy_value(data + row * size, data + last * size, size);
        }
    }
    reef__table_note_gap(table, row, last, version);
    return moved;
}

/** Mark a new row's watched columns: as in row @p from_row of @p from where that table
 *  has the component, else as added. */
void reef__table_track_arrival(reef_table_t *table,
                               uint32_t row,
                               const reef_table_t *from,
                               uint32_t from_row);

/** Chunks that a number of rows takes. */
static inline uint32_t reef__chunk_count(uint32_t rows)
{
    return (rows >> REEF__CHUNK_SHIFT) + ((rows & (REEF__CHUNK_ROWS - 1)) != 0);
}

/** Rows in chunk @p chunk, which holds some. */
static inline uint32_t reef__table_chunk_rows(const reef_table_t *table, uint32_t chunk)
{
    uint32_t rest = table->row_count - (chunk << REEF__CHUNK_SHIFT);

    return rest < REEF__CHUNK_ROWS ? rest : REEF__CHUNK_ROWS;
}

#endif /* REEF_ECS_TABLE_H */
