/**
 * @file udp_cookie.h
 * @brief Proof that a peer gets what is sent to its address, without remembering it.
 *
 * Whoever has no session must show a cookie, which is a keyed hash of address, port and
 * minute.  Who has none is sent one, by a datagram that is never longer than the one it
 * answers.  So a forged address makes the server keep nothing, and send nobody more
 * than it was sent.
 *
 *     cookie    = "\xff" "RC1"  tag[8]
 *     first     = cookie  message      opens a session; the message may be empty
 *     challenge = cookie               what a first datagram without a valid one gets,
 *                                      if that was at least as long, and no challenge
 *
 * A challenge is never answered by another: or two servers whose addresses are forged
 * once would send them to each other for ever.
 *
 * Bytes in, verdict out: no I/O, no clock.
 */
#ifndef REEF_SRC_TRANSPORT_UDP_COOKIE_H
#define REEF_SRC_TRANSPORT_UDP_COOKIE_H

#include "transport/udp_table.h"

#include <reef/crypto.h>
#include <reef/span.h>

#include <stdbool.h>

enum {
    REEF__UDP_COOKIE_SIZE = 12,
    REEF__UDP_COOKIE_PERIOD_MS = 60000, /* valid in this period and the next */
};

typedef struct reef__udp_secret {
    uint8_t key[REEF_SIPHASH_KEY_SIZE];
} reef__udp_secret_t;

/** A new secret: all earlier cookies are worth nothing. */
void reef__udp_secret_init(reef__udp_secret_t *secret);

/** The cookie of @p from at @p now_ms. */
void reef__udp_cookie_make(const reef__udp_secret_t *secret,
                           const reef__udp_key_t *from,
                           uint64_t now_ms,
                           uint8_t cookie[REEF__UDP_COOKIE_SIZE]);

/** Cut off a cookie, valid or not, at the start of @p datagram, if there is one. */
bool reef__udp_cookie_cut(reef_span_t *datagram);

typedef enum reef__udp_verdict {
    REEF__UDP_IGNORE,    /* no valid cookie, and nothing that may be answered */
    REEF__UDP_CHALLENGE, /* no valid cookie: send one */
    REEF__UDP_OPEN,      /* the address is true */
} reef__udp_verdict_t;

/** What to do with a datagram from an address without a session.  For REEF__UDP_OPEN
 *  the cookie is cut off; otherwise @p datagram is as it was.  The time that it takes
 *  does not tell how much of a cookie is right. */
reef__udp_verdict_t reef__udp_cookie_check(const reef__udp_secret_t *secret,
                                           const reef__udp_key_t *from,
                                           uint64_t now_ms,
                                           reef_span_t *datagram);

#endif /* REEF_SRC_TRANSPORT_UDP_COOKIE_H */
