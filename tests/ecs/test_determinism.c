/*
 * A small battle, the same with any number of workers: fighters join as inputs say,
 * steer, move, aim, shoot, launch drones, and die of hits or of age.
 *
 *     test_determinism                  10,000 ticks, hashes compared at each 100th
 *     test_determinism --ticks 100000   a line with the hashes per 10,000 ticks
 */
#include <reef/bundle.h>
#include <reef/relation.h>
#include <reef/schedule.h>

#include "test.h"

#include <inttypes.h>

REEF_COMPONENT(place, REEF_PERSISTENT, REEF_F32(x), REEF_F32(y));
REEF_COMPONENT(motion, REEF_PERSISTENT, REEF_F32(x), REEF_F32(y));
REEF_COMPONENT(health, REEF_PERSISTENT, REEF_I32(points, .initial = "12"));
REEF_COMPONENT(age, REEF_PERSISTENT, REEF_U32(ticks), REEF_U32(limit));
REEF_COMPONENT(arms, REEF_PERSISTENT, REEF_I32(damage), REEF_U32(reload));
REEF_TAG(drone, REEF_PERSISTENT);
REEF_RELATION(aims_at, REEF_PERSISTENT, REEF_DETACH);

REEF_COMPONENT(dice, REEF_PERSISTENT, REEF_U64(state));
REEF_COMPONENT(arena, REEF_PERSISTENT, REEF_U32(tick), REEF_F32(size));
REEF_COMPONENT(tally,
               REEF_PERSISTENT,
               REEF_U64(joined),
               REEF_U64(launched),
               REEF_U64(hits),
               REEF_U64(killed),
               REEF_U64(worsened));

typedef struct join {
    uint32_t number;
} join_t;
REEF_EVENT(join);

typedef struct hit {
    reef_entity_t target;
    int32_t damage;
} hit_t;
REEF_EVENT(hit);

typedef struct death {
    reef_entity_t entity;
} death_t;
REEF_EVENT(death);

enum {
    TICKS = 10000,
    BATTLES = 3
};

static const uint32_t worker_counts[BATTLES] = {1, 2, 4};

typedef struct battle {
    reef_world_t *world;
    reef_schedule_t *schedule;
    reef_bundle_t *fighters;
    reef_bundle_t *drones;
} battle_t;

static uint32_t mix(uint32_t a, uint32_t b)
{
    a = (a ^ b) * UINT32_C(0x85ebca6b);
    a ^= a >> 13;
    return a * UINT32_C(0xc2b2ae35) ^ a >> 16;
}

static uint32_t roll(dice_t *dice, uint32_t bound)
{
    dice->state ^= dice->state << 13;
    dice->state ^= dice->state >> 7;
    dice->state ^= dice->state << 17;
    return (uint32_t)((dice->state >> 32) * bound >> 32);
}

/* Systems -------------------------------------------------------------------------- */

static void begin_tick(reef_run_t *run)
{
    arena_t *arena = reef_run_resource_mut(run, &arena_type);

    arena->tick++;
}

static void let_join(reef_run_t *run)
{
    const battle_t *battle = reef_run_context(run);
    dice_t *dice = reef_run_resource_mut(run, &dice_type);
    tally_t *tally = reef_run_resource_mut(run, &tally_type);
    const join_t *join;

    while ((join = REEF_NEXT(run, join)) != NULL) {
        place_t place = {(float)roll(dice, 100), (float)roll(dice, 100)};
        motion_t motion = {(float)roll(dice, 9) - 4, (float)roll(dice, 9) - 4};
        age_t age = {.limit = 200 + roll(dice, 400)};
        arms_t arms = {.damage = 1 + (int32_t)(join->number % 5), .reload = 7};

        reef_commands_spawn_bundle(
            reef_run_commands(run), battle->fighters,
            join->number % 3 == 0 ? REEF_RANGE_SESSION : REEF_RANGE_WORLD,
            (const void *[]){&place, &motion, NULL, &age, &arms});
        tally->joined++;
    }
}

static void steer(reef_run_t *run)
{
    const arena_t *arena = reef_run_resource(run, &arena_type);
    reef_query_iter_t it = reef_run_query(run);

    while (reef_query_next(&it)) {
        motion_t *motion = reef_query_column_mut(&it, 0);
        const place_t *place = reef_query_column(&it, 1);

        for (uint32_t i = 0; i < it.count; i++) {
            uint32_t gust = mix(reef_entity_index(it.entities[i]), arena->tick);

            motion[i].x += (float)(gust % 5) * 0.1F - 0.2F;
            motion[i].y += (float)(gust / 5 % 5) * 0.1F - 0.2F;
            if (place[i].x < 0 || place[i].x > arena->size) {
                motion[i].x = place[i].x < 0 ? 1 : -1;
            }
            if (place[i].y < 0 || place[i].y > arena->size) {
                motion[i].y = place[i].y < 0 ? 1 : -1;
            }
        }
    }
}

static void move(reef_run_t *run)
{
    reef_query_iter_t it = reef_run_query(run);

    while (reef_query_next(&it)) {
        place_t *place = reef_query_column_mut(&it, 0);
        const motion_t *motion = reef_query_column(&it, 1);

        for (uint32_t i = 0; i < it.count; i++) {
            place[i].x += motion[i].x;
            place[i].y += motion[i].y;
        }
    }
}

/* Who has no target takes one that comes later among those without, by chance. */
static void aim(reef_run_t *run)
{
    dice_t *dice = reef_run_resource_mut(run, &dice_type);
    reef_query_iter_t it = reef_run_query(run);

    while (reef_query_next(&it)) {
        for (uint32_t i = 0; i < it.count; i++) {
            reef_entity_t target = it.entities[roll(dice, it.count)];

            if (roll(dice, 4) == 0) { /* itself is refused, and counted */
                REEF_COMMAND_RELATE(reef_run_commands(run), it.entities[i], aims_at,
                                    target);
            }
        }
    }
}

static float distance(const place_t *a, const place_t *b)
{
    return (a->x - b->x) * (a->x - b->x) + (a->y - b->y) * (a->y - b->y);
}

static void shoot(reef_run_t *run)
{
    const arena_t *arena = reef_run_resource(run, &arena_type);
    reef_query_iter_t it = reef_run_query(run);

    while (reef_query_next(&it)) {
        const aims_at_t *aims_at = reef_query_column(&it, 0);
        const arms_t *arms = reef_query_column(&it, 1);
        const place_t *place = reef_query_column(&it, 2);

        for (uint32_t i = 0; i < it.count; i++) {
            reef_entity_t target = aims_at[i].target;
            const place_t *there = reef_run_find(run, target, &place_type);

            if ((arena->tick + reef_entity_index(it.entities[i])) % arms[i].reload !=
                0) {
                continue;
            }
            if (there != NULL && distance(&place[i], there) < 200) {
                (void)REEF_EMIT(run, hit, .target = target, .damage = arms[i].damage);
            } else if (there != NULL) {
                reef_commands_remove(reef_run_commands(run), it.entities[i],
                                     &aims_at_type); /* too far: look for another */
            }
        }
    }
}

static void hurt(reef_run_t *run)
{
    tally_t *tally = reef_run_resource_mut(run, &tally_type);
    const hit_t *hit;

    while ((hit = REEF_NEXT(run, hit)) != NULL) {
        health_t *health = reef_run_find_mut(run, hit->target, &health_type);

        tally->hits++;
        if (health != NULL && health->points > 0) {
            health->points -= hit->damage;
            if (health->points <= 0) {
                (void)REEF_EMIT(run, death, .entity = hit->target);
            }
        }
    }
}

static void count_worsened(reef_run_t *run)
{
    tally_t *tally = reef_run_resource_mut(run, &tally_type);
    reef_query_iter_t it = reef_run_query(run);

    while (reef_query_next(&it)) {
        tally->worsened += it.count;
    }
}

/* Drones follow whom they belong to. */
static void bury(reef_run_t *run)
{
    tally_t *tally = reef_run_resource_mut(run, &tally_type);
    const death_t *death;

    while ((death = REEF_NEXT(run, death)) != NULL) {
        reef_commands_despawn(reef_run_commands(run), death->entity);
        tally->killed++;
    }
}

static void launch(reef_run_t *run)
{
    const battle_t *battle = reef_run_context(run);
    const arena_t *arena = reef_run_resource(run, &arena_type);
    reef_query_iter_t it = reef_run_query(run);

    while (reef_query_next(&it)) {
        const place_t *place = reef_query_column(&it, 0);

        for (uint32_t i = 0; i < it.count; i++) {
            uint32_t chance = mix(reef_entity_index(it.entities[i]), arena->tick * 31);
            age_t age = {.limit = 40 + chance % 50};
            motion_t motion = {1, -1};
            child_of_t child_of = {.target = it.entities[i]};

            if (chance % 60 == 0) {
                reef_commands_spawn_bundle(
                    reef_run_commands(run), battle->drones, REEF_RANGE_WORLD,
                    (const void *[]){&place[i], &motion, &age, NULL, &child_of});
            }
        }
    }
}

static void grow_old(reef_run_t *run)
{
    reef_query_iter_t it = reef_run_query(run);

    while (reef_query_next(&it)) {
        age_t *age = reef_query_column_mut(&it, 0);

        for (uint32_t i = 0; i < it.count; i++) {
            if (++age[i].ticks > age[i].limit) {
                reef_commands_despawn(reef_run_commands(run), it.entities[i]);
            }
        }
    }
}

static void count_drones(reef_run_t *run)
{
    tally_t *tally = reef_run_resource_mut(run, &tally_type);
    reef_query_iter_t it = reef_run_query(run);

    while (reef_query_next(&it)) {
        tally->launched += it.count;
    }
}

static const reef_system_desc_t systems[] = {
    {.name = "begin_tick", .run = begin_tick, .resources = {REEF_WRITE(arena)}},
    {.name = "let_join",
     .run = let_join,
     .resources = {REEF_WRITE(dice), REEF_WRITE(tally)},
     .reads = {&join_event},
     .commands = true},
    {.name = "steer",
     .run = steer,
     .query = {REEF_WRITE(motion), REEF_READ(place)},
     .resources = {REEF_READ(arena)},
     .parallel = true},
    {.name = "move",
     .run = move,
     .query = {REEF_WRITE(place), REEF_READ(motion)},
     .parallel = true},
    {.name = "aim",
     .run = aim,
     .query = {REEF_WITH(arms), REEF_WITHOUT(aims_at)},
     .resources = {REEF_WRITE(dice)},
     .commands = true},
    {.name = "shoot",
     .run = shoot,
     .query = {REEF_READ(aims_at), REEF_READ(arms), REEF_READ(place)},
     .access = {REEF_READ(place)},
     .resources = {REEF_READ(arena)},
     .emits = {&hit_event},
     .commands = true,
     .parallel = true},
    {.name = "hurt",
     .run = hurt,
     .access = {REEF_WRITE(health)},
     .resources = {REEF_WRITE(tally)},
     .reads = {&hit_event},
     .emits = {&death_event}},
    {.name = "count_worsened",
     .run = count_worsened,
     .query = {REEF_CHANGED(health)},
     .resources = {REEF_WRITE(tally)}},
    {.name = "bury",
     .run = bury,
     .resources = {REEF_WRITE(tally)},
     .reads = {&death_event},
     .commands = true},
    {.name = "launch",
     .run = launch,
     .query = {REEF_READ(place), REEF_WITHOUT(drone)},
     .resources = {REEF_READ(arena)},
     .commands = true,
     .parallel = true},
    {.name = "grow_old",
     .run = grow_old,
     .query = {REEF_WRITE(age)},
     .commands = true,
     .parallel = true},
    {.name = "count_drones",
     .run = count_drones,
     .query = {REEF_ADDED(drone)},
     .resources = {REEF_WRITE(tally)},
     .after = {"launch"}},
};

/* Battles -------------------------------------------------------------------------- */

static void begin(battle_t *battle, uint32_t workers)
{
    battle->world = reef_world_create(&(reef_world_desc_t){.workers = workers});
    battle->schedule = reef_schedule_create(battle->world, "fixed_update");
    battle->fighters =
        reef_bundle_create(battle->world, REEF_TYPES(place, motion, health, age, arms));
    battle->drones = reef_bundle_create(
        battle->world, REEF_TYPES(place, motion, age, drone, child_of));
    REEF_RESOURCE(battle->world, dice)->state = 88172645463325252u;
    REEF_RESOURCE(battle->world, arena)->size = 100;
    for (size_t i = 0; i < sizeof(systems) / sizeof(systems[0]); i++) {
        reef_system_desc_t desc = systems[i];

        /* Two only read it: as parallel ones, or it would be a conflict. */
        desc.context =
            strcmp(desc.name, "let_join") == 0 || strcmp(desc.name, "launch") == 0
                ? battle
                : NULL;
        assert_int_equal(reef_schedule_add(battle->schedule, &desc), REEF_OK);
    }
}

static void end(battle_t *battle)
{
    reef_schedule_destroy(battle->schedule);
    reef_bundle_destroy(battle->fighters);
    reef_bundle_destroy(battle->drones);
    reef_world_destroy(battle->world);
}

/* The inputs of a tick, then the tick. */
static void step(battle_t *battle, uint32_t tick)
{
    reef_event_queue_t *queue = reef_world_events(battle->world, &join_event);

    for (uint32_t i = mix(tick, 77) % 6; i > 2; i--) {
        assert_true(reef_event_emit(queue, &(join_t){.number = tick + i}));
    }
    reef_schedule_run(battle->schedule);
    reef_events_trim(battle->world);
}

/* The hash of the first; fails when another has another. */
static uint64_t check_same(const battle_t *battles, uint32_t tick)
{
    uint64_t hashes[BATTLES];

    for (uint32_t i = 0; i < BATTLES; i++) {
        hashes[i] = reef_world_state_hash(battles[i].world);
        if (hashes[i] != hashes[0]) {
            fail_msg("tick %u: %016" PRIx64 " with 1 worker, %016" PRIx64 " with %u",
                     tick, hashes[0], hashes[i], worker_counts[i]);
        }
    }
    return hashes[0];
}

static void print_line(const battle_t *battles, uint32_t tick)
{
    const tally_t *tally = REEF_RESOURCE(battles[0].world, tally);

    print_message("tick %7u", tick);
    for (uint32_t i = 0; i < BATTLES; i++) {
        print_message("  %u: %016" PRIx64, worker_counts[i],
                      reef_world_state_hash(battles[i].world));
    }
    print_message("  alive %" PRIu64 ", joined %" PRIu64 ", drones %" PRIu64
                  ", hits %" PRIu64 ", killed %" PRIu64 "\n",
                  reef_world_entity_count(battles[0].world), tally->joined,
                  tally->launched, tally->hits, tally->killed);
}

static void fight(battle_t *battles, uint32_t ticks, uint32_t line_every)
{
    uint64_t last = 0;

    for (uint32_t tick = 1; tick <= ticks; tick++) {
        for (uint32_t i = 0; i < BATTLES; i++) {
            step(&battles[i], tick);
        }
        if (tick % 100 == 0) {
            uint64_t hash = check_same(battles, tick);

            assert_int_not_equal(hash, last);
            last = hash;
        }
        if (line_every > 0 && tick % line_every == 0) {
            print_line(battles, tick);
        }
    }
}

/* It was a battle. */
static void check_busy(const battle_t *battle, uint32_t ticks)
{
    const tally_t *tally = REEF_RESOURCE(battle->world, tally);

    assert_true(reef_world_entity_count(battle->world) > 50);
    assert_true(reef_world_entity_count(battle->world) < 2000);
    assert_true(tally->joined > ticks / 4);
    assert_true(tally->launched > ticks / 4);
    assert_true(tally->hits > ticks / 4);
    assert_true(tally->killed > ticks / 50);
    assert_true(tally->worsened > tally->killed);
    assert_true(reef_world_stale_count(battle->world) > 0);
}

static void run(uint32_t ticks, uint32_t line_every)
{
    static battle_t battles[BATTLES];

    for (uint32_t i = 0; i < BATTLES; i++) {
        begin(&battles[i], worker_counts[i]);
    }
    fight(battles, ticks, line_every);
    check_busy(&battles[0], ticks);
    for (uint32_t i = 0; i < BATTLES; i++) {
        end(&battles[i]);
    }
}

static uint32_t wanted_ticks = TICKS;
static uint32_t wanted_lines = 0;

static void test_determinism_holds_with_any_number_of_workers(void **state)
{
    (void)state;
    run(wanted_ticks, wanted_lines);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_determinism_holds_with_any_number_of_workers),
    };

    if (argc == 3 && strcmp(argv[1], "--ticks") == 0) {
        wanted_ticks = (uint32_t)strtoul(argv[2], NULL, 10);
        wanted_lines = 10000;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
