/*
 * The plugin: settings, listeners, the deadline timer, the end.  What happens on one
 * connection is in ws_connection.c.
 *
 * All reads of the loop share one slab; libuv hands it out for one read at a time, and
 * the bytes are consumed before the next.
 */
#include "transport/ws.h"

#include "app.h"
#include "transport/address.h"

#include <sys/resource.h>

enum {
    SPARE_DESCRIPTORS = 64
};

static uint32_t connection_count(const void *self)
{
    return ((const reef__ws_server_t *)self)->connection_count;
}

static void on_handle_closed(uv_handle_t *handle)
{
    ((reef__ws_server_t *)handle->data)->open_handles--;
}

static void stop_accepting(void *self)
{
    reef__ws_server_t *server = self;

    while (server->acceptor_count > 0) {
        reef__acceptor_close(&server->acceptors[--server->acceptor_count]);
    }
    while (server->handshakes.first != NULL) { /* they would come too late */
        reef__ws_abort(server->handshakes.first, REEF_DISCONNECT_SHUTDOWN);
    }
}

const reef_transport_t reef__ws_transport = {
    .name = "websocket",
    .kind = 1,
    .send = reef__ws_send,
    .flush = reef__ws_flush,
    .close = reef__ws_close,
    .resume = reef__ws_resume,
    .queue_bytes = reef__ws_queue_bytes,
    .stop_accepting = stop_accepting,
    .connection_count = connection_count,
};

static void on_accepted(void *context, int descriptor)
{
    reef__ws_accept(context, descriptor);
}

static void on_acceptor_closed(void *context)
{
    ((reef__ws_server_t *)context)->open_handles--;
}

static void tell_address(reef__ws_server_t *server, const reef__acceptor_t *acceptor)
{
    struct sockaddr_storage address;
    char text[REEF__ADDRESS_TEXT_SIZE];

    reef__acceptor_address(acceptor, &address);
    reef__address_format(&address, text);
    reef_app_add_listener(server->app, "websocket", text);
    reef_app_announce(server->app, "websocket", "ws://%s", text);
}

static reef_error_t listen_on(reef__ws_server_t *server,
                              const struct sockaddr_storage *address,
                              reef_failure_t *failure)
{
    reef__acceptor_t *acceptor = &server->acceptors[server->acceptor_count];
    reef_error_t error = reef__acceptor_open(acceptor,
                                             &(reef__acceptor_desc_t){
                                                 .app = server->app,
                                                 .loop = server->loop,
                                                 .address = address,
                                                 .module = "websocket",
                                                 .backlog = (int)server->config.backlog,
                                                 .accepted = on_accepted,
                                                 .closed = on_acceptor_closed,
                                                 .context = server,
                                             },
                                             failure);

    if (error != REEF_OK) {
        return error;
    }
    server->acceptor_count++;
    server->open_handles++;
    tell_address(server, acceptor);
    return REEF_OK;
}

/* Leave descriptors to the database, the admin and the log. */
static void cap_sessions(reef__ws_server_t *server)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
        return;
    }
    if (limit.rlim_cur < server->config.max_sessions + SPARE_DESCRIPTORS) {
        server->config.max_sessions =
            limit.rlim_cur > SPARE_DESCRIPTORS
                ? (uint32_t)(limit.rlim_cur - SPARE_DESCRIPTORS)
                : 1;
        reef_log(reef_app_log(server->app), REEF_LOG_WARN, "websocket",
                 "max_sessions lowered: the process may not open more files",
                 REEF_LOG_INT("max_sessions", server->config.max_sessions),
                 REEF_LOG_INT("open_files", limit.rlim_cur));
    }
}

static reef_error_t ready(reef_app_t *app, void *state, reef_failure_t *failure)
{
    reef__ws_server_t *server = state;

    server->loop = reef__loop_uv(app->loop);
    uv_timer_init(server->loop, &server->timer);
    server->timer.data = server;
    server->timer_exists = true;
    server->open_handles++;
    cap_sessions(server);
    for (uint32_t i = 0; i < server->address_count; i++) {
        reef_error_t error = listen_on(server, &server->addresses[i], failure);

        if (error != REEF_OK) {
            return error;
        }
    }
    return REEF_OK;
}

static reef_error_t read_addresses(reef__ws_server_t *server, reef_failure_t *failure)
{
    reef_span_t list = reef_span_text(server->config.listen);
    reef_span_t item;

    while (reef__address_next(&list, &item)) {
        reef_error_t error;

        if (server->address_count == REEF__WS_MAX_LISTENERS) {
            return reef_fail(failure, REEF_E_LIMIT,
                             "websocket.listen: at most %d addresses",
                             REEF__WS_MAX_LISTENERS);
        }
        error = reef__address_parse(item, "websocket.listen",
                                    &server->addresses[server->address_count], failure);
        if (error != REEF_OK) {
            return error;
        }
        server->address_count++;
    }
    return REEF_OK;
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

static reef_error_t
build(reef_app_t *app, const void *config, void **state, reef_failure_t *failure)
{
    reef__ws_server_t *server =
        reef_resize(reef_app_alloc(app), NULL, 0, sizeof(*server));
    reef_error_t error;

    *server = (reef__ws_server_t){.app = app};
    server->config = *(const websocket_config_t *)config;
    error = read_addresses(server, failure);
    if (error != REEF_OK) {
        reef_resize(reef_app_alloc(app), server, sizeof(*server), 0);
        return error;
    }
    server->limits = (reef__ws_limits_t){
        .alloc = reef_app_alloc(app),
        .max_message = server->config.max_message,
        .max_frame = server->config.max_frame,
        .max_fragments = server->config.max_fragments,
    };
    reef__ws_limits_resolve(&server->limits);
    server->handshakes.limit_ms = server->config.handshake_timeout_ms;
    server->closings.limit_ms = server->config.close_timeout_ms;
    server->slab = reef_resize(reef_app_alloc(app), NULL, 0, REEF__WS_SLAB_SIZE);
    register_metrics(server);
    reef_app_add_transport(app, &reef__ws_transport, server);
    *state = server;
    return REEF_OK;
}

static void abort_connection(uv_handle_t *handle, void *context)
{
    /* The loop has other handles too: a connection is known by its reader. */
    if (handle->type == UV_TCP && handle->data == context && !uv_is_closing(handle)) {
        reef__ws_abort((reef__ws_connection_t *)handle, REEF_DISCONNECT_SHUTDOWN);
    }
}

static void cleanup(reef_app_t *app, void *state)
{
    reef__ws_server_t *server = state;

    stop_accepting(server);
    if (server->timer_exists) {
        uv_close((uv_handle_t *)&server->timer, on_handle_closed);
        uv_walk(server->loop, abort_connection, server);
    }
    while (server->open_handles > 0) {
        reef__loop_poll(app->loop, 10); /* close callbacks run */
    }
    reef_resize(reef_app_alloc(app), server->slab, REEF__WS_SLAB_SIZE, 0);
    reef_resize(reef_app_alloc(app), server, sizeof(*server), 0);
}

const reef_plugin_t reef_websocket_plugin = {
    .api = REEF_PLUGIN_API,
    .name = "websocket",
    .config_type = &websocket_config_type,
    .build = build,
    .ready = ready,
    .cleanup = cleanup,
};
