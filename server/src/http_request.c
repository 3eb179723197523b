/*
 * One request from its head to its reply.  The server's thread decodes and checks all
 * of it before the world hears of it; the handler only fills in the reply, which the
 * server's thread then sends.  The mailbox orders the two, so there is no lock.
 *
 * What decoding and replying need is allocated in blocks that are released together.
 */
#include "http_exchange.h"

#include "app.h"
#include "http_text.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

typedef struct reef__http_block {
    struct reef__http_block *next;
    size_t size;
} reef__http_block_t;

/* Memory ----------------------------------------------------------------------- */

void *reef__http_allocate(reef__http_exchange_t *exchange, size_t size)
{
    reef__http_block_t *block =
        reef_resize(exchange->request.app->alloc, NULL, 0, sizeof(*block) + size);

    *block = (reef__http_block_t){.next = exchange->blocks, .size = size};
    exchange->blocks = block;
    return block + 1;
}

void reef_http_request_destroy(reef_http_request_t *request)
{
    reef__http_exchange_t *exchange = (reef__http_exchange_t *)request;
    const reef_alloc_t *alloc;

    if (exchange == NULL) {
        return;
    }
    alloc = request->app->alloc;
    while (exchange->blocks != NULL) {
        reef__http_block_t *block = exchange->blocks;

        exchange->blocks = block->next;
        reef_resize(alloc, block, sizeof(*block) + block->size, 0);
    }
    reef_resize(alloc, exchange, sizeof(*exchange), 0);
}

/* The head --------------------------------------------------------------------- */

static void refuse(reef__http_exchange_t *exchange, int status, const char *detail)
{
    exchange->result.status = status;
    exchange->result.detail = detail;
}

static bool take_path(reef__http_exchange_t *exchange)
{
    size_t size = strlen(exchange->head.path);
    char *path;

    if (size > REEF_HTTP_MAX_PATH) {
        refuse(exchange, 414, "the path is too long");
        return false;
    }
    path = reef__http_allocate(exchange, size + 1);
    if (!reef__http_decode_path(reef_span(exchange->head.path, size), path)) {
        refuse(exchange, 400, "the path is malformed");
        return false;
    }
    exchange->request.path = path;
    return true;
}

/* Decode one side of a pair; NULL when it is malformed. */
static const char *
take_text(reef__http_exchange_t *exchange, const char *text, size_t size)
{
    char *out = reef__http_allocate(exchange, size + 1);

    return reef__http_decode_form(reef_span(text, size), out) ? out : NULL;
}

static bool take_pair(reef__http_exchange_t *exchange, const char *text, size_t size)
{
    const char *equals = memchr(text, '=', size);
    size_t name_size = equals != NULL ? (size_t)(equals - text) : size;
    size_t skip = name_size + (equals != NULL);
    reef__http_pair_t *pair = &exchange->query[exchange->query_count++];

    pair->name = take_text(exchange, text, name_size);
    pair->value = take_text(exchange, text + skip, size - skip);
    return pair->name != NULL && pair->value != NULL;
}

static bool take_query(reef__http_exchange_t *exchange)
{
    const char *at = exchange->head.query;

    while (*at != '\0') {
        size_t size = strcspn(at, "&");

        if (size > 0 && exchange->query_count == REEF_HTTP_MAX_QUERY) {
            refuse(exchange, 400, "the query has too many parameters");
            return false;
        }
        if (size > 0 && !take_pair(exchange, at, size)) {
            refuse(exchange, 400, "the query is malformed");
            return false;
        }
        at += size + (at[size] == '&');
    }
    return true;
}

/* The values of the path's parameters, each with an end of its own. */
static void take_values(reef__http_exchange_t *exchange)
{
    const reef__http_route_t *route = exchange->match.route;
    uint32_t count = 0;

    for (uint32_t i = 0; i < route->segment_count; i++) {
        reef_span_t value;
        char *copy;

        if (route->segments[i].kind == REEF__SEGMENT_TEXT) {
            continue;
        }
        value = exchange->match.values[count];
        copy = reef__http_allocate(exchange, value.size + 1);
        memcpy(copy, value.data, value.size);
        copy[value.size] = '\0';
        exchange->values[count++] = copy;
    }
}

static void list_allowed(reef__http_exchange_t *exchange)
{
    size_t used = 0;

    for (uint32_t i = 0; i < REEF_HTTP_METHOD_COUNT; i++) {
        if (exchange->match.allowed & 1u << i) {
            used += (size_t)snprintf(
                exchange->allow + used, REEF__HTTP_ALLOW_SIZE - used, "%s%s",
                used > 0 ? ", " : "", reef_http_method_text((reef_http_method_t)i));
        }
    }
    assert(used < REEF__HTTP_ALLOW_SIZE);
}

static void route(reef__http_exchange_t *exchange)
{
    reef_http_request_t *request = &exchange->request;

    if (!reef__http_method_parse(exchange->head.method, &request->method)) {
        refuse(exchange, 501, "this method is not known here");
        return;
    }
    if (!take_path(exchange)) {
        return;
    }
    reef__http_routes_find(request->app->http_routes, request->method,
                           reef_span_text(request->path), &exchange->match);
    list_allowed(exchange);
    if (exchange->match.allowed == 0) {
        refuse(exchange, 404, "there is nothing at this address");
    } else if (exchange->match.route != NULL) {
        take_values(exchange);
        (void)take_query(exchange);
    } else if (request->method == REEF_HTTP_OPTIONS) {
        exchange->result.status = 204;
    } else {
        refuse(exchange, 405, "this address does not answer this method");
    }
}

reef_http_request_t *reef_http_request_create(reef_app_t *app,
                                              const reef_http_head_t *head)
{
    reef__http_exchange_t *exchange =
        reef_resize(app->alloc, NULL, 0, sizeof(*exchange));

    *exchange = (reef__http_exchange_t){
        .request = {.app = app, .world = app->world, .path = "", .peer = head->peer},
        .head = *head,
    };
    exchange->result.allow = exchange->allow;
    exchange->result.headers = exchange->headers;
    route(exchange);
    return &exchange->request;
}

uint32_t reef_http_request_max_body(const reef_http_request_t *request)
{
    const reef__http_route_t *found =
        ((const reef__http_exchange_t *)request)->match.route;

    return found != NULL ? found->desc.max_body : 0;
}

const reef_http_result_t *reef_http_request_result(const reef_http_request_t *request)
{
    return &((const reef__http_exchange_t *)request)->result;
}

/* Run -------------------------------------------------------------------------- */

/* Monotonic, on any thread: the app's clock is the world's. */
static uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Peers decide how often these happen. */
static void log_failure(const reef__http_exchange_t *exchange,
                        reef__log_limit_t *limit,
                        reef_log_level_t level,
                        const char *message)
{
    const reef_http_route_desc_t *desc = &exchange->match.route->desc;
    uint64_t skipped = 0;

    if (reef__log_limit_pass(limit, now_ms(), &skipped)) {
        reef_log(exchange->request.app->log, level, "http", message,
                 REEF_LOG_TEXT("method", reef_http_method_text(desc->method)),
                 REEF_LOG_TEXT("route", desc->path), REEF_LOG_INT("skipped", skipped));
    }
}

static void run_on_world(void *argument)
{
    reef__http_exchange_t *exchange = argument;
    const reef_http_route_desc_t *desc = &exchange->match.route->desc;

    desc->handler(&exchange->request, desc->context);
    if (!exchange->replied) {
        reef_http_reply_problem(&exchange->request, 500, "there is no reply to this");
        log_failure(exchange, &exchange->request.app->http_routes->no_reply,
                    REEF_LOG_ERROR, "a handler did not reply");
    }
}

/* Headers of the handler, and the type before them. */
static void finish_headers(reef__http_exchange_t *exchange)
{
    size_t size = sizeof(exchange->headers) + REEF__HTTP_TYPE_SIZE + 32;
    char *out;

    if (exchange->type[0] == '\0') {
        return;
    }
    out = reef__http_allocate(exchange, size);
    snprintf(out, size, "Content-Type: %s\r\n%s", exchange->type, exchange->headers);
    exchange->result.headers = out;
}

void reef_http_request_run(reef_http_request_t *request,
                           reef_span_t body,
                           uint32_t deadline_ms)
{
    reef__http_exchange_t *exchange = (reef__http_exchange_t *)request;
    reef_error_t error;

    assert(exchange->result.status == 0 && exchange->match.route != NULL);
    request->body = body;
    error =
        reef_mailbox_call(request->app->mailbox, run_on_world, exchange, deadline_ms);
    if (error == REEF_OK) {
        finish_headers(exchange);
    } else {
        refuse(exchange, 503, reef_error_text(error));
        log_failure(exchange, &request->app->http_routes->no_answer, REEF_LOG_WARN,
                    "the world did not answer");
    }
}

/* For handlers ----------------------------------------------------------------- */

const char *reef_http_parameter(const reef_http_request_t *request, const char *name)
{
    const reef__http_exchange_t *exchange = (const reef__http_exchange_t *)request;
    const reef__http_route_t *found = exchange->match.route;
    reef_span_t wanted = reef_span_text(name);
    uint32_t count = 0;

    for (uint32_t i = 0; i < found->segment_count; i++) {
        if (found->segments[i].kind == REEF__SEGMENT_TEXT) {
            continue;
        }
        if (reef_span_equal(found->segments[i].text, wanted)) {
            return exchange->values[count];
        }
        count++;
    }
    assert(false && "the route's path has no such parameter");
    return NULL;
}

bool reef_http_parameter_u64(const reef_http_request_t *request,
                             const char *name,
                             uint64_t *value)
{
    const char *text = reef_http_parameter(request, name);
    uint64_t number;

    if (text[0] == '\0' || strspn(text, "0123456789") != strlen(text)) {
        return false;
    }
    errno = 0;
    number = strtoull(text, NULL, 10);
    if (errno != 0) {
        return false;
    }
    *value = number;
    return true;
}

const char *reef_http_query(const reef_http_request_t *request, const char *name)
{
    const reef__http_exchange_t *exchange = (const reef__http_exchange_t *)request;

    for (size_t i = 0; i < exchange->query_count; i++) {
        if (strcmp(exchange->query[i].name, name) == 0) {
            return exchange->query[i].value;
        }
    }
    return NULL;
}

const char *reef_http_header(const reef_http_request_t *request, const char *name)
{
    const reef_http_head_t *head = &((const reef__http_exchange_t *)request)->head;

    for (size_t i = 0; i < head->header_count; i++) {
        if (strcasecmp(head->headers[i].name, name) == 0) {
            return head->headers[i].value;
        }
    }
    return NULL;
}
