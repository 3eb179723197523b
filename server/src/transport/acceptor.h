/**
 * @file acceptor.h
 * @brief A listening TCP socket that survives running out of descriptors.
 *
 * Used by the thread of its loop.
 */
#ifndef REEF_SRC_TRANSPORT_ACCEPTOR_H
#define REEF_SRC_TRANSPORT_ACCEPTOR_H

#include <reef/app.h>

#include <sys/socket.h>
#include <uv.h>

typedef struct reef__acceptor {
    uv_poll_t poll;   /* readable: peers wait to be accepted */
    uv_timer_t retry; /* running while there are no descriptors */
    int descriptor;
    uint64_t warned_ms; /* last warning, of the loop's clock; 0 = never */
    uint32_t open_handles;

    reef_app_t *app;
    const char *module; /* name in the log */
    reef_metric_t *metric_failures;
    void (*accepted)(void *context, int descriptor); /* takes the descriptor over */
    void (*closed)(void *context);                   /* after reef__acceptor_close() */
    void *context;
} reef__acceptor_t;

typedef struct reef__acceptor_desc {
    reef_app_t *app;
    uv_loop_t *loop;
    const struct sockaddr_storage *address;
    const char *module; /* "websocket": names the setting in failures, and the log */
    int backlog;
    void (*accepted)(void *context, int descriptor);
    void (*closed)(void *context);
    void *context;
} reef__acceptor_desc_t;

/**
 * Bind, listen and begin to accept.  The acceptor must stay where it is until `closed`
 * was called.
 *
 * @return REEF_OK; REEF_E_IO with a text that names setting, address and cause, and
 *         nothing to be closed.
 */
REEF_NODISCARD reef_error_t reef__acceptor_open(reef__acceptor_t *acceptor,
                                                const reef__acceptor_desc_t *desc,
                                                reef_failure_t *failure);

/** Stop accepting and close; `closed` is called from the loop once it is over. */
void reef__acceptor_close(reef__acceptor_t *acceptor);

/** The address in use: the port that 0 has become. */
void reef__acceptor_address(const reef__acceptor_t *acceptor,
                            struct sockaddr_storage *address);

#endif /* REEF_SRC_TRANSPORT_ACCEPTOR_H */
