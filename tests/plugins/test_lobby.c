#include "loopback.h"
#include "test.h"

#include <reef/components.h>
#include <reef/list.h>
#include <reef/lobby.h>
#include <reef/router.h>
#include <reef/session.h>

enum {
    PEERS = 5,
    LOG_SIZE = 2048
};

typedef struct fixture {
    reef_app_t *app;
    loopback_peer_t peer[PEERS]; /* clients 1 to PEERS */
    char events[LOG_SIZE];       /* of the plugin, as text */
} fixture_t;

/* What happened ---------------------------------------------------------------- */

REEF_PRINTF(2, 3) static void note(fixture_t *fixture, const char *format, ...)
{
    size_t size = strlen(fixture->events);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(fixture->events + size, sizeof(fixture->events) - size, format,
              arguments);
    va_end(arguments);
}

static uint64_t id_of(reef_world_t *world, reef_entity_t entity)
{
    const client_id_t *id = REEF_FIND(world, entity, client_id);

    return id != NULL ? id->value : 0;
}

static void watch_joins(reef_run_t *run)
{
    const player_joined_lobby_t *event;

    while ((event = REEF_NEXT(run, player_joined_lobby)) != NULL) {
        note(reef_run_context(run), "%d joins %s;", (int)event->client_id, event->name);
    }
}

static void watch_leaves(reef_run_t *run)
{
    reef_world_t *world = reef_run_world(run);
    const player_left_lobby_t *event;

    while ((event = REEF_NEXT(run, player_left_lobby)) != NULL) {
        note(reef_run_context(run), "%d leaves %s to %d;", (int)event->client_id,
             event->name, (int)id_of(world, event->owner));
    }
}

static void watch_ready(reef_run_t *run)
{
    reef_world_t *world = reef_run_world(run);
    const lobby_ready_t *event;

    while ((event = REEF_NEXT(run, lobby_ready)) != NULL) {
        note(reef_run_context(run), "%s ready:", event->name);
        for (uint32_t i = 0; i < event->member_count; i++) {
            note(reef_run_context(run), " %d", (int)id_of(world, event->members[i]));
        }
        note(reef_run_context(run), ";");
    }
}

static void watch_ends(reef_run_t *run)
{
    const lobby_dissolved_t *event;

    while ((event = REEF_NEXT(run, lobby_dissolved)) != NULL) {
        note(reef_run_context(run), "%s ends;", event->name);
    }
}

static void add_watcher(fixture_t *fixture,
                        const char *name,
                        reef_system_fn run,
                        const reef_event_type_t *event)
{
    reef_app_add_system(fixture->app, REEF_UPDATE,
                        &(reef_system_desc_t){.name = name,
                                              .run = run,
                                              .context = fixture,
                                              .exclusive = true,
                                              .reads = {event},
                                              .after = {"lobby_goodbye"}});
}

/* Fixture ---------------------------------------------------------------------- */

static int setup(void **state)
{
    static const char *const argv[] = {"test",
                                       "--set",
                                       "lobby.max_lobbies=2",
                                       "--set",
                                       "lobby.max_members=5",
                                       "--set",
                                       "lobby.max_name=8"};
    fixture_t *fixture = calloc(1, sizeof(*fixture));

    fixture->app = loopback_app_create(7, argv);
    assert_int_equal(reef_app_add_plugin(fixture->app, &reef_lobby_plugin, NULL, NULL),
                     REEF_OK);
    add_watcher(fixture, "joins", watch_joins, &player_joined_lobby_event);
    add_watcher(fixture, "leaves", watch_leaves, &player_left_lobby_event);
    add_watcher(fixture, "ready", watch_ready, &lobby_ready_event);
    add_watcher(fixture, "ends", watch_ends, &lobby_dissolved_event);
    loopback_app_start(fixture->app);
    for (int i = 0; i < PEERS; i++) {
        loopback_connect(fixture->app, &fixture->peer[i]);
    }
    reef_app_step(fixture->app, 0);
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

/* Client `number` says a text in a frame of its own; returns what it alone gets. */
static const char *ask(fixture_t *fixture, int number, const char *text)
{
    for (int i = 0; i < PEERS; i++) {
        loopback_forget(&fixture->peer[i]);
    }
    fixture->events[0] = '\0';
    loopback_say(&fixture->peer[number - 1], text);
    reef_app_step(fixture->app, 0);
    for (int i = 0; i < PEERS; i++) {
        assert_true(i == number - 1 || fixture->peer[i].received_size == 0);
    }
    return fixture->peer[number - 1].received;
}

static reef_entity_t client(const fixture_t *fixture, int number)
{
    return reef_session_find(fixture->app, (uint64_t)number);
}

static reef_entity_t lobby_of(fixture_t *fixture, int number)
{
    return REEF_TARGET(reef_app_world(fixture->app), client(fixture, number), in_lobby);
}

static void leave_by_force(fixture_t *fixture, int number)
{
    reef_world_t *world = reef_app_world(fixture->app);

    reef_world_remove(world, client(fixture, number),
                      reef_world_component(world, &in_lobby_type));
}

#define ASSERT_ANSWER(fixture, number, text, answer)                                   \
    assert_string_equal(ask((fixture), (number), (text)), answer "\n")

/* Commands --------------------------------------------------------------------- */

static void test_lobby_create_join_leave(void **state)
{
    fixture_t *fixture = *state;

    ASSERT_ANSWER(fixture, 1, "/lobby create duel",
                  "[Lobby] Created and joined 'duel' (1/4).");
    assert_string_equal(fixture->events, "1 joins duel;");
    ASSERT_ANSWER(fixture, 2, "/lobby join duel", "[Lobby] Joined 'duel' (2/4).");
    assert_string_equal(fixture->events, "2 joins duel;");
    assert_int_equal(lobby_of(fixture, 1), lobby_of(fixture, 2));
    ASSERT_ANSWER(fixture, 2, "  /lobby \t leave ", "[Lobby] Left 'duel'.");
    assert_string_equal(fixture->events, "2 leaves duel to 1;");
    ASSERT_ANSWER(fixture, 2, "/lobby leave", "[Lobby] You are not in a lobby.");
    assert_int_equal(lobby_of(fixture, 2), 0);
}

static void test_lobby_name_that_is_taken(void **state)
{
    ask(*state, 1, "/lobby create duel");
    ASSERT_ANSWER(*state, 2, "/lobby create duel", "[Lobby] 'duel' already exists.");
    ASSERT_ANSWER(*state, 2, "/lobby create duel private",
                  "[Lobby] 'duel' already exists.");
}

static void test_lobby_join_of_one_that_is_unknown_or_full(void **state)
{
    ASSERT_ANSWER(*state, 1, "/lobby join duel", "[Lobby] 'duel' not found.");
    ask(*state, 1, "/lobby create duel 2");
    ask(*state, 2, "/lobby join duel");
    ASSERT_ANSWER(*state, 3, "/lobby join duel", "[Lobby] 'duel' is full.");
}

static void test_lobby_one_at_a_time(void **state)
{
    ask(*state, 1, "/lobby create a");
    ask(*state, 2, "/lobby create b");
    ASSERT_ANSWER(*state, 1, "/lobby create c",
                  "[Lobby] Leave your current lobby before creating one.");
    ASSERT_ANSWER(*state, 1, "/lobby join b",
                  "[Lobby] Leave your current lobby before joining another.");
    ASSERT_ANSWER(*state, 1, "/lobby join a",
                  "[Lobby] Leave your current lobby before joining another.");
}

/* All arrives in one frame; each command sees the one before. */
static void test_lobby_commands_of_a_frame_are_applied_in_order(void **state)
{
    static const char *const said[] = {"/lobby create a", "/lobby create b",
                                       "/lobby leave",    "/lobby create a 2",
                                       "/lobby leave",    "/lobby create b"};
    fixture_t *fixture = *state;

    for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
        loopback_say(&fixture->peer[0], said[i]);
    }
    reef_app_step(fixture->app, 0);
    assert_string_equal(fixture->peer[0].received,
                        "[Lobby] Created and joined 'a' (1/4).\n"
                        "[Lobby] Leave your current lobby before creating one.\n"
                        "[Lobby] Left 'a'.\n"
                        "[Lobby] Created and joined 'a' (1/2).\n"
                        "[Lobby] Left 'a'.\n"
                        "[Lobby] Created and joined 'b' (1/4).\n");
    ASSERT_ANSWER(fixture, 2, "/lobby list",
                  "[Lobby] Public lobbies:\n  b (1/4)  owner:1");
    assert_int_equal(reef_world_entity_count(reef_app_world(fixture->app)), PEERS + 1);
}

static void test_lobby_list_shows_public_ones_in_order_of_creation(void **state)
{
    ASSERT_ANSWER(*state, 1, "/lobby list", "[Lobby] Public lobbies:\n  (none)");
    ask(*state, 3, "/lobby create zoo 3");
    ASSERT_ANSWER(*state, 1, "/lobby list",
                  "[Lobby] Public lobbies:\n  zoo (1/3)  owner:3");
    ask(*state, 2, "/lobby create ark");
    ask(*state, 1, "/lobby join zoo");
    ASSERT_ANSWER(*state, 1, "/lobby list",
                  "[Lobby] Public lobbies:\n"
                  "  zoo (2/3)  owner:3\n  ark (1/4)  owner:2");
    ask(*state, 3, "/lobby leave");
    ASSERT_ANSWER(*state, 1, "/lobby list",
                  "[Lobby] Public lobbies:\n"
                  "  zoo (1/3)  owner:1\n  ark (1/4)  owner:2");
    ask(*state, 1, "/lobby leave");
    ASSERT_ANSWER(*state, 1, "/lobby list",
                  "[Lobby] Public lobbies:\n  ark (1/4)  owner:2");
}

static void test_lobby_private_is_not_listed_and_joined_by_name(void **state)
{
    ASSERT_ANSWER(*state, 1, "/lobby create den private",
                  "[Lobby] Created and joined 'den' (1/4).");
    ASSERT_ANSWER(*state, 2, "/lobby list", "[Lobby] Public lobbies:\n  (none)");
    ASSERT_ANSWER(*state, 1, "/lobby list", "[Lobby] Public lobbies:\n  (none)");
    ASSERT_ANSWER(*state, 2, "/lobby join den", "[Lobby] Joined 'den' (2/4).");
    ask(*state, 2, "/lobby leave");
    ask(*state, 1, "/lobby leave");
    ASSERT_ANSWER(*state, 1, "/lobby create den 3 private",
                  "[Lobby] Created and joined 'den' (1/3).");
    ask(*state, 2, "/lobby create private");
    ASSERT_ANSWER(*state, 1, "/lobby list",
                  "[Lobby] Public lobbies:\n  private (1/4)  owner:2");
}

static void test_lobby_info_names_the_members_in_order_of_joining(void **state)
{
    ask(*state, 3, "/lobby create duel");
    ask(*state, 1, "/lobby join duel");
    ask(*state, 2, "/lobby join duel");
    ASSERT_ANSWER(*state, 4, "/lobby info duel",
                  "[Lobby] duel (3/4)  owner:3  members:3,1,2");
    ASSERT_ANSWER(*state, 4, "/lobby info other", "[Lobby] 'other' not found.");
}

static void test_lobby_info_of_a_private_one_is_for_its_members(void **state)
{
    ask(*state, 1, "/lobby create den private");
    ASSERT_ANSWER(*state, 1, "/lobby info den",
                  "[Lobby] den (1/4)  owner:1  members:1");
    ASSERT_ANSWER(*state, 2, "/lobby info den", "[Lobby] 'den' not found.");
    ask(*state, 2, "/lobby create own");
    ASSERT_ANSWER(*state, 2, "/lobby info den", "[Lobby] 'den' not found.");
}

static void test_lobby_malformed_commands_get_the_form(void **state)
{
    static const char *const bare[] = {"/lobby", "/lobby  ", "/lobby dance",
                                       "/lobby Create a", "/lobby createx a"};
    static const char *const named[][2] = {
        {"/lobby join", "join NAME"},  {"/lobby join a b", "join NAME"},
        {"/lobby info", "info NAME"},  {"/lobby info a b c d e f", "info NAME"},
        {"/lobby leave now", "leave"}, {"/lobby list all", "list"},
    };
    char expected[128];

    for (size_t i = 0; i < sizeof(bare) / sizeof(bare[0]); i++) {
        ASSERT_ANSWER(*state, 1, bare[i],
                      "[Lobby] Usage: /lobby create|join|leave|list|info");
    }
    for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
        snprintf(expected, sizeof(expected), "[Lobby] Usage: /lobby %s\n", named[i][1]);
        assert_string_equal(ask(*state, 1, named[i][0]), expected);
    }
}

static void test_lobby_create_refuses_what_is_no_number_of_members(void **state)
{
    static const char *const bad[] = {"1",
                                      "0",
                                      "6",
                                      "-2",
                                      "+2",
                                      "2.0",
                                      "2.",
                                      "nan",
                                      "inf",
                                      "2e0",
                                      "0x2",
                                      "2,2",
                                      "4294967298",
                                      "18446744073709551618",
                                      "99999999999999999999999999999999999999999999",
                                      "\xd9\xa2",
                                      "2 public",
                                      "2 3",
                                      "private 2",
                                      "private private",
                                      "2 private x",
                                      "PRIVATE"};
    char text[128];

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        snprintf(text, sizeof(text), "/lobby create a %s", bad[i]);
        ASSERT_ANSWER(
            *state, 1, text,
            "[Lobby] Usage: /lobby create NAME [max] [private], max from 2 to 5");
    }
    ASSERT_ANSWER(*state, 1, "/lobby create",
                  "[Lobby] Usage: /lobby create NAME [max] [private], max from 2 to 5");
    ASSERT_ANSWER(*state, 1, "/lobby create a 005",
                  "[Lobby] Created and joined 'a' (1/5).");
}

static void test_lobby_names_that_could_deceive_are_refused(void **state)
{
    static const char *const commands[] = {"create", "join", "info"};
    static const char *const bad[][2] = {
        {"123456789", "has at most 8 bytes."},
        {"[Lobby]", "does not begin with [."},
        {"a\x1b[2J", "has no control characters."},
        {"a\xc2\x85", "has no control characters."},
        {"a\xe2\x80\xae", "has no invisible characters."},
        {"a\xc2\xa0z", "is one word."},
    };
    char text[64];
    char expected[64];

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        for (size_t k = 0; k < 3; k++) {
            snprintf(text, sizeof(text), "/lobby %s %s", commands[k], bad[i][0]);
            snprintf(expected, sizeof(expected), "[Lobby] A lobby's name %s\n",
                     bad[i][1]);
            assert_string_equal(ask(*state, 1, text), expected);
        }
    }
    ASSERT_ANSWER(*state, 1, "/lobby create 12345678",
                  "[Lobby] Created and joined '12345678' (1/4).");
}

static void test_lobby_lobbies_are_limited(void **state)
{
    ask(*state, 1, "/lobby create a");
    ask(*state, 2, "/lobby create b private");
    ASSERT_ANSWER(*state, 3, "/lobby create c", "[Lobby] There are too many lobbies.");
    ask(*state, 1, "/lobby leave");
    ASSERT_ANSWER(*state, 3, "/lobby create c",
                  "[Lobby] Created and joined 'c' (1/4).");
}

/* Members ---------------------------------------------------------------------- */

static void test_lobby_ready_comes_each_time_it_fills(void **state)
{
    fixture_t *fixture = *state;

    ask(fixture, 2, "/lobby create duel 2");
    ask(fixture, 1, "/lobby join duel");
    assert_string_equal(fixture->events, "1 joins duel;duel ready: 2 1;");
    ask(fixture, 3, "/lobby join duel");
    assert_string_equal(fixture->events, "");
    ask(fixture, 2, "/lobby leave");
    assert_string_equal(fixture->events, "2 leaves duel to 1;");
    ask(fixture, 3, "/lobby join duel");
    assert_string_equal(fixture->events, "3 joins duel;duel ready: 1 3;");
}

static void test_lobby_ownership_passes_to_the_oldest_member(void **state)
{
    fixture_t *fixture = *state;
    const lobby_t *lobby;

    ask(fixture, 5, "/lobby create a");
    ask(fixture, 2, "/lobby join a");
    ask(fixture, 4, "/lobby join a");
    ask(fixture, 1, "/lobby join a");
    ask(fixture, 2, "/lobby leave");
    assert_string_equal(fixture->events, "2 leaves a to 5;");
    ASSERT_ANSWER(fixture, 3, "/lobby info a",
                  "[Lobby] a (3/4)  owner:5  members:5,4,1");
    ask(fixture, 5, "/lobby leave");
    assert_string_equal(fixture->events, "5 leaves a to 4;");
    lobby = REEF_FIND(reef_app_world(fixture->app), lobby_of(fixture, 4), lobby);
    assert_int_equal(lobby->owner, client(fixture, 4));
    ASSERT_ANSWER(fixture, 3, "/lobby info a", "[Lobby] a (2/4)  owner:4  members:4,1");
}

static void test_lobby_without_members_dissolves(void **state)
{
    fixture_t *fixture = *state;
    reef_world_t *world = reef_app_world(fixture->app);

    ask(fixture, 1, "/lobby create a");
    assert_int_equal(reef_world_entity_count(world), PEERS + 1);
    ask(fixture, 1, "/lobby leave");
    assert_string_equal(fixture->events, "1 leaves a to 0;a ends;");
    assert_int_equal(reef_world_entity_count(world), PEERS);
    ASSERT_ANSWER(fixture, 2, "/lobby info a", "[Lobby] 'a' not found.");
}

static void test_lobby_disconnect_takes_the_member_out(void **state)
{
    fixture_t *fixture = *state;

    ask(fixture, 1, "/lobby create a 2");
    ask(fixture, 2, "/lobby join a");
    fixture->events[0] = '\0';
    loopback_disconnect(&fixture->peer[0]);
    reef_app_step(fixture->app, 0);
    assert_string_equal(fixture->events, "1 leaves a to 2;");
    ASSERT_ANSWER(fixture, 3, "/lobby join a", "[Lobby] Joined 'a' (2/2).");
}

/* The command and the end arrive in one frame. */
static void test_lobby_last_words_leave_no_ghost(void **state)
{
    fixture_t *fixture = *state;

    fixture->events[0] = '\0';
    loopback_say(&fixture->peer[0], "/lobby create a");
    loopback_disconnect(&fixture->peer[0]);
    reef_app_tick_n(fixture->app, 2);
    assert_string_equal(fixture->events, "");
    ASSERT_ANSWER(fixture, 2, "/lobby list", "[Lobby] Public lobbies:\n  (none)");
    assert_int_equal(reef_world_entity_count(reef_app_world(fixture->app)), PEERS - 1);
}

static void test_lobby_despawn_of_a_member_takes_it_out(void **state)
{
    fixture_t *fixture = *state;

    ask(fixture, 1, "/lobby create a");
    ask(fixture, 2, "/lobby join a");
    fixture->events[0] = '\0';
    reef_world_despawn(reef_app_world(fixture->app), client(fixture, 1));
    reef_app_tick_n(fixture->app, 2);
    assert_string_equal(fixture->events, "1 leaves a to 2;");
    ASSERT_ANSWER(fixture, 2, "/lobby info a", "[Lobby] a (1/4)  owner:2  members:2");
}

static void test_lobby_kick_takes_the_member_out(void **state)
{
    fixture_t *fixture = *state;

    ask(fixture, 1, "/lobby create a");
    fixture->events[0] = '\0';
    reef_session_close(fixture->app, client(fixture, 1), 0, "out");
    reef_app_tick_n(fixture->app, 3);
    assert_string_equal(fixture->events, "1 leaves a to 0;a ends;");
    assert_int_equal(reef_world_entity_count(reef_app_world(fixture->app)), PEERS - 1);
}

static void test_lobby_removed_relation_takes_the_member_out(void **state)
{
    fixture_t *fixture = *state;

    ask(fixture, 1, "/lobby create a");
    leave_by_force(fixture, 1);
    ASSERT_ANSWER(fixture, 1, "/lobby create a",
                  "[Lobby] Created and joined 'a' (1/4).");
    assert_string_equal(fixture->events, "1 joins a;1 leaves a to 0;a ends;");
    assert_int_equal(reef_world_entity_count(reef_app_world(fixture->app)), PEERS + 1);
}

static void test_lobby_despawn_of_a_lobby_sends_all_home(void **state)
{
    fixture_t *fixture = *state;

    ask(fixture, 1, "/lobby create a");
    ask(fixture, 2, "/lobby join a");
    fixture->events[0] = '\0';
    reef_world_despawn(reef_app_world(fixture->app), lobby_of(fixture, 1));
    reef_app_step(fixture->app, 0);
    assert_non_null(strstr(fixture->events, "a ends;"));
    assert_int_equal(lobby_of(fixture, 1), 0);
    ASSERT_ANSWER(fixture, 1, "/lobby leave", "[Lobby] You are not in a lobby.");
    ASSERT_ANSWER(fixture, 2, "/lobby create a",
                  "[Lobby] Created and joined 'a' (1/4).");
}

static void test_lobby_removed_component_ends_the_lobby(void **state)
{
    fixture_t *fixture = *state;
    reef_world_t *world = reef_app_world(fixture->app);

    ask(fixture, 1, "/lobby create a");
    ask(fixture, 2, "/lobby join a");
    reef_world_remove(world, lobby_of(fixture, 1),
                      reef_world_component(world, &lobby_type));
    reef_app_step(fixture->app, 0);
    assert_int_equal(lobby_of(fixture, 1), 0);
    assert_int_equal(lobby_of(fixture, 2), 0);
    assert_int_equal(reef_world_entity_count(world), PEERS);
    ASSERT_ANSWER(fixture, 2, "/lobby list", "[Lobby] Public lobbies:\n  (none)");
}

/* An application puts a client into a lobby, and from there into another. */
static void test_lobby_follows_the_relation(void **state)
{
    fixture_t *fixture = *state;
    reef_world_t *world = reef_app_world(fixture->app);

    ask(fixture, 1, "/lobby create a 2");
    ask(fixture, 2, "/lobby create b");
    fixture->events[0] = '\0';
    REEF_RELATE(world, client(fixture, 3), in_lobby, lobby_of(fixture, 1));
    reef_app_step(fixture->app, 0);
    assert_string_equal(fixture->events, "3 joins a;a ready: 1 3;");
    fixture->events[0] = '\0';
    REEF_RELATE(world, client(fixture, 1), in_lobby, lobby_of(fixture, 2));
    REEF_RELATE(world, client(fixture, 1), in_lobby, lobby_of(fixture, 2));
    reef_app_step(fixture->app, 0);
    assert_string_equal(fixture->events, "1 joins b;1 leaves a to 3;");
    REEF_RELATE(world, client(fixture, 3), in_lobby, client(fixture, 4));
    ASSERT_ANSWER(fixture, 4, "/lobby list",
                  "[Lobby] Public lobbies:\n  b (2/4)  owner:2");
}

/* For operators ---------------------------------------------------------------- */

static void test_lobby_inspectable_list(void **state)
{
    fixture_t *fixture = *state;
    const reef_list_desc_t *list;
    _Alignas(8) uint8_t row[256] = {0};
    const reef_entity_t *members;
    uint32_t count = 0;
    char value[128];
    char text[512];
    size_t size = 0;

    ask(fixture, 3, "/lobby create den 3 private");
    ask(fixture, 1, "/lobby join den");
    list = reef_app_find_list(fixture->app, reef_span_text("lobbies"));
    assert_non_null(list);
    assert_int_equal(list->count(list->context), 1);
    assert_true(list->row->size <= sizeof(row));
    list->get(list->context, 0, row);
    for (uint32_t i = 0; i < list->row->field_count; i++) {
        const reef_field_t *field = &list->row->fields[i];

        reef_field_format(field, row + field->offset, value, sizeof(value));
        size += (size_t)snprintf(text + size, sizeof(text) - size, "%s=%s;",
                                 field->name, value);
    }
    assert_string_equal(text,
                        "name=den;members=2;max_members=3;is_private=true;owner_id=3;");
    members = list->members(list->context, 0, &count);
    assert_int_equal(count, 2);
    assert_int_equal(members[0], client(fixture, 3));
    assert_int_equal(members[1], client(fixture, 1));
}

static void test_lobby_settings_that_contradict_stop_the_start(void **state)
{
    static const char *const argv[] = {"test", "--set", "lobby.max_members=3"};
    reef_app_t *app = loopback_app_create(3, argv);
    reef_failure_t failure = {0};

    (void)state;
    assert_int_equal(reef_app_add_plugin(app, &reef_lobby_plugin, NULL, &failure),
                     REEF_E_RANGE);
    assert_non_null(strstr(failure.text, "lobby.default_max_members is 4, more than "
                                         "lobby.max_members, which is 3"));
    reef_app_destroy(app);
}

/* More lobbies than a listing shows: the oldest, and how many there are beside. */
static void test_lobby_list_is_bounded(void **state)
{
    static const char *const argv[] = {"test", "--set", "lobby.max_listed=2"};
    reef_app_t *app = loopback_app_create(3, argv);
    loopback_peer_t peers[4];
    char text[32];

    (void)state;
    assert_int_equal(reef_app_add_plugin(app, &reef_lobby_plugin, NULL, NULL), REEF_OK);
    loopback_app_start(app);
    for (int i = 0; i < 4; i++) {
        loopback_connect(app, &peers[i]);
        reef_app_step(app, 0);
        snprintf(text, sizeof(text), "/lobby create n%d%s", i,
                 i == 0 ? " private" : "");
        loopback_say(&peers[i], text);
        reef_app_step(app, 0);
    }
    loopback_forget(&peers[0]);
    loopback_say(&peers[0], "/lobby list");
    reef_app_step(app, 0);
    assert_string_equal(peers[0].received, "[Lobby] Public lobbies:\n"
                                           "  n1 (1/4)  owner:2\n  n2 (1/4)  owner:3\n"
                                           "  … and 1 more\n");
    reef_app_destroy(app);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_lobby_create_join_leave),
        TEST(test_lobby_name_that_is_taken),
        TEST(test_lobby_join_of_one_that_is_unknown_or_full),
        TEST(test_lobby_one_at_a_time),
        TEST(test_lobby_commands_of_a_frame_are_applied_in_order),
        TEST(test_lobby_list_shows_public_ones_in_order_of_creation),
        TEST(test_lobby_private_is_not_listed_and_joined_by_name),
        TEST(test_lobby_info_names_the_members_in_order_of_joining),
        TEST(test_lobby_info_of_a_private_one_is_for_its_members),
        TEST(test_lobby_malformed_commands_get_the_form),
        TEST(test_lobby_create_refuses_what_is_no_number_of_members),
        TEST(test_lobby_names_that_could_deceive_are_refused),
        TEST(test_lobby_lobbies_are_limited),
        TEST(test_lobby_ready_comes_each_time_it_fills),
        TEST(test_lobby_ownership_passes_to_the_oldest_member),
        TEST(test_lobby_without_members_dissolves),
        TEST(test_lobby_disconnect_takes_the_member_out),
        TEST(test_lobby_last_words_leave_no_ghost),
        TEST(test_lobby_despawn_of_a_member_takes_it_out),
        TEST(test_lobby_kick_takes_the_member_out),
        TEST(test_lobby_removed_relation_takes_the_member_out),
        TEST(test_lobby_despawn_of_a_lobby_sends_all_home),
        TEST(test_lobby_removed_component_ends_the_lobby),
        TEST(test_lobby_follows_the_relation),
        TEST(test_lobby_inspectable_list),
        cmocka_unit_test(test_lobby_settings_that_contradict_stop_the_start),
        cmocka_unit_test(test_lobby_list_is_bounded),
    };

    return cmocka_run_group_tests_name("lobby", tests, NULL, NULL);
}
