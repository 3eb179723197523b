/*
 * One WebSocket connection.
 *
 *     HANDSHAKE ──101──► OPEN ──our close──► CLOSING ──their close──► LEAVING ─► DEAD
 *         └──refusal──────┴──their close, echoed──────────────────────►┘
 *
 * CLOSING and LEAVING have a deadline, so a peer that does not answer is cut off; in
 * LEAVING what arrives is read and thrown away, for closing a socket with unread bytes
 * would reset it and could destroy our last frame on its way.
 *
 * Writing: what is queued goes out by uv_try_write() in one call; the rest waits in one
 * uv_write() until the socket is writable.  Between the two the outbox keeps the frames
 * alive.
 */
#include "transport/ws.h"

#include "app.h"
#include "buffer.h"
#include "transport/address.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    MAX_FRAMES_PER_WRITE = 64
};

static void start_reading(reef__ws_connection_t *connection);
static void stop_reading(reef__ws_connection_t *connection);

/* Deadlines -------------------------------------------------------------------- */

static void leave_deadlines(reef__ws_connection_t *connection)
{
    reef__ws_deadlines_t *list = connection->deadlines;

    if (list == NULL) {
        return;
    }
    *(connection->previous ? &connection->previous->next : &list->first) =
        connection->next;
    *(connection->next ? &connection->next->previous : &list->last) =
        connection->previous;
    connection->previous = NULL;
    connection->next = NULL;
    connection->deadlines = NULL;
}

static void on_deadline(uv_timer_t *timer);

/* Have the timer fire at the first deadline of all. */
static void set_timer(reef__ws_server_t *server)
{
    uint64_t now = uv_now(server->loop);
    uint64_t due = UINT64_MAX;

    if (server->handshakes.first != NULL) {
        due = server->handshakes.first->deadline_ms;
    }
    if (server->closings.first != NULL && server->closings.first->deadline_ms < due) {
        due = server->closings.first->deadline_ms;
    }
    if (due == UINT64_MAX) {
        uv_timer_stop(&server->timer);
    } else {
        uv_timer_start(&server->timer, on_deadline, due > now ? due - now : 0, 0);
    }
}

static void set_deadline(reef__ws_connection_t *connection, reef__ws_deadlines_t *list)
{
    leave_deadlines(connection);
    connection->deadline_ms = uv_now(connection->server->loop) + list->limit_ms;
    connection->deadlines = list;
    connection->previous = list->last;
    *(list->last ? &list->last->next : &list->first) = connection;
    list->last = connection;
    if (list->first == connection) {
        set_timer(connection->server);
    }
}

/* The end ---------------------------------------------------------------------- */

static void on_closed(uv_handle_t *handle)
{
    reef__ws_connection_t *connection = (reef__ws_connection_t *)handle;
    reef__ws_server_t *server = connection->server;

    reef__outbox_finish(&connection->outbox);
    server->open_handles--;
    server->connection_count--;
    reef_resize(reef_app_alloc(server->app), connection, sizeof(*connection), 0);
}

static void end_handshake(reef__ws_connection_t *connection)
{
    reef__ws_server_t *server = connection->server;

    if (connection->handshake != NULL) {
        reef_resize(reef_app_alloc(server->app), connection->handshake,
                    sizeof(reef__ws_handshake_t) + server->config.max_handshake, 0);
        connection->handshake = NULL;
    }
}

static void end_link(reef__ws_connection_t *connection, reef_disconnect_t reason)
{
    reef_link_t link = connection->link;

    connection->link = 0;
    reef_link_closed(connection->server->app, link, reason);
}

void reef__ws_abort(reef__ws_connection_t *connection, reef_disconnect_t reason)
{
    if (connection->state == REEF__WS_DEAD) {
        return;
    }
    connection->state = REEF__WS_DEAD;
    leave_deadlines(connection);
    end_handshake(connection);
    reef__ws_reader_finish(&connection->reader, &connection->server->limits);
    end_link(connection, reason);
    uv_close((uv_handle_t *)&connection->tcp, on_closed);
}

static void on_shut_down(uv_shutdown_t *request, int status)
{
    reef__ws_connection_t *connection = (reef__ws_connection_t *)request->handle;

    if (status < 0 && status != UV_ECANCELED) {
        reef__ws_abort(connection, REEF_DISCONNECT_LOST);
    }
}

/* Once everything is sent: FIN.  Their FIN, or the deadline, ends it. */
static void leave_if_flushed(reef__ws_connection_t *connection)
{
    if (connection->state != REEF__WS_LEAVING || connection->outbox.bytes > 0 ||
        connection->has_shut_down) {
        return;
    }
    connection->has_shut_down = true;
    if (uv_shutdown(&connection->shutdown, (uv_stream_t *)&connection->tcp,
                    on_shut_down) != 0) {
        reef__ws_abort(connection, REEF_DISCONNECT_LOST);
    }
}

static void leave(reef__ws_connection_t *connection, reef_disconnect_t reason)
{
    end_link(connection, reason);
    connection->state = REEF__WS_LEAVING;
    set_deadline(connection, &connection->server->closings);
    start_reading(connection);
    reef__ws_flush(connection);
}

static void
queue_close_frame(reef__ws_connection_t *connection, uint16_t code, reef_span_t reason)
{
    uint8_t payload[REEF__WS_MAX_CONTROL];
    size_t size = reef__ws_frame_close_payload(payload, code, reason);
    reef_buffer_t *frame =
        reef__buffer_websocket_control(REEF__WS_OP_CLOSE, reef_span(payload, size));

    reef__outbox_push_last(&connection->outbox, frame);
    reef_buffer_unref(frame);
}

/* Cut off every connection whose time is over. */
static void on_deadline(uv_timer_t *timer)
{
    reef__ws_server_t *server = timer->data;
    reef__ws_deadlines_t *lists[] = {&server->handshakes, &server->closings};
    uint64_t now = uv_now(server->loop);

    for (size_t i = 0; i < 2; i++) {
        while (lists[i]->first != NULL && lists[i]->first->deadline_ms <= now) {
            reef__ws_abort(lists[i]->first, REEF_DISCONNECT_TIMEOUT);
        }
    }
    set_timer(server);
}

void reef__ws_close(void *self, uint16_t code, const char *reason)
{
    reef__ws_connection_t *connection = self;

    connection->link = 0;
    if (connection->state != REEF__WS_OPEN) {
        return;
    }
    queue_close_frame(connection, code, reef_span_text(reason ? reason : ""));
    connection->state = REEF__WS_CLOSING;
    set_deadline(connection, &connection->server->closings);
    start_reading(connection);
    reef__ws_flush(connection);
}

/* Writing ---------------------------------------------------------------------- */

static void on_written(uv_write_t *request, int status);

/* The socket is full: let libuv write the rest when it can. */
static void
write_later(reef__ws_connection_t *connection, const uv_buf_t *buffers, uint32_t count)
{
    reef__outbox_hold(&connection->outbox);
    connection->is_writing = true;
    if (uv_write(&connection->write, (uv_stream_t *)&connection->tcp, buffers, count,
                 on_written) != 0) {
        connection->is_writing = false;
        reef__ws_abort(connection, REEF_DISCONNECT_LOST);
    }
}

static uint32_t
gather(reef__ws_connection_t *connection, uv_buf_t *buffers, size_t *total)
{
    reef_span_t frames[MAX_FRAMES_PER_WRITE];
    uint32_t count =
        reef__outbox_gather(&connection->outbox, frames, MAX_FRAMES_PER_WRITE);

    *total = 0;
    for (uint32_t i = 0; i < count; i++) {
        /* libuv does not write to it; its type has no const. */
        buffers[i] = uv_buf_init((char *)frames[i].data, (unsigned)frames[i].size);
        *total += frames[i].size;
    }
    return count;
}

void reef__ws_flush(void *self)
{
    reef__ws_connection_t *connection = self;

    while (connection->outbox.bytes > 0 && !connection->is_writing &&
           connection->state != REEF__WS_DEAD) {
        uv_buf_t buffers[MAX_FRAMES_PER_WRITE];
        size_t total;
        uint32_t count = gather(connection, buffers, &total);
        int written = uv_try_write((uv_stream_t *)&connection->tcp, buffers, count);

        if (written > 0) {
            reef__outbox_consume(&connection->outbox, (uint64_t)written);
        } else if (written != UV_EAGAIN) {
            reef__ws_abort(connection, REEF_DISCONNECT_LOST);
            return;
        }
        if (written < 0 || (size_t)written < total) {
            count = gather(connection, buffers, &total);
            write_later(connection, buffers, count);
        }
    }
    leave_if_flushed(connection);
}

static void on_written(uv_write_t *request, int status)
{
    reef__ws_connection_t *connection = (reef__ws_connection_t *)request->handle;
    uint64_t total = 0;

    connection->is_writing = false;
    if (connection->state == REEF__WS_DEAD) {
        return;
    }
    if (status < 0) {
        reef__ws_abort(connection, REEF_DISCONNECT_LOST);
        return;
    }
    total = reef__outbox_held_bytes(&connection->outbox);
    reef__outbox_consume(&connection->outbox, total);
    reef__ws_flush(connection);
}

reef_error_t reef__ws_send(void *self, const send_message_t *message)
{
    reef__ws_connection_t *connection = self;

    if (connection->state != REEF__WS_OPEN) {
        return REEF_E_CLOSED;
    }
    return reef__outbox_push(&connection->outbox, message->payload,
                             (uint8_t)message->message_class, message->key);
}

uint64_t reef__ws_queue_bytes(const void *self)
{
    return ((const reef__ws_connection_t *)self)->outbox.bytes;
}

/* Reading ---------------------------------------------------------------------- */

static void answer_ping(reef__ws_connection_t *connection, reef_span_t payload)
{
    reef_buffer_t *pong = reef__buffer_websocket_control(REEF__WS_OP_PONG, payload);
    reef_error_t error =
        reef__outbox_push(&connection->outbox, pong, REEF__OUTBOX_PONG, 0);

    (void)error; /* a full queue loses pongs, nothing else */
    reef_buffer_unref(pong);
}

static void on_peer_close(reef__ws_connection_t *connection,
                          const reef__ws_event_t *event)
{
    if (connection->state == REEF__WS_OPEN) {
        queue_close_frame(connection, event->code, reef_span(NULL, 0));
    }
    leave(connection, REEF_DISCONNECT_PEER);
}

static void on_protocol_error(reef__ws_connection_t *connection,
                              const reef__ws_event_t *event)
{
    reef_log(reef_app_log(connection->server->app), REEF_LOG_DEBUG, "websocket",
             "protocol error", REEF_LOG_SPAN("reason", event->data),
             REEF_LOG_INT("code", event->code));
    reef_metric_add(connection->server->metric_protocol_errors, 1);
    if (connection->state == REEF__WS_OPEN) {
        queue_close_frame(connection, event->code, event->data);
    }
    leave(connection, REEF_DISCONNECT_PROTOCOL);
}

static void on_message(reef__ws_connection_t *connection, const reef__ws_event_t *event)
{
    reef_payload_kind_t kind =
        event->kind == REEF__WS_TEXT ? REEF_PAYLOAD_TEXT : REEF_PAYLOAD_BINARY;

    if (connection->state == REEF__WS_OPEN &&
        !reef_link_receive(connection->server->app, connection->link, kind,
                           event->data)) {
        stop_reading(connection); /* the rest of this read still goes in */
    }
}

/* NOLINTNEXTLINE(readability-non-const-parameter): payloads are unmasked in place */
static void read_frames(reef__ws_connection_t *connection, uint8_t *data, size_t size)
{
    reef__ws_input_t input = {data, size};
    reef__ws_event_t event;

    while (reef__ws_frame_next(&connection->reader, &connection->server->limits, &input,
                               &event)) {
        switch (event.kind) {
        case REEF__WS_TEXT:
        case REEF__WS_BINARY:
            on_message(connection, &event);
            break;
        case REEF__WS_PING:
            answer_ping(connection, event.data);
            break;
        case REEF__WS_PONG:
            reef_link_heard(connection->server->app, connection->link, -1);
            break;
        case REEF__WS_CLOSE:
            on_peer_close(connection, &event);
            return;
        case REEF__WS_ERROR:
            on_protocol_error(connection, &event);
            return;
        }
    }
    reef__ws_flush(connection);
}

static void send_raw(reef__ws_connection_t *connection, const char *text, size_t size)
{
    reef_buffer_t *buffer = reef__buffer_raw(reef_span(text, size));

    reef__outbox_push_last(&connection->outbox, buffer);
    reef_buffer_unref(buffer);
}

static void refuse(reef__ws_connection_t *connection)
{
    char response[REEF__WS_RESPONSE_SIZE];
    reef__ws_upgrade_t *upgrade = &connection->handshake->upgrade;
    size_t size = reef__ws_upgrade_write_refusal(upgrade, response);

    reef_metric_add(connection->server->metric_refused, 1);
    reef_log(reef_app_log(connection->server->app), REEF_LOG_DEBUG, "websocket",
             "handshake refused", REEF_LOG_INT("status", upgrade->http_status),
             REEF_LOG_TEXT("reason", upgrade->reason));
    send_raw(connection, response, size);
    end_handshake(connection);
    leave(connection, REEF_DISCONNECT_PROTOCOL);
}

static void open_link(reef__ws_connection_t *connection)
{
    const reef__ws_upgrade_t *upgrade = &connection->handshake->upgrade;
    struct sockaddr_storage address = {0};
    char peer[REEF__ADDRESS_TEXT_SIZE];
    int size = sizeof(address);

    uv_tcp_getpeername(&connection->tcp, (struct sockaddr *)&address, &size);
    reef__address_format(&address, peer);
    connection->link = reef_link_open(
        connection->server->app, &(reef_link_desc_t){.transport = &reef__ws_transport,
                                                     .connection = connection,
                                                     .peer = reef_span_text(peer),
                                                     .path = upgrade->path,
                                                     .query = upgrade->query});
}

static void accept_upgrade(reef__ws_connection_t *connection)
{
    reef__ws_handshake_t *handshake = connection->handshake;
    char response[REEF__WS_RESPONSE_SIZE];
    size_t size = reef__ws_upgrade_write_accept(&handshake->upgrade, reef_span(NULL, 0),
                                                NULL, response);

    send_raw(connection, response, size);
    leave_deadlines(connection);
    connection->state = REEF__WS_OPEN;
    open_link(connection);
    /* Frames may follow the request head at once; taking the handshake off first keeps
     * its memory in one place. */
    connection->handshake = NULL;
    read_frames(connection, handshake->data + handshake->upgrade.consumed,
                handshake->size - handshake->upgrade.consumed);
    connection->handshake = handshake;
    end_handshake(connection);
}

static void
read_handshake(reef__ws_connection_t *connection, uint8_t *data, size_t size)
{
    reef__ws_server_t *server = connection->server;
    reef__ws_handshake_t *handshake = connection->handshake;
    size_t room = server->config.max_handshake - handshake->size;
    size_t taken = size < room ? size : room;
    reef__ws_upgrade_limits_t limits = {.max_head = server->config.max_handshake};

    memcpy(handshake->data + handshake->size, data, taken);
    handshake->size += taken;
    switch (reef__ws_upgrade_parse(&handshake->upgrade, &limits, handshake->data,
                                   handshake->size)) {
    case REEF__WS_UPGRADE_MORE:
        if (handshake->size == server->config.max_handshake) {
            reef__ws_upgrade_refuse(&handshake->upgrade, 431, "request head too big");
            refuse(connection);
        }
        return;
    case REEF__WS_UPGRADE_REFUSED:
        refuse(connection);
        return;
    case REEF__WS_UPGRADE_DONE:
        break;
    }
    if (!reef__ws_origin_is_allowed(reef_span_text(server->config.origins),
                                    handshake->upgrade.origin)) {
        reef__ws_upgrade_refuse(&handshake->upgrade, 403, "this Origin is not allowed");
        refuse(connection);
        return;
    }
    accept_upgrade(connection);
    if (taken < size &&
        (connection->state == REEF__WS_OPEN || connection->state == REEF__WS_CLOSING)) {
        read_frames(connection, data + taken, size - taken);
    }
}

static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    const reef__ws_connection_t *connection = (const reef__ws_connection_t *)handle;

    (void)suggested;
    *buffer = uv_buf_init((char *)connection->server->slab, REEF__WS_SLAB_SIZE);
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    reef__ws_connection_t *connection = (reef__ws_connection_t *)stream;
    uint8_t *data = (uint8_t *)buffer->base;

    if (size < 0) {
        reef__ws_abort(connection, REEF_DISCONNECT_LOST);
        return;
    }
    switch ((reef__ws_state_t)connection->state) {
    case REEF__WS_HANDSHAKE:
        read_handshake(connection, data, (size_t)size);
        break;
    case REEF__WS_OPEN:
    case REEF__WS_CLOSING:
        read_frames(connection, data, (size_t)size);
        break;
    case REEF__WS_LEAVING:
    case REEF__WS_DEAD:
        break; /* read to keep the socket from being reset, not to be heard */
    }
}

static void start_reading(reef__ws_connection_t *connection)
{
    if (!connection->is_reading) {
        connection->is_reading = true;
        uv_read_start((uv_stream_t *)&connection->tcp, on_allocate, on_read);
    }
}

static void stop_reading(reef__ws_connection_t *connection)
{
    if (connection->is_reading) {
        connection->is_reading = false;
        uv_read_stop((uv_stream_t *)&connection->tcp);
    }
}

void reef__ws_resume(void *self)
{
    start_reading(self);
}

/* Accepting -------------------------------------------------------------------- */

static void refuse_full(reef__ws_connection_t *connection)
{
    reef__ws_upgrade_refuse(&connection->handshake->upgrade, 503,
                            "too many connections; try again later");
    refuse(connection);
}

void reef__ws_accept(reef__ws_server_t *server, int descriptor)
{
    const reef_alloc_t *alloc = reef_app_alloc(server->app);
    reef__ws_connection_t *connection =
        reef_resize(alloc, NULL, 0, sizeof(*connection));

    *connection = (reef__ws_connection_t){.server = server};
    uv_tcp_init(server->loop, &connection->tcp);
    connection->tcp.data = server;
    server->open_handles++;
    server->connection_count++;
    reef__outbox_init(&connection->outbox, server->config.max_queue);
    if (uv_tcp_open(&connection->tcp, descriptor) != 0) {
        close(descriptor);
        reef__ws_abort(connection, REEF_DISCONNECT_LOST);
        return;
    }
    uv_tcp_nodelay(&connection->tcp, 1);
    connection->handshake = reef_resize(
        alloc, NULL, 0, sizeof(reef__ws_handshake_t) + server->config.max_handshake);
    connection->handshake->upgrade = (reef__ws_upgrade_t){0};
    connection->handshake->size = 0;
    if (server->connection_count > server->config.max_sessions) {
        refuse_full(connection);
        return;
    }
    set_deadline(connection, &server->handshakes);
    start_reading(connection);
}
