/*
 * Operations on one entity.  Its record names its table and row; an entity without
 * components has a row in the empty table, so every live entity has one.
 *
 * Order within an operation: the value arrives at its new place before the old row
 * is filled up, because the value given may lie in the old table; observers of
 * `remove` run before anything has changed, those of `add` and `set` after all has.
 */
#include "world.h"

reef_entity_t reef_world_spawn(reef_world_t *world, reef_entity_range_t range)
{
    reef__record_t *record;
    reef_entity_t entity;

    reef__world_begin_change(world);
    entity = reef__entity_index_reserve(&world->entities[range], &record);
    reef__entity_index_activate(&world->entities[range], record);
    reef__world_place(world, world->empty, record, entity);
    return entity;
}

/* The entity that filled the hole at `row` learns where it is. */
static inline void tell_moved(reef_world_t *world, reef_entity_t moved, uint32_t row)
{
    if (REEF_LIKELY(moved != 0)) {
        reef__entity_index_slot(&world->entities[reef_entity_range(moved)],
                                reef__entity_slot(moved))
            ->row = row;
    }
}

/* With local pointers, because after each store through a byte the tables would be
 * loaded again. */
void reef__world_carry_row(reef_world_t *world,
                           reef__record_t *record,
                           reef_table_t *to,
                           uint32_t row,
                           const reef__move_t *moves,
                           uint32_t move_count)
{
    reef_table_t *from = reef__world_table_of(world, record);
    const reef__column_t *from_columns = from->columns, *to_columns = to->columns;
    const reef__move_t *end = moves + move_count;
    size_t hole = record->row, last = from->row_count - 1;
    reef_entity_t moved = 0;

    if (REEF_UNLIKELY(to->track_count > 0)) {
        reef__table_track_arrival(to, row, from, record->row);
    }
    to->entities[row] = from->entities[hole];
    for (; moves != end; moves++) {
        const reef__column_t *column = &from_columns[moves->from];
        size_t size = column->size;
        uint8_t *value = column->data + hole * size;

        if (REEF_LIKELY(moves->to != REEF__NO_COLUMN)) {
            reef__copy_value(to_columns[moves->to].data + row * size, value, size);
        }
        if (REEF_LIKELY(hole != last)) {
            reef__copy_value(value, column->data + last * size, size);
        }
    }
    if (REEF_LIKELY(hole != last)) {
        moved = from->entities[last];
        from->entities[hole] = moved;
    }
    reef__table_note_gap(from, (uint32_t)hole, (uint32_t)last, world->version);
    tell_moved(world, moved, (uint32_t)hole);
    record->table = to->index;
    record->row = row;
}

/* Take the row's relations out of the lists of their targets. */
static void unlink_row(reef_world_t *world, const reef_table_t *table, uint32_t row)
{
    for (uint32_t i = 0; i < table->component_count; i++) {
        reef_component_t component = table->components[i];

        if (reef__component_is_relation(
                reef__component_at(&world->components, component))) {
            reef__relation_unlink(world, component,
                                  (void *)reef__table_value(table, row, i));
        }
    }
}

/* What is to be done while the row is still there. */
static void prepare_despawn(reef_world_t *world, reef_table_t *table, uint32_t row)
{
    if (table->despawn_observed) {
        reef__world_run_row_observers(world, REEF_OBSERVE_DESPAWN, table, row);
    }
    if (table->remove_observed) {
        reef__world_run_row_observers(world, REEF_OBSERVE_REMOVE, table, row);
    }
    if (table->related) {
        unlink_row(world, table, row);
    }
    if (table->owning) {
        reef__table_drop_row(table, row);
    }
}

void reef__world_despawn_one(reef_world_t *world,
                             reef__record_t *record,
                             reef_entity_t entity)
{
    reef_table_t *table = reef__world_table_of(world, record);
    uint32_t row = record->row;

    reef__world_begin_change(world);
    if (REEF_UNLIKELY(table->hooked)) {
        prepare_despawn(world, table, row);
    }
    tell_moved(world, reef__table_swap_remove(table, row, world->version), row);
    reef__entity_index_release(&world->entities[reef_entity_range(entity)], record,
                               reef__entity_slot(entity));
}

void reef__world_despawn(reef_world_t *world,
                         reef__record_t *record,
                         reef_entity_t entity)
{
    if (REEF_UNLIKELY(record->is_target)) {
        reef__relation_despawn_tree(world, entity);
    } else {
        reef__world_despawn_one(world, record, entity);
    }
}

bool reef_world_despawn(reef_world_t *world, reef_entity_t entity)
{
    reef__record_t *record = reef__world_record(world, entity);

    if (record == NULL) {
        world->stale_count++;
        return false;
    }
    reef__world_despawn(world, record, entity);
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

/* The entity a relation's value points to. */
static reef_entity_t target_of(const void *value)
{
    reef_relation_t relation = {0};

    if (value != NULL) {
        memcpy(&relation, value, sizeof(relation));
    }
    return relation.target;
}

/* Whether a relation may get this value; else it is counted. */
static bool accepts(reef_world_t *world,
                    reef_entity_t entity,
                    reef_component_t component,
                    const void *value)
{
    if (reef__relation_accepts(world, component, entity, target_of(value))) {
        return true;
    }
    world->stale_count++;
    return false;
}

bool reef__world_overwrite(reef_world_t *world,
                           reef_entity_t entity,
                           const reef__record_t *record,
                           uint8_t column,
                           const void *value)
{
    reef_table_t *table = reef__world_table_of(world, record);
    reef_component_t component = table->components[column];
    const reef__component_t *info = reef__component_at(&world->components, component);
    uint8_t *to = reef__table_value(table, record->row, column);

    if (REEF_UNLIKELY(reef__component_is_relation(info))) {
        if (!accepts(world, entity, component, value)) {
            return false;
        }
        if (value != to) {
            reef__relation_unlink(world, component, (void *)to);
            reef__copy_value(to, value, info->size);
            reef__relation_link(world, component, entity, (void *)to);
        }
    } else if (info->size > 0 && value != to) {
        if (REEF_UNLIKELY(info->owns)) {
            reef_type_drop(info->type, to);
        }
        reef__component_write(info, to, value);
    }
    reef__table_note_write(table, record->row, column, world->version);
    if (reef__component_is_observed(info, REEF_OBSERVE_SET)) {
        reef__world_run_observers(world, REEF_OBSERVE_SET, entity, component, to);
    }
    return true;
}

/* The component is not there yet. */
static bool add_new(reef_world_t *world,
                    reef__record_t *record,
                    reef_entity_t entity,
                    reef_component_t component,
                    const void *value)
{
    const reef__component_t *info = reef__component_at(&world->components, component);
    reef_table_t *from = reef__world_table_of(world, record);
    const reef__edge_t *edge;
    uint32_t row;
    uint8_t *to;

    if (REEF_UNLIKELY(reef__component_is_relation(info)) &&
        !accepts(world, entity, component, value)) {
        return false;
    }
    reef__world_begin_change(world);
    edge = reef__table_graph_edge(&world->graph, &world->components, from, component);
    row = reef__table_append(edge->to, world->version);
    to = reef__table_value(edge->to, row, edge->column);
    if (info->size > 0) { /* now: what is given may lie in the row that goes */
        reef__component_write(info, to, value);
    }
    reef__world_carry_row(world, record, edge->to, row, edge->moves, edge->move_count);
    if (REEF_UNLIKELY(reef__component_is_relation(info))) {
        reef__relation_link(world, component, entity, (void *)to);
    }
    if (reef__component_is_observed(info, REEF_OBSERVE_ADD)) {
        reef__world_run_observers(world, REEF_OBSERVE_ADD, entity, component, to);
    }
    return true;
}

bool reef_world_add(reef_world_t *world,
                    reef_entity_t entity,
                    reef_component_t component,
                    const void *value)
{
    reef__record_t *record = reef__world_record(world, entity);
    uint8_t column;

    assert(component < world->components.list.count);
    if (REEF_UNLIKELY(record == NULL)) {
        world->stale_count++;
        return false;
    }
    column = reef__table_column_of(reef__world_table_of(world, record), component);
    return column == REEF__NO_COLUMN
               ? add_new(world, record, entity, component, value)
               : reef__world_overwrite(world, entity, record, column, value);
}

bool reef_world_remove(reef_world_t *world,
                       reef_entity_t entity,
                       reef_component_t component)
{
    reef__record_t *record = reef__world_record(world, entity);
    const reef__component_t *info;
    const reef__edge_t *edge;
    reef_table_t *from;
    uint8_t *value;

    assert(component < world->components.list.count);
    if (REEF_UNLIKELY(record == NULL)) {
        world->stale_count++;
        return false;
    }
    from = reef__world_table_of(world, record);
    if (reef__table_column_of(from, component) == REEF__NO_COLUMN) {
        return false;
    }
    reef__world_begin_change(world);
    info = reef__component_at(&world->components, component);
    edge = reef__table_graph_edge(&world->graph, &world->components, from, component);
    value = reef__table_value(from, record->row, edge->column);
    if (reef__component_is_observed(info, REEF_OBSERVE_REMOVE)) {
        reef__world_run_observers(world, REEF_OBSERVE_REMOVE, entity, component, value);
        info = reef__component_at(&world->components, component);
    }
    if (REEF_UNLIKELY(reef__component_is_relation(info))) {
        reef__relation_unlink(world, component, (void *)value);
    }
    if (REEF_UNLIKELY(info->owns)) {
        reef_type_drop(info->type, value);
    }
    reef__world_carry_row(world, record, edge->to,
                          reef__table_append(edge->to, world->version), edge->moves,
                          edge->move_count);
    return true;
}

bool reef_world_set(reef_world_t *world,
                    reef_entity_t entity,
                    reef_component_t component,
                    const void *value)
{
    const reef__record_t *record = reef__world_record(world, entity);
    uint8_t column;

    assert(component < world->components.list.count);
    if (REEF_UNLIKELY(record == NULL)) {
        world->stale_count++;
        return false;
    }
    column = reef__table_column_of(reef__world_table_of(world, record), component);
    return column != REEF__NO_COLUMN &&
           reef__world_overwrite(world, entity, record, column, value);
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

void *reef__world_find_mut(reef_world_t *world,
                           reef_entity_t entity,
                           reef_component_t component,
                           uint64_t version)
{
    const reef__record_t *record = reef__entity_index_find_any(
        &world->entities[reef_entity_range(entity)], entity);
    const reef_table_t *table;
    uint8_t column;
    void *value;

    if (REEF_UNLIKELY(record == NULL)) {
        return NULL;
    }
    table = reef__world_table_of(world, record);
    column = reef__table_column_of(table, component);
    if (REEF_UNLIKELY(column == REEF__NO_COLUMN)) {
        return NULL;
    }
    assert(!table->related || !reef__component_is_relation(
                                  reef__component_at(&world->components, component)));
    /* In this order, because after a store through a byte all is loaded again. */
    value = reef__table_value(table, record->row, column);
    reef__table_note_write(table, record->row, column, version);
    return value;
}

void *reef_world_find_mut(reef_world_t *world,
                          reef_entity_t entity,
                          reef_component_t component)
{
    return reef__world_find_mut(world, entity, component, world->version);
}

const reef_component_t *reef_world_components_of(const reef_world_t *world,
                                                 reef_entity_t entity,
                                                 uint32_t *count)
{
    const reef__record_t *record = reef__world_record(world, entity);

    *count = 0;
    return record != NULL
               ? reef_table_components(reef__world_table_of(world, record), count)
               : NULL;
}
