/**
 * @file components.h
 * @brief The components of the rows.
 *
 * Position and velocity have three floats each: 24 bytes of payload, and the plain
 * loops over one and over both are as far apart as in PERFORMANCE.md (1 : 2.6 here,
 * 1 : 2.9 there; with two floats 1 : 1.4).  The pairs of the eight systems have two,
 * so that four arrays of a million (32 MB) do not fit into a second-level cache.
 */
#ifndef BENCH_COMPONENTS_H
#define BENCH_COMPONENTS_H

#include <reef/reflect.h>

/* What one pass adds, or the time it stands for. */
#define BENCH_STEP 0.01f

REEF_COMPONENT(bench_position, 0, REEF_F32(x), REEF_F32(y), REEF_F32(z));
REEF_COMPONENT(bench_velocity, 0, REEF_F32(x), REEF_F32(y), REEF_F32(z));

/* What comes and goes in add, remove and toggle. */
REEF_COMPONENT(bench_health, 0, REEF_F32(now), REEF_F32(most));

REEF_COMPONENT(bench_a, 0, REEF_F32(x), REEF_F32(y));
REEF_COMPONENT(bench_b, 0, REEF_F32(x), REEF_F32(y));
REEF_COMPONENT(bench_c, 0, REEF_F32(x), REEF_F32(y));
REEF_COMPONENT(bench_d, 0, REEF_F32(x), REEF_F32(y));
REEF_COMPONENT(bench_e, 0, REEF_F32(x), REEF_F32(y));

/* The components of the eight systems are four types of this one layout. */
REEF_COMPONENT(bench_pair, 0, REEF_F32(x), REEF_F32(y));

#endif /* BENCH_COMPONENTS_H */
