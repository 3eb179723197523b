/**
 * @file lobby_set.h
 * @brief The lobbies there are and who is in them, in order of joining.
 *
 * A mirror of the components `lobby` and `in_lobby` that finds by name and by member.
 * It keeps no lobby without members, but for one that was just added.  World thread
 * only.
 */
#ifndef REEF_LOBBY_SET_H
#define REEF_LOBBY_SET_H

#include <reef/lobby.h>
#include <reef/span.h>

#include <stdbool.h>
#include <stddef.h>

typedef struct reef__lobby reef__lobby_t;

struct reef__lobby {
    reef_entity_t entity;
    char name[REEF_LOBBY_NAME];
    uint32_t max_members;
    bool is_private;
    struct {
        reef_entity_t *items; /* in order of joining: the first is the owner */
        size_t count, capacity;
    } members;
    uint64_t owner_id;              /* client id of the first */
    size_t place;                   /* among all */
    reef__lobby_t *previous, *next; /* among the public ones, in order of creation */
};

typedef struct reef__lobby_set reef__lobby_set_t;

/** Own it: reef__lobby_set_destroy(). */
reef__lobby_set_t *reef__lobby_set_create(const reef_alloc_t *alloc);
void reef__lobby_set_destroy(reef__lobby_set_t *set);

/** Add a lobby whose name and entity are new: @p model with those fields that come
 *  before the members.  Borrowed until it is removed. */
reef__lobby_t *reef__lobby_set_add(reef__lobby_set_t *set, const reef__lobby_t *model);

/** Forget a lobby that has no members. */
void reef__lobby_set_remove(reef__lobby_set_t *set, reef__lobby_t *lobby);

/** NULL when there is none. */
reef__lobby_t *reef__lobby_set_find(const reef__lobby_set_t *set, reef_span_t name);
reef__lobby_t *reef__lobby_set_at_entity(const reef__lobby_set_t *set,
                                         reef_entity_t entity);
reef__lobby_t *reef__lobby_set_of(const reef__lobby_set_t *set, reef_entity_t member);

/** Take in an entity that is in no lobby, as the youngest member. */
void reef__lobby_set_enter(reef__lobby_set_t *set,
                           reef__lobby_t *lobby,
                           reef_entity_t member);

/** Take a member out; the others keep their order. */
void reef__lobby_set_leave(reef__lobby_set_t *set,
                           reef__lobby_t *lobby,
                           reef_entity_t member);

/** All lobbies, in no particular order. */
size_t reef__lobby_set_count(const reef__lobby_set_t *set);
reef__lobby_t *reef__lobby_set_at(const reef__lobby_set_t *set, size_t index);

/** Members of all lobbies. */
size_t reef__lobby_set_members(const reef__lobby_set_t *set);

/** Those that are not private: the oldest, whose `next` is the second, and so on. */
const reef__lobby_t *reef__lobby_set_first_public(const reef__lobby_set_t *set);
size_t reef__lobby_set_public_count(const reef__lobby_set_t *set);

#endif /* REEF_LOBBY_SET_H */
