/*
 * A bucket is kept as the moment at which it will be full again: every failure moves
 * that moment a second further, and nothing has to be refilled.
 */
#include "auth_limit.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define SECOND_NS UINT64_C(1000000000)

/* One bucket for each IPv4 address and IPv6 /64, which is what one customer gets. */
static void make_key(const char *peer, char key[INET6_ADDRSTRLEN])
{
    char bare[INET6_ADDRSTRLEN];
    struct in6_addr address;

    snprintf(bare, sizeof(bare), "%.*s", (int)strcspn(peer, "%"), peer);
    snprintf(key, INET6_ADDRSTRLEN, "%s", bare);
    if (inet_pton(AF_INET6, bare, &address) == 1) {
        memset(&address.s6_addr[8], 0, 8);
        inet_ntop(AF_INET6, &address, key, INET6_ADDRSTRLEN);
    }
}

bool reef__auth_limit_allows(const reef__auth_limit_t *limit,
                             const char *peer,
                             uint64_t now_ns)
{
    char key[INET6_ADDRSTRLEN];

    make_key(peer, key);
    for (int i = 0; i < REEF__LIMIT_ADDRESSES; i++) {
        if (limit->entries[i].full_ns > now_ns &&
            strcmp(limit->entries[i].peer, key) == 0) {
            return limit->entries[i].full_ns - now_ns <=
                   (REEF__LIMIT_BURST - 1) * SECOND_NS;
        }
    }
    return true;
}

void reef__auth_limit_fail(reef__auth_limit_t *limit, const char *peer, uint64_t now_ns)
{
    char key[INET6_ADDRSTRLEN];
    int chosen = 0;

    make_key(peer, key);
    for (int i = 0; i < REEF__LIMIT_ADDRESSES; i++) {
        if (limit->entries[i].full_ns != 0 &&
            strcmp(limit->entries[i].peer, key) == 0) {
            chosen = i;
            break;
        }
        if (limit->entries[i].full_ns < limit->entries[chosen].full_ns) {
            chosen = i;
        }
    }
    if (strcmp(limit->entries[chosen].peer, key) != 0 ||
        limit->entries[chosen].full_ns < now_ns) {
        snprintf(limit->entries[chosen].peer, sizeof(limit->entries[chosen].peer), "%s",
                 key);
        limit->entries[chosen].full_ns = now_ns;
    }
    limit->entries[chosen].full_ns += SECOND_NS;
}
