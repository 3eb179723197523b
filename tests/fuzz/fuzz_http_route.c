/*
 * Lines of routes, an empty line, then a path as a client sends it.  What a match says
 * must give the path when it is put together again, and no route that comes before it
 * may match alone.  What is encoded must come back when it is decoded.
 */
#include "codec/utf8.h"
#include "http_route.h"
#include "http_text.h"

#include <stdlib.h>
#include <string.h>

enum {
    MAX_ROUTES = 16,
    MAX_INPUT = 4096,
};

// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void no_handler(reef_http_request_t *request, void *context)
{
    (void)request, (void)context;
}

static bool add(reef__http_routes_t *routes, const char *path, size_t method)
{
    reef_http_method_t methods[] = {REEF_HTTP_GET, REEF_HTTP_POST, REEF_HTTP_OPTIONS};

    return reef__http_routes_add(
               routes,
               &(reef_http_route_desc_t){
                   .method = methods[method % 3], .path = path, .handler = no_handler},
               NULL) == REEF_OK;
}

/* Does @p route match @p path when there is no other? */
static bool matches_alone(const reef__http_route_t *route, reef_span_t path)
{
    reef__http_routes_t *alone = reef__http_routes_create(reef_alloc_default());
    reef__http_match_t match;

    check(reef__http_routes_add(alone, &route->desc, NULL) == REEF_OK);
    reef__http_routes_find(alone, route->desc.method, path, &match);
    reef__http_routes_destroy(alone);
    return match.route != NULL;
}

/* Whether @p a is the more specific: by kinds of segments, from the left. */
static bool goes_before(const reef__http_route_t *a, const reef__http_route_t *b)
{
    for (uint32_t i = 0; i < a->segment_count && i < b->segment_count; i++) {
        if (a->segments[i].kind != b->segments[i].kind) {
            return a->segments[i].kind < b->segments[i].kind;
        }
    }
    return false;
}

static void check_match(const reef__http_match_t *match, reef_span_t path)
{
    char *again = malloc(path.size + 1);
    size_t used = 0, values = 0;

    for (uint32_t i = 0; i < match->route->segment_count; i++) {
        const reef__segment_t *segment = &match->route->segments[i];
        reef_span_t part = segment->kind == REEF__SEGMENT_TEXT
                               ? segment->text
                               : match->values[values++];

        check(used + 1 + part.size <= path.size);
        check(segment->kind != REEF__SEGMENT_PARAMETER ||
              (part.size > 0 && memchr(part.data, '/', part.size) == NULL));
        again[used++] = '/';
        memcpy(again + used, part.data, part.size);
        used += part.size;
    }
    check(used == path.size && memcmp(again, path.data, used) == 0);
    free(again);
}

static void check_find(const reef__http_routes_t *routes, reef_span_t path)
{
    for (uint32_t method = 0; method < REEF_HTTP_METHOD_COUNT; method++) {
        uint32_t wanted = method == REEF_HTTP_HEAD ? REEF_HTTP_GET : method;
        reef__http_match_t match;

        reef__http_routes_find(routes, (reef_http_method_t)method, path, &match);
        if (match.route != NULL) {
            check(match.route->desc.method == wanted);
            check(match.allowed & 1u << method);
            check_match(&match, path);
        }
        for (size_t i = 0; i < routes->routes.count; i++) {
            const reef__http_route_t *route = routes->routes.items[i];

            if (route->desc.method == wanted && matches_alone(route, path)) {
                check(match.route != NULL && !goes_before(route, match.route));
            }
        }
    }
}

/* @p path, decoded, encoded segment by segment, must decode to the same. */
static void check_path_again(reef_span_t path)
{
    char *encoded = malloc(REEF__HTTP_ENCODED_SIZE(path.size) + 1);
    char *decoded;
    size_t used = 0;

    for (size_t i = 0; i < path.size;) {
        const uint8_t *slash = memchr(path.data + i + 1, '/', path.size - i - 1);
        size_t end = slash != NULL ? (size_t)(slash - path.data) : path.size;

        encoded[used++] = '/';
        used += reef__http_encode(reef_span(path.data + i + 1, end - i - 1),
                                  encoded + used);
        i = end;
    }
    decoded = malloc(used + 1);
    check(reef__http_decode_path(reef_span(encoded, used), decoded));
    check(strlen(decoded) == path.size && memcmp(decoded, path.data, path.size) == 0);
    free(decoded);
    free(encoded);
}

static void check_texts(reef_span_t text)
{
    char *encoded = malloc(REEF__HTTP_ENCODED_SIZE(text.size) + 1);
    char *quoted = malloc(REEF__HTTP_QUOTED_SIZE(text.size) + 1);
    size_t encoded_size = reef__http_encode(text, encoded);
    size_t quoted_size = reef__http_quote(text, quoted);
    char *decoded = malloc(encoded_size + 1);
    bool is_text = reef__utf8_is_valid(text) &&
                   (text.size == 0 || memchr(text.data, 0, text.size) == NULL);

    check(encoded_size <= REEF__HTTP_ENCODED_SIZE(text.size));
    check(reef__http_decode_form(reef_span(encoded, encoded_size), decoded) == is_text);
    check(!is_text || (strlen(decoded) == text.size &&
                       (text.size == 0 || memcmp(decoded, text.data, text.size) == 0)));
    check(quoted_size >= 2 && quoted_size <= REEF__HTTP_QUOTED_SIZE(text.size));
    check(reef__utf8_is_valid(reef_span(quoted, quoted_size)));
    for (size_t i = 1; i + 1 < quoted_size; i++) {
        check((uint8_t)quoted[i] >= ' ' && quoted[i] != '"');
        i += quoted[i] == '\\';
    }
    free(decoded);
    free(quoted);
    free(encoded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    reef__http_routes_t *routes;
    char text[MAX_INPUT + 1];
    char *line = text;
    char *decoded;

    if (size > MAX_INPUT) {
        return 0;
    }
    check_texts(reef_span(data, size));
    memcpy(text, data, size);
    text[size] = '\0';
    routes = reef__http_routes_create(reef_alloc_default());
    for (size_t i = 0; i < MAX_ROUTES && *line != '\n' && *line != '\0'; i++) {
        char *end = line + strcspn(line, "\n");
        bool has_more = *end == '\n';

        *end = '\0';
        (void)add(routes, line, i);
        line = end + has_more;
    }
    line += *line == '\n';
    size = strlen(line);
    decoded = malloc(size + 1);
    if (reef__http_decode_path(reef_span(line, size), decoded)) {
        check_path_again(reef_span_text(decoded));
        check_find(routes, reef_span_text(decoded));
    }
    free(decoded);
    reef__http_routes_destroy(routes);
    return 0;
}
