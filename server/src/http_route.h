/**
 * @file http_route.h
 * @brief The routes of an application: their patterns, and which of them a path means.
 *
 * Filled before the start, only read after it: then from any thread.
 */
#ifndef REEF_SRC_HTTP_ROUTE_H
#define REEF_SRC_HTTP_ROUTE_H

#include <reef/http.h>

#include "log_limit.h"

typedef enum reef__segment_kind {
    REEF__SEGMENT_TEXT, /* in order of precedence */
    REEF__SEGMENT_PARAMETER,
    REEF__SEGMENT_REST,
} reef__segment_kind_t;

typedef struct reef__segment {
    reef__segment_kind_t kind;
    reef_span_t text; /* what must be there, or the name; within the route's path */
} reef__segment_t;

typedef struct reef__http_route {
    reef_http_route_desc_t desc;
    char *path; /* owned; the copy that desc and segments refer to */
    reef__segment_t segments[REEF_HTTP_MAX_SEGMENTS];
    uint32_t segment_count;
} reef__http_route_t;

typedef struct reef__http_routes {
    const reef_alloc_t *alloc;
    reef_failure_t failure; /* of the first route that was refused */
    bool sealed;            /* the app was started */
    struct {
        reef__http_route_t **items; /* the most specific first */
        size_t count, capacity;
    } routes;
    reef__log_limit_t no_reply;  /* lines about handlers that do not reply … */
    reef__log_limit_t no_answer; /* … and about a world that does not answer */
} reef__http_routes_t;

/** What a path means. */
typedef struct reef__http_match {
    const reef__http_route_t *route; /* NULL when none has the method */
    uint32_t allowed;                /* bit per method that the path has; 0 = unknown */
    reef_span_t values[REEF_HTTP_MAX_PARAMETERS]; /* of the route, within the path */
} reef__http_match_t;

/** Owned by the caller: reef__http_routes_destroy(). */
reef__http_routes_t *reef__http_routes_create(const reef_alloc_t *alloc);

/** Accepts NULL. */
void reef__http_routes_destroy(reef__http_routes_t *routes);

/** @return REEF_OK, REEF_E_INVALID (malformed) or REEF_E_EXISTS, with a line. */
REEF_NODISCARD reef_error_t reef__http_routes_add(reef__http_routes_t *routes,
                                                  const reef_http_route_desc_t *desc,
                                                  reef_failure_t *failure);

/** Find what @p path, decoded, means to @p method. */
void reef__http_routes_find(const reef__http_routes_t *routes,
                            reef_http_method_t method,
                            reef_span_t path,
                            reef__http_match_t *match);

/** The method called @p text, in upper case; false when it is none of ours. */
bool reef__http_method_parse(const char *text, reef_http_method_t *method);

/** The app starts: report a refused route, and take no more. */
REEF_NODISCARD reef_error_t reef__http_routes_seal(reef__http_routes_t *routes,
                                                   reef_failure_t *failure);

#endif /* REEF_SRC_HTTP_ROUTE_H */
