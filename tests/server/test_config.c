#include <reef/config.h>

#include "config.h"
#include "suggest.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const reef_enum_value_t modes[] = {{"slow", 1}, {"fast", 2}};

REEF_COMPONENT(
    sample,
    0,
    REEF_F64(tick_rate, .initial = "60", .min = 1, .max = 1000, .unit = "Hz"),
    REEF_U32(max_size, .initial = "100", .max = 1000),
    REEF_STRING(listen, 64, .initial = "127.0.0.1:80"),
    REEF_BOOL(quiet),
    REEF_ENUM(mode, modes, .initial = "slow"),
    REEF_STRING(token, 16, .secret = true),
    REEF_U32(pin, .max = 9999, .secret = true));

typedef struct fixture {
    reef_config_t *config;
    reef_failure_t failure;
    sample_t value;
} fixture_t;

static int setup(void **state)
{
    *state = calloc(1, sizeof(fixture_t));
    return *state == NULL;
}

static int teardown(void **state)
{
    fixture_t *f = *state;

    reef_config_destroy(f->config);
    free(f);
    return 0;
}

static reef_error_t parse(fixture_t *f, const char *text)
{
    reef_config_destroy(f->config);
    f->config = NULL;
    return reef__config_parse(&(reef_config_desc_t){.path = "reef.ini"},
                              reef_span_text(text), &f->config, &f->failure);
}

static reef_error_t resolve(fixture_t *f, const sample_t *given)
{
    return reef_config_resolve(f->config, "sample", &sample_type, given, &f->value,
                               &f->failure);
}

static reef_error_t
create(fixture_t *f, const char *text, const char *variable, const char *assignment)
{
    char copy[64] = "";
    char *environment[] = {variable == NULL ? NULL : copy, NULL};

    if (variable != NULL) {
        snprintf(copy, sizeof(copy), "%s", variable);
    }
    return reef__config_parse(
        &(reef_config_desc_t){.path = "reef.ini",
                              .assignments = &assignment,
                              .assignment_count = assignment == NULL ? 0 : 1,
                              .environment = environment},
        reef_span_text(text), &f->config, &f->failure);
}

static void expect_parse(fixture_t *f, const char *text, const char *failure)
{
    assert_int_equal(parse(f, text), REEF_E_INVALID);
    assert_null(f->config);
    assert_string_equal(f->failure.text, failure);
}

static void
expect_resolve(fixture_t *f, const char *text, reef_error_t error, const char *failure)
{
    assert_int_equal(parse(f, text), REEF_OK);
    assert_int_equal(resolve(f, NULL), error);
    assert_string_equal(f->failure.text, failure);
}

static void test_config_gives_defaults_without_any_source(void **state)
{
    fixture_t *f = *state;

    assert_int_equal(
        reef_config_create(&(reef_config_desc_t){0}, &f->config, &f->failure), REEF_OK);
    assert_int_equal(resolve(f, NULL), REEF_OK);
    assert_true(f->value.tick_rate == 60);
    assert_string_equal(f->value.listen, "127.0.0.1:80");
    assert_int_equal(f->value.mode, 1);
    assert_int_equal(reef_config_check_unused(f->config, NULL, &f->failure), REEF_OK);
}

static void test_config_reads_every_kind_from_a_file(void **state)
{
    fixture_t *f = *state;

    assert_int_equal(parse(f, "\xef\xbb\xbf; comment\n[sample]\r\ntick_rate = 30.5\n"
                              "  max_size=0\n\tlisten = [::1]:0, a b ; comment\n"
                              "quiet = on\nmode = fast"),
                     REEF_OK);
    assert_int_equal(resolve(f, NULL), REEF_OK);
    assert_true(f->value.tick_rate == 30.5);
    assert_int_equal(f->value.max_size, 0);
    assert_string_equal(f->value.listen, "[::1]:0, a b");
    assert_true(f->value.quiet);
    assert_int_equal(f->value.mode, 2);
}

static void test_config_later_sources_win(void **state)
{
    fixture_t *f = *state;
    sample_t given = {.tick_rate = 1, .max_size = 1, .mode = 2, .listen = "given"};

    assert_int_equal(create(f, "[sample]\ntick_rate=2\nmax_size=2\nlisten=file\n",
                            "REEF_SAMPLE_TICK_RATE=3", "sample.listen=set=x"),
                     REEF_OK);
    assert_int_equal(resolve(f, &given), REEF_OK);
    assert_int_equal(f->value.mode, 2);
    assert_int_equal(f->value.max_size, 2);
    assert_true(f->value.tick_rate == 3);
    assert_string_equal(f->value.listen, "set=x");
}

static void test_config_set_wins_over_environment(void **state)
{
    fixture_t *f = *state;

    assert_int_equal(create(f, "", "REEF_SAMPLE_MAX_SIZE=3", "sample.max_size=4"),
                     REEF_OK);
    assert_int_equal(resolve(f, NULL), REEF_OK);
    assert_int_equal(f->value.max_size, 4);
}

static void test_config_given_zero_means_default(void **state)
{
    fixture_t *f = *state;

    assert_int_equal(parse(f, ""), REEF_OK);
    assert_int_equal(resolve(f, &(sample_t){.max_size = 7}), REEF_OK);
    assert_int_equal(f->value.max_size, 7);
    assert_true(f->value.tick_rate == 60);
}

static void test_config_given_is_validated(void **state)
{
    fixture_t *f = *state;

    assert_int_equal(parse(f, ""), REEF_OK);
    assert_int_equal(resolve(f, &(sample_t){.max_size = 1001}), REEF_E_RANGE);
    assert_string_equal(f->failure.text,
                        "sample.max_size (set in code): 1001 is out of "
                        "range, 0 to 1000");
}

static void test_config_failure_names_source_and_range(void **state)
{
    fixture_t *f = *state;

    expect_resolve(f, "[sample]\n\ntick_rate = 0", REEF_E_RANGE,
                   "reef.ini:3: sample.tick_rate: 0 is out of range, 1 to 1000 Hz");
    expect_resolve(f, "[sample]\nmax_size = many", REEF_E_INVALID,
                   "reef.ini:2: sample.max_size: 'many' is not a whole number");
    assert_int_equal(f->value.max_size, 0); /* untouched */
    reef_config_destroy(f->config);
    assert_int_equal(create(f, "", NULL, "sample.tick_rate=0"), REEF_OK);
    assert_int_equal(resolve(f, NULL), REEF_E_RANGE);
    assert_string_equal(f->failure.text,
                        "--set sample.tick_rate: 0 is out of range, 1 to 1000 Hz");
    reef_config_destroy(f->config);
    assert_int_equal(create(f, "", "REEF_SAMPLE_TICK_RATE=nan", NULL), REEF_OK);
    assert_true(resolve(f, NULL) != REEF_OK);
    assert_memory_equal(f->failure.text, "REEF_SAMPLE_TICK_RATE: ", 23);
}

static void test_config_overridden_values_are_checked_too(void **state)
{
    fixture_t *f = *state;

    assert_int_equal(create(f, "[sample]\nmax_size=x\n", NULL, "sample.max_size=1"),
                     REEF_OK);
    assert_int_equal(resolve(f, NULL), REEF_E_INVALID);
}

static void test_config_never_shows_a_secret(void **state)
{
    fixture_t *f = *state;

    expect_resolve(f, "[sample]\npin = 12345", REEF_E_RANGE,
                   "reef.ini:2: sample.pin: not accepted");
    expect_resolve(f, "[sample]\npin = hush", REEF_E_INVALID,
                   "reef.ini:2: sample.pin: not accepted");
    expect_resolve(f, "[sample]\ntoken = hushhushhushhush", REEF_E_RANGE,
                   "reef.ini:2: sample.token: 16 bytes are too many, at most 15");
    reef_config_destroy(f->config);
    f->config = NULL;
    assert_int_equal(create(f, "", NULL, "token=hush"), REEF_E_USAGE);
    assert_null(strstr(f->failure.text, "hush"));
}

static void test_config_suggests_the_nearest_setting(void **state)
{
    fixture_t *f = *state;

    expect_resolve(f, "[sample]\nlisten = x\nlistne = y", REEF_E_NOT_FOUND,
                   "reef.ini:3: sample.listne: unknown setting; did you mean "
                   "sample.listen?");
    expect_resolve(f, "[sample]\nzebra = y", REEF_E_NOT_FOUND,
                   "reef.ini:2: sample.zebra: unknown setting");
}

static void test_config_suggests_the_nearest_section(void **state)
{
    fixture_t *f = *state;

    assert_int_equal(create(f, "", NULL, "smaple.listen=x"), REEF_OK);
    assert_int_equal(resolve(f, NULL), REEF_OK);
    assert_int_equal(reef_config_check_unused(f->config, NULL, &f->failure),
                     REEF_E_NOT_FOUND);
    assert_string_equal(f->failure.text,
                        "--set smaple.listen: unknown section; did you "
                        "mean sample?");
}

/* Logs into a pipe; what was written is in @p text. */
static void check_unused_with_log(fixture_t *f, char *text, size_t size)
{
    int out[2];
    reef_log_t *log = NULL;
    ssize_t got;

    assert_int_equal(pipe(out), 0);
    assert_int_equal(
        reef_log_create(&(reef_log_desc_t){.descriptor = out[1]}, &log, &f->failure),
        REEF_OK);
    assert_int_equal(reef_config_check_unused(f->config, log, &f->failure), REEF_OK);
    reef_log_destroy(log);
    close(out[1]);
    got = read(out[0], text, size - 1);
    assert_true(got >= 0);
    text[got] = '\0';
    close(out[0]);
}

static void test_config_warns_of_unknown_variables(void **state)
{
    fixture_t *f = *state;
    char text[512];

    assert_int_equal(create(f, "", "REEF_SAMPLE_LISTNE=x", NULL), REEF_OK);
    assert_int_equal(resolve(f, NULL), REEF_OK);
    check_unused_with_log(f, text, sizeof(text));
    assert_non_null(strstr(text, "level=warn module=config msg=\"unknown variable\" "
                                 "variable=REEF_SAMPLE_LISTNE "
                                 "nearest=REEF_SAMPLE_LISTEN\n"));
}

static void test_config_known_and_foreign_variables_draw_no_warning(void **state)
{
    fixture_t *f = *state;
    char text[512];
    char listen[] = "REEF_SAMPLE_LISTEN=x";
    char foreign[] = "REEFER=1";
    char no_equals[] = "REEF_NOEQUALS";
    char *environment[] = {listen, foreign, no_equals, NULL};

    assert_int_equal(
        reef_config_create(&(reef_config_desc_t){.environment = environment},
                           &f->config, &f->failure),
        REEF_OK);
    assert_int_equal(resolve(f, NULL), REEF_OK);
    assert_string_equal(f->value.listen, "x");
    check_unused_with_log(f, text, sizeof(text));
    assert_string_equal(text, "");
}

static void test_config_refuses_what_is_no_ini(void **state)
{
    fixture_t *f = *state;

    expect_parse(f, "[sample]\nquiet = on\nnonsense\n",
                 "reef.ini:3: neither [section] nor key = value");
    expect_parse(f, "[sample\n", "reef.ini:1: neither [section] nor key = value");
    expect_parse(f, "a = 1\n", "reef.ini:1: a setting before the first [section]");
    expect_parse(f, "[sample]\n = 1\n",
                 "reef.ini:2: names are up to 48 letters, digits, _ and -");
    expect_parse(f, "[a\x1b]\nx = 1\n",
                 "reef.ini:2: names are up to 48 letters, digits, _ and -");
}

static void test_config_reports_the_first_of_several_faults(void **state)
{
    fixture_t *f = *state;

    expect_parse(f, "[sample]\nnonsense\na b = 1\n",
                 "reef.ini:2: neither [section] nor key = value");
    expect_parse(f, "[sample]\na b = 1\nnonsense\n",
                 "reef.ini:2: names are up to 48 letters, digits, _ and -");
}

static void test_config_refuses_a_setting_twice(void **state)
{
    fixture_t *f = *state;

    expect_parse(f, "[sample]\nlisten=a\n[other]\nlisten=a\n[sample]\nlisten=b\n",
                 "reef.ini:6: sample.listen: already set in line 2");
}

static void test_config_bounds_lines_and_size(void **state)
{
    fixture_t *f = *state;
    static char text[(1 << 20) + 2];
    static const char head[] = "[sample]\nlisten=";

    memset(text, 'x', 400);
    memcpy(text, head, sizeof(head) - 1);
    expect_parse(f, text, "reef.ini:2: longer than 197 bytes; use --set for it");
    text[9] = '#'; /* a comment may be long */
    assert_int_equal(parse(f, text), REEF_OK);
    memset(text, '\n', sizeof(text) - 1);
    expect_parse(f, text, "reef.ini: larger than 1 MiB");
}

static void test_config_refuses_nul_bytes(void **state)
{
    fixture_t *f = *state;

    assert_int_equal(reef__config_parse(&(reef_config_desc_t){0},
                                        reef_span("[a]\nb=1\0 2\n", 11), &f->config,
                                        &f->failure),
                     REEF_E_INVALID);
    assert_string_equal(f->failure.text, "text:2: a NUL byte is no text");
}

static void test_config_refuses_malformed_assignments(void **state)
{
    fixture_t *f = *state;
    const char *malformed[] = {"",     "a",    "a.b",     "a=b",
                               ".b=1", "a.=1", "a.b c=1", "=a.b"};

    for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
        assert_int_equal(create(f, "", NULL, malformed[i]), REEF_E_USAGE);
        assert_null(f->config);
    }
    assert_int_equal(create(f, "", NULL, "a\x1b"), REEF_E_USAGE);
    assert_string_equal(f->failure.text, "--set a?: not of the form section.key=value");
}

static void test_config_reads_a_file(void **state)
{
    fixture_t *f = *state;
    char path[] = "/tmp/test_config_XXXXXX";
    int file = mkstemp(path);
    reef_config_desc_t desc = {.path = path};

    assert_true(file >= 0);
    assert_int_equal(write(file, "[sample]\nmax_size=9\n", 20), 20);
    close(file);
    assert_int_equal(reef_config_create(&desc, &f->config, &f->failure), REEF_OK);
    unlink(path);
    assert_int_equal(resolve(f, NULL), REEF_OK);
    assert_int_equal(f->value.max_size, 9);
}

static void test_config_names_an_unreadable_file(void **state)
{
    fixture_t *f = *state;

    assert_int_equal(reef_config_create(&(reef_config_desc_t){.path = "/nowhere/x.ini"},
                                        &f->config, &f->failure),
                     REEF_E_IO);
    assert_string_equal(f->failure.text, "/nowhere/x.ini: No such file or directory");
    assert_int_equal(
        reef_config_create(&(reef_config_desc_t){.path = "/"}, &f->config, &f->failure),
        REEF_E_IO);
    assert_string_equal(f->failure.text, "/: Is a directory");
}

static void test_suggest_distance_counts_edits(void **state)
{
    (void)state;
    assert_int_equal(reef__edit_distance("", ""), 0);
    assert_int_equal(reef__edit_distance("", "abc"), 3);
    assert_int_equal(reef__edit_distance("abc", ""), 3);
    assert_int_equal(reef__edit_distance("listen", "listne"), 1);
    assert_int_equal(reef__edit_distance("listen", "lisen"), 1);
    assert_int_equal(reef__edit_distance("kitten", "sitting"), 3);
    assert_int_equal(reef__edit_distance("ca", "abc"), 3);
}

static void test_suggest_takes_the_nearest_and_nothing_far(void **state)
{
    reef__suggest_t suggest = {.typed = "lisen"};
    char long_word[80] = {0};

    (void)state;
    reef__suggest_offer(&suggest, "origins");
    assert_null(suggest.nearest);
    reef__suggest_offer(&suggest, "liken");
    reef__suggest_offer(&suggest, "risen");
    assert_string_equal(suggest.nearest, "liken"); /* the first of equals */
    reef__suggest_offer(&suggest, "lisen");
    assert_string_equal(suggest.nearest, "lisen");
    memset(long_word, 'x', sizeof(long_word) - 1);
    suggest = (reef__suggest_t){.typed = long_word};
    reef__suggest_offer(&suggest, long_word);
    assert_null(suggest.nearest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_config_gives_defaults_without_any_source),
        TEST(test_config_reads_every_kind_from_a_file),
        TEST(test_config_later_sources_win),
        TEST(test_config_set_wins_over_environment),
        TEST(test_config_given_zero_means_default),
        TEST(test_config_given_is_validated),
        TEST(test_config_failure_names_source_and_range),
        TEST(test_config_overridden_values_are_checked_too),
        TEST(test_config_never_shows_a_secret),
        TEST(test_config_suggests_the_nearest_setting),
        TEST(test_config_suggests_the_nearest_section),
        TEST(test_config_warns_of_unknown_variables),
        TEST(test_config_known_and_foreign_variables_draw_no_warning),
        TEST(test_config_refuses_what_is_no_ini),
        TEST(test_config_reports_the_first_of_several_faults),
        TEST(test_config_refuses_a_setting_twice),
        TEST(test_config_bounds_lines_and_size),
        TEST(test_config_refuses_nul_bytes),
        TEST(test_config_refuses_malformed_assignments),
        TEST(test_config_reads_a_file),
        TEST(test_config_names_an_unreadable_file),
        TEST(test_suggest_distance_counts_edits),
        TEST(test_suggest_takes_the_nearest_and_nothing_far),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
