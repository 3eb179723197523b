/**
 * @file frame.h
 * @brief How messages lie in the bytes of a TCP connection that is no WebSocket, no
 * I/O.
 *
 * Written apart from the server's, like ws.h.
 */
#ifndef WIRE_FRAME_H
#define WIRE_FRAME_H

#include "target.h"
#include "ws.h"

enum {
    FRAME_MAX_HEAD = 5,
    FRAME_MAX_TAIL = 1
};

/** Write what goes before a message of @p size bytes; returns its size. */
size_t frame_write_head(framing_t framing, uint8_t *out, size_t size);

/** Write what goes behind it; returns its size. */
size_t frame_write_tail(framing_t framing, uint8_t *out);

/** Where one connection's stream stands.  All zero: at its beginning. */
typedef struct frame_decoder {
    uint64_t left; /* of the message under way; lines do not tell */
    uint8_t head_size;
    bool is_in_message;
    bool has_begun; /* some of the message was handed out */
} frame_decoder_t;

/** Read on, as ws_decode() does.  Without frames, messages are of @p raw_size bytes. */
size_t frame_decode(frame_decoder_t *decoder,
                    framing_t framing,
                    size_t raw_size,
                    const uint8_t *data,
                    size_t size,
                    ws_piece_t *piece);

#endif /* WIRE_FRAME_H */
