#include <reef/hash.h>

#include "test.h"

/* Stored in snapshots: a change of these values makes old databases unreadable. */
static void test_hash_of_empty_input_is_that_of_xxh3(void **state)
{
    reef_hash128_t wide = reef_hash128("", 0);

    (void)state;
    assert_int_equal(reef_hash64("", 0, 0), 0x2d06800538d394c2u);
    assert_int_equal(wide.high, 0x99aa06d3014798d8u);
    assert_int_equal(wide.low, 0x6001c324468d497fu);
}

static void test_hash_depends_on_bytes_size_and_seed(void **state)
{
    (void)state;
    assert_int_equal(reef_hash64("abc", 3, 1), reef_hash64("abc", 3, 1));
    assert_int_not_equal(reef_hash64("abc", 3, 1), reef_hash64("abd", 3, 1));
    assert_int_not_equal(reef_hash64("abc", 3, 1), reef_hash64("abc", 2, 1));
    assert_int_not_equal(reef_hash64("abc", 3, 1), reef_hash64("abc", 3, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hash_of_empty_input_is_that_of_xxh3),
        cmocka_unit_test(test_hash_depends_on_bytes_size_and_seed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
