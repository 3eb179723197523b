/**
 * @file group.h
 * @brief Groups of clients that one send reaches: rooms, channels, areas, everybody.
 *
 * A message to a group is one event, is framed once, and is put together once with all
 * others that the group gets in a frame; so prefer it to a loop over the members.  Who
 * is a member when a message is emitted gets it, whatever changes later in the frame.
 * A client may be in any number of groups, and leaves them all when it disconnects.
 *
 * A group is known by its handle, by value; that of one that has ended is harmless.
 *
 * World thread only; changes only from exclusive systems and observers.
 */
#ifndef REEF_GROUP_H
#define REEF_GROUP_H

#include <reef/app.h>
#include <reef/message.h>

/** A new, empty group; reef_group_destroy() ends it. */
reef_group_t reef_group_create(reef_app_t *app);

/** End a group.  Messages emitted before still reach its members.  Nothing happens when
 *  it has ended already. */
void reef_group_destroy(reef_app_t *app, reef_group_t handle);

/** Take a client in.  False when it is no connected client, is in already, or the group
 *  has ended. */
bool reef_group_add(reef_app_t *app, reef_group_t handle, reef_entity_t client);

/** Take a client out.  False when it was not in. */
bool reef_group_remove(reef_app_t *app, reef_group_t handle, reef_entity_t client);

/** Whether a client is in a group. */
bool reef_group_has(const reef_app_t *app, reef_group_t handle, reef_entity_t client);

/** Members; 0 when the group has ended. */
uint32_t reef_group_count(const reef_app_t *app, reef_group_t handle);

/** The group that every connected client is in, from before its first message. */
reef_group_t reef_group_everyone(const reef_app_t *app);

#endif /* REEF_GROUP_H */
