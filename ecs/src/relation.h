/**
 * @file relation.h
 * @brief The lists of sources that the world keeps for a relation.
 */
#ifndef REEF_ECS_RELATION_H
#define REEF_ECS_RELATION_H

#include <reef/alloc.h>
#include <reef/map.h>
#include <reef/relation.h>
#include <reef/world.h>

#include <stdbool.h>
#include <stdint.h>

typedef struct reef__source_list {
    reef_entity_t *items;
    size_t count, capacity;
} reef__source_list_t;

/** The `place` of a value that is in no list yet: its target was not accepted. */
#define REEF__NOT_LINKED UINT32_MAX

/** A relation's way back. */
typedef struct reef__links {
    const reef_alloc_t *alloc;
    bool cascade;
    reef_map_t *by_target; /* id → index in lists */
    struct {
        reef__source_list_t *items;
        size_t count, capacity;
    } lists;
    struct {
        uint32_t *items; /* indices of lists that no target has */
        size_t count, capacity;
    } spare;
} reef__links_t;

/** NULL when @p type is no relation. */
reef__links_t *reef__links_create(const reef_alloc_t *alloc, const reef_type_t *type);

/** Accepts NULL. */
void reef__links_destroy(reef__links_t *links);

/** Whether @p source may point to @p target: that is alive or reserved, and no cycle of
 *  a cascading relation arises. */
bool reef__relation_accepts(const reef_world_t *world,
                            reef_component_t component,
                            reef_entity_t source,
                            reef_entity_t target);

/** Enter a value, whose target was accepted, into the target's list. */
void reef__relation_link(reef_world_t *world,
                         reef_component_t component,
                         reef_entity_t source,
                         reef_relation_t *value);

/** Take a value out of its target's list; without effect when it has no target. */
void reef__relation_unlink(reef_world_t *world,
                           reef_component_t component,
                           const reef_relation_t *value);

/** Despawn @p entity, alive or reserved, with everything that hangs on it. */
void reef__relation_despawn_tree(reef_world_t *world, reef_entity_t entity);

#endif /* REEF_ECS_RELATION_H */
