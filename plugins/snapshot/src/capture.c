/*
 * For each table with persistent components: each chunk's ids and persistent columns,
 * one after the other, rows of sessions left out.  A chunk whose newest write is the
 * one that the base has seen is taken over by its hash.
 *
 *     rows:  entity[n]  column 0 [n]  column 1 [n] …
 *            or, when any of the types has texts, whose columns see texts.c:
 *            n (u64)  entity[n]  column 0  column 1 …
 *     slots: slot_count, free_count, generations[], free_list[], all u32, cut into
 *            pieces so that most of them stay the same from snapshot to snapshot
 *
 * A chunk of large texts is cut into several parts.  Entities of which nothing is
 * stored count as despawned: their slots are written as free, else their ids would be
 * alive without a row.
 */
#include "capture.h"

#include "memory.h"
#include "texts.h"

#include <reef/array.h>
#include <reef/components.h>

#include <assert.h>

enum {
    SLOT_PIECE = 65536,    /* u32s in one piece of the slots */
    TEXTS_PIECE = 8 << 20, /* bytes of texts in one part, unless one row has more */
};

/* A table on its way into the capture. */
typedef struct source {
    const reef_table_t *table;
    uint32_t columns[REEF_MAX_TABLE_COMPONENTS]; /* persistent ones, not tags */
    const reef_type_t *types[REEF_MAX_TABLE_COMPONENTS];
    uint32_t column_count;
    size_t row_size; /* id and columns */
    bool has_texts;
} source_t;

static reef__part_t *add_part(reef__capture_t *capture, reef__part_t part)
{
    reef__part_t *added = REEF_ARRAY_PUSH(reef_alloc_default(), &capture->parts);

    *added = part;
    return added;
}

/* Rows ------------------------------------------------------------------------- */

/* Find a table's persistent components.  False when it has none. */
static bool describe_table(const reef_world_t *world,
                           uint32_t index,
                           reef__captured_table_t *described,
                           source_t *source)
{
    uint32_t count;
    const reef_component_t *components;

    *described = (reef__captured_table_t){.world_index = index};
    *source = (source_t){.table = reef_world_table(world, index),
                         .row_size = sizeof(reef_entity_t)};
    if (source->table == NULL) {
        return false;
    }
    components = reef_table_components(source->table, &count);
    for (uint32_t i = 0; i < count; i++) {
        const reef_type_t *type = reef_world_component_type(world, components[i]);

        if ((type->flags & REEF_PERSISTENT) == 0) {
            continue;
        }
        described->types[described->type_count++] = type;
        if (type->size > 0) {
            source->columns[source->column_count] = i;
            source->types[source->column_count++] = type;
            source->row_size += type->size;
            source->has_texts = source->has_texts || reef_type_has_texts(type);
        }
    }
    return described->type_count > 0;
}

static uint64_t chunk_version(const source_t *source, uint32_t chunk)
{
    uint64_t newest = reef_table_chunk(source->table, chunk).rows_version;

    for (uint32_t i = 0; i < source->column_count; i++) {
        uint64_t version;

        (void)reef_table_column(source->table, chunk, source->columns[i], &version);
        newest = version > newest ? version : newest;
    }
    return newest;
}

static bool is_stored(reef_entity_t entity)
{
    return reef_entity_range(entity) == REEF_RANGE_WORLD;
}

static uint32_t count_stored_rows(const reef_chunk_view_t *view)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < view->count; i++) {
        count += is_stored(view->entities[i]);
    }
    return count;
}

/* Copy a column, or the ids, without the rows of sessions. */
static uint8_t *copy_column(const reef_chunk_view_t *view,
                            const void *column,
                            size_t size,
                            uint32_t stored,
                            uint8_t *to)
{
    const uint8_t *from = column;

    if (stored == view->count) {
        memcpy(to, from, size * stored);
        return to + size * stored;
    }
    for (uint32_t i = 0; i < view->count; i++) {
        if (is_stored(view->entities[i])) {
            memcpy(to, from + i * size, size);
            to += size;
        }
    }
    return to;
}

static void copy_chunk(const source_t *source, reef__part_t *part)
{
    reef_chunk_view_t view = reef_table_chunk(source->table, part->chunk);
    uint8_t *to;

    part->size = part->rows * source->row_size;
    part->data = snapshot_alloc(part->size);
    to = copy_column(&view, view.entities, sizeof(reef_entity_t), part->rows,
                     part->data);
    for (uint32_t i = 0; i < source->column_count; i++) {
        const void *column =
            reef_table_column(source->table, part->chunk, source->columns[i], NULL);

        to = copy_column(&view, column, source->types[i]->size, part->rows, to);
    }
    assert(to == (uint8_t *)part->data + part->size);
}

/* Rows with texts -------------------------------------------------------------- */

/* Column @p i of a chunk from row @p first on. */
static const uint8_t *
column_from(const source_t *source, uint32_t chunk, uint32_t i, uint32_t first)
{
    const uint8_t *column =
        reef_table_column(source->table, chunk, source->columns[i], NULL);

    return column + (size_t)first * source->types[i]->size;
}

/* Copy the rows of @p view, a slice of the part's chunk from row @p first on. */
static void copy_slice(const source_t *source,
                       const reef_chunk_view_t *view,
                       uint32_t first,
                       reef__part_t *part)
{
    reef__bytes_t content = {0};
    uint64_t rows = part->rows;

    memcpy(reef__bytes_extend(&content, sizeof(rows)), &rows, sizeof(rows));
    copy_column(view, view->entities, sizeof(reef_entity_t), part->rows,
                reef__bytes_extend(&content, part->rows * sizeof(reef_entity_t)));
    for (uint32_t i = 0; i < source->column_count; i++) {
        const reef_type_t *type = source->types[i];
        size_t at = content.count;

        copy_column(view, column_from(source, part->chunk, i, first), type->size,
                    part->rows,
                    reef__bytes_extend(&content, (size_t)part->rows * type->size));
        if (reef_type_has_texts(type)) {
            reef__texts_encode(&content, at, type, part->rows);
        }
    }
    part->data = reef__bytes_take(&content, &part->size);
}

/* Rows of a chunk from @p first on whose texts make one part; at least one row. */
static uint32_t
slice_size(const source_t *source, uint32_t chunk, uint32_t first, uint32_t row_count)
{
    size_t size = 0;
    uint32_t row = first;

    for (; row < row_count; row++) {
        for (uint32_t i = 0; i < source->column_count; i++) {
            size +=
                reef__texts_size(source->types[i], column_from(source, chunk, i, row));
        }
        if (size > TEXTS_PIECE && row > first) {
            break;
        }
    }
    return row - first;
}

/* The base's part of the same chunk, when nothing was written since.  Both captures
 * are in the same order, so *cursor only moves forward. */
static const reef__part_t *find_unchanged(const reef__capture_t *base,
                                          size_t *cursor,
                                          uint32_t world_index,
                                          const reef__part_t *wanted)
{
    while (base != NULL && *cursor < base->parts.count) {
        const reef__part_t *part = &base->parts.items[*cursor];
        uint32_t index;

        if (part->kind != REEF__PART_ROWS) {
            return NULL;
        }
        index = base->tables.items[part->owner].world_index;
        if (index == world_index && part->chunk == wanted->chunk) {
            return part->version == wanted->version ? part : NULL;
        }
        if (index > world_index ||
            (index == world_index && part->chunk > wanted->chunk)) {
            return NULL;
        }
        (*cursor)++;
    }
    return NULL;
}

static void add_rows(reef__capture_t *capture, reef__part_t part)
{
    reef__captured_table_t *table = &capture->tables.items[part.owner];

    if (part.rows > 0) {
        part.position = table->part_count++;
        table->rows += part.rows;
        add_part(capture, part);
    }
}

/* Take over the base's parts of a chunk, of which @p same is the first. */
static void reuse_chunk(reef__capture_t *capture,
                        const reef__capture_t *base,
                        const reef__part_t *same,
                        reef__part_t part)
{
    const reef__part_t *end = base->parts.items + base->parts.count;

    for (const reef__part_t *from = same;
         from < end && from->kind == REEF__PART_ROWS && from->owner == same->owner &&
         from->chunk == same->chunk;
         from++) {
        part.rows = from->rows;
        part.hash = from->hash;
        part.stored_size = from->stored_size;
        add_rows(capture, part);
    }
}

static void
capture_chunk(reef__capture_t *capture, const source_t *source, reef__part_t part)
{
    reef_chunk_view_t view = reef_table_chunk(source->table, part.chunk);
    uint32_t count = 0;

    if (!source->has_texts) {
        part.rows = count_stored_rows(&view);
        if (part.rows > 0) {
            copy_chunk(source, &part);
        }
        add_rows(capture, part);
        return;
    }
    for (uint32_t first = 0; first < view.count; first += count) {
        reef_chunk_view_t slice = view;

        count = slice_size(source, part.chunk, first, view.count);
        slice.entities += first;
        slice.count = count;
        part.rows = count_stored_rows(&slice);
        if (part.rows > 0) {
            copy_slice(source, &slice, first, &part);
        }
        add_rows(capture, part);
    }
}

static void capture_table(reef__capture_t *capture,
                          const source_t *source,
                          const reef__capture_t *base,
                          size_t *cursor)
{
    uint32_t owner = (uint32_t)capture->tables.count - 1;
    uint32_t world_index = capture->tables.items[owner].world_index;
    uint32_t chunk_count = reef_table_chunk_count(source->table);

    for (uint32_t chunk = 0; chunk < chunk_count; chunk++) {
        reef__part_t part = {.kind = REEF__PART_ROWS,
                             .owner = owner,
                             .chunk = chunk,
                             .version = chunk_version(source, chunk)};
        const reef__part_t *same = find_unchanged(base, cursor, world_index, &part);

        if (same != NULL) {
            reuse_chunk(capture, base, same, part);
        } else {
            capture_chunk(capture, source, part);
        }
    }
    capture->entities += capture->tables.items[owner].rows;
}

static void capture_tables(reef__capture_t *capture,
                           reef_world_t *world,
                           const reef__capture_t *base)
{
    uint32_t count = reef_world_table_count(world);
    size_t cursor = 0;

    for (uint32_t i = 0; i < count; i++) {
        reef__captured_table_t described;
        source_t source;

        if (!describe_table(world, i, &described, &source) ||
            reef_table_row_count(source.table) == 0) {
            continue;
        }
        *REEF_ARRAY_PUSH(reef_alloc_default(), &capture->tables) = described;
        capture_table(capture, &source, base, &cursor);
        if (capture->tables.items[capture->tables.count - 1].rows == 0) {
            capture->tables.count--;
        }
    }
}

/* Resources -------------------------------------------------------------------- */

static void capture_resources(reef__capture_t *capture, reef_world_t *world)
{
    uint32_t count = reef_world_resource_count(world);

    for (uint32_t i = 0; i < count; i++) {
        const reef_type_t *type = reef_world_resource_type(world, i);
        reef__bytes_t content = {0};
        reef__part_t *part;

        if ((type->flags & REEF_PERSISTENT) == 0 || type->size == 0) {
            continue;
        }
        memcpy(reef__bytes_extend(&content, type->size),
               reef_world_resource_value(world, i), type->size);
        if (reef_type_has_texts(type)) {
            reef__texts_encode(&content, 0, type, 1);
        }
        part = add_part(capture,
                        (reef__part_t){.kind = REEF__PART_RESOURCE,
                                       .owner = (uint32_t)capture->resources.count,
                                       .rows = 1});
        part->data = reef__bytes_take(&content, &part->size);
        *REEF_ARRAY_PUSH(reef_alloc_default(), &capture->resources) = type;
    }
}

/* Slots ------------------------------------------------------------------------ */

/* Free the slots of a table's entities; *freed is the room of the free list. */
static void
free_rows(const reef_table_t *table, reef_slots_t *slots, uint32_t *free_list)
{
    uint32_t chunk_count = reef_table_chunk_count(table);

    for (uint32_t chunk = 0; chunk < chunk_count; chunk++) {
        reef_chunk_view_t view = reef_table_chunk(table, chunk);

        for (uint32_t i = 0; i < view.count; i++) {
            uint32_t index = reef_entity_index(view.entities[i]);

            if (reef_entity_range(view.entities[i]) != REEF_RANGE_WORLD) {
                continue;
            }
            assert(index < slots->slot_count && (slots->generations[index] & 1));
            slots->generations[index]++;
            /* A generation that came round to 0 retires the slot. */
            if (slots->generations[index] != 0) {
                free_list[slots->free_count++] = index;
            }
        }
    }
}

static void free_unstored(reef_world_t *world, reef_slots_t *slots, uint32_t *free_list)
{
    uint32_t count = reef_world_table_count(world);

    for (uint32_t i = 0; i < count; i++) {
        reef__captured_table_t described;
        source_t source;

        if (!describe_table(world, i, &described, &source) && source.table != NULL) {
            free_rows(source.table, slots, free_list);
        }
    }
}

static void capture_slots(reef__capture_t *capture, reef_world_t *world)
{
    reef_slots_t slots;
    uint32_t exported, *words;
    size_t capacity, count;

    reef_world_export_slots(world, &slots);
    exported = slots.free_count;
    /* Each slot may be free, so this is room enough for all lists. */
    capacity = 2 + 2 * (size_t)slots.slot_count;
    words = snapshot_alloc(capacity * sizeof(*words));
    if (exported > 0) {
        memcpy(words + 2 + slots.slot_count, slots.free_list,
               exported * sizeof(*words));
    }
    free_unstored(world, &slots, words + 2 + slots.slot_count);
    words[0] = slots.slot_count;
    words[1] = slots.free_count;
    memcpy(words + 2, slots.generations, slots.slot_count * sizeof(*words));
    count = 2 + (size_t)slots.slot_count + slots.free_count;
    for (size_t first = 0; first < count; first += SLOT_PIECE) {
        size_t piece = count - first < SLOT_PIECE ? count - first : SLOT_PIECE;
        reef__part_t *part = add_part(
            capture, (reef__part_t){.kind = REEF__PART_SLOTS,
                                    .position = (uint32_t)(first / SLOT_PIECE),
                                    .size = piece * sizeof(*words),
                                    .data = snapshot_alloc(piece * sizeof(*words))});

        memcpy(part->data, words + first, part->size);
    }
    snapshot_free(words, capacity * sizeof(*words));
    slots.free_count = exported; /* what was allocated */
    reef_slots_finish(&slots);
}

/* ---------------------------------------------------------------------------------- */

reef__capture_t *reef__capture_create(reef_world_t *world,
                                      const reef__capture_desc_t *desc)
{
    reef__capture_t *capture = snapshot_alloc_zeroed(sizeof(*capture));

    capture->reason = desc->reason;
    capture->created_at_ms = desc->created_at_ms;
    capture->tick = REEF_RESOURCE(world, simulation_time)->tick;
    capture_tables(capture, world, desc->base);
    capture_resources(capture, world);
    capture_slots(capture, world);
    /* What is written from here on must differ from what was copied. */
    reef_world_advance_version(world);
    return capture;
}

void reef__capture_drop_data(reef__capture_t *capture)
{
    for (size_t i = 0; i < capture->parts.count; i++) {
        reef__part_t *part = &capture->parts.items[i];

        snapshot_free(part->data, part->data != NULL ? part->size : 0);
        part->data = NULL;
    }
}

void reef__capture_destroy(reef__capture_t *capture)
{
    if (capture == NULL) {
        return;
    }
    reef__capture_drop_data(capture);
    REEF_ARRAY_FINISH(reef_alloc_default(), &capture->tables);
    REEF_ARRAY_FINISH(reef_alloc_default(), &capture->resources);
    REEF_ARRAY_FINISH(reef_alloc_default(), &capture->parts);
    snapshot_free(capture, sizeof(*capture));
}
