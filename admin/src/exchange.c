/*
 * Requests and replies as plain data.  A reply's own headers are collected as text,
 * because whoever carries them only has to append them.
 */
#include "exchange.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

const char *reef__request_header(const reef__request_t *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++) {
        if (strcasecmp(request->headers[i].name, name) == 0) {
            return request->headers[i].value;
        }
    }
    return NULL;
}

size_t reef__request_header_count(const reef__request_t *request, const char *name)
{
    size_t count = 0;

    for (size_t i = 0; i < request->header_count; i++) {
        count += strcasecmp(request->headers[i].name, name) == 0;
    }
    return count;
}

bool reef__request_is_safe(const reef__request_t *request)
{
    return strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0;
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool reef__percent_decode(reef_span_t text, char *out, size_t size)
{
    size_t used = 0;

    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];

        if (c == '%') {
            int high = i + 2 < text.size ? hex_digit(text.data[i + 1]) : -1;
            int low = high >= 0 ? hex_digit(text.data[i + 2]) : -1;

            if (low < 0) {
                return false;
            }
            c = (uint8_t)(high * 16 + low);
            i += 2;
        }
        if (c == '\0' || used + 1 >= size) {
            return false;
        }
        out[used++] = (char)c;
    }
    if (size == 0) {
        return false;
    }
    out[used] = '\0';
    return true;
}

/* Decode one value of a form, in which a plus sign is a space. */
static bool decode_value(reef_span_t text, char *value, size_t size)
{
    char plain[2048] = "";

    if (text.size >= sizeof(plain)) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        plain[i] = (char)text.data[i];
        if (plain[i] == '+') {
            plain[i] = ' ';
        }
    }
    return reef__percent_decode(reef_span(plain, text.size), value, size);
}

bool reef__request_parameter(const reef__request_t *request,
                             const char *name,
                             char *value,
                             size_t size)
{
    size_t name_size = strlen(name);
    const char *at = request->query;

    while (*at != '\0') {
        size_t pair = strcspn(at, "&");

        if (pair >= name_size && memcmp(at, name, name_size) == 0 &&
            (pair == name_size || at[name_size] == '=')) {
            size_t skip = name_size + (pair > name_size);

            return decode_value(reef_span(at + skip, pair - skip), value, size);
        }
        at += pair + (at[pair] == '&');
    }
    value[0] = '\0';
    return true;
}

void reef__reply_header(reef__reply_t *reply, const char *name, const char *format, ...)
{
    size_t used = strlen(reply->headers);
    size_t room = sizeof(reply->headers) - used;
    char value[512];
    va_list arguments;
    int size;

    va_start(arguments, format);
    size = vsnprintf(value, sizeof(value), format, arguments);
    va_end(arguments);
    assert(size >= 0 && (size_t)size < sizeof(value));
    assert(strpbrk(value, "\r\n") == NULL);
    size = snprintf(reply->headers + used, room, "%s: %s\r\n", name, value);
    assert(size >= 0 && (size_t)size < room);
}

void reef__reply_lines(reef__reply_t *reply, const char *lines)
{
    size_t used = strlen(reply->headers);
    size_t size = strlen(lines) + 1;

    assert(size <= sizeof(reply->headers) - used);
    memcpy(reply->headers + used, lines, size);
}

void reef__reply_text(reef__reply_t *reply, int status, const char *type, char *text)
{
    free(reply->body);
    reply->status = status;
    reply->type = type;
    reply->body = text;
    reply->fixed = NULL;
    reply->size = strlen(text);
}

char *reef__json_print(const cJSON *json)
{
    char *text = cJSON_PrintUnformatted(json);

    if (text == NULL) {
        abort();
    }
    return text;
}

void reef__reply_json(reef__reply_t *reply, int status, cJSON *json)
{
    reef__reply_text(reply, status, "application/json", reef__json_print(json));
    cJSON_Delete(json);
}

void reef__reply_finish(reef__reply_t *reply)
{
    if (reply->stream != NULL) {
        reply->stream_drop(reply->stream_context);
    }
    if (reply->release != NULL) {
        reply->release(reply->release_context);
    }
    free(reply->body);
    *reply = (reef__reply_t){0};
}

/* Size of the well-formed UTF-8 sequence at the start of @p text, or 0 (RFC 3629). */
static size_t utf8_sequence(reef_span_t text)
{
    uint8_t lead = text.data[0];
    size_t size = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : 0;
    uint8_t low = 0x80, high = 0xbf; /* of the second byte */

    if (lead >= 0xe0 && lead < 0xf0) {
        size = 3;
        low = lead == 0xe0 ? 0xa0 : low;
        high = lead == 0xed ? 0x9f : high;
    } else if (lead >= 0xf0 && lead < 0xf5) {
        size = 4;
        low = lead == 0xf0 ? 0x90 : low;
        high = lead == 0xf4 ? 0x8f : high;
    }
    if (size > text.size) {
        return 0;
    }
    for (size_t i = 1; i < size; i++) {
        if (text.data[i] < low || text.data[i] > high) {
            return 0;
        }
        low = 0x80;
        high = 0xbf;
    }
    return size;
}

cJSON *reef__json_text(reef_span_t text)
{
    char *copy = malloc(3 * text.size + 1); /* U+FFFD has three bytes */
    size_t used = 0;
    cJSON *json;

    if (copy == NULL) {
        abort();
    }
    while (text.size > 0) {
        size_t size = utf8_sequence(text);

        memcpy(copy + used, size > 0 ? (const char *)text.data : "\xef\xbf\xbd",
               size > 0 ? size : 3);
        used += size > 0 ? size : 3;
        text = reef_span_skip(text, size > 0 ? size : 1);
    }
    copy[used] = '\0';
    json = cJSON_CreateString(copy);
    free(copy);
    return json;
}

void reef__json_add_id(cJSON *object, const char *name, uint64_t value)
{
    char text[24];

    snprintf(text, sizeof(text), "%" PRIu64, value);
    cJSON_AddStringToObject(object, name, text);
}

void reef__json_add_time(cJSON *object, const char *name, int64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm utc;
    char date[40], text[64];

    if (ms < 0 || gmtime_r(&seconds, &utc) == NULL) {
        cJSON_AddNullToObject(object, name);
        return;
    }
    strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text, sizeof(text), "%s.%03dZ", date, (int)(ms % 1000));
    cJSON_AddStringToObject(object, name, text);
}

uint64_t reef__now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}
