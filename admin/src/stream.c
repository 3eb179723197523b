/*
 * One live stream as server-sent events (WHATWG HTML section 9.2), on a thread of its
 * own.  Ten times a second at most it looks at what is due, in one request to the
 * world, and sends what has changed since it was last sent.  Since it writes before it
 * looks again, a slow reader gets fewer but always the newest states.
 */
#include "handlers.h"
#include "stream_topics.h"

#include <reef/hash.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define TICK_NS      UINT64_C(100000000)
#define HEARTBEAT_NS UINT64_C(5000000000)

typedef struct stream {
    reef__topics_t topics;
    reef__identity_t identity;
    uint64_t sequence;
    uint64_t sent_ns; /* when something was sent last */
    bool resumed;
} stream_t;

static bool send_event(stream_t *stream,
                       const reef__sink_t *sink,
                       const char *event,
                       const char *data)
{
    char *text = NULL;
    int size = asprintf(&text, "id: %" PRIu64 "\nevent: %s\ndata: %s\n\n",
                        ++stream->sequence, event, data);
    bool sent;

    if (size < 0) {
        abort();
    }
    sent = sink->write(sink->context, text, (size_t)size);
    free(text);
    stream->sent_ns = reef__now_ns();
    return sent;
}

static bool send_topic(stream_t *stream, const reef__sink_t *sink, reef__topic_t *topic)
{
    const reef__admin_now_t *now = &stream->topics.frame.now;
    char *data = reef__topic_print(&stream->topics, topic);
    uint64_t hash = reef_hash64(data, strlen(data), 0);
    bool sent = true;

    if (!topic->was_sent || hash != topic->hash) {
        cJSON *json = cJSON_CreateObject();
        char *text;

        cJSON_AddStringToObject(json, "topic", topic->name);
        cJSON_AddNumberToObject(json, "tick", (double)now->tick);
        cJSON_AddBoolToObject(json, "paused", now->paused);
        cJSON_AddRawToObject(json, "data", data);
        text = reef__json_print(json);
        sent = send_event(stream, sink, "delta", text);
        cJSON_Delete(json);
        free(text);
        topic->was_sent = true;
        topic->hash = hash;
    }
    free(data);
    return sent;
}

/* One look; false when the stream is over. */
static bool look(stream_t *stream, const reef__sink_t *sink, uint64_t now_ns)
{
    reef__admin_t *admin = stream->topics.admin;
    reef_error_t error;

    if (!reef__auth_is_current(admin->auth, &stream->identity, now_ns)) {
        return false;
    }
    if (reef__topics_mark(&stream->topics, now_ns)) {
        error = reef_mailbox_call(reef_app_mailbox(admin->app), reef__topics_collect,
                                  &stream->topics, admin->config.deadline_ms);
        if (error == REEF_E_CLOSED) {
            return false;
        }
        for (size_t i = 0; error == REEF_OK && i < stream->topics.count; i++) {
            if (stream->topics.items[i].is_due &&
                !send_topic(stream, sink, &stream->topics.items[i])) {
                return false;
            }
        }
    }
    return now_ns < stream->sent_ns + HEARTBEAT_NS ||
           send_event(stream, sink, "heartbeat", "{}");
}

/* Sleep until @p until_ns, a logout or the end; false at the end. */
static bool sleep_until(reef__admin_t *admin, uint64_t until_ns)
{
    struct timespec until = {.tv_sec = (time_t)(until_ns / 1000000000),
                             .tv_nsec = (long)(until_ns % 1000000000)};
    bool stopping;

    pthread_mutex_lock(&admin->mutex);
    if (!admin->stopping) {
        pthread_cond_timedwait(&admin->stop, &admin->mutex, &until);
    }
    stopping = admin->stopping;
    pthread_mutex_unlock(&admin->mutex);
    return !stopping;
}

static void run_stream(void *context, const reef__sink_t *sink)
{
    stream_t *stream = context;
    uint64_t now_ns = reef__now_ns();

    stream->sent_ns = now_ns;
    if (stream->resumed && !send_event(stream, sink, "resync", "{}")) {
        return;
    }
    while (look(stream, sink, now_ns) &&
           sleep_until(stream->topics.admin, now_ns + TICK_NS)) {
        now_ns = reef__now_ns();
    }
}

static void drop_stream(void *context)
{
    stream_t *stream = context;
    reef__admin_t *admin = stream->topics.admin;

    pthread_mutex_lock(&admin->mutex);
    admin->stream_count--;
    reef_metric_set(admin->streams, admin->stream_count);
    pthread_mutex_unlock(&admin->mutex);
    reef__topics_finish(&stream->topics);
    free(stream);
}

static bool take_slot(reef__admin_t *admin)
{
    bool free_slot;

    pthread_mutex_lock(&admin->mutex);
    free_slot = !admin->stopping && admin->stream_count < admin->config.max_streams;
    if (free_slot) {
        admin->stream_count++;
        reef_metric_set(admin->streams, admin->stream_count);
    }
    pthread_mutex_unlock(&admin->mutex);
    return free_slot;
}

static bool read_topics(reef__admin_t *admin,
                        const reef__request_t *request,
                        reef__topics_t *topics,
                        reef__reply_t *reply)
{
    char text[2048], wrong[64];

    topics->admin = admin;
    if (!reef__request_parameter(request, "topics", text, sizeof(text)) ||
        !reef__topics_parse(topics, text, wrong)) {
        reef__problem(reply, 400, "topics is a list of 1 to %d known topics",
                      REEF__MAX_TOPICS);
        return false;
    }
    if (!reef__admin_call(admin, reef__topics_check, topics, reply)) {
        return false;
    }
    if (topics->unknown[0] != '\0') {
        reef__problem(reply, 400, "there is no component '%s'", topics->unknown);
        return false;
    }
    return true;
}

void reef__serve_stream_get(reef__admin_t *admin,
                            const reef__request_t *request,
                            reef__reply_t *reply)
{
    const char *last = reef__request_header(request, "Last-Event-ID");
    stream_t *stream = calloc(1, sizeof(*stream));

    if (stream == NULL) {
        abort();
    }
    stream->identity = request->identity;
    stream->resumed = last != NULL;
    if (last != NULL && !reef__parse_id(last, &stream->sequence)) {
        stream->sequence = 0;
    }
    if (!read_topics(admin, request, &stream->topics, reply)) {
        reef__topics_finish(&stream->topics);
        free(stream);
        return;
    }
    if (!take_slot(admin)) {
        reef__problem(reply, 503, "there are already %u streams",
                      admin->config.max_streams);
        reef__reply_header(reply, "Retry-After", "5");
        free(stream);
        return;
    }
    reply->status = 200;
    reply->type = "text/event-stream";
    reply->stream = run_stream;
    reply->stream_drop = drop_stream;
    reply->stream_context = stream;
}
