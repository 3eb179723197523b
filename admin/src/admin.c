/*
 * The plugin.  build() checks the settings, ready() binds and makes the login link,
 * cleanup() ends the streams, then the threads.
 */
#include <reef/admin.h>

#include "dispatch.h"
#include "http.h"
#include "listen.h"

#include <reef/components.h>

#include <stdio.h>
#include <stdlib.h>

#define SETTING "admin.listen"

enum {
    SPARE_THREADS = 8, /* beside one per stream */
    TIMEOUT_MS = 5000,
    BODY_TIMEOUT_MS = 10000,
    KEEP_ALIVE_MS = 1000,
};

static reef_error_t
build(reef_app_t *app, const void *config, void **state, reef_failure_t *failure)
{
    reef__admin_t *admin;
    reef__listen_t listen;
    const admin_config_t *settings = config;
    reef_error_t error =
        reef__listen_parse(SETTING, settings->listen, &listen, failure);
    pthread_condattr_t monotonic;

    if (error != REEF_OK) {
        return error;
    }
    for (size_t i = 0; i < listen.count; i++) {
        if (!listen.items[i].is_loopback && settings->token[0] == '\0') {
            return reef_fail(failure, REEF_E_INVALID,
                             "admin.listen: %s: an address that others can reach needs "
                             "admin.token",
                             listen.items[i].text);
        }
    }
    admin = calloc(1, sizeof(*admin));
    if (admin == NULL) {
        abort();
    }
    admin->app = app;
    admin->config = *settings;
    admin->auth = reef__auth_create();
    pthread_mutex_init(&admin->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&admin->stop, &monotonic);
    pthread_condattr_destroy(&monotonic);
    /* What the editors and lists of this module look for. */
    reef_world_component(reef_app_world(app), &name_type);
    *state = admin;
    return REEF_OK;
}

static void register_metrics(reef__admin_t *admin)
{
    reef_metrics_t *metrics = reef_app_metrics(admin->app);

    admin->requests = reef_metrics_ensure(
        metrics, &(reef_metric_desc_t){.name = "reef_admin_requests_total",
                                       .help = "Requests to the admin endpoint.",
                                       .kind = REEF_METRIC_COUNTER});
    admin->refusals = reef_metrics_ensure(
        metrics, &(reef_metric_desc_t){.name = "reef_admin_errors_total",
                                       .help = "Admin requests answered with an error.",
                                       .kind = REEF_METRIC_COUNTER});
    admin->streams = reef_metrics_ensure(
        metrics, &(reef_metric_desc_t){.name = "reef_admin_streams",
                                       .help = "Live streams that are open.",
                                       .kind = REEF_METRIC_GAUGE});
}

static reef_error_t load_token(reef__admin_t *admin, reef_failure_t *failure)
{
    char made[REEF__SECRET_SIZE];
    reef_error_t error;

    if (admin->config.token[0] != '\0') {
        reef__auth_set_token(admin->auth, admin->config.token,
                             (reef__role_t)admin->config.token_role);
        return REEF_OK;
    }
    error = reef__auth_load_token(admin->auth, admin->config.token_file, made, failure);
    if (error == REEF_OK && made[0] != '\0') {
        reef_app_announce(admin->app, "token",
                          "%s (for machines; shown this once, %s keeps its hash)", made,
                          admin->config.token_file);
    }
    return error;
}

static bool allow(reef__gate_t *gate, const char *host, uint16_t port)
{
    char text[64];

    snprintf(text, sizeof(text), "%s:%u", host, port);
    return reef__gate_allow(gate, reef_span_text(text));
}

/* Host headers to answer: every address with its port, the names of loopback, and
 * what the settings add. */
static reef_error_t
allow_hosts(reef__admin_t *admin, const reef__listen_t *listen, reef_failure_t *failure)
{
    const char *at = admin->config.hosts;
    bool fits = true;

    for (size_t i = 0; i < listen->count; i++) {
        uint16_t port = reef__http_port(admin->http, i);

        fits = fits && allow(&admin->gate, listen->items[i].host, port) &&
               allow(&admin->gate, "localhost", port) &&
               allow(&admin->gate, "127.0.0.1", port) &&
               (!listen->items[i].is_ipv6 || allow(&admin->gate, "[::1]", port));
    }
    while (*at != '\0') {
        size_t size;

        at += strspn(at, " ,");
        size = strcspn(at, " ,");
        fits =
            fits && (size == 0 || reef__gate_allow(&admin->gate, reef_span(at, size)));
        at += size;
    }
    return fits ? REEF_OK
                : reef_fail(failure, REEF_E_LIMIT,
                            "admin.hosts: a name is too long, or they are too many");
}

/* To put into a browser on this machine: nothing connects to "any address". */
static const char *reachable(const char *host)
{
    if (strcmp(host, "0.0.0.0") == 0) {
        return "127.0.0.1";
    }
    return strcmp(host, "[::]") == 0 ? "[::1]" : host;
}

static void announce(reef__admin_t *admin, const reef__listen_t *listen)
{
    char code[REEF__SECRET_SIZE];

    for (size_t i = 0; i < listen->count; i++) {
        char address[64];

        snprintf(address, sizeof(address), "%s:%u", listen->items[i].host,
                 reef__http_port(admin->http, i));
        reef_app_add_listener(admin->app, "admin", address);
    }
    reef__auth_make_code(admin->auth, reef__now_ns(), code);
    reef_app_announce(admin->app, "admin", "http://%s:%u/#login=%s",
                      reachable(listen->items[0].host), reef__http_port(admin->http, 0),
                      code);
}

static void answer(void *context, reef__request_t *request, reef__reply_t *reply)
{
    reef__dispatch(context, request, reply);
}

static reef_error_t ready(reef_app_t *app, void *state, reef_failure_t *failure)
{
    reef__admin_t *admin = state;
    reef__listen_t listen;
    reef_error_t error =
        reef__listen_parse(SETTING, admin->config.listen, &listen, failure);

    (void)app;
    if (error == REEF_OK) {
        error = load_token(admin, failure);
    }
    if (error != REEF_OK) {
        return error;
    }
    register_metrics(admin);
    error = reef__http_listen(
        &(reef__http_desc_t){.listen = &listen,
                             .threads = admin->config.max_streams + SPARE_THREADS,
                             .timeout_ms = TIMEOUT_MS,
                             .body_timeout_ms = BODY_TIMEOUT_MS,
                             .keep_alive_ms = KEEP_ALIVE_MS,
                             .headers = reef__common_headers,
                             .answer = answer,
                             .context = admin},
        &admin->http, failure);
    if (error == REEF_OK) {
        error = allow_hosts(admin, &listen, failure);
    }
    if (error == REEF_OK) {
        announce(admin, &listen);
        atomic_store(&admin->is_open, true);
    }
    return error;
}

static void cleanup(reef_app_t *app, void *state)
{
    reef__admin_t *admin = state;

    (void)app;
    pthread_mutex_lock(&admin->mutex);
    admin->stopping = true;
    pthread_cond_broadcast(&admin->stop);
    pthread_mutex_unlock(&admin->mutex);
    reef__http_stop(admin->http);
    reef__auth_destroy(admin->auth);
    pthread_cond_destroy(&admin->stop);
    pthread_mutex_destroy(&admin->mutex);
    free(admin);
}

const reef_plugin_t reef_admin_plugin = {
    .api = REEF_PLUGIN_API,
    .name = "admin",
    .always = true,
    .config_type = &admin_config_type,
    .build = build,
    .ready = ready,
    .cleanup = cleanup,
};
