/*
 * Schedules.  A hundred systems that do nothing, beside as many calls through
 * pointers; the variant says whether there is a clock.
 *
 * Eight systems on four components, each adding a part of one to another, beside eight
 * passes over four arrays.  The variant is the number of workers.  Before anything is
 * timed the same schedule runs a few frames on a world whose values are then compared
 * with those of the arrays, bit by bit: that holds only if every system sees all that
 * the ones before it wrote.
 */
#include "components.h"
#include "harness.h"
#include "rows.h"
#include "soa.h"

#include <reef/bundle.h>
#include <reef/schedule.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    EMPTY = 100,
    PARTS = 4,
    SYSTEMS = 8,
    NAME_SIZE = 16,
    CHECK_FRAMES = 5
};

/* Which part is written and which is read.  Each two that follow one another rotate a
 * pair a little, so that values neither grow nor fade. */
typedef struct pass {
    uint32_t written, read;
    float factor;
} pass_t;

static const pass_t passes[SYSTEMS] = {
    {0, 1, 0.01f}, {1, 0, -0.01f}, {2, 3, 0.01f}, {3, 2, -0.01f},
    {0, 2, 0.01f}, {2, 0, -0.01f}, {1, 3, 0.01f}, {3, 1, -0.01f},
};

/* Empty systems ------------------------------------------------------------------ */

typedef struct empty_state {
    const bench_row_t *row;
    reef_world_t *world;
    reef_schedule_t *schedule;
    uint64_t frames, seen; /* the last system counts */
    soa_fn functions[EMPTY];
    void *contexts[EMPTY];
    char names[EMPTY][NAME_SIZE];
} empty_state_t;

static void do_nothing(reef_run_t *run)
{
    (void)run;
}

static void count_frame(reef_run_t *run)
{
    ++*(uint64_t *)reef_run_context(run);
}

static void add_system(const bench_row_t *row,
                       reef_schedule_t *schedule,
                       const reef_system_desc_t *desc)
{
    bench_require(row, reef_schedule_add(schedule, desc) == REEF_OK,
                  "system %s was not added", desc->name);
}

static void *open_empty(const bench_row_t *row)
{
    empty_state_t *state = bench_resize(NULL, sizeof(*state));

    *state = (empty_state_t){.row = row};
    state->world = reef_world_create(
        &(reef_world_desc_t){.clock = row->variant != 0 ? bench_clock : NULL});
    state->schedule = reef_schedule_create(state->world, "empty");
    for (uint32_t i = 0; i < EMPTY; i++) {
        bool last = i == EMPTY - 1;

        snprintf(state->names[i], NAME_SIZE, "empty_%u", i);
        add_system(row, state->schedule,
                   &(reef_system_desc_t){.name = state->names[i],
                                         .run = last ? count_frame : do_nothing,
                                         .context = last ? &state->seen : NULL});
    }
    return state;
}

static uint64_t batch_empty(void *opaque)
{
    empty_state_t *state = opaque;
    uint64_t begin = bench_now_ns(), took;

    for (uint32_t i = 0; i < bench_passes(state->row); i++) {
        reef_schedule_run(state->schedule);
    }
    took = bench_now_ns() - begin;
    state->frames += bench_passes(state->row);
    bench_require(state->row, state->seen == state->frames, "%llu frames of %llu",
                  (unsigned long long)state->seen, (unsigned long long)state->frames);
    return took;
}

static void close_empty(void *opaque)
{
    empty_state_t *state = opaque;

    for (uint32_t i = 0; state->row->variant != 0 && i < EMPTY; i++) {
        reef_system_t *system = reef_schedule_system(state->schedule, i);

        bench_require(state->row, reef_system_stats(system).count == state->frames,
                      "system %u ran %llu times", i,
                      (unsigned long long)reef_system_stats(system).count);
    }
    reef_schedule_destroy(state->schedule);
    reef_world_destroy(state->world);
    free(state);
}

static void count_call(void *context)
{
    ++*(uint64_t *)context;
}

static void *open_calls(const bench_row_t *row)
{
    empty_state_t *state = bench_resize(NULL, sizeof(*state));

    *state = (empty_state_t){.row = row};
    for (uint32_t i = 0; i < EMPTY; i++) {
        state->functions[i] = soa_nothing;
    }
    state->functions[EMPTY - 1] = count_call;
    state->contexts[EMPTY - 1] = &state->seen;
    return state;
}

static uint64_t batch_calls(void *opaque)
{
    empty_state_t *state = opaque;
    uint64_t begin = bench_now_ns(), took;

    for (uint32_t i = 0; i < bench_passes(state->row); i++) {
        soa_call(state->functions, state->contexts, EMPTY);
    }
    took = bench_now_ns() - begin;
    state->frames += bench_passes(state->row);
    bench_require(state->row, state->seen == state->frames, "calls are missing");
    return took;
}

/* Eight systems ------------------------------------------------------------------- */

typedef struct state {
    const bench_row_t *row;
    bench_pair_t *parts[PARTS]; /* the floor's */
    reef_world_t *world;
    reef_schedule_t *schedule;
    reef_type_t types[PARTS];
    reef_query_t *all; /* reads all parts */
    pass_t passes[SYSTEMS];
    char names[SYSTEMS + PARTS][NAME_SIZE];
} state_t;

static void parts_fill(bench_pair_t **parts, uint32_t count)
{
    for (uint32_t part = 0; part < PARTS; part++) {
        parts[part] = bench_array(count * sizeof(bench_pair_t));
        for (uint32_t i = 0; i < count; i++) {
            parts[part][i] = (bench_pair_t){(float)(i % 1000 + part), (float)part};
        }
    }
}

static void parts_finish(bench_pair_t **parts)
{
    for (uint32_t part = 0; part < PARTS; part++) {
        free(parts[part]);
    }
}

static void run_passes(bench_pair_t **parts, uint32_t count)
{
    for (uint32_t i = 0; i < SYSTEMS; i++) {
        soa_pass(parts[passes[i].written], parts[passes[i].read], passes[i].factor,
                 count);
    }
}

REEF_TARGET_CLONES static void run_pass(reef_run_t *run)
{
    float factor = ((const pass_t *)reef_run_context(run))->factor;
    reef_query_iter_t it = reef_run_query(run);

    while (reef_query_next(&it)) {
        bench_pair_t *restrict written = reef_query_column_mut(&it, 0);
        const bench_pair_t *restrict read = reef_query_column(&it, 1);

        for (uint32_t i = 0; i < it.count; i++) {
            written[i].x += read[i].x * factor;
            written[i].y += read[i].y * factor;
        }
    }
}

static void add_passes(state_t *state)
{
    for (uint32_t i = 0; i < SYSTEMS; i++) {
        state->passes[i] = passes[i];
        snprintf(state->names[i], NAME_SIZE, "pass_%u", i);
        add_system(
            state->row, state->schedule,
            &(reef_system_desc_t){
                .name = state->names[i],
                .run = run_pass,
                .context = &state->passes[i],
                .query = {{REEF_ACCESS_WRITE, &state->types[passes[i].written], 0},
                          {REEF_ACCESS_READ, &state->types[passes[i].read], 0}},
                .parallel = true,
            });
    }
}

/* The values of the world in order of entity against those of the arrays. */
static void compare(const state_t *state, bench_pair_t *const *parts)
{
    reef_query_iter_t it = reef_query_begin(state->all);
    uint32_t first = 0;

    while (reef_query_next(&it)) {
        for (uint32_t part = 0; part < PARTS; part++) {
            bench_require(state->row,
                          memcmp(reef_query_column(&it, part), parts[part] + first,
                                 it.count * sizeof(bench_pair_t)) == 0,
                          "part %u differs from the plain loops within rows %u to %u",
                          part, first, first + it.count);
        }
        first += it.count;
    }
    bench_require(state->row, first == state->row->count, "%u rows", first);
}

static void *open_systems(const bench_row_t *row)
{
    state_t *state = bench_resize(NULL, sizeof(*state));
    const reef_type_t *types[PARTS];
    bench_pair_t *parts[PARTS];
    reef_query_desc_t all = {0};
    reef_bundle_t *bundle;

    *state = (state_t){.row = row};
    state->world = reef_world_create(
        &(reef_world_desc_t){.clock = bench_clock, .workers = row->variant});
    for (uint32_t i = 0; i < PARTS; i++) {
        snprintf(state->names[SYSTEMS + i], NAME_SIZE, "pair_%u", i);
        state->types[i] = bench_pair_type;
        state->types[i].name = state->names[SYSTEMS + i];
        types[i] = &state->types[i];
        all.terms[i] = (reef_term_t){.access = REEF_ACCESS_READ, .type = types[i]};
    }
    parts_fill(parts, row->count);
    bundle = reef_bundle_create(state->world, types, PARTS);
    reef_bundle_spawn_rows(bundle, REEF_RANGE_WORLD, row->count,
                           (const void *const *)parts, NULL);
    reef_bundle_destroy(bundle);
    state->all = reef_query_create(state->world, &all);
    state->schedule = reef_schedule_create(state->world, "passes");
    add_passes(state);
    for (uint32_t frame = 0; frame < CHECK_FRAMES; frame++) {
        reef_schedule_run(state->schedule);
        run_passes(parts, row->count);
        compare(state, parts);
    }
    parts_finish(parts);
    return state;
}

static void *open_systems_alone(const bench_row_t *row)
{
    bench_row_t alone = *row;
    state_t *state;

    alone.variant = 1;
    state = open_systems(&alone);
    state->row = row;
    return state;
}

static uint64_t batch_systems(void *opaque)
{
    state_t *state = opaque;
    uint64_t begin = bench_now_ns();

    for (uint32_t i = 0; i < bench_passes(state->row); i++) {
        reef_schedule_run(state->schedule);
    }
    return bench_now_ns() - begin;
}

static void close_systems(void *opaque)
{
    state_t *state = opaque;

    bench_require(state->row, reef_query_count(state->all) == state->row->count,
                  "entities are missing");
    reef_query_destroy(state->all);
    reef_schedule_destroy(state->schedule);
    reef_world_destroy(state->world);
    free(state);
}

static void *open_passes(const bench_row_t *row)
{
    state_t *state = bench_resize(NULL, sizeof(*state));

    *state = (state_t){.row = row};
    parts_fill(state->parts, row->count);
    return state;
}

static uint64_t batch_passes(void *opaque)
{
    state_t *state = opaque;
    uint64_t begin = bench_now_ns();

    for (uint32_t i = 0; i < bench_passes(state->row); i++) {
        run_passes(state->parts, state->row->count);
    }
    return bench_now_ns() - begin;
}

static void close_passes(void *opaque)
{
    state_t *state = opaque;

    parts_finish(state->parts);
    free(state);
}

const bench_side_t side_empty = {open_empty, batch_empty, close_empty};
const bench_side_t soa_calls = {open_calls, batch_calls, free};
const bench_side_t side_systems = {open_systems, batch_systems, close_systems};
const bench_side_t side_systems_alone = {open_systems_alone, batch_systems,
                                         close_systems};
const bench_side_t soa_passes = {open_passes, batch_passes, close_passes};
