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
    size_t size = malloc_usable_size(block); /* of NULL: 0 */
    uint8_t *bytes = block;
    size_t at = (page_size - (uintptr_t)block % page_size) % page_size;

    while (at + page_size <= size) {
        size_t end = at;

        while (end + page_size <= size && is_zero(bytes + end, page_size)) {
            end += page_size;
        }
        if (end > at) {
            madvise(bytes + at, end - at, MADV_DONTNEED);
        }
        at = end + page_size;
    }
}
