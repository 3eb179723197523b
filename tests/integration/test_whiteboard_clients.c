/* The whiteboard, as boards of each transport see it, and what operators, snapshots and
 * hostile clients do to it. */
#include "board_client.h"

#include <math.h>
#include <stdio.h>

enum {
    BOARDS = 3
};

static board_client_t boards[BOARDS];

static int close_and_teardown(void **state)
{
    for (int i = 0; i < BOARDS; i++) {
        board_close(&boards[i]);
    }
    return teardown(state);
}

static void start(fixture_t *fixture, const char *setting)
{
    SERVER_START(&fixture->server, WHITEBOARD_EXAMPLE, "tcp.listen=127.0.0.1:0",
                 "udp.listen=127.0.0.1:0", "snapshot.interval_s=0", setting);
}

/* A board that has everything. */
static board_client_t *enter(fixture_t *fixture, int i, talker_kind_t kind)
{
    board_open(&boards[i], &fixture->server, kind);
    board_greet(&boards[i]);
    BOARD_AWAIT(&boards[i], boards[i].ready == 1);
    return &boards[i];
}

static board_client_t *enter_web(fixture_t *fixture, int i)
{
    return enter(fixture, i, TALKER_WEBSOCKET);
}

/* What it has drawn with that pen, or NULL. */
static const board_copy_t *drawn(const board_client_t *board, uint32_t pen)
{
    for (uint32_t i = 0; i < board->stroke_count; i++) {
        if (board->strokes[i].author == board->id && board->strokes[i].pen == pen) {
            return &board->strokes[i];
        }
    }
    return NULL;
}

/* Draw with another pen, and hear it. */
static uint64_t draw(board_client_t *board, uint32_t pen, uint16_t count)
{
    assert_null(drawn(board, pen));
    board_draw(board, pen, 10, count);
    BOARD_AWAIT(board, drawn(board, pen) != NULL);
    return drawn(board, pen)->id;
}

static void take_back(board_client_t *board, uint32_t left)
{
    board_send(board, "board.undo", NULL, 0);
    BOARD_AWAIT(board, board->stroke_count <= left);
    board_catch_up(board);
    assert_int_equal(board->stroke_count, left);
}

static int
operate(fixture_t *fixture, const char *method, uint64_t id, const char *body)
{
    char path[96];
    int status;

    snprintf(path, sizeof(path), "/api/v1/entities/%llu%s", (unsigned long long)id,
             body != NULL ? "/components/stroke" : "");
    cJSON_Delete(admin_request(&fixture->server, method, path, body, &status));
    return status;
}

static void restore(fixture_t *fixture)
{
    cJSON *list = admin_get(&fixture->server, "/api/v1/snapshots");
    const cJSON *items = cJSON_GetObjectItemCaseSensitive(list, "items");
    char path[96];
    int status;

    snprintf(path, sizeof(path), "/api/v1/snapshots/%.0f:restore",
             admin_number(cJSON_GetArrayItem(items, 0), "id"));
    cJSON_Delete(list);
    cJSON_Delete(admin_request(&fixture->server, "POST", path, NULL, &status));
    assert_int_equal(status, 200);
}

/* Boards that come late
 * -----------------------------------------------------------------
 */

static void comes_late_over(fixture_t *fixture, talker_kind_t kind)
{
    board_client_t *one;
    board_client_t *late = &boards[1];
    uint64_t id;

    start(fixture, "server.tick_rate=60");
    one = enter_web(fixture, 0);
    id = draw(one, 1, 5);
    board_open(late, &fixture->server, kind);
    board_draw(one, 1, 15, 5); /* whatever happens before it has said hello */
    BOARD_AWAIT(one, board_find(one, id)->count == 10);
    board_greet(late);
    BOARD_AWAIT(late, late->ready == 1);
    assert_int_equal(late->stroke_count, 1);
    BOARD_AWAIT(late, board_find(late, id)->count == 10);
    assert_int_equal(board_find(late, id)->last_x, 19);
    assert_true(board_has_person(late, one->id) && board_has_person(late, late->id));
    BOARD_AWAIT(one, board_has_person(one, late->id));
    draw(late, 1, 3);
    BOARD_AWAIT(one, one->stroke_count == 2);
    board_close(late);
    if (kind != TALKER_UDP) {
        BOARD_AWAIT(one, one->people[1] == 0);
    }
}

static void test_whiteboard_late_websocket_gets_the_board(void **state)
{
    comes_late_over(*state, TALKER_WEBSOCKET);
}

static void test_whiteboard_late_tcp_client_gets_the_board(void **state)
{
    comes_late_over(*state, TALKER_TCP);
}

static void test_whiteboard_late_udp_client_gets_the_board(void **state)
{
    comes_late_over(*state, TALKER_UDP);
}

/* It can chat, and is told nothing that it would not understand. */
static void test_whiteboard_client_of_texts_hears_texts_only(void **state)
{
    fixture_t *fixture = *state;
    ws_client_t *plain = &fixture->clients[0];
    board_client_t *one;

    start(fixture, "server.tick_rate=60");
    ws_client_open_chat(plain, fixture->server.port);
    one = enter_web(fixture, 0);
    draw(one, 1, 5);
    ws_client_expect_silence(plain);
    board_say(one, "hello");
    ws_client_expect_text(plain, "User 2: hello");
    assert_false(board_has_person(one, 1));
}

static void test_whiteboard_names_are_told(void **state)
{
    board_client_t *one;
    board_client_t *two;

    start(*state, "server.tick_rate=60");
    one = enter_web(*state, 0);
    two = enter_web(*state, 1);
    board_say(one, "/nick Ada");
    BOARD_AWAIT(two, strcmp(two->name, "Ada") == 0);
}

/* Undo
 * ----------------------------------------------------------------------------------
 */

static void test_whiteboard_undo_takes_all_parts_and_only_ones_own(void **state)
{
    board_client_t *one;
    board_client_t *two;

    start(*state, "server.tick_rate=60");
    one = enter_web(*state, 0);
    two = enter_web(*state, 1);
    draw(one, 1, 5);
    draw(two, 1, 5);
    for (int i = 0; i < 5; i++) { /* 320 points are three parts */
        board_draw(one, 2, 10, 64);
    }
    BOARD_AWAIT(one, one->stroke_count == 5);
    take_back(one, 2);
    take_back(one, 1);
    board_send(one, "board.undo", NULL, 0);
    board_catch_up(one);
    assert_int_equal(one->stroke_count, 1);
    assert_true(board_newest(one)->author == two->id);
}

/* One in the middle, and the last. */
static void test_whiteboard_undo_goes_on_behind_what_an_operator_deleted(void **state)
{
    fixture_t *fixture = *state;
    board_client_t *one;
    uint64_t ids[4];

    start(fixture, "server.tick_rate=60");
    one = enter_web(fixture, 0);
    for (uint32_t i = 0; i < 4; i++) {
        ids[i] = draw(one, i + 1, 5);
    }
    assert_int_equal(operate(fixture, "DELETE", ids[1], NULL), 200);
    assert_int_equal(operate(fixture, "DELETE", ids[3], NULL), 200);
    BOARD_AWAIT(one, one->stroke_count == 2);
    take_back(one, 1);
    assert_non_null(board_find(one, ids[0]));
    take_back(one, 0);
    draw(one, 9, 5);
}

/* What is left of a stroke whose first part was deleted is a stroke of its own. */
static void test_whiteboard_undo_of_a_stroke_without_its_first_part(void **state)
{
    fixture_t *fixture = *state;
    board_client_t *one;
    uint64_t first;
    uint64_t second;

    start(fixture, "server.tick_rate=60");
    one = enter_web(fixture, 0);
    first = draw(one, 1, 5);
    second = draw(one, 2, 64);
    board_draw(one, 2, 10, 64);
    board_draw(one, 2, 10, 64);
    BOARD_AWAIT(one, one->stroke_count == 3);
    assert_int_equal(operate(fixture, "DELETE", second, NULL), 200);
    BOARD_AWAIT(one, one->stroke_count == 2);
    take_back(one, 1);
    assert_non_null(board_find(one, first));
}

/* Operators, clear and the cap -------------------------------------------------------
 */

static void test_whiteboard_operator_recolours(void **state)
{
    fixture_t *fixture = *state;
    board_client_t *one;
    uint64_t id;

    start(fixture, "server.tick_rate=60");
    one = enter_web(fixture, 0);
    id = draw(one, 1, 5);
    assert_int_equal(operate(fixture, "PATCH", id, "{\"color\": 255}"), 200);
    BOARD_AWAIT(one, board_find(one, id)->color == 255);
    board_draw(one, 1, 15, 2);
    BOARD_AWAIT(one, board_find(one, id)->count == 7);
    assert_int_equal(board_find(one, id)->color, 255);
}

/* One without points, which nobody draws, by an author who is there. */
static void test_whiteboard_operator_adds_a_stroke_of_nothing(void **state)
{
    fixture_t *fixture = *state;
    board_client_t *one;
    int status;

    start(fixture, "server.tick_rate=60");
    one = enter_web(fixture, 0);
    cJSON_Delete(admin_request(
        &fixture->server, "POST", "/api/v1/entities",
        "{\"components\":{\"stroke\":{\"number\":\"99\",\"author\":\"1\",\"pen\":7,"
        "\"width\":3}}}",
        &status));
    if (status != 201) { /* who drew what is not for operators to say */
        assert_int_equal(status, 422);
        cJSON_Delete(admin_request(&fixture->server, "POST", "/api/v1/entities",
                                   "{\"components\":{\"stroke\":{\"width\":3}}}",
                                   &status));
        assert_int_equal(status, 201);
    }
    draw(one, 7, 5);
    board_send(one, "board.undo", NULL, 0);
    BOARD_AWAIT(one, one->stroke_count == 0);
    draw(one, 7, 64);
    assert_int_equal(one->errors, 0);
}

static void test_whiteboard_full_board_takes_no_more_until_some_goes(void **state)
{
    board_client_t *one;
    board_client_t *two;

    start(*state, "whiteboard.max_strokes=2");
    one = enter_web(*state, 0);
    two = enter_web(*state, 1);
    draw(one, 1, 5);
    draw(two, 1, 5);
    board_draw(one, 2, 10, 5);
    BOARD_AWAIT(one, strncmp(one->text, "[Error] The board is full", 25) == 0);
    board_draw(one, 1, 15, 5); /* what is begun has place */
    BOARD_AWAIT(one, drawn(one, 1)->count == 10);
    board_send(two, "board.clear", NULL, 0);
    BOARD_AWAIT(one, one->stroke_count == 0);
    draw(one, 3, 5);
    board_send(one, "board.undo", NULL, 0);
    BOARD_AWAIT(one, one->stroke_count == 0);
    draw(one, 4, 5);
    draw(one, 5, 5);
}

/* Snapshots --------------------------------------------------------------------------
 */

static void test_whiteboard_survives_a_restart(void **state)
{
    fixture_t *fixture = *state;
    board_client_t *one;
    uint64_t id;

    start(fixture, "server.tick_rate=60");
    one = enter_web(fixture, 0);
    id = draw(one, 1, 5);
    draw(one, 2, 7);
    server_stop(&fixture->server);
    board_close(one);
    start(fixture, "server.tick_rate=60");
    one = enter_web(fixture, 0);
    assert_int_equal(one->stroke_count, 2);
    assert_int_equal(board_find(one, id)->count, 5);
    board_send(one, "board.undo", NULL, 0); /* it has drawn nothing in this life */
    draw(one, 1, 3);
    assert_int_equal(one->stroke_count, 3);
    assert_true(board_newest(one)->number == 3);
}

/* Ids of entities that were drawn after the snapshot are given to others later. */
static void test_whiteboard_restore_beside_boards_keeps_undo_apart(void **state)
{
    fixture_t *fixture = *state;
    board_client_t *one;
    board_client_t *two;
    uint64_t kept;

    start(fixture, "server.tick_rate=60");
    one = enter_web(fixture, 0);
    two = enter_web(fixture, 1);
    kept = draw(one, 1, 5);
    admin_take_snapshot(&fixture->server);
    draw(one, 2, 5);
    BOARD_AWAIT(two, two->stroke_count == 2);
    restore(fixture);
    BOARD_AWAIT(one, one->stroke_count == 1 && board_find(one, kept) != NULL);
    board_catch_up(two);
    draw(two, 1, 5);
    BOARD_AWAIT(one, one->stroke_count == 2);
    take_back(one, 1);
    assert_true(board_newest(one)->author == two->id);
    take_back(two, 0);
}

/* More than all boards can be told in a frame: they come late once more. */
static void test_whiteboard_restore_of_much_reaches_boards(void **state)
{
    enum {
        STROKES = 3000
    };
    fixture_t *fixture = *state;
    board_client_t *one;
    board_client_t *two;
    uint64_t newest;

    start(fixture, "websocket.max_queue=1000000");
    one = enter_web(fixture, 0);
    two = enter_web(fixture, 1);
    for (uint32_t i = 0; i < STROKES; i++) {
        board_draw(one, i, 10, 64);
        if (i % 100 == 99) {
            BOARD_AWAIT(one, one->stroke_count == i + 1);
            BOARD_AWAIT(two, two->stroke_count == i + 1);
        }
    }
    newest = board_newest(one)->id;
    admin_take_snapshot(&fixture->server);
    board_send(two, "board.clear", NULL, 0);
    BOARD_AWAIT(one, one->stroke_count == 0);
    BOARD_AWAIT(two, two->stroke_count == 0);
    restore(fixture);
    BOARD_AWAIT(one, one->stroke_count == STROKES);
    BOARD_AWAIT(two, two->stroke_count == STROKES);
    assert_non_null(board_find(two, newest));
    assert_true(one->resets > 0);
}

/* Hostile boards
 * -----------------------------------------------------------------------
 */

static void put_draw(uint8_t *data, uint32_t color, float width, int16_t x, int16_t y)
{
    const uint32_t pen = 1;
    const uint16_t count = 1;

    memcpy(data, &pen, 4);
    memcpy(data + 4, &color, 4);
    memcpy(data + 8, &width, 4);
    memcpy(data + 12, &count, 2);
    memcpy(data + 14, &x, 2);
    memcpy(data + 16, &y, 2);
}

static void test_whiteboard_refuses_what_is_no_drawing(void **state)
{
    enum {
        SIZE = 18
    };
    static const struct {
        uint32_t color;
        float width;
        int16_t x, y;
    } bad[] = {
        {0x1000000, 4, 1, 1}, {0, NAN, 1, 1}, {0, INFINITY, 1, 1}, {0, -1, 1, 1},
        {0, 0, 1, 1},         {0, 201, 1, 1}, {0, 4, -1, 1},       {0, 4, 4001, 1},
        {0, 4, 1, 2251},      {0, 4, 1, -1},
    };
    enum {
        BAD = sizeof(bad) / sizeof(bad[0])
    };
    uint8_t data[SIZE + 4 * 65];
    board_client_t *one;
    uint16_t count = 65;

    start(*state, "server.tick_rate=60");
    one = enter_web(*state, 0);
    for (uint32_t i = 0; i < BAD; i++) {
        put_draw(data, bad[i].color, bad[i].width, bad[i].x, bad[i].y);
        board_send(one, "board.draw", data, SIZE);
    }
    put_draw(data, 0, 4, 1, 1);
    board_send(one, "board.draw", data, SIZE - 1);
    memset(data + SIZE, 0, sizeof(data) - SIZE);
    memcpy(data + 12, &count, 2);
    board_send(one, "board.draw", data, 14 + 4 * 65);
    board_send(one, "board.stroke", data, SIZE); /* only the server says that */
    board_send(one, "board.undo", data, 1);
    board_catch_up(one);
    assert_int_equal(one->stroke_count, 0);
    assert_true(one->errors > 0);
    assert_true(admin_metric(&((fixture_t *)*state)->server, "reef_v1_errors_total") ==
                BAD + 4);
    draw(one, 1, 1);
}

/* A flood of clears and undos of nothing costs next to nothing. */
static void test_whiteboard_flood_of_clears_of_nothing(void **state)
{
    board_client_t *one;
    board_client_t *two;

    start(*state, "server.tick_rate=60");
    one = enter_web(*state, 0);
    two = enter_web(*state, 1);
    for (int i = 0; i < 5000; i++) {
        board_send(one, i % 2 == 0 ? "board.clear" : "board.undo", NULL, 0);
    }
    board_catch_up(one);
    board_catch_up(two);
    assert_int_equal(two->resets, 0);
    draw(one, 1, 1);
}

#define BOARD_TEST(name)                                                               \
    cmocka_unit_test_setup_teardown(name, setup, close_and_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOARD_TEST(test_whiteboard_late_websocket_gets_the_board),
        BOARD_TEST(test_whiteboard_late_tcp_client_gets_the_board),
        BOARD_TEST(test_whiteboard_late_udp_client_gets_the_board),
        BOARD_TEST(test_whiteboard_client_of_texts_hears_texts_only),
        BOARD_TEST(test_whiteboard_names_are_told),
        BOARD_TEST(test_whiteboard_undo_takes_all_parts_and_only_ones_own),
        BOARD_TEST(test_whiteboard_undo_goes_on_behind_what_an_operator_deleted),
        BOARD_TEST(test_whiteboard_undo_of_a_stroke_without_its_first_part),
        BOARD_TEST(test_whiteboard_operator_recolours),
        BOARD_TEST(test_whiteboard_operator_adds_a_stroke_of_nothing),
        BOARD_TEST(test_whiteboard_full_board_takes_no_more_until_some_goes),
        BOARD_TEST(test_whiteboard_survives_a_restart),
        BOARD_TEST(test_whiteboard_restore_beside_boards_keeps_undo_apart),
        BOARD_TEST(test_whiteboard_restore_of_much_reaches_boards),
        BOARD_TEST(test_whiteboard_refuses_what_is_no_drawing),
        BOARD_TEST(test_whiteboard_flood_of_clears_of_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
