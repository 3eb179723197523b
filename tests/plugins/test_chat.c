#include "loopback.h"
#include "test.h"

#include <reef/chat.h>
#include <reef/components.h>
#include <reef/router.h>
#include <reef/session.h>

enum {
    PEERS = 3
};

typedef struct fixture {
    reef_app_t *app;
    loopback_peer_t peer[PEERS]; /* clients 1, 2, 3 */
} fixture_t;

static int setup(void **state)
{
    static const char *const argv[] = {"test", "--set", "chat.max_rooms=2"};
    fixture_t *fixture = calloc(1, sizeof(*fixture));

    fixture->app = loopback_app_create(3, argv);
    assert_int_equal(reef_app_add_plugin(fixture->app, &reef_chat_plugin, NULL, NULL),
                     REEF_OK);
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

static void forget_all(fixture_t *fixture)
{
    for (int i = 0; i < PEERS; i++) {
        loopback_forget(&fixture->peer[i]);
    }
}

/* Client `number` says texts in one frame; what everybody received before is gone. */
static void say(fixture_t *fixture, int number, const char *text)
{
    forget_all(fixture);
    loopback_say(&fixture->peer[number - 1], text);
    reef_app_step(fixture->app, 0);
}

static const char *heard(const fixture_t *fixture, int number)
{
    return fixture->peer[number - 1].received;
}

static const char *room_of(fixture_t *fixture, int number)
{
    reef_entity_t entity = reef_session_find(fixture->app, (uint64_t)number);
    const room_t *room = REEF_FIND(reef_app_world(fixture->app), entity, room);

    return room ? room->value : "";
}

static void test_chat_without_a_room_reaches_everybody(void **state)
{
    say(*state, 1, "  hello  ");

    for (int i = 1; i <= PEERS; i++) {
        assert_string_equal(heard(*state, i), "User 1: hello\n");
    }
}

static void test_chat_in_a_room_reaches_its_members_only(void **state)
{
    say(*state, 1, "/join blue whale");
    assert_string_equal(heard(*state, 1), "[System] Joined room: blue whale\n");
    say(*state, 2, "/join blue whale");
    say(*state, 2, "hi");

    assert_string_equal(heard(*state, 1), "User 2: hi\n");
    assert_string_equal(heard(*state, 2), "User 2: hi\n");
    assert_string_equal(heard(*state, 3), "");
    assert_string_equal(room_of(*state, 2), "blue whale");
}

static void test_chat_nick_is_used_and_shown(void **state)
{
    say(*state, 1, "/nick Ada");
    assert_string_equal(heard(*state, 1), "[System] Your nickname is now: Ada\n");
    say(*state, 1, "hello");

    assert_string_equal(heard(*state, 2), "Ada: hello\n");
}

static void test_chat_nick_refuses_what_could_deceive(void **state)
{
    static const char *const bad[] = {
        "/nick [System]",
        "/nick a\x1b[2J",
        "/nick a\xc2\x85",
        "/nick 0123456789012345678901234567890123456789",
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        say(*state, 1, bad[i]);
        assert_memory_equal(heard(*state, 1), "[Error] ", 8);
    }
    say(*state, 1, "x");
    assert_string_equal(heard(*state, 1), "User 1: x\n");
}

static void test_chat_two_joins_in_a_frame_leave_a_client_in_one_room(void **state)
{
    fixture_t *fixture = *state;

    forget_all(fixture);
    loopback_say(&fixture->peer[0], "/join a");
    loopback_say(&fixture->peer[0], "/join b");
    loopback_say(&fixture->peer[0], "/list");
    reef_app_step(fixture->app, 0);

    assert_string_equal(heard(fixture, 1),
                        "[System] Joined room: a\n[System] Joined room: b\n"
                        "[System] Active Rooms:\n  - b (1 users)\n");
    assert_string_equal(room_of(fixture, 1), "b");
}

static void test_chat_leave_and_list(void **state)
{
    say(*state, 1, "/list");
    assert_string_equal(heard(*state, 1),
                        "[System] Active Rooms:\n  No active rooms right now.\n");
    say(*state, 1, "/join a");
    say(*state, 1, "/leave");
    assert_string_equal(heard(*state, 1), "[System] Left room: a\n");
    say(*state, 1, "/leave");
    assert_string_equal(heard(*state, 1), "[Error] You are not in a room.\n");
    assert_string_equal(room_of(*state, 1), "");
}

static void test_chat_unknown_and_bare_commands(void **state)
{
    say(*state, 1, "/join");
    assert_string_equal(heard(*state, 1), "[Error] Unknown command: /join\n");
    say(*state, 1, "/nick  ");
    assert_string_equal(heard(*state, 1), "[Error] Unknown command: /nick\n");
    say(*state, 1, "/dance now");
    assert_string_equal(heard(*state, 1), "[Error] Unknown command: /dance\n");
    assert_string_equal(heard(*state, 2), "");
}

static void test_chat_disconnect_tells_the_room_and_removes_it_when_empty(void **state)
{
    fixture_t *fixture = *state;

    say(fixture, 1, "/join a");
    say(fixture, 2, "/join a");
    forget_all(fixture);
    loopback_disconnect(&fixture->peer[0]);
    reef_app_tick_n(fixture->app, 2);
    assert_string_equal(heard(fixture, 2), "[System] User 1 has left.\n");
    assert_string_equal(heard(fixture, 3), "");
    loopback_disconnect(&fixture->peer[1]);
    reef_app_tick_n(fixture->app, 2);
    say(fixture, 3, "/list");

    assert_string_equal(heard(fixture, 3),
                        "[System] Active Rooms:\n  No active rooms right now.\n");
}

static void test_chat_despawned_member_leaves_its_room(void **state)
{
    fixture_t *fixture = *state;

    say(fixture, 1, "/join a");
    say(fixture, 2, "/join a");
    forget_all(fixture);
    reef_world_despawn(reef_app_world(fixture->app),
                       reef_session_find(fixture->app, 1));
    reef_app_tick_n(fixture->app, 2);

    assert_string_equal(heard(fixture, 2), "[System] User 1 has left.\n");
    say(fixture, 2, "still here");
    assert_string_equal(heard(fixture, 2), "User 2: still here\n");
}

static void test_chat_member_leaves_though_its_component_was_overwritten(void **state)
{
    fixture_t *fixture = *state;
    reef_world_t *world = reef_app_world(fixture->app);
    reef_component_t room = reef_world_component(world, &room_type);

    say(fixture, 1, "/join a");
    reef_world_add(world, reef_session_find(fixture->app, 1), room,
                   &(room_t){.value = "elsewhere"});
    reef_world_remove(world, reef_session_find(fixture->app, 1), room);
    say(fixture, 2, "/list");

    assert_string_equal(heard(fixture, 2),
                        "[System] Active Rooms:\n  No active rooms right now.\n");
}

static void test_chat_rooms_are_limited(void **state)
{
    say(*state, 1, "/join a");
    say(*state, 2, "/join b");
    say(*state, 3, "/join c");

    assert_string_equal(heard(*state, 3), "[Error] There are too many rooms.\n");
    say(*state, 3, "/join b");
    assert_string_equal(heard(*state, 3), "[System] Joined room: b\n");
}

static void test_chat_refuses_a_room_name_that_is_too_long(void **state)
{
    char text[100] = "/join ";

    memset(text + 6, 'x', 65);
    say(*state, 1, text);

    assert_string_equal(heard(*state, 1),
                        "[Error] A room's name has at most 64 bytes.\n");
    assert_string_equal(room_of(*state, 1), "");
}

static void test_chat_names_of_full_length_are_taken(void **state)
{
    char text[80] = "/join ";

    memset(text + 6, 'x', 64);
    say(*state, 1, text);
    assert_string_equal(room_of(*state, 1), text + 6);
    text[6 + 32] = '\0';
    memcpy(text, "/nick ", 6);
    say(*state, 1, text);
    assert_memory_equal(heard(*state, 1), "[System] Your nickname is now: xxx", 34);
}

static void test_chat_room_name_has_no_control_characters(void **state)
{
    static const char *const bad[] = {"/join a\x1b[2J", "/join a\x7f",
                                      "/join a\xc2\x80", "/join a\xc2\x9f"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        say(*state, 1, bad[i]);
        assert_string_equal(heard(*state, 1),
                            "[Error] A room's name has no control characters.\n");
        assert_string_equal(room_of(*state, 1), "");
    }
    say(*state, 1, "/join \xc2\xa0\xc3\xa9");
    assert_string_equal(room_of(*state, 1), "\xc2\xa0\xc3\xa9");
}

static void test_chat_members_who_leave_or_move_are_no_news_to_the_room(void **state)
{
    say(*state, 1, "/join a");
    say(*state, 2, "/join a");
    say(*state, 1, "/leave");
    assert_string_equal(heard(*state, 2), "");
    say(*state, 1, "/join a");
    say(*state, 1, "/join b");
    assert_string_equal(heard(*state, 2), "");
}

/* Last words and the end arrive in one frame: words first. */
static void test_chat_last_words_come_before_the_notice_of_leaving(void **state)
{
    fixture_t *fixture = *state;

    say(fixture, 1, "/join a");
    say(fixture, 2, "/join a");
    forget_all(fixture);
    loopback_say(&fixture->peer[0], "bye");
    loopback_disconnect(&fixture->peer[0]);
    reef_app_step(fixture->app, 0);

    assert_string_equal(heard(fixture, 2), "User 1: bye\n[System] User 1 has left.\n");
}

/* The end of the last message sent; a peer in memory would not hold all of it. */
static void keep_end(reef_run_t *run)
{
    const send_message_t *message;

    while ((message = REEF_NEXT(run, send_message)) != NULL) {
        reef_span_t text = reef_buffer_payload(message->payload);
        size_t size = text.size < 32 ? text.size : 32;

        snprintf(reef_run_context(run), 64, "%.*s", (int)size,
                 (const char *)text.data + text.size - size);
    }
}

static void test_chat_list_ends_with_the_number_of_rooms_not_shown(void **state)
{
    enum {
        ROOMS = 503
    };
    static const char *const argv[] = {"test", "--set", "chat.max_rooms=1000"};
    static loopback_peer_t peers[ROOMS];
    reef_app_t *app = loopback_app_create(3, argv);
    char end[64] = "";

    (void)state;
    assert_int_equal(reef_app_add_plugin(app, &reef_chat_plugin, NULL, NULL), REEF_OK);
    reef_app_add_system(app, REEF_UPDATE,
                        &(reef_system_desc_t){.name = "keep_end",
                                              .run = keep_end,
                                              .context = end,
                                              .after = {"router"},
                                              .reads = {&send_message_event}});
    loopback_app_start(app);
    for (int i = 0; i < ROOMS; i++) {
        char text[32];

        snprintf(text, sizeof(text), "/join %d", i);
        loopback_connect(app, &peers[i]);
        loopback_say(&peers[i], text);
    }
    reef_app_step(app, 0);
    loopback_say(&peers[0], "/list");
    reef_app_step(app, 0);

    assert_non_null(strstr(end, "users)\n  … and 3 more"));
    reef_app_destroy(app);
}

static void count_joined(reef_run_t *run)
{
    const user_joined_room_t *joined;

    while ((joined = REEF_NEXT(run, user_joined_room)) != NULL) {
        snprintf(reef_run_context(run), 64, "%u %.40s", (unsigned)joined->client_id,
                 joined->room);
    }
}

static void test_chat_tells_systems_who_joined_which_room(void **state)
{
    fixture_t *fixture = *state;
    reef_schedule_t *update = reef_app_find_schedule(fixture->app, REEF_UPDATE);
    char joined[64] = "";

    reef_app_add_system(fixture->app, REEF_UPDATE,
                        &(reef_system_desc_t){.name = "count_joined",
                                              .run = count_joined,
                                              .context = joined,
                                              .after = {"router"},
                                              .reads = {&user_joined_room_event}});
    assert_int_equal(reef_schedule_build(update, NULL), REEF_OK);
    say(fixture, 2, "/join a b");

    assert_string_equal(joined, "2 a b");
}

static bool decline(reef_run_t *run, const reef_command_text_t *text, void *context)
{
    (void)run;
    (void)text;
    (void)context;
    return false;
}

static void test_chat_names_the_prefix_that_another_plugin_has(void **state)
{
    reef_app_t *app = loopback_app_create(0, NULL);
    reef_failure_t failure = {0};

    (void)state;
    assert_int_equal(reef_app_add_prefix(app, "/nick", decline, NULL, NULL), REEF_OK);
    assert_int_equal(reef_app_add_plugin(app, &reef_chat_plugin, NULL, &failure),
                     REEF_E_EXISTS);
    assert_non_null(strstr(failure.text, "'/nick'"));
    reef_app_destroy(app);
}

static reef_error_t
early_build(reef_app_t *app, const void *config, void **state, reef_failure_t *failure)
{
    (void)app, (void)config, (void)state, (void)failure;
    return REEF_OK;
}

static void early_cleanup(reef_app_t *app, void *state)
{
    (void)state;
    reef_world_despawn(reef_app_world(app), reef_session_find(app, 1));
}

static void test_chat_is_not_asked_about_members_once_it_is_cleaned_up(void **state)
{
    static const reef_plugin_t early = {REEF_PLUGIN_API, "early", .build = early_build,
                                        .cleanup = early_cleanup};
    reef_app_t *app = loopback_app_create(0, NULL);
    loopback_peer_t peer;

    (void)state;
    assert_int_equal(reef_app_add_plugin(app, &early, NULL, NULL), REEF_OK);
    assert_int_equal(reef_app_add_plugin(app, &reef_chat_plugin, NULL, NULL), REEF_OK);
    loopback_app_start(app);
    loopback_connect(app, &peer);
    loopback_say(&peer, "/join a");
    reef_app_step(app, 0);
    assert_int_not_equal(reef_session_find(app, 1), 0);
    reef_app_destroy(app); /* chat first, then the one that was added before it */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_chat_without_a_room_reaches_everybody),
        TEST(test_chat_in_a_room_reaches_its_members_only),
        TEST(test_chat_nick_is_used_and_shown),
        TEST(test_chat_nick_refuses_what_could_deceive),
        TEST(test_chat_two_joins_in_a_frame_leave_a_client_in_one_room),
        TEST(test_chat_leave_and_list),
        TEST(test_chat_unknown_and_bare_commands),
        TEST(test_chat_disconnect_tells_the_room_and_removes_it_when_empty),
        TEST(test_chat_despawned_member_leaves_its_room),
        TEST(test_chat_member_leaves_though_its_component_was_overwritten),
        TEST(test_chat_rooms_are_limited),
        TEST(test_chat_refuses_a_room_name_that_is_too_long),
        TEST(test_chat_names_of_full_length_are_taken),
        TEST(test_chat_room_name_has_no_control_characters),
        TEST(test_chat_members_who_leave_or_move_are_no_news_to_the_room),
        TEST(test_chat_last_words_come_before_the_notice_of_leaving),
        TEST(test_chat_list_ends_with_the_number_of_rooms_not_shown),
        TEST(test_chat_tells_systems_who_joined_which_room),
        TEST(test_chat_names_the_prefix_that_another_plugin_has),
        TEST(test_chat_is_not_asked_about_members_once_it_is_cleaned_up),
    };

    return cmocka_run_group_tests_name("chat", tests, NULL, NULL);
}
