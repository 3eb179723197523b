/**
 * @file entity.h
 * @brief Entity ids: which thing, and which life of its slot.
 *
 * An id is a 32-bit index and a 32-bit generation.  Indices from 2^31 belong to
 * entities of sessions, lower ones to all others, each range with its own free
 * list; so a snapshot can be restored beside clients that stay connected.
 */
#ifndef REEF_ENTITY_H
#define REEF_ENTITY_H

#include <stdbool.h>
#include <stdint.h>

/** Entity id: generation << 32 | index.  0 is never a live entity. */
typedef uint64_t reef_entity_t;

#define REEF_SESSION_INDEX_BASE 0x80000000u

typedef enum reef_entity_range {
    REEF_RANGE_WORLD,   /* indices from 1; stored in snapshots */
    REEF_RANGE_SESSION, /* indices from 2^31; bound to connections */
} reef_entity_range_t;

static inline uint32_t reef_entity_index(reef_entity_t entity)
{
    return (uint32_t)entity;
}

static inline uint32_t reef_entity_generation(reef_entity_t entity)
{
    return (uint32_t)(entity >> 32);
}

static inline reef_entity_range_t reef_entity_range(reef_entity_t entity)
{
    return reef_entity_index(entity) >= REEF_SESSION_INDEX_BASE ? REEF_RANGE_SESSION
                                                                : REEF_RANGE_WORLD;
}

#endif /* REEF_ENTITY_H */
