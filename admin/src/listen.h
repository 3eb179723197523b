/**
 * @file listen.h
 * @brief A setting that says where to listen: its addresses, whether they may be used,
 * and why one could not be bound.
 */
#ifndef REEF_ADMIN_LISTEN_H
#define REEF_ADMIN_LISTEN_H

#include <reef/attrs.h>
#include <reef/error.h>

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    REEF__MAX_LISTEN = 8
};

typedef struct reef__listen {
    const char *setting; /* "admin.listen", for what is said to people; static */
    size_t count;
    struct {
        char text[64]; /* as given, "127.0.0.1:9090" */
        char host[48]; /* "127.0.0.1", "[::1]", as browsers write it */
        uint16_t port;
        bool is_loopback;
        bool is_ipv6;
    } items[REEF__MAX_LISTEN];
} reef__listen_t;

/** Split the list @p text, value of @p setting, by commas.  @return REEF_OK, or
 *  REEF_E_INVALID naming the address. */
REEF_NODISCARD reef_error_t reef__listen_parse(const char *setting,
                                               const char *text,
                                               reef__listen_t *listen,
                                               reef_failure_t *failure);

/** Whether the address at @p index is `[::]` and stands for IPv4 too, for the list has
 *  no IPv4 address with the same port. */
bool reef__listen_takes_ipv4(const reef__listen_t *listen, size_t index);

/** Listen on the address at @p index, without blocking.
 *  @param port Receives the port.  @return A descriptor, or -1 with errno. */
int reef__listen_open(const reef__listen_t *listen, size_t index, uint16_t *port);

/** Say that the address at @p index could not be bound, for the errno @p reason. */
reef_error_t reef__listen_fail(const reef__listen_t *listen,
                               size_t index,
                               int reason,
                               reef_failure_t *failure);

/** After a failed start: find the address that cannot be bound and say why. */
reef_error_t reef__listen_explain(const reef__listen_t *listen,
                                  reef_failure_t *failure);

/** Connect to the address at @p index, which got @p port, and hang up: to wake who
 *  waits for connections. */
void reef__listen_knock(const reef__listen_t *listen, size_t index, uint16_t port);

#endif /* REEF_ADMIN_LISTEN_H */
