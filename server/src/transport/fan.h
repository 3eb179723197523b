/**
 * @file fan.h
 * @brief Fan-out: one message to all members of a group that are on one loop.
 *
 * The messages that a pass brings for a group are collected.  At its end all their
 * frames are put together, once for each framing that members speak, and that one block
 * is what every member is sent that has nothing else to be sent.  The others, those who
 * joined in between, or have messages of their own or of a second group, get theirs one
 * by one, in the order in which they were emitted.
 *
 * Used by the thread of the loop.
 */
#ifndef REEF_SRC_TRANSPORT_FAN_H
#define REEF_SRC_TRANSPORT_FAN_H

#include <reef/message.h>

#include "transport/framer.h"

struct reef__peer;

/** One message on its way to a peer. */
typedef struct reef__fan_message {
    reef_buffer_t *payload;
    uint64_t key;
    uint64_t number; /* of the group messages of this loop, in order */
    uint8_t message_class;
} reef__fan_message_t;

/** That a peer is in a group. */
typedef struct reef__fan_membership {
    uint32_t group;
    uint32_t position; /* in the group's members */
} reef__fan_membership_t;

/** Embedded in every peer; all zero = in no group. */
typedef struct reef__fan_memberships {
    reef__fan_membership_t *items; /* owned, [capacity] */
    uint32_t count, capacity;
    uint64_t given; /* group messages of lower numbers are not for it any more */
} reef__fan_memberships_t;

typedef struct reef__fan {
    struct {
        struct reef__peer **items;
        size_t count, capacity;
    } members;
    struct {
        reef__fan_message_t *items;
        size_t count, capacity;
    } pending; /* of this pass */
} reef__fan_t;

/** All groups that have members on one loop. */
typedef struct reef__fans {
    const reef_alloc_t *alloc;
    struct {
        reef__fan_t *items; /* by the group's number */
        size_t count, capacity;
    } groups;
    struct {
        uint32_t *items;
        size_t count, capacity;
    } pending; /* groups with pending messages, in order of their first */
    struct {
        reef_buffer_t **items;
        size_t count, capacity;
    } blocks;             /* of this pass */
    uint64_t next_number; /* of group messages of this loop, over all groups */
    reef__framer_t framer;
} reef__fans_t;

void reef__fans_init(reef__fans_t *fans, const reef_alloc_t *alloc);
void reef__fans_finish(reef__fans_t *fans);

void reef__fans_join(reef__fans_t *fans, struct reef__peer *peer, uint32_t group);

/** The peer gets what was sent to the group before; nothing happens when it is no
 *  member. */
void reef__fans_leave(reef__fans_t *fans, struct reef__peer *peer, uint32_t group);

/** Collect a message for a group; takes its reference over. */
void reef__fans_send(reef__fans_t *fans,
                     uint32_t group,
                     const reef__fan_message_t *message);

/** Give a peer what its groups have pending, before something else is sent to it. */
void reef__fans_catch_up(reef__fans_t *fans, struct reef__peer *peer);

/** The end of a pass: everybody gets what is pending.  The blocks handed over stay
 *  until reef__fans_release(). */
void reef__fans_flush(reef__fans_t *fans);

/** Everything is written: let go of the blocks, and of what was framed anew. */
void reef__fans_release(reef__fans_t *fans);

/** Forget an empty group. */
void reef__fans_end(reef__fans_t *fans, uint32_t group);

/** Release what a peer keeps of its memberships; it is in no group. */
void reef__fans_finish_peer(reef__fans_t *fans, struct reef__peer *peer);

#endif /* REEF_SRC_TRANSPORT_FAN_H */
