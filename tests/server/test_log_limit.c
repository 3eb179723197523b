#include "test.h"

#include "log_limit.h"

static void test_log_limit_lets_one_line_a_second_pass(void **state)
{
    reef__log_limit_t limit = {0};
    uint64_t skipped = 77;

    (void)state;
    assert_true(reef__log_limit_pass(&limit, 5000, &skipped));
    assert_int_equal(skipped, 0);
    skipped = 77;
    assert_false(reef__log_limit_pass(&limit, 5001, &skipped));
    assert_false(reef__log_limit_pass(&limit, 5999, &skipped));
    assert_int_equal(skipped, 77);
    assert_true(reef__log_limit_pass(&limit, 6000, &skipped));
    assert_int_equal(skipped, 2);
    assert_true(reef__log_limit_pass(&limit, 9000, &skipped));
    assert_int_equal(skipped, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_log_limit_lets_one_line_a_second_pass),
    };

    return cmocka_run_group_tests_name("log_limit", tests, NULL, NULL);
}
