/*
 * The system aligns a mapping to its small pages only, so more is reserved than needed
 * and what lies before and after the aligned part is returned at once.
 */
#include "region.h"

#include <reef/attrs.h>

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

REEF_NORETURN static void fail(size_t size)
{
    fprintf(stderr,
            "out of memory: mapping %zu bytes failed: %s (when memory is free: raise "
            "vm.max_map_count, or the limit of the address space)\n",
            size, strerror(errno));
    abort();
}

void *reef__region_create(size_t size)
{
    size_t reserved = size + REEF__REGION_UNIT;
    uint8_t *raw = mmap(NULL, reserved, PROT_NONE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    size_t before;

    assert(size % REEF__REGION_UNIT == 0);
    if (raw == MAP_FAILED) {
        fail(size);
    }
    before = (size_t)(-(uintptr_t)raw & (REEF__REGION_UNIT - 1));
    if (before > 0) {
        munmap(raw, before);
    }
    munmap(raw + before + size, REEF__REGION_UNIT - before);
    return raw + before;
}

void reef__region_destroy(void *region, size_t size)
{
    if (region != NULL) {
        munmap(region, size);
    }
}

void reef__region_commit(void *region, size_t old_size, size_t new_size)
{
    uint8_t *from = (uint8_t *)region + old_size;
    size_t size = new_size - old_size;

    assert(old_size % REEF__REGION_UNIT == 0 && new_size % REEF__REGION_UNIT == 0);
    if (size == 0) {
        return;
    }
    if (mprotect(from, size, PROT_READ | PROT_WRITE) != 0) {
        fail(size);
    }
    if (old_size == 0) { /* a page of its own would be too much for little */
        from += REEF__REGION_UNIT;
        size -= REEF__REGION_UNIT;
    }
    /* A wish: where the system has no huge pages, small ones do. */
    if (size > 0) {
        (void)madvise(from, size, MADV_HUGEPAGE);
    }
}

void reef__region_discard(void *region, size_t kept, size_t committed)
{
    enum {
        PAGE = 64 * 1024 /* a multiple of every system's */
    };
    size_t from = (kept + PAGE - 1) & ~(size_t)(PAGE - 1);

    if (from < committed) {
        (void)madvise((uint8_t *)region + from, committed - from, MADV_DONTNEED);
    }
}
