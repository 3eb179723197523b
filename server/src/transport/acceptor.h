/**
 * @file acceptor.h
 * @brief A listening TCP or Unix socket that survives running out of descriptors.
 *
 * Opened before its loop runs; used by the thread of that loop.
 */
#ifndef REEF_SRC_TRANSPORT_ACCEPTOR_H
#define REEF_SRC_TRANSPORT_ACCEPTOR_H

#include "transport/io.h"

#include <sys/socket.h>
#include <uv.h>

typedef struct reef__acceptor {
    uv_poll_t poll;   /* readable: peers wait to be accepted */
    uv_timer_t retry; /* running while there are no descriptors */
    int descriptor;
    int spare;          /* to be given up when there are no others; -1 = none */
    uint64_t warned_ms; /* last warning, of the loop's clock; 0 = never */
    uint32_t open_handles;

    reef__io_t *io;
    const char *module; /* name in the log */
    reef_metric_t *metric_failures;
    reef_metric_t *metric_turned_away;
    void (*accepted)(void *context, reef__io_t *io, int descriptor);
    void *context;
} reef__acceptor_t;

typedef struct reef__acceptor_desc {
    reef__io_t *io;
    const struct sockaddr_storage *address;
    const char *module; /* "websocket": names the setting in failures, and the log */
    int backlog;
    bool shares_port;  /* with other acceptors of this process (SO_REUSEPORT) … */
    bool is_first;     /* … of which this is the first */
    bool is_ipv6_only; /* see reef__address_is_ipv6_only() */
    void (*accepted)(void *context, reef__io_t *io, int descriptor); /* which it owns */
    void *context;
} reef__acceptor_desc_t;

/**
 * Bind, listen and begin to accept.  The file of a Unix socket on which nobody listens
 * any more is replaced.  The acceptor must stay where it is until it is
 * closed and reef__ios_run_down() is through.
 *
 * @return REEF_OK; REEF_E_IO with a text that names setting, address and cause, and
 *         nothing to be closed.
 */
REEF_NODISCARD reef_error_t reef__acceptor_open(reef__acceptor_t *acceptor,
                                                const reef__acceptor_desc_t *desc,
                                                reef_failure_t *failure);

/** Stop accepting and close, and remove the file of a Unix socket; over when the loop
 *  has run once more. */
void reef__acceptor_close(reef__acceptor_t *acceptor);

/** The address in use: the port that 0 has become. */
void reef__acceptor_address(const reef__acceptor_t *acceptor,
                            struct sockaddr_storage *address);

#endif /* REEF_SRC_TRANSPORT_ACCEPTOR_H */
