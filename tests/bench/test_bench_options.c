#include "options.h"
#include "test.h"
#include "tls.h"

static int setup(void **state)
{
    *state = calloc(1, sizeof(options_t));
    return *state != NULL ? 0 : -1;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

enum {
    MAX_WORDS = 16
};

static bool parse(options_t *options, const char *const *words)
{
    static char program[] = "reef-bench";
    char *arguments[MAX_WORDS + 2] = {program};
    int count = 1;

    while (words[count - 1] != NULL) {
        assert_true(count <= MAX_WORDS);
        /* main() has no const; nothing is written */
        arguments[count] = (char *)words[count - 1];
        count++;
    }
    return options_parse(options, count, arguments);
}

#define PARSE(options, ...) parse((options), (const char *const[]){__VA_ARGS__, NULL})

#define URL "ws://127.0.0.1:8080/chat?a=b"

static void test_options_have_defaults(void **state)
{
    options_t *options = *state;

    assert_true(PARSE(options, "echo", URL));
    assert_int_equal(options->mode, MODE_ECHO);
    assert_int_equal(options->connections, 64);
    assert_int_equal(options->pipeline, 1);
    assert_int_equal(options->size, 128);
    assert_int_equal(options->repeat, 1);
    assert_int_equal(options->warmup_ns, 500000000);
    assert_false(options->is_json);
    assert_int_equal(options->pid, 0);
}

static void test_options_take_an_address_apart(void **state)
{
    options_t *options = *state;

    assert_true(PARSE(options, "echo", URL));
    assert_int_equal(options->target.framing, FRAMING_WEBSOCKET);
    assert_string_equal(options->target.host, "127.0.0.1");
    assert_int_equal(options->target.port, 8080);
    assert_string_equal(options->target.path, "/chat?a=b");
    assert_true(PARSE(options, "echo", "tcp://[::1]:65535"));
    assert_int_equal(options->target.framing, FRAMING_RAW);
    assert_string_equal(options->target.host, "::1");
    assert_int_equal(options->target.port, 65535);
    assert_true(PARSE(options, "echo", "ws://localhost"));
    assert_int_equal(options->target.port, 80);
    assert_string_equal(options->target.path, "/");
    assert_true(PARSE(options, "echo", "ws://localhost:1?x"));
    assert_string_equal(options->target.path, "/?x");
}

static void test_options_tell_protocols_apart(void **state)
{
    static const struct {
        const char *url;
        framing_t framing;
        bool is_tls;
    } cases[] = {
        {"wss://localhost/chat", FRAMING_WEBSOCKET, true},
        {"tcp+varint://a:1", FRAMING_VARINT, false},
        {"tcp+u32://a:1", FRAMING_U32, false},
        {"tcp+lines://a:1", FRAMING_LINES, false},
        {"tcps://a:1", FRAMING_RAW, true},
        {"tcps+varint://a:1", FRAMING_VARINT, true},
        {"tcps+u32://a:1", FRAMING_U32, true},
        {"tcps+lines://a:1", FRAMING_LINES, true},
        {"udp://a:1", FRAMING_DATAGRAM, false},
    };
    options_t *options = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *url = cases[i].url;

        if (cases[i].is_tls && tls_missing() != NULL) {
            continue;
        }
        assert_true(PARSE(options, "echo", url));
        assert_int_equal(options->target.framing, cases[i].framing);
        assert_int_equal(options->target.is_tls, cases[i].is_tls);
        assert_memory_equal(options->target.scheme, url, strcspn(url, ":"));
        assert_int_equal(options->target.scheme[strcspn(url, ":")], '\0');
        assert_int_equal(options->target.port, url[0] == 'w' ? 443 : 1);
    }
}

static void test_options_refuse_a_bad_address(void **state)
{
    static const char *const bad[] = {
        "http://a:1",   "ws+u32://a:1", "tcp+://a:1", "tcp+raw://a:1", "udp://a",
        "udp://a:1/x",  "wss:/a",       "udps://a:1", "127.0.0.1:80",  "ws://",
        "ws://:80",     "ws://a:0",     "ws://a:x",   "ws://a:65536",  "tcp://a",
        "tcp://a:1/x",  "ws://[::1:80", "ws://a:",    "ws://[]:80",    "ws://a/#f",
        "ws://a:80/a b"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(PARSE(*state, "echo", bad[i]));
    }
    assert_false(PARSE(*state, "echo"));
    assert_false(PARSE(*state, "echo", URL, URL));
}

static void test_options_take_values_in_both_forms(void **state)
{
    options_t *options = *state;

    assert_true(PARSE(options, "echo", "--connections", "1000", URL, "--size=4k",
                      "--pipeline=16", "--json", "--messages", "5000"));
    assert_int_equal(options->connections, 1000);
    assert_int_equal(options->size, 4096);
    assert_int_equal(options->pipeline, 16);
    assert_int_equal(options->messages, 5000);
    assert_true(options->is_json);
}

static void test_options_warm_up_by_count_or_by_time(void **state)
{
    options_t *options = *state;

    assert_true(PARSE(options, "rate", URL, "--warmup", "100"));
    assert_int_equal(options->warmup_messages, 100);
    assert_int_equal(options->warmup_ns, 0);
    assert_true(PARSE(options, "rate", URL, "--warmup", "1.5s", "--seconds", "0.25"));
    assert_int_equal(options->warmup_messages, 0);
    assert_int_equal(options->warmup_ns, 1500000000);
    assert_int_equal(options->round_ns, 250000000);
}

static void test_options_refuse_a_bad_value(void **state)
{
    assert_false(PARSE(*state, "echo", URL, "--connections", "0"));
    assert_false(PARSE(*state, "echo", URL, "--connections", "many"));
    assert_false(PARSE(*state, "echo", URL, "--connections", "-1"));
    assert_false(PARSE(*state, "echo", URL, "--connections"));
    assert_false(PARSE(*state, "echo", URL, "--size", "11"));
    assert_false(PARSE(*state, "echo", URL, "--size", "65m"));
    assert_false(PARSE(*state, "echo", URL, "--size", "4kk"));
    assert_false(PARSE(*state, "echo", URL, "--seconds", "0"));
    assert_false(PARSE(*state, "echo", URL, "--seconds", "1h"));
    assert_false(PARSE(*state, "echo", URL, "--warmup", "s"));
    assert_false(PARSE(*state, "echo", URL, "--repeat", "101"));
    assert_false(PARSE(*state, "echo", URL, "--json=yes"));
    assert_false(PARSE(*state, "echo", URL, "--messages", "99999999999999999999"));
}

static void test_options_refuse_what_another_mode_takes(void **state)
{
    assert_false(PARSE(*state, "echo", URL, "--window", "2"));
    assert_false(PARSE(*state, "fanout", URL, "--pipeline", "2"));
    assert_false(PARSE(*state, "idle", URL, "--size", "64"));
    assert_false(PARSE(*state, "echoes", URL));
    assert_false(PARSE(*state, "echo", URL, "--unknown"));
}

static void test_options_check_rooms(void **state)
{
    options_t *options = *state;

    assert_true(PARSE(options, "fanout", URL, "--connections", "60"));
    assert_int_equal(options->room, 60);
    assert_int_equal(options->window, 1);
    assert_true(PARSE(options, "fanout", URL, "--connections", "60", "--room", "20"));
    assert_false(PARSE(options, "fanout", URL, "--connections", "60", "--room", "25"));
    assert_false(PARSE(options, "fanout", URL, "--connections", "60", "--room", "61"));
    assert_false(PARSE(options, "fanout", URL, "--room", "1", "--no-self"));
    assert_true(PARSE(options, "fanout", URL, "--room", "4", "--stall", "2"));
    assert_false(PARSE(options, "fanout", URL, "--room", "4", "--stall", "3"));
    assert_false(PARSE(options, "fanout", "tcp://a:1", "--join", "x"));
    assert_true(PARSE(options, "fanout", "tcp+u32://a:1", "--join", "x"));
}

static void test_options_of_tls_are_for_tls(void **state)
{
    options_t *options = *state;

    assert_false(PARSE(options, "echo", URL, "--insecure"));
    assert_false(PARSE(options, "echo", "tcp://a:1", "--tls", "1.3"));
    assert_false(PARSE(options, "echo", "udp://a:1", "--ca", "file"));
    assert_false(PARSE(options, "connect", URL, "--resume"));
    if (tls_missing() != NULL) {
        assert_false(PARSE(options, "echo", "wss://a"));
        return;
    }
    assert_true(PARSE(options, "connect", "wss://a", "--tls", "1.2", "--resume"));
    assert_string_equal(options->tls, "1.2");
    assert_true(options->is_resuming);
    assert_false(PARSE(options, "echo", "wss://a", "--resume"));
    assert_false(PARSE(options, "echo", "wss://a", "--tls", "1.1"));
    assert_false(PARSE(options, "echo", "wss://a", "--ca", "file", "--insecure"));
    assert_true(PARSE(options, "echo", "tcps+u32://a:1", "--ca", "file"));
    assert_string_equal(options->ca, "file");
}

static void test_options_of_datagrams(void **state)
{
    options_t *options = *state;

    assert_true(PARSE(options, "echo", "udp://a:1", "--size", "65507"));
    assert_int_equal(options->resend_ns, 250000000);
    assert_false(PARSE(options, "echo", "udp://a:1", "--size", "65508"));
    assert_false(PARSE(options, "fanout", "udp://a:1"));
    assert_false(PARSE(options, "connect", "udp://a:1"));
    assert_false(PARSE(options, "echo", "udp://a:1", "--unix", "/socket"));
    assert_false(PARSE(options, "echo", "tcp+lines://a:1", "--binary"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_options_have_defaults),
        TEST(test_options_take_an_address_apart),
        TEST(test_options_tell_protocols_apart),
        TEST(test_options_refuse_a_bad_address),
        TEST(test_options_take_values_in_both_forms),
        TEST(test_options_warm_up_by_count_or_by_time),
        TEST(test_options_refuse_a_bad_value),
        TEST(test_options_refuse_what_another_mode_takes),
        TEST(test_options_check_rooms),
        TEST(test_options_of_tls_are_for_tls),
        TEST(test_options_of_datagrams),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
