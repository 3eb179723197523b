/**
 * @file snapshot_fixture.h
 * @brief A database file of a test's own, and worlds to store in it.
 */
#ifndef SNAPSHOT_FIXTURE_H
#define SNAPSHOT_FIXTURE_H

#include "test.h"

#include "image.h"
#include "store.h"

#include <reef/components.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

REEF_TAG(frozen, REEF_PERSISTENT);
REEF_COMPONENT(scratch, 0, REEF_U32(value));

typedef struct fixture {
    char folder[128];
    char path[160];
    reef_world_t *world;
    reef_database_t *database;
    int64_t last_id;
    reef_snapshot_restored_t report;
    reef_failure_t failure;
} fixture_t;

static inline void fixture_make_folder(fixture_t *fixture)
{
    const char *base = getenv("TMPDIR");

    snprintf(fixture->folder, sizeof(fixture->folder), "%s/reef-test-XXXXXX",
             base != NULL ? base : "/tmp");
    assert_non_null(mkdtemp(fixture->folder));
    snprintf(fixture->path, sizeof(fixture->path), "%s/world.db", fixture->folder);
}

static inline void fixture_remove_folder(const fixture_t *fixture)
{
    char path[176];

    snprintf(path, sizeof(path), "%s-wal", fixture->path);
    unlink(path);
    snprintf(path, sizeof(path), "%s-shm", fixture->path);
    unlink(path);
    unlink(fixture->path);
    rmdir(fixture->folder);
}

/* A world that knows the shared vocabulary, as a program's plugins make it. */
static inline reef_world_t *make_world(void)
{
    reef_world_t *world = reef_world_create(&(reef_world_desc_t){0});

    reef_world_component(world, &position_2d_type);
    reef_world_component(world, &velocity_2d_type);
    reef_world_component(world, &name_type);
    reef_world_component(world, &frozen_type);
    reef_world_component(world, &scratch_type);
    reef_world_resource(world, &simulation_time_type);
    reef_world_resource(world, &client_counter_type);
    return world;
}

/* Store @p world; @p base as in reef__capture_create().  The capture is returned
 * without its data: reef__capture_destroy(). */
static inline reef__capture_t *
store_world(fixture_t *fixture, reef_world_t *world, const reef__capture_t *base)
{
    uint64_t bytes = 0;
    reef__capture_t *capture = reef__capture_create(
        world, &(reef__capture_desc_t){.reason = "demand", .base = base});

    capture->id = ++fixture->last_id;
    assert_int_equal(reef__store_begin(fixture->database, capture, &fixture->failure),
                     REEF_OK);
    assert_int_equal(
        reef__store_write(fixture->database, capture, &bytes, &fixture->failure),
        REEF_OK);
    assert_true(bytes > 0);
    reef__capture_drop_data(capture);
    return capture;
}

static inline reef_error_t
load_world(fixture_t *fixture, int64_t id, reef_world_t *world)
{
    reef__catalogue_t catalogue;
    reef__image_t *image = NULL;
    reef_error_t error;

    reef__catalogue_init(&catalogue, world);
    error = reef__image_load(fixture->database, id, &catalogue, &image,
                             &fixture->report, &fixture->failure);
    if (error == REEF_OK) {
        error = reef__image_apply(image, world, &fixture->failure);
    }
    reef__image_destroy(image);
    reef__catalogue_finish(&catalogue);
    return error;
}

/* The one number that @p sql gives. */
static inline int64_t ask(fixture_t *fixture, const char *sql)
{
    reef_statement_t *statement = NULL;
    bool row = false;
    int64_t answer;

    assert_int_equal(
        reef_database_prepare(fixture->database, sql, &statement, &fixture->failure),
        REEF_OK);
    assert_int_equal(reef_statement_step(statement, &row, &fixture->failure), REEF_OK);
    assert_true(row);
    answer = reef_statement_int(statement, 0);
    reef_statement_destroy(statement);
    return answer;
}

static inline void run_sql(fixture_t *fixture, const char *sql)
{
    assert_int_equal(reef_database_run(fixture->database, sql, &fixture->failure),
                     REEF_OK);
}

static inline int setup(void **context)
{
    fixture_t *fixture = calloc(1, sizeof(*fixture));

    assert_non_null(fixture);
    fixture_make_folder(fixture);
    assert_int_equal(
        reef__store_open(fixture->path, &fixture->database, &fixture->failure),
        REEF_OK);
    fixture->world = make_world();
    *context = fixture;
    return 0;
}

static inline int teardown(void **context)
{
    fixture_t *fixture = *context;

    reef_world_destroy(fixture->world);
    reef_database_close(fixture->database);
    fixture_remove_folder(fixture);
    free(fixture);
    return 0;
}

#endif /* SNAPSHOT_FIXTURE_H */
