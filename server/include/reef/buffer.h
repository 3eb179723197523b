/**
 * @file buffer.h
 * @brief An immutable payload, reference-counted, framed once per framing.
 *
 * The bytes lie behind a little headroom, in which the first sender writes the frame
 * header of its transport; every later recipient shares that frame.  A payload that
 * was received can be sent on without a copy.  References may be taken and released
 * on any thread; the bytes never change.
 */
#ifndef REEF_BUFFER_H
#define REEF_BUFFER_H

#include <reef/attrs.h>
#include <reef/span.h>

#include <stdbool.h>

typedef enum reef_payload_kind {
    REEF_PAYLOAD_TEXT, /* valid UTF-8 */
    REEF_PAYLOAD_BINARY,
} reef_payload_kind_t;

typedef struct reef_buffer reef_buffer_t;

/** Copy @p payload into a new buffer with one reference, the caller's. */
reef_buffer_t *reef_buffer_create(reef_payload_kind_t kind, reef_span_t payload);

/** A text from a format, one reference, the caller's. */
REEF_PRINTF(1, 2) reef_buffer_t *reef_buffer_format(const char *format, ...);

/** Take one more reference; returns @p buffer. */
reef_buffer_t *reef_buffer_ref(reef_buffer_t *buffer);

/** Release one reference; the last one frees.  Accepts NULL. */
void reef_buffer_unref(reef_buffer_t *buffer);

reef_payload_kind_t reef_buffer_kind(const reef_buffer_t *buffer);

/** The payload; borrowed while the caller holds a reference. */
reef_span_t reef_buffer_payload(const reef_buffer_t *buffer);

#endif /* REEF_BUFFER_H */
