/**
 * @file udp.h
 * @brief The UDP transport: what its files share.
 *
 *     udp.c          settings, sockets, start and end
 *     udp_intake.c   datagrams that come: whose they are, and which are dropped
 *     udp_peer.c     sessions, from the first datagram to the last
 *     udp_send.c     datagrams that go
 *
 * Every loop has a socket for every address (SO_REUSEPORT), and the kernel gives all
 * datagrams of one peer to one of them.  But for the counters all is a loop's own.
 */
#ifndef REEF_SRC_TRANSPORT_UDP_H
#define REEF_SRC_TRANSPORT_UDP_H

#include <reef/udp.h>

#include "log_limit.h"
#include "transport/address.h"
#include "transport/io.h"
#include "transport/quota.h"
#include "transport/udp_cookie.h"
#include "transport/udp_socket.h"
#include "transport/udp_table.h"

#include <assert.h>
#include <netinet/in.h>
#include <uv.h>

typedef struct reef__udp_server reef__udp_server_t;
typedef struct reef__udp_loop reef__udp_loop_t;
typedef struct reef__udp_listener reef__udp_listener_t;
typedef struct reef__udp_peer reef__udp_peer_t;

/** Why a datagram that came was dropped. */
typedef enum reef__udp_drop {
    REEF__UDP_DROP_TOO_LARGE,    /* over max_datagram */
    REEF__UDP_DROP_NOT_TEXT,     /* no UTF-8 */
    REEF__UDP_DROP_EMPTY,        /* from an address without a session */
    REEF__UDP_DROP_NO_COOKIE,    /* … which has not shown that it is its own */
    REEF__UDP_DROP_SESSIONS,     /* … and max_sessions are there */
    REEF__UDP_DROP_ADDRESS,      /* … and max_sessions_per_address are */
    REEF__UDP_DROP_STOPPING,     /* … and the server stops */
    REEF__UDP_DROP_NOT_ADMITTED, /* of a session that is not admitted yet */
    REEF__UDP_DROP_INBOX_FULL,   /* the world is behind with this client */
    REEF__UDP_DROP_QUARANTINE,   /* its session was closed */
    REEF__UDP_DROP_SOURCE,       /* an address that cannot be answered */
    REEF__UDP_DROP_COUNT,
} reef__udp_drop_t;

/** Drops of one reason. */
typedef struct reef__udp_drops {
    const char *reason;
    reef_metric_t *metric;
    reef__log_limit_t log;
    _Atomic uint64_t unlogged; /* since the last line */
} reef__udp_drops_t;

struct reef__udp_server {
    reef_app_t *app;
    udp_config_t config;
    struct sockaddr_storage *addresses; /* [address_count] */
    uint32_t address_count;
    reef__udp_loop_t *loops; /* [loop_count] */
    uint32_t loop_count;
    reef__quota_t quota;
    _Atomic uint32_t session_count; /* that the world has not seen the end of */
    _Atomic bool is_stopping;       /* no new sessions */
    reef__udp_secret_t secret;
    reef__udp_send_fn send; /* NULL = the system's; tests have their own */
    reef__udp_drops_t drops[REEF__UDP_DROP_COUNT];
    reef_metric_t *metric_challenges;
    reef_metric_t *metric_errors;
};

/** Cookies to be sent when the batch is looked through. */
typedef struct reef__udp_challenges {
    uint32_t count;
    uint8_t cookies[REEF__UDP_RECEIVES][REEF__UDP_COOKIE_SIZE];
    const struct sockaddr_storage *to[REEF__UDP_RECEIVES]; /* in the receiver */
} reef__udp_challenges_t;

struct reef__udp_loop {
    reef__udp_server_t *server;
    reef__io_t *io;
    reef__udp_listener_t *listeners; /* [listener_count] */
    uint32_t listener_count;
    reef__udp_receiver_t *receiver;
    reef__udp_sender_t *sender;
    reef__udp_peer_t **owners; /* [REEF__UDP_SENDS]: whose is what the sender has */
    reef__udp_challenges_t challenges;
    uint64_t queued;                        /* memory of all that waits to be sent */
    uint32_t dropped[REEF__UDP_DROP_COUNT]; /* in this pass, and not told yet */
};

/** A socket of a loop. */
struct reef__udp_listener {
    reef__udp_loop_t *loop;
    uv_poll_t poll;
    int descriptor; /* -1 = closed */
    char local[REEF__ADDRESS_TEXT_SIZE];
    reef__udp_table_t peers;
    reef__udp_peer_t *dirty; /* ring of those with something to be sent; NULL = none */
    bool is_blocked;         /* the system takes no more for now */
};

/*
 *     OPENING ─► OPEN ─► CLOSING ─► QUARANTINED ─► DEAD
 *        │        │   it was closed, and is sent what     ▲
 *        │        └ silence  waits for it                 │
 *        └────────┴───────────────────────────────────────┘
 */
typedef enum reef__udp_state {
    REEF__UDP_OPENING,     /* the world is asked whether it may come in */
    REEF__UDP_SPEAKING,    /* open */
    REEF__UDP_CLOSING,     /* sent what waits for it, then over */
    REEF__UDP_QUARANTINED, /* over, and its address still known */
    REEF__UDP_DEAD,        /* over; waits to be released */
} reef__udp_state_t;

struct reef__udp_peer {
    reef__peer_t peer; /* first */
    reef__udp_listener_t *listener;
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } address;
    uint8_t state;    /* reef__udp_state_t */
    bool is_counted;  /* for its address */
    bool is_released; /* nobody else knows it: may be freed when it is dead */
    uint64_t heard_ms;
    reef_buffer_t *first; /* message that came before it was admitted, or NULL */
    reef__outbox_t outbox;
    reef__udp_peer_t *next_dirty, *previous_dirty; /* NULL = not in the ring */
};

static_assert(sizeof(reef__udp_peer_t) <= 384, "a session is cheap");

extern const reef_transport_t reef__udp_transport;

/* udp_intake.c ----------------------------------------------------------------------
 */

/** Take in what has come, as much as is fair to others. */
void reef__udp_take_in(reef__udp_listener_t *listener);

/* udp_peer.c ------------------------------------------------------------------------
 */

/** A session for the address, which has none.  @p first is its first message, or NULL;
 *  takes the reference over. */
void reef__udp_peer_open(reef__udp_listener_t *listener,
                         const struct sockaddr_storage *from,
                         bool is_counted,
                         reef_buffer_t *first);

/** A CLOSING peer was sent all that waited, or its time is up. */
void reef__udp_peer_finish_close(reef__udp_peer_t *peer);

/** End all sessions of the loop, at once. */
void reef__udp_peers_abort(reef__udp_loop_t *loop);

/* udp_send.c ------------------------------------------------------------------------
 */

/** Queue a message; takes the reference over. */
void reef__udp_send(reef__udp_peer_t *peer, const reef__fan_message_t *message);

/** Send what is queued, as far as the system takes it. */
void reef__udp_flush(reef__udp_loop_t *loop);

/** Give up what is queued for the peer. */
void reef__udp_discard(reef__udp_peer_t *peer);

/* udp.c -----------------------------------------------------------------------------
 */

/** Wait for what this socket waits for now. */
void reef__udp_watch(reef__udp_listener_t *listener);

#endif /* REEF_SRC_TRANSPORT_UDP_H */
