/*
 * How long a system took.  The last runs are kept in a ring; percentiles are computed
 * only when somebody asks, by partitioning a copy: sorting it took ten times as long.
 */
#include "system.h"

#include <stddef.h>
#include <string.h>

void reef__system_record(reef_system_t *system, uint64_t duration_ns)
{
    reef__system_ring_t *ring = &system->ring;

    ring->durations_ns[ring->count % REEF_SYSTEM_RING] = duration_ns;
    ring->count++;
    ring->total_ns += duration_ns;
    if (duration_ns > ring->max_ns) {
        ring->max_ns = duration_ns;
    }
}

/* Move the value of @p rank to its place (C. A. R. Hoare, Algorithm 65: FIND). */
static uint64_t select_rank(uint64_t *values, ptrdiff_t count, ptrdiff_t rank)
{
    ptrdiff_t low = 0, high = count - 1;

    while (low < high) {
        uint64_t pivot = values[rank];
        ptrdiff_t left = low, right = high;

        while (left <= right) {
            while (values[left] < pivot) {
                left++;
            }
            while (values[right] > pivot) {
                right--;
            }
            if (left <= right) {
                uint64_t kept = values[left];

                values[left++] = values[right];
                values[right--] = kept;
            }
        }
        low = right < rank ? left : low;
        high = left > rank ? right : high;
    }
    return values[rank];
}

/* Nearest rank: the smallest value that @p percent of all do not exceed. */
static uint64_t percentile(uint64_t *values, size_t count, size_t percent)
{
    return select_rank(values, (ptrdiff_t)count,
                       (ptrdiff_t)((count * percent + 99) / 100 - 1));
}

reef_system_stats_t reef_system_stats(const reef_system_t *system)
{
    const reef__system_ring_t *ring = &system->ring;
    uint64_t values[REEF_SYSTEM_RING];
    size_t count =
        ring->count < REEF_SYSTEM_RING ? (size_t)ring->count : REEF_SYSTEM_RING;

    if (count == 0) {
        return (reef_system_stats_t){0};
    }
    memcpy(values, ring->durations_ns, count * sizeof(values[0]));
    return (reef_system_stats_t){
        .count = ring->count,
        .last_ns = ring->durations_ns[(ring->count - 1) % REEF_SYSTEM_RING],
        .mean_ns = ring->total_ns / ring->count,
        .p50_ns = percentile(values, count, 50),
        .p99_ns = percentile(values, count, 99),
        .max_ns = ring->max_ns,
    };
}

const reef_system_desc_t *reef_system_desc(const reef_system_t *system)
{
    return &system->desc;
}

bool reef_system_is_enabled(const reef_system_t *system)
{
    return !system->disabled;
}

void reef_system_set_enabled(reef_system_t *system, bool enabled)
{
    system->disabled = !enabled;
}

uint32_t reef_system_stage(const reef_system_t *system)
{
    return system->stage;
}
