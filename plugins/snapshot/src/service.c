/*
 * The service, called by threads of others.  What touches the world goes through the
 * app's mailbox; reading and decoding the database is done on the caller's thread.
 *
 * Ids that the writer still knows are answered from its memory, the rest from the
 * database: a snapshot that waits has no row yet.
 */
#include "state.h"

enum {
    WORLD_TIMEOUT_MS = 5000
};

static reef_error_t call_world(snapshot_state_t *state,
                               reef_request_fn run,
                               void *argument,
                               reef_failure_t *failure)
{
    reef_error_t error = reef_mailbox_call(reef_app_mailbox(state->app), run, argument,
                                           WORLD_TIMEOUT_MS);

    if (error != REEF_OK) {
        return reef_fail(failure, error, "the world does not answer: %s",
                         reef_error_text(error));
    }
    return REEF_OK;
}

/* Take ------------------------------------------------------------------------- */

typedef struct take_request {
    snapshot_state_t *state;
    int64_t id; /* 0 = the writer has no room */
} take_request_t;

static void run_take(void *argument)
{
    take_request_t *request = argument;

    if (reef__writer_has_room(request->state->writer)) {
        request->id = reef__snapshot_take(request->state, "demand");
    }
}

static reef_error_t fail_no_room(reef_failure_t *failure)
{
    return reef_fail(failure, REEF_E_LIMIT,
                     "%d snapshots are waiting to be written already",
                     REEF__WRITER_MAX_WAITING);
}

static reef_error_t take(void *self, int64_t *id, reef_failure_t *failure)
{
    take_request_t request = {.state = self};
    reef_error_t error = call_world(self, run_take, &request, failure);

    if (error != REEF_OK) {
        return error;
    }
    if (request.id == 0) {
        return fail_no_room(failure);
    }
    *id = request.id;
    return REEF_OK;
}

/* Get, wait, list -------------------------------------------------------------- */

static reef_error_t
get(void *self, int64_t id, reef_snapshot_info_t *info, reef_failure_t *failure)
{
    snapshot_state_t *state = self;
    reef_snapshot_info_t finished;
    reef_error_t error;

    if (reef__writer_find(state->writer, id, &finished) &&
        finished.state != REEF_SNAPSHOT_COMPLETE) {
        *info = finished;
        return REEF_OK;
    }
    /* A complete one may be pruned by now: the database knows. */
    pthread_mutex_lock(&state->reader_mutex);
    error = reef__store_get(state->reader, id, info, failure);
    pthread_mutex_unlock(&state->reader_mutex);
    return error;
}

static reef_error_t wait_finished(void *self,
                                  int64_t id,
                                  uint32_t timeout_ms,
                                  reef_snapshot_info_t *info,
                                  reef_failure_t *failure)
{
    snapshot_state_t *state = self;

    if (reef__writer_wait(state->writer, id, timeout_ms) != REEF_OK) {
        return reef_fail(failure, REEF_E_TIMEOUT,
                         "snapshot %lld is still being written", (long long)id);
    }
    return get(self, id, info, failure);
}

static reef_error_t list(void *self,
                         int64_t before_id,
                         reef_snapshot_info_t *infos,
                         size_t *count,
                         uint64_t *total,
                         reef_failure_t *failure)
{
    snapshot_state_t *state = self;
    reef_snapshot_info_t pending[REEF__WRITER_MAX_WAITING + 1];
    size_t pending_count = reef__writer_pending(state->writer, pending);
    /* Of what is pending now, the database may have a row by the time it is asked. */
    int64_t oldest = pending_count > 0 ? pending[pending_count - 1].id : INT64_MAX;
    uint64_t stored = 0;
    size_t filled = 0;
    size_t room;
    reef_error_t error;

    before_id = before_id > 0 ? before_id : INT64_MAX;
    for (size_t i = 0; i < pending_count && filled < *count; i++) {
        if (pending[i].id < before_id) {
            infos[filled++] = pending[i];
        }
    }
    room = *count - filled;
    pthread_mutex_lock(&state->reader_mutex);
    error = reef__store_list(state->reader, oldest < before_id ? oldest : before_id,
                             infos + filled, &room, failure);
    if (error == REEF_OK) {
        error = reef__store_count(state->reader, oldest, &stored, failure);
    }
    pthread_mutex_unlock(&state->reader_mutex);
    if (error != REEF_OK) {
        return error;
    }
    *count = filled + room;
    if (total != NULL) {
        *total = stored + pending_count;
    }
    return REEF_OK;
}

/* Restore ---------------------------------------------------------------------- */

typedef struct restore_request {
    snapshot_state_t *state;
    reef__catalogue_t catalogue;
    reef__image_t *image;
    reef_snapshot_restored_t *restored;
    reef_failure_t *failure;
    reef_error_t error;
} restore_request_t;

static void run_catalogue(void *argument)
{
    restore_request_t *request = argument;

    reef__catalogue_init(&request->catalogue, reef_app_world(request->state->app));
}

static void run_restore(void *argument)
{
    restore_request_t *request = argument;
    snapshot_state_t *state = request->state;

    if (!reef__writer_has_room(state->writer)) {
        request->error = fail_no_room(request->failure);
        return;
    }
    (void)reef__snapshot_take(state, "before_restore");
    request->error =
        reef__image_apply(request->image, reef_app_world(state->app), request->failure);
    if (request->error == REEF_OK) {
        reef__snapshot_log_restored(state, request->image->id, request->restored);
    }
}

static reef_error_t load(restore_request_t *request, int64_t id, reef__image_t **image)
{
    reef_database_t *database = NULL;
    reef_error_t error =
        call_world(request->state, run_catalogue, request, request->failure);

    if (error == REEF_OK) {
        error = reef_database_open(request->state->config.path, true, &database,
                                   request->failure);
    }
    if (error == REEF_OK) {
        error = reef__image_load(database, id, &request->catalogue, image,
                                 request->restored, request->failure);
    }
    reef_database_close(database);
    return error;
}

static reef_error_t restore(void *self,
                            int64_t id,
                            bool dry_run,
                            reef_snapshot_restored_t *restored,
                            reef_failure_t *failure)
{
    snapshot_state_t *state = self;
    restore_request_t request = {
        .state = state, .restored = restored, .failure = failure};
    reef__image_t *image = NULL;
    reef_snapshot_info_t info;
    reef_error_t error;

    *restored = (reef_snapshot_restored_t){0};
    if (reef__writer_find(state->writer, id, &info) &&
        info.state != REEF_SNAPSHOT_COMPLETE) {
        return reef_fail(failure, REEF_E_INVALID, "snapshot %lld is not complete",
                         (long long)id);
    }
    error = load(&request, id, &image);
    if (error == REEF_OK && !dry_run) {
        request.image = image;
        error = call_world(state, run_restore, &request, failure);
        error = error != REEF_OK ? error : request.error;
    }
    reef__image_destroy(image);
    reef__catalogue_finish(&request.catalogue);
    return error;
}

void reef__snapshot_init_service(snapshot_state_t *state)
{
    state->service = (reef_snapshot_service_t){.self = state,
                                               .take = take,
                                               .wait = wait_finished,
                                               .get = get,
                                               .list = list,
                                               .restore = restore};
}
