/*
 * Addresses are numeric IPv4: what the HTTP library of this system can listen on.
 */
#include "listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static bool parse_address(const char *text, size_t size, reef__listen_t *listen)
{
    const char *colon = memchr(text, ':', size);
    size_t at = listen->count;
    struct in_addr address;
    char port[8], *end;
    size_t host_size, port_size;
    unsigned long number;

    if (colon == NULL || at == REEF__MAX_LISTEN ||
        size >= sizeof(listen->items[0].text)) {
        return false;
    }
    host_size = (size_t)(colon - text);
    port_size = size - host_size - 1;
    if (host_size >= sizeof(listen->items[0].host) || port_size == 0 || port_size > 5) {
        return false;
    }
    snprintf(listen->items[at].text, sizeof(listen->items[at].text), "%.*s", (int)size,
             text);
    snprintf(listen->items[at].host, sizeof(listen->items[at].host), "%.*s",
             (int)host_size, text);
    snprintf(port, sizeof(port), "%.*s", (int)port_size, colon + 1);
    number = strtoul(port, &end, 10);
    if (strspn(port, "0123456789") != port_size || *end != '\0' || number > 65535 ||
        inet_pton(AF_INET, listen->items[at].host, &address) != 1) {
        return false;
    }
    listen->items[at].port = (uint16_t)number;
    listen->items[at].is_loopback = (ntohl(address.s_addr) >> 24) == 127;
    listen->count++;
    return true;
}

reef_error_t
reef__listen_parse(const char *text, reef__listen_t *listen, reef_failure_t *failure)
{
    *listen = (reef__listen_t){0};
    while (*text != '\0') {
        size_t size;

        text += strspn(text, " ,");
        size = strcspn(text, " ,");
        if (size > 0 && !parse_address(text, size, listen)) {
            return reef_fail(
                failure, REEF_E_INVALID,
                "admin.listen: '%.*s' is no numeric IPv4 address and port, "
                "as 127.0.0.1:9090, or one too many",
                (int)size, text);
        }
        text += size;
    }
    if (listen->count == 0) {
        return reef_fail(failure, REEF_E_INVALID, "admin.listen: an address is needed");
    }
    return REEF_OK;
}

/* 0, or the errno of binding to it. */
static int try_bind(const char *host, uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int one = 1, failed = 0;

    if (probe < 0) {
        return errno;
    }
    inet_pton(AF_INET, host, &address.sin_addr);
    setsockopt(probe, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(probe, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(probe, 1) != 0) {
        failed = errno;
    }
    close(probe);
    return failed;
}

reef_error_t reef__listen_explain(const reef__listen_t *listen, reef_failure_t *failure)
{
    for (size_t i = 0; i < listen->count; i++) {
        int failed = try_bind(listen->items[i].host, listen->items[i].port);

        if (failed != 0) {
            return reef_fail(
                failure, REEF_E_IO, "admin.listen: %s: %s", listen->items[i].text,
                failed == EADDRINUSE ? "address in use" : strerror(failed));
        }
    }
    return REEF_E_IO; /* the text at hand must do */
}

void reef__listen_knock(const char *host, uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int knock = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (knock >= 0 && inet_pton(AF_INET, host, &address.sin_addr) == 1) {
        /* Without waiting: the kernel has done what matters, or there is no one. */
        (void)!connect(knock, (const struct sockaddr *)&address, sizeof(address));
    }
    if (knock >= 0) {
        close(knock);
    }
}
