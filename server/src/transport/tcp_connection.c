/*
 * One TCP connection.
 *
 *     (SECURING ─►) WAITING ─► OPEN ──── the world closes ────► LEAVING ─► DEAD
 *                               │                                  ▲
 *                               └ their FIN, an error, silence ─► ENDING
 *
 * ENDING lets the world answer what came before the end, so that who closes its half
 * after the last question gets all answers.  In LEAVING what arrives is read and thrown
 * away, for closing a socket with unread bytes would reset it and could destroy our
 * last bytes on their way.  ENDING and LEAVING have a deadline each; those of OPEN are
 * looked at when the earliest of them may have come, and cost nothing in between.
 *
 * TCP has no ping: whether a silent client is still there is asked by the system
 * (SO_KEEPALIVE), and one that has gone is seen as a broken stream.
 */
#include "transport/tcp.h"

#include "app.h"
#include "buffer.h"
#include "transport/address.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    KEEPALIVE_PROBES = 4
};

/* Deadlines -------------------------------------------------------------------- */

static uint64_t now_ms(const reef__tcp_connection_t *connection)
{
    return connection->stream.peer.io->now_ms;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* When something that began at @p since_ms takes too long; 0 seconds = never. */
static uint64_t due_ms(uint64_t since_ms, uint32_t timeout_s)
{
    return timeout_s > 0 ? since_ms + timeout_s * UINT64_C(1000) : UINT64_MAX;
}

static uint64_t idle_due_ms(const reef__tcp_connection_t *connection)
{
    return due_ms(connection->heard_ms, connection->server->config.idle_timeout_s);
}

static uint64_t message_due_ms(const reef__tcp_connection_t *connection)
{
    return connection->message_ms != 0
               ? due_ms(connection->message_ms,
                        connection->server->config.message_timeout_s)
               : UINT64_MAX;
}

static uint64_t write_due_ms(const reef__tcp_connection_t *connection)
{
    return reef__stream_is_blocked(&connection->stream)
               ? due_ms(connection->stream.stalled_ms,
                        connection->server->config.write_timeout_s)
               : UINT64_MAX;
}

static void set_deadline(reef__tcp_connection_t *connection)
{
    uint64_t due = UINT64_MAX;

    switch ((reef__tcp_state_t)connection->state) {
    case REEF__TCP_SECURING:
        due = connection->since_ms + connection->secure->desc.handshake_timeout_ms;
        break;
    case REEF__TCP_OPEN:
        due = earlier(idle_due_ms(connection),
                      earlier(message_due_ms(connection), write_due_ms(connection)));
        break;
    case REEF__TCP_ENDING:
    case REEF__TCP_LEAVING:
        due = connection->since_ms + connection->server->config.close_timeout_ms;
        break;
    case REEF__TCP_WAITING:
    case REEF__TCP_DEAD:
        break;
    }
    if (due != UINT64_MAX) {
        reef__peer_set_deadline(&connection->stream.peer, due);
    }
}

static void enter(reef__tcp_connection_t *connection, reef__tcp_state_t state)
{
    connection->state = (uint8_t)state;
    connection->since_ms = now_ms(connection);
    set_deadline(connection);
}

/* What is held ----------------------------------------------------------------- */

/* A read may be full of messages of a few bytes, and each takes more than that.  So
 * behind the one that has filled the inbox they are left as they came. */
static bool must_hold(const reef__tcp_connection_t *connection)
{
    return connection->stream.peer.is_waiting && connection->state == REEF__TCP_OPEN;
}

/* Behind what is held already. */
static void hold(reef__tcp_connection_t *connection, reef_span_t rest)
{
    reef__tcp_held_t *held = connection->held;
    size_t before = held ? held->size : 0;

    held = reef_resize(reef_app_alloc(connection->server->app), held,
                       held ? sizeof(*held) + before : 0,
                       sizeof(*held) + before + rest.size);
    memcpy(held->data + before, rest.data, rest.size);
    held->size = before + rest.size;
    connection->held = held;
}

static void release_held(const reef__tcp_connection_t *connection,
                         reef__tcp_held_t *held)
{
    if (held != NULL) {
        reef_resize(reef_app_alloc(connection->server->app), held,
                    sizeof(*held) + held->size, 0);
    }
}

/* The end ---------------------------------------------------------------------- */

void reef__tcp_abort(reef__tcp_connection_t *connection, reef_disconnect_t reason)
{
    if (connection->state == REEF__TCP_DEAD) {
        return;
    }
    connection->state = REEF__TCP_DEAD;
    release_held(connection, connection->held);
    connection->held = NULL;
    reef__quota_uncount(&connection->server->quota, &connection->counted);
    reef__tcp_reader_finish(&connection->reader, &connection->server->limits);
    reef__stream_close(&connection->stream);
    if (connection->was_opened) {
        reef__peer_closed(&connection->stream.peer, reason);
    } else {
        reef__stream_release(&connection->stream);
    }
}

static void free_connection(reef__stream_t *stream)
{
    reef__tcp_connection_t *connection = (reef__tcp_connection_t *)stream;
    reef__tcp_server_t *server = connection->server;

    reef__quota_give(&server->quota);
    atomic_fetch_sub(&server->connection_count, 1);
    reef_resize(reef_app_alloc(server->app), connection, sizeof(*connection), 0);
}

static void release(reef__peer_t *peer)
{
    reef__stream_release((reef__stream_t *)peer);
}

/* Once everything is sent: FIN.  Their FIN, or the deadline, ends it. */
static void on_flushed(reef__stream_t *stream)
{
    reef__tcp_connection_t *connection = (reef__tcp_connection_t *)stream;

    if (connection->state != REEF__TCP_LEAVING) {
        return;
    }
    if (!connection->has_shut_down) {
        connection->has_shut_down = true;
        reef__stream_shut_down(stream); /* comes back here, with TLS it has to write */
    } else if (connection->has_ended) {
        reef__tcp_abort(connection, REEF_DISCONNECT_PEER);
    }
}

/* Say what is left to say, then leave. */
static void leave(reef__tcp_connection_t *connection)
{
    enter(connection, REEF__TCP_LEAVING);
    if (!connection->has_ended) {
        reef__stream_resume(&connection->stream);
    }
    if (!reef__stream_has_output(&connection->stream)) {
        on_flushed(
            &connection->stream); /* nothing will be written: nobody else would */
    }
}

/* Nothing more is heard of the peer; what came before is answered first. */
static void end_after_answers(reef__tcp_connection_t *connection,
                              reef_disconnect_t cause)
{
    enter(connection, REEF__TCP_ENDING);
    reef__peer_leaving(&connection->stream.peer, cause);
}

static void refuse_input(reef__tcp_connection_t *connection, const char *why)
{
    reef__tcp_server_t *server = connection->server;
    char peer[REEF__ADDRESS_TEXT_SIZE];
    uint64_t skipped;

    reef_metric_add(server->metric_protocol_errors, 1);
    if (reef__log_limit_pass(&server->protocol_error_limit, now_ms(connection),
                             &skipped)) {
        reef__address_of_peer(connection->stream.descriptor, peer);
        reef_log(reef_app_log(server->app), REEF_LOG_WARN, "tcp", "protocol error",
                 REEF_LOG_TEXT("reason", why), REEF_LOG_TEXT("peer", peer),
                 REEF_LOG_INT("skipped", skipped));
    }
    end_after_answers(connection, REEF_DISCONNECT_PROTOCOL);
}

static void tell_tls_failure(const reef__tcp_connection_t *connection,
                             const char *cause)
{
    reef__tls_listener_failed(connection->secure, connection->stream.descriptor, cause,
                              now_ms(connection));
}

static void on_broken(reef__stream_t *stream)
{
    reef__tcp_connection_t *connection = (reef__tcp_connection_t *)stream;
    const char *cause = reef__stream_tls_cause(stream);

    if (cause != NULL) {
        tell_tls_failure(connection, cause);
    } else if (connection->state == REEF__TCP_SECURING) {
        tell_tls_failure(connection, "connection lost during the handshake");
    }
    reef__tcp_abort(connection, REEF_DISCONNECT_LOST);
}

/* All that they have said is read. */
static void end_input(reef__tcp_connection_t *connection)
{
    if (reef__tcp_reader_is_busy(&connection->reader)) {
        refuse_input(connection, "message cut short");
    } else {
        end_after_answers(connection, REEF_DISCONNECT_PEER);
    }
}

/* Their FIN.  Whoever has nothing more to say may still listen. */
static void on_ended(reef__stream_t *stream)
{
    reef__tcp_connection_t *connection = (reef__tcp_connection_t *)stream;

    connection->has_ended = true;
    reef__stream_pause(stream);
    switch ((reef__tcp_state_t)connection->state) {
    case REEF__TCP_SECURING:
        tell_tls_failure(connection, "closed during the handshake");
        reef__tcp_abort(connection, REEF_DISCONNECT_LOST);
        break;
    case REEF__TCP_OPEN:
        if (connection->held == NULL) { /* which is read first */
            end_input(connection);
        }
        break;
    case REEF__TCP_LEAVING:
        if (!reef__stream_has_output(stream)) {
            reef__tcp_abort(connection, REEF_DISCONNECT_PEER);
        }
        break;
    case REEF__TCP_WAITING:
    case REEF__TCP_ENDING:
    case REEF__TCP_DEAD:
        break;
    }
}

/* The world closes: for a reason of its own, or because it is through with one that
 * wanted to end. */
static void close_peer(reef__peer_t *peer, uint16_t code, reef_span_t reason)
{
    reef__tcp_connection_t *connection = (reef__tcp_connection_t *)peer;

    (void)code, (void)reason; /* TCP has no place for them */
    if (connection->state != REEF__TCP_LEAVING && connection->state != REEF__TCP_DEAD) {
        leave(connection);
    }
}

/* Time is over ----------------------------------------------------------------- */

static void look_at_open(reef__tcp_connection_t *connection)
{
    uint64_t now = now_ms(connection);

    if (!connection->stream.is_reading) { /* it may speak, but we do not listen */
        connection->heard_ms = now;
        connection->message_ms = connection->message_ms != 0 ? now : 0;
    }
    if (write_due_ms(connection) <= now) {
        reef__tcp_abort(connection, REEF_DISCONNECT_SLOW);
    } else if (message_due_ms(connection) <= now || idle_due_ms(connection) <= now) {
        end_after_answers(connection, REEF_DISCONNECT_TIMEOUT);
    } else {
        set_deadline(connection);
    }
}

/* From now on the time of writing is limited, which other deadlines do not know of. */
static void on_stalled(reef__stream_t *stream)
{
    reef__tcp_connection_t *connection = (reef__tcp_connection_t *)stream;

    if (connection->state == REEF__TCP_OPEN) {
        set_deadline(connection);
    }
}

static void on_expired(reef__peer_t *peer)
{
    reef__tcp_connection_t *connection = (reef__tcp_connection_t *)peer;

    if (connection->state == REEF__TCP_OPEN) {
        look_at_open(connection);
        return;
    }
    if (connection->state == REEF__TCP_SECURING) {
        tell_tls_failure(connection, "handshake took too long");
    }
    reef__tcp_abort(connection, REEF_DISCONNECT_TIMEOUT);
}

/* Sending ---------------------------------------------------------------------- */

static bool may_be_sent_to(const reef__tcp_connection_t *connection)
{
    return (connection->state == REEF__TCP_OPEN ||
            connection->state == REEF__TCP_ENDING) &&
           !connection->has_hole;
}

/* With `raw` an empty message is nothing, which a queue has no place for. */
static bool is_nothing(const reef__peer_t *peer, const reef_buffer_t *message)
{
    return peer->framing == REEF__FRAMING_RAW && reef__buffer_frame(message).size == 0;
}

static void send_message(reef__peer_t *peer, const reef__fan_message_t *message)
{
    reef__tcp_connection_t *connection = (reef__tcp_connection_t *)peer;

    if (!may_be_sent_to(connection) || is_nothing(peer, message->payload)) {
        reef_buffer_unref(message->payload);
        return;
    }
    if (reef__stream_push(&connection->stream, message->payload, message->message_class,
                          message->key) != REEF_OK) {
        connection->has_hole = true;
        reef__peer_failed(peer, REEF_E_LIMIT);
    }
}

static bool send_frames(reef__peer_t *peer, reef_buffer_t *frames)
{
    reef__tcp_connection_t *connection = (reef__tcp_connection_t *)peer;

    if (!may_be_sent_to(connection)) {
        return true; /* taken, unsent */
    }
    return reef__stream_send_block(&connection->stream, frames);
}

/* Reading ---------------------------------------------------------------------- */

static void deliver(reef__tcp_connection_t *connection, reef_span_t message)
{
    const reef__tcp_limits_t *limits = &connection->server->limits;

    reef__peer_received(&connection->stream.peer,
                        reef__buffer_create_framed(
                            limits->framing,
                            limits->is_text ? REEF_PAYLOAD_TEXT : REEF_PAYLOAD_BINARY,
                            message));
}

/* A message must be whole some time after it began.  When one was, the time of the next
 * begins anew; the deadline may stay, for nothing is due before it. */
static void watch_message(reef__tcp_connection_t *connection, bool one_was_whole)
{
    bool is_watched = connection->message_ms != 0;

    if (!reef__tcp_reader_is_busy(&connection->reader)) {
        connection->message_ms = 0;
    } else if (one_was_whole || !is_watched) {
        connection->message_ms = now_ms(connection);
        if (!is_watched) {
            set_deadline(connection);
        }
    }
}

static void read_messages(reef__tcp_connection_t *connection, reef_span_t input)
{
    reef__tcp_event_t event;
    bool one_was_whole = false;

    if (connection->held != NULL) {
        hold(connection, input);
        return;
    }
    while (reef__tcp_frame_next(&connection->reader, &connection->server->limits,
                                &input, &event)) {
        if (event.kind == REEF__TCP_ERROR) {
            refuse_input(connection, (const char *)event.data.data);
            return;
        }
        deliver(connection, event.data);
        one_was_whole = true;
        if (input.size > 0 && must_hold(connection)) {
            hold(connection, input);
            input.size = 0; /* the next call only lets go of the last message */
        }
    }
    watch_message(connection, one_was_whole);
}

static void on_read(reef__stream_t *stream, uint8_t *data, size_t size)
{
    reef__tcp_connection_t *connection = (reef__tcp_connection_t *)stream;

    connection->heard_ms = now_ms(connection);
    switch ((reef__tcp_state_t)connection->state) {
    case REEF__TCP_WAITING: /* behind the handshake of TLS */
        hold(connection, reef_span(data, size));
        break;
    case REEF__TCP_OPEN:
        read_messages(connection, reef_span(data, size));
        break;
    case REEF__TCP_SECURING:
    case REEF__TCP_ENDING:
    case REEF__TCP_LEAVING:
    case REEF__TCP_DEAD:
        break; /* read to keep the socket from being reset, not to be heard */
    }
}

static void pause_reading(reef__peer_t *peer)
{
    const reef__tcp_connection_t *connection = (const reef__tcp_connection_t *)peer;

    if (connection->state == REEF__TCP_OPEN) {
        reef__stream_pause((reef__stream_t *)peer);
    }
}

static void read_held(reef__tcp_connection_t *connection)
{
    reef__tcp_held_t *held = connection->held;

    connection->held = NULL;
    if (held != NULL && connection->state == REEF__TCP_OPEN) {
        read_messages(connection, reef_span(held->data, held->size));
    }
    release_held(connection, held);
}

/* What it could not say while nobody listened is not its fault. */
static void listen_again(reef__tcp_connection_t *connection)
{
    connection->heard_ms = now_ms(connection);
    if (connection->message_ms != 0) {
        connection->message_ms = now_ms(connection);
    }
    reef__stream_resume(&connection->stream);
}

static void resume_reading(reef__peer_t *peer)
{
    reef__tcp_connection_t *connection = (reef__tcp_connection_t *)peer;

    read_held(connection);
    if (connection->state != REEF__TCP_OPEN || peer->is_waiting) {
        return;
    }
    if (connection->has_ended) {
        end_input(connection);
    } else {
        listen_again(connection);
    }
}

/* Coming in -------------------------------------------------------------------- */

static void admit(reef__peer_t *peer)
{
    reef__tcp_connection_t *connection = (reef__tcp_connection_t *)peer;

    if (connection->state == REEF__TCP_WAITING) {
        connection->heard_ms = now_ms(connection);
        enter(connection, REEF__TCP_OPEN);
        resume_reading(peer);
    }
}

/* TCP has no words for why. */
static void refuse(reef__peer_t *peer, uint16_t code, reef_span_t reason)
{
    reef__tcp_connection_t *connection = (reef__tcp_connection_t *)peer;

    (void)code, (void)reason;
    if (connection->state == REEF__TCP_WAITING) {
        reef_metric_add(connection->server->metric_refused, 1);
        connection->was_opened = false;
        reef__tcp_abort(connection, REEF_DISCONNECT_LOST);
    }
}

static const reef__peer_type_t peer_type = {
    .transport = &reef__tcp_transport,
    .send = send_message,
    .send_frames = send_frames,
    .close = close_peer,
    .pause = pause_reading,
    .resume = resume_reading,
    .release = release,
    .expired = on_expired,
    .admit = admit,
    .refuse = refuse,
};

static void ask_for_admission(reef__tcp_connection_t *connection)
{
    reef__tls_facts_t facts = reef__stream_tls_facts(&connection->stream);
    char peer[REEF__ADDRESS_TEXT_SIZE];
    char local[REEF__ADDRESS_TEXT_SIZE];

    reef__address_of_peer(connection->stream.descriptor, peer);
    reef__address_of_socket(connection->stream.descriptor, local);
    enter(connection, REEF__TCP_WAITING);
    connection->was_opened = true;
    if (reef__peer_opened(&connection->stream.peer,
                          &(reef_link_desc_t){
                              .tls = connection->secure != NULL,
                              .peer = reef_span_text(peer),
                              .local = reef_span_text(local),
                              .tls_version = reef_span_text(facts.version),
                              .cipher = reef_span_text(facts.cipher),
                          })) {
        admit(&connection->stream.peer);
    }
}

static void on_secured(reef__stream_t *stream)
{
    reef__tcp_connection_t *connection = (reef__tcp_connection_t *)stream;

    reef__tls_listener_secured(connection->secure,
                               reef__stream_tls_facts(stream).is_resumed);
    reef__stream_pause(stream);
    ask_for_admission(connection);
}

const reef__stream_type_t reef__tcp_stream_type = {
    .read = on_read,
    .ended = on_ended,
    .stalled = on_stalled,
    .broken = on_broken,
    .flushed = on_flushed,
    .secured = on_secured,
    .free = free_connection,
};

/* Speak TLS first, or ask at once. */
static void begin(reef__tcp_connection_t *connection)
{
    reef__tls_context_t *context;

    if (connection->secure == NULL) {
        ask_for_admission(connection);
        return;
    }
    context = reef__tls_listener_context(connection->secure);
    reef__stream_secure(&connection->stream, context);
    reef__tls_context_unref(context);
    enter(connection, REEF__TCP_SECURING);
    reef__stream_resume(&connection->stream);
}

/* Of a Unix socket the calls fail, which is as well. */
static void set_options(int descriptor, const tcp_config_t *config)
{
    int idle_s = (int)config->keepalive_s;
    int pause_s = idle_s / KEEPALIVE_PROBES > 0 ? idle_s / KEEPALIVE_PROBES : 1;
    int probes = KEEPALIVE_PROBES;

    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    if (idle_s > 0) {
        setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &(int){1}, sizeof(int));
        setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
        setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, &pause_s, sizeof(pause_s));
        setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
    }
}

/* Take a place in all and for the address; otherwise NULL is left. */
static bool may_enter(reef__tcp_server_t *server, int descriptor, reef__ip_t *counted)
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof(address);

    if (!reef__quota_take(&server->quota)) {
        return false;
    }
    getpeername(descriptor, (struct sockaddr *)&address, &size);
    if (reef__quota_is_local(&address) ||
        reef__quota_count(&server->quota, &address, counted)) {
        return true;
    }
    reef__quota_give(&server->quota);
    return false;
}

static void turn_away(reef__tcp_server_t *server, const reef__io_t *io, int descriptor)
{
    char peer[REEF__ADDRESS_TEXT_SIZE];
    uint64_t skipped;

    reef_metric_add(server->metric_refused, 1);
    if (reef__log_limit_pass(&server->refused_limit, io->now_ms, &skipped)) {
        reef__address_of_peer(descriptor, peer);
        reef_log(reef_app_log(server->app), REEF_LOG_WARN, "tcp",
                 "too many connections", REEF_LOG_TEXT("peer", peer),
                 REEF_LOG_INT("skipped", skipped));
    }
    close(descriptor);
}

void reef__tcp_accept(reef__tcp_server_t *server,
                      reef__io_t *io,
                      reef__tls_listener_t *secure,
                      int descriptor)
{
    reef__ip_t counted = {0};
    reef__tcp_connection_t *connection;

    if (!may_enter(server, descriptor, &counted)) {
        turn_away(server, io, descriptor);
        return;
    }
    connection = reef_resize(reef_app_alloc(server->app), NULL, 0, sizeof(*connection));
    memset(connection, 0, sizeof(*connection));
    atomic_fetch_add(&server->connection_count, 1);
    connection->server = server;
    connection->secure = secure;
    if (!reef__stream_open(&connection->stream, io, &peer_type, &reef__tcp_stream_type,
                           descriptor, server->config.max_queue)) {
        reef__quota_uncount(&server->quota, &counted);
        free_connection(&connection->stream);
        return;
    }
    connection->counted = counted;
    connection->stream.peer.framing = (uint8_t)server->limits.framing;
    connection->stream.peer.is_binary = !server->limits.is_text;
    set_options(descriptor, &server->config);
    begin(connection);
}
