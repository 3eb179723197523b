#include <reef/foreach.h>

#include "test.h"

#define TEXT(c, a) c #a

static void test_foreach_expands_one_to_many_arguments_in_order(void **state)
{
    (void)state;
    assert_string_equal(REEF__EACH(TEXT, "", x), "x");
    assert_string_equal(REEF__EACH(TEXT, "", a, b, c), "abc");
}

static void test_foreach_passes_its_first_argument_to_each(void **state)
{
    (void)state;
    assert_string_equal(REEF__EACH(TEXT, "-", a, b), "-a-b");
}

static void test_foreach_expands_32_arguments(void **state)
{
    (void)state;
    assert_string_equal(REEF__EACH(TEXT, "", a, b, c, d, e, f, g, h, i, j, k, l, m, n,
                                   o, p, q, r, s, t, u, v, w, x, y, z, 1, 2, 3, 4, 5,
                                   6),
                        "abcdefghijklmnopqrstuvwxyz123456");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_foreach_expands_one_to_many_arguments_in_order),
        cmocka_unit_test(test_foreach_passes_its_first_argument_to_each),
        cmocka_unit_test(test_foreach_expands_32_arguments),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
