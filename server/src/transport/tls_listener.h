/**
 * @file tls_listener.h
 * @brief What every transport over TLS has: settings, listeners, and the certificate's
 * life.
 *
 * Built by the plugins `wss` and `tcps`.  The certificate is loaded when they become
 * ready, read anew when the app reloads, and one for development is replaced before its
 * end; connections that are there keep the one they began with.
 *
 * World thread, but for what says so.
 */
#ifndef REEF_SRC_TRANSPORT_TLS_LISTENER_H
#define REEF_SRC_TRANSPORT_TLS_LISTENER_H

#include "log_limit.h"
#include "transport/listeners.h"
#include "transport/tls.h"

#include <pthread.h>

/** The settings; all texts are borrowed until reef__tls_listener_finish(). */
typedef struct reef__tls_listener_desc {
    const char *name; /* "wss": section of the settings, and name in the log */
    const char *alpn; /* the one protocol spoken, or NULL */
    const char *listen, *cert, *key, *ciphers;
    bool dev;
    uint32_t handshake_timeout_ms;
    reef__listeners_desc_t listeners;
} reef__tls_listener_desc_t;

typedef struct reef__tls_listener {
    reef_app_t *app;
    reef__tls_listener_desc_t desc;
    reef__listeners_t listeners;
    reef__tls_suites_t suites;
    pthread_mutex_t lock;
    reef__tls_context_t *context; /* under the lock; NULL before it is open */
    char system_name[32];
    uint64_t next_look_ns; /* at the dev certificate's age */
    reef__log_limit_t failure_limit;
    reef_metric_t *metric_failures;
    reef_metric_t *metric_full, *metric_resumed;
    reef_metric_t *metric_expiry;
} reef__tls_listener_t;

/**
 * Check the settings and read the addresses; in a plugin's build().
 *
 * @return REEF_OK; otherwise nothing is to be finished, and the text names the setting.
 */
REEF_NODISCARD reef_error_t
reef__tls_listener_init(reef__tls_listener_t *listener,
                        reef_app_t *app,
                        const reef__tls_listener_desc_t *desc,
                        reef_failure_t *failure);

/** Load the certificate, then listen; nothing when there is no address. */
REEF_NODISCARD reef_error_t reef__tls_listener_open(reef__tls_listener_t *listener,
                                                    reef_failure_t *failure);

/** Stop accepting; see reef__listeners_close(). */
void reef__tls_listener_close(reef__tls_listener_t *listener);

/** Release; after the connections are gone. */
void reef__tls_listener_finish(reef__tls_listener_t *listener);

/** Read the files again.  What cannot be used is logged, and the old one stays. */
void reef__tls_listener_reload(reef__tls_listener_t *listener);

/** Make a new certificate for development if the present one ends soon.
 *  @param now_s Unix time. */
void reef__tls_listener_roll(reef__tls_listener_t *listener, int64_t now_s);

/** The context for a new connection: a reference for the caller.  Any thread. */
reef__tls_context_t *reef__tls_listener_context(reef__tls_listener_t *listener);

/** A handshake is done.  Any thread. */
void reef__tls_listener_secured(reef__tls_listener_t *listener, bool is_resumed);

/** TLS with the other side of @p descriptor has failed: counted, and logged at most
 * once a second.  @p now_ms of the loop's clock.  Any thread. */
void reef__tls_listener_failed(reef__tls_listener_t *listener,
                               int descriptor,
                               const char *cause,
                               uint64_t now_ms);

#endif /* REEF_SRC_TRANSPORT_TLS_LISTENER_H */
