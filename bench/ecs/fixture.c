/*
 * The values lie ready in arrays, so that a timed part copies and computes nothing.
 */
#include "fixture.h"

#include <stdlib.h>

static fixture_values_t values_create(uint32_t count)
{
    fixture_values_t values = {
        .positions = bench_resize(NULL, count * sizeof(*values.positions)),
        .velocities = bench_resize(NULL, count * sizeof(*values.velocities)),
    };

    for (uint32_t i = 0; i < count; i++) {
        values.positions[i] = (bench_position_t){(float)i, 1, 2};
        values.velocities[i] = (bench_velocity_t){1, 2, 3};
    }
    return values;
}

static void check_values(const bench_row_t *row,
                         uint32_t i,
                         const bench_position_t *position,
                         const bench_velocity_t *velocity)
{
    bool right = position != NULL && velocity != NULL && position->x == (float)i &&
                 position->z == 2 && velocity->x == 1 && velocity->z == 3;

    bench_require(row, right, "entity %u is gone or has other values", i);
}

/* Ours ---------------------------------------------------------------------------- */

void fixture_init(fixture_t *fixture, const bench_row_t *row)
{
    reef_world_t *world = reef_world_create(&(reef_world_desc_t){0});

    *fixture = (fixture_t){
        .row = row,
        .world = world,
        .position = reef_world_component(world, &bench_position_type),
        .velocity = reef_world_component(world, &bench_velocity_type),
        .health = reef_world_component(world, &bench_health_type),
        .bundle = reef_bundle_create(world, REEF_TYPES(bench_position, bench_velocity)),
        .ids = bench_resize(NULL, row->count * sizeof(*fixture->ids)),
        .values = values_create(row->count),
    };
}

void fixture_finish(fixture_t *fixture)
{
    reef_bundle_destroy(fixture->bundle);
    reef_world_destroy(fixture->world);
    free(fixture->ids);
    free(fixture->values.positions);
    free(fixture->values.velocities);
}

void fixture_fill(fixture_t *fixture)
{
    reef_bundle_spawn_rows(
        fixture->bundle, REEF_RANGE_WORLD, fixture->row->count,
        (const void *[]){fixture->values.positions, fixture->values.velocities},
        fixture->ids);
}

void fixture_empty(fixture_t *fixture)
{
    for (uint32_t i = 0; i < fixture->row->count; i++) {
        reef_world_despawn(fixture->world, fixture->ids[i]);
    }
    bench_require(fixture->row, reef_world_entity_count(fixture->world) == 0,
                  "entities are left");
}

void fixture_check(const fixture_t *fixture)
{
    const bench_row_t *row = fixture->row;

    bench_require(row, reef_world_entity_count(fixture->world) == row->count,
                  "%llu entities, not %u",
                  (unsigned long long)reef_world_entity_count(fixture->world),
                  row->count);
    for (uint32_t i = 0; i < row->count; i += row->count / 7) {
        check_values(
            row, i, reef_world_find(fixture->world, fixture->ids[i], fixture->position),
            reef_world_find(fixture->world, fixture->ids[i], fixture->velocity));
    }
}

void fixture_init_shuffled(fixture_t *fixture, const bench_row_t *row)
{
    fixture_init(fixture, row);
    fixture_fill(fixture);
    fixture_check(fixture);
    bench_shuffle(fixture->ids, row->count);
}

/* Mini ---------------------------------------------------------------------------- */

void mini_fixture_init(mini_fixture_t *fixture, const bench_row_t *row)
{
    mini_store_t *store = mini_store_create();

    mini_component(store, MINI_POSITION, sizeof(bench_position_t));
    mini_component(store, MINI_VELOCITY, sizeof(bench_velocity_t));
    mini_component(store, MINI_HEALTH, sizeof(bench_health_t));
    *fixture = (mini_fixture_t){
        .row = row,
        .store = store,
        .table = mini_table(store, 1u << MINI_POSITION | 1u << MINI_VELOCITY),
        .ids = bench_resize(NULL, row->count * sizeof(*fixture->ids)),
        .values = values_create(row->count),
    };
}

void mini_fixture_finish(mini_fixture_t *fixture)
{
    mini_store_destroy(fixture->store);
    free(fixture->ids);
    free(fixture->values.positions);
    free(fixture->values.velocities);
}

void mini_fixture_fill(mini_fixture_t *fixture)
{
    mini_spawn_rows(
        fixture->store, fixture->table, fixture->row->count,
        (const void *[]){fixture->values.positions, fixture->values.velocities},
        fixture->ids);
}

void mini_fixture_empty(mini_fixture_t *fixture)
{
    for (uint32_t i = 0; i < fixture->row->count; i++) {
        mini_despawn(fixture->store, fixture->ids[i]);
    }
    bench_require(fixture->row, mini_count(fixture->store) == 0,
                  "entities are left in mini");
}

void mini_fixture_check(const mini_fixture_t *fixture)
{
    const bench_row_t *row = fixture->row;

    bench_require(row, mini_count(fixture->store) == row->count,
                  "mini: %llu entities, not %u",
                  (unsigned long long)mini_count(fixture->store), row->count);
    for (uint32_t i = 0; i < row->count; i += row->count / 7) {
        check_values(row, i, mini_find(fixture->store, fixture->ids[i], MINI_POSITION),
                     mini_find(fixture->store, fixture->ids[i], MINI_VELOCITY));
    }
}

void mini_fixture_init_shuffled(mini_fixture_t *fixture, const bench_row_t *row)
{
    mini_fixture_init(fixture, row);
    mini_fixture_fill(fixture);
    mini_fixture_check(fixture);
    bench_shuffle(fixture->ids, row->count);
}
