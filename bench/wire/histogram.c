/*
 * index   0 … 127 | 128 … 255 | 256 … 383 | …
 * value   0 … 127 | 128 … 255 | 256 … 511 | …
 * width      1    |     1     |     2     | 4 …
 */
#include "histogram.h"

#include <math.h>

static unsigned log2_floor(uint64_t value)
{
    unsigned bit = 0;

    for (unsigned step = 32; step > 0; step /= 2) {
        if (value >> step != 0) {
            value >>= step;
            bit += step;
        }
    }
    return bit;
}

static uint32_t bucket_of(uint64_t value)
{
    unsigned shift;

    if (value < HISTOGRAM_SPAN) {
        return (uint32_t)value;
    }
    shift = log2_floor(value) - HISTOGRAM_BITS;
    return (uint32_t)((uint64_t)shift * HISTOGRAM_SPAN + (value >> shift));
}

static uint64_t middle_of(uint32_t bucket)
{
    unsigned shift;
    uint64_t first;

    if (bucket < HISTOGRAM_SPAN) {
        return bucket;
    }
    shift = bucket / HISTOGRAM_SPAN - 1;
    first = (uint64_t)(bucket - shift * HISTOGRAM_SPAN) << shift;
    return first + (((uint64_t)1 << shift) - 1) / 2;
}

void histogram_record(histogram_t *histogram, uint64_t value)
{
    if (histogram->count == 0 || value < histogram->min) {
        histogram->min = value;
    }
    if (value > histogram->max) {
        histogram->max = value;
    }
    histogram->count++;
    histogram->buckets[bucket_of(value)]++;
}

static uint64_t clamp(const histogram_t *histogram, uint64_t value)
{
    value = value < histogram->min ? histogram->min : value;
    return value > histogram->max ? histogram->max : value;
}

uint64_t histogram_percentile(const histogram_t *histogram, double percent)
{
    double rank = ceil(percent / 100 * (double)histogram->count);
    uint64_t wanted = rank < 1 ? 1 : (uint64_t)rank, seen = 0;

    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->buckets[i];
        if (seen >= wanted) {
            return clamp(histogram, middle_of(i));
        }
    }
    return histogram->max;
}
