/**
 * @file prefix.h
 * @brief The buckets of address prefixes: as many as are in use, under a cap.
 *
 * A prefix is an IPv4 address or an IPv6 /64, which is what one customer gets; IPv4 in
 * IPv6 counts as IPv4.  Its bucket outlives its last client until it would be full, so
 * nobody gets another by connecting anew.
 */
#ifndef REEF_PLUGIN_PREFIX_H
#define REEF_PLUGIN_PREFIX_H

#include <reef/alloc.h>
#include <reef/map.h>

#include "bucket.h"

/** No prefix. */
#define REEF__NO_PREFIX UINT32_MAX

typedef struct reef__prefix_key {
    uint64_t network; /* first 8 bytes of the address */
    uint64_t bits;    /* of the address, which tells the families apart; 0 = none */
} reef__prefix_key_t;

typedef struct reef__prefix {
    reef__prefix_key_t key;
    reef__bucket_t bucket;
    uint32_t clients;
    uint32_t previous, next; /* among the idle, that have no clients, or the unused */
} reef__prefix_t;

typedef struct reef__prefixes {
    const reef_alloc_t *alloc;
    reef__bucket_rules_t rules;
    uint32_t limit;
    uint64_t secret; /* part of each key: nobody knows which ones share a place */
    reef_map_t *places;
    struct {
        reef__prefix_t *items;
        size_t count, capacity;
    } list;
    uint32_t first_idle, last_idle; /* in the order in which they became idle */
    uint32_t first_unused;
    uint32_t count; /* in use, or idle */
} reef__prefixes_t;

/** The prefix of "1.2.3.4:5", "[2001:db8::1]:5" or either without a port; bits 0 for
 *  anything else. */
reef__prefix_key_t reef__prefix_of(const char *address);

/** Prepare for @p limit prefixes at most. */
void reef__prefixes_init(reef__prefixes_t *prefixes,
                         const reef_alloc_t *alloc,
                         const reef__bucket_rules_t *rules,
                         uint32_t limit);

void reef__prefixes_finish(reef__prefixes_t *prefixes);

/** One more client of that prefix.  Returns a number, to be given back with
 *  reef__prefixes_leave(), or REEF__NO_PREFIX when there is no room: then all that
 *  there are have clients. */
uint32_t reef__prefixes_enter(reef__prefixes_t *prefixes,
                              reef__prefix_key_t key,
                              uint64_t now_ns);

void reef__prefixes_leave(reef__prefixes_t *prefixes, uint32_t number);

/** Its bucket; borrowed until the next client enters. */
static inline reef__bucket_t *reef__prefixes_bucket(const reef__prefixes_t *prefixes,
                                                    uint32_t number)
{
    return &prefixes->list.items[number].bucket;
}

#endif /* REEF_PLUGIN_PREFIX_H */
