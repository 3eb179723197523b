/**
 * @file auth_limit.h
 * @brief How often an address, or an IPv6 /64, may fail: a bucket of 20, refilled by
 * one a second.
 */
#ifndef REEF_ADMIN_AUTH_LIMIT_H
#define REEF_ADMIN_AUTH_LIMIT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    REEF__LIMIT_ADDRESSES = 64,
    REEF__LIMIT_BURST = 20,
};

/** Zero is ready to use.  The address that failed longest ago gives way to a new one.
 */
typedef struct reef__auth_limit {
    struct {
        char peer[INET6_ADDRSTRLEN];
        uint64_t full_ns; /* when all failures are forgotten; 0 = unused */
    } entries[REEF__LIMIT_ADDRESSES];
} reef__auth_limit_t;

/** Whether @p peer may try. */
bool reef__auth_limit_allows(const reef__auth_limit_t *limit,
                             const char *peer,
                             uint64_t now_ns);

/** Note a failure of @p peer. */
void reef__auth_limit_fail(reef__auth_limit_t *limit,
                           const char *peer,
                           uint64_t now_ns);

#endif /* REEF_ADMIN_AUTH_LIMIT_H */
