/**
 * @file ws_frame.h
 * @brief WebSocket frames without I/O: a reader of client frames, a writer of
 * server frames (RFC 6455 sections 5 to 8).
 *
 * The transport owns one receive slab per loop and one reader per connection
 * (zeroed = ready; it holds memory only in the middle of a message that straddles
 * reads or is fragmented).  After each read:
 *
 *     reef__ws_input_t input = {slab, received};
 *     reef__ws_event_t event;
 *     while (reef__ws_frame_next(&session->reader, limits, &input, &event)) {
 *         switch (event.kind) {
 *         case REEF__WS_TEXT: case REEF__WS_BINARY: deliver event.data; break;
 *         case REEF__WS_PING:  send a pong with event.data; break;
 *         case REEF__WS_PONG:  note the life sign; break;
 *         case REEF__WS_CLOSE: echo event.code in a close frame, end; break;
 *         case REEF__WS_ERROR: send a close frame with event.code, end; break;
 *         }
 *     }
 *
 * The transport may leave the loop early (its inbox is full): input then holds the
 * bytes not yet looked at, unchanged, to be given again later.
 */
#ifndef REEF_CODEC_WS_FRAME_H
#define REEF_CODEC_WS_FRAME_H

#include <assert.h>

#include <reef/alloc.h>
#include <reef/attrs.h>
#include <reef/span.h>

#include "codec/utf8.h"

/** RFC 6455 section 5.2; also the first byte of an unfragmented frame, less FIN. */
typedef enum reef__ws_opcode {
    REEF__WS_OP_CONTINUATION = 0x0,
    REEF__WS_OP_TEXT = 0x1,
    REEF__WS_OP_BINARY = 0x2,
    REEF__WS_OP_CLOSE = 0x8,
    REEF__WS_OP_PING = 0x9,
    REEF__WS_OP_PONG = 0xa,
} reef__ws_opcode_t;

/** RFC 6455 section 7.4.1; those above 1014 are never on the wire. */
enum {
    REEF__WS_CODE_NORMAL = 1000,
    REEF__WS_CODE_GOING_AWAY = 1001,
    REEF__WS_CODE_PROTOCOL = 1002,
    REEF__WS_CODE_NONE = 1005, /* a close frame without a code; never on the wire */
    REEF__WS_CODE_NOT_UTF8 = 1007,
    REEF__WS_CODE_POLICY = 1008,
    REEF__WS_CODE_TOO_BIG = 1009,
    REEF__WS_CODE_INTERNAL = 1011,
    REEF__WS_CODE_TRY_LATER = 1013,
};

enum {
    REEF__WS_RSV1 = 0x40, /* of a compressed message, beside the opcode of its first
                             frame (RFC 7692 section 6) */
    REEF__WS_MAX_CONTROL = 125,    /* payload bytes of a control frame */
    REEF__WS_MAX_CLIENT_HEAD = 14, /* header bytes of a masked frame */
    REEF__WS_MAX_SERVER_HEAD = 10, /* header bytes of an unmasked frame */
};

/** What a client may make the reader hold; one for all connections of a listener. */
typedef struct reef__ws_limits {
    const reef_alloc_t *alloc; /* for messages in assembly; borrowed; NULL = malloc */
    uint32_t max_message;      /* bytes, inflated, at most 2^31; 0 = 2 MiB */
    uint32_t max_frame;     /* payload bytes; 0 = max_message.  A frame of a compressed
                               message may have an eighth more, for compressing can
                               lengthen */
    uint32_t max_fragments; /* frames of one message; 0 = 131072 */
} reef__ws_limits_t;

/** Replace the zeroes by the defaults; every other function wants it done. */
void reef__ws_limits_resolve(reef__ws_limits_t *limits);

/** Received bytes that are not consumed yet; the reader unmasks them in place. */
typedef struct reef__ws_input {
    uint8_t *data; /* borrowed; not NULL */
    size_t size;
} reef__ws_input_t;

typedef enum reef__ws_event_kind {
    REEF__WS_TEXT,   /* a whole message, valid UTF-8 */
    REEF__WS_BINARY, /* a whole message */
    REEF__WS_PING,
    REEF__WS_PONG,
    REEF__WS_CLOSE, /* the last event: data is the reason, valid UTF-8 */
    REEF__WS_ERROR, /* the last event: data says what the client did wrong */
} reef__ws_event_kind_t;

typedef struct reef__ws_event {
    reef__ws_event_kind_t kind;
    uint16_t code;    /* close: the peer's or CODE_NONE; error: the one to send */
    reef_span_t data; /* borrowed until the next call with this reader, or with another
                         of the same reef__ws_deflate_shared_t, or the slab's next use;
                         an error's is static */
} reef__ws_event_t;

/** Everything that is known of the stream between two reads. */
typedef struct reef__ws_reader {
    struct reef__ws_deflate *deflate; /* borrowed; NULL = not negotiated.  Set once,
                                         before the first call */
    uint8_t *buffer;        /* owned: the message in assembly, then an interleaved
                               control payload; NULL when there is neither */
    uint32_t capacity;      /* of buffer */
    uint32_t message_size;  /* message bytes in buffer, inflated */
    uint32_t frame_left;    /* payload bytes of the frame still to come */
    uint32_t fragments;     /* frames of the message so far */
    uint8_t mask[4];        /* for the next payload byte on */
    uint8_t control_size;   /* control payload bytes in buffer */
    uint8_t head_size;      /* bytes in head; 0 except in the middle of a header */
    uint8_t message_opcode; /* text or binary; 0 between messages */
    uint8_t frame_opcode;   /* of the frame whose payload is being read */
    bool in_frame;          /* the header is read, the payload not yet */
    bool final;             /* the frame has FIN */
    bool given;        /* the event given last borrowed from buffer, or was the end */
    bool compressed;   /* the message is */
    bool ended;        /* close or error was given: the rest is ignored */
    reef__utf8_t utf8; /* of a text message in assembly */
    uint8_t head[REEF__WS_MAX_CLIENT_HEAD]; /* start of a header that was cut */
} reef__ws_reader_t;

static_assert(sizeof(reef__ws_reader_t) <= 64, "one cache line for an idle connection");

/**
 * Take the next event out of @p input.  A message that lies in @p input as one
 * frame is neither copied nor allocated for; a compressed one neither, unless it is
 * larger than the scratch area that it is inflated to.
 *
 * @param reader Zeroed before the first call, but for .deflate.
 * @param limits Resolved; the same object in all calls with this reader.
 * @param input Advanced past what was consumed; no byte beyond that is touched.
 * @return false when all of @p input is consumed and no event is left.
 */
REEF_NODISCARD bool reef__ws_frame_next(reef__ws_reader_t *reader,
                                        const reef__ws_limits_t *limits,
                                        reef__ws_input_t *input,
                                        reef__ws_event_t *event);

/** Whether the stream stands in the middle of a message or a frame. */
static inline bool reef__ws_reader_is_busy(const reef__ws_reader_t *reader)
{
    return (reader->in_frame || reader->head_size > 0 || reader->message_opcode != 0) &&
           !reader->ended;
}

/** Release what the reader holds; the connection is closed.  May be called twice. */
void reef__ws_reader_finish(reef__ws_reader_t *reader, const reef__ws_limits_t *limits);

/** Bytes of the header of an unmasked frame. */
static inline size_t reef__ws_frame_header_size(uint64_t size)
{
    return size <= REEF__WS_MAX_CONTROL ? 2 : size <= UINT16_MAX ? 4 : 10;
}

/**
 * Write the header of an unfragmented server frame, which is never masked.
 *
 * @param opcode With REEF__WS_RSV1 when the payload is compressed.
 * @param size Bytes of the payload that follows; at most 125 for control frames.
 * @return Bytes written.
 */
size_t reef__ws_frame_header(uint8_t *out, unsigned opcode, uint64_t size);

/**
 * Write the payload of a close frame (section 5.5.1).
 *
 * @param code 0 or REEF__WS_CODE_NONE for an empty payload.
 * @param reason Valid UTF-8; cut to 123 bytes at a character.
 * @return Bytes written.
 */
size_t reef__ws_frame_close_payload(uint8_t out[REEF__WS_MAX_CONTROL],
                                    uint16_t code,
                                    reef_span_t reason);

/** Whether a close frame may carry @p code (section 7.4 and its IANA registry). */
bool reef__ws_code_is_valid(uint16_t code);

#endif /* REEF_CODEC_WS_FRAME_H */
