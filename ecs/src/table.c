/*
 * All chunks but the last are full, so a row number splits into chunk and place:
 *
 *     row = chunk << shift | place          1 << shift rows per full chunk
 *
 *     chunk 0 (grows by doubling to full size)     chunk 1 …
 *     +----------+---------------+-----------+     +----------+---------
 *     | entities | column 0      | column 1  |     | entities | …
 *     +----------+---------------+-----------+     +----------+---------
 *     each begins at a multiple of 64 bytes; all of it is at most 64 KiB, or one row
 *
 * A row that goes leaves a hole, which the table's last row fills (swap-remove), so
 * the order of rows means nothing.  When a chunk becomes empty, one empty chunk is
 * kept, so that a table that hovers at a boundary does not allocate.
 *
 * Only the first chunk ever moves, when it grows.  Its old block lives on until
 * the next one grows: a value to be added may lie in the very table that takes it.
 */
#include "table.h"

#include "block.h"

#include <reef/array.h>

/* Bytes of a block for `capacity` rows; tells where its columns begin. */
static size_t layout(const reef_table_t *table, uint32_t capacity, size_t *offsets)
{
    size_t size = capacity * sizeof(reef_entity_t);

    for (uint32_t i = 0; i < table->component_count; i++) {
        if (table->sizes[i] > 0) {
            size = reef__align_up(size, REEF__BLOCK_ALIGNMENT);
            offsets[i] = size;
            size += (size_t)capacity * table->sizes[i];
        }
    }
    return size;
}

static uint32_t full_shift(const reef_table_t *table)
{
    size_t offsets[REEF_MAX_TABLE_COMPONENTS];
    uint32_t shift = 0;

    while (2u << shift <= REEF__CHUNK_ROWS &&
           layout(table, 2u << shift, offsets) <= REEF__CHUNK_SIZE) {
        shift++;
    }
    return shift;
}

static void fill_columns(reef_table_t *table,
                         const reef__component_registry_t *registry,
                         const reef_component_t *components)
{
    const reef_alloc_t *alloc = table->blocks->alloc;
    uint32_t count = table->component_count;

    table->components = reef_resize(alloc, NULL, 0, count * sizeof(*components));
    table->sizes = reef_resize(alloc, NULL, 0, count * sizeof(*table->sizes));
    table->drops = reef_resize(alloc, NULL, 0, count * sizeof(*table->drops));
    memcpy(table->components, components, count * sizeof(*components));
    for (uint32_t i = 0; i < count; i++) {
        const reef__component_t *info = reef__component_at(registry, components[i]);

        assert(i == 0 || components[i - 1] < components[i]);
        table->sizes[i] = info->size;
        table->column_of[components[i]] = (uint8_t)i;
        reef__component_set_add(&table->set, components[i]);
        if (info->drop != NULL) {
            table->drops[table->drop_count++] =
                (reef__drop_t){.column = i, .run = info->drop};
        }
        table->add_observed |= (info->observed & 1u << REEF_OBSERVE_ADD) != 0;
        table->remove_observed |= (info->observed & 1u << REEF_OBSERVE_REMOVE) != 0;
    }
}

reef_table_t *reef__table_create(reef__block_store_t *blocks,
                                 const reef__component_registry_t *registry,
                                 const reef_component_t *components,
                                 uint32_t count)
{
    reef_table_t *table = reef_resize(blocks->alloc, NULL, 0, sizeof(*table));

    assert(count <= REEF_MAX_TABLE_COMPONENTS);
    *table = (reef_table_t){.blocks = blocks, .component_count = count};
    memset(table->column_of, REEF__NO_COLUMN, sizeof(table->column_of));
    if (count > 0) {
        fill_columns(table, registry, components);
    }
    table->shift = full_shift(table);
    return table;
}

static size_t chunk_header_size(const reef_table_t *table)
{
    return sizeof(reef__chunk_t) + table->component_count * sizeof(reef__column_t);
}

static void remove_last_chunk(reef_table_t *table)
{
    const reef_alloc_t *alloc = table->blocks->alloc;
    reef__chunk_t *chunk = table->chunks[--table->chunk_count];

    reef__block_destroy(alloc, chunk->entities, chunk->block_size);
    reef_resize(alloc, chunk, chunk_header_size(table), 0);
}

void reef__table_drop_row(reef_table_t *table, uint32_t row)
{
    for (uint32_t i = 0; i < table->drop_count; i++) {
        table->drops[i].run(reef__table_value(table, row, table->drops[i].column));
    }
}

void reef__table_destroy(reef_table_t *table)
{
    const reef_alloc_t *alloc = table->blocks->alloc;
    uint32_t count = table->component_count;

    if (table->drop_count > 0) {
        for (uint32_t row = 0; row < table->row_count; row++) {
            reef__table_drop_row(table, row);
        }
    }
    while (table->chunk_count > 0) {
        remove_last_chunk(table);
    }
    reef_resize(alloc, table->chunks, table->chunk_capacity * sizeof(*table->chunks),
                0);
    reef_resize(alloc, table->components, count * sizeof(*table->components), 0);
    reef_resize(alloc, table->sizes, count * sizeof(*table->sizes), 0);
    reef_resize(alloc, table->drops, count * sizeof(*table->drops), 0);
    reef_resize(alloc, table, sizeof(*table), 0);
}

void reef__block_store_finish(reef__block_store_t *blocks)
{
    reef__block_destroy(blocks->alloc, blocks->retired, blocks->retired_size);
    blocks->retired = NULL;
}

/* Give `chunk` a block for `capacity` rows with the first `count` rows of its old. */
static void resize_chunk(reef_table_t *table,
                         reef__chunk_t *chunk,
                         uint32_t capacity,
                         uint32_t count)
{
    reef__block_store_t *blocks = table->blocks;
    size_t offsets[REEF_MAX_TABLE_COMPONENTS];
    size_t size = layout(table, capacity, offsets);
    uint8_t *block = reef__block_create(blocks->alloc, size);

    if (count > 0) {
        memcpy(block, chunk->entities, count * sizeof(reef_entity_t));
    }
    for (uint32_t i = 0; i < table->component_count; i++) {
        if (table->sizes[i] > 0) {
            if (count > 0) {
                memcpy(block + offsets[i], chunk->columns[i].data,
                       (size_t)count * table->sizes[i]);
            }
            chunk->columns[i].data = block + offsets[i];
        }
    }
    if (chunk->entities != NULL) {
        reef__block_store_finish(blocks);
        blocks->retired = chunk->entities;
        blocks->retired_size = chunk->block_size;
    }
    chunk->entities = (void *)block;
    chunk->block_size = size;
    chunk->capacity = capacity;
}

/* Rows to make room for when a first chunk is to hold `wanted`. */
static uint32_t first_capacity(const reef_table_t *table, uint64_t wanted)
{
    uint32_t full = 1u << table->shift;
    uint32_t capacity = REEF__FIRST_ROWS;

    while (capacity < wanted && capacity < full) {
        capacity *= 2;
    }
    return capacity < full ? capacity : full;
}

static void add_chunk(reef_table_t *table, uint32_t wanted)
{
    const reef_alloc_t *alloc = table->blocks->alloc;
    size_t header_size = chunk_header_size(table);
    reef__chunk_t *chunk = reef_resize(alloc, NULL, 0, header_size);
    size_t capacity = table->chunk_capacity;

    memset(chunk, 0, header_size);
    resize_chunk(
        table, chunk,
        table->chunk_count > 0 ? 1u << table->shift : first_capacity(table, wanted), 0);
    table->chunks = reef_array_reserve(alloc, table->chunks, &capacity,
                                       table->chunk_count + 1, sizeof(chunk));
    table->chunk_capacity = (uint32_t)capacity;
    table->chunks[table->chunk_count++] = chunk;
}

reef__slice_t reef__table_append(reef_table_t *table, uint32_t wanted, uint64_t version)
{
    uint32_t row = table->row_count;
    uint32_t place = reef__table_row_in_chunk(table, row);
    reef__chunk_t *chunk;
    uint32_t count;

    assert(wanted > 0 && wanted <= UINT32_MAX - row);
    if (row >> table->shift == table->chunk_count) {
        add_chunk(table, wanted);
    }
    chunk = table->chunks[row >> table->shift];
    if (place == chunk->capacity) {
        resize_chunk(table, chunk, first_capacity(table, (uint64_t)place + wanted),
                     place);
    }
    count = chunk->capacity - place < wanted ? chunk->capacity - place : wanted;
    table->row_count += count;
    chunk->rows_version = version;
    for (uint32_t i = 0; i < table->component_count; i++) {
        chunk->columns[i].version = version;
    }
    return (reef__slice_t){.chunk = chunk, .first = place, .count = count, .row = row};
}

static void move_row(reef_table_t *table, uint32_t to, uint32_t from)
{
    reef__chunk_t *to_chunk = reef__table_chunk_of(table, to);
    reef__chunk_t *from_chunk = reef__table_chunk_of(table, from);
    size_t to_place = reef__table_row_in_chunk(table, to);
    size_t from_place = reef__table_row_in_chunk(table, from);

    to_chunk->entities[to_place] = from_chunk->entities[from_place];
    for (uint32_t i = 0; i < table->component_count; i++) {
        reef__column_t *to_column = &to_chunk->columns[i];
        const reef__column_t *from_column = &from_chunk->columns[i];
        size_t size = table->sizes[i];

        if (size > 0) {
            memcpy(to_column->data + to_place * size,
                   from_column->data + from_place * size, size);
        }
        /* A write not looked at yet stays one where the row is now. */
        if (to_column->version < from_column->version) {
            to_column->version = from_column->version;
        }
    }
}

reef_entity_t
reef__table_swap_remove(reef_table_t *table, uint32_t row, uint64_t version)
{
    uint32_t last = table->row_count - 1;
    reef__chunk_t *chunk = reef__table_chunk_of(table, row);
    reef_entity_t moved = 0;

    assert(row <= last);
    if (row != last) {
        move_row(table, row, last);
        moved = chunk->entities[reef__table_row_in_chunk(table, row)];
        chunk->rows_version = version;
    }
    reef__table_chunk_of(table, last)->rows_version = version;
    table->row_count = last;
    while (table->chunk_count > reef__table_used_chunks(table) + 1) {
        remove_last_chunk(table);
    }
    return moved;
}

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
    return (reef_chunk_view_t){.count = reef__table_chunk_rows(table, chunk),
                               .entities = table->chunks[chunk]->entities,
                               .rows_version = table->chunks[chunk]->rows_version};
}

const void *reef_table_column(const reef_table_t *table,
                              uint32_t chunk,
                              uint32_t column,
                              uint64_t *version)
{
    const reef__chunk_t *at;

    assert(chunk < reef__table_used_chunks(table));
    assert(column < table->component_count);
    at = table->chunks[chunk];
    if (version != NULL) {
        *version =
            table->sizes[column] > 0 ? at->columns[column].version : at->rows_version;
    }
    return at->columns[column].data;
}
