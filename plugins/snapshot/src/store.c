/*
 * A snapshot is first entered as `writing`, in a commit of its own; its contents and
 * the change to `complete` are one more commit (store_write.c).  So whatever a process
 * that was killed leaves behind is either complete or `writing`, and the next start
 * turns the latter into `failed`.
 */
#include "store.h"

#include "memory.h"

#include <reef/migrations.h>

static const char *const reasons[] = {"interval", "demand", "shutdown",
                                      "before_restore"};

/* Statements ------------------------------------------------------------------- */

static reef_error_t prepare_bound(reef_database_t *database,
                                  const char *sql,
                                  const int64_t *values,
                                  int count,
                                  reef_statement_t **statement,
                                  reef_failure_t *failure)
{
    reef_error_t error = reef_database_prepare(database, sql, statement, failure);

    for (int i = 0; i < count && error == REEF_OK; i++) {
        reef_statement_bind_int(*statement, i + 1, values[i]);
    }
    return error;
}

reef_error_t reef__store_run(reef_database_t *database,
                             const char *sql,
                             const int64_t *values,
                             int count,
                             reef_failure_t *failure)
{
    reef_statement_t *statement = NULL;
    reef_error_t error =
        prepare_bound(database, sql, values, count, &statement, failure);

    if (error == REEF_OK) {
        error = reef_statement_run(statement, failure);
    }
    reef_statement_destroy(statement);
    return error;
}

/* The one number a query gives. */
static reef_error_t ask(reef_database_t *database,
                        const char *sql,
                        int64_t parameter,
                        int64_t *answer,
                        reef_failure_t *failure)
{
    reef_statement_t *statement = NULL;
    bool row = false;
    reef_error_t error =
        prepare_bound(database, sql, &parameter, 1, &statement, failure);

    if (error == REEF_OK) {
        error = reef_statement_step(statement, &row, failure);
    }
    if (error == REEF_OK) {
        *answer = row ? reef_statement_int(statement, 0) : 0;
    }
    reef_statement_destroy(statement);
    return error;
}

/* Opening ---------------------------------------------------------------------- */

reef_error_t
reef__store_open(const char *path, reef_database_t **database, reef_failure_t *failure)
{
    reef_database_t *opened = NULL;
    reef_error_t error = reef_database_open(path, false, &opened, failure);

    if (error != REEF_OK) {
        return error;
    }
    error =
        reef_database_migrate(opened, reef_migrations, reef_migration_count, failure);
    if (error == REEF_OK) {
        error = reef_database_run(opened,
                                  "UPDATE snapshot SET state = 'failed', "
                                  "error = 'the server stopped while writing' "
                                  "WHERE state = 'writing'",
                                  failure);
    }
    if (error != REEF_OK) {
        reef_database_close(opened);
        return error;
    }
    *database = opened;
    return REEF_OK;
}

reef_error_t
reef__store_last_id(reef_database_t *database, int64_t *id, reef_failure_t *failure)
{
    return ask(database, "SELECT max(id) FROM snapshot WHERE id > ?1", 0, id, failure);
}

/* Writing ---------------------------------------------------------------------- */

reef_error_t reef__store_begin(reef_database_t *database,
                               const reef__capture_t *capture,
                               reef_failure_t *failure)
{
    reef_statement_t *statement = NULL;
    reef_error_t error = reef_database_prepare(
        database,
        "INSERT INTO snapshot (id, created_at_ms, tick, entities, reason, state) "
        "VALUES (?1, ?2, ?3, ?4, ?5, 'writing')",
        &statement, failure);

    if (error == REEF_OK) {
        reef_statement_bind_int(statement, 1, capture->id);
        reef_statement_bind_int(statement, 2, capture->created_at_ms);
        reef_statement_bind_int(statement, 3, (int64_t)capture->tick);
        reef_statement_bind_int(statement, 4, (int64_t)capture->entities);
        reef_statement_bind_text(statement, 5, reef_span_text(capture->reason));
        error = reef_statement_run(statement, failure);
    }
    reef_statement_destroy(statement);
    return error;
}

reef_error_t reef__store_fail(reef_database_t *database,
                              int64_t id,
                              const char *why,
                              reef_failure_t *failure)
{
    reef_statement_t *statement = NULL;
    reef_error_t error = reef_database_prepare(
        database, "UPDATE snapshot SET state = 'failed', error = ?2 WHERE id = ?1",
        &statement, failure);

    if (error == REEF_OK) {
        reef_statement_bind_int(statement, 1, id);
        reef_statement_bind_text(statement, 2, reef_span_text(why));
        error = reef_statement_run(statement, failure);
    }
    reef_statement_destroy(statement);
    return error;
}

/* Pruning ---------------------------------------------------------------------- */

static reef_error_t
delete_snapshot(reef_database_t *database, int64_t id, reef_failure_t *failure)
{
    /* Chunks go first, while it is known which ones the snapshot refers to; the
     * references to them are checked at the commit. */
    static const char *const steps[] = {
        "DELETE FROM chunk WHERE hash IN "
        "(SELECT hash FROM snapshot_chunk WHERE snapshot_id = ?1) AND NOT EXISTS "
        "(SELECT 1 FROM snapshot_chunk AS other "
        "WHERE other.hash = chunk.hash AND other.snapshot_id <> ?1)",
        "DELETE FROM snapshot WHERE id = ?1",
    };
    reef_error_t error = reef_database_run(database, "BEGIN IMMEDIATE", failure);

    if (error != REEF_OK) {
        return error;
    }
    for (int i = 0; i < 2 && error == REEF_OK; i++) {
        error = reef__store_run(database, steps[i], &id, 1, failure);
    }
    if (error == REEF_OK) {
        error = reef_database_run(database, "COMMIT", failure);
    }
    if (error != REEF_OK) {
        (void)!reef_database_run(database, "ROLLBACK", NULL);
    }
    return error;
}

reef_error_t
reef__store_prune(reef_database_t *database, uint32_t keep, reef_failure_t *failure)
{
    int64_t oldest = 0;
    int64_t victim = 0;
    bool deleted = false;
    reef_error_t error = ask(database,
                             "SELECT id FROM snapshot WHERE state = 'complete' "
                             "ORDER BY id DESC LIMIT 1 OFFSET ?1",
                             (int64_t)keep - 1, &oldest, failure);

    while (error == REEF_OK && oldest > 0) {
        error = ask(database,
                    "SELECT min(id) FROM snapshot WHERE id < ?1 "
                    "AND state <> 'writing'",
                    oldest, &victim, failure);
        if (error != REEF_OK || victim == 0) {
            break;
        }
        error = delete_snapshot(database, victim, failure);
        deleted = true;
    }
    if (error == REEF_OK && deleted) {
        error = reef_database_run(
            database,
            "DELETE FROM component_type WHERE id NOT IN "
            "(SELECT component_type_id FROM snapshot_column) AND id NOT IN "
            "(SELECT component_type_id FROM snapshot_resource)",
            failure);
    }
    return error;
}

/* Asking ----------------------------------------------------------------------- */

#define INFO_COLUMNS "id, created_at_ms, tick, entities, bytes, reason, state"

static reef_snapshot_state_t read_state(reef_span_t text)
{
    if (reef_span_equal(text, reef_span_text("complete"))) {
        return REEF_SNAPSHOT_COMPLETE;
    }
    return reef_span_equal(text, reef_span_text("writing")) ? REEF_SNAPSHOT_WRITING
                                                            : REEF_SNAPSHOT_FAILED;
}

static reef_snapshot_info_t read_info(const reef_statement_t *statement)
{
    reef_span_t reason = reef_statement_text(statement, 5);
    reef_snapshot_info_t info = {
        .id = reef_statement_int(statement, 0),
        .created_at_ms = reef_statement_int(statement, 1),
        .tick = (uint64_t)reef_statement_int(statement, 2),
        .entities = (uint64_t)reef_statement_int(statement, 3),
        .bytes = (uint64_t)reef_statement_int(statement, 4),
        .reason = "",
        .state = read_state(reef_statement_text(statement, 6)),
    };

    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (reef_span_equal(reason, reef_span_text(reasons[i]))) {
            info.reason = reasons[i];
        }
    }
    return info;
}

reef_error_t reef__store_get(reef_database_t *database,
                             int64_t id,
                             reef_snapshot_info_t *info,
                             reef_failure_t *failure)
{
    reef_statement_t *statement = NULL;
    bool row = false;
    reef_error_t error =
        prepare_bound(database, "SELECT " INFO_COLUMNS " FROM snapshot WHERE id = ?1",
                      &id, 1, &statement, failure);

    if (error == REEF_OK) {
        error = reef_statement_step(statement, &row, failure);
    }
    if (error == REEF_OK && row) {
        *info = read_info(statement);
    } else if (error == REEF_OK) {
        error = reef_fail(failure, REEF_E_NOT_FOUND, "there is no snapshot %lld",
                          (long long)id);
    }
    reef_statement_destroy(statement);
    return error;
}

reef_error_t reef__store_list(reef_database_t *database,
                              int64_t before_id,
                              reef_snapshot_info_t *infos,
                              size_t *count,
                              reef_failure_t *failure)
{
    reef_statement_t *statement = NULL;
    size_t filled = 0;
    bool row = true;
    reef_error_t error = prepare_bound(
        database,
        "SELECT " INFO_COLUMNS " FROM snapshot WHERE id < ?1 ORDER BY id DESC LIMIT ?2",
        (const int64_t[]){before_id, (int64_t)*count}, 2, &statement, failure);

    while (error == REEF_OK && row && filled < *count) {
        error = reef_statement_step(statement, &row, failure);
        if (error == REEF_OK && row) {
            infos[filled++] = read_info(statement);
        }
    }
    reef_statement_destroy(statement);
    if (error == REEF_OK) {
        *count = filled;
    }
    return error;
}

reef_error_t reef__store_count(reef_database_t *database,
                               int64_t before_id,
                               uint64_t *count,
                               reef_failure_t *failure)
{
    int64_t answer = 0;
    reef_error_t error = ask(database, "SELECT count(*) FROM snapshot WHERE id < ?1",
                             before_id, &answer, failure);

    if (error == REEF_OK) {
        *count = (uint64_t)answer;
    }
    return error;
}

reef_error_t reef__store_newest_complete(reef_database_t *database,
                                         int64_t before_id,
                                         int64_t *id,
                                         reef_failure_t *failure)
{
    return ask(database,
               "SELECT max(id) FROM snapshot WHERE state = 'complete' AND id < ?1",
               before_id, id, failure);
}
