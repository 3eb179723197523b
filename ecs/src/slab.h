/**
 * @file slab.h
 * @brief Slabs of 2 MiB, straight from the system, for tables and ids that are large.
 *
 * Aligned to their size and advised as huge pages, which saves most address
 * translation when a million rows are walked.  Slabs that are given back are kept for
 * the next one who needs them, up to a bound.
 */
#ifndef REEF_ECS_SLAB_H
#define REEF_ECS_SLAB_H

#include <stddef.h>
#include <stdint.h>

enum {
    REEF__SLAB_SIZE = 2 * 1024 * 1024,
    REEF__SPARE_SLABS = 32, /* kept, at most */
};

typedef struct reef__slab_pool {
    void *spares[REEF__SPARE_SLABS];
    uint32_t spare_count;
} reef__slab_pool_t;

/** A slab, not initialised: reef__slab_give(). */
void *reef__slab_take(reef__slab_pool_t *pool);
void reef__slab_give(reef__slab_pool_t *pool, void *slab);

/** Return all spare slabs to the system. */
void reef__slab_pool_trim(reef__slab_pool_t *pool);

#endif /* REEF_ECS_SLAB_H */
