/*
 * Loops over one, two and five components (the variant), as a system writes them.
 * Each side remembers how often it went over its values, and in the end some of them
 * are compared with the same arithmetic done on one value.
 */
#include "components.h"
#include "harness.h"
#include "rows.h"
#include "soa.h"

#include <reef/bundle.h>
#include <reef/query.h>

#include <stdlib.h>

/* The columns of either side: plain arrays, or where ours are filled from. */
typedef struct arrays {
    bench_position_t *positions;
    bench_velocity_t *velocities;
    bench_a_t *a;
    bench_b_t *b;
    bench_c_t *c;
    bench_d_t *d;
    bench_e_t *e;
} arrays_t;

typedef struct state {
    const bench_row_t *row;
    reef_world_t *world;
    reef_query_t *query;
    arrays_t arrays; /* the floor's */
    uint64_t passes; /* done so far */
} state_t;

static void *array(uint32_t count, size_t size)
{
    return bench_array(count * size);
}

static void arrays_fill(arrays_t *arrays, uint32_t variant, uint32_t count)
{
    if (variant < 5) {
        arrays->positions = array(count, sizeof(*arrays->positions));
        arrays->velocities = array(count, sizeof(*arrays->velocities));
    } else {
        arrays->a = array(count, sizeof(*arrays->a));
        arrays->b = array(count, sizeof(*arrays->b));
        arrays->c = array(count, sizeof(*arrays->c));
        arrays->d = array(count, sizeof(*arrays->d));
        arrays->e = array(count, sizeof(*arrays->e));
    }
    for (uint32_t i = 0; i < count; i++) {
        if (variant < 5) {
            arrays->positions[i] = (bench_position_t){(float)i, 1, 2};
            arrays->velocities[i] = (bench_velocity_t){1, 2, 3};
        } else {
            arrays->a[i] = (bench_a_t){(float)i, 1};
            arrays->b[i] = (bench_b_t){0.25f, 0.5f};
            arrays->c[i] = (bench_c_t){0.5f, 0.25f};
            arrays->d[i] = (bench_d_t){0.125f, 1};
            arrays->e[i] = (bench_e_t){1, 0.125f};
        }
    }
}

static void arrays_finish(arrays_t *arrays)
{
    free(arrays->positions);
    free(arrays->velocities);
    free(arrays->a);
    free(arrays->b);
    free(arrays->c);
    free(arrays->d);
    free(arrays->e);
}

/* x of the value that began as @p i, after all passes. */
static float expected_x(const state_t *state, uint32_t i)
{
    float x = (float)i;

    for (uint64_t pass = 0; pass < state->passes; pass++) {
        if (state->row->variant < 5) {
            x += BENCH_STEP;
        } else {
            x += 0.25f * 0.5f + 0.125f * 1.0f;
        }
    }
    return x;
}

static void check_value(const state_t *state, uint32_t i, const float *x)
{
    float expected = expected_x(state, i);

    bench_require(state->row, x != NULL && *x == expected,
                  "after %llu passes, value %u is %g instead of %g",
                  (unsigned long long)state->passes, i, x ? (double)*x : 0.0,
                  (double)expected);
}

/* Ours ---------------------------------------------------------------------------- */

static reef_query_t *query_of(reef_world_t *world, uint32_t variant)
{
    switch (variant) {
    case 1:
        return reef_query_create(world,
                                 &(reef_query_desc_t){{REEF_WRITE(bench_position)}});
    case 2:
        return reef_query_create(world,
                                 &(reef_query_desc_t){{REEF_WRITE(bench_position),
                                                       REEF_READ(bench_velocity)}});
    default:
        return reef_query_create(
            world, &(reef_query_desc_t){{REEF_WRITE(bench_a), REEF_READ(bench_b),
                                         REEF_READ(bench_c), REEF_READ(bench_d),
                                         REEF_READ(bench_e)}});
    }
}

static void *open_reef(const bench_row_t *row)
{
    state_t *state = bench_resize(NULL, sizeof(*state));
    arrays_t from = {0};
    reef_bundle_t *bundle;

    *state = (state_t){.row = row, .world = reef_world_create(&(reef_world_desc_t){0})};
    arrays_fill(&from, row->variant, row->count);
    if (row->variant < 5) {
        bundle = reef_bundle_create(state->world,
                                    REEF_TYPES(bench_position, bench_velocity));
        reef_bundle_spawn_rows(bundle, REEF_RANGE_WORLD, row->count,
                               (const void *[]){from.positions, from.velocities}, NULL);
    } else {
        bundle = reef_bundle_create(
            state->world, REEF_TYPES(bench_a, bench_b, bench_c, bench_d, bench_e));
        reef_bundle_spawn_rows(bundle, REEF_RANGE_WORLD, row->count,
                               (const void *[]){from.a, from.b, from.c, from.d, from.e},
                               NULL);
    }
    reef_bundle_destroy(bundle);
    arrays_finish(&from);
    state->query = query_of(state->world, row->variant);
    return state;
}

REEF_TARGET_CLONES static uint32_t iterate_1(reef_query_t *query)
{
    reef_query_iter_t it = reef_query_begin(query);
    uint32_t count = 0;

    while (reef_query_next(&it)) {
        bench_position_t *restrict positions = reef_query_column_mut(&it, 0);

        for (uint32_t i = 0; i < it.count; i++) {
            positions[i].x += BENCH_STEP;
            positions[i].y += BENCH_STEP;
            positions[i].z += BENCH_STEP;
        }
        count += it.count;
    }
    return count;
}

REEF_TARGET_CLONES static uint32_t iterate_2(reef_query_t *query)
{
    reef_query_iter_t it = reef_query_begin(query);
    uint32_t count = 0;

    while (reef_query_next(&it)) {
        bench_position_t *restrict positions = reef_query_column_mut(&it, 0);
        const bench_velocity_t *restrict velocities = reef_query_column(&it, 1);

        for (uint32_t i = 0; i < it.count; i++) {
            positions[i].x += velocities[i].x * BENCH_STEP;
            positions[i].y += velocities[i].y * BENCH_STEP;
            positions[i].z += velocities[i].z * BENCH_STEP;
        }
        count += it.count;
    }
    return count;
}

REEF_TARGET_CLONES static uint32_t iterate_5(reef_query_t *query)
{
    reef_query_iter_t it = reef_query_begin(query);
    uint32_t count = 0;

    while (reef_query_next(&it)) {
        bench_a_t *restrict a = reef_query_column_mut(&it, 0);
        const bench_b_t *restrict b = reef_query_column(&it, 1);
        const bench_c_t *restrict c = reef_query_column(&it, 2);
        const bench_d_t *restrict d = reef_query_column(&it, 3);
        const bench_e_t *restrict e = reef_query_column(&it, 4);

        for (uint32_t i = 0; i < it.count; i++) {
            a[i].x += b[i].x * c[i].x + d[i].x * e[i].x;
            a[i].y += b[i].y * c[i].y + d[i].y * e[i].y;
        }
        count += it.count;
    }
    return count;
}

static uint64_t batch_reef(void *opaque)
{
    state_t *state = opaque;
    const bench_row_t *row = state->row;
    uint64_t begin = bench_now_ns(), visited = 0, took;

    for (uint32_t pass = 0; pass < bench_passes(row); pass++) {
        switch (row->variant) {
        case 1:
            visited += iterate_1(state->query);
            break;
        case 2:
            visited += iterate_2(state->query);
            break;
        default:
            visited += iterate_5(state->query);
        }
    }
    took = bench_now_ns() - begin;
    state->passes += bench_passes(row);
    bench_require(row, visited == (uint64_t)bench_passes(row) * row->count,
                  "%llu entities were visited", (unsigned long long)visited);
    return took;
}

/* The first value of each slice; in a world of one table, entity after entity. */
static void close_reef(void *opaque)
{
    state_t *state = opaque;
    reef_query_iter_t it = reef_query_begin(state->query);
    uint32_t first = 0;

    while (reef_query_next(&it)) {
        if (first == 0 || first + it.count == state->row->count) {
            check_value(state, first, reef_query_column(&it, 0)); /* begins with x */
        }
        first += it.count;
    }
    reef_query_destroy(state->query);
    reef_world_destroy(state->world);
    free(state);
}

/* Plain arrays ----------------------------------------------------------------------
 */

static void *open_soa(const bench_row_t *row)
{
    state_t *state = bench_resize(NULL, sizeof(*state));

    *state = (state_t){.row = row};
    arrays_fill(&state->arrays, row->variant, row->count);
    return state;
}

static uint64_t batch_soa(void *opaque)
{
    state_t *state = opaque;
    const bench_row_t *row = state->row;
    arrays_t *arrays = &state->arrays;
    uint64_t begin = bench_now_ns(), took;

    for (uint32_t pass = 0; pass < bench_passes(row); pass++) {
        switch (row->variant) {
        case 1:
            soa_iterate_1(arrays->positions, row->count);
            break;
        case 2:
            soa_iterate_2(arrays->positions, arrays->velocities, row->count);
            break;
        default:
            soa_iterate_5(arrays->a, arrays->b, arrays->c, arrays->d, arrays->e,
                          row->count);
        }
    }
    took = bench_now_ns() - begin;
    state->passes += bench_passes(row);
    return took;
}

static void close_soa(void *opaque)
{
    state_t *state = opaque;
    uint32_t last = state->row->count - 1;
    const arrays_t *arrays = &state->arrays;

    check_value(state, last,
                state->row->variant < 5 ? &arrays->positions[last].x
                                        : &arrays->a[last].x);
    arrays_finish(&state->arrays);
    free(state);
}

const bench_side_t side_iterate = {open_reef, batch_reef, close_reef};
const bench_side_t soa_iterate = {open_soa, batch_soa, close_soa};
