/**
 * @file named.h
 * @brief Entities with unique names, by entity, name and position: rooms, nicknames.
 *
 * World thread only.
 */
#ifndef REEF_CHAT_NAMED_H
#define REEF_CHAT_NAMED_H

#include <reef/alloc.h>
#include <reef/entity.h>
#include <reef/message.h>
#include <reef/span.h>

typedef struct reef__named {
    reef_entity_t entity;
    reef_group_t group; /* of a room: its members */
    bool is_ours; /* a room made for a member, so that it goes with the last one */
    char name[128];
} reef__named_t;

typedef struct reef__names reef__names_t;

/** Owned by the caller: reef__names_destroy(). */
reef__names_t *reef__names_create(const reef_alloc_t *alloc);

/** Accepts NULL. */
void reef__names_destroy(reef__names_t *names);

/** Note one (copied) that is not there yet.  False when its name is taken. */
bool reef__names_add(reef__names_t *names, const reef__named_t *named);

/** Forget one that is there; the last one takes its position. */
void reef__names_remove(reef__names_t *names, reef_entity_t entity);

/** That entity, or the one of that name, or NULL; borrowed until one comes or goes. */
const reef__named_t *reef__names_of(const reef__names_t *names, reef_entity_t entity);
const reef__named_t *reef__names_find(const reef__names_t *names, reef_span_t name);

size_t reef__names_count(const reef__names_t *names);

/** Number @p index, in no particular order. */
const reef__named_t *reef__names_at(const reef__names_t *names, size_t index);

#endif /* REEF_CHAT_NAMED_H */
