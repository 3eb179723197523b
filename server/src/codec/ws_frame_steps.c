/*
 * The reader alternates between header and payload:
 *
 *     read_head ──► read_data ────┬─► event, or on to the next header
 *         ▲     └─► read_control ─┤
 *         └───────────────────────┘
 *
 * Each step works on the bytes at hand.  A header cut by the end of the input waits
 * in reader->head.  A payload that lies whole in the input, and continues nothing,
 * is unmasked where it lies and given as a view.  Any other is appended:
 *
 *     buffer:  [ message so far | control payload so far | free ]
 *
 * A control frame may come between two fragments but not inside a frame, so its
 * part is always at the end and disappears before the message grows again.
 *
 * Errors depend on the stream alone, not on how it was cut: headers are judged from
 * their first byte on, and text is validated as it arrives.
 */
#include "codec/ws_frame_steps.h"

#include "codec/ws_deflate.h"
#include "codec/ws_mask.h"

typedef enum step {
    STEP_ON,    /* go on with the next step */
    STEP_MORE,  /* the input is used up */
    STEP_EVENT, /* an event was written */
} step_t;

void reef__ws_steps_release(reef__ws_reader_t *reader, const reef__ws_limits_t *limits)
{
    if (reader->buffer != NULL) {
        reef_resize(limits->alloc, reader->buffer, reader->capacity, 0);
    }
    reader->buffer = NULL;
    reader->capacity = 0;
    reader->message_size = 0;
    reader->control_size = 0;
}

static step_t fail(reef__ws_reader_t *reader,
                   reef__ws_event_t *event,
                   uint16_t code,
                   const char *text)
{
    *event = (reef__ws_event_t){
        .kind = REEF__WS_ERROR,
        .code = code,
        .data = reef_span_text(text),
    };
    reader->ended = true;
    reader->given = true;
    return STEP_EVENT;
}

void reef__ws_steps_refuse_text(reef__ws_reader_t *reader,
                                reef__ws_event_t *event,
                                bool is_cut)
{
    fail(reader, event, REEF__WS_CODE_NOT_UTF8,
         is_cut ? "text ends within a character" : "text is not UTF-8");
}

static void consume(reef__ws_input_t *input, size_t count)
{
    input->data += count;
    input->size -= count;
}

/* Undo the masking of the next @p count bytes of the frame. */
static void unmask(reef__ws_reader_t *reader, uint8_t *data, uint32_t count)
{
    reef__ws_unmask(data, count, reader->mask);
    reader->frame_left -= count;
    reader->in_frame = reader->frame_left > 0;
    if (reader->in_frame) {
        reef__ws_mask_turn(reader->mask, count);
    }
}

/* Append @p count bytes at the end of the buffer, whose content will have at most
 * @p bound bytes.  Never holds more than twice what was received. */
static uint8_t *append(reef__ws_reader_t *reader,
                       const reef_alloc_t *alloc,
                       const uint8_t *data,
                       uint32_t count,
                       uint32_t bound)
{
    uint32_t used = reader->message_size + reader->control_size;
    uint32_t needed = used + count;

    if (needed > reader->capacity) {
        uint32_t capacity = needed < bound / 2 ? needed * 2 : bound;

        reader->buffer = reef_resize(alloc, reader->buffer, reader->capacity, capacity);
        reader->capacity = capacity;
    }
    memcpy(reader->buffer + used, data, count);
    return reader->buffer + used;
}

/* RFC 7692 section 6: only the first frame of a message has the bit. */
static bool may_be_compressed(const reef__ws_reader_t *reader, uint8_t opcode)
{
    return reader->deflate != NULL && (opcode & BIT_CONTROL) == 0 &&
           opcode != REEF__WS_OP_CONTINUATION;
}

/* What the first two bytes of a header show to be wrong; NULL when nothing. */
static const char *check_start(const reef__ws_reader_t *reader, const uint8_t *head)
{
    uint8_t opcode = head[0] & BITS_OPCODE;
    uint8_t reserved = head[0] & BITS_RESERVED;
    bool control = (opcode & BIT_CONTROL) != 0;

    if (reserved != 0 &&
        (reserved != REEF__WS_RSV1 || !may_be_compressed(reader, opcode))) {
        return "reserved bit set without an extension";
    }
    if ((control && opcode > REEF__WS_OP_PONG) ||
        (!control && opcode > REEF__WS_OP_BINARY)) {
        return "reserved opcode";
    }
    if (control && (head[0] & BIT_FIN) == 0) {
        return "fragmented control frame";
    }
    if (control && (head[1] & BITS_SIZE) > REEF__WS_MAX_CONTROL) {
        return "control frame longer than 125 bytes";
    }
    if ((head[1] & BIT_MASKED) == 0) {
        return "client frame without a mask";
    }
    if (opcode == REEF__WS_OP_CONTINUATION && reader->message_opcode == 0) {
        return "continuation without a message";
    }
    if (!control && opcode != REEF__WS_OP_CONTINUATION && reader->message_opcode != 0) {
        return "new message within a fragmented one";
    }
    return NULL;
}

/* Whole size of a header, known from its second byte. */
static size_t head_size(uint8_t second)
{
    size_t extra = (second & BITS_SIZE) == SIZE_16   ? 2
                   : (second & BITS_SIZE) == SIZE_64 ? 8
                                                     : 0;

    return 2 + extra + MASK_SIZE;
}

/* Payload size in a whole header; UINT64_MAX when it is not encoded minimally or
 * has its highest bit set. */
static uint64_t payload_size(const uint8_t *head)
{
    uint64_t size = head[1] & BITS_SIZE;
    size_t extra = head_size(head[1]) - 2 - MASK_SIZE;

    if (extra == 0) {
        return size;
    }
    size = 0;
    for (size_t i = 0; i < extra; i++) {
        size = size << 8 | head[2 + i];
    }
    if (size < (extra == 2 ? 126 : 65536) || size >> 63 != 0) {
        return UINT64_MAX;
    }
    return size;
}

/* What the limits say to a data frame of @p size bytes. */
static step_t check_limits(reef__ws_reader_t *reader,
                           const reef__ws_limits_t *limits,
                           uint64_t size,
                           reef__ws_event_t *event)
{
    uint64_t max_frame = limits->max_frame;

    if (reader->compressed) { /* how long the message becomes is seen later */
        max_frame += max_frame / 8 + 64;
    }
    if (size > max_frame) {
        return fail(reader, event, REEF__WS_CODE_TOO_BIG, "frame too big");
    }
    if (!reader->compressed && size > limits->max_message - reader->message_size) {
        return fail(reader, event, REEF__WS_CODE_TOO_BIG, "message too big");
    }
    if (reader->fragments == limits->max_fragments) {
        return fail(reader, event, REEF__WS_CODE_POLICY, "too many fragments");
    }
    return STEP_ON;
}

/* Enter the frame of a whole and plausible header. */
static step_t begin_frame(reef__ws_reader_t *reader,
                          const reef__ws_limits_t *limits,
                          const uint8_t *head,
                          reef__ws_event_t *event)
{
    uint8_t opcode = head[0] & BITS_OPCODE;
    uint64_t size = payload_size(head);

    if (size == UINT64_MAX) {
        return fail(reader, event, REEF__WS_CODE_PROTOCOL,
                    "payload length not in its shortest form");
    }
    if ((opcode & BIT_CONTROL) == 0) {
        if (opcode != REEF__WS_OP_CONTINUATION) {
            reader->message_opcode = opcode;
            reader->compressed = (head[0] & REEF__WS_RSV1) != 0;
        }
        if (check_limits(reader, limits, size, event) != STEP_ON) {
            return STEP_EVENT;
        }
        reader->fragments++;
    }
    memcpy(reader->mask, head + head_size(head[1]) - MASK_SIZE, MASK_SIZE);
    reader->frame_left = (uint32_t)size;
    reader->frame_opcode = opcode;
    reader->final = (head[0] & BIT_FIN) != 0;
    reader->in_frame = true;
    return STEP_ON;
}

static step_t read_head(reef__ws_reader_t *reader,
                        const reef__ws_limits_t *limits,
                        reef__ws_input_t *input,
                        reef__ws_event_t *event)
{
    const uint8_t *head = input->data;
    size_t kept = reader->head_size;
    size_t fresh = sizeof(reader->head) - kept; /* bytes of the input in head */
    size_t size;

    fresh = fresh < input->size ? fresh : input->size;
    if (kept > 0) {
        memcpy(reader->head + kept, input->data, fresh);
        head = reader->head;
    }
    size = kept + fresh;
    if (size >= 2) {
        const char *wrong = check_start(reader, head);

        if (wrong != NULL) {
            return fail(reader, event, REEF__WS_CODE_PROTOCOL, wrong);
        }
    }
    if (size < 2 || size < head_size(head[1])) {
        if (kept == 0) {
            memcpy(reader->head, head, fresh);
        }
        reader->head_size = (uint8_t)size;
        consume(input, fresh);
        return STEP_MORE;
    }
    consume(input, head_size(head[1]) - kept);
    reader->head_size = 0;
    return begin_frame(reader, limits, head, event);
}

/* Give the message that @p data holds in whole. */
static step_t
end_message(reef__ws_reader_t *reader, reef_span_t data, reef__ws_event_t *event)
{
    bool text = reader->message_opcode == REEF__WS_OP_TEXT;

    if (text && !reef__utf8_is_complete(&reader->utf8)) {
        reef__ws_steps_refuse_text(reader, event, true);
        return STEP_EVENT;
    }
    *event = (reef__ws_event_t){
        .kind = text ? REEF__WS_TEXT : REEF__WS_BINARY,
        .data = data,
    };
    reader->message_opcode = 0;
    reader->fragments = 0;
    reader->given = reader->buffer != NULL;
    return STEP_EVENT;
}

static step_t read_data(reef__ws_reader_t *reader,
                        const reef__ws_limits_t *limits,
                        reef__ws_input_t *input,
                        reef__ws_event_t *event)
{
    uint32_t left = reader->frame_left;
    uint32_t count = input->size < left ? (uint32_t)input->size : left;
    bool last = reader->final && count == left; /* bytes of the message */
    bool alone = last && reader->message_size == 0;
    uint8_t *data = input->data;

    consume(input, count);
    if (!alone && count > 0) {
        uint32_t bound =
            reader->final ? reader->message_size + left : limits->max_message;

        data = append(reader, limits->alloc, data, count, bound);
        reader->message_size += count;
    }
    unmask(reader, data, count);
    if (reader->message_opcode == REEF__WS_OP_TEXT &&
        !reef__utf8_feed(&reader->utf8, reef_span(data, count))) {
        reef__ws_steps_refuse_text(reader, event, false);
        return STEP_EVENT;
    }
    if (reader->in_frame) {
        return STEP_MORE;
    }
    if (!last) {
        return STEP_ON;
    }
    return end_message(reader,
                       alone ? reef_span(data, count)
                             : reef_span(reader->buffer, reader->message_size),
                       event);
}

/* Look at what was inflated, in the order in which it would be seen byte by byte. */
static step_t check_inflated(reef__ws_reader_t *reader,
                             const reef__ws_limits_t *limits,
                             reef_span_t data,
                             reef__ws_event_t *event)
{
    size_t room = limits->max_message - reader->message_size;
    reef_span_t within = reef_span(data.data, data.size < room ? data.size : room);

    if (reader->message_opcode == REEF__WS_OP_TEXT &&
        !reef__utf8_feed(&reader->utf8, within)) {
        reef__ws_steps_refuse_text(reader, event, false);
        return STEP_EVENT;
    }
    if (data.size > room) {
        return fail(reader, event, REEF__WS_CODE_TOO_BIG, "message too big");
    }
    return STEP_ON;
}

static void keep_inflated(reef__ws_reader_t *reader,
                          const reef__ws_limits_t *limits,
                          reef_span_t data)
{
    if (data.size > 0) {
        append(reader, limits->alloc, data.data, (uint32_t)data.size,
               limits->max_message);
        reader->message_size += (uint32_t)data.size;
    }
}

/* read_data() for a compressed message.  Broken data is 1007: section 7.4.1 of RFC 6455
 * has it for data "not consistent with the type of the message", RFC 7692 names no
 * code, and other servers send this one. */
static step_t read_compressed(reef__ws_reader_t *reader,
                              const reef__ws_limits_t *limits,
                              reef__ws_input_t *input,
                              reef__ws_event_t *event)
{
    uint32_t left = reader->frame_left;
    uint32_t count = input->size < left ? (uint32_t)input->size : left;
    bool last = reader->final && count == left; /* bytes of the message */
    reef_span_t packed = reef_span(input->data, count);
    reef__ws_inflate_status_t status;
    reef_span_t data;

    unmask(reader, input->data, count);
    consume(input, count);
    do {
        status = reef__ws_deflate_inflate(reader->deflate, &packed, last, &data);
        if (check_inflated(reader, limits, data, event) != STEP_ON) {
            return STEP_EVENT;
        }
        if (status == REEF__WS_INFLATE_BROKEN) {
            return fail(reader, event, REEF__WS_CODE_NOT_UTF8,
                        "compressed data is broken");
        }
        if (last && status == REEF__WS_INFLATE_DONE && reader->message_size == 0) {
            return end_message(reader, data, event);
        }
        keep_inflated(reader, limits, data);
    } while (status == REEF__WS_INFLATE_MORE);
    if (last) {
        return end_message(reader, reef_span(reader->buffer, reader->message_size),
                           event);
    }
    return reader->in_frame ? STEP_MORE : STEP_ON;
}

/* Section 5.5.1: empty, or a code and perhaps a reason. */
static step_t
end_close(reef__ws_reader_t *reader, reef_span_t data, reef__ws_event_t *event)
{
    *event = (reef__ws_event_t){.kind = REEF__WS_CLOSE, .code = REEF__WS_CODE_NONE};
    reader->ended = true;
    reader->given = true;
    if (data.size == 0) {
        return STEP_EVENT;
    }
    if (data.size == 1) {
        return fail(reader, event, REEF__WS_CODE_PROTOCOL,
                    "close frame with half a code");
    }
    event->code = (uint16_t)(data.data[0] << 8 | data.data[1]);
    event->data = reef_span_skip(data, 2);
    if (!reef__ws_code_is_valid(event->code)) {
        return fail(reader, event, REEF__WS_CODE_PROTOCOL, "invalid close code");
    }
    if (!reef__utf8_is_valid(event->data)) {
        return fail(reader, event, REEF__WS_CODE_NOT_UTF8, "close reason is not UTF-8");
    }
    return STEP_EVENT;
}

static step_t read_control(reef__ws_reader_t *reader,
                           const reef__ws_limits_t *limits,
                           reef__ws_input_t *input,
                           reef__ws_event_t *event)
{
    uint32_t left = reader->frame_left;
    uint32_t count = input->size < left ? (uint32_t)input->size : left;
    bool alone = count == left && reader->control_size == 0;
    uint8_t *data = input->data;
    reef_span_t payload = reef_span(data, count);

    consume(input, count);
    if (!alone && count > 0) {
        /* Not just what this frame needs: a message that has filled the buffer would
         * have it moved for every control frame. */
        uint32_t bound = limits->max_message + REEF__WS_MAX_CONTROL;

        data = append(reader, limits->alloc, data, count, bound);
        reader->control_size = (uint8_t)(reader->control_size + count);
    }
    unmask(reader, data, count);
    if (reader->in_frame) {
        return STEP_MORE;
    }
    if (!alone) {
        reader->given = true;
        payload =
            reef_span(reader->buffer + reader->message_size, reader->control_size);
    }
    if (reader->frame_opcode == REEF__WS_OP_CLOSE) {
        return end_close(reader, payload, event);
    }
    *event = (reef__ws_event_t){
        .kind =
            reader->frame_opcode == REEF__WS_OP_PING ? REEF__WS_PING : REEF__WS_PONG,
        .data = payload,
    };
    return STEP_EVENT;
}

/* Control payloads go alone while a message is in assembly. */
void reef__ws_steps_drop_given(reef__ws_reader_t *reader,
                               const reef__ws_limits_t *limits)
{
    reader->given = false;
    reader->control_size = 0;
    if (reader->ended || reader->message_opcode == 0 || reader->message_size == 0) {
        reef__ws_steps_release(reader, limits);
    }
}

bool reef__ws_steps_next(reef__ws_reader_t *reader,
                         const reef__ws_limits_t *limits,
                         reef__ws_input_t *input,
                         reef__ws_event_t *event)
{
    step_t step = STEP_ON;

    while (step == STEP_ON && !reader->ended) {
        if (!reader->in_frame) {
            step = read_head(reader, limits, input, event);
        } else if ((reader->frame_opcode & BIT_CONTROL) != 0) {
            step = read_control(reader, limits, input, event);
        } else if (reader->compressed) {
            step = read_compressed(reader, limits, input, event);
        } else {
            step = read_data(reader, limits, input, event);
        }
    }
    if (step != STEP_EVENT) {
        consume(input, input->size); /* all that is left is behind the end */
    }
    return step == STEP_EVENT;
}
