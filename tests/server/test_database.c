#include <reef/database.h>

#include "test.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const reef_database_migration_t migrations[] = {
    {1, "0001_first",
     "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT, data BLOB)"},
    {2, "0002_second",
     "CREATE TABLE part (item INTEGER NOT NULL REFERENCES item (id));"
     "INSERT INTO item (name) VALUES ('from migration')"},
};

typedef struct fixture {
    char directory[32];
    char path[64];
    reef_database_t *database;
    reef_failure_t failure;
} fixture_t;

static int setup(void **state)
{
    fixture_t *f = calloc(1, sizeof(*f));

    strcpy(f->directory, "/tmp/test_database_XXXXXX");
    assert_non_null(mkdtemp(f->directory));
    snprintf(f->path, sizeof(f->path), "%s/reef.db", f->directory);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture_t *f = *state;
    DIR *directory = opendir(f->directory);
    const struct dirent *entry;

    reef_database_close(f->database);
    while ((entry = readdir(directory)) != NULL) {
        unlinkat(dirfd(directory), entry->d_name, 0);
    }
    closedir(directory);
    rmdir(f->directory);
    free(f);
    return 0;
}

static void open_database(fixture_t *f)
{
    assert_int_equal(reef_database_open(f->path, false, &f->database, &f->failure),
                     REEF_OK);
}

static void reopen(fixture_t *f)
{
    reef_database_close(f->database);
    f->database = NULL;
    open_database(f);
}

static void run(fixture_t *f, const char *sql)
{
    assert_int_equal(reef_database_run(f->database, sql, &f->failure), REEF_OK);
}

static void migrate(fixture_t *f, size_t count)
{
    assert_int_equal(reef_database_migrate(f->database, migrations, count, &f->failure),
                     REEF_OK);
}

static reef_statement_t *prepare(fixture_t *f, const char *sql)
{
    reef_statement_t *statement = NULL;

    assert_int_equal(reef_database_prepare(f->database, sql, &statement, &f->failure),
                     REEF_OK);
    return statement;
}

/* First column of the only row. */
static int64_t query_int(fixture_t *f, const char *sql)
{
    reef_statement_t *statement = prepare(f, sql);
    int64_t value;
    bool row = false;

    assert_int_equal(reef_statement_step(statement, &row, &f->failure), REEF_OK);
    assert_true(row);
    value = reef_statement_int(statement, 0);
    reef_statement_destroy(statement);
    return value;
}

static void write_file(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

static void test_database_opens_with_wal_and_durable(void **state)
{
    fixture_t *f = *state;
    reef_statement_t *statement;
    bool row = false;

    open_database(f);
    statement = prepare(f, "PRAGMA journal_mode");
    assert_int_equal(reef_statement_step(statement, &row, &f->failure), REEF_OK);
    assert_true(
        reef_span_equal(reef_statement_text(statement, 0), reef_span_text("wal")));
    reef_statement_destroy(statement);
    assert_int_equal(query_int(f, "PRAGMA synchronous"), 2); /* FULL */
    assert_int_equal(query_int(f, "PRAGMA foreign_keys"), 1);
    assert_int_equal(query_int(f, "PRAGMA busy_timeout"), 5000);
}

static void test_database_migrates_once_and_in_steps(void **state)
{
    fixture_t *f = *state;

    open_database(f);
    migrate(f, 1);
    assert_int_equal(query_int(f, "PRAGMA user_version"), 1);
    reopen(f);
    migrate(f, 2);
    migrate(f, 2);
    assert_int_equal(query_int(f, "PRAGMA user_version"), 2);
    assert_int_equal(query_int(f, "SELECT count(*) FROM item"), 1);
}

static void test_database_migrates_all_or_nothing(void **state)
{
    fixture_t *f = *state;
    reef_database_migration_t broken[] = {migrations[0], {2, "0002_bad", "CREATE x"}};

    open_database(f);
    assert_int_equal(reef_database_migrate(f->database, broken, 2, &f->failure),
                     REEF_E_IO);
    assert_non_null(strstr(f->failure.text, "reef.db: migration 0002_bad: near \"x\""));
    assert_int_equal(query_int(f, "PRAGMA user_version"), 0);
    assert_int_equal(query_int(f, "SELECT count(*) FROM sqlite_master"), 0);
    migrate(f, 2); /* no transaction was left open */
}

static void test_database_refuses_a_newer_schema(void **state)
{
    fixture_t *f = *state;

    open_database(f);
    run(f, "PRAGMA user_version = 7");
    assert_int_equal(reef_database_migrate(f->database, migrations, 1, &f->failure),
                     REEF_E_TOO_NEW);
    assert_non_null(strstr(f->failure.text,
                           "/reef.db: written by a newer version of Reef (schema 7, "
                           "this program knows 1)"));
    assert_int_equal(query_int(f, "PRAGMA user_version"), 7);
}

static void test_database_refuses_a_negative_schema(void **state)
{
    fixture_t *f = *state;

    open_database(f);
    run(f, "PRAGMA user_version = -1");
    assert_int_equal(reef_database_migrate(f->database, migrations, 2, &f->failure),
                     REEF_E_CORRUPT);
}

static void test_database_refuses_a_file_that_is_none(void **state)
{
    fixture_t *f = *state;
    char text[4096];

    memset(text, 'x', sizeof(text));
    write_file(f->path, text, sizeof(text));
    for (int read_only = 0; read_only <= 1; read_only++) {
        assert_int_equal(
            reef_database_open(f->path, read_only, &f->database, &f->failure),
            REEF_E_CORRUPT);
        assert_null(f->database);
        assert_non_null(strstr(f->failure.text, "/reef.db: not a database"));
    }
}

static void test_database_names_path_and_cause(void **state)
{
    fixture_t *f = *state;
    char expected[128];
    char path[96];

    snprintf(path, sizeof(path), "%s/missing/reef.db", f->directory);
    assert_int_equal(reef_database_open(path, false, &f->database, &f->failure),
                     REEF_E_IO);
    snprintf(expected, sizeof(expected), "%s: No such file or directory", path);
    assert_string_equal(f->failure.text, expected);
    assert_int_equal(reef_database_open(f->directory, false, &f->database, &f->failure),
                     REEF_E_IO);
    assert_memory_equal(f->failure.text, f->directory, strlen(f->directory));
    assert_null(f->database);
}

static void test_database_read_only_neither_creates_nor_writes(void **state)
{
    fixture_t *f = *state;

    assert_int_equal(reef_database_open(f->path, true, &f->database, &f->failure),
                     REEF_E_IO);
    assert_int_equal(access(f->path, F_OK), -1);
    open_database(f);
    migrate(f, 2);
    reef_database_close(f->database);
    f->database = NULL;
    assert_int_equal(reef_database_open(f->path, true, &f->database, &f->failure),
                     REEF_OK);
    assert_int_equal(query_int(f, "SELECT count(*) FROM item"), 1);
    assert_int_equal(reef_database_run(f->database, "DELETE FROM item", &f->failure),
                     REEF_E_IO);
}

static void test_database_keeps_values_of_every_kind(void **state)
{
    fixture_t *f = *state;
    const uint8_t bytes[] = {0, 1, 0xff};
    reef_statement_t *insert;
    reef_statement_t *read;
    bool row = false;

    open_database(f);
    migrate(f, 1);
    insert = prepare(f, "INSERT INTO item (id, name, data) VALUES (?, ?, ?)");
    reef_statement_bind_int(insert, 1, INT64_MAX);
    reef_statement_bind_text(insert, 2, reef_span_text("größe"));
    reef_statement_bind_blob(insert, 3, reef_span(bytes, sizeof(bytes)));
    assert_int_equal(reef_statement_run(insert, &f->failure), REEF_OK);
    assert_true(reef_database_last_id(f->database) == INT64_MAX);
    reef_statement_destroy(insert);

    read = prepare(f, "SELECT id, name, data FROM item");
    assert_int_equal(reef_statement_step(read, &row, &f->failure), REEF_OK);
    assert_true(row);
    assert_true(reef_statement_int(read, 0) == INT64_MAX);
    assert_true(reef_span_equal(reef_statement_text(read, 1), reef_span_text("größe")));
    assert_true(reef_span_equal(reef_statement_blob(read, 2), reef_span(bytes, 3)));
    assert_int_equal(reef_statement_step(read, &row, &f->failure), REEF_OK);
    assert_false(row);
    reef_statement_destroy(read);
}

static void test_database_tells_null_from_empty(void **state)
{
    fixture_t *f = *state;
    reef_statement_t *read;
    bool row = false;

    open_database(f);
    read = prepare(f, "SELECT ?, ?, ?");
    reef_statement_bind_null(read, 1);
    reef_statement_bind_text(read, 2, reef_span(NULL, 0));
    reef_statement_bind_blob(read, 3, reef_span(NULL, 0));
    assert_int_equal(reef_statement_step(read, &row, &f->failure), REEF_OK);
    assert_true(reef_statement_is_null(read, 0));
    assert_int_equal(reef_statement_text(read, 0).size, 0);
    assert_false(reef_statement_is_null(read, 1));
    assert_false(reef_statement_is_null(read, 2));
    assert_int_equal(reef_statement_blob(read, 2).size, 0);
    reef_statement_destroy(read);
}

static void test_database_reset_clears_bindings(void **state)
{
    fixture_t *f = *state;
    reef_statement_t *read;
    bool row = false;

    open_database(f);
    read = prepare(f, "SELECT ?");
    reef_statement_bind_int(read, 1, 5);
    assert_int_equal(reef_statement_step(read, &row, &f->failure), REEF_OK);
    reef_statement_reset(read);
    assert_int_equal(reef_statement_step(read, &row, &f->failure), REEF_OK);
    assert_true(reef_statement_is_null(read, 0));
    reef_statement_destroy(read);
}

static void test_database_enforces_foreign_keys(void **state)
{
    fixture_t *f = *state;

    open_database(f);
    migrate(f, 2);
    assert_int_equal(
        reef_database_run(f->database, "INSERT INTO part VALUES (99)", &f->failure),
        REEF_E_IO);
    assert_non_null(strstr(f->failure.text, "FOREIGN KEY constraint failed"));
}

static void test_database_statement_works_again_after_a_failure(void **state)
{
    fixture_t *f = *state;
    reef_statement_t *insert;

    open_database(f);
    migrate(f, 1);
    insert = prepare(f, "INSERT INTO item (id) VALUES (?)");
    reef_statement_bind_int(insert, 1, 1);
    assert_int_equal(reef_statement_run(insert, &f->failure), REEF_OK);
    reef_statement_bind_int(insert, 1, 1);
    assert_int_equal(reef_statement_run(insert, &f->failure), REEF_E_IO);
    reef_statement_bind_int(insert, 1, 2);
    assert_int_equal(reef_statement_run(insert, &f->failure), REEF_OK);
    reef_statement_destroy(insert);
}

static void test_database_two_connections_see_commits(void **state)
{
    fixture_t *f = *state;
    reef_database_t *reader = NULL;
    fixture_t other;

    open_database(f);
    migrate(f, 1);
    assert_int_equal(reef_database_open(f->path, true, &reader, &f->failure), REEF_OK);
    other = (fixture_t){.database = reader};
    run(f, "BEGIN");
    run(f, "INSERT INTO item (name) VALUES ('a')");
    assert_int_equal(query_int(&other, "SELECT count(*) FROM item"), 0);
    run(f, "COMMIT");
    assert_int_equal(query_int(&other, "SELECT count(*) FROM item"), 1);
    reef_database_close(reader);
}

static void test_database_reports_damage(void **state)
{
    fixture_t *f = *state;
    int file;
    char garbage[4096];
    reef_error_t error;

    open_database(f);
    migrate(f, 2);
    reef_database_close(f->database); /* also moves the log into the file */
    f->database = NULL;
    memset(garbage, 0xa5, sizeof(garbage));
    file = open(f->path, O_WRONLY);
    assert_int_equal(pwrite(file, garbage, sizeof(garbage), 4096), sizeof(garbage));
    close(file);
    open_database(f);
    error = reef_database_run(f->database, "DELETE FROM item", &f->failure);
    assert_int_equal(error, REEF_E_CORRUPT);
    assert_non_null(strstr(f->failure.text, "/reef.db: the database is damaged"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_database_opens_with_wal_and_durable),
        TEST(test_database_migrates_once_and_in_steps),
        TEST(test_database_migrates_all_or_nothing),
        TEST(test_database_refuses_a_newer_schema),
        TEST(test_database_refuses_a_negative_schema),
        TEST(test_database_refuses_a_file_that_is_none),
        TEST(test_database_names_path_and_cause),
        TEST(test_database_read_only_neither_creates_nor_writes),
        TEST(test_database_keeps_values_of_every_kind),
        TEST(test_database_tells_null_from_empty),
        TEST(test_database_reset_clears_bindings),
        TEST(test_database_enforces_foreign_keys),
        TEST(test_database_statement_works_again_after_a_failure),
        TEST(test_database_two_connections_see_commits),
        TEST(test_database_reports_damage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
