/**
 * @file listeners.h
 * @brief The addresses of one `listen` setting, listened on by every loop.
 *
 * Every loop listens on every address by itself (SO_REUSEPORT), and the kernel spreads
 * the peers over them; a Unix socket, which cannot be shared so, belongs to one loop.
 * World thread, but for the callback.
 */
#ifndef REEF_SRC_TRANSPORT_LISTENERS_H
#define REEF_SRC_TRANSPORT_LISTENERS_H

#include "transport/acceptor.h"

typedef struct reef__listeners reef__listeners_t;

/** One loop's part. */
typedef struct reef__loop_listeners {
    reef__io_t *io;
    reef__acceptor_t *acceptors; /* [capacity] */
    uint32_t count, capacity;
} reef__loop_listeners_t;

struct reef__listeners {
    reef_app_t *app;
    const char *name; /* section of the setting, and name in the log: "wss" */
    struct sockaddr_storage *addresses; /* [address_count] */
    uint32_t address_count;
    reef__loop_listeners_t *loops; /* [loop_count]; NULL = not opened */
    uint32_t loop_count;
};

typedef struct reef__listeners_desc {
    int backlog;
    const char *scheme; /* for people: "ws" announces ws://127.0.0.1:8080 */

    /** A peer has come; takes the descriptor over.  Thread of @p io. */
    void (*accepted)(void *context, reef__io_t *io, int descriptor);
    void *context;
} reef__listeners_desc_t;

/**
 * Read the comma list of the setting `<name>.listen`; empty = no address.
 *
 * @return REEF_OK; otherwise nothing is to be finished.
 */
REEF_NODISCARD reef_error_t reef__listeners_init(reef__listeners_t *listeners,
                                                 reef_app_t *app,
                                                 const char *name,
                                                 reef_span_t list,
                                                 reef_failure_t *failure);

/** Bind and listen on all, and tell of it.  On failure some may be open:
 *  reef__listeners_close(). */
REEF_NODISCARD reef_error_t reef__listeners_open(reef__listeners_t *listeners,
                                                 const reef__listeners_desc_t *desc,
                                                 reef_failure_t *failure);

/** Have the loops stop accepting; carried out with the orders that follow, through by
 *  reef__ios_run_down().  May be called again. */
void reef__listeners_close(reef__listeners_t *listeners);

/** Release; after the loops are through. */
void reef__listeners_finish(reef__listeners_t *listeners);

#endif /* REEF_SRC_TRANSPORT_LISTENERS_H */
