/*
 * The plugin: settings, listeners, the end.  What happens on one connection is in
 * ws_connection.c.
 */
#include "transport/ws.h"

#include "app.h"

#include <string.h>

static uint32_t connection_count(const void *self)
{
    return atomic_load(&((const reef__ws_server_t *)self)->connection_count);
}

/* Connections whose handshake is not done would come too late. */
static void end_handshake(reef__stream_t *stream, void *context)
{
    reef__ws_connection_t *connection = (reef__ws_connection_t *)stream;

    (void)context;
    if (connection->state == REEF__WS_SECURING ||
        connection->state == REEF__WS_HANDSHAKE ||
        connection->state == REEF__WS_ASKING) {
        reef__ws_abort(connection, REEF_DISCONNECT_SHUTDOWN);
    }
}

/* On the loop's thread. */
static void end_handshakes(void *context)
{
    reef__streams_visit(((reef__ws_loop_t *)context)->io, &reef__ws_stream_type,
                        end_handshake, NULL);
}

static void call_on_loops(reef__ws_server_t *server, void (*call)(void *loop))
{
    for (uint32_t i = 0; i < server->loop_count; i++) {
        reef__io_call(server->loops[i].io, call, &server->loops[i]);
    }
}

static void stop_accepting(void *self)
{
    reef__ws_server_t *server = self;

    reef__listeners_close(&server->listeners);
    reef__wss_close(server->wss);
    call_on_loops(server, end_handshakes);
    reef__ios_submit(server->app->ios);
}

static void abort_connection(reef__stream_t *stream, void *context)
{
    (void)context;
    reef__ws_abort((reef__ws_connection_t *)stream, REEF_DISCONNECT_SHUTDOWN);
}

/* On the loop's thread. */
static void abort_all(void *context)
{
    reef__streams_visit(((reef__ws_loop_t *)context)->io, &reef__ws_stream_type,
                        abort_connection, NULL);
}

static void end(void *self)
{
    stop_accepting(self);
    call_on_loops(self, abort_all);
}

const reef_transport_t reef__ws_transport = {
    .name = "websocket",
    .kind = 1,
    REEF__PEER_TRANSPORT,
    .ping = reef__peer_ping,
    .stop_accepting = stop_accepting,
    .connection_count = connection_count,
    .end = end,
};

static void on_accepted(void *context, reef__io_t *io, int descriptor)
{
    reef__ws_server_t *server = context;

    reef__ws_accept(&server->loops[io->index], NULL, descriptor);
}

static reef_error_t ready(reef_app_t *app, void *state, reef_failure_t *failure)
{
    reef__ws_server_t *server = state;

    server->quota.limit =
        reef__quota_fit(app, "websocket", server->config.max_sessions);
    return reef__listeners_open(&server->listeners,
                                &(reef__listeners_desc_t){
                                    .backlog = (int)server->config.backlog,
                                    .scheme = "ws",
                                    .accepted = on_accepted,
                                    .context = server,
                                },
                                failure);
}

static void register_metrics(reef__ws_server_t *server)
{
    reef_metrics_t *metrics = reef_app_metrics(server->app);

    server->metric_refused = reef_metrics_ensure(
        metrics, &(reef_metric_desc_t){.name = "reef_websocket_refused_total",
                                       .help = "Handshakes and connections refused."});
    server->metric_protocol_errors = reef_metrics_ensure(
        metrics,
        &(reef_metric_desc_t){.name = "reef_websocket_protocol_errors_total",
                              .help = "Connections closed for a protocol error."});
}

static void create_loops(reef__ws_server_t *server)
{
    reef__ios_t *ios = server->app->ios;

    server->loop_count = ios->count;
    server->loops = reef_resize(reef_app_alloc(server->app), NULL, 0,
                                ios->count * sizeof(*server->loops));
    for (uint32_t i = 0; i < ios->count; i++) {
        memset(&server->loops[i], 0, sizeof(server->loops[i]));
        server->loops[i].server = server;
        server->loops[i].io = ios->items[i];
        server->loops[i].deflate = reef__ws_deflate_shared_create(
            reef_app_alloc(server->app), &server->deflate);
    }
}

static reef_error_t
build(reef_app_t *app, const void *config, void **state, reef_failure_t *failure)
{
    reef__ws_server_t *server =
        reef_resize(reef_app_alloc(app), NULL, 0, sizeof(*server));
    reef_error_t error;

    *server = (reef__ws_server_t){.app = app};
    server->config = *(const websocket_config_t *)config;
    error = reef__listeners_init(&server->listeners, app, "websocket",
                                 reef_span_text(server->config.listen), failure);
    if (error != REEF_OK) {
        goto undo_server;
    }
    error = reef__proxies_parse(&server->proxies, reef_app_alloc(app),
                                reef_span_text(server->config.trusted_proxies),
                                "websocket.trusted_proxies", failure);
    if (error != REEF_OK) {
        goto undo_listeners;
    }
    reef__quota_init(&server->quota, reef_app_alloc(app), server->config.max_sessions,
                     server->config.max_sessions_per_address);
    reef__quota_init(&server->turned_away, reef_app_alloc(app),
                     REEF__WS_MAX_TURNED_AWAY, 0);
    server->limits = (reef__ws_limits_t){
        .alloc = reef_app_alloc(app),
        .max_message = server->config.max_message,
        .max_frame = server->config.max_frame,
        .max_fragments = server->config.max_fragments,
    };
    reef__ws_limits_resolve(&server->limits);
    server->deflate = (reef__ws_deflate_config_t){
        .enabled = server->config.permessage_deflate,
        .context_takeover = server->config.deflate_context_takeover,
        .level = (uint8_t)server->config.deflate_level,
        .min_size = server->config.deflate_min_size,
        .memory = server->config.deflate_memory,
    };
    create_loops(server);
    register_metrics(server);
    reef_app_add_transport(app, &reef__ws_transport, server);
    *state = server;
    return REEF_OK;

undo_listeners:
    reef__listeners_finish(&server->listeners);
undo_server:
    reef_resize(reef_app_alloc(app), server, sizeof(*server), 0);
    return error;
}

static void cleanup(reef_app_t *app, void *state)
{
    reef__ws_server_t *server = state;

    for (uint32_t i = 0; i < server->loop_count; i++) {
        reef__ws_compression_finish(&server->loops[i]);
    }
    reef__proxies_finish(&server->proxies);
    reef__quota_finish(&server->quota);
    reef__quota_finish(&server->turned_away);
    reef__listeners_finish(&server->listeners);
    reef_resize(reef_app_alloc(app), server->loops,
                server->loop_count * sizeof(*server->loops), 0);
    reef_resize(reef_app_alloc(app), server, sizeof(*server), 0);
}

const reef_plugin_t reef_websocket_plugin = {
    .api = REEF_PLUGIN_API,
    .name = "websocket",
    .always = true,
    .config_type = &websocket_config_type,
    .build = build,
    .ready = ready,
    .cleanup = cleanup,
};
