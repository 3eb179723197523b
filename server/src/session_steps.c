/*
 * The four steps of a frame that move messages between links and the world.
 *
 *     ingress    ready links, one message in turn from each  → batch
 *     admission  batch → owner → message_received, or user_disconnected
 *     egress     send_message → transport queues, then one flush per connection
 *     lifetimes  wanted closes; entities of sessions whose end everybody has read
 */
#include "session_table.h"

#include "app.h"

static void spawn_client(reef__sessions_t *sessions, reef_run_t *run, uint32_t slot)
{
    reef__link_t *link = reef__link_at(sessions, slot);
    reef_world_t *world = reef_run_world(run);
    client_counter_t *counter = REEF_RESOURCE(world, client_counter);
    client_id_t id = {.value = ++counter->last};
    reef_entity_t entity;
    reef_component_t components[] = {sessions->client_id_component,
                                     sessions->session_component};
    const void *columns[] = {&id, link->opening};

    reef_world_spawn_rows(world,
                          &(reef_rows_desc_t){.range = REEF_RANGE_SESSION,
                                              .count = 1,
                                              .components = components,
                                              .component_count = 2,
                                              .columns = columns},
                          &entity);
    link->client_id = id.value;
    link->state = link->connection ? REEF__LINK_OPEN : REEF__LINK_ENDED;
    reef__link_bind(sessions, slot, entity);
    reef_resize(sessions->alloc, link->opening, sizeof(*link->opening), 0);
    link->opening = NULL;
    REEF_EMIT(run, user_connected, .entity = entity, .client_id = id.value);
}

static void
add_to_batch(reef__sessions_t *sessions, uint32_t slot, reef_buffer_t *payload)
{
    *REEF_ARRAY_PUSH(sessions->alloc, &sessions->batch) =
        (reef__inbound_t){.slot = slot, .payload = payload};
}

/* Let the peer send again once half of the inbox is free. */
static void resume_if_drained(reef__sessions_t *sessions, reef__link_t *link)
{
    const server_config_t *config = &sessions->app->server_config;

    if (link->is_paused && link->connection != NULL &&
        link->inbox.count <= config->inbox_messages / 2 &&
        link->inbox.bytes <= config->inbox_bytes / 2) {
        link->is_paused = false;
        link->transport->resume(link->connection);
    }
}

/*
 * How many messages this frame may take in.  What a message costs is not known before:
 * one may be sent on to thousands.  So the number follows the time that frames take:
 * half as many after one that took too long, twice as many after one that used all it
 * was allowed.  None while systems still have a frame's worth to read.
 */
static uint32_t frame_allowance(reef__sessions_t *sessions)
{
    reef_app_t *app = sessions->app;
    const server_config_t *config = &app->server_config;
    uint64_t last_us = REEF_RESOURCE(app->world, frame_time)->frame_us;
    uint32_t allowance = sessions->allowance;

    if (last_us > config->max_frame_us) {
        allowance /= 2;
    } else if (sessions->used_allowance && allowance < config->max_frame_messages) {
        allowance *= 2;
    }
    if (allowance < REEF__LEAST_ALLOWANCE) {
        allowance = REEF__LEAST_ALLOWANCE;
    }
    if (allowance > config->max_frame_messages) {
        allowance = config->max_frame_messages;
    }
    sessions->allowance = allowance;
    sessions->used_allowance = false;
    return reef_event_held(sessions->received) < config->max_frame_messages ? allowance
                                                                            : 0;
}

void reef__sessions_ingress(reef_run_t *run)
{
    reef__sessions_t *sessions = reef_run_context(run);
    uint32_t allowance = frame_allowance(sessions);
    uint64_t bytes = 0;

    while (sessions->batch.count < allowance &&
           bytes < sessions->app->server_config.max_frame_bytes) {
        uint32_t slot = reef__sessions_take_ready(sessions);
        reef__link_t *link;

        if (slot == REEF__NO_SLOT) {
            return;
        }
        link = reef__link_at(sessions, slot);
        if (link->state == REEF__LINK_OPENING) {
            spawn_client(sessions, run, slot);
        }
        if (link->inbox.count > 0) {
            reef_buffer_t *payload = reef__link_take(link);

            bytes += reef_buffer_payload(payload).size;
            add_to_batch(sessions, slot, payload);
            resume_if_drained(sessions, link);
        }
        if (link->inbox.count > 0) {
            reef__link_make_ready(sessions, slot);
        } else if (link->state == REEF__LINK_ENDED) {
            add_to_batch(sessions, slot, NULL);
            link->state = REEF__LINK_GONE;
        }
    }
    sessions->used_allowance = true;
    if (sessions->first_ready != REEF__NO_SLOT) {
        reef__app_want_frame(sessions->app); /* the rest carries over */
    }
}

static void admit_message(reef__sessions_t *sessions,
                          reef_run_t *run,
                          const reef__link_t *link,
                          reef_buffer_t *payload)
{
    if (link->close_wanted) {
        reef_buffer_unref(payload); /* a kick ends its messages too */
        return;
    }
    REEF_EMIT(run, message_received, .entity = link->entity,
              .client_id = link->client_id, .payload = payload,
              .owner = reef__router_owner(sessions->app->router, payload));
}

static void admit_end(reef__sessions_t *sessions, reef_run_t *run, uint32_t slot)
{
    reef__link_t *link = reef__link_at(sessions, slot);

    REEF_EMIT(run, user_disconnected, .entity = link->entity,
              .client_id = link->client_id, .reason = (reef_disconnect_t)link->reason);
    link->gone_mark = reef_event_emitted_count(sessions->disconnected);
    *REEF_ARRAY_PUSH(sessions->alloc, &sessions->gone) = slot;
}

void reef__sessions_admission(reef_run_t *run)
{
    reef__sessions_t *sessions = reef_run_context(run);

    for (size_t i = 0; i < sessions->batch.count; i++) {
        const reef__inbound_t *inbound = &sessions->batch.items[i];

        if (inbound->payload != NULL) {
            admit_message(sessions, run, reef__link_at(sessions, inbound->slot),
                          inbound->payload);
        } else {
            admit_end(sessions, run, inbound->slot);
        }
    }
    sessions->batch.count = 0;
}

static void
fail_send(reef__sessions_t *sessions, reef_run_t *run, reef_entity_t entity, int error)
{
    reef_send_failure_t reason = error == REEF_E_LIMIT       ? REEF_SEND_QUEUE_FULL
                                 : error == REEF_E_RANGE     ? REEF_SEND_TOO_LARGE
                                 : error == REEF_E_NOT_FOUND ? REEF_SEND_NOT_FOUND
                                                             : REEF_SEND_DISCONNECTED;

    reef_metric_add(sessions->metric_send_failed, 1);
    REEF_EMIT(run, message_send_failed, .entity = entity, .reason = reason);
}

static void
send_one(reef__sessions_t *sessions, reef_run_t *run, const send_message_t *message)
{
    uint32_t slot = reef__sessions_slot_of(sessions, message->target);
    size_t size = reef_buffer_payload(message->payload).size;
    reef_error_t error = REEF_E_NOT_FOUND;
    reef__link_t *link = NULL;

    if (slot != REEF__NO_SLOT) {
        link = reef__link_at(sessions, slot);
        error = link->connection ? link->transport->send(link->connection, message)
                                 : REEF_E_CLOSED;
    }
    if (error != REEF_OK) {
        fail_send(sessions, run, message->target, error);
        if (error == REEF_E_LIMIT) {
            reef__link_want_close(sessions, slot, 1008, "too slow to read",
                                  REEF_DISCONNECT_SLOW);
        }
        return;
    }
    link->messages_out++;
    link->bytes_out += size;
    reef_metric_add(sessions->metric_messages_out, 1);
    reef_metric_add(sessions->metric_bytes_out, (double)size);
    reef__link_mark_dirty(sessions, slot);
    if (!link->needs_flush) {
        link->needs_flush = true;
        *REEF_ARRAY_PUSH(sessions->alloc, &sessions->flushes) = slot;
    }
}

static void flush_all(reef__sessions_t *sessions)
{
    for (size_t i = 0; i < sessions->flushes.count; i++) {
        reef__link_t *link = reef__link_at(sessions, sessions->flushes.items[i]);

        link->needs_flush = false;
        if (link->connection != NULL) {
            link->transport->flush(link->connection);
        }
    }
    sessions->flushes.count = 0;
}

/* A message that did not even fit the event queue: its client's stream has a hole. */
static void close_failed(reef__sessions_t *sessions, reef_run_t *run)
{
    const message_send_failed_t *failed;

    while ((failed = REEF_NEXT(run, message_send_failed)) != NULL) {
        uint32_t slot = reef__sessions_slot_of(sessions, failed->entity);

        if (slot != REEF__NO_SLOT && failed->reason == REEF_SEND_QUEUE_FULL) {
            reef__link_want_close(sessions, slot, 1013, "server overloaded",
                                  REEF_DISCONNECT_SLOW);
        }
    }
    reef_metric_set(sessions->metric_dropped_received,
                    (double)reef_event_dropped_count(sessions->received));
    reef_metric_set(sessions->metric_dropped_sends,
                    (double)reef_event_dropped_count(sessions->sends));
}

/* Bring the `session` components up to date with the links' counters. */
static void write_components(reef__sessions_t *sessions, reef_world_t *world)
{
    size_t kept = 0;

    for (size_t i = 0; i < sessions->dirty.count; i++) {
        uint32_t slot = sessions->dirty.items[i];
        reef__link_t *link = reef__link_at(sessions, slot);
        session_t *value;

        if (link->state == REEF__LINK_OPENING) {
            sessions->dirty.items[kept++] = slot; /* has no entity yet */
            continue;
        }
        link->is_dirty = false;
        value = link->entity ? reef_world_find_mut(world, link->entity,
                                                   sessions->session_component)
                             : NULL;
        if (value != NULL) {
            value->messages_in = link->messages_in;
            value->messages_out = link->messages_out;
            value->bytes_in = link->bytes_in;
            value->bytes_out = link->bytes_out;
            value->rtt_us = link->rtt_us;
        }
    }
    sessions->dirty.count = kept;
}

void reef__sessions_egress(reef_run_t *run)
{
    reef__sessions_t *sessions = reef_run_context(run);
    const send_message_t *message;

    while ((message = REEF_NEXT(run, send_message)) != NULL) {
        send_one(sessions, run, message);
    }
    flush_all(sessions);
    close_failed(sessions, run);
    write_components(sessions, reef_run_world(run));
}

/* The world lets go at once; the transport sees the closing handshake to its end. */
static void close_link(reef__sessions_t *sessions, uint32_t slot)
{
    reef__link_t *link = reef__link_at(sessions, slot);
    void *connection = link->connection;

    if (connection != NULL) {
        reef__link_end(sessions, slot, (reef_disconnect_t)link->reason);
        link->transport->close(connection, link->close_code, link->close_reason);
    }
}

void reef__sessions_lifetimes(reef_run_t *run)
{
    reef__sessions_t *sessions = reef_run_context(run);
    size_t kept = 0;

    for (size_t i = 0; i < sessions->closing.count; i++) {
        close_link(sessions, sessions->closing.items[i]);
    }
    sessions->closing.count = 0;
    for (size_t i = 0; i < sessions->gone.count; i++) {
        uint32_t slot = sessions->gone.items[i];
        reef__link_t *link = reef__link_at(sessions, slot);

        if (reef_event_passed(sessions->disconnected, link->gone_mark)) {
            reef_world_despawn(reef_run_world(run), link->entity);
            reef__link_free(sessions, slot);
        } else {
            sessions->gone.items[kept++] = slot;
        }
    }
    sessions->gone.count = kept;
}
