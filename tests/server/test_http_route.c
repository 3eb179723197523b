/* Patterns, what they match, and what comes first. */
#include "http_route.h"
#include "loopback.h"
#include "test.h"

typedef struct fixture {
    reef__http_routes_t *routes;
    reef__http_match_t match;
    reef_failure_t failure;
} fixture_t;

static int setup(void **state)
{
    fixture_t *fixture = calloc(1, sizeof(*fixture));

    assert_non_null(fixture);
    fixture->routes = reef__http_routes_create(reef_alloc_default());
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    fixture_t *fixture = *state;

    reef__http_routes_destroy(fixture->routes);
    free(fixture);
    return 0;
}

static void no_handler(reef_http_request_t *request, void *context)
{
    (void)request, (void)context;
}

static reef_error_t add(fixture_t *fixture, reef_http_method_t method, const char *path)
{
    return reef__http_routes_add(fixture->routes,
                                 &(reef_http_route_desc_t){.method = method,
                                                           .path = path,
                                                           .handler = no_handler},
                                 &fixture->failure);
}

static void add_all(fixture_t *fixture, const char *const *paths)
{
    for (; *paths != NULL; paths++) {
        assert_int_equal(add(fixture, REEF_HTTP_GET, *paths), REEF_OK);
    }
}

#define ADD_ALL(fixture, ...) add_all(fixture, (const char *const[]){__VA_ARGS__, NULL})

/* The path of the route that @p path means; "" when it means none. */
static const char *find(fixture_t *fixture, reef_http_method_t method, const char *path)
{
    reef__http_routes_find(fixture->routes, method, reef_span_text(path),
                           &fixture->match);
    return fixture->match.route != NULL ? fixture->match.route->path : "";
}

static const char *get(fixture_t *fixture, const char *path)
{
    return find(fixture, REEF_HTTP_GET, path);
}

static void expect_part(const fixture_t *fixture, size_t index, const char *text)
{
    assert_true(reef_span_equal(fixture->match.values[index], reef_span_text(text)));
}

static void test_http_route_matches_whole_paths_only(void **state)
{
    ADD_ALL(*state, "/players", "/a/b/");
    assert_string_equal(get(*state, "/players"), "/players");
    assert_string_equal(get(*state, "/players/"), "");
    assert_string_equal(get(*state, "/player"), "");
    assert_string_equal(get(*state, "/players2"), "");
    assert_string_equal(get(*state, "/"), "");
    assert_string_equal(get(*state, "/Players"), "");
    assert_string_equal(get(*state, "/a/b/"), "/a/b/");
    assert_string_equal(get(*state, "/a/b"), "");
    ADD_ALL(*state, "/");
    assert_string_equal(get(*state, "/"), "/");
}

static void test_http_route_parameters_take_one_segment(void **state)
{
    ADD_ALL(*state, "/players/{id}/score/{kind}");
    assert_string_not_equal(get(*state, "/players/7/score/best of"), "");
    expect_part(*state, 0, "7");
    expect_part(*state, 1, "best of");
    assert_string_equal(get(*state, "/players//score/x"), "");
    assert_string_equal(get(*state, "/players/7/score/"), "");
    assert_string_equal(get(*state, "/players/7/8/score/x"), "");
}

static void test_http_route_a_rest_takes_all_that_is_left(void **state)
{
    ADD_ALL(*state, "/files/{path...}");
    assert_string_not_equal(get(*state, "/files/a/b.txt"), "");
    expect_part(*state, 0, "a/b.txt");
    assert_string_not_equal(get(*state, "/files/"), "");
    expect_part(*state, 0, "");
    assert_string_equal(get(*state, "/files"), "");
}

static void test_http_route_text_goes_before_parameters_in_any_order(void **state)
{
    static const char *const paths[] = {"/{rest...}", "/{a}/{b}", "/x/{b}",
                                        "/{a}/y",     "/x/y",     "/x/{r...}"};
    enum {
        COUNT = sizeof(paths) / sizeof(paths[0])
    };

    for (size_t first = 0; first < COUNT; first++) {
        for (size_t i = 0; i < COUNT; i++) {
            ADD_ALL(*state, paths[(first + i) % COUNT]);
        }
        assert_string_equal(get(*state, "/x/y"), "/x/y");
        assert_string_equal(get(*state, "/x/z"), "/x/{b}");
        assert_string_equal(get(*state, "/w/y"), "/{a}/y");
        assert_string_equal(get(*state, "/w/z"), "/{a}/{b}");
        assert_string_equal(get(*state, "/x/y/z"), "/x/{r...}");
        assert_string_equal(get(*state, "/w"), "/{rest...}");
        teardown(state);
        setup(state);
    }
}

static void test_http_route_another_method_does_not_hide_a_route(void **state)
{
    assert_int_equal(add(*state, REEF_HTTP_GET, "/a/b"), REEF_OK);
    assert_int_equal(add(*state, REEF_HTTP_POST, "/a/{x}"), REEF_OK);
    assert_string_equal(find(*state, REEF_HTTP_POST, "/a/b"), "/a/{x}");
    expect_part(*state, 0, "b");
    assert_string_equal(find(*state, REEF_HTTP_PUT, "/a/b"), "");
    assert_int_equal(((fixture_t *)*state)->match.allowed,
                     1 << REEF_HTTP_GET | 1 << REEF_HTTP_HEAD | 1 << REEF_HTTP_POST |
                         1 << REEF_HTTP_OPTIONS);
    assert_string_equal(find(*state, REEF_HTTP_PUT, "/b"), "");
    assert_int_equal(((fixture_t *)*state)->match.allowed, 0);
}

static void test_http_route_of_get_answers_head(void **state)
{
    ADD_ALL(*state, "/a");
    assert_string_equal(find(*state, REEF_HTTP_HEAD, "/a"), "/a");
    assert_int_equal(add(*state, REEF_HTTP_POST, "/b"), REEF_OK);
    assert_string_equal(find(*state, REEF_HTTP_HEAD, "/b"), "");
}

static void test_http_route_refuses_malformed_paths(void **state)
{
    static const char *const bad[] = {
        "",         "a",           "//",        "/a//b",
        "/{",       "/}",          "/{}",       "/{a",
        "/a}",      "/{a}{b}",     "/x{a}",     "/{a}x",
        "/{a b}",   "/{1}",        "/{a...}/b", "/{...}",
        "/{a}/{a}", "/a b",        "/a%20b",    "/a?b",
        "/a#b",     "/a\nb",       "/..",       "/./a",
        "/{a..}",   "/{a}/{a...}", "/a\\b",     "/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}",
    };
    fixture_t *fixture = *state;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        fixture->failure = (reef_failure_t){0};
        if (add(fixture, REEF_HTTP_PUT, bad[i]) != REEF_E_INVALID) {
            fail_msg("'%s' was taken", bad[i]);
        }
        assert_non_null(strstr(fixture->failure.text, "http route PUT"));
        assert_non_null(strstr(fixture->failure.text, bad[i]));
    }
    assert_int_equal(add(fixture, REEF_HTTP_HEAD, "/a"), REEF_E_INVALID);
    assert_int_equal(fixture->routes->routes.count, 0);
}

static void test_http_route_refuses_what_is_there_twice(void **state)
{
    fixture_t *fixture = *state;

    assert_int_equal(add(fixture, REEF_HTTP_GET, "/a/{x}"), REEF_OK);
    assert_int_equal(add(fixture, REEF_HTTP_PUT, "/a/{y}"), REEF_OK);
    assert_int_equal(add(fixture, REEF_HTTP_GET, "/a/{y...}"), REEF_OK);
    assert_int_equal(add(fixture, REEF_HTTP_GET, "/a/{y}"), REEF_E_EXISTS);
    assert_non_null(strstr(fixture->failure.text, "GET /a/{y}"));
    assert_non_null(strstr(fixture->failure.text, "/a/{x}"));
}

static void test_http_route_that_is_bad_fails_the_start(void **state)
{
    reef_app_t *app = loopback_app_create(0, NULL);
    reef_failure_t failure = {0};

    (void)state;
    reef_http_route(app,
                    &(reef_http_route_desc_t){.path = "/{", .handler = no_handler});
    reef_http_route(app, &(reef_http_route_desc_t){.path = "b", .handler = no_handler});
    assert_int_equal(reef_app_start(app, &failure), REEF_E_INVALID);
    assert_non_null(strstr(failure.text, "GET /{:"));
    reef_app_destroy(app);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_http_route_matches_whole_paths_only),
        TEST(test_http_route_parameters_take_one_segment),
        TEST(test_http_route_a_rest_takes_all_that_is_left),
        TEST(test_http_route_text_goes_before_parameters_in_any_order),
        TEST(test_http_route_another_method_does_not_hide_a_route),
        TEST(test_http_route_of_get_answers_head),
        TEST(test_http_route_refuses_malformed_paths),
        TEST(test_http_route_refuses_what_is_there_twice),
        TEST(test_http_route_that_is_bad_fails_the_start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
