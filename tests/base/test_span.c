#include <reef/span.h>

#include "test.h"

static void test_span_equal_compares_size_and_bytes(void **state)
{
    (void)state;
    assert_true(reef_span_equal(reef_span_text("ab"), reef_span("abc", 2)));
    assert_false(reef_span_equal(reef_span_text("ab"), reef_span_text("abc")));
    assert_false(reef_span_equal(reef_span_text("ab"), reef_span_text("ac")));
    assert_true(reef_span_equal(reef_span(NULL, 0), reef_span_text("")));
}

static void test_span_starts_with_needs_the_whole_prefix(void **state)
{
    (void)state;
    assert_true(
        reef_span_starts_with(reef_span_text("/join a"), reef_span_text("/join")));
    assert_true(reef_span_starts_with(reef_span_text("a"), reef_span_text("")));
    assert_false(reef_span_starts_with(reef_span_text("/jo"), reef_span_text("/join")));
}

static void test_span_skip_leaves_the_rest(void **state)
{
    (void)state;
    assert_true(reef_span_equal(reef_span_skip(reef_span_text("abc"), 1),
                                reef_span_text("bc")));
    assert_int_equal(reef_span_skip(reef_span_text("abc"), 3).size, 0);
}

static void test_span_trim_takes_white_space_off_both_ends(void **state)
{
    (void)state;
    assert_true(reef_span_equal(reef_span_trim(reef_span_text(" \t a b\r\n")),
                                reef_span_text("a b")));
    assert_int_equal(reef_span_trim(reef_span_text(" \v\f ")).size, 0);
    assert_int_equal(reef_span_trim(reef_span(NULL, 0)).size, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_span_equal_compares_size_and_bytes),
        cmocka_unit_test(test_span_starts_with_needs_the_whole_prefix),
        cmocka_unit_test(test_span_skip_leaves_the_rest),
        cmocka_unit_test(test_span_trim_takes_white_space_off_both_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
