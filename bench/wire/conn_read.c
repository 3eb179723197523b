/*
 * Bytes go through the response of the handshake, then through the frames.  A ping is
 * answered here; a close of the server's, or an end, is the mode's affair.
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
             conn->state == CONN_UPGRADING ? " during the handshake" : "");
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

/* TCP has no frames: messages are as long as those that were sent. */
static size_t
cut(const pool_t *pool, conn_t *conn, const uint8_t *data, size_t size, ws_piece_t *out)
{
    ws_decoder_t *decoder = &conn->decoder;
    bool is_first = decoder->left == 0;
    size_t part;

    decoder->left = is_first ? pool->payload->size : decoder->left;
    part = decoder->left < size ? (size_t)decoder->left : size;
    decoder->left -= part;
    *out = (ws_piece_t){.kind = WS_PIECE_DATA,
                        .opcode = pool->options->is_binary ? WS_BINARY : WS_TEXT,
                        .is_first = is_first,
                        .is_last = decoder->left == 0,
                        .data = data,
                        .size = part};
    return part;
}

static void take(pool_t *pool, conn_t *conn, const uint8_t *data, size_t size)
{
    bool is_websocket = pool->options->target.is_websocket;
    ws_piece_t piece;

    while (size > 0 && conn->state != CONN_CLOSED) {
        size_t taken = is_websocket ? ws_decode(&conn->decoder, data, size, &piece)
                                    : cut(pool, conn, data, size, &piece);

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

void conn_read(pool_t *pool, conn_t *conn)
{
    ssize_t got = recv(conn->descriptor, pool->in, pool->in_capacity, 0);
    const uint8_t *data = pool->in;
    size_t size = got > 0 ? (size_t)got : 0;

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
