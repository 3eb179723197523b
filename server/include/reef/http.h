/**
 * @file http.h
 * @brief Routes of an application: a method, a path, and the function that answers.
 *
 *     static void get_score(reef_http_request_t *request, void *context)
 *     {
 *         const char *player = reef_http_parameter(request, "id");
 *         …
 *         reef_http_reply_json(request, 200, "{\"score\":%u}", score);
 *     }
 *
 *     reef_http_route(app, &(reef_http_route_desc_t){
 *         .path = "/players/{id}/score", .handler = get_score});
 *
 * Handlers run on the world thread between two steps of a frame, one at a time, so they
 * read and change the world as an exclusive system does; they must be as quick as one.
 * The plugin `http` of the admin's library serves the routes, on addresses of their
 * own.
 */
#ifndef REEF_HTTP_H
#define REEF_HTTP_H

#include <reef/app.h>

typedef enum reef_http_method {
    REEF_HTTP_GET, /* its route answers HEAD, too: without the body */
    REEF_HTTP_HEAD,
    REEF_HTTP_POST,
    REEF_HTTP_PUT,
    REEF_HTTP_PATCH,
    REEF_HTTP_DELETE,
    REEF_HTTP_OPTIONS, /* without a route it is answered by what is allowed */
    REEF_HTTP_METHOD_COUNT,
} reef_http_method_t;

enum {
    REEF_HTTP_MAX_PATH = 2048,     /* bytes, as sent */
    REEF_HTTP_MAX_SEGMENTS = 32,   /* of a route's path */
    REEF_HTTP_MAX_PARAMETERS = 8,  /* likewise */
    REEF_HTTP_MAX_QUERY = 64,      /* parameters in a query */
    REEF_HTTP_HEADERS_SIZE = 2048, /* bytes of headers that a handler adds */
};

/** A request while its handler runs; all is borrowed from it. */
typedef struct reef_http_request {
    reef_app_t *app;
    reef_world_t *world;
    reef_http_method_t method;
    const char *path; /* decoded */
    reef_span_t body; /* empty when there is none */
    const char *peer; /* address of the other side, e.g. "127.0.0.1" */
} reef_http_request_t;

typedef void (*reef_http_handler_fn)(reef_http_request_t *request, void *context);

typedef struct reef_http_route_desc {
    reef_http_method_t method; /* not HEAD */

    /** Segments between slashes: text, as it is when decoded, or `{name}` for one that
     *  is not empty; the last may be `{name...}` for all the rest.  Where several
     *  routes match, the first segment in which they differ decides: text goes before
     *  a parameter, that before a rest.  Copied. */
    const char *path;

    reef_http_handler_fn handler;
    void *context;     /* borrowed while the app lives */
    uint32_t max_body; /* bytes; 0 = the setting http.max_body */
} reef_http_route_desc_t;

/** Register a route, during build().  One that is malformed, or there twice, fails the
 *  start with a line that names it. */
void reef_http_route(reef_app_t *app, const reef_http_route_desc_t *desc);

/* What was asked --------------------------------------------------------------- */

/** A parameter of the route's path: decoded, UTF-8 without control characters.  That
 *  the path has none of this name is a bug of the caller. */
const char *reef_http_parameter(const reef_http_request_t *request, const char *name);

/** The same as a decimal number; false when it is none, or too large. */
bool reef_http_parameter_u64(const reef_http_request_t *request,
                             const char *name,
                             uint64_t *value);

/** The first parameter of this name in the query, decoded: UTF-8 without NUL; NULL when
 *  there is none. */
const char *reef_http_query(const reef_http_request_t *request, const char *name);

/** Value of the first header called @p name, in any case; NULL when there is none. */
const char *reef_http_header(const reef_http_request_t *request, const char *name);

/** "GET" … */
const char *reef_http_method_text(reef_http_method_t method);

/* The reply -------------------------------------------------------------------- */

/**
 * Answer.  A handler that never does is answered for: 500, with a line in the log.  The
 * last reply counts.
 *
 * @param status 200 … 599; 0 = 200, or 204 when @p body is empty.
 * @param type   Content-Type; NULL = "application/octet-stream".
 * @param body   Copied.
 */
void reef_http_reply(reef_http_request_t *request,
                     int status,
                     const char *type,
                     reef_span_t body);

/** Answer with a text from a format. */
REEF_PRINTF(3, 4)
void reef_http_reply_text(reef_http_request_t *request,
                          int status,
                          const char *format,
                          ...);

/** Answer with JSON from a format; put texts into it by reef_http_quote(). */
REEF_PRINTF(3, 4)
void reef_http_reply_json(reef_http_request_t *request,
                          int status,
                          const char *format,
                          ...);

/** Answer with an error, as application/problem+json (RFC 9457) whose `detail` is the
 *  text. */
REEF_PRINTF(3, 4)
void reef_http_reply_problem(reef_http_request_t *request,
                             int status,
                             const char *format,
                             ...);

/** Add a header to the reply.  @return false, with nothing added, when it is malformed
 *  (a line break, say), one that the server sets by itself (Content-Length, Connection
 *  …), or all of them are longer than REEF_HTTP_HEADERS_SIZE. */
bool reef_http_add_header(reef_http_request_t *request,
                          const char *name,
                          const char *value);

/** @p text as a JSON string with its quotes; what is no UTF-8 becomes U+FFFD. */
const char *reef_http_quote(reef_http_request_t *request, reef_span_t text);

/** @p text as one segment of a path, percent-encoded: for `Location`. */
const char *reef_http_encode(reef_http_request_t *request, reef_span_t text);

#endif /* REEF_HTTP_H */
