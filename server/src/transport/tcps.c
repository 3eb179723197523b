/*
 * A second door to the TCP server: listeners of its own, whose connections speak TLS
 * first and are that server's afterwards.
 */
#include <reef/tcps.h>

#include "app.h"
#include "transport/tcp.h"

typedef struct reef__tcps {
    reef__tls_listener_t listener;
    tcps_config_t config; /* the listener's texts are here */
    reef__tcp_server_t *server;
} reef__tcps_t;

bool reef__tcps_listens(const reef__tcps_t *tcps)
{
    return tcps != NULL && tcps->listener.listeners.address_count > 0;
}

void reef__tcps_close(reef__tcps_t *tcps)
{
    if (tcps != NULL) {
        reef__tls_listener_close(&tcps->listener);
    }
}

static void on_accepted(void *context, reef__io_t *io, int descriptor)
{
    reef__tcps_t *tcps = context;

    reef__tcp_accept(tcps->server, io, &tcps->listener, descriptor);
}

static reef__tls_listener_desc_t describe(reef__tcps_t *tcps)
{
    const tcps_config_t *config = &tcps->config;

    return (reef__tls_listener_desc_t){
        .name = "tcps",
        .listen = config->listen,
        .cert = config->cert,
        .key = config->key,
        .ciphers = config->ciphers,
        .dev = config->dev,
        .handshake_timeout_ms = config->handshake_timeout_ms,
        .listeners = {.backlog = (int)config->backlog,
                      .scheme = "tcps",
                      .accepted = on_accepted,
                      .context = tcps},
    };
}

static reef_error_t
build(reef_app_t *app, const void *config, void **state, reef_failure_t *failure)
{
    reef__tcps_t *tcps = reef_resize(reef_app_alloc(app), NULL, 0, sizeof(*tcps));
    reef__tls_listener_desc_t desc;
    reef_error_t error;

    *tcps = (reef__tcps_t){.config = *(const tcps_config_t *)config,
                           .server = reef_app_plugin_state(app, "tcp")};
    desc = describe(tcps);
    error = reef__tls_listener_init(&tcps->listener, app, &desc, failure);
    if (error != REEF_OK) {
        reef_resize(reef_app_alloc(app), tcps, sizeof(*tcps), 0);
        return error;
    }
    tcps->server->tcps = tcps;
    *state = tcps;
    return REEF_OK;
}

static reef_error_t ready(reef_app_t *app, void *state, reef_failure_t *failure)
{
    (void)app;
    return reef__tls_listener_open(&((reef__tcps_t *)state)->listener, failure);
}

static void cleanup(reef_app_t *app, void *state)
{
    reef__tcps_t *tcps = state;

    tcps->server->tcps = NULL;
    reef__tls_listener_finish(&tcps->listener);
    reef_resize(reef_app_alloc(app), tcps, sizeof(*tcps), 0);
}

const reef_plugin_t reef_tcps_plugin = {
    .api = REEF_PLUGIN_API,
    .name = "tcps",
    .always = true,
    .needs = (const char *const[]){"tcp", NULL},
    .config_type = &tcps_config_type,
    .build = build,
    .ready = ready,
    .cleanup = cleanup,
};
