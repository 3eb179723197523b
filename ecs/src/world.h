/**
 * @file world.h
 * @brief The parts of a world, and how they work together.
 */
#ifndef REEF_ECS_WORLD_H
#define REEF_ECS_WORLD_H

#include "component.h"
#include "entity_index.h"
#include "resource.h"
#include "table_graph.h"

#include <reef/query.h>
#include <reef/world.h>

#include <assert.h>

struct reef_event_registry;

struct reef_world {
    const reef_alloc_t *alloc;
    uint64_t version;
    uint64_t structure; /* counts changes of structure */
    uint64_t stale_count;
    uint32_t observing; /* observers under way; structure then must not change */
    reef__entity_index_t entities[2]; /* by reef_entity_range_t */
    reef__component_registry_t components;
    reef__table_graph_t graph;
    reef_table_t *empty; /* of entities without components */
    struct {
        reef_query_t **items;
        size_t count, capacity;
    } queries;
    reef__resource_list_t resources;
    struct reef_event_registry *events; /* NULL before the first use */
    reef_clock_fn clock;                /* may be NULL */
    void *clock_context;
};

const reef_alloc_t *reef__world_alloc(const reef_world_t *world);

/** The world's clock, or 0 when it has none. */
uint64_t reef__world_now(const reef_world_t *world);

/** Every change of structure begins with this. */
static inline void reef__world_begin_change(reef_world_t *world)
{
    assert(world->observing == 0);
    world->structure++;
}

/** Record of a live entity, or NULL. */
static inline reef__record_t *reef__world_record(const reef_world_t *world,
                                                 reef_entity_t entity)
{
    return reef__entity_index_find(&world->entities[reef_entity_range(entity)], entity);
}

/** Make a reserved id alive, without components.  False, counted, when it is not
 *  reserved any more. */
bool reef__world_activate(reef_world_t *world, reef_entity_t entity);

/** Where the component of a live entity lies, or NULL. */
static inline void *reef__world_value(const reef_world_t *world,
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
    return reef__table_value(record->table, record->row, column);
}

/** Call the observers of one component of one entity. */
void reef__world_run_observers(reef_world_t *world,
                               reef_observe_t what,
                               reef_entity_t entity,
                               reef_component_t component,
                               const void *value);

/** Call the observers of each component of the entity at @p row. */
void reef__world_run_row_observers(reef_world_t *world,
                                   reef_observe_t what,
                                   const reef_table_t *table,
                                   uint32_t row);

/** Tell a query of a new table; in query.c. */
void reef__query_add_table(reef_query_t *query, reef_table_t *table);

#endif /* REEF_ECS_WORLD_H */
