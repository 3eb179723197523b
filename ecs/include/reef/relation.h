/**
 * @file relation.h
 * @brief Components that point to another entity, and the way back.
 *
 *     REEF_RELATION(in_room, REEF_PERSISTENT, REEF_DETACH);
 *
 *     REEF_RELATE(world, client, in_room, room);
 *     members = REEF_SOURCES(world, room, in_room, &count);
 *
 * A relation is a component, so an entity has at most one target of a kind: a client
 * is in one room, a child has one parent.  The world keeps for every target the dense
 * list of its *sources*.  The list cannot diverge from the components: they change only
 * by add, set, remove, despawn and the commands of these names; writing through a
 * column or reef_world_find_mut() is refused.  When the target goes, its sources follow
 * (REEF_CASCADE) or lose the component (REEF_DETACH), before the target does.
 */
#ifndef REEF_RELATION_H
#define REEF_RELATION_H

#include <reef/command.h>
#include <reef/world.h>

/** What every relation's component begins with.  `place` belongs to the world. */
typedef struct reef_relation {
    reef_entity_t target;
    uint32_t place; /* in the target's list */
} reef_relation_t;

/**
 * Declare the relation component `<name>_t`, with `<name>_type`.
 *
 * @param flags_  REEF_PERSISTENT … as of a component.
 * @param policy_ REEF_DETACH or REEF_CASCADE.  A cascading relation has no cycles: an
 *                add or set that would close one is refused, as one with a dead target.
 */
#define REEF_RELATION(name_, flags_, policy_)                                          \
    typedef reef_relation_t name_##_t;                                                 \
    REEF_UNUSED static const reef_type_t name_##_type = {                              \
        .name = #name_,                                                                \
        .size = sizeof(reef_relation_t),                                               \
        .alignment = _Alignof(reef_relation_t),                                        \
        .flags = (flags_) | (policy_),                                                 \
        .fields = reef_relation_fields,                                                \
        .field_count = 1}

REEF_UNUSED static const reef_field_t reef_relation_fields[] = {
    {.name = "target",
     .kind = REEF_KIND_ENTITY,
     .offset = offsetof(reef_relation_t, target),
     .size = sizeof(reef_entity_t)}};

/** The hierarchy: despawning a parent despawns its children. */
REEF_RELATION(child_of, REEF_PERSISTENT, REEF_CASCADE);

/** `REEF_RELATE(world, child, child_of, parent)`: false, counted as stale, when either
 *  is dead or the relation would have a cycle. */
#define REEF_RELATE(world, source, name, target_)                                      \
    REEF_ADD((world), (source), name, .target = (target_))

/** The same as a command; what cannot be done is then skipped and counted. */
#define REEF_COMMAND_RELATE(commands, source, name, target_)                           \
    REEF_COMMAND_ADD((commands), (source), name, .target = (target_))

/**
 * The entities whose @p type points to @p target, in no particular order.
 *
 * @param count Receives their number; 0 also when the target is dead.
 * @return Borrowed until the relation next changes; NULL when there are none.
 */
const reef_entity_t *reef_world_sources(const reef_world_t *world,
                                        reef_entity_t target,
                                        const reef_type_t *type,
                                        uint32_t *count);

#define REEF_SOURCES(world, target, name, count)                                       \
    reef_world_sources((world), (target), &name##_type, (count))

/** The target of @p source, or 0. */
reef_entity_t reef_world_target(const reef_world_t *world,
                                reef_entity_t source,
                                const reef_type_t *type);

#define REEF_TARGET(world, source, name)                                               \
    reef_world_target((world), (source), &name##_type)

#endif /* REEF_RELATION_H */
