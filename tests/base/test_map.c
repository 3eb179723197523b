#include <reef/map.h>

#include "test.h"

#include <stdio.h>
#include <string.h>

static int setup(void **state)
{
    *state = reef_map_create(reef_alloc_default());
    return 0;
}

static int teardown(void **state)
{
    reef_map_destroy(*state);
    return 0;
}

static void test_map_empty_finds_and_removes_nothing(void **state)
{
    assert_int_equal(reef_map_count(*state), 0);
    assert_false(reef_map_find(*state, REEF_KEY(1), NULL));
    assert_false(reef_map_remove(*state, REEF_KEY(1)));
}

static void test_map_set_replaces(void **state)
{
    uint64_t value = 0;

    reef_map_set(*state, REEF_KEY(7), 1);
    reef_map_set(*state, REEF_KEY(7), 2);

    assert_int_equal(reef_map_count(*state), 1);
    assert_true(reef_map_find(*state, REEF_KEY(7), &value));
    assert_int_equal(value, 2);
}

static void test_map_find_leaves_value_alone_when_absent(void **state)
{
    uint64_t value = 99;

    reef_map_set(*state, REEF_KEY(1), 1);

    assert_false(reef_map_find(*state, REEF_KEY(2), &value));
    assert_int_equal(value, 99);
}

static void test_map_copies_its_keys(void **state)
{
    char short_key[] = "abc";
    char long_key[] = "longer than eight bytes";

    reef_map_set(*state, reef_span_text(short_key), 1);
    reef_map_set(*state, reef_span_text(long_key), 2);
    memset(short_key, 'x', 3);
    memset(long_key, 'x', 20);

    assert_true(reef_map_find(*state, reef_span_text("abc"), NULL));
    assert_true(reef_map_find(*state, reef_span_text("longer than eight bytes"), NULL));
}

static void test_map_tells_keys_of_different_sizes_apart(void **state)
{
    static const char zeros[9] = {0};
    uint64_t value = 0;

    for (size_t size = 0; size <= sizeof(zeros); size++) {
        reef_map_set(*state, reef_span(zeros, size), size);
    }

    assert_int_equal(reef_map_count(*state), 10);
    for (size_t size = 0; size <= sizeof(zeros); size++) {
        assert_true(reef_map_find(*state, reef_span(zeros, size), &value));
        assert_int_equal(value, size);
    }
}

static void test_map_accepts_an_empty_key_without_address(void **state)
{
    reef_map_set(*state, reef_span(NULL, 0), 3);

    assert_true(reef_map_find(*state, reef_span_text(""), NULL));
}

/* Many keys of both storage forms, removed in another order than added: what stays must
 * be found at every step, wherever the gaps were closed. */
static void test_map_keeps_what_was_not_removed(void **state)
{
    enum {
        COUNT = 3000
    };
    char name[32];
    uint64_t value = 0;

    for (uint64_t i = 0; i < COUNT; i++) {
        snprintf(name, sizeof(name), "key number %d", (int)i);
        reef_map_set(*state, reef_span_text(name), i);
        reef_map_set(*state, REEF_KEY(i), i + COUNT);
    }
    for (uint64_t i = 0; i < COUNT; i += 3) {
        snprintf(name, sizeof(name), "key number %d", (int)i);
        assert_true(reef_map_remove(*state, reef_span_text(name)));
        assert_true(reef_map_remove(*state, REEF_KEY((i * 7) % COUNT)));
        assert_false(reef_map_remove(*state, reef_span_text(name)));
    }

    assert_int_equal(reef_map_count(*state), 2 * (COUNT - COUNT / 3));
    for (uint64_t i = 0; i < COUNT; i++) {
        snprintf(name, sizeof(name), "key number %d", (int)i);
        assert_int_equal(reef_map_find(*state, reef_span_text(name), &value),
                         i % 3 != 0);
        assert_int_equal(reef_map_find(*state, REEF_KEY(i), NULL), i % 3 != 0);
    }
}

static void test_map_stays_small_when_keys_come_and_go(void **state)
{
    for (uint64_t i = 0; i < 100000; i++) {
        reef_map_set(*state, REEF_KEY(i), i);
        if (i >= 10) {
            assert_true(reef_map_remove(*state, REEF_KEY(i - 10)));
        }
    }

    assert_int_equal(reef_map_count(*state), 10);
}

static void test_map_destroy_accepts_null(void **state)
{
    (void)state;
    reef_map_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_map_empty_finds_and_removes_nothing),
        TEST(test_map_set_replaces),
        TEST(test_map_find_leaves_value_alone_when_absent),
        TEST(test_map_copies_its_keys),
        TEST(test_map_tells_keys_of_different_sizes_apart),
        TEST(test_map_accepts_an_empty_key_without_address),
        TEST(test_map_keeps_what_was_not_removed),
        TEST(test_map_stays_small_when_keys_come_and_go),
        TEST(test_map_destroy_accepts_null),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
