/* Each row of the grammar of lobbies and of presence, over each transport. */
#include "talker.h"

#include <stdio.h>

enum {
    TALKERS = 3
};

typedef struct row {
    server_t *server;
    talker_t talkers[TALKERS]; /* clients 1, 2, 3 */
} row_t;

typedef void (*row_fn)(row_t *row);

#define LOBBY_USAGE  "[Lobby] Usage: /lobby create|join|leave|list|info"
#define STATUS_USAGE "[Presence] Usage: /status online|away|busy"

static void ask(talker_t *talker, const char *text, const char *answer)
{
    talker_say(talker, text);
    talker_expect(talker, answer);
}

/* A new server for each kind, and three clients, whom the world has seen by their first
 * words. */
static void over_every_transport(void **state, row_fn run)
{
    fixture_t *fixture = *state;
    row_t row = {.server = &fixture->server};

    for (int kind = 0; kind < TALKER_KINDS; kind++) {
        TALKER_START_SERVER(
            row.server, REEFD,
            talker_plugins((talker_kind_t)kind, "plugins.enabled=chat,lobby,presence"),
            "lobby.max_members=8");
        for (int i = 0; i < TALKERS; i++) {
            talker_open(&row.talkers[i], row.server, (talker_kind_t)kind);
            ask(&row.talkers[i], "/status", STATUS_USAGE);
        }
        run(&row);
        for (int i = 0; i < TALKERS; i++) {
            talker_close(&row.talkers[i]);
        }
        server_stop(row.server);
    }
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

static void expect_all(row_t *row, const char *text)
{
    for (int i = 0; i < TALKERS; i++) {
        talker_expect(&row->talkers[i], text);
    }
}

/* Lobby ------------------------------------------------------------------------ */

static void create_row(row_t *row)
{
    talker_t *one = &row->talkers[0];

    ask(one, "/lobby create duel", "[Lobby] Created and joined 'duel' (1/4).");
    ask(one, "/lobby create other",
        "[Lobby] Leave your current lobby before creating one.");
    ask(&row->talkers[1], "/lobby create duel", "[Lobby] 'duel' already exists.");
    ask(&row->talkers[1], "/lobby create two 2",
        "[Lobby] Created and joined 'two' (1/2).");
    ask(&row->talkers[2], "  /lobby   create\tden  3  private ",
        "[Lobby] Created and joined 'den' (1/3).");
}

static void test_plugin_rows_lobby_create(void **state)
{
    over_every_transport(state, create_row);
}

static void join_row(row_t *row)
{
    talker_t *talkers = row->talkers;

    ask(&talkers[1], "/lobby join duel", "[Lobby] 'duel' not found.");
    ask(&talkers[0], "/lobby create duel 2",
        "[Lobby] Created and joined 'duel' (1/2).");
    ask(&talkers[1], "/lobby join duel", "[Lobby] Joined 'duel' (2/2).");
    ask(&talkers[2], "/lobby join duel", "[Lobby] 'duel' is full.");
    ask(&talkers[1], "/lobby join duel",
        "[Lobby] Leave your current lobby before joining another.");
    talker_expect_silence(&talkers[0]); /* is not told */
}

static void test_plugin_rows_lobby_join(void **state)
{
    over_every_transport(state, join_row);
}

static void lobby_leave_row(row_t *row)
{
    talker_t *talkers = row->talkers;

    ask(&talkers[0], "/lobby leave", "[Lobby] You are not in a lobby.");
    ask(&talkers[0], "/lobby create duel", "[Lobby] Created and joined 'duel' (1/4).");
    ask(&talkers[1], "/lobby join duel", "[Lobby] Joined 'duel' (2/4).");
    ask(&talkers[0], "/lobby leave", "[Lobby] Left 'duel'.");
    ask(&talkers[2], "/lobby info duel", "[Lobby] duel (1/4)  owner:2  members:2");
    ask(&talkers[1], "/lobby leave", "[Lobby] Left 'duel'.");
    ask(&talkers[2], "/lobby info duel", "[Lobby] 'duel' not found.");
    talker_expect_silence(&talkers[0]);
}

static void test_plugin_rows_lobby_leave(void **state)
{
    over_every_transport(state, lobby_leave_row);
}

static void lobby_list_row(row_t *row)
{
    talker_t *talkers = row->talkers;

    ask(&talkers[2], "/lobby list", "[Lobby] Public lobbies:\n  (none)");
    ask(&talkers[1], "/lobby create b 2", "[Lobby] Created and joined 'b' (1/2).");
    ask(&talkers[0], "/lobby create a private",
        "[Lobby] Created and joined 'a' (1/4).");
    ask(&talkers[2], "/lobby list", "[Lobby] Public lobbies:\n  b (1/2)  owner:2");
    ask(&talkers[2], "/lobby join b", "[Lobby] Joined 'b' (2/2).");
    ask(&talkers[0], "/lobby list", "[Lobby] Public lobbies:\n  b (2/2)  owner:2");
}

static void test_plugin_rows_lobby_list(void **state)
{
    over_every_transport(state, lobby_list_row);
}

static void info_row(row_t *row)
{
    talker_t *talkers = row->talkers;

    ask(&talkers[2], "/lobby info a", "[Lobby] 'a' not found.");
    ask(&talkers[1], "/lobby create a 3 private",
        "[Lobby] Created and joined 'a' (1/3).");
    ask(&talkers[0], "/lobby info a", "[Lobby] 'a' not found.");
    ask(&talkers[0], "/lobby join a", "[Lobby] Joined 'a' (2/3).");
    ask(&talkers[0], "/lobby info a", "[Lobby] a (2/3)  owner:2  members:2,1");
}

static void test_plugin_rows_lobby_info(void **state)
{
    over_every_transport(state, info_row);
}

static void lobby_usage_row(row_t *row)
{
    static const char *const bad[][2] = {
        {"/lobby", LOBBY_USAGE},
        {"/lobby CREATE x", LOBBY_USAGE},
        {"/lobby join", "[Lobby] Usage: /lobby join NAME"},
        {"/lobby join two words", "[Lobby] Usage: /lobby join NAME"},
        {"/lobby create a 1",
         "[Lobby] Usage: /lobby create NAME [max] [private], max from 2 to 8"},
        {"/lobby create two words",
         "[Lobby] Usage: /lobby create NAME [max] [private], max from 2 to 8"},
        {"/lobby create [Lobby]", "[Lobby] A lobby's name does not begin with [."},
        {"/lobby leave now", "[Lobby] Usage: /lobby leave"},
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ask(&row->talkers[0], bad[i][0], bad[i][1]);
    }
    talker_expect_silence(&row->talkers[1]);
}

static void test_plugin_rows_lobby_usage(void **state)
{
    over_every_transport(state, lobby_usage_row);
}

/* Ownership passes to the oldest member, an empty lobby dissolves. */
static void lobby_end_row(row_t *row)
{
    talker_t *talkers = row->talkers;

    ask(&talkers[0], "/lobby create duel", "[Lobby] Created and joined 'duel' (1/4).");
    ask(&talkers[2], "/lobby join duel", "[Lobby] Joined 'duel' (2/4).");
    ask(&talkers[1], "/lobby join duel", "[Lobby] Joined 'duel' (3/4).");
    end(row, 0);
    talker_expect(&talkers[1], "1 offline"); /* so its end has been seen */
    talker_expect(&talkers[2], "1 offline");
    ask(&talkers[1], "/lobby info duel", "[Lobby] duel (2/4)  owner:3  members:3,2");
    end(row, 2);
    talker_expect(&talkers[1], "3 offline");
    ask(&talkers[1], "/lobby leave", "[Lobby] Left 'duel'.");
    ask(&talkers[1], "/lobby list", "[Lobby] Public lobbies:\n  (none)");
}

static void test_plugin_rows_lobby_ownership(void **state)
{
    over_every_transport(state, lobby_end_row);
}

/* Presence --------------------------------------------------------------------- */

static void status_row(row_t *row)
{
    talker_t *one = &row->talkers[0];

    talker_say(one, "/status away");
    expect_all(row, "1 away");
    talker_say(one, "/status away"); /* no change */
    talker_say(one, "/status busy");
    expect_all(row, "1 busy");
    talker_say(one, "/status online");
    expect_all(row, "1 online");
    for (int i = 0; i < TALKERS; i++) {
        talker_expect_silence(&row->talkers[i]);
    }
}

static void test_plugin_rows_status(void **state)
{
    over_every_transport(state, status_row);
}

static void status_room_row(row_t *row)
{
    talker_t *talkers = row->talkers;

    talker_join(&talkers[0], "the reef");
    talker_join(&talkers[1], "the reef");
    talker_say(&talkers[0], "/status away");
    talker_expect(&talkers[0], "1 away");
    talker_expect(&talkers[1], "1 away");
    talker_expect_silence(&talkers[2]);
    talker_join(&talkers[2], "the reef"); /* gets the present state */
    talker_expect(&talkers[2], "1 away");
    talker_expect_silence(&talkers[1]);
}

static void test_plugin_rows_status_in_a_room(void **state)
{
    over_every_transport(state, status_room_row);
}

static void arrival_row(row_t *row)
{
    talker_t late;

    ask(&row->talkers[0], "/status away", "1 away");
    talker_open(&late, row->server, row->talkers[0].kind);
    if (late.kind == TALKER_UDP) {
        ask(&late, "/status", STATUS_USAGE); /* is there by its first word */
    }
    talker_expect(&late, "1 away");
    talker_expect_silence(&late);
    talker_close(&late);
}

static void test_plugin_rows_presence_of_others_at_arrival(void **state)
{
    over_every_transport(state, arrival_row);
}

/* The notice of the room and the presence, each once, in that order: presence first. */
static void offline_row(row_t *row)
{
    talker_t *talkers = row->talkers;

    talker_join(&talkers[0], "the reef");
    talker_join(&talkers[1], "the reef");
    end(row, 0);
    talker_expect(&talkers[1], "1 offline");
    talker_expect(&talkers[1], "[System] User 1 has left.");
    talker_expect_silence(&talkers[1]);
    talker_expect_silence(&talkers[2]); /* could not see it */
}

static void test_plugin_rows_offline(void **state)
{
    over_every_transport(state, offline_row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_plugin_rows_lobby_create),
        TEST(test_plugin_rows_lobby_join),
        TEST(test_plugin_rows_lobby_leave),
        TEST(test_plugin_rows_lobby_list),
        TEST(test_plugin_rows_lobby_info),
        TEST(test_plugin_rows_lobby_usage),
        TEST(test_plugin_rows_lobby_ownership),
        TEST(test_plugin_rows_status),
        TEST(test_plugin_rows_status_in_a_room),
        TEST(test_plugin_rows_presence_of_others_at_arrival),
        TEST(test_plugin_rows_offline),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
