/**
 * @file ws_frame_steps.h
 * @brief The reader's steps, for whatever is not a whole short message; see ws_frame.c.
 */
#ifndef REEF_CODEC_WS_FRAME_STEPS_H
#define REEF_CODEC_WS_FRAME_STEPS_H

#include "codec/ws_frame.h"
#include "codec/ws_mask.h"

/* RFC 6455 section 5.2 */
enum {
    BIT_FIN = 0x80,
    BITS_RESERVED = 0x70,
    BITS_OPCODE = 0x0f,
    BIT_MASKED = 0x80,
    BITS_SIZE = 0x7f,
    BIT_CONTROL = 0x08, /* in an opcode */
    SIZE_16 = 126,
    SIZE_64 = 127,
    MASK_SIZE = REEF__WS_MASK_SIZE,
};

/** reef__ws_frame_next() in full, but for dropping. */
bool reef__ws_steps_next(reef__ws_reader_t *reader,
                         const reef__ws_limits_t *limits,
                         reef__ws_input_t *input,
                         reef__ws_event_t *event);

/** The event given last is no longer looked at: drop what it borrowed. */
void reef__ws_steps_drop_given(reef__ws_reader_t *reader,
                               const reef__ws_limits_t *limits);

/** End with an error: the text is invalid, or ends within a character. */
void reef__ws_steps_refuse_text(reef__ws_reader_t *reader,
                                reef__ws_event_t *event,
                                bool is_cut);

/** Give the reader's memory back. */
void reef__ws_steps_release(reef__ws_reader_t *reader, const reef__ws_limits_t *limits);

#endif /* REEF_CODEC_WS_FRAME_STEPS_H */
