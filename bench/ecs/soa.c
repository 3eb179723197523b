/*
 * Nothing but loops.  What they work on begins with a line of the cache, without advice
 * about pages.
 */
#include "soa.h"

#include <reef/attrs.h>

REEF_TARGET_CLONES void soa_iterate_1(bench_position_t *restrict positions,
                                      size_t count)
{
    for (size_t i = 0; i < count; i++) {
        positions[i].x += BENCH_STEP;
        positions[i].y += BENCH_STEP;
        positions[i].z += BENCH_STEP;
    }
}

REEF_TARGET_CLONES void soa_iterate_2(bench_position_t *restrict positions,
                                      const bench_velocity_t *restrict velocities,
                                      size_t count)
{
    for (size_t i = 0; i < count; i++) {
        positions[i].x += velocities[i].x * BENCH_STEP;
        positions[i].y += velocities[i].y * BENCH_STEP;
        positions[i].z += velocities[i].z * BENCH_STEP;
    }
}

REEF_TARGET_CLONES void soa_iterate_5(bench_a_t *restrict a,
                                      const bench_b_t *restrict b,
                                      const bench_c_t *restrict c,
                                      const bench_d_t *restrict d,
                                      const bench_e_t *restrict e,
                                      size_t count)
{
    for (size_t i = 0; i < count; i++) {
        a[i].x += b[i].x * c[i].x + d[i].x * e[i].x;
        a[i].y += b[i].y * c[i].y + d[i].y * e[i].y;
    }
}

REEF_TARGET_CLONES void soa_pass(bench_pair_t *restrict written,
                                 const bench_pair_t *restrict read,
                                 float factor,
                                 size_t count)
{
    for (size_t i = 0; i < count; i++) {
        written[i].x += read[i].x * factor;
        written[i].y += read[i].y * factor;
    }
}

void soa_call(const soa_fn *functions, void *const *contexts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        functions[i](contexts[i]);
    }
}

void soa_nothing(void *context)
{
    (void)context;
}
