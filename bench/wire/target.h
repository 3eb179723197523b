/**
 * @file target.h
 * @brief The server: ws://host[:port][/path] or tcp://host:port.
 */
#ifndef WIRE_TARGET_H
#define WIRE_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

typedef struct target {
    bool is_websocket;
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

#endif /* WIRE_TARGET_H */
