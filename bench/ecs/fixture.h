/**
 * @file fixture.h
 * @brief A world, and a mini store, filled alike: entity i has position {i, 1, 2} and
 * velocity {1, 2, 3}.
 */
#ifndef BENCH_FIXTURE_H
#define BENCH_FIXTURE_H

#include "components.h"
#include "harness.h"
#include "mini.h"

#include <reef/bundle.h>
#include <reef/world.h>

typedef struct fixture_values {
    bench_position_t *positions; /* [row->count] */
    bench_velocity_t *velocities;
} fixture_values_t;

typedef struct fixture {
    const bench_row_t *row;
    reef_world_t *world;
    reef_bundle_t *bundle; /* position, velocity */
    reef_component_t position, velocity, health;
    uint64_t *ids; /* [row->count] */
    fixture_values_t values;
} fixture_t;

enum {
    MINI_POSITION,
    MINI_VELOCITY,
    MINI_HEALTH
};

typedef struct mini_fixture {
    const bench_row_t *row;
    mini_store_t *store;
    mini_table_t *table; /* position, velocity */
    uint64_t *ids;
    fixture_values_t values;
} mini_fixture_t;

/** Make the world without entities. */
void fixture_init(fixture_t *fixture, const bench_row_t *row);
void fixture_finish(fixture_t *fixture);

/** Spawn row->count entities, in bulk. */
void fixture_fill(fixture_t *fixture);

/** Despawn all ids. */
void fixture_empty(fixture_t *fixture);

/** That ids[i] has its values, for some i. */
void fixture_check(const fixture_t *fixture);

/** init, fill, shuffle the ids. */
void fixture_init_shuffled(fixture_t *fixture, const bench_row_t *row);

/* The same for the mini store. */
void mini_fixture_init(mini_fixture_t *fixture, const bench_row_t *row);
void mini_fixture_finish(mini_fixture_t *fixture);
void mini_fixture_fill(mini_fixture_t *fixture);
void mini_fixture_empty(mini_fixture_t *fixture);
void mini_fixture_check(const mini_fixture_t *fixture);
void mini_fixture_init_shuffled(mini_fixture_t *fixture, const bench_row_t *row);

#endif /* BENCH_FIXTURE_H */
