/**
 * @file watch.h
 * @brief Cuts off peers that keep a thread waiting for longer than they may.
 *
 * The HTTP library bounds each wait for bytes, but not how many there are: a peer that
 * sends or takes a byte now and then would have its thread for ever.
 */
#ifndef REEF_ADMIN_WATCH_H
#define REEF_ADMIN_WATCH_H

#include <stdbool.h>
#include <stdint.h>

typedef struct reef__watch reef__watch_t;

/** A wait for a peer; in the memory of who waits. */
typedef struct reef__wait {
    const char *peer; /* numeric address of the other side; borrowed */
    uint16_t peer_port, port;
    uint64_t due_ns; /* monotonic: not to last beyond it; the watch's while it waits */
    bool may_write;  /* only reading is cut off: a reply can still be sent */

    struct reef__wait *next; /* of the watch */
    bool is_cut;
} reef__wait_t;

/** Owned by the caller: reef__watch_destroy().  Has a thread of its own. */
reef__watch_t *reef__watch_create(void);

/** Nobody may be waiting.  Accepts NULL. */
void reef__watch_destroy(reef__watch_t *watch);

/** Watch over @p wait, borrowed until reef__watch_end().  Any thread. */
void reef__watch_begin(reef__watch_t *watch, reef__wait_t *wait);

void reef__watch_end(reef__watch_t *watch, reef__wait_t *wait);

/** No more is read from any peer that is connected to @p port of ours: for the end. */
void reef__watch_cut_port(uint16_t port);

#endif /* REEF_ADMIN_WATCH_H */
