/*
 * A bucket is kept as the moment at which it will be full again: every failure moves
 * that moment a second further, and nothing has to be refilled.
 */
#include "auth_limit.h"

#include <stdio.h>
#include <string.h>

#define SECOND_NS UINT64_C(1000000000)

bool reef__auth_limit_allows(const reef__auth_limit_t *limit,
                             const char *peer,
                             uint64_t now_ns)
{
    for (int i = 0; i < REEF__LIMIT_ADDRESSES; i++) {
        if (limit->entries[i].full_ns > now_ns &&
            strcmp(limit->entries[i].peer, peer) == 0) {
            return limit->entries[i].full_ns - now_ns <=
                   (REEF__LIMIT_BURST - 1) * SECOND_NS;
        }
    }
    return true;
}

void reef__auth_limit_fail(reef__auth_limit_t *limit, const char *peer, uint64_t now_ns)
{
    int chosen = 0;

    for (int i = 0; i < REEF__LIMIT_ADDRESSES; i++) {
        if (limit->entries[i].full_ns != 0 &&
            strcmp(limit->entries[i].peer, peer) == 0) {
            chosen = i;
            break;
        }
        if (limit->entries[i].full_ns < limit->entries[chosen].full_ns) {
            chosen = i;
        }
    }
    if (strcmp(limit->entries[chosen].peer, peer) != 0 ||
        limit->entries[chosen].full_ns < now_ns) {
        snprintf(limit->entries[chosen].peer, sizeof(limit->entries[chosen].peer), "%s",
                 peer);
        limit->entries[chosen].full_ns = now_ns;
    }
    limit->entries[chosen].full_ns += SECOND_NS;
}
