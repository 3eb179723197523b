/**
 * @file rows.h
 * @brief The table of rows, and the sides that the rows_*.c files bring.
 *
 * `side_*` is Reef, `mini_*` the bare store, `soa_*` plain arrays.
 */
#ifndef BENCH_ROWS_H
#define BENCH_ROWS_H

#include "harness.h"

/** All rows, in the order in which they run and are printed. */
extern const bench_row_t bench_rows[];
extern const uint32_t bench_row_count;

extern const bench_side_t side_create, side_create_bulk, side_destroy;
extern const bench_side_t mini_create, mini_create_bulk, mini_destroy;

extern const bench_side_t side_add, side_remove, side_toggle;
extern const bench_side_t mini_add_all, mini_remove_all, mini_toggle;

extern const bench_side_t side_get, side_set;
extern const bench_side_t mini_get, mini_set;

extern const bench_side_t side_iterate, soa_iterate;
extern const bench_side_t side_fragmented, mini_fragmented;

extern const bench_side_t side_deferred_spawn, side_deferred_despawn;
extern const bench_side_t side_deferred_add, side_spawn_5_adds;
extern const bench_side_t mini_deferred_spawn, mini_deferred_despawn;
extern const bench_side_t mini_deferred_add, mini_spawn_5_adds;

extern const bench_side_t side_changed_none, side_changed_some;

extern const bench_side_t side_empty, side_systems, side_systems_alone;
extern const bench_side_t soa_calls, soa_passes;

extern const bench_side_t side_events, soa_events;

double measure_bytes(const bench_row_t *row, double *floor);

#endif /* BENCH_ROWS_H */
