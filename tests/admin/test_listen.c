#include "listen.h"

#include "test.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void test_listen_splits_a_list(void **state)
{
    reef__listen_t listen;

    (void)state;
    assert_int_equal(
        reef__listen_parse("admin.listen", "127.0.0.1:9090, 0.0.0.0:0", &listen, NULL),
        REEF_OK);
    assert_int_equal(listen.count, 2);
    assert_string_equal(listen.items[0].host, "127.0.0.1");
    assert_int_equal(listen.items[0].port, 9090);
    assert_true(listen.items[0].is_loopback);
    assert_false(listen.items[1].is_loopback);
}

static void test_listen_takes_ipv6_in_brackets(void **state)
{
    reef__listen_t listen;

    (void)state;
    assert_int_equal(
        reef__listen_parse("http.listen", "[::1]:80,[::]:81", &listen, NULL), REEF_OK);
    assert_int_equal(listen.count, 2);
    assert_string_equal(listen.items[0].host, "[::1]");
    assert_int_equal(listen.items[0].port, 80);
    assert_true(listen.items[0].is_ipv6);
    assert_true(listen.items[0].is_loopback);
    assert_false(listen.items[1].is_loopback);
}

/* As the Host header of a browser has it. */
static void test_listen_writes_ipv6_the_usual_way(void **state)
{
    reef__listen_t listen;

    (void)state;
    assert_int_equal(
        reef__listen_parse("http.listen", "[0:0::0:1]:80,[FE80:0::A]:0", &listen, NULL),
        REEF_OK);
    assert_string_equal(listen.items[0].host, "[::1]");
    assert_string_equal(listen.items[1].host, "[fe80::a]");
}

static void test_listen_refuses_what_is_no_address(void **state)
{
    static const char *const bad[] = {"",
                                      "9090",
                                      "localhost:1",
                                      "127.0.0.1",
                                      "127.0.0.1:",
                                      "127.0.0.1:65536",
                                      "127.1:1",
                                      "::1:1",
                                      "[::1]",
                                      "[::1:1",
                                      "[127.0.0.1]:1",
                                      "[::1]1",
                                      "127.0.0.1:1x",
                                      "127.0.0.1:-1"};
    reef__listen_t listen;
    reef_failure_t failure;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        failure = (reef_failure_t){0};
        assert_int_equal(reef__listen_parse("admin.listen", bad[i], &listen, &failure),
                         REEF_E_INVALID);
        assert_non_null(strstr(failure.text, "admin.listen"));
    }
}

static void test_listen_takes_eight_addresses(void **state)
{
    reef__listen_t listen;
    reef_failure_t failure = {0};

    (void)state;
    assert_int_equal(reef__listen_parse("http.listen",
                                        "127.0.0.1:1,127.0.0.1:2,127.0.0.1:3,"
                                        "127.0.0.1:4,127.0.0.1:5,127.0.0.1:6,"
                                        "127.0.0.1:7,127.0.0.1:8,127.0.0.1:9",
                                        &listen, &failure),
                     REEF_E_INVALID);
    assert_string_equal(failure.text, "http.listen: at most 8 addresses");
    assert_int_equal(listen.count, 8);
}

static void test_listen_explains_a_port_in_use(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int taken = socket(AF_INET, SOCK_STREAM, 0);
    char text[64], wanted[128];
    reef__listen_t listening;
    reef_failure_t failure = {0};

    (void)state;
    assert_int_equal(bind(taken, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(taken, 1), 0);
    assert_int_equal(getsockname(taken, (struct sockaddr *)&address, &size), 0);
    snprintf(text, sizeof(text), "127.0.0.1:%u", ntohs(address.sin_port));
    snprintf(wanted, sizeof(wanted), "admin.listen: %s: address in use", text);
    assert_int_equal(reef__listen_parse("admin.listen", text, &listening, NULL),
                     REEF_OK);
    assert_int_equal(reef__listen_explain(&listening, &failure), REEF_E_IO);
    assert_string_equal(failure.text, wanted);
    close(taken);
}

static void test_listen_any_ipv6_takes_ipv4_unless_that_is_listed(void **state)
{
    reef__listen_t listen;

    (void)state;
    assert_int_equal(reef__listen_parse("http.listen",
                                        "[::]:80,127.0.0.1:81,[0::0]:81,[::]:0,"
                                        "0.0.0.0:0,[::1]:80",
                                        &listen, NULL),
                     REEF_OK);
    assert_true(reef__listen_takes_ipv4(&listen, 0));
    assert_false(reef__listen_takes_ipv4(&listen, 1));
    assert_false(reef__listen_takes_ipv4(&listen, 2));
    assert_true(reef__listen_takes_ipv4(&listen, 3));
    assert_false(reef__listen_takes_ipv4(&listen, 5));
}

static void test_listen_opens_one_port_for_both_families(void **state)
{
    reef__listen_t listening;
    uint16_t port, same;
    int first, second;

    (void)state;
    assert_int_equal(
        reef__listen_parse("http.listen", "[::]:0,0.0.0.0:0", &listening, NULL),
        REEF_OK);
    first = reef__listen_open(&listening, 0, &port);
    if (first < 0) {
        skip(); /* this machine has no IPv6 */
    }
    close(first);
    listening.items[0].port = listening.items[1].port = port;
    first = reef__listen_open(&listening, 0, &same);
    assert_int_equal(same, port);
    second = reef__listen_open(&listening, 1, &same);
    assert_true(first >= 0 && second >= 0);
    assert_int_equal(same, port);
    close(first);
    close(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_listen_splits_a_list),
        cmocka_unit_test(test_listen_takes_ipv6_in_brackets),
        cmocka_unit_test(test_listen_writes_ipv6_the_usual_way),
        cmocka_unit_test(test_listen_refuses_what_is_no_address),
        cmocka_unit_test(test_listen_takes_eight_addresses),
        cmocka_unit_test(test_listen_explains_a_port_in_use),
        cmocka_unit_test(test_listen_any_ipv6_takes_ipv4_unless_that_is_listed),
        cmocka_unit_test(test_listen_opens_one_port_for_both_families),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
