/**
 * @file loopback.h
 * @brief An app with a manual clock, and peers in memory instead of sockets.
 *
 * A peer's messages are handed to the session table; what is sent to it is collected
 * as text, one line per message.
 */
#ifndef LOOPBACK_H
#define LOOPBACK_H

#include <reef/app.h>
#include <reef/transport.h>

enum {
    LOOPBACK_TEXT = 8192
};

typedef struct loopback_peer {
    reef_app_t *app;
    reef_link_t link;
    char received[LOOPBACK_TEXT]; /* messages sent to it, each ended by '\n' */
    size_t received_size;
    uint32_t flush_count;
    uint16_t close_code; /* 0 = not closed by the server; refused: the HTTP status */
    char close_reason[128];
    bool is_closed;
    bool is_resumed;
    reef_error_t send_error; /* answered to every send */
    uint32_t ping_count;     /* of loopback_ping_transport */
    char last_ping[128];     /* what it carried */
} loopback_peer_t;

/** A transport whose protocol has a ping; that of the other peers has none. */
extern const reef_transport_t loopback_ping_transport;

/** One whose messages are binary, whatever they are. */
extern const reef_transport_t loopback_binary_transport;

/** An app that takes settings from @p argv only; the time is what the test says. */
reef_app_t *loopback_app_create(int argc, const char *const *argv);

/** Set the clock of the last app created. */
void loopback_set_time_ns(uint64_t now_ns);

/** Start it; fails the test when that fails. */
void loopback_app_start(reef_app_t *app);

/** Connect a peer; its entity exists after the next step. */
void loopback_connect(reef_app_t *app, loopback_peer_t *peer);

/** The same with facts of the test's choice: of @p desc, all but the connection, and
 * the transport where it is NULL.  A peer that is refused is closed; returns false
 * then. */
bool loopback_request(reef_app_t *app,
                      loopback_peer_t *peer,
                      const reef_link_desc_t *desc);

/** The peer says @p text; false = it was told to stop. */
bool loopback_say(loopback_peer_t *peer, const char *text);

/** The peer sends bytes, as a binary message; false = it was told to stop. */
bool loopback_send(loopback_peer_t *peer, reef_span_t bytes);

/** The peer goes away. */
void loopback_disconnect(loopback_peer_t *peer);

/** Forget what was received so far. */
void loopback_forget(loopback_peer_t *peer);

#endif /* LOOPBACK_H */
