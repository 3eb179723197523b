#include <reef/schedule.h>

#include "test.h"

#include <stdio.h>
#include <string.h>

typedef struct note {
    int number;
} note_t;
REEF_EVENT(note);
typedef note_t drop_by_drop_t;
REEF_EVENT(drop_by_drop, .limit = 4);
REEF_COMPONENT(cell, 0, REEF_I32(value));

/* A world, a clock moved by hand, and what ran in which order. */
typedef struct fixture {
    reef_world_t *world;
    reef_schedule_t *schedule;
    uint64_t now_ns;
    char trace[256];
} fixture_t;

static uint64_t read_clock(void *context)
{
    return ((fixture_t *)context)->now_ns;
}

static int setup(void **state)
{
    static fixture_t fixture;

    fixture = (fixture_t){0};
    fixture.world = reef_world_create(
        &(reef_world_desc_t){.clock = read_clock, .clock_context = &fixture});
    fixture.schedule = reef_schedule_create(fixture.world, "update");
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

static void trace(fixture_t *fixture, const char *text)
{
    size_t used = strlen(fixture->trace);

    snprintf(fixture->trace + used, sizeof(fixture->trace) - used, "%s ", text);
}

static void run_a(reef_run_t *run)
{
    trace(reef_run_context(run), "a");
}

static void run_b(reef_run_t *run)
{
    trace(reef_run_context(run), "b");
}

static void run_c(reef_run_t *run)
{
    trace(reef_run_context(run), "c");
}

static void run_d(reef_run_t *run)
{
    trace(reef_run_context(run), "d");
}

static void add(fixture_t *fixture, reef_system_desc_t desc)
{
    desc.context = desc.context == NULL ? fixture : desc.context;
    assert_int_equal(reef_schedule_add(fixture->schedule, &desc), REEF_OK);
}

#define ADD(fixture, ...) add((fixture), (reef_system_desc_t){__VA_ARGS__})

/* Order ------------------------------------------------------------------------ */

static void test_schedule_runs_as_added(void **state)
{
    fixture_t *f = *state;

    ADD(f, .name = "c", .run = run_c);
    ADD(f, .name = "a", .run = run_a);
    ADD(f, .name = "b", .run = run_b);
    reef_schedule_run(f->schedule);

    assert_string_equal(f->trace, "c a b ");
}

static void test_schedule_moves_only_what_before_and_after_demand(void **state)
{
    fixture_t *f = *state;

    ADD(f, .name = "a", .run = run_a, .after = {"d"});
    ADD(f, .name = "b", .run = run_b);
    ADD(f, .name = "c", .run = run_c, .before = {"b"});
    ADD(f, .name = "d", .run = run_d);
    reef_schedule_run(f->schedule);

    assert_string_equal(f->trace, "c b d a ");
}

static void test_schedule_ignores_names_it_does_not_know(void **state)
{
    fixture_t *f = *state;

    ADD(f, .name = "a", .run = run_a, .after = {"nobody", "b"}, .before = {"nothing"});
    ADD(f, .name = "b", .run = run_b);
    reef_schedule_run(f->schedule);

    assert_string_equal(f->trace, "b a ");
}

static void test_schedule_counts_an_order_that_is_given_twice_once(void **state)
{
    fixture_t *f = *state;

    ADD(f, .name = "a", .run = run_a, .after = {"b"});
    ADD(f, .name = "b", .run = run_b, .before = {"a"});
    reef_schedule_run(f->schedule);

    assert_string_equal(f->trace, "b a ");
}

static void test_schedule_refuses_a_cycle_and_names_its_systems(void **state)
{
    fixture_t *f = *state;
    reef_failure_t failure;

    ADD(f, .name = "outside", .run = run_d, .after = {"a"});
    ADD(f, .name = "a", .run = run_a, .after = {"c"});
    ADD(f, .name = "b", .run = run_b, .after = {"a"});
    ADD(f, .name = "c", .run = run_c, .after = {"b"});

    assert_int_equal(reef_schedule_build(f->schedule, &failure), REEF_E_INVALID);
    assert_non_null(strstr(failure.text, "schedule 'update'"));
    assert_non_null(strstr(failure.text, "'a'"));
    assert_non_null(strstr(failure.text, "'b'"));
    assert_non_null(strstr(failure.text, "'c'"));
    assert_null(strstr(failure.text, "'outside'"));
    assert_int_equal(reef_schedule_build(f->schedule, NULL), REEF_E_INVALID);
}

static void test_schedule_refuses_a_system_after_itself(void **state)
{
    fixture_t *f = *state;
    reef_failure_t failure;

    ADD(f, .name = "a", .run = run_a, .after = {"a"});

    assert_int_equal(reef_schedule_build(f->schedule, &failure), REEF_E_INVALID);
    assert_string_equal(failure.text,
                        "schedule 'update': no order has system 'a' after 'a'");
}

static void test_schedule_refuses_a_name_twice(void **state)
{
    fixture_t *f = *state;
    reef_system_desc_t again = {.name = "a", .run = run_b, .context = f};

    ADD(f, .name = "a", .run = run_a);

    assert_int_equal(reef_schedule_add(f->schedule, &again), REEF_E_EXISTS);
    assert_int_equal(reef_schedule_count(f->schedule), 1);
}

static void test_schedule_takes_systems_between_runs(void **state)
{
    fixture_t *f = *state;

    ADD(f, .name = "a", .run = run_a);
    reef_schedule_run(f->schedule);
    ADD(f, .name = "b", .run = run_b, .before = {"a"});
    reef_schedule_run(f->schedule);

    assert_string_equal(f->trace, "a b a ");
}

static void test_schedule_lists_systems_in_order_of_running(void **state)
{
    fixture_t *f = *state;

    ADD(f, .name = "a", .plugin = "p", .run = run_a, .after = {"b"});
    ADD(f, .name = "b", .run = run_b);
    assert_int_equal(reef_schedule_build(f->schedule, NULL), REEF_OK);

    assert_string_equal(reef_schedule_name(f->schedule), "update");
    assert_int_equal(reef_schedule_count(f->schedule), 2);
    assert_string_equal(reef_system_desc(reef_schedule_system(f->schedule, 0))->name,
                        "b");
    assert_string_equal(reef_system_desc(reef_schedule_system(f->schedule, 1))->plugin,
                        "p");
}

static void test_schedule_without_systems_runs(void **state)
{
    fixture_t *f = *state;

    reef_schedule_run(f->schedule);
    assert_int_equal(reef_schedule_count(f->schedule), 0);
}

/* Enabling --------------------------------------------------------------------- */

static bool is_allowed = false;

static bool allowed(const reef_world_t *world, void *context)
{
    (void)context;
    assert_non_null(world);
    return is_allowed;
}

/* Counts the events it gets into the trace. */
static void run_reader(reef_run_t *run)
{
    const note_t *note;

    while ((note = REEF_NEXT(run, note)) != NULL) {
        char text[16];

        snprintf(text, sizeof(text), "%d", note->number);
        trace(reef_run_context(run), text);
    }
}

static void emit(fixture_t *f, int number)
{
    assert_true(reef_event_emit(reef_world_events(f->world, &note_event),
                                &(note_t){.number = number}));
}

static void test_schedule_disabled_system_misses_its_events(void **state)
{
    fixture_t *f = *state;
    reef_system_t *system;

    ADD(f, .name = "reader", .run = run_reader, .reads = {&note_event});
    system = reef_schedule_system(f->schedule, 0);
    assert_true(reef_system_is_enabled(system));
    emit(f, 1);
    reef_schedule_run(f->schedule);
    reef_system_set_enabled(system, false);
    emit(f, 2);
    reef_schedule_run(f->schedule);
    assert_false(reef_system_is_enabled(system));
    assert_int_equal(reef_system_stats(system).count, 1);
    reef_system_set_enabled(system, true);
    emit(f, 3);
    reef_schedule_run(f->schedule);

    assert_string_equal(f->trace, "1 3 ");
}

static void test_schedule_run_if_decides_each_run(void **state)
{
    fixture_t *f = *state;

    ADD(f, .name = "reader", .run = run_reader, .reads = {&note_event},
        .run_if = allowed);
    is_allowed = false;
    emit(f, 1);
    reef_schedule_run(f->schedule);
    is_allowed = true;
    emit(f, 2);
    reef_schedule_run(f->schedule);

    assert_string_equal(f->trace, "2 ");
}

static void run_flood(reef_run_t *run)
{
    uint32_t accepted = 0;

    for (int i = 0; i < 10; i++) {
        accepted += REEF_EMIT(run, drop_by_drop, .number = i);
    }
    assert_int_equal(accepted, 4);
}

static void test_schedule_emits_no_more_than_the_bound(void **state)
{
    fixture_t *f = *state;
    reef_event_queue_t *queue = reef_world_events(f->world, &drop_by_drop_event);
    reef_event_reader_t *reader = reef_event_reader_create(queue);

    ADD(f, .name = "flood", .run = run_flood, .emits = {&drop_by_drop_event});
    reef_schedule_run(f->schedule);

    assert_int_equal(reef_event_pending(reader), 4);
    assert_int_equal(reef_event_emitted_count(queue), 10);
    assert_int_equal(reef_event_dropped_count(queue), 6);
    reef_event_reader_destroy(reader);
}

static void test_schedule_not_yet_due_holds_its_events(void **state)
{
    fixture_t *f = *state;

    ADD(f, .name = "reader", .run = run_reader, .reads = {&note_event});
    emit(f, 1);
    reef_events_trim(f->world);
    emit(f, 2);
    reef_events_trim(f->world);
    reef_schedule_run(f->schedule);

    assert_string_equal(f->trace, "1 2 ");
}

/* Sets ------------------------------------------------------------------------- */

static bool count_and_refuse(const reef_world_t *world, void *context)
{
    (void)world;
    ++*(uint32_t *)context;
    return false;
}

static void test_schedule_orders_all_systems_of_a_set(void **state)
{
    fixture_t *f = *state;

    ADD(f, .name = "a", .run = run_a, .after = {"early"});
    ADD(f, .name = "b", .run = run_b, .sets = {"late"});
    ADD(f, .name = "c", .run = run_c, .sets = {"other", "early"});
    ADD(f, .name = "d", .run = run_d, .sets = {"early"});
    assert_int_equal(
        reef_schedule_add_set(
            f->schedule, &(reef_set_desc_t){.name = "late", .after = {"a", "late"}}),
        REEF_OK);
    reef_schedule_run(f->schedule);

    assert_string_equal(f->trace, "c d a b ");
}

static void test_schedule_asks_a_set_once_for_all_its_systems(void **state)
{
    fixture_t *f = *state;
    uint32_t asked = 0;

    ADD(f, .name = "a", .run = run_a, .sets = {"off"});
    ADD(f, .name = "b", .run = run_b);
    ADD(f, .name = "c", .run = run_c, .sets = {"off"});
    assert_int_equal(reef_schedule_add_set(
                         f->schedule, &(reef_set_desc_t){.name = "off",
                                                         .run_if = count_and_refuse,
                                                         .context = &asked}),
                     REEF_OK);
    reef_schedule_run(f->schedule);
    reef_schedule_run(f->schedule);

    assert_string_equal(f->trace, "b b ");
    assert_int_equal(asked, 2);
}

static void test_schedule_refuses_a_set_with_a_name_that_is_taken(void **state)
{
    fixture_t *f = *state;
    reef_set_desc_t set = {.name = "movement"};
    reef_system_desc_t system = {.name = "movement", .run = run_a};

    ADD(f, .name = "a", .run = run_a);
    assert_int_equal(reef_schedule_add_set(f->schedule, &set), REEF_OK);
    assert_int_equal(reef_schedule_add_set(f->schedule, &set), REEF_E_EXISTS);
    assert_int_equal(
        reef_schedule_add_set(f->schedule, &(reef_set_desc_t){.name = "a"}),
        REEF_E_EXISTS);
    assert_int_equal(reef_schedule_add(f->schedule, &system), REEF_E_EXISTS);
}

/* Versions, commands ----------------------------------------------------------- */

static void run_spawn(reef_run_t *run)
{
    reef_commands_t *commands = reef_run_commands(run);
    reef_entity_t entity = reef_commands_spawn(commands, REEF_RANGE_WORLD);

    reef_commands_add(commands, entity, &cell_type, &(cell_t){.value = 5});
}

static void run_count(reef_run_t *run)
{
    reef_query_iter_t it = reef_run_query(run);

    while (reef_query_next(&it)) {
        char text[16];

        snprintf(text, sizeof(text), "%u", it.count);
        trace(reef_run_context(run), text);
    }
}

static void test_schedule_applies_commands_before_the_next_system(void **state)
{
    fixture_t *f = *state;

    ADD(f, .name = "spawn", .run = run_spawn, .commands = true);
    ADD(f, .name = "count", .run = run_count, .query = {REEF_READ(cell)});
    reef_schedule_run(f->schedule);
    reef_schedule_run(f->schedule);

    assert_string_equal(f->trace, "1 2 ");
}

static void run_note_version(reef_run_t *run)
{
    uint64_t *version = reef_run_context(run);

    assert_true(reef_world_version(reef_run_world(run)) > *version);
    *version = reef_world_version(reef_run_world(run));
}

static void test_schedule_gives_every_run_a_version_of_its_own(void **state)
{
    fixture_t *f = *state;
    uint64_t version = reef_world_version(f->world);

    ADD(f, .name = "a", .run = run_note_version, .context = &version,
        .exclusive = true);
    ADD(f, .name = "b", .run = run_note_version, .context = &version,
        .exclusive = true);
    reef_schedule_run(f->schedule);
    reef_schedule_run(f->schedule);

    assert_true(reef_world_version(f->world) > version);
}

/* Nesting ---------------------------------------------------------------------- */

typedef struct nest {
    fixture_t *fixture;
    reef_schedule_t *inner;
} nest_t;

static void run_nested(reef_run_t *run)
{
    nest_t *nest = reef_run_context(run);
    reef_entity_t entity =
        reef_commands_spawn(reef_run_commands(run), REEF_RANGE_WORLD);

    reef_commands_add(reef_run_commands(run), entity, &cell_type, NULL);
    nest->fixture->now_ns += 10;
    reef_schedule_run(nest->inner);
    nest->fixture->now_ns += 10;
    trace(nest->fixture, "outer");
}

static void run_slow(reef_run_t *run)
{
    fixture_t *f = reef_run_context(run);

    f->now_ns += 100;
    trace(f, "inner");
}

static void test_schedule_runs_inside_an_exclusive_system(void **state)
{
    fixture_t *f = *state;
    nest_t nest = {f, reef_schedule_create(f->world, "fixed_update")};
    reef_system_desc_t slow = {.name = "slow", .run = run_slow, .context = f};

    assert_int_equal(reef_schedule_add(nest.inner, &slow), REEF_OK);
    ADD(f, .name = "nested", .run = run_nested, .context = &nest, .exclusive = true);
    ADD(f, .name = "count", .run = run_count, .query = {REEF_READ(cell)});
    reef_schedule_run(f->schedule);

    assert_string_equal(f->trace, "inner outer 1 ");
    assert_int_equal(reef_system_stats(reef_schedule_system(f->schedule, 0)).last_ns,
                     120);
    assert_int_equal(reef_system_stats(reef_schedule_system(nest.inner, 0)).last_ns,
                     100);
    reef_schedule_destroy(nest.inner);
}

/* Timing ----------------------------------------------------------------------- */

static void run_timed(reef_run_t *run)
{
    fixture_t *f = reef_run_context(run);

    f->now_ns += (uint64_t)strlen(f->trace);
    trace(f, "");
}

static void test_schedule_system_that_never_ran_has_no_stats(void **state)
{
    fixture_t *f = *state;
    reef_system_stats_t stats;

    ADD(f, .name = "timed", .run = run_timed);
    stats = reef_system_stats(reef_schedule_system(f->schedule, 0));

    assert_int_equal(stats.count, 0);
    assert_int_equal(stats.max_ns, 0);
}

static void test_schedule_times_every_run(void **state)
{
    fixture_t *f = *state;
    reef_system_stats_t stats;

    ADD(f, .name = "timed", .run = run_timed);
    for (int i = 0; i < 101; i++) { /* takes 0, 1, … 100 ns */
        reef_schedule_run(f->schedule);
    }
    stats = reef_system_stats(reef_schedule_system(f->schedule, 0));

    assert_int_equal(stats.count, 101);
    assert_int_equal(stats.last_ns, 100);
    assert_int_equal(stats.mean_ns, 50);
    assert_int_equal(stats.p50_ns, 50);
    assert_int_equal(stats.p99_ns, 99);
    assert_int_equal(stats.max_ns, 100);
}

static void test_schedule_percentile_is_a_duration_that_occurred(void **state)
{
    fixture_t *f = *state;
    reef_system_stats_t stats;

    ADD(f, .name = "timed", .run = run_timed);
    reef_schedule_run(f->schedule);
    reef_schedule_run(f->schedule);
    stats = reef_system_stats(reef_schedule_system(f->schedule, 0));

    assert_int_equal(stats.p50_ns, 0);
    assert_int_equal(stats.p99_ns, 1);
}

static void run_first_slow(reef_run_t *run)
{
    fixture_t *f = reef_run_context(run);

    f->now_ns += f->now_ns == 0 ? 1000 : 1;
}

static void test_schedule_percentiles_forget_old_runs_but_max_does_not(void **state)
{
    fixture_t *f = *state;
    reef_system_stats_t stats;

    ADD(f, .name = "slow", .run = run_first_slow);
    for (int i = 0; i < REEF_SYSTEM_RING + 1; i++) {
        reef_schedule_run(f->schedule);
    }
    stats = reef_system_stats(reef_schedule_system(f->schedule, 0));

    assert_int_equal(stats.max_ns, 1000);
    assert_int_equal(stats.p99_ns, 1);
    assert_int_equal(stats.mean_ns, (1000 + REEF_SYSTEM_RING) / (REEF_SYSTEM_RING + 1));
}

static void test_schedule_destroy_accepts_null(void **state)
{
    (void)state;
    reef_schedule_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_schedule_runs_as_added),
        TEST(test_schedule_moves_only_what_before_and_after_demand),
        TEST(test_schedule_ignores_names_it_does_not_know),
        TEST(test_schedule_counts_an_order_that_is_given_twice_once),
        TEST(test_schedule_refuses_a_cycle_and_names_its_systems),
        TEST(test_schedule_refuses_a_system_after_itself),
        TEST(test_schedule_refuses_a_name_twice),
        TEST(test_schedule_takes_systems_between_runs),
        TEST(test_schedule_lists_systems_in_order_of_running),
        TEST(test_schedule_without_systems_runs),
        TEST(test_schedule_disabled_system_misses_its_events),
        TEST(test_schedule_run_if_decides_each_run),
        TEST(test_schedule_emits_no_more_than_the_bound),
        TEST(test_schedule_not_yet_due_holds_its_events),
        TEST(test_schedule_orders_all_systems_of_a_set),
        TEST(test_schedule_asks_a_set_once_for_all_its_systems),
        TEST(test_schedule_refuses_a_set_with_a_name_that_is_taken),
        TEST(test_schedule_applies_commands_before_the_next_system),
        TEST(test_schedule_gives_every_run_a_version_of_its_own),
        TEST(test_schedule_runs_inside_an_exclusive_system),
        TEST(test_schedule_system_that_never_ran_has_no_stats),
        TEST(test_schedule_times_every_run),
        TEST(test_schedule_percentile_is_a_duration_that_occurred),
        TEST(test_schedule_percentiles_forget_old_runs_but_max_does_not),
        TEST(test_schedule_destroy_accepts_null),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
