/**
 * @file observer.h
 * @brief Functions called when a component comes, changes or goes.
 *
 * Observers run on the world thread at the moment of the change, the component's
 * value readable: after it was added or set, before it is removed (removing a
 * component and despawning its entity both count as remove).  An observer may read
 * the world, write resources or its own data and record commands, but not change
 * structure at once.
 */
#ifndef REEF_OBSERVER_H
#define REEF_OBSERVER_H

#include <reef/world.h>

typedef enum reef_observe {
    REEF_OBSERVE_ADD,
    REEF_OBSERVE_SET, /* an overwrite through add, set or a command; not a write
                         through a column or reef_world_find_mut() */
    REEF_OBSERVE_REMOVE,
    REEF_OBSERVE_DESPAWN, /* of an entity that has the component; all its components
                             are still there, the removes follow */
} reef_observe_t;

typedef void (*reef_observer_fn)(reef_world_t *world,
                                 reef_entity_t entity,
                                 const void *value,
                                 void *context);

/** Call @p run for every such change, in order of registration, until the world ends
 *  or reef_world_unobserve().  @p context is borrowed. */
void reef_world_observe(reef_world_t *world,
                        reef_observe_t what,
                        const reef_type_t *type,
                        reef_observer_fn run,
                        void *context);

/** Stop that: for whoever goes before the world does.  Nothing happens when there is no
 *  such observer.  Not from an observer. */
void reef_world_unobserve(reef_world_t *world,
                          reef_observe_t what,
                          const reef_type_t *type,
                          reef_observer_fn run,
                          void *context);

#endif /* REEF_OBSERVER_H */
