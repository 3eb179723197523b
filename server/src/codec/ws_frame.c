/*
 * The short way in and out.  Whole short messages, which are most, are read here; all
 * else goes through the steps of ws_frame_steps.c, and so does what is wrong with one.
 */
#include "codec/ws_frame.h"

#include "codec/ws_frame_steps.h"

enum {
    MAX_REASON = REEF__WS_MAX_CONTROL - 2,
};

void reef__ws_limits_resolve(reef__ws_limits_t *limits)
{
    const uint32_t ceiling = UINT32_C(1) << 31;

    if (limits->alloc == NULL) {
        limits->alloc = reef_alloc_default();
    }
    if (limits->max_message == 0) {
        limits->max_message = 2U << 20;
    }
    if (limits->max_frame == 0) {
        limits->max_frame = limits->max_message;
    }
    if (limits->max_fragments == 0) {
        limits->max_fragments = 131072;
    }
    assert(limits->max_message <= ceiling && limits->max_frame <= ceiling);
}

/* Most of what clients send: a message in one frame of less than 64 KiB, uncompressed,
 * that lies whole in the input with nothing unfinished before it.  Anything else, and
 * everything that is wrong with the frame, is left to the steps. */
static bool read_whole(reef__ws_reader_t *reader,
                       const reef__ws_limits_t *limits,
                       reef__ws_input_t *input,
                       reef__ws_event_t *event)
{
    uint8_t *data = input->data;
    size_t start = 2 + MASK_SIZE; /* of the payload */
    uint8_t *payload;
    size_t size;

    if ((reader->in_frame | reader->head_size | reader->message_opcode |
         reader->ended) != 0 ||
        input->size < start || (data[1] & BIT_MASKED) == 0 ||
        (data[0] != (BIT_FIN | REEF__WS_OP_TEXT) &&
         data[0] != (BIT_FIN | REEF__WS_OP_BINARY))) {
        return false;
    }
    size = data[1] & BITS_SIZE;
    if (size >= SIZE_16) {
        size_t form = size;

        start += 2;
        size = (size_t)data[2] << 8 | data[3];
        if (form != SIZE_16 || size < SIZE_16) {
            return false;
        }
    }
    if (start + size > input->size || size > limits->max_frame ||
        size > limits->max_message) {
        return false;
    }
    input->data += start + size;
    input->size -= start + size;
    payload = data + start;
    reef__ws_unmask(payload, size, payload - MASK_SIZE);
    if (data[0] == (BIT_FIN | REEF__WS_OP_TEXT)) {
        reef__utf8_t utf8 = {0};
        bool good = reef__utf8_feed(&utf8, reef_span(payload, size));

        if (!good || !reef__utf8_is_complete(&utf8)) {
            reef__ws_steps_refuse_text(reader, event, good);
            return true;
        }
    }
    event->kind =
        data[0] == (BIT_FIN | REEF__WS_OP_TEXT) ? REEF__WS_TEXT : REEF__WS_BINARY;
    event->code = 0;
    event->data = reef_span(payload, size);
    return true;
}

bool reef__ws_frame_next(reef__ws_reader_t *reader,
                         const reef__ws_limits_t *limits,
                         reef__ws_input_t *input,
                         reef__ws_event_t *event)
{
    if (reader->given) {
        reef__ws_steps_drop_given(reader, limits);
    }
    if (input->size == 0) {
        return false;
    }
    return read_whole(reader, limits, input, event) ||
           reef__ws_steps_next(reader, limits, input, event);
}

void reef__ws_reader_finish(reef__ws_reader_t *reader, const reef__ws_limits_t *limits)
{
    reef__ws_steps_release(reader, limits);
    *reader = (reef__ws_reader_t){.ended = true};
}

bool reef__ws_code_is_valid(uint16_t code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

size_t reef__ws_frame_header(uint8_t *out, unsigned opcode, uint64_t size)
{
    size_t extra = reef__ws_frame_header_size(size) - 2;

    assert((opcode & BIT_CONTROL) == 0 || extra == 0);
    out[0] = (uint8_t)(BIT_FIN | opcode);
    out[1] = (uint8_t)(extra == 0 ? size : extra == 2 ? SIZE_16 : SIZE_64);
    for (size_t i = 0; i < extra; i++) {
        out[2 + i] = (uint8_t)(size >> 8 * (extra - 1 - i));
    }
    return 2 + extra;
}

size_t reef__ws_frame_close_payload(uint8_t out[REEF__WS_MAX_CONTROL],
                                    uint16_t code,
                                    reef_span_t reason)
{
    if (code == 0 || code == REEF__WS_CODE_NONE) {
        return 0;
    }
    assert(reef__ws_code_is_valid(code));
    reason = reef__utf8_cut(reason, MAX_REASON);
    out[0] = (uint8_t)(code >> 8);
    out[1] = (uint8_t)code;
    if (reason.size > 0) {
        memcpy(out + 2, reason.data, reason.size);
    }
    return 2 + reason.size;
}
