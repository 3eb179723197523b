#include "test.h"

#include "options.h"

#define PARSE(options, failure, ...)                                                   \
    parse((options), (failure), (const char *[]){"reefd", __VA_ARGS__, NULL})

static reef_error_t
parse(reef__options_t *options, reef_failure_t *failure, const char *const *argv)
{
    int argc = 0;

    while (argv[argc] != NULL) {
        argc++;
    }
    return reef__options_parse(options, reef_alloc_default(), argc, argv, failure);
}

static void test_options_take_values_behind_a_sign_or_in_the_next_word(void **state)
{
    reef__options_t options;

    (void)state;
    assert_int_equal(
        PARSE(&options, NULL, "--set", "a.b=1", "--set=c.d=2", "--config=x.ini"),
        REEF_OK);
    assert_int_equal(options.assignment_count, 2);
    assert_string_equal(options.assignments[0], "a.b=1");
    assert_string_equal(options.assignments[1], "c.d=2");
    assert_string_equal(options.config_path, "x.ini");
    reef__options_finish(&options, reef_alloc_default());
}

static void test_options_flags(void **state)
{
    reef__options_t options;

    (void)state;
    assert_int_equal(PARSE(&options, NULL, "--help", "--version", "--check-config",
                           "--describe-protocol"),
                     REEF_OK);
    assert_true(options.help && options.version && options.check_config &&
                options.describe_protocol);
    reef__options_finish(&options, reef_alloc_default());
}

static void test_options_name_what_is_unknown(void **state)
{
    reef__options_t options;
    reef_failure_t failure = {0};

    (void)state;
    assert_int_equal(PARSE(&options, &failure, "--sett", "a.b=1"), REEF_E_USAGE);
    assert_string_equal(failure.text, "unknown option '--sett'; try --help");
    assert_int_equal(PARSE(&options, &failure, "reef.ini"), REEF_E_USAGE);
}

static void test_options_name_what_lacks_a_value(void **state)
{
    reef__options_t options;
    reef_failure_t failure = {0};

    (void)state;
    assert_int_equal(PARSE(&options, &failure, "--set", "a.b=1", "--config"),
                     REEF_E_USAGE);
    assert_string_equal(failure.text, "option '--config' needs a value");
}

static void test_options_do_not_take_the_next_option_for_a_value(void **state)
{
    reef__options_t options;
    reef_failure_t failure = {0};

    (void)state;
    assert_int_equal(PARSE(&options, &failure, "--config", "--check-config"),
                     REEF_E_USAGE);
    assert_string_equal(failure.text, "option '--config' needs a value");
    assert_int_equal(PARSE(&options, &failure, "--set", "--set=a.b=1"), REEF_E_USAGE);
    assert_string_equal(failure.text, "option '--set' needs a value");
    assert_int_equal(PARSE(&options, &failure, "--config=--odd.ini"), REEF_OK);
    assert_string_equal(options.config_path, "--odd.ini");
    reef__options_finish(&options, reef_alloc_default());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options_take_values_behind_a_sign_or_in_the_next_word),
        cmocka_unit_test(test_options_flags),
        cmocka_unit_test(test_options_name_what_is_unknown),
        cmocka_unit_test(test_options_name_what_lacks_a_value),
        cmocka_unit_test(test_options_do_not_take_the_next_option_for_a_value),
    };

    return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
