/* Each mode against a server that is right: what it reports is plausible. */
#include "bench_fixture.h"

#include <string.h>

static char *pid_of(const bench_fixture_t *fixture, char text[16])
{
    snprintf(text, 16, "%d", (int)fixture->server.pid);
    return text;
}

/* Percentiles rise, and the server was looked at. */
static void expect_figures(const bench_fixture_t *fixture)
{
    double p50 = report_number(fixture, "latency_us.p50");
    double p99 = report_number(fixture, "latency_us.p99");

    assert_true(report_number(fixture, "latency_us.min") > 0);
    assert_true(report_number(fixture, "latency_us.min") <= p50 && p50 <= p99);
    assert_true(p99 <= report_number(fixture, "latency_us.max"));
    assert_true(report_number(fixture, "messages_per_s") > 0);
    assert_true(report_number(fixture, "server_cpu_us") >= 0); /* exact to a tick */
    assert_true(report_number(fixture, "server_memory_after") > 0);
}

static void test_modes_echo_on_tcp(void **state)
{
    bench_fixture_t *fixture = *state;
    char pid[16];

    peer_start(fixture, PEER_UV_ECHO, NULL);
    REPORT(fixture, "echo", "--connections", "20", "--pipeline", "3", "--messages",
           "10000", "--warmup", "100", "--repeat", "3", "--pid", pid_of(fixture, pid));
    expect_figures(fixture);
    assert_true(report_number(fixture, "messages") >= 3 * 10000);
    assert_true(report_number(fixture, "server_cpu_us") > 0);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(
                         fixture->report, "server_cpu_us_rounds")),
                     3);
}

static void test_modes_echo_on_websocket(void **state)
{
    bench_fixture_t *fixture = *state;
    char pid[16];

    reef_start(fixture, ECHO_EXAMPLE);
    REPORT(fixture, "echo", "--connections", "20", "--pipeline", "16", "--messages",
           "1000", "--warmup", "10", "--pid", pid_of(fixture, pid));
    expect_figures(fixture);
}

static void test_modes_echo_of_messages_that_come_in_pieces(void **state)
{
    bench_fixture_t *fixture = *state;

    peer_start(fixture, PEER_UV_ECHO, NULL);
    REPORT(fixture, "echo", "--connections", "3", "--size", "700k", "--pipeline", "9",
           "--messages", "60", "--warmup", "0", "--binary");
    assert_true(report_number(fixture, "messages") >= 60);
}

static void test_modes_fanout_on_tcp(void **state)
{
    bench_fixture_t *fixture = *state;
    char pid[16];

    peer_start(fixture, PEER_UV_ECHO, "--fanout");
    REPORT(fixture, "fanout", "--connections", "50", "--window", "4", "--messages",
           "2000", "--warmup", "0", "--stall", "2", "--pid", pid_of(fixture, pid));
    expect_figures(fixture);
    assert_int_equal(report_number(fixture, "stalled"), 2);
    assert_true(report_number(fixture, "stalled_unread") > 0);
}

static void test_modes_fanout_at_a_rate(void **state)
{
    bench_fixture_t *fixture = *state;

    peer_start(fixture, PEER_UV_ECHO, "--fanout");
    REPORT(fixture, "fanout", "--connections", "6", "--room", "6", "--rate", "500",
           "--messages", "600", "--warmup", "0");
    assert_true(report_number(fixture, "messages_per_s") < 6 * 525);
    assert_int_equal(report_number(fixture, "window"), 64);
}

static void test_modes_fanout_on_websocket(void **state)
{
    bench_fixture_t *fixture = *state;
    char pid[16];

    reef_start(fixture, BROADCAST_EXAMPLE);
    REPORT(fixture, "fanout", "--connections", "30", "--window", "2", "--messages",
           "1000", "--warmup", "0", "--pid", pid_of(fixture, pid));
    expect_figures(fixture);
}

static void test_modes_fanout_to_rooms_of_a_chat(void **state)
{
    bench_fixture_t *fixture = *state;

    reef_start(fixture, ROOM_CHAT_EXAMPLE);
    REPORT(fixture, "fanout", "--connections", "20", "--room", "5", "--join",
           "/join r%r", "--messages", "500", "--warmup", "0");
    assert_true(report_number(fixture, "messages") >= 500);
}

static void test_modes_fanout_finds_who_receives_what_it_should_not(void **state)
{
    bench_fixture_t *fixture = *state;

    reef_start(fixture, BROADCAST_EXAMPLE);
    assert_int_equal(RUN(fixture, "fanout", "--connections", "8", "--room", "4"), 1);
    expect_error(fixture, " came");
    assert_int_equal(RUN(fixture, "fanout", "--connections", "4", "--no-self"), 1);
    expect_error(fixture, "(--no-self)");
}

static void test_modes_rate_keeps_the_rate(void **state)
{
    bench_fixture_t *fixture = *state;
    char pid[16];

    peer_start(fixture, PEER_UV_ECHO, NULL);
    REPORT(fixture, "rate", "--connections", "7", "--rate", "2000", "--messages", "600",
           "--warmup", "0", "--pid", pid_of(fixture, pid));
    expect_figures(fixture);
    assert_true(report_number(fixture, "messages_per_s") < 2100);
}

static void test_modes_idle_reports_memory_and_load(void **state)
{
    bench_fixture_t *fixture = *state;
    char pid[16];

    reef_start(fixture, ECHO_EXAMPLE);
    REPORT(fixture, "idle", "--connections", "200", "--seconds", "0.1", "--pid",
           pid_of(fixture, pid));
    assert_int_equal(report_number(fixture, "connections"), 200);
    assert_true(report_number(fixture, "server_load") >= 0);
    assert_true(report_number(fixture, "server_memory_after") >=
                report_number(fixture, "server_memory_before"));
}

static void test_modes_connect_leaves_no_descriptor(void **state)
{
    static const char *const ways[] = {"--at-once=20", "--abort"};
    bench_fixture_t *fixture = *state;
    char pid[16];

    reef_start(fixture, ECHO_EXAMPLE);
    for (size_t i = 0; i < 2; i++) {
        REPORT(fixture, "connect", "--total", "300", "--pid", pid_of(fixture, pid),
               ways[i]);
        assert_int_equal(report_number(fixture, "total"), 300);
        assert_int_equal(report_number(fixture, "server_descriptors_after"),
                         report_number(fixture, "server_descriptors_before"));
        cJSON_Delete(fixture->report);
        fixture->report = NULL;
    }
}

static void test_modes_connect_for_a_time(void **state)
{
    bench_fixture_t *fixture = *state;

    peer_start(fixture, PEER_UV_ECHO, NULL);
    REPORT(fixture, "connect", "--seconds", "0.2", "--at-once", "5");
    assert_true(report_number(fixture, "seconds") >= 0.2);
    assert_true(report_number(fixture, "total") >= 1);
    assert_true(report_number(fixture, "connects_per_s") > 0);
}

static void test_modes_print_a_table_for_people(void **state)
{
    bench_fixture_t *fixture = *state;
    char pid[16];

    peer_start(fixture, PEER_UV_ECHO, NULL);
    assert_int_equal(RUN(fixture, "echo", "--messages", "10", "--warmup", "0", "--pid",
                         pid_of(fixture, pid)),
                     0);
    assert_non_null(strstr(fixture->bench.output.text, "server CPU "));
    assert_non_null(strstr(fixture->bench.output.text, " us per message ("));
    assert_non_null(strstr(fixture->bench.output.text, "p99.9 "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_modes_echo_on_tcp),
        TEST(test_modes_echo_on_websocket),
        TEST(test_modes_echo_of_messages_that_come_in_pieces),
        TEST(test_modes_fanout_on_tcp),
        TEST(test_modes_fanout_at_a_rate),
        TEST(test_modes_fanout_on_websocket),
        TEST(test_modes_fanout_to_rooms_of_a_chat),
        TEST(test_modes_fanout_finds_who_receives_what_it_should_not),
        TEST(test_modes_rate_keeps_the_rate),
        TEST(test_modes_idle_reports_memory_and_load),
        TEST(test_modes_connect_leaves_no_descriptor),
        TEST(test_modes_connect_for_a_time),
        TEST(test_modes_print_a_table_for_people),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
