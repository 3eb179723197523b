/**
 * @file block.h
 * @brief 64-byte aligned memory for small tables, resources and command buffers.
 */
#ifndef REEF_ECS_BLOCK_H
#define REEF_ECS_BLOCK_H

#include <reef/alloc.h>

#include <stddef.h>
#include <stdint.h>

enum {
    REEF__BLOCK_ALIGNMENT = 64
};

/** @p offset rounded up to a multiple of @p alignment, a power of two. */
static inline size_t reef__align_up(size_t offset, size_t alignment)
{
    return (offset + alignment - 1) & ~(alignment - 1);
}

/** Allocate @p size bytes, not initialised.  Owned by the caller. */
void *reef__block_create(const reef_alloc_t *alloc, size_t size);

/** Release a block of @p size bytes.  Accepts NULL. */
void reef__block_destroy(const reef_alloc_t *alloc, void *block, size_t size);

#endif /* REEF_ECS_BLOCK_H */
