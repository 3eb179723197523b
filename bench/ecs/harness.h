/**
 * @file harness.h
 * @brief What every row is made of: two sides, timed in turn, and their statistics.
 *
 * A *side* (ours, or the floor) does one batch of work at a time, checks what came out
 * and says how long the timed part took; whatever puts things back for the next batch
 * is not timed.  A round takes the fastest of several batches of each side; the
 * figures are medians over the rounds.
 */
#ifndef BENCH_HARNESS_H
#define BENCH_HARNESS_H

#include <reef/attrs.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct bench_row bench_row_t;

typedef struct bench_side {
    void *(*open)(const bench_row_t *row); /* make what is measured */
    uint64_t (*batch)(void *state);        /* nanoseconds of the timed part */
    void (*close)(void *state);            /* last checks; release */
} bench_side_t;

/** What a figure is divided by. */
typedef enum bench_unit {
    BENCH_NS_PER_ENTITY, /* by entities × passes */
    BENCH_NS_PER_EVENT,
    BENCH_US_PER_PASS, /* by passes, in microseconds */
    BENCH_US_PER_FRAME,
    BENCH_BYTES_PER_ENTITY, /* not a time: see `measure` */
} bench_unit_t;

typedef enum bench_judge {
    BENCH_NO_BUDGET,
    BENCH_BY_RATIO, /* to the floor */
    BENCH_BY_VALUE,
} bench_judge_t;

struct bench_row {
    const char *name;
    const char *floor_kind; /* "soa", "mini", …; NULL without a floor */
    bench_unit_t unit;
    uint32_t count;   /* entities, events */
    uint32_t passes;  /* in one batch; 0 = 1 */
    uint32_t variant; /* whatever the sides of this row tell apart */
    const bench_side_t *ours, *floor;
    double (*measure)(const bench_row_t *row, double *floor); /* instead of sides */

    bench_judge_t judge;
    double budget;      /* PERFORMANCE.md, section B */
    const char *beside; /* the value must also be at most beside_budget × that row's */
    double beside_budget;
};

typedef struct bench_result {
    const bench_row_t *row;
    double value, floor, ratio; /* NAN without a floor */
    double beside_ratio;        /* NAN when that row was not run */
    bool within;                /* its budget; true without one */
} bench_result_t;

typedef struct bench_effort {
    uint32_t rounds;
    uint32_t least_batches; /* per side and round, and as many more as fit */
    uint64_t round_ns;      /* into this time */
} bench_effort_t;

bench_result_t bench_run(const bench_row_t *row, const bench_effort_t *effort);

/** "ns/entity" */
const char *bench_unit_text(bench_unit_t unit);

/* For sides ------------------------------------------------------------------------ */

/** Monotonic nanoseconds; the shape of reef_clock_fn. */
uint64_t bench_clock(void *context);

static inline uint64_t bench_now_ns(void)
{
    return bench_clock(NULL);
}

static inline uint32_t bench_passes(const bench_row_t *row)
{
    return row->passes > 0 ? row->passes : 1;
}

/** Stop with the row's name and a message when @p good is false. */
REEF_PRINTF(3, 4)
void bench_require(const bench_row_t *row, bool good, const char *format, ...);

/** realloc() that ends the program when there is no memory. */
void *bench_resize(void *pointer, size_t size);

/** An array that begins with a line of the cache, as our columns do: free() it. */
void *bench_array(size_t size);

/** Bring values into an order that is random and always the same. */
void bench_shuffle(uint64_t *values, uint32_t count);

#endif /* BENCH_HARNESS_H */
