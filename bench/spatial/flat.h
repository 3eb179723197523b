/**
 * @file flat.h
 * @brief What one would write by hand for one purpose: a grid of flat arrays, made anew
 *        every tick, and a search for everybody.
 */
#ifndef BENCH_SPATIAL_FLAT_H
#define BENCH_SPATIAL_FLAT_H

#include <stdint.h>

typedef struct flat {
    uint32_t count; /* points */
    float side;     /* of the square world, from 0 on */
    float cell, radius;
    uint32_t cells; /* along a side */
    const float *x, *y;

    uint32_t *starts; /* [cells * cells + 1] */
    uint32_t *cell_of;
    float *sorted_x, *sorted_y;
    uint32_t *sorted;    /* ids, cell by cell */
    uint32_t *neighbors; /* of the one that was searched last */
} flat_t;

void flat_init(flat_t *flat, uint32_t count, float side, float cell, float radius);
void flat_finish(flat_t *flat);

/** Sort the points into cells. */
void flat_fill(flat_t *flat, const float *x, const float *y);

/** Who is within the radius of point @p i; into flat->neighbors.  Returns how many. */
uint32_t flat_search(flat_t *flat, uint32_t i);

#endif /* BENCH_SPATIAL_FLAT_H */
