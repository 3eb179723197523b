/*
 * Many alike entities at once: spawned, or put back from a snapshot.  Rows are filled
 * column by column, a slice of a chunk at a time.  Relations are linked and observers
 * run when all rows are complete, row by row.
 */
#include "rows.h"

#include <reef/array.h>

/* Rows that lie side by side. */
typedef struct slice {
    uint32_t row;
    uint32_t count;
} slice_t;

/* Room for up to `wanted` rows at the end of the table. */
static slice_t append(reef_table_t *table, uint32_t wanted, uint64_t version)
{
    slice_t slice = {.row = table->row_count};
    uint32_t full = 1u << table->shift;
    uint64_t *versions;

    assert(wanted <= UINT32_MAX - slice.row);
    if (slice.row == table->room) {
        reef__table_grow(table, wanted);
    }
    slice.count = full - reef__table_place(table, slice.row);
    if (slice.count > table->room - slice.row) {
        slice.count = table->room - slice.row;
    }
    if (slice.count > wanted) {
        slice.count = wanted;
    }
    table->row_count += slice.count;
    table->stamp++;
    versions = reef__table_versions(table, slice.row >> table->shift);
    for (uint32_t i = 0; i < table->stride; i++) {
        versions[i] = version;
    }
    return slice;
}

static void put_ids_back(reef_world_t *world,
                         const reef__fill_t *fill,
                         slice_t slice,
                         uint32_t done)
{
    reef_table_t *table = fill->bundle->table;
    reef__entity_index_t *index = &world->entities[fill->range];
    reef_entity_t *ids = reef__table_entity(table, slice.row);

    for (uint32_t i = 0; i < slice.count; i++) {
        reef__record_t *record =
            reef__entity_index_slot(index, reef__entity_slot(fill->given[done + i]));

        reef__entity_index_activate(index, record);
        record->table = table->index;
        record->row = slice.row + i;
        ids[i] = fill->given[done + i];
    }
}

static void
take_ids(reef_world_t *world, const reef__fill_t *fill, slice_t slice, uint32_t done)
{
    reef_table_t *table = fill->bundle->table;
    reef__entity_index_t *index = &world->entities[fill->range];
    reef_entity_t *ids = reef__table_entity(table, slice.row);

    for (uint32_t i = 0; i < slice.count; i++) {
        reef__record_t *record;

        ids[i] = reef__entity_index_reserve(index, &record);
        record->table = table->index;
        record->row = slice.row + i;
        record->generation |= 1;
    }
    index->alive_count += slice.count;
    if (fill->spawned != NULL) {
        memcpy(fill->spawned + done, ids, slice.count * sizeof(*ids));
    }
}

static void fill_column(const reef_world_t *world,
                        const reef__fill_t *fill,
                        slice_t slice,
                        uint32_t column,
                        uint32_t done)
{
    const reef_table_t *table = fill->bundle->table;
    size_t size = table->columns[column].size;
    uint8_t *to = reef__table_value(table, slice.row, column);
    const uint8_t *from = NULL;

    if (fill->columns != NULL) {
        from = fill->columns[fill->bundle->source_of[column]];
    }
    if (from != NULL) {
        memcpy(to, from + done * size, slice.count * size);
        return;
    }
    for (uint32_t i = 0; i < slice.count; i++) {
        reef__component_write(
            reef__component_at(&world->components, table->components[column]),
            to + i * size, NULL);
    }
}

static void mark_added(const reef_table_t *table, slice_t slice)
{
    for (uint32_t i = 0; i < table->component_count; i++) {
        const reef__track_t *track = table->columns[i].track;

        if (track != NULL) {
            reef__track_mark_rows(track, slice.row >> table->shift,
                                  reef__table_place(table, slice.row), slice.count,
                                  track->used);
        }
    }
}

void reef__world_fill(reef_world_t *world, const reef__fill_t *fill)
{
    reef_table_t *table = fill->bundle->table;
    uint32_t first_row = table->row_count;

    reef__world_begin_change(world);
    for (uint32_t done = 0; done < fill->count;) {
        slice_t slice = append(table, fill->count - done, world->version);

        if (fill->given != NULL) {
            put_ids_back(world, fill, slice, done);
        } else {
            take_ids(world, fill, slice, done);
        }
        for (uint32_t i = 0; i < table->component_count; i++) {
            if (table->columns[i].size > 0) {
                fill_column(world, fill, slice, i, done);
            }
        }
        if (REEF_UNLIKELY(table->track_count > 0)) {
            mark_added(table, slice);
        }
        done += slice.count;
    }
    reef__world_finish_rows(world, table, first_row, fill->count);
}

/* Relations whose target is none, or not acceptable, point nowhere. */
static void link_row(reef_world_t *world, const reef_table_t *table, uint32_t row)
{
    reef_entity_t entity = *reef__table_entity(table, row);

    for (uint32_t i = 0; i < table->component_count; i++) {
        reef_component_t component = table->components[i];
        reef_relation_t *value;
        reef_entity_t target;

        if (!reef__component_is_relation(
                reef__component_at(&world->components, component))) {
            continue;
        }
        value = (void *)reef__table_value(table, row, i);
        target = value->target;
        value->target = 0;
        if (reef__relation_accepts(world, component, entity, target)) {
            value->target = target;
            reef__relation_link(world, component, entity, value);
        } else {
            world->stale_count += target != 0;
        }
    }
}

void reef__world_finish_rows(reef_world_t *world,
                             reef_table_t *table,
                             uint32_t first_row,
                             uint32_t count)
{
    for (uint32_t i = 0; i < count && table->related; i++) {
        link_row(world, table, first_row + i);
    }
    for (uint32_t i = 0; i < count && table->add_observed; i++) {
        reef__world_run_row_observers(world, REEF_OBSERVE_ADD, table, first_row + i);
    }
}

void reef_world_spawn_rows(reef_world_t *world,
                           const reef_rows_desc_t *desc,
                           reef_entity_t *entities)
{
    reef_bundle_t bundle;

    reef__bundle_init(&bundle, world, desc->components, desc->component_count);
    reef__world_fill(world, &(reef__fill_t){.bundle = &bundle,
                                            .range = desc->range,
                                            .count = desc->count,
                                            .columns = desc->columns,
                                            .spawned = entities});
}

/* Restoring ------------------------------------------------------------------------ */

void reef_world_export_slots(const reef_world_t *world, reef_slots_t *slots)
{
    reef__entity_index_export(&world->entities[REEF_RANGE_WORLD], slots);
}

reef_error_t reef_world_import_slots(reef_world_t *world, const reef_slots_t *slots)
{
    reef__entity_index_t *index = &world->entities[REEF_RANGE_WORLD];
    reef_error_t error = reef__entity_index_check(index, slots);
    reef_entity_t entity;

    if (error != REEF_OK) {
        return error;
    }
    reef__world_begin_change(world);
    for (uint32_t slot = 0; (entity = reef__entity_index_next(index, slot)) != 0;) {
        slot = reef_entity_index(entity) + 1;
        reef_world_despawn(world, entity);
    }
    reef__entity_index_import(index, slots);
    return REEF_OK;
}

reef_error_t reef_world_restore_rows(reef_world_t *world,
                                     const reef_rows_desc_t *rows,
                                     const reef_entity_t *entities)
{
    reef__entity_index_t *index = &world->entities[REEF_RANGE_WORLD];
    reef_error_t error = reef__entity_index_claim(index, entities, rows->count);
    reef_bundle_t bundle;

    if (error != REEF_OK) {
        return error;
    }
    reef__bundle_init(&bundle, world, rows->components, rows->component_count);
    reef__world_fill(world, &(reef__fill_t){.bundle = &bundle,
                                            .range = REEF_RANGE_WORLD,
                                            .count = rows->count,
                                            .columns = rows->columns,
                                            .given = entities});
    return REEF_OK;
}

uint32_t reef_world_restore_end(reef_world_t *world)
{
    reef__entity_index_t *index = &world->entities[REEF_RANGE_WORLD];
    uint32_t count = 0;

    reef__world_begin_change(world);
    /* What points to an id that got no row follows it, or lets go. */
    for (uint32_t slot = 0; slot < index->slot_count; slot++) {
        const reef__record_t *record = reef__entity_index_slot(index, slot);
        reef_entity_t id = reef__entity_index_id(index, slot, record->generation + 1);

        if (record->is_target && reef__entity_index_find_reserved(index, id) != NULL) {
            reef__relation_despawn_tree(world, id);
            count++;
        }
    }
    return count + reef__entity_index_cancel_all(index);
}
