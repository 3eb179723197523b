/*
 * Open addressing with linear probing, between an eighth and half full.  Removal moves
 * later entries of the chain up, so there are no tombstones, and the table shrinks.
 * The hash has a random seed: without it, nobody knows which addresses share a place.
 */
#include "transport/address_count.h"

#include "transport/ip.h"

#include <reef/crypto.h>
#include <reef/hash.h>

#include <assert.h>

enum {
    MIN_CAPACITY = 16
};

typedef struct reef__address_entry entry_t;

static entry_t key_of(const struct sockaddr_storage *address)
{
    reef__ip_t ip = reef__ip_of(address);
    entry_t key = {.bits = ip.bits};

    memcpy(&key.prefix, ip.bytes, sizeof(key.prefix));
    return key;
}

static uint32_t home_of(const reef__address_count_t *table, const entry_t *key)
{
    uint64_t hash =
        reef_hash64(&key->prefix, sizeof(key->prefix), table->seed + key->bits);

    return (uint32_t)hash & (table->capacity - 1);
}

/* Its place, or the empty one where it would go.  The table is never full. */
static entry_t *find(const reef__address_count_t *table, const entry_t *key)
{
    uint32_t index = home_of(table, key);

    for (;;) {
        entry_t *entry = &table->entries[index];

        if (entry->count == 0 ||
            (entry->prefix == key->prefix && entry->bits == key->bits)) {
            return entry;
        }
        index = (index + 1) & (table->capacity - 1);
    }
}

static void set_capacity(reef__address_count_t *table, uint32_t capacity)
{
    reef__address_count_t old = *table;

    table->capacity = capacity;
    table->entries = reef_resize(table->alloc, NULL, 0, capacity * sizeof(entry_t));
    memset(table->entries, 0, capacity * sizeof(entry_t));
    for (uint32_t i = 0; i < old.capacity; i++) {
        if (old.entries[i].count > 0) {
            *find(table, &old.entries[i]) = old.entries[i];
        }
    }
    reef_resize(table->alloc, old.entries, old.capacity * sizeof(entry_t), 0);
}

void reef__address_count_init(reef__address_count_t *table,
                              const reef_alloc_t *alloc,
                              uint32_t limit)
{
    *table = (reef__address_count_t){.alloc = alloc, .limit = limit};
    reef_crypto_random(&table->seed, sizeof(table->seed));
}

void reef__address_count_finish(reef__address_count_t *table)
{
    table->count = 0;
    reef_resize(table->alloc, table->entries, table->capacity * sizeof(entry_t), 0);
    table->entries = NULL;
    table->capacity = 0;
}

bool reef__address_count_add(reef__address_count_t *table,
                             const struct sockaddr_storage *address)
{
    entry_t key = key_of(address);
    entry_t *entry;

    if (key.bits == 0) {
        return true;
    }
    if (table->count >= table->capacity / 2) {
        set_capacity(table, table->capacity ? table->capacity * 2 : MIN_CAPACITY);
    }
    entry = find(table, &key);
    if (table->limit > 0 && entry->count >= table->limit) {
        return false;
    }
    if (entry->count == 0) {
        *entry = key;
        table->count++;
    }
    entry->count++;
    return true;
}

/* Close the gap at `hole`: an entry behind it moves up unless its home is behind the
 * hole, too (Knuth, volume 3, algorithm 6.4R). */
static void close_gap(reef__address_count_t *table, uint32_t hole)
{
    uint32_t mask = table->capacity - 1;

    for (uint32_t i = (hole + 1) & mask; table->entries[i].count > 0;
         i = (i + 1) & mask) {
        uint32_t home = home_of(table, &table->entries[i]);

        if (((i - home) & mask) >= ((i - hole) & mask)) {
            table->entries[hole] = table->entries[i];
            hole = i;
        }
    }
    table->entries[hole] = (entry_t){.count = 0};
}

void reef__address_count_remove(reef__address_count_t *table,
                                const struct sockaddr_storage *address)
{
    entry_t key = key_of(address);
    entry_t *entry;

    if (key.bits == 0) {
        return;
    }
    assert(table->count > 0);
    entry = find(table, &key);
    assert(entry->count > 0);
    if (--entry->count > 0) {
        return;
    }
    table->count--;
    close_gap(table, (uint32_t)(entry - table->entries));
    if (table->count == 0) {
        reef__address_count_finish(table);
    } else if (table->capacity > MIN_CAPACITY && table->count < table->capacity / 8) {
        set_capacity(table, table->capacity / 2);
    }
}

uint32_t reef__address_count_get(const reef__address_count_t *table,
                                 const struct sockaddr_storage *address)
{
    entry_t key = key_of(address);

    return table->count > 0 ? find(table, &key)->count : 0;
}
