/*
 * The only file that knows SQLite.  A failure's text is "<path>: <cause>".
 *
 * The schema's version is the header field `user_version`.  Migrations run in one
 * IMMEDIATE transaction, and the version is read again inside it: two programs that
 * start at once on a new file migrate it once.
 */
#include <reef/database.h>

#include <reef/alloc.h>

#include <assert.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>

enum {
    BUSY_TIMEOUT_MS = 5000,
    CAUSE_SIZE = 200,
};

struct reef_database {
    sqlite3 *handle;
    char *path;
};

struct reef_statement {
    reef_database_t *database;
    sqlite3_stmt *handle;
};

/* Failures --------------------------------------------------------------------- */

static const char *cause_of(sqlite3 *handle, int result, char text[CAUSE_SIZE])
{
    int system_error = sqlite3_system_errno(handle);

    switch (result & 0xff) {
    case SQLITE_NOTADB:
        return "not a database";
    case SQLITE_CORRUPT:
        return "the database is damaged";
    case SQLITE_BUSY:
        return "in use by another program";
    case SQLITE_FULL:
        return "the disk is full";
    default:
        break;
    }
    if ((result & 0xff) == SQLITE_CANTOPEN && system_error != 0) {
        char reason[CAUSE_SIZE / 2];

        snprintf(text, CAUSE_SIZE, "%s",
                 strerror_r(system_error, reason, sizeof(reason)));
        return text;
    }
    return sqlite3_errmsg(handle);
}

static reef_error_t
fail(const reef_database_t *database, int result, reef_failure_t *failure)
{
    char text[CAUSE_SIZE];
    int primary = result & 0xff;
    bool damaged = primary == SQLITE_NOTADB || primary == SQLITE_CORRUPT;

    return reef_fail(failure, damaged ? REEF_E_CORRUPT : REEF_E_IO, "%s: %s",
                     database->path, cause_of(database->handle, result, text));
}

/* Opening ---------------------------------------------------------------------- */

static reef_error_t
set_up(reef_database_t *database, bool read_only, reef_failure_t *failure)
{
    int result;

    sqlite3_extended_result_codes(database->handle, 1);
    sqlite3_busy_timeout(database->handle, BUSY_TIMEOUT_MS);
    /* The first statement that reads the file: here a file that is none shows. */
    result = sqlite3_exec(database->handle,
                          read_only ? "PRAGMA foreign_keys = ON; PRAGMA user_version"
                                    : "PRAGMA foreign_keys = ON;"
                                      "PRAGMA journal_mode = WAL;"
                                      "PRAGMA synchronous = FULL",
                          NULL, NULL, NULL);
    if (result != SQLITE_OK) {
        return fail(database, result, failure);
    }
    /* SQLite falls back to reading when it may not write. */
    if (!read_only && sqlite3_db_readonly(database->handle, "main") == 1) {
        return reef_fail(failure, REEF_E_IO, "%s: may only be read", database->path);
    }
    return REEF_OK;
}

reef_error_t reef_database_open(const char *path,
                                bool read_only,
                                reef_database_t **database,
                                reef_failure_t *failure)
{
    const reef_alloc_t *alloc = reef_alloc_default();
    size_t path_size = strlen(path) + 1;
    reef_database_t *opened = reef_resize(alloc, NULL, 0, sizeof(*opened));
    int flags =
        read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    reef_error_t error;
    int result;

    *opened = (reef_database_t){.path = reef_resize(alloc, NULL, 0, path_size)};
    memcpy(opened->path, path, path_size);
    /* One thread at a time is the header's rule, so SQLite needs no locks of its own.
     */
    result = sqlite3_open_v2(path, &opened->handle, flags | SQLITE_OPEN_NOMUTEX, NULL);
    error = result == SQLITE_OK ? set_up(opened, read_only, failure)
                                : fail(opened, result, failure);
    if (error != REEF_OK) {
        reef_database_close(opened);
        return error;
    }
    *database = opened;
    return REEF_OK;
}

void reef_database_close(reef_database_t *database)
{
    int result;

    if (database == NULL) {
        return;
    }
    result = sqlite3_close(database->handle);
    assert(result == SQLITE_OK); /* else a statement is left */
    (void)result;
    reef_resize(reef_alloc_default(), database->path, strlen(database->path) + 1, 0);
    reef_resize(reef_alloc_default(), database, sizeof(*database), 0);
}

reef_error_t
reef_database_run(reef_database_t *database, const char *sql, reef_failure_t *failure)
{
    int result = sqlite3_exec(database->handle, sql, NULL, NULL, NULL);

    return result == SQLITE_OK ? REEF_OK : fail(database, result, failure);
}

int64_t reef_database_last_id(const reef_database_t *database)
{
    return sqlite3_last_insert_rowid(database->handle);
}

/* Migrations ------------------------------------------------------------------- */

static reef_error_t
read_version(reef_database_t *database, int64_t *version, reef_failure_t *failure)
{
    reef_statement_t *statement = NULL;
    bool row = false;
    reef_error_t error =
        reef_database_prepare(database, "PRAGMA user_version", &statement, failure);

    if (error != REEF_OK) {
        return error;
    }
    assert(statement != NULL);
    error = reef_statement_step(statement, &row, failure);
    if (error == REEF_OK) {
        assert(row);
        *version = reef_statement_int(statement, 0);
    }
    reef_statement_destroy(statement);
    return error;
}

/* @p present is 0 when the file is new. */
static reef_error_t check_version(const reef_database_t *database,
                                  int64_t present,
                                  size_t known,
                                  reef_failure_t *failure)
{
    if (present < 0) {
        return reef_fail(failure, REEF_E_CORRUPT, "%s: not a database of Reef",
                         database->path);
    }
    if ((uint64_t)present > known) {
        return reef_fail(failure, REEF_E_TOO_NEW,
                         "%s: written by a newer version of Reef (schema %lld, this "
                         "program knows %zu)",
                         database->path, (long long)present, known);
    }
    return REEF_OK;
}

static reef_error_t apply(reef_database_t *database,
                          const reef_database_migration_t *migration,
                          reef_failure_t *failure)
{
    char sql[64];
    int result = sqlite3_exec(database->handle, migration->sql, NULL, NULL, NULL);

    if (result != SQLITE_OK) {
        char text[CAUSE_SIZE];
        reef_error_t error = fail(database, result, NULL);

        return reef_fail(failure, error, "%s: migration %s: %s", database->path,
                         migration->name, cause_of(database->handle, result, text));
    }
    snprintf(sql, sizeof(sql), "PRAGMA user_version = %d", migration->version);
    return reef_database_run(database, sql, failure);
}

/* In a transaction. */
static reef_error_t apply_missing(reef_database_t *database,
                                  const reef_database_migration_t *migrations,
                                  size_t count,
                                  reef_failure_t *failure)
{
    int64_t version = 0;
    reef_error_t error = read_version(database, &version, failure);

    if (error == REEF_OK) {
        error = check_version(database, version, count, failure);
    }
    for (size_t i = (size_t)version; i < count && error == REEF_OK; i++) {
        error = apply(database, &migrations[i], failure);
    }
    return error;
}

reef_error_t reef_database_migrate(reef_database_t *database,
                                   const reef_database_migration_t *migrations,
                                   size_t count,
                                   reef_failure_t *failure)
{
    int64_t version = 0;
    reef_error_t error = read_version(database, &version, failure);

    for (size_t i = 0; i < count; i++) {
        assert(migrations[i].version == (int)i + 1);
    }
    if (error == REEF_OK) {
        error = check_version(database, version, count, failure);
    }
    if (error != REEF_OK || (uint64_t)version == count) {
        return error; /* the usual case: no write lock is needed */
    }
    error = reef_database_run(database, "BEGIN IMMEDIATE", failure);
    if (error != REEF_OK) {
        return error;
    }
    error = apply_missing(database, migrations, count, failure);
    if (error == REEF_OK) {
        error = reef_database_run(database, "COMMIT", failure);
    }
    if (error != REEF_OK && !sqlite3_get_autocommit(database->handle)) {
        sqlite3_exec(database->handle, "ROLLBACK", NULL, NULL, NULL);
    }
    return error;
}

/* Statements ------------------------------------------------------------------- */

reef_error_t reef_database_prepare(reef_database_t *database,
                                   const char *sql,
                                   reef_statement_t **statement,
                                   reef_failure_t *failure)
{
    sqlite3_stmt *handle = NULL;
    int result = sqlite3_prepare_v2(database->handle, sql, -1, &handle, NULL);
    reef_statement_t *prepared;

    if (result != SQLITE_OK) {
        return fail(database, result, failure);
    }
    assert(handle != NULL); /* else the text is empty */
    prepared = reef_resize(reef_alloc_default(), NULL, 0, sizeof(*prepared));
    *prepared = (reef_statement_t){.database = database, .handle = handle};
    *statement = prepared;
    return REEF_OK;
}

void reef_statement_destroy(reef_statement_t *statement)
{
    if (statement == NULL) {
        return;
    }
    sqlite3_finalize(statement->handle); /* repeats the last step's error */
    reef_resize(reef_alloc_default(), statement, sizeof(*statement), 0);
}

static void must_bind(int result)
{
    assert(result == SQLITE_OK);
    (void)result;
}

void reef_statement_bind_int(reef_statement_t *statement, int index, int64_t value)
{
    must_bind(sqlite3_bind_int64(statement->handle, index, value));
}

/* A NULL pointer would bind NULL, but an empty span is an empty text. */
static const void *bytes_of(reef_span_t span)
{
    return span.size == 0 ? "" : (const void *)span.data;
}

void reef_statement_bind_text(reef_statement_t *statement, int index, reef_span_t text)
{
    must_bind(sqlite3_bind_text64(statement->handle, index, bytes_of(text), text.size,
                                  SQLITE_STATIC, SQLITE_UTF8));
}

void reef_statement_bind_blob(reef_statement_t *statement, int index, reef_span_t blob)
{
    must_bind(sqlite3_bind_blob64(statement->handle, index, bytes_of(blob), blob.size,
                                  SQLITE_STATIC));
}

void reef_statement_bind_null(reef_statement_t *statement, int index)
{
    must_bind(sqlite3_bind_null(statement->handle, index));
}

reef_error_t
reef_statement_step(reef_statement_t *statement, bool *row, reef_failure_t *failure)
{
    int result = sqlite3_step(statement->handle);

    if (result != SQLITE_ROW && result != SQLITE_DONE) {
        reef_error_t error = fail(statement->database, result, failure);

        sqlite3_reset(statement->handle); /* hold no lock */
        return error;
    }
    *row = result == SQLITE_ROW;
    return REEF_OK;
}

void reef_statement_reset(reef_statement_t *statement)
{
    sqlite3_reset(statement->handle); /* repeats the last step's error */
    sqlite3_clear_bindings(statement->handle);
}

reef_error_t reef_statement_run(reef_statement_t *statement, reef_failure_t *failure)
{
    bool row = false;
    reef_error_t error = reef_statement_step(statement, &row, failure);

    assert(!row);
    reef_statement_reset(statement);
    return error;
}

int64_t reef_statement_int(const reef_statement_t *statement, int column)
{
    return sqlite3_column_int64(statement->handle, column);
}

reef_span_t reef_statement_text(const reef_statement_t *statement, int column)
{
    const void *data = sqlite3_column_text(statement->handle, column);

    return reef_span(data, (size_t)sqlite3_column_bytes(statement->handle, column));
}

reef_span_t reef_statement_blob(const reef_statement_t *statement, int column)
{
    const void *data = sqlite3_column_blob(statement->handle, column);

    return reef_span(data, (size_t)sqlite3_column_bytes(statement->handle, column));
}

bool reef_statement_is_null(const reef_statement_t *statement, int column)
{
    return sqlite3_column_type(statement->handle, column) == SQLITE_NULL;
}
