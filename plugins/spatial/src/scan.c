/*
 * Which: each slot is written, and the place for the next moves on when it is a hit, as
 * a branch would be mispredicted.  How many: vectors.  Both visit what is not used of a
 * bucket, too, which is too far away: the length of a loop is then foreseeable.
 */
#include "scan.h"

#include <reef/attrs.h>

uint32_t reef__scan_plane(const reef__bucket_t *buckets,
                          uint32_t bucket_count,
                          reef__point_t center,
                          float limit,
                          uint32_t *hits,
                          uint32_t count)
{
    for (uint32_t i = 0; i < bucket_count; i++) {
        const float *u = buckets[i].block;
        const float *v = u + buckets[i].capacity;
        const uint32_t *slots =
            (const uint32_t *)(const void *)(v + buckets[i].capacity);

        for (uint32_t k = 0; k < buckets[i].capacity; k++) {
            float du = center.u - u[k], dv = center.v - v[k];

            hits[count] = slots[k];
            count += du * du + dv * dv <= limit;
        }
    }
    return count;
}

uint32_t reef__scan_space(const reef__bucket_t *buckets,
                          uint32_t bucket_count,
                          reef__point_t center,
                          float limit,
                          uint32_t *hits,
                          uint32_t count)
{
    for (uint32_t i = 0; i < bucket_count; i++) {
        const float *u = buckets[i].block;
        const float *v = u + buckets[i].capacity;
        const float *w = v + buckets[i].capacity;
        const uint32_t *slots =
            (const uint32_t *)(const void *)(w + buckets[i].capacity);

        for (uint32_t k = 0; k < buckets[i].capacity; k++) {
            float du = center.u - u[k], dv = center.v - v[k], dw = center.w - w[k];

            hits[count] = slots[k];
            count += du * du + dv * dv + dw * dw <= limit;
        }
    }
    return count;
}

REEF_TARGET_CLONES void reef__scan_count_plane(const reef__bucket_t *buckets,
                                               uint32_t bucket_count,
                                               reef__point_t center,
                                               float limit,
                                               reef__tally_t *tally)
{
    uint32_t counts[REEF__GRID_LANES] = {0}, sums[REEF__GRID_LANES] = {0};

    for (uint32_t i = 0; i < bucket_count; i++) {
        const float *u = buckets[i].block;
        const float *v = u + buckets[i].capacity;
        const uint32_t *slots =
            (const uint32_t *)(const void *)(v + buckets[i].capacity);

        for (uint32_t j = 0; j < buckets[i].capacity; j += REEF__GRID_LANES) {
            for (uint32_t k = 0; k < REEF__GRID_LANES; k++) {
                float du = center.u - u[j + k], dv = center.v - v[j + k];

                uint32_t is_near = du * du + dv * dv <= limit;

                counts[k] += is_near;
                sums[k] += slots[j + k] & -is_near;
            }
        }
    }
    for (uint32_t k = 0; k < REEF__GRID_LANES; k++) {
        tally->count += counts[k];
        tally->sum += sums[k];
    }
}

REEF_TARGET_CLONES void reef__scan_count_space(const reef__bucket_t *buckets,
                                               uint32_t bucket_count,
                                               reef__point_t center,
                                               float limit,
                                               reef__tally_t *tally)
{
    uint32_t counts[REEF__GRID_LANES] = {0}, sums[REEF__GRID_LANES] = {0};

    for (uint32_t i = 0; i < bucket_count; i++) {
        const float *u = buckets[i].block;
        const float *v = u + buckets[i].capacity;
        const float *w = v + buckets[i].capacity;
        const uint32_t *slots =
            (const uint32_t *)(const void *)(w + buckets[i].capacity);

        for (uint32_t j = 0; j < buckets[i].capacity; j += REEF__GRID_LANES) {
            for (uint32_t k = 0; k < REEF__GRID_LANES; k++) {
                float du = center.u - u[j + k], dv = center.v - v[j + k];
                float dw = center.w - w[j + k];

                uint32_t is_near = du * du + dv * dv + dw * dw <= limit;

                counts[k] += is_near;
                sums[k] += slots[j + k] & -is_near;
            }
        }
    }
    for (uint32_t k = 0; k < REEF__GRID_LANES; k++) {
        tally->count += counts[k];
        tally->sum += sums[k];
    }
}

/* Whole vectors again; what is behind a run is not of it. */
REEF_TARGET_CLONES void reef__scan_count_runs(const reef__packed_t *packed,
                                              const reef__run_t *runs,
                                              uint32_t run_count,
                                              reef__point_t center,
                                              float limit,
                                              reef__tally_t *tally)
{
    uint32_t total = 0, sum = 0;

    for (uint32_t i = 0; i < run_count; i++) {
        const float *restrict u = packed->u + runs[i].first;
        const float *restrict v = packed->v + runs[i].first;
        const uint32_t *restrict slots = packed->slots + runs[i].first;
        int32_t count = (int32_t)(runs[i].end - runs[i].first);
        int32_t padded = (count + REEF__GRID_LANES - 1) & -REEF__GRID_LANES;

        for (int32_t k = 0; k < padded; k++) {
            float du = center.u - u[k], dv = center.v - v[k];
            uint32_t is_near = (du * du + dv * dv <= limit) & (k < count);

            total += is_near;
            sum += is_near ? slots[k] : 0;
        }
    }
    tally->count += total;
    tally->sum += sum;
}
