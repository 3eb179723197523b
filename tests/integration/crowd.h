/**
 * @file crowd.h
 * @brief Many clients of random behaviour on real sockets, good, rude and dying ones.
 *
 * A crowd lives on the thread of its app: crowd_step() lets each client do something or
 * nothing, then the test steps the app.  Nobody waits for anybody.  The same seed makes
 * the same choices.
 */
#ifndef CROWD_H
#define CROWD_H

#include <stddef.h>
#include <stdint.h>

typedef struct crowd crowd_t;

typedef struct crowd_desc {
    uint32_t count;    /* clients at once */
    uint64_t seed;     /* not 0 */
    uint16_t ws_port;  /* WebSocket */
    uint16_t tcp_port; /* text behind VarInt lengths; 0 = none */
    uint16_t udp_port; /* text; 0 = none */
} crowd_desc_t;

/** Nobody is connected yet.  Own it: crowd_destroy(). */
crowd_t *crowd_create(const crowd_desc_t *desc);

/** Drops who is left.  Accepts NULL. */
void crowd_destroy(crowd_t *crowd);

/** Each client reads what has come and does one thing at most: connect, say something
 *  (mostly a command of some plugin, now and then nonsense), fall silent, leave, or
 *  vanish in the middle of it. */
void crowd_step(crowd_t *crowd);

/** All clients vanish; none comes back. */
void crowd_drop_all(crowd_t *crowd);

/** What has happened so far, so that a test can tell a crowd from silence. */
typedef struct crowd_counts {
    uint64_t connects, messages, bytes_received, rude_ends;
} crowd_counts_t;

crowd_counts_t crowd_counts(const crowd_t *crowd);

#endif /* CROWD_H */
