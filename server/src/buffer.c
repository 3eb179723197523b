/*
 * One allocation holds the counter, the headroom and the payload:
 *
 *     | references, size, … | headroom 11 | payload … | tail 0 or 1 |
 *                               └ frame header, right-aligned
 *
 * What a framing puts before and behind a payload is a pure function of kind and size,
 * so it is written when the buffer is made: nothing is ever changed afterwards, and
 * threads can share it.
 */
#include "buffer.h"

#include <reef/alloc.h>

#include "buffer_cache.h"
#include "codec/tcp_frame.h"
#include "codec/ws_frame.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

enum {
    HEADROOM = REEF__BUFFER_HEADROOM
};

static_assert(HEADROOM >= (int)REEF__WS_MAX_SERVER_HEAD &&
                  HEADROOM >= (int)REEF__TCP_MAX_HEAD,
              "the header fits");

static reef_buffer_t *allocate(size_t size, uint8_t tail_size)
{
    uint8_t memory_class;
    reef_buffer_t *buffer =
        reef__buffer_memory_take(sizeof(*buffer) + size + tail_size, &memory_class);

    assert(size <= UINT32_MAX);
    buffer->memory_class = memory_class;
    atomic_init(&buffer->references, 1);
    buffer->size = (uint32_t)size;
    buffer->kind = REEF_PAYLOAD_BINARY;
    buffer->head_size = 0;
    buffer->tail_size = tail_size;
    buffer->framing = REEF__FRAMING_RAW;
    return buffer;
}

static reef_buffer_t *copy_of(reef_span_t payload, uint8_t tail_size)
{
    reef_buffer_t *buffer = allocate(payload.size, tail_size);

    if (payload.size > 0) {
        memcpy(buffer->payload, payload.data, payload.size);
    }
    return buffer;
}

/* Bytes that come before a payload. */
static size_t head_size(reef__framing_t framing, uint32_t size)
{
    return framing == REEF__FRAMING_WEBSOCKET
               ? reef__ws_frame_header_size(size)
               : reef__tcp_frame_header_size(framing, size);
}

static void write_head(uint8_t *head,
                       reef__framing_t framing,
                       reef_payload_kind_t kind,
                       uint32_t size)
{
    if (framing == REEF__FRAMING_WEBSOCKET) {
        reef__ws_frame_header(
            head, kind == REEF_PAYLOAD_TEXT ? REEF__WS_OP_TEXT : REEF__WS_OP_BINARY,
            size);
    } else {
        reef__tcp_frame_header(head, framing, size);
    }
}

static uint8_t tail_size(reef__framing_t framing)
{
    return framing == REEF__FRAMING_LINES;
}

reef_buffer_t *reef__buffer_create_framed(reef__framing_t framing,
                                          reef_payload_kind_t kind,
                                          reef_span_t payload)
{
    reef_buffer_t *buffer = copy_of(payload, tail_size(framing));

    buffer->kind = (uint8_t)kind;
    buffer->framing = (uint8_t)framing;
    buffer->head_size = (uint8_t)head_size(framing, buffer->size);
    write_head(buffer->headroom + HEADROOM - buffer->head_size, framing, kind,
               buffer->size);
    if (buffer->tail_size > 0) {
        buffer->payload[buffer->size] = '\n';
    }
    return buffer;
}

reef_buffer_t *reef_buffer_create(reef_payload_kind_t kind, reef_span_t payload)
{
    return reef__buffer_create_framed(REEF__FRAMING_WEBSOCKET, kind, payload);
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
    reef_buffer_t *buffer = copy_of(payload, 0);

    buffer->framing = REEF__FRAMING_WEBSOCKET;
    buffer->head_size = (uint8_t)reef__ws_frame_header_size(buffer->size);
    reef__ws_frame_header(buffer->headroom + HEADROOM - buffer->head_size,
                          (reef__ws_opcode_t)opcode, buffer->size);
    return buffer;
}

reef_buffer_t *reef__buffer_blank(size_t size, uint8_t **bytes)
{
    reef_buffer_t *buffer = allocate(size, 0);

    *bytes = buffer->payload;
    return buffer;
}

reef_buffer_t *reef__buffer_raw(reef_span_t bytes)
{
    return copy_of(bytes, 0);
}

/* A bundle has no head of its own, so its counts lie in the headroom. */
reef_buffer_t *
reef__buffer_blank_bundle(reef__framing_t framing, size_t room, uint8_t **frames)
{
    reef_buffer_t *buffer = reef__buffer_blank(room, frames);

    buffer->kind = REEF__PAYLOAD_BUNDLE;
    buffer->framing = (uint8_t)framing;
    return buffer;
}

void reef__buffer_end_bundle(reef_buffer_t *buffer,
                             size_t size,
                             uint32_t message_count,
                             uint32_t payload_size)
{
    uint32_t counts[2] = {message_count, payload_size};

    static_assert(sizeof(counts) <= HEADROOM, "the counts fit");
    assert(size <= buffer->size);
    memcpy(buffer->headroom, counts, sizeof(counts));
    buffer->size = (uint32_t)size;
}

reef_buffer_t *reef__buffer_create_bundle(reef__framing_t framing,
                                          reef_span_t frames,
                                          uint32_t message_count,
                                          uint32_t payload_size)
{
    uint8_t *bytes;
    reef_buffer_t *buffer = reef__buffer_blank_bundle(framing, frames.size, &bytes);

    memcpy(bytes, frames.data, frames.size);
    reef__buffer_end_bundle(buffer, frames.size, message_count, payload_size);
    return buffer;
}

bool reef__buffer_is_bundle(const reef_buffer_t *buffer)
{
    return buffer->kind == REEF__PAYLOAD_BUNDLE;
}

void reef__buffer_count(const reef_buffer_t *buffer,
                        uint32_t *message_count,
                        uint32_t *payload_size)
{
    uint32_t counts[2] = {1, buffer->size};

    if (buffer->kind == REEF__PAYLOAD_BUNDLE) {
        memcpy(counts, buffer->headroom, sizeof(counts));
    }
    *message_count = counts[0];
    *payload_size = counts[1];
}

reef_buffer_t *reef_buffer_ref(reef_buffer_t *buffer)
{
    atomic_fetch_add_explicit(&buffer->references, 1, memory_order_relaxed);
    return buffer;
}

/* Release what this thread did with it, acquire what others did.  Who has the only
 * reference need not write that it has none: nobody else can take or release one. */
static bool release_last(reef_buffer_t *buffer)
{
    return atomic_load_explicit(&buffer->references, memory_order_acquire) == 1 ||
           atomic_fetch_sub_explicit(&buffer->references, 1, memory_order_acq_rel) == 1;
}

void reef_buffer_unref(reef_buffer_t *buffer)
{
    if (buffer != NULL && release_last(buffer)) {
        reef__buffer_memory_give(buffer,
                                 sizeof(*buffer) + buffer->size + buffer->tail_size,
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

size_t reef__buffer_frame_size(const reef_buffer_t *buffer, reef__framing_t framing)
{
    if (framing == reef__buffer_framing(buffer)) {
        return reef__buffer_frame(buffer).size;
    }
    return head_size(framing, buffer->size) + buffer->size + tail_size(framing);
}

uint8_t *reef__buffer_write_frame(const reef_buffer_t *buffer,
                                  reef__framing_t framing,
                                  uint8_t *out)
{
    if (framing == reef__buffer_framing(buffer)) {
        reef_span_t frame = reef__buffer_frame(buffer);

        memcpy(out, frame.data, frame.size);
        return out + frame.size;
    }
    write_head(out, framing, reef_buffer_kind(buffer), buffer->size);
    out += head_size(framing, buffer->size);
    memcpy(out, buffer->payload, buffer->size);
    out += buffer->size;
    if (tail_size(framing) > 0) {
        *out++ = '\n';
    }
    return out;
}
