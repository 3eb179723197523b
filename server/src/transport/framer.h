/**
 * @file framer.h
 * @brief Messages in the framing of whom they are for, framed once per loop.
 *
 * A message that goes to several peers of one framing comes once for each of them, one
 * right after the other: so the last one is remembered.  Used by the thread of a loop.
 */
#ifndef REEF_SRC_TRANSPORT_FRAMER_H
#define REEF_SRC_TRANSPORT_FRAMER_H

#include "buffer.h"

/** All zero = nothing is remembered. */
typedef struct reef__framer {
    struct {
        reef_buffer_t *payload; /* one reference each */
        reef_buffer_t *framed;
    } last[REEF__FRAMING_COUNT];
} reef__framer_t;

/** The message in another framing than its own: see reef__framer_frame(). */
reef_buffer_t *reef__framer_reframe(reef__framer_t *framer,
                                    reef_buffer_t *message,
                                    reef__framing_t framing);

/** Let go of what is remembered. */
void reef__framer_release(reef__framer_t *framer);

/** The message in @p framing; as it is for REEF__FRAMING_NONE.  Takes its reference
 *  over, and gives one. */
static inline reef_buffer_t *reef__framer_frame(reef__framer_t *framer,
                                                reef_buffer_t *message,
                                                reef__framing_t framing)
{
    return framing == reef__buffer_framing(message) || framing == REEF__FRAMING_NONE
               ? message
               : reef__framer_reframe(framer, message, framing);
}

#endif /* REEF_SRC_TRANSPORT_FRAMER_H */
