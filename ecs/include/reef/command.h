/**
 * @file command.h
 * @brief Structural changes recorded by systems and applied after them.
 *
 * A system gets its recorder from its run context.  Values are copied when recorded,
 * and owned by the recorder until they are applied.
 *
 * All commands on one entity are applied together, in the place of the first of them
 * (in that of the despawn, when there is one): an entity moves at most once, however
 * many components come and go.  Observers run
 * for what changed in the end: a component that was added and removed again was never
 * there.  Commands on an entity that is dead by then are counted
 * (reef_world_stale_count()) and skipped.
 */
#ifndef REEF_COMMAND_H
#define REEF_COMMAND_H

#include <reef/bundle.h>
#include <reef/world.h>

typedef struct reef_commands reef_commands_t;

/** Create a recorder for @p world.  Owned by the caller: reef_commands_destroy(). */
reef_commands_t *reef_commands_create(reef_world_t *world);

/** Discard what was not applied; what points to an id that it reserved goes with it, or
 *  lets go (relation.h).  Accepts NULL. */
void reef_commands_destroy(reef_commands_t *commands);

/** Reserve an id now; it is alive once this is applied, and may be used in further
 *  commands, components and events at once. */
reef_entity_t reef_commands_spawn(reef_commands_t *commands, reef_entity_range_t range);

/** The same with the components of a bundle; @p values as in reef_bundle_spawn(),
 *  copied.  @p bundle is borrowed until the commands are applied or
 *  destroyed.  A relation that cannot be has the target 0, or, when further commands
 *  follow for the entity before they are applied, is not there. */
reef_entity_t reef_commands_spawn_bundle(reef_commands_t *commands,
                                         reef_bundle_t *bundle,
                                         reef_entity_range_t range,
                                         const void *const *values);

/** Despawn, with all that hangs on it (relation.h). */
void reef_commands_despawn(reef_commands_t *commands, reef_entity_t entity);

/** Add or overwrite; @p value is copied, NULL = the type's initial value. */
void reef_commands_add(reef_commands_t *commands,
                       reef_entity_t entity,
                       const reef_type_t *type,
                       const void *value);

/** Overwrite a component if it is there by then; otherwise without effect. */
void reef_commands_set(reef_commands_t *commands,
                       reef_entity_t entity,
                       const reef_type_t *type,
                       const void *value);

void reef_commands_remove(reef_commands_t *commands,
                          reef_entity_t entity,
                          const reef_type_t *type);

/** `REEF_COMMAND_ADD(commands, entity, position_2d, .x = 1);` */
#define REEF_COMMAND_ADD(commands, entity, name, ...)                                  \
    reef_commands_add((commands), (entity), &name##_type, &(name##_t){__VA_ARGS__})

/** Apply everything, then forget it.  World thread, outside iteration. */
void reef_commands_apply(reef_commands_t *commands);

#endif /* REEF_COMMAND_H */
