#include <reef/error.h>

#include "test.h"

#include <string.h>

static void test_error_text_names_every_code(void **state)
{
    (void)state;
    assert_string_equal(reef_error_text(REEF_OK), "ok");
#define X(name, value, text)                                                           \
    assert_string_equal(reef_error_text(REEF_E_##name), text);                         \
    assert_true(REEF_E_##name < 0);
    REEF_ERROR_MAP(X)
#undef X
    assert_string_equal(reef_error_text((reef_error_t)-1000), "unknown error");
}

static void test_error_fail_fills_code_and_text(void **state)
{
    reef_failure_t failure = {0};

    (void)state;
    assert_int_equal(reef_fail(&failure, REEF_E_RANGE, "%s: %d", "rate", 5),
                     REEF_E_RANGE);
    assert_int_equal(failure.error, REEF_E_RANGE);
    assert_string_equal(failure.text, "rate: 5");
}

static void test_error_fail_accepts_null(void **state)
{
    (void)state;
    assert_int_equal(reef_fail(NULL, REEF_E_IO, "%s", "x"), REEF_E_IO);
}

static void test_error_fail_cuts_long_texts(void **state)
{
    char text[2 * REEF_FAILURE_TEXT_SIZE];
    reef_failure_t failure;
    reef_error_t error;

    (void)state;
    memset(text, 'a', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    error = reef_fail(&failure, REEF_E_INVALID, "%s", text);

    assert_int_equal(error, REEF_E_INVALID);
    assert_int_equal(strlen(failure.text), REEF_FAILURE_TEXT_SIZE - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_error_text_names_every_code),
        cmocka_unit_test(test_error_fail_fills_code_and_text),
        cmocka_unit_test(test_error_fail_accepts_null),
        cmocka_unit_test(test_error_fail_cuts_long_texts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
