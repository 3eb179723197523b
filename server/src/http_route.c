/*
 * A path has few routes, so they are tried one after the other, in an order in which
 * the first that matches is the right one: by the kinds of their segments, left to
 * right.  Segments of text need no order among each other, for a path has only one text
 * there.
 */
#include "http_route.h"

#include <reef/http_server.h>

#include "app.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>

static const char *const method_texts[REEF_HTTP_METHOD_COUNT] = {
    [REEF_HTTP_GET] = "GET",         [REEF_HTTP_HEAD] = "HEAD",
    [REEF_HTTP_POST] = "POST",       [REEF_HTTP_PUT] = "PUT",
    [REEF_HTTP_PATCH] = "PATCH",     [REEF_HTTP_DELETE] = "DELETE",
    [REEF_HTTP_OPTIONS] = "OPTIONS",
};

const char *reef_http_method_text(reef_http_method_t method)
{
    assert(method < REEF_HTTP_METHOD_COUNT);
    return method_texts[method];
}

bool reef__http_method_parse(const char *text, reef_http_method_t *method)
{
    for (uint32_t i = 0; i < REEF_HTTP_METHOD_COUNT; i++) {
        if (strcmp(method_texts[i], text) == 0) {
            *method = (reef_http_method_t)i;
            return true;
        }
    }
    return false;
}

/* The segment that @p path begins with, and *rest after its slash; false in *more at
 * the last one. */
static reef_span_t take_segment(reef_span_t path, reef_span_t *rest, bool *more)
{
    const uint8_t *slash = path.size > 0 ? memchr(path.data, '/', path.size) : NULL;
    size_t size = slash != NULL ? (size_t)(slash - path.data) : path.size;

    *more = slash != NULL;
    *rest = reef_span_skip(path, size + (slash != NULL));
    return reef_span(path.data, size);
}

/* Register --------------------------------------------------------------------- */

static bool is_name(reef_span_t text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (!isalnum(text.data[i]) && text.data[i] != '_') {
            return false;
        }
    }
    return text.size > 0 && !isdigit(text.data[0]);
}

static bool is_plain(reef_span_t text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] <= ' ' || text.data[i] == 0x7f ||
            strchr("{}%?#\\", text.data[i]) != NULL) {
            return false;
        }
    }
    return !reef_span_equal(text, reef_span_text(".")) &&
           !reef_span_equal(text, reef_span_text(".."));
}

/* NULL, or what is wrong with it. */
static const char *
parse_segment(reef_span_t text, bool is_last, reef__segment_t *segment)
{
    static const char dots[] = "...";
    const size_t dots_size = sizeof(dots) - 1;

    if (text.size < 2 || text.data[0] != '{' || text.data[text.size - 1] != '}') {
        *segment = (reef__segment_t){.kind = REEF__SEGMENT_TEXT, .text = text};
        if (text.size == 0 && !is_last) {
            return "a segment is empty";
        }
        return is_plain(text) ? NULL : "a segment has characters that no text may have";
    }
    text = reef_span(text.data + 1, text.size - 2);
    segment->kind = REEF__SEGMENT_PARAMETER;
    if (text.size > dots_size &&
        memcmp(text.data + text.size - dots_size, dots, dots_size) == 0) {
        segment->kind = REEF__SEGMENT_REST;
        text.size -= dots_size;
    }
    segment->text = text;
    if (!is_name(text)) {
        return "a parameter's name consists of letters, digits and _";
    }
    return segment->kind == REEF__SEGMENT_REST && !is_last ? "the rest is not the last"
                                                           : NULL;
}

static bool has_parameter(const reef__http_route_t *route, reef_span_t name)
{
    for (uint32_t i = 0; i < route->segment_count; i++) {
        if (route->segments[i].kind != REEF__SEGMENT_TEXT &&
            reef_span_equal(route->segments[i].text, name)) {
            return true;
        }
    }
    return false;
}

/* NULL, or what is wrong with the path. */
static const char *parse_path(reef__http_route_t *route)
{
    reef_span_t rest = reef_span_text(route->path);
    uint32_t parameters = 0;
    bool more = true;

    if (rest.size == 0 || rest.data[0] != '/') {
        return "a path begins with /";
    }
    if (rest.size > REEF_HTTP_MAX_PATH) {
        return "it is too long";
    }
    for (rest = reef_span_skip(rest, 1); more;) {
        reef_span_t text = take_segment(rest, &rest, &more);
        reef__segment_t segment;
        const char *wrong;

        if (route->segment_count == REEF_HTTP_MAX_SEGMENTS) {
            return "it has too many segments";
        }
        wrong = parse_segment(text, !more, &segment);
        if (wrong != NULL) {
            return wrong;
        }
        if (segment.kind != REEF__SEGMENT_TEXT &&
            (has_parameter(route, segment.text) ||
             ++parameters > REEF_HTTP_MAX_PARAMETERS)) {
            return parameters > REEF_HTTP_MAX_PARAMETERS ? "it has too many parameters"
                                                         : "a parameter is there twice";
        }
        route->segments[route->segment_count++] = segment;
    }
    return NULL;
}

/* Whether both match the same paths. */
static bool is_same_path(const reef__http_route_t *a, const reef__http_route_t *b)
{
    if (a->segment_count != b->segment_count) {
        return false;
    }
    for (uint32_t i = 0; i < a->segment_count; i++) {
        if (a->segments[i].kind != b->segments[i].kind ||
            (a->segments[i].kind == REEF__SEGMENT_TEXT &&
             !reef_span_equal(a->segments[i].text, b->segments[i].text))) {
            return false;
        }
    }
    return true;
}

static bool goes_before(const reef__http_route_t *a, const reef__http_route_t *b)
{
    for (uint32_t i = 0; i < a->segment_count && i < b->segment_count; i++) {
        if (a->segments[i].kind != b->segments[i].kind) {
            return a->segments[i].kind < b->segments[i].kind;
        }
    }
    return false;
}

static void destroy_route(const reef_alloc_t *alloc, reef__http_route_t *route)
{
    reef_resize(alloc, route->path, strlen(route->path) + 1, 0);
    reef_resize(alloc, route, sizeof(*route), 0);
}

static reef_error_t check(const reef__http_routes_t *routes,
                          reef__http_route_t *route,
                          reef_failure_t *failure)
{
    const char *method = reef_http_method_text(route->desc.method);
    const char *wrong = parse_path(route);

    if (route->desc.method == REEF_HTTP_HEAD) {
        wrong = "the route of GET answers HEAD";
    }
    if (wrong != NULL) {
        return reef_fail(failure, REEF_E_INVALID, "http route %s %.100s: %s", method,
                         route->path, wrong);
    }
    for (size_t i = 0; i < routes->routes.count; i++) {
        const reef__http_route_t *other = routes->routes.items[i];

        if (other->desc.method == route->desc.method && is_same_path(other, route)) {
            return reef_fail(
                failure, REEF_E_EXISTS,
                "http route %s %.100s: registered twice, the other is %.100s", method,
                route->path, other->path);
        }
    }
    return REEF_OK;
}

reef_error_t reef__http_routes_add(reef__http_routes_t *routes,
                                   const reef_http_route_desc_t *desc,
                                   reef_failure_t *failure)
{
    reef__http_route_t *route = reef_resize(routes->alloc, NULL, 0, sizeof(*route));
    size_t size = strlen(desc->path) + 1;
    reef_error_t error;
    size_t at = 0;

    *route = (reef__http_route_t){.desc = *desc};
    route->path = reef_resize(routes->alloc, NULL, 0, size);
    memcpy(route->path, desc->path, size);
    route->desc.path = route->path;
    error = check(routes, route, failure);
    if (error != REEF_OK) {
        destroy_route(routes->alloc, route);
        return error;
    }
    (void)REEF_ARRAY_PUSH(routes->alloc, &routes->routes);
    while (at + 1 < routes->routes.count &&
           !goes_before(route, routes->routes.items[at])) {
        at++;
    }
    memmove(routes->routes.items + at + 1, routes->routes.items + at,
            (routes->routes.count - 1 - at) * sizeof(reef__http_route_t *));
    routes->routes.items[at] = route;
    return REEF_OK;
}

reef__http_routes_t *reef__http_routes_create(const reef_alloc_t *alloc)
{
    reef__http_routes_t *routes = reef_resize(alloc, NULL, 0, sizeof(*routes));

    *routes = (reef__http_routes_t){.alloc = alloc};
    return routes;
}

void reef__http_routes_destroy(reef__http_routes_t *routes)
{
    if (routes == NULL) {
        return;
    }
    for (size_t i = 0; i < routes->routes.count; i++) {
        destroy_route(routes->alloc, routes->routes.items[i]);
    }
    REEF_ARRAY_FINISH(routes->alloc, &routes->routes);
    reef_resize(routes->alloc, routes, sizeof(*routes), 0);
}

void reef_http_route(reef_app_t *app, const reef_http_route_desc_t *desc)
{
    reef__http_routes_t *routes = app->http_routes;
    reef_failure_t failure = {0};

    assert(!routes->sealed && "a route after the start");
    assert(desc->handler != NULL && desc->method < REEF_HTTP_METHOD_COUNT);
    if (reef__http_routes_add(routes, desc, &failure) != REEF_OK &&
        routes->failure.error == REEF_OK) {
        routes->failure = failure;
    }
}

reef_error_t reef__http_routes_seal(reef__http_routes_t *routes,
                                    reef_failure_t *failure)
{
    routes->sealed = true;
    return routes->failure.error == REEF_OK
               ? REEF_OK
               : reef_fail(failure, routes->failure.error, "%s", routes->failure.text);
}

/* Find ------------------------------------------------------------------------- */

static bool matches(const reef__http_route_t *route,
                    reef_span_t path,
                    reef_span_t values[REEF_HTTP_MAX_PARAMETERS])
{
    reef_span_t rest = reef_span_skip(path, 1);
    uint32_t parameters = 0;
    bool more = true;

    for (uint32_t i = 0; i < route->segment_count; i++) {
        const reef__segment_t *segment = &route->segments[i];
        reef_span_t text;

        if (!more) {
            return false;
        }
        if (segment->kind == REEF__SEGMENT_REST) {
            values[parameters] = rest;
            return true;
        }
        text = take_segment(rest, &rest, &more);
        if (segment->kind == REEF__SEGMENT_PARAMETER) {
            if (text.size == 0) {
                return false;
            }
            values[parameters++] = text;
        } else if (!reef_span_equal(text, segment->text)) {
            return false;
        }
    }
    return !more;
}

void reef__http_routes_find(const reef__http_routes_t *routes,
                            reef_http_method_t method,
                            reef_span_t path,
                            reef__http_match_t *match)
{
    reef_http_method_t wanted = method == REEF_HTTP_HEAD ? REEF_HTTP_GET : method;

    *match = (reef__http_match_t){0};
    for (size_t i = 0; i < routes->routes.count; i++) {
        const reef__http_route_t *route = routes->routes.items[i];
        reef_span_t values[REEF_HTTP_MAX_PARAMETERS] = {0};

        if (!matches(route, path, values)) {
            continue;
        }
        match->allowed |= 1u << route->desc.method;
        if (match->route == NULL && route->desc.method == wanted) {
            match->route = route;
            memcpy(match->values, values, sizeof(values));
        }
    }
    if (match->allowed & 1u << REEF_HTTP_GET) {
        match->allowed |= 1u << REEF_HTTP_HEAD;
    }
    if (match->allowed != 0) {
        match->allowed |= 1u << REEF_HTTP_OPTIONS;
    }
}

size_t reef_http_route_count(const reef_app_t *app)
{
    return app->http_routes->routes.count;
}
