/*
 * Observers hang on the component they watch.  A bit per kind on the component, and a
 * flag per table for the operations on whole rows, let everything unobserved pass
 * with one test.
 */
#include <reef/observer.h>

#include "world.h"

#include <reef/array.h>

void reef_world_observe(reef_world_t *world,
                        reef_observe_t what,
                        const reef_type_t *type,
                        reef_observer_fn run,
                        void *context)
{
    reef_component_t id = reef_world_component(world, type);
    reef__component_t *component = reef__component_at(&world->components, id);

    assert(run != NULL);
    assert(world->observing == 0);
    *REEF_ARRAY_PUSH(world->alloc, &component->observers[what]) =
        (reef__observer_t){.run = run, .context = context};
    component->observed |= 1u << what;
    for (size_t i = 0; i < world->graph.tables.count; i++) {
        reef_table_t *table = world->graph.tables.items[i];

        if (table != NULL && reef__table_column_of(table, id) != REEF__NO_COLUMN) {
            table->add_observed |= what == REEF_OBSERVE_ADD;
            table->remove_observed |= what == REEF_OBSERVE_REMOVE;
            table->despawn_observed |= what == REEF_OBSERVE_DESPAWN;
            table->hooked |=
                what == REEF_OBSERVE_REMOVE || what == REEF_OBSERVE_DESPAWN;
        }
    }
}

/* Tables keep their flags: a look that finds nothing, at most. */
void reef_world_unobserve(reef_world_t *world,
                          reef_observe_t what,
                          const reef_type_t *type,
                          reef_observer_fn run,
                          void *context)
{
    reef__component_t *component =
        reef__component_at(&world->components, reef_world_component(world, type));
    size_t kept = 0;

    assert(world->observing == 0);
    for (size_t i = 0; i < component->observers[what].count; i++) {
        reef__observer_t *observer = &component->observers[what].items[i];

        if (observer->run != run || observer->context != context) {
            component->observers[what].items[kept++] = *observer;
        }
    }
    component->observers[what].count = kept;
    if (kept == 0) {
        component->observed &= ~(1u << what);
    }
}

void reef__world_run_observers(reef_world_t *world,
                               reef_observe_t what,
                               reef_entity_t entity,
                               reef_component_t component,
                               const void *value)
{
    /* By index: an observer may register a type, which moves the list. */
    for (size_t i = 0;; i++) {
        const reef__component_t *info =
            reef__component_at(&world->components, component);

        if (i == info->observers[what].count) {
            return;
        }
        world->observing++;
        info->observers[what].items[i].run(world, entity, value,
                                           info->observers[what].items[i].context);
        world->observing--;
    }
}

void reef__world_run_row_observers(reef_world_t *world,
                                   reef_observe_t what,
                                   const reef_table_t *table,
                                   uint32_t row)
{
    reef_entity_t entity = table->entities[row];

    for (uint32_t i = 0; i < table->component_count; i++) {
        reef_component_t component = table->components[i];

        if (reef__component_at(&world->components, component)->observed & 1u << what) {
            reef__world_run_observers(world, what, entity, component,
                                      reef__table_value(table, row, i));
        }
    }
}
