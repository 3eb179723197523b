/*
 * Many small tables with one component in common, a position.
 *
 * 26: as many components of their own, each on as many entities (the variant).
 * 256: all combinations of eight tags, the variant again the entities of each.
 */
#include "components.h"
#include "harness.h"
#include "mini.h"
#include "rows.h"

#include <reef/bundle.h>
#include <reef/query.h>

#include <stdio.h>
#include <stdlib.h>

enum {
    KINDS = 26,
    TAGS = 8,
    NAME_SIZE = 16
};

typedef struct state {
    const bench_row_t *row;
    reef_world_t *world;
    reef_query_t *query;
    mini_store_t *store;
    mini_query_t mini;
    reef_type_t types[KINDS]; /* of what the tables differ in */
    char names[KINDS][NAME_SIZE];
    uint64_t passes;
} state_t;

static bool by_tags(const bench_row_t *row)
{
    return row->count / row->variant == 1u << TAGS;
}

static uint32_t table_count(const bench_row_t *row)
{
    return by_tags(row) ? 1u << TAGS : KINDS;
}

/* A bit for each component of the table but the common one. */
static uint32_t table_parts(const bench_row_t *row, uint32_t table)
{
    return by_tags(row) ? table : 1u << table;
}

/* Ours ---------------------------------------------------------------------------- */

static void *open_reef(const bench_row_t *row)
{
    state_t *state = bench_resize(NULL, sizeof(*state));

    *state = (state_t){.row = row, .world = reef_world_create(&(reef_world_desc_t){0})};
    for (uint32_t i = 0; i < KINDS; i++) {
        snprintf(state->names[i], NAME_SIZE, "part_%u", i);
        state->types[i] = by_tags(row) ? (reef_type_t){.alignment = 1}
                                       : (reef_type_t){.size = sizeof(float),
                                                       .alignment = _Alignof(float)};
        state->types[i].name = state->names[i];
        reef_world_component(state->world, &state->types[i]);
    }
    reef_world_component(state->world, &bench_position_type);
    for (uint32_t table = 0; table < table_count(row); table++) {
        const reef_type_t *types[KINDS + 1] = {&bench_position_type};
        uint32_t count = 1;
        reef_bundle_t *bundle;

        for (uint32_t i = 0; i < KINDS; i++) {
            if (table_parts(row, table) >> i & 1) {
                types[count++] = &state->types[i];
            }
        }
        bundle = reef_bundle_create(state->world, types, count);
        reef_bundle_spawn_rows(bundle, REEF_RANGE_WORLD, row->variant, NULL, NULL);
        reef_bundle_destroy(bundle);
    }
    state->query = reef_query_create(
        state->world, &(reef_query_desc_t){{REEF_WRITE(bench_position)}});
    return state;
}

static uint32_t iterate(reef_query_t *query)
{
    reef_query_iter_t it = reef_query_begin(query);
    uint32_t count = 0;

    while (reef_query_next(&it)) {
        bench_position_t *restrict values = reef_query_column_mut(&it, 0);

        for (uint32_t i = 0; i < it.count; i++) {
            values[i].x += 1;
            values[i].y += 1;
            values[i].z += 1;
        }
        count += it.count;
    }
    return count;
}

static uint64_t batch_reef(void *opaque)
{
    state_t *state = opaque;
    uint64_t begin = bench_now_ns(), visited = 0, took;

    for (uint32_t pass = 0; pass < bench_passes(state->row); pass++) {
        visited += iterate(state->query);
    }
    took = bench_now_ns() - begin;
    state->passes += bench_passes(state->row);
    bench_require(state->row,
                  visited == (uint64_t)bench_passes(state->row) * state->row->count,
                  "%llu entities were visited", (unsigned long long)visited);
    return took;
}

static void check_value(const state_t *state, const bench_position_t *value)
{
    /* Beyond 2^24 a float does not grow any more. */
    bench_require(state->row,
                  (value->x == (float)state->passes && value->z == value->x) ||
                      state->passes > 1u << 24,
                  "after %llu passes, a value is %g", (unsigned long long)state->passes,
                  (double)value->x);
}

static void close_reef(void *opaque)
{
    state_t *state = opaque;
    reef_query_iter_t it = reef_query_begin(state->query);
    uint32_t slices = 0;

    while (reef_query_next(&it)) {
        const bench_position_t *values = reef_query_column(&it, 0);

        for (uint32_t i = 0; i < it.count; i++) {
            check_value(state, &values[i]);
        }
        slices++;
    }
    bench_require(state->row, slices == table_count(state->row), "%u slices", slices);
    reef_query_destroy(state->query);
    reef_world_destroy(state->world);
    free(state);
}

/* Mini ---------------------------------------------------------------------------- */

static void *open_mini(const bench_row_t *row)
{
    state_t *state = bench_resize(NULL, sizeof(*state));
    static const bench_position_t zero;
    static const float part;

    *state = (state_t){.row = row, .store = mini_store_create()};
    mini_component(state->store, 0, sizeof(bench_position_t));
    for (uint32_t i = 0; i < KINDS; i++) {
        mini_component(state->store, 1 + i, by_tags(row) ? 0 : sizeof(float));
    }
    for (uint32_t i = 0; i < table_count(row); i++) {
        mini_table_t *table =
            mini_table(state->store, 1 | (uint64_t)table_parts(row, i) << 1);

        for (uint32_t j = 0; j < row->variant; j++) {
            mini_spawn(state->store, table, (const void *[]){&zero, &part});
        }
    }
    state->mini = mini_query(state->store, 0);
    return state;
}

static uint32_t iterate_mini(const mini_query_t *query)
{
    uint32_t total = 0;

    for (uint32_t table = 0; table < query->count; table++) {
        uint32_t count = *query->matches[table].count;
        bench_position_t *restrict values = (void *)*query->matches[table].column;

        for (uint32_t i = 0; i < count; i++) {
            values[i].x += 1;
            values[i].y += 1;
            values[i].z += 1;
        }
        total += count;
    }
    return total;
}

static uint64_t batch_mini(void *opaque)
{
    state_t *state = opaque;
    uint64_t begin = bench_now_ns(), visited = 0, took;

    for (uint32_t pass = 0; pass < bench_passes(state->row); pass++) {
        visited += iterate_mini(&state->mini);
    }
    took = bench_now_ns() - begin;
    state->passes += bench_passes(state->row);
    bench_require(state->row,
                  visited == (uint64_t)bench_passes(state->row) * state->row->count,
                  "mini: %llu were visited", (unsigned long long)visited);
    return took;
}

static void close_mini(void *opaque)
{
    state_t *state = opaque;

    for (uint32_t i = 0; i < state->mini.count; i++) {
        check_value(state, (const void *)*state->mini.matches[i].column);
    }
    mini_query_finish(&state->mini);
    mini_store_destroy(state->store);
    free(state);
}

const bench_side_t side_fragmented = {open_reef, batch_reef, close_reef};
const bench_side_t mini_fragmented = {open_mini, batch_mini, close_mini};
