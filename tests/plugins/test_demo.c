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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_demo_spawns_named_moving_entities),
        cmocka_unit_test(test_demo_creatures_stay_within_reach),
        cmocka_unit_test(test_demo_off_leaves_the_world_empty),
        cmocka_unit_test(test_demo_same_ticks_give_the_same_world),
    };

    return cmocka_run_group_tests_name("demo", tests, NULL, NULL);
}
