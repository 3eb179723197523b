/*
 * Bytes go through TLS where there is some, through the response of the handshake, then
 * through the frames.  A ping is answered here; a close of the server's, or an end, is
 * the mode's affair.
 */
#include "conn_read.h"

#include "conn.h"
#include "fail.h"
#include "process.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

void conn_opened(pool_t *pool, conn_t *conn)
{
    conn->state = CONN_OPEN;
    pool->opening_count--;
    pool->open_count++;
    pool->progress_ns = clock_now_ns();
    if (pool->handler.opened != NULL) {
        pool->handler.opened(pool->handler.context, conn);
    }
}

static void ended(pool_t *pool, conn_t *conn, const char *why)
{
    if (conn->state == CONN_CLOSING) {
        conn_close(pool, conn);
    } else if (conn->state == CONN_OPEN && pool->handler.ended != NULL) {
        pool->handler.ended(pool->handler.context, conn, why);
        conn_close(pool, conn);
    } else {
        fail("connection %u: %s%s", conn->number, why,
             conn->state == CONN_UPGRADING  ? " during the handshake"
             : conn->state == CONN_SECURING ? " during the handshake of TLS"
                                            : "");
    }
}

/* A close frame says why. */
static void closed(pool_t *pool, conn_t *conn, const ws_piece_t *piece)
{
    char why[192];
    unsigned code = piece->size >= 2 ? piece->data[0] * 256u + piece->data[1] : 1005;
    int size = piece->size > 2 ? (int)piece->size - 2 : 0;

    snprintf(why, sizeof(why), "the server closed with code %u%s%.*s", code,
             size > 0 ? ": " : "", size, size > 0 ? (const char *)piece->data + 2 : "");
    ended(pool, conn, why);
}

static void take_control(pool_t *pool, conn_t *conn, const ws_piece_t *piece)
{
    if (piece->opcode == WS_CLOSE) {
        closed(pool, conn, piece);
    } else if (piece->opcode == WS_PING && conn->state == CONN_OPEN) {
        conn_send(pool, conn, WS_PONG, piece->data, piece->size);
        conn_flush(pool, conn);
    }
}

/* TCP has no text and no binary: what comes is taken for what was sent. */
static size_t decode(
    const pool_t *pool, conn_t *conn, const uint8_t *data, size_t size, ws_piece_t *out)
{
    framing_t framing = pool->options->target.framing;
    size_t taken;

    if (framing == FRAMING_WEBSOCKET) {
        return ws_decode(&conn->decoder, data, size, out);
    }
    taken = frame_decode(&conn->frames, framing, pool->payload->size, data, size, out);
    out->opcode = pool->options->is_binary ? WS_BINARY : WS_TEXT;
    return taken;
}

static void take(pool_t *pool, conn_t *conn, const uint8_t *data, size_t size)
{
    ws_piece_t piece;

    while (size > 0 && conn->state != CONN_CLOSED) {
        size_t taken = decode(pool, conn, data, size, &piece);

        data += taken;
        size -= taken;
        switch (piece.kind) {
        case WS_PIECE_DATA:
            pool->handler.take(pool->handler.context, conn, &piece);
            break;
        case WS_PIECE_CONTROL:
            take_control(pool, conn, &piece);
            break;
        case WS_PIECE_BROKEN:
            fail("connection %u, after message %llu: the server broke the protocol: %s",
                 conn->number, (unsigned long long)conn->received, piece.error);
        case WS_PIECE_NONE:
            break;
        }
    }
}

/* Collects the head of the response; returns how many bytes were of it. */
static size_t
take_response(pool_t *pool, conn_t *conn, const uint8_t *data, size_t size)
{
    handshake_t *handshake = conn->handshake;
    size_t before = handshake->size, room = sizeof(handshake->text) - 1 - before;
    size_t part = size < room ? size : room;
    const char *error, *end;

    memcpy(handshake->text + before, data, part);
    handshake->size += part;
    handshake->text[handshake->size] = '\0';
    end = strstr(handshake->text, "\r\n\r\n");
    if (end == NULL) {
        if (part < size) {
            fail("connection %u: the response to the handshake has no end",
                 conn->number);
        }
        return part;
    }
    part = (size_t)(end + 4 - handshake->text) - before;
    handshake->text[end - handshake->text] = '\0';
    error = ws_check_response(handshake->text, handshake->key);
    if (error != NULL) {
        fail("connection %u: the server refused: %s ('%.60s')", conn->number, error,
             handshake->text);
    }
    free(handshake);
    conn->handshake = NULL;
    conn_opened(pool, conn);
    return part;
}

/* These bytes came, in the clear. */
static void received(pool_t *pool, conn_t *conn, const uint8_t *data, size_t size)
{
    if (conn->state == CONN_UPGRADING) {
        size_t taken = take_response(pool, conn, data, size);

        data += taken;
        size -= taken;
    }
    if (size > 0 && conn->state != CONN_CLOSED) {
        take(pool, conn, data, size);
        if (conn->state == CONN_OPEN && pool->handler.read_end != NULL) {
            pool->handler.read_end(pool->handler.context, conn);
        }
    }
}

void conn_secure(pool_t *pool, conn_t *conn)
{
    tls_progress_t progress = tls_handshake(pool->tls, conn->tls, &pool->facts);

    if (progress == TLS_READY) {
        conn_established(pool, conn);
    } else if (progress != TLS_WAITING) {
        fail("connection %u: TLS: %s", conn->number, tls_error(pool->tls));
    }
    if (conn->state != CONN_CLOSED) {
        conn_transmit(pool, conn);
    }
}

/* All records of one read are taken together, as their messages were sent. */
static void received_tls(pool_t *pool, conn_t *conn, const uint8_t *data, size_t size)
{
    tls_progress_t progress = TLS_WAITING;

    tls_feed(pool->tls, data, size);
    if (conn->state == CONN_SECURING) {
        conn_secure(pool, conn);
    }
    do {
        size = conn->state == CONN_SECURING || conn->state == CONN_CLOSED
                   ? 0
                   : tls_read(pool->tls, conn->tls, pool->plain, pool->in_capacity,
                              &progress);
        if (size > 0) {
            received(pool, conn, pool->plain, size);
        }
    } while (size > 0);
    if (conn->state == CONN_CLOSED) {
        return;
    }
    conn_transmit(pool, conn); /* what reading gave rise to, such as new keys */
    if (progress == TLS_BROKEN) {
        fail("connection %u, after message %llu: TLS: %s", conn->number,
             (unsigned long long)conn->received, tls_error(pool->tls));
    } else if (progress == TLS_ENDED) {
        ended(pool, conn, "the server closed the connection");
    }
}

void conn_read(pool_t *pool, conn_t *conn)
{
    ssize_t got = recv(conn->descriptor, pool->in, pool->in_capacity, 0);

    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (got <= 0) {
        ended(pool, conn,
              got == 0 ? "the server closed the connection" : strerror(errno));
        return;
    }
    pool->now_ns = clock_now_ns();
    pool->progress_ns = pool->now_ns;
    if (conn->tls != NULL) {
        received_tls(pool, conn, pool->in, (size_t)got);
    } else {
        received(pool, conn, pool->in, (size_t)got);
    }
}
