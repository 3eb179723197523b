/*
 * One step per call of the framing's function, until there is an event or no input:
 *
 *     varint, u32:  read_head ─► read_body ─► event, or on to the next header
 *     lines:        read_line ─► event, or on after an empty one
 *     raw:          read_raw  ─► event
 *
 * A header cut by the end of the input waits in reader->head.  A body that lies whole
 * in the input is given as a view of it; any other is appended to reader->buffer, which
 * grows with what has come and never by what was announced.
 *
 * Most messages lie whole in the input behind a VarInt of one or two bytes:
 * read_whole() does for them what the steps would.
 *
 * Errors depend on the stream alone, not on how it was cut: a length is judged when it
 * is whole, a line at the first byte that makes it too long, text when it is whole.
 */
#include "codec/tcp_frame.h"

#include "codec/utf8.h"

typedef enum step {
    STEP_ON,    /* go on with the next step */
    STEP_MORE,  /* the input is used up */
    STEP_EVENT, /* an event was written */
} step_t;

/* Memory ----------------------------------------------------------------------- */

static void release(reef__tcp_reader_t *reader, const reef__tcp_limits_t *limits)
{
    if (reader->buffer != NULL) {
        reef_resize(limits->alloc, reader->buffer, reader->capacity, 0);
    }
    reader->buffer = NULL;
    reader->capacity = 0;
    reader->size = 0;
}

/* Append bytes to a message that will have at most @p bound. */
static void append(reef__tcp_reader_t *reader,
                   const reef__tcp_limits_t *limits,
                   reef_span_t data,
                   uint32_t bound)
{
    uint32_t needed = reader->size + (uint32_t)data.size;

    if (data.size == 0) {
        return;
    }
    if (needed > reader->capacity) {
        uint32_t capacity = needed <= bound / 2 ? needed * 2 : bound;

        reader->buffer =
            reef_resize(limits->alloc, reader->buffer, reader->capacity, capacity);
        reader->capacity = capacity;
    }
    assert(reader->buffer != NULL);
    memcpy(reader->buffer + reader->size, data.data, data.size);
    reader->size = needed;
}

/* Events ----------------------------------------------------------------------- */

static step_t fail(reef__tcp_reader_t *reader,
                   const reef__tcp_limits_t *limits,
                   reef__tcp_event_t *event,
                   const char *text)
{
    *event = (reef__tcp_event_t){REEF__TCP_ERROR, reef_span_text(text)};
    release(reader, limits);
    reader->ended = true;
    return STEP_EVENT;
}

static step_t give(reef__tcp_reader_t *reader,
                   const reef__tcp_limits_t *limits,
                   reef__tcp_event_t *event,
                   reef_span_t data)
{
    if (limits->is_text && !reef__utf8_is_valid(data)) {
        return fail(reader, limits, event, "text is not UTF-8");
    }
    *event = (reef__tcp_event_t){REEF__TCP_MESSAGE, data};
    reader->length = 0;
    reader->given = reader->buffer != NULL;
    return STEP_EVENT;
}

static reef_span_t take(reef_span_t *input, size_t count)
{
    reef_span_t taken = reef_span(input->data, count);

    *input = reef_span_skip(*input, count);
    return taken;
}

/* Length and body -------------------------------------------------------------- */

/* The bytes that the length takes; 0 = it is cut.  One that goes on behind its fifth
 * byte has a length beyond 35 bits. */
static size_t parse_varint(const uint8_t *head, size_t size, uint64_t *length)
{
    *length = 0;
    for (size_t i = 0; i < size; i++) {
        *length |= (uint64_t)(head[i] & 0x7f) << 7 * i;
        if ((head[i] & 0x80) == 0) {
            return i + 1;
        }
    }
    if (size < REEF__TCP_MAX_HEAD) {
        return 0;
    }
    *length = UINT64_MAX;
    return size;
}

static size_t parse_u32(const uint8_t *head, size_t size, uint64_t *length)
{
    if (size < 4) {
        return 0;
    }
    *length = (uint64_t)head[0] << 24 | (uint64_t)head[1] << 16 |
              (uint64_t)head[2] << 8 | head[3];
    return 4;
}

static const char *check_length(const reef__tcp_limits_t *limits, uint64_t length)
{
    if (length == 0) {
        return "length 0";
    }
    if (length == UINT64_MAX) {
        return "length of more than 5 bytes";
    }
    if (length > UINT32_MAX) {
        return "length of more than 32 bits";
    }
    return length > limits->max_message ? "message too long" : NULL;
}

static step_t read_head(reef__tcp_reader_t *reader,
                        const reef__tcp_limits_t *limits,
                        reef_span_t *input,
                        reef__tcp_event_t *event)
{
    const uint8_t *head = input->data;
    size_t kept = reader->head_size;
    size_t fresh = sizeof(reader->head) - kept; /* bytes of the input in head */
    uint64_t length;
    const char *wrong;
    size_t size;

    fresh = fresh < input->size ? fresh : input->size;
    if (kept > 0) {
        memcpy(reader->head + kept, input->data, fresh);
        head = reader->head;
    }
    size = limits->framing == REEF__FRAMING_U32
               ? parse_u32(head, kept + fresh, &length)
               : parse_varint(head, kept + fresh, &length);
    if (size == 0) {
        if (kept == 0 && fresh > 0) {
            memcpy(reader->head, head, fresh);
        }
        reader->head_size = (uint8_t)(kept + fresh);
        return STEP_MORE;
    }
    take(input, size - kept);
    reader->head_size = 0;
    wrong = check_length(limits, length);
    if (wrong != NULL) {
        return fail(reader, limits, event, wrong);
    }
    reader->length = (uint32_t)length;
    return STEP_ON;
}

static step_t read_body(reef__tcp_reader_t *reader,
                        const reef__tcp_limits_t *limits,
                        reef_span_t *input,
                        reef__tcp_event_t *event)
{
    uint32_t left = reader->length - reader->size;

    if (reader->size == 0 && input->size >= left) {
        return give(reader, limits, event, take(input, left));
    }
    append(reader, limits, take(input, input->size < left ? input->size : left),
           reader->length);
    if (reader->size < reader->length) {
        return STEP_MORE;
    }
    return give(reader, limits, event, reef_span(reader->buffer, reader->size));
}

static step_t read_counted(reef__tcp_reader_t *reader,
                           const reef__tcp_limits_t *limits,
                           reef_span_t *input,
                           reef__tcp_event_t *event)
{
    return reader->length == 0 ? read_head(reader, limits, input, event)
                               : read_body(reader, limits, input, event);
}

/* False = it takes the steps. */
static bool read_whole(reef__tcp_reader_t *reader,
                       const reef__tcp_limits_t *limits,
                       reef_span_t *input,
                       reef__tcp_event_t *event)
{
    const uint8_t *head = input->data;
    size_t head_size = 1;
    size_t length;

    if (limits->framing != REEF__FRAMING_VARINT || input->size < 2 ||
        (reader->length | reader->head_size | reader->ended) != 0) {
        return false;
    }
    length = head[0];
    if (length >= 0x80) {
        length = (length & 0x7f) | (size_t)head[1] << 7;
        head_size = 2;
    }
    if (length == 0 || length >= 1 << 14 || length > limits->max_message ||
        length > input->size - head_size) {
        return false;
    }
    take(input, head_size);
    give(reader, limits, event, take(input, length));
    return true;
}

/* Lines ------------------------------------------------------------------------ */

static bool ends_with_cr(reef_span_t line)
{
    return line.size > 0 && line.data[line.size - 1] == '\r';
}

/* Whether the start of a line, without its LF, is too long whatever follows. */
static bool is_too_long(reef_span_t line, uint32_t max_message)
{
    return line.size > (size_t)max_message + (ends_with_cr(line) ? 1 : 0);
}

/* A whole line, without its LF. */
static step_t give_line(reef__tcp_reader_t *reader,
                        const reef__tcp_limits_t *limits,
                        reef__tcp_event_t *event,
                        reef_span_t line)
{
    if (ends_with_cr(line)) {
        line.size--;
    }
    if (line.size == 0) {
        release(reader, limits);
        return STEP_ON;
    }
    return give(reader, limits, event, line);
}

static step_t read_line(reef__tcp_reader_t *reader,
                        const reef__tcp_limits_t *limits,
                        reef_span_t *input,
                        reef__tcp_event_t *event)
{
    size_t room = (size_t)limits->max_message + 2 - reader->size; /* CR LF included */
    size_t size = input->size < room ? input->size : room;
    const uint8_t *end = memchr(input->data, '\n', size);
    reef_span_t line = take(input, end != NULL ? (size_t)(end - input->data) : size);

    if (end != NULL) {
        take(input, 1);
    }
    if (end == NULL || reader->size > 0) {
        append(reader, limits, line, limits->max_message + 2);
        line = reef_span(reader->buffer, reader->size);
    }
    if (is_too_long(line, limits->max_message)) {
        return fail(reader, limits, event, "line too long");
    }
    return end != NULL ? give_line(reader, limits, event, line) : STEP_MORE;
}

/* Raw -------------------------------------------------------------------------- */

/* The start of @p text up to a character that it cuts; all of it when that is not so,
 * or when it is no UTF-8, which shows later. */
static reef_span_t whole_characters(reef_span_t text)
{
    reef__utf8_t state = {0};

    if (!reef__utf8_feed(&state, text) || reef__utf8_is_complete(&state)) {
        return text;
    }
    do {
        text.size--;
    } while ((text.data[text.size] & 0xc0) == 0x80);
    return text;
}

/* Of a read: as much as one message may have, beside the character begun before. */
static step_t read_raw(reef__tcp_reader_t *reader,
                       const reef__tcp_limits_t *limits,
                       reef_span_t *input,
                       reef__tcp_event_t *event)
{
    size_t kept = reader->head_size;
    size_t room = limits->max_message - kept;
    reef_span_t data = reef_span(input->data, input->size < room ? input->size : room);

    if (kept > 0) {
        append(reader, limits, reef_span(reader->head, kept), limits->max_message);
        append(reader, limits, data, limits->max_message);
        data = reef_span(reader->buffer, reader->size);
        reader->head_size = 0;
    }
    if (limits->is_text) {
        data = whole_characters(data);
    }
    if (data.size > kept) {
        take(input, data.size - kept);
        return give(reader, limits, event, data);
    }
    /* One character, or less: at most three bytes. */
    memcpy(reader->head, data.data, kept);
    memcpy(reader->head + kept, input->data, input->size);
    reader->head_size = (uint8_t)(kept + input->size);
    release(reader, limits);
    return STEP_MORE;
}

/* The reader ------------------------------------------------------------------- */

void reef__tcp_limits_resolve(reef__tcp_limits_t *limits)
{
    if (limits->alloc == NULL) {
        limits->alloc = reef_alloc_default();
    }
    if (limits->max_message == 0) {
        limits->max_message = 2U << 20;
    }
    assert(limits->max_message >= REEF__TCP_LEAST_MAX_MESSAGE &&
           limits->max_message <= UINT32_C(1) << 31);
    assert(limits->framing != REEF__FRAMING_WEBSOCKET);
}

REEF_NOINLINE static bool take_steps(reef__tcp_reader_t *reader,
                                     const reef__tcp_limits_t *limits,
                                     reef_span_t *input,
                                     reef__tcp_event_t *event)
{
    step_t step = STEP_ON;

    while (step == STEP_ON && input->size > 0 && !reader->ended) {
        switch (limits->framing) {
        case REEF__FRAMING_LINES:
            step = read_line(reader, limits, input, event);
            break;
        case REEF__FRAMING_RAW:
            step = read_raw(reader, limits, input, event);
            break;
        default:
            step = read_counted(reader, limits, input, event);
            break;
        }
    }
    if (step != STEP_EVENT) {
        take(input, input->size); /* all that is left is kept, or behind the end */
    }
    return step == STEP_EVENT;
}

bool reef__tcp_frame_next(reef__tcp_reader_t *reader,
                          const reef__tcp_limits_t *limits,
                          reef_span_t *input,
                          reef__tcp_event_t *event)
{
    if (reader->given) {
        reader->given = false;
        release(reader, limits);
    }
    return read_whole(reader, limits, input, event) ||
           take_steps(reader, limits, input, event);
}

void reef__tcp_reader_finish(reef__tcp_reader_t *reader,
                             const reef__tcp_limits_t *limits)
{
    release(reader, limits);
    *reader = (reef__tcp_reader_t){.ended = true};
}

/* The writer ------------------------------------------------------------------- */

size_t reef__tcp_frame_header(uint8_t *out, reef__framing_t framing, uint32_t size)
{
    size_t count = 0;

    switch (framing) {
    case REEF__FRAMING_VARINT:
        for (; size >= 0x80; size >>= 7) {
            out[count++] = (uint8_t)(size | 0x80);
        }
        out[count++] = (uint8_t)size;
        return count;
    case REEF__FRAMING_U32:
        for (; count < 4; count++) {
            out[count] = (uint8_t)(size >> (24 - 8 * count));
        }
        return count;
    default:
        return 0;
    }
}
