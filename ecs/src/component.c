/*
 * A component's id is its place in a list that only grows; its name decides which.
 * The initial value is made once, here, so that adding one is a plain copy.
 */
#include "component.h"

#include "block.h"
#include "relation.h"

#include <reef/array.h>
#include <reef/hash.h>

#include <assert.h>
#include <string.h>

void reef__component_registry_init(reef__component_registry_t *registry,
                                   const reef_alloc_t *alloc)
{
    *registry =
        (reef__component_registry_t){.alloc = alloc, .by_name = reef_map_create(alloc)};
}

void reef__component_registry_finish(reef__component_registry_t *registry)
{
    for (size_t i = 0; i < registry->list.count; i++) {
        reef__component_t *component = &registry->list.items[i];

        if (component->initial != NULL) {
            reef_type_drop_texts(component->type, component->initial);
        }
        reef__block_destroy(registry->alloc, component->initial, component->size);
        reef__links_destroy(component->links);
        for (uint32_t k = 0; k <= REEF_OBSERVE_DESPAWN; k++) {
            REEF_ARRAY_FINISH(registry->alloc, &component->observers[k]);
        }
    }
    REEF_ARRAY_FINISH(registry->alloc, &registry->list);
    REEF_ARRAY_FINISH(registry->alloc, &registry->relations);
    reef_map_destroy(registry->by_name);
}

uint64_t reef__type_name_hash(const reef_type_t *type)
{
    return reef_hash64(type->name, strlen(type->name), 0);
}

void reef__type_check_same(const reef_type_t *known, const reef_type_t *type)
{
    assert(known->size == type->size);
    assert(known->alignment == type->alignment);
    (void)known;
    (void)type;
}

static uint32_t append(reef__component_registry_t *registry, const reef_type_t *type)
{
    uint32_t id = (uint32_t)registry->list.count;
    reef__component_t *component;

    assert(id < REEF_MAX_COMPONENTS);
    assert(type->alignment <= REEF__BLOCK_ALIGNMENT);
    component = REEF_ARRAY_PUSH(registry->alloc, &registry->list);
    *component = (reef__component_t){.type = type,
                                     .size = type->size,
                                     .owns = reef_type_owns(type),
                                     .links = reef__links_create(registry->alloc, type),
                                     .name_hash = reef__type_name_hash(type)};
    if (type->size > 0) {
        component->initial = reef__block_create(registry->alloc, type->size);
        memset(component->initial, 0, type->size);
        reef_type_init(type, component->initial);
    }
    if (component->links != NULL) {
        *REEF_ARRAY_PUSH(registry->alloc, &registry->relations) = (reef_component_t)id;
    }
    reef_map_set(registry->by_name, reef_span_text(type->name), id);
    return id;
}

reef_component_t reef__component_ensure(reef__component_registry_t *registry,
                                        const reef_type_t *type)
{
    uint32_t id;
    uint64_t known;

    if (REEF_LIKELY(reef__type_cache_find(&registry->cache, type, &id))) {
        return (reef_component_t)id;
    }
    if (reef_map_find(registry->by_name, reef_span_text(type->name), &known)) {
        id = (uint32_t)known;
        reef__type_check_same(registry->list.items[id].type, type);
    } else {
        id = append(registry, type);
    }
    reef__type_cache_set(&registry->cache, type, id);
    return (reef_component_t)id;
}
