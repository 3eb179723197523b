#include "ecs_fixture.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

static void test_world_component_goes_by_name(void **state)
{
    reef_type_t twin = place_type;
    reef_component_t id = ID(*state, place);

    assert_int_equal(reef_world_component(*state, &twin), id);
    assert_int_equal(reef_world_find_component(*state, reef_span_text("place")), id);
    assert_int_equal(reef_world_find_component(*state, reef_span_text("none")),
                     REEF_NO_COMPONENT);
    assert_ptr_equal(reef_world_component_type(*state, id), &place_type);
    assert_int_equal(reef_world_component_count(*state), 1);
}

static void test_world_component_survives_collisions_in_its_cache(void **state)
{
    static reef_type_t types[REEF_MAX_COMPONENTS];
    static char names[REEF_MAX_COMPONENTS][8];

    for (uint32_t i = 0; i < REEF_MAX_COMPONENTS; i++) {
        snprintf(names[i], sizeof(names[i]), "t%u", i);
        types[i] = (reef_type_t){.name = names[i], .alignment = 1};
        assert_int_equal(reef_world_component(*state, &types[i]), i);
    }
    for (uint32_t i = 0; i < REEF_MAX_COMPONENTS; i++) {
        assert_int_equal(reef_world_component(*state, &types[i]), i);
    }
}

static void test_world_spawn_makes_an_entity_without_components(void **state)
{
    reef_entity_t entity = spawn(*state);
    uint32_t count = 9;

    assert_true(reef_world_is_alive(*state, entity));
    assert_int_equal(reef_world_entity_count(*state), 1);
    reef_world_components_of(*state, entity, &count);
    assert_int_equal(count, 0);
}

static void test_world_despawn_ends_an_entity_once(void **state)
{
    reef_entity_t entity = spawn(*state);

    assert_true(reef_world_despawn(*state, entity));
    assert_false(reef_world_is_alive(*state, entity));
    assert_false(reef_world_despawn(*state, entity));
    assert_int_equal(reef_world_stale_count(*state), 1);
}

static void test_world_ranges_do_not_share_indices(void **state)
{
    reef_entity_t entity = reef_world_spawn(*state, REEF_RANGE_SESSION);

    assert_int_equal(reef_entity_range(entity), REEF_RANGE_SESSION);
    assert_int_equal(reef_entity_index(spawn(*state)), 1);
    assert_int_equal(reef_world_entity_count(*state), 2);
}

static void test_world_next_entity_walks_both_ranges_in_order(void **state)
{
    reef_entity_t session = reef_world_spawn(*state, REEF_RANGE_SESSION);
    reef_entity_t first = spawn(*state);
    reef_entity_t gone = spawn(*state);
    reef_entity_t last = spawn(*state);

    reef_world_despawn(*state, gone);

    assert_int_equal(reef_world_next_entity(*state, 0), first);
    assert_int_equal(reef_world_next_entity(*state, reef_entity_index(first)), last);
    assert_int_equal(reef_world_next_entity(*state, reef_entity_index(last)), session);
    assert_int_equal(reef_world_next_entity(*state, reef_entity_index(session)), 0);
    assert_int_equal(reef_world_next_entity(*state, UINT32_MAX), 0);
}

static void test_world_add_keeps_the_other_components(void **state)
{
    reef_entity_t entity = spawn(*state);
    uint32_t count;

    REEF_ADD(*state, entity, speed, .x = 3);
    REEF_ADD(*state, entity, place, .x = 1, .y = 2);
    reef_world_add(*state, entity, ID(*state, hidden), NULL);

    assert_float_equal(REEF_FIND(*state, entity, speed)->x, 3, 0);
    assert_float_equal(REEF_FIND(*state, entity, place)->y, 2, 0);
    assert_true(reef_world_has(*state, entity, ID(*state, hidden)));
    assert_int_equal(reef_world_components_of(*state, entity, &count)[0],
                     ID(*state, speed));
    assert_int_equal(count, 3);
}

static void test_world_add_without_value_gives_the_initial_one(void **state)
{
    reef_entity_t entity = spawn(*state);

    reef_world_add(*state, entity, ID(*state, place), NULL);

    assert_float_equal(REEF_FIND(*state, entity, place)->x, 0, 0);
    assert_float_equal(REEF_FIND(*state, entity, place)->y, 7, 0);
}

static void test_world_add_to_the_dead_is_counted(void **state)
{
    assert_false(reef_world_add(*state, 77, ID(*state, place), NULL));
    assert_false(reef_world_set(*state, 77, ID(*state, place), &(place_t){0}));
    assert_false(reef_world_remove(*state, 77, ID(*state, place)));
    assert_int_equal(reef_world_stale_count(*state), 3);
    assert_null(reef_world_find(*state, 77, ID(*state, place)));
    assert_null(reef_world_find_mut(*state, 77, ID(*state, place)));
}

static void test_world_add_takes_a_value_that_lies_in_the_world(void **state)
{
    reef_component_t id = ID(*state, place);
    reef_entity_t first = spawn(*state);

    REEF_ADD(*state, first, place, .x = 5);
    for (uint32_t i = 0; i < 5000; i++) {
        reef_entity_t next = spawn(*state);

        reef_world_add(*state, next, id, reef_world_find(*state, first, id));
        assert_float_equal(REEF_FIND(*state, next, place)->x, 5, 0);
    }
}

static void test_world_remove_takes_only_what_is_there(void **state)
{
    reef_entity_t entity = spawn(*state);

    REEF_ADD(*state, entity, place, .x = 1);
    REEF_ADD(*state, entity, speed, .x = 2);

    assert_true(reef_world_remove(*state, entity, ID(*state, place)));
    assert_false(reef_world_remove(*state, entity, ID(*state, place)));
    assert_int_equal(reef_world_stale_count(*state), 0);
    assert_null(REEF_FIND(*state, entity, place));
    assert_float_equal(REEF_FIND(*state, entity, speed)->x, 2, 0);
}

static void test_world_set_needs_the_component(void **state)
{
    reef_entity_t entity = spawn(*state);
    place_t value = {.x = 4};

    assert_false(reef_world_set(*state, entity, ID(*state, place), &value));
    REEF_ADD(*state, entity, place, .x = 1);
    assert_true(reef_world_set(*state, entity, ID(*state, place), &value));
    assert_float_equal(REEF_FIND(*state, entity, place)->x, 4, 0);
}

static void test_world_despawn_keeps_the_row_that_fills_the_hole(void **state)
{
    reef_entity_t ids[3];

    for (uint32_t i = 0; i < 3; i++) {
        ids[i] = spawn(*state);
        REEF_ADD(*state, ids[i], place, .x = (float)i);
    }
    reef_world_despawn(*state, ids[0]);

    assert_float_equal(REEF_FIND(*state, ids[1], place)->x, 1, 0);
    assert_float_equal(REEF_FIND(*state, ids[2], place)->x, 2, 0);
}

static void test_world_drops_what_a_component_owns_once(void **state)
{
    uint32_t dropped = 0;
    reef_entity_t entity = spawn(*state);

    REEF_ADD(*state, entity, handle, .dropped = &dropped);
    REEF_ADD(*state, entity, place, .x = 1); /* moves: drops nothing */
    assert_int_equal(dropped, 0);
    REEF_ADD(*state, entity, handle, .dropped = &dropped);
    assert_int_equal(dropped, 1);
    reef_world_remove(*state, entity, ID(*state, handle));
    assert_int_equal(dropped, 2);
    REEF_ADD(*state, entity, handle, .dropped = &dropped);
    reef_world_despawn(*state, entity);
    assert_int_equal(dropped, 3);
}

static void test_world_destroy_drops_components_and_resources(void **state)
{
    uint32_t dropped = 0;
    reef_world_t *world = reef_world_create(&(reef_world_desc_t){0});

    (void)state;
    for (uint32_t i = 0; i < 10; i++) {
        REEF_ADD(world, spawn(world), handle, .dropped = &dropped);
    }
    REEF_RESOURCE(world, handle)->dropped = &dropped;
    reef_world_destroy(world);

    assert_int_equal(dropped, 11);
    reef_world_destroy(NULL);
}

static void test_world_set_to_its_own_value_drops_nothing(void **state)
{
    uint32_t dropped = 0;
    reef_entity_t entity = spawn(*state);
    reef_component_t id = ID(*state, handle);

    REEF_ADD(*state, entity, handle, .dropped = &dropped);
    reef_world_set(*state, entity, id, reef_world_find(*state, entity, id));

    assert_int_equal(dropped, 0);
    reef_world_despawn(*state, entity);
    assert_int_equal(dropped, 1);
}

static void test_world_resource_is_made_once_and_stays_put(void **state)
{
    reef_type_t twin = place_type;
    place_t *place = REEF_RESOURCE(*state, place);

    assert_float_equal(place->y, 7, 0);
    REEF_RESOURCE(*state, speed)->x = 3;
    REEF_RESOURCE(*state, mood)->value = 3;

    assert_ptr_equal(reef_world_resource(*state, &twin), place);
    assert_int_equal(reef_world_resource_count(*state), 3);
    assert_ptr_equal(reef_world_resource_type(*state, 1), &speed_type);
    assert_ptr_equal(reef_world_resource_value(*state, 0), place);
}

static void test_world_spawn_rows_fills_columns_in_any_order(void **state)
{
    enum {
        COUNT = 20000
    };
    static speed_t speeds[COUNT];
    static reef_entity_t ids[COUNT];
    reef_component_t place = ID(*state, place);
    reef_component_t components[] = {ID(*state, speed), ID(*state, hidden), place};

    for (uint32_t i = 0; i < COUNT; i++) {
        speeds[i].x = (float)i;
    }
    reef_world_spawn_rows(
        *state,
        &(reef_rows_desc_t){.range = REEF_RANGE_SESSION,
                            .count = COUNT,
                            .components = components,
                            .component_count = 3,
                            .columns = (const void *[]){speeds, NULL, NULL}},
        ids);

    assert_int_equal(reef_world_entity_count(*state), COUNT);
    for (uint32_t i = 0; i < COUNT; i += 777) {
        assert_float_equal(REEF_FIND(*state, ids[i], speed)->x, i, 0);
        assert_float_equal(REEF_FIND(*state, ids[i], place)->y, 7, 0);
        assert_true(reef_world_has(*state, ids[i], ID(*state, hidden)));
        assert_int_equal(reef_entity_range(ids[i]), REEF_RANGE_SESSION);
    }
}

static void test_world_version_starts_at_1_and_grows(void **state)
{
    assert_int_equal(reef_world_version(*state), 1);
    assert_int_equal(reef_world_advance_version(*state), 2);
    assert_int_equal(reef_world_version(*state), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_world_component_goes_by_name),
        TEST(test_world_component_survives_collisions_in_its_cache),
        TEST(test_world_spawn_makes_an_entity_without_components),
        TEST(test_world_despawn_ends_an_entity_once),
        TEST(test_world_ranges_do_not_share_indices),
        TEST(test_world_next_entity_walks_both_ranges_in_order),
        TEST(test_world_add_keeps_the_other_components),
        TEST(test_world_add_without_value_gives_the_initial_one),
        TEST(test_world_add_to_the_dead_is_counted),
        TEST(test_world_add_takes_a_value_that_lies_in_the_world),
        TEST(test_world_remove_takes_only_what_is_there),
        TEST(test_world_set_needs_the_component),
        TEST(test_world_despawn_keeps_the_row_that_fills_the_hole),
        TEST(test_world_drops_what_a_component_owns_once),
        TEST(test_world_destroy_drops_components_and_resources),
        TEST(test_world_set_to_its_own_value_drops_nothing),
        TEST(test_world_resource_is_made_once_and_stays_put),
        TEST(test_world_spawn_rows_fills_columns_in_any_order),
        TEST(test_world_version_starts_at_1_and_grows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
