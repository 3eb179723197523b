/**
 * @file listen.h
 * @brief The setting admin.listen: its addresses, whether they may be used, and why
 * one could not be bound.
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
    size_t count;
    struct {
        char text[64]; /* as given, "127.0.0.1:9090" */
        char host[48]; /* "127.0.0.1" */
        uint16_t port;
        bool is_loopback;
    } items[REEF__MAX_LISTEN];
} reef__listen_t;

/** Split a list by commas.  @return REEF_OK, or REEF_E_INVALID naming the address. */
REEF_NODISCARD reef_error_t reef__listen_parse(const char *text,
                                               reef__listen_t *listen,
                                               reef_failure_t *failure);

/** After a failed start: find the address that cannot be bound and say why. */
reef_error_t reef__listen_explain(const reef__listen_t *listen,
                                  reef_failure_t *failure);

/** Connect to an address of ours and hang up, to wake who waits for connections. */
void reef__listen_knock(const char *host, uint16_t port);

#endif /* REEF_ADMIN_LISTEN_H */
