/**
 * @file pool.h
 * @brief Connections to one server, and the loop that serves them.
 *
 * Cheap for the client: one read per readiness into one buffer that all share, checked
 * where it lies; messages are built in another shared buffer and leave by one write per
 * flush; only what a socket does not take is kept with its connection.
 */
#ifndef WIRE_POOL_H
#define WIRE_POOL_H

#include "frame.h"
#include "options.h"
#include "payload.h"
#include "tls.h"
#include "ws.h"

enum {
    POOL_PER_SOURCE = 20000 /* connections from one address: fewer than it has ports */
};

typedef enum conn_state {
    CONN_CLOSED,
    CONN_CONNECTING,
    CONN_SECURING,  /* TLS is being agreed upon */
    CONN_UPGRADING, /* the response is awaited */
    CONN_OPEN,
    CONN_CLOSING /* said goodbye, the end is awaited */
} conn_state_t;

typedef struct handshake {
    char key[WS_KEY_SIZE];
    size_t size;
    char text[4096];
} handshake_t;

/** What the server's messages look like to this member of a room: the sender's, between
 *  some bytes of the server's.  Learned from the first one. */
typedef struct envelope {
    bool is_known;
    uint32_t before, after;
    uint8_t *first; /* the first message while it is incomplete */
    size_t first_size;
} envelope_t;

typedef struct conn {
    int descriptor; /* -1 = none */
    conn_state_t state;
    uint32_t number;
    bool awaits_output;
    bool is_stalled;  /* does not read */
    uint8_t *pending; /* what the socket did not take: [start, end) */
    size_t pending_start, pending_end;
    tls_stream_t *tls;      /* NULL without */
    handshake_t *handshake; /* NULL when it is over */
    ws_decoder_t decoder;   /* of a WebSocket */
    frame_decoder_t frames; /* of TCP */
    /* Of the mode. */
    uint64_t sent, received; /* messages */
    size_t position;         /* bytes of the message under way */
    envelope_t envelope;
} conn_t;

/** What happens to a mode.  Only `take` must be there. */
typedef struct pool_handler {
    void *context;
    /** Connected, and upgraded where that is the protocol. */
    void (*opened)(void *context, conn_t *conn);
    /** A piece of a message. */
    void (*take)(void *context, conn_t *conn, const ws_piece_t *piece);
    /** What was read at once is taken. */
    void (*read_end)(void *context, conn_t *conn);
    /** The server has closed; without this, that is a failure. */
    void (*ended)(void *context, conn_t *conn, const char *why);
    /** Say what is waited for. */
    void (*describe)(void *context, char *out, size_t capacity);
} pool_handler_t;

typedef struct pool {
    const options_t *options;
    const payload_t *payload;
    pool_handler_t handler;
    conn_t *conns;
    uint32_t count, open_count, opening_count;
    int epoll;
    uint32_t sources;     /* addresses to connect from; 1 = the system's choice */
    uint64_t random;      /* state */
    uint64_t now_ns;      /* of the last read */
    uint64_t progress_ns; /* when something came last */
    uint64_t shown_ns;    /* when progress was shown last */
    bool is_patient;      /* nothing has to come */
    tls_t *tls;           /* NULL without */
    tls_facts_t facts;    /* of the last handshake */
    uint8_t *in, *out;
    uint8_t *plain; /* of what came by TLS; as large as `in` */
    size_t in_capacity, out_capacity, out_size;
} pool_t;

/** @p count closed connections.  fail() when the system does not allow so many. */
void pool_init(pool_t *pool,
               const options_t *options,
               const payload_t *payload,
               const pool_handler_t *handler,
               uint32_t count);
void pool_finish(pool_t *pool);

/** Open all and return when they are, options->at_once at a time. */
void pool_open_all(pool_t *pool);

/** Wait up to @p timeout_ms for readiness and handle it.  fail() when the server was
 *  silent for too long. */
void pool_step(pool_t *pool, int timeout_ms);

/** Say goodbye to all, and check that nothing but an end comes.  A server that does not
 *  end the connection within a second is left. */
void pool_close_all(pool_t *pool);

#endif /* WIRE_POOL_H */
