/**
 * @file bundle.h
 * @brief A set of components whose table is looked up once: the fast way to spawn.
 *
 *     reef_bundle_t *bundle = reef_bundle_create(world, REEF_TYPES(position_2d, name));
 *     reef_entity_t entity = reef_bundle_spawn(
 *         bundle, REEF_RANGE_WORLD, (const void *[]){&position, &name});
 *
 * World thread; inside systems record with reef_commands_spawn_bundle().
 */
#ifndef REEF_BUNDLE_H
#define REEF_BUNDLE_H

#include <reef/world.h>

typedef struct reef_bundle reef_bundle_t;

/** Resolve @p count distinct types, which are registered.  Owned by the caller:
 *  reef_bundle_destroy(), before the world. */
reef_bundle_t *reef_bundle_create(reef_world_t *world,
                                  const reef_type_t *const *types,
                                  uint32_t count);

/** Accepts NULL. */
void reef_bundle_destroy(reef_bundle_t *bundle);

/**
 * Spawn one entity with all components of the bundle.
 *
 * @param values [types] to copy, in the order of the types at creation; one that is
 *               NULL, or all when @p values is NULL, gets the type's initial value.  A
 *               relation that cannot be (relation.h) has the target 0 then.
 */
reef_entity_t reef_bundle_spawn(reef_bundle_t *bundle,
                                reef_entity_range_t range,
                                const void *const *values);

/**
 * Spawn @p count entities.
 *
 * @param columns  [types] of [count] values to copy; NULL as in reef_bundle_spawn().
 * @param entities Receives the ids; may be NULL.
 */
void reef_bundle_spawn_rows(reef_bundle_t *bundle,
                            reef_entity_range_t range,
                            uint32_t count,
                            const void *const *columns,
                            reef_entity_t *entities);

/** `reef_bundle_create(world, REEF_TYPES(position_2d, velocity_2d))`: 1 to 32 types. */
#define REEF_TYPES(...)                                                                \
    (const reef_type_t *const[]){REEF__EACH(REEF__TYPE_OF, , __VA_ARGS__)},            \
        REEF__COUNT(__VA_ARGS__)
#define REEF__TYPE_OF(unused_, name_) &name_##_type,

#endif /* REEF_BUNDLE_H */
