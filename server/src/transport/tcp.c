/*
 * The plugin: settings, listeners, the end.  What happens on one connection is in
 * tcp_connection.c.
 */
#include "transport/tcp.h"

#include "app.h"

static uint32_t connection_count(const void *self)
{
    return atomic_load(&((const reef__tcp_server_t *)self)->connection_count);
}

/* Connections that are not in yet would come too late. */
static void end_handshake(reef__stream_t *stream, void *context)
{
    reef__tcp_connection_t *connection = (reef__tcp_connection_t *)stream;

    (void)context;
    if (connection->state == REEF__TCP_SECURING ||
        connection->state == REEF__TCP_WAITING) {
        reef__tcp_abort(connection, REEF_DISCONNECT_SHUTDOWN);
    }
}

static void abort_connection(reef__stream_t *stream, void *context)
{
    (void)context;
    reef__tcp_abort((reef__tcp_connection_t *)stream, REEF_DISCONNECT_SHUTDOWN);
}

/* On the loop's thread. */
static void end_handshakes(void *io)
{
    reef__streams_visit(io, &reef__tcp_stream_type, end_handshake, NULL);
}

static void abort_all(void *io)
{
    reef__streams_visit(io, &reef__tcp_stream_type, abort_connection, NULL);
}

static void call_on_loops(const reef__ios_t *ios, void (*call)(void *io))
{
    for (uint32_t i = 0; i < ios->count; i++) {
        reef__io_call(ios->items[i], call, ios->items[i]);
    }
}

static void stop_accepting(void *self)
{
    reef__tcp_server_t *server = self;

    reef__listeners_close(&server->listeners);
    reef__tcps_close(server->tcps);
    call_on_loops(server->app->ios, end_handshakes);
    reef__ios_submit(server->app->ios);
}

static void end(void *self)
{
    stop_accepting(self);
    call_on_loops(((reef__tcp_server_t *)self)->app->ios, abort_all);
}

const reef_transport_t reef__tcp_transport = {
    .name = "tcp",
    .kind = 4,
    REEF__PEER_TRANSPORT,
    .stop_accepting = stop_accepting,
    .connection_count = connection_count,
    .end = end,
};

static void on_accepted(void *context, reef__io_t *io, int descriptor)
{
    reef__tcp_accept(context, io, NULL, descriptor);
}

static reef_error_t ready(reef_app_t *app, void *state, reef_failure_t *failure)
{
    reef__tcp_server_t *server = state;

    if (server->listeners.address_count > 0 || reef__tcps_listens(server->tcps)) {
        server->quota.limit = reef__quota_fit(app, "tcp", server->config.max_sessions);
    }
    return reef__listeners_open(&server->listeners,
                                &(reef__listeners_desc_t){
                                    .backlog = (int)server->config.backlog,
                                    .scheme = "tcp",
                                    .accepted = on_accepted,
                                    .context = server,
                                },
                                failure);
}

static void register_metrics(reef__tcp_server_t *server)
{
    reef_metrics_t *metrics = reef_app_metrics(server->app);

    server->metric_refused = reef_metrics_ensure(
        metrics, &(reef_metric_desc_t){.name = "reef_tcp_refused_total",
                                       .help = "Connections refused."});
    server->metric_protocol_errors = reef_metrics_ensure(
        metrics,
        &(reef_metric_desc_t){.name = "reef_tcp_protocol_errors_total",
                              .help = "Connections closed for a protocol error."});
}

static reef__framing_t framing_of(const tcp_config_t *config)
{
    switch ((reef_tcp_framing_t)config->framing) {
    case REEF_TCP_U32:
        return REEF__FRAMING_U32;
    case REEF_TCP_LINES:
        return REEF__FRAMING_LINES;
    case REEF_TCP_RAW:
        return REEF__FRAMING_RAW;
    case REEF_TCP_VARINT:
        break;
    }
    return REEF__FRAMING_VARINT;
}

static reef_error_t
build(reef_app_t *app, const void *config, void **state, reef_failure_t *failure)
{
    const reef_alloc_t *alloc = reef_app_alloc(app);
    reef__tcp_server_t *server = reef_resize(alloc, NULL, 0, sizeof(*server));
    reef_error_t error;

    *server = (reef__tcp_server_t){.app = app};
    server->config = *(const tcp_config_t *)config;
    error = reef__listeners_init(&server->listeners, app, "tcp",
                                 reef_span_text(server->config.listen), failure);
    if (error != REEF_OK) {
        reef_resize(alloc, server, sizeof(*server), 0);
        return error;
    }
    reef__quota_init(&server->quota, alloc, server->config.max_sessions,
                     server->config.max_sessions_per_address);
    server->limits = (reef__tcp_limits_t){
        .alloc = alloc,
        .max_message = server->config.max_message,
        .framing = framing_of(&server->config),
        .is_text = server->config.payload == REEF_TCP_TEXT,
    };
    reef__tcp_limits_resolve(&server->limits);
    register_metrics(server);
    reef_app_add_transport(app, &reef__tcp_transport, server);
    *state = server;
    return REEF_OK;
}

static void cleanup(reef_app_t *app, void *state)
{
    reef__tcp_server_t *server = state;

    reef__quota_finish(&server->quota);
    reef__listeners_finish(&server->listeners);
    reef_resize(reef_app_alloc(app), server, sizeof(*server), 0);
}

const reef_plugin_t reef_tcp_plugin = {
    .api = REEF_PLUGIN_API,
    .name = "tcp",
    .always = true,
    .config_type = &tcp_config_type,
    .build = build,
    .ready = ready,
    .cleanup = cleanup,
};
