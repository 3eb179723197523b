/*
 * All chunks but the last are full, so a row number splits into chunk and place:
 *
 *     row = chunk << shift | place          1 << shift rows per full chunk
 *
 *     chunk 0 (grows by doubling to full size)     chunk 1 …
 *     +----------+---------------+-----------+     +----------+---------
 *     | entities | column 0      | column 1  |     | entities | …
 *     +----------+---------------+-----------+     +----------+---------
 *
 * Each column begins at a multiple of 64 bytes, and at the same offset in all chunks:
 * only the first one is ever smaller, and while it is it is the only one.  A line lies
 * between columns, so that the same row of two columns of one size does not fall on
 * one set of the cache.  The rows of a full chunk take at most 64 KiB, or are one.
 *
 * Chunks come in slabs: the first alone, then 1, 2, 4 … chunks at a time, until a slab
 * is large enough to be a huge page.  Memory is let go from the end, one spare chunk
 * kept, so that a table that hovers at a boundary does not allocate.
 *
 * A row that goes leaves a hole, which the table's last row fills (swap-remove), so
 * the order of rows means nothing.
 *
 * Only the first chunk ever moves, when it grows.  Its old block lives on until
 * the next one grows: a value to be added may lie in the very table that takes it.
 */
#include "table.h"

#include "block.h"

#include <reef/array.h>

/* Bytes of a chunk of `capacity` rows; sets where its columns begin. */
static size_t place_columns(reef_table_t *table, uint32_t capacity)
{
    size_t size = capacity * sizeof(reef_entity_t);

    for (uint32_t i = 0; i < table->component_count; i++) {
        reef__column_t *column = &table->columns[i];

        if (column->size > 0) {
            size = reef__align_up(size, REEF__BLOCK_ALIGNMENT) +
                   (i > 0 ? REEF__BLOCK_ALIGNMENT : 0);
            column->offset = (uint32_t)size;
            size += (size_t)capacity * column->size;
        }
    }
    return reef__align_up(size, REEF__BLOCK_ALIGNMENT);
}

static uint32_t full_shift(const reef_table_t *table)
{
    size_t row_size = sizeof(reef_entity_t);
    uint32_t shift = 0;

    for (uint32_t i = 0; i < table->component_count; i++) {
        row_size += table->columns[i].size;
    }
    while (2u << shift <= REEF__CHUNK_ROWS &&
           row_size * (2u << shift) <= REEF__CHUNK_SIZE) {
        shift++;
    }
    return shift;
}

static void describe_columns(reef_table_t *table,
                             const reef__component_registry_t *registry,
                             const reef_component_t *components,
                             uint8_t *column_of)
{
    memset(column_of, REEF__NO_COLUMN, table->component_limit);
    for (uint32_t i = 0; i < table->component_count; i++) {
        const reef__component_t *info = reef__component_at(registry, components[i]);

        assert(i == 0 || components[i - 1] < components[i]);
        table->components[i] = components[i];
        table->columns[i] = (reef__column_t){.size = info->size,
                                             .owner = info->owns ? info->type : NULL};
        column_of[components[i]] = (uint8_t)i;
        reef__component_set_add(&table->set, components[i]);
        table->owner_count += info->owns;
        table->related |= reef__component_is_relation(info);
        table->add_observed |= (info->observed & 1u << REEF_OBSERVE_ADD) != 0;
        table->remove_observed |= (info->observed & 1u << REEF_OBSERVE_REMOVE) != 0;
        table->despawn_observed |= (info->observed & 1u << REEF_OBSERVE_DESPAWN) != 0;
    }
}

/* The table and its three arrays are one piece of memory. */
static size_t table_size(uint32_t count, uint32_t limit)
{
    return sizeof(reef_table_t) +
           count * (sizeof(reef__column_t) + sizeof(reef_component_t)) + limit;
}

reef_table_t *reef__table_create(reef__storage_t *storage,
                                 const reef__component_registry_t *registry,
                                 const reef_component_t *components,
                                 uint32_t count)
{
    uint32_t limit = count > 0 ? components[count - 1] + 1u : 0;
    reef_table_t *table =
        reef_resize(storage->alloc, NULL, 0, table_size(count, limit));
    uint8_t *column_of;

    assert(count <= REEF_MAX_TABLE_COMPONENTS);
    *table = (reef_table_t){.storage = storage,
                            .component_count = count,
                            .component_limit = limit,
                            .stride = 1 + count};
    table->columns = (void *)(table + 1);
    table->components = (void *)(table->columns + count);
    column_of = (void *)(table->components + count);
    table->column_of = column_of;
    describe_columns(table, registry, components, column_of);
    table->shift = full_shift(table);
    table->chunk_size = place_columns(table, 1u << table->shift);
    for (uint32_t i = 0; i < count; i++) {
        reef__table_update_track(table, registry, components[i]);
    }
    return table;
}

void reef__table_drop_row(reef_table_t *table, uint32_t row)
{
    for (uint32_t i = 0; i < table->component_count; i++) {
        if (table->columns[i].owner != NULL) {
            reef__type_drop(table->columns[i].owner, reef__table_value(table, row, i));
        }
    }
}

static void free_last_slab(reef_table_t *table)
{
    reef__slab_t *slab = &table->slabs.items[--table->slabs.count];

    table->chunk_count = slab->first_chunk;
    if (slab->big) {
        reef__slab_give(&table->storage->slabs, slab->data);
    } else {
        reef__block_destroy(table->storage->alloc, slab->data, slab->size);
    }
}

void reef__table_destroy(reef_table_t *table)
{
    const reef_alloc_t *alloc = table->storage->alloc;

    if (table->owner_count > 0) {
        for (uint32_t row = 0; row < table->row_count; row++) {
            reef__table_drop_row(table, row);
        }
    }
    while (table->slabs.count > 0) {
        free_last_slab(table);
    }
    for (uint32_t i = 0; i < table->component_count; i++) {
        reef__track_destroy(table->columns[i].track);
    }
    REEF_ARRAY_FINISH(alloc, &table->slabs);
    reef_resize(alloc, table->chunks, table->chunk_capacity * sizeof(*table->chunks),
                0);
    reef_resize(
        alloc, table->versions,
        (size_t)table->chunk_capacity * table->stride * sizeof(*table->versions), 0);
    reef_resize(alloc, table,
                table_size(table->component_count, table->component_limit), 0);
}

void reef__storage_trim(reef__storage_t *storage)
{
    reef__block_destroy(storage->alloc, storage->retired, storage->retired_size);
    storage->retired = NULL;
    reef__slab_pool_trim(&storage->slabs);
}

/* Tracks --------------------------------------------------------------------------- */

static reef__track_shape_t track_shape(const reef_table_t *table)
{
    uint32_t full = 1u << table->shift;

    return (reef__track_shape_t){
        .chunk_count = table->chunk_count,
        .chunk_rows = table->chunk_count == 1 ? table->room : full,
    };
}

static void resize_tracks(reef_table_t *table)
{
    for (uint32_t i = 0; i < table->component_count && table->track_count > 0; i++) {
        reef__track_t *track = table->columns[i].track;

        if (track != NULL) {
            reef__track_resize(track, (reef__watches_t){track->used, track->written},
                               track_shape(table));
        }
    }
}

void reef__table_update_track(reef_table_t *table,
                              const reef__component_registry_t *registry,
                              reef_component_t component)
{
    const reef__component_t *info = reef__component_at(registry, component);
    reef__column_t *column = &table->columns[reef__table_column_of(table, component)];

    table->stamp++;
    if (info->watches.used == 0) {
        table->track_count -= column->track != NULL;
        reef__track_destroy(column->track);
        column->track = NULL;
        return;
    }
    if (column->track == NULL) {
        column->track = reef__track_create(table->storage->alloc);
        table->track_count++;
    }
    reef__track_resize(column->track, info->watches, track_shape(table));
}

void reef__table_track_arrival(reef_table_t *table,
                               uint32_t row,
                               const reef_table_t *from,
                               uint32_t from_row)
{
    uint32_t chunk = row >> table->shift;
    uint32_t place = reef__table_place(table, row);

    for (uint32_t i = 0; i < table->component_count; i++) {
        const reef__track_t *track = table->columns[i].track;
        uint32_t watches = 0;
        uint8_t column = REEF__NO_COLUMN;

        if (track == NULL) {
            continue;
        }
        watches = track->used;
        if (from != NULL) {
            column = reef__table_column_of(from, table->components[i]);
        }
        if (column != REEF__NO_COLUMN) {
            watches =
                reef__track_read(from->columns[column].track, from_row >> from->shift,
                                 reef__table_place(from, from_row));
        }
        reef__track_mark(track, chunk, place, watches);
    }
}

/* The hole's bits become those of the row that fills it, which are then cleared. */
static void move_bits(reef_table_t *table, uint32_t to, uint32_t from)
{
    uint32_t to_chunk = to >> table->shift, from_chunk = from >> table->shift;
    uint32_t to_place = reef__table_place(table, to);
    uint32_t from_place = reef__table_place(table, from);

    for (uint32_t i = 0; i < table->component_count; i++) {
        const reef__track_t *track = table->columns[i].track;
        uint32_t watches;

        if (track == NULL) {
            continue;
        }
        watches = reef__track_read(track, from_chunk, from_place);
        reef__track_clear_rows(track, from_chunk, from_place, 1, track->used);
        if (to != from) {
            reef__track_clear_rows(track, to_chunk, to_place, 1, track->used);
            reef__track_mark(track, to_chunk, to_place, watches);
        }
    }
}

/* Memory --------------------------------------------------------------------------- */

static void reserve_chunks(reef_table_t *table, uint32_t count)
{
    const reef_alloc_t *alloc = table->storage->alloc;
    uint32_t capacity = table->chunk_capacity > 0 ? table->chunk_capacity : 1;
    size_t version_size = table->stride * sizeof(*table->versions);

    while (capacity < count) {
        capacity *= 2;
    }
    if (capacity == table->chunk_capacity) {
        return;
    }
    table->chunks = reef_resize(alloc, table->chunks,
                                table->chunk_capacity * sizeof(*table->chunks),
                                capacity * sizeof(*table->chunks));
    table->versions =
        reef_resize(alloc, table->versions, table->chunk_capacity * version_size,
                    capacity * version_size);
    table->chunk_capacity = capacity;
}

/* Rows to make room for when the first chunk is to hold `wanted`. */
static uint32_t first_capacity(const reef_table_t *table, uint64_t wanted)
{
    uint32_t full = 1u << table->shift;
    uint32_t capacity = REEF__FIRST_ROWS;

    while (capacity < wanted && capacity < full) {
        capacity *= 2;
    }
    return capacity < full ? capacity : full;
}

/* Give the first chunk a larger block; its rows and columns move there. */
static void grow_first(reef_table_t *table, uint32_t wanted)
{
    reef__storage_t *storage = table->storage;
    uint32_t count = table->row_count;
    uint32_t capacity = first_capacity(table, (uint64_t)count + wanted);
    reef__slab_t old = {0};
    uint32_t offsets[REEF_MAX_TABLE_COMPONENTS];
    reef__slab_t *slab;

    if (table->slabs.count == 0) {
        *REEF_ARRAY_PUSH(storage->alloc, &table->slabs) = old;
        reserve_chunks(table, 1);
        memset(table->versions, 0, table->stride * sizeof(*table->versions));
    }
    slab = &table->slabs.items[0];
    old = *slab;
    for (uint32_t i = 0; i < table->component_count; i++) {
        offsets[i] = table->columns[i].offset;
    }
    slab->size = place_columns(table, capacity);
    slab->data = reef__block_create(storage->alloc, slab->size);
    if (old.data != NULL) {
        memcpy(slab->data, old.data, count * sizeof(reef_entity_t));
        for (uint32_t i = 0; i < table->component_count; i++) {
            const reef__column_t *column = &table->columns[i];

            if (column->size > 0) {
                memcpy(slab->data + column->offset, old.data + offsets[i],
                       (size_t)count * column->size);
            }
        }
        reef__block_destroy(storage->alloc, storage->retired, storage->retired_size);
        storage->retired = old.data;
        storage->retired_size = old.size;
    }
    table->chunks[0] = slab->data;
    table->chunk_count = 1;
    table->room = capacity;
}

static void add_slab(reef_table_t *table)
{
    reef__storage_t *storage = table->storage;
    uint32_t per_big = (uint32_t)(REEF__SLAB_SIZE / table->chunk_size);
    uint32_t step = (uint32_t)table->slabs.count - 1;
    uint32_t count = step < 16 ? 1u << step : UINT32_MAX;
    reef__slab_t slab = {.first_chunk = table->chunk_count};

    if (per_big > 1 && count >= per_big) {
        count = per_big;
        slab.big = true;
        slab.size = REEF__SLAB_SIZE;
        slab.data = reef__slab_take(&storage->slabs);
    } else {
        count = per_big > 1 ? count : 1; /* rows too large to share a slab */
        slab.size = count * table->chunk_size;
        slab.data = reef__block_create(storage->alloc, slab.size);
    }
    *REEF_ARRAY_PUSH(storage->alloc, &table->slabs) = slab;
    reserve_chunks(table, table->chunk_count + count);
    memset(reef__table_versions(table, table->chunk_count), 0,
           (size_t)count * table->stride * sizeof(*table->versions));
    for (uint32_t i = 0; i < count; i++) {
        table->chunks[table->chunk_count + i] = slab.data + i * table->chunk_size;
    }
    table->chunk_count += count;
    assert(table->chunk_count <= UINT32_MAX >> table->shift);
    table->room = table->chunk_count << table->shift;
}

void reef__table_grow(reef_table_t *table, uint32_t wanted)
{
    if (table->room < 1u << table->shift) {
        grow_first(table, wanted);
    } else {
        add_slab(table);
    }
    resize_tracks(table);
}

void reef__table_shrink(reef_table_t *table)
{
    uint32_t used = reef__table_used_chunks(table);
    uint32_t before = table->chunk_count;

    while (table->slabs.count > 1 &&
           table->slabs.items[table->slabs.count - 1].first_chunk > used) {
        free_last_slab(table);
    }
    if (table->chunk_count != before) {
        table->room = table->chunk_count << table->shift;
        resize_tracks(table);
    }
}

void reef__table_clear(reef_table_t *table)
{
    assert(table->row_count == 0);
    while (table->slabs.count > 0) {
        free_last_slab(table);
    }
    table->chunk_count = 0;
    table->room = 0;
    table->stamp++;
    resize_tracks(table);
}

/* Rows ----------------------------------------------------------------------------- */

static void move_row(reef_table_t *table, uint32_t to, uint32_t from)
{
    uint64_t *to_versions = reef__table_versions(table, to >> table->shift);
    const uint64_t *from_versions = reef__table_versions(table, from >> table->shift);

    *reef__table_entity(table, to) = *reef__table_entity(table, from);
    for (uint32_t i = 0; i < table->component_count; i++) {
        reef__copy_value(reef__table_value(table, to, i),
                         reef__table_value(table, from, i), table->columns[i].size);
        /* A write not looked at yet stays one where the row is now. */
        if (to_versions[1 + i] < from_versions[1 + i]) {
            to_versions[1 + i] = from_versions[1 + i];
        }
    }
}

reef_entity_t
reef__table_swap_remove(reef_table_t *table, uint32_t row, uint64_t version)
{
    uint32_t last = table->row_count - 1;
    reef_entity_t moved = 0;

    assert(row <= last);
    if (row != last) {
        move_row(table, row, last);
        moved = *reef__table_entity(table, row);
        reef__table_versions(table, row >> table->shift)[REEF__ROWS_VERSION] = version;
    }
    if (REEF_UNLIKELY(table->track_count > 0)) {
        move_bits(table, row, last);
    }
    reef__table_versions(table, last >> table->shift)[REEF__ROWS_VERSION] = version;
    table->row_count = last;
    table->stamp++;
    if (REEF_UNLIKELY(reef__table_place(table, last) == 0)) {
        reef__table_shrink(table);
    }
    return moved;
}

/* Views ---------------------------------------------------------------------------- */

const reef_component_t *reef_table_components(const reef_table_t *table,
                                              uint32_t *count)
{
    *count = table->component_count;
    return table->components;
}

uint64_t reef_table_row_count(const reef_table_t *table)
{
    return table->row_count;
}

uint32_t reef_table_chunk_count(const reef_table_t *table)
{
    return reef__table_used_chunks(table);
}

reef_chunk_view_t reef_table_chunk(const reef_table_t *table, uint32_t chunk)
{
    assert(chunk < reef__table_used_chunks(table));
    return (reef_chunk_view_t){
        .count = reef__table_chunk_rows(table, chunk),
        .entities = (const reef_entity_t *)(const void *)table->chunks[chunk],
        .rows_version = reef__table_versions(table, chunk)[REEF__ROWS_VERSION]};
}

const void *reef_table_column(const reef_table_t *table,
                              uint32_t chunk,
                              uint32_t column,
                              uint64_t *version)
{
    bool is_tag;

    assert(chunk < reef__table_used_chunks(table));
    assert(column < table->component_count);
    is_tag = table->columns[column].size == 0;
    if (version != NULL) {
        *version = reef__table_versions(
            table, chunk)[is_tag ? REEF__ROWS_VERSION : 1 + column];
    }
    return is_tag ? NULL : table->chunks[chunk] + table->columns[column].offset;
}
