/* Lobbies, as clients see them: each row of the grammar, and what must not go wrong. */
#include "admin_client.h"

#include <stdio.h>
#include <string.h>

enum {
    CLIENTS = FIXTURE_CLIENTS
};

static void ask(ws_client_t *client, const char *text, const char *answer)
{
    ws_client_say(client, text);
    ws_client_expect_text(client, answer);
}

/* Ids count from 1 in a new world, in the order of connecting. */
static void open_client(fixture_t *fixture, size_t index)
{
    ws_client_open(&fixture->clients[index], fixture->server.port);
    ask(&fixture->clients[index], "/lobby leave", "[Lobby] You are not in a lobby.");
}

static void start_with_clients(fixture_t *fixture)
{
    SERVER_START(&fixture->server, REEFD, "plugins.enabled=lobby",
                 "lobby.max_lobbies=2", "lobby.max_members=8");
    for (size_t i = 0; i < CLIENTS; i++) {
        open_client(fixture, i);
    }
}

/* Ask until the answer is that: what another connection did may not be there yet. */
static void ask_until(ws_client_t *client, const char *text, const char *answer)
{
    for (;;) {
        ws_frame_t frame;

        ws_client_say(client, text);
        ws_client_receive(client, &frame);
        assert_int_equal(frame.opcode, WS_TEXT);
        if (frame.size == strlen(answer) &&
            memcmp(frame.data, answer, frame.size) == 0) {
            return;
        }
    }
}

static void test_lobby_create_and_join(void **state)
{
    fixture_t *fixture = *state;

    start_with_clients(fixture);
    ask(&fixture->clients[0], "/lobby create duel",
        "[Lobby] Created and joined 'duel' (1/4).");
    ask(&fixture->clients[1], "/lobby join duel", "[Lobby] Joined 'duel' (2/4).");
    ask(&fixture->clients[2], "/lobby join duel", "[Lobby] Joined 'duel' (3/4).");
    ws_client_expect_silence(&fixture->clients[0]);
}

static void test_lobby_leave(void **state)
{
    fixture_t *fixture = *state;

    start_with_clients(fixture);
    ask(&fixture->clients[0], "/lobby leave", "[Lobby] You are not in a lobby.");
    ask(&fixture->clients[0], "/lobby create duel",
        "[Lobby] Created and joined 'duel' (1/4).");
    ask(&fixture->clients[0], "/lobby leave", "[Lobby] Left 'duel'.");
    ask(&fixture->clients[0], "/lobby join duel", "[Lobby] 'duel' not found.");
}

static void test_lobby_refusals(void **state)
{
    fixture_t *fixture = *state;
    ws_client_t *clients = fixture->clients;

    start_with_clients(fixture);
    ask(&clients[0], "/lobby create a 2", "[Lobby] Created and joined 'a' (1/2).");
    ask(&clients[1], "/lobby create a", "[Lobby] 'a' already exists.");
    ask(&clients[1], "/lobby join b", "[Lobby] 'b' not found.");
    ask(&clients[1], "/lobby join a", "[Lobby] Joined 'a' (2/2).");
    ask(&clients[2], "/lobby join a", "[Lobby] 'a' is full.");
    ask(&clients[0], "/lobby create b",
        "[Lobby] Leave your current lobby before creating one.");
    ask(&clients[0], "/lobby join a",
        "[Lobby] Leave your current lobby before joining another.");
}

static void test_lobby_list(void **state)
{
    fixture_t *fixture = *state;
    ws_client_t *clients = fixture->clients;

    start_with_clients(fixture);
    ask(&clients[2], "/lobby list", "[Lobby] Public lobbies:\n  (none)");
    ask(&clients[1], "/lobby create b", "[Lobby] Created and joined 'b' (1/4).");
    ask(&clients[0], "/lobby create a 8", "[Lobby] Created and joined 'a' (1/8).");
    ask(&clients[2], "/lobby join a", "[Lobby] Joined 'a' (2/8).");
    ask(&clients[2], "/lobby list",
        "[Lobby] Public lobbies:\n  b (1/4)  owner:2\n  a (2/8)  owner:1");
}

static void test_lobby_private_is_not_inverted(void **state)
{
    fixture_t *fixture = *state;
    ws_client_t *clients = fixture->clients;

    start_with_clients(fixture);
    ask(&clients[0], "/lobby create den 2 private",
        "[Lobby] Created and joined 'den' (1/2).");
    ask(&clients[1], "/lobby create open", "[Lobby] Created and joined 'open' (1/4).");
    ask(&clients[2], "/lobby list", "[Lobby] Public lobbies:\n  open (1/4)  owner:2");
    ask(&clients[2], "/lobby info den", "[Lobby] 'den' not found.");
    ask(&clients[2], "/lobby join den", "[Lobby] Joined 'den' (2/2).");
    ask(&clients[2], "/lobby info den", "[Lobby] den (2/2)  owner:1  members:1,3");
}

static void test_lobby_info_is_answered(void **state)
{
    fixture_t *fixture = *state;
    ws_client_t *clients = fixture->clients;

    start_with_clients(fixture);
    ask(&clients[2], "/lobby info duel", "[Lobby] 'duel' not found.");
    ask(&clients[1], "/lobby create duel", "[Lobby] Created and joined 'duel' (1/4).");
    ask(&clients[0], "/lobby join duel", "[Lobby] Joined 'duel' (2/4).");
    ask(&clients[2], "/lobby info duel", "[Lobby] duel (2/4)  owner:2  members:2,1");
}

static void test_lobby_malformed_input_gets_a_usage_line(void **state)
{
    static const char create[] =
        "[Lobby] Usage: /lobby create NAME [max] [private], max from 2 to 8";
    static const char *const cases[][2] = {
        {"/lobby", "[Lobby] Usage: /lobby create|join|leave|list|info"},
        {"/lobby destroy", "[Lobby] Usage: /lobby create|join|leave|list|info"},
        {"/lobby create", create},
        {"/lobby create a 1", create},
        {"/lobby create a -4", create},
        {"/lobby create a nan", create},
        {"/lobby create a 4294967300", create},
        {"/lobby create a 99999999999999999999999", create},
        {"/lobby create a 4 private more", create},
        {"/lobby join", "[Lobby] Usage: /lobby join NAME"},
        {"/lobby join a b", "[Lobby] Usage: /lobby join NAME"},
        {"/lobby leave a", "[Lobby] Usage: /lobby leave"},
        {"/lobby list a", "[Lobby] Usage: /lobby list"},
        {"/lobby info", "[Lobby] Usage: /lobby info NAME"},
        {"/lobby create [x]", "[Lobby] A lobby's name does not begin with [."},
        {"/lobby join a\x1b[1m", "[Lobby] A lobby's name has no control characters."},
        {"/lobby info 012345678901234567890123456789012",
         "[Lobby] A lobby's name has at most 32 bytes."},
    };
    fixture_t *fixture = *state;

    start_with_clients(fixture);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ask(&fixture->clients[0], cases[i][0], cases[i][1]);
    }
    ask(&fixture->clients[0], "/lobby list", "[Lobby] Public lobbies:\n  (none)");
}

/* A text as long as one may be is answered like any other. */
static void test_lobby_huge_command_gets_a_short_answer(void **state)
{
    fixture_t *fixture = *state;
    static const char command[] = "/lobby join ";
    size_t size = 60000;
    char *text = malloc(size);

    start_with_clients(fixture);
    assert_non_null(text);
    memset(text, 'x', size);
    for (size_t i = 0; command[i] != '\0'; i++) {
        text[i] = command[i];
    }
    ws_client_send(&fixture->clients[0], WS_FIN | WS_TEXT, text, size);
    ws_client_expect_text(&fixture->clients[0],
                          "[Lobby] A lobby's name has at most 32 bytes.");
    for (size_t i = 12; i < size; i += 2) {
        text[i] = ' ';
    }
    ws_client_send(&fixture->clients[0], WS_FIN | WS_TEXT, text, size);
    ws_client_expect_text(&fixture->clients[0], "[Lobby] Usage: /lobby join NAME");
    free(text);
}

static void test_lobby_lobbies_are_limited(void **state)
{
    fixture_t *fixture = *state;
    ws_client_t *clients = fixture->clients;

    start_with_clients(fixture);
    ask(&clients[0], "/lobby create a", "[Lobby] Created and joined 'a' (1/4).");
    ask(&clients[1], "/lobby create b", "[Lobby] Created and joined 'b' (1/4).");
    ask(&clients[2], "/lobby create c", "[Lobby] There are too many lobbies.");
    assert_true(admin_metric(&fixture->server, "reef_lobby_refused_total") == 1);
    assert_true(admin_metric(&fixture->server, "reef_lobby_created_total") == 2);
}

static void test_lobby_ownership_passes_and_empty_ones_dissolve(void **state)
{
    fixture_t *fixture = *state;
    ws_client_t *clients = fixture->clients;

    start_with_clients(fixture);
    ask(&clients[1], "/lobby create a", "[Lobby] Created and joined 'a' (1/4).");
    ask(&clients[2], "/lobby join a", "[Lobby] Joined 'a' (2/4).");
    ask(&clients[0], "/lobby join a", "[Lobby] Joined 'a' (3/4).");
    ws_client_drop(&clients[1]);
    ask_until(&clients[0], "/lobby info a", "[Lobby] a (2/4)  owner:3  members:3,1");
    ws_client_drop(&clients[2]);
    ask_until(&clients[0], "/lobby info a", "[Lobby] a (1/4)  owner:1  members:1");
    ws_client_drop(&clients[0]);
    open_client(fixture, 1);
    ask_until(&clients[1], "/lobby list", "[Lobby] Public lobbies:\n  (none)");
}

/* Both arrive in one read, so in one frame of the server. */
static void test_lobby_two_joins_at_once_leave_the_client_in_one(void **state)
{
    fixture_t *fixture = *state;
    ws_client_t *clients = fixture->clients;
    uint8_t both[128];
    size_t size;

    start_with_clients(fixture);
    ask(&clients[1], "/lobby create a", "[Lobby] Created and joined 'a' (1/4).");
    ask(&clients[2], "/lobby create b", "[Lobby] Created and joined 'b' (1/4).");
    size = ws_client_write_frame(both, WS_FIN | WS_TEXT, "/lobby join a", 13);
    size += ws_client_write_frame(both + size, WS_FIN | WS_TEXT, "/lobby join b", 13);
    ws_client_send_raw(&clients[0], both, size);
    ws_client_expect_text(&clients[0], "[Lobby] Joined 'a' (2/4).");
    ws_client_expect_text(&clients[0],
                          "[Lobby] Leave your current lobby before joining another.");
    ask(&clients[1], "/lobby list",
        "[Lobby] Public lobbies:\n  a (2/4)  owner:2\n  b (1/4)  owner:3");
}

/* With its command still unread when the connection ends. */
static void test_lobby_last_words_leave_no_ghost(void **state)
{
    fixture_t *fixture = *state;
    server_base_line_t before;

    start_with_clients(fixture);
    ws_client_drop(&fixture->clients[1]);
    ask_until(&fixture->clients[0], "/lobby list", "[Lobby] Public lobbies:\n  (none)");
    before = server_base_line(&fixture->server);
    for (int i = 0; i < 20; i++) {
        ws_client_open(&fixture->clients[1], fixture->server.port);
        ws_client_say(&fixture->clients[1],
                      i % 2 == 0 ? "/lobby create a" : "/lobby create b 2 private");
        ws_client_drop(&fixture->clients[1]);
    }
    server_await_base_line(&fixture->server, before);
    ask(&fixture->clients[0], "/lobby create a",
        "[Lobby] Created and joined 'a' (1/4).");
    ask(&fixture->clients[2], "/lobby create b",
        "[Lobby] Created and joined 'b' (1/4).");
}

static void test_lobby_kicked_client_is_no_ghost_member(void **state)
{
    fixture_t *fixture = *state;
    ws_client_t *clients = fixture->clients;
    int status;

    start_with_clients(fixture);
    ask(&clients[0], "/lobby create a 2", "[Lobby] Created and joined 'a' (1/2).");
    ask(&clients[1], "/lobby join a", "[Lobby] Joined 'a' (2/2).");
    cJSON_Delete(admin_request(&fixture->server, "POST", "/api/v1/clients/1:kick", NULL,
                               &status));
    assert_int_equal(status, 200);
    ws_client_expect_close(&clients[0], 1008, NULL);
    ask_until(&clients[1], "/lobby info a", "[Lobby] a (1/2)  owner:2  members:2");
    ask(&clients[2], "/lobby join a", "[Lobby] Joined 'a' (2/2).");
}

/* An operator deletes the entity of a lobby. */
static void test_lobby_deleted_by_an_operator_sends_all_home(void **state)
{
    fixture_t *fixture = *state;
    ws_client_t *clients = fixture->clients;
    char path[96];
    cJSON *found;
    int status;

    start_with_clients(fixture);
    ask(&clients[0], "/lobby create a", "[Lobby] Created and joined 'a' (1/4).");
    ask(&clients[1], "/lobby join a", "[Lobby] Joined 'a' (2/4).");
    found = admin_get(&fixture->server, "/api/v1/entities?query=lobby");
    snprintf(path, sizeof(path), "/api/v1/entities/%s",
             admin_text(cJSON_GetArrayItem(
                            cJSON_GetObjectItemCaseSensitive(found, "items"), 0),
                        "id"));
    cJSON_Delete(found);
    cJSON_Delete(admin_request(&fixture->server, "DELETE", path, NULL, &status));
    assert_int_equal(status, 200);
    ask(&clients[0], "/lobby leave", "[Lobby] You are not in a lobby.");
    ask(&clients[1], "/lobby create a", "[Lobby] Created and joined 'a' (1/4).");
}

static void test_lobby_flood_leaves_nothing_behind(void **state)
{
    enum {
        ROUNDS = 2000
    };
    static uint8_t all[ROUNDS * 64];
    fixture_t *fixture = *state;
    server_base_line_t before;
    size_t size = 0;

    start_with_clients(fixture);
    before = server_base_line(&fixture->server);
    for (int i = 0; i < ROUNDS; i++) {
        size +=
            ws_client_write_frame(all + size, WS_FIN | WS_TEXT, "/lobby create a", 15);
        size += ws_client_write_frame(all + size, WS_FIN | WS_TEXT, "/lobby leave", 12);
    }
    ws_client_send_raw(&fixture->clients[0], all, size);
    for (int i = 0; i < ROUNDS; i++) {
        ws_client_expect_text(&fixture->clients[0],
                              "[Lobby] Created and joined 'a' (1/4).");
        ws_client_expect_text(&fixture->clients[0], "[Lobby] Left 'a'.");
    }
    server_await_base_line(&fixture->server, before);
}

static void test_lobby_ready_begins_the_match_of_the_example(void **state)
{
    fixture_t *fixture = *state;
    ws_client_t *clients = fixture->clients;

    SERVER_START(&fixture->server, LOBBY_EXAMPLE, NULL);
    for (size_t i = 0; i < CLIENTS; i++) {
        open_client(fixture, i);
    }
    ask(&clients[1], "/lobby create duel 2",
        "[Lobby] Created and joined 'duel' (1/2).");
    ask(&clients[0], "/lobby join duel", "[Lobby] Joined 'duel' (2/2).");
    ws_client_expect_text(&clients[0], "[Match] duel begins, player 2 of 2");
    ws_client_expect_text(&clients[1], "[Match] duel begins, player 1 of 2");
    for (size_t i = 0; i < CLIENTS; i++) {
        ws_client_expect_text(&clients[i], "2 busy");
        ws_client_expect_text(&clients[i], "1 busy");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_lobby_create_and_join),
        TEST(test_lobby_leave),
        TEST(test_lobby_refusals),
        TEST(test_lobby_list),
        TEST(test_lobby_private_is_not_inverted),
        TEST(test_lobby_info_is_answered),
        TEST(test_lobby_malformed_input_gets_a_usage_line),
        TEST(test_lobby_huge_command_gets_a_short_answer),
        TEST(test_lobby_lobbies_are_limited),
        TEST(test_lobby_ownership_passes_and_empty_ones_dissolve),
        TEST(test_lobby_two_joins_at_once_leave_the_client_in_one),
        TEST(test_lobby_last_words_leave_no_ghost),
        TEST(test_lobby_kicked_client_is_no_ghost_member),
        TEST(test_lobby_deleted_by_an_operator_sends_all_home),
        TEST(test_lobby_flood_leaves_nothing_behind),
        TEST(test_lobby_ready_begins_the_match_of_the_example),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
