/**
 * @file member.h
 * @brief Who is in which room: all that follows from the relation `in_room`.
 *
 * World thread only.
 */
#ifndef REEF_CHAT_MEMBER_H
#define REEF_CHAT_MEMBER_H

#include "named.h"

#include <reef/app.h>

typedef struct reef__members reef__members_t;

/** Watch the world of @p app.  Owned by the caller: reef__members_destroy(). */
reef__members_t *reef__members_create(reef_app_t *app);

/** Take everybody out of all rooms without a word, remove those that were made here,
 *  and let go of the world, which may live on.  Accepts NULL. */
void reef__members_destroy(reef__members_t *members);

/** The rooms there are; borrowed. */
const reef__names_t *reef__members_rooms(const reef__members_t *members);

/** Entities in a room; borrowed until somebody comes or goes. */
const reef_entity_t *reef__members_in(const reef__members_t *members,
                                      const reef__named_t *room,
                                      uint32_t *count);

/** The room that an entity is in, or NULL; borrowed as of reef__names_of(). */
const reef__named_t *reef__members_room(const reef__members_t *members,
                                        reef_entity_t entity);

/** A new room, empty: somebody must come in before the next settling.  Its name is not
 *  taken. */
const reef__named_t *reef__members_make_room(reef__members_t *members,
                                             reef_span_t name);

/** Move an entity, by its own wish, into another room or (0) out of its room; those
 *  that it leaves are not told. */
void reef__members_move(reef__members_t *members,
                        reef_entity_t entity,
                        reef_entity_t room);

/** Take an entity whose connection has ended out of its room.  The others are told by
 *  the next settling. */
void reef__members_end(reef__members_t *members, reef_entity_t entity);

/** Do what observers had to put off.  From exclusive systems; quick when there is
 *  nothing to do. */
void reef__members_settle(reef__members_t *members);

/** Grows whenever somebody, or a room, comes or goes. */
uint64_t reef__members_changes(const reef__members_t *members);

#endif /* REEF_CHAT_MEMBER_H */
