/**
 * @file json_text.h
 * @brief Parsing JSON that somebody else sent, within bounds.
 */
#ifndef REEF_ADMIN_JSON_TEXT_H
#define REEF_ADMIN_JSON_TEXT_H

#include <reef/error.h>
#include <reef/span.h>

#include <cjson/cJSON.h>

enum {
    REEF__JSON_MAX_DEPTH = 32,
    REEF__JSON_MAX_MEMBERS = 256,  /* of one object */
    REEF__JSON_MAX_VALUES = 32768, /* of all: the world thread has to copy them */
};

/**
 * Parse one JSON text (RFC 8259).  Refused besides what is no JSON: nesting deeper than
 * REEF__JSON_MAX_DEPTH, too many values, objects of too many members or with a name
 * twice, NUL characters, numbers beyond a double, anything behind the value.
 *
 * @param text Followed by a NUL that does not count.
 * @param json Receives the tree, owned by the caller: cJSON_Delete().
 * @return REEF_OK, REEF_E_INVALID or REEF_E_LIMIT.
 */
REEF_NODISCARD reef_error_t reef__json_parse(reef_span_t text,
                                             cJSON **json,
                                             reef_failure_t *failure);

#endif /* REEF_ADMIN_JSON_TEXT_H */
