/*
 * Spawning and despawning.  Both stores keep the memory of what goes, and have had
 * every entity once before anything is timed.
 *
 * The variant of the destroy rows says whether the ids come in random order.
 */
#include "fixture.h"
#include "rows.h"

#include <stdlib.h>

/* Ours ---------------------------------------------------------------------------- */

static void *open_empty(const bench_row_t *row)
{
    fixture_t *fixture = bench_resize(NULL, sizeof(*fixture));

    fixture_init(fixture, row);
    return fixture;
}

static void close_empty(void *state)
{
    fixture_finish(state);
    free(state);
}

static uint64_t create_batch(void *state)
{
    fixture_t *fixture = state;
    uint64_t begin = bench_now_ns(), took;

    for (uint32_t i = 0; i < fixture->row->count; i++) {
        fixture->ids[i] =
            reef_bundle_spawn(fixture->bundle, REEF_RANGE_WORLD,
                              (const void *[]){&fixture->values.positions[i],
                                               &fixture->values.velocities[i]});
    }
    took = bench_now_ns() - begin;
    fixture_check(fixture);
    fixture_empty(fixture);
    return took;
}

static uint64_t create_bulk_batch(void *state)
{
    fixture_t *fixture = state;
    uint64_t begin = bench_now_ns(), took;

    fixture_fill(fixture);
    took = bench_now_ns() - begin;
    fixture_check(fixture);
    fixture_empty(fixture);
    return took;
}

static uint64_t destroy_batch(void *state)
{
    fixture_t *fixture = state;
    uint32_t gone = 0;
    uint64_t begin, took;

    fixture_fill(fixture);
    if (fixture->row->variant != 0) {
        bench_shuffle(fixture->ids, fixture->row->count);
    }
    begin = bench_now_ns();
    for (uint32_t i = 0; i < fixture->row->count; i++) {
        gone += reef_world_despawn(fixture->world, fixture->ids[i]);
    }
    took = bench_now_ns() - begin;
    bench_require(fixture->row, gone == fixture->row->count, "%u are gone", gone);
    bench_require(fixture->row, reef_world_entity_count(fixture->world) == 0,
                  "entities are left");
    return took;
}

/* Mini ---------------------------------------------------------------------------- */

static void *open_mini(const bench_row_t *row)
{
    mini_fixture_t *fixture = bench_resize(NULL, sizeof(*fixture));

    mini_fixture_init(fixture, row);
    return fixture;
}

static void close_mini(void *state)
{
    mini_fixture_finish(state);
    free(state);
}

static uint64_t create_batch_mini(void *state)
{
    mini_fixture_t *fixture = state;
    uint64_t begin = bench_now_ns(), took;

    for (uint32_t i = 0; i < fixture->row->count; i++) {
        fixture->ids[i] = mini_spawn(fixture->store, fixture->table,
                                     (const void *[]){&fixture->values.positions[i],
                                                      &fixture->values.velocities[i]});
    }
    took = bench_now_ns() - begin;
    mini_fixture_check(fixture);
    mini_fixture_empty(fixture);
    return took;
}

static uint64_t create_bulk_batch_mini(void *state)
{
    mini_fixture_t *fixture = state;
    uint64_t begin = bench_now_ns(), took;

    mini_fixture_fill(fixture);
    took = bench_now_ns() - begin;
    mini_fixture_check(fixture);
    mini_fixture_empty(fixture);
    return took;
}

static uint64_t destroy_batch_mini(void *state)
{
    mini_fixture_t *fixture = state;
    uint32_t gone = 0;
    uint64_t begin, took;

    mini_fixture_fill(fixture);
    if (fixture->row->variant != 0) {
        bench_shuffle(fixture->ids, fixture->row->count);
    }
    begin = bench_now_ns();
    for (uint32_t i = 0; i < fixture->row->count; i++) {
        gone += mini_despawn(fixture->store, fixture->ids[i]);
    }
    took = bench_now_ns() - begin;
    bench_require(fixture->row, gone == fixture->row->count, "mini: %u are gone", gone);
    return took;
}

const bench_side_t side_create = {open_empty, create_batch, close_empty};
const bench_side_t side_create_bulk = {open_empty, create_bulk_batch, close_empty};
const bench_side_t side_destroy = {open_empty, destroy_batch, close_empty};
const bench_side_t mini_create = {open_mini, create_batch_mini, close_mini};
const bench_side_t mini_create_bulk = {open_mini, create_bulk_batch_mini, close_mini};
const bench_side_t mini_destroy = {open_mini, destroy_batch_mini, close_mini};
