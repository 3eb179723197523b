#include "crowd.h"

#include <math.h>
#include <stdlib.h>

/* SplitMix64 (Steele, Lea, Flood 2014), from 0 to 1. */
static double random_unit(uint64_t *seed)
{
    uint64_t z = (*seed += 0x9e3779b97f4a7c15u);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (double)((z ^ (z >> 31)) >> 11) / 9007199254740992.0;
}

static float centimetres(double value)
{
    return (float)(floor(value * 100 + 0.5) / 100);
}

void crowd_init(crowd_t *crowd, uint32_t count, float side, float step)
{
    uint64_t seed = 1;

    *crowd = (crowd_t){.count = count, .side = side};
    crowd->x = calloc(count, sizeof(float));
    crowd->y = calloc(count, sizeof(float));
    crowd->step_x = calloc(count, sizeof(float));
    crowd->step_y = calloc(count, sizeof(float));
    for (uint32_t i = 0; i < count; i++) {
        double way = random_unit(&seed) * 6.283185307179586;

        crowd->x[i] = centimetres(random_unit(&seed) * (double)side);
        crowd->y[i] = centimetres(random_unit(&seed) * (double)side);
        crowd->step_x[i] = (float)(cos(way) * (double)step);
        crowd->step_y[i] = (float)(sin(way) * (double)step);
    }
}

void crowd_finish(crowd_t *crowd)
{
    free(crowd->x);
    free(crowd->y);
    free(crowd->step_x);
    free(crowd->step_y);
}

static void step_axis(float *at, float *step, float side)
{
    if ((*at < 0 && *step < 0) || (*at > side && *step > 0)) {
        *step = -*step;
    }
    *at = centimetres((double)*at + (double)*step);
}

void crowd_step(crowd_t *crowd, uint32_t movers)
{
    for (uint32_t i = 0; i < movers; i++) {
        step_axis(&crowd->x[i], &crowd->step_x[i], crowd->side);
        step_axis(&crowd->y[i], &crowd->step_y[i], crowd->side);
    }
}
