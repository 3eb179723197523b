/**
 * @file tcp_frame.h
 * @brief Messages on a byte stream without I/O: a reader, and a writer of headers.
 *
 *     varint   length, LEB128: 7 bits a byte, lowest first, at most 5 bytes; body
 *     u32      length, 4 bytes, highest first; body
 *     lines    body; LF, or CR LF
 *     raw      whatever one read brings
 *
 * A message has 1 byte to max_message.  A length may have more bytes than it needs, for
 * there are encoders that reserve five and fill them in later; nothing depends on the
 * form.  Empty lines are no messages and are skipped.  What follows the last LF is a
 * message cut short.  A read that is larger than max_message is several raw messages;
 * with text a character that it cuts waits for the next read, as it must be whole.
 *
 * The transport owns one receive slab per loop and one reader per connection (zeroed =
 * ready; it holds memory only while a message straddles reads).  After each read:
 *
 *     reef_span_t input = {slab, received};
 *     reef__tcp_event_t event;
 *     while (reef__tcp_frame_next(&reader, limits, &input, &event)) {
 *         if (event.kind == REEF__TCP_ERROR) { say event.data, end; break; }
 *         deliver event.data;
 *     }
 *
 * It may leave the loop early (its inbox is full): input then holds the bytes not yet
 * looked at, to be given again later.
 */
#ifndef REEF_CODEC_TCP_FRAME_H
#define REEF_CODEC_TCP_FRAME_H

#include <assert.h>

#include <reef/alloc.h>
#include <reef/attrs.h>
#include <reef/span.h>

#include "framing.h"

enum {
    REEF__TCP_MAX_HEAD = 5,          /* bytes of a length */
    REEF__TCP_LEAST_MAX_MESSAGE = 4, /* any character fits */
};

/** What a client speaks, and may make the reader hold; one for all of a server. */
typedef struct reef__tcp_limits {
    const reef_alloc_t *alloc; /* for messages in assembly; borrowed; NULL = malloc */
    uint32_t max_message;      /* bytes, 4 to 2^31; 0 = 2 MiB */
    reef__framing_t framing;   /* not WebSocket */
    bool is_text;              /* messages must be UTF-8 */
} reef__tcp_limits_t;

/** Replace the zeroes by the defaults; every other function wants it done. */
void reef__tcp_limits_resolve(reef__tcp_limits_t *limits);

typedef enum reef__tcp_event_kind {
    REEF__TCP_MESSAGE, /* a whole message, valid UTF-8 if it must be */
    REEF__TCP_ERROR,   /* the last event: data says what the client did wrong */
} reef__tcp_event_kind_t;

typedef struct reef__tcp_event {
    reef__tcp_event_kind_t kind;
    reef_span_t data; /* borrowed until the next call with this reader or the slab's
                         next use; an error's is a static string */
} reef__tcp_event_t;

/** Everything that is known of the stream between two reads. */
typedef struct reef__tcp_reader {
    uint8_t *buffer;   /* owned: the message in assembly, or NULL */
    uint32_t capacity; /* of buffer */
    uint32_t size;     /* bytes in buffer */
    uint32_t length;   /* of the message whose header was read; 0 = none was */
    uint8_t head_size; /* bytes in head */
    bool given;        /* the event given last borrowed from buffer */
    bool ended;        /* an error was given: the rest is ignored */
    uint8_t head[REEF__TCP_MAX_HEAD]; /* start of a length, or of a raw character */
} reef__tcp_reader_t;

static_assert(sizeof(reef__tcp_reader_t) <= 32, "half a cache line for an idle one");

/**
 * Take the next event out of @p input.  A message that lies in @p input whole is
 * neither copied nor allocated for; another has at most twice the bytes that came of
 * it.
 *
 * @param reader Zeroed before the first call.
 * @param limits Resolved; the same object in all calls with this reader.
 * @param input Advanced past what was consumed.
 * @return false when all of @p input is consumed and no event is left.
 */
REEF_NODISCARD bool reef__tcp_frame_next(reef__tcp_reader_t *reader,
                                         const reef__tcp_limits_t *limits,
                                         reef_span_t *input,
                                         reef__tcp_event_t *event);

/** Whether the stream stands in the middle of a message, which is cut short if it ends
 *  here.  Meaningful after reef__tcp_frame_next() has returned false. */
static inline bool reef__tcp_reader_is_busy(const reef__tcp_reader_t *reader)
{
    return (reader->length | reader->size | reader->head_size) != 0 && !reader->ended;
}

/** Release what the reader holds; the connection is closed.  May be called twice. */
void reef__tcp_reader_finish(reef__tcp_reader_t *reader,
                             const reef__tcp_limits_t *limits);

/** Bytes of what goes before a body of @p size bytes: see reef__tcp_frame_header(). */
static inline size_t reef__tcp_frame_header_size(reef__framing_t framing, uint32_t size)
{
    switch (framing) {
    case REEF__FRAMING_VARINT:
        return (size_t)1 + (size >> 7 != 0) + (size >> 14 != 0) + (size >> 21 != 0) +
               (size >> 28 != 0);
    case REEF__FRAMING_U32:
        return 4;
    default:
        return 0;
    }
}

/**
 * Write what goes before a body of @p size bytes.
 *
 * @param out Room for reef__tcp_frame_header_size().
 * @param framing Not WebSocket.
 * @return Bytes written; 0 for lines, whose LF goes behind the body, and raw.
 */
size_t reef__tcp_frame_header(uint8_t *out, reef__framing_t framing, uint32_t size);

#endif /* REEF_CODEC_TCP_FRAME_H */
