/*
 * Memory of the snapshot plugin.  Captures and images are made on one thread and
 * released on another, which an injected allocator need not allow: so it all comes
 * from the default one.
 */
#ifndef REEF_SNAPSHOT_MEMORY_H
#define REEF_SNAPSHOT_MEMORY_H

#include <reef/alloc.h>

#include <string.h>

static inline void *snapshot_alloc(size_t size)
{
    return reef_resize(reef_alloc_default(), NULL, 0, size);
}

static inline void *snapshot_alloc_zeroed(size_t size)
{
    void *block = snapshot_alloc(size);

    if (size > 0) {
        memset(block, 0, size);
    }
    return block;
}

static inline void snapshot_free(void *block, size_t size)
{
    reef_resize(reef_alloc_default(), block, size, 0);
}

#endif /* REEF_SNAPSHOT_MEMORY_H */
