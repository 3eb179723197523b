/**
 * @file component.h
 * @brief The component types of a world, and who observes them.
 */
#ifndef REEF_ECS_COMPONENT_H
#define REEF_ECS_COMPONENT_H

#include "copy.h"
#include "type_cache.h"
#include "watch.h"

#include <reef/alloc.h>
#include <reef/map.h>
#include <reef/observer.h>
#include <reef/world.h>

#include <stdbool.h>
#include <stdint.h>

/** A set of component ids. */
typedef struct reef__component_set {
    uint64_t words[REEF_MAX_COMPONENTS / 64];
} reef__component_set_t;

static inline void reef__component_set_add(reef__component_set_t *set,
                                           reef_component_t component)
{
    set->words[component / 64] |= UINT64_C(1) << (component % 64);
}

static inline bool reef__component_set_contains(const reef__component_set_t *set,
                                                const reef__component_set_t *all)
{
    for (uint32_t i = 0; i < REEF_MAX_COMPONENTS / 64; i++) {
        if ((set->words[i] & all->words[i]) != all->words[i]) {
            return false;
        }
    }
    return true;
}

static inline bool reef__component_set_intersects(const reef__component_set_t *set,
                                                  const reef__component_set_t *any)
{
    for (uint32_t i = 0; i < REEF_MAX_COMPONENTS / 64; i++) {
        if (set->words[i] & any->words[i]) {
            return true;
        }
    }
    return false;
}

typedef struct reef__observer {
    reef_observer_fn run;
    void *context;
} reef__observer_t;

typedef struct reef__component {
    const reef_type_t *type;
    uint32_t size;           /* type->size */
    uint32_t observed;       /* 1 << reef_observe_t for each list with observers */
    bool owns;               /* its values own something, to be dropped */
    reef__watches_t watches; /* of the queries that follow its changes */
    uint8_t *initial;        /* [size], aligned; NULL for a tag */
    uint64_t name_hash;      /* the same in every world */
    struct {
        reef__observer_t *items;
        size_t count, capacity;
    } observers[REEF_OBSERVE_DESPAWN + 1];
    struct reef__links *links; /* of a relation, else NULL */
} reef__component_t;

typedef struct reef__component_registry {
    const reef_alloc_t *alloc;
    reef_map_t *by_name;
    struct {
        reef__component_t *items; /* moves when a type is registered */
        size_t count, capacity;
    } list;
    struct {
        reef_component_t *items;
        size_t count, capacity;
    } relations;
    reef__type_cache_t cache;
} reef__component_registry_t;

void reef__component_registry_init(reef__component_registry_t *registry,
                                   const reef_alloc_t *alloc);
void reef__component_registry_finish(reef__component_registry_t *registry);

/** Id of a type, registered on first use. */
reef_component_t reef__component_ensure(reef__component_registry_t *registry,
                                        const reef_type_t *type);

static inline reef__component_t *
reef__component_at(const reef__component_registry_t *registry,
                   reef_component_t component)
{
    return &registry->list.items[component];
}

static inline bool reef__component_is_relation(const reef__component_t *component)
{
    return component->links != NULL;
}

/** Write the initial value, or a copy of @p value, to where none is. */
static inline void
reef__component_write(const reef__component_t *component, void *to, const void *value)
{
    if (value != NULL) {
        reef__copy_value(to, value, component->size);
    } else if (REEF_UNLIKELY(component->owns)) {
        reef_type_init(component->type, to);
    } else {
        reef__copy_value(to, component->initial, component->size);
    }
}

/** Hash of a type's name. */
uint64_t reef__type_name_hash(const reef_type_t *type);

/** Stop the program when two types of one name differ in layout. */
void reef__type_check_same(const reef_type_t *known, const reef_type_t *type);

#endif /* REEF_ECS_COMPONENT_H */
