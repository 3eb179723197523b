/*
 * Both ends of both rings, in the order in which a message travels: reports are pushed
 * on the loop's thread and drained on the world's, orders the other way round.
 *
 * What the world has not taken yet is bounded per peer.  The loop counts what it has
 * reported of a peer; the counts start anew whenever the world has taken the peer's
 * last report, which the ring's own counters tell.  A peer over the bound is not read
 * from until then.
 */
#include "transport/peer.h"

#include "app.h"
#include "authenticate.h"
#include "buffer.h"
#include "message_bundle.h"
#include "session_table.h"

#include <assert.h>
#include <string.h>

enum {
    LOOK_ORDERS = 256,
    LOOK_BYTES = 1 << 20,
};

/* Reports: the loop's thread --------------------------------------------------- */

static reef__report_t *
push_report(reef__peer_t *peer, reef__report_kind_t kind, int64_t value)
{
    reef__report_t *report = reef__spsc_push(&peer->io->reports);

    report->peer = peer;
    report->value = value;
    report->kind = (uint8_t)kind;
    return report;
}

void reef__peer_init(reef__peer_t *peer, reef__io_t *io, const reef__peer_type_t *type)
{
    peer->io = io;
    peer->type = type;
    atomic_init(&peer->queue_bytes, 0);
    atomic_init(&peer->heard_ns, 0);
    atomic_fetch_add(&io->ios->open_count, 1);
}

void reef__peer_finish(reef__peer_t *peer)
{
    reef__fans_finish_peer(&peer->io->fans, peer);
}

void reef__io_count_out(reef__io_t *io)
{
    reef__ios_t *ios = io->ios;

    if (atomic_fetch_sub(&ios->open_count, 1) == 1) {
        reef__loop_wake(ios->app->loop); /* somebody may wait for the last one */
    }
}

static size_t texts_size(const reef_link_desc_t *desc)
{
    size_t headers = desc->header_count * sizeof(*desc->headers);

    for (uint32_t i = 0; i < desc->header_count; i++) {
        headers += desc->headers[i].value.size;
    }
    return headers + desc->peer.size + desc->local.size + desc->tls_version.size +
           desc->cipher.size + desc->path.size + desc->query.size +
           desc->subprotocol.size;
}

static void move_text(reef_span_t *text, uint8_t **at)
{
    if (text->size > 0) {
        memcpy(*at, text->data, text->size);
    }
    text->data = *at;
    *at += text->size;
}

static void move_headers(reef_link_desc_t *desc, uint8_t **at)
{
    reef_header_t *headers = (reef_header_t *)(void *)*at;

    if (desc->header_count > 0) {
        memcpy(headers, desc->headers, desc->header_count * sizeof(*headers));
    }
    *at += desc->header_count * sizeof(*headers);
    desc->headers = headers;
    for (uint32_t i = 0; i < desc->header_count; i++) {
        move_text(&headers[i].value, at);
    }
}

bool reef__peer_opened(reef__peer_t *peer, const reef_link_desc_t *desc)
{
    bool asks = reef__authenticators_exist(peer->io->ios->app->authenticators);
    reef_link_desc_t *copy =
        reef_resize(reef_alloc_default(), NULL, 0, sizeof(*copy) + texts_size(desc));
    uint8_t *at = (uint8_t *)(copy + 1);

    assert(!asks || (peer->type->admit != NULL && peer->type->refuse != NULL));
    *copy = *desc;
    copy->transport = peer->type->transport;
    copy->connection = peer;
    move_headers(copy, &at); /* first: it is aligned here */
    move_text(&copy->peer, &at);
    move_text(&copy->local, &at);
    move_text(&copy->tls_version, &at);
    move_text(&copy->cipher, &at);
    move_text(&copy->path, &at);
    move_text(&copy->query, &at);
    move_text(&copy->subprotocol, &at);
    push_report(peer, asks ? REEF__REPORT_ASKED : REEF__REPORT_OPENED, 0)->opened =
        copy;
    return !asks;
}

static bool is_over_bound(const reef__peer_t *peer)
{
    const server_config_t *config = &peer->io->ios->app->server_config;

    return peer->unread_count >= config->inbox_messages ||
           peer->unread_bytes >= config->inbox_bytes;
}

static bool has_been_read(const reef__peer_t *peer)
{
    return reef__spsc_popped_count(&peer->io->reports) >= peer->unread_mark;
}

REEF_NOINLINE static void begin_to_wait(reef__peer_t *peer)
{
    reef__io_t *io = peer->io;

    peer->is_waiting = true;
    *REEF_ARRAY_PUSH(io->ios->app->alloc, &io->waiting) = peer;
    atomic_store_explicit(&io->has_waiting, true, memory_order_relaxed);
    peer->type->pause(peer);
}

void reef__peer_received(reef__peer_t *peer, reef_buffer_t *payload)
{
    reef__io_t *io = peer->io;
    size_t size = reef__buffer_size(payload);

    if (peer->unread_count > 0 && has_been_read(peer)) {
        peer->unread_count = 0;
        peer->unread_bytes = 0;
    }
    peer->unread_count++;
    peer->unread_bytes += (uint32_t)size;
    push_report(peer, REEF__REPORT_RECEIVED, (int64_t)size)->payload = payload;
    peer->unread_mark = reef__spsc_pushed_count(&io->reports);
    if (is_over_bound(peer) && !peer->is_waiting) {
        begin_to_wait(peer);
    }
}

bool reef__peers_may_stop_waiting(const reef__io_t *io)
{
    for (size_t i = 0; i < io->waiting.count; i++) {
        if (has_been_read(io->waiting.items[i])) {
            return true;
        }
    }
    return false;
}

void reef__peers_stop_waiting(reef__io_t *io)
{
    size_t kept = 0;

    for (size_t i = 0; i < io->waiting.count; i++) {
        reef__peer_t *peer = io->waiting.items[i];

        if (!has_been_read(peer)) {
            io->waiting.items[kept++] = peer;
            continue;
        }
        peer->is_waiting = false;
        if (!peer->is_paused) {
            peer->type->resume(peer);
        }
    }
    io->waiting.count = kept;
    atomic_store_explicit(&io->has_waiting, kept > 0, memory_order_relaxed);
}

void reef__peer_heard(reef__peer_t *peer, int64_t rtt_us)
{
    push_report(peer, REEF__REPORT_HEARD, rtt_us);
}

void reef__peer_failed(reef__peer_t *peer, reef_error_t error)
{
    push_report(peer, REEF__REPORT_FAILED, error);
}

void reef__peer_leaving(reef__peer_t *peer, reef_disconnect_t reason)
{
    push_report(peer, REEF__REPORT_LEAVING, (int64_t)reason);
}

void reef__peer_closed(reef__peer_t *peer, reef_disconnect_t reason)
{
    peer->is_closed = true;
    push_report(peer, REEF__REPORT_CLOSED, (int64_t)reason);
}

static void free_opened(reef_link_desc_t *desc)
{
    reef_resize(reef_alloc_default(), desc, sizeof(*desc) + texts_size(desc), 0);
}

void reef__reports_discard(reef__io_t *io)
{
    const reef__report_t *report;

    reef__spsc_publish(&io->reports);
    while ((report = reef__spsc_front(&io->reports)) != NULL) {
        if (report->kind == REEF__REPORT_RECEIVED) {
            reef_buffer_unref(report->payload);
        } else if (report->kind == REEF__REPORT_OPENED ||
                   report->kind == REEF__REPORT_ASKED) {
            free_opened(report->opened);
        }
        reef__spsc_pop(&io->reports);
    }
}

/* Reports: the world's thread -------------------------------------------------- */

static reef__order_t *push_order(reef__io_t *io, reef__order_kind_t kind)
{
    reef__order_t *order = reef__spsc_push(&io->orders);

    order->kind = (uint8_t)kind;
    order->payload = NULL;
    io->has_orders = true;
    return order;
}

static void order_peer(reef__peer_t *peer, reef__order_kind_t kind)
{
    push_order(peer->io, kind)->peer = peer;
}

/* The answer goes to the loop first, for the peer may be gone: its link is opened when
 * it is known to have come in. */
static void take_asked(reef_app_t *app, const reef__report_t *report)
{
    reef__peer_t *peer = report->peer;
    reef_refusal_t refusal;
    reef__order_t *order;

    peer->admission = reef__admission_ask(app, report->opened, &refusal);
    if (peer->admission != NULL) {
        order_peer(peer, REEF__ORDER_ADMIT);
        return;
    }
    order = push_order(peer->io, REEF__ORDER_REFUSE);
    order->peer = peer;
    order->code = refusal.status;
    order->payload =
        reef_buffer_create(REEF_PAYLOAD_TEXT, reef_span_text(refusal.reason));
}

static void take_admitted(reef_app_t *app, reef__peer_t *peer)
{
    peer->link = reef__admission_open(app, peer->admission);
    peer->admission = NULL;
}

static void take_closed(reef_app_t *app, const reef__report_t *report)
{
    reef__peer_t *peer = report->peer;

    reef__admission_drop(peer->admission); /* it went before it was answered */
    peer->admission = NULL;
    reef_link_closed(app, peer->link, (reef_disconnect_t)report->value);
    peer->link = 0;
    order_peer(peer, REEF__ORDER_RELEASE);
}

static void take_report(reef_app_t *app, const reef__report_t *report)
{
    reef__peer_t *peer = report->peer;

    switch ((reef__report_kind_t)report->kind) {
    case REEF__REPORT_OPENED:
        peer->link = reef_link_open(app, report->opened);
        free_opened(report->opened);
        break;
    case REEF__REPORT_ASKED:
        take_asked(app, report);
        free_opened(report->opened);
        break;
    case REEF__REPORT_ADMITTED:
        take_admitted(app, peer);
        break;
    case REEF__REPORT_RECEIVED:
        reef__link_receive(app, peer->link, report->payload, (size_t)report->value);
        break;
    case REEF__REPORT_HEARD:
        reef_link_heard(app, peer->link, report->value);
        break;
    case REEF__REPORT_FAILED:
        reef_link_failed(app, peer->link, (reef_error_t)report->value);
        break;
    case REEF__REPORT_LEAVING:
        reef_link_leaving(app, peer->link, (reef_disconnect_t)report->value);
        break;
    case REEF__REPORT_CLOSED:
        take_closed(app, report);
        break;
    }
}

void reef__ios_drain(reef__ios_t *ios)
{
    for (uint32_t i = 0; i < ios->count; i++) {
        reef__io_t *io = ios->items[i];
        const reef__report_t *report;

        while ((report = reef__spsc_front(&io->reports)) != NULL) {
            take_report(ios->app, report);
            reef__spsc_pop(&io->reports);
            io->has_drained = true;
        }
    }
}

/* Orders: the world's thread --------------------------------------------------- */

/* Sends that a loop may be behind with, in messages and in bytes: memory must not grow
 * without end.  The loop's counters are looked at now and then only, for that costs a
 * line that the two threads share. */
static void keep_up(reef__io_t *io, size_t size)
{
    const server_config_t *config = &io->ios->app->server_config;
    uint64_t before = io->ordered_bytes;

    io->ordered_bytes += size;
    if (before / LOOK_BYTES == io->ordered_bytes / LOOK_BYTES &&
        reef__spsc_pushed_count(&io->orders) % LOOK_ORDERS != 0) {
        return;
    }
    if (io->ordered_bytes -
                atomic_load_explicit(&io->done_bytes, memory_order_relaxed) >
            config->max_frame_bytes ||
        reef__io_backlog(io) > config->max_frame_sends) {
        reef__io_catch_up(io);
    }
}

/* Takes the payload's reference over. */
static reef__order_t *
push_message(reef__io_t *io, reef__order_kind_t kind, const send_message_t *message)
{
    reef__order_t *order;

    keep_up(io, reef__buffer_size(message->payload));
    order = push_order(io, kind);
    order->payload = message->payload;
    order->key = message->key;
    order->message_class = (uint8_t)message->message_class;
    return order;
}

reef_error_t reef__peer_send(void *self, const send_message_t *message)
{
    reef__peer_t *peer = self;

    push_message(peer->io, REEF__ORDER_SEND, message)->peer = peer;
    return REEF_OK;
}

void reef__ios_send_to_group(reef__ios_t *ios,
                             uint32_t group,
                             const send_message_t *message)
{
    for (uint32_t i = 0; i < ios->count; i++) {
        reef_buffer_ref(message->payload);
        push_message(ios->items[i], REEF__ORDER_SEND_TO_GROUP, message)->group = group;
    }
}

void reef__peer_close(void *self, uint16_t code, const char *reason)
{
    reef__peer_t *peer = self;
    reef__order_t *order = push_order(peer->io, REEF__ORDER_CLOSE);

    order->peer = peer;
    order->code = code;
    order->payload =
        reason ? reef_buffer_create(REEF_PAYLOAD_TEXT, reef_span_text(reason)) : NULL;
    peer->link = 0;
}

void reef__peer_pause(void *self)
{
    order_peer(self, REEF__ORDER_PAUSE);
}

void reef__peer_resume(void *self)
{
    order_peer(self, REEF__ORDER_RESUME);
}

uint64_t reef__peer_queue_bytes(const void *self)
{
    return atomic_load_explicit(&((const reef__peer_t *)self)->queue_bytes,
                                memory_order_relaxed);
}

reef_link_form_t reef__peer_form(const void *self)
{
    const reef__peer_t *peer = self;

    return (reef_link_form_t){.framing =
                                  reef__framing_number((reef__framing_t)peer->framing),
                              .is_binary = peer->is_binary};
}

void reef__peer_ping(void *self, reef_buffer_t *payload)
{
    reef__peer_t *peer = self;
    reef__order_t *order = push_order(peer->io, REEF__ORDER_PING);

    order->peer = peer;
    order->payload = payload != NULL ? reef_buffer_ref(payload) : NULL;
}

uint64_t reef__peer_heard_ns(const void *self)
{
    return atomic_load_explicit(&((const reef__peer_t *)self)->heard_ns,
                                memory_order_relaxed);
}

static void order_group(reef__peer_t *peer, reef__order_kind_t kind, uint32_t group)
{
    reef__order_t *order = push_order(peer->io, kind);

    order->peer = peer;
    order->group = group;
}

void reef__peer_join(void *self, uint32_t group)
{
    order_group(self, REEF__ORDER_JOIN, group);
}

void reef__peer_leave(void *self, uint32_t group)
{
    order_group(self, REEF__ORDER_LEAVE, group);
}

void reef__ios_end_group(reef__ios_t *ios, uint32_t group)
{
    for (uint32_t i = 0; i < ios->count; i++) {
        push_order(ios->items[i], REEF__ORDER_END_GROUP)->group = group;
    }
}

void reef__io_call(reef__io_t *io, void (*call)(void *context), void *context)
{
    reef__order_t *order = push_order(io, REEF__ORDER_CALL);

    order->call = call;
    order->context = context;
}

void reef__orders_discard(reef__io_t *io)
{
    const reef__order_t *order;

    reef__spsc_publish(&io->orders);
    while ((order = reef__spsc_front(&io->orders)) != NULL) {
        if (order->kind != REEF__ORDER_CALL) {
            reef_buffer_unref(order->payload);
        }
        reef__spsc_pop(&io->orders);
    }
}

/* Orders: the loop's thread ---------------------------------------------------- */

static void note_done(reef__io_t *io, const reef__order_t *order)
{
    uint64_t done = atomic_load_explicit(&io->done_bytes, memory_order_relaxed);

    atomic_store_explicit(&io->done_bytes, done + reef__buffer_size(order->payload),
                          memory_order_relaxed);
}

static void send_to_peer(reef__io_t *io, const reef__order_t *order)
{
    note_done(io, order);
    if (io->fans.pending.count > 0) {
        reef__fans_catch_up(&io->fans, order->peer);
    }
    order->peer->type->send(order->peer, &(reef__fan_message_t){
                                             .payload = reef__framer_frame(
                                                 &io->fans.framer, order->payload,
                                                 (reef__framing_t)order->peer->framing),
                                             .key = order->key,
                                             .message_class = order->message_class,
                                         });
}

/* What it says at once comes behind the report. */
static void admit_peer(reef__peer_t *peer)
{
    if (!peer->is_closed) {
        push_report(peer, REEF__REPORT_ADMITTED, 0);
        peer->type->admit(peer);
    }
}

static void refuse_peer(const reef__order_t *order)
{
    if (!order->peer->is_closed) {
        order->peer->type->refuse(order->peer, order->code,
                                  reef_buffer_payload(order->payload));
    }
    reef_buffer_unref(order->payload);
}

static void close_peer(reef__io_t *io, const reef__order_t *order)
{
    reef_span_t reason =
        order->payload ? reef_buffer_payload(order->payload) : (reef_span_t){0};

    reef__fans_catch_up(&io->fans, order->peer);
    order->peer->type->close(order->peer, order->code, reason);
    reef_buffer_unref(order->payload);
}

static void set_paused(reef__peer_t *peer, bool is_paused)
{
    peer->is_paused = is_paused;
    if (is_paused) {
        peer->type->pause(peer);
    } else if (!peer->is_waiting) {
        peer->type->resume(peer);
    }
}

static void release_peer(reef__io_t *io, reef__peer_t *peer)
{
    if (peer->is_waiting) {
        peer->unread_mark = 0;
        reef__peers_stop_waiting(io);
    }
    peer->type->release(peer);
}

static void carry_out(reef__io_t *io, const reef__order_t *order)
{
    switch ((reef__order_kind_t)order->kind) {
    case REEF__ORDER_SEND:
        send_to_peer(io, order);
        break;
    case REEF__ORDER_SEND_TO_GROUP:
        note_done(io, order);
        reef__fans_send(&io->fans, order->group,
                        &(reef__fan_message_t){
                            .payload = order->payload,
                            .key = order->key,
                            .message_class = order->message_class,
                        });
        break;
    case REEF__ORDER_JOIN:
        reef__fans_join(&io->fans, order->peer, order->group);
        break;
    case REEF__ORDER_LEAVE:
        reef__fans_leave(&io->fans, order->peer, order->group);
        break;
    case REEF__ORDER_END_GROUP:
        reef__fans_end(&io->fans, order->group);
        break;
    case REEF__ORDER_ADMIT:
        admit_peer(order->peer);
        break;
    case REEF__ORDER_REFUSE:
        refuse_peer(order);
        break;
    case REEF__ORDER_CLOSE:
        close_peer(io, order);
        break;
    case REEF__ORDER_PING:
        order->peer->type->ping(order->peer, order->payload);
        break;
    case REEF__ORDER_PAUSE:
    case REEF__ORDER_RESUME:
        set_paused(order->peer, order->kind == REEF__ORDER_PAUSE);
        break;
    case REEF__ORDER_RELEASE:
        release_peer(io, order->peer);
        break;
    case REEF__ORDER_CALL:
        order->call(order->context);
        break;
    }
}

void reef__orders_carry_out(reef__io_t *io)
{
    const reef__order_t *order;

    while ((order = reef__spsc_front(&io->orders)) != NULL) {
        carry_out(io, order);
        reef__spsc_pop(&io->orders); /* now it counts as carried out */
    }
}
