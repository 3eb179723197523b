/**
 * @file http_text.h
 * @brief Percent-encoding of paths and queries (RFC 3986), and JSON strings.
 *
 * No I/O; any thread.
 */
#ifndef REEF_SRC_HTTP_TEXT_H
#define REEF_SRC_HTTP_TEXT_H

#include <reef/alloc.h>
#include <reef/span.h>

/** Largest size of reef__http_encode() and reef__http_quote(), without their NUL. */
#define REEF__HTTP_ENCODED_SIZE(size) (3 * (size))
#define REEF__HTTP_QUOTED_SIZE(size)  (6 * (size) + 2)

/**
 * Decode a path as it was sent.  Refused, because one reader might take it for another
 * path than the next: what is not absolute, bad %XX, encoded slashes and NULs, empty
 * segments but for the last, `.` and `..`; and what is not UTF-8 or has control
 * characters.
 *
 * @param out Receives the text and a NUL: text.size + 1 bytes at least.
 */
bool reef__http_decode_path(reef_span_t text, char *out);

/**
 * Decode a name or a value of a query, in which a plus sign is a space.
 *
 * @param out As of reef__http_decode_path().
 * @return false for bad %XX, NUL, and what is not UTF-8.
 */
bool reef__http_decode_form(reef_span_t text, char *out);

/** Encode all but unreserved characters; writes a NUL, too.  Returns the size. */
size_t reef__http_encode(reef_span_t text, char *out);

/** Write @p text as a JSON string, and a NUL.  Returns the size. */
size_t reef__http_quote(reef_span_t text, char *out);

#endif /* REEF_SRC_HTTP_TEXT_H */
