/* Opening, sending and the end of a connection; conn_read.c has what comes in. */
#include "conn.h"

#include "conn_read.h"
#include "fail.h"
#include "process.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    STALLED_BUFFER = 4096,
    STALLED_SEGMENT = 536
};

/* One address of the loopback network after the other, each with ports of its own. */
static void choose_source(const pool_t *pool, const conn_t *conn)
{
    struct sockaddr_in source = {.sin_family = AF_INET};
    uint32_t place = conn->number / POOL_PER_SOURCE % pool->sources;
    int on = 1;

    source.sin_addr.s_addr = htonl(INADDR_LOOPBACK + place);
    setsockopt(conn->descriptor, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
    if (bind(conn->descriptor, (struct sockaddr *)&source, sizeof(source)) != 0) {
        fail("connection %u: cannot bind to 127.0.0.%u: %s", conn->number, place + 1,
             strerror(errno));
    }
}

/* Have the server notice soon: its own buffer follows the size of a segment, which is
 * 64 KiB on the loopback network, as it is nowhere else. */
static void shorten(const conn_t *conn)
{
    int buffer = STALLED_BUFFER, segment = STALLED_SEGMENT;

    setsockopt(conn->descriptor, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
    setsockopt(conn->descriptor, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof(segment));
}

void conn_open(pool_t *pool, conn_t *conn)
{
    const target_t *target = &pool->options->target;
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.ptr = conn};
    int on = 1;

    conn->descriptor = socket(target->address.ss_family,
                              SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (conn->descriptor < 0) {
        fail("connection %u: no socket: %s", conn->number, strerror(errno));
    }
    setsockopt(conn->descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (conn->is_stalled) {
        shorten(conn);
    }
    if (pool->sources > 1) {
        choose_source(pool, conn);
    }
    conn->state = CONN_CONNECTING;
    conn->awaits_output = true;
    pool->opening_count++;
    if (connect(conn->descriptor, (const struct sockaddr *)&target->address,
                target->address_size) != 0 &&
        errno != EINPROGRESS) {
        fail("connection %u: cannot connect: %s", conn->number, strerror(errno));
    }
    if (epoll_ctl(pool->epoll, EPOLL_CTL_ADD, conn->descriptor, &event) != 0) {
        fail("connection %u: epoll: %s", conn->number, strerror(errno));
    }
}

void conn_close(pool_t *pool, conn_t *conn)
{
    if (conn->state == CONN_CLOSED) {
        return;
    }
    pool->opening_count -= conn->state == CONN_CONNECTING ||
                           conn->state == CONN_SECURING ||
                           conn->state == CONN_UPGRADING;
    pool->open_count -= conn->state == CONN_OPEN || conn->state == CONN_CLOSING;
    close(conn->descriptor);
    tls_close(pool->tls, conn->tls);
    free(conn->pending);
    free(conn->handshake);
    free(conn->envelope.first);
    conn->descriptor = -1;
    conn->state = CONN_CLOSED;
    conn->pending = NULL;
    conn->pending_start = conn->pending_end = 0;
    conn->tls = NULL;
    conn->handshake = NULL;
    conn->envelope = (envelope_t){0};
    conn->decoder = (ws_decoder_t){0};
    conn->frames = (frame_decoder_t){0};
    conn->position = 0;
}

void conn_end(pool_t *pool, conn_t *conn)
{
    static const uint8_t normal[] = {1000 >> 8, 1000 & 0xff};

    conn->state = CONN_CLOSING;
    if (pool->options->target.framing == FRAMING_WEBSOCKET) {
        conn_send(pool, conn, WS_CLOSE, normal, sizeof(normal));
        conn_flush(pool, conn);
        return;
    }
    if (conn->tls != NULL) {
        tls_end(pool->tls, conn->tls);
        conn_transmit(pool, conn);
    }
    shutdown(conn->descriptor, SHUT_WR);
}

void conn_stall(pool_t *pool, conn_t *conn)
{
    epoll_ctl(pool->epoll, EPOLL_CTL_DEL, conn->descriptor, NULL);
}

uint64_t conn_unread(const conn_t *conn)
{
    int size = 0;

    return ioctl(conn->descriptor, FIONREAD, &size) == 0 ? (uint64_t)size : 0;
}

static void await_output(pool_t *pool, conn_t *conn, bool awaits)
{
    struct epoll_event event = {.events = EPOLLIN | (awaits ? EPOLLOUT : 0u),
                                .data.ptr = conn};

    if (conn->awaits_output != awaits) {
        epoll_ctl(pool->epoll, EPOLL_CTL_MOD, conn->descriptor, &event);
        conn->awaits_output = awaits;
    }
}

/* As much as the socket takes; an error shows when the connection is read. */
static size_t write_some(const conn_t *conn, const uint8_t *data, size_t size)
{
    ssize_t written = send(conn->descriptor, data, size, MSG_NOSIGNAL);

    return written > 0 ? (size_t)written : 0;
}

static void keep(conn_t *conn, const uint8_t *data, size_t size)
{
    size_t kept = conn->pending_end - conn->pending_start;
    uint8_t *memory = need_memory(kept + size, 1);

    if (conn->pending != NULL) {
        memcpy(memory, conn->pending + conn->pending_start, kept);
    }
    memcpy(memory + kept, data, size);
    free(conn->pending);
    conn->pending = memory;
    conn->pending_start = 0;
    conn->pending_end = kept + size;
}

static void transmit(pool_t *pool, conn_t *conn, const uint8_t *data, size_t size)
{
    size_t written = 0;

    if (size > 0 && conn->pending == NULL) {
        written = write_some(conn, data, size);
    }
    if (written < size) {
        keep(conn, data + written, size - written);
        await_output(pool, conn, true);
    }
}

void conn_transmit(pool_t *pool, conn_t *conn)
{
    size_t size;
    const uint8_t *data = tls_take_output(pool->tls, &size);

    transmit(pool, conn, data, size);
}

void conn_flush(pool_t *pool, conn_t *conn)
{
    size_t size = pool->out_size;

    pool->out_size = 0;
    if (size == 0 || conn->state == CONN_CLOSED) {
        return;
    }
    if (conn->tls != NULL) {
        tls_write(pool->tls, conn->tls, pool->out, size);
        conn_transmit(pool, conn);
    } else {
        transmit(pool, conn, pool->out, size);
    }
}

static void write_pending(pool_t *pool, conn_t *conn)
{
    conn->pending_start += write_some(conn, conn->pending + conn->pending_start,
                                      conn->pending_end - conn->pending_start);
    if (conn->pending_start == conn->pending_end) {
        free(conn->pending);
        conn->pending = NULL;
        conn->pending_start = conn->pending_end = 0;
        await_output(pool, conn, false);
    }
}

static uint8_t *reserve(pool_t *pool, conn_t *conn, size_t size)
{
    if (pool->out_capacity - pool->out_size < size + WS_MAX_HEAD) {
        conn_flush(pool, conn);
    }
    if (pool->out_capacity < size + WS_MAX_HEAD) {
        fail("a message of %zu bytes is too long", size);
    }
    return pool->out + pool->out_size;
}

static void next_mask(pool_t *pool, uint8_t mask[4])
{
    pool->random ^= pool->random << 13;
    pool->random ^= pool->random >> 7;
    pool->random ^= pool->random << 17;
    memcpy(mask, &pool->random, 4);
}

void conn_send_payload(pool_t *pool, conn_t *conn, uint32_t sender, uint64_t number)
{
    size_t size = pool->payload->size, body = size - PAYLOAD_MARK;
    const uint8_t *text = payload_body(pool->payload, sender, number);
    uint8_t *start = reserve(pool, conn, size), *out = start;
    framing_t framing = pool->options->target.framing;
    uint8_t mark[PAYLOAD_MARK], mask[4];

    if (framing == FRAMING_WEBSOCKET) {
        payload_mark(mark, sender, number);
        next_mask(pool, mask);
        out += ws_write_head(out, pool->options->is_binary ? WS_BINARY : WS_TEXT, size,
                             mask);
        ws_mask(out, mark, PAYLOAD_MARK, mask);
        ws_mask(out + PAYLOAD_MARK, text, body, mask);
    } else {
        out += frame_write_head(framing, out, size);
        payload_mark(out, sender, number);
        memcpy(out + PAYLOAD_MARK, text, body);
        out += frame_write_tail(framing, out + size);
    }
    pool->out_size += (size_t)(out - start) + size;
}

void conn_send(
    pool_t *pool, conn_t *conn, uint8_t opcode, const void *data, size_t size)
{
    uint8_t *start = reserve(pool, conn, size), *out = start, mask[4];
    framing_t framing = pool->options->target.framing;

    if (framing == FRAMING_WEBSOCKET) {
        next_mask(pool, mask);
        out += ws_write_head(out, opcode, size, mask);
        ws_mask(out, data, size, mask);
    } else {
        out += frame_write_head(framing, out, size);
        memcpy(out, data, size);
        out += frame_write_tail(framing, out + size);
    }
    pool->out_size += (size_t)(out - start) + size;
}

void conn_established(pool_t *pool, conn_t *conn)
{
    uint8_t seed[16];

    if (pool->options->target.framing != FRAMING_WEBSOCKET) {
        conn_opened(pool, conn);
        return;
    }
    for (size_t i = 0; i < sizeof(seed); i += 4) {
        next_mask(pool, seed + i);
    }
    conn->state = CONN_UPGRADING;
    conn->handshake = need_memory(1, sizeof(*conn->handshake));
    ws_key(conn->handshake->key, seed);
    reserve(pool, conn, WS_MAX_REQUEST);
    pool->out_size += ws_request((char *)pool->out + pool->out_size,
                                 &pool->options->target, conn->handshake->key);
    conn_flush(pool, conn);
}

static void connected(pool_t *pool, conn_t *conn)
{
    const target_t *target = &pool->options->target;
    socklen_t size = sizeof(int);
    int error = 0;

    getsockopt(conn->descriptor, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) {
        fail("connection %u: cannot connect to %s port %u: %s", conn->number,
             target->host, target->port, strerror(error));
    }
    await_output(pool, conn, false);
    if (target->is_tls) {
        conn->state = CONN_SECURING;
        conn->tls = tls_open(pool->tls, pool->options->is_resuming);
        conn_secure(pool, conn);
    } else {
        conn_established(pool, conn);
    }
}

void conn_ready(pool_t *pool, conn_t *conn, uint32_t events)
{
    if (conn->state == CONN_CONNECTING) {
        connected(pool, conn);
        return;
    }
    if ((events & EPOLLOUT) != 0 && conn->pending != NULL) {
        write_pending(pool, conn);
    }
    if ((events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0) {
        conn_read(pool, conn);
    }
}
