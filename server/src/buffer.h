/**
 * @file buffer.h
 * @brief Framed views of a buffer, for transports.
 */
#ifndef REEF_SRC_BUFFER_H
#define REEF_SRC_BUFFER_H

#include <reef/buffer.h>

#include "framing.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>

enum {
    REEF__BUFFER_HEADROOM = 11
};

/** Here for the functions below, which a message meets several times on its way; nobody
 *  else looks into it. */
struct reef_buffer {
    atomic_uint references;
    uint32_t size;     /* bytes of payload */
    uint8_t kind;      /* reef_payload_kind_t */
    uint8_t head_size; /* bytes of the frame before the payload */
    uint8_t tail_size; /* and behind it */
    uint8_t framing;   /* reef__framing_t of the frame */
    uint8_t memory_class;
    uint8_t headroom[REEF__BUFFER_HEADROOM];
    uint8_t payload[];
};

/** Bytes of the payload. */
static inline size_t reef__buffer_size(const reef_buffer_t *buffer)
{
    return buffer->size;
}

/** Beside the public kinds: frames of many messages, see <reef/message_bundle.h>. */
enum {
    REEF__PAYLOAD_BUNDLE = REEF_PAYLOAD_BINARY + 1
};

/** reef_buffer_create() in another framing than WebSocket's.
 *  @p framing is not REEF__FRAMING_NONE. */
reef_buffer_t *reef__buffer_create_framed(reef__framing_t framing,
                                          reef_payload_kind_t kind,
                                          reef_span_t payload);

/** The framing that the frame of this buffer is of. */
static inline reef__framing_t reef__buffer_framing(const reef_buffer_t *buffer)
{
    return (reef__framing_t)buffer->framing;
}

/** The payload as one frame, shared by all recipients.  Borrowed while a reference is
 *  held. */
static inline reef_span_t reef__buffer_frame(const reef_buffer_t *buffer)
{
    return reef_span(buffer->payload - buffer->head_size,
                     (size_t)buffer->head_size + buffer->size + buffer->tail_size);
}

/** Bytes of the payload as a frame of any framing, but REEF__FRAMING_NONE. */
size_t reef__buffer_frame_size(const reef_buffer_t *buffer, reef__framing_t framing);

/** Write that frame to @p out, and return where it ends. */
uint8_t *reef__buffer_write_frame(const reef_buffer_t *buffer,
                                  reef__framing_t framing,
                                  uint8_t *out);

/** Any other WebSocket frame: a control frame, or a compressed message.  @p opcode: as
 * in the RFC, with reserved bits where an extension wants them.  One reference, the
 *  caller's. */
reef_buffer_t *reef__buffer_websocket(uint8_t opcode, reef_span_t payload);

/** reef_buffer_format() with its arguments in a list. */
REEF_PRINTF(1, 0)
reef_buffer_t *reef__buffer_format_v(const char *format, va_list args);

/** Room for bytes that a transport sends as they are; the caller fills @p bytes before
 *  anybody else sees the buffer. */
reef_buffer_t *reef__buffer_blank(size_t size, uint8_t **bytes);

/** Bytes that a transport sends as they are, e.g. a handshake. */
reef_buffer_t *reef__buffer_raw(reef_span_t bytes);

/** Frames of @p framing, of that many messages, whose payloads have that many bytes
 *  together.  One reference, the caller's. */
reef_buffer_t *reef__buffer_create_bundle(reef__framing_t framing,
                                          reef_span_t frames,
                                          uint32_t message_count,
                                          uint32_t payload_size);

/** The same with the frames still to be written to @p *frames, @p room bytes at most;
 *  then say what they are. */
reef_buffer_t *
reef__buffer_blank_bundle(reef__framing_t framing, size_t room, uint8_t **frames);
void reef__buffer_end_bundle(reef_buffer_t *buffer,
                             size_t size,
                             uint32_t message_count,
                             uint32_t payload_size);

bool reef__buffer_is_bundle(const reef_buffer_t *buffer);

/** Messages in a buffer, one unless it is a bundle, and the bytes of their payloads. */
void reef__buffer_count(const reef_buffer_t *buffer,
                        uint32_t *message_count,
                        uint32_t *payload_size);

#endif /* REEF_SRC_BUFFER_H */
