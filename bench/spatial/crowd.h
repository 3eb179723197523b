/**
 * @file crowd.h
 * @brief Points that wander about a square, the same in every run.
 */
#ifndef BENCH_SPATIAL_CROWD_H
#define BENCH_SPATIAL_CROWD_H

#include <stdint.h>

typedef struct crowd {
    uint32_t count;
    float side; /* of the square, from 0 on */
    float *x, *y;
    float *step_x, *step_y; /* of one tick */
} crowd_t;

/** @p step: how far each goes in a tick. */
void crowd_init(crowd_t *crowd, uint32_t count, float side, float step);
void crowd_finish(crowd_t *crowd);

/** The first @p movers of them go a step; coordinates are whole centimetres. */
void crowd_step(crowd_t *crowd, uint32_t movers);

#endif /* BENCH_SPATIAL_CROWD_H */
