/**
 * @file snapshot_service.h
 * @brief What a snapshot plugin offers to others, e.g. the admin.
 *
 * Neither side includes the other: the plugin provides this table under the name
 * REEF_SNAPSHOT_SERVICE (reef_app_provide()), the user asks for it
 * (reef_app_service()) and gets NULL where no such plugin is loaded.
 * Every function may be called from any thread but the world thread.
 */
#ifndef REEF_SNAPSHOT_SERVICE_H
#define REEF_SNAPSHOT_SERVICE_H

#include <reef/attrs.h>
#include <reef/error.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REEF_SNAPSHOT_SERVICE "snapshot"

typedef enum reef_snapshot_state {
    REEF_SNAPSHOT_WRITING,
    REEF_SNAPSHOT_COMPLETE,
    REEF_SNAPSHOT_FAILED,
} reef_snapshot_state_t;

typedef struct reef_snapshot_info {
    int64_t id;
    int64_t created_at_ms; /* since 1970, UTC */
    uint64_t tick;
    uint64_t entities;
    uint64_t bytes;     /* stored for this snapshot, shared chunks counted in full */
    const char *reason; /* "interval", "demand", "shutdown", "before_restore"; static */
    reef_snapshot_state_t state;
} reef_snapshot_info_t;

enum {
    REEF_SNAPSHOT_MAX_WARNINGS = 16,
    REEF_SNAPSHOT_WARNING_SIZE = 160
};

/** What a restore did, or would do. */
typedef struct reef_snapshot_restored {
    uint64_t applied_tick; /* the tick that the world then stands at */
    uint64_t entities;
    uint32_t warning_count; /* e.g. "component 'mass' is not known here: dropped" */
    char warnings[REEF_SNAPSHOT_MAX_WARNINGS][REEF_SNAPSHOT_WARNING_SIZE];
} reef_snapshot_restored_t;

typedef struct reef_snapshot_service {
    void *self; /* first argument of each function */

    /** Capture the world in its next frame and hand it to the writer.
     *  @param id Receives the snapshot, whose state is then WRITING.
     *  @return REEF_OK, REEF_E_TIMEOUT (the world does not answer), REEF_E_LIMIT (too
     *          many are waiting to be written), REEF_E_CLOSED. */
    reef_error_t (*take)(void *self, int64_t *id, reef_failure_t *failure);

    /** Wait until a snapshot is no longer being written, or the time is over. */
    reef_error_t (*wait)(void *self,
                         int64_t id,
                         uint32_t timeout_ms,
                         reef_snapshot_info_t *info,
                         reef_failure_t *failure);

    /** @return REEF_OK, REEF_E_NOT_FOUND. */
    reef_error_t (*get)(void *self,
                        int64_t id,
                        reef_snapshot_info_t *info,
                        reef_failure_t *failure);

    /** Newest first, starting below @p before_id (0 = the newest).
     *  @param count In: capacity of @p infos; out: filled.
     *  @param total All there are; may be NULL. */
    reef_error_t (*list)(void *self,
                         int64_t before_id,
                         reef_snapshot_info_t *infos,
                         size_t *count,
                         uint64_t *total,
                         reef_failure_t *failure);

    /** Load a complete snapshot and put the world in its state in the next frame;
     *  before that the present state is captured as "before_restore".
     *  @param dry_run Only load and report.
     *  @return REEF_OK, REEF_E_NOT_FOUND, REEF_E_INVALID (not complete),
     *          REEF_E_CORRUPT, REEF_E_TIMEOUT, REEF_E_LIMIT (as take). */
    reef_error_t (*restore)(void *self,
                            int64_t id,
                            bool dry_run,
                            reef_snapshot_restored_t *restored,
                            reef_failure_t *failure);
} reef_snapshot_service_t;

#endif /* REEF_SNAPSHOT_SERVICE_H */
