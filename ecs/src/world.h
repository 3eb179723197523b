/**
 * @file world.h
 * @brief The parts of a world, and how they work together.
 */
#ifndef REEF_ECS_WORLD_H
#define REEF_ECS_WORLD_H

#include "component.h"
#include "entity_index.h"
#include "relation.h"
#include "resource.h"
#include "table_graph.h"

#include <reef/query.h>
#include <reef/world.h>

#include <assert.h>

struct reef_event_registry;
struct reef__executor;

struct reef_world {
    const reef_alloc_t *alloc;
    uint64_t version;
    uint64_t structure; /* counts changes of structure */
    uint64_t stale_count;
    uint64_t imports;   /* how often the ids of REEF_RANGE_WORLD became others */
    bool in_stage;      /* systems that are not exclusive run */
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
    struct reef__executor *executor;    /* NULL with one worker */
    reef_clock_fn clock;                /* may be NULL */
    void *clock_context;
    uint32_t inline_below_ns;
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

/** Table of a live entity. */
static inline reef_table_t *reef__world_table_of(const reef_world_t *world,
                                                 const reef__record_t *record)
{
    return world->graph.tables.items[record->table];
}

/** Where the component of a live entity lies, or NULL. */
static inline void *reef__world_value(const reef_world_t *world,
                                      reef_entity_t entity,
                                      reef_component_t component)
{
    const reef__record_t *record = reef__entity_index_find_any(
        &world->entities[reef_entity_range(entity)], entity);
    const reef_table_t *table;
    uint8_t column;

    if (REEF_UNLIKELY(record == NULL)) {
        return NULL;
    }
    table = reef__world_table_of(world, record);
    column = reef__table_column_of(table, component);
    return REEF_LIKELY(column != REEF__NO_COLUMN)
               ? reef__table_value(table, record->row, column)
               : NULL;
}

/** reef_world_find_mut() that stamps @p version. */
void *reef__world_find_mut(reef_world_t *world,
                           reef_entity_t entity,
                           reef_component_t component,
                           uint64_t version);

/* What the operations on one entity share, in entity.c ---------------------------- */

/** Append a row for @p entity to @p table and let its record point there; values are
 *  the caller's to fill in.  Returns the row. */
static inline uint32_t reef__world_place(reef_world_t *world,
                                         reef_table_t *table,
                                         reef__record_t *record,
                                         reef_entity_t entity)
{
    uint32_t row = reef__table_append(table, world->version);

    table->entities[row] = entity;
    record->table = table->index;
    record->row = row;
    if (REEF_UNLIKELY(table->track_count > 0)) {
        reef__table_track_arrival(table, row, NULL, 0);
    }
    return row;
}

/**
 * Let an entity leave its row for @p row of @p to, just appended: values go along as
 * @p moves say, the last row of its table fills the hole, and the records know.
 * Components that come are the caller's to write, before or after.
 */
void reef__world_carry_row(reef_world_t *world,
                           reef__record_t *record,
                           reef_table_t *to,
                           uint32_t row,
                           const reef__move_t *moves,
                           uint32_t move_count);

/** Despawn a live entity, after what hangs on it. */
void reef__world_despawn(reef_world_t *world,
                         reef__record_t *record,
                         reef_entity_t entity);

/** Despawn an entity that is alive and that nothing points to any more. */
void reef__world_despawn_one(reef_world_t *world,
                             reef__record_t *record,
                             reef_entity_t entity);

/** Replace the value at a column that is there.  False when a relation refuses. */
bool reef__world_overwrite(reef_world_t *world,
                           reef_entity_t entity,
                           const reef__record_t *record,
                           uint8_t column,
                           const void *value);

/** Call the observers of one component of one entity. */
void reef__world_run_observers(reef_world_t *world,
                               reef_observe_t what,
                               reef_entity_t entity,
                               reef_component_t component,
                               const void *value);

static inline bool reef__component_is_observed(const reef__component_t *component,
                                               reef_observe_t what)
{
    return REEF_UNLIKELY(component->observed >> what & 1);
}

/** Call the observers of each component of the entity at @p row. */
void reef__world_run_row_observers(reef_world_t *world,
                                   reef_observe_t what,
                                   const reef_table_t *table,
                                   uint32_t row);

/** Rows were spawned, or put back: link their relations, then call `add` observers. */
void reef__world_finish_rows(reef_world_t *world,
                             reef_table_t *table,
                             uint32_t first_row,
                             uint32_t count);

/** Tell a query of a table that is new, or about to go; in query.c. */
void reef__query_add_table(reef_query_t *query, reef_table_t *table);
void reef__query_remove_table(reef_query_t *query, const reef_table_t *table);

#endif /* REEF_ECS_WORLD_H */
