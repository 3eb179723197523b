/**
 * @file scan.h
 * @brief The inner loops of a search: which points of a run of buckets are near.
 */
#ifndef REEF_SPATIAL_SCAN_H
#define REEF_SPATIAL_SCAN_H

#include "grid.h"

/** Append the slots of all points of @p buckets whose square of the distance to
 *  @p center is at most @p limit to @p hits, which has @p count so far.  Returns how
 *  many it then has.  May write an element beyond. */
uint32_t reef__scan_plane(const reef__bucket_t *buckets,
                          uint32_t bucket_count,
                          reef__point_t center,
                          float limit,
                          uint32_t *hits,
                          uint32_t count);

/** The same with u, v and w. */
uint32_t reef__scan_space(const reef__bucket_t *buckets,
                          uint32_t bucket_count,
                          reef__point_t center,
                          float limit,
                          uint32_t *hits,
                          uint32_t count);

/** How many there are, and the sum of their slots, added to @p tally. */
void reef__scan_count_plane(const reef__bucket_t *buckets,
                            uint32_t bucket_count,
                            reef__point_t center,
                            float limit,
                            reef__tally_t *tally);
void reef__scan_count_space(const reef__bucket_t *buckets,
                            uint32_t bucket_count,
                            reef__point_t center,
                            float limit,
                            reef__tally_t *tally);

/** Some of the packed points: from the first to before the end. */
typedef struct reef__run {
    uint32_t first, end;
} reef__run_t;

/** The same of packed points in the plane. */
void reef__scan_count_runs(const reef__packed_t *packed,
                           const reef__run_t *runs,
                           uint32_t run_count,
                           reef__point_t center,
                           float limit,
                           reef__tally_t *tally);

#endif /* REEF_SPATIAL_SCAN_H */
