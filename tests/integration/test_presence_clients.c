/* Presence, as clients see it: each row of the grammar, and what must not go wrong. */
#include "admin_client.h"

#include <stdio.h>
#include <string.h>

enum {
    CLIENTS = FIXTURE_CLIENTS
};

#define USAGE "[Presence] Usage: /status online|away|busy"

static void ask(ws_client_t *client, const char *text, const char *answer)
{
    ws_client_say(client, text);
    ws_client_expect_text(client, answer);
}

/* Ids count from 1 in a new world, in the order of connecting. */
static void open_client(fixture_t *fixture, size_t index)
{
    ws_client_open(&fixture->clients[index], fixture->server.port);
    ask(&fixture->clients[index], "/status", USAGE);
}

static void start_with_clients(fixture_t *fixture)
{
    SERVER_START(&fixture->server, REEFD, "plugins.enabled=chat,presence");
    for (size_t i = 0; i < CLIENTS; i++) {
        open_client(fixture, i);
    }
}

static void expect_all(fixture_t *fixture, const char *text)
{
    for (size_t i = 0; i < CLIENTS; i++) {
        ws_client_expect_text(&fixture->clients[i], text);
    }
}

static void test_presence_status_reaches_everybody_without_rooms(void **state)
{
    fixture_t *fixture = *state;

    start_with_clients(fixture);
    ws_client_say(&fixture->clients[1], "/status away");
    expect_all(fixture, "2 away");
    ws_client_say(&fixture->clients[1], "/status busy");
    expect_all(fixture, "2 busy");
    ws_client_say(&fixture->clients[1], "/status online");
    expect_all(fixture, "2 online");
}

static void test_presence_is_told_on_change_only(void **state)
{
    fixture_t *fixture = *state;

    start_with_clients(fixture);
    ws_client_say(&fixture->clients[0], "/status online");
    ws_client_expect_silence(&fixture->clients[0]);
    ws_client_say(&fixture->clients[0], "/status away");
    expect_all(fixture, "1 away");
    ws_client_say(&fixture->clients[0], "/status away");
    ask(&fixture->clients[0], "/status", USAGE); /* it has been dealt with */
    ws_client_expect_silence(&fixture->clients[1]);
}

static void test_presence_in_a_room_stays_there(void **state)
{
    fixture_t *fixture = *state;
    ws_client_t *clients = fixture->clients;

    start_with_clients(fixture);
    ask(&clients[0], "/join reef", "[System] Joined room: reef");
    ask(&clients[1], "/join reef", "[System] Joined room: reef");
    ws_client_say(&clients[0], "/status away");
    ws_client_expect_text(&clients[0], "1 away");
    ws_client_expect_text(&clients[1], "1 away");
    ws_client_expect_silence(&clients[2]);
    ws_client_say(&clients[2], "/join reef");
    ws_client_expect_text(&clients[2], "[System] Joined room: reef");
    ws_client_expect_text(&clients[2], "1 away");
    ws_client_expect_silence(&clients[0]);
}

static void test_presence_all_see_again_who_leaves_a_room(void **state)
{
    fixture_t *fixture = *state;
    ws_client_t *clients = fixture->clients;

    start_with_clients(fixture);
    ask(&clients[0], "/join reef", "[System] Joined room: reef");
    ask(&clients[0], "/status away", "1 away");
    ask(&clients[0], "/leave", "[System] Left room: reef");
    expect_all(fixture, "1 away");
}

static void test_presence_offline_on_disconnect(void **state)
{
    fixture_t *fixture = *state;

    start_with_clients(fixture);
    ws_client_drop(&fixture->clients[0]);
    ws_client_expect_text(&fixture->clients[1], "1 offline");
    ws_client_expect_text(&fixture->clients[2], "1 offline");
}

static void test_presence_offline_in_a_room_is_told_there(void **state)
{
    fixture_t *fixture = *state;
    ws_client_t *clients = fixture->clients;
    ws_frame_t frame;

    start_with_clients(fixture);
    ask(&clients[0], "/join reef", "[System] Joined room: reef");
    ask(&clients[1], "/join reef", "[System] Joined room: reef");
    ws_client_drop(&clients[0]);
    for (int i = 0; i < 2; i++) { /* the chat's notice, and that; in either order */
        ws_client_receive(&clients[1], &frame);
        assert_true((frame.size == 25 &&
                     memcmp(frame.data, "[System] User 1 has left.", 25) == 0) ||
                    (frame.size == 9 && memcmp(frame.data, "1 offline", 9) == 0));
    }
    ws_client_expect_silence(&clients[2]);
}

static void test_presence_who_arrives_gets_the_present_state(void **state)
{
    fixture_t *fixture = *state;
    ws_client_t late = {0};

    start_with_clients(fixture);
    ws_client_say(&fixture->clients[0], "/status away");
    expect_all(fixture, "1 away");
    ws_client_say(&fixture->clients[2], "/status busy");
    expect_all(fixture, "3 busy");
    ws_client_open(&late, fixture->server.port);
    ws_client_expect_text(&late, "3 busy");
    ws_client_expect_text(&late, "1 away");
    ws_client_expect_silence(&late);
    ws_client_expect_silence(&fixture->clients[0]); /* the arrival is no news */
    ws_client_drop(&late);
}

static void test_presence_malformed_input_gets_a_usage_line(void **state)
{
    static const char *const bad[] = {"/status",          "/status  ",
                                      "/status AWAY",     "/status offline",
                                      "/status away now", "/status \xe2\x80\xae",
                                      "/status away\x01", "/status 1"};
    fixture_t *fixture = *state;

    start_with_clients(fixture);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ask(&fixture->clients[0], bad[i], USAGE);
    }
    ws_client_expect_silence(&fixture->clients[1]);
}

/* The status is still unread when the connection ends. */
static void test_presence_last_words_are_the_end_only(void **state)
{
    fixture_t *fixture = *state;

    start_with_clients(fixture);
    ws_client_say(&fixture->clients[0], "/status away");
    ws_client_say(&fixture->clients[0], "/status online");
    ws_client_drop(&fixture->clients[0]);
    for (;;) {
        ws_frame_t frame;

        ws_client_receive(&fixture->clients[1], &frame);
        if (frame.size == 9 && memcmp(frame.data, "1 offline", 9) == 0) {
            break;
        }
    }
    ws_client_expect_silence(&fixture->clients[1]);
    open_client(fixture, 0);
    ws_client_expect_silence(&fixture->clients[0]);
}

static void test_presence_kicked_client_is_offline_once(void **state)
{
    fixture_t *fixture = *state;
    int status;

    start_with_clients(fixture);
    cJSON_Delete(admin_request(&fixture->server, "POST", "/api/v1/clients/1:kick", NULL,
                               &status));
    assert_int_equal(status, 200);
    ws_client_expect_close(&fixture->clients[0], 1008, NULL);
    ws_client_expect_text(&fixture->clients[1], "1 offline");
    ws_client_expect_silence(&fixture->clients[1]);
}

/* What arrives together is told once: far fewer lines than changes, the last right. */
static void test_presence_flood_is_told_in_few_lines(void **state)
{
    enum {
        CHANGES = 4000
    };
    static uint8_t all[CHANGES * 32];
    fixture_t *fixture = *state;
    size_t size = 0;
    int lines = 0;
    ws_client_t late = {0};
    ws_frame_t frame;

    start_with_clients(fixture);
    for (int i = 0; i < CHANGES; i++) {
        size += ws_client_write_frame(all + size, WS_FIN | WS_TEXT,
                                      i % 2 == 0 ? "/status busy" : "/status away", 12);
    }
    size += ws_client_write_frame(all + size, WS_FIN | WS_TEXT, "/status online", 14);
    ws_client_send_raw(&fixture->clients[0], all, size);
    for (;; lines++) {
        ws_client_receive(&fixture->clients[1], &frame);
        if (frame.size == 8 && memcmp(frame.data, "1 online", 8) == 0) {
            break;
        }
    }
    assert_true(lines < CHANGES / 2);
    ws_client_open(&late, fixture->server.port);
    ws_client_expect_silence(&late);
    ws_client_drop(&late);
}

static void test_presence_crowd_leaves_nothing_behind(void **state)
{
    fixture_t *fixture = *state;
    server_base_line_t before;

    SERVER_START(&fixture->server, REEFD, "plugins.enabled=presence,lobby,chat");
    before = server_base_line(&fixture->server);
    for (int i = 0; i < 100; i++) {
        ws_client_open(&fixture->clients[i % CLIENTS], fixture->server.port);
        ws_client_say(&fixture->clients[i % CLIENTS], "/status away");
        ws_client_say(&fixture->clients[i % CLIENTS], "/join reef");
        ws_client_drop(&fixture->clients[i % CLIENTS]);
    }
    server_await_base_line(&fixture->server, before);
    ws_client_open(&fixture->clients[0], fixture->server.port);
    ws_client_expect_silence(&fixture->clients[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_presence_status_reaches_everybody_without_rooms),
        TEST(test_presence_is_told_on_change_only),
        TEST(test_presence_in_a_room_stays_there),
        TEST(test_presence_all_see_again_who_leaves_a_room),
        TEST(test_presence_offline_on_disconnect),
        TEST(test_presence_offline_in_a_room_is_told_there),
        TEST(test_presence_who_arrives_gets_the_present_state),
        TEST(test_presence_malformed_input_gets_a_usage_line),
        TEST(test_presence_last_words_are_the_end_only),
        TEST(test_presence_kicked_client_is_offline_once),
        TEST(test_presence_flood_is_told_in_few_lines),
        TEST(test_presence_crowd_leaves_nothing_behind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
