/**
 * @file http_plugin.h
 * @brief Serves the routes of reef/http.h, on listeners of their own.
 *
 * Never those of the admin endpoint: its origin and its cookie are not the
 * application's. Section `http` of the settings.
 */
#ifndef REEF_HTTP_PLUGIN_H
#define REEF_HTTP_PLUGIN_H

#include <reef/plugin.h>

REEF_COMPONENT(
    http_config,
    0,
    REEF_STRING(listen,
                256,
                .doc = "addresses for the application's HTTP routes, separated by "
                       "commas; empty = off"),
    REEF_STRING(hosts,
                256,
                .doc = "values of the Host header to answer, by commas; empty = any"),
    REEF_STRING(origins,
                256,
                .doc = "origins whose pages may read replies (CORS), by commas; * = "
                       "any; empty = none"),
    REEF_U32(threads,
             .initial = "16",
             .min = 1,
             .max = 1024,
             .doc = "connections served at once; others wait"),
    REEF_U32(max_body,
             .initial = "1048576",
             .max = 67108864,
             .unit = "B",
             .doc = "largest body of a request, where its route does not say"),
    REEF_U32(deadline_ms,
             .initial = "2000",
             .min = 10,
             .max = 60000,
             .unit = "ms",
             .doc = "time the world has to answer a request"),
    REEF_U32(request_timeout_ms,
             .initial = "5000",
             .min = 100,
             .max = 60000,
             .unit = "ms",
             .doc = "time for a request's head, and for its body"),
    REEF_U32(keep_alive_ms,
             .initial = "1000",
             .min = 10,
             .max = 60000,
             .unit = "ms",
             .doc = "time for the next request of a connection"));

/** Config: http_config_t. */
extern const reef_plugin_t reef_http_plugin;

#endif /* REEF_HTTP_PLUGIN_H */
