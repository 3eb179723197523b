/*
 * Operations on one entity.  Its record names its table and row; an entity without
 * components has a row in the empty table, so every live entity has one.
 *
 * Order within an operation: the value arrives at its new place before the old row
 * is filled up, because the value given may lie in the old table; observers of
 * `remove` run before anything has changed, those of `add` and `set` after all has.
 */
#include "world.h"

/* A row in the empty table for an entity that has just become alive. */
static void place_empty(reef_world_t *world, reef__record_t *record, reef_entity_t id)
{
    reef__slice_t slice = reef__table_append(world->empty, 1, world->version);

    slice.chunk->entities[slice.first] = id;
    record->table = world->empty;
    record->row = slice.row;
}

reef_entity_t reef_world_spawn(reef_world_t *world, reef_entity_range_t range)
{
    reef__record_t *record;
    reef_entity_t entity;

    reef__world_begin_change(world);
    entity = reef__entity_index_reserve(&world->entities[range], &record);
    reef__entity_index_activate(&world->entities[range], record);
    place_empty(world, record, entity);
    return entity;
}

bool reef__world_activate(reef_world_t *world, reef_entity_t entity)
{
    reef__entity_index_t *index = &world->entities[reef_entity_range(entity)];
    reef__record_t *record = reef__entity_index_find_reserved(index, entity);

    if (record == NULL) {
        world->stale_count++;
        return false;
    }
    reef__world_begin_change(world);
    reef__entity_index_activate(index, record);
    place_empty(world, record, entity);
    return true;
}

/* Take a row out of its table; the entity that fills the hole learns its new row. */
static void remove_row(reef_world_t *world, reef_table_t *table, uint32_t row)
{
    reef_entity_t moved = reef__table_swap_remove(table, row, world->version);

    if (moved != 0) {
        reef__world_record(world, moved)->row = row;
    }
}

bool reef_world_despawn(reef_world_t *world, reef_entity_t entity)
{
    reef__record_t *record = reef__world_record(world, entity);
    reef_table_t *table;

    if (record == NULL) {
        world->stale_count++;
        return false;
    }
    reef__world_begin_change(world);
    table = record->table;
    if (REEF_UNLIKELY(table->remove_observed)) {
        reef__world_run_row_observers(world, REEF_OBSERVE_REMOVE, table, record->row);
    }
    reef__table_drop_row(table, record->row);
    remove_row(world, table, record->row);
    reef__entity_index_release(&world->entities[reef_entity_range(entity)], entity);
    return true;
}

bool reef_world_is_alive(const reef_world_t *world, reef_entity_t entity)
{
    return reef__world_record(world, entity) != NULL;
}

uint64_t reef_world_entity_count(const reef_world_t *world)
{
    return (uint64_t)world->entities[REEF_RANGE_WORLD].alive_count +
           world->entities[REEF_RANGE_SESSION].alive_count;
}

reef_entity_t reef_world_next_entity(const reef_world_t *world, uint32_t index)
{
    reef_entity_t next;

    if (index < REEF_SESSION_INDEX_BASE - 1) {
        next = reef__entity_index_next(&world->entities[REEF_RANGE_WORLD], index + 1);
        if (next != 0) {
            return next;
        }
    }
    return reef__entity_index_next(
        &world->entities[REEF_RANGE_SESSION],
        index < REEF_SESSION_INDEX_BASE ? 0 : index - REEF_SESSION_INDEX_BASE + 1);
}

/* Copy the given or the initial value to where none is. */
static void write_value(const reef__component_t *component, void *to, const void *value)
{
    if (component->size > 0) {
        memcpy(to, value != NULL ? value : component->initial, component->size);
    }
}

/* Give an entity another table's row with the columns both tables have. */
static reef__slice_t
move_to(reef_world_t *world, reef__record_t *record, const reef__edge_t *edge)
{
    const reef_table_t *from = record->table;
    const reef__chunk_t *chunk = reef__table_chunk_of(from, record->row);
    size_t place = reef__table_row_in_chunk(from, record->row);
    reef__slice_t slice = reef__table_append(edge->to, 1, world->version);

    slice.chunk->entities[slice.first] = chunk->entities[place];
    for (uint32_t i = 0; i < edge->move_count; i++) {
        const reef__move_t *move = &edge->moves[i];

        memcpy(slice.chunk->columns[move->to].data + (size_t)slice.first * move->size,
               chunk->columns[move->from].data + place * move->size, move->size);
    }
    return slice;
}

/* Leave the old row; the new one is complete. */
static void
finish_move(reef_world_t *world, reef__record_t *record, reef_table_t *to, uint32_t row)
{
    remove_row(world, record->table, record->row);
    record->table = to;
    record->row = row;
}

static void overwrite(reef_world_t *world,
                      const reef__record_t *record,
                      reef_entity_t entity,
                      reef_component_t component,
                      const void *value)
{
    const reef__component_t *info = reef__component_at(&world->components, component);
    uint8_t column = record->table->column_of[component];
    void *to = reef__table_value(record->table, record->row, column);

    if (value != to) {
        if (info->drop != NULL) {
            info->drop(to);
        }
        write_value(info, to, value);
    }
    reef__table_chunk_of(record->table, record->row)->columns[column].version =
        world->version;
    if (REEF_UNLIKELY(info->observed & 1u << REEF_OBSERVE_SET)) {
        reef__world_run_observers(world, REEF_OBSERVE_SET, entity, component, to);
    }
}

bool reef_world_add(reef_world_t *world,
                    reef_entity_t entity,
                    reef_component_t component,
                    const void *value)
{
    reef__record_t *record = reef__world_record(world, entity);
    const reef__component_t *info;
    const reef__edge_t *edge;
    reef__slice_t slice;

    assert(component < world->components.list.count);
    if (record == NULL) {
        world->stale_count++;
        return false;
    }
    if (record->table->column_of[component] != REEF__NO_COLUMN) {
        overwrite(world, record, entity, component, value);
        return true;
    }
    reef__world_begin_change(world);
    info = reef__component_at(&world->components, component);
    edge = reef__table_graph_edge(&world->graph, &world->components, record->table,
                                  component);
    slice = move_to(world, record, edge);
    write_value(info, reef__table_value(edge->to, slice.row, edge->column), value);
    finish_move(world, record, edge->to, slice.row);
    if (REEF_UNLIKELY(info->observed & 1u << REEF_OBSERVE_ADD)) {
        reef__world_run_observers(world, REEF_OBSERVE_ADD, entity, component,
                                  reef__table_value(edge->to, slice.row, edge->column));
    }
    return true;
}

bool reef_world_remove(reef_world_t *world,
                       reef_entity_t entity,
                       reef_component_t component)
{
    reef__record_t *record = reef__world_record(world, entity);
    const reef__component_t *info;
    const reef__edge_t *edge;
    reef__slice_t slice;
    void *value;

    assert(component < world->components.list.count);
    if (record == NULL) {
        world->stale_count++;
        return false;
    }
    if (record->table->column_of[component] == REEF__NO_COLUMN) {
        return false;
    }
    reef__world_begin_change(world);
    info = reef__component_at(&world->components, component);
    edge = reef__table_graph_edge(&world->graph, &world->components, record->table,
                                  component);
    value = reef__table_value(record->table, record->row, edge->column);
    if (REEF_UNLIKELY(info->observed & 1u << REEF_OBSERVE_REMOVE)) {
        reef__world_run_observers(world, REEF_OBSERVE_REMOVE, entity, component, value);
        info = reef__component_at(&world->components, component);
    }
    if (info->drop != NULL) {
        info->drop(value);
    }
    slice = move_to(world, record, edge);
    finish_move(world, record, edge->to, slice.row);
    return true;
}

bool reef_world_set(reef_world_t *world,
                    reef_entity_t entity,
                    reef_component_t component,
                    const void *value)
{
    const reef__record_t *record = reef__world_record(world, entity);

    assert(component < world->components.list.count);
    if (record == NULL) {
        world->stale_count++;
        return false;
    }
    if (record->table->column_of[component] == REEF__NO_COLUMN) {
        return false;
    }
    overwrite(world, record, entity, component, value);
    return true;
}

bool reef_world_has(const reef_world_t *world,
                    reef_entity_t entity,
                    reef_component_t component)
{
    return reef__world_value(world, entity, component) != NULL;
}

const void *reef_world_find(const reef_world_t *world,
                            reef_entity_t entity,
                            reef_component_t component)
{
    return reef__world_value(world, entity, component);
}

void *reef_world_find_mut(reef_world_t *world,
                          reef_entity_t entity,
                          reef_component_t component)
{
    const reef__record_t *record = reef__world_record(world, entity);
    uint8_t column;

    assert(component < REEF_MAX_COMPONENTS);
    if (record == NULL) {
        return NULL;
    }
    column = record->table->column_of[component];
    if (column == REEF__NO_COLUMN) {
        return NULL;
    }
    reef__table_chunk_of(record->table, record->row)->columns[column].version =
        world->version;
    return reef__table_value(record->table, record->row, column);
}

const reef_component_t *reef_world_components_of(const reef_world_t *world,
                                                 reef_entity_t entity,
                                                 uint32_t *count)
{
    const reef__record_t *record = reef__world_record(world, entity);

    *count = 0;
    return record != NULL ? reef_table_components(record->table, count) : NULL;
}
