/**
 * @file wheel.h
 * @brief A timing wheel: all deadlines of one event loop, exact to the millisecond.
 *
 * Plain data without a clock and without memory of its own: the time is an argument,
 * and whoever has a deadline embeds a node.  A node is handed out when its time has
 * come, never before.  Used by the thread of its loop; the wheel stays where it is.
 */
#ifndef REEF_SRC_WHEEL_H
#define REEF_SRC_WHEEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    REEF__WHEEL_LEVEL_BITS = 6,
    REEF__WHEEL_SLOTS = 1 << REEF__WHEEL_LEVEL_BITS, /* bits of a uint64_t */
    REEF__WHEEL_LEVELS = 11,                         /* enough for any 64-bit time */
};

/** A member of a ring; rings have a head that is no node. */
typedef struct reef__wheel_link {
    struct reef__wheel_link *next, *previous; /* NULL = in no ring */
} reef__wheel_link_t;

/** One deadline.  All zero: not in a wheel.  Only wheel.c writes to it. */
typedef struct reef__wheel_node {
    reef__wheel_link_t link; /* first, so that a link can be taken for its node */
    uint64_t due_ms;
} reef__wheel_node_t;

typedef struct reef__wheel {
    uint64_t now_ms;         /* the slots hold what is due later than this */
    reef__wheel_link_t due;  /* to be handed out in the present round */
    reef__wheel_link_t late; /* set when they were due already: for the next round */
    bool is_in_round;
    uint64_t occupied[REEF__WHEEL_LEVELS]; /* a bit per slot with nodes */
    reef__wheel_link_t slots[REEF__WHEEL_LEVELS][REEF__WHEEL_SLOTS];
} reef__wheel_t;

/** Prepare an empty wheel. */
void reef__wheel_init(reef__wheel_t *wheel, uint64_t now_ms);

/** Take all nodes out. */
void reef__wheel_finish(reef__wheel_t *wheel);

/** Add a node, or move it.  @p due_ms may have passed already. */
void reef__wheel_set(reef__wheel_t *wheel, reef__wheel_node_t *node, uint64_t due_ms);

/** Take a node out; nothing happens when it is not in. */
void reef__wheel_remove(reef__wheel_t *wheel, reef__wheel_node_t *node);

/** Whether the node waits in a wheel. */
static inline bool reef__wheel_has(const reef__wheel_node_t *node)
{
    return node->link.next != NULL;
}

/**
 * Take out one node whose time has come, roughly the earliest.  To be called until
 * there is none; between the calls nodes may be set and removed at will.  What is set
 * meanwhile and is due at once waits for the next round, so that a round has an end.
 *
 * @param now_ms A time before that of an earlier call counts as that one.
 * @return The node, no longer in the wheel, or NULL, which ends the round.
 */
reef__wheel_node_t *reef__wheel_take_due(reef__wheel_t *wheel, uint64_t now_ms);

/**
 * Time until reef__wheel_take_due() has to be called: 0 when something is due,
 * UINT64_MAX when nothing waits.  Never later than the first deadline; for one that is
 * far away it is earlier a few times, when that has to be sorted anew.
 */
uint64_t reef__wheel_next_ms(const reef__wheel_t *wheel, uint64_t now_ms);

#endif /* REEF_SRC_WHEEL_H */
