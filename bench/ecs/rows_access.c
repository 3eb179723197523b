/*
 * One value of one entity, the entities in random order: reading, and writing with a
 * change mark.  What was read is summed up as an integer: a float would have to be
 * saved around each call, and that would be most of the time.
 */
#include "fixture.h"
#include "rows.h"

#include <reef/query.h>

#include <stdlib.h>

typedef struct state {
    fixture_t fixture;
    reef_query_t *changed; /* set_random: so that changes are tracked */
    float written;
} state_t;

/* Ours ---------------------------------------------------------------------------- */

static void *open_get(const bench_row_t *row)
{
    state_t *state = bench_resize(NULL, sizeof(*state));

    *state = (state_t){0};
    fixture_init_shuffled(&state->fixture, row);
    return state;
}

static void *open_set(const bench_row_t *row)
{
    state_t *state = open_get(row);

    state->changed = reef_query_create(
        state->fixture.world, &(reef_query_desc_t){{REEF_CHANGED(bench_position)}});
    reef_query_skip_changes(state->changed);
    return state;
}

static void close_reef(void *opaque)
{
    state_t *state = opaque;

    reef_query_destroy(state->changed);
    fixture_finish(&state->fixture);
    free(state);
}

static uint64_t get_batch(void *opaque)
{
    fixture_t *fixture = &((state_t *)opaque)->fixture;
    uint64_t begin = bench_now_ns(), took;
    uint64_t sum = 0;

    for (uint32_t i = 0; i < fixture->row->count; i++) {
        const bench_position_t *position =
            reef_world_find(fixture->world, fixture->ids[i], fixture->position);

        sum += (uint64_t)(int64_t)position->y;
    }
    took = bench_now_ns() - begin;
    bench_require(fixture->row, sum == fixture->row->count, "the sum is %llu",
                  (unsigned long long)sum);
    return took;
}

static void check_marks(state_t *state)
{
    reef_query_iter_t it = reef_query_begin(state->changed);
    uint32_t visited = 0;

    while (reef_query_next(&it)) {
        const bench_position_t *positions = reef_query_column(&it, 0);

        for (uint32_t i = 0; i < it.count; i++) {
            visited += positions[i].y == state->written;
        }
    }
    bench_require(state->fixture.row, visited == state->fixture.row->count,
                  "%u rows are known to have changed", visited);
}

static uint64_t set_batch(void *opaque)
{
    state_t *state = opaque;
    fixture_t *fixture = &state->fixture;
    float value = ++state->written;
    uint64_t begin = bench_now_ns(), took;

    for (uint32_t i = 0; i < fixture->row->count; i++) {
        bench_position_t *position =
            reef_world_find_mut(fixture->world, fixture->ids[i], fixture->position);

        position->y = value;
    }
    took = bench_now_ns() - begin;
    check_marks(state);
    return took;
}

/* Mini ---------------------------------------------------------------------------- */

typedef struct mini_state {
    mini_fixture_t fixture;
    float written;
} mini_state_t;

static void *open_get_mini(const bench_row_t *row)
{
    mini_state_t *state = bench_resize(NULL, sizeof(*state));

    *state = (mini_state_t){0};
    mini_fixture_init_shuffled(&state->fixture, row);
    return state;
}

static void *open_set_mini(const bench_row_t *row)
{
    mini_state_t *state = bench_resize(NULL, sizeof(*state));

    *state = (mini_state_t){0};
    mini_fixture_init(&state->fixture, row);
    mini_track(state->fixture.store, MINI_POSITION); /* before there are rows */
    mini_fixture_fill(&state->fixture);
    bench_shuffle(state->fixture.ids, row->count);
    return state;
}

static void close_mini(void *opaque)
{
    mini_state_t *state = opaque;

    mini_fixture_finish(&state->fixture);
    free(state);
}

static uint64_t get_batch_mini(void *opaque)
{
    mini_fixture_t *fixture = &((mini_state_t *)opaque)->fixture;
    uint64_t begin = bench_now_ns(), took;
    uint64_t sum = 0;

    for (uint32_t i = 0; i < fixture->row->count; i++) {
        const bench_position_t *position =
            mini_find(fixture->store, fixture->ids[i], MINI_POSITION);

        sum += (uint64_t)(int64_t)position->y;
    }
    took = bench_now_ns() - begin;
    bench_require(fixture->row, sum == fixture->row->count, "mini: the sum is %llu",
                  (unsigned long long)sum);
    return took;
}

static uint64_t set_batch_mini(void *opaque)
{
    mini_state_t *state = opaque;
    mini_fixture_t *fixture = &state->fixture;
    float value = ++state->written;
    uint64_t begin = bench_now_ns(), took;

    for (uint32_t i = 0; i < fixture->row->count; i++) {
        bench_position_t *position =
            mini_find_mut(fixture->store, fixture->ids[i], MINI_POSITION);

        position->y = value;
    }
    took = bench_now_ns() - begin;
    bench_require(fixture->row,
                  mini_take_changes(fixture->store, MINI_POSITION) ==
                      fixture->row->count,
                  "mini: not all rows are marked");
    return took;
}

const bench_side_t side_get = {open_get, get_batch, close_reef};
const bench_side_t side_set = {open_set, set_batch, close_reef};
const bench_side_t mini_get = {open_get_mini, get_batch_mini, close_mini};
const bench_side_t mini_set = {open_set_mini, set_batch_mini, close_mini};
