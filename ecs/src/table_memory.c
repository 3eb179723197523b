/*
 * A column is one array, whose rows fall into chunks of 1024: the unit of versions, of
 * the work of threads, and of snapshots.
 *
 *     row = chunk << 10 | place
 *
 * A small table is one block, which doubles:
 *
 *     | versions | entities | column 0 | column 1 | …     each at a multiple of 64
 * bytes
 *
 * From about 1 MiB on each column is a region (region.h), which grows where it is.  In
 * front of its data it leaves a gap that differs from column to column, so that the
 * same row of all columns does not fall on one set of the cache.
 *
 * Memory is let go only by reef_world_trim().
 *
 * When values move, the old block lives on until the next time some do: a value to be
 * added may lie in the very table that takes it.
 */
#include "table.h"

#include "block.h"
#include "region.h"

enum {
    SMALL_SIZE = 1024 * 1024, /* bytes of the largest block, unless columns are many: */
    SMALL_COLUMN_SIZE = 128 * 1024, /* so many bytes a column are not worth a region */
    GAP = 832,                      /* bytes; its multiples spread over the sets */
    RESERVE = 256 * 1024 * 1024,
};

/* Memory of a large table ---------------------------------------------------------- */

/* Bytes from the start of array `i` (0 = entities) to its data. */
static size_t gap_of(uint32_t i)
{
    return (size_t)i * GAP % 4096 / REEF__BLOCK_ALIGNMENT * REEF__BLOCK_ALIGNMENT;
}

static size_t region_size(uint32_t i, uint32_t rows, size_t size)
{
    return reef__region_round(gap_of(i) + (size_t)rows * size);
}

static size_t reserved_size(uint32_t i, uint32_t rows, size_t size)
{
    return region_size(i, rows, size) > RESERVE ? region_size(i, rows, size) * 8
                                                : RESERVE;
}

static void destroy_array(uint32_t i, void *data, size_t reserved)
{
    if (data != NULL) {
        reef__region_destroy((uint8_t *)data - gap_of(i), reserved);
    }
}

/* Release entities and columns of a large table. */
static void destroy_regions(reef_table_t *table)
{
    destroy_array(0, table->entities, table->entities_reserved);
    for (uint32_t i = 0; i < table->component_count; i++) {
        destroy_array(1 + i, table->columns[i].data, table->reserved[i]);
    }
}

/*
 * Have room for `rows` in array `i`, in which `count` of `room` are in use; gives its
 * data, which moves when the reservation is used up.
 */
static uint8_t *grow_array(const reef_table_t *table,
                           uint32_t i,
                           uint8_t *data,
                           size_t *reserved,
                           uint32_t rows,
                           size_t size)
{
    size_t old_size = table->is_large ? region_size(i, table->room, size) : 0;
    size_t new_size = region_size(i, rows, size);
    uint8_t *region;

    if (table->is_large && new_size <= *reserved) {
        reef__region_commit(data - gap_of(i), old_size, new_size);
        return data;
    }
    region = reef__region_create(reserved_size(i, rows, size));
    reef__region_commit(region, 0, new_size);
    memcpy(region + gap_of(i), data, table->row_count * size);
    if (table->is_large) {
        table->storage->retired_regions[i] =
            (reef__retired_region_t){data - gap_of(i), *reserved};
    }
    *reserved = reserved_size(i, rows, size);
    return region + gap_of(i);
}

/* Memory of a small table ---------------------------------------------------------- */

/* Bytes of a block for `rows`. */
static size_t block_size(const reef_table_t *table, uint32_t rows)
{
    size_t size = (size_t)(1 + table->component_count) * reef__chunk_count(rows) *
                  sizeof(uint64_t);

    size = reef__align_up(size, REEF__BLOCK_ALIGNMENT) + rows * sizeof(reef_entity_t);
    for (uint32_t i = 0; i < table->component_count; i++) {
        size = reef__align_up(size, REEF__BLOCK_ALIGNMENT) +
               (size_t)rows * table->columns[i].size;
    }
    return reef__align_up(size, REEF__BLOCK_ALIGNMENT);
}

static void place_versions(reef_table_t *table, void *block, uint32_t chunk_count)
{
    table->versions = block;
    for (uint32_t i = 0; i < table->component_count; i++) {
        table->columns[i].versions = table->versions + (size_t)(1 + i) * chunk_count;
    }
}

/* Let the columns begin where a block for `rows` has them. */
static void place_columns(reef_table_t *table, uint8_t *block, uint32_t rows)
{
    uint32_t chunk_count = reef__chunk_count(rows);
    size_t at = (size_t)(1 + table->component_count) * chunk_count * sizeof(uint64_t);

    place_versions(table, block, chunk_count);
    at = reef__align_up(at, REEF__BLOCK_ALIGNMENT);
    table->entities = (void *)(block + at);
    at += rows * sizeof(reef_entity_t);
    for (uint32_t i = 0; i < table->component_count; i++) {
        reef__column_t *column = &table->columns[i];

        at = reef__align_up(at, REEF__BLOCK_ALIGNMENT);
        column->data = block + at;
        at += (size_t)rows * column->size;
    }
}

/* Keep what is no longer used; what was kept before has been let go. */
static void retire(reef_table_t *table, void *block, size_t size)
{
    table->storage->retired = block;
    table->storage->retired_size = size;
}

/* Copy versions of the rows there are from where they were. */
static void
copy_versions(reef_table_t *table, const uint64_t *old, uint32_t old_chunk_count)
{
    size_t used = reef__chunk_count(table->row_count) * sizeof(uint64_t);

    for (uint32_t i = 0; i <= table->component_count && used > 0; i++) {
        memcpy(i == 0 ? table->versions : table->columns[i - 1].versions,
               old + (size_t)i * old_chunk_count, used);
    }
}

static void grow_small(reef_table_t *table, uint32_t rows)
{
    const reef_alloc_t *alloc = table->storage->alloc;
    size_t size = block_size(table, rows);
    uint8_t *old_block = table->block;
    const uint64_t *old_versions = table->versions;
    const reef_entity_t *old_entities = table->entities;
    const uint8_t *old_data[REEF_MAX_TABLE_COMPONENTS];

    for (uint32_t i = 0; i < table->component_count; i++) {
        old_data[i] = table->columns[i].data;
    }
    table->block = reef__block_create(alloc, size);
    place_columns(table, table->block, rows);
    if (old_block != NULL) {
        copy_versions(table, old_versions, reef__chunk_count(table->room));
        memcpy(table->entities, old_entities, table->row_count * sizeof(reef_entity_t));
        for (uint32_t i = 0; i < table->component_count; i++) {
            memcpy(table->columns[i].data, old_data[i],
                   (size_t)table->row_count * table->columns[i].size);
        }
        retire(table, old_block, table->block_size);
    }
    table->block_size = size;
}

static void grow_large(reef_table_t *table, uint32_t rows)
{
    const reef_alloc_t *alloc = table->storage->alloc;
    uint32_t chunk_count = reef__chunk_count(rows);
    size_t size = (size_t)(1 + table->component_count) * chunk_count * sizeof(uint64_t);
    uint8_t *old_block = table->block;
    const uint64_t *old_versions = table->versions;

    table->entities =
        (void *)grow_array(table, 0, (uint8_t *)table->entities,
                           &table->entities_reserved, rows, sizeof(reef_entity_t));
    for (uint32_t i = 0; i < table->component_count; i++) {
        reef__column_t *column = &table->columns[i];

        if (column->size > 0) {
            column->data = grow_array(table, 1 + i, column->data, &table->reserved[i],
                                      rows, column->size);
        } else {
            column->data = (uint8_t *)table->entities;
        }
    }
    table->block = reef__block_create(alloc, size);
    place_versions(table, table->block, chunk_count);
    copy_versions(table, old_versions, reef__chunk_count(table->room));
    retire(table, old_block, table->block_size);
    table->block_size = size;
    table->is_large = true;
}

static void resize_tracks(reef_table_t *table)
{
    for (uint32_t i = 0; i < table->component_count && table->track_count > 0; i++) {
        reef__track_t *track = table->columns[i].track;

        if (track != NULL) {
            reef__track_resize(track, (reef__watches_t){track->used, track->written},
                               table->room);
        }
    }
}

/* Whether columns are to be regions, of which the system has only so many. */
static bool is_large(const reef_table_t *table, uint32_t rows)
{
    size_t size = block_size(table, rows);

    return size > SMALL_SIZE && size / (1 + table->component_count) > SMALL_COLUMN_SIZE;
}

void reef__table_grow(reef_table_t *table, uint32_t wanted)
{
    uint64_t needed = (uint64_t)table->row_count + wanted;
    uint64_t rows = table->room > 0 ? table->room : REEF__FIRST_ROWS;

    assert(needed <= UINT32_MAX / 2);
    reef__storage_trim(table->storage);
    while (rows < needed) {
        rows *= 2;
    }
    if (table->is_large || is_large(table, (uint32_t)rows)) {
        if (table->room == 0) {
            grow_small(table, REEF__FIRST_ROWS); /* something to begin with */
            table->room = REEF__FIRST_ROWS;
        }
        grow_large(table, (uint32_t)rows);
    } else {
        grow_small(table, (uint32_t)rows);
    }
    table->room = (uint32_t)rows;
    resize_tracks(table);
}

void reef__table_free_memory(reef_table_t *table)
{
    if (table->is_large) {
        destroy_regions(table);
    }
    reef__block_destroy(table->storage->alloc, table->block, table->block_size);
    table->block = NULL;
    table->is_large = false;
    table->room = 0;
    table->stamped_version = 0;
}

void reef__table_trim(reef_table_t *table)
{
    size_t count = table->row_count;

    table->stamp++;
    if (count == 0) {
        reef__table_free_memory(table);
        resize_tracks(table);
        return;
    }
    if (!table->is_large) {
        return;
    }
    reef__region_discard((uint8_t *)table->entities - gap_of(0),
                         gap_of(0) + count * sizeof(reef_entity_t),
                         region_size(0, table->room, sizeof(reef_entity_t)));
    for (uint32_t i = 0; i < table->component_count; i++) {
        const reef__column_t *column = &table->columns[i];

        if (column->size > 0) {
            reef__region_discard(column->data - gap_of(1 + i),
                                 gap_of(1 + i) + count * column->size,
                                 region_size(1 + i, table->room, column->size));
        }
    }
}

void reef__storage_trim(reef__storage_t *storage)
{
    reef__block_destroy(storage->alloc, storage->retired, storage->retired_size);
    storage->retired = NULL;
    for (uint32_t i = 0; i <= REEF_MAX_TABLE_COMPONENTS; i++) {
        reef__region_destroy(storage->retired_regions[i].data,
                             storage->retired_regions[i].size);
        storage->retired_regions[i].data = NULL;
    }
}
