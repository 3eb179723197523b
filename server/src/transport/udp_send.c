/*
 * Messages wait in the outboxes of their peers until the end of the pass; the peers
 * that have some are in a ring.  Round by round each of them may send SHARE messages,
 * and a batch of the socket is one system call:
 *
 *     ring: a ─ b ─ c     batch: a1 a2 b1 c1 c2 c3 …  ─►  sent, refused, or left over
 *
 * A bundle is one entry of its outbox and as many datagrams as it has messages; those
 * that are sent are consumed from its front, as a stream consumes bytes.
 *
 * What the system has no room for stays where it is, and the classes of messages say
 * what gives way when an outbox is full.
 */
#include "transport/udp.h"

#include "app.h"
#include "buffer.h"
#include "message_bundle.h"

#include <assert.h>
#include <errno.h>

enum {
    SHARE = 64,      /* messages of one peer in one round */
    ENTRY_COST = 64, /* memory beside a message, as in outbox.c */
};

/* The ring of those who have something to be sent ------------------------------------
 */

static void enter_ring(reef__udp_peer_t *peer)
{
    reef__udp_peer_t **head = &peer->listener->dirty;

    if (peer->next_dirty != NULL) {
        return;
    }
    if (*head == NULL) {
        peer->next_dirty = peer->previous_dirty = peer;
        *head = peer;
        return;
    }
    peer->next_dirty = *head;
    peer->previous_dirty = (*head)->previous_dirty;
    peer->previous_dirty->next_dirty = peer;
    (*head)->previous_dirty = peer;
}

static void leave_ring(reef__udp_peer_t *peer)
{
    reef__udp_peer_t **head = &peer->listener->dirty;

    if (peer->next_dirty == NULL) {
        return;
    }
    if (*head == peer) {
        *head = peer->next_dirty == peer ? NULL : peer->next_dirty;
    }
    peer->previous_dirty->next_dirty = peer->next_dirty;
    peer->next_dirty->previous_dirty = peer->previous_dirty;
    peer->next_dirty = peer->previous_dirty = NULL;
}

/* Memory ----------------------------------------------------------------------------
 */

static uint64_t memory_of(const reef__outbox_t *outbox)
{
    return outbox->bytes + (uint64_t)(outbox->count - outbox->holes) * ENTRY_COST;
}

/* The outbox took @p before until now. */
static void note_change(reef__udp_peer_t *peer, uint64_t before)
{
    peer->listener->loop->queued += memory_of(&peer->outbox) - before;
    atomic_store_explicit(&peer->peer.queue_bytes, peer->outbox.bytes,
                          memory_order_relaxed);
}

void reef__udp_discard(reef__udp_peer_t *peer)
{
    uint64_t before = memory_of(&peer->outbox);

    leave_ring(peer);
    reef__outbox_finish(&peer->outbox);
    note_change(peer, before);
}

/* Sending ---------------------------------------------------------------------------
 */

/* What is left of an entry that is a bundle, the first one's if it is begun. */
static reef_span_t parts_left(const reef_buffer_t *bundle, uint32_t first_offset)
{
    return reef_span_skip(reef_buffer_payload(bundle), first_offset);
}

/* The first message of the peer is sent or given up. */
static void pop(reef__udp_peer_t *peer)
{
    uint64_t before = memory_of(&peer->outbox);
    reef_buffer_t *first = NULL;

    reef__outbox_gather_whole(&peer->outbox, &first, 1);
    if (reef__buffer_is_bundle(first)) {
        reef_span_t left = parts_left(first, peer->outbox.first_offset);
        size_t size = left.size;
        reef__part_t part;

        (void)reef__part_next(&left, &part);
        reef__outbox_consume(&peer->outbox, size - left.size);
    } else {
        reef__outbox_pop(&peer->outbox);
    }
    note_change(peer, before);
}

static reef_error_t error_for(int cause)
{
    switch (cause) {
    case EMSGSIZE:
        return REEF_E_RANGE;
    case ENOBUFS:
    case ENOMEM:
        return REEF_E_LIMIT;
    default:
        return REEF_E_IO;
    }
}

static void on_failed(void *context, uint32_t index, int cause)
{
    reef__udp_loop_t *loop = context;

    reef_metric_add(loop->server->metric_errors, 1);
    reef__peer_failed(&loop->owners[index]->peer, error_for(cause));
}

static void add_datagram(reef__udp_loop_t *loop,
                         reef__udp_peer_t *peer,
                         uint32_t index,
                         reef_span_t payload)
{
    loop->owners[index] = peer;
    reef__udp_sender_add(loop->sender, &peer->address.any, payload);
}

/* Datagrams of one peer, from number @p count of the batch up to @p end; returns where
 * they end. */
static uint32_t collect_from(reef__udp_loop_t *loop,
                             reef__udp_peer_t *peer,
                             uint32_t count,
                             uint32_t end)
{
    reef_buffer_t *entries[SHARE];
    uint32_t taken = reef__outbox_gather_whole(&peer->outbox, entries, end - count);

    for (uint32_t i = 0; i < taken && count < end; i++) {
        reef_span_t parts;
        reef__part_t part;

        if (!reef__buffer_is_bundle(entries[i])) {
            add_datagram(loop, peer, count++, reef_buffer_payload(entries[i]));
            continue;
        }
        parts = parts_left(entries[i], i == 0 ? peer->outbox.first_offset : 0);
        while (count < end && reef__part_next(&parts, &part)) {
            add_datagram(loop, peer, count++, part.payload);
        }
    }
    return count;
}

/* As much as fits one batch, from the head of the ring on. */
static void collect(reef__udp_listener_t *listener)
{
    reef__udp_loop_t *loop = listener->loop;
    reef__udp_peer_t *peer = listener->dirty;
    uint32_t count = 0;

    do {
        uint32_t room = REEF__UDP_SENDS - count;

        count = collect_from(loop, peer, count, count + (room < SHARE ? room : SHARE));
        peer = peer->next_dirty;
    } while (peer != listener->dirty && count < REEF__UDP_SENDS);
    listener->dirty = peer; /* where the next batch begins */
}

/* The first @p count of the batch are sent or given up. */
static void settle(reef__udp_loop_t *loop, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        reef__udp_peer_t *peer = loop->owners[i];

        pop(peer);
        if (peer->outbox.count == 0) { /* nothing of it is in the rest of the batch */
            leave_ring(peer);
            if (peer->state == REEF__UDP_CLOSING) {
                reef__udp_peer_finish_close(peer);
            }
        }
    }
}

/* The system took @p count of the batch, and not all: who got none of its share sent
 * goes first next time, or those behind would wait until the first have nothing more to
 * say. */
static void begin_behind(reef__udp_listener_t *listener, uint32_t count)
{
    reef__udp_peer_t *const *owners = listener->loop->owners;
    reef__udp_peer_t *peer = owners[count];
    bool had_its_turn = count > 0 && owners[count - 1] == peer;

    listener->dirty = had_its_turn ? peer->next_dirty : peer;
}

static void flush_listener(reef__udp_listener_t *listener)
{
    reef__udp_loop_t *loop = listener->loop;

    while (listener->dirty != NULL && !listener->is_blocked) {
        reef__udp_send_result_t result;
        uint32_t count;

        collect(listener);
        count = reef__udp_sender_count(loop->sender);
        assert(count > 0); /* who is in the ring has a message */
        result =
            reef__udp_sender_send(loop->sender, listener->descriptor, on_failed, loop);
        settle(loop, result.done);
        if (result.refused > 0) {
            reef_metric_add(loop->server->metric_errors, result.refused);
        }
        if (result.done < count) {
            begin_behind(listener, result.done);
            listener->is_blocked = true;
            reef__udp_watch(listener);
        }
    }
}

void reef__udp_flush(reef__udp_loop_t *loop)
{
    for (uint32_t i = 0; i < loop->listener_count; i++) {
        flush_listener(&loop->listeners[i]);
    }
}

/* Queueing --------------------------------------------------------------------------
 */

/* Whether all peers of the loop together would have more waiting than they may; one
 * message always may, as in an outbox. */
static bool is_loop_full(const reef__udp_loop_t *loop, uint64_t size)
{
    return loop->queued > 0 &&
           loop->queued + size + ENTRY_COST > loop->server->config.max_queue_all;
}

static bool is_peer_full(const reef__udp_peer_t *peer, uint64_t size)
{
    return memory_of(&peer->outbox) + size + ENTRY_COST > peer->outbox.limit;
}

static void
refuse(reef__udp_peer_t *peer, const reef__fan_message_t *message, reef_error_t error)
{
    reef_buffer_unref(message->payload);
    reef__peer_failed(&peer->peer, error);
}

/* Bytes of the largest datagram that a message or a bundle makes. */
static size_t largest_datagram(const reef_buffer_t *payload)
{
    reef_span_t parts = reef_buffer_payload(payload);
    size_t largest = 0;
    reef__part_t part;

    if (!reef__buffer_is_bundle(payload)) {
        return parts.size;
    }
    while (reef__part_next(&parts, &part)) {
        largest = part.payload.size > largest ? part.payload.size : largest;
    }
    return largest;
}

void reef__udp_send(reef__udp_peer_t *peer, const reef__fan_message_t *message)
{
    reef__udp_listener_t *listener = peer->listener;
    uint64_t size = reef_buffer_payload(message->payload).size;
    uint64_t before;

    if (peer->state != REEF__UDP_SPEAKING) {
        reef_buffer_unref(message->payload);
        return;
    }
    if (largest_datagram(message->payload) >
        listener->loop->server->config.max_datagram) {
        refuse(peer, message, REEF_E_RANGE);
        return;
    }
    if (is_peer_full(peer, size) || is_loop_full(listener->loop, size)) {
        flush_listener(listener);
    }
    if (is_loop_full(listener->loop, size)) {
        refuse(peer, message, REEF_E_LIMIT);
        return;
    }
    before = memory_of(&peer->outbox);
    if (reef__outbox_push(&peer->outbox, message->payload, message->message_class,
                          message->key) != REEF_OK) {
        reef__peer_failed(&peer->peer, REEF_E_LIMIT);
    }
    note_change(peer, before);
    enter_ring(peer);
}
