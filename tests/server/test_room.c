#include "loopback.h"
#include "test.h"

#include <reef/room.h>
#include <reef/session.h>

typedef struct fixture {
    reef_app_t *app;
    reef_world_t *world;
    loopback_peer_t peer;
    reef_entity_t client;
} fixture_t;

static int setup(void **state)
{
    fixture_t *fixture = calloc(1, sizeof(*fixture));

    fixture->app = loopback_app_create(0, NULL);
    fixture->world = reef_app_world(fixture->app);
    loopback_app_start(fixture->app);
    loopback_connect(fixture->app, &fixture->peer);
    reef_app_step(fixture->app, 0);
    fixture->client = reef_session_find(fixture->app, 1);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    fixture_t *fixture = *state;

    reef_app_destroy(fixture->app);
    free(fixture);
    return 0;
}

static void expect_everyone(const fixture_t *fixture)
{
    assert_int_equal(reef_room_audience(fixture->app, fixture->client),
                     reef_group_everyone(fixture->app));
}

static void test_room_audience_is_everybody_without_a_room(void **state)
{
    fixture_t *fixture = *state;
    reef_entity_t no_room = reef_world_spawn(fixture->world, REEF_RANGE_WORLD);

    expect_everyone(fixture); /* no such component is known yet */
    assert_true(REEF_RELATE(fixture->world, fixture->client, in_room, no_room));
    expect_everyone(fixture);
    assert_int_equal(reef_room_audience(fixture->app, 0),
                     reef_group_everyone(fixture->app));
}

static void test_room_audience_is_the_group_of_the_room(void **state)
{
    fixture_t *fixture = *state;
    reef_entity_t room = reef_world_spawn(fixture->world, REEF_RANGE_WORLD);
    reef_group_t group = reef_group_create(fixture->app);

    REEF_ADD(fixture->world, room, room_channel, .name = "a", .group = group);
    assert_true(REEF_RELATE(fixture->world, fixture->client, in_room, room));
    assert_int_equal(reef_room_audience(fixture->app, fixture->client), group);
}

static void test_room_that_goes_takes_nobody_along(void **state)
{
    fixture_t *fixture = *state;
    reef_entity_t room = reef_world_spawn(fixture->world, REEF_RANGE_WORLD);

    REEF_ADD(fixture->world, room, room_channel, .name = "a", .group = 5);
    assert_true(REEF_RELATE(fixture->world, fixture->client, in_room, room));
    assert_true(reef_world_despawn(fixture->world, room));

    assert_true(reef_world_is_alive(fixture->world, fixture->client));
    assert_int_equal(REEF_TARGET(fixture->world, fixture->client, in_room), 0);
    expect_everyone(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_room_audience_is_everybody_without_a_room),
        TEST(test_room_audience_is_the_group_of_the_room),
        TEST(test_room_that_goes_takes_nobody_along),
    };

    return cmocka_run_group_tests_name("room", tests, NULL, NULL);
}
