/**
 * @file http_server.h
 * @brief What a plugin needs that brings HTTP requests to the routes of http.h.
 *
 * It reads a head and calls reef_http_request_create().  When
 * reef_http_request_result() then says status 0, a route has been found: read the body,
 * of reef_http_request_max_body() at most, and call reef_http_request_run().  In either
 * case send the result.  Any thread but the world's, after the start.
 */
#ifndef REEF_HTTP_SERVER_H
#define REEF_HTTP_SERVER_H

#include <reef/http.h>

typedef struct reef_http_field {
    const char *name, *value;
} reef_http_field_t;

/** As it came; borrowed while the request lives. */
typedef struct reef_http_head {
    const char *method;
    const char *path;  /* encoded, without the query */
    const char *query; /* encoded; "" when there is none */
    const char *peer;
    const reef_http_field_t *headers;
    size_t header_count;
} reef_http_head_t;

/** What to answer; borrowed while the request lives. */
typedef struct reef_http_result {
    int status;          /* 0 = a route is found and waits for the body */
    const char *detail;  /* of a refusal, a sentence: there is no body then; or NULL */
    const char *allow;   /* methods of this path, "GET, HEAD"; "" when it is unknown */
    const char *headers; /* lines "Name: value\r\n", Content-Type among them */
    reef_span_t body;
} reef_http_result_t;

/** Routes that were registered. */
size_t reef_http_route_count(const reef_app_t *app);

/** Take in a request and find its route.  Owned by the caller:
 *  reef_http_request_destroy(). */
reef_http_request_t *reef_http_request_create(reef_app_t *app,
                                              const reef_http_head_t *head);

/** Accepts NULL. */
void reef_http_request_destroy(reef_http_request_t *request);

/** 0 = what the settings say. */
uint32_t reef_http_request_max_body(const reef_http_request_t *request);

/** Have the handler called with @p body (borrowed) on the world thread, and wait.  The
 *  result is then its reply, or a refusal (503) when the world does not answer. */
void reef_http_request_run(reef_http_request_t *request,
                           reef_span_t body,
                           uint32_t deadline_ms);

const reef_http_result_t *reef_http_request_result(const reef_http_request_t *request);

#endif /* REEF_HTTP_SERVER_H */
