/*
 * Snapshots in the database: what the writer does to it, and what may be asked of it.
 * Each function works on the connection it is given, on that connection's thread.
 */
#ifndef REEF_SNAPSHOT_STORE_H
#define REEF_SNAPSHOT_STORE_H

#include "capture.h"

#include <reef/database.h>
#include <reef/snapshot_service.h>

/*
 * Open the file for writing, bring its schema up to date, and mark as failed what an
 * earlier process left half written.
 * @return as reef_database_open() and reef_database_migrate(); reef_database_close().
 */
REEF_NODISCARD reef_error_t reef__store_open(const char *path,
                                             reef_database_t **database,
                                             reef_failure_t *failure);

/* The highest id in use, 0 when there is none. */
REEF_NODISCARD reef_error_t reef__store_last_id(reef_database_t *database,
                                                int64_t *id,
                                                reef_failure_t *failure);

/* Enter the capture as being written, committed by itself. */
REEF_NODISCARD reef_error_t reef__store_begin(reef_database_t *database,
                                              const reef__capture_t *capture,
                                              reef_failure_t *failure);

/*
 * Store contents and mark the snapshot complete, in one transaction; on failure there
 * is nothing of it.  Sets hash and stored_size of each part.
 * @param bytes Receives the compressed size of all parts.
 */
REEF_NODISCARD reef_error_t reef__store_write(reef_database_t *database,
                                              reef__capture_t *capture,
                                              uint64_t *bytes,
                                              reef_failure_t *failure);

/* Mark a snapshot as failed. */
REEF_NODISCARD reef_error_t reef__store_fail(reef_database_t *database,
                                             int64_t id,
                                             const char *why,
                                             reef_failure_t *failure);

/* Delete all but the newest @p keep complete snapshots, failed ones before them, and
 * what only they referred to. */
REEF_NODISCARD reef_error_t reef__store_prune(reef_database_t *database,
                                              uint32_t keep,
                                              reef_failure_t *failure);

/* @return REEF_OK, REEF_E_NOT_FOUND, or the database's error. */
REEF_NODISCARD reef_error_t reef__store_get(reef_database_t *database,
                                            int64_t id,
                                            reef_snapshot_info_t *info,
                                            reef_failure_t *failure);

/* Newest first, with ids below @p before_id.
 * @param count In: capacity of @p infos; out: filled. */
REEF_NODISCARD reef_error_t reef__store_list(reef_database_t *database,
                                             int64_t before_id,
                                             reef_snapshot_info_t *infos,
                                             size_t *count,
                                             reef_failure_t *failure);

/* How many snapshots have an id below @p before_id. */
REEF_NODISCARD reef_error_t reef__store_count(reef_database_t *database,
                                              int64_t before_id,
                                              uint64_t *count,
                                              reef_failure_t *failure);

/* The newest complete snapshot with an id below @p before_id; 0 when there is none. */
REEF_NODISCARD reef_error_t reef__store_newest_complete(reef_database_t *database,
                                                        int64_t before_id,
                                                        int64_t *id,
                                                        reef_failure_t *failure);

/* Run a statement without rows, its parameters bound to @p values. */
REEF_NODISCARD reef_error_t reef__store_run(reef_database_t *database,
                                            const char *sql,
                                            const int64_t *values,
                                            int count,
                                            reef_failure_t *failure);

#endif /* REEF_SNAPSHOT_STORE_H */
