/**
 * @file type_cache.h
 * @brief From the address of a description to a number, for repeated lookups.
 *
 * Descriptions are static per translation unit, so one name has many addresses: the
 * name decides, and this remembers what was decided.  Direct-mapped; a collision
 * forgets the older one.  Descriptions live as long as the world, so an address
 * never comes to mean another type.
 */
#ifndef REEF_ECS_TYPE_CACHE_H
#define REEF_ECS_TYPE_CACHE_H

#include <reef/reflect.h>

#include <stdbool.h>
#include <stdint.h>

enum {
    REEF__TYPE_CACHE_BITS = 8
};

typedef struct reef__type_cache {
    struct {
        const reef_type_t *type;
        uint32_t value;
    } entries[1 << REEF__TYPE_CACHE_BITS];
} reef__type_cache_t;

static inline uint32_t reef__type_cache_slot(const reef_type_t *type)
{
    return (uint32_t)((uint64_t)(uintptr_t)type * 0x9E3779B97F4A7C15u >>
                      (64 - REEF__TYPE_CACHE_BITS));
}

static inline bool reef__type_cache_find(const reef__type_cache_t *cache,
                                         const reef_type_t *type,
                                         uint32_t *value)
{
    uint32_t slot = reef__type_cache_slot(type);

    *value = cache->entries[slot].value;
    return cache->entries[slot].type == type;
}

static inline void
reef__type_cache_set(reef__type_cache_t *cache, const reef_type_t *type, uint32_t value)
{
    uint32_t slot = reef__type_cache_slot(type);

    cache->entries[slot].type = type;
    cache->entries[slot].value = value;
}

#endif /* REEF_ECS_TYPE_CACHE_H */
