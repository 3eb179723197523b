/*
 * The plugin: settings, listeners, the end.  What happens on one connection is in
 * ws_connection.c.
 *
 * Every loop listens on every address by itself (SO_REUSEPORT), and the kernel spreads
 * the peers over them.
 */
#include "transport/ws.h"

#include "app.h"
#include "transport/address.h"

#include <string.h>
#include <sys/resource.h>

enum {
    SPARE_DESCRIPTORS = 64, /* what is no connection, and those turned away */
    LOOP_DESCRIPTORS = 8,   /* of a loop with a thread */
};

static uint32_t connection_count(const void *self)
{
    return atomic_load(&((const reef__ws_server_t *)self)->connection_count);
}

/* Connections whose handshake is not done would come too late. */
static void end_handshake(reef__stream_t *stream, void *context)
{
    reef__ws_connection_t *connection = (reef__ws_connection_t *)stream;

    (void)context;
    if (connection->state == REEF__WS_HANDSHAKE) {
        reef__ws_abort(connection, REEF_DISCONNECT_SHUTDOWN);
    }
}

/* On the loop's thread. */
static void stop_listening(void *context)
{
    reef__ws_loop_t *loop = context;

    while (loop->acceptor_count > 0) {
        reef__acceptor_close(&loop->acceptors[--loop->acceptor_count]);
    }
    reef__streams_visit(loop->io, end_handshake, NULL);
}

static void stop_accepting(void *self)
{
    reef__ws_server_t *server = self;

    for (uint32_t i = 0; i < server->loop_count; i++) {
        reef__io_call(server->loops[i].io, stop_listening, &server->loops[i]);
    }
    reef__ios_submit(server->app->ios);
}

const reef_transport_t reef__ws_transport = {
    .name = "websocket",
    .kind = 1,
    REEF__PEER_TRANSPORT,
    .stop_accepting = stop_accepting,
    .connection_count = connection_count,
};

static void on_accepted(void *context, int descriptor)
{
    reef__ws_accept(context, descriptor);
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

static reef_error_t listen_on(reef__ws_loop_t *loop,
                              struct sockaddr_storage *address,
                              reef_failure_t *failure)
{
    reef__ws_server_t *server = loop->server;
    reef__acceptor_t *acceptor = &loop->acceptors[loop->acceptor_count];
    reef_error_t error = reef__acceptor_open(acceptor,
                                             &(reef__acceptor_desc_t){
                                                 .io = loop->io,
                                                 .address = address,
                                                 .module = "websocket",
                                                 .backlog = (int)server->config.backlog,
                                                 .shares_port = server->loop_count > 1,
                                                 .is_first = loop == server->loops,
                                                 .accepted = on_accepted,
                                                 .context = loop,
                                             },
                                             failure);

    if (error != REEF_OK) {
        return error;
    }
    loop->acceptor_count++;
    if (loop == server->loops) {
        reef__acceptor_address(acceptor, address); /* the others share its port */
        tell_address(server, acceptor);
    }
    return REEF_OK;
}

/* Leave descriptors to the database, the admin and the log. */
static void cap_sessions(reef__ws_server_t *server)
{
    const reef__ios_t *ios = server->app->ios;
    rlim_t spare =
        SPARE_DESCRIPTORS + (ios->is_threaded ? ios->count * LOOP_DESCRIPTORS : 0);
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
        return;
    }
    if (limit.rlim_cur < server->config.max_sessions + spare) {
        server->config.max_sessions =
            limit.rlim_cur > spare ? (uint32_t)(limit.rlim_cur - spare) : 1;
        reef_log(reef_app_log(server->app), REEF_LOG_WARN, "websocket",
                 "max_sessions lowered: the process may not open more files",
                 REEF_LOG_INT("max_sessions", server->config.max_sessions),
                 REEF_LOG_INT("open_files", limit.rlim_cur));
    }
}

static reef_error_t ready(reef_app_t *app, void *state, reef_failure_t *failure)
{
    reef__ws_server_t *server = state;

    (void)app;
    cap_sessions(server);
    for (uint32_t i = 0; i < server->loop_count; i++) {
        for (uint32_t j = 0; j < server->address_count; j++) {
            reef_error_t error =
                listen_on(&server->loops[i], &server->addresses[j], failure);

            if (error != REEF_OK) {
                return error;
            }
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
    error = read_addresses(server, failure);
    if (error == REEF_OK) {
        error = reef__proxies_parse(&server->proxies, reef_app_alloc(app),
                                    reef_span_text(server->config.trusted_proxies),
                                    "websocket.trusted_proxies", failure);
    }
    if (error != REEF_OK) {
        reef_resize(reef_app_alloc(app), server, sizeof(*server), 0);
        return error;
    }
    pthread_mutex_init(&server->lock, NULL);
    reef__address_count_init(&server->per_address, reef_app_alloc(app),
                             server->config.max_sessions_per_address);
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
}

static void abort_connection(reef__stream_t *stream, void *context)
{
    (void)context;
    reef__ws_abort((reef__ws_connection_t *)stream, REEF_DISCONNECT_SHUTDOWN);
}

/* On the loop's thread. */
static void abort_all(void *context)
{
    reef__streams_visit(((reef__ws_loop_t *)context)->io, abort_connection, NULL);
}

static void cleanup(reef_app_t *app, void *state)
{
    reef__ws_server_t *server = state;

    stop_accepting(server);
    for (uint32_t i = 0; i < server->loop_count; i++) {
        reef__io_call(server->loops[i].io, abort_all, &server->loops[i]);
    }
    reef__ios_run_down(app->ios);
    for (uint32_t i = 0; i < server->loop_count; i++) {
        reef__ws_compression_finish(&server->loops[i]);
    }
    reef__proxies_finish(&server->proxies);
    reef__address_count_finish(&server->per_address);
    pthread_mutex_destroy(&server->lock);
    reef_resize(reef_app_alloc(app), server->loops,
                server->loop_count * sizeof(*server->loops), 0);
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
