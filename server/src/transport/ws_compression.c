/*
 * Compressing what is sent (RFC 7692).  A connection without a window of its own gets
 * the same bytes as all others like it, so the message compressed last is kept: a
 * broadcast is compressed once.  With a window every message is compressed for its
 * connection, in the order in which it is sent; so those that may be dropped or
 * replaced while they wait, and would leave a hole in that order, go out as they are.
 * So do bundles, which are frames already: an uncompressed message touches no window.
 */
#include "transport/ws.h"

#include "app.h"
#include "buffer.h"

static reef_buffer_t *compress(reef__ws_deflate_t *deflate, reef_buffer_t *payload)
{
    const reef_alloc_t *alloc = reef_alloc_default();
    reef_span_t bytes = reef_buffer_payload(payload);
    size_t bound = reef__ws_deflate_bound(bytes.size);
    uint8_t *out = reef_resize(alloc, NULL, 0, bound);
    size_t size = reef__ws_deflate_compress(deflate, bytes, out);
    reef__ws_opcode_t opcode = reef_buffer_kind(payload) == REEF_PAYLOAD_TEXT
                                   ? REEF__WS_OP_TEXT
                                   : REEF__WS_OP_BINARY;
    reef_buffer_t *frame =
        size > 0 ? reef__buffer_websocket((uint8_t)(opcode | REEF__WS_RSV1),
                                          reef_span(out, size))
                 : reef_buffer_ref(payload);

    reef_resize(alloc, out, bound, 0);
    return frame;
}

static void forget(reef__ws_loop_t *loop)
{
    reef_buffer_unref(loop->compressed.payload);
    reef_buffer_unref(loop->compressed.frame);
    loop->compressed.payload = NULL;
    loop->compressed.frame = NULL;
}

/* One reference, the caller's. */
static reef_buffer_t *
compress_shared(reef__ws_connection_t *connection, reef_buffer_t *payload, uint32_t key)
{
    reef__ws_loop_t *loop = connection->loop;

    if (loop->compressed.payload != payload || loop->compressed.key != key) {
        forget(loop);
        loop->compressed.payload = reef_buffer_ref(payload);
        loop->compressed.frame = compress(connection->reader.deflate, payload);
        loop->compressed.key = key;
    }
    return reef_buffer_ref(loop->compressed.frame);
}

reef_buffer_t *reef__ws_compress(reef__ws_connection_t *connection,
                                 reef_buffer_t *payload,
                                 uint8_t message_class)
{
    reef__ws_deflate_t *deflate = connection->reader.deflate;
    size_t size = reef_buffer_payload(payload).size;
    reef_buffer_t *frame;
    uint32_t key;

    if (deflate == NULL || reef__buffer_is_bundle(payload) ||
        !reef__ws_deflate_wants(deflate, size)) {
        return payload;
    }
    key = reef__ws_deflate_share_key(deflate, size);
    if (key == 0 && message_class != REEF_RELIABLE) {
        return payload;
    }
    frame = key != 0 ? compress_shared(connection, payload, key)
                     : compress(deflate, payload);
    reef_buffer_unref(payload);
    return frame;
}

void reef__ws_compression_finish(reef__ws_loop_t *loop)
{
    forget(loop);
    reef__ws_deflate_shared_destroy(loop->deflate);
    loop->deflate = NULL;
}
