/*
 * What the plugin's files share: its state, and taking a snapshot.
 */
#ifndef REEF_SNAPSHOT_STATE_H
#define REEF_SNAPSHOT_STATE_H

#include "image.h"
#include "writer.h"

#include <reef/app.h>
#include <reef/snapshot.h>

#include <pthread.h>

typedef struct snapshot_state {
    reef_app_t *app;
    snapshot_config_t config;
    reef_snapshot_service_t service;

    int lock; /* REEF__LOCK_NONE until ready */

    /* World thread. */
    reef__writer_t *writer; /* NULL until ready */
    reef__capture_t *base;  /* see reef__writer_update_base() */
    uint64_t due_ns;        /* next snapshot by time; 0 = not set yet */
    bool started;           /* the `startup` schedule ran */
    reef_metric_t *capture_seconds, *skipped;

    /* For get and list, by whoever holds the mutex. */
    pthread_mutex_t reader_mutex;
    reef_database_t *reader;
} snapshot_state_t;

/* Capture the world and hand it to the writer, which must have room.  World thread.
 * Returns the id. */
int64_t reef__snapshot_take(snapshot_state_t *state, const char *reason);

/* Write the restore's outcome to the log. */
void reef__snapshot_log_restored(snapshot_state_t *state,
                                 int64_t id,
                                 const reef_snapshot_restored_t *report);

/* Fill in the table of functions. */
void reef__snapshot_init_service(snapshot_state_t *state);

#endif /* REEF_SNAPSHOT_STATE_H */
