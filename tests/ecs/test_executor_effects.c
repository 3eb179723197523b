/*
 * What systems that share a stage leave behind, and the life of the threads.
 */
#include <reef/schedule.h>
#include <reef/table.h>

#include "aborts.h"

#include <poll.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

REEF_COMPONENT(cell, 0, REEF_U32(value), REEF_ARRAY(padding, U8, 252));
REEF_COMPONENT(born, 0, REEF_U32(parent));
REEF_COMPONENT(rules, 0, REEF_U32(limit));

typedef struct note {
    uint32_t value;
} note_t;
REEF_EVENT(note);

enum {
    CELLS = 4000,
    WORKERS = 4
};

typedef struct fixture {
    reef_world_t *world;
    reef_schedule_t *schedule;
    atomic_uint calls;
    atomic_uint rows;
    uint32_t seen, last; /* by one reader */
    bool sorted;
} fixture_t;

static fixture_t *of(reef_run_t *run)
{
    return reef_run_context(run);
}

static void fill(reef_world_t *world)
{
    for (uint32_t i = 0; i < CELLS; i++) {
        REEF_ADD(world, reef_world_spawn(world, REEF_RANGE_WORLD), cell, .value = i);
    }
}

static void begin(fixture_t *fixture, uint32_t workers)
{
    *fixture = (fixture_t){.sorted = true};
    fixture->world = reef_world_create(&(reef_world_desc_t){.workers = workers});
    fixture->schedule = reef_schedule_create(fixture->world, "update");
    fill(fixture->world);
}

static void end(fixture_t *fixture)
{
    reef_schedule_destroy(fixture->schedule);
    reef_world_destroy(fixture->world);
}

static int setup(void **state)
{
    static fixture_t fixture;

    begin(&fixture, WORKERS);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    end(*state);
    return 0;
}

static void add(fixture_t *fixture, reef_system_desc_t desc)
{
    desc.context = desc.context == NULL ? fixture : desc.context;
    assert_int_equal(reef_schedule_add(fixture->schedule, &desc), REEF_OK);
}

#define ADD(fixture, ...) add((fixture), (reef_system_desc_t){__VA_ARGS__})

/* Systems -------------------------------------------------------------------------- */

static void count_cells(reef_run_t *run)
{
    reef_query_iter_t it = reef_run_query(run);

    atomic_fetch_add(&of(run)->calls, 1);
    while (reef_query_next(&it)) {
        cell_t *cell = reef_query_column_mut(&it, 0);

        atomic_fetch_add(&of(run)->rows, it.count);
        for (uint32_t i = 0; i < it.count; i++) {
            cell[i].value++;
        }
    }
}

/* A cell in ten has a child. */
static void breed(reef_run_t *run)
{
    reef_query_iter_t it = reef_run_query(run);

    while (reef_query_next(&it)) {
        const cell_t *cell = reef_query_column(&it, 0);

        for (uint32_t i = 0; i < it.count; i++) {
            if (cell[i].value % 10 == 0) {
                reef_commands_t *commands = reef_run_commands(run);
                reef_entity_t child = reef_commands_spawn(commands, REEF_RANGE_WORLD);

                reef_commands_add(commands, child, &born_type,
                                  &(born_t){.parent = cell[i].value});
            }
        }
    }
}

static void count_born(reef_run_t *run)
{
    reef_query_iter_t it = reef_run_query(run);

    of(run)->seen = 0;
    while (reef_query_next(&it)) {
        of(run)->seen += it.count;
    }
}

static void emit_cells(reef_run_t *run)
{
    reef_query_iter_t it = reef_run_query(run);

    while (reef_query_next(&it)) {
        const cell_t *cell = reef_query_column(&it, 0);

        for (uint32_t i = 0; i < it.count; i++) {
            (void)REEF_EMIT(run, note, .value = cell[i].value);
        }
    }
}

static void read_notes(reef_run_t *run)
{
    fixture_t *f = of(run);
    const note_t *note;

    while ((note = REEF_NEXT(run, note)) != NULL) {
        f->sorted &= f->seen == 0 || note->value == f->last + 1;
        f->last = note->value;
        f->seen++;
    }
}

static void idle(reef_run_t *run)
{
    (void)run;
}

/* Parallel ------------------------------------------------------------------------- */

static void test_executor_parallel_system_covers_each_row_once(void **state)
{
    fixture_t *f = *state;

    ADD(f, .name = "count", .run = count_cells, .query = {REEF_WRITE(cell)},
        .parallel = true);
    for (uint32_t i = 1; i <= 20; i++) {
        reef_schedule_run(f->schedule);
        assert_int_equal(atomic_load(&f->rows), i * CELLS);
    }
    assert_true(atomic_load(&f->calls) > 20); /* it was cut */
    for (reef_entity_t e = 0;
         (e = reef_world_next_entity(f->world, reef_entity_index(e))) != 0;) {
        assert_int_equal(REEF_FIND(f->world, e, cell)->value,
                         reef_entity_index(e) - 1 + 20);
    }
}

/* Who has which parent, after three generations with some deaths between. */
static void breed_worlds(uint32_t workers, reef_entity_t *ids, uint64_t *hash)
{
    fixture_t f;

    begin(&f, workers);
    ADD(&f, .name = "breed", .run = breed, .query = {REEF_READ(cell)}, .parallel = true,
        .commands = true);
    ADD(&f, .name = "breed_too", .run = breed, .query = {REEF_READ(cell)},
        .parallel = true, .commands = true);
    for (uint32_t i = 0; i < 3; i++) {
        reef_schedule_run(f.schedule);
        for (uint32_t k = 0; k < 100; k++) {
            reef_world_despawn(f.world, reef_world_next_entity(f.world, k * 30 + i));
        }
    }
    *ids = 0;
    for (reef_entity_t e = 0;
         (e = reef_world_next_entity(f.world, reef_entity_index(e))) != 0;) {
        *ids = (*ids ^ e) * UINT64_C(0x100000001b3);
    }
    *hash = reef_world_state_hash(f.world);
    end(&f);
}

static void test_executor_parallel_spawns_get_the_same_ids(void **state)
{
    reef_entity_t ids[3];
    uint64_t hashes[3];

    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        breed_worlds(1u << i, &ids[i], &hashes[i]);
    }
    assert_int_equal(ids[0], ids[1]);
    assert_int_equal(ids[0], ids[2]);
    assert_int_equal(hashes[0], hashes[1]);
    assert_int_equal(hashes[0], hashes[2]);
}

/* Ids that were given out and not used go back: none leaks. */
static void test_executor_parallel_spawns_leave_no_holes(void **state)
{
    fixture_t *f = *state;
    reef_slots_t slots;
    uint32_t alive = 0;

    ADD(f, .name = "breed", .run = breed, .query = {REEF_READ(cell)}, .parallel = true,
        .commands = true);
    for (uint32_t i = 0; i < 5; i++) {
        reef_schedule_run(f->schedule);
    }
    reef_world_export_slots(f->world, &slots);
    for (uint32_t i = 0; i < slots.slot_count; i++) {
        alive += slots.generations[i] & 1;
    }
    assert_int_equal(alive, reef_world_entity_count(f->world));
    assert_int_equal(alive + slots.free_count + 1, slots.slot_count);
    reef_slots_finish(&slots);
}

static void test_executor_parallel_events_keep_the_order_of_rows(void **state)
{
    fixture_t *f = *state;

    ADD(f, .name = "emit", .run = emit_cells, .query = {REEF_READ(cell)},
        .parallel = true, .emits = {&note_event});
    ADD(f, .name = "read", .run = read_notes, .reads = {&note_event});
    reef_schedule_run(f->schedule);

    assert_int_equal(f->seen, CELLS);
    assert_true(f->sorted);
}

/* Effects at the end of a stage ---------------------------------------------------- */

static void test_executor_after_sees_commands_without_a_conflict(void **state)
{
    fixture_t *f = *state;

    ADD(f, .name = "count", .run = count_born, .query = {REEF_READ(born)},
        .after = {"breed"});
    ADD(f, .name = "breed", .run = breed, .query = {REEF_READ(cell)}, .commands = true);
    reef_schedule_run(f->schedule);

    assert_int_equal(f->seen, CELLS / 10);
}

static void count_born_parts(reef_run_t *run)
{
    reef_query_iter_t it = reef_run_query(run);

    while (reef_query_next(&it)) {
        atomic_fetch_add(&of(run)->rows, it.count);
    }
}

static void test_executor_parallel_after_parallel_sees_its_commands(void **state)
{
    fixture_t *f = *state;

    ADD(f, .name = "breed", .run = breed, .query = {REEF_READ(cell)}, .commands = true,
        .parallel = true);
    ADD(f, .name = "count", .run = count_born_parts, .query = {REEF_READ(born)},
        .after = {"breed"}, .parallel = true);
    reef_schedule_run(f->schedule);

    assert_int_equal(atomic_load(&f->rows), CELLS / 10);
}

static void test_executor_reader_added_later_sees_events_at_once(void **state)
{
    fixture_t *f = *state;

    ADD(f, .name = "emit", .run = emit_cells, .query = {REEF_READ(cell)},
        .emits = {&note_event});
    ADD(f, .name = "read", .run = read_notes, .reads = {&note_event},
        .context = &(fixture_t){0});
    assert_int_equal(reef_schedule_build(f->schedule, NULL), REEF_OK);
    assert_int_equal(reef_system_stage(reef_schedule_system(f->schedule, 0)), 0);
    assert_int_equal(reef_system_stage(reef_schedule_system(f->schedule, 1)), 1);
}

static void test_executor_systems_without_conflict_share_a_stage(void **state)
{
    fixture_t *f = *state;
    int contexts[2];

    ADD(f, .name = "a", .run = idle, .query = {REEF_WRITE(cell)},
        .context = &contexts[0]);
    ADD(f, .name = "b", .run = idle, .query = {REEF_WRITE(born)},
        .context = &contexts[1]);
    assert_int_equal(reef_schedule_build(f->schedule, NULL), REEF_OK);
    assert_int_equal(reef_system_stage(reef_schedule_system(f->schedule, 1)), 0);
}

/* Versions: what a system writes is younger than what was remembered before it ------
 */

static void write_column(reef_run_t *run)
{
    reef_query_iter_t it = reef_run_query(run);

    while (reef_query_next(&it)) {
        (void)reef_query_column_mut(&it, 0);
    }
}

static void write_values(reef_run_t *run)
{
    reef_query_iter_t it = reef_run_query(run);

    while (reef_query_next(&it)) {
        for (uint32_t i = 0; i < it.count; i += 500) {
            (void)reef_query_value_mut(&it, 0, i);
        }
    }
}

static void write_ids(reef_run_t *run)
{
    for (uint32_t i = 1; i < CELLS; i += 500) {
        (void)reef_run_find_mut(run, UINT64_C(1) << 32 | i, &cell_type);
    }
}

/* Every chunk of the cells was written since. */
static void check_written(const fixture_t *f, uint64_t since)
{
    for (uint32_t i = 0; i < reef_world_table_count(f->world); i++) {
        const reef_table_t *table = reef_world_table(f->world, i);
        uint32_t count;

        (void)reef_table_components(table, &count);
        for (uint32_t c = 0; count == 1 && c < reef_table_chunk_count(table); c++) {
            uint64_t version;

            (void)reef_table_column(table, c, 0, &version);
            assert_true(version >= since);
            assert_true(version <= reef_world_version(f->world));
        }
    }
}

static void check_writer(reef_system_desc_t desc)
{
    fixture_t f;
    uint64_t since;

    begin(&f, WORKERS);
    desc.name = "writer";
    add(&f, desc);
    for (uint32_t i = 0; i < 3; i++) {
        since = reef_world_advance_version(f.world);
        reef_schedule_run(f.schedule);
        check_written(&f, since);
    }
    end(&f);
}

#define CHECK_WRITER(...) check_writer((reef_system_desc_t){__VA_ARGS__})

static void test_executor_writes_carry_the_version_of_their_run(void **state)
{
    (void)state;
    CHECK_WRITER(.run = write_column, .query = {REEF_WRITE(cell)});
    CHECK_WRITER(.run = write_column, .query = {REEF_WRITE(cell)}, .parallel = true);
    CHECK_WRITER(.run = write_column, .query = {REEF_WRITE(cell)}, .exclusive = true);
    CHECK_WRITER(.run = write_values, .query = {REEF_WRITE(cell)});
    CHECK_WRITER(.run = write_values, .query = {REEF_WRITE(cell)}, .parallel = true);
    CHECK_WRITER(.run = write_ids, .access = {REEF_WRITE(cell)});
    CHECK_WRITER(.run = write_ids, .exclusive = true);
}

/* Ambiguities ---------------------------------------------------------------------- */

static void add_ambiguous(fixture_t *f, int *contexts)
{
    ADD(f, .name = "a", .run = idle, .query = {REEF_WRITE(cell)},
        .context = &contexts[0]);
    ADD(f, .name = "b", .run = idle, .query = {REEF_READ(cell)},
        .context = &contexts[1]);
    ADD(f, .name = "c", .run = idle, .resources = {REEF_WRITE(rules)},
        .context = &contexts[2]);
    ADD(f, .name = "d", .run = idle, .resources = {REEF_READ(rules)}, .after = {"c"},
        .context = &contexts[3]);
    ADD(f, .name = "e", .run = idle, .emits = {&note_event}, .context = &contexts[4]);
    ADD(f, .name = "f", .run = idle, .reads = {&note_event}, .context = &contexts[4]);
}

static void test_executor_reports_conflicts_without_an_order(void **state)
{
    fixture_t *f = *state;
    reef_ambiguity_t found[4];
    int contexts[5];

    add_ambiguous(f, contexts);
    assert_int_equal(reef_schedule_build(f->schedule, NULL), REEF_OK);
    assert_int_equal(reef_schedule_ambiguities(f->schedule, found, 4), 2);
    assert_string_equal(reef_system_desc(found[0].first)->name, "a");
    assert_string_equal(reef_system_desc(found[0].second)->name, "b");
    assert_string_equal(found[0].what, "cell");
    assert_string_equal(reef_system_desc(found[1].first)->name, "e");
    assert_string_equal(reef_system_desc(found[1].second)->name, "f");
    assert_int_equal(reef_schedule_ambiguities(f->schedule, found, 0), 2);
}

static void test_executor_strict_schedule_refuses_ambiguities(void **state)
{
    fixture_t *f = *state;
    reef_failure_t failure;
    int contexts[5];

    add_ambiguous(f, contexts);
    reef_schedule_set_strict(f->schedule, true);
    assert_int_equal(reef_schedule_build(f->schedule, &failure), REEF_E_INVALID);
    assert_non_null(strstr(failure.text, "'a'"));
    assert_non_null(strstr(failure.text, "'b'"));
    assert_non_null(strstr(failure.text, "cell"));
    reef_schedule_set_strict(f->schedule, false);
    assert_int_equal(reef_schedule_build(f->schedule, &failure), REEF_OK);
}

/* Undeclared, on any thread -------------------------------------------------------- */

static void touch_rules(reef_run_t *run)
{
    (void)reef_run_resource(run, &rules_type);
}

static void write_by_id(reef_run_t *run)
{
    (void)reef_run_find_mut(run, 1, &cell_type);
}

/* The two systems, with workers. */
static void run_beside_good(void *context)
{
    static fixture_t f;
    static int other;
    const reef_system_fn *run = context;

    begin(&f, WORKERS);
    ADD(&f, .name = "good", .run = idle, .query = {REEF_READ(cell)}, .parallel = true,
        .context = &other);
    ADD(&f, .name = "bad", .run = *run, .access = {REEF_READ(cell)});
    reef_schedule_run(f.schedule);
}

static void test_executor_undeclared_access_stops_with_both_names(void **state)
{
    (void)state;
    assert_aborts(run_beside_good, &(reef_system_fn){touch_rules},
                  "system 'bad' of schedule 'update' touches 'rules', which it did not "
                  "declare");
    assert_aborts(run_beside_good, &(reef_system_fn){write_by_id},
                  "system 'bad' of schedule 'update' writes 'cell', which it declared "
                  "only to read");
}

/* Schedules in systems, and systems that do not run -------------------------------- */

static void run_inner(reef_run_t *run)
{
    reef_schedule_run(reef_run_context(run));
}

static void test_executor_runs_a_schedule_inside_an_exclusive_system(void **state)
{
    fixture_t *f = *state;
    reef_schedule_t *inner = reef_schedule_create(f->world, "fixed_update");
    reef_system_desc_t count = {.name = "count",
                                .run = count_cells,
                                .context = f,
                                .query = {REEF_WRITE(cell)},
                                .parallel = true};

    assert_int_equal(reef_schedule_add(inner, &count), REEF_OK);
    ADD(f, .name = "before", .run = count_cells, .query = {REEF_WRITE(cell)},
        .parallel = true);
    ADD(f, .name = "inner", .run = run_inner, .context = inner, .exclusive = true);
    ADD(f, .name = "after", .run = count_cells, .query = {REEF_WRITE(cell)},
        .parallel = true);
    for (uint32_t i = 1; i <= 5; i++) {
        reef_schedule_run(f->schedule);
        assert_int_equal(atomic_load(&f->rows), i * 3 * CELLS);
    }
    reef_schedule_destroy(inner);
}

static void test_executor_leaves_out_a_disabled_parallel_system(void **state)
{
    fixture_t *f = *state;

    ADD(f, .name = "a", .run = count_cells, .query = {REEF_WRITE(cell)},
        .parallel = true);
    ADD(f, .name = "b", .run = count_cells, .query = {REEF_WRITE(cell)},
        .parallel = true);
    reef_schedule_run(f->schedule);
    reef_system_set_enabled(reef_schedule_system(f->schedule, 0), false);
    reef_schedule_run(f->schedule);

    assert_int_equal(atomic_load(&f->rows), 3 * CELLS);
    assert_int_equal(reef_system_stats(reef_schedule_system(f->schedule, 0)).count, 1);
    assert_int_equal(reef_system_stats(reef_schedule_system(f->schedule, 1)).count, 2);
}

/* Threads -------------------------------------------------------------------------- */

static void test_executor_worlds_may_end_at_once(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 100; i++) {
        reef_world_destroy(
            reef_world_create(&(reef_world_desc_t){.workers = 2 + i % 7}));
    }
}

static void test_executor_worlds_may_end_after_one_run(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 20; i++) {
        fixture_t f;

        begin(&f, WORKERS);
        ADD(&f, .name = "count", .run = count_cells, .query = {REEF_WRITE(cell)},
            .parallel = true);
        reef_schedule_run(f.schedule);
        assert_int_equal(atomic_load(&f.rows), CELLS);
        end(&f);
    }
}

/* Time of all threads over a pause, in which they have nothing to do. */
static void test_executor_idle_workers_take_no_time(void **state)
{
    fixture_t *f = *state;
    const int pause_ms = 50;
    clock_t before, spent;

    ADD(f, .name = "count", .run = count_cells, .query = {REEF_WRITE(cell)},
        .parallel = true);
    reef_schedule_run(f->schedule);
    before = clock();
    (void)poll(NULL, 0, pause_ms);
    spent = clock() - before;

    assert_true(spent < pause_ms * (CLOCKS_PER_SEC / 1000) / 2);
}

typedef struct guest {
    atomic_uint *present; /* shared */
    bool met;
} guest_t;

/* Waits, for seconds at most, until the other one is there too. */
static void meet(reef_run_t *run)
{
    guest_t *guest = reef_run_context(run);
    time_t end = time(NULL) + 10;

    atomic_fetch_add(guest->present, 1);
    while (atomic_load(guest->present) < 2 && time(NULL) < end) {
        (void)sched_yield();
    }
    guest->met = atomic_load(guest->present) == 2;
}

/* After a pause in which they may have fallen asleep. */
static void test_executor_sleeping_workers_are_woken(void **state)
{
    fixture_t *f = *state;
    atomic_uint present;
    guest_t guests[2] = {{.present = &present}, {.present = &present}};

    ADD(f, .name = "a", .run = meet, .query = {REEF_READ(cell)}, .context = &guests[0]);
    ADD(f, .name = "b", .run = meet, .query = {REEF_READ(cell)}, .context = &guests[1]);
    for (uint32_t i = 0; i < 5; i++) {
        atomic_store(&present, 0);
        (void)poll(NULL, 0, 10);
        reef_schedule_run(f->schedule);
        assert_true(guests[0].met && guests[1].met);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_executor_parallel_system_covers_each_row_once),
        TEST(test_executor_parallel_spawns_get_the_same_ids),
        TEST(test_executor_parallel_spawns_leave_no_holes),
        TEST(test_executor_parallel_events_keep_the_order_of_rows),
        TEST(test_executor_after_sees_commands_without_a_conflict),
        TEST(test_executor_parallel_after_parallel_sees_its_commands),
        TEST(test_executor_reader_added_later_sees_events_at_once),
        TEST(test_executor_systems_without_conflict_share_a_stage),
        TEST(test_executor_writes_carry_the_version_of_their_run),
        TEST(test_executor_reports_conflicts_without_an_order),
        TEST(test_executor_strict_schedule_refuses_ambiguities),
        /* No threads are there yet when it forks: the thread sanitizer wants that. */
        cmocka_unit_test(test_executor_undeclared_access_stops_with_both_names),
        TEST(test_executor_runs_a_schedule_inside_an_exclusive_system),
        TEST(test_executor_leaves_out_a_disabled_parallel_system),
        TEST(test_executor_worlds_may_end_at_once),
        TEST(test_executor_worlds_may_end_after_one_run),
        TEST(test_executor_sleeping_workers_are_woken),
        TEST(test_executor_idle_workers_take_no_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
