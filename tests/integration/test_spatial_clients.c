/* Space, as clients of each transport see it: each rule of the grammar, and the faults
 * that must not come along. */
#include "talker.h"

#include <stdio.h>
#include <string.h>

enum {
    TALKERS = 3
};

typedef struct talkers {
    talker_t talker[TALKERS]; /* clients 1, 2, 3 */
} talkers_t;

static talkers_t talkers;

/* Each greeted, so ids are in the order of connecting; of UDP only by a first word. */
static void open_greeted(fixture_t *f, int number, talker_kind_t kind)
{
    char hello[32];

    snprintf(hello, sizeof(hello), "hello %d", number);
    talker_open(&talkers.talker[number - 1], &f->server, kind);
    if (kind == TALKER_UDP) {
        talker_say(&talkers.talker[number - 1], "/move");
        talker_expect(&talkers.talker[number - 1], hello);
        talker_expect(&talkers.talker[number - 1], "[Error] Usage: /move x y");
    } else {
        talker_expect(&talkers.talker[number - 1], hello);
    }
}

static int close_and_teardown(void **state)
{
    for (int i = 0; i < TALKERS; i++) {
        talker_close(&talkers.talker[i]);
    }
    talkers = (talkers_t){0};
    return teardown(state);
}

/* One of each transport. */
static void start_with_all_kinds(fixture_t *f)
{
    TALKER_START_SERVER(&f->server, REEFD, "plugins.enabled=spatial");
    open_greeted(f, 1, TALKER_WEBSOCKET);
    open_greeted(f, 2, TALKER_TCP);
    open_greeted(f, 3, TALKER_UDP);
}

static void start_with_settings(fixture_t *f, const char *setting)
{
    TALKER_START_SERVER(&f->server, REEFD, "plugins.enabled=spatial", setting);
    open_greeted(f, 1, TALKER_WEBSOCKET);
    open_greeted(f, 2, TALKER_WEBSOCKET);
}

static void say(int number, const char *text)
{
    talker_say(&talkers.talker[number - 1], text);
}

static void expect(int number, const char *text)
{
    talker_expect(&talkers.talker[number - 1], text);
}

/* A move, which is answered by the mover's own position. */
static void move(int number, const char *place)
{
    char text[96];

    snprintf(text, sizeof(text), "/move %s", place);
    say(number, text);
    snprintf(text, sizeof(text), "pos %d %s", number, place);
    expect(number, text);
}

/* Nothing came to a client: what it then moves to itself is the next that it hears.
 * Far from all others. */
static void expect_silence(int number)
{
    char place[32];

    snprintf(place, sizeof(place), "-5000 %d", number * 1000);
    move(number, place);
}

static void test_spatial_hello_is_first(void **state)
{
    start_with_all_kinds(*state); /* has seen to it */
    move(1, "1.5 -2");
    move(2, "1000 0");
    move(3, "-1000 0.25");
}

static void test_spatial_move_is_told_to_those_in_range(void **state)
{
    start_with_all_kinds(*state);
    move(1, "0 0");
    move(2, "60 80"); /* just in range */
    expect(2, "pos 1 0 0");
    expect(1, "pos 2 60 80");
    move(3, "0 1");
    expect(1, "pos 3 0 1");
    expect(2, "pos 3 0 1");
    expect(3, "pos 1 0 0");
    expect(3, "pos 2 60 80");
    move(2, "10 10");
    expect(1, "pos 2 10 10");
    expect(3, "pos 2 10 10");
}

static void test_spatial_gone_beyond_the_leave_radius(void **state)
{
    start_with_all_kinds(*state);
    move(1, "0 0");
    move(2, "100 0");
    expect(2, "pos 1 0 0");
    expect(1, "pos 2 100 0");
    move(2, "110 0"); /* nobody flickers */
    expect(1, "pos 2 110 0");
    say(2, "/move 111 0");
    expect(2, "gone 1");
    expect(2, "pos 2 111 0");
    expect(1, "gone 2");
    move(2, "101 0");
    expect_silence(1);
}

static void test_spatial_gone_at_disconnect(void **state)
{
    start_with_all_kinds(*state);
    move(1, "0 0");
    move(2, "1 0");
    expect(1, "pos 2 1 0");
    talker_close(&talkers.talker[1]);
    expect(1, "gone 2");
    expect_silence(1);
}

static void test_spatial_refuses_with_a_reason(void **state)
{
    start_with_all_kinds(*state);
    for (int i = 1; i <= TALKERS; i++) {
        say(i, "/move");
        expect(i, "[Error] Usage: /move x y");
        say(i, "/move 1 2 3");
        expect(i, "[Error] Usage: /move x y");
        say(i, "/move 0x1 1");
        expect(i, "[Error] Usage: /move x y");
        say(i, "/move nan 1");
        expect(i, "[Error] A position is made of finite numbers.");
        say(i, "/move 1e99 1");
        expect(i, "[Error] A position is made of finite numbers.");
        say(i, "/move 1 -100001");
        expect(i,
               "[Error] That is outside the world: y is between -100000 and 100000.");
    }
    expect_silence(1);
}

static void test_spatial_refuses_what_is_too_fast(void **state)
{
    start_with_settings(*state, "spatial.max_speed=0.001");
    move(1, "0 0");
    say(1, "/move 100 0");
    expect(1, "[Error] That is too fast: at most 0.001 m/s.");
    move(1, "0 0");
}

static void test_spatial_flat_mode(void **state)
{
    start_with_settings(*state, "spatial.mode=3d_flat");
    move(1, "0 0 0");
    move(2, "60 5000 80");
    expect(2, "pos 1 0 0 0");
    expect(1, "pos 2 60 5000 80");
    say(2, "/move 0 0 111"); /* only x and z count */
    expect(2, "gone 1");
    expect(2, "pos 2 0 0 111");
    expect(1, "gone 2");
}

static void test_spatial_deep_mode(void **state)
{
    start_with_settings(*state, "spatial.mode=3d");
    move(1, "0 0 0");
    move(2, "60 5000 80");
    move(2, "60 80 0");
    expect(2, "pos 1 0 0 0");
    expect(1, "pos 2 60 80 0");
}

/* Fault 11: at the defaults, radius 100 and cells of 50, a pair 99 apart was missed
 * where the cells are three apart; and everything was sent though nobody moved. */
static void test_spatial_misses_no_pair_at_the_defaults(void **state)
{
    static const char *const places[][2] = {
        {"49 49", "148 49"},    {"-1 -1", "-99 0"},  {"0 0", "0 100"},
        {"25 -75", "-45 -145"}, {"99.9 0", "0.5 0"}, {"1000.5 1000", "1000.5 900"},
    };
    char text[64];

    start_with_all_kinds(*state);
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        move(1, places[i][0]);
        move(2, places[i][1]);
        snprintf(text, sizeof(text), "pos 1 %s", places[i][0]);
        expect(2, text);
        snprintf(text, sizeof(text), "pos 2 %s", places[i][1]);
        expect(1, text);
        say(2, "/move 90000 90000"); /* out of sight again */
        expect(2, "gone 1");
        expect(2, "pos 2 90000 90000");
        expect(1, "gone 2");
    }
}

static void test_spatial_sends_nothing_when_nobody_moves(void **state)
{
    fixture_t *f = *state;

    start_with_all_kinds(f);
    move(1, "0 0");
    move(2, "1 0");
    expect(1, "pos 2 1 0");
    expect(2, "pos 1 0 0");
    for (int i = 0; i < 5; i++) { /* updates go by, as the third is told */
        char place[32];

        snprintf(place, sizeof(place), "9000 %d", i);
        move(3, place);
    }
    move(1, "0 1");
    expect(2, "pos 1 0 1");
    move(2, "2 0");
    expect(1, "pos 2 2 0");
}

static void test_spatial_list_shows_where_clients_are(void **state)
{
    fixture_t *f = *state;
    cJSON *reply;
    char *text;

    start_with_all_kinds(f);
    move(1, "-1 60");
    reply = admin_get(&f->server, "/api/v1/lists/spatial");
    text = cJSON_PrintUnformatted(reply);
    assert_non_null(strstr(text, "-1 1"));
    cJSON_free(text);
    cJSON_Delete(reply);
}

static void test_spatial_example_shows_a_server_entity(void **state)
{
    fixture_t *f = *state;
    ws_frame_t frame;

    SERVER_START(&f->server, SPATIAL_2D_EXAMPLE, NULL);
    ws_client_open(&f->clients[0], f->server.port);
    ws_client_receive(&f->clients[0], &frame);
    assert_memory_equal(frame.data, "hello ", 6);
    ws_client_say(&f->clients[0], "/move 0 0");
    ws_client_receive(&f->clients[0], &frame); /* its own */
    assert_memory_equal(frame.data, "pos ", 4);
    for (int i = 0; i < 3; i++) { /* the turtle's, again and again */
        ws_client_receive(&f->clients[0], &frame);
        assert_memory_equal(frame.data, "pos ", 4);
    }
}

#define ROW(name) cmocka_unit_test_setup_teardown(name, setup, close_and_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(test_spatial_hello_is_first),
        ROW(test_spatial_move_is_told_to_those_in_range),
        ROW(test_spatial_gone_beyond_the_leave_radius),
        ROW(test_spatial_gone_at_disconnect),
        ROW(test_spatial_refuses_with_a_reason),
        ROW(test_spatial_refuses_what_is_too_fast),
        ROW(test_spatial_flat_mode),
        ROW(test_spatial_deep_mode),
        ROW(test_spatial_misses_no_pair_at_the_defaults),
        ROW(test_spatial_sends_nothing_when_nobody_moves),
        ROW(test_spatial_list_shows_where_clients_are),
        ROW(test_spatial_example_shows_a_server_entity),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
