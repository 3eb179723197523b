#include "options.h"
#include "test.h"

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
    bool ok;

    while (words[count - 1] != NULL) {
        assert_true(count <= MAX_WORDS);
        arguments[count] = strdup(words[count - 1]);
        count++;
    }
    ok = options_parse(options, count, arguments);
    while (count > 1) {
        free(arguments[--count]);
    }
    return ok;
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
    assert_true(options->target.is_websocket);
    assert_string_equal(options->target.host, "127.0.0.1");
    assert_int_equal(options->target.port, 8080);
    assert_string_equal(options->target.path, "/chat?a=b");
    assert_true(PARSE(options, "echo", "tcp://[::1]:65535"));
    assert_false(options->target.is_websocket);
    assert_string_equal(options->target.host, "::1");
    assert_int_equal(options->target.port, 65535);
    assert_true(PARSE(options, "echo", "ws://localhost"));
    assert_int_equal(options->target.port, 80);
    assert_string_equal(options->target.path, "/");
    assert_true(PARSE(options, "echo", "ws://localhost:1?x"));
    assert_string_equal(options->target.path, "/?x");
}

static void test_options_refuse_a_bad_address(void **state)
{
    static const char *const bad[] = {
        "http://a:1", "127.0.0.1:80", "ws://",     "ws://:80",     "ws://a:0",
        "ws://a:x",   "ws://a:65536", "tcp://a",   "tcp://a:1/x",  "ws://[::1:80",
        "ws://a:",    "ws://[]:80",   "ws://a/#f", "ws://a:80/a b"};

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
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_options_have_defaults),
        TEST(test_options_take_an_address_apart),
        TEST(test_options_refuse_a_bad_address),
        TEST(test_options_take_values_in_both_forms),
        TEST(test_options_warm_up_by_count_or_by_time),
        TEST(test_options_refuse_a_bad_value),
        TEST(test_options_refuse_what_another_mode_takes),
        TEST(test_options_check_rooms),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
