/**
 * @file room.h
 * @brief Rooms and their members, as dense lists.
 *
 * A room exists while it has members.  World thread only.
 */
#ifndef REEF_CHAT_ROOM_H
#define REEF_CHAT_ROOM_H

#include <reef/alloc.h>
#include <reef/attrs.h>
#include <reef/entity.h>
#include <reef/error.h>
#include <reef/message.h>
#include <reef/span.h>

typedef struct reef__room {
    char *name; /* owned, NUL-terminated */
    size_t name_size;
    reef_group_t group; /* of the members; the chat makes and ends it */
    struct {
        reef_entity_t *items;
        size_t count, capacity;
    } members;
} reef__room_t;

typedef struct reef__rooms reef__rooms_t;

/** Own it: reef__rooms_destroy(). */
reef__rooms_t *reef__rooms_create(const reef_alloc_t *alloc, size_t max_rooms);
void reef__rooms_destroy(reef__rooms_t *rooms);

/** Put an entity that is in no room into @p name, which is made when it is new.
 *  @return REEF_OK, or REEF_E_LIMIT when there are too many rooms. */
REEF_NODISCARD reef_error_t reef__rooms_join(reef__rooms_t *rooms,
                                             reef_entity_t entity,
                                             reef_span_t name);

/** Take an entity out of its room; an empty room is removed.  False when in none. */
bool reef__rooms_leave(reef__rooms_t *rooms, reef_entity_t entity);

/** The room an entity is in, or NULL; borrowed until a room comes or goes. */
const reef__room_t *reef__rooms_of(const reef__rooms_t *rooms, reef_entity_t entity);

/** Note the group of the room that an entity is in. */
void reef__rooms_set_group(reef__rooms_t *rooms,
                           reef_entity_t entity,
                           reef_group_t group);

size_t reef__rooms_count(const reef__rooms_t *rooms);

/** Room @p index, in no particular order. */
const reef__room_t *reef__rooms_at(const reef__rooms_t *rooms, size_t index);

#endif /* REEF_CHAT_ROOM_H */
