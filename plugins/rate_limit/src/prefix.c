/*
 * Prefixes lie in an array and are found through a map.  Those without clients form a
 * ring in the order in which they lost the last one: whoever enters sweeps two of the
 * oldest away if they have nothing to remember, and when there is no other room, the
 * oldest whatever it remembers.
 */
#include "prefix.h"

#include <reef/array.h>
#include <reef/crypto.h>

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <string.h>

enum {
    SWEEP = 2,
    ADDRESS_SIZE = 64
};

/* Addresses -------------------------------------------------------------------- */

static reef__prefix_key_t key_of(const uint8_t *network, size_t size, uint64_t bits)
{
    reef__prefix_key_t key = {.bits = bits};

    memcpy(&key.network, network, size);
    return key;
}

/* Without brackets, port and scope. */
static void copy_host(const char *address, char host[ADDRESS_SIZE])
{
    const char *colon = strchr(address, ':');
    bool has_brackets = address[0] == '[';
    bool is_ipv4 = colon != NULL && strchr(colon + 1, ':') == NULL;

    snprintf(host, ADDRESS_SIZE, "%s", address + has_brackets);
    host[strcspn(host, has_brackets ? "]%" : is_ipv4 ? ":" : "%")] = '\0';
}

reef__prefix_key_t reef__prefix_of(const char *address)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    char host[ADDRESS_SIZE];
    struct in6_addr ipv6;
    struct in_addr ipv4;

    copy_host(address, host);
    if (inet_pton(AF_INET, host, &ipv4) == 1) {
        return key_of((const uint8_t *)&ipv4, 4, 32);
    }
    if (inet_pton(AF_INET6, host, &ipv6) != 1) {
        return (reef__prefix_key_t){0};
    }
    return memcmp(ipv6.s6_addr, mapped, sizeof(mapped)) == 0
               ? key_of(ipv6.s6_addr + 12, 4, 32)
               : key_of(ipv6.s6_addr, 8, 128);
}

/* Table ------------------------------------------------------------------------ */

void reef__prefixes_init(reef__prefixes_t *prefixes,
                         const reef_alloc_t *alloc,
                         const reef__bucket_rules_t *rules,
                         uint32_t limit)
{
    *prefixes = (reef__prefixes_t){
        .alloc = alloc,
        .rules = *rules,
        .limit = limit,
        .places = reef_map_create(alloc),
        .first_idle = REEF__NO_PREFIX,
        .last_idle = REEF__NO_PREFIX,
        .first_unused = REEF__NO_PREFIX,
    };
    reef_crypto_random(&prefixes->secret, sizeof(prefixes->secret));
}

void reef__prefixes_finish(reef__prefixes_t *prefixes)
{
    reef_map_destroy(prefixes->places);
    REEF_ARRAY_FINISH(prefixes->alloc, &prefixes->list);
}

typedef struct map_key {
    uint64_t secret;
    reef__prefix_key_t key;
} map_key_t;

static map_key_t map_key(const reef__prefixes_t *prefixes, reef__prefix_key_t key)
{
    return (map_key_t){prefixes->secret, key};
}

static void take_out_of_idle(reef__prefixes_t *prefixes, const reef__prefix_t *prefix)
{
    if (prefix->previous == REEF__NO_PREFIX) {
        prefixes->first_idle = prefix->next;
    } else {
        prefixes->list.items[prefix->previous].next = prefix->next;
    }
    if (prefix->next == REEF__NO_PREFIX) {
        prefixes->last_idle = prefix->previous;
    } else {
        prefixes->list.items[prefix->next].previous = prefix->previous;
    }
}

static void forget_oldest(reef__prefixes_t *prefixes)
{
    uint32_t number = prefixes->first_idle;
    reef__prefix_t *oldest = &prefixes->list.items[number];
    map_key_t key = map_key(prefixes, oldest->key);

    take_out_of_idle(prefixes, oldest);
    (void)reef_map_remove(prefixes->places, reef_span(&key, sizeof(key)));
    oldest->next = prefixes->first_unused;
    prefixes->first_unused = number;
    prefixes->count--;
}

static void sweep(reef__prefixes_t *prefixes, uint64_t now_ns)
{
    for (int i = 0; i < SWEEP && prefixes->first_idle != REEF__NO_PREFIX; i++) {
        const reef__prefix_t *oldest = &prefixes->list.items[prefixes->first_idle];

        if (!reef__bucket_is_full(&oldest->bucket, &prefixes->rules, now_ns)) {
            return;
        }
        forget_oldest(prefixes);
    }
}

/* REEF__NO_PREFIX when there is no room. */
static uint32_t make_room(reef__prefixes_t *prefixes)
{
    uint32_t number;

    if (prefixes->count >= prefixes->limit && prefixes->first_idle != REEF__NO_PREFIX) {
        forget_oldest(prefixes);
    }
    if (prefixes->count >= prefixes->limit) {
        return REEF__NO_PREFIX;
    }
    number = prefixes->first_unused;
    if (number == REEF__NO_PREFIX) {
        number = (uint32_t)prefixes->list.count;
        (void)REEF_ARRAY_PUSH(prefixes->alloc, &prefixes->list);
    } else {
        prefixes->first_unused = prefixes->list.items[number].next;
    }
    prefixes->count++;
    return number;
}

uint32_t reef__prefixes_enter(reef__prefixes_t *prefixes,
                              reef__prefix_key_t key,
                              uint64_t now_ns)
{
    map_key_t full = map_key(prefixes, key);
    uint64_t found;
    uint32_t number;

    if (reef_map_find(prefixes->places, reef_span(&full, sizeof(full)), &found)) {
        reef__prefix_t *prefix = &prefixes->list.items[found];

        if (prefix->clients++ == 0) {
            take_out_of_idle(prefixes, prefix);
        }
        return (uint32_t)found;
    }
    sweep(prefixes, now_ns);
    number = make_room(prefixes);
    if (number != REEF__NO_PREFIX) {
        prefixes->list.items[number] = (reef__prefix_t){
            .key = key, .bucket = reef__bucket_begin(now_ns), .clients = 1};
        reef_map_set(prefixes->places, reef_span(&full, sizeof(full)), number);
    }
    return number;
}

void reef__prefixes_leave(reef__prefixes_t *prefixes, uint32_t number)
{
    reef__prefix_t *prefix = &prefixes->list.items[number];

    assert(prefix->clients > 0);
    if (--prefix->clients > 0) {
        return;
    }
    prefix->previous = prefixes->last_idle;
    prefix->next = REEF__NO_PREFIX;
    if (prefixes->last_idle == REEF__NO_PREFIX) {
        prefixes->first_idle = number;
    } else {
        prefixes->list.items[prefixes->last_idle].next = number;
    }
    prefixes->last_idle = number;
}
