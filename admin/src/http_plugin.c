/*
 * The plugin `http`: between the HTTP server and the routes.  It has a server of its
 * own, so nothing of the admin's is in reach: not its routes, its sessions or its
 * headers.  Browsers send a cookie to every port of a host, though, so the admin's is
 * taken out before a handler sees the request.
 *
 * Order: the gate, the route, the body, the world.  Nothing is read of a body that no
 * route wants.
 */
#include <reef/http_plugin.h>

#include "auth.h"
#include "body.h"
#include "cors.h"
#include "gate.h"
#include "http.h"
#include "problem.h"

#include <reef/app.h>
#include <reef/http_server.h>

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define SETTING "http.listen"

enum {
    CLASSES = 4, /* 2xx … 5xx */
};

typedef struct plugin {
    reef_app_t *app;
    http_config_t config;
    reef__gate_t gate;
    reef__http_t *http; /* NULL = off */
    reef_metric_t *requests[CLASSES];
    reef_metric_t *refused;
} plugin_t;

/* Answer ----------------------------------------------------------------------- */

/* Headers as handlers may see them.  *cookies, which the caller frees, holds what is
 * left of a Cookie header. */
static size_t take_headers(const reef__request_t *request,
                           reef_http_field_t fields[REEF__MAX_HEADERS],
                           char **cookies)
{
    size_t count = 0;

    for (size_t i = 0; i < request->header_count; i++) {
        const reef__header_t *header = &request->headers[i];

        if (strcasecmp(header->name, "Cookie") != 0) {
            fields[count++] = (reef_http_field_t){header->name, header->value};
        } else if (*cookies == NULL) { /* there is one (RFC 6265 section 5.4) */
            *cookies = reef__auth_strip_cookie(header->value);
            if ((*cookies)[0] != '\0') {
                fields[count++] = (reef_http_field_t){header->name, *cookies};
            }
        }
    }
    return count;
}

static void destroy_request(void *request)
{
    reef_http_request_destroy(request);
}

/* The reply borrows from @p served, which it then owns.  What a handler said is left as
 * it is. */
static void
fill_reply(reef_http_request_t *served, bool by_handler, reef__reply_t *reply)
{
    const reef_http_result_t *result = reef_http_request_result(served);

    if (result->detail != NULL) {
        reef__problem(reply, result->status, "%s", result->detail);
    } else {
        reply->status = result->status;
        reply->fixed = result->body.data;
        reply->size = result->body.size;
        reef__reply_lines(reply, result->headers);
    }
    if (!by_handler && (result->status == 405 || result->status == 204)) {
        reef__reply_header(reply, "Allow", "%s", result->allow);
    }
    if (result->status == 503 && result->detail != NULL) {
        reef__reply_header(reply, "Retry-After", "1");
    }
}

static void serve(plugin_t *plugin,
                  reef__request_t *request,
                  reef_http_request_t *served,
                  reef__reply_t *reply)
{
    uint32_t max = reef_http_request_max_body(served);
    bool has_route = reef_http_request_result(served)->status == 0;
    char *body = NULL;

    if (has_route) {
        if (!reef__body_read(request, max > 0 ? max : plugin->config.max_body, &body,
                             reply)) {
            free(body);
            return;
        }
        reef_http_request_run(served, request->body, plugin->config.deadline_ms);
        free(body);
    }
    fill_reply(served, has_route, reply);
}

static void route(plugin_t *plugin, reef__request_t *request, reef__reply_t *reply)
{
    reef_http_field_t fields[REEF__MAX_HEADERS];
    char *cookies = NULL;
    size_t count = take_headers(request, fields, &cookies);
    reef_http_request_t *served = reef_http_request_create(
        plugin->app, &(reef_http_head_t){.method = request->method,
                                         .path = request->path,
                                         .query = request->query,
                                         .peer = request->peer,
                                         .headers = fields,
                                         .header_count = count});

    reply->release = destroy_request;
    reply->release_context = served;
    serve(plugin, request, served, reply);
    reef__cors_add(plugin->config.origins, request,
                   reef_http_request_result(served)->allow, reply);
    free(cookies);
}

static void answer(void *context, reef__request_t *request, reef__reply_t *reply)
{
    plugin_t *plugin = context;
    const char *detail = NULL;
    int status = reef__gate_check(&plugin->gate, request, &detail);

    if (status != 0) {
        reef__problem(reply, status, "%s", detail);
        reef_metric_add(plugin->refused, 1);
    } else {
        route(plugin, request, reply);
    }
    /* A body that was not read would be taken for the next request. */
    reply->close =
        status != 0 || (request->body.data == NULL && reef__body_is_announced(request));
    reef_metric_add(plugin->requests[reply->status / 100 - 2], 1);
}

static void refused(void *context, int status)
{
    plugin_t *plugin = context;

    reef_metric_add(plugin->refused, 1);
    reef_metric_add(plugin->requests[status / 100 - 2], 1);
}

/* Start ------------------------------------------------------------------------ */

static reef_error_t allow_hosts(plugin_t *plugin, reef_failure_t *failure)
{
    const char *at = plugin->config.hosts;

    plugin->gate.any_origin = true;
    plugin->gate.any_host = true;
    while (*at != '\0') {
        size_t size;

        at += strspn(at, " ,");
        size = strcspn(at, " ,");
        if (size > 0) {
            plugin->gate.any_host = false;
            if (!reef__gate_allow(&plugin->gate, reef_span(at, size))) {
                return reef_fail(failure, REEF_E_INVALID,
                                 "http.hosts: '%.*s' is too long, or one too many",
                                 (int)size, at);
            }
        }
        at += size;
    }
    return REEF_OK;
}

static reef_error_t
build(reef_app_t *app, const void *config, void **state, reef_failure_t *failure)
{
    const http_config_t *settings = config;
    plugin_t *plugin = calloc(1, sizeof(*plugin));
    reef__listen_t listen;
    reef_error_t error;

    if (plugin == NULL) {
        abort();
    }
    plugin->app = app;
    plugin->config = *settings;
    error = allow_hosts(plugin, failure);
    if (error == REEF_OK && settings->listen[0] != '\0') {
        error = reef__listen_parse(SETTING, settings->listen, &listen, failure);
    }
    if (error != REEF_OK) {
        free(plugin);
        return error;
    }
    *state = plugin;
    return REEF_OK;
}

static void register_metrics(plugin_t *plugin)
{
    static const char *const classes[CLASSES] = {"status=\"2xx\"", "status=\"3xx\"",
                                                 "status=\"4xx\"", "status=\"5xx\""};
    reef_metrics_t *metrics = reef_app_metrics(plugin->app);

    for (int i = 0; i < CLASSES; i++) {
        plugin->requests[i] = reef_metrics_ensure(
            metrics,
            &(reef_metric_desc_t){.name = "reef_http_requests_total",
                                  .help = "Requests to the application's routes.",
                                  .labels = classes[i],
                                  .kind = REEF_METRIC_COUNTER});
    }
    plugin->refused = reef_metrics_ensure(
        metrics,
        &(reef_metric_desc_t){.name = "reef_http_refused_total",
                              .help = "Requests refused before a route was looked for.",
                              .kind = REEF_METRIC_COUNTER});
}

static void announce(const plugin_t *plugin, const reef__listen_t *listen)
{
    for (size_t i = 0; i < listen->count; i++) {
        char address[64];

        snprintf(address, sizeof(address), "%s:%u", listen->items[i].host,
                 reef__http_port(plugin->http, i));
        reef_app_add_listener(plugin->app, "http", address);
        reef_app_announce(plugin->app, "http", "http://%s", address);
    }
}

static reef_error_t listen_on(plugin_t *plugin, reef_failure_t *failure)
{
    reef__listen_t listen;
    reef_error_t error =
        reef__listen_parse(SETTING, plugin->config.listen, &listen, failure);

    if (error != REEF_OK) {
        return error;
    }
    register_metrics(plugin);
    error = reef__http_listen(
        &(reef__http_desc_t){.listen = &listen,
                             .threads = plugin->config.threads,
                             .timeout_ms = plugin->config.request_timeout_ms,
                             .body_timeout_ms = plugin->config.request_timeout_ms,
                             .keep_alive_ms = plugin->config.keep_alive_ms,
                             .headers = "X-Content-Type-Options: nosniff\r\n",
                             .answer = answer,
                             .refused = refused,
                             .context = plugin},
        &plugin->http, failure);
    if (error == REEF_OK) {
        announce(plugin, &listen);
    }
    return error;
}

static reef_error_t ready(reef_app_t *app, void *state, reef_failure_t *failure)
{
    plugin_t *plugin = state;
    size_t routes = reef_http_route_count(app);
    reef_error_t error = REEF_OK;

    if (plugin->config.listen[0] != '\0') {
        error = listen_on(plugin, failure);
        if (error == REEF_OK && routes == 0) {
            reef_log(reef_app_log(app), REEF_LOG_WARN, "http",
                     "http.listen is set, but no plugin has registered a route");
        }
    } else if (routes > 0) {
        reef_log(reef_app_log(app), REEF_LOG_INFO, "http",
                 "routes are not served: set http.listen, e.g. to 127.0.0.1:8081",
                 REEF_LOG_INT("routes", routes));
    }
    return error;
}

static void cleanup(reef_app_t *app, void *state)
{
    plugin_t *plugin = state;

    (void)app;
    reef__http_stop(plugin->http);
    free(plugin);
}

const reef_plugin_t reef_http_plugin = {
    .api = REEF_PLUGIN_API,
    .name = "http",
    .always = true,
    .config_type = &http_config_type,
    .build = build,
    .ready = ready,
    .cleanup = cleanup,
};
