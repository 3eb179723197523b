/*
 * Events: one system emits, the next reads them all, and what both have passed is
 * freed, as a server does once a frame.  The floor appends to an array and reads it.
 */
#include "harness.h"
#include "rows.h"

#include <reef/schedule.h>

#include <stdlib.h>

typedef struct bench_event {
    uint64_t entity;
    float amount;
} bench_event_t;

REEF_EVENT(bench_event);

typedef struct emitter {
    uint32_t count, emitted;
} emitter_t;

typedef struct state {
    const bench_row_t *row;
    reef_world_t *world;
    reef_schedule_t *schedule;
    emitter_t emitter;
    uint64_t sum; /* of what was read */
    bench_event_t *array;
    uint32_t array_count, array_capacity;
} state_t;

static void emit(reef_run_t *run)
{
    emitter_t *emitter = reef_run_context(run);

    for (uint32_t i = 0; i < emitter->count; i++) {
        emitter->emitted += REEF_EMIT(run, bench_event, .entity = i, .amount = 1);
    }
}

static void read_all(reef_run_t *run)
{
    uint64_t *sum = reef_run_context(run), total = 0;
    const bench_event_t *event;

    while ((event = REEF_NEXT(run, bench_event)) != NULL) {
        total += event->entity;
    }
    *sum = total;
}

static void *open_reef(const bench_row_t *row)
{
    state_t *state = bench_resize(NULL, sizeof(*state));
    reef_error_t error;

    *state = (state_t){.row = row, .emitter = {.count = row->count}};
    state->world = reef_world_create(&(reef_world_desc_t){0});
    state->schedule = reef_schedule_create(state->world, "events");
    error = reef_schedule_add(state->schedule,
                              &(reef_system_desc_t){.name = "emit",
                                                    .run = emit,
                                                    .context = &state->emitter,
                                                    .emits = {&bench_event_event}});
    bench_require(row, error == REEF_OK, "emit was not added");
    error = reef_schedule_add(state->schedule,
                              &(reef_system_desc_t){.name = "read",
                                                    .run = read_all,
                                                    .context = &state->sum,
                                                    .reads = {&bench_event_event}});
    bench_require(row, error == REEF_OK, "read was not added");
    return state;
}

static void check_sum(const state_t *state)
{
    uint64_t expected = (uint64_t)state->row->count * (state->row->count - 1) / 2;

    bench_require(state->row, state->sum == expected, "the sum is %llu",
                  (unsigned long long)state->sum);
}

static uint64_t batch_reef(void *opaque)
{
    state_t *state = opaque;
    uint64_t begin, took;

    state->emitter.emitted = 0;
    begin = bench_now_ns();
    reef_schedule_run(state->schedule);
    reef_events_trim(state->world);
    took = bench_now_ns() - begin;
    bench_require(state->row, state->emitter.emitted == state->row->count,
                  "%u were emitted", state->emitter.emitted);
    check_sum(state);
    return took;
}

static void close_reef(void *opaque)
{
    state_t *state = opaque;

    reef_schedule_destroy(state->schedule);
    reef_world_destroy(state->world);
    free(state);
}

static void *open_array(const bench_row_t *row)
{
    state_t *state = bench_resize(NULL, sizeof(*state));

    *state = (state_t){.row = row};
    return state;
}

static void append(state_t *state, const bench_event_t *event)
{
    if (state->array_count == state->array_capacity) {
        state->array_capacity = state->array_capacity * 2 + 64;
        state->array =
            bench_resize(state->array, state->array_capacity * sizeof(*state->array));
    }
    state->array[state->array_count++] = *event;
}

static uint64_t batch_array(void *opaque)
{
    state_t *state = opaque;
    uint64_t begin = bench_now_ns(), took;

    for (uint32_t i = 0; i < state->row->count; i++) {
        append(state, &(bench_event_t){.entity = i, .amount = 1});
    }
    state->sum = 0;
    for (uint32_t i = 0; i < state->array_count; i++) {
        state->sum += state->array[i].entity;
    }
    state->array_count = 0;
    took = bench_now_ns() - begin;
    check_sum(state);
    return took;
}

static void close_array(void *opaque)
{
    state_t *state = opaque;

    free(state->array);
    free(state);
}

const bench_side_t side_events = {open_reef, batch_reef, close_reef};
const bench_side_t soa_events = {open_array, batch_array, close_array};
