/*
 * Sizes are rounded up to classes, four to a doubling, so at most a fifth is wasted:
 *
 *     64  80  96  112  128  160  192  224  256 …  80 KiB
 *
 * A class is a stack of free blocks, which are not looked into.  Each may keep a
 * little, and all together as much as a large server sends in a frame, in whatever
 * sizes.  Which cache is
 * the thread's own is the one thing that has to be known everywhere without being
 * passed: applications make buffers with nothing at hand but a text.
 */
#include "buffer_cache.h"

#include <reef/array.h>
#include <reef/attrs.h>

#include <stdbool.h>

enum {
    SMALLEST = 64,
    LARGEST = 81920, /* of the last class */
    CLASSES = 42,
    NO_CLASS = 255,
    KEPT_SIZE = REEF_SANITIZED ? 0 : 1 << 18, /* bytes that each class keeps anyway */
    CACHE_LINE = 64,
    FETCH_SIZE = 2048, /* bytes of a block: the processor then sees where it goes */
};

struct reef__buffer_cache {
    struct blocks {
        void **items; /* free blocks, the last one is the next */
        size_t count, capacity;
        size_t quota; /* so many do not count as shared */
    } classes[CLASSES];
    size_t shared_room; /* bytes */
};

static _Thread_local reef__buffer_cache_t *own;

/* Number of the smallest class that holds `size`, at most LARGEST. */
static unsigned class_of(size_t size)
{
    unsigned exponent;

    if (size <= SMALLEST) {
        return 0;
    }
    /* 2^exponent < size <= 2^(exponent + 1) */
    exponent = 63U - REEF_LEADING_ZEROS(size - 1);
    return (unsigned)((size_t)(exponent - 6) * 4 + ((size - 1) >> (exponent - 2)) - 3);
}

static size_t class_size(unsigned size_class)
{
    return size_class == 0
               ? SMALLEST
               : (size_t)(4 + (size_class - 1) % 4 + 1) << (4 + (size_class - 1) / 4);
}

reef__buffer_cache_t *reef__buffer_cache_create(size_t shared_size)
{
    reef__buffer_cache_t *cache =
        reef_resize(reef_alloc_default(), NULL, 0, sizeof(*cache));

    *cache = (reef__buffer_cache_t){.shared_room = REEF_SANITIZED ? 0 : shared_size};
    for (unsigned size_class = 0; size_class < CLASSES; size_class++) {
        cache->classes[size_class].quota = KEPT_SIZE / class_size(size_class);
    }
    return cache;
}

void reef__buffer_cache_destroy(reef__buffer_cache_t *cache)
{
    if (cache == NULL) {
        return;
    }
    if (own == cache) {
        own = NULL;
    }
    for (unsigned size_class = 0; size_class < CLASSES; size_class++) {
        struct blocks *blocks = &cache->classes[size_class];

        while (blocks->count > 0) {
            reef_resize(reef_alloc_default(), blocks->items[--blocks->count],
                        class_size(size_class), 0);
        }
        REEF_ARRAY_FINISH(reef_alloc_default(), blocks);
    }
    reef_resize(reef_alloc_default(), cache, sizeof(*cache), 0);
}

void reef__buffer_cache_use(reef__buffer_cache_t *cache)
{
    own = cache;
}

size_t reef__buffer_cache_size(const reef__buffer_cache_t *cache)
{
    size_t size = 0;

    for (unsigned size_class = 0; size_class < CLASSES; size_class++) {
        size += cache->classes[size_class].count * class_size(size_class);
    }
    return size;
}

/* The next block was last used long ago: have it come near while this one is written.
 * Otherwise what is written waits for each of its cache lines. */
static void fetch_next(const struct blocks *blocks, size_t size)
{
    size = size < FETCH_SIZE ? size : FETCH_SIZE;
    if (blocks->count > 0) {
        const uint8_t *block = blocks->items[blocks->count - 1];

        for (size_t i = 0; i < size; i += CACHE_LINE) {
            REEF_PREFETCH_TO_WRITE(block + i);
        }
    }
}

void *reef__buffer_memory_take(size_t size, uint8_t *size_class)
{
    struct blocks *blocks;
    unsigned wanted;

    if (size > LARGEST) {
        *size_class = NO_CLASS;
        return reef_resize(reef_alloc_default(), NULL, 0, size);
    }
    wanted = class_of(size);
    *size_class = (uint8_t)wanted;
    if (own == NULL || own->classes[wanted].count == 0) {
        return reef_resize(reef_alloc_default(), NULL, 0, class_size(wanted));
    }
    blocks = &own->classes[wanted];
    if (--blocks->count >= blocks->quota) {
        own->shared_room += class_size(wanted);
    }
    fetch_next(blocks, size);
    return blocks->items[blocks->count];
}

/* Whether the thread's cache has room for one more block of a class. */
static bool has_room(unsigned size_class)
{
    return own != NULL &&
           (own->classes[size_class].count < own->classes[size_class].quota ||
            own->shared_room >= class_size(size_class));
}

void reef__buffer_memory_give(void *memory, size_t size, uint8_t size_class)
{
    struct blocks *blocks;

    if (size_class == NO_CLASS) {
        reef_resize(reef_alloc_default(), memory, size, 0);
        return;
    }
    if (!has_room(size_class)) {
        reef_resize(reef_alloc_default(), memory, class_size(size_class), 0);
        return;
    }
    blocks = &own->classes[size_class];
    if (blocks->count >= blocks->quota) {
        own->shared_room -= class_size(size_class);
    }
    *REEF_ARRAY_PUSH(reef_alloc_default(), blocks) = memory;
}
