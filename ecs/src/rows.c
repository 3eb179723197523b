/*
 * Many alike entities at once: spawned, or put back from a snapshot.  Rows are filled
 * column by column, a slice of a chunk at a time.  Observers run when all rows are
 * complete, row by row.
 */
#include "world.h"

#include <reef/array.h>

/* Where the rows come from and where they go. */
typedef struct fill {
    const reef_rows_desc_t *desc;
    reef_table_t *table;
    reef__entity_index_t *index;
    const reef_entity_t *given; /* claimed ids, or NULL to take new ones */
    reef_entity_t *spawned;     /* receives the ids; may be NULL */
    /* Which of the desc's columns is the table's i-th: the desc may be in any order. */
    uint8_t source_of[REEF_MAX_TABLE_COMPONENTS];
} fill_t;

static void find_table(reef_world_t *world, fill_t *fill)
{
    const reef_rows_desc_t *desc = fill->desc;
    reef_component_t sorted[REEF_MAX_TABLE_COMPONENTS];

    assert(desc->component_count <= REEF_MAX_TABLE_COMPONENTS);
    for (uint32_t i = 0; i < desc->component_count; i++) {
        uint32_t k = i;

        assert(desc->components[i] < world->components.list.count);
        for (; k > 0 && sorted[k - 1] > desc->components[i]; k--) {
            sorted[k] = sorted[k - 1];
            fill->source_of[k] = fill->source_of[k - 1];
        }
        sorted[k] = desc->components[i];
        fill->source_of[k] = (uint8_t)i;
    }
    fill->table = reef__table_graph_ensure(&world->graph, &world->components, sorted,
                                           desc->component_count);
}

static void fill_ids(const fill_t *fill, const reef__slice_t *slice, uint32_t done)
{
    for (uint32_t i = 0; i < slice->count; i++) {
        reef__record_t *record;
        reef_entity_t entity;

        if (fill->given != NULL) {
            entity = fill->given[done + i];
            record = reef__entity_index_slot(
                fill->index, reef_entity_index(entity) & (REEF_SESSION_INDEX_BASE - 1));
        } else {
            entity = reef__entity_index_reserve(fill->index, &record);
        }
        reef__entity_index_activate(fill->index, record);
        record->table = fill->table;
        record->row = slice->row + i;
        slice->chunk->entities[slice->first + i] = entity;
        if (fill->spawned != NULL) {
            fill->spawned[done + i] = entity;
        }
    }
}

static void fill_column(const reef_world_t *world,
                        const fill_t *fill,
                        const reef__slice_t *slice,
                        uint32_t column,
                        uint32_t done)
{
    const reef_rows_desc_t *desc = fill->desc;
    size_t size = fill->table->sizes[column];
    uint8_t *to = slice->chunk->columns[column].data + slice->first * size;
    const uint8_t *from = NULL;

    if (desc->columns != NULL) {
        from = desc->columns[fill->source_of[column]];
    }
    if (from != NULL) {
        memcpy(to, from + done * size, slice->count * size);
        return;
    }
    from = reef__component_at(&world->components, fill->table->components[column])
               ->initial;
    for (uint32_t i = 0; i < slice->count; i++) {
        memcpy(to + i * size, from, size);
    }
}

static void fill_rows(reef_world_t *world, fill_t *fill)
{
    uint32_t first_row;
    uint32_t count = fill->desc->count;

    reef__world_begin_change(world);
    find_table(world, fill);
    first_row = fill->table->row_count;
    for (uint32_t done = 0; done < count;) {
        reef__slice_t slice =
            reef__table_append(fill->table, count - done, world->version);

        fill_ids(fill, &slice, done);
        for (uint32_t i = 0; i < fill->table->component_count; i++) {
            if (fill->table->sizes[i] > 0) {
                fill_column(world, fill, &slice, i, done);
            }
        }
        done += slice.count;
    }
    if (fill->table->add_observed) {
        for (uint32_t i = 0; i < count; i++) {
            reef__world_run_row_observers(world, REEF_OBSERVE_ADD, fill->table,
                                          first_row + i);
        }
    }
}

void reef_world_spawn_rows(reef_world_t *world,
                           const reef_rows_desc_t *desc,
                           reef_entity_t *entities)
{
    fill_rows(world, &(fill_t){.desc = desc,
                               .index = &world->entities[desc->range],
                               .spawned = entities});
}

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

    if (error != REEF_OK) {
        return error;
    }
    fill_rows(world, &(fill_t){.desc = rows, .index = index, .given = entities});
    return REEF_OK;
}

uint32_t reef_world_restore_end(reef_world_t *world)
{
    reef__world_begin_change(world);
    return reef__entity_index_cancel_all(&world->entities[REEF_RANGE_WORLD]);
}
