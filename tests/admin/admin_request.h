/** @file admin_request.h  Requests without a socket. */
#ifndef TEST_ADMIN_REQUEST_H
#define TEST_ADMIN_REQUEST_H

#include "exchange.h"

enum {
    REQUEST_MAX_HEADERS = 8
};

/** A request that owns its list of headers. */
typedef struct test_request {
    reef__request_t request;
    reef__header_t headers[REQUEST_MAX_HEADERS];
} test_request_t;

/** Start from a harmless request to a host that is allowed. */
static inline void
request_init(test_request_t *test, const char *method, const char *path)
{
    *test = (test_request_t){.request = {.method = method,
                                         .path = path,
                                         .query = "",
                                         .peer = "127.0.0.1",
                                         .now_ns = 1000000000}};
    test->request.headers = test->headers;
}

static inline void
request_add(test_request_t *test, const char *name, const char *value)
{
    test->headers[test->request.header_count++] =
        (reef__header_t){.name = name, .value = value};
}

#endif /* TEST_ADMIN_REQUEST_H */
