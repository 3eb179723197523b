/**
 * @file ws_extension.h
 * @brief The grammar of Sec-WebSocket-Extensions (RFC 6455 section 9.1).
 *
 * Spans borrow from the header's value.  No allocation.
 */
#ifndef REEF_CODEC_WS_EXTENSION_H
#define REEF_CODEC_WS_EXTENSION_H

#include <reef/attrs.h>
#include <reef/span.h>

typedef struct reef__ws_extension {
    reef_span_t name;
    reef_span_t params; /* for reef__ws_extension_next_param(); well-formed */
} reef__ws_extension_t;

typedef struct reef__ws_extension_param {
    reef_span_t name;
    reef_span_t value; /* without quotes, though a backslash may be left before any
                          character; data is NULL when there is no value */
} reef__ws_extension_param_t;

typedef enum reef__ws_extension_status {
    REEF__WS_EXTENSION_NEXT,      /* one was taken off the list */
    REEF__WS_EXTENSION_END,       /* nothing is left */
    REEF__WS_EXTENSION_MALFORMED, /* the header is to be refused */
} reef__ws_extension_status_t;

/** Take the next extension off @p list, the value of a header. */
REEF_NODISCARD reef__ws_extension_status_t
reef__ws_extension_next(reef_span_t *list, reef__ws_extension_t *extension);

/** Take the next parameter off the params of an extension; false at their end. */
REEF_NODISCARD bool reef__ws_extension_next_param(reef_span_t *params,
                                                  reef__ws_extension_param_t *param);

/** Bytes of the token (RFC 9110 section 5.6.2) that @p text begins with. */
size_t reef__ws_token_size(reef_span_t text);

#endif /* REEF_CODEC_WS_EXTENSION_H */
