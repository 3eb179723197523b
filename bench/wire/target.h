/**
 * @file target.h
 * @brief The server: ws://host[:port][/path], tcp+varint://host:port, udp://host:port …
 */
#ifndef WIRE_TARGET_H
#define WIRE_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/** How messages are told apart. */
typedef enum framing {
    FRAMING_WEBSOCKET,
    FRAMING_RAW, /* not at all */
    FRAMING_VARINT,
    FRAMING_U32,
    FRAMING_LINES,
    FRAMING_DATAGRAM /* UDP */
} framing_t;

typedef struct target {
    const char *scheme; /* "wss", "tcp+varint" … */
    framing_t framing;
    bool is_tls;
    char host[256]; /* an IPv6 address is without its brackets */
    uint16_t port;
    char path[1024]; /* with the query; begins with '/' */
    struct sockaddr_storage address;
    socklen_t address_size;
} target_t;

/** Take @p url apart.  NULL, or what is wrong with it. */
const char *target_parse(target_t *target, const char *url);

/** Find the address of the host.  fail() when there is none. */
void target_resolve(target_t *target);

/** Connect to a Unix socket instead of to the host.  fail() when the path is too long.
 */
void target_use_unix(target_t *target, const char *path);

/** The host is this machine. */
bool target_is_loopback(const target_t *target);

#endif /* WIRE_TARGET_H */
