/*
 * One allocation holds the counter, the headroom and the payload:
 *
 *     | references, size, … | headroom 13 | payload … |
 *                               └ frame header, right-aligned
 *
 * The WebSocket header is a pure function of kind and size, so it is written when the
 * buffer is made: nothing is ever changed afterwards, and threads can share it.
 */
#include "buffer.h"

#include <reef/alloc.h>

#include "buffer_cache.h"
#include "codec/ws_frame.h"

#include <assert.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

enum {
    HEADROOM = 13
};

struct reef_buffer {
    atomic_uint references;
    uint32_t size;       /* bytes of payload */
    uint8_t kind;        /* reef_payload_kind_t */
    uint8_t header_size; /* bytes of the WebSocket header before the payload */
    uint8_t memory_class;
    uint8_t headroom[HEADROOM];
    uint8_t payload[];
};

static_assert(HEADROOM >= (int)REEF__WS_MAX_SERVER_HEAD, "the header fits");

static reef_buffer_t *allocate(size_t size)
{
    uint8_t memory_class;
    reef_buffer_t *buffer =
        reef__buffer_memory_take(sizeof(*buffer) + size, &memory_class);

    assert(size <= UINT32_MAX);
    buffer->memory_class = memory_class;
    atomic_init(&buffer->references, 1);
    buffer->size = (uint32_t)size;
    buffer->kind = REEF_PAYLOAD_BINARY;
    buffer->header_size = 0;
    return buffer;
}

static void write_header(reef_buffer_t *buffer, reef__ws_opcode_t opcode)
{
    uint8_t header[REEF__WS_MAX_SERVER_HEAD];
    size_t size = reef__ws_frame_header(header, opcode, buffer->size);

    memcpy(buffer->headroom + HEADROOM - size, header, size);
    buffer->header_size = (uint8_t)size;
}

reef_buffer_t *reef_buffer_create(reef_payload_kind_t kind, reef_span_t payload)
{
    reef_buffer_t *buffer = allocate(payload.size);

    buffer->kind = (uint8_t)kind;
    if (payload.size > 0) {
        memcpy(buffer->payload, payload.data, payload.size);
    }
    write_header(buffer,
                 kind == REEF_PAYLOAD_TEXT ? REEF__WS_OP_TEXT : REEF__WS_OP_BINARY);
    return buffer;
}

reef_buffer_t *reef__buffer_format_v(const char *format, va_list args)
{
    reef_buffer_t *buffer;
    va_list again;
    char text[512];
    int size;

    va_copy(again, args);
    size = vsnprintf(text, sizeof(text), format, args);
    assert(size >= 0);
    if ((size_t)size < sizeof(text)) {
        buffer = reef_buffer_create(REEF_PAYLOAD_TEXT, reef_span(text, (size_t)size));
    } else {
        char *large = reef_resize(reef_alloc_default(), NULL, 0, (size_t)size + 1);

        vsnprintf(large, (size_t)size + 1, format, again);
        buffer = reef_buffer_create(REEF_PAYLOAD_TEXT, reef_span(large, (size_t)size));
        reef_resize(reef_alloc_default(), large, (size_t)size + 1, 0);
    }
    va_end(again);
    return buffer;
}

reef_buffer_t *reef_buffer_format(const char *format, ...)
{
    reef_buffer_t *buffer;
    va_list args;

    va_start(args, format);
    buffer = reef__buffer_format_v(format, args);
    va_end(args);
    return buffer;
}

reef_buffer_t *reef__buffer_websocket(uint8_t opcode, reef_span_t payload)
{
    reef_buffer_t *buffer = reef_buffer_create(REEF_PAYLOAD_BINARY, payload);

    write_header(buffer, (reef__ws_opcode_t)opcode);
    return buffer;
}

reef_buffer_t *reef__buffer_blank(size_t size, uint8_t **bytes)
{
    reef_buffer_t *buffer = allocate(size);

    *bytes = buffer->payload;
    return buffer;
}

reef_buffer_t *reef__buffer_raw(reef_span_t bytes)
{
    uint8_t *copy;
    reef_buffer_t *buffer = reef__buffer_blank(bytes.size, &copy);

    if (bytes.size > 0) {
        memcpy(copy, bytes.data, bytes.size);
    }
    return buffer;
}

reef_buffer_t *reef_buffer_ref(reef_buffer_t *buffer)
{
    atomic_fetch_add_explicit(&buffer->references, 1, memory_order_relaxed);
    return buffer;
}

void reef_buffer_unref(reef_buffer_t *buffer)
{
    /* Release what this thread did with it, acquire what others did, then free. */
    if (buffer != NULL &&
        atomic_fetch_sub_explicit(&buffer->references, 1, memory_order_acq_rel) == 1) {
        reef__buffer_memory_give(buffer, sizeof(*buffer) + buffer->size,
                                 buffer->memory_class);
    }
}

reef_payload_kind_t reef_buffer_kind(const reef_buffer_t *buffer)
{
    return (reef_payload_kind_t)buffer->kind;
}

reef_span_t reef_buffer_payload(const reef_buffer_t *buffer)
{
    return reef_span(buffer->payload, buffer->size);
}

reef_span_t reef__buffer_websocket_frame(const reef_buffer_t *buffer)
{
    return reef_span(buffer->payload - buffer->header_size,
                     (size_t)buffer->header_size + buffer->size);
}
