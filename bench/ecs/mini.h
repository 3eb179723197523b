/**
 * @file mini.h
 * @brief A bare archetype store: the floor that a real one can approach.
 *
 * It keeps the promises that cost something per operation and no others: ids with
 * generations that every call checks, contiguous columns without holes, rows that move
 * between tables.  At most 64 component types, no reflection, no versions, no limits.
 * The component ids are given by the caller, 0 to 63.
 */
#ifndef BENCH_MINI_H
#define BENCH_MINI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MINI_MAX_COMPONENTS = 64
};

/** generation << 32 | index */
typedef uint64_t mini_entity_t;

typedef struct mini_store mini_store_t;
typedef struct mini_table mini_table_t;

/** Called after a component was added, before it is removed. */
typedef void (*mini_hook_fn)(mini_entity_t entity, const void *value, void *context);

mini_store_t *mini_store_create(void);
void mini_store_destroy(mini_store_t *store);

/** Say how many bytes component @p component has; 0 = a tag. */
void mini_component(mini_store_t *store, uint32_t component, uint32_t size);

/** Have mini_add() and mini_remove() call a function; either may be NULL. */
void mini_observe(mini_store_t *store,
                  uint32_t component,
                  mini_hook_fn added,
                  mini_hook_fn removed,
                  void *context);

/** Keep a bitmap of the rows that mini_find_mut() gave out. */
void mini_track(mini_store_t *store, uint32_t component);

/** Rows marked since the last call. */
uint64_t mini_take_changes(mini_store_t *store, uint32_t component);

/** The table of a set of components, to spawn into. */
mini_table_t *mini_table(mini_store_t *store, uint64_t components);

/** Spawn with values, given in ascending order of component id. */
mini_entity_t
mini_spawn(mini_store_t *store, mini_table_t *table, const void *const *values);

/** Spawn @p count entities; columns in ascending order of component id. */
void mini_spawn_rows(mini_store_t *store,
                     mini_table_t *table,
                     uint32_t count,
                     const void *const *columns,
                     mini_entity_t *entities);

bool mini_despawn(mini_store_t *store, mini_entity_t entity);
uint64_t mini_count(const mini_store_t *store);

bool mini_add(mini_store_t *store,
              mini_entity_t entity,
              uint32_t component,
              const void *value);
bool mini_remove(mini_store_t *store, mini_entity_t entity, uint32_t component);

/** NULL when the entity is dead or has none. */
const void *
mini_find(const mini_store_t *store, mini_entity_t entity, uint32_t component);
void *mini_find_mut(mini_store_t *store, mini_entity_t entity, uint32_t component);

/* Queries: made when all tables are there ------------------------------------- */

/** One table of a query; both may change, so they are read through the table. */
typedef struct mini_match {
    const uint32_t *count;
    uint8_t *const *column; /* of the component that is iterated */
} mini_match_t;

typedef struct mini_query {
    mini_match_t *matches;
    uint32_t count;
} mini_query_t;

/** All tables that have @p component.  Release: mini_query_finish(). */
mini_query_t mini_query(const mini_store_t *store, uint32_t component);
void mini_query_finish(mini_query_t *query);

/* Commands: typed records in one buffer, applied in order ---------------------- */

typedef struct mini_commands mini_commands_t;

mini_commands_t *mini_commands_create(mini_store_t *store);
void mini_commands_destroy(mini_commands_t *commands);

/** Reserve an id and record its values, as mini_spawn(). */
mini_entity_t mini_commands_spawn(mini_commands_t *commands,
                                  mini_table_t *table,
                                  const void *const *values);
void mini_commands_despawn(mini_commands_t *commands, mini_entity_t entity);
void mini_commands_add(mini_commands_t *commands,
                       mini_entity_t entity,
                       uint32_t component,
                       const void *value);
void mini_commands_apply(mini_commands_t *commands);

#endif /* BENCH_MINI_H */
