/**
 * @file database.h
 * @brief SQLite behind a few functions: open, migrate, run statements.
 *
 * A connection belongs to one thread at a time; threads open connections of their own
 * (WAL lets readers and one writer work at once).  Texts and blobs that are bound are
 * borrowed until the statement is reset, bound anew or destroyed.
 */
#ifndef REEF_DATABASE_H
#define REEF_DATABASE_H

#include <reef/attrs.h>
#include <reef/error.h>
#include <reef/span.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct reef_database reef_database_t;
typedef struct reef_statement reef_statement_t;

/** One step of the schema; see migrations/. */
typedef struct reef_database_migration {
    int version; /* 1, 2, 3 … */
    const char *name;
    const char *sql;
} reef_database_migration_t;

/**
 * Open or create a database file: WAL, foreign keys on, synchronous FULL.
 *
 * @param read_only Open an existing file for reading only.
 * @return REEF_OK, or REEF_E_IO, REEF_E_CORRUPT (no database) with path and cause.
 * Owned by the caller: reef_database_close().
 */
REEF_NODISCARD reef_error_t reef_database_open(const char *path,
                                               bool read_only,
                                               reef_database_t **database,
                                               reef_failure_t *failure);

/** Accepts NULL.  Statements must have been destroyed. */
void reef_database_close(reef_database_t *database);

/**
 * Bring the schema up to date, all missing migrations in one transaction.
 *
 * The version is kept in the file as `PRAGMA user_version`; @p migrations are numbered
 * from 1 without gaps.  Nothing is changed on failure.
 *
 * @return REEF_OK; REEF_E_TOO_NEW when the file has a version that this program does
 *         not know; REEF_E_IO, REEF_E_CORRUPT with the cause.
 */
REEF_NODISCARD reef_error_t
reef_database_migrate(reef_database_t *database,
                      const reef_database_migration_t *migrations,
                      size_t count,
                      reef_failure_t *failure);

/** Run statements that give no rows ("BEGIN", "COMMIT", …). */
REEF_NODISCARD reef_error_t reef_database_run(reef_database_t *database,
                                              const char *sql,
                                              reef_failure_t *failure);

/** Row id of the last insert on this connection. */
int64_t reef_database_last_id(const reef_database_t *database);

/** Prepare one statement.  Owned by the caller: reef_statement_destroy(). */
REEF_NODISCARD reef_error_t reef_database_prepare(reef_database_t *database,
                                                  const char *sql,
                                                  reef_statement_t **statement,
                                                  reef_failure_t *failure);

/** Accepts NULL. */
void reef_statement_destroy(reef_statement_t *statement);

/** Bind parameter @p index, from 1.  A wrong index is a bug (asserts). */
void reef_statement_bind_int(reef_statement_t *statement, int index, int64_t value);
void reef_statement_bind_text(reef_statement_t *statement, int index, reef_span_t text);
void reef_statement_bind_blob(reef_statement_t *statement, int index, reef_span_t blob);
void reef_statement_bind_null(reef_statement_t *statement, int index);

/**
 * Advance to the next row.
 *
 * @param row Receives whether there is one.
 */
REEF_NODISCARD reef_error_t reef_statement_step(reef_statement_t *statement,
                                                bool *row,
                                                reef_failure_t *failure);

/** Make ready to be stepped again; bindings are cleared. */
void reef_statement_reset(reef_statement_t *statement);

/** Step a statement that gives no row, then reset it. */
REEF_NODISCARD reef_error_t reef_statement_run(reef_statement_t *statement,
                                               reef_failure_t *failure);

/** Column @p column, from 0, of the present row; spans are borrowed until the next
 *  step or reset.  NULL gives 0 or an empty span. */
int64_t reef_statement_int(const reef_statement_t *statement, int column);
reef_span_t reef_statement_text(const reef_statement_t *statement, int column);
reef_span_t reef_statement_blob(const reef_statement_t *statement, int column);
bool reef_statement_is_null(const reef_statement_t *statement, int column);

#endif /* REEF_DATABASE_H */
