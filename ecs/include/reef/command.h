/**
 * @file command.h
 * @brief Structural changes recorded by systems and applied after them, in order.
 *
 * A system gets its recorder from its run context.  Values are copied when recorded.
 * Commands on an entity that is dead by then are counted (reef_world_stale_count())
 * and skipped.
 */
#ifndef REEF_COMMAND_H
#define REEF_COMMAND_H

#include <reef/world.h>

typedef struct reef_commands reef_commands_t;

/** Create a recorder for @p world.  Owned by the caller: reef_commands_destroy(). */
reef_commands_t *reef_commands_create(reef_world_t *world);

/** Discard what was not applied.  Accepts NULL. */
void reef_commands_destroy(reef_commands_t *commands);

/** Reserve an id now; it is alive, without components, once this is applied, and may
 *  be used in further commands at once. */
reef_entity_t reef_commands_spawn(reef_commands_t *commands, reef_entity_range_t range);

void reef_commands_despawn(reef_commands_t *commands, reef_entity_t entity);

/** Add or overwrite; @p value is copied, NULL = the type's initial value. */
void reef_commands_add(reef_commands_t *commands,
                       reef_entity_t entity,
                       const reef_type_t *type,
                       const void *value);

void reef_commands_remove(reef_commands_t *commands,
                          reef_entity_t entity,
                          const reef_type_t *type);

/** Apply everything in the order recorded, then forget it.  World thread, outside
 *  iteration. */
void reef_commands_apply(reef_commands_t *commands);

#endif /* REEF_COMMAND_H */
