/*
 * A second door to the WebSocket server: listeners of its own, whose connections speak
 * TLS first and are that server's afterwards.
 */
#include <reef/wss.h>

#include "app.h"
#include "transport/ws.h"

typedef struct reef__wss {
    reef__tls_listener_t listener;
    wss_config_t config; /* the listener's texts are here */
    reef__ws_server_t *server;
} reef__wss_t;

/* The server counts them all. */
static uint32_t connection_count(const void *self)
{
    (void)self;
    return 0;
}

void reef__wss_close(reef__wss_t *wss)
{
    if (wss != NULL) {
        reef__tls_listener_close(&wss->listener);
    }
}

static void stop_accepting(void *self)
{
    reef__wss_t *wss = self;

    reef__wss_close(wss);
    reef__ios_submit(wss->server->app->ios);
}

const reef_transport_t reef__wss_transport = {
    .name = "wss",
    .kind = 2,
    REEF__PEER_TRANSPORT,
    .ping = reef__peer_ping,
    .stop_accepting = stop_accepting,
    .connection_count = connection_count,
    .end = stop_accepting,
};

static void on_accepted(void *context, reef__io_t *io, int descriptor)
{
    reef__wss_t *wss = context;

    reef__ws_accept(&wss->server->loops[io->index], &wss->listener, descriptor);
}

static reef__tls_listener_desc_t describe(reef__wss_t *wss)
{
    const wss_config_t *config = &wss->config;

    return (reef__tls_listener_desc_t){
        .name = "wss",
        .alpn = "http/1.1",
        .listen = config->listen,
        .cert = config->cert,
        .key = config->key,
        .ciphers = config->ciphers,
        .dev = config->dev,
        .handshake_timeout_ms = config->handshake_timeout_ms,
        .listeners = {.backlog = (int)config->backlog,
                      .scheme = "wss",
                      .accepted = on_accepted,
                      .context = wss},
    };
}

static reef_error_t
build(reef_app_t *app, const void *config, void **state, reef_failure_t *failure)
{
    reef__wss_t *wss = reef_resize(reef_app_alloc(app), NULL, 0, sizeof(*wss));
    reef__tls_listener_desc_t desc;
    reef_error_t error;

    *wss = (reef__wss_t){.config = *(const wss_config_t *)config,
                         .server = reef_app_plugin_state(app, "websocket")};
    desc = describe(wss);
    error = reef__tls_listener_init(&wss->listener, app, &desc, failure);
    if (error != REEF_OK) {
        reef_resize(reef_app_alloc(app), wss, sizeof(*wss), 0);
        return error;
    }
    wss->server->wss = wss;
    reef_app_add_transport(app, &reef__wss_transport, wss);
    *state = wss;
    return REEF_OK;
}

static reef_error_t ready(reef_app_t *app, void *state, reef_failure_t *failure)
{
    (void)app;
    return reef__tls_listener_open(&((reef__wss_t *)state)->listener, failure);
}

static void cleanup(reef_app_t *app, void *state)
{
    reef__wss_t *wss = state;

    wss->server->wss = NULL;
    reef__tls_listener_finish(&wss->listener);
    reef_resize(reef_app_alloc(app), wss, sizeof(*wss), 0);
}

const reef_plugin_t reef_wss_plugin = {
    .api = REEF_PLUGIN_API,
    .name = "wss",
    .always = true,
    .needs = (const char *const[]){"websocket", NULL},
    .config_type = &wss_config_type,
    .build = build,
    .ready = ready,
    .cleanup = cleanup,
};
