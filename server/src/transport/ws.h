/**
 * @file ws.h
 * @brief The WebSocket transport's data, shared by ws.c, ws_handshake.c and
 * ws_connection.c.
 *
 * Everything about a connection happens on the thread of its loop.
 */
#ifndef REEF_SRC_TRANSPORT_WS_H
#define REEF_SRC_TRANSPORT_WS_H

#include <reef/websocket.h>

#include "codec/ws_deflate.h"
#include "codec/ws_frame.h"
#include "codec/ws_upgrade.h"
#include "transport/forwarded.h"
#include "transport/listeners.h"
#include "transport/quota.h"
#include "transport/stream.h"
#include "transport/tls_listener.h"

#define REEF__WS_TOO_MANY_TEXT "too many connections from this address"

enum {
    REEF__WS_MAX_TURNED_AWAY = 32, /* of a crowd, those who are told why */
    REEF__WS_MAX_EARLY = 65536,    /* bytes that may wait for a peer to be let in */
};

typedef enum reef__ws_state {
    REEF__WS_SECURING,  /* the handshake of TLS */
    REEF__WS_HANDSHAKE, /* reading the request head */
    REEF__WS_ASKING,    /* the world is to say whether it is let in */
    REEF__WS_OPEN,
    REEF__WS_ENDING,  /* nothing more is heard; the world answers what it has heard */
    REEF__WS_CLOSING, /* our close frame is queued; the peer's is awaited */
    REEF__WS_LEAVING, /* nothing more to say: FIN after the queue, then await theirs */
    REEF__WS_DEAD,    /* the socket is closed */
} reef__ws_state_t;

/** What only the handshake needs; released when it is over. */
typedef struct reef__ws_handshake {
    reef__ws_upgrade_t upgrade;
    size_t size;
    uint8_t data[]; /* max_handshake bytes */
} reef__ws_handshake_t;

/** The answer to a request, while it is not given yet. */
typedef struct reef__ws_answer {
    reef__ws_deflate_params_t deflate;
    bool deflates;
    size_t size;
    char response[REEF__WS_RESPONSE_SIZE];
} reef__ws_answer_t;

/** Bytes that came when the world was behind, or before the peer was let in; they are
 *  looked at later. */
typedef struct reef__ws_held {
    size_t size;
    uint8_t data[];
} reef__ws_held_t;

typedef struct reef__ws_server reef__ws_server_t;
typedef struct reef__ws_loop reef__ws_loop_t;

typedef struct reef__ws_connection {
    reef__stream_t stream; /* first: a connection is a stream */
    reef__ws_loop_t *loop;
    reef__ws_server_t *server;
    reef__tls_listener_t *secure; /* where it came in; NULL = without TLS */
    reef__ws_reader_t reader;     /* its .deflate is the connection's, or NULL */
    reef__ws_handshake_t *handshake;
    /* Owned; while ASKING. */
    reef__ws_answer_t *answer;
    reef__ws_held_t *held; /* owned; NULL = nothing */
    uint64_t since_ms;     /* when the present state began */
    uint64_t heard_ms;     /* when bytes came last */
    uint64_t message_ms;   /* when the message in assembly began; 0 = none */
    uint64_t ping_ns;      /* when a ping was sent that is not answered; 0 = none */
    reef_buffer_t *ping;   /* owned: what that carries; NULL = nothing */
    const char *reason;    /* ENDING: to close with; static, may be NULL */
    reef__ip_t counted;    /* the address it counts for */
    reef__quota_t *place;  /* the server's that it is in, or NULL */
    uint16_t code;         /* ENDING: to close with */
    uint8_t state;         /* reef__ws_state_t */
    bool was_opened;       /* the world knows of it */
    bool has_shut_down;    /* our FIN is sent */
    bool has_ended;        /* their FIN has come, and something is still to be said */
    bool has_hole;         /* a message to it was lost: none may follow */
} reef__ws_connection_t;

/** What the connections of one loop share. */
struct reef__ws_loop {
    reef__ws_server_t *server;
    reef__io_t *io;
    reef__ws_deflate_shared_t *deflate;
    struct {
        reef_buffer_t *payload; /* the message compressed last, or NULL */
        reef_buffer_t *frame;   /* what became of it */
        uint32_t key;           /* for whom; see reef__ws_deflate_share_key() */
    } compressed;
};

struct reef__ws_server {
    reef_app_t *app;
    websocket_config_t config;
    reef__ws_limits_t limits;
    reef__ws_deflate_config_t deflate;
    reef__listeners_t listeners;
    struct reef__wss *wss;  /* the plugin's; NULL = it is not there */
    reef__ws_loop_t *loops; /* [loop_count], as many as the app has */
    uint32_t loop_count;
    reef__proxies_t proxies;
    _Atomic uint32_t connection_count; /* all */
    reef__quota_t quota;               /* sessions and handshakes */
    reef__quota_t turned_away;         /* REEF__WS_MAX_TURNED_AWAY */
    reef_metric_t *metric_refused;
    reef_metric_t *metric_protocol_errors;
};

/** Begin with a connection that was accepted; takes the descriptor over.
 *  @param secure Who accepted it, where TLS is to be spoken; or NULL. */
void reef__ws_accept(reef__ws_loop_t *loop,
                     reef__tls_listener_t *secure,
                     int descriptor);

/** Close the socket at once; the link, if any, ends with @p reason. */
void reef__ws_abort(reef__ws_connection_t *connection, reef_disconnect_t reason);

/* wss.c --------------------------------------------------------------------------- */

/** Stop accepting on the listeners of the plugin `wss`.  Accepts NULL. */
void reef__wss_close(struct reef__wss *wss);

/* ws_handshake.c ------------------------------------------------------------------ */

/** Bytes of the request head, and perhaps frames behind it. */
void reef__ws_handshake_read(reef__ws_connection_t *connection,
                             uint8_t *data,
                             size_t size);

/** Refuse before anything was read. */
void reef__ws_handshake_refuse(reef__ws_connection_t *connection,
                               int http_status,
                               const char *reason);

/** Answer that the peer is in. */
void reef__ws_handshake_admit(reef__ws_connection_t *connection);

/** Release what the handshake holds. */
void reef__ws_handshake_finish(reef__ws_connection_t *connection);

/* ws_policy.c --------------------------------------------------------------------- */

/** Count a new connection for its address.  False when there are too many. */
REEF_NODISCARD bool reef__ws_policy_enter(reef__ws_connection_t *connection);

/** What the settings say to a well-formed request: false when @p upgrade was refused.
 *  @p client receives the address of who is behind it, proxies seen through. */
REEF_NODISCARD bool reef__ws_policy_check(reef__ws_connection_t *connection,
                                          reef__ws_upgrade_t *upgrade,
                                          struct sockaddr_storage *client);

/* ws_compression.c ---------------------------------------------------------------- */

/** The frame of @p payload for this connection, compressed where that was negotiated
 * and is worth it.  Takes the reference over, and gives one. */
reef_buffer_t *reef__ws_compress(reef__ws_connection_t *connection,
                                 reef_buffer_t *payload,
                                 uint8_t message_class);

/** Let go of what a loop keeps. */
void reef__ws_compression_finish(reef__ws_loop_t *loop);

/* ws_ping.c ----------------------------------------------------------------------- */

/** Whether a ping is under way: what comes next is its answer, for all we know.  A peer
 *  that has said something since and not answered is to be asked anew. */
bool reef__ws_is_asked(const reef__ws_connection_t *connection);

/** Ask for a sign of life, unless a ping is under way; @p payload is taken over, and
 *  may be NULL. */
void reef__ws_ping(reef__peer_t *peer, reef_buffer_t *payload);

/** A pong has come. */
void reef__ws_note_pong(reef__ws_connection_t *connection, reef_span_t payload);

/* ws_connection.c, for ws_handshake.c --------------------------------------------- */

/** Bytes of frames. */
void reef__ws_read_frames(reef__ws_connection_t *connection,
                          uint8_t *data,
                          size_t size);

/** Enter a state, whose deadline begins. */
void reef__ws_enter(reef__ws_connection_t *connection, reef__ws_state_t state);

extern const reef_transport_t reef__ws_transport;
extern const reef_transport_t reef__wss_transport;
extern const reef__stream_type_t reef__ws_stream_type;

#endif /* REEF_SRC_TRANSPORT_WS_H */
