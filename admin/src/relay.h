/**
 * @file relay.h
 * @brief Listens on IPv6 for a server that knows IPv4 only, on this machine.
 *
 * Debian 12's civetweb has no IPv6.  Each connection is passed on to the server at
 * 127.0.0.1, from an address and port that only the relay can have, and under which the
 * server finds out who the peer is.
 */
#ifndef REEF_ADMIN_RELAY_H
#define REEF_ADMIN_RELAY_H

#include "listen.h"

enum {
    REEF__RELAY_PEER_SIZE = 64
};

typedef struct reef__relay reef__relay_t;

typedef struct reef__relay_desc {
    const reef__listen_t *listen; /* its IPv6 addresses; copied */
    uint16_t server_port;         /* of 127.0.0.1 */
    uint32_t max_connections;     /* further ones wait to be accepted */
    uint32_t stall_ms;            /* a peer may take nothing for this long, and has a
                                     second for each REEF__LINK_SLOWEST bytes */
    uint32_t linger_ms;           /* a peer has to close once the server has */
} reef__relay_desc_t;

/**
 * Listen, and pass on, on a thread of its own.  Owned by the caller:
 * reef__relay_stop().
 *
 * @return REEF_OK, or REEF_E_IO with a text that names the address.
 */
REEF_NODISCARD reef_error_t reef__relay_start(const reef__relay_desc_t *desc,
                                              reef__relay_t **relay,
                                              reef_failure_t *failure);

/** The port that the address at @p index of the list got; it must be of IPv6. */
uint16_t reef__relay_port(const reef__relay_t *relay, size_t index);

/**
 * Who is behind a connection that the server has from @p address and @p port.  Any
 * thread.
 *
 * @param peer Receives its numeric address.
 * @return false when no such connection is the relay's, or no longer.
 */
bool reef__relay_find_peer(reef__relay_t *relay,
                           const char *address,
                           uint16_t port,
                           char peer[REEF__RELAY_PEER_SIZE]);

/** Accept no more, let the peers have what the server has sent, for linger_ms at most,
 *  and close all.  After the server's end.  Accepts NULL. */
void reef__relay_stop(reef__relay_t *relay);

#endif /* REEF_ADMIN_RELAY_H */
