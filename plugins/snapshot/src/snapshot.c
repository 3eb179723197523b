/*
 * The plugin: when snapshots are taken, and what happens at the start and the end.
 *
 *     ready     lock and open the database, put the newest snapshot back, start the
 *               writer
 *     capture   each frame: take one when the interval is over
 *     cleanup   take the last one, wait until all are written, unlock
 */
#include <reef/snapshot.h>

#include "lock.h"
#include "memory.h"
#include "state.h"

#include <reef/schedule.h>

#include <assert.h>
#include <stdlib.h>
#include <time.h>

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int64_t reef__snapshot_take(snapshot_state_t *state, const char *reason)
{
    uint64_t begin = clock_ns(CLOCK_MONOTONIC);
    reef__capture_t *capture;

    reef__writer_update_base(state->writer, &state->base);
    capture = reef__capture_create(
        reef_app_world(state->app),
        &(reef__capture_desc_t){.reason = reason,
                                .created_at_ms =
                                    (int64_t)(clock_ns(CLOCK_REALTIME) / 1000000),
                                .base = state->base});
    reef_metric_set(state->capture_seconds,
                    (double)(clock_ns(CLOCK_MONOTONIC) - begin) / 1e9);
    return reef__writer_submit(state->writer, capture);
}

void reef__snapshot_log_restored(snapshot_state_t *state,
                                 int64_t id,
                                 const reef_snapshot_restored_t *report)
{
    reef_log_t *log = reef_app_log(state->app);

    reef_log(log, REEF_LOG_INFO, "snapshot", "restored", REEF_LOG_INT("id", id),
             REEF_LOG_INT("tick", report->applied_tick),
             REEF_LOG_INT("entities", report->entities));
    for (uint32_t i = 0; i < report->warning_count; i++) {
        reef_log(log, REEF_LOG_WARN, "snapshot", report->warnings[i],
                 REEF_LOG_INT("id", id));
    }
}

/* Systems ---------------------------------------------------------------------- */

static void run_begin(reef_run_t *run)
{
    snapshot_state_t *state = reef_run_context(run);

    state->started = true;
}

static void run_capture(reef_run_t *run)
{
    snapshot_state_t *state = reef_run_context(run);
    uint64_t interval_ns = (uint64_t)state->config.interval_s * 1000000000u;
    uint64_t now_ns = reef_app_now_ns(state->app);

    if (interval_ns == 0) {
        return;
    }
    if (state->due_ns == 0) {
        state->due_ns = now_ns + interval_ns;
    }
    if (now_ns < state->due_ns) {
        return;
    }
    state->due_ns += interval_ns;
    if (state->due_ns <= now_ns) {
        state->due_ns = now_ns + interval_ns;
    }
    if (reef__writer_is_busy(state->writer)) {
        reef_metric_add(state->skipped, 1);
        return;
    }
    (void)reef__snapshot_take(state, "interval");
}

/* Life ------------------------------------------------------------------------- */

/* To SQLite some texts are no file names but worlds that end with the program. */
static reef_error_t check_path(const char *path, reef_failure_t *failure)
{
    if (path[0] == '\0' || strcmp(path, ":memory:") == 0 ||
        strncmp(path, "file:", 5) == 0) {
        return reef_fail(failure, REEF_E_INVALID,
                         "snapshot.path: '%.200s' is not the name of a file, like "
                         "reef.db or /var/lib/reef/reef.db",
                         path);
    }
    return REEF_OK;
}

static reef_error_t
build(reef_app_t *app, const void *config, void **out, reef_failure_t *failure)
{
    const snapshot_config_t *given = config;
    reef_error_t error = check_path(given->path, failure);
    snapshot_state_t *state;

    if (error != REEF_OK) {
        return error;
    }
    state = snapshot_alloc_zeroed(sizeof(*state));
    state->app = app;
    state->config = *given;
    state->lock = REEF__LOCK_NONE;
    pthread_mutex_init(&state->reader_mutex, NULL);
    reef_app_add_system(app, REEF_STARTUP,
                        &(reef_system_desc_t){.name = "snapshot_begin",
                                              .run = run_begin,
                                              .context = state,
                                              .exclusive = true});
    reef_app_add_system(app, REEF_FRAME,
                        &(reef_system_desc_t){.name = "capture",
                                              .run = run_capture,
                                              .context = state,
                                              .exclusive = true,
                                              .after = {"replicate"},
                                              .before = {"egress"}});
    *out = state;
    return REEF_OK;
}

static void ensure_metrics(snapshot_state_t *state)
{
    reef_metrics_t *metrics = reef_app_metrics(state->app);

    state->capture_seconds = reef_metrics_ensure(
        metrics, &(reef_metric_desc_t){.name = "reef_snapshot_capture_seconds",
                                       .help = "Time the last capture took of a frame.",
                                       .unit = "seconds",
                                       .kind = REEF_METRIC_GAUGE});
    state->skipped = reef_metrics_ensure(
        metrics, &(reef_metric_desc_t){.name = "reef_snapshots_total",
                                       .help = "Snapshots by result.",
                                       .labels = "result=\"skipped\"",
                                       .kind = REEF_METRIC_COUNTER});
}

static reef_error_t try_restore(snapshot_state_t *state,
                                reef_database_t *database,
                                int64_t id,
                                reef_failure_t *failure)
{
    reef_snapshot_restored_t report;
    reef__catalogue_t catalogue;
    reef__image_t *image = NULL;
    reef_error_t error;

    reef__catalogue_init(&catalogue, reef_app_world(state->app));
    error = reef__image_load(database, id, &catalogue, &image, &report, failure);
    if (error == REEF_OK) {
        error = reef__image_apply(image, reef_app_world(state->app), failure);
    }
    if (error == REEF_OK) {
        reef__snapshot_log_restored(state, id, &report);
    }
    reef__image_destroy(image);
    reef__catalogue_finish(&catalogue);
    return error;
}

/* Newest first, until one can be read.  None there at all is a new world. */
static reef_error_t restore_newest(snapshot_state_t *state,
                                   reef_database_t *database,
                                   reef_failure_t *failure)
{
    int64_t before_id = INT64_MAX;
    int64_t id = 0;

    while (true) {
        reef_failure_t cause;
        reef_error_t error =
            reef__store_newest_complete(database, before_id, &id, failure);

        if (error != REEF_OK) {
            return error;
        }
        if (id == 0) {
            break;
        }
        error = try_restore(state, database, id, &cause);
        if (error == REEF_OK) {
            return REEF_OK;
        }
        reef_log(reef_app_log(state->app), REEF_LOG_ERROR, "snapshot", "unreadable",
                 REEF_LOG_INT("id", id), REEF_LOG_TEXT("error", cause.text));
        before_id = id;
    }
    if (before_id == INT64_MAX) {
        return REEF_OK;
    }
    return reef_fail(failure, REEF_E_CORRUPT,
                     "%.200s: no snapshot can be read; move the file away, or set "
                     "snapshot.restore=false, to start with an empty world",
                     state->config.path);
}

/* People look for the file: tell them its whole path. */
static void announce(snapshot_state_t *state)
{
    char *path = realpath(state->config.path, NULL);

    reef_app_announce(state->app, "snapshots", "%s", path ? path : state->config.path);
    free(path);
}

static reef_error_t ready(reef_app_t *app, void *context, reef_failure_t *failure)
{
    snapshot_state_t *state = context;
    reef_database_t *database = NULL;
    reef__writer_desc_t desc = {.keep = state->config.keep,
                                .log = reef_app_log(app),
                                .metrics = reef_app_metrics(app)};
    reef_error_t error = reef__lock_acquire(state->config.path, &state->lock, failure);

    if (error == REEF_OK) {
        error = reef__store_open(state->config.path, &database, failure);
    }
    if (error != REEF_OK) {
        return error;
    }
    ensure_metrics(state);
    error = reef__store_last_id(database, &desc.last_id, failure);
    if (error == REEF_OK && state->config.restore) {
        error = restore_newest(state, database, failure);
    }
    if (error == REEF_OK) {
        error = reef_database_open(state->config.path, true, &state->reader, failure);
    }
    if (error == REEF_OK) {
        desc.database = database;
        error = reef__writer_create(&desc, &state->writer, failure);
    }
    if (error != REEF_OK) {
        reef_database_close(database);
        return error;
    }
    reef__snapshot_init_service(state);
    reef_app_provide(app, REEF_SNAPSHOT_SERVICE, &state->service);
    announce(state);
    return REEF_OK;
}

/* The writer may be behind: the last snapshot waits until there is room, and then for
 * its outcome, which whoever stopped the program must learn. */
static void take_last(snapshot_state_t *state)
{
    reef_snapshot_info_t pending[REEF__WRITER_MAX_WAITING + 1];
    reef_snapshot_info_t last;
    int64_t id;
    bool found;

    while (!reef__writer_has_room(state->writer)) {
        size_t count = reef__writer_pending(state->writer, pending);

        if (count > 0) {
            (void)!reef__writer_wait(state->writer, pending[count - 1].id, 1000);
        }
    }
    id = reef__snapshot_take(state, "shutdown");
    while (reef__writer_wait(state->writer, id, 1000) != REEF_OK) {
    }
    found = reef__writer_find(state->writer, id, &last);
    assert(found);
    (void)found;
    if (last.state != REEF_SNAPSHOT_COMPLETE) {
        reef_log(reef_app_log(state->app), REEF_LOG_ERROR, "snapshot",
                 "the last snapshot failed: what changed since the one before is lost",
                 REEF_LOG_INT("id", id));
        reef_app_set_exit_code(state->app, 1);
    }
}

static void cleanup(reef_app_t *app, void *context)
{
    snapshot_state_t *state = context;

    if (state->writer != NULL) {
        reef_app_provide(app, REEF_SNAPSHOT_SERVICE, NULL);
        if (state->started) {
            take_last(state);
        }
    }
    /* The writer's connection closes last: only it can fold the log into the file. */
    reef_database_close(state->reader);
    reef__writer_destroy(state->writer);
    reef__lock_release(state->lock); /* after SQLite, see lock.h */
    reef__capture_destroy(state->base);
    pthread_mutex_destroy(&state->reader_mutex);
    snapshot_free(state, sizeof(*state));
}

const reef_plugin_t reef_snapshot_plugin = {
    .api = REEF_PLUGIN_API,
    .name = "snapshot",
    .config_type = &snapshot_config_type,
    .build = build,
    .ready = ready,
    .cleanup = cleanup,
};
