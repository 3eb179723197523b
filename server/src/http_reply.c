/*
 * What a handler says.  A reply is made in memory of its request; nothing is sent from
 * here.
 */
#include "http_exchange.h"

#include "http_text.h"

#include <assert.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

/* A token (RFC 9110 section 5.6.2). */
static bool is_header_name(const char *name)
{
    for (const char *at = name; *at != '\0'; at++) {
        if (!isalnum((unsigned char)*at) && strchr("!#$%&'*+-.^_`|~", *at) == NULL) {
            return false;
        }
    }
    return name[0] != '\0';
}

static bool is_header_value(const char *value)
{
    for (const char *at = value; *at != '\0'; at++) {
        unsigned char c = (unsigned char)*at;

        if ((c < ' ' && c != '\t') || c == 0x7f) {
            return false;
        }
    }
    return true;
}

static bool is_our_header(const char *name)
{
    static const char *const ours[] = {
        "Connection", "Content-Length",    "Content-Type", "Keep-Alive",
        "Trailer",    "Transfer-Encoding", "Upgrade",      "X-Content-Type-Options",
    };

    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
        if (strcasecmp(ours[i], name) == 0) {
            return true;
        }
    }
    return false;
}

bool reef_http_add_header(reef_http_request_t *request,
                          const char *name,
                          const char *value)
{
    reef__http_exchange_t *exchange = (reef__http_exchange_t *)request;
    size_t room = sizeof(exchange->headers) - exchange->headers_size;
    size_t size = strlen(name) + strlen(value) + 4;

    if (!is_header_name(name) || !is_header_value(value) || is_our_header(name) ||
        size >= room) {
        return false;
    }
    snprintf(exchange->headers + exchange->headers_size, room, "%s: %s\r\n", name,
             value);
    exchange->headers_size += size;
    return true;
}

/* With a body that is the exchange's already. */
static void
reply(reef__http_exchange_t *exchange, int status, const char *type, reef_span_t body)
{
    status = status != 0 ? status : body.size > 0 ? 200 : 204;
    assert(status >= 200 && status <= 599);
    if (status == 204 || status == 304) {
        body = reef_span(NULL, 0);
    }
    exchange->type[0] = '\0';
    if (body.size > 0) {
        bool fits = type != NULL && type[0] != '\0' &&
                    strlen(type) < REEF__HTTP_TYPE_SIZE && is_header_value(type);

        snprintf(exchange->type, REEF__HTTP_TYPE_SIZE, "%s",
                 fits ? type : "application/octet-stream");
    }
    exchange->replied = true;
    exchange->result.status = status;
    exchange->result.body = body;
}

void reef_http_reply(reef_http_request_t *request,
                     int status,
                     const char *type,
                     reef_span_t body)
{
    reef__http_exchange_t *exchange = (reef__http_exchange_t *)request;
    void *copy = NULL;

    if (body.size > 0) {
        copy = reef__http_allocate(exchange, body.size);
        memcpy(copy, body.data, body.size);
    }
    reply(exchange, status, type, reef_span(copy, body.size));
}

REEF_PRINTF(2, 0)
static reef_span_t
print(reef__http_exchange_t *exchange, const char *format, va_list args)
{
    va_list again;
    int size;
    char *text;

    va_copy(again, args);
    size = vsnprintf(NULL, 0, format, again);
    va_end(again);
    assert(size >= 0);
    text = reef__http_allocate(exchange, (size_t)size + 1);
    vsnprintf(text, (size_t)size + 1, format, args);
    return reef_span(text, (size_t)size);
}

void reef_http_reply_text(reef_http_request_t *request,
                          int status,
                          const char *format,
                          ...)
{
    va_list args;

    va_start(args, format);
    reply((reef__http_exchange_t *)request, status, "text/plain; charset=utf-8",
          print((reef__http_exchange_t *)request, format, args));
    va_end(args);
}

void reef_http_reply_json(reef_http_request_t *request,
                          int status,
                          const char *format,
                          ...)
{
    va_list args;

    va_start(args, format);
    reply((reef__http_exchange_t *)request, status, "application/json",
          print((reef__http_exchange_t *)request, format, args));
    va_end(args);
}

void reef_http_reply_problem(reef_http_request_t *request,
                             int status,
                             const char *format,
                             ...)
{
    reef__http_exchange_t *exchange = (reef__http_exchange_t *)request;
    reef_span_t detail;
    va_list args;

    va_start(args, format);
    detail = print(exchange, format, args);
    va_end(args);
    reef_http_reply_json(request, status,
                         "{\"type\":\"about:blank\",\"status\":%d,\"detail\":%s}",
                         status, reef_http_quote(request, detail));
    snprintf(exchange->type, REEF__HTTP_TYPE_SIZE, "application/problem+json");
}

const char *reef_http_quote(reef_http_request_t *request, reef_span_t text)
{
    char *out = reef__http_allocate((reef__http_exchange_t *)request,
                                    REEF__HTTP_QUOTED_SIZE(text.size) + 1);

    reef__http_quote(text, out);
    return out;
}

const char *reef_http_encode(reef_http_request_t *request, reef_span_t text)
{
    char *out = reef__http_allocate((reef__http_exchange_t *)request,
                                    REEF__HTTP_ENCODED_SIZE(text.size) + 1);

    reef__http_encode(text, out);
    return out;
}
