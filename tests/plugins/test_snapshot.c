/* The plugin in an app: starts, stops, the service, the interval, faults. */
#include "test.h"

#include <reef/app.h>
#include <reef/components.h>
#include <reef/database.h>
#include <reef/snapshot.h>
#include <reef/snapshot_service.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECOND UINT64_C(1000000000)

typedef struct fixture {
    char folder[128];
    char path[160];
    reef_app_t *app; /* NULL while stopped */
    uint64_t now_ns;
    reef_failure_t failure;
} fixture_t;

/* Apps ------------------------------------------------------------------------- */

/* A program of which positions are known. */
static reef_error_t
build_mover(reef_app_t *app, const void *config, void **state, reef_failure_t *failure)
{
    (void)config;
    (void)state;
    (void)failure;
    reef_world_component(reef_app_world(app), &position_2d_type);
    return REEF_OK;
}

static const reef_plugin_t mover_plugin = {
    .api = REEF_PLUGIN_API, .name = "mover", .build = build_mover};

static reef_error_t ready_never(reef_app_t *app, void *state, reef_failure_t *failure)
{
    (void)app;
    (void)state;
    return reef_fail(failure, REEF_E_IO, "never ready");
}

static const reef_plugin_t never_plugin = {.api = REEF_PLUGIN_API,
                                           .name = "never",
                                           .build = build_mover,
                                           .ready = ready_never};

static uint64_t read_clock(void *context)
{
    return ((const fixture_t *)context)->now_ns;
}

/* An app with these settings that was not given the snapshot plugin yet. */
static reef_app_t *make_app(fixture_t *fixture, const char *path, const char *setting)
{
    char assignment[200];
    const char *argv[] = {"test",          "--set", assignment, "--set",
                          "log.level=off", "--set", setting};
    reef_app_t *app = NULL;

    snprintf(assignment, sizeof(assignment), "snapshot.path=%s", path);
    assert_int_equal(reef_app_create(&(reef_app_desc_t){.argc = 7,
                                                        .argv = argv,
                                                        .ignore_environment = true,
                                                        .clock = read_clock,
                                                        .clock_context = fixture},
                                     &app, &fixture->failure),
                     REEF_OK);
    assert_int_equal(reef_app_add_plugin(app, &mover_plugin, NULL, &fixture->failure),
                     REEF_OK);
    return app;
}

static reef_error_t
start(fixture_t *fixture, const char *setting, const reef_plugin_t *last)
{
    fixture->app = make_app(fixture, fixture->path, setting);
    assert_int_equal(reef_app_add_plugin(fixture->app, &reef_snapshot_plugin, NULL,
                                         &fixture->failure),
                     REEF_OK);
    if (last != NULL) {
        assert_int_equal(
            reef_app_add_plugin(fixture->app, last, NULL, &fixture->failure), REEF_OK);
    }
    return reef_app_start(fixture->app, &fixture->failure);
}

static void start_well(fixture_t *fixture)
{
    assert_int_equal(start(fixture, "snapshot.interval_s=0", NULL), REEF_OK);
}

static void stop(fixture_t *fixture)
{
    reef_app_destroy(fixture->app);
    fixture->app = NULL;
}

static int setup(void **context)
{
    fixture_t *fixture = calloc(1, sizeof(*fixture));
    const char *base = getenv("TMPDIR");

    assert_non_null(fixture);
    fixture->now_ns = SECOND;
    snprintf(fixture->folder, sizeof(fixture->folder), "%s/reef-test-XXXXXX",
             base != NULL ? base : "/tmp");
    assert_non_null(mkdtemp(fixture->folder));
    snprintf(fixture->path, sizeof(fixture->path), "%s/world.db", fixture->folder);
    *context = fixture;
    return 0;
}

static int teardown(void **context)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    fixture_t *fixture = *context;

    reef_app_destroy(fixture->app);
    for (int i = 0; i < 3; i++) {
        char path[176];

        snprintf(path, sizeof(path), "%s%s", fixture->path, suffixes[i]);
        unlink(path);
    }
    assert_int_equal(rmdir(fixture->folder), 0);
    free(fixture);
    return 0;
}

/* Run SQL as another program would. */
static void run_sql(fixture_t *fixture, const char *sql)
{
    reef_database_t *database = NULL;

    assert_int_equal(
        reef_database_open(fixture->path, false, &database, &fixture->failure),
        REEF_OK);
    assert_int_equal(reef_database_run(database, sql, &fixture->failure), REEF_OK);
    reef_database_close(database);
}

static reef_entity_t spawn_at(fixture_t *fixture, float x)
{
    reef_world_t *world = reef_app_world(fixture->app);
    reef_entity_t entity = reef_world_spawn(world, REEF_RANGE_WORLD);

    REEF_ADD(world, entity, position_2d, .x = x);
    return entity;
}

static bool is_at(fixture_t *fixture, reef_entity_t entity, float x)
{
    const position_2d_t *position =
        REEF_FIND(reef_app_world(fixture->app), entity, position_2d);

    return position != NULL && position->x == x;
}

/* The service, from a thread of its own ---------------------------------------- */

typedef struct job {
    const reef_snapshot_service_t *service;
    reef_error_t (*run)(struct job *job);
    int64_t id;
    bool dry_run;
    reef_snapshot_info_t infos[8];
    size_t count;
    uint64_t total;
    reef_snapshot_restored_t restored;
    reef_failure_t failure;
    reef_error_t error;
    atomic_bool done;
} job_t;

static void *run_job(void *context)
{
    job_t *job = context;

    job->error = job->run(job);
    atomic_store(&job->done, true);
    return NULL;
}

/* Frames run until the job is done. */
static reef_error_t do_job(fixture_t *fixture, job_t *job)
{
    pthread_t thread;

    job->service = reef_app_service(fixture->app, REEF_SNAPSHOT_SERVICE);
    assert_non_null(job->service);
    assert_int_equal(pthread_create(&thread, NULL, run_job, job), 0);
    while (!atomic_load(&job->done)) {
        reef_app_step(fixture->app, 0);
    }
    pthread_join(thread, NULL);
    return job->error;
}

static reef_error_t run_take(job_t *job)
{
    const reef_snapshot_service_t *service = job->service;
    reef_error_t error = service->take(service->self, &job->id, &job->failure);

    if (error != REEF_OK) {
        return error;
    }
    return service->wait(service->self, job->id, 10000, job->infos, &job->failure);
}

static reef_error_t run_take_only(job_t *job)
{
    return job->service->take(job->service->self, &job->id, &job->failure);
}

static reef_error_t run_wait(job_t *job)
{
    return job->service->wait(job->service->self, job->id, 10000, job->infos,
                              &job->failure);
}

static reef_error_t run_list(job_t *job)
{
    job->count = 8;
    return job->service->list(job->service->self, job->id, job->infos, &job->count,
                              &job->total, &job->failure);
}

static reef_error_t run_restore(job_t *job)
{
    return job->service->restore(job->service->self, job->id, job->dry_run,
                                 &job->restored, &job->failure);
}

static reef_snapshot_info_t take(fixture_t *fixture)
{
    job_t job = {.run = run_take};

    assert_int_equal(do_job(fixture, &job), REEF_OK);
    return job.infos[0];
}

static void list(fixture_t *fixture, job_t *job)
{
    job->run = run_list;
    assert_int_equal(do_job(fixture, job), REEF_OK);
}

/* Starting and stopping -------------------------------------------------------- */

static void test_snapshot_world_survives_a_restart(void **context)
{
    fixture_t *fixture = *context;
    reef_entity_t entity, gone;
    uint64_t hash;

    start_well(fixture);
    entity = spawn_at(fixture, 4);
    gone = spawn_at(fixture, 5);
    reef_world_despawn(reef_app_world(fixture->app), gone);
    reef_app_tick_n(fixture->app, 10);
    hash = reef_world_persistent_hash(reef_app_world(fixture->app));
    stop(fixture);
    start_well(fixture);
    assert_true(hash == reef_world_persistent_hash(reef_app_world(fixture->app)));
    assert_true(is_at(fixture, entity, 4));
    assert_false(reef_world_is_alive(reef_app_world(fixture->app), gone));
    reef_app_tick_n(fixture->app, 1);
    assert_int_equal(REEF_RESOURCE(reef_app_world(fixture->app), simulation_time)->tick,
                     11);
}

static void test_snapshot_restore_false_starts_empty(void **context)
{
    fixture_t *fixture = *context;
    reef_entity_t entity;

    start_well(fixture);
    entity = spawn_at(fixture, 4);
    stop(fixture);
    assert_int_equal(start(fixture, "snapshot.restore=false", NULL), REEF_OK);
    assert_false(reef_world_is_alive(reef_app_world(fixture->app), entity));
}

static void test_snapshot_start_that_failed_stores_nothing(void **context)
{
    fixture_t *fixture = *context;
    job_t job = {0};

    assert_int_equal(start(fixture, "snapshot.interval_s=0", &never_plugin), REEF_E_IO);
    stop(fixture);
    start_well(fixture);
    list(fixture, &job);
    assert_int_equal(job.total, 0);
}

static void test_snapshot_damaged_newest_gives_the_one_before(void **context)
{
    fixture_t *fixture = *context;
    reef_entity_t entity;

    start_well(fixture);
    entity = spawn_at(fixture, 1);
    (void)take(fixture);
    REEF_FIND_MUT(reef_app_world(fixture->app), entity, position_2d)->x = 2;
    stop(fixture);
    run_sql(fixture, "UPDATE chunk SET data = x'00' WHERE hash IN "
                     "(SELECT hash FROM snapshot_chunk WHERE snapshot_id = 2 AND "
                     "kind = 'rows')");
    start_well(fixture);
    assert_true(is_at(fixture, entity, 1));
}

static void test_snapshot_refuses_to_start_when_all_are_damaged(void **context)
{
    fixture_t *fixture = *context;

    start_well(fixture);
    stop(fixture);
    run_sql(fixture, "UPDATE chunk SET data = x'00'");
    assert_int_equal(start(fixture, "snapshot.interval_s=0", NULL), REEF_E_CORRUPT);
    assert_non_null(strstr(fixture->failure.text, fixture->path));
    assert_non_null(strstr(fixture->failure.text, "no snapshot can be read"));
}

static void test_snapshot_refuses_a_newer_database(void **context)
{
    fixture_t *fixture = *context;

    start_well(fixture);
    stop(fixture);
    run_sql(fixture, "PRAGMA user_version = 9999");
    assert_int_equal(start(fixture, "snapshot.interval_s=0", NULL), REEF_E_TOO_NEW);
}

static void test_snapshot_refuses_a_folder_that_is_not_there(void **context)
{
    fixture_t *fixture = *context;
    char path[160];

    memcpy(path, fixture->path, sizeof(path));
    snprintf(fixture->path, sizeof(fixture->path), "%.120s/none/world.db",
             fixture->folder);
    assert_int_equal(start(fixture, "snapshot.interval_s=0", NULL), REEF_E_IO);
    assert_non_null(strstr(fixture->failure.text, fixture->path));
    memcpy(fixture->path, path, sizeof(path));
}

static void test_snapshot_refuses_a_file_that_another_server_uses(void **context)
{
    fixture_t *fixture = *context;
    reef_app_t *first;
    reef_entity_t entity;
    char path[200];
    char expected[300];

    start_well(fixture);
    first = fixture->app;
    entity = spawn_at(fixture, 4);
    /* By another name. */
    memcpy(path, fixture->path, sizeof(fixture->path));
    snprintf(fixture->path, sizeof(fixture->path), "%.120s/./world.db",
             fixture->folder);
    assert_int_equal(start(fixture, "snapshot.interval_s=0", NULL), REEF_E_IO);
    stop(fixture);
    memcpy(fixture->path, path, sizeof(fixture->path));
    snprintf(expected, sizeof(expected),
             "snapshot.path: %s is in use by another process", path);
    assert_string_equal(fixture->failure.text, expected);
    reef_app_destroy(first);
    start_well(fixture);
    assert_true(is_at(fixture, entity, 4));
}

static void test_snapshot_refuses_a_path_that_is_no_file(void **context)
{
    static const char *const paths[] = {"", ":memory:", "file:world.db",
                                        "file::memory:?cache=shared"};
    fixture_t *fixture = *context;

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        fixture->app = make_app(fixture, paths[i], "snapshot.interval_s=0");
        assert_int_equal(reef_app_add_plugin(fixture->app, &reef_snapshot_plugin, NULL,
                                             &fixture->failure),
                         REEF_E_INVALID);
        assert_non_null(strstr(fixture->failure.text, "snapshot.path: '"));
        assert_non_null(strstr(fixture->failure.text, paths[i]));
        stop(fixture);
    }
}

/* The service ------------------------------------------------------------------ */

static void test_snapshot_take_stores_the_world_as_it_is(void **context)
{
    fixture_t *fixture = *context;
    reef_snapshot_info_t info;

    start_well(fixture);
    (void)spawn_at(fixture, 1);
    reef_app_tick_n(fixture->app, 3);
    info = take(fixture);
    assert_int_equal(info.state, REEF_SNAPSHOT_COMPLETE);
    assert_int_equal(info.tick, 3);
    assert_int_equal(info.entities, 1);
    assert_string_equal(info.reason, "demand");
    assert_true(info.bytes > 0);
    assert_true(info.created_at_ms > INT64_C(1600000000000));
}

static void test_snapshot_list_is_newest_first_and_pages(void **context)
{
    fixture_t *fixture = *context;
    job_t all = {0};
    job_t page = {.id = 3};

    start_well(fixture);
    for (int i = 0; i < 4; i++) {
        (void)take(fixture);
    }
    list(fixture, &all);
    assert_int_equal(all.count, 4);
    assert_int_equal(all.total, 4);
    assert_int_equal(all.infos[0].id, 4);
    assert_int_equal(all.infos[3].id, 1);
    list(fixture, &page);
    assert_int_equal(page.count, 2);
    assert_int_equal(page.total, 4);
    assert_int_equal(page.infos[0].id, 2);
}

static void test_snapshot_get_of_an_unknown_id_is_not_found(void **context)
{
    fixture_t *fixture = *context;
    job_t job = {.run = run_wait, .id = 77};
    job_t zero = {.run = run_wait, .id = 0};

    start_well(fixture);
    assert_int_equal(do_job(fixture, &job), REEF_E_NOT_FOUND);
    assert_int_equal(do_job(fixture, &zero), REEF_E_NOT_FOUND);
}

static void test_snapshot_restore_puts_the_world_back(void **context)
{
    fixture_t *fixture = *context;
    job_t restore = {.run = run_restore};
    job_t all = {0};
    reef_entity_t entity, later;

    start_well(fixture);
    entity = spawn_at(fixture, 1);
    reef_app_tick_n(fixture->app, 2);
    restore.id = take(fixture).id;
    later = spawn_at(fixture, 9);
    REEF_FIND_MUT(reef_app_world(fixture->app), entity, position_2d)->x = 2;
    reef_app_tick_n(fixture->app, 5);
    assert_int_equal(do_job(fixture, &restore), REEF_OK);
    assert_int_equal(restore.restored.applied_tick, 2);
    assert_int_equal(restore.restored.entities, 1);
    assert_true(is_at(fixture, entity, 1));
    assert_false(reef_world_is_alive(reef_app_world(fixture->app), later));
    assert_int_equal(REEF_RESOURCE(reef_app_world(fixture->app), simulation_time)->tick,
                     2);
    list(fixture, &all);
    assert_string_equal(all.infos[0].reason, "before_restore");
    assert_int_equal(all.infos[0].tick, 7);
    assert_int_equal(all.infos[0].entities, 2);
}

static void test_snapshot_restore_can_be_undone(void **context)
{
    fixture_t *fixture = *context;
    job_t restore = {.run = run_restore};
    job_t wait = {.run = run_wait, .id = 2};
    job_t undo = {.run = run_restore, .id = 2};
    uint64_t hash;

    start_well(fixture);
    (void)spawn_at(fixture, 1);
    restore.id = take(fixture).id;
    (void)spawn_at(fixture, 2);
    hash = reef_world_persistent_hash(reef_app_world(fixture->app));
    assert_int_equal(do_job(fixture, &restore), REEF_OK);
    assert_true(hash != reef_world_persistent_hash(reef_app_world(fixture->app)));
    assert_int_equal(do_job(fixture, &wait), REEF_OK);
    assert_int_equal(do_job(fixture, &undo), REEF_OK);
    assert_true(hash == reef_world_persistent_hash(reef_app_world(fixture->app)));
}

static void test_snapshot_dry_run_changes_nothing(void **context)
{
    fixture_t *fixture = *context;
    job_t restore = {.run = run_restore, .dry_run = true};
    job_t all = {0};
    reef_entity_t entity;

    start_well(fixture);
    entity = spawn_at(fixture, 1);
    restore.id = take(fixture).id;
    REEF_FIND_MUT(reef_app_world(fixture->app), entity, position_2d)->x = 2;
    assert_int_equal(do_job(fixture, &restore), REEF_OK);
    assert_int_equal(restore.restored.entities, 1);
    assert_true(is_at(fixture, entity, 2));
    list(fixture, &all);
    assert_int_equal(all.total, 1);
}

static void test_snapshot_restore_refuses_what_is_not_there(void **context)
{
    fixture_t *fixture = *context;
    job_t restore = {.run = run_restore, .id = 5};

    start_well(fixture);
    assert_int_equal(do_job(fixture, &restore), REEF_E_NOT_FOUND);
}

/* Time, faults ----------------------------------------------------------------- */

static void test_snapshot_is_taken_when_the_interval_is_over(void **context)
{
    fixture_t *fixture = *context;
    job_t wait = {.run = run_wait, .id = 1};
    job_t all = {0};

    assert_int_equal(start(fixture, "snapshot.interval_s=30", NULL), REEF_OK);
    reef_app_step(fixture->app, 1);
    fixture->now_ns += 29 * SECOND;
    reef_app_step(fixture->app, 1);
    list(fixture, &all);
    assert_int_equal(all.total, 0);
    fixture->now_ns += 2 * SECOND;
    reef_app_step(fixture->app, 1);
    assert_int_equal(do_job(fixture, &wait), REEF_OK);
    assert_string_equal(wait.infos[0].reason, "interval");
    assert_int_equal(wait.infos[0].state, REEF_SNAPSHOT_COMPLETE);
}

static double count_of(fixture_t *fixture, const char *labels)
{
    return reef_metric_value(reef_metrics_ensure(
        reef_app_metrics(fixture->app),
        &(reef_metric_desc_t){
            .name = "reef_snapshots_total", .help = "", .labels = labels}));
}

/* Keep the writer waiting until the database is closed. */
static reef_database_t *lock_database(fixture_t *fixture)
{
    reef_database_t *database = NULL;

    assert_int_equal(
        reef_database_open(fixture->path, false, &database, &fixture->failure),
        REEF_OK);
    assert_int_equal(reef_database_run(database, "BEGIN IMMEDIATE", &fixture->failure),
                     REEF_OK);
    return database;
}

static void test_snapshot_of_the_interval_is_skipped_while_writing(void **context)
{
    fixture_t *fixture = *context;
    reef_database_t *lock;
    job_t only = {.run = run_take_only};
    job_t wait = {.run = run_wait};
    job_t all = {0};

    assert_int_equal(start(fixture, "snapshot.interval_s=30", NULL), REEF_OK);
    reef_app_step(fixture->app, 1);
    lock = lock_database(fixture);
    assert_int_equal(do_job(fixture, &only), REEF_OK);
    fixture->now_ns += 31 * SECOND;
    reef_app_step(fixture->app, 1);
    assert_true(count_of(fixture, "result=\"skipped\"") == 1);
    reef_database_close(lock);
    wait.id = only.id;
    assert_int_equal(do_job(fixture, &wait), REEF_OK);
    assert_int_equal(wait.infos[0].state, REEF_SNAPSHOT_COMPLETE);
    list(fixture, &all);
    assert_int_equal(all.total, 1);
}

static void test_snapshot_take_is_refused_when_too_many_wait(void **context)
{
    enum {
        ROOM = 9
    }; /* one being written, eight behind it */
    fixture_t *fixture = *context;
    reef_database_t *lock;
    job_t all = {0};
    job_t wait = {.run = run_wait, .id = ROOM};
    job_t refused = {.run = run_take_only};

    start_well(fixture);
    lock = lock_database(fixture);
    for (int i = 0; i < ROOM; i++) {
        job_t job = {.run = run_take_only};

        assert_int_equal(do_job(fixture, &job), REEF_OK);
        assert_int_equal(job.id, i + 1);
    }
    assert_int_equal(do_job(fixture, &refused), REEF_E_LIMIT);
    list(fixture, &all);
    assert_int_equal(all.total, ROOM);
    assert_int_equal(all.infos[0].id, ROOM);
    assert_int_equal(all.infos[0].state, REEF_SNAPSHOT_WRITING);
    reef_database_close(lock);
    assert_int_equal(do_job(fixture, &wait), REEF_OK);
    assert_int_equal(wait.infos[0].state, REEF_SNAPSHOT_COMPLETE);
}

static void test_snapshot_write_error_fails_one_and_not_the_next(void **context)
{
    fixture_t *fixture = *context;
    reef_entity_t entity;

    start_well(fixture);
    (void)take(fixture);
    entity = spawn_at(fixture, 1);
    run_sql(fixture, "CREATE TRIGGER full BEFORE INSERT ON chunk "
                     "BEGIN SELECT RAISE(ABORT, 'no room'); END");
    assert_int_equal(take(fixture).state, REEF_SNAPSHOT_FAILED);
    run_sql(fixture, "DROP TRIGGER full");
    assert_int_equal(take(fixture).state, REEF_SNAPSHOT_COMPLETE);
    assert_true(count_of(fixture, "result=\"failed\"") == 1);
    assert_true(count_of(fixture, "result=\"complete\"") == 2);
    stop(fixture);
    start_well(fixture);
    assert_true(is_at(fixture, entity, 1));
}

static void test_snapshot_retention_keeps_the_newest(void **context)
{
    fixture_t *fixture = *context;
    job_t all = {0};

    assert_int_equal(start(fixture, "snapshot.keep=2", NULL), REEF_OK);
    for (int i = 0; i < 5; i++) {
        reef_app_step(fixture->app, 1);
        (void)take(fixture);
    }
    list(fixture, &all);
    assert_int_equal(all.total, 2);
    assert_int_equal(all.infos[1].id, 4);
}

/* The last one ----------------------------------------------------------------- */

static void stop_at_once(reef_run_t *run)
{
    reef_app_stop(reef_run_context(run));
}

/* A program that ends as soon as it runs. */
static reef_error_t
build_brief(reef_app_t *app, const void *config, void **state, reef_failure_t *failure)
{
    (void)config;
    (void)state;
    (void)failure;
    reef_app_add_system(app, REEF_STARTUP,
                        &(reef_system_desc_t){.name = "stop_at_once",
                                              .run = stop_at_once,
                                              .context = app});
    return REEF_OK;
}

static int exit_code_of_a_brief_program(fixture_t *fixture)
{
    static const reef_plugin_t brief_plugin = {
        .api = REEF_PLUGIN_API, .name = "brief", .build = build_brief};
    const reef_plugin_t *plugins[] = {&reef_snapshot_plugin, &brief_plugin, NULL};
    char name[] = "test";
    char path[200];
    char quiet[] = "--set=log.level=off";
    char *argv[] = {name, path, quiet, NULL};

    snprintf(path, sizeof(path), "--set=snapshot.path=%s", fixture->path);
    return reef_main(3, argv, plugins);
}

static void test_snapshot_that_fails_at_the_end_fails_the_program(void **context)
{
    fixture_t *fixture = *context;

    assert_int_equal(exit_code_of_a_brief_program(fixture), 0);
    run_sql(fixture, "CREATE TRIGGER full BEFORE INSERT ON snapshot "
                     "BEGIN SELECT RAISE(ABORT, 'no room'); END");
    assert_int_equal(exit_code_of_a_brief_program(fixture), 1);
    run_sql(fixture, "DROP TRIGGER full");
    assert_int_equal(exit_code_of_a_brief_program(fixture), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_snapshot_world_survives_a_restart),
        TEST(test_snapshot_restore_false_starts_empty),
        TEST(test_snapshot_start_that_failed_stores_nothing),
        TEST(test_snapshot_damaged_newest_gives_the_one_before),
        TEST(test_snapshot_refuses_to_start_when_all_are_damaged),
        TEST(test_snapshot_refuses_a_newer_database),
        TEST(test_snapshot_refuses_a_folder_that_is_not_there),
        TEST(test_snapshot_refuses_a_file_that_another_server_uses),
        TEST(test_snapshot_refuses_a_path_that_is_no_file),
        TEST(test_snapshot_take_stores_the_world_as_it_is),
        TEST(test_snapshot_list_is_newest_first_and_pages),
        TEST(test_snapshot_get_of_an_unknown_id_is_not_found),
        TEST(test_snapshot_restore_puts_the_world_back),
        TEST(test_snapshot_restore_can_be_undone),
        TEST(test_snapshot_dry_run_changes_nothing),
        TEST(test_snapshot_restore_refuses_what_is_not_there),
        TEST(test_snapshot_is_taken_when_the_interval_is_over),
        TEST(test_snapshot_of_the_interval_is_skipped_while_writing),
        TEST(test_snapshot_take_is_refused_when_too_many_wait),
        TEST(test_snapshot_write_error_fails_one_and_not_the_next),
        TEST(test_snapshot_retention_keeps_the_newest),
        TEST(test_snapshot_that_fails_at_the_end_fails_the_program),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
