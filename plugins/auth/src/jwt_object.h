/**
 * @file jwt_object.h
 * @brief The JSON objects in a token: parsing what a stranger sent, within bounds.
 */
#ifndef REEF_AUTH_JWT_OBJECT_H
#define REEF_AUTH_JWT_OBJECT_H

#include <reef/attrs.h>
#include <reef/span.h>

#include <cjson/cJSON.h>

enum {
    REEF__JWT_MAX_DEPTH = 8,
    REEF__JWT_MAX_VALUES = 256, /* of all in one object, those in arrays included */
};

/**
 * Parse one JSON object (RFC 8259) of valid UTF-8.  Refused besides what is none:
 * nesting or values beyond the limits above, a name twice in one object, NUL
 * characters, numbers beyond a double, anything but white space behind the object.
 *
 * @return The tree, owned by the caller: cJSON_Delete(); NULL when it was refused.
 */
REEF_NODISCARD cJSON *reef__jwt_object_parse(reef_span_t text);

#endif /* REEF_AUTH_JWT_OBJECT_H */
