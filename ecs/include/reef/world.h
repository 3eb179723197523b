/**
 * @file world.h
 * @brief All entities, their components, the resources, the events.
 *
 * A world belongs to one thread (the *world thread*); every function here is called
 * from it, and the ones that change structure (spawn, despawn, add, remove) only
 * outside systems or from exclusive ones: other systems record commands (command.h).
 * A pointer to a component is *borrowed until the next structural change*.
 *
 * Component ids are dense, start at 0 and live as long as the world.  Whoever works
 * on many entities looks an id up once; reef_world_component() is the lookup.
 */
#ifndef REEF_WORLD_H
#define REEF_WORLD_H

#include <reef/alloc.h>
#include <reef/attrs.h>
#include <reef/entity.h>
#include <reef/reflect.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    REEF_MAX_COMPONENTS = 512,      /* types in one world */
    REEF_MAX_TABLE_COMPONENTS = 64, /* components on one entity */
    REEF_MAX_WORKERS = 64,
};

typedef uint16_t reef_component_t;
#define REEF_NO_COMPONENT ((reef_component_t)UINT16_MAX)

typedef struct reef_world reef_world_t;

/** Monotonic nanoseconds; used to time systems. */
typedef uint64_t (*reef_clock_fn)(void *context);

typedef struct reef_world_desc {
    const reef_alloc_t *alloc; /* borrowed; NULL = reef_alloc_default() */
    reef_clock_fn clock;       /* NULL = systems are not timed */
    void *clock_context;

    /** Threads that run systems, the world thread included; 0 = 1.  With more than one,
     *  `alloc` and `clock` must be safe to call from any thread. */
    uint32_t workers;
    /** A stage expected to take less than this runs on the world thread alone; 0 =
     *  20,000.  Needs a clock: without one a stage that can be shared is shared. */
    uint32_t inline_below_ns;
} reef_world_desc_t;

/** Create an empty world.  Owned by the caller: reef_world_destroy(). */
reef_world_t *reef_world_create(const reef_world_desc_t *desc);

/** Drop every component and resource, then the world.  Accepts NULL. */
void reef_world_destroy(reef_world_t *world);

/* Component types -------------------------------------------------------------- */

/** Id of a component type, registering it on first use.  @p type is borrowed for the
 *  life of the world.  Two types of one name must have the same layout (asserts). */
reef_component_t reef_world_component(reef_world_t *world, const reef_type_t *type);

/** Id by name, or REEF_NO_COMPONENT. */
reef_component_t reef_world_find_component(const reef_world_t *world, reef_span_t name);

/** Description of a registered component. */
const reef_type_t *reef_world_component_type(const reef_world_t *world,
                                             reef_component_t component);

uint32_t reef_world_component_count(const reef_world_t *world);

/* Entities --------------------------------------------------------------------- */

/** A new entity without components. */
reef_entity_t reef_world_spawn(reef_world_t *world, reef_entity_range_t range);

typedef struct reef_rows_desc {
    reef_entity_range_t range;
    uint32_t count;                     /* entities to spawn */
    const reef_component_t *components; /* distinct ids, any order */
    uint32_t component_count;
    const void *const *columns; /* [component_count] of [count] values to copy; a NULL
                                   column gets the type's initial value */
} reef_rows_desc_t;

/**
 * Spawn many alike entities straight into their final table.
 *
 * @param entities Receives desc->count ids; may be NULL.
 */
void reef_world_spawn_rows(reef_world_t *world,
                           const reef_rows_desc_t *desc,
                           reef_entity_t *entities);

/** Remove an entity and drop its components, after what hangs on it by relations
 *  (relation.h).  False when it was not alive. */
bool reef_world_despawn(reef_world_t *world, reef_entity_t entity);

bool reef_world_is_alive(const reef_world_t *world, reef_entity_t entity);

/** Entities alive in both ranges. */
uint64_t reef_world_entity_count(const reef_world_t *world);

/**
 * The live entity with the lowest index greater than @p index, or 0: walks all
 * entities in index order while some come and go (start with index 0).
 */
reef_entity_t reef_world_next_entity(const reef_world_t *world, uint32_t index);

/* Components of an entity ------------------------------------------------------ */

/** Add @p component, or overwrite it, with a copy of @p value (type->size bytes; NULL
 *  = its initial value).  False, counted, when the entity is not alive or a relation
 *  cannot be (relation.h): the value then remains the caller's. */
bool reef_world_add(reef_world_t *world,
                    reef_entity_t entity,
                    reef_component_t component,
                    const void *value);

/** Remove a component.  False when the entity is not alive or has none. */
bool reef_world_remove(reef_world_t *world,
                       reef_entity_t entity,
                       reef_component_t component);

/** Overwrite a component that is there; runs `set` observers and marks the change.
 *  False when it is not there. */
bool reef_world_set(reef_world_t *world,
                    reef_entity_t entity,
                    reef_component_t component,
                    const void *value);

bool reef_world_has(const reef_world_t *world,
                    reef_entity_t entity,
                    reef_component_t component);

/** Read a component; NULL when the entity is not alive or has none.  Of a tag the
 *  pointer says only that it is there. */
const void *reef_world_find(const reef_world_t *world,
                            reef_entity_t entity,
                            reef_component_t component);

/** Like reef_world_find(), to write through: marks the component changed.  Not for
 *  relations (asserts). */
void *reef_world_find_mut(reef_world_t *world,
                          reef_entity_t entity,
                          reef_component_t component);

/** `const position_2d_t *p = REEF_FIND(world, entity, position_2d);` */
#define REEF_FIND(world, entity, name)                                                 \
    ((const name##_t *)reef_world_find((world), (entity),                              \
                                       reef_world_component((world), &name##_type)))
#define REEF_FIND_MUT(world, entity, name)                                             \
    ((name##_t *)reef_world_find_mut((world), (entity),                                \
                                     reef_world_component((world), &name##_type)))
/** `REEF_ADD(world, entity, position_2d, .x = 1, .y = 2);` */
#define REEF_ADD(world, entity, name, ...)                                             \
    reef_world_add((world), (entity), reef_world_component((world), &name##_type),     \
                   &(name##_t){__VA_ARGS__})

/** Release tables that have neither rows nor a bundle, and the memory of tables that
 * their rows do not need.  Queries forget the tables, their indices may be used again.
 */
void reef_world_trim(reef_world_t *world);

/** Ids of the entity's components, ascending: borrowed until the next structural
 *  change.  *count is 0 when the entity is not alive. */
const reef_component_t *reef_world_components_of(const reef_world_t *world,
                                                 reef_entity_t entity,
                                                 uint32_t *count);

/* Resources: singletons with the same reflection ------------------------------- */

/** Add a resource, or find the one that is there; a new one gets the type's initial
 *  value.  Owned by the world; the address is stable. */
void *reef_world_resource(reef_world_t *world, const reef_type_t *type);

uint32_t reef_world_resource_count(const reef_world_t *world);

/** Resource @p index in order of registration: its type, and its value. */
const reef_type_t *reef_world_resource_type(const reef_world_t *world, uint32_t index);
void *reef_world_resource_value(reef_world_t *world, uint32_t index);

#define REEF_RESOURCE(world, name)                                                     \
    ((name##_t *)reef_world_resource((world), &name##_type))

/* Versions and hashes ---------------------------------------------------------- */

/** Version stamped on what is written now; grows with every system run. */
uint64_t reef_world_version(const reef_world_t *world);

/** Begin a new version and return it: what was written before compares less. */
uint64_t reef_world_advance_version(reef_world_t *world);

/** Commands and calls that met a dead entity: counted, otherwise without effect. */
uint64_t reef_world_stale_count(const reef_world_t *world);

/** Hash of all entities and components by reflected fields: independent of row order,
 *  padding and addresses. */
uint64_t reef_world_state_hash(const reef_world_t *world);

/** The same over what a snapshot stores: REEF_RANGE_WORLD, persistent types,
 *  persistent resources. */
uint64_t reef_world_persistent_hash(const reef_world_t *world);

#endif /* REEF_WORLD_H */
