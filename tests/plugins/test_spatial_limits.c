/* Limits of the plugin `spatial`: bytes, speed, room; and its typed messages. */
#include "spatial_fixture.h"

#include <reef/metrics.h>
#include <reef/opcode.h>

enum {
    CROWD = 40,
    SECOND = 1000000000,
};

static int start(void **state, const char *const *settings, int count)
{
    *state = start_with(settings, count);
    connect_all(*state);
    forget_all(*state);
    return 0;
}

/* Bytes
 * -------------------------------------------------------------------------------- */

static int setup_bytes(void **state)
{
    static const char *const settings[] = {"--set", "spatial.max_update_bytes=256"};

    return start(state, settings, 2);
}

/* Entities of the server at x = 1 … CROWD, ids from PEERS + 1 on; not told of yet. */
static void spawn_crowd(fixture_t *f, reef_entity_t crowd[CROWD])
{
    for (int i = 0; i < CROWD; i++) {
        crowd[i] = spawn_at(f, (float)(i + 1), 0);
    }
}

static void move_crowd(fixture_t *f, const reef_entity_t crowd[CROWD], float y)
{
    for (int i = 0; i < CROWD; i++) {
        REEF_FIND_MUT(reef_app_world(f->app), crowd[i], position_2d)->y = y;
    }
}

/* Positions that client 1 has heard in this update, as marks by id. */
static int count_heard(const fixture_t *f, bool heard_of[PEERS + CROWD + 1])
{
    int count = 0;

    for (const char *at = heard(f, 1); *at != '\0'; at = strchr(at, '\n') + 1) {
        unsigned long id = strtoul(at + 4, NULL, 10);

        assert_memory_equal(at, "pos ", 4);
        assert_true(id <= PEERS + CROWD);
        heard_of[id] = true;
        count++;
    }
    return count;
}

static void test_spatial_sends_the_nearest_first_and_loses_nothing(void **state)
{
    fixture_t *f = *state;
    bool heard_of[PEERS + CROWD + 1] = {false};
    reef_entity_t crowd[CROWD];
    int count, updates = 0, all = 0;

    say(f, 1, "/move 0 0");
    spawn_crowd(f, crowd);
    do {
        tick(f);
        count = count_heard(f, heard_of);
        all += count;
        updates++;
        assert_true(f->peer[0].received_size <= 256);
        for (int i = 1; i <= all && updates <= 3; i++) {
            assert_true(heard_of[PEERS + i]); /* they stand in the order of their ids */
        }
    } while (all < CROWD && updates < 20);
    assert_int_equal(all, CROWD); /* each once */
    assert_true(updates >= 3);
    tick(f);
    assert_string_equal(heard(f, 1), "");
}

static void test_spatial_far_ones_are_heard_of_however_busy_it_is_nearby(void **state)
{
    fixture_t *f = *state;
    bool heard_of[PEERS + CROWD + 1] = {false};
    reef_entity_t crowd[CROWD];

    say(f, 1, "/move 0 0");
    spawn_crowd(f, crowd);
    for (int i = 0; i < 60; i++) {
        tick(f);
        (void)count_heard(f, heard_of);
        move_crowd(f, crowd, (float)(i % 7) + 1);
    }
    for (int i = 1; i <= CROWD; i++) {
        assert_true(heard_of[PEERS + i]);
    }
}

static void test_spatial_gone_that_do_not_fit_come_later(void **state)
{
    fixture_t *f = *state;
    reef_entity_t crowd[CROWD];
    size_t lines = 0;

    say(f, 1, "/move 0 0");
    spawn_crowd(f, crowd);
    for (int i = 0; i < 20; i++) {
        tick(f);
    }
    for (int i = 0; i < CROWD; i++) {
        reef_world_despawn(reef_app_world(f->app), crowd[i]);
    }
    for (int i = 0; i < 10; i++) {
        tick(f);
        assert_true(f->peer[0].received_size <= 256);
        for (const char *at = heard(f, 1); *at != '\0'; at = strchr(at, '\n') + 1) {
            assert_memory_equal(at, "gone ", 5);
            lines++;
        }
    }
    assert_int_equal(lines, CROWD);
}

static int setup_queue(void **state)
{
    static const char *const settings[] = {"--set", "spatial.max_queue_bytes=1024"};

    return start(state, settings, 2);
}

/* What the peer was sent counts as unsent until the test forgets it. */
static void test_spatial_client_that_does_not_read_gets_the_newest(void **state)
{
    fixture_t *f = *state;
    reef_world_t *world = reef_app_world(f->app);
    reef_entity_t fish, other;
    size_t stopped;

    say(f, 1, "/move 0 0");
    fish = spawn_at(f, 1, 0);
    other = spawn_at(f, 2, 0);
    tick(f);
    for (int i = 0; i < 500; i++) {
        REEF_FIND_MUT(world, fish, position_2d)->y = (float)(i % 50);
        reef_app_step(f->app, 1);
    }
    stopped = f->peer[0].received_size;
    assert_true(stopped > 1024 && stopped < 2048);
    reef_world_despawn(world, other);
    REEF_FIND_MUT(world, fish, position_2d)->y = 77;
    tick(f); /* now it has read */
    assert_string_equal(heard(f, 1), "gone 6\npos 5 1 77\n");
    tick(f);
    assert_string_equal(heard(f, 1), "");
}

static void test_spatial_client_that_does_not_read_costs_others_nothing(void **state)
{
    fixture_t *f = *state;

    say(f, 1, "/move 0 0");
    say(f, 2, "/move 1 0");
    for (int i = 0; i < 300; i++) { /* client 1 never reads */
        char text[32];

        snprintf(text, sizeof(text), "/move 1 %d", i % 20);
        loopback_forget(&f->peer[1]);
        loopback_say(&f->peer[1], text);
        reef_app_step(f->app, 1);
        assert_non_null(strstr(heard(f, 2), "pos 2 1 "));
    }
    assert_true(f->peer[0].received_size < 2048);
    loopback_disconnect(&f->peer[0]);
    tick(f);
    assert_string_equal(heard(f, 2), "gone 1\n");
}

/* Speed
 * -------------------------------------------------------------------------------- */

static int setup_speed(void **state)
{
    static const char *const settings[] = {"--set", "spatial.max_speed=10", "--set",
                                           "spatial.speed_slack_s=0.5"};

    return start(state, settings, 4);
}

#define TOO_FAST "[Error] That is too fast: at most 10 m/s.\n"

/* Say it that many milliseconds after the test began. */
static void say_at(fixture_t *f, uint64_t at_ms, const char *text)
{
    loopback_set_time_ns(2 * (uint64_t)SECOND + at_ms * 1000000);
    say(f, 1, text);
}

static void test_spatial_speed_is_distance_by_time(void **state)
{
    fixture_t *f = *state;

    say_at(f, 0, "/move 500 500"); /* the first is free */
    say_at(f, 1000, "/move 510 500");
    assert_string_equal(heard(f, 1), "pos 1 510 500\n");
    say_at(f, 2000, "/move 520.01 500");
    assert_string_equal(heard(f, 1), TOO_FAST);
    say_at(f, 2000, "/move 516 508"); /* 10 m */
    assert_string_equal(heard(f, 1), "pos 1 516 508\n");
    say_at(f, 2000, "/move 516.01 508");
    assert_string_equal(heard(f, 1), TOO_FAST);
    say_at(f, 12000, "/move 616 508"); /* it was not refused for what was refused */
    assert_string_equal(heard(f, 1), "pos 1 616 508\n");
}

static void test_spatial_speed_is_fair_to_moves_that_bunch_up(void **state)
{
    fixture_t *f = *state;

    say_at(f, 0, "/move 0 0");
    say_at(f, 1000, "/move 5 0"); /* half a second to spare */
    say_at(f, 1000, "/move 9.9 0");
    assert_string_equal(heard(f, 1), "pos 1 9.9 0\n");
    say_at(f, 60000, "/move 10 0"); /* of a minute it keeps half a second */
    say_at(f, 60000, "/move 16 0");
    assert_string_equal(heard(f, 1), TOO_FAST);
    say_at(f, 60000, "/move 15 0");
    assert_string_equal(heard(f, 1), "pos 1 15 0\n");
}

static void test_spatial_moves_of_one_frame_are_not_faster(void **state)
{
    fixture_t *f = *state;

    say_at(f, 0, "/move 0 0");
    loopback_set_time_ns(3 * (uint64_t)SECOND);
    forget_all(f);
    loopback_say(&f->peer[0], "/move 10 0");
    loopback_say(&f->peer[0], "/move 20 0");
    reef_app_step(f->app, 1);
    assert_string_equal(heard(f, 1), TOO_FAST "pos 1 10 0\n");
}

/* Room
 * --------------------------------------------------------------------------------- */

static int setup_room(void **state)
{
    static const char *const settings[] = {
        "--set", "spatial.max_entities=3", "--set", "spatial.max_nearby=2",
        "--set", "spatial.center_x=500",   "--set", "spatial.size_x=1000",
    };

    return start(state, settings, 8);
}

static void test_spatial_world_has_bounds_and_room(void **state)
{
    fixture_t *f = *state;

    say(f, 1, "/move -0.5 0");
    assert_string_equal(
        heard(f, 1), "[Error] That is outside the world: x is between 0 and 1000.\n");
    say(f, 1, "/move 0 0");
    say(f, 2, "/move 1000 0");
    assert_string_equal(heard(f, 2), "pos 2 1000 0\n");
    say(f, 3, "/move 500 0");
    say(f, 4, "/move 600 0");
    assert_string_equal(heard(f, 4), "[Error] The world is full.\n");
    loopback_disconnect(&f->peer[2]);
    tick(f);
    say(f, 4, "/move 600 0");
    assert_string_equal(heard(f, 4), "pos 4 600 0\n");
}

static void test_spatial_crowd_has_an_end(void **state)
{
    fixture_t *f = *state;

    say(f, 1, "/move 0 0");
    say(f, 2, "/move 1 0");
    say(f, 3, "/move 2 0");
    assert_string_equal(heard(f, 3), "[Error] There are too many near that place.\n");
    say(f, 3, "/move 500 0");
    assert_string_equal(heard(f, 3), "pos 3 500 0\n");
    say(f, 3, "/move 60 0");
    assert_string_equal(heard(f, 3), "[Error] There are too many near that place.\n");
    say(f, 2, "/move 4 0"); /* who is in it may move about */
    assert_string_equal(heard(f, 2), "pos 2 4 0\n");
}

/* All move to one place at once: the limit holds among commands of one frame. */
static void test_spatial_crowd_of_one_frame_has_an_end(void **state)
{
    fixture_t *f = *state;

    forget_all(f);
    for (int i = 0; i < 3; i++) {
        loopback_say(&f->peer[i], "/move 7 7");
    }
    reef_app_step(f->app, 1);
    assert_string_equal(heard(f, 3), "[Error] There are too many near that place.\n");
}

/* Typed
 * -------------------------------------------------------------------------------- */

static int setup_typed(void **state)
{
    fixture_t *f = start_with(NULL, 0);

    loopback_app_start(f->app);
    for (int i = 0; i < PEERS; i++) {
        loopback_request(f->app, &f->peer[i],
                         &(reef_link_desc_t){
                             .peer = reef_span_text("memory"),
                             .path = reef_span_text("/"),
                             .subprotocol = reef_span_text(i < 2 ? REEF_V1 : ""),
                         });
        reef_app_step(f->app, 0);
    }
    forget_all(f);
    *state = f;
    return 0;
}

static void say_typed(fixture_t *f, int number, float x, float y)
{
    struct {
        float x, y;
    } at = {x, y};
    reef_buffer_t *message =
        reef_opcode_encode(reef_opcode_find(f->app, "spatial.move"), &at, NULL, 0);

    reef_link_receive(f->app, f->peer[number - 1].link, REEF_PAYLOAD_BINARY,
                      reef_buffer_payload(message));
    reef_buffer_unref(message);
}

typedef struct item {
    uint64_t id;
    bool gone;
    float x, y;
} item_t;

enum {
    HEAD_SIZE = 3 + 8 + 2, /* opcode, tick, count */
    ITEM_SIZE = 8 + 1 + 4 + 4,
};

/* The one message `spatial.update` that a peer has heard.  Returns its items. */
static uint32_t read_update(const fixture_t *f, int number, item_t *items)
{
    const loopback_peer_t *peer = &f->peer[number - 1];
    const uint8_t *bytes = (const uint8_t *)peer->received;
    uint32_t count = bytes[11] | (uint32_t)bytes[12] << 8;
    uint16_t opcode = reef_opcode_number(reef_opcode_find(f->app, "spatial.update"));

    assert_int_equal(peer->received_size, HEAD_SIZE + count * ITEM_SIZE + 1);
    assert_int_equal(bytes[0], 0xf8);
    assert_int_equal(bytes[1] | bytes[2] << 8, opcode);
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *at = bytes + HEAD_SIZE + (size_t)i * ITEM_SIZE;

        memcpy(&items[i].id, at, 8);
        items[i].gone = at[8];
        memcpy(&items[i].x, at + 9, 4);
        memcpy(&items[i].y, at + 13, 4);
    }
    return count;
}

static void test_spatial_typed_update_is_one_message(void **state)
{
    fixture_t *f = *state;
    item_t items[8] = {{0}};

    say(f, 3, "/move 1 2");
    say(f, 4, "/move 3 4");
    forget_all(f);
    say_typed(f, 1, 0, 0);
    reef_app_step(f->app, 1);
    assert_int_equal(read_update(f, 1, items), 3);
    assert_true(items[0].id == 1 && !items[0].gone && items[0].x == 0);
    assert_true(items[1].id == 3 && items[1].x == 1 && items[1].y == 2);
    assert_true(items[2].id == 4 && items[2].x == 3 && items[2].y == 4);
    assert_string_equal(heard(f, 3), "pos 1 0 0\n"); /* the same, as text */
    loopback_disconnect(&f->peer[2]);
    say(f, 4, "/move 5 4");
    assert_int_equal(read_update(f, 1, items), 2);
    assert_true(items[0].id == 3 && items[0].gone);
    assert_true(items[1].id == 4 && items[1].x == 5);
}

static void test_spatial_typed_move_is_refused_like_a_text(void **state)
{
    fixture_t *f = *state;

    say_typed(f, 1, 200000, 0);
    reef_app_step(f->app, 1);
    assert_string_equal(
        heard(f, 1),
        "[Error] That is outside the world: x is between -100000 and 100000.\n");
}

/* A peer without frames gets a message per datagram, none longer than 1200 bytes. */
static void test_spatial_typed_update_fits_into_datagrams(void **state)
{
    fixture_t *f = *state;
    const uint8_t *bytes = (const uint8_t *)f->peer[0].received;
    uint32_t first;

    for (int i = 0; i < 100; i++) {
        (void)spawn_at(f, (float)i / 2, 0);
    }
    say_typed(f, 1, 0, 0);
    reef_app_step(f->app, 1);
    first = bytes[11] | (uint32_t)bytes[12] << 8;
    assert_true(first > 50 && HEAD_SIZE + first * ITEM_SIZE <= 1200);
    assert_int_equal(f->peer[0].received_size,
                     2 * (HEAD_SIZE + 1) + 101 * ITEM_SIZE); /* two messages */
}

#define WITH(setup_, name) cmocka_unit_test_setup_teardown(name, setup_, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(setup_bytes, test_spatial_sends_the_nearest_first_and_loses_nothing),
        WITH(setup_bytes, test_spatial_far_ones_are_heard_of_however_busy_it_is_nearby),
        WITH(setup_bytes, test_spatial_gone_that_do_not_fit_come_later),
        WITH(setup_queue, test_spatial_client_that_does_not_read_gets_the_newest),
        WITH(setup_queue, test_spatial_client_that_does_not_read_costs_others_nothing),
        WITH(setup_speed, test_spatial_speed_is_distance_by_time),
        WITH(setup_speed, test_spatial_speed_is_fair_to_moves_that_bunch_up),
        WITH(setup_speed, test_spatial_moves_of_one_frame_are_not_faster),
        WITH(setup_room, test_spatial_world_has_bounds_and_room),
        WITH(setup_room, test_spatial_crowd_has_an_end),
        WITH(setup_room, test_spatial_crowd_of_one_frame_has_an_end),
        WITH(setup_typed, test_spatial_typed_update_is_one_message),
        WITH(setup_typed, test_spatial_typed_move_is_refused_like_a_text),
        WITH(setup_typed, test_spatial_typed_update_fits_into_datagrams),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
