/**
 * @file ws.h
 * @brief The WebSocket transport's data, shared by ws.c and ws_connection.c.
 */
#ifndef REEF_SRC_TRANSPORT_WS_H
#define REEF_SRC_TRANSPORT_WS_H

#include <reef/transport.h>
#include <reef/websocket.h>

#include "codec/ws_frame.h"
#include "codec/ws_upgrade.h"
#include "outbox.h"
#include "transport/acceptor.h"

#include <uv.h>

enum {
    REEF__WS_SLAB_SIZE = 65536,
    REEF__WS_MAX_LISTENERS = 16
};

typedef enum reef__ws_state {
    REEF__WS_HANDSHAKE, /* reading the request head */
    REEF__WS_OPEN,
    REEF__WS_CLOSING, /* our close frame is queued; the peer's is awaited */
    REEF__WS_LEAVING, /* nothing more to say: FIN after the queue, then await theirs */
    REEF__WS_DEAD,    /* the handle is closing */
} reef__ws_state_t;

/** What only the handshake needs; released when it is over. */
typedef struct reef__ws_handshake {
    reef__ws_upgrade_t upgrade;
    size_t size;
    uint8_t data[]; /* max_handshake bytes */
} reef__ws_handshake_t;

typedef struct reef__ws_server reef__ws_server_t;
typedef struct reef__ws_connection reef__ws_connection_t;

/** Connections that must make progress, earliest deadline first: all in one list have
 *  the same time limit, so appending keeps the order. */
typedef struct reef__ws_deadlines {
    reef__ws_connection_t *first, *last;
    uint32_t limit_ms;
} reef__ws_deadlines_t;

struct reef__ws_connection {
    uv_tcp_t tcp; /* first: the handle is the connection */
    uv_write_t write;
    uv_shutdown_t shutdown;
    reef__ws_server_t *server;
    reef_link_t link; /* 0 before the handshake is done and after the end */
    reef__ws_reader_t reader;
    reef__outbox_t outbox;
    reef__ws_handshake_t *handshake;
    reef__ws_deadlines_t *deadlines; /* the list it is in, or NULL */
    reef__ws_connection_t *previous, *next;
    uint64_t deadline_ms; /* of the loop's clock */
    uint8_t state;        /* reef__ws_state_t */
    bool is_writing;      /* the system holds the front of the outbox */
    bool is_reading;
    bool has_shut_down;
};

struct reef__ws_server {
    reef_app_t *app;
    uv_loop_t *loop;
    websocket_config_t config;
    reef__ws_limits_t limits;
    struct sockaddr_storage addresses[REEF__WS_MAX_LISTENERS];
    uint32_t address_count;
    reef__acceptor_t acceptors[REEF__WS_MAX_LISTENERS];
    uint32_t acceptor_count;
    uint32_t open_handles; /* connections, acceptors and the timer */
    uint32_t connection_count;
    uv_timer_t timer; /* fires at the first deadline */
    bool timer_exists;
    reef__ws_deadlines_t handshakes;
    reef__ws_deadlines_t closings;
    reef_metric_t *metric_refused;
    reef_metric_t *metric_protocol_errors;
    uint8_t *slab; /* [REEF__WS_SLAB_SIZE]: every read of this loop lands here */
};

/** Begin with a connection that was accepted; takes the descriptor over. */
void reef__ws_accept(reef__ws_server_t *server, int descriptor);

/** Close the socket at once; the link, if any, ends with @p reason. */
void reef__ws_abort(reef__ws_connection_t *connection, reef_disconnect_t reason);

/* Functions of the transport table; `self` is a reef__ws_connection_t. */
reef_error_t reef__ws_send(void *self, const send_message_t *message);
void reef__ws_flush(void *self);
void reef__ws_close(void *self, uint16_t code, const char *reason);
void reef__ws_resume(void *self);
uint64_t reef__ws_queue_bytes(const void *self);

extern const reef_transport_t reef__ws_transport;

#endif /* REEF_SRC_TRANSPORT_WS_H */
