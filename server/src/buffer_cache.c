/*
 * Sizes are rounded up to classes, four to a doubling, so at most a fifth is wasted:
 *
 *     64  80  96  112  128  160  192  224  256 …  80 KiB
 *
 * A class is a list of free blocks, linked through their first bytes.  Which cache is
 * the thread's own is the one thing that has to be known everywhere without being
 * passed: applications make buffers with nothing at hand but a text.
 */
#include "buffer_cache.h"

#include <reef/alloc.h>
#include <reef/attrs.h>

enum {
    SMALLEST = 64,
    LARGEST = 81920, /* of the last class */
    CLASSES = 42,
    NO_CLASS = 255,
    KEPT_SIZE = REEF_SANITIZED ? 0 : 1 << 20 /* bytes that each class keeps */
};

typedef struct block {
    struct block *next;
} block_t;

struct reef__buffer_cache {
    struct {
        block_t *first;
        uint32_t room; /* for so many blocks more */
    } classes[CLASSES];
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

reef__buffer_cache_t *reef__buffer_cache_create(void)
{
    reef__buffer_cache_t *cache =
        reef_resize(reef_alloc_default(), NULL, 0, sizeof(*cache));

    for (unsigned size_class = 0; size_class < CLASSES; size_class++) {
        cache->classes[size_class].first = NULL;
        cache->classes[size_class].room =
            (uint32_t)(KEPT_SIZE / class_size(size_class));
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
        while (cache->classes[size_class].first != NULL) {
            block_t *block = cache->classes[size_class].first;

            cache->classes[size_class].first = block->next;
            reef_resize(reef_alloc_default(), block, class_size(size_class), 0);
        }
    }
    reef_resize(reef_alloc_default(), cache, sizeof(*cache), 0);
}

void reef__buffer_cache_use(reef__buffer_cache_t *cache)
{
    own = cache;
}

void *reef__buffer_memory_take(size_t size, uint8_t *size_class)
{
    unsigned wanted;
    block_t *block;

    if (size > LARGEST) {
        *size_class = NO_CLASS;
        return reef_resize(reef_alloc_default(), NULL, 0, size);
    }
    wanted = class_of(size);
    *size_class = (uint8_t)wanted;
    block = own != NULL ? own->classes[wanted].first : NULL;
    if (block == NULL) {
        return reef_resize(reef_alloc_default(), NULL, 0, class_size(wanted));
    }
    own->classes[wanted].first = block->next;
    REEF_PREFETCH(block->next); /* which is taken next, and was last used long ago */
    own->classes[wanted].room++;
    return block;
}

void reef__buffer_memory_give(void *memory, size_t size, uint8_t size_class)
{
    block_t *block = memory;

    if (size_class == NO_CLASS) {
        reef_resize(reef_alloc_default(), memory, size, 0);
    } else if (own == NULL || own->classes[size_class].room == 0) {
        reef_resize(reef_alloc_default(), memory, class_size(size_class), 0);
    } else {
        block->next = own->classes[size_class].first;
        own->classes[size_class].first = block;
        own->classes[size_class].room--;
    }
}
