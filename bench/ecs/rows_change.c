/*
 * A query for changed positions over a million entities.  The variant is the number of
 * rows changed before each iteration, at random places.
 */
#include "fixture.h"
#include "rows.h"

#include <reef/query.h>

#include <stdlib.h>

typedef struct state {
    fixture_t fixture;
    reef_query_t *changed;
    float written;
    uint32_t next; /* of the shuffled ids, to be changed */
} state_t;

static void *open_reef(const bench_row_t *row)
{
    state_t *state = bench_resize(NULL, sizeof(*state));

    *state = (state_t){.written = 2}; /* as z in the beginning */
    fixture_init_shuffled(&state->fixture, row);
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

/* Give `variant` entities a new z. */
static void change_some(state_t *state)
{
    fixture_t *fixture = &state->fixture;

    state->written++;
    for (uint32_t i = 0; i < fixture->row->variant; i++) {
        bench_position_t *position = reef_world_find_mut(
            fixture->world, fixture->ids[state->next], fixture->position);

        position->z = state->written;
        state->next = (state->next + 1) % fixture->row->count;
    }
}

/* Rows visited; those that really have the new z are added up in *fresh. */
static uint32_t visit(state_t *state, uint32_t *fresh)
{
    reef_query_iter_t it = reef_query_begin(state->changed);
    uint32_t visited = 0;

    while (reef_query_next(&it)) {
        const bench_position_t *positions = reef_query_column(&it, 0);

        for (uint32_t i = 0; i < it.count; i++) {
            *fresh += positions[i].z == state->written;
        }
        visited += it.count;
    }
    return visited;
}

static uint64_t batch_reef(void *opaque)
{
    state_t *state = opaque;
    const bench_row_t *row = state->fixture.row;
    uint64_t took = 0;

    for (uint32_t pass = 0; pass < bench_passes(row); pass++) {
        uint32_t visited, fresh = 0;
        uint64_t begin;

        change_some(state);
        begin = bench_now_ns();
        visited = visit(state, &fresh);
        took += bench_now_ns() - begin;
        bench_require(row, visited == row->variant && fresh == row->variant,
                      "%u rows were visited, %u of those that changed", visited, fresh);
    }
    return took;
}

/* Nothing changes, so all passes are timed together. */
static uint64_t batch_none(void *opaque)
{
    state_t *state = opaque;
    const bench_row_t *row = state->fixture.row;
    uint64_t begin = bench_now_ns(), visited = 0, took;
    uint32_t fresh = 0;

    for (uint32_t pass = 0; pass < bench_passes(row); pass++) {
        visited += visit(state, &fresh);
    }
    took = bench_now_ns() - begin;
    bench_require(row, visited == 0, "%llu rows were visited",
                  (unsigned long long)visited);
    return took;
}

const bench_side_t side_changed_none = {open_reef, batch_none, close_reef};
const bench_side_t side_changed_some = {open_reef, batch_reef, close_reef};
