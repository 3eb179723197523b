#include "test.h"

#include <reef/name.h>

enum {
    MAX_SIZE = 12
};

static const reef_name_rules_t plain = {.what = "A name", .max_size = MAX_SIZE};

static int setup(void **state)
{
    (void)state;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return 0;
}

/* @p why NULL = it is taken. */
static void check(const reef_name_rules_t *rules, const char *name, const char *why)
{
    reef_failure_t failure = {0};
    reef_error_t error = reef_name_check(rules, reef_span_text(name), &failure);

    if (why == NULL ? error != REEF_OK : strcmp(failure.text, why) != 0) {
        fail_msg("'%s': '%s' instead of '%s'", name, failure.text, why ? why : "");
    }
}

static void test_name_takes_words_of_any_language(void **state)
{
    static const char *const names[] = {
        "a",
        "the reef",
        "x[1]",
        "123456789012",             /* of full size */
        "\xc3\xa9t\xc3\xa9",        /* été */
        "\xe6\xb5\xb7\xe8\x91\xb5", /* two ideographs */
        "\xe2\x9d\xa4\xef\xb8\x8f", /* a heart, with its selector */
        "\xf0\x9f\x90\xa0",         /* a fish */
        "a\xc2\xa0z",               /* a space that does not break */
        "\xd8\xb3\xd9\x85\xd9\x83", /* from right to left by nature */
        "\xf4\x8f\xbf\xbd",         /* the last code points */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        check(&plain, names[i], NULL);
    }
}

static void test_name_has_a_size(void **state)
{
    reef_failure_t failure = {0};

    (void)state;
    assert_int_equal(reef_name_check(&plain, reef_span("", 0), &failure), REEF_E_RANGE);
    assert_string_equal(failure.text, "A name is not empty.");
    assert_int_equal(reef_name_check(&plain, reef_span_text("1234567890123"), &failure),
                     REEF_E_RANGE);
    assert_string_equal(failure.text, "A name has at most 12 bytes.");
}

static void test_name_is_utf8(void **state)
{
    static const char *const names[] = {"\xff", "a\xc3", "\xc0\xaf", "\xed\xa0\x80",
                                        "\xf4\x90\x80\x80"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        check(&plain, names[i], "A name is UTF-8.");
    }
}

static void test_name_has_no_control_characters(void **state)
{
    static const char *const names[] = {"\x01",  "a\nb",     "a\x1f",
                                        "a\x7f", "\xc2\x80", "a\xc2\x9f"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        check(&plain, names[i], "A name has no control characters.");
    }
    assert_int_equal(reef_name_check(&plain, reef_span("a\0b", 3), NULL),
                     REEF_E_INVALID);
}

/* The first and the last of each kind, and what is beside them. */
static void test_name_has_nothing_invisible(void **state)
{
    static const char *const names[] = {
        "a\xc2\xadz",        /* soft hyphen */
        "a\xe2\x80\x8bz",    /* zero-width space */
        "a\xe2\x80\x8fz",    /* right-to-left mark */
        "a\xe2\x80\xa8z",    /* line separator */
        "a\xe2\x80\xaez",    /* right-to-left override */
        "a\xe2\x81\xa0z",    /* word joiner */
        "a\xe2\x81\xa9z",    /* end of an isolate */
        "\xe3\x85\xa4",      /* Hangul filler */
        "a\xef\xbb\xbf",     /* byte order mark */
        "a\xef\xbf\xbb",     /* annotation */
        "a\xf3\xa0\x81\xa1", /* tag letter */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        check(&plain, names[i], "A name has no invisible characters.");
    }
    check(&plain, "a\xe2\x80\x90z", NULL); /* hyphen, one behind the marks */
    check(&plain, "a\xe2\x81\xb0z", NULL); /* superscript zero */
}

static void test_name_does_not_begin_like_a_notice(void **state)
{
    (void)state;
    check(&plain, "[System]", "A name does not begin with [.");
    check(&plain, "\xef\xbc\xbbx", "A name does not begin with [."); /* wide */
    check(&plain, "x [", NULL);
}

static void test_name_has_no_white_space_at_its_ends(void **state)
{
    static const char *const names[] = {
        " a", "a ", "\xc2\xa0[a", "a\xe3\x80\x80", "\xe2\x80\x83", "\xe2\xa0\x80z"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        check(&plain, names[i], "A name neither begins nor ends with white space.");
    }
}

static void test_name_may_have_to_be_one_word(void **state)
{
    const reef_name_rules_t word = {
        .what = "A lobby's name", .max_size = MAX_SIZE, .is_one_word = true};

    (void)state;
    check(&word, "reef-2", NULL);
    check(&word, "the reef", "A lobby's name is one word.");
    check(&word, "the\xc2\xa0reef", "A lobby's name is one word.");
    check(&word, "the\xe3\x80\x80reef", "A lobby's name is one word.");
}

static void test_name_may_be_reserved(void **state)
{
    static const char refused[] =
        "A name is not 'User' with a number, which others may have.";
    const reef_name_rules_t rules = {
        .what = "A name", .max_size = MAX_SIZE, .reserved = "User"};

    (void)state;
    check(&rules, "User 1", refused);
    check(&rules, "uSER   22", refused);
    check(&rules,
          "User\xe3\x80\x80"
          "1x",
          refused);
    check(&rules, "User", NULL);
    check(&rules, "Users 1", NULL);
    check(&rules, "User1", NULL);
    check(&rules, "User a1", NULL);
    check(&rules, "Use", NULL);
    check(&plain, "User 1", NULL);
}

static void test_name_may_not_have_its_separator(void **state)
{
    const reef_name_rules_t rules = {
        .what = "A name", .max_size = MAX_SIZE, .separator = ':'};

    (void)state;
    check(&rules, "a:", "A name has no ':'.");
    check(&rules, "a;", NULL);
    check(&plain, "a:", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_name_takes_words_of_any_language),
        TEST(test_name_has_a_size),
        TEST(test_name_is_utf8),
        TEST(test_name_has_no_control_characters),
        TEST(test_name_has_nothing_invisible),
        TEST(test_name_does_not_begin_like_a_notice),
        TEST(test_name_has_no_white_space_at_its_ends),
        TEST(test_name_may_have_to_be_one_word),
        TEST(test_name_may_be_reserved),
        TEST(test_name_may_not_have_its_separator),
    };

    return cmocka_run_group_tests_name("name", tests, NULL, NULL);
}
