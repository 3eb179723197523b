/* Nothing is decoded: the path is sent as it was given. */
#include "target.h"

#include "fail.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool copy(char *out, size_t capacity, const char *text, size_t size)
{
    if (size >= capacity) {
        return false;
    }
    memcpy(out, text, size);
    out[size] = '\0';
    return true;
}

static bool parse_port(target_t *target, const char *text, size_t size)
{
    unsigned long port = 0;

    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9' || port > UINT16_MAX) {
            return false;
        }
        port = port * 10 + (unsigned long)(text[i] - '0');
    }
    target->port = (uint16_t)port;
    return port > 0 && port <= UINT16_MAX;
}

static const char *parse_host(target_t *target, const char *text, size_t size)
{
    const char *end =
        text[0] == '[' ? memchr(text, ']', size) : memchr(text, ':', size);
    bool in_brackets = text[0] == '[';
    size_t host = end ? (size_t)(end - text) : size;
    size_t rest = end && in_brackets ? host + 1 : host;

    if (in_brackets && end == NULL) {
        return "']' is missing";
    }
    if (host - in_brackets == 0 || !copy(target->host, sizeof(target->host),
                                         text + in_brackets, host - in_brackets)) {
        return "the host is empty or too long";
    }
    if (rest == size) {
        target->port = 80;
        return target->is_websocket ? NULL : "the port is missing";
    }
    if (text[rest] != ':' || !parse_port(target, text + rest + 1, size - rest - 1)) {
        return "the port is not a number from 1 to 65535";
    }
    return NULL;
}

const char *target_parse(target_t *target, const char *url)
{
    const char *rest, *error;
    size_t size;

    *target = (target_t){.is_websocket = strncmp(url, "ws://", 5) == 0};
    if (!target->is_websocket && strncmp(url, "tcp://", 6) != 0) {
        return "it begins with neither ws:// nor tcp://";
    }
    rest = url + (target->is_websocket ? 5 : 6);
    size = strcspn(rest, "/?#");
    error = parse_host(target, rest, size);
    if (error != NULL) {
        return error;
    }
    rest += size;
    if (!target->is_websocket && rest[0] != '\0') {
        return "a tcp:// address has no path";
    }
    if (strpbrk(rest, " #\r\n") != NULL) {
        return "the path has a blank or a '#'";
    }
    size = (size_t)snprintf(target->path, sizeof(target->path), "%s%s",
                            rest[0] == '/' ? "" : "/", rest);
    return size < sizeof(target->path) ? NULL : "the path is too long";
}

void target_resolve(target_t *target)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found;
    char port[8];
    int error;

    snprintf(port, sizeof(port), "%u", target->port);
    error = getaddrinfo(target->host, port, &hints, &found);
    if (error != 0) {
        fail("%s: %s", target->host, gai_strerror(error));
    }
    memcpy(&target->address, found->ai_addr, found->ai_addrlen);
    target->address_size = found->ai_addrlen;
    freeaddrinfo(found);
}
