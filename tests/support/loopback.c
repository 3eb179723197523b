/* The transport table over plain structs. */
#include "loopback.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Atomic uint64_t manual_time_ns; /* loops with threads read it, too */

static uint64_t manual_clock(void *context)
{
    (void)context;
    return manual_time_ns;
}

static void peer_ping(void *connection, reef_buffer_t *payload)
{
    loopback_peer_t *peer = connection;
    reef_span_t data = payload ? reef_buffer_payload(payload) : (reef_span_t){0};

    peer->ping_count++;
    snprintf(peer->last_ping, sizeof(peer->last_ping), "%.*s", (int)data.size,
             (const char *)data.data);
}

static reef_error_t take_in(loopback_peer_t *peer, reef_span_t payload)
{
    if (peer->send_error != REEF_OK) {
        return peer->send_error;
    }
    if (peer->received_size + payload.size + 2 > sizeof(peer->received)) {
        return REEF_E_LIMIT;
    }
    memcpy(peer->received + peer->received_size, payload.data, payload.size);
    peer->received_size += payload.size;
    peer->received[peer->received_size++] = '\n';
    peer->received[peer->received_size] = '\0';
    return REEF_OK;
}

static reef_error_t peer_send(void *connection, const send_message_t *message)
{
    reef_error_t error = take_in(connection, reef_buffer_payload(message->payload));

    reef_buffer_unref(message->payload);
    return error;
}

static void peer_flush(void *connection)
{
    ((loopback_peer_t *)connection)->flush_count++;
}

static void peer_close(void *connection, uint16_t code, const char *reason)
{
    loopback_peer_t *peer = connection;

    peer->is_closed = true;
    peer->close_code = code;
    snprintf(peer->close_reason, sizeof(peer->close_reason), "%s",
             reason ? reason : "");
}

static void peer_resume(void *connection)
{
    ((loopback_peer_t *)connection)->is_resumed = true;
}

static uint64_t peer_queue_bytes(const void *connection)
{
    return ((const loopback_peer_t *)connection)->received_size;
}

static void stop_accepting(void *self)
{
    (void)self;
}

static uint32_t connection_count(const void *self)
{
    (void)self;
    return 0;
}

#define LOOPBACK_FUNCTIONS                                                             \
    .name = "loopback", .kind = 0, .send = peer_send, .flush = peer_flush,             \
    .close = peer_close, .resume = peer_resume, .queue_bytes = peer_queue_bytes,       \
    .stop_accepting = stop_accepting, .connection_count = connection_count

static const reef_transport_t loopback_transport = {LOOPBACK_FUNCTIONS};

const reef_transport_t loopback_ping_transport = {
    LOOPBACK_FUNCTIONS,
    .ping = peer_ping,
};

static reef_link_form_t binary_form(const void *connection)
{
    (void)connection;
    return (reef_link_form_t){.is_binary = true};
}

const reef_transport_t loopback_binary_transport = {
    LOOPBACK_FUNCTIONS,
    .form = binary_form,
};

static void require(reef_error_t error, const reef_failure_t *failure)
{
    if (error != REEF_OK) {
        fprintf(stderr, "loopback app: %s\n", failure->text);
        abort();
    }
}

reef_app_t *loopback_app_create(int argc, const char *const *argv)
{
    reef_failure_t failure = {0};
    reef_app_t *app = NULL;

    manual_time_ns = 1000000000;
    require(reef_app_create(&(reef_app_desc_t){.name = "test",
                                               .argc = argc,
                                               .argv = argv,
                                               .ignore_environment = true,
                                               .clock = manual_clock},
                            &app, &failure),
            &failure);
    reef_app_add_transport(app, &loopback_transport, NULL);
    return app;
}

void loopback_set_time_ns(uint64_t now_ns)
{
    manual_time_ns = now_ns;
}

void loopback_app_start(reef_app_t *app)
{
    reef_failure_t failure = {0};

    require(reef_app_start(app, &failure), &failure);
}

bool loopback_request(reef_app_t *app,
                      loopback_peer_t *peer,
                      const reef_link_desc_t *desc)
{
    reef_link_desc_t filled = *desc;
    reef_refusal_t refusal;

    *peer = (loopback_peer_t){.app = app};
    if (filled.transport == NULL) {
        filled.transport = &loopback_transport;
    }
    filled.connection = peer;
    peer->link = reef_link_request(app, &filled, &refusal);
    if (peer->link == 0) {
        peer_close(peer, refusal.status, refusal.reason);
    }
    return peer->link != 0;
}

void loopback_connect(reef_app_t *app, loopback_peer_t *peer)
{
    loopback_request(app, peer,
                     &(reef_link_desc_t){
                         .peer = reef_span_text("memory"),
                         .path = reef_span_text("/"),
                     });
}

bool loopback_say(loopback_peer_t *peer, const char *text)
{
    return reef_link_receive(peer->app, peer->link, REEF_PAYLOAD_TEXT,
                             reef_span_text(text));
}

bool loopback_send(loopback_peer_t *peer, reef_span_t bytes)
{
    return reef_link_receive(peer->app, peer->link, REEF_PAYLOAD_BINARY, bytes);
}

void loopback_disconnect(loopback_peer_t *peer)
{
    reef_link_closed(peer->app, peer->link, REEF_DISCONNECT_PEER);
}

void loopback_forget(loopback_peer_t *peer)
{
    peer->received_size = 0;
    peer->received[0] = '\0';
}
