/*
 * A gate looks at every message before any system does.  What it knows of a client lies
 * in an array by the slot of its connection, so a message that passes costs a few
 * comparisons in one cache line, and a client that never speaks costs nothing.  Slots
 * are used again: a client id that is another says so.
 *
 * What a client is told waits until the frame's systems have run, so that it comes
 * behind the answers to what has passed.
 */
#include <reef/rate_limit.h>

#include <reef/array.h>
#include <reef/components.h>
#include <reef/gate.h>
#include <reef/list.h>
#include <reef/session.h>

#include "prefix.h"

#define THROTTLED_TEXT    "[RateLimit] Too many messages. You are temporarily throttled."
#define DISCONNECTED_TEXT "[RateLimit] Disconnected due to rate limit violation."
#define CLOSE_REASON      "rate limit violation"

enum {
    CLOSE_CODE = 1008 /* policy violation */
};

REEF_COMPONENT(rate_limit_row,
               0,
               REEF_U64(client_id),
               REEF_STRING(peer, 48),
               REEF_U64(dropped, .doc = "messages that were held back"),
               REEF_U64(throttled_ms, .unit = "ms", .doc = "still; 0 = it is not"));

/** What is known of one client. */
typedef struct client {
    uint64_t client_id; /* 0 = nobody */
    reef__bucket_t bucket;
    uint64_t throttled_ns; /* nothing passes before */
    uint64_t dropped;
    reef_entity_t entity;
    uint32_t prefix;   /* number, or REEF__NO_PREFIX */
    uint32_t offender; /* position among the offenders + 1; 0 = is none */
    bool was_told;     /* the event was emitted in this window */
} client_t;

/** What a client is to be told. */
typedef struct notice {
    reef_entity_t entity;
    reef_buffer_t *text; /* borrowed */
} notice_t;

typedef struct rate_limit {
    reef_app_t *app;
    rate_limit_config_t config;
    reef__bucket_rules_t rules;
    uint64_t throttle_ns;
    bool has_prefixes;
    reef__prefixes_t prefixes;
    struct {
        client_t *items; /* by slot */
        size_t count, capacity;
    } clients;
    struct {
        uint32_t *items; /* slots of those of whom something was dropped */
        size_t count, capacity;
    } offenders;
    struct {
        notice_t *items; /* of this frame */
        size_t count, capacity;
    } notices;
    reef_buffer_t *throttled;
    reef_buffer_t *disconnected;
    reef_event_queue_t *exceeded;
    uint64_t dropped; /* not told to the metrics yet */
    reef_metric_t *metric_dropped;
    reef_metric_t *metric_throttled;
    reef_metric_t *metric_disconnected;
    reef_metric_t *metric_prefixes;
    reef_metric_t *metric_no_room;
} rate_limit_t;

const reef_event_type_t rate_limit_exceeded_event = {
    .name = "rate_limit_exceeded",
    .size = sizeof(rate_limit_exceeded_t),
};

/* Clients ---------------------------------------------------------------------- */

static uint32_t find_prefix(rate_limit_t *limit, reef_entity_t entity, uint64_t now_ns)
{
    const session_t *session = REEF_FIND(reef_app_world(limit->app), entity, session);
    reef__prefix_key_t key =
        session ? reef__prefix_of(session->peer) : (reef__prefix_key_t){0};
    uint32_t number;

    if (!limit->has_prefixes || key.bits == 0) {
        return REEF__NO_PREFIX;
    }
    number = reef__prefixes_enter(&limit->prefixes, key, now_ns);
    if (number == REEF__NO_PREFIX) {
        reef_metric_add(limit->metric_no_room, 1);
    }
    return number;
}

static void leave_offenders(rate_limit_t *limit, client_t *client)
{
    uint32_t last;

    if (client->offender != 0) {
        last = limit->offenders.items[--limit->offenders.count];
        limit->offenders.items[client->offender - 1] = last;
        limit->clients.items[last].offender = client->offender;
        client->offender = 0;
    }
}

static void forget(rate_limit_t *limit, client_t *client)
{
    leave_offenders(limit, client);
    if (client->prefix != REEF__NO_PREFIX) {
        reef__prefixes_leave(&limit->prefixes, client->prefix);
    }
    *client = (client_t){.prefix = REEF__NO_PREFIX};
}

static client_t *
begin_client(rate_limit_t *limit, const reef_gate_message_t *message, uint64_t now_ns)
{
    client_t *client;

    REEF_ARRAY_RESERVE(reef_app_alloc(limit->app), &limit->clients,
                       (size_t)message->slot + 1);
    while (limit->clients.count <= message->slot) {
        limit->clients.items[limit->clients.count++] =
            (client_t){.prefix = REEF__NO_PREFIX};
    }
    client = &limit->clients.items[message->slot];
    forget(limit, client);
    *client = (client_t){
        .client_id = message->client_id,
        .entity = message->entity,
        .bucket = reef__bucket_begin(now_ns),
        .prefix = find_prefix(limit, message->entity, now_ns),
    };
    return client;
}

static client_t *
client_of(rate_limit_t *limit, const reef_gate_message_t *message, uint64_t now_ns)
{
    if (REEF_LIKELY(message->slot < limit->clients.count &&
                    limit->clients.items[message->slot].client_id ==
                        message->client_id)) {
        return &limit->clients.items[message->slot];
    }
    return begin_client(limit, message, now_ns);
}

static void run_rate_limit(reef_run_t *run)
{
    rate_limit_t *limit = reef_run_context(run);
    const user_disconnected_t *event;

    while ((event = REEF_NEXT(run, user_disconnected)) != NULL) {
        uint32_t slot = event->slot;

        if (slot < limit->clients.count &&
            limit->clients.items[slot].client_id == event->client_id) {
            forget(limit, &limit->clients.items[slot]);
        }
    }
    if (limit->dropped > 0) {
        reef_metric_add(limit->metric_dropped, (double)limit->dropped);
        limit->dropped = 0;
    }
    if (limit->has_prefixes) {
        reef_metric_set(limit->metric_prefixes, limit->prefixes.count);
    }
}

/* The gate --------------------------------------------------------------------- */

static void say(rate_limit_t *limit, const client_t *client, reef_buffer_t *text)
{
    *REEF_ARRAY_PUSH(reef_app_alloc(limit->app), &limit->notices) =
        (notice_t){.entity = client->entity, .text = text};
}

static void send_notices(reef_run_t *run)
{
    rate_limit_t *limit = reef_run_context(run);

    for (size_t i = 0; i < limit->notices.count; i++) {
        reef_send(run, limit->notices.items[i].entity, limit->notices.items[i].text);
    }
    limit->notices.count = 0;
}

static void note_dropped(rate_limit_t *limit, client_t *client)
{
    limit->dropped++;
    if (client->dropped++ == 0) {
        *REEF_ARRAY_PUSH(reef_app_alloc(limit->app), &limit->offenders) =
            (uint32_t)(client - limit->clients.items);
        client->offender = (uint32_t)limit->offenders.count;
    }
}

static void punish(rate_limit_t *limit, client_t *client, uint64_t now_ns)
{
    switch ((reef_rate_limit_action_t)limit->config.action) {
    case REEF_RATE_LIMIT_DROP:
        break;
    case REEF_RATE_LIMIT_THROTTLE:
        client->throttled_ns = now_ns + limit->throttle_ns;
        reef_metric_add(limit->metric_throttled, 1);
        say(limit, client, limit->throttled);
        break;
    case REEF_RATE_LIMIT_DISCONNECT: /* or it has gone, and left messages behind */
        if (reef_session_close(limit->app, client->entity, CLOSE_CODE, CLOSE_REASON)) {
            reef_metric_add(limit->metric_disconnected, 1);
            say(limit, client, limit->disconnected);
        }
        break;
    }
}

/* A message too many.  No further one comes of who is closed. */
static bool exceed(rate_limit_t *limit,
                   client_t *client,
                   reef_rate_limit_cause_t cause,
                   uint64_t now_ns)
{
    note_dropped(limit, client);
    if (!client->was_told) {
        client->was_told = true;
        (void)reef_event_emit(
            limit->exceeded,
            &(rate_limit_exceeded_t){
                .entity = client->entity,
                .client_id = client->client_id,
                .action = (reef_rate_limit_action_t)limit->config.action,
                .cause = cause,
                .dropped = client->dropped,
            });
    }
    punish(limit, client, now_ns);
    return false;
}

static bool pass(reef_app_t *app, const reef_gate_message_t *message, void *context)
{
    rate_limit_t *limit = context;
    uint64_t now_ns = reef_app_now_ns(app);
    size_t size = reef_buffer_payload(message->payload).size;
    client_t *client = client_of(limit, message, now_ns);
    reef__bucket_t *shared = NULL;

    if (now_ns < client->throttled_ns) {
        note_dropped(limit, client);
        return false;
    }
    if (reef__bucket_look(&client->bucket, &limit->rules, now_ns)) {
        client->was_told = false;
    }
    if (!reef__bucket_has_messages(&client->bucket, &limit->rules)) {
        return exceed(limit, client, REEF_RATE_LIMIT_MESSAGES, now_ns);
    }
    if (!reef__bucket_has_bytes(&client->bucket, &limit->rules)) {
        return exceed(limit, client, REEF_RATE_LIMIT_BYTES, now_ns);
    }
    if (client->prefix != REEF__NO_PREFIX) {
        const reef__bucket_rules_t *rules = &limit->prefixes.rules;

        shared = reef__prefixes_bucket(&limit->prefixes, client->prefix);
        reef__bucket_look(shared, rules, now_ns);
        if (!reef__bucket_has_messages(shared, rules)) {
            return exceed(limit, client, REEF_RATE_LIMIT_PREFIX_MESSAGES, now_ns);
        }
        if (!reef__bucket_has_bytes(shared, rules)) {
            return exceed(limit, client, REEF_RATE_LIMIT_PREFIX_BYTES, now_ns);
        }
        reef__bucket_take(shared, size);
    }
    reef__bucket_take(&client->bucket, size);
    return true;
}

/* List ------------------------------------------------------------------------- */

static const client_t *offender_at(const rate_limit_t *limit, uint32_t index)
{
    return &limit->clients.items[limit->offenders.items[index]];
}

static uint32_t count_rows(void *context)
{
    return (uint32_t)((const rate_limit_t *)context)->offenders.count;
}

static void get_row(void *context, uint32_t index, void *row)
{
    const rate_limit_t *limit = context;
    const client_t *client = offender_at(limit, index);
    const session_t *session =
        REEF_FIND(reef_app_world(limit->app), client->entity, session);
    uint64_t now_ns = reef_app_now_ns(limit->app);
    rate_limit_row_t *out = row;

    out->client_id = client->client_id;
    out->dropped = client->dropped;
    out->throttled_ms =
        now_ns < client->throttled_ns
            ? (client->throttled_ns - now_ns + 999999) / 1000000 /* to the end */
            : 0;
    if (session != NULL) {
        memcpy(out->peer, session->peer, sizeof(out->peer));
    }
}

static const reef_entity_t *get_members(void *context, uint32_t index, uint32_t *count)
{
    *count = 1;
    return &offender_at(context, index)->entity;
}

/* Plugin ----------------------------------------------------------------------- */

static reef_metric_t *counter(reef_app_t *app, const char *name, const char *help)
{
    return reef_metrics_ensure(reef_app_metrics(app),
                               &(reef_metric_desc_t){.name = name, .help = help});
}

static void register_metrics(rate_limit_t *limit, reef_app_t *app)
{
    limit->metric_dropped = counter(app, "reef_rate_limit_dropped_total",
                                    "Messages held back by the rate limit.");
    limit->metric_throttled = counter(app, "reef_rate_limit_throttled_total",
                                      "Times a client was throttled.");
    limit->metric_disconnected = counter(app, "reef_rate_limit_disconnected_total",
                                         "Clients closed by the rate limit.");
    limit->metric_no_room =
        counter(app, "reef_rate_limit_prefixes_refused_total",
                "Clients without a limit of their address, for want of room.");
    limit->metric_prefixes = reef_metrics_ensure(
        reef_app_metrics(app),
        &(reef_metric_desc_t){.name = "reef_rate_limit_prefixes",
                              .help = "Addresses that have a limit, or had lately.",
                              .kind = REEF_METRIC_GAUGE});
}

static void register_parts(rate_limit_t *limit, reef_app_t *app)
{
    register_metrics(limit, app);
    reef_app_add_gate(app, pass, limit);
    reef_app_add_list(app, &(reef_list_desc_t){
                               .name = "rate_limit",
                               .doc = "Clients of whom messages were held back.",
                               .row = &rate_limit_row_type,
                               .count = count_rows,
                               .get = get_row,
                               .members = get_members,
                               .context = limit,
                           });
    reef_app_add_system(app, REEF_FRAME,
                        &(reef_system_desc_t){
                            .name = "rate_limit",
                            .run = run_rate_limit,
                            .context = limit,
                            .exclusive = true,
                            .reads = {&user_disconnected_event},
                            .after = {"admission"},
                            .before = {"update"},
                        });
    reef_app_add_system(app, REEF_FRAME,
                        &(reef_system_desc_t){
                            .name = "rate_limit_notices",
                            .run = send_notices,
                            .context = limit,
                            .exclusive = true,
                            .after = {"replicate"},
                            .before = {"egress"},
                        });
}

static reef_error_t
build(reef_app_t *app, const void *config, void **state, reef_failure_t *failure)
{
    rate_limit_t *limit = reef_resize(reef_app_alloc(app), NULL, 0, sizeof(*limit));
    reef__bucket_rules_t shared;

    (void)failure;
    *limit = (rate_limit_t){.app = app};
    limit->config = *(const rate_limit_config_t *)config;
    limit->rules = (reef__bucket_rules_t){
        .window_ns = (uint64_t)(limit->config.window_s * 1e9),
        .max_messages = limit->config.max_messages,
        .max_bytes = limit->config.max_bytes,
    };
    shared = (reef__bucket_rules_t){
        .window_ns = limit->rules.window_ns,
        .max_messages = limit->config.prefix_messages,
        .max_bytes = limit->config.prefix_bytes,
    };
    limit->throttle_ns = (uint64_t)(limit->config.throttle_s * 1e9);
    limit->has_prefixes = shared.max_messages > 0 || shared.max_bytes > 0;
    reef__prefixes_init(&limit->prefixes, reef_app_alloc(app), &shared,
                        limit->config.max_prefixes);
    limit->throttled =
        reef_buffer_create(REEF_PAYLOAD_TEXT, reef_span_text(THROTTLED_TEXT));
    limit->disconnected =
        reef_buffer_create(REEF_PAYLOAD_TEXT, reef_span_text(DISCONNECTED_TEXT));
    limit->exceeded =
        reef_world_events(reef_app_world(app), &rate_limit_exceeded_event);
    register_parts(limit, app);
    *state = limit;
    return REEF_OK;
}

static void cleanup(reef_app_t *app, void *state)
{
    rate_limit_t *limit = state;
    const reef_alloc_t *alloc = reef_app_alloc(app);

    reef__prefixes_finish(&limit->prefixes);
    REEF_ARRAY_FINISH(alloc, &limit->clients);
    REEF_ARRAY_FINISH(alloc, &limit->offenders);
    REEF_ARRAY_FINISH(alloc, &limit->notices);
    reef_buffer_unref(limit->throttled);
    reef_buffer_unref(limit->disconnected);
    reef_resize(alloc, limit, sizeof(*limit), 0);
}

const reef_plugin_t reef_rate_limit_plugin = {
    .api = REEF_PLUGIN_API,
    .name = "rate_limit",
    .config_type = &rate_limit_config_type,
    .build = build,
    .cleanup = cleanup,
};
