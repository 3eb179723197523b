/*
 * The thread that writes captures to the database, and the queue before it.
 */
#ifndef REEF_SNAPSHOT_WRITER_H
#define REEF_SNAPSHOT_WRITER_H

#include "store.h"

#include <reef/log.h>
#include <reef/metrics.h>

enum {
    REEF__WRITER_MAX_WAITING = 8, /* captures, the one being written not counted */
};

typedef struct reef__writer reef__writer_t;

typedef struct reef__writer_desc {
    reef_database_t *database; /* owned from then on */
    int64_t last_id;           /* highest id in use */
    uint32_t keep;
    reef_log_t *log;         /* borrowed */
    reef_metrics_t *metrics; /* borrowed */
} reef__writer_desc_t;

/* Start the thread.  On failure the database stays the caller's. */
REEF_NODISCARD reef_error_t reef__writer_create(const reef__writer_desc_t *desc,
                                                reef__writer_t **writer,
                                                reef_failure_t *failure);

/* Write what is waiting, end the thread, close the database.  Accepts NULL. */
void reef__writer_destroy(reef__writer_t *writer);

/* World thread ----------------------------------------------------------------- */

/* Whether a capture waits or is being written. */
bool reef__writer_is_busy(reef__writer_t *writer);

/* Whether another capture may be handed over. */
bool reef__writer_has_room(reef__writer_t *writer);

/* Hand a capture over, ownership included; there must be room.  Returns its id. */
int64_t reef__writer_submit(reef__writer_t *writer, reef__capture_t *capture);

/*
 * The newest complete capture of this process, for the next one to compare with;
 * *base is replaced when there is a newer one, and released when a write failed since.
 */
void reef__writer_update_base(reef__writer_t *writer, reef__capture_t **base);

/* Any thread ------------------------------------------------------------------- */

/* A snapshot that waits, is being written, or was finished of late. */
bool reef__writer_find(reef__writer_t *writer, int64_t id, reef_snapshot_info_t *info);

/* Snapshots that wait or are being written, newest first; at most
 * REEF__WRITER_MAX_WAITING + 1. */
size_t reef__writer_pending(reef__writer_t *writer, reef_snapshot_info_t *infos);

/* Wait until @p id neither waits nor is being written.
 * @return REEF_OK or REEF_E_TIMEOUT. */
REEF_NODISCARD reef_error_t reef__writer_wait(reef__writer_t *writer,
                                              int64_t id,
                                              uint32_t timeout_ms);

#endif /* REEF_SNAPSHOT_WRITER_H */
