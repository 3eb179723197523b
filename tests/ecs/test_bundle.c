#include "ecs_fixture.h"
#include "test.h"

#include <reef/bundle.h>
#include <reef/command.h>
#include <reef/table.h>

static reef_bundle_t *create(reef_world_t *world)
{
    return reef_bundle_create(world, REEF_TYPES(speed, hidden, place));
}

static void test_bundle_spawns_values_in_the_order_of_its_types(void **state)
{
    reef_bundle_t *bundle = create(*state);
    reef_entity_t entity = reef_bundle_spawn(
        bundle, REEF_RANGE_WORLD,
        (const void *[]){&(speed_t){.x = 1}, NULL, &(place_t){.x = 2}});

    assert_float_equal(REEF_FIND(*state, entity, speed)->x, 1, 0);
    assert_float_equal(REEF_FIND(*state, entity, place)->x, 2, 0);
    assert_true(reef_world_has(*state, entity, ID(*state, hidden)));
    reef_bundle_destroy(bundle);
}

static void test_bundle_gives_initial_values_where_none_are_given(void **state)
{
    reef_bundle_t *bundle = create(*state);
    reef_entity_t none = reef_bundle_spawn(bundle, REEF_RANGE_SESSION, NULL);
    reef_entity_t some = reef_bundle_spawn(
        bundle, REEF_RANGE_WORLD, (const void *[]){&(speed_t){.x = 1}, NULL, NULL});

    assert_int_equal(reef_entity_range(none), REEF_RANGE_SESSION);
    assert_float_equal(REEF_FIND(*state, none, place)->y, 7, 0);
    assert_float_equal(REEF_FIND(*state, some, place)->y, 7, 0);
    assert_float_equal(REEF_FIND(*state, some, speed)->x, 1, 0);
    reef_bundle_destroy(bundle);
}

static void test_bundle_spawns_many_rows(void **state)
{
    enum {
        COUNT = 3000
    };
    static place_t places[COUNT];
    static reef_entity_t ids[COUNT];
    reef_bundle_t *bundle = create(*state);

    for (int i = 0; i < COUNT; i++) {
        places[i].x = (float)i;
    }
    reef_bundle_spawn_rows(bundle, REEF_RANGE_WORLD, COUNT,
                           (const void *[]){NULL, NULL, places}, ids);
    reef_bundle_spawn_rows(bundle, REEF_RANGE_WORLD, 0, NULL, NULL);

    for (int i = 0; i < COUNT; i++) {
        assert_float_equal(REEF_FIND(*state, ids[i], place)->x, i, 0);
    }
    assert_int_equal(reef_world_entity_count(*state), COUNT);
    reef_bundle_destroy(bundle);
}

static void test_bundle_takes_a_value_out_of_the_table_that_grows(void **state)
{
    reef_bundle_t *bundle = create(*state);
    reef_entity_t entity = reef_bundle_spawn(
        bundle, REEF_RANGE_WORLD,
        (const void *[]){&(speed_t){.x = 5}, NULL, &(place_t){.x = 6}});

    for (int i = 0; i < 100000; i++) {
        entity =
            reef_bundle_spawn(bundle, REEF_RANGE_WORLD,
                              (const void *[]){REEF_FIND(*state, entity, speed), NULL,
                                               REEF_FIND(*state, entity, place)});
    }

    assert_float_equal(REEF_FIND(*state, entity, speed)->x, 5, 0);
    assert_float_equal(REEF_FIND(*state, entity, place)->x, 6, 0);
    reef_bundle_destroy(bundle);
}

static void test_bundle_as_a_command_spawns_once_applied(void **state)
{
    static uint32_t dropped; /* also by the teardown */
    reef_bundle_t *bundle = reef_bundle_create(*state, REEF_TYPES(handle, place));
    reef_commands_t *commands = reef_commands_create(*state);
    const void *values[] = {&(handle_t){&dropped}, &(place_t){.x = 4}};
    reef_entity_t kept =
        reef_commands_spawn_bundle(commands, bundle, REEF_RANGE_WORLD, values);
    reef_entity_t gone =
        reef_commands_spawn_bundle(commands, bundle, REEF_RANGE_WORLD, values);

    reef_commands_add(commands, kept, &speed_type, &(speed_t){.x = 9});
    reef_commands_despawn(commands, gone);
    reef_commands_apply(commands);

    assert_float_equal(REEF_FIND(*state, kept, place)->x, 4, 0);
    assert_float_equal(REEF_FIND(*state, kept, speed)->x, 9, 0);
    assert_false(reef_world_is_alive(*state, gone));
    assert_int_equal(dropped, 1);
    (void)reef_commands_spawn_bundle(commands, bundle, REEF_RANGE_WORLD, values);
    reef_commands_destroy(commands);
    assert_int_equal(dropped, 2);
    reef_bundle_destroy(bundle);
}

static void test_bundle_keeps_its_table_when_the_world_is_trimmed(void **state)
{
    reef_bundle_t *bundle = create(*state);
    uint32_t before = reef_world_table_count(*state);
    reef_entity_t entity;

    reef_world_trim(*state);
    entity = reef_bundle_spawn(bundle, REEF_RANGE_WORLD, NULL);
    assert_true(reef_world_despawn(*state, entity));
    reef_world_trim(*state);
    assert_int_equal(reef_world_table_count(*state), before);
    assert_true(
        reef_world_is_alive(*state, reef_bundle_spawn(bundle, REEF_RANGE_WORLD, NULL)));
    reef_bundle_destroy(bundle);
    reef_bundle_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_bundle_spawns_values_in_the_order_of_its_types),
        TEST(test_bundle_gives_initial_values_where_none_are_given),
        TEST(test_bundle_spawns_many_rows),
        TEST(test_bundle_takes_a_value_out_of_the_table_that_grows),
        TEST(test_bundle_as_a_command_spawns_once_applied),
        TEST(test_bundle_keeps_its_table_when_the_world_is_trimmed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
