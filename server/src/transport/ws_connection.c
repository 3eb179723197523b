/*
 * One WebSocket connection.
 *
 *     (SECURING ─►) HANDSHAKE ─101─► OPEN ─────────── the world closes ─────────►
 * CLOSING │             │                                              │ their close
 *         │refusal      └ their close, or an error ─► ENDING           ▼
 *         └──────────────────────────────────────────── │ ────────► LEAVING ─► DEAD
 *                                                       └ the world is through ─┘
 *
 * Where somebody is to be asked whether the peer is let in, HANDSHAKE goes on to
 * ASKING, and from there to OPEN or, by a refusal, to LEAVING; what comes meanwhile is
 * held. ENDING lets the world answer what came before the end, so that replies are sent
 * before the close frame.  In LEAVING what arrives is read and thrown away, for closing
 * a socket with unread bytes would reset it and could destroy our last frame on its
 * way.  Every state has its deadline; those of OPEN are looked at when the earliest of
 * them may have come, and cost nothing in between.
 */
#include "transport/ws.h"

#include "app.h"
#include "buffer.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

/* Deadlines -------------------------------------------------------------------- */

static uint64_t now_ms(const reef__ws_connection_t *connection)
{
    return connection->stream.peer.io->now_ms;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* When the connection has been silent for too long to be believed in without asking. */
static uint64_t ping_due_ms(const reef__ws_connection_t *connection)
{
    return connection->heard_ms +
           connection->server->config.idle_timeout_s * UINT64_C(500);
}

static uint64_t idle_due_ms(const reef__ws_connection_t *connection)
{
    return connection->heard_ms +
           connection->server->config.idle_timeout_s * UINT64_C(1000);
}

static uint64_t message_due_ms(const reef__ws_connection_t *connection)
{
    return connection->message_ms +
           connection->server->config.message_timeout_s * UINT64_C(1000);
}

static uint64_t write_due_ms(const reef__ws_connection_t *connection)
{
    return connection->stream.stalled_ms +
           connection->server->config.write_timeout_s * UINT64_C(1000);
}

/* The next time at which an open connection has to be looked at. */
static uint64_t open_due_ms(const reef__ws_connection_t *connection)
{
    const websocket_config_t *config = &connection->server->config;
    uint64_t due = UINT64_MAX;

    if (config->idle_timeout_s > 0) {
        due = reef__ws_is_asked(connection) ? idle_due_ms(connection)
                                            : ping_due_ms(connection);
    }
    if (connection->message_ms != 0 && config->message_timeout_s > 0) {
        due = earlier(due, message_due_ms(connection));
    }
    if (reef__stream_is_blocked(&connection->stream) && config->write_timeout_s > 0) {
        due = earlier(due, write_due_ms(connection));
    }
    return due;
}

static void set_deadline(reef__ws_connection_t *connection)
{
    const websocket_config_t *config = &connection->server->config;
    uint64_t due = UINT64_MAX;

    switch ((reef__ws_state_t)connection->state) {
    case REEF__WS_SECURING:
        due = connection->since_ms + connection->secure->desc.handshake_timeout_ms;
        break;
    case REEF__WS_HANDSHAKE:
    case REEF__WS_ASKING:
        due = connection->since_ms + config->handshake_timeout_ms;
        break;
    case REEF__WS_OPEN:
        due = open_due_ms(connection);
        break;
    case REEF__WS_ENDING:
    case REEF__WS_CLOSING:
    case REEF__WS_LEAVING:
        due = connection->since_ms + config->close_timeout_ms;
        break;
    case REEF__WS_DEAD:
        return;
    }
    if (due != UINT64_MAX) {
        reef__peer_set_deadline(&connection->stream.peer, due);
    }
}

void reef__ws_enter(reef__ws_connection_t *connection, reef__ws_state_t state)
{
    connection->state = (uint8_t)state;
    connection->since_ms = now_ms(connection);
    set_deadline(connection);
}

/* What is held ----------------------------------------------------------------- */

/* A compressed message may be a thousand times what was read of it, and a read may be
 * full of them.  So behind the one that has filled the inbox they are left as they
 * came. */
static bool must_hold(const reef__ws_connection_t *connection)
{
    return connection->reader.deflate != NULL && connection->stream.peer.is_waiting &&
           connection->state == REEF__WS_OPEN;
}

/* Behind what is held already: frames may come with the handshake, in two parts. */
static void hold(reef__ws_connection_t *connection, const uint8_t *data, size_t size)
{
    reef__ws_held_t *held = connection->held;
    size_t before = held ? held->size : 0;

    held =
        reef_resize(reef_app_alloc(connection->server->app), held,
                    held ? sizeof(*held) + before : 0, sizeof(*held) + before + size);
    memcpy(held->data + before, data, size);
    held->size = before + size;
    connection->held = held;
}

/* Behind the request; the peer is not let in yet. */
static void
hold_early(reef__ws_connection_t *connection, const uint8_t *data, size_t size)
{
    hold(connection, data, size);
    if (connection->held->size >= REEF__WS_MAX_EARLY) {
        reef__stream_pause(&connection->stream);
    }
}

static void release_held(const reef__ws_connection_t *connection, reef__ws_held_t *held)
{
    if (held != NULL) {
        reef_resize(reef_app_alloc(connection->server->app), held,
                    sizeof(*held) + held->size, 0);
    }
}

/* The end ---------------------------------------------------------------------- */

void reef__ws_abort(reef__ws_connection_t *connection, reef_disconnect_t reason)
{
    reef__ws_deflate_t *deflate;

    if (connection->state == REEF__WS_DEAD) {
        return;
    }
    connection->state = REEF__WS_DEAD;
    reef__ws_handshake_finish(connection);
    release_held(connection, connection->held);
    connection->held = NULL;
    reef_buffer_unref(connection->ping);
    connection->ping = NULL;
    reef__quota_uncount(&connection->server->quota, &connection->counted);
    deflate = connection->reader.deflate;
    reef__ws_reader_finish(&connection->reader, &connection->server->limits);
    connection->reader.deflate = NULL;
    reef__ws_deflate_destroy(deflate);
    reef__stream_close(&connection->stream);
    if (connection->was_opened) {
        reef__peer_closed(&connection->stream.peer, reason);
    } else {
        reef__stream_release(&connection->stream);
    }
}

/* False when all are taken. */
static bool take_place(reef__ws_connection_t *connection, reef__quota_t *quota)
{
    if (!reef__quota_take(quota)) {
        return false;
    }
    connection->place = quota;
    return true;
}

static void leave_place(reef__ws_connection_t *connection)
{
    if (connection->place != NULL) {
        reef__quota_give(connection->place);
        connection->place = NULL;
    }
}

static void free_connection(reef__stream_t *stream)
{
    reef__ws_connection_t *connection = (reef__ws_connection_t *)stream;
    reef__ws_server_t *server = connection->server;

    leave_place(connection);
    atomic_fetch_sub(&server->connection_count, 1);
    reef_resize(reef_app_alloc(server->app), connection, sizeof(*connection), 0);
}

static void release(reef__peer_t *peer)
{
    reef__stream_release((reef__stream_t *)peer);
}

static void
queue_close_frame(reef__ws_connection_t *connection, uint16_t code, reef_span_t reason)
{
    uint8_t payload[REEF__WS_MAX_CONTROL];
    size_t size = reef__ws_frame_close_payload(payload, code, reason);
    reef_buffer_t *frame =
        reef__buffer_websocket(REEF__WS_OP_CLOSE, reef_span(payload, size));

    reef__stream_push_last(&connection->stream, frame);
}

/* Once everything is sent: FIN.  Their FIN, or the deadline, ends it. */
static void on_flushed(reef__stream_t *stream)
{
    reef__ws_connection_t *connection = (reef__ws_connection_t *)stream;

    if (connection->state != REEF__WS_LEAVING) {
        return;
    }
    if (!connection->has_shut_down) {
        connection->has_shut_down = true;
        reef__stream_shut_down(stream); /* comes back here, with TLS it has to write */
    } else if (connection->has_ended) {
        reef__ws_abort(connection, REEF_DISCONNECT_LOST);
    }
}

/* Say what is left to say, then leave. */
static void leave(reef__ws_connection_t *connection)
{
    reef__ws_enter(connection, REEF__WS_LEAVING);
    if (!connection->has_ended) {
        reef__stream_resume(&connection->stream);
    }
    if (!reef__stream_has_output(&connection->stream)) {
        on_flushed(
            &connection->stream); /* nothing will be written: nobody else would */
    }
}

static void resume_reading(reef__peer_t *peer);

static void tell_tls_failure(const reef__ws_connection_t *connection, const char *cause)
{
    reef__tls_listener_failed(connection->secure, connection->stream.descriptor, cause,
                              now_ms(connection));
}

static void on_broken(reef__stream_t *stream)
{
    reef__ws_connection_t *connection = (reef__ws_connection_t *)stream;
    const char *cause = reef__stream_tls_cause(stream);

    if (cause != NULL) {
        tell_tls_failure(connection, cause);
    } else if (connection->state == REEF__WS_SECURING) {
        tell_tls_failure(connection, "connection lost during the handshake");
    }
    reef__ws_abort(connection, REEF_DISCONNECT_LOST);
}

static void on_secured(reef__stream_t *stream)
{
    reef__ws_connection_t *connection = (reef__ws_connection_t *)stream;

    reef__tls_listener_secured(connection->secure,
                               reef__stream_tls_facts(stream).is_resumed);
    reef__ws_enter(connection, REEF__WS_HANDSHAKE);
}

/* All that they have said is read.  Whoever has nothing more to say may still listen:
 * the answers, if they said good-bye before, and what is queued. */
static void end_input(reef__ws_connection_t *connection)
{
    bool is_closing =
        connection->state == REEF__WS_CLOSING || connection->state == REEF__WS_LEAVING;

    if (connection->state == REEF__WS_SECURING) {
        tell_tls_failure(connection, "closed during the handshake");
    }
    if (connection->state != REEF__WS_ENDING &&
        !(is_closing && reef__stream_has_output(&connection->stream))) {
        reef__ws_abort(connection, REEF_DISCONNECT_LOST);
    } else if (is_closing) {
        connection->state = REEF__WS_LEAVING; /* the deadline is that of before */
    }
}

/* Their FIN; with TLS, in one read with what came before it. */
static void on_ended(reef__stream_t *stream)
{
    reef__ws_connection_t *connection = (reef__ws_connection_t *)stream;

    connection->has_ended = true;
    reef__stream_pause(stream);
    if (connection->state != REEF__WS_OPEN || connection->held == NULL) {
        end_input(connection); /* otherwise what is held is read first */
    }
}

/* Nothing more is heard of the peer; what came before is answered first. */
static void end_after_answers(reef__ws_connection_t *connection,
                              uint16_t code,
                              const char *reason,
                              reef_disconnect_t cause)
{
    connection->code = code;
    connection->reason = reason;
    reef__ws_enter(connection, REEF__WS_ENDING);
    reef__peer_leaving(&connection->stream.peer, cause);
}

/* The world closes: for a reason of its own, or because it is through with one that
 * wanted to end. */
static void close_peer(reef__peer_t *peer, uint16_t code, reef_span_t reason)
{
    reef__ws_connection_t *connection = (reef__ws_connection_t *)peer;

    if (connection->state == REEF__WS_ENDING) {
        queue_close_frame(connection, connection->code,
                          reef_span_text(connection->reason ? connection->reason : ""));
        leave(connection);
    } else if (connection->state == REEF__WS_OPEN) {
        queue_close_frame(connection, code, reason);
        reef__ws_enter(connection, REEF__WS_CLOSING);
        resume_reading(peer);
    }
}

/* Time is over ----------------------------------------------------------------- */

static void look_at_open(reef__ws_connection_t *connection)
{
    const websocket_config_t *config = &connection->server->config;
    uint64_t now = now_ms(connection);

    if (!connection->stream.is_reading) { /* it may speak, but we do not listen */
        connection->heard_ms = now;
        connection->message_ms = connection->message_ms != 0 ? now : 0;
    }
    if (reef__stream_is_blocked(&connection->stream) && config->write_timeout_s > 0 &&
        write_due_ms(connection) <= now) {
        reef__ws_abort(connection, REEF_DISCONNECT_SLOW);
        return;
    }
    if (connection->message_ms != 0 && config->message_timeout_s > 0 &&
        message_due_ms(connection) <= now) {
        end_after_answers(connection, REEF__WS_CODE_POLICY, "message took too long",
                          REEF_DISCONNECT_TIMEOUT);
        return;
    }
    if (config->idle_timeout_s > 0 && idle_due_ms(connection) <= now) {
        end_after_answers(connection, REEF__WS_CODE_GOING_AWAY, "idle",
                          REEF_DISCONNECT_TIMEOUT);
        return;
    }
    if (config->idle_timeout_s > 0 && ping_due_ms(connection) <= now) {
        reef__ws_ping(&connection->stream.peer, NULL);
    }
    set_deadline(connection);
}

/* From now on the time of writing is limited, which other deadlines do not know of. */
static void on_stalled(reef__stream_t *stream)
{
    reef__ws_connection_t *connection = (reef__ws_connection_t *)stream;

    if (connection->state == REEF__WS_OPEN) {
        set_deadline(connection);
    }
}

static void on_expired(reef__peer_t *peer)
{
    reef__ws_connection_t *connection = (reef__ws_connection_t *)peer;

    if (connection->state == REEF__WS_OPEN) {
        look_at_open(connection);
        return;
    }
    if (connection->state == REEF__WS_SECURING) {
        tell_tls_failure(connection, "handshake took too long");
    }
    reef__ws_abort(connection, REEF_DISCONNECT_TIMEOUT);
}

/* Sending ---------------------------------------------------------------------- */

static bool may_be_sent_to(const reef__ws_connection_t *connection)
{
    return (connection->state == REEF__WS_OPEN ||
            connection->state == REEF__WS_ENDING) &&
           !connection->has_hole;
}

static void send_message(reef__peer_t *peer, const reef__fan_message_t *message)
{
    reef__ws_connection_t *connection = (reef__ws_connection_t *)peer;

    if (!may_be_sent_to(connection)) {
        reef_buffer_unref(message->payload);
        return;
    }
    if (reef__stream_push(
            &connection->stream,
            reef__ws_compress(connection, message->payload, message->message_class),
            message->message_class, message->key) != REEF_OK) {
        connection->has_hole = true; /* compressed ones could not even be read */
        reef__peer_failed(peer, REEF_E_LIMIT);
    }
}

static bool send_frames(reef__peer_t *peer, reef_buffer_t *frames)
{
    reef__ws_connection_t *connection = (reef__ws_connection_t *)peer;

    if (!may_be_sent_to(connection)) {
        return true; /* taken, unsent */
    }
    return connection->reader.deflate == NULL &&
           reef__stream_send_block(&connection->stream, frames);
}

/* Reading ---------------------------------------------------------------------- */

static void answer_ping(reef__ws_connection_t *connection, reef_span_t payload)
{
    reef_buffer_t *pong = reef__buffer_websocket(REEF__WS_OP_PONG, payload);
    uint8_t message_class = reef__stream_is_blocked(&connection->stream)
                                ? (uint8_t)REEF__OUTBOX_PONG
                                : (uint8_t)REEF_RELIABLE;
    reef_error_t error = reef__stream_push(&connection->stream, pong, message_class, 0);

    (void)error; /* a full queue loses pongs, nothing else */
}

static void on_peer_close(reef__ws_connection_t *connection,
                          const reef__ws_event_t *event)
{
    if (connection->state == REEF__WS_OPEN) {
        end_after_answers(connection, event->code, NULL, REEF_DISCONNECT_PEER);
    } else {
        leave(connection); /* it answers ours */
    }
}

static void on_protocol_error(reef__ws_connection_t *connection,
                              const reef__ws_event_t *event)
{
    reef_log(reef_app_log(connection->server->app), REEF_LOG_DEBUG, "websocket",
             "protocol error", REEF_LOG_SPAN("reason", event->data),
             REEF_LOG_INT("code", event->code));
    reef_metric_add(connection->server->metric_protocol_errors, 1);
    if (connection->state == REEF__WS_OPEN) {
        end_after_answers(connection, event->code, (const char *)event->data.data,
                          REEF_DISCONNECT_PROTOCOL);
    } else {
        leave(connection);
    }
}

static void on_message(reef__ws_connection_t *connection, const reef__ws_event_t *event)
{
    if (connection->state == REEF__WS_OPEN) {
        reef__peer_received(&connection->stream.peer,
                            reef_buffer_create(event->kind == REEF__WS_TEXT
                                                   ? REEF_PAYLOAD_TEXT
                                                   : REEF_PAYLOAD_BINARY,
                                               event->data));
    }
}

/* A message must be whole some time after it began.  When one was, the time of the next
 * begins anew; the deadline may stay, for nothing is due before it. */
static void watch_message(reef__ws_connection_t *connection, bool one_was_whole)
{
    bool is_watched = connection->message_ms != 0;

    if (!reef__ws_reader_is_busy(&connection->reader)) {
        connection->message_ms = 0;
    } else if (one_was_whole || !is_watched) {
        connection->message_ms = now_ms(connection);
        if (!is_watched) {
            set_deadline(connection);
        }
    }
}

/* NOLINTNEXTLINE(readability-non-const-parameter): payloads are unmasked in place */
void reef__ws_read_frames(reef__ws_connection_t *connection, uint8_t *data, size_t size)
{
    reef__ws_input_t input = {data, size};
    reef__ws_event_t event;
    bool one_was_whole = false;

    if (connection->state == REEF__WS_ASKING) {
        hold_early(connection, data, size);
        return;
    }
    if (connection->held != NULL) {
        hold(connection, data, size);
        return;
    }
    while (reef__ws_frame_next(&connection->reader, &connection->server->limits, &input,
                               &event)) {
        switch (event.kind) {
        case REEF__WS_TEXT:
        case REEF__WS_BINARY:
            on_message(connection, &event);
            one_was_whole = true;
            break;
        case REEF__WS_PING:
            answer_ping(connection, event.data);
            break;
        case REEF__WS_PONG:
            reef__ws_note_pong(connection, event.data);
            break;
        case REEF__WS_CLOSE:
            on_peer_close(connection, &event);
            return;
        case REEF__WS_ERROR:
            on_protocol_error(connection, &event);
            return;
        }
        if (input.size > 0 && must_hold(connection)) {
            hold(connection, input.data, input.size);
            input.size = 0; /* the next call only lets go of the last message */
        }
    }
    watch_message(connection, one_was_whole);
}

static void on_read(reef__stream_t *stream, uint8_t *data, size_t size)
{
    reef__ws_connection_t *connection = (reef__ws_connection_t *)stream;

    connection->heard_ms = now_ms(connection);
    switch ((reef__ws_state_t)connection->state) {
    case REEF__WS_HANDSHAKE:
        reef__ws_handshake_read(connection, data, size);
        break;
    case REEF__WS_ASKING:
    case REEF__WS_OPEN:
    case REEF__WS_CLOSING:
        reef__ws_read_frames(connection, data, size);
        break;
    case REEF__WS_SECURING:
    case REEF__WS_ENDING:
    case REEF__WS_LEAVING:
    case REEF__WS_DEAD:
        break; /* read to keep the socket from being reset, not to be heard */
    }
}

static void pause_reading(reef__peer_t *peer)
{
    const reef__ws_connection_t *connection = (const reef__ws_connection_t *)peer;

    if (connection->state == REEF__WS_OPEN) {
        reef__stream_pause((reef__stream_t *)peer);
    }
}

static void read_held(reef__ws_connection_t *connection)
{
    reef__ws_held_t *held = connection->held;

    connection->held = NULL;
    if (held != NULL &&
        (connection->state == REEF__WS_OPEN || connection->state == REEF__WS_CLOSING)) {
        reef__ws_read_frames(connection, held->data, held->size);
    }
    release_held(connection, held);
}

static void resume_reading(reef__peer_t *peer)
{
    reef__ws_connection_t *connection = (reef__ws_connection_t *)peer;

    read_held(connection);
    if (connection->state == REEF__WS_OPEN && peer->is_waiting) {
        return;
    }
    if (connection->has_ended) {
        end_input(connection);
    } else {
        reef__stream_resume(&connection->stream);
    }
}

/* Being let in ----------------------------------------------------------------- */

static void admit(reef__peer_t *peer)
{
    reef__ws_handshake_admit((reef__ws_connection_t *)peer);
    resume_reading(peer);
}

/* The world has forgotten it: its end is nobody else's business any more. */
static void refuse(reef__peer_t *peer, uint16_t code, reef_span_t reason)
{
    reef__ws_connection_t *connection = (reef__ws_connection_t *)peer;
    char text[REEF_REFUSAL_REASON_SIZE] = "";

    memcpy(text, reason.data,
           reason.size < sizeof(text) ? reason.size : sizeof(text) - 1);
    connection->was_opened = false;
    release_held(connection, connection->held);
    connection->held = NULL;
    reef__ws_handshake_refuse(connection, code, text);
    reef__ws_handshake_finish(connection);
    reef__stream_resume(&connection->stream);
}

/* Accepting -------------------------------------------------------------------- */

#define PEER_FUNCTIONS                                                                 \
    .send = send_message, .send_frames = send_frames, .close = close_peer,             \
    .pause = pause_reading, .resume = resume_reading, .ping = reef__ws_ping,           \
    .release = release, .expired = on_expired, .admit = admit, .refuse = refuse

static const reef__peer_type_t plain_type = {
    .transport = &reef__ws_transport,
    PEER_FUNCTIONS,
};

static const reef__peer_type_t secure_type = {
    .transport = &reef__wss_transport,
    PEER_FUNCTIONS,
};

const reef__stream_type_t reef__ws_stream_type = {
    .read = on_read,
    .ended = on_ended,
    .stalled = on_stalled,
    .broken = on_broken,
    .flushed = on_flushed,
    .secured = on_secured,
    .free = free_connection,
};

/* Refuse at the door.  An answer takes a descriptor until the peer has read it, and a
 * crowd could take them all: so a few are answered, who do not count as sessions. */
static void
turn_away(reef__ws_connection_t *connection, int http_status, const char *reason)
{
    reef__ws_server_t *server = connection->server;

    leave_place(connection);
    /* To be told why over TLS would take the handshake that there is no room for. */
    if (connection->secure == NULL && take_place(connection, &server->turned_away)) {
        reef__ws_handshake_refuse(connection, http_status, reason);
    } else {
        reef_metric_add(server->metric_refused, 1);
        reef__ws_abort(connection, REEF_DISCONNECT_LOST);
    }
}

/* Speak TLS first, or read the request at once. */
static void begin(reef__ws_connection_t *connection)
{
    reef__tls_context_t *context;

    if (connection->secure != NULL) {
        context = reef__tls_listener_context(connection->secure);
        reef__stream_secure(&connection->stream, context);
        reef__tls_context_unref(context);
    }
    reef__ws_enter(connection,
                   connection->secure != NULL ? REEF__WS_SECURING : REEF__WS_HANDSHAKE);
    reef__stream_resume(&connection->stream);
}

void reef__ws_accept(reef__ws_loop_t *loop,
                     reef__tls_listener_t *secure,
                     int descriptor)
{
    reef__ws_server_t *server = loop->server;
    const reef_alloc_t *alloc = reef_app_alloc(server->app);
    reef__ws_connection_t *connection =
        reef_resize(alloc, NULL, 0, sizeof(*connection));

    atomic_fetch_add(&server->connection_count, 1);
    memset(connection, 0, sizeof(*connection));
    connection->loop = loop;
    connection->server = server;
    connection->secure = secure;
    if (!reef__stream_open(
            &connection->stream, loop->io, secure != NULL ? &secure_type : &plain_type,
            &reef__ws_stream_type, descriptor, server->config.max_queue)) {
        free_connection(&connection->stream);
        return;
    }
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    connection->heard_ms = loop->io->now_ms;
    begin(connection);
    if (!take_place(connection, &server->quota)) {
        turn_away(connection, 503, "too many connections; try again later");
    } else if (!reef__ws_policy_enter(connection)) {
        turn_away(connection, 429, REEF__WS_TOO_MANY_TEXT);
    }
}
