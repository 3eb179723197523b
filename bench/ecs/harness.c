/*
 * Rounds of both sides alternate, so that what the machine does beside this falls on
 * both; the ratio is taken within a round.  The fastest batch of a round is the one
 * that was disturbed least.  The first batch of each side warms caches and memory up
 * and is not counted.
 */
#include "harness.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    MAX_ROUNDS = 32
};

uint64_t bench_clock(void *context)
{
    struct timespec time;

    (void)context;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

void bench_require(const bench_row_t *row, bool good, const char *format, ...)
{
    va_list arguments;

    if (good) {
        return;
    }
    fflush(stdout);
    fprintf(stderr, "bench_ecs: %s is wrong: ", row->name);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    abort();
}

void *bench_resize(void *pointer, size_t size)
{
    void *moved = realloc(pointer, size > 0 ? size : 1);

    if (moved == NULL) {
        fputs("bench_ecs: out of memory\n", stderr);
        abort();
    }
    return moved;
}

void *bench_array(size_t size)
{
    enum {
        LINE = 64
    };
    void *array = aligned_alloc(LINE, (size + LINE) / LINE * LINE);

    if (array == NULL) {
        fputs("bench_ecs: out of memory\n", stderr);
        abort();
    }
    return array;
}

static uint64_t random_next(uint64_t *state) /* splitmix64 */
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

void bench_shuffle(uint64_t *values, uint32_t count)
{
    uint64_t state = 1;

    for (uint32_t i = count; i > 1; i--) {
        uint32_t other = (uint32_t)(random_next(&state) % i);
        uint64_t value = values[i - 1];

        values[i - 1] = values[other];
        values[other] = value;
    }
}

const char *bench_unit_text(bench_unit_t unit)
{
    switch (unit) {
    case BENCH_NS_PER_ENTITY:
        return "ns/entity";
    case BENCH_NS_PER_EVENT:
        return "ns/event";
    case BENCH_US_PER_PASS:
        return "us/pass";
    case BENCH_US_PER_FRAME:
        return "us/frame";
    case BENCH_BYTES_PER_ENTITY:
        return "B/entity";
    }
    return "";
}

static double in_unit(const bench_row_t *row, uint64_t batch_ns)
{
    double each = (double)batch_ns / bench_passes(row);

    switch (row->unit) {
    case BENCH_NS_PER_ENTITY:
    case BENCH_NS_PER_EVENT:
        return each / row->count;
    default:
        return each / 1000;
    }
}

static double
fastest(const bench_side_t *side, void *state, const bench_effort_t *effort)
{
    uint64_t begin = bench_now_ns(), best = UINT64_MAX;

    for (uint32_t i = 0;
         i < effort->least_batches || bench_now_ns() - begin < effort->round_ns; i++) {
        uint64_t took = side->batch(state);

        best = took < best ? took : best;
    }
    return (double)best;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *values, uint32_t count)
{
    qsort(values, count, sizeof(*values), compare_doubles);
    return count % 2 ? values[count / 2]
                     : (values[count / 2 - 1] + values[count / 2]) / 2;
}

/* Both sides in turn. */
static void
run_sides(const bench_row_t *row, const bench_effort_t *effort, bench_result_t *result)
{
    double ours[MAX_ROUNDS], floors[MAX_ROUNDS], ratios[MAX_ROUNDS];
    void *state = row->ours->open(row);
    void *floor_state = row->floor ? row->floor->open(row) : NULL;
    uint32_t rounds = effort->rounds < MAX_ROUNDS ? effort->rounds : MAX_ROUNDS;

    row->ours->batch(state);
    if (row->floor != NULL) {
        row->floor->batch(floor_state);
    }
    for (uint32_t i = 0; i < rounds; i++) {
        ours[i] = fastest(row->ours, state, effort);
        floors[i] = row->floor ? fastest(row->floor, floor_state, effort) : (double)NAN;
        ratios[i] = ours[i] / floors[i];
    }
    row->ours->close(state);
    result->value = in_unit(row, (uint64_t)median(ours, rounds));
    if (row->floor != NULL) {
        row->floor->close(floor_state);
        result->floor = in_unit(row, (uint64_t)median(floors, rounds));
        result->ratio = median(ratios, rounds);
    }
}

static bool is_within(const bench_result_t *result)
{
    switch (result->row->judge) {
    case BENCH_BY_RATIO:
        return result->ratio <= result->row->budget;
    case BENCH_BY_VALUE:
        return result->value <= result->row->budget;
    case BENCH_NO_BUDGET:
        break;
    }
    return true;
}

bench_result_t bench_run(const bench_row_t *row, const bench_effort_t *effort)
{
    const double none = (double)NAN;
    bench_result_t result = {
        .row = row, .floor = none, .ratio = none, .beside_ratio = none};

    if (row->measure != NULL) {
        result.value = row->measure(row, &result.floor);
        result.ratio = result.value / result.floor;
    } else {
        run_sides(row, effort, &result);
    }
    result.within = is_within(&result);
    return result;
}
