/**
 * @file tcp.h
 * @brief The TCP transport's data, shared by tcp.c, tcps.c and tcp_connection.c.
 *
 * Everything about a connection happens on the thread of its loop.
 */
#ifndef REEF_SRC_TRANSPORT_TCP_H
#define REEF_SRC_TRANSPORT_TCP_H

#include <reef/tcp.h>

#include "codec/tcp_frame.h"
#include "log_limit.h"
#include "transport/listeners.h"
#include "transport/quota.h"
#include "transport/stream.h"
#include "transport/tls_listener.h"

typedef enum reef__tcp_state {
    REEF__TCP_SECURING, /* the handshake of TLS */
    REEF__TCP_WAITING,  /* for the world to let it in; nothing is read */
    REEF__TCP_OPEN,
    REEF__TCP_ENDING,  /* nothing more is heard; the world answers what it has heard */
    REEF__TCP_LEAVING, /* nothing more to say: FIN after the queue, then await theirs */
    REEF__TCP_DEAD,    /* the socket is closed */
} reef__tcp_state_t;

/** Bytes that came when the world was behind, or before the peer was let in; they are
 *  looked at later. */
typedef struct reef__tcp_held {
    size_t size;
    uint8_t data[];
} reef__tcp_held_t;

typedef struct reef__tcp_server {
    reef_app_t *app;
    tcp_config_t config;
    reef__tcp_limits_t limits;
    reef__listeners_t listeners;
    struct reef__tcps *tcps; /* the plugin's; NULL = it is not there */
    _Atomic uint32_t connection_count;
    reef__quota_t quota;
    reef_metric_t *metric_refused;
    reef_metric_t *metric_protocol_errors;
    reef__log_limit_t refused_limit;
    reef__log_limit_t protocol_error_limit;
} reef__tcp_server_t;

typedef struct reef__tcp_connection {
    reef__stream_t stream; /* first: a connection is a stream */
    reef__tcp_server_t *server;
    reef__tls_listener_t *secure; /* where it came in; NULL = without TLS */
    reef__tcp_reader_t reader;
    reef__tcp_held_t *held; /* owned; NULL = nothing */
    uint64_t since_ms;      /* when the present state began */
    uint64_t heard_ms;      /* when bytes came last */
    uint64_t message_ms;    /* when the message in assembly began; 0 = none */
    reef__ip_t counted;     /* the address it counts for */
    uint8_t state;          /* reef__tcp_state_t */
    bool was_opened;        /* the world knows of it */
    bool has_shut_down;     /* our FIN is sent */
    bool has_ended;         /* their FIN has come */
    bool has_hole;          /* a message to it was lost: none may follow */
} reef__tcp_connection_t;

/** Begin with a connection that was accepted; takes the descriptor over.
 *  @param secure Who accepted it, where TLS is to be spoken; or NULL. */
void reef__tcp_accept(reef__tcp_server_t *server,
                      reef__io_t *io,
                      reef__tls_listener_t *secure,
                      int descriptor);

/** Close the socket at once; the link, if any, ends with @p reason. */
void reef__tcp_abort(reef__tcp_connection_t *connection, reef_disconnect_t reason);

/* tcps.c -------------------------------------------------------------------------- */

/** Whether the plugin `tcps` has an address to listen on.  Accepts NULL. */
bool reef__tcps_listens(const struct reef__tcps *tcps);

/** Stop accepting on its listeners.  Accepts NULL. */
void reef__tcps_close(struct reef__tcps *tcps);

extern const reef_transport_t reef__tcp_transport;
extern const reef__stream_type_t reef__tcp_stream_type;

#endif /* REEF_SRC_TRANSPORT_TCP_H */
