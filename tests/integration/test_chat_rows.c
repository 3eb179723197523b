/* Each row of the chat's grammar, over each transport. */
#include "talker.h"

#include <stdio.h>

enum {
    TALKERS = 3
};

typedef struct row {
    server_t *server;
    talker_t talkers[TALKERS];
} row_t;

typedef void (*row_fn)(row_t *row);

/* A new server for each kind, with the chat and three clients. */
static void over_every_transport(void **state, row_fn run)
{
    fixture_t *fixture = *state;
    row_t row = {.server = &fixture->server};

    for (int kind = 0; kind < TALKER_KINDS; kind++) {
        TALKER_START_SERVER(
            row.server, REEFD,
            talker_plugins((talker_kind_t)kind, "plugins.enabled=chat"));
        for (int i = 0; i < TALKERS; i++) {
            talker_open_chat(&row.talkers[i], row.server, (talker_kind_t)kind);
        }
        run(&row);
        for (int i = 0; i < TALKERS; i++) {
            talker_close(&row.talkers[i]);
        }
        server_stop(row.server);
    }
}

/* What talker `i`, who has no nickname and the client id i + 1, has said. */
static void expect_said(talker_t *listener, int i, const char *said)
{
    char text[256];

    snprintf(text, sizeof(text), "User %d: %s", i + 1, said);
    talker_expect(listener, text);
}

static void join_row(row_t *row)
{
    talker_t *one = &row->talkers[0];
    talker_t *two = &row->talkers[1];

    talker_join(one, "the deep blue");
    talker_join(two, "the deep blue");
    talker_join(one, "lagoon"); /* out of the old one */
    talker_say(two, "who is here?");
    expect_said(two, 1, "who is here?");
    talker_expect_silence(one);
    talker_say(one, "/list");
    talker_expect(one, "[System] Active Rooms:\n  - the deep blue (1 users)\n"
                       "  - lagoon (1 users)");
    talker_expect_silence(&row->talkers[2]);
}

static void test_chat_rows_join(void **state)
{
    over_every_transport(state, join_row);
}

static void leave_row(row_t *row)
{
    talker_t *one = &row->talkers[0];
    talker_t *two = &row->talkers[1];

    talker_join(one, "the reef");
    talker_join(two, "the reef");
    talker_say(one, "/leave");
    talker_expect(one, "[System] Left room: the reef");
    talker_say(one, "/leave");
    talker_expect(one, "[Error] You are not in a room.");
    talker_expect_silence(two); /* is not told */
    talker_say(two, "gone?");
    expect_said(two, 1, "gone?");
    talker_expect_silence(one);
}

static void test_chat_rows_leave(void **state)
{
    over_every_transport(state, leave_row);
}

static void nick_row(row_t *row)
{
    static const char *const refused[][2] = {
        {"/nick [System]", "[Error] A nickname does not begin with [."},
        {"/nick a\x01z", "[Error] A nickname has no control characters."},
        {"/nick a\xc2\x9fz", "[Error] A nickname has no control characters."},
        {"/nick a\xe2\x80\xaez", "[Error] A nickname has no invisible characters."},
        {"/nick Ada: hello", "[Error] A nickname has no ':'."},
        {"/nick user 1",
         "[Error] A nickname is not 'User' with a number, which others may have."},
        {"/nick 0123456789abcdef0123456789abcdef0",
         "[Error] A nickname has at most 32 bytes."},
    };
    talker_t *one = &row->talkers[0];

    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        talker_say(one, refused[i][0]);
        talker_expect(one, refused[i][1]);
    }
    talker_say(one, "still me");
    expect_said(one, 0, "still me");
    talker_say(one, "/nick  Ada Lovelace ");
    talker_expect(one, "[System] Your nickname is now: Ada Lovelace");
    talker_say(one, "hello");
    talker_expect(one, "Ada Lovelace: hello");
    expect_said(&row->talkers[1], 0, "still me");
    talker_expect(&row->talkers[1], "Ada Lovelace: hello");
}

static void test_chat_rows_nick(void **state)
{
    over_every_transport(state, nick_row);
}

static void list_row(row_t *row)
{
    talker_t *one = &row->talkers[0];

    talker_say(one, "/list");
    talker_expect(one, "[System] Active Rooms:\n  No active rooms right now.");
    talker_join(one, "lagoon");
    talker_join(&row->talkers[1], "lagoon");
    talker_join(&row->talkers[2], "the reef");
    talker_say(one, "/list");
    talker_expect(one, "[System] Active Rooms:\n  - lagoon (2 users)\n"
                       "  - the reef (1 users)");
}

static void test_chat_rows_list(void **state)
{
    over_every_transport(state, list_row);
}

static void unknown_row(row_t *row)
{
    static const char *const texts[][2] = {
        {"/dance", "/dance"},     {"/join", "/join"},       {"/join  ", "/join"},
        {"/nick", "/nick"},       {"/joined x", "/joined"}, {"/JOIN x", "/JOIN"},
        {"/leave now", "/leave"}, {"/list all", "/list"},   {"/", "/"},
    };
    talker_t *one = &row->talkers[0];
    char answer[64];

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        talker_say(one, texts[i][0]);
        snprintf(answer, sizeof(answer), "[Error] Unknown command: %s", texts[i][1]);
        talker_expect(one, answer);
    }
    talker_expect_silence(&row->talkers[1]);
}

static void test_chat_rows_unknown_commands(void **state)
{
    over_every_transport(state, unknown_row);
}

static void text_row(row_t *row)
{
    talker_t *one = &row->talkers[0];
    talker_t *two = &row->talkers[1];
    talker_t *outside = &row->talkers[2];

    talker_say(one, "  to all \xc3\xa9\xe2\x82\xac  ");
    for (int i = 0; i < TALKERS; i++) {
        expect_said(&row->talkers[i], 0, "to all \xc3\xa9\xe2\x82\xac");
    }
    talker_join(one, "the reef");
    talker_join(two, "the reef");
    talker_say(one, "in the room");
    expect_said(one, 0, "in the room");
    expect_said(two, 0, "in the room");
    talker_expect_silence(outside);
    talker_say(one, "a\x1b[31mb\rc"); /* cannot pass for something else */
    expect_said(two, 0, "a [31mb c");
}

static void test_chat_rows_text(void **state)
{
    over_every_transport(state, text_row);
}

/* By itself, or, as nobody can tell that by UDP, by an operator. */
static void end(row_t *row, int i)
{
    char path[64];
    int status;

    if (row->talkers[i].kind == TALKER_UDP) {
        snprintf(path, sizeof(path), "/api/v1/clients/%d:kick", i + 1);
        cJSON_Delete(admin_request(row->server, "POST", path, NULL, &status));
        assert_int_equal(status, 200);
    }
    talker_close(&row->talkers[i]);
}

static void disconnect_row(row_t *row)
{
    talker_t *two = &row->talkers[1];
    talker_t *outside = &row->talkers[2];

    talker_join(&row->talkers[0], "the reef");
    talker_join(two, "the reef");
    end(row, 0);
    talker_expect(two, "[System] User 1 has left.");
    talker_say(two, "/list");
    talker_expect(two, "[System] Active Rooms:\n  - the reef (1 users)");
    talker_say(two, "/leave");
    talker_expect(two, "[System] Left room: the reef");
    talker_say(outside, "/list"); /* an empty room is removed */
    talker_expect(outside, "[System] Active Rooms:\n  No active rooms right now.");
}

static void test_chat_rows_disconnect(void **state)
{
    over_every_transport(state, disconnect_row);
}

/* WebSocket and UDP carry line feeds; behind one, a client that reads lines would take
 * anything for a notice. */
static void test_chat_rows_text_is_one_line_for_clients_that_read_lines(void **state)
{
    fixture_t *fixture = *state;
    talker_t lines;
    talker_t web;

    TALKER_START_SERVER(&fixture->server, REEFD, "plugins.enabled=chat");
    talker_open_chat(&web, &fixture->server, TALKER_WEBSOCKET);
    talker_open_chat(&lines, &fixture->server, TALKER_TCP);
    talker_say(&web, "hello\n[System] Your password, please\r\nnow");
    talker_expect(&lines, "User 1: hello [System] Your password, please  now");
    talker_close(&web);
    talker_close(&lines);
}

/* The plugins one by one. */
static void test_chat_rows_core_alone_has_no_rooms(void **state)
{
    fixture_t *fixture = *state;
    talker_t one;
    talker_t two;

    TALKER_START_SERVER(&fixture->server, REEFD, "plugins.enabled=chat_core");
    talker_open(&one, &fixture->server, TALKER_TCP);
    talker_say(&one, "/join a");
    talker_expect(&one, "[Error] Unknown command: /join");
    talker_open(&two, &fixture->server, TALKER_UDP);
    talker_say(&two, "/nick Ada");
    talker_expect(&two, "[System] Your nickname is now: Ada");
    talker_say(&two, "hi");
    talker_expect(&one, "Ada: hi");
    talker_close(&one);
    talker_close(&two);
}

static void test_chat_rows_core_and_rooms_are_the_chat(void **state)
{
    fixture_t *fixture = *state;
    talker_t one;
    talker_t two;

    TALKER_START_SERVER(&fixture->server, REEFD, "plugins.enabled=chat_core,chat_rooms",
                        "chat_rooms.max_rooms=1", "chat_core.max_nickname=3");
    talker_open_chat(&one, &fixture->server, TALKER_TCP);
    talker_open_chat(&two, &fixture->server, TALKER_WEBSOCKET);
    talker_join(&one, "a");
    talker_say(&two, "/join b");
    talker_expect(&two, "[Error] There are too many rooms.");
    talker_say(&two, "/nick four");
    talker_expect(&two, "[Error] A nickname has at most 3 bytes.");
    talker_say(&one, "hi");
    talker_expect(&one, "User 1: hi");
    talker_expect_silence(&two);
    talker_close(&one);
    talker_close(&two);
}

static void broadcast_chat_row(fixture_t *fixture)
{
    talker_t one;
    talker_t two;

    talker_open(&one, &fixture->server, TALKER_WEBSOCKET);
    talker_say(&one, "first");
    talker_expect(&one, "User 1: first");
    talker_open(&two, &fixture->server, TALKER_TCP);
    talker_say(&two, "second");
    talker_expect(&two, "User 2: second");
    talker_expect(&one, "User 2: second");
    talker_say(&one, "third\nUser 2: not he");
    talker_say(&one, "fourth");
    talker_expect(&two, "User 1: third");
    talker_expect(&two, "User 1: fourth");
    talker_close(&one);
    talker_close(&two);
}

static void test_chat_rows_broadcast_chat_example_reaches_everybody(void **state)
{
    fixture_t *fixture = *state;

    TALKER_START_SERVER(&fixture->server, BROADCAST_CHAT_EXAMPLE, NULL);
    broadcast_chat_row(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_chat_rows_join),
        TEST(test_chat_rows_leave),
        TEST(test_chat_rows_nick),
        TEST(test_chat_rows_list),
        TEST(test_chat_rows_unknown_commands),
        TEST(test_chat_rows_text),
        TEST(test_chat_rows_disconnect),
        TEST(test_chat_rows_text_is_one_line_for_clients_that_read_lines),
        TEST(test_chat_rows_core_alone_has_no_rooms),
        TEST(test_chat_rows_core_and_rooms_are_the_chat),
        TEST(test_chat_rows_broadcast_chat_example_reaches_everybody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
