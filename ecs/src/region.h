/**
 * @file region.h
 * @brief Large memory straight from the system, which grows where it is.
 *
 * Addresses are reserved far beyond what is needed and memory is committed as it is; so
 * a column of millions is never copied.  Aligned to 2 MiB, and advised as huge pages
 * behind the first 2 MiB, which saves most address translation when all of it is
 * walked.
 */
#ifndef REEF_ECS_REGION_H
#define REEF_ECS_REGION_H

#include <stddef.h>
#include <stdint.h>

enum {
    REEF__REGION_UNIT = 2 * 1024 * 1024
};

/** @p size rounded up to a multiple of the unit. */
static inline size_t reef__region_round(size_t size)
{
    return (size + REEF__REGION_UNIT - 1) & ~(size_t)(REEF__REGION_UNIT - 1);
}

/** Reserve @p size bytes, a multiple of the unit, of which none may be touched yet.
 *  Owned by the caller: reef__region_destroy(). */
void *reef__region_create(size_t size);
void reef__region_destroy(void *region, size_t size);

/** Let bytes from @p old_size to @p new_size, multiples of the unit, be used.  They are
 *  0, and take memory when they are touched. */
void reef__region_commit(void *region, size_t old_size, size_t new_size);

/** Forget the content from @p kept to @p committed bytes: it takes no memory then. */
void reef__region_discard(void *region, size_t kept, size_t committed);

#endif /* REEF_ECS_REGION_H */
