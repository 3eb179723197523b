/**
 * @file histogram.h
 * @brief Counts of values, exact to 1 %, of any size, in 59 KiB.
 *
 * Values below 128 have a bucket each; every power of two from there on has 128 buckets
 * of equal width.  A percentile is the middle of its bucket, so it is off by at most
 * 1/256 of itself; the least and the largest value are exact.
 */
#ifndef WIRE_HISTOGRAM_H
#define WIRE_HISTOGRAM_H

#include <stdint.h>

enum {
    HISTOGRAM_BITS = 7,
    HISTOGRAM_SPAN = 1 << HISTOGRAM_BITS, /* buckets per power of two */
    HISTOGRAM_BUCKETS = (64 - HISTOGRAM_BITS + 1) * HISTOGRAM_SPAN
};

/** All zero: empty. */
typedef struct histogram {
    uint64_t count, min, max;
    uint64_t buckets[HISTOGRAM_BUCKETS];
} histogram_t;

void histogram_record(histogram_t *histogram, uint64_t value);

/** The value that @p percent of all values do not exceed; 0 when there is none. */
uint64_t histogram_percentile(const histogram_t *histogram, double percent);

#endif /* WIRE_HISTOGRAM_H */
