#include "gate.h"

#include "admin_request.h"
#include "test.h"

static int check(const test_request_t *test)
{
    reef__gate_t gate = {0};
    const char *detail = NULL;
    int status;

    assert_true(reef__gate_allow(&gate, reef_span_text("127.0.0.1:9090")));
    assert_true(reef__gate_allow(&gate, reef_span_text("reef.example")));
    status = reef__gate_check(&gate, &test->request, &detail);
    assert_int_equal(status != 0, detail != NULL && status != 0);
    return status;
}

static int check_with(const char *name, const char *value)
{
    test_request_t test;

    request_init(&test, "GET", "/api/v1/server");
    request_add(&test, "Host", "127.0.0.1:9090");
    request_add(&test, name, value);
    return check(&test);
}

static int check_path(const char *path)
{
    test_request_t test;

    request_init(&test, "GET", path);
    request_add(&test, "host", "127.0.0.1:9090");
    return check(&test);
}

static int check_host(const char *host)
{
    test_request_t test;

    request_init(&test, "GET", "/");
    request_add(&test, "Host", host);
    return check(&test);
}

static void test_gate_answers_only_known_hosts(void **state)
{
    (void)state;
    assert_int_equal(check_host("127.0.0.1:9090"), 0);
    assert_int_equal(check_host("REEF.example"), 0);
    assert_int_equal(check_host("127.0.0.1:9091"), 421);
    assert_int_equal(check_host("127.0.0.1"), 421);
    assert_int_equal(check_host("evil.example"), 421);
    assert_int_equal(check_host(""), 421);
}

static void test_gate_needs_exactly_one_host(void **state)
{
    test_request_t test;

    (void)state;
    request_init(&test, "GET", "/");
    assert_int_equal(check(&test), 400);
    assert_int_equal(check_with("Host", "127.0.0.1:9090"), 400);
}

static void test_gate_refuses_foreign_origins(void **state)
{
    (void)state;
    assert_int_equal(check_with("Origin", "http://127.0.0.1:9090"), 0);
    assert_int_equal(check_with("Origin", "https://127.0.0.1:9090"), 0);
    assert_int_equal(check_with("Origin", "http://127.0.0.1:8080"), 403);
    assert_int_equal(check_with("Origin", "http://reef.example"), 403);
    assert_int_equal(check_with("Origin", "null"), 403);
    assert_int_equal(check_with("Origin", ""), 403);
}

static void test_gate_refuses_other_sites(void **state)
{
    test_request_t test;

    (void)state;
    assert_int_equal(check_with("Sec-Fetch-Site", "same-origin"), 0);
    assert_int_equal(check_with("Sec-Fetch-Site", "none"), 0);
    assert_int_equal(check_with("Sec-Fetch-Site", "same-site"), 403);
    assert_int_equal(check_with("Sec-Fetch-Site", "cross-site"), 403);
    request_init(&test, "GET", "/");
    request_add(&test, "Host", "127.0.0.1:9090");
    request_add(&test, "Sec-Fetch-Site", "same-origin");
    assert_int_equal(check(&test), 0);
    request_add(&test, "Sec-Fetch-Site", "cross-site");
    assert_int_equal(check(&test), 403);
}

static void test_gate_refuses_ambiguous_lengths(void **state)
{
    test_request_t test;

    (void)state;
    assert_int_equal(check_with("Content-Length", "12"), 0);
    assert_int_equal(check_with("Transfer-Encoding", "chunked"), 0);
    assert_int_equal(check_with("Transfer-Encoding", "gzip, chunked"), 501);
    assert_int_equal(check_with("Content-Length", "-1"), 400);
    assert_int_equal(check_with("Content-Length", "1, 1"), 400);
    assert_int_equal(check_with("Content-Length", ""), 400);
    request_init(&test, "POST", "/");
    request_add(&test, "Host", "127.0.0.1:9090");
    request_add(&test, "Content-Length", "1");
    request_add(&test, "transfer-encoding", "chunked");
    assert_int_equal(check(&test), 400);
}

static void test_gate_refuses_paths_with_two_readings(void **state)
{
    static const char *const refused[] = {"/a%2fb",    "/a%2Fb",
                                          "/%00",      "/a%5cb",
                                          "/a\\b",     "/..",
                                          "/a/../b",   "/./a",
                                          "/a/.",      "//a",
                                          "/a//b",     "/%",
                                          "/%2",       "/%zz",
                                          "a",         "",
                                          "/a b",      "/a\tb",
                                          "/a\x7f",    "/%2e%2e",
                                          "/a/%2E./b", "http://127.0.0.1:9090/"};

    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        assert_int_equal(check_path(refused[i]), 400);
    }
    assert_int_equal(check_path("/"), 0);
    assert_int_equal(check_path("/a%20b"), 0);
    assert_int_equal(check_path("/.well-known"), 0);
    assert_int_equal(check_path("/a...b"), 0);
}

static void test_gate_allow_refuses_what_does_not_fit(void **state)
{
    reef__gate_t gate = {0};
    char name[REEF__HOST_SIZE + 1] = {0};

    (void)state;
    memset(name, 'a', REEF__HOST_SIZE);
    assert_false(reef__gate_allow(&gate, reef_span_text(name)));
    assert_false(reef__gate_allow(&gate, reef_span_text("")));
    for (int i = 0; i < REEF__MAX_HOSTS; i++) {
        assert_true(reef__gate_allow(&gate, reef_span_text("a")));
    }
    assert_false(reef__gate_allow(&gate, reef_span_text("a")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gate_answers_only_known_hosts),
        cmocka_unit_test(test_gate_needs_exactly_one_host),
        cmocka_unit_test(test_gate_refuses_foreign_origins),
        cmocka_unit_test(test_gate_refuses_other_sites),
        cmocka_unit_test(test_gate_refuses_ambiguous_lengths),
        cmocka_unit_test(test_gate_refuses_paths_with_two_readings),
        cmocka_unit_test(test_gate_allow_refuses_what_does_not_fit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
