#include <reef/log.h>

#include "test.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    LINE_SIZE = 4096,
    THREADS = 4,
    LINES_EACH = 200,
};

typedef struct fixture {
    reef_log_t *log;
    int out[2]; /* what is logged can be read from [0] */
    char line[LINE_SIZE + 1];
} fixture_t;

static int setup(void **state)
{
    fixture_t *f = calloc(1, sizeof(*f));

    assert_int_equal(pipe(f->out), 0);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture_t *f = *state;

    reef_log_destroy(f->log);
    close(f->out[0]);
    close(f->out[1]);
    free(f);
    return 0;
}

static void open_log(fixture_t *f, const char *format, const char *level)
{
    reef_failure_t failure = {0};
    reef_log_desc_t desc = {.format = format, .level = level, .descriptor = f->out[1]};

    assert_int_equal(reef_log_create(&desc, &f->log, &failure), REEF_OK);
}

/* All that was written, after the time. */
static const char *written(fixture_t *f)
{
    ssize_t size = read(f->out[0], f->line, LINE_SIZE);
    char *space;

    assert_true(size > 0);
    f->line[size] = '\0';
    space = strchr(f->line, f->line[0] == '{' ? ',' : ' ');
    assert_non_null(space);
    return space + 1;
}

static void test_log_writes_fields_in_order(void **state)
{
    fixture_t *f = *state;

    open_log(f, NULL, NULL);
    reef_log(f->log, REEF_LOG_INFO, "websocket", "listening",
             REEF_LOG_TEXT("transport", "websocket"),
             REEF_LOG_TEXT("addr", "127.0.0.1:8080"), REEF_LOG_INT("count", -3));
    assert_string_equal(written(f),
                        "level=info module=websocket msg=listening "
                        "transport=websocket addr=127.0.0.1:8080 count=-3\n");
}

static void test_log_time_is_rfc3339_utc_with_milliseconds(void **state)
{
    fixture_t *f = *state;
    const char *pattern = "time=dddd-dd-ddTdd:dd:dd.dddZ ";

    open_log(f, NULL, NULL);
    reef_log(f->log, REEF_LOG_INFO, "m", "x", REEF_LOG_INT("a", 1));
    written(f);
    for (size_t i = 0; pattern[i] != '\0'; i++) {
        if (pattern[i] == 'd' && i >= 5) {
            assert_in_range(f->line[i], '0', '9');
        } else {
            assert_int_equal(f->line[i], pattern[i]);
        }
    }
}

static void check_value(fixture_t *f, reef_span_t value, const char *shown)
{
    char expected[128];

    reef_log(f->log, REEF_LOG_INFO, "m", "x", REEF_LOG_SPAN("v", value));
    snprintf(expected, sizeof(expected), "level=info module=m msg=x v=%s\n", shown);
    assert_string_equal(written(f), expected);
}

static void test_log_quotes_what_could_be_misread(void **state)
{
    fixture_t *f = *state;

    open_log(f, NULL, NULL);
    check_value(f, reef_span_text(""), "\"\"");
    check_value(f, reef_span_text("a b"), "\"a b\"");
    check_value(f, reef_span_text("a=b"), "\"a=b\"");
    check_value(f, reef_span_text("a\"b\\"), "\"a\\\"b\\\\\"");
    check_value(f, reef_span_text("a\nb\tc\r"), "\"a\\nb\\tc\\r\"");
    check_value(f, reef_span_text("größe"), "größe");
}

static void test_log_never_writes_control_bytes_or_invalid_utf8(void **state)
{
    fixture_t *f = *state;

    open_log(f, NULL, NULL);
    check_value(f, reef_span_text("\x1b[2J"), "\"\\x1b[2J\"");
    check_value(f, reef_span("a\0b", 3), "\"a\\x00b\"");
    check_value(f, reef_span_text("\x7f"), "\"\\x7f\"");
    check_value(f, reef_span_text("\xc2\x9b"), "\"\\xc2\\x9b\"");
    check_value(f, reef_span_text("a\xff"), "\"a\\xff\"");
    check_value(f, reef_span_text("\xe2\x82"), "\"\\xe2\\x82\"");
}

static void test_log_json_escapes(void **state)
{
    fixture_t *f = *state;

    open_log(f, "json", NULL);
    reef_log(f->log, REEF_LOG_ERROR, "m", "a \"b\"\n", REEF_LOG_INT("n", 7),
             REEF_LOG_SPAN("v", reef_span("\x01\\\xff\xc2\x85ß", 7)));
    assert_string_equal(
        written(f), "\"level\":\"error\",\"module\":\"m\",\"msg\":\"a \\\"b\\\"\\n\","
                    "\"n\":7,\"v\":\"\\u0001\\\\\\ufffd\\u0085ß\"}\n");
    assert_memory_equal(f->line, "{\"time\":\"2", 10);
}

static void test_log_level_is_per_module(void **state)
{
    fixture_t *f = *state;

    open_log(f, NULL, "warn, websocket=debug,chat=off");
    reef_log(f->log, REEF_LOG_INFO, "app", "no", REEF_LOG_INT("a", 1));
    reef_log(f->log, REEF_LOG_ERROR, "chat", "no", REEF_LOG_INT("a", 1));
    reef_log(f->log, REEF_LOG_DEBUG, "websocket", "yes", REEF_LOG_INT("a", 1));
    assert_string_equal(written(f), "level=debug module=websocket msg=yes a=1\n");
    reef_log(f->log, REEF_LOG_WARN, "web", "yes", REEF_LOG_INT("a", 1));
    assert_string_equal(written(f), "level=warn module=web msg=yes a=1\n");
}

static void test_log_counts_what_it_wrote(void **state)
{
    fixture_t *f = *state;

    open_log(f, NULL, "info");
    reef_log(f->log, REEF_LOG_DEBUG, "m", "x", REEF_LOG_INT("a", 1));
    reef_log(f->log, REEF_LOG_INFO, "m", "x", REEF_LOG_INT("a", 1));
    reef_log(f->log, REEF_LOG_WARN, "m", "x", REEF_LOG_INT("a", 1));
    reef_log(f->log, REEF_LOG_ERROR, "m", "x", REEF_LOG_INT("a", 1));
    assert_int_equal(reef_log_count(f->log, REEF_LOG_DEBUG), 3);
    assert_int_equal(reef_log_count(f->log, REEF_LOG_WARN), 2);
    assert_int_equal(reef_log_count(f->log, REEF_LOG_ERROR), 1);
}

static void test_log_cuts_a_long_value_and_stays_well_formed(void **state)
{
    fixture_t *f = *state;
    static char text[2 * LINE_SIZE];
    const char *formats[] = {"logfmt", "json"};
    const char *ends[] = {"x…\"\n", "x…\"}\n"};

    memset(text, 'x', sizeof(text));
    for (int i = 0; i < 2; i++) {
        size_t size;

        open_log(f, formats[i], NULL);
        reef_log(f->log, REEF_LOG_INFO, "m", "x",
                 REEF_LOG_SPAN("v", reef_span(text, sizeof(text))),
                 REEF_LOG_INT("after", 1));
        written(f);
        size = strlen(f->line);
        assert_in_range(size, LINE_SIZE - 64, LINE_SIZE);
        assert_string_equal(f->line + size - strlen(ends[i]), ends[i]);
        reef_log_destroy(f->log);
        f->log = NULL;
    }
}

/* Whatever the size at which the line is full. */
static void test_log_never_exceeds_a_line(void **state)
{
    fixture_t *f = *state;
    static char text[LINE_SIZE];

    memset(text, 'x', sizeof(text));
    for (int json = 0; json <= 1; json++) {
        open_log(f, json ? "json" : "logfmt", NULL);
        for (size_t size = LINE_SIZE - 200; size < LINE_SIZE; size++) {
            size_t length;

            reef_log(f->log, REEF_LOG_INFO, "m", "x",
                     REEF_LOG_SPAN("v", reef_span(text, size)),
                     REEF_LOG_INT("number", INT64_MIN),
                     REEF_LOG_TEXT("text", "\x1b\xff a"));
            written(f);
            length = strlen(f->line);
            assert_true(length <= LINE_SIZE);
            assert_null(strstr(f->line, json ? ":}" : "=\n")); /* a key alone */
            assert_null(strstr(f->line, json ? ":," : "= "));
            assert_string_equal(f->line + length - (json ? 2 : 1), json ? "}\n" : "\n");
            assert_true(strstr(f->line, "text") != NULL ||
                        strstr(f->line, "…") != NULL ||
                        strstr(f->line, "\"truncated\":true}") != NULL);
        }
        reef_log_destroy(f->log);
        f->log = NULL;
    }
}

static void test_log_refuses_unknown_format_and_level(void **state)
{
    fixture_t *f = *state;
    reef_failure_t failure = {0};

    assert_int_equal(
        reef_log_create(&(reef_log_desc_t){.format = "xml"}, &f->log, &failure),
        REEF_E_INVALID);
    assert_string_equal(failure.text,
                        "log.format: 'xml' is unknown, one of logfmt, json");
    assert_int_equal(reef_log_create(&(reef_log_desc_t){.level = "info,chat=loud"},
                                     &f->log, &failure),
                     REEF_E_INVALID);
    assert_non_null(strstr(failure.text, "log.level: 'loud' is unknown"));
    assert_int_equal(
        reef_log_create(&(reef_log_desc_t){.level = ""}, &f->log, &failure),
        REEF_E_INVALID);
    assert_null(f->log);
}

static void test_log_null_writes_nothing(void **state)
{
    (void)state;
    reef_log(NULL, REEF_LOG_ERROR, "m", "x", REEF_LOG_INT("a", 1));
    reef_log_destroy(NULL);
}

static void *write_lines(void *argument)
{
    for (int i = 0; i < LINES_EACH; i++) {
        reef_log(argument, REEF_LOG_INFO, "thread", "one line of several words",
                 REEF_LOG_INT("i", i));
    }
    return NULL;
}

static void test_log_keeps_lines_of_threads_apart(void **state)
{
    fixture_t *f = *state;
    pthread_t threads[THREADS];
    FILE *in = fdopen(dup(f->out[0]), "r");
    char line[256];

    /* Room for all: none may be dropped however slowly they are read. */
    assert_true(fcntl(f->out[1], F_SETPIPE_SZ, 256 * 1024) >= 256 * 1024);
    open_log(f, NULL, NULL);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, write_lines, f->log), 0);
    }
    for (int i = 0; i < THREADS * LINES_EACH; i++) {
        assert_non_null(fgets(line, sizeof(line), in));
        assert_memory_equal(line, "time=", 5);
        assert_non_null(strstr(line, "msg=\"one line of several words\" i="));
        assert_null(strstr(line + 1, "time="));
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    fclose(in);
    assert_int_equal(reef_log_count(f->log, REEF_LOG_INFO), THREADS * LINES_EACH);
}

/* Log until the pipe is full.  Returns how many lines it took. */
static uint64_t fill(fixture_t *f)
{
    assert_true(fcntl(f->out[1], F_SETPIPE_SZ, 4 * LINE_SIZE) >= 4 * LINE_SIZE);
    while (reef_log_dropped_count(f->log) == 0) {
        reef_log(f->log, REEF_LOG_INFO, "m", "fill", REEF_LOG_INT("a", 1));
    }
    return reef_log_count(f->log, REEF_LOG_INFO);
}

static void drain(fixture_t *f, uint64_t lines)
{
    FILE *in = fdopen(dup(f->out[0]), "r");
    char line[256];

    for (uint64_t i = 0; i < lines; i++) {
        assert_non_null(fgets(line, sizeof(line), in));
        assert_non_null(strstr(line, "msg=fill"));
    }
    fclose(in);
}

static void test_log_drops_lines_when_the_pipe_is_full_and_tells_it_later(void **state)
{
    fixture_t *f = *state;

    open_log(f, NULL, NULL);
    uint64_t lines = fill(f);

    reef_log(f->log, REEF_LOG_ERROR, "m", "lost", REEF_LOG_INT("a", 1));
    assert_int_equal(reef_log_dropped_count(f->log), 2);
    assert_int_equal(reef_log_count(f->log, REEF_LOG_INFO), lines);
    drain(f, lines);
    reef_log(f->log, REEF_LOG_INFO, "m", "x", REEF_LOG_INT("a", 1));
    assert_non_null(strstr(
        written(f), "level=warn module=log msg=\"lines dropped\" count=2\ntime="));
    assert_non_null(strstr(f->line, "level=info module=m msg=x a=1\n"));
    reef_log(f->log, REEF_LOG_INFO, "m", "y", REEF_LOG_INT("a", 1));
    assert_string_equal(written(f), "level=info module=m msg=y a=1\n");
    assert_int_equal(reef_log_dropped_count(f->log), 2);
}

static void test_log_tells_at_the_end_what_it_dropped(void **state)
{
    fixture_t *f = *state;

    open_log(f, NULL, NULL);
    drain(f, fill(f));
    reef_log_destroy(f->log);
    f->log = NULL;
    assert_string_equal(written(f),
                        "level=warn module=log msg=\"lines dropped\" count=1\n");
}

/* A file that may not grow beyond some size takes a part of a line. */
static void test_log_puts_the_rest_of_a_line_before_the_next(void **state)
{
    fixture_t *f = *state;
    FILE *file = tmpfile();
    reef_failure_t failure = {0};
    struct rlimit whole, part;
    size_t size;

    assert_non_null(file);
    assert_int_equal(reef_log_create(&(reef_log_desc_t){.descriptor = fileno(file)},
                                     &f->log, &failure),
                     REEF_OK);
    assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &whole), 0);
    part = whole;
    part.rlim_cur = 20;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &part), 0);
    reef_log(f->log, REEF_LOG_INFO, "m", "first", REEF_LOG_INT("a", 1));
    reef_log(f->log, REEF_LOG_INFO, "m", "lost", REEF_LOG_INT("a", 1));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &whole), 0);
    reef_log(f->log, REEF_LOG_INFO, "m", "last", REEF_LOG_INT("a", 1));
    rewind(file);
    size = fread(f->line, 1, LINE_SIZE, file);
    f->line[size] = '\0';
    fclose(file);
    assert_int_equal(reef_log_dropped_count(f->log), 1);
    assert_non_null(strstr(f->line, "msg=first a=1\ntime="));
    assert_non_null(strstr(f->line, "msg=\"lines dropped\" count=1\ntime="));
    assert_non_null(strstr(f->line, "msg=last a=1\n"));
    assert_null(strstr(f->line, "lost"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_log_writes_fields_in_order),
        TEST(test_log_time_is_rfc3339_utc_with_milliseconds),
        TEST(test_log_quotes_what_could_be_misread),
        TEST(test_log_never_writes_control_bytes_or_invalid_utf8),
        TEST(test_log_json_escapes),
        TEST(test_log_level_is_per_module),
        TEST(test_log_counts_what_it_wrote),
        TEST(test_log_cuts_a_long_value_and_stays_well_formed),
        TEST(test_log_never_exceeds_a_line),
        TEST(test_log_refuses_unknown_format_and_level),
        TEST(test_log_null_writes_nothing),
        TEST(test_log_keeps_lines_of_threads_apart),
        TEST(test_log_drops_lines_when_the_pipe_is_full_and_tells_it_later),
        TEST(test_log_tells_at_the_end_what_it_dropped),
        TEST(test_log_puts_the_rest_of_a_line_before_the_next),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
