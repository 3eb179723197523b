/*
 * One mutex guards the queue and what others may ask; it is never held while the
 * database works.  A capture stays at the head of the queue until it is finished, so
 * every id is at any time either in the queue or in the list of the last finished.
 *
 * The last complete capture, without its data, goes back to the world thread as the
 * base of the next one.  Sharing by hash is safe across waiting captures: a chunk that
 * capture n + 2 takes over from n did not change in between, so n + 1 refers to it as
 * well and pruning n leaves it.  After a failed write the base in use is given up.
 */
#include "writer.h"

#include "memory.h"

#include <pthread.h>

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <time.h>

enum {
    FINISHED_COUNT = 32, /* remembered even when the database cannot be written */
};

struct reef__writer {
    reef_database_t *database; /* of the writer's thread */
    uint32_t keep;
    reef_log_t *log;
    reef_metric_t *complete, *failed, *last_success, *bytes;
    pthread_t thread;

    pthread_mutex_t mutex;
    pthread_cond_t work;                                  /* the queue grew, or stop */
    pthread_cond_t finished;                              /* a capture left the queue */
    reef__capture_t *queue[REEF__WRITER_MAX_WAITING + 1]; /* [0] is being written */
    reef_snapshot_info_t infos[REEF__WRITER_MAX_WAITING + 1];
    uint32_t count;
    reef_snapshot_info_t last[FINISHED_COUNT]; /* ring */
    uint32_t last_next;
    int64_t last_id;
    reef__capture_t *base; /* for the world thread to take */
    bool base_lost;        /* what the world thread has is not to be used */
    bool stop;
};

/* The thread ------------------------------------------------------------------- */

static void report_failure(reef__writer_t *writer, int64_t id, const char *why)
{
    reef_failure_t failure;

    reef_log(writer->log, REEF_LOG_ERROR, "snapshot", "not written",
             REEF_LOG_INT("id", id), REEF_LOG_TEXT("error", why));
    reef_metric_add(writer->failed, 1);
    if (reef__store_fail(writer->database, id, why, &failure) != REEF_OK) {
        reef_log(writer->log, REEF_LOG_WARN, "snapshot", "failure not recorded",
                 REEF_LOG_INT("id", id), REEF_LOG_TEXT("error", failure.text));
    }
}

static void prune(reef__writer_t *writer)
{
    reef_failure_t failure;

    if (reef__store_prune(writer->database, writer->keep, &failure) != REEF_OK) {
        reef_log(writer->log, REEF_LOG_WARN, "snapshot", "old ones not removed",
                 REEF_LOG_TEXT("error", failure.text));
    }
}

/* Returns whether the snapshot is complete. */
static bool write_capture(reef__writer_t *writer,
                          reef__capture_t *capture,
                          reef_snapshot_info_t *info)
{
    reef_failure_t failure;
    reef_error_t error = reef__store_begin(writer->database, capture, &failure);

    if (error == REEF_OK) {
        error = reef__store_write(writer->database, capture, &info->bytes, &failure);
    }
    if (error != REEF_OK) {
        info->state = REEF_SNAPSHOT_FAILED;
        report_failure(writer, capture->id, failure.text);
        return false;
    }
    info->state = REEF_SNAPSHOT_COMPLETE;
    reef_metric_add(writer->complete, 1);
    reef_metric_set(writer->last_success, (double)time(NULL));
    reef_metric_set(writer->bytes, (double)info->bytes);
    reef_log(writer->log, REEF_LOG_INFO, "snapshot", "stored",
             REEF_LOG_INT("id", capture->id), REEF_LOG_TEXT("reason", capture->reason),
             REEF_LOG_INT("tick", capture->tick),
             REEF_LOG_INT("entities", capture->entities),
             REEF_LOG_INT("bytes", info->bytes));
    prune(writer);
    return true;
}

/* Take the head off the queue.  The mutex is held. */
static reef__capture_t *
finish_head(reef__writer_t *writer, const reef_snapshot_info_t *info, bool complete)
{
    reef__capture_t *unused = writer->queue[0];

    writer->last[writer->last_next++ % FINISHED_COUNT] = *info;
    writer->count--;
    memmove(writer->queue, writer->queue + 1, writer->count * sizeof(writer->queue[0]));
    memmove(writer->infos, writer->infos + 1, writer->count * sizeof(writer->infos[0]));
    if (complete) {
        reef__capture_t *old = writer->base;

        writer->base = unused;
        unused = old;
    } else {
        writer->base_lost = true;
    }
    pthread_cond_broadcast(&writer->finished);
    return unused;
}

static void *run_writer(void *argument)
{
    reef__writer_t *writer = argument;

    pthread_mutex_lock(&writer->mutex);
    while (true) {
        reef_snapshot_info_t info;
        reef__capture_t *capture;
        bool complete;

        while (writer->count == 0 && !writer->stop) {
            pthread_cond_wait(&writer->work, &writer->mutex);
        }
        if (writer->count == 0) {
            break;
        }
        capture = writer->queue[0];
        info = writer->infos[0];
        pthread_mutex_unlock(&writer->mutex);
        complete = write_capture(writer, capture, &info);
        reef__capture_drop_data(capture);
        pthread_mutex_lock(&writer->mutex);
        capture = finish_head(writer, &info, complete);
        pthread_mutex_unlock(&writer->mutex);
        reef__capture_destroy(capture);
        pthread_mutex_lock(&writer->mutex);
    }
    pthread_mutex_unlock(&writer->mutex);
    return NULL;
}

/* Life ------------------------------------------------------------------------- */

static void ensure_metrics(reef__writer_t *writer, reef_metrics_t *metrics)
{
    reef_metric_desc_t total = {.name = "reef_snapshots_total",
                                .help = "Snapshots by result.",
                                .kind = REEF_METRIC_COUNTER};

    total.labels = "result=\"complete\"";
    writer->complete = reef_metrics_ensure(metrics, &total);
    total.labels = "result=\"failed\"";
    writer->failed = reef_metrics_ensure(metrics, &total);
    writer->last_success = reef_metrics_ensure(
        metrics, &(reef_metric_desc_t){
                     .name = "reef_snapshot_last_success_timestamp_seconds",
                     .help = "When the last snapshot was complete, since 1970.",
                     .unit = "seconds",
                     .kind = REEF_METRIC_GAUGE});
    writer->bytes = reef_metrics_ensure(
        metrics, &(reef_metric_desc_t){.name = "reef_snapshot_bytes",
                                       .help = "Compressed size of the last snapshot.",
                                       .unit = "bytes",
                                       .kind = REEF_METRIC_GAUGE});
}

reef_error_t reef__writer_create(const reef__writer_desc_t *desc,
                                 reef__writer_t **writer,
                                 reef_failure_t *failure)
{
    reef__writer_t *created = snapshot_alloc_zeroed(sizeof(*created));
    pthread_condattr_t monotonic;
    int status;

    assert(desc->keep > 0); /* the newest snapshot's chunks are the base of the next */
    created->database = desc->database;
    created->keep = desc->keep;
    created->log = desc->log;
    created->last_id = desc->last_id;
    ensure_metrics(created, desc->metrics);
    pthread_mutex_init(&created->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&created->work, NULL);
    pthread_cond_init(&created->finished, &monotonic);
    pthread_condattr_destroy(&monotonic);
    status = pthread_create(&created->thread, NULL, run_writer, created);
    if (status != 0) {
        created->database = NULL;
        created->stop = true;
        pthread_cond_destroy(&created->work);
        pthread_cond_destroy(&created->finished);
        pthread_mutex_destroy(&created->mutex);
        snapshot_free(created, sizeof(*created));
        return reef_fail(failure, REEF_E_IO, "no thread for writing snapshots: %s",
                         strerror(status));
    }
    *writer = created;
    return REEF_OK;
}

void reef__writer_destroy(reef__writer_t *writer)
{
    if (writer == NULL) {
        return;
    }
    pthread_mutex_lock(&writer->mutex);
    writer->stop = true;
    pthread_cond_signal(&writer->work);
    pthread_mutex_unlock(&writer->mutex);
    pthread_join(writer->thread, NULL);
    reef_database_close(writer->database);
    reef__capture_destroy(writer->base);
    pthread_cond_destroy(&writer->work);
    pthread_cond_destroy(&writer->finished);
    pthread_mutex_destroy(&writer->mutex);
    snapshot_free(writer, sizeof(*writer));
}

/* World thread ----------------------------------------------------------------- */

bool reef__writer_is_busy(reef__writer_t *writer)
{
    bool busy;

    pthread_mutex_lock(&writer->mutex);
    busy = writer->count > 0;
    pthread_mutex_unlock(&writer->mutex);
    return busy;
}

bool reef__writer_has_room(reef__writer_t *writer)
{
    bool room;

    pthread_mutex_lock(&writer->mutex);
    room = writer->count <= REEF__WRITER_MAX_WAITING;
    pthread_mutex_unlock(&writer->mutex);
    return room;
}

int64_t reef__writer_submit(reef__writer_t *writer, reef__capture_t *capture)
{
    int64_t id;

    pthread_mutex_lock(&writer->mutex);
    assert(writer->count <= REEF__WRITER_MAX_WAITING && !writer->stop);
    id = capture->id = ++writer->last_id;
    writer->queue[writer->count] = capture;
    writer->infos[writer->count++] =
        (reef_snapshot_info_t){.id = id,
                               .created_at_ms = capture->created_at_ms,
                               .tick = capture->tick,
                               .entities = capture->entities,
                               .reason = capture->reason,
                               .state = REEF_SNAPSHOT_WRITING};
    pthread_cond_signal(&writer->work);
    pthread_mutex_unlock(&writer->mutex);
    return id;
}

void reef__writer_update_base(reef__writer_t *writer, reef__capture_t **base)
{
    reef__capture_t *unused = NULL;

    pthread_mutex_lock(&writer->mutex);
    if (writer->base != NULL || writer->base_lost) {
        unused = *base;
        *base = writer->base;
        writer->base = NULL;
        writer->base_lost = false;
    }
    pthread_mutex_unlock(&writer->mutex);
    reef__capture_destroy(unused);
}

/* Any thread ------------------------------------------------------------------- */

static const reef_snapshot_info_t *find_pending(const reef__writer_t *writer,
                                                int64_t id)
{
    for (uint32_t i = 0; i < writer->count; i++) {
        if (writer->infos[i].id == id) {
            return &writer->infos[i];
        }
    }
    return NULL;
}

bool reef__writer_find(reef__writer_t *writer, int64_t id, reef_snapshot_info_t *info)
{
    const reef_snapshot_info_t *found;

    pthread_mutex_lock(&writer->mutex);
    found = find_pending(writer, id);
    for (uint32_t i = 0; i < FINISHED_COUNT && found == NULL && id > 0; i++) {
        if (writer->last[i].id == id) {
            found = &writer->last[i];
        }
    }
    if (found != NULL) {
        *info = *found;
    }
    pthread_mutex_unlock(&writer->mutex);
    return found != NULL;
}

size_t reef__writer_pending(reef__writer_t *writer, reef_snapshot_info_t *infos)
{
    size_t count;

    pthread_mutex_lock(&writer->mutex);
    count = writer->count;
    for (size_t i = 0; i < count; i++) {
        infos[i] = writer->infos[count - 1 - i];
    }
    pthread_mutex_unlock(&writer->mutex);
    return count;
}

reef_error_t reef__writer_wait(reef__writer_t *writer, int64_t id, uint32_t timeout_ms)
{
    struct timespec deadline;
    bool pending;
    int status = 0;

    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += timeout_ms / 1000;
    deadline.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (deadline.tv_nsec >= 1000000000) {
        deadline.tv_sec++;
        deadline.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&writer->mutex);
    while (find_pending(writer, id) != NULL && status != ETIMEDOUT) {
        status = pthread_cond_timedwait(&writer->finished, &writer->mutex, &deadline);
    }
    pending = find_pending(writer, id) != NULL;
    pthread_mutex_unlock(&writer->mutex);
    return pending ? REEF_E_TIMEOUT : REEF_OK;
}
