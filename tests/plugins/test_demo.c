#include "loopback.h"
#include "test.h"

#include <reef/components.h>
#include <reef/demo.h>
#include <reef/query.h>

static reef_app_t *start(const char *entities)
{
    const char *const argv[] = {"test", "--set", entities};
    reef_app_t *app = loopback_app_create(3, argv);

    assert_int_equal(reef_app_add_plugin(app, &reef_demo_plugin, NULL, NULL), REEF_OK);
    loopback_app_start(app);
    return app;
}

static void test_demo_spawns_named_moving_entities(void **state)
{
    reef_app_t *app = start("demo.entities=50");
    reef_world_t *world = reef_app_world(app);
    reef_entity_t entity = reef_world_next_entity(world, 0);
    position_2d_t before;

    (void)state;
    assert_int_equal(reef_world_entity_count(world), 50);
    assert_string_equal(REEF_FIND(world, entity, name)->value, "Turtle 1");
    before = *REEF_FIND(world, entity, position_2d);
    reef_app_step(app, 1);
    assert_true(REEF_FIND(world, entity, position_2d)->x != before.x);
    reef_app_destroy(app);
}

static void test_demo_creatures_stay_within_reach(void **state)
{
    reef_app_t *app = start("demo.entities=50");
    reef_world_t *world = reef_app_world(app);

    (void)state;
    reef_app_step(app, 5);
    reef_app_tick_n(app, 3000);
    for (reef_entity_t e = reef_world_next_entity(world, 0); e != 0;
         e = reef_world_next_entity(world, reef_entity_index(e))) {
        const position_2d_t *position = REEF_FIND(world, e, position_2d);

        assert_true(position->x > -101 && position->x < 101);
        assert_true(position->y > -101 && position->y < 101);
    }
    reef_app_destroy(app);
}

static void test_demo_off_leaves_the_world_empty(void **state)
{
    reef_app_t *app = start("demo.entities=0");

    (void)state;
    reef_app_tick_n(app, 2);
    assert_int_equal(reef_world_entity_count(reef_app_world(app)), 0);
    reef_app_destroy(app);
}

static void test_demo_same_ticks_give_the_same_world(void **state)
{
    uint64_t hash[2];

    (void)state;
    for (int i = 0; i < 2; i++) {
        reef_app_t *app = start("demo.entities=20");

        reef_app_tick_n(app, 500);
        hash[i] = reef_world_persistent_hash(reef_app_world(app));
        reef_app_destroy(app);
    }
    assert_int_equal(hash[0], hash[1]);
}

static void test_demo_spawns_no_more_once_the_world_has_had_its_creatures(void **state)
{
    reef_app_t *app = start("demo.entities=3");

    (void)state;
    reef_app_tick_n(app, 2);
    reef_schedule_run(reef_app_find_schedule(app, REEF_STARTUP));
    reef_app_tick_n(app, 2);

    assert_int_equal(reef_world_entity_count(reef_app_world(app)), 3);
    reef_app_destroy(app);
}

static void test_demo_creature_beyond_the_edge_swims_back(void **state)
{
    reef_app_t *app = start("demo.entities=1");
    reef_world_t *world = reef_app_world(app);
    reef_entity_t entity = reef_world_next_entity(world, 0);
    position_2d_t *position = REEF_FIND_MUT(world, entity, position_2d);
    velocity_2d_t *velocity = REEF_FIND_MUT(world, entity, velocity_2d);

    (void)state;
    *position = (position_2d_t){.x = 150, .y = -150};
    *velocity = (velocity_2d_t){.x = 6, .y = -6};
    reef_app_tick_n(app, 10);

    assert_true(REEF_FIND(world, entity, velocity_2d)->x == -6); /* turned once */
    assert_true(REEF_FIND(world, entity, velocity_2d)->y == 6);
    assert_true(REEF_FIND(world, entity, position_2d)->x < 150);
    assert_true(REEF_FIND(world, entity, position_2d)->y > -150);
    reef_app_destroy(app);
}

static void test_demo_off_still_knows_what_an_earlier_run_stored(void **state)
{
    reef_app_t *app = start("demo.entities=0");

    (void)state;
    assert_int_not_equal(
        reef_world_find_component(reef_app_world(app), reef_span_text("demo_creature")),
        REEF_NO_COMPONENT);
    reef_app_destroy(app);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_demo_spawns_named_moving_entities),
        cmocka_unit_test(test_demo_creatures_stay_within_reach),
        cmocka_unit_test(test_demo_off_leaves_the_world_empty),
        cmocka_unit_test(test_demo_same_ticks_give_the_same_world),
        cmocka_unit_test(test_demo_spawns_no_more_once_the_world_has_had_its_creatures),
        cmocka_unit_test(test_demo_creature_beyond_the_edge_swims_back),
        cmocka_unit_test(test_demo_off_still_knows_what_an_earlier_run_stored),
    };

    return cmocka_run_group_tests_name("demo", tests, NULL, NULL);
}
