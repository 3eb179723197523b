/* What clients hear of each other, and the application of all. */
#include "spatial_fixture.h"

#include <reef/event.h>

#include <inttypes.h>
#include <math.h>

static int setup(void **state)
{
    *state = start_with(NULL, 0);
    connect_all(*state);
    forget_all(*state);
    return 0;
}

static void test_spatial_greets_a_new_client_first(void **state)
{
    fixture_t *f = *state;
    loopback_peer_t late;

    loopback_connect(f->app, &late);
    loopback_say(&late, "/move 1 2");
    reef_app_step(f->app, 1);
    assert_string_equal(late.received, "hello 5\npos 5 1 2\n");
}

static void test_spatial_mover_hears_its_accepted_position(void **state)
{
    say(*state, 1, "/move 1.5 -2.25");
    assert_string_equal(heard(*state, 1), "pos 1 1.5 -2.25\n");
    say(*state, 1, "/move   +3.10   4e1 ");
    assert_string_equal(heard(*state, 1), "pos 1 3.1 40\n");
}

static void test_spatial_client_is_not_in_space_before_its_first_move(void **state)
{
    say(*state, 1, "/move 0 0");
    assert_string_equal(heard(*state, 2), "");
    say(*state, 2, "/move 3 4");
    assert_string_equal(heard(*state, 1), "pos 2 3 4\n");
    assert_string_equal(heard(*state, 2), "pos 2 3 4\npos 1 0 0\n");
    assert_string_equal(heard(*state, 3), "");
}

static void test_spatial_tells_those_in_range_when_a_position_changed(void **state)
{
    say(*state, 1, "/move 0 0");
    say(*state, 2, "/move 100 0"); /* just in range */
    say(*state, 3, "/move 0 100.0625");
    assert_string_equal(heard(*state, 1), "");
    say(*state, 2, "/move 99 0");
    assert_string_equal(heard(*state, 1), "pos 2 99 0\n");
    assert_string_equal(heard(*state, 2), "pos 2 99 0\n");
    assert_string_equal(heard(*state, 3), "");
    tick(*state); /* nothing moves, nothing is said */
    for (int i = 1; i <= PEERS; i++) {
        assert_string_equal(heard(*state, i), "");
    }
}

static void test_spatial_unchanged_move_is_told_to_the_mover_only(void **state)
{
    say(*state, 1, "/move 0 0");
    say(*state, 2, "/move 1 0");
    say(*state, 2, "/move 1 0");
    assert_string_equal(heard(*state, 1), "");
    assert_string_equal(heard(*state, 2), "pos 2 1 0\n");
}

static void test_spatial_leave_radius_is_larger(void **state)
{
    say(*state, 1, "/move 0 0");
    say(*state, 2, "/move 100 0");
    say(*state, 2, "/move 110 0");
    assert_string_equal(heard(*state, 1), "pos 2 110 0\n");
    say(*state, 2, "/move 110.0625 0");
    assert_string_equal(heard(*state, 1), "gone 2\n");
    assert_string_equal(heard(*state, 2), "gone 1\npos 2 110.0625 0\n");
    say(*state, 2, "/move 105 0"); /* not back before it is within 100 */
    assert_string_equal(heard(*state, 1), "");
    say(*state, 2, "/move 100 0");
    assert_string_equal(heard(*state, 1), "pos 2 100 0\n");
    assert_string_equal(heard(*state, 2), "pos 2 100 0\npos 1 0 0\n");
}

static void test_spatial_disconnect_is_told(void **state)
{
    fixture_t *f = *state;

    say(f, 1, "/move 0 0");
    say(f, 2, "/move 1 1");
    loopback_disconnect(&f->peer[1]);
    tick(f);
    assert_string_equal(heard(f, 1), "gone 2\n");
    tick(f);
    assert_string_equal(heard(f, 1), "");
}

/* Of every length that is copied differently, to one who sees them come. */
static void test_spatial_long_positions_arrive_whole(void **state)
{
    enum {
        LONG = 16
    };
    fixture_t *f = *state;
    char expected[LONG + 1][80];
    size_t size = 0;

    for (int i = 0; i < LONG; i++) {
        uint64_t id = i % 2 == 0 ? UINT64_C(12345678901234567000) + (uint64_t)i
                                 : (uint64_t)i + 100;
        reef_entity_t entity = spawn_at(f, -1.1754944e-38f, -1.5f);

        REEF_FIND_MUT(reef_app_world(f->app), entity, spatial)->id = id;
        snprintf(expected[i], sizeof(expected[i]),
                 "pos %" PRIu64 " -1.1754944e-38 -1.5\n", id);
        if (i % 4 == 0) {
            REEF_FIND_MUT(reef_app_world(f->app), entity, position_2d)->y =
                -1.1754944e-38f;
            snprintf(expected[i], sizeof(expected[i]),
                     "pos %" PRIu64 " -1.1754944e-38 -1.1754944e-38\n", id);
        }
    }
    snprintf(expected[LONG], sizeof(expected[LONG]), "pos 1 1 1\n");
    tick(f);
    say(f, 1, "/move 1 1");
    for (int i = 0; i <= LONG; i++) {
        assert_non_null(strstr(heard(f, 1), expected[i]));
        size += strlen(expected[i]);
    }
    assert_int_equal(strlen(heard(f, 1)), size);
}

static void test_spatial_moves_of_one_update_are_one_message(void **state)
{
    fixture_t *f = *state;

    say(f, 1, "/move 0 0");
    loopback_say(&f->peer[1], "/move 500 0");
    loopback_say(&f->peer[1], "/move 1 0");
    say(f, 2, "/move 2 0");
    assert_string_equal(heard(f, 1), "pos 2 2 0\n");
    assert_string_equal(heard(f, 2), "pos 2 2 0\npos 1 0 0\n");
}

static void test_spatial_everything_to_one_is_flushed_once(void **state)
{
    fixture_t *f = *state;
    uint32_t flushes;

    say(f, 1, "/move 0 0");
    flushes = f->peer[0].flush_count;
    loopback_say(&f->peer[1], "/move 1 0");
    loopback_say(&f->peer[2], "/move 2 0");
    say(f, 4, "/move 3 0");
    assert_string_equal(heard(f, 1), "pos 2 1 0\npos 3 2 0\npos 4 3 0\n");
    assert_int_equal(f->peer[0].flush_count, flushes + 1);
}

static void test_spatial_refuses_what_is_no_position(void **state)
{
    static const char *const lines[][2] = {
        {"/move", "[Error] Usage: /move x y\n"},
        {"/move 1", "[Error] Usage: /move x y\n"},
        {"/move 1 2 3", "[Error] Usage: /move x y\n"},
        {"/move a b", "[Error] Usage: /move x y\n"},
        {"/move 0x10 1", "[Error] Usage: /move x y\n"},
        {"/move 1,5 2", "[Error] Usage: /move x y\n"},
        {"/move 1 2e", "[Error] Usage: /move x y\n"},
        {"/move . 2", "[Error] Usage: /move x y\n"},
        {"/move nan 1", "[Error] A position is made of finite numbers.\n"},
        {"/move 1 -inf", "[Error] A position is made of finite numbers.\n"},
        {"/move 1e39 1", "[Error] A position is made of finite numbers.\n"},
        {"/move 1e999999999999 1", "[Error] A position is made of finite numbers.\n"},
        {"/move 1 100001",
         "[Error] That is outside the world: y is between -100000 and 100000.\n"},
        {"/move -1e30 1",
         "[Error] That is outside the world: x is between -100000 and 100000.\n"},
    };

    say(*state, 2, "/move 0 0");
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        say(*state, 1, lines[i][0]);
        assert_string_equal(heard(*state, 1), lines[i][1]);
        assert_string_equal(heard(*state, 2), "");
    }
}

static void test_spatial_refused_move_leaves_the_mover_where_it_is(void **state)
{
    fixture_t *f = *state;
    reef_entity_t entity = reef_session_find(f->app, 1);

    say(f, 1, "/move 5 6");
    say(f, 1, "/move 7 nan");
    assert_true(REEF_FIND(reef_app_world(f->app), entity, position_2d)->x == 5);
}

/* Entities of the server -------------------------------------------------------------
 */

static void test_spatial_server_entity_gets_an_id_and_is_seen(void **state)
{
    fixture_t *f = *state;
    reef_world_t *world = reef_app_world(f->app);
    reef_entity_t fish;

    say(f, 1, "/move 0 0");
    fish = spawn_at(f, 10, 0);
    tick(f);
    assert_string_equal(heard(f, 1), "pos 5 10 0\n");
    assert_int_equal(REEF_FIND(world, fish, spatial)->id, 5);
    REEF_FIND_MUT(world, fish, position_2d)->x = 11;
    tick(f);
    assert_string_equal(heard(f, 1), "pos 5 11 0\n");
    reef_world_despawn(world, fish);
    tick(f);
    assert_string_equal(heard(f, 1), "gone 5\n");
}

static void test_spatial_server_entity_leaves_with_either_component(void **state)
{
    fixture_t *f = *state;
    reef_world_t *world = reef_app_world(f->app);
    reef_entity_t fish;

    say(f, 1, "/move 0 0");
    fish = spawn_at(f, 10, 0);
    tick(f);
    reef_world_remove(world, fish, reef_world_component(world, &spatial_type));
    tick(f);
    assert_string_equal(heard(f, 1), "gone 5\n");
    REEF_ADD(world, fish, spatial, .id = 5); /* it may have its id back */
    tick(f);
    assert_string_equal(heard(f, 1), "pos 5 10 0\n");
    reef_world_remove(world, fish, reef_world_component(world, &position_2d_type));
    tick(f);
    assert_string_equal(heard(f, 1), "gone 5\n");
}

static void test_spatial_position_that_is_none_is_not_in_space(void **state)
{
    fixture_t *f = *state;
    reef_world_t *world = reef_app_world(f->app);
    reef_entity_t fish;

    say(f, 1, "/move 0 0");
    fish = spawn_at(f, 10, 0);
    tick(f);
    REEF_FIND_MUT(world, fish, position_2d)->x = NAN;
    tick(f);
    assert_string_equal(heard(f, 1), "gone 5\n");
    REEF_FIND_MUT(world, fish, position_2d)->x = 1e30f;
    tick(f);
    assert_string_equal(heard(f, 1), "");
    REEF_FIND_MUT(world, fish, position_2d)->x = 12;
    tick(f);
    assert_string_equal(heard(f, 1), "pos 5 12 0\n");
}

static void test_spatial_client_whose_position_is_taken_sees_nothing(void **state)
{
    fixture_t *f = *state;
    reef_world_t *world = reef_app_world(f->app);

    say(f, 1, "/move 0 0");
    say(f, 2, "/move 1 0");
    reef_world_remove(world, reef_session_find(f->app, 1),
                      reef_world_component(world, &position_2d_type));
    tick(f);
    assert_string_equal(heard(f, 1), "gone 2\n");
    assert_string_equal(heard(f, 2), "gone 1\n");
    say(f, 1, "/move 2 0");
    assert_string_equal(heard(f, 1), "pos 1 2 0\npos 2 1 0\n");
}

static void test_spatial_client_moved_by_the_server_hears_it(void **state)
{
    fixture_t *f = *state;

    say(f, 1, "/move 0 0");
    say(f, 2, "/move 1 0");
    REEF_FIND_MUT(reef_app_world(f->app), reef_session_find(f->app, 1), position_2d)
        ->y = 8;
    tick(f);
    assert_string_equal(heard(f, 1), "pos 1 0 8\n");
    assert_string_equal(heard(f, 2), "pos 1 0 8\n");
}

/* Events and list
 * ---------------------------------------------------------------------- */

static void test_spatial_events_tell_the_application(void **state)
{
    fixture_t *f = *state;
    reef_world_t *world = reef_app_world(f->app);
    reef_event_reader_t *moved =
        reef_event_reader_create(reef_world_events(world, &client_moved_event));
    reef_event_reader_t *zones =
        reef_event_reader_create(reef_world_events(world, &client_zone_changed_event));
    reef_event_reader_t *entered =
        reef_event_reader_create(reef_world_events(world, &aoi_entered_event));
    reef_event_reader_t *left =
        reef_event_reader_create(reef_world_events(world, &aoi_left_event));
    const client_moved_t *move;
    const client_zone_changed_t *zone;
    const aoi_entered_t *come;
    const aoi_left_t *go;

    say(f, 1, "/move 49 -1");
    say(f, 2, "/move 50 0");
    say(f, 2, "/move 500 0");
    move = reef_event_next(moved);
    assert_true(move->id == 1 && move->x == 49 && move->y == -1 && move->is_client);
    zone = reef_event_next(zones);
    assert_true(zone->id == 1 && zone->to[0] == 0 && zone->to[1] == -1);
    zone = reef_event_next(zones);
    assert_true(zone->id == 2 && zone->from[0] == 1 && zone->to[0] == 1);
    zone = reef_event_next(zones);
    assert_true(zone->id == 2 && zone->from[0] == 1 && zone->to[0] == 10);
    come = reef_event_next(entered);
    assert_true(come->observer_id == 2 && come->id == 1);
    come = reef_event_next(entered);
    assert_true(come->observer_id == 1 && come->id == 2);
    go = reef_event_next(left);
    assert_true(go->observer_id == 2 && go->id == 1);
    go = reef_event_next(left);
    assert_true(go->observer_id == 1 && go->entity == reef_session_find(f->app, 2));
    assert_null(reef_event_next(left));
    reef_event_reader_destroy(moved);
    reef_event_reader_destroy(zones);
    reef_event_reader_destroy(entered);
    reef_event_reader_destroy(left);
}

static void test_spatial_list_shows_cells_and_who_is_in_them(void **state)
{
    fixture_t *f = *state;
    const reef_list_desc_t *list =
        reef_app_find_list(f->app, reef_span_text("spatial"));
    struct {
        char cell[40];
        uint32_t entities;
    } row = {0};
    const reef_entity_t *members;
    uint32_t count;

    assert_int_equal(list->count(list->context), 0);
    say(f, 1, "/move -1 60");
    say(f, 2, "/move -2 61");
    say(f, 3, "/move 500 500");
    assert_int_equal(list->count(list->context), 2);
    assert_int_equal(list->row->size, sizeof(row));
    list->get(list->context, 0, &row);
    assert_string_equal(row.cell, "-1 1");
    assert_int_equal(row.entities, 2);
    members = list->members(list->context, 0, &count);
    assert_int_equal(count, 2);
    assert_true(members[0] == reef_session_find(f->app, 1));
}

/* Modes
 * -------------------------------------------------------------------------------- */

static int setup_flat(void **state)
{
    static const char *const settings[] = {"--set", "spatial.mode=3d_flat"};

    *state = start_with(settings, 2);
    connect_all(*state);
    return 0;
}

static int setup_deep(void **state)
{
    static const char *const settings[] = {"--set", "spatial.mode=3d"};

    *state = start_with(settings, 2);
    connect_all(*state);
    return 0;
}

static void test_spatial_flat_range_is_on_x_and_z(void **state)
{
    say(*state, 1, "/move 0 0 0");
    assert_string_equal(heard(*state, 1), "pos 1 0 0 0\n");
    say(*state, 2, "/move 60 9000 80");
    assert_string_equal(heard(*state, 1), "pos 2 60 9000 80\n");
    say(*state, 3, "/move 0 0 101");
    assert_string_equal(heard(*state, 1), "");
    say(*state, 2, "/move 60 -9000 80"); /* only y */
    assert_string_equal(heard(*state, 1), "pos 2 60 -9000 80\n");
    say(*state, 2, "/move 1 2");
    assert_string_equal(heard(*state, 2), "[Error] Usage: /move x y z\n");
}

static void test_spatial_deep_range_is_on_all_axes(void **state)
{
    say(*state, 1, "/move 0 0 0");
    say(*state, 2, "/move 48 64 60");
    assert_string_equal(heard(*state, 1), "pos 2 48 64 60\n");
    say(*state, 3, "/move 60 80 10");
    assert_string_equal(heard(*state, 1), "");
    say(*state, 3, "/move 60 80 0");
    assert_string_equal(heard(*state, 1), "pos 3 60 80 0\n");
}

#define FLAT_TEST(name) cmocka_unit_test_setup_teardown(name, setup_flat, teardown)
#define DEEP_TEST(name) cmocka_unit_test_setup_teardown(name, setup_deep, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_spatial_greets_a_new_client_first),
        TEST(test_spatial_mover_hears_its_accepted_position),
        TEST(test_spatial_client_is_not_in_space_before_its_first_move),
        TEST(test_spatial_tells_those_in_range_when_a_position_changed),
        TEST(test_spatial_unchanged_move_is_told_to_the_mover_only),
        TEST(test_spatial_leave_radius_is_larger),
        TEST(test_spatial_disconnect_is_told),
        TEST(test_spatial_long_positions_arrive_whole),
        TEST(test_spatial_moves_of_one_update_are_one_message),
        TEST(test_spatial_everything_to_one_is_flushed_once),
        TEST(test_spatial_refuses_what_is_no_position),
        TEST(test_spatial_refused_move_leaves_the_mover_where_it_is),
        TEST(test_spatial_server_entity_gets_an_id_and_is_seen),
        TEST(test_spatial_server_entity_leaves_with_either_component),
        TEST(test_spatial_position_that_is_none_is_not_in_space),
        TEST(test_spatial_client_whose_position_is_taken_sees_nothing),
        TEST(test_spatial_client_moved_by_the_server_hears_it),
        TEST(test_spatial_events_tell_the_application),
        TEST(test_spatial_list_shows_cells_and_who_is_in_them),
        FLAT_TEST(test_spatial_flat_range_is_on_x_and_z),
        DEEP_TEST(test_spatial_deep_range_is_on_all_axes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
