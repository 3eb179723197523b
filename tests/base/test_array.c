#include <reef/array.h>

#include "test.h"

static void test_array_push_keeps_what_is_there(void **state)
{
    struct {
        int *items;
        size_t count, capacity;
    } numbers = {0};

    (void)state;
    for (int i = 0; i < 1000; i++) {
        *REEF_ARRAY_PUSH(reef_alloc_default(), &numbers) = i;
    }

    assert_int_equal(numbers.count, 1000);
    assert_true(numbers.capacity >= 1000);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(numbers.items[i], i);
    }
    REEF_ARRAY_FINISH(reef_alloc_default(), &numbers);
}

static void test_array_reserve_leaves_what_is_large_enough(void **state)
{
    struct {
        int *items;
        size_t count, capacity;
    } numbers = {0};
    int *before;

    (void)state;
    REEF_ARRAY_RESERVE(reef_alloc_default(), &numbers, 100);
    before = numbers.items;
    REEF_ARRAY_RESERVE(reef_alloc_default(), &numbers, 100);

    assert_ptr_equal(numbers.items, before);
    assert_int_equal(numbers.capacity, 128);
    assert_int_equal(numbers.count, 0);
    REEF_ARRAY_FINISH(reef_alloc_default(), &numbers);
}

static void test_array_finish_leaves_an_empty_array(void **state)
{
    struct {
        char *items;
        size_t count, capacity;
    } bytes = {0};

    (void)state;
    *REEF_ARRAY_PUSH(reef_alloc_default(), &bytes) = 'a';
    REEF_ARRAY_FINISH(reef_alloc_default(), &bytes);
    assert_null(bytes.items);
    assert_int_equal(bytes.count, 0);

    *REEF_ARRAY_PUSH(reef_alloc_default(), &bytes) = 'b';
    assert_int_equal(bytes.items[0], 'b');
    REEF_ARRAY_FINISH(reef_alloc_default(), &bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_array_push_keeps_what_is_there),
        cmocka_unit_test(test_array_reserve_leaves_what_is_large_enough),
        cmocka_unit_test(test_array_finish_leaves_an_empty_array),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
