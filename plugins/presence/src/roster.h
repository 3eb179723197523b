/**
 * @file roster.h
 * @brief What others have been told of each client, and by room whom to tell newcomers
 * of.
 *
 * A place per client, found by the slot of its connection.  World thread only.
 */
#ifndef REEF_PRESENCE_ROSTER_H
#define REEF_PRESENCE_ROSTER_H

#include <reef/alloc.h>
#include <reef/buffer.h>
#include <reef/presence.h>

#include <stdbool.h>
#include <stddef.h>

typedef struct reef__place {
    reef_entity_t entity; /* 0 = a free place */
    uint64_t client_id;
    presence_t now;          /* its component */
    uint64_t told_ns;        /* when there was news of it last; 0 = never */
    uint64_t told_round;     /* in which round of telling that was */
    reef_entity_t room;      /* where those are who have been told; 0 = everybody */
    reef_buffer_t *line;     /* what they were told last; NULL = nothing */
    uint32_t next, previous; /* slots: of those listed in the same room */
    uint32_t row;            /* among all */
    uint8_t told;            /* reef_presence_status_t */
    bool is_known;   /* somebody may believe that it is not online, or offline */
    bool must_tell;  /* to a room that did not see it before */
    bool is_changed; /* is to be looked at */
    bool is_listed;
} reef__place_t;

typedef struct reef__roster reef__roster_t;

/** Own it: reef__roster_destroy(). */
reef__roster_t *reef__roster_create(const reef_alloc_t *alloc);
void reef__roster_destroy(reef__roster_t *roster);

/** Take the place @p slot, which is free.  Borrowed until the next is taken. */
reef__place_t *
reef__roster_add(reef__roster_t *roster, uint32_t slot, reef_entity_t entity);
void reef__roster_remove(reef__roster_t *roster, uint32_t slot);

/** The client at @p slot, or NULL when that is free or another has it. */
reef__place_t *
reef__roster_find(reef__roster_t *roster, uint32_t slot, reef_entity_t entity);

/** Change what was told last, taking a reference of its own. */
void reef__roster_set_line(reef__roster_t *roster, uint32_t slot, reef_buffer_t *line);

/** Change who was told; the place is then in no list. */
void reef__roster_set_room(reef__roster_t *roster, uint32_t slot, reef_entity_t room);

/** Put a place at the head of the list of its room, or take it out. */
void reef__roster_list(reef__roster_t *roster, uint32_t slot, bool is_listed);

/** The list of a room: the first, and the one after @p place; NULL at the end. */
const reef__place_t *reef__roster_first(const reef__roster_t *roster,
                                        reef_entity_t room);
const reef__place_t *reef__roster_next(const reef__roster_t *roster,
                                       const reef__place_t *place);

/** All clients, in no particular order. */
size_t reef__roster_count(const reef__roster_t *roster);
const reef__place_t *reef__roster_at(const reef__roster_t *roster, size_t row);

#endif /* REEF_PRESENCE_ROSTER_H */
