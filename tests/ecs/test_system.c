#include <reef/schedule.h>

#include "aborts.h"

REEF_COMPONENT(health, 0, REEF_I32(points));
REEF_COMPONENT(armor, 0, REEF_I32(points));
REEF_COMPONENT(rules, 0, REEF_I32(limit, .initial = "9"));
REEF_TAG(asleep, 0);

typedef struct hit {
    reef_entity_t entity;
} hit_t;
REEF_EVENT(hit);

/* What each system under test does is a step; the system's declaration varies. */
typedef struct fixture {
    reef_world_t *world;
    reef_schedule_t *schedule;
    reef_entity_t entity; /* has health 3 */
} fixture_t;

static fixture_t *of(reef_run_t *run)
{
    return reef_run_context(run);
}

static int setup(void **state)
{
    static fixture_t fixture;

    fixture.world = reef_world_create(&(reef_world_desc_t){0});
    fixture.schedule = reef_schedule_create(fixture.world, "update");
    fixture.entity = reef_world_spawn(fixture.world, REEF_RANGE_WORLD);
    REEF_ADD(fixture.world, fixture.entity, health, .points = 3);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    fixture_t *fixture = *state;

    reef_schedule_destroy(fixture->schedule);
    reef_world_destroy(fixture->world);
    return 0;
}

static void run_once(fixture_t *fixture, reef_system_desc_t desc)
{
    desc.name = "probe";
    desc.context = fixture;
    assert_int_equal(reef_schedule_add(fixture->schedule, &desc), REEF_OK);
    reef_schedule_run(fixture->schedule);
    assert_int_equal(
        reef_system_stats(reef_schedule_system(fixture->schedule, 0)).count, 1);
}

#define RUN(fixture, ...) run_once((fixture), (reef_system_desc_t){__VA_ARGS__})

typedef struct probe {
    fixture_t *fixture;
    reef_system_desc_t desc;
} probe_t;

static void run_probe(void *context)
{
    probe_t *probe = context;

    probe->desc.name = "probe";
    probe->desc.context = probe->fixture;
    if (reef_schedule_add(probe->fixture->schedule, &probe->desc) == REEF_OK) {
        reef_schedule_run(probe->fixture->schedule);
    }
}

#define ASSERT_ABORTS(fixture_, message, ...)                                          \
    assert_aborts(                                                                     \
        run_probe,                                                                     \
        &(probe_t){.fixture = (fixture_), .desc = (reef_system_desc_t){__VA_ARGS__}},  \
        (message))

/* Steps ------------------------------------------------------------------------ */

static void read_health(reef_run_t *run)
{
    const health_t *health = reef_run_find(run, of(run)->entity, &health_type);

    assert_int_equal(health->points, 3);
}

static void write_health(reef_run_t *run)
{
    health_t *health = reef_run_find_mut(run, of(run)->entity, &health_type);

    health->points = 4;
}

static void find_nothing(reef_run_t *run)
{
    assert_null(reef_run_find(run, of(run)->entity, &armor_type));
    assert_null(reef_run_find(run, 0, &armor_type));
    assert_null(reef_run_find_mut(run, of(run)->entity, &armor_type));
}

static void read_rules(reef_run_t *run)
{
    const rules_t *rules = reef_run_resource(run, &rules_type);

    assert_int_equal(rules->limit, 9);
}

static void write_rules(reef_run_t *run)
{
    rules_t *rules = reef_run_resource_mut(run, &rules_type);

    rules->limit = 10;
}

static void emit_hit(reef_run_t *run)
{
    assert_true(REEF_EMIT(run, hit, .entity = of(run)->entity));
}

static void next_hit(reef_run_t *run)
{
    while (REEF_NEXT(run, hit) != NULL) {
    }
}

static void iterate(reef_run_t *run)
{
    reef_query_iter_t it = reef_run_query(run);

    while (reef_query_next(&it)) {
        health_t *health = reef_query_column_mut(&it, 0);

        for (uint32_t i = 0; i < it.count; i++) {
            health[i].points++;
        }
    }
}

static int32_t points(const fixture_t *fixture)
{
    const health_t *health =
        reef_world_find(fixture->world, fixture->entity,
                        reef_world_component(fixture->world, &health_type));

    return health->points;
}

/* Components ------------------------------------------------------------------- */

static void test_system_iterates_its_query(void **state)
{
    RUN(*state, .run = iterate, .query = {REEF_WRITE(health)});
    assert_int_equal(points(*state), 4);
}

static void test_system_without_query_must_not_iterate(void **state)
{
    ASSERT_ABORTS(*state, "query", .run = iterate);
}

static void test_system_finds_what_it_declared(void **state)
{
    RUN(*state, .run = read_health, .access = {REEF_READ(health)});
}

static void test_system_finds_what_its_query_declares(void **state)
{
    RUN(*state, .run = read_health, .query = {REEF_MAYBE_READ(health)});
}

static void test_system_may_read_what_it_writes(void **state)
{
    RUN(*state, .run = read_health, .access = {REEF_WRITE(health)});
}

static void test_system_writes_what_it_declared(void **state)
{
    RUN(*state, .run = write_health, .access = {REEF_WRITE(health)});
    assert_int_equal(points(*state), 4);
}

static void test_system_write_counts_beside_a_read_of_the_same(void **state)
{
    RUN(*state, .run = write_health, .query = {REEF_READ(health)},
        .access = {REEF_WRITE(health)});
    assert_int_equal(points(*state), 4);
}

static void test_system_finds_null_where_a_component_is_absent(void **state)
{
    RUN(*state, .run = find_nothing, .access = {REEF_WRITE(armor)});
}

static void test_system_knows_a_type_by_its_name(void **state)
{
    static reef_type_t elsewhere;

    elsewhere = health_type;
    RUN(*state, .run = read_health, .access = {{REEF_ACCESS_READ, &elsewhere}});
}

static void test_system_aborts_when_it_touches_what_it_did_not_declare(void **state)
{
    ASSERT_ABORTS(*state,
                  "system 'probe' of schedule 'update' touches 'health', which it did "
                  "not declare",
                  .run = read_health, .access = {REEF_READ(armor)});
}

static void test_system_aborts_when_it_finds_what_its_query_only_filters(void **state)
{
    ASSERT_ABORTS(*state, "touches 'health'", .run = read_health,
                  .query = {REEF_WITH(health), REEF_WITHOUT(asleep)});
}

static void test_system_aborts_when_it_writes_what_it_declared_to_read(void **state)
{
    ASSERT_ABORTS(*state,
                  "system 'probe' of schedule 'update' writes 'health', which it "
                  "declared only to read",
                  .run = write_health, .access = {REEF_READ(health)});
}

/* Resources -------------------------------------------------------------------- */

static void test_system_reads_and_writes_declared_resources(void **state)
{
    fixture_t *f = *state;

    RUN(f, .run = write_rules, .resources = {REEF_WRITE(rules)});
    assert_int_equal(REEF_RESOURCE(f->world, rules)->limit, 10);
}

static void test_system_sees_a_resource_with_its_initial_value(void **state)
{
    RUN(*state, .run = read_rules, .resources = {REEF_READ(rules)});
}

static void test_system_aborts_on_an_undeclared_resource(void **state)
{
    ASSERT_ABORTS(*state, "touches 'rules'", .run = read_rules,
                  .access = {REEF_READ(rules)});
    ASSERT_ABORTS(*state, "writes 'rules', which it declared only to read",
                  .run = write_rules, .resources = {REEF_READ(rules)});
}

/* Events ----------------------------------------------------------------------- */

static void test_system_emits_what_it_declared(void **state)
{
    fixture_t *f = *state;

    RUN(f, .run = emit_hit, .emits = {&hit_event});
    assert_int_equal(reef_event_emitted_count(reef_world_events(f->world, &hit_event)),
                     1);
}

static void test_system_aborts_on_undeclared_events(void **state)
{
    ASSERT_ABORTS(*state, "touches 'hit', which it did not declare", .run = emit_hit,
                  .reads = {&hit_event});
    ASSERT_ABORTS(*state, "touches 'hit', which it did not declare", .run = next_hit,
                  .emits = {&hit_event});
}

/* Reads its own events; each answers the one before, up to three. */
static void echo_hit(reef_run_t *run)
{
    const hit_t *hit;

    while ((hit = REEF_NEXT(run, hit)) != NULL) {
        reef_entity_t before = hit->entity;

        if (before < 3) {
            assert_true(REEF_EMIT(run, hit, .entity = before + 1));
        }
        assert_int_equal(hit->entity, before);
    }
}

static void test_system_may_read_and_emit_the_same_event(void **state)
{
    fixture_t *f = *state;
    reef_system_desc_t echo = {
        .name = "echo", .run = echo_hit, .reads = {&hit_event}, .emits = {&hit_event}};
    reef_event_queue_t *queue = reef_world_events(f->world, &hit_event);

    assert_int_equal(reef_schedule_add(f->schedule, &echo), REEF_OK);
    assert_true(reef_event_emit(queue, &(hit_t){.entity = 0}));
    for (uint64_t run = 1; run <= 4; run++) { /* each sees those of the run before */
        reef_schedule_run(f->schedule);
        assert_int_equal(reef_event_emitted_count(queue), run < 4 ? 1 + run : 4);
    }
}

/* Exclusive -------------------------------------------------------------------- */

static void touch_everything(reef_run_t *run)
{
    read_health(run);
    read_rules(run);
    write_health(run);
    write_rules(run);
    emit_hit(run);
    reef_world_spawn(reef_run_world(run), REEF_RANGE_WORLD);
}

static void test_system_exclusive_touches_everything(void **state)
{
    fixture_t *f = *state;

    RUN(f, .run = touch_everything, .exclusive = true);
    assert_int_equal(points(f), 4);
    assert_int_equal(REEF_RESOURCE(f->world, rules)->limit, 10);
    assert_int_equal(reef_world_entity_count(f->world), 2);
}

static void test_system_exclusive_may_write_what_it_declared_to_read(void **state)
{
    RUN(*state, .run = write_health, .exclusive = true, .access = {REEF_READ(health)});
    assert_int_equal(points(*state), 4);
}

static void test_system_exclusive_declares_the_events_it_reads(void **state)
{
    ASSERT_ABORTS(*state, "touches 'hit', which it did not declare", .run = next_hit,
                  .exclusive = true);
}

/* Not for every system ---------------------------------------------------------- */

static void reach_for_the_world(reef_run_t *run)
{
    (void)reef_run_world(run);
}

static void record(reef_run_t *run)
{
    reef_commands_despawn(reef_run_commands(run), 0);
}

static void test_system_aborts_when_it_reaches_for_the_world(void **state)
{
    ASSERT_ABORTS(*state, "system 'probe' of schedule 'update' reaches for 'the world'",
                  .run = reach_for_the_world, .access = {REEF_WRITE(health)});
}

static void write_what_is_read(reef_run_t *run)
{
    reef_query_iter_t it = reef_run_query(run);

    assert_true(reef_query_next(&it));
    (void)reef_query_column_mut(&it, 0);
}

static void run_the_schedule(reef_run_t *run)
{
    reef_schedule_run(of(run)->schedule);
}

static void run_another_schedule(reef_run_t *run)
{
    reef_schedule_t *other = reef_schedule_create(of(run)->world, "other");

    reef_schedule_run(other);
}

static void test_system_aborts_when_it_writes_a_column_it_reads(void **state)
{
    ASSERT_ABORTS(*state, "writes term 0, 'health'", .run = write_what_is_read,
                  .query = {REEF_READ(health)});
}

static void test_system_aborts_when_it_runs_a_schedule(void **state)
{
    ASSERT_ABORTS(*state, "schedule 'update' is run from inside itself",
                  .run = run_the_schedule, .exclusive = true);
    ASSERT_ABORTS(*state,
                  "schedule 'other' is run from inside a system that is not exclusive",
                  .run = run_another_schedule);
}

static void test_system_aborts_on_undeclared_commands(void **state)
{
    ASSERT_ABORTS(*state, "records 'commands', which it did not declare",
                  .run = record);
    RUN(*state, .run = record, .commands = true);
}

static void test_system_aborts_on_an_entity_outside_its_query(void **state)
{
    ASSERT_ABORTS(*state, "outside its query 'health'", .run = write_health,
                  .query = {REEF_WRITE(health), REEF_WITH(asleep)});
    ASSERT_ABORTS(*state, "by id 'health', which it declared only in its query",
                  .run = write_health, .query = {REEF_WRITE(health)}, .parallel = true);
}

static void test_system_parallel_writes_only_what_it_visits(void **state)
{
    ASSERT_ABORTS(*state, "has a query", .run = iterate, .parallel = true);
    ASSERT_ABORTS(*state, "has a query and is not exclusive", .run = iterate,
                  .query = {REEF_WRITE(health)}, .parallel = true, .exclusive = true);
    ASSERT_ABORTS(*state, "reads no events", .run = iterate, .parallel = true,
                  .query = {REEF_WRITE(health)}, .reads = {&hit_event});
    ASSERT_ABORTS(*state, "writes no resource", .run = iterate, .parallel = true,
                  .query = {REEF_WRITE(health)}, .resources = {REEF_WRITE(rules)});
    ASSERT_ABORTS(*state, "writes nothing by id", .run = iterate, .parallel = true,
                  .query = {REEF_READ(health)}, .access = {REEF_WRITE(armor)});
    ASSERT_ABORTS(*state, "reads nothing by id that it writes", .run = iterate,
                  .parallel = true, .query = {REEF_WRITE(health)},
                  .access = {REEF_READ(health)});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_system_iterates_its_query),
        TEST(test_system_without_query_must_not_iterate),
        TEST(test_system_finds_what_it_declared),
        TEST(test_system_finds_what_its_query_declares),
        TEST(test_system_may_read_what_it_writes),
        TEST(test_system_writes_what_it_declared),
        TEST(test_system_write_counts_beside_a_read_of_the_same),
        TEST(test_system_finds_null_where_a_component_is_absent),
        TEST(test_system_knows_a_type_by_its_name),
        TEST(test_system_aborts_when_it_touches_what_it_did_not_declare),
        TEST(test_system_aborts_when_it_finds_what_its_query_only_filters),
        TEST(test_system_aborts_when_it_writes_what_it_declared_to_read),
        TEST(test_system_reads_and_writes_declared_resources),
        TEST(test_system_sees_a_resource_with_its_initial_value),
        TEST(test_system_aborts_on_an_undeclared_resource),
        TEST(test_system_emits_what_it_declared),
        TEST(test_system_aborts_on_undeclared_events),
        TEST(test_system_may_read_and_emit_the_same_event),
        TEST(test_system_exclusive_touches_everything),
        TEST(test_system_exclusive_may_write_what_it_declared_to_read),
        TEST(test_system_exclusive_declares_the_events_it_reads),
        TEST(test_system_aborts_when_it_reaches_for_the_world),
        TEST(test_system_aborts_on_undeclared_commands),
        TEST(test_system_aborts_when_it_writes_a_column_it_reads),
        TEST(test_system_aborts_when_it_runs_a_schedule),
        TEST(test_system_aborts_on_an_entity_outside_its_query),
        TEST(test_system_parallel_writes_only_what_it_visits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
