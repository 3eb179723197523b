/**
 * @file utf8.h
 * @brief UTF-8 validation that can stop and go on at any byte (RFC 3629).
 *
 * A zeroed reef__utf8_t stands between two characters.  No I/O, no allocation;
 * each function may be called from any thread.
 */
#ifndef REEF_CODEC_UTF8_H
#define REEF_CODEC_UTF8_H

#include <reef/span.h>

typedef struct reef__utf8 {
    uint8_t left; /* continuation bytes still to come; 0 between characters */
    uint8_t low;  /* range of the next one, meaningful while left > 0 */
    uint8_t high;
} reef__utf8_t;

/** Go on with @p data; false at the first byte that no valid text has there. */
bool reef__utf8_feed(reef__utf8_t *state, reef_span_t data);

/** Whether the bytes fed so far end between two characters. */
static inline bool reef__utf8_is_complete(const reef__utf8_t *state)
{
    return state->left == 0;
}

/** Whether @p text is valid and complete UTF-8. */
bool reef__utf8_is_valid(reef_span_t text);

/** The longest start of valid @p text of at most @p size bytes that cuts no character.
 */
reef_span_t reef__utf8_cut(reef_span_t text, size_t size);

#endif /* REEF_CODEC_UTF8_H */
