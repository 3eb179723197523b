/*
 * The four steps of a frame that move messages between links and the world.
 *
 *     ingress    ready links, one message in turn from each  → batch
 *     admission  batch → owner → message_received, or user_disconnected
 *     egress     send_message → transport queues, then one flush per connection
 *     lifetimes  wanted closes; entities of sessions whose end everybody has read
 */
#include "session_table.h"

#include <reef/group.h>

#include "app.h"
#include "buffer.h"
#include "message_bundle.h"
#include "transport/io.h"

#include <reef/attrs.h>

#include <assert.h>

enum {
    FETCH_AHEAD = 8 /* links */
};

#define GROUPS_SHOWN_NS UINT64_C(250000000)
#define OVERLOADED      "server overloaded"

/* The entity with its two components, and with what authenticators gave it. */
static reef_entity_t
spawn_entity(const reef__sessions_t *sessions, reef__link_t *link, client_id_t id)
{
    reef_admission_t *admission = link->admission;
    reef_component_t components[2 + REEF_MAX_ADMISSION_COMPONENTS] = {
        sessions->client_id_component, sessions->session_component};
    const void *columns[2 + REEF_MAX_ADMISSION_COMPONENTS] = {&id, link->opening};
    uint32_t count = 2;
    reef_entity_t entity;

    for (uint32_t i = 0; admission != NULL && i < admission->count; i++, count++) {
        components[count] = admission->components[i];
        columns[count] = admission->values[i];
    }
    reef_world_spawn_rows(sessions->app->world,
                          &(reef_rows_desc_t){.range = REEF_RANGE_SESSION,
                                              .count = 1,
                                              .components = components,
                                              .component_count = count,
                                              .columns = columns},
                          &entity);
    if (admission != NULL) {
        reef__admission_moved(admission);
        link->admission = NULL;
    }
    return entity;
}

static void spawn_client(reef__sessions_t *sessions, reef_run_t *run, uint32_t slot)
{
    reef__link_t *link = reef__link_at(sessions, slot);
    client_counter_t *counter = REEF_RESOURCE(sessions->app->world, client_counter);
    client_id_t id = {.value = ++counter->last};
    reef_entity_t entity = spawn_entity(sessions, link, id);

    link->client_id = id.value;
    link->state = link->connection ? REEF__LINK_OPEN : REEF__LINK_ENDED;
    reef__link_bind(sessions, slot, entity);
    reef_group_add(sessions->app, sessions->everyone, entity);
    reef_resize(sessions->alloc, link->opening, sizeof(*link->opening), 0);
    link->opening = NULL;
    REEF_EMIT(run, user_connected, .entity = entity, .client_id = id.value,
              .slot = slot);
    if (link->profile == REEF_PROFILE_V1) {
        reef__opcodes_welcome(sessions->app->opcodes, &link->v1, entity, id.value);
    }
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
    return reef_event_held(sessions->received) < config->max_frame_messages &&
                   reef__ios_backlog(app->ios) < config->max_frame_sends
               ? allowance
               : 0;
}

static void tell_received(reef__sessions_t *sessions)
{
    reef_metric_add(sessions->metric_messages_in, (double)sessions->messages_in);
    reef_metric_add(sessions->metric_bytes_in, (double)sessions->bytes_in);
    sessions->messages_in = 0;
    sessions->bytes_in = 0;
}

void reef__sessions_ingress(reef_run_t *run)
{
    reef__sessions_t *sessions = reef_run_context(run);
    uint32_t allowance = frame_allowance(sessions);
    uint64_t max_bytes = sessions->app->server_config.max_frame_bytes;
    uint64_t bytes;

    sessions->direct_left = allowance / 2; /* the other half is taken in turn */
    sessions->direct_bytes_left = max_bytes / 2;
    reef__ios_drain(sessions->app->ios);
    bytes = max_bytes / 2 - sessions->direct_bytes_left;
    sessions->direct_left = 0;
    tell_received(sessions);
    while (sessions->batch.count < allowance && bytes < max_bytes) {
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

            bytes += reef__buffer_size(payload);
            reef__batch_add(sessions, slot, payload);
            resume_if_drained(sessions, link);
        }
        if (link->inbox.count > 0) {
            reef__link_make_ready(sessions, slot);
        } else if (link->state == REEF__LINK_ENDED ||
                   (link->is_leaving && link->state == REEF__LINK_OPEN)) {
            reef__batch_add(sessions, slot, NULL);
            link->state = REEF__LINK_GONE;
        }
    }
    sessions->used_allowance = true;
    if (sessions->first_ready != REEF__NO_SLOT) {
        reef__app_want_frame(sessions->app); /* the rest carries over */
    }
}

static bool passes_gates(const reef__sessions_t *sessions,
                         const reef_gate_message_t *message)
{
    for (uint32_t i = 0; i < sessions->gate_count; i++) {
        if (!sessions->gates[i].pass(sessions->app, message,
                                     sessions->gates[i].context)) {
            return false;
        }
    }
    return true;
}

static void
admit_message(reef__sessions_t *sessions, uint32_t slot, reef_buffer_t *payload)
{
    reef__link_t *link = reef__link_at(sessions, slot);
    message_received_t *place;

    if (link->close_wanted || /* a kick ends its messages too */
        (sessions->gate_count > 0 &&
         !passes_gates(sessions, &(reef_gate_message_t){.entity = link->entity,
                                                        .client_id = link->client_id,
                                                        .slot = slot,
                                                        .payload = payload}))) {
        reef_buffer_unref(payload);
        return;
    }
    payload = reef__link_as_profile(sessions, link, payload);
    if (payload == NULL) {
        return;
    }
    place = reef_event_add(sessions->received);
    if (place == NULL) {
        (void)reef_event_emit(sessions->received,
                              &(message_received_t){.payload = payload}); /* drops it */
        return;
    }
    *place = (message_received_t){
        .entity = link->entity,
        .client_id = link->client_id,
        .payload = payload,
        .owner = reef__link_owner(sessions, link, payload),
    };
}

static void admit_end(reef__sessions_t *sessions, uint32_t slot)
{
    reef__link_t *link = reef__link_at(sessions, slot);

    (void)reef_event_emit(
        sessions->disconnected,
        &(user_disconnected_t){.entity = link->entity,
                               .client_id = link->client_id,
                               .slot = slot,
                               .reason = (reef_disconnect_t)link->reason});
    link->gone_mark = reef_event_emitted_count(sessions->disconnected);
    *REEF_ARRAY_PUSH(sessions->alloc, &sessions->gone) = slot;
}

void reef__sessions_admission(reef_run_t *run)
{
    reef__sessions_t *sessions = reef_run_context(run);

    for (size_t i = 0; i < sessions->batch.count; i++) {
        const reef__inbound_t *inbound = &sessions->batch.items[i];

        if (inbound->payload != NULL) {
            admit_message(sessions, inbound->slot, inbound->payload);
        } else {
            admit_end(sessions, inbound->slot);
        }
    }
    sessions->batch.count = 0;
}

static void
fail_send(reef__sessions_t *sessions, reef_entity_t entity, reef_error_t error)
{
    reef_send_failure_t reason = error == REEF_E_LIMIT       ? REEF_SEND_QUEUE_FULL
                                 : error == REEF_E_RANGE     ? REEF_SEND_TOO_LARGE
                                 : error == REEF_E_NOT_FOUND ? REEF_SEND_NOT_FOUND
                                                             : REEF_SEND_DISCONNECTED;

    reef_metric_add(sessions->metric_send_failed, 1);
    (void)reef_event_emit(sessions->failed,
                          &(message_send_failed_t){.entity = entity, .reason = reason});
}

void reef__link_fail(reef__sessions_t *sessions, uint32_t slot, reef_error_t error)
{
    const reef__link_t *link = reef__link_at(sessions, slot);

    fail_send(sessions, link->entity, error);
    if (error == REEF_E_LIMIT && !link->transport->is_lossy) {
        reef__link_want_close(sessions, slot, 1008, "too slow to read",
                              REEF_DISCONNECT_SLOW);
    }
}

reef_error_t reef__sessions_send_to(reef__sessions_t *sessions,
                                    uint32_t slot,
                                    const send_message_t *message)
{
    reef__link_t *link = reef__link_at(sessions, slot);
    reef_error_t error = REEF_E_CLOSED;

    if (link->connection != NULL) {
        error = link->transport->send(link->connection, message);
    } else {
        reef_buffer_unref(message->payload);
    }
    if (error != REEF_OK) {
        reef__link_fail(sessions, slot, error);
    } else if (link->transport->flush != NULL && !link->needs_flush) {
        link->needs_flush = true;
        *REEF_ARRAY_PUSH(sessions->alloc, &sessions->flushes) = slot;
    }
    return error;
}

/* To a transport that knows nothing of bundles, its messages one by one.  They cannot
 * be replaced as one any more: such a transport may drop them. */
static reef_error_t
send_parts(reef__sessions_t *sessions, uint32_t slot, const send_message_t *message)
{
    reef_span_t frames = reef_buffer_payload(message->payload);
    reef_error_t error = REEF_OK;
    send_message_t single = *message;
    reef__part_t part;

    if (single.message_class == REEF_LATEST) {
        single.message_class = REEF_DROPPABLE;
    }
    while (error == REEF_OK && reef__part_next(&frames, &part)) {
        single.payload = reef_buffer_create(part.kind, part.payload);
        error = reef__sessions_send_to(sessions, slot, &single);
    }
    reef_buffer_unref(message->payload);
    return error;
}

static reef_error_t
send_bundle(reef__sessions_t *sessions, uint32_t slot, const send_message_t *message)
{
    const reef__link_t *link = reef__link_at(sessions, slot);

    assert(reef__framing_number(reef__buffer_framing(message->payload)) ==
               link->framing &&
           "a bundle of another framing than its target's");
    return link->transport->form != NULL
               ? reef__sessions_send_to(sessions, slot, message)
               : send_parts(sessions, slot, message);
}

/* Takes the payload's reference over. */
static void send_one(reef__sessions_t *sessions, const send_message_t *message)
{
    uint32_t slot = reef__sessions_slot_of(sessions, message->target);
    bool is_bundle = reef__buffer_is_bundle(message->payload);
    uint32_t count;
    uint32_t size;
    reef__link_t *link;

    if (slot == REEF__NO_SLOT) {
        reef_buffer_unref(message->payload);
        fail_send(sessions, message->target, REEF_E_NOT_FOUND);
        return;
    }
    reef__buffer_count(message->payload, &count, &size);
    if ((is_bundle ? send_bundle(sessions, slot, message)
                   : reef__sessions_send_to(sessions, slot, message)) != REEF_OK) {
        return;
    }
    link = reef__link_at(sessions, slot);
    link->messages_out += count;
    link->bytes_out += size;
    sessions->messages_out += count;
    sessions->bytes_out += size;
    reef__link_mark_dirty(sessions, slot);
}

/* Have a link come near in time: thousands of them lie anywhere. */
static void fetch_link(const reef__sessions_t *sessions, uint32_t slot)
{
    const reef__link_t *link = sessions->links.items[slot];

    REEF_PREFETCH(link);
    REEF_PREFETCH(&link->messages_out);
    REEF_PREFETCH(&link->groups);
    REEF_PREFETCH(&link->needs_flush);
}

static void fetch_message(const reef__sessions_t *sessions,
                          const send_message_t *message)
{
    size_t index = reef_entity_index(message->target) - (size_t)REEF_SESSION_INDEX_BASE;

    REEF_PREFETCH(message->payload);
    if (reef_entity_range(message->target) == REEF_RANGE_SESSION &&
        index < sessions->by_entity.count && sessions->by_entity.items[index] != 0) {
        fetch_link(sessions, sessions->by_entity.items[index] - 1);
    }
}

/* References are counted by all threads, which makes one of them cost as much as dozens
 * of instructions: that of the event is handed on, if nobody else reads it. */
static void hand_over(reef__sessions_t *sessions, send_message_t *message, bool owns)
{
    if (message->group != 0) {
        reef__group_send(sessions, message);
        return;
    }
    if (!owns) {
        reef_buffer_ref(message->payload);
    }
    send_one(sessions, message);
    if (owns) {
        message->payload = NULL;
    }
}

void reef__sessions_send_pending(reef__sessions_t *sessions)
{
    bool owns = reef_event_is_only_reader(sessions->sends_reader);
    send_message_t *ahead[FETCH_AHEAD], *message;
    uint32_t first = 0, count = 0;

    do {
        while (count < FETCH_AHEAD &&
               (message = reef_event_next_mut(sessions->sends_reader)) != NULL) {
            fetch_message(sessions, message);
            ahead[(first + count++) % FETCH_AHEAD] = message;
        }
        if (count > 0) {
            message = ahead[first++ % FETCH_AHEAD];
            count--;
            hand_over(sessions, message, owns);
        }
    } while (count > 0);
}

static void tell_sent(reef__sessions_t *sessions)
{
    reef_metric_add(sessions->metric_messages_out, (double)sessions->messages_out);
    reef_metric_add(sessions->metric_bytes_out, (double)sessions->bytes_out);
    sessions->messages_out = 0;
    sessions->bytes_out = 0;
}

static void flush_all(reef__sessions_t *sessions)
{
    for (size_t i = 0; i < sessions->flushes.count; i++) {
        reef__link_t *link = reef__link_at(sessions, sessions->flushes.items[i]);

        if (i + FETCH_AHEAD < sessions->flushes.count) {
            fetch_link(sessions, sessions->flushes.items[i + FETCH_AHEAD]);
        }
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

        if (failed->reason != REEF_SEND_QUEUE_FULL) {
            continue;
        }
        if (failed->group != 0) {
            reef__group_close(sessions, failed->group, 1013, OVERLOADED);
        } else if (slot != REEF__NO_SLOT &&
                   !reef__link_at(sessions, slot)->transport->is_lossy) {
            reef__link_want_close(sessions, slot, 1013, OVERLOADED,
                                  REEF_DISCONNECT_SLOW);
        }
    }
    reef_metric_set(sessions->metric_dropped_received,
                    (double)reef_event_dropped_count(sessions->received));
    reef_metric_set(sessions->metric_dropped_sends,
                    (double)reef_event_dropped_count(sessions->sends));
}

static void write_component(const reef__sessions_t *sessions,
                            const reef__link_t *link,
                            session_t *value)
{
    uint64_t messages;
    uint64_t bytes;

    reef__groups_count(sessions, link, &messages, &bytes);
    value->messages_in = link->messages_in;
    value->messages_out = link->messages_out + messages;
    value->bytes_in = link->bytes_in;
    value->bytes_out = link->bytes_out + bytes;
    value->rtt_us = link->rtt_us;
    value->jitter_us = link->jitter_16ths < 0 ? -1 : link->jitter_16ths / 16;
}

/* Bring the `session` components up to date with the links' counters: once a tick, and
 * for what went to whole groups, a few times a second. */
static void write_components(reef__sessions_t *sessions, reef_world_t *world)
{
    uint64_t tick = REEF_RESOURCE(world, simulation_time)->tick;
    size_t kept = 0;

    if (tick == sessions->components_tick) {
        return;
    }
    sessions->components_tick = tick;
    if (sessions->app->now_ns - sessions->groups_shown_ns >= GROUPS_SHOWN_NS) {
        sessions->groups_shown_ns = sessions->app->now_ns;
        reef__groups_mark_dirty(sessions);
    }
    for (size_t i = 0; i < sessions->dirty.count; i++) {
        uint32_t slot = sessions->dirty.items[i];
        reef__link_t *link = reef__link_at(sessions, slot);
        session_t *value;

        if (i + FETCH_AHEAD < sessions->dirty.count) {
            fetch_link(sessions, sessions->dirty.items[i + FETCH_AHEAD]);
            REEF_PREFETCH(
                reef__link_at(sessions, sessions->dirty.items[i + FETCH_AHEAD / 2])
                    ->groups.items);
        }
        if (link->state == REEF__LINK_OPENING) {
            sessions->dirty.items[kept++] = slot; /* has no entity yet */
            continue;
        }
        link->is_dirty = false;
        value = link->entity ? reef_world_find_mut(world, link->entity,
                                                   sessions->session_component)
                             : NULL;
        if (value != NULL) {
            write_component(sessions, link, value);
        }
    }
    sessions->dirty.count = kept;
}

void reef__sessions_egress(reef_run_t *run)
{
    reef__sessions_t *sessions = reef_run_context(run);

    reef__sessions_send_pending(sessions);
    flush_all(sessions);
    reef__ios_submit(sessions->app->ios);
    tell_sent(sessions);
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

        close_link(sessions, slot); /* it was leaving, and has its answers */
        if (reef_event_passed(sessions->disconnected, link->gone_mark)) {
            reef_world_despawn(reef_run_world(run), link->entity);
            reef__link_free(sessions, slot);
        } else {
            sessions->gone.items[kept++] = slot;
        }
    }
    sessions->gone.count = kept;
    reef__ios_submit(sessions->app->ios);
}
