/*
 * Adding and removing one component of 8 bytes on entities with position and
 * velocity, which so move between two tables.
 *
 * The observed rows are the same with one observer that counts; the variant says so.
 */
#include "fixture.h"
#include "rows.h"

#include <reef/observer.h>

#include <stdlib.h>

enum {
    OBSERVED = 1
};

typedef struct state {
    fixture_t fixture;
    uint64_t added, removed; /* seen by the observer */
} state_t;

typedef struct mini_state {
    mini_fixture_t fixture;
    uint64_t added, removed;
} mini_state_t;

static const bench_health_t health = {3, 4};

/* What the observer sees of one batch. */
static uint64_t seen_by(const bench_row_t *row)
{
    return row->variant == OBSERVED ? row->count : 0;
}

/* Ours ---------------------------------------------------------------------------- */

static void
count_one(reef_world_t *world, reef_entity_t entity, const void *value, void *context)
{
    const bench_health_t *seen = value;

    (void)world, (void)entity;
    *(uint64_t *)context += seen->most == 4;
}

static void *open_reef(const bench_row_t *row)
{
    state_t *state = bench_resize(NULL, sizeof(*state));

    *state = (state_t){0};
    fixture_init(&state->fixture, row);
    if (row->variant == OBSERVED) {
        reef_world_observe(state->fixture.world, REEF_OBSERVE_ADD, &bench_health_type,
                           count_one, &state->added);
        reef_world_observe(state->fixture.world, REEF_OBSERVE_REMOVE,
                           &bench_health_type, count_one, &state->removed);
    }
    fixture_fill(&state->fixture);
    return state;
}

static void close_reef(void *opaque)
{
    state_t *state = opaque;

    fixture_check(&state->fixture); /* nothing was lost on the way to and fro */
    bench_require(state->fixture.row, state->added == state->removed,
                  "added and removed are not in balance");
    fixture_finish(&state->fixture);
    free(state);
}

static uint64_t add_all(state_t *state)
{
    fixture_t *fixture = &state->fixture;
    uint64_t before = state->added, begin = bench_now_ns(), took;
    uint32_t done = 0;
    const bench_health_t *value;

    for (uint32_t i = 0; i < fixture->row->count; i++) {
        done +=
            reef_world_add(fixture->world, fixture->ids[i], fixture->health, &health);
    }
    took = bench_now_ns() - begin;
    value = reef_world_find(fixture->world, fixture->ids[7], fixture->health);
    bench_require(fixture->row, done == fixture->row->count, "%u were added", done);
    bench_require(fixture->row, value != NULL && value->now == 3, "value not added");
    bench_require(fixture->row, state->added - before == seen_by(fixture->row),
                  "the observer saw %llu", (unsigned long long)(state->added - before));
    return took;
}

static uint64_t remove_all(state_t *state)
{
    fixture_t *fixture = &state->fixture;
    uint64_t before = state->removed, begin = bench_now_ns(), took;
    uint32_t done = 0;

    for (uint32_t i = 0; i < fixture->row->count; i++) {
        done += reef_world_remove(fixture->world, fixture->ids[i], fixture->health);
    }
    took = bench_now_ns() - begin;
    bench_require(fixture->row, done == fixture->row->count, "%u were removed", done);
    bench_require(fixture->row, state->removed - before == seen_by(fixture->row),
                  "the observer saw %llu",
                  (unsigned long long)(state->removed - before));
    return took;
}

static uint64_t add_batch(void *state)
{
    uint64_t took = add_all(state);

    remove_all(state);
    return took;
}

static uint64_t remove_batch(void *state)
{
    add_all(state);
    return remove_all(state);
}

static uint64_t toggle_batch(void *opaque)
{
    state_t *state = opaque;
    fixture_t *fixture = &state->fixture;
    uint64_t begin = bench_now_ns(), took;
    uint32_t done = 0;

    for (uint32_t i = 0; i < fixture->row->count; i++) {
        done +=
            reef_world_add(fixture->world, fixture->ids[i], fixture->health, &health);
        done += reef_world_remove(fixture->world, fixture->ids[i], fixture->health);
    }
    took = bench_now_ns() - begin;
    bench_require(fixture->row, done == 2 * fixture->row->count, "%u were done", done);
    return took;
}

/* Mini ---------------------------------------------------------------------------- */

static void count_one_mini(mini_entity_t entity, const void *value, void *context)
{
    const bench_health_t *seen = value;

    (void)entity;
    *(uint64_t *)context += seen->most == 4;
}

static void count_removed_mini(mini_entity_t entity, const void *value, void *context)
{
    count_one_mini(entity, value, (uint64_t *)context + 1);
}

static void *open_mini(const bench_row_t *row)
{
    mini_state_t *state = bench_resize(NULL, sizeof(*state));

    *state = (mini_state_t){0};
    mini_fixture_init(&state->fixture, row);
    if (row->variant == OBSERVED) {
        mini_observe(state->fixture.store, MINI_HEALTH, count_one_mini,
                     count_removed_mini, &state->added);
    }
    mini_fixture_fill(&state->fixture);
    return state;
}

static void close_mini(void *opaque)
{
    mini_state_t *state = opaque;

    mini_fixture_check(&state->fixture);
    bench_require(state->fixture.row, state->added == state->removed,
                  "mini: added and removed are not in balance");
    mini_fixture_finish(&state->fixture);
    free(state);
}

static uint64_t add_all_mini(mini_state_t *state)
{
    mini_fixture_t *fixture = &state->fixture;
    uint64_t before = state->added, begin = bench_now_ns(), took;
    uint32_t done = 0;

    for (uint32_t i = 0; i < fixture->row->count; i++) {
        done += mini_add(fixture->store, fixture->ids[i], MINI_HEALTH, &health);
    }
    took = bench_now_ns() - begin;
    bench_require(fixture->row,
                  done == fixture->row->count &&
                      state->added - before == seen_by(fixture->row) &&
                      mini_find(fixture->store, fixture->ids[7], MINI_HEALTH) != NULL,
                  "mini: not all were added");
    return took;
}

static uint64_t remove_all_mini(mini_state_t *state)
{
    mini_fixture_t *fixture = &state->fixture;
    uint64_t before = state->removed, begin = bench_now_ns(), took;
    uint32_t done = 0;

    for (uint32_t i = 0; i < fixture->row->count; i++) {
        done += mini_remove(fixture->store, fixture->ids[i], MINI_HEALTH);
    }
    took = bench_now_ns() - begin;
    bench_require(fixture->row,
                  done == fixture->row->count &&
                      state->removed - before == seen_by(fixture->row),
                  "mini: not all were removed");
    return took;
}

static uint64_t add_batch_mini(void *state)
{
    uint64_t took = add_all_mini(state);

    remove_all_mini(state);
    return took;
}

static uint64_t remove_batch_mini(void *state)
{
    add_all_mini(state);
    return remove_all_mini(state);
}

static uint64_t toggle_batch_mini(void *opaque)
{
    mini_state_t *state = opaque;
    mini_fixture_t *fixture = &state->fixture;
    uint64_t begin = bench_now_ns(), took;
    uint32_t done = 0;

    for (uint32_t i = 0; i < fixture->row->count; i++) {
        done += mini_add(fixture->store, fixture->ids[i], MINI_HEALTH, &health);
        done += mini_remove(fixture->store, fixture->ids[i], MINI_HEALTH);
    }
    took = bench_now_ns() - begin;
    bench_require(fixture->row, done == 2 * fixture->row->count, "mini: %u done", done);
    return took;
}

const bench_side_t side_add = {open_reef, add_batch, close_reef};
const bench_side_t side_remove = {open_reef, remove_batch, close_reef};
const bench_side_t side_toggle = {open_reef, toggle_batch, close_reef};
const bench_side_t mini_add_all = {open_mini, add_batch_mini, close_mini};
const bench_side_t mini_remove_all = {open_mini, remove_batch_mini, close_mini};
const bench_side_t mini_toggle = {open_mini, toggle_batch_mini, close_mini};
