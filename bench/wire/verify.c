/* Pieces are compared where they lie; conn->position is how far the message is right.
 */
#include "verify.h"

#include "fail.h"

#include <stdlib.h>
#include <string.h>

enum {
    MAX_ENVELOPE = 1024
};

/* The mark of another message in place of this one tells more than a byte does. */
static void fail_if_other(const conn_t *conn, uint32_t sender, const ws_piece_t *piece)
{
    uint32_t from;
    uint64_t number;

    if (conn->position != 0 || piece->size < PAYLOAD_MARK ||
        !payload_read_mark(piece->data, &from, &number) ||
        (from == sender && number == conn->received)) {
        return;
    }
    fail("connection %u: message %llu of connection %u came in place of message %llu "
         "of connection %u",
         conn->number, (unsigned long long)number, from,
         (unsigned long long)conn->received, sender);
}

REEF_NORETURN static void
fail_size(const pool_t *pool, const conn_t *conn, const char *how)
{
    fail("connection %u, message %llu: it is %s than the %zu bytes that were sent",
         conn->number, (unsigned long long)conn->received, how, pool->payload->size);
}

static void
check(const pool_t *pool, conn_t *conn, uint32_t sender, const ws_piece_t *piece)
{
    size_t right = payload_compare(pool->payload, sender, conn->received,
                                   conn->position, piece->data, piece->size);

    if (right < piece->size) {
        fail_if_other(conn, sender, piece);
        fail("connection %u, message %llu, byte %zu: 0x%02x came, 0x%02x was sent",
             conn->number, (unsigned long long)conn->received, conn->position + right,
             piece->data[right],
             payload_byte(pool->payload, sender, conn->received,
                          conn->position + right));
    }
    conn->position += piece->size;
}

static bool count(conn_t *conn)
{
    conn->received++;
    conn->position = 0;
    return true;
}

bool verify_piece(const pool_t *pool,
                  conn_t *conn,
                  uint32_t sender,
                  const ws_piece_t *piece)
{
    uint8_t opcode = pool->options->is_binary ? WS_BINARY : WS_TEXT;

    if (conn->position + piece->size > pool->payload->size) {
        fail_size(pool, conn, "longer");
    }
    if (piece->opcode != opcode) {
        fail("connection %u, message %llu: it came as %s", conn->number,
             (unsigned long long)conn->received, opcode == WS_TEXT ? "binary" : "text");
    }
    check(pool, conn, sender, piece);
    if (!piece->is_last) {
        return false;
    }
    if (conn->position < pool->payload->size) {
        fail_size(pool, conn, "shorter");
    }
    return count(conn);
}

static void
learn(const pool_t *pool, conn_t *conn, uint32_t sender, const ws_piece_t *whole)
{
    envelope_t *envelope = &conn->envelope;
    uint8_t mark[PAYLOAD_MARK];
    const uint8_t *at;

    payload_mark(mark, sender, conn->received);
    at = memmem(whole->data, whole->size, mark, sizeof(mark));
    if (at == NULL) {
        fail("connection %u: '%.*s' came in place of message %llu of connection %u",
             conn->number, (int)(whole->size < 64 ? whole->size : 64),
             (const char *)whole->data, (unsigned long long)conn->received, sender);
    }
    envelope->before = (uint32_t)(at - whole->data);
    if (envelope->before + pool->payload->size > whole->size) {
        fail_size(pool, conn, "shorter");
    }
    envelope->after = (uint32_t)(whole->size - pool->payload->size - envelope->before);
    envelope->is_known = true;
}

/* Bytes of the piece that lie within [from, to) of the message. */
static ws_piece_t
part_of(const ws_piece_t *piece, size_t position, size_t from, size_t to)
{
    size_t end = position + piece->size;
    size_t first = from > position ? from : position;
    size_t last = to < end ? to : end;
    ws_piece_t part = *piece;

    part.data += first - position;
    part.size = last > first ? last - first : 0;
    return part;
}

static bool check_enveloped(const pool_t *pool,
                            conn_t *conn,
                            uint32_t sender,
                            const ws_piece_t *piece)
{
    size_t position = conn->position, before = conn->envelope.before;
    size_t size = pool->payload->size, end = position + piece->size;
    ws_piece_t part = part_of(piece, position, before, before + size);

    if (end > before + size + conn->envelope.after) {
        fail_size(pool, conn, "longer");
    }
    if (part.size > 0) { /* count as the payload does */
        conn->position = position > before ? position - before : 0;
        check(pool, conn, sender, &part);
    }
    conn->position = end;
    if (!piece->is_last) {
        return false;
    }
    if (end < before + size + conn->envelope.after) {
        fail_size(pool, conn, "shorter");
    }
    return count(conn);
}

/* Collect the first message, which tells where the sender's bytes are. */
static bool first_message(const pool_t *pool,
                          conn_t *conn,
                          uint32_t sender,
                          const ws_piece_t *piece)
{
    envelope_t *envelope = &conn->envelope;
    ws_piece_t whole = *piece;
    bool is_complete;

    if (envelope->first_size + piece->size > pool->payload->size + MAX_ENVELOPE) {
        fail_size(pool, conn, "much longer");
    }
    if (!piece->is_last || envelope->first != NULL) {
        if (envelope->first == NULL) {
            envelope->first = need_memory(pool->payload->size + MAX_ENVELOPE, 1);
        }
        memcpy(envelope->first + envelope->first_size, piece->data, piece->size);
        envelope->first_size += piece->size;
        whole.data = envelope->first;
        whole.size = envelope->first_size;
    }
    if (!piece->is_last) {
        return false;
    }
    learn(pool, conn, sender, &whole);
    is_complete = check_enveloped(pool, conn, sender, &whole);
    free(envelope->first);
    envelope->first = NULL;
    return is_complete;
}

bool verify_enveloped(const pool_t *pool,
                      conn_t *conn,
                      uint32_t sender,
                      const ws_piece_t *piece)
{
    return conn->envelope.is_known ? check_enveloped(pool, conn, sender, piece)
                                   : first_message(pool, conn, sender, piece);
}
