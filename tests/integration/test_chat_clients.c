/* Chat and echo, as clients see them. */
#include "server_fixture.h"

#include <stdio.h>
#include <string.h>

/* Ids count from 1 in a new world, so the n-th that connects is User n. */
static void start_with_clients(fixture_t *fixture)
{
    SERVER_START(&fixture->server, REEFD, "plugins.enabled=chat");
    for (size_t i = 0; i < FIXTURE_CLIENTS; i++) {
        ws_client_open_chat(&fixture->clients[i], fixture->server.port);
        ws_client_say(&fixture->clients[i], "/leave"); /* it is there by its answer */
        ws_client_expect_text(&fixture->clients[i], "[Error] You are not in a room.");
    }
}

static void join(ws_client_t *client, const char *room)
{
    char text[160];

    snprintf(text, sizeof(text), "/join %s", room);
    ws_client_say(client, text);
    snprintf(text, sizeof(text), "[System] Joined room: %s", room);
    ws_client_expect_text(client, text);
}

static void test_chat_reaches_the_room_and_nobody_outside(void **state)
{
    fixture_t *fixture = *state;
    ws_client_t *one = &fixture->clients[0];
    ws_client_t *two = &fixture->clients[1];
    ws_client_t *outside = &fixture->clients[2];

    start_with_clients(fixture);
    join(one, "the reef");
    join(two, "the reef");
    ws_client_say(one, "hello");
    ws_client_expect_text(one, "User 1: hello");
    ws_client_expect_text(two, "User 1: hello");
    ws_client_say(two, "  trimmed \xc3\xa9\xe2\x82\xac  ");
    ws_client_expect_text(one, "User 2: trimmed \xc3\xa9\xe2\x82\xac");
    ws_client_expect_text(two, "User 2: trimmed \xc3\xa9\xe2\x82\xac");
    ws_client_expect_silence(outside);
}

static void test_chat_without_a_room_reaches_everybody(void **state)
{
    fixture_t *fixture = *state;

    start_with_clients(fixture);
    ws_client_say(&fixture->clients[1], "anybody?");
    for (size_t i = 0; i < FIXTURE_CLIENTS; i++) {
        ws_client_expect_text(&fixture->clients[i], "User 2: anybody?");
    }
}

static void test_chat_disconnect_gives_the_room_a_leave_notice(void **state)
{
    fixture_t *fixture = *state;
    ws_client_t *one = &fixture->clients[0];
    ws_client_t *two = &fixture->clients[1];
    ws_client_t *outside = &fixture->clients[2];

    start_with_clients(fixture);
    join(one, "the reef");
    join(two, "the reef");
    ws_client_drop(one);
    ws_client_expect_text(two, "[System] User 1 has left.");
    ws_client_say(two, "/list");
    ws_client_expect_text(two, "[System] Active Rooms:\n  - the reef (1 users)");
    ws_client_expect_silence(outside);
}

static void test_chat_empty_room_is_removed(void **state)
{
    fixture_t *fixture = *state;
    ws_client_t *one = &fixture->clients[0];

    start_with_clients(fixture);
    join(one, "the reef");
    ws_client_say(one, "/leave");
    ws_client_expect_text(one, "[System] Left room: the reef");
    ws_client_say(one, "/list");
    ws_client_expect_text(one, "[System] Active Rooms:\n  No active rooms right now.");
}

static void test_chat_nick_names_the_speaker(void **state)
{
    fixture_t *fixture = *state;
    ws_client_t *one = &fixture->clients[0];

    start_with_clients(fixture);
    ws_client_say(one, "/nick Nemo");
    ws_client_expect_text(one, "[System] Your nickname is now: Nemo");
    ws_client_say(one, "hello");
    ws_client_expect_text(one, "Nemo: hello");
    ws_client_expect_text(&fixture->clients[1], "Nemo: hello");
}

static void test_chat_list_counts_the_members_of_each_room(void **state)
{
    fixture_t *fixture = *state;
    ws_client_t *one = &fixture->clients[0];

    start_with_clients(fixture);
    join(one, "lagoon");
    join(&fixture->clients[1], "lagoon");
    join(&fixture->clients[2], "the reef");
    ws_client_say(one, "/list");
    ws_client_expect_text(
        one, "[System] Active Rooms:\n  - lagoon (2 users)\n  - the reef (1 users)");
}

static void test_chat_unknown_commands_are_answered_and_not_said(void **state)
{
    static const char *const commands[] = {"/dance", "/join", "/join  ", "/nick",
                                           "/joined x"};
    static const char *const answers[] = {
        "[Error] Unknown command: /dance", "[Error] Unknown command: /join",
        "[Error] Unknown command: /join", "[Error] Unknown command: /nick",
        "[Error] Unknown command: /joined"};
    fixture_t *fixture = *state;
    ws_client_t *one = &fixture->clients[0];

    start_with_clients(fixture);
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        ws_client_say(one, commands[i]);
        ws_client_expect_text(one, answers[i]);
    }
    ws_client_expect_silence(&fixture->clients[1]);
}

/* Both arrive in one read, so in one frame of the server. */
static void test_chat_two_joins_at_once_leave_the_client_in_the_second(void **state)
{
    fixture_t *fixture = *state;
    ws_client_t *one = &fixture->clients[0];
    uint8_t both[128];
    size_t size;

    start_with_clients(fixture);
    join(&fixture->clients[1], "lagoon");
    size = ws_client_write_frame(both, WS_FIN | WS_TEXT, "/join lagoon", 12);
    size += ws_client_write_frame(both + size, WS_FIN | WS_TEXT, "/join the reef", 14);
    ws_client_send_raw(one, both, size);
    ws_client_expect_text(one, "[System] Joined room: lagoon");
    ws_client_expect_text(one, "[System] Joined room: the reef");
    ws_client_say(one, "/list");
    ws_client_expect_text(
        one, "[System] Active Rooms:\n  - lagoon (1 users)\n  - the reef (1 users)");
    ws_client_say(&fixture->clients[1], "who is here?");
    ws_client_expect_text(&fixture->clients[1], "User 2: who is here?");
    ws_client_expect_silence(one);
}

/* Longer than one read and more than an inbox holds, so that reading has to pause. */
static void test_chat_1000_pipelined_messages_keep_their_order(void **state)
{
    enum {
        COUNT = 1000,
        MAX_TEXT = 320
    };
    static uint8_t all[COUNT * (MAX_TEXT + WS_MAX_HEAD)];
    fixture_t *fixture = *state;
    size_t size = 0;
    char text[MAX_TEXT];

    start_with_clients(fixture);
    for (int i = 0; i < COUNT; i++) {
        int length = snprintf(text, sizeof(text), "message %0300d", i);

        size +=
            ws_client_write_frame(all + size, WS_FIN | WS_TEXT, text, (size_t)length);
    }
    ws_client_send_raw(&fixture->clients[0], all, size);
    for (int i = 0; i < COUNT; i++) {
        snprintf(text, sizeof(text), "User 1: message %0300d", i);
        ws_client_expect_text(&fixture->clients[1], text);
        ws_client_expect_text(&fixture->clients[0], text);
    }
}

/* With its text still unread when the connection ends. */
static void test_chat_last_words_before_the_end_are_heard(void **state)
{
    fixture_t *fixture = *state;
    uint8_t words[128];
    size_t size;

    start_with_clients(fixture);
    size = ws_client_write_frame(words, WS_FIN | WS_TEXT, "/nick Dory", 10);
    size += ws_client_write_frame(words + size, WS_FIN | WS_TEXT, "farewell", 8);
    ws_client_send_raw(&fixture->clients[0], words, size);
    ws_client_drop(&fixture->clients[0]);
    ws_client_expect_text(&fixture->clients[1], "Dory: farewell");
    ws_client_expect_text(&fixture->clients[2], "Dory: farewell");
}

static void test_chat_example_greets_who_joins(void **state)
{
    fixture_t *fixture = *state;
    ws_client_t *client = &fixture->clients[0];

    SERVER_START(&fixture->server, ROOM_CHAT_EXAMPLE, NULL);
    ws_client_open(client, fixture->server.port);
    join(client, "the reef");
    ws_client_expect_text(client, "[System] Welcome to the reef!");
}

static void test_chat_echo_returns_text_and_binary_as_they_came(void **state)
{
    static const uint8_t binary[] = {0x00, 0xff, 0x80, 'r', 0x00};
    fixture_t *fixture = *state;
    ws_client_t *client = &fixture->clients[0];

    SERVER_START(&fixture->server, ECHO_EXAMPLE, NULL);
    ws_client_open(client, fixture->server.port);
    ws_client_say(client, "  hello  ");
    ws_client_expect_text(client, "  hello  ");
    ws_client_say(client, "/x");
    ws_client_expect_text(client, "/x");
    ws_client_say(client, "");
    ws_client_expect_text(client, "");
    ws_client_send(client, WS_FIN | WS_BINARY, binary, sizeof(binary));
    ws_client_expect(client, WS_BINARY, binary, sizeof(binary));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_chat_reaches_the_room_and_nobody_outside),
        TEST(test_chat_without_a_room_reaches_everybody),
        TEST(test_chat_disconnect_gives_the_room_a_leave_notice),
        TEST(test_chat_empty_room_is_removed),
        TEST(test_chat_nick_names_the_speaker),
        TEST(test_chat_list_counts_the_members_of_each_room),
        TEST(test_chat_unknown_commands_are_answered_and_not_said),
        TEST(test_chat_two_joins_at_once_leave_the_client_in_the_second),
        TEST(test_chat_1000_pipelined_messages_keep_their_order),
        TEST(test_chat_last_words_before_the_end_are_heard),
        TEST(test_chat_example_greets_who_joins),
        TEST(test_chat_echo_returns_text_and_binary_as_they_came),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
