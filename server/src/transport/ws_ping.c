/*
 * Asking a peer for a sign of life: at the world's wish, and when its connection has
 * been silent for half the time that it may be.
 */
#include "transport/ws.h"

#include "app.h"
#include "buffer.h"

bool reef__ws_is_asked(const reef__ws_connection_t *connection)
{
    return connection->ping_ns != 0 &&
           reef__peer_heard_ns(&connection->stream.peer) <= connection->ping_ns;
}

static reef_span_t ping_payload(const reef__ws_connection_t *connection)
{
    return connection->ping != NULL ? reef_buffer_payload(connection->ping)
                                    : (reef_span_t){0};
}

static void forget_ping(reef__ws_connection_t *connection)
{
    reef_buffer_unref(connection->ping);
    connection->ping = NULL;
    connection->ping_ns = 0;
}

/* It is never dropped for want of room, or a peer would be given up that nobody asked.
 * False when there is none, and one before it is not answered yet. */
static bool queue_ping(reef__ws_connection_t *connection, reef_span_t payload)
{
    reef_buffer_t *frame = reef__buffer_websocket(REEF__WS_OP_PING, payload);
    reef_error_t error = reef__stream_push(&connection->stream, reef_buffer_ref(frame),
                                           REEF_RELIABLE, 0);
    bool is_first = connection->ping_ns == 0;

    if (error != REEF_OK && is_first) {
        reef__stream_push_last(&connection->stream, reef_buffer_ref(frame));
    }
    reef_buffer_unref(frame);
    return error == REEF_OK || is_first;
}

/* TCP loses no ping, so one at a time will do, whoever asks; and so nobody takes the
 * answer of one for that of another. */
static void send_ping(reef__ws_connection_t *connection, reef_buffer_t *payload)
{
    if (queue_ping(connection,
                   payload != NULL ? reef_buffer_payload(payload) : (reef_span_t){0})) {
        forget_ping(connection);
        connection->ping = payload;
    } else {
        reef_buffer_unref(payload); /* the one before is answered first */
    }
    connection->ping_ns = reef__app_clock(connection->server->app);
}

void reef__ws_ping(reef__peer_t *peer, reef_buffer_t *payload)
{
    reef__ws_connection_t *connection = (reef__ws_connection_t *)peer;

    if (connection->state == REEF__WS_OPEN && !reef__ws_is_asked(connection)) {
        send_ping(connection, payload);
    } else {
        reef_buffer_unref(payload);
    }
}

/* A pong may come unasked, as a sign of life of its own (RFC 6455 section 5.5.3). */
void reef__ws_note_pong(reef__ws_connection_t *connection, reef_span_t payload)
{
    uint64_t sent_ns = connection->ping_ns;

    if (sent_ns == 0 || !reef_span_equal(payload, ping_payload(connection))) {
        return;
    }
    forget_ping(connection);
    reef__peer_heard(&connection->stream.peer,
                     (int64_t)(reef__app_clock(connection->server->app) - sent_ns) /
                         1000);
}
