/*
 * One receive and one send per readiness of a socket, each for up to UDP_BATCH
 * datagrams.  What is sent is not copied: its mark is written into the batch, its body
 * is sent from the pattern.
 *
 * Sending blocks while the system has no room, which a server that reads makes soon.
 */
#include "udp.h"

#include "fail.h"
#include "process.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    MAX_EVENTS = 512,
    LOOKS = 4,          /* for lost datagrams, in the time that makes one lost */
    LOSS_SHARE = 100,   /* one in so many may be lost */
    PACKET_COST = 1024, /* of a datagram in a socket, more than its bytes */
    LEAST_BUFFER = 256 * 1024
};

static const uint64_t second_ns = 1000000000;

/* What one call sends, and what one receives. */
typedef struct udp_batch {
    size_t queued;
    struct mmsghdr out[UDP_BATCH], in[UDP_BATCH];
    struct iovec out_parts[UDP_BATCH][2], in_parts[UDP_BATCH];
    uint8_t marks[UDP_BATCH][PAYLOAD_MARK];
    uint8_t *received;
} udp_batch_t;

/* One byte more than is right shows what is too long. */
static udp_batch_t *make_batch(const payload_t *payload)
{
    udp_batch_t *batch = need_memory(1, sizeof(*batch));
    size_t size = payload->size + 1;

    batch->received = need_memory(UDP_BATCH, size);
    for (size_t i = 0; i < UDP_BATCH; i++) {
        batch->in_parts[i] = (struct iovec){batch->received + i * size, size};
        batch->in[i].msg_hdr.msg_iov = &batch->in_parts[i];
        batch->in[i].msg_hdr.msg_iovlen = 1;
        batch->out_parts[i][0] = (struct iovec){batch->marks[i], PAYLOAD_MARK};
        batch->out_parts[i][1].iov_len = payload->size - PAYLOAD_MARK;
        batch->out[i].msg_hdr.msg_iov = batch->out_parts[i];
        batch->out[i].msg_hdr.msg_iovlen = 2;
    }
    return batch;
}

static void set_limits(const udp_t *udp, int descriptor)
{
    uint64_t needed = udp->window * (udp->payload->size + PACKET_COST);
    int buffer = needed < LEAST_BUFFER ? LEAST_BUFFER
                 : needed < INT32_MAX  ? (int)needed
                                       : INT32_MAX;
    const struct timeval patience = {
        .tv_sec = (time_t)(udp->options->timeout_ns / second_ns),
        .tv_usec = (suseconds_t)(udp->options->timeout_ns % second_ns / 1000)};

    setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
    setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer));
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
}

static void open_socket(udp_t *udp, udp_socket_t *own)
{
    const target_t *target = &udp->options->target;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = own};
    int descriptor = socket(target->address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (descriptor < 0 || connect(descriptor, (const struct sockaddr *)&target->address,
                                  target->address_size) != 0) {
        fail("connection %u: no socket: %s", own->number, strerror(errno));
    }
    set_limits(udp, descriptor);
    if (epoll_ctl(udp->epoll, EPOLL_CTL_ADD, descriptor, &event) != 0) {
        fail("connection %u: epoll: %s", own->number, strerror(errno));
    }
    own->descriptor = descriptor;
}

void udp_init(udp_t *udp,
              const options_t *options,
              const payload_t *payload,
              uint64_t window,
              udp_answered_fn answered,
              void *context)
{
    *udp = (udp_t){.options = options,
                   .payload = payload,
                   .answered = answered,
                   .context = context,
                   .count = (uint32_t)options->connections,
                   .window = window,
                   .epoll = epoll_create1(EPOLL_CLOEXEC),
                   .batch = make_batch(payload)};
    process_need_descriptors(udp->count);
    if (udp->epoll < 0) {
        fail("no epoll: %s", strerror(errno));
    }
    udp->sockets = need_memory(udp->count, sizeof(*udp->sockets));
    for (uint32_t i = 0; i < udp->count; i++) {
        udp->sockets[i].number = i;
        udp->sockets[i].slots = need_memory(window, sizeof(udp_slot_t));
        open_socket(udp, &udp->sockets[i]);
    }
    udp->now_ns = udp->progress_ns = udp->looked_ns = clock_now_ns();
}

void udp_finish(udp_t *udp)
{
    for (uint32_t i = 0; i < udp->count; i++) {
        close(udp->sockets[i].descriptor);
        free(udp->sockets[i].slots);
    }
    close(udp->epoll);
    free(udp->sockets);
    free(udp->batch->received);
    free(udp->batch);
}

void udp_flush(udp_t *udp, udp_socket_t *socket)
{
    udp_batch_t *batch = udp->batch;
    size_t done = 0;

    while (done < batch->queued) {
        int count = sendmmsg(socket->descriptor, batch->out + done,
                             (unsigned)(batch->queued - done), 0);

        if (count < 0 && errno != EINTR) {
            fail("connection %u: cannot send: %s", socket->number, strerror(errno));
        }
        done += count > 0 ? (size_t)count : 0;
    }
    batch->queued = 0;
}

/* Queue what @p slot has, for the first time or once more. */
static void queue(udp_t *udp, udp_socket_t *socket, udp_slot_t *slot)
{
    udp_batch_t *batch = udp->batch;
    const uint8_t *body;

    if (batch->queued == UDP_BATCH) {
        udp_flush(udp, socket);
    }
    payload_mark(batch->marks[batch->queued], socket->number, slot->number);
    body = payload_body(udp->payload, socket->number, slot->number);
    batch->out_parts[batch->queued][1].iov_base = (void *)body; /* is only read */
    batch->queued++;
    slot->sent_ns = udp->now_ns;
    slot->turn = ++socket->turns;
}

static void lose(udp_t *udp, udp_slot_t *slot)
{
    slot->is_awaited = false;
    udp->counts.lost++;
    udp->in_flight--;
}

void udp_send(udp_t *udp, udp_socket_t *socket, uint64_t number, uint64_t due_ns)
{
    udp_slot_t *slot = &socket->slots[number % udp->window];

    if (slot->is_awaited) {
        lose(udp, slot);
    }
    *slot = (udp_slot_t){.number = number, .due_ns = due_ns, .is_awaited = true};
    udp->in_flight++;
    udp->counts.sent++;
    queue(udp, socket, slot);
}

/* An answer to a message that has its own already, or was given up. */
static void take_repeated(udp_t *udp, const udp_socket_t *socket, uint64_t number)
{
    const udp_slot_t *slot = &socket->slots[number % udp->window];

    if (slot->turn == 0 || slot->number < number) {
        fail("connection %u: message %llu came, which was not sent", socket->number,
             (unsigned long long)number);
    }
    if (++udp->counts.repeated > udp->counts.lost) {
        fail("connection %u: message %llu came twice", socket->number,
             (unsigned long long)number);
    }
}

static void take(udp_t *udp, udp_socket_t *socket, const uint8_t *data, size_t size)
{
    uint32_t from;
    uint64_t number;
    udp_slot_t *slot;
    size_t right;

    if (size != udp->payload->size) {
        fail("connection %u: a datagram came that is %s than the %zu bytes that were "
             "sent",
             socket->number, size > udp->payload->size ? "longer" : "shorter",
             udp->payload->size);
    }
    if (!payload_read_mark(data, &from, &number) || from != socket->number) {
        fail("connection %u: '%.12s…' came, which is none of its messages",
             socket->number, (const char *)data);
    }
    right = payload_compare(udp->payload, from, number, 0, data, size);
    if (right < size) {
        fail("connection %u, message %llu, byte %zu: 0x%02x came, 0x%02x was sent",
             from, (unsigned long long)number, right, data[right],
             payload_byte(udp->payload, from, number, right));
    }
    slot = &socket->slots[number % udp->window];
    if (!slot->is_awaited || slot->number != number) {
        take_repeated(udp, socket, number);
        return;
    }
    udp->counts.reordered += slot->turn < socket->last_turn;
    socket->last_turn = slot->turn > socket->last_turn ? slot->turn : socket->last_turn;
    slot->is_awaited = false;
    udp->in_flight--;
    udp->counts.answered++;
    udp->answered(udp->context, socket, number, slot->due_ns);
}

static void receive(udp_t *udp, udp_socket_t *socket)
{
    udp_batch_t *batch = udp->batch;
    unsigned most = udp->window < UDP_BATCH ? (unsigned)udp->window : UDP_BATCH;
    int count = recvmmsg(socket->descriptor, batch->in, most, MSG_DONTWAIT, NULL);

    if (count < 0 && errno != EAGAIN && errno != EINTR) {
        fail("connection %u: %s", socket->number, strerror(errno));
    }
    udp->now_ns = clock_now_ns();
    for (int i = 0; i < count; i++) {
        udp->progress_ns = udp->now_ns;
        take(udp, socket, batch->in_parts[i].iov_base, batch->in[i].msg_len);
    }
    udp_flush(udp, socket);
}

static void look_for_lost(udp_t *udp, udp_socket_t *socket)
{
    for (uint64_t i = 0; i < udp->window; i++) {
        udp_slot_t *slot = &socket->slots[i];

        if (!slot->is_awaited ||
            udp->now_ns - slot->sent_ns < udp->options->resend_ns) {
            continue;
        }
        lose(udp, slot);
        if (udp->is_resending) {
            slot->is_awaited = true;
            udp->in_flight++;
            queue(udp, socket, slot);
        }
    }
    udp_flush(udp, socket);
}

static void check_silence(const udp_t *udp)
{
    if (udp->now_ns - udp->progress_ns < udp->options->timeout_ns) {
        return;
    }
    for (uint32_t i = 0; i < udp->count; i++) {
        for (uint64_t j = 0; j < udp->window; j++) {
            if (udp->sockets[i].slots[j].is_awaited) {
                fail("the server was silent for %.3g s; waiting for message %llu on "
                     "connection %u, and %llu more",
                     (double)udp->options->timeout_ns / 1e9,
                     (unsigned long long)udp->sockets[i].slots[j].number, i,
                     (unsigned long long)udp->in_flight - 1);
            }
        }
    }
}

void udp_step(udp_t *udp, int timeout_ms)
{
    struct epoll_event events[MAX_EVENTS];
    int count = epoll_wait(udp->epoll, events, MAX_EVENTS, timeout_ms);

    for (int i = 0; i < count; i++) {
        if (events[i].data.ptr != NULL) {
            receive(udp, events[i].data.ptr);
        }
    }
    udp->now_ns = clock_now_ns();
    if (udp->in_flight == 0) {
        udp->progress_ns = udp->now_ns;
    }
    if (udp->now_ns - udp->looked_ns < udp->options->resend_ns / LOOKS) {
        return;
    }
    udp->looked_ns = udp->now_ns;
    check_silence(udp);
    for (uint32_t i = 0; i < udp->count && udp->in_flight > 0; i++) {
        look_for_lost(udp, &udp->sockets[i]);
    }
}

void udp_check_loss(const udp_t *udp)
{
    const udp_counts_t *counts = &udp->counts;

    if (counts->lost * LOSS_SHARE > counts->sent) {
        fail("%llu of %llu datagrams were lost, more than one in %u",
             (unsigned long long)counts->lost, (unsigned long long)counts->sent,
             LOSS_SHARE);
    }
}
