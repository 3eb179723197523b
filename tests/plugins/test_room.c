#include "test.h"

#include "room.h"

enum {
    MAX_ROOMS = 64,
    ENTITIES = 200,
    STEPS = 20000
};

static int setup(void **state)
{
    *state = reef__rooms_create(reef_alloc_default(), MAX_ROOMS);
    return 0;
}

static int teardown(void **state)
{
    reef__rooms_destroy(*state);
    return 0;
}

static void join(reef__rooms_t *rooms, reef_entity_t entity, const char *name)
{
    assert_int_equal(reef__rooms_join(rooms, entity, reef_span_text(name)), REEF_OK);
}

static void test_room_exists_while_it_has_members(void **state)
{
    join(*state, 1, "a");
    join(*state, 2, "a");
    assert_int_equal(reef__rooms_count(*state), 1);
    assert_true(reef__rooms_leave(*state, 1));
    assert_int_equal(reef__rooms_count(*state), 1);
    assert_true(reef__rooms_leave(*state, 2));
    assert_int_equal(reef__rooms_count(*state), 0);
    assert_false(reef__rooms_leave(*state, 2));
}

static void test_room_limit_holds_for_new_rooms_only(void **state)
{
    char name[8];

    for (uint64_t i = 0; i < MAX_ROOMS; i++) {
        snprintf(name, sizeof(name), "r%d", (int)i);
        join(*state, i + 1, name);
    }
    assert_int_equal(reef__rooms_join(*state, 1000, reef_span_text("more")),
                     REEF_E_LIMIT);
    join(*state, 1000, "r3");
}

/* Every member is where the rooms say it is, and nowhere else. */
static void check(const reef__rooms_t *rooms, const int *expected)
{
    size_t seen = 0;

    for (size_t r = 0; r < reef__rooms_count(rooms); r++) {
        const reef__room_t *room = reef__rooms_at(rooms, r);

        assert_true(room->members.count > 0);
        for (size_t i = 0; i < room->members.count; i++, seen++) {
            reef_entity_t entity = room->members.items[i];

            assert_ptr_equal(reef__rooms_of(rooms, entity), room);
            assert_int_equal(room->name[0] - 'a', expected[entity] - 1);
        }
    }
    for (size_t e = 1; e < ENTITIES; e++) {
        seen -= expected[e] != 0;
    }
    assert_int_equal(seen, 0);
}

static void test_room_random_joins_and_leaves_agree_with_a_plain_table(void **state)
{
    int expected[ENTITIES] = {0};
    uint32_t seed = 12345;

    for (int step = 0; step < STEPS; step++) {
        reef_entity_t entity;
        char name[2] = "a";

        seed = seed * 1664525u + 1013904223u;
        entity = 1 + (seed >> 8) % (ENTITIES - 1);
        name[0] = (char)('a' + (seed >> 20) % 20);
        assert_int_equal(reef__rooms_leave(*state, entity), expected[entity] != 0);
        expected[entity] = 0;
        if (seed & 1u << 30) {
            join(*state, entity, name);
            expected[entity] = name[0] - 'a' + 1;
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
        TEST(test_room_exists_while_it_has_members),
        TEST(test_room_limit_holds_for_new_rooms_only),
        TEST(test_room_random_joins_and_leaves_agree_with_a_plain_table),
    };

    return cmocka_run_group_tests_name("room", tests, NULL, NULL);
}
