/*
 * Many alike entities at once: spawned, or put back from a snapshot.  Rows are filled
 * column by column.  Relations are linked and observers run when all rows are complete,
 * row by row.
 */
#include "rows.h"

#include <reef/array.h>

static void put_ids_back(reef_world_t *world, const reef__fill_t *fill, uint32_t first)
{
    reef_table_t *table = fill->bundle->table;
    reef__entity_index_t *index = &world->entities[fill->range];
    reef_entity_t *ids = table->entities + first;

    for (uint32_t i = 0; i < fill->count; i++) {
        reef__record_t *record =
            reef__entity_index_slot(index, reef__entity_slot(fill->given[i]));

        reef__entity_index_activate(index, record);
        record->table = table->index;
        record->row = first + i;
        ids[i] = fill->given[i];
    }
}

static void take_ids(reef_world_t *world, const reef__fill_t *fill, uint32_t first)
{
    reef_table_t *table = fill->bundle->table;
    reef__entity_index_t *index = &world->entities[fill->range];
    reef_entity_t *ids = table->entities + first;

    for (uint32_t i = 0; i < fill->count; i++) {
        reef__record_t *record;

        ids[i] = reef__entity_index_reserve(index, &record);
        record->table = table->index;
        record->row = first + i;
        record->generation |= 1;
    }
    index->alive_count += fill->count;
    if (fill->spawned != NULL) {
        memcpy(fill->spawned, ids, fill->count * sizeof(*ids));
    }
}

static void fill_column(const reef_world_t *world,
                        const reef__fill_t *fill,
                        uint32_t first,
                        uint32_t column)
{
    const reef_table_t *table = fill->bundle->table;
    size_t size = table->columns[column].size;
    uint8_t *to = reef__table_value(table, first, column);
    const uint8_t *from = NULL;

    if (fill->columns != NULL) {
        from = fill->columns[fill->bundle->source_of[column]];
    }
    if (from != NULL) {
        memcpy(to, from, fill->count * size);
        return;
    }
    for (uint32_t i = 0; i < fill->count; i++) {
        reef__component_write(
            reef__component_at(&world->components, table->components[column]),
            to + i * size, NULL);
    }
}

/* All columns of the new rows count as written, and as added. */
static void
note_rows(reef_table_t *table, uint32_t first, uint32_t count, uint64_t version)
{
    uint32_t last = (first + count - 1) >> REEF__CHUNK_SHIFT;

    for (uint32_t chunk = first >> REEF__CHUNK_SHIFT; chunk <= last; chunk++) {
        reef__table_stamp(table, chunk, version);
    }
    for (uint32_t i = 0; i < table->component_count && table->track_count > 0; i++) {
        const reef__track_t *track = table->columns[i].track;

        if (track != NULL) {
            reef__track_mark_rows(track, first, count, track->used);
        }
    }
}

void reef__world_fill(reef_world_t *world, const reef__fill_t *fill)
{
    reef_table_t *table = fill->bundle->table;
    uint32_t first = table->row_count;

    reef__world_begin_change(world);
    if (fill->count == 0) {
        return;
    }
    if (fill->count > table->room - first) {
        reef__table_grow(table, fill->count);
    }
    table->row_count += fill->count;
    table->stamp++;
    if (fill->given != NULL) {
        put_ids_back(world, fill, first);
    } else {
        take_ids(world, fill, first);
    }
    for (uint32_t i = 0; i < table->component_count; i++) {
        if (table->columns[i].size > 0) {
            fill_column(world, fill, first, i);
        }
    }
    note_rows(table, first, fill->count, world->version);
    reef__world_finish_rows(world, table, first, fill->count);
}

/* Nobody follows what a row points to before that was accepted: the rows may come from
 * a damaged snapshot, and point in a circle. */
static void
mark_not_linked(reef_world_t *world, const reef_table_t *table, uint32_t row)
{
    for (uint32_t i = 0; i < table->component_count; i++) {
        if (reef__component_is_relation(
                reef__component_at(&world->components, table->components[i]))) {
            reef_relation_t *value = (void *)reef__table_value(table, row, i);

            value->place = REEF__NOT_LINKED;
        }
    }
}

/* Relations whose target is none, or not acceptable, point nowhere. */
static void link_row(reef_world_t *world, const reef_table_t *table, uint32_t row)
{
    reef_entity_t entity = table->entities[row];

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
        mark_not_linked(world, table, first_row + i);
    }
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
    world->imports++;
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
