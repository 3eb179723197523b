/**
 * @file span.h
 * @brief Borrowed bytes: a pointer and a size, passed by value.
 *
 * A span owns nothing.  Text in a span is not NUL-terminated.
 */
#ifndef REEF_SPAN_H
#define REEF_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct reef_span {
    const uint8_t *data; /* borrowed; may be NULL when size is 0 */
    size_t size;         /* bytes */
} reef_span_t;

/** View @p size bytes at @p data. */
static inline reef_span_t reef_span(const void *data, size_t size)
{
    return (reef_span_t){.data = data, .size = size};
}

/** View a NUL-terminated string, without its terminator. */
static inline reef_span_t reef_span_text(const char *text)
{
    return reef_span(text, strlen(text));
}

/** Same size and same bytes. */
static inline bool reef_span_equal(reef_span_t a, reef_span_t b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/** Whether @p span begins with the bytes of @p prefix. */
static inline bool reef_span_starts_with(reef_span_t span, reef_span_t prefix)
{
    return span.size >= prefix.size &&
           reef_span_equal(reef_span(span.data, prefix.size), prefix);
}

static inline bool reef__is_space(uint8_t byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

/** The span without its first @p count bytes; @p count is at most its size. */
static inline reef_span_t reef_span_skip(reef_span_t span, size_t count)
{
    return reef_span(span.data + count, span.size - count);
}

/** The span without ASCII white space at both ends. */
static inline reef_span_t reef_span_trim(reef_span_t span)
{
    while (span.size > 0 && reef__is_space(span.data[0])) {
        span = reef_span_skip(span, 1);
    }
    while (span.size > 0 && reef__is_space(span.data[span.size - 1])) {
        span.size--;
    }
    return span;
}

#endif /* REEF_SPAN_H */
