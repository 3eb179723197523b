/*
 * Open addressing with linear probing over a power-of-two array of slots, at most
 * three quarters full.  A slot keeps the hash of its key, so that most mismatches cost
 * one comparison and growing rehashes nothing; hash 0 means empty (a key that hashes
 * to 0 counts as 1).
 *
 * Keys of eight bytes or fewer lie in the slot itself; longer ones are copied.
 *
 * Removal leaves no tombstone: the entries behind the hole move up as long as that
 * brings them no further in front of where their hash wants them.
 */
#include <reef/map.h>

#include <reef/hash.h>

typedef struct map_slot {
    uint64_t hash; /* 0 = empty */
    uint64_t value;
    size_t key_size;
    union {
        uint8_t bytes[sizeof(uint64_t)]; /* key_size <= sizeof(bytes) */
        uint8_t *copy;                   /* owned */
    } key;
} map_slot_t;

struct reef_map {
    const reef_alloc_t *alloc;
    map_slot_t *slots; /* [capacity] */
    size_t capacity;   /* 0, or a power of two */
    size_t count;
};

enum {
    FIRST_CAPACITY = 16
};

static uint64_t hash_key(reef_span_t key)
{
    uint64_t hash = reef_hash64(key.data, key.size, 0);

    return hash == 0 ? 1 : hash;
}

static reef_span_t slot_key(const map_slot_t *slot)
{
    return reef_span(slot->key_size <= sizeof(slot->key.bytes) ? slot->key.bytes
                                                               : slot->key.copy,
                     slot->key_size);
}

static void store_key(const reef_map_t *map, map_slot_t *slot, reef_span_t key)
{
    uint8_t *bytes = slot->key.bytes;

    slot->key_size = key.size;
    if (key.size > sizeof(slot->key.bytes)) {
        bytes = reef_resize(map->alloc, NULL, 0, key.size);
        slot->key.copy = bytes;
    }
    if (key.size > 0) {
        memcpy(bytes, key.data, key.size);
    }
}

static void release_key(const reef_map_t *map, map_slot_t *slot)
{
    if (slot->key_size > sizeof(slot->key.bytes)) {
        reef_resize(map->alloc, slot->key.copy, slot->key_size, 0);
    }
}

/* The slot that holds @p key, or the empty one where it belongs. */
static map_slot_t *probe(const reef_map_t *map, uint64_t hash, reef_span_t key)
{
    size_t mask = map->capacity - 1;

    for (size_t i = (size_t)hash & mask;; i = (i + 1) & mask) {
        map_slot_t *slot = &map->slots[i];

        if (slot->hash == 0 ||
            (slot->hash == hash && reef_span_equal(slot_key(slot), key))) {
            return slot;
        }
    }
}

static void grow(reef_map_t *map)
{
    size_t old_capacity = map->capacity;
    size_t capacity = old_capacity == 0 ? FIRST_CAPACITY : old_capacity * 2;
    size_t mask = capacity - 1;
    map_slot_t *old_slots = map->slots;
    map_slot_t *slots = reef_resize(map->alloc, NULL, 0, capacity * sizeof(map_slot_t));

    memset(slots, 0, capacity * sizeof(map_slot_t));
    for (size_t i = 0; i < old_capacity; i++) {
        if (old_slots[i].hash != 0) {
            size_t at = (size_t)old_slots[i].hash & mask;

            while (slots[at].hash != 0) {
                at = (at + 1) & mask;
            }
            slots[at] = old_slots[i];
        }
    }
    reef_resize(map->alloc, old_slots, old_capacity * sizeof(map_slot_t), 0);
    map->slots = slots;
    map->capacity = capacity;
}

/* Slot @p hole was emptied: close the gap in the run that follows it. */
static void close_gap(reef_map_t *map, size_t hole)
{
    size_t mask = map->capacity - 1;

    for (size_t i = (hole + 1) & mask; map->slots[i].hash != 0; i = (i + 1) & mask) {
        size_t home = (size_t)map->slots[i].hash & mask;

        /* Move it unless its home lies behind the hole, up to i itself. */
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            map->slots[hole] = map->slots[i];
            hole = i;
        }
    }
    map->slots[hole] = (map_slot_t){0};
}

reef_map_t *reef_map_create(const reef_alloc_t *alloc)
{
    reef_map_t *map = reef_resize(alloc, NULL, 0, sizeof(*map));

    *map = (reef_map_t){.alloc = alloc};
    return map;
}

void reef_map_destroy(reef_map_t *map)
{
    if (map == NULL) {
        return;
    }
    for (size_t i = 0; i < map->capacity; i++) {
        if (map->slots[i].hash != 0) {
            release_key(map, &map->slots[i]);
        }
    }
    reef_resize(map->alloc, map->slots, map->capacity * sizeof(map_slot_t), 0);
    reef_resize(map->alloc, map, sizeof(*map), 0);
}

size_t reef_map_count(const reef_map_t *map)
{
    return map->count;
}

void reef_map_set(reef_map_t *map, reef_span_t key, uint64_t value)
{
    uint64_t hash = hash_key(key);
    map_slot_t *slot;

    if ((map->count + 1) * 4 > map->capacity * 3) {
        grow(map);
    }
    slot = probe(map, hash, key);
    if (slot->hash == 0) {
        slot->hash = hash;
        store_key(map, slot, key);
        map->count++;
    }
    slot->value = value;
}

bool reef_map_find(const reef_map_t *map, reef_span_t key, uint64_t *value)
{
    const map_slot_t *slot;

    if (map->count == 0) {
        return false;
    }
    slot = probe(map, hash_key(key), key);
    if (slot->hash == 0) {
        return false;
    }
    if (value != NULL) {
        *value = slot->value;
    }
    return true;
}

bool reef_map_remove(reef_map_t *map, reef_span_t key)
{
    map_slot_t *slot;

    if (map->count == 0) {
        return false;
    }
    slot = probe(map, hash_key(key), key);
    if (slot->hash == 0) {
        return false;
    }
    release_key(map, slot);
    close_gap(map, (size_t)(slot - map->slots));
    map->count--;
    return true;
}
