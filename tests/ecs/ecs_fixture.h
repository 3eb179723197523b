/**
 * @file ecs_fixture.h
 * @brief A few component types and an empty world for the tests of the storage.
 */
#ifndef ECS_FIXTURE_H
#define ECS_FIXTURE_H

#include <reef/world.h>

#include <stddef.h>
#include <stdint.h>

REEF_COMPONENT(place, REEF_PERSISTENT, REEF_F32(x), REEF_F32(y, .initial = "7"));
REEF_COMPONENT(speed, REEF_PERSISTENT, REEF_F32(x), REEF_F32(y));
REEF_COMPONENT(mood, 0, REEF_I32(value), REEF_STRING(text, 20));
REEF_TAG(hidden, REEF_PERSISTENT);

/** Owns a count that its drop hook raises. */
typedef struct handle {
    uint32_t *dropped; /* may be NULL */
} handle_t;

static inline void handle_drop(void *value)
{
    handle_t *handle = value;

    if (handle->dropped != NULL) {
        ++*handle->dropped;
    }
}

REEF_UNUSED static const reef_type_t handle_type = {
    .name = "handle",
    .size = sizeof(handle_t),
    .alignment = _Alignof(handle_t),
    .drop = handle_drop,
};

static inline int setup(void **state)
{
    *state = reef_world_create(&(reef_world_desc_t){0});
    return 0;
}

static inline int teardown(void **state)
{
    reef_world_destroy(*state);
    return 0;
}

#define ID(world, name) reef_world_component((world), &name##_type)

static inline reef_entity_t spawn(reef_world_t *world)
{
    return reef_world_spawn(world, REEF_RANGE_WORLD);
}

#endif /* ECS_FIXTURE_H */
