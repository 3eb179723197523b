/**
 * @file soa.h
 * @brief Loops over plain arrays: what the machine does with nothing around it.
 *
 * In a file of their own, so that neither side's compiler sees what is iterated.  The
 * bodies are those of the systems they are compared with, term by term.
 */
#ifndef BENCH_SOA_H
#define BENCH_SOA_H

#include "components.h"

#include <stddef.h>
#include <stdint.h>

void soa_iterate_1(bench_position_t *positions, size_t count);
void soa_iterate_2(bench_position_t *positions,
                   const bench_velocity_t *velocities,
                   size_t count);
void soa_iterate_5(bench_a_t *a,
                   const bench_b_t *b,
                   const bench_c_t *c,
                   const bench_d_t *d,
                   const bench_e_t *e,
                   size_t count);

/** One pass of the eight: written += factor × read. */
void soa_pass(bench_pair_t *written,
              const bench_pair_t *read,
              float factor,
              size_t count);

/** Call every function with its argument. */
typedef void (*soa_fn)(void *context);
void soa_call(const soa_fn *functions, void *const *contexts, size_t count);

/** Does nothing, as the empty systems. */
void soa_nothing(void *context);

#endif /* BENCH_SOA_H */
