/*
 * Frames are written by the codecs that write those of single messages, so the two
 * cannot differ.  Without a framing a message lies in its bundle behind a word of this
 * machine's own, which never leaves it:
 *
 *     | size, 31 bits · binary, 1 bit | payload … |
 */
#include "message_bundle.h"

#include "buffer.h"
#include "codec/tcp_frame.h"
#include "codec/ws_frame.h"

#include <assert.h>
#include <string.h>

static_assert(REEF_FRAMING_COUNT == REEF__FRAMING_COUNT + 1, "parts, and all others");

enum {
    PART_HEAD = sizeof(uint32_t)
};

#define PART_BINARY (UINT32_C(1) << 31)

static size_t write_part_head(uint8_t *out, reef_payload_kind_t kind, uint32_t size)
{
    uint32_t word = size | (kind == REEF_PAYLOAD_BINARY ? PART_BINARY : 0);

    memcpy(out, &word, sizeof(word));
    return PART_HEAD;
}

static size_t write_head(reef__framing_t framing,
                         reef_payload_kind_t kind,
                         uint32_t size,
                         uint8_t *out)
{
    switch (framing) {
    case REEF__FRAMING_WEBSOCKET:
        return reef__ws_frame_header(
            out, kind == REEF_PAYLOAD_TEXT ? REEF__WS_OP_TEXT : REEF__WS_OP_BINARY,
            size);
    case REEF__FRAMING_NONE:
        return write_part_head(out, kind, size);
    default:
        return reef__tcp_frame_header(out, framing, size);
    }
}

size_t reef_frame_size(reef_framing_t framing, size_t size)
{
    uint8_t head[REEF__WS_MAX_SERVER_HEAD];

    static_assert(sizeof(head) >= (size_t)REEF__TCP_MAX_HEAD, "the largest");
    assert(framing < REEF_FRAMING_COUNT && size < PART_BINARY);
    return write_head(reef__framing_of(framing), REEF_PAYLOAD_BINARY, (uint32_t)size,
                      head) +
           size + (reef__framing_of(framing) == REEF__FRAMING_LINES);
}

uint8_t *reef_frame_write(reef_framing_t framing,
                          reef_payload_kind_t kind,
                          reef_span_t payload,
                          uint8_t *out)
{
    assert(framing < REEF_FRAMING_COUNT && payload.size < PART_BINARY);
    out += write_head(reef__framing_of(framing), kind, (uint32_t)payload.size, out);
    if (payload.size > 0) {
        memcpy(out, payload.data, payload.size);
    }
    out += payload.size;
    if (reef__framing_of(framing) == REEF__FRAMING_LINES) {
        *out++ = '\n';
    }
    return out;
}

bool reef__part_next(reef_span_t *frames, reef__part_t *part)
{
    uint32_t word;
    size_t size;

    if (frames->size == 0) {
        return false;
    }
    assert(frames->size >= PART_HEAD);
    memcpy(&word, frames->data, sizeof(word));
    size = word & ~PART_BINARY;
    assert(size <= frames->size - PART_HEAD && "a bundle holds whole frames");
    part->kind = (word & PART_BINARY) != 0 ? REEF_PAYLOAD_BINARY : REEF_PAYLOAD_TEXT;
    part->payload = reef_span(frames->data + PART_HEAD, size);
    *frames = reef_span_skip(*frames, PART_HEAD + size);
    return true;
}

reef_buffer_t *reef_message_bundle_create(const reef_message_bundle_t *bundle)
{
    assert(bundle->framing < REEF_FRAMING_COUNT);
    assert(bundle->message_count > 0 && bundle->frames.size > 0);
    return reef__buffer_create_bundle(
        reef__framing_of(bundle->framing), bundle->frames, bundle->message_count,
        bundle->payload_size != 0 ? bundle->payload_size
                                  : (uint32_t)bundle->frames.size);
}

reef_buffer_t *
reef_message_bundle_blank(reef_framing_t framing, size_t room, uint8_t **frames)
{
    assert(framing < REEF_FRAMING_COUNT && room > 0);
    return reef__buffer_blank_bundle(reef__framing_of(framing), room, frames);
}

void reef_message_bundle_end(reef_buffer_t *buffer,
                             size_t size,
                             uint32_t message_count,
                             uint32_t payload_size)
{
    assert(message_count > 0 && size > 0);
    reef__buffer_end_bundle(buffer, size, message_count, payload_size);
}

void reef_send_bundle(reef_run_t *run,
                      reef_entity_t target,
                      const reef_message_bundle_t *bundle)
{
    if (bundle->frames.size > 0) {
        (void)REEF_EMIT(run, send_message, .target = target,
                        .payload = reef_message_bundle_create(bundle),
                        .key = bundle->key, .message_class = bundle->message_class);
    }
}
