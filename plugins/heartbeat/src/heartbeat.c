/*
 * A client costs nothing while it is not due.  When its time has come, it is looked up
 * when it was heard last; mostly that is not long ago, and it is due again one interval
 * after it.  So who is active is never asked, and a frame pays for those that are due
 * and not for all.
 *
 * The system is a step of the frame, not of `update`, so it goes on while the world is
 * paused.  Texts are answered by the router, in `update`.
 */
#include <reef/heartbeat.h>

#include <reef/list.h>
#include <reef/name.h>
#include <reef/router.h>
#include <reef/session.h>

#include "beat.h"

#define CLOSE_REASON "heartbeat timeout"
#define OVERSLEPT_NS UINT64_C(2000000000) /* no frame for longer than any tick */

enum {
    CLOSE_CODE = 1001 /* going away, as for other silence */
};

REEF_COMPONENT(heartbeat_row,
               0,
               REEF_U64(client_id),
               REEF_U64(silent_ms, .unit = "ms", .doc = "since its last byte"),
               REEF_U32(pings, .doc = "that were sent since"));

typedef struct heartbeat {
    reef_app_t *app;
    heartbeat_config_t config;
    reef__beats_t beats;
    reef_buffer_t *ping;
    reef_buffer_t *pong;
    uint64_t interval_ns;
    uint64_t timeout_ns;
    uint64_t looked_ns; /* when the system ran last; 0 = never */
    uint64_t awake_ns;  /* when it ran again after a long time */
    uint64_t grace_ns;  /* before that nothing is made of the next long time */
    reef_metric_t *metric_pings;
    reef_metric_t *metric_timeouts;
} heartbeat_t;

const reef_event_type_t client_timed_out_event = {
    .name = "client_timed_out",
    .size = sizeof(client_timed_out_t),
};

/* Looking at clients ----------------------------------------------------------- */

/* When a process was stopped and goes on, nothing of what was sent meanwhile may be
 * read yet.  So nobody counts as silent for more than an interval then: all are asked
 * first.  Not again before one would be closed, lest a slow server close nobody. */
static void note_sleep(heartbeat_t *heartbeat, uint64_t now_ns)
{
    if (heartbeat->looked_ns != 0 && now_ns - heartbeat->looked_ns > OVERSLEPT_NS &&
        now_ns >= heartbeat->grace_ns) {
        heartbeat->awake_ns = now_ns;
        heartbeat->grace_ns = now_ns + heartbeat->timeout_ns;
    }
    heartbeat->looked_ns = now_ns;
}

/* When a client was heard, as far as it is to blame; 0 = it is being closed. */
static uint64_t heard_ns(const heartbeat_t *heartbeat, const reef__beat_t *beat)
{
    uint64_t heard = reef_session_heard_ns(heartbeat->app, beat->entity);
    uint64_t least = heartbeat->awake_ns > heartbeat->interval_ns
                         ? heartbeat->awake_ns - heartbeat->interval_ns
                         : 0;

    return heard == 0 || heard > least ? heard : least;
}

/* A loop may have heard of a client after the frame began. */
static uint64_t silence_ns(uint64_t now_ns, uint64_t heard)
{
    return now_ns > heard ? now_ns - heard : 0;
}

static void
time_out(heartbeat_t *heartbeat, reef_run_t *run, const reef__beat_t *beat, uint64_t ns)
{
    reef_app_t *app = heartbeat->app;

    REEF_EMIT(run, client_timed_out, .entity = beat->entity,
              .client_id = beat->client_id, .silent_ms = ns / 1000000);
    reef_log(reef_app_log(app), REEF_LOG_DEBUG, "heartbeat", "client timed out",
             REEF_LOG_INT("client", beat->client_id),
             REEF_LOG_INT("silent_ms", ns / 1000000));
    reef_metric_add(heartbeat->metric_timeouts, 1);
    reef_session_close_as(app, beat->entity, CLOSE_CODE, CLOSE_REASON,
                          REEF_DISCONNECT_TIMEOUT);
}

/* False when the client cannot be asked. */
static bool ask(heartbeat_t *heartbeat, reef__beat_t *beat, uint64_t now_ns)
{
    reef_app_t *app = heartbeat->app;

    beat->is_text = !reef_session_ping(app, beat->entity, heartbeat->ping);
    if (beat->is_text && !reef_session_is_text(app, beat->entity)) {
        return false;
    }
    if (beat->is_text) { /* where there is no room for it, there is no need to close */
        reef_world_send(reef_app_world(app),
                        &(send_message_t){.target = beat->entity,
                                          .payload = reef_buffer_ref(heartbeat->ping),
                                          .message_class = REEF_DROPPABLE});
    }
    beat->pings++;
    beat->pinged_ns = now_ns;
    reef_metric_add(heartbeat->metric_pings, 1);
    return true;
}

/* The first is due: what is to be done, and when it is due again. */
static void
look_at_first(heartbeat_t *heartbeat, reef_run_t *run, reef__beat_t *beat, uint64_t now)
{
    uint64_t heard = heard_ns(heartbeat, beat);
    uint64_t silent = silence_ns(now, heard);
    uint64_t due_ns = now + heartbeat->interval_ns;

    if (heard == 0) {
        reef__beats_remove(&heartbeat->beats, beat->slot);
        return;
    }
    if (heard > beat->pinged_ns) {
        beat->pings = 0;
    }
    if (silent < heartbeat->interval_ns) {
        due_ns = heard + heartbeat->interval_ns;
    } else if (silent >= heartbeat->timeout_ns && beat->pings > 0) {
        time_out(heartbeat, run, beat, silent);
        reef__beats_remove(&heartbeat->beats, beat->slot);
        return;
    } else if (ask(heartbeat, beat, now) && due_ns > heard + heartbeat->timeout_ns) {
        due_ns = heard + heartbeat->timeout_ns;
    }
    reef__beats_delay_first(&heartbeat->beats, due_ns > now ? due_ns : now + 1);
}

static void take_newcomers(heartbeat_t *heartbeat, reef_run_t *run)
{
    const user_connected_t *event;

    while ((event = REEF_NEXT(run, user_connected)) != NULL) {
        uint64_t heard = reef_session_heard_ns(heartbeat->app, event->entity);

        if (heard != 0) {
            reef__beats_add(&heartbeat->beats,
                            &(reef__beat_t){
                                .entity = event->entity,
                                .client_id = event->client_id,
                                .slot = event->slot,
                                .due_ns = heard + heartbeat->interval_ns,
                            });
        }
    }
}

static reef__beat_t *find(const heartbeat_t *heartbeat, reef_entity_t entity)
{
    reef__beat_t *beat =
        reef__beats_find(&heartbeat->beats, reef_session_slot(heartbeat->app, entity));

    return beat != NULL && beat->entity == entity ? beat : NULL;
}

static void let_go(heartbeat_t *heartbeat, reef_run_t *run)
{
    const user_disconnected_t *event;

    while ((event = REEF_NEXT(run, user_disconnected)) != NULL) {
        const reef__beat_t *beat = reef__beats_find(&heartbeat->beats, event->slot);

        if (beat != NULL && beat->client_id == event->client_id) {
            reef__beats_remove(&heartbeat->beats, beat->slot);
        }
    }
}

static void run_heartbeat(reef_run_t *run)
{
    heartbeat_t *heartbeat = reef_run_context(run);
    uint64_t now_ns = reef_app_now_ns(heartbeat->app);
    reef__beat_t *first;

    take_newcomers(heartbeat, run);
    let_go(heartbeat, run);
    note_sleep(heartbeat, now_ns);
    while ((first = reef__beats_first(&heartbeat->beats)) != NULL &&
           first->due_ns <= now_ns) {
        look_at_first(heartbeat, run, first, now_ns);
    }
}

/* Texts ------------------------------------------------------------------------ */

/* A payload that begins with `/` is a command to the router, which gives the rest. */
static bool is_all(const reef_command_text_t *text, const char *payload)
{
    return text->rest.size == 0 || reef_span_equal(text->rest, reef_span_text(payload));
}

/* Those who have a ping of their own may mean it as they say. */
static bool on_ping(reef_run_t *run, const reef_command_text_t *text, void *context)
{
    const heartbeat_t *heartbeat = context;

    if (!is_all(text, heartbeat->config.ping_payload) ||
        reef_session_can_ping(heartbeat->app, text->entity)) {
        return false;
    }
    reef_send(run, text->entity, heartbeat->pong);
    return true;
}

/* The round trip ends when the loop got the answer, not when its turn came.  After two
 * pings nobody knows which one is answered (Karn and Partridge, 1987). */
static bool on_pong(reef_run_t *run, const reef_command_text_t *text, void *context)
{
    heartbeat_t *heartbeat = context;
    reef__beat_t *beat = find(heartbeat, text->entity);
    uint64_t now_ns = reef_app_now_ns(heartbeat->app);
    uint64_t heard = reef_session_heard_ns(heartbeat->app, text->entity);
    uint64_t came_ns = heard < now_ns ? heard : now_ns;

    (void)run;
    if (!is_all(text, heartbeat->config.pong_payload)) {
        return false;
    }
    if (beat != NULL && beat->is_text && beat->pings == 1 &&
        came_ns >= beat->pinged_ns) {
        reef_session_note_rtt(heartbeat->app, text->entity,
                              (int64_t)(came_ns - beat->pinged_ns) / 1000);
    }
    if (beat != NULL) {
        beat->pings = 0;
    }
    return true;
}

/* List ------------------------------------------------------------------------- */

static uint32_t count_rows(void *context)
{
    return (uint32_t)((const heartbeat_t *)context)->beats.heap.count;
}

static void get_row(void *context, uint32_t index, void *row)
{
    const heartbeat_t *heartbeat = context;
    const reef__beat_t *beat = &heartbeat->beats.heap.items[index];
    uint64_t heard = reef_session_heard_ns(heartbeat->app, beat->entity);

    *(heartbeat_row_t *)row = (heartbeat_row_t){
        .client_id = beat->client_id,
        .silent_ms = heard == 0
                         ? 0
                         : silence_ns(reef_app_now_ns(heartbeat->app), heard) / 1000000,
        .pings = heard > beat->pinged_ns ? 0 : beat->pings,
    };
}

static const reef_entity_t *get_members(void *context, uint32_t index, uint32_t *count)
{
    *count = 1;
    return &((const heartbeat_t *)context)->beats.heap.items[index].entity;
}

/* Plugin ----------------------------------------------------------------------- */

/* As a text it must be one that a client can say, and that is found. */
static reef_error_t
check_payload(const char *setting, const char *payload, reef_failure_t *failure)
{
    reef_span_t text = reef_span_text(payload);

    if (reef_span_trim(text).size != text.size) {
        return reef_fail(failure, REEF_E_INVALID, "%s: '%s' has white space at an end",
                         setting, payload);
    }
    return reef_name_check(&(reef_name_rules_t){.what = setting,
                                                .max_size = REEF_MAX_PING,
                                                .is_one_word = payload[0] == '/'},
                           text, failure);
}

static reef_error_t check_config(const heartbeat_config_t *config,
                                 reef_failure_t *failure)
{
    reef_error_t error;

    if (config->timeout_s <= config->interval_s) {
        return reef_fail(failure, REEF_E_INVALID,
                         "heartbeat.timeout_s: %g is not more than "
                         "heartbeat.interval_s, %g: who is asked must have time to "
                         "answer",
                         config->timeout_s, config->interval_s);
    }
    error = check_payload("heartbeat.ping_payload", config->ping_payload, failure);
    if (error == REEF_OK) {
        error = check_payload("heartbeat.pong_payload", config->pong_payload, failure);
    }
    if (error == REEF_OK && strcmp(config->ping_payload, config->pong_payload) == 0) {
        error = reef_fail(failure, REEF_E_INVALID,
                          "heartbeat.pong_payload: '%s' is heartbeat.ping_payload, too",
                          config->pong_payload);
    }
    return error;
}

static reef_buffer_t *text_buffer(const char *text)
{
    return reef_buffer_create(REEF_PAYLOAD_TEXT, reef_span_text(text));
}

static void destroy(const reef_app_t *app, heartbeat_t *heartbeat)
{
    reef__beats_finish(&heartbeat->beats);
    reef_buffer_unref(heartbeat->ping);
    reef_buffer_unref(heartbeat->pong);
    reef_resize(reef_app_alloc(app), heartbeat, sizeof(*heartbeat), 0);
}

static void register_parts(heartbeat_t *heartbeat)
{
    reef_metrics_t *metrics = reef_app_metrics(heartbeat->app);

    heartbeat->metric_pings = reef_metrics_ensure(
        metrics, &(reef_metric_desc_t){.name = "reef_heartbeat_pings_total",
                                       .help = "Clients asked for a sign of life."});
    heartbeat->metric_timeouts = reef_metrics_ensure(
        metrics,
        &(reef_metric_desc_t){.name = "reef_heartbeat_timeouts_total",
                              .help = "Clients closed for giving no sign of life."});
    reef_app_add_list(heartbeat->app,
                      &(reef_list_desc_t){
                          .name = "heartbeat",
                          .doc = "Clients, how long they have been silent, and whether "
                                 "they were asked.",
                          .row = &heartbeat_row_type,
                          .count = count_rows,
                          .get = get_row,
                          .members = get_members,
                          .context = heartbeat,
                      });
    reef_app_add_system(heartbeat->app, REEF_FRAME,
                        &(reef_system_desc_t){
                            .name = "heartbeat",
                            .run = run_heartbeat,
                            .context = heartbeat,
                            .exclusive = true,
                            .reads = {&user_connected_event, &user_disconnected_event},
                            .after = {"admission"},
                            .before = {"update"},
                        });
}

static reef_error_t
build(reef_app_t *app, const void *config, void **state, reef_failure_t *failure)
{
    heartbeat_t *heartbeat =
        reef_resize(reef_app_alloc(app), NULL, 0, sizeof(*heartbeat));
    reef_error_t error;

    *heartbeat = (heartbeat_t){.app = app};
    heartbeat->config = *(const heartbeat_config_t *)config;
    reef__beats_init(&heartbeat->beats, reef_app_alloc(app));
    error = check_config(&heartbeat->config, failure);
    if (error == REEF_OK) {
        error = reef_app_add_prefixes(
            app,
            (const reef_prefix_t[]){{heartbeat->config.ping_payload, on_ping},
                                    {heartbeat->config.pong_payload, on_pong},
                                    {NULL, NULL}},
            heartbeat, failure);
    }
    if (error != REEF_OK) {
        destroy(app, heartbeat);
        return error;
    }
    heartbeat->interval_ns = (uint64_t)(heartbeat->config.interval_s * 1e9);
    heartbeat->timeout_ns = (uint64_t)(heartbeat->config.timeout_s * 1e9);
    heartbeat->ping = text_buffer(heartbeat->config.ping_payload);
    heartbeat->pong = text_buffer(heartbeat->config.pong_payload);
    register_parts(heartbeat);
    *state = heartbeat;
    return REEF_OK;
}

static void cleanup(reef_app_t *app, void *state)
{
    destroy(app, state);
}

const reef_plugin_t reef_heartbeat_plugin = {
    .api = REEF_PLUGIN_API,
    .name = "heartbeat",
    .config_type = &heartbeat_config_type,
    .build = build,
    .cleanup = cleanup,
};
