/*
 * The table of links.  A link handle is slot and generation, so what a transport says
 * about a link that has ended is without effect.  Clients are listed in order of their
 * id: ids only grow, so the list is appended to and compacted when half of it is holes.
 */
#include "session_table.h"

#include <reef/observer.h>

#include "app.h"
#include "buffer.h"
#include "codec/utf8.h"

#include <assert.h>
#include <string.h>
#include <time.h>

static void push_slot(reef__sessions_t *sessions, reef__slots_t *slots, uint32_t slot)
{
    *REEF_ARRAY_PUSH(sessions->alloc, slots) = slot;
}

/* A despawned client entity takes its connection with it. */
static void on_client_removed(reef_world_t *world,
                              reef_entity_t entity,
                              const void *value,
                              void *context)
{
    reef__sessions_t *sessions = context;
    uint32_t slot = reef__sessions_slot_of(sessions, entity);

    (void)world;
    (void)value;
    if (slot != REEF__NO_SLOT) {
        reef__link_want_close(sessions, slot, 1000, "closed by the server",
                              REEF_DISCONNECT_KICKED);
    }
}

static reef_metric_t *counter(reef_app_t *app, const char *name, const char *help)
{
    return reef_metrics_ensure(app->metrics,
                               &(reef_metric_desc_t){.name = name, .help = help});
}

static reef_metric_t *dropped_events(reef_app_t *app, const char *labels)
{
    return reef_metrics_ensure(
        app->metrics,
        &(reef_metric_desc_t){.name = "reef_events_dropped_total",
                              .help = "Events lost because their queue was full.",
                              .labels = labels});
}

static void register_metrics(reef__sessions_t *sessions, reef_app_t *app)
{
    sessions->metric_sessions = reef_metrics_ensure(
        app->metrics, &(reef_metric_desc_t){.name = "reef_sessions",
                                            .help = "Connected clients.",
                                            .kind = REEF_METRIC_GAUGE});
    sessions->metric_connects =
        counter(app, "reef_sessions_opened_total", "Clients that ever connected.");
    sessions->metric_messages_in =
        counter(app, "reef_messages_received_total", "Messages received.");
    sessions->metric_messages_out =
        counter(app, "reef_messages_sent_total", "Messages queued to clients.");
    sessions->metric_bytes_in = counter(app, "reef_received_bytes_total",
                                        "Payload bytes of received messages.");
    sessions->metric_bytes_out =
        counter(app, "reef_sent_bytes_total", "Payload bytes of sent messages.");
    sessions->metric_dropped_received =
        dropped_events(app, "event=\"message_received\"");
    sessions->metric_dropped_sends = dropped_events(app, "event=\"send_message\"");
    sessions->metric_send_failed = counter(app, "reef_messages_send_failed_total",
                                           "Messages that could not be queued.");
}

reef__sessions_t *reef__sessions_create(reef_app_t *app)
{
    reef__sessions_t *sessions = reef_resize(app->alloc, NULL, 0, sizeof(*sessions));

    *sessions = (reef__sessions_t){
        .app = app,
        .alloc = app->alloc,
        .first_ready = REEF__NO_SLOT,
        .last_ready = REEF__NO_SLOT,
        .client_id_component = reef_world_component(app->world, &client_id_type),
        .session_component = reef_world_component(app->world, &session_type),
        .disconnected = reef_world_events(app->world, &user_disconnected_event),
        .received = reef_world_events(app->world, &message_received_event),
        .sends = reef_world_events(app->world, &send_message_event),
        .failed = reef_world_events(app->world, &message_send_failed_event),
        .allowance = REEF__FIRST_ALLOWANCE,
    };
    sessions->sends_reader = reef_event_reader_create(sessions->sends);
    register_metrics(sessions, app);
    reef_world_observe(app->world, REEF_OBSERVE_REMOVE, &client_id_type,
                       on_client_removed, sessions);
    return sessions;
}

void reef__sessions_stop_reading(reef__sessions_t *sessions)
{
    if (sessions != NULL) {
        reef_event_reader_destroy(sessions->sends_reader);
        sessions->sends_reader = NULL;
    }
}

void reef__sessions_destroy(reef__sessions_t *sessions)
{
    if (sessions == NULL) {
        return;
    }
    for (size_t i = 0; i < sessions->batch.count; i++) {
        reef_buffer_unref(sessions->batch.items[i].payload);
    }
    for (uint32_t i = 0; i < sessions->links.count; i++) {
        reef__link_t *link = reef__link_at(sessions, i);

        if (link->state != REEF__LINK_FREE) {
            reef__link_free(sessions, i);
        }
        reef_resize(sessions->alloc, link, sizeof(*link), 0);
    }
    reef__groups_finish(sessions);
    REEF_ARRAY_FINISH(sessions->alloc, &sessions->links);
    REEF_ARRAY_FINISH(sessions->alloc, &sessions->free_slots);
    REEF_ARRAY_FINISH(sessions->alloc, &sessions->flushes);
    REEF_ARRAY_FINISH(sessions->alloc, &sessions->closing);
    REEF_ARRAY_FINISH(sessions->alloc, &sessions->gone);
    REEF_ARRAY_FINISH(sessions->alloc, &sessions->dirty);
    REEF_ARRAY_FINISH(sessions->alloc, &sessions->batch);
    REEF_ARRAY_FINISH(sessions->alloc, &sessions->by_entity);
    REEF_ARRAY_FINISH(sessions->alloc, &sessions->clients);
    REEF_ARRAY_FINISH(sessions->alloc, &sessions->transports);
    reef_resize(sessions->alloc, sessions, sizeof(*sessions), 0);
}

/* Links ------------------------------------------------------------------------ */

static uint32_t take_slot(reef__sessions_t *sessions)
{
    reef__link_t *link;

    if (sessions->free_slots.count > 0) {
        return sessions->free_slots.items[--sessions->free_slots.count];
    }
    link = reef_resize(sessions->alloc, NULL, 0, sizeof(*link));
    *link = (reef__link_t){0};
    *REEF_ARRAY_PUSH(sessions->alloc, &sessions->links) = link;
    return (uint32_t)(sessions->links.count - 1);
}

static reef_link_t handle_of(const reef__link_t *link, uint32_t slot)
{
    return ((uint64_t)link->generation << 32) | slot;
}

/* Slot of a handle whose link still has a connection, or REEF__NO_SLOT. */
static uint32_t connected_slot(const reef__sessions_t *sessions, reef_link_t handle)
{
    uint32_t slot = (uint32_t)handle;
    const reef__link_t *link;

    if (handle == 0 || slot >= sessions->links.count) {
        return REEF__NO_SLOT;
    }
    link = reef__link_at(sessions, slot);
    return link->generation == (uint32_t)(handle >> 32) && link->connection != NULL
               ? slot
               : REEF__NO_SLOT;
}

static void copy_text(char *out, size_t capacity, reef_span_t text)
{
    reef_span_t kept = reef__utf8_cut(text, capacity - 1);

    if (kept.size > 0) {
        memcpy(out, kept.data, kept.size);
    }
}

session_t *reef__session_component(reef__sessions_t *sessions,
                                   const reef_link_desc_t *desc)
{
    session_t *value = reef_resize(sessions->alloc, NULL, 0, sizeof(*value));
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    *value = (session_t){
        .transport = desc->transport->kind,
        .tls = desc->tls,
        .connected_at_ms =
            (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000,
        .rtt_us = -1,
        .jitter_us = -1,
    };
    copy_text(value->peer, sizeof(value->peer), desc->peer);
    copy_text(value->local, sizeof(value->local), desc->local);
    copy_text(value->tls_version, sizeof(value->tls_version), desc->tls_version);
    copy_text(value->cipher, sizeof(value->cipher), desc->cipher);
    copy_text(value->path, sizeof(value->path), desc->path);
    copy_text(value->query, sizeof(value->query), desc->query);
    copy_text(value->subprotocol, sizeof(value->subprotocol), desc->subprotocol);
    return value;
}

static reef_profile_t first_profile(const reef__sessions_t *sessions,
                                    const session_t *component,
                                    reef_link_form_t form)
{
    if (strcmp(component->subprotocol, REEF_V1) == 0 &&
        reef__opcodes_exist(sessions->app->opcodes)) {
        return REEF_PROFILE_V1;
    }
    return form.is_binary ? REEF_PROFILE_BINARY : REEF_PROFILE_TEXT;
}

/* Takes the component over. */
static reef_link_t open_link(reef__sessions_t *sessions,
                             const reef_transport_t *transport,
                             void *connection,
                             session_t *component)
{
    uint32_t slot = take_slot(sessions);
    reef__link_t *link = reef__link_at(sessions, slot);
    reef_link_form_t form = {0};

    if (transport->form != NULL) {
        form = transport->form(connection);
    }
    *link = (reef__link_t){
        .transport = transport,
        .connection = connection,
        .generation = link->generation + 1,
        .next_ready = link->next_ready, /* the slot may still be in the list */
        .is_ready = link->is_ready,
        .is_dirty = link->is_dirty,
        .state = REEF__LINK_OPENING,
        .framing = form.framing,
        .profile = (uint8_t)first_profile(sessions, component, form),
        .rtt_us = -1,
        .jitter_16ths = -1,
        .heard_ns = sessions->app->now_ns,
        .opening = component,
    };
    sessions->open_count++;
    reef_metric_add(sessions->metric_connects, 1);
    reef_metric_set(sessions->metric_sessions, sessions->open_count);
    reef__link_make_ready(sessions, slot);
    return handle_of(link, slot);
}

reef_link_t reef_link_open(reef_app_t *app, const reef_link_desc_t *desc)
{
    return open_link(app->sessions, desc->transport, desc->connection,
                     reef__session_component(app->sessions, desc));
}

reef_link_t reef__admission_open(reef_app_t *app, reef_admission_t *admission)
{
    reef_link_t handle = open_link(app->sessions, admission->transport,
                                   admission->connection, admission->opening);

    admission->opening = NULL;
    reef__link_at(app->sessions, (uint32_t)handle)->admission = admission;
    return handle;
}

reef_link_t reef_link_request(reef_app_t *app,
                              const reef_link_desc_t *desc,
                              reef_refusal_t *refusal)
{
    reef_admission_t *admission;

    *refusal = (reef_refusal_t){0};
    if (!reef__authenticators_exist(app->authenticators)) {
        return reef_link_open(app, desc);
    }
    admission = reef__admission_ask(app, desc, refusal);
    return admission != NULL ? reef__admission_open(app, admission) : 0;
}

static void
push_inbox(reef__sessions_t *sessions, reef__link_t *link, reef_buffer_t *in)
{
    if (link->inbox.count == link->inbox.capacity) {
        uint32_t capacity = link->inbox.capacity ? link->inbox.capacity * 2 : 4;
        reef_buffer_t **items =
            reef_resize(sessions->alloc, NULL, 0, capacity * sizeof(reef_buffer_t *));

        for (uint32_t i = 0; i < link->inbox.count; i++) {
            items[i] =
                link->inbox.items[(link->inbox.first + i) & (link->inbox.capacity - 1)];
        }
        reef_resize(sessions->alloc, link->inbox.items,
                    link->inbox.capacity * sizeof(reef_buffer_t *), 0);
        link->inbox.items = items;
        link->inbox.capacity = capacity;
        link->inbox.first = 0;
    }
    link->inbox
        .items[(link->inbox.first + link->inbox.count++) & (link->inbox.capacity - 1)] =
        in;
    link->inbox.bytes += reef__buffer_size(in);
}

reef_buffer_t *reef__link_take(reef__link_t *link)
{
    reef_buffer_t *buffer = link->inbox.items[link->inbox.first];

    link->inbox.first = (link->inbox.first + 1) & (link->inbox.capacity - 1);
    link->inbox.count--;
    link->inbox.bytes -= reef__buffer_size(buffer);
    return buffer;
}

/* Takes the reference over.  Returns the link's slot when its inbox is full now. */
static uint32_t receive(reef__sessions_t *sessions,
                        reef_link_t handle,
                        reef_buffer_t *payload,
                        size_t size)
{
    const server_config_t *config = &sessions->app->server_config;
    uint32_t slot = connected_slot(sessions, handle);
    reef__link_t *link;

    if (slot == REEF__NO_SLOT || reef__link_at(sessions, slot)->close_wanted) {
        reef_buffer_unref(payload); /* given up: what it still sends is not heard */
        return REEF__NO_SLOT;
    }
    link = reef__link_at(sessions, slot);
    link->messages_in++;
    link->bytes_in += size;
    sessions->messages_in++;
    sessions->bytes_in += size;
    reef__link_mark_dirty(sessions, slot);
    if (sessions->direct_left > 0 && size <= sessions->direct_bytes_left &&
        link->state == REEF__LINK_OPEN && !link->is_ready) {
        sessions->direct_left--;
        sessions->direct_bytes_left -= size;
        reef__batch_add(sessions, slot, payload);
        return REEF__NO_SLOT;
    }
    push_inbox(sessions, link, payload);
    reef__link_make_ready(sessions, slot);
    if (link->inbox.count >= config->inbox_messages ||
        link->inbox.bytes >= config->inbox_bytes) {
        link->is_paused =
            true; /* until resume_if_drained(), whatever comes meanwhile */
    }
    return link->is_paused ? slot : REEF__NO_SLOT;
}

/* Of those whose transport does not keep the time itself. */
static void note_heard(const reef_app_t *app, uint32_t slot)
{
    if (slot != REEF__NO_SLOT) {
        reef__link_at(app->sessions, slot)->heard_ns = reef__app_clock(app);
    }
}

bool reef_link_receive(reef_app_t *app,
                       reef_link_t handle,
                       reef_payload_kind_t kind,
                       reef_span_t payload)
{
    note_heard(app, connected_slot(app->sessions, handle));
    return receive(app->sessions, handle, reef_buffer_create(kind, payload),
                   payload.size) == REEF__NO_SLOT;
}

void reef__link_receive(reef_app_t *app,
                        reef_link_t handle,
                        reef_buffer_t *payload,
                        size_t size)
{
    uint32_t slot = receive(app->sessions, handle, payload, size);

    if (slot != REEF__NO_SLOT) {
        const reef__link_t *link = reef__link_at(app->sessions, slot);

        link->transport->pause(link->connection);
    }
}

void reef_link_failed(reef_app_t *app, reef_link_t handle, reef_error_t error)
{
    uint32_t slot = connected_slot(app->sessions, handle);

    if (slot != REEF__NO_SLOT) {
        reef__link_fail(app->sessions, slot, error);
    }
}

void reef_link_leaving(reef_app_t *app, reef_link_t handle, reef_disconnect_t reason)
{
    uint32_t slot = connected_slot(app->sessions, handle);
    reef__link_t *link;

    if (slot == REEF__NO_SLOT) {
        return;
    }
    link = reef__link_at(app->sessions, slot);
    link->is_leaving = true;
    if (!link->close_wanted) {
        link->reason = (uint8_t)reason;
    }
    reef__link_make_ready(app->sessions, slot);
}

void reef_link_heard(reef_app_t *app, reef_link_t handle, int64_t rtt_us)
{
    uint32_t slot = connected_slot(app->sessions, handle);

    note_heard(app, slot);
    if (slot != REEF__NO_SLOT && rtt_us >= 0) {
        reef__link_note_rtt(app->sessions, slot, rtt_us);
    }
}

void reef_link_closed(reef_app_t *app, reef_link_t handle, reef_disconnect_t reason)
{
    uint32_t slot = connected_slot(app->sessions, handle);

    if (slot != REEF__NO_SLOT) {
        reef__link_end(app->sessions, slot, reason);
    }
}

void reef__link_end(reef__sessions_t *sessions, uint32_t slot, reef_disconnect_t reason)
{
    reef__link_t *link = reef__link_at(sessions, slot);

    assert(link->connection != NULL);
    reef__groups_leave_all(sessions, slot);
    link->connection = NULL;
    if (!link->close_wanted && !link->is_leaving) { /* what was told first counts */
        link->reason = (uint8_t)reason;
    }
    if (link->state == REEF__LINK_OPEN) {
        link->state = REEF__LINK_ENDED;
    }
    sessions->open_count--;
    reef_metric_set(sessions->metric_sessions, sessions->open_count);
    reef__link_make_ready(sessions, slot);
}

void reef__link_want_close(reef__sessions_t *sessions,
                           uint32_t slot,
                           uint16_t code,
                           const char *text,
                           reef_disconnect_t reason)
{
    reef__link_t *link = reef__link_at(sessions, slot);

    if (link->close_wanted || link->connection == NULL) {
        return;
    }
    link->close_wanted = true;
    link->close_code = code;
    link->reason = (uint8_t)reason;
    if (text != NULL) {
        link->close_reason =
            reef_resize(sessions->alloc, NULL, 0, REEF__CLOSE_REASON_SIZE);
        memset(link->close_reason, 0, REEF__CLOSE_REASON_SIZE);
        copy_text(link->close_reason, REEF__CLOSE_REASON_SIZE, reef_span_text(text));
    }
    reef__link_discard_inbox(sessions, link);
    push_slot(sessions, &sessions->closing, slot);
    reef__app_want_frame(sessions->app);
}

void reef__link_discard_inbox(reef__sessions_t *sessions, reef__link_t *link)
{
    while (link->inbox.count > 0) {
        reef_buffer_unref(reef__link_take(link));
    }
    reef_resize(sessions->alloc, link->inbox.items,
                link->inbox.capacity * sizeof(reef_buffer_t *), 0);
    link->inbox.items = NULL;
    link->inbox.capacity = 0;
    link->inbox.first = 0;
}

void reef__link_make_ready(reef__sessions_t *sessions, uint32_t slot)
{
    reef__link_t *link = reef__link_at(sessions, slot);

    reef__app_want_frame(sessions->app);
    if (link->is_ready) {
        return;
    }
    link->is_ready = true;
    link->next_ready = REEF__NO_SLOT;
    if (sessions->last_ready == REEF__NO_SLOT) {
        sessions->first_ready = slot;
    } else {
        reef__link_at(sessions, sessions->last_ready)->next_ready = slot;
    }
    sessions->last_ready = slot;
}

uint32_t reef__sessions_take_ready(reef__sessions_t *sessions)
{
    uint32_t slot = sessions->first_ready;
    reef__link_t *link;

    if (slot == REEF__NO_SLOT) {
        return slot;
    }
    link = reef__link_at(sessions, slot);
    link->is_ready = false;
    sessions->first_ready = link->next_ready;
    if (sessions->first_ready == REEF__NO_SLOT) {
        sessions->last_ready = REEF__NO_SLOT;
    }
    return slot;
}

static void
index_entity(reef__sessions_t *sessions, reef_entity_t entity, uint32_t value)
{
    size_t index = reef_entity_index(entity) - REEF_SESSION_INDEX_BASE;

    REEF_ARRAY_RESERVE(sessions->alloc, &sessions->by_entity, index + 1);
    while (sessions->by_entity.count <= index) {
        sessions->by_entity.items[sessions->by_entity.count++] = 0;
    }
    sessions->by_entity.items[index] = value;
}

static void compact_clients(reef__sessions_t *sessions)
{
    size_t kept = 0;

    for (size_t i = 0; i < sessions->clients.count; i++) {
        if (sessions->clients.items[i].slot != REEF__NO_SLOT) {
            sessions->clients.items[kept++] = sessions->clients.items[i];
        }
    }
    sessions->clients.count = kept;
    sessions->clients.holes = 0;
}

void reef__link_bind(reef__sessions_t *sessions, uint32_t slot, reef_entity_t entity)
{
    reef__link_t *link = reef__link_at(sessions, slot);

    if (entity != 0) {
        link->entity = entity;
        index_entity(sessions, entity, slot + 1);
        *REEF_ARRAY_PUSH(sessions->alloc, &sessions->clients) =
            (struct reef__client){.client_id = link->client_id, .slot = slot};
        return;
    }
    if (link->entity != 0) {
        if (reef__sessions_slot_of(sessions, link->entity) == slot) {
            index_entity(sessions, link->entity, 0); /* not taken over by a newer one */
        }
        sessions->clients.items[reef__client_position(sessions, link->client_id)].slot =
            REEF__NO_SLOT;
        sessions->clients.holes++;
        if (sessions->clients.holes * 2 > sessions->clients.count) {
            compact_clients(sessions);
        }
    }
}

void reef__link_free(reef__sessions_t *sessions, uint32_t slot)
{
    reef__link_t *link = reef__link_at(sessions, slot);

    reef__link_bind(sessions, slot, 0);
    reef__link_discard_inbox(sessions, link);
    reef_resize(sessions->alloc, link->close_reason, REEF__CLOSE_REASON_SIZE, 0);
    reef_resize(sessions->alloc, link->opening, sizeof(*link->opening), 0);
    reef__admission_drop(link->admission);
    REEF_ARRAY_FINISH(sessions->alloc, &link->groups);
    *link = (reef__link_t){.generation = link->generation,
                           .is_ready = link->is_ready,
                           .next_ready = link->next_ready,
                           .is_dirty = link->is_dirty};
    push_slot(sessions, &sessions->free_slots, slot);
}

/* Gates ------------------------------------------------------------------------ */

void reef_app_add_gate(reef_app_t *app, reef_gate_fn pass, void *context)
{
    reef__sessions_t *sessions = app->sessions;

    assert(sessions->gate_count < REEF_MAX_GATES && "too many gates");
    sessions->gates[sessions->gate_count].pass = pass;
    sessions->gates[sessions->gate_count].context = context;
    sessions->gate_count++;
}

/* Transports ------------------------------------------------------------------- */

void reef_app_add_transport(reef_app_t *app,
                            const reef_transport_t *transport,
                            void *self)
{
    *REEF_ARRAY_PUSH(app->alloc, &app->sessions->transports) =
        (struct reef__transport_entry){.transport = transport, .self = self};
}

void reef__sessions_stop_accepting(reef__sessions_t *sessions)
{
    for (size_t i = 0; i < sessions->transports.count; i++) {
        sessions->transports.items[i].transport->stop_accepting(
            sessions->transports.items[i].self);
    }
}

void reef__sessions_end_transports(reef__sessions_t *sessions)
{
    for (size_t i = 0; i < sessions->transports.count; i++) {
        if (sessions->transports.items[i].transport->end != NULL) {
            sessions->transports.items[i].transport->end(
                sessions->transports.items[i].self);
        }
    }
    sessions->transports.count = 0;
}

void reef__sessions_close_all(reef__sessions_t *sessions,
                              uint16_t code,
                              const char *reason)
{
    for (uint32_t i = 0; i < sessions->links.count; i++) {
        reef__link_want_close(sessions, i, code, reason, REEF_DISCONNECT_SHUTDOWN);
    }
}

uint32_t reef__sessions_connection_count(const reef__sessions_t *sessions)
{
    uint32_t count = 0;

    for (size_t i = 0; i < sessions->transports.count; i++) {
        count += sessions->transports.items[i].transport->connection_count(
            sessions->transports.items[i].self);
    }
    return count;
}
