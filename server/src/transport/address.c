/* Addresses with a port are split at the last colon; the brackets of IPv6 keep it
 * unambiguous. */
#include "transport/address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

enum {
    MAX_HOST = 256,
    MAX_PORT_DIGITS = 5,
};

static const char unix_prefix[] = "unix:";

typedef struct parts {
    char host[MAX_HOST];
    char port[MAX_PORT_DIGITS + 1];
} parts_t;

static bool copy(char *out, size_t capacity, const char *from, size_t size)
{
    if (size == 0 || size >= capacity) {
        return false;
    }
    memcpy(out, from, size);
    out[size] = '\0';
    return true;
}

static bool is_port(const char *text)
{
    return text[0] != '\0' && strspn(text, "0123456789") == strlen(text) &&
           strtoul(text, NULL, 10) <= 65535;
}

static bool split(reef_span_t text, parts_t *parts)
{
    const char *start = (const char *)text.data;
    const char *colon = memrchr(start, ':', text.size);
    size_t host_size;

    if (colon == NULL) {
        return false;
    }
    host_size = (size_t)(colon - start);
    if (!copy(parts->port, sizeof(parts->port), colon + 1, text.size - host_size - 1) ||
        !is_port(parts->port)) {
        return false;
    }
    if (host_size >= 2 && start[0] == '[' && start[host_size - 1] == ']') {
        return copy(parts->host, sizeof(parts->host), start + 1, host_size - 2);
    }
    return copy(parts->host, sizeof(parts->host), start, host_size) &&
           strchr(parts->host, ':') == NULL;
}

/* Digits and dots, or with a colon, which only brackets let through. */
static bool is_numeric(const char *host)
{
    return host[strspn(host, "0123456789.")] == '\0' || strchr(host, ':') != NULL;
}

/* Numbers first: a wrong one fails here, without a name server being asked for it. */
static int look_up(const parts_t *parts, struct addrinfo **found)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
    int code = getaddrinfo(parts->host, parts->port, &hints, found);

    if (code == EAI_NONAME && !is_numeric(parts->host)) {
        hints.ai_flags = AI_NUMERICSERV | AI_PASSIVE;
        code = getaddrinfo(parts->host, parts->port, &hints, found);
    }
    return code;
}

/* An absolute path: what it means must not depend on where the server was started. */
static reef_error_t parse_unix(reef_span_t path,
                               const char *setting,
                               struct sockaddr_storage *address,
                               reef_failure_t *failure)
{
    struct sockaddr_un *un = (struct sockaddr_un *)address;

    if (path.size < 2 || path.data[0] != '/' || path.size >= sizeof(un->sun_path)) {
        return reef_fail(failure, REEF_E_INVALID,
                         "%s: 'unix:%.*s' is no path of a socket: it begins with / and "
                         "has at most %zu bytes",
                         setting, (int)path.size, (const char *)path.data,
                         sizeof(un->sun_path) - 1);
    }
    memset(address, 0, sizeof(*address));
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, path.data, path.size);
    return REEF_OK;
}

reef_error_t reef__address_parse(reef_span_t text,
                                 const char *setting,
                                 struct sockaddr_storage *address,
                                 reef_failure_t *failure)
{
    struct addrinfo *found = NULL;
    parts_t parts;
    int code;

    if (text.size >= strlen(unix_prefix) &&
        memcmp(text.data, unix_prefix, strlen(unix_prefix)) == 0) {
        return parse_unix(reef_span_skip(text, strlen(unix_prefix)), setting, address,
                          failure);
    }
    if (!split(text, &parts)) {
        return reef_fail(failure, REEF_E_INVALID,
                         "%s: '%.*s' is not an address with a port from 0 to 65535, "
                         "like 127.0.0.1:8080 or [::1]:8080",
                         setting, (int)text.size, (const char *)text.data);
    }
    code = look_up(&parts, &found);
    if (code != 0) {
        return reef_fail(failure, REEF_E_INVALID, "%s: '%s' is no address: %s", setting,
                         parts.host, gai_strerror(code));
    }
    memset(address, 0, sizeof(*address));
    memcpy(address, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return REEF_OK;
}

void reef__address_format(const struct sockaddr_storage *address,
                          char out[REEF__ADDRESS_TEXT_SIZE])
{
    char host[INET6_ADDRSTRLEN] = "?";

    if (address->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)address;

        inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
        snprintf(out, REEF__ADDRESS_TEXT_SIZE, "%s:%u", host, ntohs(in->sin_port));
    } else if (address->ss_family == AF_UNIX) {
        snprintf(out, REEF__ADDRESS_TEXT_SIZE, "%s%s", unix_prefix,
                 ((const struct sockaddr_un *)address)->sun_path);
    } else {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;

        inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
        snprintf(out, REEF__ADDRESS_TEXT_SIZE, "[%s]:%u", host, ntohs(in6->sin6_port));
    }
}

socklen_t reef__address_size(const struct sockaddr_storage *address)
{
    switch (address->ss_family) {
    case AF_INET:
        return sizeof(struct sockaddr_in);
    case AF_UNIX:
        return sizeof(struct sockaddr_un);
    default:
        return sizeof(struct sockaddr_in6);
    }
}

void reef__address_of_peer(int descriptor, char out[REEF__ADDRESS_TEXT_SIZE])
{
    struct sockaddr_storage address;
    socklen_t size = sizeof(address);
    struct ucred who = {0};
    socklen_t who_size = sizeof(who);

    memset(&address, 0, sizeof(address));
    getpeername(descriptor, (struct sockaddr *)&address, &size);
    if (address.ss_family != AF_UNIX) {
        reef__address_format(&address, out);
        return;
    }
    getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &who, &who_size);
    snprintf(out, REEF__ADDRESS_TEXT_SIZE, "%spid=%d,uid=%u", unix_prefix, (int)who.pid,
             who.uid);
}

void reef__address_of_socket(int descriptor, char out[REEF__ADDRESS_TEXT_SIZE])
{
    struct sockaddr_storage address;
    socklen_t size = sizeof(address);

    memset(&address, 0, sizeof(address));
    getsockname(descriptor, (struct sockaddr *)&address, &size);
    reef__address_format(&address, out);
}

bool reef__address_next(reef_span_t *list, reef_span_t *item)
{
    while (list->size > 0) {
        const uint8_t *comma = memchr(list->data, ',', list->size);
        size_t size = comma ? (size_t)(comma - list->data) : list->size;

        *item = reef_span_trim(reef_span(list->data, size));
        *list = reef_span_skip(*list, comma ? size + 1 : size);
        if (item->size > 0) {
            return true;
        }
    }
    return false;
}
