/* A server that is wrong in one way is found out, and the text says where. */
#include "bench_fixture.h"

#include <string.h>

/* One connection with four messages in flight, to a peer with this fault. */
static int load_faulty(bench_fixture_t *fixture, const char *fault)
{
    peer_start(fixture, FAULTY_PEER, fault);
    return RUN(fixture, "echo", "--connections", "1", "--pipeline", "4", "--warmup",
               "0", "--messages", "20");
}

static void test_verify_accepts_a_right_server(void **state)
{
    assert_int_equal(load_faulty(*state, "none"), 0);
}

static void test_verify_names_the_byte_that_differs(void **state)
{
    bench_fixture_t *fixture = *state;

    assert_int_equal(load_faulty(fixture, "flip"), 1);
    expect_error(fixture, "connection 0, message 3, byte 40: 0x");
    assert_string_equal(fixture->bench.output.text, "");
}

static void test_verify_finds_a_change_of_order(void **state)
{
    bench_fixture_t *fixture = *state;

    assert_int_equal(load_faulty(fixture, "swap"), 1);
    expect_error(fixture, "message 4 of connection 0 came in place of message 3");
}

static void test_verify_finds_a_message_left_out(void **state)
{
    bench_fixture_t *fixture = *state;

    assert_int_equal(load_faulty(fixture, "skip"), 1);
    expect_error(fixture, "message 4 of connection 0 came in place of message 3");
}

static void test_verify_finds_a_message_sent_twice(void **state)
{
    bench_fixture_t *fixture = *state;

    assert_int_equal(load_faulty(fixture, "twice"), 1);
    expect_error(fixture, "message 3 of connection 0 came in place of message 4");
}

static void test_verify_finds_a_message_after_the_last(void **state)
{
    bench_fixture_t *fixture = *state;

    assert_int_equal(load_faulty(fixture, "late"), 1);
    expect_error(fixture, "connection 0: more came than the ");
}

static void test_verify_finds_a_byte_left_out(void **state)
{
    bench_fixture_t *fixture = *state;

    assert_int_equal(load_faulty(fixture, "short"), 1);
    expect_error(fixture, "connection 0, message 3, byte 127: 0x");
}

static void test_verify_says_that_the_server_closed(void **state)
{
    bench_fixture_t *fixture = *state;

    assert_int_equal(load_faulty(fixture, "close"), 1);
    expect_error(fixture, "reef-bench: connection 0: ");
}

static void test_verify_gives_up_on_a_silent_server(void **state)
{
    bench_fixture_t *fixture = *state;

    peer_start(fixture, FAULTY_PEER, "silent");
    assert_int_equal(RUN(fixture, "echo", "--connections", "1", "--timeout", "0.2"), 1);
    expect_error(fixture, "silent for 0.2 s; waiting for message 3 on connection 0");
}

/* A fault of the handshake. */
static void start_upgrading(bench_fixture_t *fixture, const char *fault)
{
    peer_start(fixture, FAULTY_PEER, fault);
    url_of_scheme(fixture, "ws");
}

static void test_verify_answers_a_ping_and_says_why_the_server_closed(void **state)
{
    bench_fixture_t *fixture = *state;

    start_upgrading(fixture, "ping");
    assert_int_equal(RUN(fixture, "echo", "--connections", "1"), 1);
    expect_error(fixture, "connection 0: the server closed with code 1000");
}

static void test_verify_finds_a_message_of_another_size(void **state)
{
    static const char *const sizes[] = {"longer", "shorter"};
    bench_fixture_t *fixture = *state;
    char text[64];

    for (size_t i = 0; i < 2; i++) {
        start_upgrading(fixture, sizes[i]);
        assert_int_equal(RUN(fixture, "echo", "--connections", "1"), 1);
        snprintf(text, sizeof(text), "message 0: it is %s than the 128 bytes",
                 sizes[i]);
        expect_error(fixture, text);
        process_kill(&fixture->server);
    }
}

static void test_verify_says_that_the_server_refused(void **state)
{
    bench_fixture_t *fixture = *state;

    start_upgrading(fixture, "refuse");
    assert_int_equal(RUN(fixture, "echo", "--connections", "1"), 1);
    expect_error(fixture, "refused: it did not answer with 101 ('HTTP/1.1 403");
}

static void test_verify_checks_the_accept_of_the_handshake(void **state)
{
    bench_fixture_t *fixture = *state;

    start_upgrading(fixture, "unproven");
    assert_int_equal(RUN(fixture, "echo", "--connections", "1"), 1);
    expect_error(fixture, "its Sec-WebSocket-Accept is missing or wrong");
}

static void test_verify_says_that_nobody_listens(void **state)
{
    bench_fixture_t *fixture = *state;

    peer_start(fixture, FAULTY_PEER, "none"); /* its port is free when it is gone */
    process_kill(&fixture->server);
    assert_int_equal(RUN(fixture, "echo", "--binary"), 1);
    expect_error(fixture, "cannot connect to 127.0.0.1 port ");
}

static void test_verify_exits_with_2_and_names_a_bad_argument(void **state)
{
    bench_fixture_t *fixture = *state;

    snprintf(fixture->url, sizeof(fixture->url), "tcp://127.0.0.1:1");
    assert_int_equal(RUN(fixture, "echo", "--size", "3"), 2);
    expect_error(fixture, "--size: '3' is not a number from 12 to 67108864");
    assert_int_equal(RUN(fixture, "echo", "--sise", "30"), 2);
    expect_error(fixture, "unknown option --sise");
    assert_int_equal(RUN(fixture, "echo", "--window", "30"), 2);
    expect_error(fixture, "--window is not for echo");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_verify_accepts_a_right_server),
        TEST(test_verify_names_the_byte_that_differs),
        TEST(test_verify_finds_a_change_of_order),
        TEST(test_verify_finds_a_message_left_out),
        TEST(test_verify_finds_a_message_sent_twice),
        TEST(test_verify_finds_a_message_after_the_last),
        TEST(test_verify_finds_a_byte_left_out),
        TEST(test_verify_says_that_the_server_closed),
        TEST(test_verify_gives_up_on_a_silent_server),
        TEST(test_verify_answers_a_ping_and_says_why_the_server_closed),
        TEST(test_verify_finds_a_message_of_another_size),
        TEST(test_verify_says_that_the_server_refused),
        TEST(test_verify_checks_the_accept_of_the_handshake),
        TEST(test_verify_says_that_nobody_listens),
        TEST(test_verify_exits_with_2_and_names_a_bad_argument),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
