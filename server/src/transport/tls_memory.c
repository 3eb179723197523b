/*
 * Anonymous pages that are given back with MADV_DONTNEED come back as zeros when they
 * are touched: for pages that hold zeros nothing changes but what they cost.  Only
 * whole pages inside of the block are looked at, so that nobody else's data and none of
 * the allocator's lies in them.
 */
#include "transport/tls_memory.h"

#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static bool is_zero(const uint8_t *page, size_t size)
{
    return page[0] == 0 && memcmp(page, page + 1, size - 1) == 0;
}

void reef__tls_memory_trim(void *block)
{
    size_t page_size = (size_t)sysconf(_SC_PAGESIZE);
    uintptr_t start;
    uintptr_t end;

    if (block == NULL) {
        return;
    }
    start = ((uintptr_t)block + page_size - 1) & ~(uintptr_t)(page_size - 1);
    end = ((uintptr_t)block + malloc_usable_size(block)) & ~(uintptr_t)(page_size - 1);
    while (start < end) {
        uintptr_t next = start;

        while (next < end && is_zero((const uint8_t *)next, page_size)) {
            next += page_size;
        }
        if (next > start) {
            madvise((void *)start, next - start, MADV_DONTNEED);
        }
        start = next + page_size;
    }
}
