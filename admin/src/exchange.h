/**
 * @file exchange.h
 * @brief One HTTP request and its reply, without the library that carries them.
 *
 * So everything behind the socket can be tested without one.
 */
#ifndef REEF_ADMIN_EXCHANGE_H
#define REEF_ADMIN_EXCHANGE_H

#include <reef/attrs.h>
#include <reef/error.h>
#include <reef/span.h>

#include <cjson/cJSON.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    REEF__MAX_HEADERS = 64,
    REEF__MAX_PARAMETERS = 2,
    REEF__PARAMETER_SIZE = 128,
    REEF__SESSION_KEY_SIZE = 32,
    REEF__CSRF_SIZE = 2 * 32 + 1,
    REEF__REPLY_HEADERS_SIZE = 4096,
};

typedef struct reef__header {
    const char *name, *value;
} reef__header_t;

typedef enum reef__role {
    REEF__ROLE_NONE, /* of a route: open to all */
    REEF__ROLE_VIEWER,
    REEF__ROLE_OPERATOR,
    REEF__ROLE_ADMIN,
} reef__role_t;

/** Who sent a request. */
typedef struct reef__identity {
    reef__role_t role;
    bool by_cookie;   /* then writes need the CSRF token */
    uint64_t session; /* serial of the cookie's session */
    char csrf[REEF__CSRF_SIZE];
} reef__identity_t;

/** Instead of bytes, when a body cannot be read. */
enum {
    REEF__READ_BROKEN = -1,
    REEF__READ_LATE = -2, /* it took too long */
};

/** Reads more of the body: bytes read, 0 at its end, negative on failure. */
typedef int (*reef__read_fn)(void *context, void *data, size_t size);

/** Every pointer is borrowed while the request is handled. */
typedef struct reef__request {
    const char *method;
    const char *path;  /* as sent: not decoded, without the query */
    const char *query; /* as sent; "" when there is none */
    const char *peer;  /* address of the other side */
    const reef__header_t *headers;
    size_t header_count;
    reef__read_fn read;
    void *read_context;
    uint64_t now_ns; /* monotonic */

    reef_span_t body; /* once the route is known; followed by a NUL */
    reef__identity_t identity;
    char parameters[REEF__MAX_PARAMETERS][REEF__PARAMETER_SIZE]; /* {} of the route */
} reef__request_t;

/** Takes a piece of a live reply; false when the other side is gone. */
typedef struct reef__sink {
    bool (*write)(void *context, const char *data, size_t size);
    void *context;
} reef__sink_t;

typedef struct reef__reply {
    int status;
    const char *type;  /* Content-Type; static */
    char *body;        /* owned, from malloc(); or NULL */
    const void *fixed; /* bytes instead of `body`: static, or until `release` */
    size_t size;       /* of either */
    bool close;        /* end the connection, e.g. with a body left unread */
    char headers[REEF__REPLY_HEADERS_SIZE]; /* "Name: value\r\n" … */

    /** A live reply: called once the head is sent, ends the reply by returning. */
    void (*stream)(void *context, const reef__sink_t *sink);
    void (*stream_drop)(void *context); /* always called when `stream` is set */
    void *stream_context;

    void (*release)(void *context); /* of what `fixed` lies in; or NULL */
    void *release_context;
} reef__reply_t;

/** Value of the first header called @p name, in any case; NULL when there is none. */
const char *reef__request_header(const reef__request_t *request, const char *name);

/** How many headers are called @p name. */
size_t reef__request_header_count(const reef__request_t *request, const char *name);

/** Whether the method changes nothing. */
bool reef__request_is_safe(const reef__request_t *request);

/**
 * Copy a decoded parameter of the query string, "" when it is not there.
 *
 * @return false when it does not fit or is badly encoded.
 */
bool reef__request_parameter(const reef__request_t *request,
                             const char *name,
                             char *value,
                             size_t size);

/** Decode %XX in @p text; false when it does not fit, is malformed or holds a NUL. */
bool reef__percent_decode(reef_span_t text, char *out, size_t size);

/** Append a header line; too many stop the program. */
REEF_PRINTF(3, 4)
void reef__reply_header(reef__reply_t *reply,
                        const char *name,
                        const char *format,
                        ...);

/** Append lines "Name: value\r\n"; too many stop the program. */
void reef__reply_lines(reef__reply_t *reply, const char *lines);

/** Answer with @p json, which is taken over. */
void reef__reply_json(reef__reply_t *reply, int status, cJSON *json);

/** Answer with a text from malloc(), which is taken over. */
void reef__reply_text(reef__reply_t *reply, int status, const char *type, char *text);

/** Release what the reply owns; it is then empty. */
void reef__reply_finish(reef__reply_t *reply);

/** Print without white space; the caller frees it.  Aborts when memory runs out. */
char *reef__json_print(const cJSON *json);

/** Text as JSON; bytes that are no UTF-8 become U+FFFD, so the reply stays JSON. */
cJSON *reef__json_text(reef_span_t text);

/** Add a 64-bit number as a decimal string, which every JSON reader keeps exact. */
void reef__json_add_id(cJSON *object, const char *name, uint64_t value);

/** Add milliseconds since 1970 as RFC 3339 text. */
void reef__json_add_time(cJSON *object, const char *name, int64_t ms);

/** Nanoseconds of the monotonic clock. */
uint64_t reef__now_ns(void);

#endif /* REEF_ADMIN_EXCHANGE_H */
