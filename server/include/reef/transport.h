/**
 * @file transport.h
 * @brief The seam between the session table and whatever carries bytes.
 *
 * A transport is a plugin that opens a *link* in the session table for each peer whose
 * handshake is done, hands in messages, and offers the table below to send and close.
 * All of it happens on the thread of the transport's loop.
 */
#ifndef REEF_TRANSPORT_H
#define REEF_TRANSPORT_H

#include <reef/app.h>
#include <reef/message.h>
#include <reef/message_bundle.h>

/** The link of one connection: slot and generation; 0 is none. */
typedef uint64_t reef_link_t;

/** How messages travel on a connection; it never changes. */
typedef struct reef_link_form {
    reef_framing_t framing;
    bool is_binary; /* a message says nothing of what it is: all that come are binary */
} reef_link_form_t;

typedef struct reef_transport {
    const char *name; /* as in the log: "websocket" */
    int32_t kind;     /* of reef_transport_names in components.h */
    bool is_lossy;    /* messages may be lost on their way anyway: one that is refused
                         for a full queue does not end its session */

    /** Queue a message to a peer; its payload's reference is taken over, whatever the
     *  result.  Returns REEF_OK, REEF_E_LIMIT (reliable, and the queue is full: the
     * session is then closed, unless the transport is lossy), REEF_E_RANGE (too large
     * for this transport) or REEF_E_CLOSED. */
    reef_error_t (*send)(void *connection, const send_message_t *message);

    /** Write what was queued since the last flush: once per connection and frame.
     *  NULL = the transport knows by itself when to. */
    void (*flush)(void *connection);

    /** Begin to close: after what is queued, with code and reason; code 0 = as the
     *  peer wished, see reef_link_leaving().  The link is dead by then; the transport
     *  sees the closing handshake to its end alone. */
    void (*close)(void *connection, uint16_t code, const char *reason);

    /** Stop reading; NULL = reef_link_receive() says so. */
    void (*pause)(void *connection);

    /** Read again. */
    void (*resume)(void *connection);

    /** The connection is in a group from now on, and no longer.  Transports that have
     *  these two are sent one message for all their members (transport/io.h); for those
     *  with NULL `send` is called for each. */
    void (*join)(void *connection, uint32_t group);
    void (*leave)(void *connection, uint32_t group);

    /** Ask the peer for a sign of life by a ping of the protocol, which carries
     *  @p payload (NULL = nothing); takes a reference of its own.  Nothing happens
     *  while one is under way.  NULL = the protocol has none. */
    void (*ping)(void *connection, reef_buffer_t *payload);

    /** When the last byte of the peer came, by the app's clock; 0 = none yet.  NULL =
     *  when it last handed something in. */
    uint64_t (*heard_ns)(const void *connection);

    /** Bytes queued and not yet given to the system. */
    uint64_t (*queue_bytes)(const void *connection);

    /** Stop accepting new peers; the present ones stay. */
    void (*stop_accepting)(void *transport);

    /** Connections not yet gone, those in a closing handshake included. */
    uint32_t (*connection_count)(const void *transport);

    /** Have everything close that is left, at once: the app ends.  What was ordered is
     *  carried out, for all transports, before the first plugin is cleaned up.  NULL =
     *  there never is anything. */
    void (*end)(void *transport);

    /** How messages travel on a connection.  Such a transport is sent bundles as they
     *  are; NULL = it is sent their messages one by one, and they are texts. */
    reef_link_form_t (*form)(const void *connection);
} reef_transport_t;

/** A header of the request. */
typedef struct reef_header {
    const char *name; /* as an authenticator asked for it; static */
    reef_span_t value;
} reef_header_t;

typedef struct reef_link_desc {
    const reef_transport_t *transport;
    void *connection; /* first argument of the table's functions */
    bool tls;
    reef_span_t peer; /* all texts are copied, cut to the component's size */
    reef_span_t local;
    reef_span_t tls_version; /* "TLSv1.3"; empty without */
    reef_span_t cipher;
    reef_span_t path;
    reef_span_t query;
    reef_span_t subprotocol;
    const reef_header_t *headers; /* those asked for, no name twice */
    uint32_t header_count;
} reef_link_desc_t;

enum {
    REEF_REFUSAL_REASON_SIZE = 124
};

/** Why a peer is not let in. */
typedef struct reef_refusal {
    uint16_t status;                       /* of HTTP; 0 = not refused */
    char reason[REEF_REFUSAL_REASON_SIZE]; /* printable ASCII */
} reef_refusal_t;

/** Make a transport known to the app, for its orderly shutdown.  @p self is passed to
 * it. */
void reef_app_add_transport(reef_app_t *app,
                            const reef_transport_t *transport,
                            void *self);

/** Open a link: its entity is spawned by the next `ingress`, before its messages. */
reef_link_t reef_link_open(reef_app_t *app, const reef_link_desc_t *desc);

/** The same if all authenticators (authenticate.h) let the peer in; otherwise 0, and
 *  @p refusal receives why. */
reef_link_t reef_link_request(reef_app_t *app,
                              const reef_link_desc_t *desc,
                              reef_refusal_t *refusal);

/**
 * Hand in one whole message, which is copied.
 *
 * @return false when the inbox of this link is full now: stop reading from the peer
 *         until `resume` is called.  The message itself was accepted.
 */
bool reef_link_receive(reef_app_t *app,
                       reef_link_t handle,
                       reef_payload_kind_t kind,
                       reef_span_t payload);

/** Tell that the peer was heard of, and its round-trip time (-1 = not measured). */
void reef_link_heard(reef_app_t *app, reef_link_t handle, int64_t rtt_us);

/** A message could not be sent after all.  REEF_E_LIMIT, for a full queue, closes the
 *  link as too slow, unless its transport is lossy; REEF_E_RANGE, too large, does not.
 */
void reef_link_failed(reef_app_t *app, reef_link_t handle, reef_error_t error);

/** Nothing more will come, but what came before is to be answered: when that is done,
 *  within this frame or the next, `close` is called with code 0. */
void reef_link_leaving(reef_app_t *app, reef_link_t handle, reef_disconnect_t reason);

/** The connection is gone; the link is dead from now on, messages received before are
 *  still delivered.  `connection` is not used any more. */
void reef_link_closed(reef_app_t *app, reef_link_t handle, reef_disconnect_t reason);

#endif /* REEF_TRANSPORT_H */
