/*
 * Open addressing with linear probing, between an eighth and half full.  Removal moves
 * later entries of the chain up, so there are no tombstones, and the table shrinks.
 * The hash has a random seed: without it, nobody knows which addresses share a place.
 */
#include "transport/udp_table.h"

#include "transport/ip.h"

#include <reef/crypto.h>
#include <reef/hash.h>

#include <assert.h>
#include <netinet/in.h>
#include <string.h>

enum {
    MIN_CAPACITY = 16
};

typedef struct reef__udp_slot slot_t;

static_assert(sizeof(reef__udp_key_t) == 24, "no bytes but its members are hashed");

reef__udp_key_t reef__udp_key_of(const struct sockaddr_storage *address)
{
    reef__ip_t ip = reef__ip_of(address);
    reef__udp_key_t key = {.bits = ip.bits};

    memcpy(key.ip, ip.bytes, sizeof(key.ip));
    if (address->ss_family == AF_INET) {
        key.port = ntohs(((const struct sockaddr_in *)address)->sin_port);
    } else if (address->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;

        key.port = ntohs(in6->sin6_port);
        key.scope = in6->sin6_scope_id;
    }
    return key;
}

static uint32_t home_of(const reef__udp_table_t *table, const reef__udp_key_t *key)
{
    return (uint32_t)reef_hash64(key, sizeof(*key), table->seed) &
           (table->capacity - 1);
}

/* Its place, or the empty one where it would go.  The table is never full. */
static slot_t *find(const reef__udp_table_t *table, const reef__udp_key_t *key)
{
    uint32_t index = home_of(table, key);

    for (;;) {
        slot_t *slot = &table->slots[index];

        if (slot->value == NULL || memcmp(&slot->key, key, sizeof(*key)) == 0) {
            return slot;
        }
        index = (index + 1) & (table->capacity - 1);
    }
}

static void set_capacity(reef__udp_table_t *table, uint32_t capacity)
{
    reef__udp_table_t old = *table;

    table->capacity = capacity;
    table->slots = reef_resize(table->alloc, NULL, 0, capacity * sizeof(slot_t));
    memset(table->slots, 0, capacity * sizeof(slot_t));
    for (uint32_t i = 0; i < old.capacity; i++) {
        if (old.slots[i].value != NULL) {
            *find(table, &old.slots[i].key) = old.slots[i];
        }
    }
    reef_resize(table->alloc, old.slots, old.capacity * sizeof(slot_t), 0);
}

void reef__udp_table_init(reef__udp_table_t *table, const reef_alloc_t *alloc)
{
    *table = (reef__udp_table_t){.alloc = alloc};
    reef_crypto_random(&table->seed, sizeof(table->seed));
}

void reef__udp_table_finish(reef__udp_table_t *table)
{
    reef_resize(table->alloc, table->slots, table->capacity * sizeof(slot_t), 0);
    table->slots = NULL;
    table->capacity = 0;
    table->count = 0;
}

void *reef__udp_table_find(const reef__udp_table_t *table, const reef__udp_key_t *key)
{
    return table->count > 0 ? find(table, key)->value : NULL;
}

void reef__udp_table_add(reef__udp_table_t *table,
                         const reef__udp_key_t *key,
                         void *value)
{
    slot_t *slot;

    assert(value != NULL);
    if (table->count >= table->capacity / 2) {
        set_capacity(table, table->capacity ? table->capacity * 2 : MIN_CAPACITY);
    }
    slot = find(table, key);
    assert(slot->value == NULL);
    *slot = (slot_t){.key = *key, .value = value};
    table->count++;
}

/* Close the gap at `hole`: an entry behind it moves up unless its home is behind the
 * hole, too (Knuth, volume 3, algorithm 6.4R). */
static void close_gap(reef__udp_table_t *table, uint32_t hole)
{
    uint32_t mask = table->capacity - 1;

    for (uint32_t i = (hole + 1) & mask; table->slots[i].value != NULL;
         i = (i + 1) & mask) {
        uint32_t home = home_of(table, &table->slots[i].key);

        if (((i - home) & mask) >= ((i - hole) & mask)) {
            table->slots[hole] = table->slots[i];
            hole = i;
        }
    }
    table->slots[hole] = (slot_t){.value = NULL};
}

void reef__udp_table_remove(reef__udp_table_t *table, const reef__udp_key_t *key)
{
    slot_t *slot;

    assert(table->count > 0);
    slot = find(table, key);
    assert(slot->value != NULL);
    table->count--;
    close_gap(table, (uint32_t)(slot - table->slots));
    if (table->count == 0) {
        reef__udp_table_finish(table);
    } else if (table->capacity > MIN_CAPACITY && table->count < table->capacity / 8) {
        set_capacity(table, table->capacity / 2);
    }
}

void reef__udp_table_copy_values(const reef__udp_table_t *table, void **values)
{
    for (uint32_t i = 0; i < table->capacity; i++) {
        if (table->slots[i].value != NULL) {
            *values++ = table->slots[i].value;
        }
    }
}
