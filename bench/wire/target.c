/* Nothing is decoded: the path is sent as it was given. */
#include "target.h"

#include "fail.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

typedef struct scheme {
    const char *name;
    framing_t framing;
    bool is_tls;
    uint16_t port; /* where the address has none; 0 = it must have one */
} scheme_t;

static const scheme_t schemes[] = {
    {"ws", FRAMING_WEBSOCKET, .port = 80},
    {"wss", FRAMING_WEBSOCKET, .is_tls = true, .port = 443},
    {"tcp", FRAMING_RAW},
    {"tcp+varint", FRAMING_VARINT},
    {"tcp+u32", FRAMING_U32},
    {"tcp+lines", FRAMING_LINES},
    {"tcps", FRAMING_RAW, .is_tls = true},
    {"tcps+varint", FRAMING_VARINT, .is_tls = true},
    {"tcps+u32", FRAMING_U32, .is_tls = true},
    {"tcps+lines", FRAMING_LINES, .is_tls = true},
    {"udp", FRAMING_DATAGRAM},
};

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
        return target->port != 0 ? NULL : "the port is missing";
    }
    if (text[rest] != ':' || !parse_port(target, text + rest + 1, size - rest - 1)) {
        return "the port is not a number from 1 to 65535";
    }
    return NULL;
}

static const scheme_t *find_scheme(const char *name, size_t size)
{
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        if (strlen(schemes[i].name) == size &&
            strncmp(schemes[i].name, name, size) == 0) {
            return &schemes[i];
        }
    }
    return NULL;
}

const char *target_parse(target_t *target, const char *url)
{
    const char *rest = strstr(url, "://"), *error;
    const scheme_t *scheme =
        rest != NULL ? find_scheme(url, (size_t)(rest - url)) : NULL;
    size_t size;

    if (scheme == NULL) {
        return "it begins with none of ws://, wss://, tcp://, tcp+varint://, "
               "tcp+u32://, tcp+lines://, tcps… and udp://";
    }
    *target = (target_t){.scheme = scheme->name,
                         .framing = scheme->framing,
                         .is_tls = scheme->is_tls,
                         .port = scheme->port};
    rest += strlen("://");
    size = strcspn(rest, "/?#");
    error = parse_host(target, rest, size);
    if (error != NULL) {
        return error;
    }
    rest += size;
    if (scheme->framing != FRAMING_WEBSOCKET && rest[0] != '\0') {
        return "only ws:// and wss:// have a path";
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

void target_use_unix(target_t *target, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (!copy(address.sun_path, sizeof(address.sun_path), path, strlen(path))) {
        fail("%s: the path of a Unix socket has at most %zu bytes", path,
             sizeof(address.sun_path) - 1);
    }
    memcpy(&target->address, &address, sizeof(address));
    target->address_size = sizeof(address);
}

bool target_is_loopback(const target_t *target)
{
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;

    if (target->address.ss_family == AF_INET) {
        memcpy(&ipv4, &target->address, sizeof(ipv4));
        return ntohl(ipv4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    }
    if (target->address.ss_family == AF_INET6) {
        memcpy(&ipv6, &target->address, sizeof(ipv6));
        return IN6_IS_ADDR_LOOPBACK(&ipv6.sin6_addr);
    }
    return target->address.ss_family == AF_UNIX;
}
