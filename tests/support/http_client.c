#include "http_client.h"

#include "socket.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

int http_open(const http_request_t *request)
{
    int descriptor = request->is_ipv6 ? socket_connect_ipv6(request->port)
                                      : socket_connect(request->port);
    const char *body = request->body != NULL ? request->body : "";
    char host[64], length[64] = "";
    char *text = NULL;
    int size;

    snprintf(host, sizeof(host), "%s:%u", request->is_ipv6 ? "[::1]" : "127.0.0.1",
             request->port);
    if (request->body != NULL) {
        snprintf(length, sizeof(length), "Content-Length: %zu\r\n", strlen(body));
    }
    size =
        asprintf(&text, "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n%s%s\r\n%s",
                 request->method != NULL ? request->method : "GET", request->path,
                 request->host != NULL ? request->host : host, length,
                 request->headers != NULL ? request->headers : "", body);
    assert_true(size > 0);
    assert_true(socket_send(descriptor, text, (size_t)size));
    free(text);
    return descriptor;
}

void http_send(const http_request_t *request, http_reply_t *reply)
{
    int descriptor = http_open(request);
    char *end;

    socket_receive_all(descriptor, reply->text, sizeof(reply->text));
    close(descriptor);
    assert_int_equal(strncmp(reply->text, "HTTP/1.1 ", 9), 0);
    reply->status = (int)strtol(reply->text + 9, NULL, 10);
    end = strstr(reply->text, "\r\n\r\n");
    assert_non_null(end);
    end[2] = '\0'; /* the head ends here */
    reply->body = end + 4;
}

bool http_header(const http_reply_t *reply,
                 const char *name,
                 char *value,
                 size_t capacity)
{
    size_t size = strlen(name);
    const char *line = strstr(reply->text, "\r\n");

    for (; line != NULL; line = strstr(line + 2, "\r\n")) {
        if (strncasecmp(line + 2, name, size) == 0 && line[2 + size] == ':') {
            const char *start = line + 2 + size + 1;

            start += strspn(start, " ");
            snprintf(value, capacity, "%.*s", (int)strcspn(start, "\r"), start);
            return true;
        }
    }
    return false;
}
