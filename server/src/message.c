/* Event types of messages, and the helpers that emit them. */
#include <reef/message.h>

#include "buffer.h"

static void drop_received(void *event)
{
    reef_buffer_unref(((message_received_t *)event)->payload);
}

static void drop_send(void *event)
{
    reef_buffer_unref(((send_message_t *)event)->payload);
}

/* The event queue is full: the message is gone, its target must learn of it. */
static void fail_send(reef_world_t *world, const void *event)
{
    const send_message_t *message = event;

    reef_event_emit(reef_world_events(world, &message_send_failed_event),
                    &(message_send_failed_t){
                        .entity = message->group ? 0 : message->target,
                        .group = message->group,
                        .reason = REEF_SEND_QUEUE_FULL,
                    });
}

const reef_event_type_t message_received_event = {
    .name = "message_received",
    .size = sizeof(message_received_t),
    .drop = drop_received,
};
const reef_event_type_t send_message_event = {
    .name = "send_message",
    .size = sizeof(send_message_t),
    .limit = 1 << 22,
    .drop = drop_send,
    .overflow = fail_send,
};
const reef_event_type_t message_send_failed_event = {
    .name = "message_send_failed",
    .size = sizeof(message_send_failed_t),
};
const reef_event_type_t user_connected_event = {
    .name = "user_connected",
    .size = sizeof(user_connected_t),
};
const reef_event_type_t user_disconnected_event = {
    .name = "user_disconnected",
    .size = sizeof(user_disconnected_t),
};

const char *reef_disconnect_text(reef_disconnect_t reason)
{
    switch (reason) {
    case REEF_DISCONNECT_PEER:
        return "closed by the peer";
    case REEF_DISCONNECT_LOST:
        return "connection lost";
    case REEF_DISCONNECT_KICKED:
        return "closed by the server";
    case REEF_DISCONNECT_PROTOCOL:
        return "protocol error";
    case REEF_DISCONNECT_SLOW:
        return "too slow to read";
    case REEF_DISCONNECT_TIMEOUT:
        return "timeout";
    case REEF_DISCONNECT_SHUTDOWN:
        return "server shutdown";
    }
    return "unknown";
}

void reef_world_send(reef_world_t *world, const send_message_t *message)
{
    (void)reef_event_emit(reef_world_events(world, &send_message_event), message);
}

/* Takes the reference over. */
static void send_buffer(reef_run_t *run, reef_entity_t target, reef_buffer_t *payload)
{
    (void)REEF_EMIT(run, send_message, .target = target, .payload = payload);
}

void reef_send(reef_run_t *run, reef_entity_t target, reef_buffer_t *payload)
{
    send_buffer(run, target, reef_buffer_ref(payload));
}

void reef_send_group(reef_run_t *run, reef_group_t group, reef_buffer_t *payload)
{
    (void)REEF_EMIT(run, send_message, .group = group,
                    .payload = reef_buffer_ref(payload));
}

void reef_send_text(reef_run_t *run, reef_entity_t target, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    send_buffer(run, target, reef__buffer_format_v(format, args));
    va_end(args);
}
