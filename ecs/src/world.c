/*
 * A world is its parts: entity ids (entity_index.c), component types (component.c),
 * rows (table.c, table_graph.c), resources (resource.c), events (event.c).  What is
 * done to one entity is in entity.c, to many at once in rows.c.
 */
#include "world.h"

#include "event.h"
#include "executor.h"

#include <reef/array.h>

enum {
    INLINE_BELOW_NS = 20000 /* a second thread does not pay for less */
};

static void on_table(void *context, reef_table_t *table)
{
    reef_world_t *world = context;

    world->structure++;
    for (size_t i = 0; i < world->queries.count; i++) {
        reef__query_add_table(world->queries.items[i], table);
    }
}

static void on_release(void *context, reef_table_t *table)
{
    reef_world_t *world = context;

    world->structure++;
    for (size_t i = 0; i < world->queries.count; i++) {
        reef__query_remove_table(world->queries.items[i], table);
    }
}

reef_world_t *reef_world_create(const reef_world_desc_t *desc)
{
    const reef_alloc_t *alloc =
        desc->alloc != NULL ? desc->alloc : reef_alloc_default();
    reef_world_t *world = reef_resize(alloc, NULL, 0, sizeof(*world));

    *world = (reef_world_t){.alloc = alloc,
                            .version = 1,
                            .clock = desc->clock,
                            .clock_context = desc->clock_context,
                            .inline_below_ns = desc->inline_below_ns > 0
                                                   ? desc->inline_below_ns
                                                   : INLINE_BELOW_NS};
    reef__table_graph_init(&world->graph, alloc);
    for (reef_entity_range_t i = REEF_RANGE_WORLD; i <= REEF_RANGE_SESSION; i++) {
        reef__entity_index_init(&world->entities[i], alloc, i);
    }
    reef__component_registry_init(&world->components, alloc);
    reef__resource_list_init(&world->resources, alloc);
    world->graph.on_table = on_table;
    world->graph.on_release = on_release;
    world->graph.context = world;
    world->empty = reef__table_graph_ensure(&world->graph, &world->components,
                                            &(reef_component_t){0}, 0);
    world->empty->pins++;
    assert(world->empty->index == 0); /* where records that are not alive point to */
    assert(desc->workers <= REEF_MAX_WORKERS);
    if (desc->workers > 1) {
        world->executor = reef__executor_create(alloc, desc->workers);
    }
    return world;
}

void reef_world_destroy(reef_world_t *world)
{
    if (world == NULL) {
        return;
    }
    assert(world->queries.count == 0);
    reef__executor_destroy(world->executor);
    reef__event_registry_destroy(world->events);
    reef__entity_index_finish(&world->entities[REEF_RANGE_WORLD]);
    reef__entity_index_finish(&world->entities[REEF_RANGE_SESSION]);
    reef__table_graph_finish(&world->graph);
    reef__resource_list_finish(&world->resources);
    reef__component_registry_finish(&world->components);
    REEF_ARRAY_FINISH(world->alloc, &world->queries);
    reef_resize(world->alloc, world, sizeof(*world), 0);
}

const reef_alloc_t *reef__world_alloc(const reef_world_t *world)
{
    return world->alloc;
}

uint64_t reef__world_now(const reef_world_t *world)
{
    return world->clock != NULL ? world->clock(world->clock_context) : 0;
}

reef_component_t reef_world_component(reef_world_t *world, const reef_type_t *type)
{
    return reef__component_ensure(&world->components, type);
}

reef_component_t reef_world_find_component(const reef_world_t *world, reef_span_t name)
{
    uint64_t id;

    if (!reef_map_find(world->components.by_name, name, &id)) {
        return REEF_NO_COMPONENT;
    }
    return (reef_component_t)id;
}

const reef_type_t *reef_world_component_type(const reef_world_t *world,
                                             reef_component_t component)
{
    assert(component < world->components.list.count);
    return reef__component_at(&world->components, component)->type;
}

uint32_t reef_world_component_count(const reef_world_t *world)
{
    return (uint32_t)world->components.list.count;
}

uint64_t reef_world_version(const reef_world_t *world)
{
    return world->version;
}

uint64_t reef_world_advance_version(reef_world_t *world)
{
    return ++world->version;
}

uint64_t reef_world_stale_count(const reef_world_t *world)
{
    return world->stale_count;
}

void reef_world_trim(reef_world_t *world)
{
    reef__world_begin_change(world);
    reef__table_graph_trim(&world->graph);
}

uint32_t reef_world_table_count(const reef_world_t *world)
{
    return (uint32_t)world->graph.tables.count;
}

const reef_table_t *reef_world_table(const reef_world_t *world, uint32_t index)
{
    assert(index < world->graph.tables.count);
    return world->graph.tables.items[index];
}

reef_event_queue_t *reef_world_events(reef_world_t *world,
                                      const reef_event_type_t *type)
{
    if (world->events == NULL) {
        world->events = reef__event_registry_create(world);
    }
    return reef__event_registry_ensure(world->events, type);
}

void reef_events_trim(reef_world_t *world)
{
    if (world->events != NULL) {
        reef__event_registry_trim(world->events);
    }
}
