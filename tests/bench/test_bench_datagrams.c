/* reef-bench on UDP: what is lost is counted, what is wrong is found out. */
#include "bench_fixture.h"

#include <string.h>

/* Start a peer with this fault; its address is udp://. */
static void start(bench_fixture_t *fixture, const char *fault)
{
    peer_start(fixture, FAULTY_DATAGRAMS, fault);
    url_of_scheme(fixture, "udp");
}

/* One socket with four datagrams in flight, and time for each to be answered. */
static int load_faulty(bench_fixture_t *fixture, const char *fault)
{
    start(fixture, fault);
    return RUN(fixture, "echo", "--connections", "1", "--pipeline", "4", "--warmup",
               "0", "--messages", "2000", "--resend", "20", "--timeout", "20");
}

static void
expect_failure(bench_fixture_t *fixture, const char *fault, const char *text)
{
    assert_int_equal(load_faulty(fixture, fault), 1);
    expect_error(fixture, text);
    process_kill(&fixture->server);
}

static void test_datagrams_echo(void **state)
{
    bench_fixture_t *fixture = *state;
    char pid[16];

    start(fixture, "none");
    snprintf(pid, sizeof(pid), "%d", (int)fixture->server.pid);
    REPORT(fixture, "echo", "--connections", "3", "--pipeline", "70", "--resend", "20",
           "--timeout", "20", "--messages", "20000", "--warmup", "10", "--repeat", "2",
           "--pid", pid);
    assert_true(report_number(fixture, "messages") >= 2 * 20000);
    assert_true(report_number(fixture, "datagrams.sent") >= 2 * 20000);
    assert_true(report_number(fixture, "latency_us.min") > 0);
    assert_true(report_number(fixture, "server_cpu_us") > 0);
}

static void test_datagrams_echo_by_a_server_with_sessions(void **state)
{
    bench_fixture_t *fixture = *state;

    reef_start_on(fixture, ECHO_EXAMPLE, "udp", NULL);
    url_of_scheme(fixture, "udp");
    REPORT(fixture, "echo", "--connections", "20", "--pipeline", "4", "--messages",
           "5000", "--warmup", "10", "--resend", "20", "--timeout", "20");
    assert_true(report_number(fixture, "messages") >= 5000);
}

static void test_datagrams_at_a_rate(void **state)
{
    bench_fixture_t *fixture = *state;

    start(fixture, "none");
    REPORT(fixture, "rate", "--connections", "7", "--rate", "2000", "--messages", "600",
           "--warmup", "0", "--resend", "10");
    assert_true(report_number(fixture, "messages_per_s") < 2100);
    assert_int_equal(report_number(fixture, "datagrams.lost"), 0);
}

static void test_datagrams_of_idle_clients(void **state)
{
    bench_fixture_t *fixture = *state;
    char pid[16];

    start(fixture, "lose-few"); /* is asked again */
    snprintf(pid, sizeof(pid), "%d", (int)fixture->server.pid);
    REPORT(fixture, "idle", "--connections", "300", "--seconds", "0.1", "--pid", pid,
           "--resend", "0.02");
    assert_int_equal(report_number(fixture, "connections"), 300);
    assert_true(report_number(fixture, "server_memory_after") > 0);
}

static void test_datagrams_lost_are_counted_and_sent_again(void **state)
{
    bench_fixture_t *fixture = *state;

    start(fixture, "lose-few");
    REPORT(fixture, "echo", "--connections", "1", "--pipeline", "4", "--warmup", "0",
           "--messages", "6000", "--resend", "0.1");
    assert_true(report_number(fixture, "messages") >= 6000);
    assert_true(report_number(fixture, "datagrams.lost") >= 6);
}

static void test_datagrams_lost_at_a_rate_are_counted(void **state)
{
    bench_fixture_t *fixture = *state;

    start(fixture, "lose-few");
    REPORT(fixture, "rate", "--connections", "3", "--rate", "2500", "--warmup", "0",
           "--messages", "2500", "--resend", "1");
    assert_true(report_number(fixture, "datagrams.lost") >= 2);
    assert_true(report_number(fixture, "datagrams.sent") >=
                2500 + report_number(fixture, "datagrams.lost"));
}

static void test_datagrams_lost_in_number_are_a_failure(void **state)
{
    bench_fixture_t *fixture = *state;

    start(fixture, "lose-many");
    assert_int_equal(RUN(fixture, "echo", "--connections", "1", "--pipeline", "4",
                         "--warmup", "0", "--messages", "100", "--resend", "0.02"),
                     1);
    expect_error(fixture, "datagrams were lost, more than one in 100");
}

static void test_datagrams_out_of_order_are_counted(void **state)
{
    bench_fixture_t *fixture = *state;

    start(fixture, "swap");
    REPORT(fixture, "echo", "--connections", "1", "--pipeline", "4", "--warmup", "0",
           "--messages", "100", "--resend", "20");
    assert_int_equal(report_number(fixture, "datagrams.reordered"), 1);
    assert_int_equal(report_number(fixture, "datagrams.lost"), 0);
}

static void test_datagrams_that_come_late_are_counted(void **state)
{
    bench_fixture_t *fixture = *state;

    start(fixture, "late");
    REPORT(fixture, "echo", "--connections", "1", "--pipeline", "4", "--warmup", "0",
           "--messages", "6000", "--resend", "0.1");
    assert_true(report_number(fixture, "datagrams.repeated") >= 1);
    assert_true(report_number(fixture, "datagrams.lost") >= 1);
}

static void test_datagrams_that_differ_are_a_failure(void **state)
{
    expect_failure(*state, "flip", "connection 0, message 4, byte 40: 0x");
}

static void test_datagrams_of_another_size_are_a_failure(void **state)
{
    expect_failure(*state, "longer", "a datagram came that is longer than the 128");
    expect_failure(*state, "shorter", "a datagram came that is shorter than the 128");
}

static void test_datagrams_that_come_twice_are_a_failure(void **state)
{
    expect_failure(*state, "twice", "connection 0: message 4 came twice");
}

static void test_datagrams_that_were_not_sent_are_a_failure(void **state)
{
    expect_failure(*state, "unsent",
                   "connection 0: message 1004 came, which was not sent");
    expect_failure(*state, "stranger", "came, which is none of its messages");
}

static void test_datagrams_of_a_silent_server(void **state)
{
    bench_fixture_t *fixture = *state;

    start(fixture, "silent");
    assert_int_equal(RUN(fixture, "echo", "--connections", "1", "--timeout", "0.2"), 1);
    expect_error(fixture, "silent for 0.2 s; waiting for message 4 on connection 0");
}

static void test_datagrams_that_nobody_receives(void **state)
{
    bench_fixture_t *fixture = *state;

    start(fixture, "none"); /* its port is free when it is gone */
    process_kill(&fixture->server);
    assert_int_equal(RUN(fixture, "echo", "--binary"), 1);
    expect_error(fixture, "Connection refused");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_datagrams_echo),
        TEST(test_datagrams_echo_by_a_server_with_sessions),
        TEST(test_datagrams_at_a_rate),
        TEST(test_datagrams_of_idle_clients),
        TEST(test_datagrams_lost_are_counted_and_sent_again),
        TEST(test_datagrams_lost_at_a_rate_are_counted),
        TEST(test_datagrams_lost_in_number_are_a_failure),
        TEST(test_datagrams_out_of_order_are_counted),
        TEST(test_datagrams_that_come_late_are_counted),
        TEST(test_datagrams_that_differ_are_a_failure),
        TEST(test_datagrams_of_another_size_are_a_failure),
        TEST(test_datagrams_that_come_twice_are_a_failure),
        TEST(test_datagrams_that_were_not_sent_are_a_failure),
        TEST(test_datagrams_of_a_silent_server),
        TEST(test_datagrams_that_nobody_receives),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
