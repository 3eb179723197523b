/**
 * @file http_client.h
 * @brief HTTP/1.1 to a port of this machine: one request per connection.
 */
#ifndef TEST_HTTP_CLIENT_H
#define TEST_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HTTP_TEXT_SIZE = 1 << 18
};

typedef struct http_reply {
    int status;
    char *body;                /* within `text`; terminated */
    char text[HTTP_TEXT_SIZE]; /* head and body */
} http_reply_t;

typedef struct http_request {
    uint16_t port;
    bool is_ipv6;        /* of [::1] */
    const char *method;  /* NULL = "GET" */
    const char *path;    /* as sent */
    const char *host;    /* NULL = 127.0.0.1:port, [::1]:port */
    const char *headers; /* "Name: value\r\n" …, or NULL */
    const char *body;    /* NULL = none */
} http_request_t;

/** Send it and read the whole reply. */
void http_send(const http_request_t *request, http_reply_t *reply);

/** Send only; the caller reads from the descriptor and closes it. */
int http_open(const http_request_t *request);

/** Copy the value of a header; false when it is not there. */
bool http_header(const http_reply_t *reply,
                 const char *name,
                 char *value,
                 size_t capacity);

#endif /* TEST_HTTP_CLIENT_H */
