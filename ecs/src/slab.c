/*
 * The system aligns a mapping to its small pages only, so twice the size is mapped and
 * what lies before and after the aligned part is returned at once.
 */
#include "slab.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

static void *map_slab(void)
{
    size_t size = (size_t)REEF__SLAB_SIZE * 2;
    uint8_t *raw =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    size_t before;

    if (raw == MAP_FAILED) {
        fprintf(stderr, "out of memory: %zu bytes\n", size);
        abort();
    }
    before = (size_t)(-(uintptr_t)raw & (REEF__SLAB_SIZE - 1));
    if (before > 0) {
        munmap(raw, before);
    }
    munmap(raw + before + REEF__SLAB_SIZE, REEF__SLAB_SIZE - before);
    /* A wish: where the system has no huge pages, small ones do. */
    (void)madvise(raw + before, REEF__SLAB_SIZE, MADV_HUGEPAGE);
    return raw + before;
}

void *reef__slab_take(reef__slab_pool_t *pool)
{
    return pool->spare_count > 0 ? pool->spares[--pool->spare_count] : map_slab();
}

void reef__slab_give(reef__slab_pool_t *pool, void *slab)
{
    if (pool->spare_count < REEF__SPARE_SLABS) {
        pool->spares[pool->spare_count++] = slab;
    } else {
        munmap(slab, REEF__SLAB_SIZE);
    }
}

void reef__slab_pool_trim(reef__slab_pool_t *pool)
{
    while (pool->spare_count > 0) {
        munmap(pool->spares[--pool->spare_count], REEF__SLAB_SIZE);
    }
}
