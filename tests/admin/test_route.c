#include "route.h"

#include "admin_request.h"
#include "openapi.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static reef__route_match_t
find(const char *method, const char *path, test_request_t *test)
{
    request_init(test, method, path);
    return reef__route_find(&test->request);
}

static void test_route_every_write_needs_a_role_that_may_write(void **state)
{
    (void)state;
    for (size_t i = 0; i < reef__route_count; i++) {
        const reef__route_t *route = &reef__routes[i];

        if (strcmp(route->method, "GET") != 0 &&
            strstr(route->pattern, "/session") == NULL) {
            assert_true(route->role >= REEF__ROLE_OPERATOR);
        }
    }
}

static void test_route_only_health_and_login_are_open(void **state)
{
    (void)state;
    for (size_t i = 0; i < reef__route_count; i++) {
        const reef__route_t *route = &reef__routes[i];

        if (route->role == REEF__ROLE_NONE) {
            assert_true(strcmp(route->pattern, "/livez") == 0 ||
                        strcmp(route->pattern, "/readyz") == 0 ||
                        strcmp(route->pattern, "/api/v1/session") == 0);
        }
    }
}

static void test_route_restoring_needs_admin(void **state)
{
    test_request_t test;
    reef__route_match_t match = find("POST", "/api/v1/snapshots/3:restore", &test);

    (void)state;
    assert_non_null(match.route);
    assert_int_equal(match.route->role, REEF__ROLE_ADMIN);
    assert_string_equal(test.request.parameters[0], "3");
}

static void test_route_fills_parameters(void **state)
{
    test_request_t test;

    (void)state;
    assert_non_null(find("PUT", "/api/v1/entities/17/components/a%20b", &test).route);
    assert_string_equal(test.request.parameters[0], "17");
    assert_string_equal(test.request.parameters[1], "a b");
}

static void test_route_head_is_answered_as_get(void **state)
{
    test_request_t test;

    (void)state;
    assert_non_null(find("HEAD", "/api/v1/server", &test).route);
}

static void test_route_unknown_paths_match_nothing(void **state)
{
    static const char *const unknown[] = {
        "/api",
        "/api/v1",
        "/api/v1/",
        "/api/v1/serverx",
        "/api/v1/server/",
        "/api/v1/entities/",
        "/api/v1/entities/1/",
        "/api/v1/entities/1/components",
        "/api/v1/entities/1/components/a/b",
        "/api/v1/clients/1:",
        "/api/v1/clients/1:kickx",
        "/api/v1/clients/:kick",
        "/metricsx",
        "/Livez",
    };
    test_request_t test;

    (void)state;
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        reef__route_match_t match = find("GET", unknown[i], &test);

        assert_false(match.path_known);
        assert_null(match.route);
    }
}

static void test_route_other_methods_are_told_what_is_allowed(void **state)
{
    test_request_t test;
    reef__route_match_t match =
        find("POST", "/api/v1/entities/1/components/name", &test);

    (void)state;
    assert_true(match.path_known);
    assert_null(match.route);
    assert_string_equal(match.allow, "GET, PUT, PATCH, DELETE");
}

static void test_route_refuses_parameters_that_do_not_fit(void **state)
{
    char path[256 + REEF__PARAMETER_SIZE] = "/api/v1/entities/";
    test_request_t test;

    (void)state;
    memset(path + strlen(path), '1', REEF__PARAMETER_SIZE);
    assert_false(find("GET", path, &test).path_known);
}

/* `/a/{}` as the description writes it: `/a/{id}`. */
static bool is_described(const cJSON *paths, const reef__route_t *route)
{
    const char *pattern = route->pattern + strlen("/api/v1");
    const cJSON *path;

    cJSON_ArrayForEach(path, paths)
    {
        char plain[128];
        size_t used = 0;
        char method[8];

        for (const char *at = path->string; *at != '\0' && used < 120; at++) {
            plain[used++] = *at;
            if (*at == '{') {
                at += strcspn(at, "}");
                plain[used++] = '}';
            }
        }
        plain[used] = '\0';
        snprintf(method, sizeof(method), "%s", route->method);
        for (char *c = method; *c != '\0'; c++) {
            *c = (char)(*c | 0x20);
        }
        if (strcmp(plain, pattern) == 0 &&
            cJSON_GetObjectItemCaseSensitive(path, method) != NULL) {
            return true;
        }
    }
    return false;
}

static void test_route_all_of_the_api_is_described(void **state)
{
    cJSON *document = cJSON_Parse(reef__openapi);
    const cJSON *paths = cJSON_GetObjectItem(document, "paths");

    (void)state;
    assert_non_null(document);
    assert_int_equal(strlen(reef__openapi), reef__openapi_size);
    for (size_t i = 0; i < reef__route_count; i++) {
        if (strncmp(reef__routes[i].pattern, "/api/v1/", 8) == 0) {
            assert_true(is_described(paths, &reef__routes[i]));
        }
    }
    cJSON_Delete(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_route_every_write_needs_a_role_that_may_write),
        cmocka_unit_test(test_route_only_health_and_login_are_open),
        cmocka_unit_test(test_route_restoring_needs_admin),
        cmocka_unit_test(test_route_fills_parameters),
        cmocka_unit_test(test_route_head_is_answered_as_get),
        cmocka_unit_test(test_route_unknown_paths_match_nothing),
        cmocka_unit_test(test_route_other_methods_are_told_what_is_allowed),
        cmocka_unit_test(test_route_refuses_parameters_that_do_not_fit),
        cmocka_unit_test(test_route_all_of_the_api_is_described),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
