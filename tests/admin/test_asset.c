#include "asset.h"

#include "admin_request.h"
#include "test.h"

#include <reef/dashboard_assets.h>

#include <stdio.h>

static bool
serve(const char *path, const char *name, const char *value, reef__reply_t *reply)
{
    test_request_t test;

    request_init(&test, "GET", path);
    if (name != NULL) {
        request_add(&test, name, value);
    }
    *reply = (reef__reply_t){0};
    return reef__asset_serve(&test.request, reply);
}

static void test_asset_root_is_the_page(void **state)
{
    reef__reply_t reply;

    (void)state;
    assert_true(serve("/", "Accept-Encoding", "br, gzip", &reply));
    assert_int_equal(reply.status, 200);
    assert_true(reply.size > 0);
    assert_non_null(strstr(reply.type, "text/html"));
    assert_non_null(strstr(reply.headers, "Content-Encoding: gzip\r\n"));
    assert_non_null(strstr(reply.headers, "Cache-Control: no-cache\r\n"));
}

static void test_asset_known_version_is_not_sent_again(void **state)
{
    reef__reply_t reply;
    char etag[64];

    (void)state;
    snprintf(etag, sizeof(etag), "\"%s\"", reef_dashboard_assets[0].etag);
    assert_true(serve(reef_dashboard_assets[0].path, "If-None-Match", etag, &reply));
    assert_int_equal(reply.status, 304);
    assert_int_equal(reply.size, 0);
}

static void test_asset_needs_gzip(void **state)
{
    reef__reply_t reply;

    (void)state;
    assert_true(serve("/", "Accept-Encoding", "identity", &reply));
    assert_int_equal(reply.status, 406);
    reef__reply_finish(&reply);
    assert_true(serve("/", "Accept-Encoding", "gzip;q=0", &reply));
    assert_int_equal(reply.status, 406);
    reef__reply_finish(&reply);
    assert_true(serve("/", "Accept-Encoding", "deflate, gzip;q=0.5", &reply));
    assert_int_equal(reply.status, 200);
    assert_true(serve("/", NULL, NULL, &reply));
    assert_int_equal(reply.status, 200);
}

static void test_asset_unknown_paths_are_not_its_business(void **state)
{
    reef__reply_t reply;

    (void)state;
    assert_false(serve("/nothing", NULL, NULL, &reply));
    assert_false(serve("/index.html/", NULL, NULL, &reply));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_asset_root_is_the_page),
        cmocka_unit_test(test_asset_known_version_is_not_sent_again),
        cmocka_unit_test(test_asset_needs_gzip),
        cmocka_unit_test(test_asset_unknown_paths_are_not_its_business),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
