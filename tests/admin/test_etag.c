#include "etag.h"

#include "test.h"

#include <string.h>

static void test_etag_is_quoted_and_follows_the_text(void **state)
{
    char a[REEF__ETAG_SIZE], b[REEF__ETAG_SIZE];

    (void)state;
    reef__etag_make("{\"x\":1}", a);
    reef__etag_make("{\"x\":2}", b);
    assert_int_equal(strlen(a), 18);
    assert_true(a[0] == '"' && a[17] == '"');
    assert_string_not_equal(a, b);
    reef__etag_make("{\"x\":1}", b);
    assert_string_equal(a, b);
}

static void test_etag_matches_lists(void **state)
{
    (void)state;
    assert_true(reef__etag_matches("\"a\"", "\"a\""));
    assert_true(reef__etag_matches("\"b\", \"a\" ,\"c\"", "\"a\""));
    assert_true(reef__etag_matches("*", "\"a\""));
    assert_true(reef__etag_matches(" * ", "\"a\""));
    assert_false(reef__etag_matches("\"b\"", "\"a\""));
    assert_false(reef__etag_matches("W/\"a\"", "\"a\""));
    assert_false(reef__etag_matches("a", "\"a\""));
    assert_false(reef__etag_matches("", "\"a\""));
    assert_false(reef__etag_matches("*x", "\"a\""));
}

static void test_etag_known_ones_may_be_weak(void **state)
{
    (void)state;
    assert_true(reef__etag_is_known("W/\"a\"", "\"a\""));
    assert_true(reef__etag_is_known("\"b\", W/\"a\"", "\"a\""));
    assert_true(reef__etag_is_known("\"a\"", "\"a\""));
    assert_false(reef__etag_is_known("W/\"b\"", "\"a\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_etag_is_quoted_and_follows_the_text),
        cmocka_unit_test(test_etag_matches_lists),
        cmocka_unit_test(test_etag_known_ones_may_be_weak),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
