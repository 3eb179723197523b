/**
 * @file interest.h
 * @brief Who sees whom, kept up to date in proportion to what moved.
 *
 * Two bodies see each other from when their distance is at most `enter` until it is
 * more than `leave`: always both or neither.  Between two updates bodies come, move and
 * go; reef__interest_update() then tells, through the hooks, what became of it and what
 * each *receiver* is to be told.
 *
 * Of a receiver that could not be told all, the caller keeps a *record*: beside each
 * one that it sees, when that had last moved when the receiver was told of it.
 */
#ifndef REEF_SPATIAL_INTEREST_H
#define REEF_SPATIAL_INTEREST_H

#include "grid.h"

#include <reef/array.h>

/** In a record: was never told. */
#define REEF__NEVER_TOLD 0

typedef struct reef__body {
    reef__point_t at;
    uint32_t moved; /* number of the update that tells of its last move; never 0 */
} reef__body_t;

/** What a body sees. */
typedef struct reef__sight {
    uint32_t *seen;   /* slots, [capacity] */
    uint32_t *record; /* beside them, or NULL: told all */
    uint32_t count, capacity;
    struct {
        uint32_t *items; /* what moved or came, while this body stayed, with IS_NEW */
        size_t count, capacity;
    } due;
    bool is_here;
    bool is_receiver;
} reef__sight_t;

/** What a receiver is to be told of.  Not all of it when it has a record. */
typedef struct reef__due {
    const uint32_t *slots; /* each once */
    uint32_t count;
    uint32_t known; /* so many were seen before; those behind came now */
    uint32_t next;  /* a receiver that is delivered to soon: to have it near in time */
} reef__due_t;

typedef struct reef__interest_hooks {
    /** @p observer sees @p other from now on. */
    void (*entered)(void *context, uint32_t observer, uint32_t other);

    /** @p observer sees @p other no longer; @p was_told is false when its record says
     *  that it never heard of it. */
    void (*left)(void *context, uint32_t observer, uint32_t other, bool was_told);

    /** A receiver moved, or sees what came or moved. */
    void (*deliver)(void *context, uint32_t receiver, const reef__due_t *due);
} reef__interest_hooks_t;

typedef struct reef__interest {
    const reef_alloc_t *alloc;
    const reef__interest_hooks_t *hooks;
    void *context;
    reef__grid_t grid;
    float enter, leave;
    uint32_t now;   /* number of the next update */
    uint64_t pairs; /* who sees whom: twice the pairs in sight */
    uint32_t count; /* bodies that are here */

    /** The grid is packed when this times the movers is as many as its buckets. */
    uint32_t pack_factor;
    bool all_moved; /* known to, in the present update */

    /* By slot; all of one length. */
    reef__body_t *bodies;
    reef__sight_t *sights;
    uint16_t *marks;
    uint32_t slot_count, slot_capacity;
    uint16_t stamp; /* marks equal to it belong to the body that is looked at */

    struct reef__slot_list {
        uint32_t *items;
        size_t count, capacity;
    } movers, touched, left_slots, free_slots;
    uint32_t *scratch; /* 3 arrays of slot_capacity + REEF__GRID_HITS_SLACK */
} reef__interest_t;

typedef struct reef__interest_desc {
    const reef_alloc_t *alloc; /* borrowed */
    double cell_size;
    double enter, leave;
    bool is_deep;
    const reef__interest_hooks_t *hooks; /* borrowed */
    void *context;
} reef__interest_desc_t;

void reef__interest_init(reef__interest_t *interest, const reef__interest_desc_t *desc);
void reef__interest_finish(reef__interest_t *interest);

/** A body appears; it counts as moved.  Returns its slot. */
uint32_t
reef__interest_add(reef__interest_t *interest, reef__point_t at, bool is_receiver);

/** A body is somewhere else, or is to be told of again.  @p cell is that of @p at. */
void reef__interest_move(reef__interest_t *interest,
                         uint32_t slot,
                         reef__point_t at,
                         const reef__cell_t *cell);

/** A body goes.  Runs `left` for all who saw it, and for the body itself when it is a
 *  receiver. The slot is used again after the next update. */
void reef__interest_remove(reef__interest_t *interest, uint32_t slot);

/** Work out what the moves since the last update mean. */
void reef__interest_update(reef__interest_t *interest);

/** Begin a record for a receiver that has none: it was told of all that it sees, but
 *  for @p due, which deliver() gave. */
void reef__interest_begin_record(reef__interest_t *interest,
                                 uint32_t receiver,
                                 const reef__due_t *due);

/** End it: the receiver was told of all that it sees.  None is fine, too. */
void reef__interest_end_record(reef__interest_t *interest, uint32_t receiver);

#endif /* REEF_SPATIAL_INTEREST_H */
