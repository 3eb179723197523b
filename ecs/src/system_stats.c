/*
 * How long a system took.  The last runs are kept in a ring; percentiles are computed
 * only when somebody asks, by sorting a copy.
 */
#include "system.h"

#include <stdlib.h>
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

static int compare_durations(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left;
    uint64_t b = *(const uint64_t *)right;

    return (a > b) - (a < b);
}

/* Nearest rank: the smallest value that @p percent of all do not exceed. */
static uint64_t percentile(const uint64_t *sorted, size_t count, size_t percent)
{
    return sorted[(count * percent + 99) / 100 - 1];
}

reef_system_stats_t reef_system_stats(const reef_system_t *system)
{
    const reef__system_ring_t *ring = &system->ring;
    uint64_t sorted[REEF_SYSTEM_RING];
    size_t count =
        ring->count < REEF_SYSTEM_RING ? (size_t)ring->count : REEF_SYSTEM_RING;

    if (count == 0) {
        return (reef_system_stats_t){0};
    }
    memcpy(sorted, ring->durations_ns, count * sizeof(sorted[0]));
    qsort(sorted, count, sizeof(sorted[0]), compare_durations);
    return (reef_system_stats_t){
        .count = ring->count,
        .last_ns = ring->durations_ns[(ring->count - 1) % REEF_SYSTEM_RING],
        .mean_ns = ring->total_ns / ring->count,
        .p50_ns = percentile(sorted, count, 50),
        .p99_ns = percentile(sorted, count, 99),
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
