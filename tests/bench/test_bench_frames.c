/* reef-bench with messages on TCP: each framing is right, and what is wrong is found.
 */
#include "bench_fixture.h"

#include <string.h>

/* A message of this size is 128 bytes with its frame. */
static const struct {
    const char *scheme, *size;
    unsigned head;
} framings[] = {
    {"tcp+varint", "127", 1},
    {"tcp+u32", "124", 4},
    {"tcp+lines", "127", 0},
};

enum {
    FRAMINGS = sizeof(framings) / sizeof(framings[0])
};

static void forget_report(bench_fixture_t *fixture)
{
    cJSON_Delete(fixture->report);
    fixture->report = NULL;
}

static void test_frames_echo(void **state)
{
    static const char *const sizes[] = {"12", "128", "20000", "300k"};
    bench_fixture_t *fixture = *state;

    peer_start(fixture, PEER_UV_ECHO, NULL);
    for (size_t i = 0; i < FRAMINGS; i++) {
        url_of_scheme(fixture, framings[i].scheme);
        for (size_t j = 0; j < 4; j++) {
            REPORT(fixture, "echo", "--connections", "5", "--pipeline", "7",
                   "--messages", "200", "--warmup", "0", "--size", sizes[j]);
            assert_true(report_number(fixture, "messages") >= 200);
            forget_report(fixture);
        }
    }
}

static void test_frames_echo_by_a_server_that_frames(void **state)
{
    bench_fixture_t *fixture = *state;
    char setting[64];

    for (size_t i = 0; i < FRAMINGS; i++) {
        snprintf(setting, sizeof(setting), "tcp.framing=%s", framings[i].scheme + 4);
        reef_start_on(fixture, ECHO_EXAMPLE, "tcp", setting);
        url_of_scheme(fixture, framings[i].scheme);
        REPORT(fixture, "echo", "--connections", "5", "--pipeline", "7", "--messages",
               "1000", "--warmup", "0", "--size", "20000");
        assert_true(report_number(fixture, "messages") >= 1000);
        forget_report(fixture);
        process_kill(&fixture->server);
    }
}

static void test_frames_fanout(void **state)
{
    bench_fixture_t *fixture = *state;

    peer_start(fixture, PEER_UV_ECHO, "--fanout");
    for (size_t i = 0; i < FRAMINGS; i++) {
        url_of_scheme(fixture, framings[i].scheme);
        REPORT(fixture, "fanout", "--connections", "9", "--window", "3", "--messages",
               "900", "--warmup", "0", "--size", framings[i].size);
        assert_true(report_number(fixture, "messages") >= 900);
        forget_report(fixture);
    }
}

static void load_faulty(bench_fixture_t *fixture, size_t framing, const char *fault)
{
    peer_start(fixture, FAULTY_PEER, fault);
    url_of_scheme(fixture, framings[framing].scheme);
    assert_int_equal(RUN(fixture, "echo", "--connections", "1", "--pipeline", "4",
                         "--warmup", "0", "--messages", "20", "--size",
                         framings[framing].size),
                     1);
    process_kill(&fixture->server);
}

static void test_frames_name_the_byte_that_differs(void **state)
{
    char text[64];

    for (size_t i = 0; i < FRAMINGS; i++) {
        load_faulty(*state, i, "flip");
        snprintf(text, sizeof(text), "connection 0, message 3, byte %u: 0x",
                 40 - framings[i].head);
        expect_error(*state, text);
    }
}

static void test_frames_out_of_order_are_found(void **state)
{
    for (size_t i = 0; i < FRAMINGS; i++) {
        load_faulty(*state, i, "swap");
        expect_error(*state, "message 4 of connection 0 came in place of message 3");
    }
}

static void test_frames_that_are_broken_are_found(void **state)
{
    load_faulty(*state, 0, "wide");
    expect_error(*state, "after message 3: the server broke the protocol: a length has "
                         "more than 32 bits");
    load_faulty(*state, 0, "empty");
    expect_error(*state, "message 3: it is shorter than the 127 bytes");
    load_faulty(*state, 1, "empty");
    expect_error(*state, "message 3: it is shorter than the 124 bytes");
    load_faulty(*state, 2, "short"); /* of its line feed */
    expect_error(*state, "message 3: it is longer than the 127 bytes");
}

static void test_frames_on_a_unix_socket(void **state)
{
    bench_fixture_t *fixture = *state;
    char path[96];

    snprintf(path, sizeof(path), "%s/socket", fixture->directory);
    peer_start(fixture, FAULTY_PEER, path);
    snprintf(fixture->url, sizeof(fixture->url), "tcp+u32://localhost:1");
    REPORT(fixture, "echo", "--connections", "1", "--pipeline", "4", "--warmup", "0",
           "--messages", "20", "--size", "124", "--unix", path);
    assert_true(report_number(fixture, "messages") >= 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_frames_echo),
        TEST(test_frames_echo_by_a_server_that_frames),
        TEST(test_frames_fanout),
        TEST(test_frames_name_the_byte_that_differs),
        TEST(test_frames_out_of_order_are_found),
        TEST(test_frames_that_are_broken_are_found),
        TEST(test_frames_on_a_unix_socket),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
