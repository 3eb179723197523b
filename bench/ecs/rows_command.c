/*
 * Commands recorded one after another and applied in one go; the time of both parts,
 * per entity.  `spawn_5_adds` spawns without a bundle and adds five components singly.
 */
#include "fixture.h"
#include "rows.h"

#include <reef/command.h>

#include <stdlib.h>

typedef struct state {
    fixture_t fixture;
    reef_commands_t *commands;
} state_t;

typedef struct mini_state {
    mini_fixture_t fixture;
    mini_commands_t *commands;
} mini_state_t;

enum {
    MINI_A = MINI_HEALTH + 1 /* and b to e behind it */
};

static const bench_health_t health = {3, 4};
static const bench_a_t five = {5, 6}; /* of a to e, which are alike */

/* Ours ---------------------------------------------------------------------------- */

static void *open_reef(const bench_row_t *row)
{
    state_t *state = bench_resize(NULL, sizeof(*state));

    *state = (state_t){0};
    fixture_init(&state->fixture, row);
    state->commands = reef_commands_create(state->fixture.world);
    return state;
}

static void close_reef(void *opaque)
{
    state_t *state = opaque;

    reef_commands_destroy(state->commands);
    fixture_finish(&state->fixture);
    free(state);
}

static uint64_t spawn_batch(void *opaque)
{
    state_t *state = opaque;
    fixture_t *fixture = &state->fixture;
    uint64_t begin = bench_now_ns(), took;

    for (uint32_t i = 0; i < fixture->row->count; i++) {
        fixture->ids[i] = reef_commands_spawn_bundle(
            state->commands, fixture->bundle, REEF_RANGE_WORLD,
            (const void *[]){&fixture->values.positions[i],
                             &fixture->values.velocities[i]});
    }
    reef_commands_apply(state->commands);
    took = bench_now_ns() - begin;
    fixture_check(fixture);
    fixture_empty(fixture);
    return took;
}

static uint64_t despawn_batch(void *opaque)
{
    state_t *state = opaque;
    fixture_t *fixture = &state->fixture;
    uint64_t begin, took;

    fixture_fill(fixture);
    begin = bench_now_ns();
    for (uint32_t i = 0; i < fixture->row->count; i++) {
        reef_commands_despawn(state->commands, fixture->ids[i]);
    }
    reef_commands_apply(state->commands);
    took = bench_now_ns() - begin;
    bench_require(fixture->row, reef_world_entity_count(fixture->world) == 0,
                  "entities are left");
    return took;
}

static uint64_t add_batch(void *opaque)
{
    state_t *state = opaque;
    fixture_t *fixture = &state->fixture;
    uint32_t count = fixture->row->count;
    uint64_t begin, took;

    fixture_fill(fixture);
    begin = bench_now_ns();
    for (uint32_t i = 0; i < count; i++) {
        reef_commands_add(state->commands, fixture->ids[i], &bench_health_type,
                          &health);
    }
    reef_commands_apply(state->commands);
    took = bench_now_ns() - begin;
    for (uint32_t i = 0; i < count; i++) {
        const bench_health_t *value =
            reef_world_find(fixture->world, fixture->ids[i], fixture->health);

        bench_require(fixture->row, value != NULL && value->most == 4,
                      "entity %u did not get it", i);
    }
    fixture_check(fixture);
    fixture_empty(fixture);
    return took;
}

static uint64_t spawn_5_adds_batch(void *opaque)
{
    static const reef_type_t *const types[] = {
        &bench_a_type, &bench_b_type, &bench_c_type, &bench_d_type, &bench_e_type};
    state_t *state = opaque;
    fixture_t *fixture = &state->fixture;
    uint64_t begin = bench_now_ns(), took;

    for (uint32_t i = 0; i < fixture->row->count; i++) {
        reef_entity_t entity = reef_commands_spawn(state->commands, REEF_RANGE_WORLD);

        for (uint32_t j = 0; j < 5; j++) {
            reef_commands_add(state->commands, entity, types[j], &five);
        }
        fixture->ids[i] = entity;
    }
    reef_commands_apply(state->commands);
    took = bench_now_ns() - begin;
    for (uint32_t i = 0; i < fixture->row->count; i++) {
        const bench_e_t *value = REEF_FIND(fixture->world, fixture->ids[i], bench_e);
        uint32_t has;

        reef_world_components_of(fixture->world, fixture->ids[i], &has);
        bench_require(fixture->row, has == 5 && value != NULL && value->y == 6,
                      "entity %u did not get all", i);
    }
    fixture_empty(fixture);
    return took;
}

/* Mini ---------------------------------------------------------------------------- */

static void *open_mini(const bench_row_t *row)
{
    mini_state_t *state = bench_resize(NULL, sizeof(*state));

    *state = (mini_state_t){0};
    mini_fixture_init(&state->fixture, row);
    for (uint32_t i = 0; i < 5; i++) {
        mini_component(state->fixture.store, MINI_A + i, sizeof(five));
    }
    state->commands = mini_commands_create(state->fixture.store);
    return state;
}

static void close_mini(void *opaque)
{
    mini_state_t *state = opaque;

    mini_commands_destroy(state->commands);
    mini_fixture_finish(&state->fixture);
    free(state);
}

static uint64_t spawn_batch_mini(void *opaque)
{
    mini_state_t *state = opaque;
    mini_fixture_t *fixture = &state->fixture;
    uint64_t begin = bench_now_ns(), took;

    for (uint32_t i = 0; i < fixture->row->count; i++) {
        fixture->ids[i] =
            mini_commands_spawn(state->commands, fixture->table,
                                (const void *[]){&fixture->values.positions[i],
                                                 &fixture->values.velocities[i]});
    }
    mini_commands_apply(state->commands);
    took = bench_now_ns() - begin;
    mini_fixture_check(fixture);
    mini_fixture_empty(fixture);
    return took;
}

static uint64_t despawn_batch_mini(void *opaque)
{
    mini_state_t *state = opaque;
    mini_fixture_t *fixture = &state->fixture;
    uint64_t begin, took;

    mini_fixture_fill(fixture);
    begin = bench_now_ns();
    for (uint32_t i = 0; i < fixture->row->count; i++) {
        mini_commands_despawn(state->commands, fixture->ids[i]);
    }
    mini_commands_apply(state->commands);
    took = bench_now_ns() - begin;
    bench_require(fixture->row, mini_count(fixture->store) == 0,
                  "entities are left in mini");
    return took;
}

static uint64_t add_batch_mini(void *opaque)
{
    mini_state_t *state = opaque;
    mini_fixture_t *fixture = &state->fixture;
    uint32_t count = fixture->row->count;
    uint64_t begin, took;

    mini_fixture_fill(fixture);
    begin = bench_now_ns();
    for (uint32_t i = 0; i < count; i++) {
        mini_commands_add(state->commands, fixture->ids[i], MINI_HEALTH, &health);
    }
    mini_commands_apply(state->commands);
    took = bench_now_ns() - begin;
    for (uint32_t i = 0; i < count; i++) {
        bench_require(fixture->row,
                      mini_find(fixture->store, fixture->ids[i], MINI_HEALTH) != NULL,
                      "mini: entity %u did not get it", i);
    }
    mini_fixture_check(fixture);
    mini_fixture_empty(fixture);
    return took;
}

static uint64_t spawn_5_adds_batch_mini(void *opaque)
{
    mini_state_t *state = opaque;
    mini_fixture_t *fixture = &state->fixture;
    mini_table_t *empty = mini_table(fixture->store, 0);
    uint64_t begin = bench_now_ns(), took;

    for (uint32_t i = 0; i < fixture->row->count; i++) {
        mini_entity_t entity = mini_commands_spawn(state->commands, empty, NULL);

        for (uint32_t j = 0; j < 5; j++) {
            mini_commands_add(state->commands, entity, MINI_A + j, &five);
        }
        fixture->ids[i] = entity;
    }
    mini_commands_apply(state->commands);
    took = bench_now_ns() - begin;
    for (uint32_t i = 0; i < fixture->row->count; i++) {
        bench_require(fixture->row,
                      mini_find(fixture->store, fixture->ids[i], MINI_A + 4) != NULL,
                      "mini: entity %u did not get all", i);
    }
    mini_fixture_empty(fixture);
    return took;
}

const bench_side_t side_deferred_spawn = {open_reef, spawn_batch, close_reef};
const bench_side_t side_deferred_despawn = {open_reef, despawn_batch, close_reef};
const bench_side_t side_deferred_add = {open_reef, add_batch, close_reef};
const bench_side_t side_spawn_5_adds = {open_reef, spawn_5_adds_batch, close_reef};
const bench_side_t mini_deferred_spawn = {open_mini, spawn_batch_mini, close_mini};
const bench_side_t mini_deferred_despawn = {open_mini, despawn_batch_mini, close_mini};
const bench_side_t mini_deferred_add = {open_mini, add_batch_mini, close_mini};
const bench_side_t mini_spawn_5_adds = {open_mini, spawn_5_adds_batch_mini, close_mini};
