/*
 * Addresses are numeric, for names may stand for several.  An IPv6 address is written
 * in brackets, here and wherever a port follows it.
 */
#include "listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    HOST_SIZE = sizeof(((reef__listen_t *)NULL)->items[0].host),
    BACKLOG = 200, /* as many as the HTTP library lets wait */
};

/* Either kind of address, as the system wants it. */
typedef struct address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } as;
    socklen_t size;
} address_t;

/* @p host without a port; false when it is no numeric address. */
static bool make_address(const char *host, uint16_t port, address_t *address)
{
    char bare[48];

    *address = (address_t){.size = sizeof(address->as.v4)};
    address->as.v4.sin_family = AF_INET;
    address->as.v4.sin_port = htons(port);
    if (host[0] != '[') {
        return inet_pton(AF_INET, host, &address->as.v4.sin_addr) == 1;
    }
    snprintf(bare, sizeof(bare), "%.*s", (int)strcspn(host + 1, "]"), host + 1);
    *address = (address_t){.size = sizeof(address->as.v6)};
    address->as.v6.sin6_family = AF_INET6;
    address->as.v6.sin6_port = htons(port);
    return strcmp(host + 1 + strlen(bare), "]") == 0 &&
           inet_pton(AF_INET6, bare, &address->as.v6.sin6_addr) == 1;
}

/* The one way to write it that the Host headers of browsers have. */
static void print_host(const address_t *address, char host[HOST_SIZE])
{
    char text[INET6_ADDRSTRLEN];

    if (address->as.any.sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &address->as.v6.sin6_addr, text, sizeof(text));
        snprintf(host, HOST_SIZE, "[%s]", text);
    }
}

static bool is_loopback(const address_t *address)
{
    return address->as.any.sa_family == AF_INET
               ? ntohl(address->as.v4.sin_addr.s_addr) >> 24 == 127
               : IN6_IS_ADDR_LOOPBACK(&address->as.v6.sin6_addr);
}

static bool parse_port(const char *text, size_t size, uint16_t *port)
{
    char digits[8];
    unsigned long number;

    if (size == 0 || size > 5 || strspn(text, "0123456789") < size) {
        return false;
    }
    snprintf(digits, sizeof(digits), "%.*s", (int)size, text);
    number = strtoul(digits, NULL, 10);
    *port = (uint16_t)number;
    return number <= 65535;
}

static bool parse_address(const char *text, size_t size, reef__listen_t *listen)
{
    size_t at = listen->count;
    const char *colon = memrchr(text, ':', size);
    size_t host_size;
    address_t address;

    if (colon == NULL || size >= sizeof(listen->items[0].text)) {
        return false;
    }
    host_size = (size_t)(colon - text);
    if (host_size >= sizeof(listen->items[0].host) ||
        !parse_port(colon + 1, size - host_size - 1, &listen->items[at].port)) {
        return false;
    }
    snprintf(listen->items[at].text, sizeof(listen->items[at].text), "%.*s", (int)size,
             text);
    snprintf(listen->items[at].host, sizeof(listen->items[at].host), "%.*s",
             (int)host_size, text);
    if (!make_address(listen->items[at].host, listen->items[at].port, &address)) {
        return false;
    }
    print_host(&address, listen->items[at].host);
    listen->items[at].is_loopback = is_loopback(&address);
    listen->items[at].is_ipv6 = address.as.any.sa_family == AF_INET6;
    listen->count++;
    return true;
}

reef_error_t reef__listen_parse(const char *setting,
                                const char *text,
                                reef__listen_t *listen,
                                reef_failure_t *failure)
{
    *listen = (reef__listen_t){.setting = setting};
    while (*text != '\0') {
        size_t size;

        text += strspn(text, " ,");
        size = strcspn(text, " ,");
        if (size > 0 && listen->count == REEF__MAX_LISTEN) {
            return reef_fail(failure, REEF_E_INVALID, "%s: at most %d addresses",
                             setting, REEF__MAX_LISTEN);
        }
        if (size > 0 && !parse_address(text, size, listen)) {
            return reef_fail(failure, REEF_E_INVALID,
                             "%s: '%.*s' is no numeric address and port, as in "
                             "127.0.0.1:8081",
                             setting, (int)size, text);
        }
        text += size;
    }
    if (listen->count == 0) {
        return reef_fail(failure, REEF_E_INVALID, "%s: an address is needed", setting);
    }
    return REEF_OK;
}

bool reef__listen_takes_ipv4(const reef__listen_t *listen, size_t index)
{
    uint16_t port = listen->items[index].port;

    for (size_t i = 0; port != 0 && i < listen->count; i++) {
        if (!listen->items[i].is_ipv6 && listen->items[i].port == port) {
            return false;
        }
    }
    return strcmp(listen->items[index].host, "[::]") == 0;
}

int reef__listen_open(const reef__listen_t *list, size_t index, uint16_t *port)
{
    int one = 1, is_alone = !reef__listen_takes_ipv4(list, index);
    int descriptor, failed;
    address_t address;

    (void)make_address(list->items[index].host, list->items[index].port, &address);
    descriptor =
        socket(address.as.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) {
        return -1;
    }
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (list->items[index].is_ipv6) {
        setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &is_alone, sizeof(is_alone));
    }
    if (bind(descriptor, &address.as.any, address.size) != 0 ||
        listen(descriptor, BACKLOG) != 0 ||
        getsockname(descriptor, &address.as.any, &address.size) != 0) {
        failed = errno;
        close(descriptor);
        errno = failed;
        return -1;
    }
    *port = ntohs(address.as.v4.sin_port); /* at the same place in either */
    return descriptor;
}

reef_error_t reef__listen_fail(const reef__listen_t *listen,
                               size_t index,
                               int reason,
                               reef_failure_t *failure)
{
    return reef_fail(failure, REEF_E_IO, "%s: %s: %s", listen->setting,
                     listen->items[index].text,
                     reason == EADDRINUSE ? "address in use" : strerror(reason));
}

reef_error_t reef__listen_explain(const reef__listen_t *listen, reef_failure_t *failure)
{
    for (size_t i = 0; i < listen->count; i++) {
        uint16_t port;
        int descriptor = reef__listen_open(listen, i, &port);

        if (descriptor < 0) {
            return reef__listen_fail(listen, i, errno, failure);
        }
        close(descriptor);
    }
    return REEF_E_IO; /* the text at hand must do */
}

void reef__listen_knock(const reef__listen_t *listen, size_t index, uint16_t port)
{
    address_t address;
    int knock;

    (void)make_address(listen->items[index].host, port, &address);
    knock =
        socket(address.as.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (knock >= 0) {
        /* Without waiting: the kernel has done what matters, or there is no one. */
        (void)!connect(knock, &address.as.any, address.size);
        close(knock);
    }
}
