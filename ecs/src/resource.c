/*
 * Each resource has a block of its own, so its address holds while the list grows.
 */
#include "resource.h"

#include "block.h"
#include "world.h"

#include <reef/array.h>

#include <string.h>

void reef__resource_list_init(reef__resource_list_t *resources,
                              const reef_alloc_t *alloc)
{
    *resources =
        (reef__resource_list_t){.alloc = alloc, .by_name = reef_map_create(alloc)};
}

void reef__resource_list_finish(reef__resource_list_t *resources)
{
    for (size_t i = 0; i < resources->list.count; i++) {
        reef__resource_t *resource = &resources->list.items[i];

        reef_type_drop(resource->type, resource->value);
        reef__block_destroy(resources->alloc, resource->value, resource->type->size);
    }
    REEF_ARRAY_FINISH(resources->alloc, &resources->list);
    reef_map_destroy(resources->by_name);
}

static uint32_t append(reef__resource_list_t *resources, const reef_type_t *type)
{
    uint32_t index = (uint32_t)resources->list.count;
    void *value = reef__block_create(resources->alloc, type->size);

    assert(type->alignment <= REEF__BLOCK_ALIGNMENT);
    memset(value, 0, type->size);
    reef_type_init(type, value);
    *REEF_ARRAY_PUSH(resources->alloc, &resources->list) =
        (reef__resource_t){.type = type, .value = value};
    reef_map_set(resources->by_name, reef_span_text(type->name), index);
    return index;
}

void *reef_world_resource(reef_world_t *world, const reef_type_t *type)
{
    reef__resource_list_t *resources = &world->resources;
    uint32_t index;
    uint64_t known;

    if (REEF_LIKELY(reef__type_cache_find(&resources->cache, type, &index))) {
        return resources->list.items[index].value;
    }
    if (reef_map_find(resources->by_name, reef_span_text(type->name), &known)) {
        index = (uint32_t)known;
        reef__type_check_same(resources->list.items[index].type, type);
    } else {
        index = append(resources, type);
    }
    reef__type_cache_set(&resources->cache, type, index);
    return resources->list.items[index].value;
}

uint32_t reef_world_resource_count(const reef_world_t *world)
{
    return (uint32_t)world->resources.list.count;
}

const reef_type_t *reef_world_resource_type(const reef_world_t *world, uint32_t index)
{
    assert(index < world->resources.list.count);
    return world->resources.list.items[index].type;
}

void *reef_world_resource_value(reef_world_t *world, uint32_t index)
{
    assert(index < world->resources.list.count);
    return world->resources.list.items[index].value;
}
