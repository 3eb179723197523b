/*
 * Matching is a walk along pattern and path; the table is short enough to be searched
 * from its start.
 */
#include "route.h"

#include "handlers.h"

#include <stdio.h>

#define API      "/api/v1"
#define VIEWER   REEF__ROLE_VIEWER
#define OPERATOR REEF__ROLE_OPERATOR
#define ADMIN    REEF__ROLE_ADMIN

const reef__route_t reef__routes[] = {
    {"GET", "/livez", REEF__ROLE_NONE, reef__serve_livez_get},
    {"GET", "/readyz", REEF__ROLE_NONE, reef__serve_readyz_get},
    {"GET", "/metrics", VIEWER, reef__serve_metrics_text},
    {"POST", API "/session", REEF__ROLE_NONE, reef__serve_session_open},
    {"DELETE", API "/session", VIEWER, reef__serve_session_close},
    {"GET", API "/whoami", VIEWER, reef__serve_whoami_get},
    {"GET", API "/server", VIEWER, reef__serve_server_get},
    {"GET", API "/openapi.json", VIEWER, reef__serve_openapi_get},
    {"GET", API "/components", VIEWER, reef__serve_components_list},
    {"GET", API "/resources", VIEWER, reef__serve_resources_list},
    {"GET", API "/resources/{}", VIEWER, reef__serve_resource_get},
    {"GET", API "/entities", VIEWER, reef__serve_entities_list},
    {"POST", API "/entities", OPERATOR, reef__serve_entity_spawn},
    {"GET", API "/entities/{}", VIEWER, reef__serve_entity_get},
    {"DELETE", API "/entities/{}", OPERATOR, reef__serve_entity_despawn},
    {"GET", API "/entities/{}/components/{}", VIEWER, reef__serve_component_get},
    {"PUT", API "/entities/{}/components/{}", OPERATOR, reef__serve_component_put},
    {"PATCH", API "/entities/{}/components/{}", OPERATOR, reef__serve_component_patch},
    {"DELETE", API "/entities/{}/components/{}", OPERATOR,
     reef__serve_component_delete},
    {"GET", API "/systems", VIEWER, reef__serve_systems_list},
    {"GET", API "/systems/{}", VIEWER, reef__serve_system_get},
    {"PATCH", API "/systems/{}", OPERATOR, reef__serve_system_patch},
    {"GET", API "/clients", VIEWER, reef__serve_clients_list},
    {"GET", API "/clients/{}", VIEWER, reef__serve_client_get},
    {"POST", API "/clients/{}:kick", OPERATOR, reef__serve_client_kick},
    {"GET", API "/lists", VIEWER, reef__serve_lists_list},
    {"GET", API "/lists/{}", VIEWER, reef__serve_rows_list},
    {"GET", API "/lists/{}/row", VIEWER, reef__serve_row_get},
    {"GET", API "/lists/{}/members", VIEWER, reef__serve_members_list},
    {"GET", API "/snapshots", VIEWER, reef__serve_snapshots_list},
    {"POST", API "/snapshots", OPERATOR, reef__serve_snapshot_take},
    {"GET", API "/snapshots/{}", VIEWER, reef__serve_snapshot_get},
    {"POST", API "/snapshots/{}:restore", ADMIN, reef__serve_snapshot_restore},
    {"GET", API "/metrics", VIEWER, reef__serve_metrics_get},
    {"GET", API "/stream", VIEWER, reef__serve_stream_get},
};
const size_t reef__route_count = sizeof(reef__routes) / sizeof(reef__routes[0]);

bool reef__pattern_matches(const char *pattern,
                           const char *path,
                           char parameters[REEF__MAX_PARAMETERS][REEF__PARAMETER_SIZE])
{
    size_t count = 0;

    while (*pattern != '\0') {
        if (pattern[0] == '{') {
            size_t size = strcspn(path, "/:");

            if (size == 0 || count == REEF__MAX_PARAMETERS ||
                !reef__percent_decode(reef_span(path, size), parameters[count++],
                                      REEF__PARAMETER_SIZE)) {
                return false;
            }
            path += size;
            pattern += 2;
        } else if (*pattern++ != *path++) {
            return false;
        }
    }
    return *path == '\0';
}

static bool has_method(const reef__route_t *route, const char *method)
{
    return strcmp(route->method, method) == 0 ||
           (strcmp(route->method, "GET") == 0 && strcmp(method, "HEAD") == 0);
}

reef__route_match_t reef__route_find(reef__request_t *request)
{
    reef__route_match_t match = {0};

    for (size_t i = 0; i < reef__route_count; i++) {
        const reef__route_t *route = &reef__routes[i];
        size_t used = strlen(match.allow);

        if (!reef__pattern_matches(route->pattern, request->path,
                                   request->parameters)) {
            continue;
        }
        if (has_method(route, request->method)) {
            match.route = route;
            match.path_known = true;
            return match;
        }
        snprintf(match.allow + used, sizeof(match.allow) - used, "%s%s",
                 match.path_known ? ", " : "", route->method);
        match.path_known = true;
    }
    return match;
}
