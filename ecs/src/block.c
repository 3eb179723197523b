/*
 * The allocator promises no alignment beyond malloc's, so a block is allocated 64
 * bytes too large and begins at the next multiple of 64; the byte before it holds the
 * distance (1 to 64) to what the allocator gave.
 */
#include "block.h"

void *reef__block_create(const reef_alloc_t *alloc, size_t size)
{
    uint8_t *raw = reef_resize(alloc, NULL, 0, size + REEF__BLOCK_ALIGNMENT);
    size_t distance =
        REEF__BLOCK_ALIGNMENT - ((uintptr_t)raw & (REEF__BLOCK_ALIGNMENT - 1));
    uint8_t *block = raw + distance;

    block[-1] = (uint8_t)distance;
    return block;
}

void reef__block_destroy(const reef_alloc_t *alloc, void *block, size_t size)
{
    uint8_t *bytes = block;

    if (bytes != NULL) {
        reef_resize(alloc, bytes - bytes[-1], size + REEF__BLOCK_ALIGNMENT, 0);
    }
}
