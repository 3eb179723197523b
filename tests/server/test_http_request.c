/*
 * From a head to a reply, without a server.  The test's thread is the world's; a second
 * one plays the server and waits, while frames run here.
 */
#include "loopback.h"
#include "test.h"

#include <reef/http_server.h>

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>

typedef struct fixture {
    reef_app_t *app;
    reef_http_request_t *request;
    reef_span_t body;
    uint32_t deadline_ms;
    atomic_bool is_done;
} fixture_t;

static void reply_nothing(reef_http_request_t *request, void *context)
{
    (void)request, (void)context;
}

static const char *or_none(const char *text)
{
    return text != NULL ? text : "none";
}

/* Says all it was told. */
static void reply_facts(reef_http_request_t *request, void *context)
{
    reef_http_reply_text(
        request, 201, "%s %s %s body=%.*s a=%s b=%s agent=%s from=%s %s",
        reef_http_method_text(request->method), request->path,
        reef_http_parameter(request, "id"), (int)request->body.size,
        (const char *)request->body.data, or_none(reef_http_query(request, "a")),
        or_none(reef_http_query(request, "b")),
        or_none(reef_http_header(request, "user-agent")), request->peer,
        (const char *)context);
}

static void reply_empty(reef_http_request_t *request, void *context)
{
    (void)context;
    reef_http_reply(request, 0, "text/plain", reef_span(NULL, 0));
}

static void reply_headers(reef_http_request_t *request, void *context)
{
    static char long_value[REEF_HTTP_HEADERS_SIZE];

    (void)context;
    memset(long_value, 'x', sizeof(long_value) - 1);
    assert_true(reef_http_add_header(request, "Location", "/a"));
    assert_false(reef_http_add_header(request, "A", "x\r\nB: y"));
    assert_false(reef_http_add_header(request, "A", "x\n"));
    assert_false(reef_http_add_header(request, "A\r\nB", "x"));
    assert_false(reef_http_add_header(request, "A b", "x"));
    assert_false(reef_http_add_header(request, "", "x"));
    assert_false(reef_http_add_header(request, "content-length", "1"));
    assert_false(reef_http_add_header(request, "Connection", "close"));
    assert_false(reef_http_add_header(request, "A", long_value));
    assert_true(reef_http_add_header(request, "X-Two", "ä b"));
    reef_http_reply(request, 0, "text/html\r\nEvil: yes", reef_span_text("hi"));
}

static void reply_number(reef_http_request_t *request, void *context)
{
    uint64_t number = 0;

    (void)context;
    if (reef_http_parameter_u64(request, "number", &number)) {
        reef_http_reply_text(request, 200, "%" PRIu64, number);
    } else {
        reef_http_reply_text(request, 404, "none");
    }
}

static void reply_twice(reef_http_request_t *request, void *context)
{
    (void)context;
    reef_http_reply_text(request, 200, "first");
    reef_http_reply_problem(request, 409, "not %s", "\"this\"");
}

static void add(reef_app_t *app,
                reef_http_method_t method,
                const char *path,
                reef_http_handler_fn handler)
{
    reef_http_route(app, &(reef_http_route_desc_t){.method = method,
                                                   .path = path,
                                                   .handler = handler,
                                                   .context = (char *)"context",
                                                   .max_body = 12});
}

static int setup(void **state)
{
    fixture_t *fixture = calloc(1, sizeof(*fixture));

    assert_non_null(fixture);
    fixture->app = loopback_app_create(0, NULL);
    fixture->deadline_ms = 20000;
    add(fixture->app, REEF_HTTP_GET, "/nothing", reply_nothing);
    add(fixture->app, REEF_HTTP_PUT, "/facts/{id}", reply_facts);
    add(fixture->app, REEF_HTTP_GET, "/empty", reply_empty);
    add(fixture->app, REEF_HTTP_GET, "/headers", reply_headers);
    add(fixture->app, REEF_HTTP_GET, "/number/{number...}", reply_number);
    add(fixture->app, REEF_HTTP_GET, "/twice", reply_twice);
    loopback_app_start(fixture->app);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    fixture_t *fixture = *state;

    reef_http_request_destroy(fixture->request);
    reef_app_destroy(fixture->app);
    free(fixture);
    return 0;
}

static void *serve(void *context)
{
    fixture_t *fixture = context;

    reef_http_request_run(fixture->request, fixture->body, fixture->deadline_ms);
    atomic_store(&fixture->is_done, true);
    return NULL;
}

static const reef_http_result_t *
ask(fixture_t *fixture, const char *method, const char *path, const char *query)
{
    static const reef_http_field_t headers[] = {{"User-Agent", "test"}};
    pthread_t server;

    reef_http_request_destroy(fixture->request);
    fixture->request =
        reef_http_request_create(fixture->app, &(reef_http_head_t){.method = method,
                                                                   .path = path,
                                                                   .query = query,
                                                                   .peer = "192.0.2.1",
                                                                   .headers = headers,
                                                                   .header_count = 1});
    if (reef_http_request_result(fixture->request)->status == 0) {
        atomic_store(&fixture->is_done, false);
        assert_int_equal(pthread_create(&server, NULL, serve, fixture), 0);
        while (!atomic_load(&fixture->is_done)) {
            reef_app_step(fixture->app, 0);
        }
        pthread_join(server, NULL);
    }
    return reef_http_request_result(fixture->request);
}

static bool body_is(const reef_http_result_t *result, const char *text)
{
    return reef_span_equal(result->body, reef_span_text(text));
}

static void test_http_request_tells_the_handler_all(void **state)
{
    fixture_t *fixture = *state;
    const reef_http_result_t *result;

    fixture->body = reef_span_text("hello");
    result = ask(fixture, "PUT", "/facts/a%20b", "&a=1%262&a=3&&b");
    assert_int_equal(result->status, 201);
    assert_true(body_is(result, "PUT /facts/a b a b body=hello a=1&2 b= agent=test "
                                "from=192.0.2.1 context"));
    assert_string_equal(result->headers, "Content-Type: text/plain; charset=utf-8\r\n");
    assert_int_equal(reef_http_request_max_body(fixture->request), 12);
}

static void test_http_request_refuses_before_the_world_hears_of_it(void **state)
{
    char long_path[REEF_HTTP_MAX_PATH + 2] = "/";

    memset(long_path + 1, 'a', sizeof(long_path) - 2);
    assert_int_equal(ask(*state, "GET", "/none", "")->status, 404);
    assert_string_equal(ask(*state, "GET", "/none", "")->allow, "");
    assert_int_equal(ask(*state, "GET", "/facts/1", "")->status, 405);
    assert_string_equal(ask(*state, "GET", "/facts/1", "")->allow, "PUT, OPTIONS");
    assert_int_equal(ask(*state, "BREW", "/facts/1", "")->status, 501);
    assert_int_equal(ask(*state, "GET", "/facts/%2f", "")->status, 400);
    assert_int_equal(ask(*state, "PUT", "/facts/1", "a=%zz")->status, 400);
    assert_int_equal(ask(*state, "GET", long_path, "")->status, 414);
    long_path[REEF_HTTP_MAX_PATH] = '\0';
    assert_int_equal(ask(*state, "GET", long_path, "")->status, 404);
}

static void test_http_request_bounds_the_query(void **state)
{
    char query[2 * (REEF_HTTP_MAX_QUERY + 1) + 1] = "";

    for (int i = 0; i < REEF_HTTP_MAX_QUERY; i++) {
        memcpy(query + strlen(query), "a&", 3);
    }
    assert_int_equal(ask(*state, "PUT", "/facts/1", query)->status, 201);
    memcpy(query + strlen(query), "b", 2);
    assert_int_equal(ask(*state, "PUT", "/facts/1", query)->status, 400);
}

static void test_http_request_options_tells_what_is_allowed(void **state)
{
    const reef_http_result_t *result = ask(*state, "OPTIONS", "/empty", "");

    assert_int_equal(result->status, 204);
    assert_string_equal(result->allow, "GET, HEAD, OPTIONS");
    assert_int_equal(ask(*state, "OPTIONS", "/none", "")->status, 404);
}

static void test_http_request_without_a_reply_is_a_failure(void **state)
{
    const reef_http_result_t *result = ask(*state, "GET", "/nothing", "");

    assert_int_equal(result->status, 500);
    assert_string_equal(result->headers, "Content-Type: application/problem+json\r\n");
    assert_int_equal(
        reef_log_count(reef_app_log(((fixture_t *)*state)->app), REEF_LOG_ERROR), 1);
    ask(*state, "GET", "/nothing", "");
    assert_int_equal(
        reef_log_count(reef_app_log(((fixture_t *)*state)->app), REEF_LOG_ERROR), 1);
}

static void test_http_request_without_a_body_has_neither_type_nor_bytes(void **state)
{
    const reef_http_result_t *result = ask(*state, "HEAD", "/empty", "");

    assert_int_equal(result->status, 204);
    assert_string_equal(result->headers, "");
    assert_int_equal(result->body.size, 0);
}

static void test_http_request_refuses_headers_that_break_the_reply(void **state)
{
    const reef_http_result_t *result = ask(*state, "GET", "/headers", "");

    assert_int_equal(result->status, 200);
    assert_string_equal(result->headers, "Content-Type: application/octet-stream\r\n"
                                         "Location: /a\r\nX-Two: ä b\r\n");
}

static void test_http_request_last_reply_counts(void **state)
{
    const reef_http_result_t *result = ask(*state, "GET", "/twice", "");

    assert_int_equal(result->status, 409);
    assert_true(body_is(result, "{\"type\":\"about:blank\",\"status\":409,"
                                "\"detail\":\"not \\\"this\\\"\"}"));
}

static void test_http_request_takes_numbers_only_for_numbers(void **state)
{
    static const char *const none[] = {"/number/", "/number/1a", "/number/-1",
                                       "/number/18446744073709551616"};

    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        if (ask(*state, "GET", none[i], "")->status != 404) {
            fail_msg("%s", none[i]);
        }
    }
    assert_true(body_is(ask(*state, "GET", "/number/18446744073709551615", ""),
                        "18446744073709551615"));
}

static void test_http_request_is_refused_when_the_world_does_not_answer(void **state)
{
    fixture_t *fixture = *state;
    const reef_http_result_t *result;

    fixture->request = reef_http_request_create(
        fixture->app, &(reef_http_head_t){
                          .method = "GET", .path = "/empty", .query = "", .peer = ""});
    /* Nobody runs a frame meanwhile. */
    reef_http_request_run(fixture->request, reef_span(NULL, 0), 1);
    result = reef_http_request_result(fixture->request);
    assert_int_equal(result->status, 503);
    assert_non_null(result->detail);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_http_request_tells_the_handler_all),
        TEST(test_http_request_refuses_before_the_world_hears_of_it),
        TEST(test_http_request_bounds_the_query),
        TEST(test_http_request_options_tells_what_is_allowed),
        TEST(test_http_request_without_a_reply_is_a_failure),
        TEST(test_http_request_without_a_body_has_neither_type_nor_bytes),
        TEST(test_http_request_refuses_headers_that_break_the_reply),
        TEST(test_http_request_last_reply_counts),
        TEST(test_http_request_takes_numbers_only_for_numbers),
        TEST(test_http_request_is_refused_when_the_world_does_not_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
