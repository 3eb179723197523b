/**
 * @file resource.h
 * @brief The singletons of a world.
 */
#ifndef REEF_ECS_RESOURCE_H
#define REEF_ECS_RESOURCE_H

#include "type_cache.h"

#include <reef/alloc.h>
#include <reef/map.h>

typedef struct reef__resource {
    const reef_type_t *type;
    void *value;
} reef__resource_t;

typedef struct reef__resource_list {
    const reef_alloc_t *alloc;
    reef_map_t *by_name;
    struct {
        reef__resource_t *items;
        size_t count, capacity;
    } list;
    reef__type_cache_t cache;
} reef__resource_list_t;

void reef__resource_list_init(reef__resource_list_t *resources,
                              const reef_alloc_t *alloc);

/** Drop all values. */
void reef__resource_list_finish(reef__resource_list_t *resources);

#endif /* REEF_ECS_RESOURCE_H */
