#include "test.h"

#include "named.h"

#include <stdio.h>

enum {
    ENTITIES = 200,
    NAMES = 60,
    STEPS = 20000
};

static int setup(void **state)
{
    *state = reef__names_create(reef_alloc_default());
    return 0;
}

static int teardown(void **state)
{
    reef__names_destroy(*state);
    return 0;
}

static bool add(reef__names_t *names, reef_entity_t entity, const char *name)
{
    reef__named_t named = {.entity = entity};

    snprintf(named.name, sizeof(named.name), "%s", name);
    return reef__names_add(names, &named);
}

static void test_named_is_found_by_entity_and_by_name(void **state)
{
    assert_true(add(*state, 1, "a"));
    assert_true(add(*state, 2, "b"));

    assert_string_equal(reef__names_of(*state, 2)->name, "b");
    assert_int_equal(reef__names_find(*state, reef_span_text("a"))->entity, 1);
    assert_null(reef__names_of(*state, 3));
    assert_null(reef__names_find(*state, reef_span_text("c")));
}

static void test_named_refuses_a_name_twice(void **state)
{
    assert_true(add(*state, 1, "a"));
    assert_false(add(*state, 2, "a"));
    assert_null(reef__names_of(*state, 2));

    reef__names_remove(*state, 1);
    assert_true(add(*state, 2, "a"));
    assert_int_equal(reef__names_count(*state), 1);
}

/* Each one is where it says it is, and by nothing else. */
static void check(const reef__names_t *names, const int *expected)
{
    size_t count = 0;
    char name[8];

    for (reef_entity_t e = 1; e < ENTITIES; e++) {
        const reef__named_t *named = reef__names_of(names, e);

        assert_int_equal(named != NULL, expected[e] != 0);
        if (named != NULL) {
            snprintf(name, sizeof(name), "n%d", expected[e]);
            assert_string_equal(named->name, name);
            assert_ptr_equal(reef__names_find(names, reef_span_text(name)), named);
            count++;
        }
    }
    assert_int_equal(reef__names_count(names), count);
}

static void test_named_random_steps_agree_with_a_plain_table(void **state)
{
    int expected[ENTITIES] = {0};
    bool taken[NAMES + 1] = {false};
    uint32_t seed = 12345;

    for (int step = 0; step < STEPS; step++) {
        reef_entity_t entity;
        int number;
        char name[8];

        seed = seed * 1664525u + 1013904223u;
        entity = 1 + (seed >> 8) % (ENTITIES - 1);
        number = 1 + (int)((seed >> 16) % NAMES);
        snprintf(name, sizeof(name), "n%d", number);
        if (expected[entity] != 0) {
            reef__names_remove(*state, entity);
            taken[expected[entity]] = false;
            expected[entity] = 0;
        } else {
            assert_int_equal(add(*state, entity, name), !taken[number]);
            expected[entity] = taken[number] ? 0 : number;
            taken[number] = true;
        }
        if (step % 100 == 0) {
            check(*state, expected);
        }
    }
    check(*state, expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_named_is_found_by_entity_and_by_name),
        TEST(test_named_refuses_a_name_twice),
        TEST(test_named_random_steps_agree_with_a_plain_table),
    };

    return cmocka_run_group_tests_name("named", tests, NULL, NULL);
}
