/**
 * @file http.h
 * @brief An HTTP server: listens, and has each request answered.
 *
 * The only part that knows the library behind it; it knows nothing of who answers.
 */
#ifndef REEF_ADMIN_HTTP_H
#define REEF_ADMIN_HTTP_H

#include "exchange.h"
#include "listen.h"

typedef struct reef__http reef__http_t;

typedef struct reef__http_desc {
    const reef__listen_t *listen; /* copied */
    uint32_t threads;             /* connections served at once: one has one */
    uint32_t timeout_ms;          /* for a head, and between two bytes */
    uint32_t body_timeout_ms;     /* for a body, and more the longer it is */
    uint32_t keep_alive_ms;       /* for the next request of a connection */
    const char *headers;          /* lines that every reply carries; borrowed */

    /** Fill @p reply, which starts empty; on one of the threads. */
    void (*answer)(void *context, reef__request_t *request, reef__reply_t *reply);

    /** The library refuses what it could not read as a request; may be NULL. */
    void (*refused)(void *context, int status);

    void *context;
} reef__http_desc_t;

/**
 * Listen, and answer on threads of its own.  Owned by the caller: reef__http_stop().
 *
 * @return REEF_OK, or REEF_E_IO with a text that names the address.
 */
REEF_NODISCARD reef_error_t reef__http_listen(const reef__http_desc_t *desc,
                                              reef__http_t **http,
                                              reef_failure_t *failure);

/** The port that the address at @p index of the list got. */
uint16_t reef__http_port(const reef__http_t *http, size_t index);

/** End all connections and threads.  Streams must have been told to end.  Accepts
 *  NULL. */
void reef__http_stop(reef__http_t *http);

#endif /* REEF_ADMIN_HTTP_H */
