/* What clients say, and what they are told. */
#include "chat_fixture.h"

#include <reef/router.h>

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

static void expect_refusal(fixture_t *fixture, const char *text, const char *why)
{
    char answer[256];

    say(fixture, 1, text);
    snprintf(answer, sizeof(answer), "[Error] %s\n", why);
    assert_string_equal(heard(fixture, 1), answer);
    assert_string_equal(heard(fixture, 2), "");
}

static void test_chat_nick_refuses_what_could_deceive(void **state)
{
    fixture_t *fixture = *state;

    expect_refusal(fixture, "/nick [System]", "A nickname does not begin with [.");
    expect_refusal(fixture, "/nick \xef\xbc\xbbSystem",
                   "A nickname does not begin with [.");
    expect_refusal(fixture, "/nick \xc2\xa0[System]",
                   "A nickname neither begins nor ends with white space.");
    expect_refusal(fixture, "/nick a\x1b[2J", "A nickname has no control characters.");
    expect_refusal(fixture, "/nick a\xc2\x85z",
                   "A nickname has no control characters.");
    expect_refusal(fixture, "/nick \xe3\x85\xa4",
                   "A nickname has no invisible characters.");
    expect_refusal(fixture, "/nick Ada: I", "A nickname has no ':'.");
    expect_refusal(fixture, "/nick 0123456789012345678901234567890123456789",
                   "A nickname has at most 32 bytes.");
    say(fixture, 1, "x");
    assert_string_equal(heard(fixture, 1), "User 1: x\n");
}

static void test_chat_nick_is_not_that_of_a_client_without_one(void **state)
{
    static const char *const bad[] = {"/nick User 2", "/nick user  21",
                                      "/nick USER\302\2403", /* no-break space */
                                      "/nick User 1"};
    fixture_t *fixture = *state;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        expect_refusal(
            fixture, bad[i],
            "A nickname is not 'User' with a number, which others may have.");
    }
    say(fixture, 1, "/nick User one");
    assert_string_equal(heard(fixture, 1), "[System] Your nickname is now: User one\n");
    say(fixture, 1, "/nick user7");
    assert_string_equal(heard(fixture, 1), "[System] Your nickname is now: user7\n");
}

static void test_chat_nicknames_may_be_those_of_others(void **state)
{
    say(*state, 1, "/nick Ada");
    say(*state, 2, "/nick Ada");
    assert_string_equal(heard(*state, 2), "[System] Your nickname is now: Ada\n");
}

static void test_chat_unique_nicknames_are_free_again_after_their_clients(void **state)
{
    fixture_t *fixture = chat_start("chat.unique_nicknames=true");

    (void)state;
    say(fixture, 1, "/nick Ada");
    say(fixture, 1, "/nick Ada");
    assert_string_equal(heard(fixture, 1), "[System] Your nickname is now: Ada\n");
    say(fixture, 2, "/nick Ada");
    assert_string_equal(heard(fixture, 2), "[Error] The nickname Ada is taken.\n");
    say(fixture, 1, "/nick Bob");
    say(fixture, 2, "/nick Ada");
    assert_string_equal(heard(fixture, 2), "[System] Your nickname is now: Ada\n");
    say(fixture, 1, "/nick Ada");
    assert_string_equal(heard(fixture, 1), "[Error] The nickname Ada is taken.\n");
    loopback_disconnect(&fixture->peer[1]);
    reef_app_tick_n(fixture->app, 2);
    say(fixture, 3, "/nick Ada");
    assert_string_equal(heard(fixture, 3), "[System] Your nickname is now: Ada\n");
    REMOVE(fixture, client(fixture, 3), username);
    say(fixture, 1, "/nick Ada");
    assert_string_equal(heard(fixture, 1), "[System] Your nickname is now: Ada\n");
    say(fixture, 3, "/nick Ada");
    assert_string_equal(heard(fixture, 3), "[Error] The nickname Ada is taken.\n");
    chat_stop(fixture);
}

/* Also of those who are despawned. */
static void test_chat_nicknames_are_forgotten_with_their_clients(void **state)
{
    fixture_t *fixture = chat_start("chat.unique_nicknames=true");
    const reef_metric_t *taken = reef_metrics_ensure(
        reef_app_metrics(fixture->app),
        &(reef_metric_desc_t){
            .name = "reef_chat_nicknames", .help = "", .kind = REEF_METRIC_GAUGE});

    (void)state;
    say(fixture, 1, "/nick Ada");
    say(fixture, 1, "/nick Bob");
    say(fixture, 2, "/nick Ada");
    assert_true(reef_metric_value(taken) == 2);
    loopback_disconnect(&fixture->peer[0]);
    reef_app_tick_n(fixture->app, 2);
    assert_true(reef_metric_value(taken) == 1);
    reef_world_despawn(fixture->world, client(fixture, 2));
    reef_app_tick_n(fixture->app, 2);
    assert_true(reef_metric_value(taken) == 0);
    chat_stop(fixture);
}

static void test_chat_text_is_one_line(void **state)
{
    say(*state, 1, "hi\n[System] bye\x1b[2J\xc2\x85\x7f.");
    assert_string_equal(heard(*state, 2), "User 1: hi [System] bye [2J   .\n");
    say(*state, 1, "\x01\xc2\x80\x02");
    assert_string_equal(heard(*state, 2), "");
    say(*state, 1, "\x01 gr\xc3\xbc\xc3\x9f\x65 \x01");
    assert_string_equal(heard(*state, 2), "User 1: gr\xc3\xbc\xc3\x9f\x65\n");
}

static void test_chat_text_may_have_a_limit(void **state)
{
    fixture_t *fixture = chat_start("chat.max_text=5");

    (void)state;
    say(fixture, 1, "12345");
    assert_string_equal(heard(fixture, 2), "User 1: 12345\n");
    expect_refusal(fixture, "123456", "A text has at most 5 bytes.");
    chat_stop(fixture);
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

static void test_chat_commands_without_arguments_take_none(void **state)
{
    say(*state, 1, "/join a");
    say(*state, 1, "/leave a");
    assert_string_equal(heard(*state, 1), "[Error] Unknown command: /leave\n");
    assert_string_equal(room_of(*state, 1), "a");
    say(*state, 1, "/list a");
    assert_string_equal(heard(*state, 1), "[Error] Unknown command: /list\n");
}

static void test_chat_commands_of_any_length_are_answered(void **state)
{
    static const char *const commands[] = {"/join ", "/nick ", "/leave ", "/list ",
                                           "/"};
    static const char *const answers[] = {
        "[Error] A room's name has at most 64 bytes.\n",
        "[Error] A nickname has at most 32 bytes.\n",
        "[Error] Unknown command: /leave\n", "[Error] Unknown command: /list\n",
        ("[Error] Unknown command: "
         "/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n")};
    enum {
        SIZE = 1 << 20
    };
    char *text = malloc(SIZE + 16);

    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        size_t size = strlen(commands[i]);

        memcpy(text, commands[i], size);
        memset(text + size, 'x', SIZE);
        text[size + SIZE] = '\0';
        say(*state, 1, text);
        assert_string_equal(heard(*state, 1), answers[i]);
    }
    free(text);
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

static void test_chat_rooms_are_limited(void **state)
{
    say(*state, 1, "/join a");
    say(*state, 2, "/join b");
    say(*state, 3, "/join c");

    assert_string_equal(heard(*state, 3), "[Error] There are too many rooms.\n");
    say(*state, 3, "/join b");
    assert_string_equal(heard(*state, 3), "[System] Joined room: b\n");
}

static void test_chat_client_alone_in_a_room_may_make_another_at_the_limit(void **state)
{
    say(*state, 1, "/join a");
    say(*state, 2, "/join b");
    say(*state, 3, "/join b");
    say(*state, 1, "/join c");
    assert_string_equal(heard(*state, 1), "[System] Joined room: c\n");
    say(*state, 2, "/join d");
    assert_string_equal(heard(*state, 2), "[Error] There are too many rooms.\n");
    assert_string_equal(room_of(*state, 2), "b");
}

static void test_chat_join_of_the_same_room_changes_nothing(void **state)
{
    reef_entity_t room;

    say(*state, 1, "/join a");
    room = place_of(*state, 1);
    say(*state, 1, "/join a");
    assert_string_equal(heard(*state, 1), "[System] Joined room: a\n");
    assert_int_equal(place_of(*state, 1), room);
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
    say(*state, 1, "/join \xc3\xa9\xc2\xa0z");
    assert_string_equal(room_of(*state, 1), "\xc3\xa9\xc2\xa0z");
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

/* All events of the chat, a line each. */
typedef struct diary {
    char text[1024];
    size_t size;
} diary_t;

#define WRITE(diary, ...)                                                              \
    (diary)->size +=                                                                   \
        (size_t)snprintf((diary)->text + (diary)->size,                                \
                         sizeof((diary)->text) - (diary)->size, __VA_ARGS__)

static void keep_diary(reef_run_t *run)
{
    diary_t *diary = reef_run_context(run);
    const user_joined_room_t *joined;
    const user_left_room_t *left;
    const nick_changed_t *nick;
    const chat_message_broadcast_t *said;

    while ((left = REEF_NEXT(run, user_left_room)) != NULL) {
        WRITE(diary, "%d left %s\n", (int)left->client_id, left->room);
    }
    while ((joined = REEF_NEXT(run, user_joined_room)) != NULL) {
        WRITE(diary, "%d joined %s\n", (int)joined->client_id, joined->room);
    }
    while ((nick = REEF_NEXT(run, nick_changed)) != NULL) {
        WRITE(diary, "%d is %s, was %s\n", (int)nick->client_id, nick->after,
              nick->before);
    }
    while ((said = REEF_NEXT(run, chat_message_broadcast)) != NULL) {
        WRITE(diary, "%d %s: %.*s of %zu\n", (int)said->client_id,
              said->room_entity != 0 ? "in its room" : "to all", (int)said->text.size,
              (const char *)said->text.data, reef_buffer_payload(said->payload).size);
    }
}

static void add_diary(fixture_t *fixture, diary_t *diary)
{
    reef_schedule_t *update = reef_app_find_schedule(fixture->app, REEF_UPDATE);

    reef_app_add_system(
        fixture->app, REEF_UPDATE,
        &(reef_system_desc_t){.name = "keep_diary",
                              .run = keep_diary,
                              .context = diary,
                              .after = {"router", "chat_see_off"},
                              .reads = {&user_joined_room_event, &user_left_room_event,
                                        &nick_changed_event,
                                        &chat_message_broadcast_event}});
    assert_int_equal(reef_schedule_build(update, NULL), REEF_OK);
}

static void test_chat_tells_systems_what_happened(void **state)
{
    fixture_t *fixture = *state;
    diary_t diary = {0};

    add_diary(fixture, &diary);
    say(fixture, 2, "/join a b");
    say(fixture, 2, "/join a b"); /* where it is already */
    say(fixture, 2, "/nick Ada");
    say(fixture, 2, "/nick Ada");
    say(fixture, 2, "/nick Bob");
    say(fixture, 2, "hello");
    say(fixture, 2, "/join c");
    say(fixture, 2, "/leave");
    say(fixture, 1, "to\nall");
    say(fixture, 3, "/join d");
    loopback_disconnect(&fixture->peer[2]);
    reef_app_tick_n(fixture->app, 2);

    assert_string_equal(diary.text, "2 joined a b\n"
                                    "2 is Ada, was \n"
                                    "2 is Bob, was Ada\n"
                                    "2 in its room: hello of 10\n"
                                    "2 left a b\n2 joined c\n"
                                    "2 left c\n"
                                    "1 to all: to all of 14\n"
                                    "3 joined d\n"
                                    "3 left d\n");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_chat_without_a_room_reaches_everybody),
        TEST(test_chat_in_a_room_reaches_its_members_only),
        TEST(test_chat_nick_is_used_and_shown),
        TEST(test_chat_nick_refuses_what_could_deceive),
        TEST(test_chat_nick_is_not_that_of_a_client_without_one),
        TEST(test_chat_nicknames_may_be_those_of_others),
        TEST(test_chat_unique_nicknames_are_free_again_after_their_clients),
        TEST(test_chat_nicknames_are_forgotten_with_their_clients),
        TEST(test_chat_text_is_one_line),
        TEST(test_chat_text_may_have_a_limit),
        TEST(test_chat_commands_without_arguments_take_none),
        TEST(test_chat_commands_of_any_length_are_answered),
        TEST(test_chat_two_joins_in_a_frame_leave_a_client_in_one_room),
        TEST(test_chat_leave_and_list),
        TEST(test_chat_unknown_and_bare_commands),
        TEST(test_chat_disconnect_tells_the_room_and_removes_it_when_empty),
        TEST(test_chat_rooms_are_limited),
        TEST(test_chat_client_alone_in_a_room_may_make_another_at_the_limit),
        TEST(test_chat_join_of_the_same_room_changes_nothing),
        TEST(test_chat_refuses_a_room_name_that_is_too_long),
        TEST(test_chat_names_of_full_length_are_taken),
        TEST(test_chat_room_name_has_no_control_characters),
        TEST(test_chat_members_who_leave_or_move_are_no_news_to_the_room),
        TEST(test_chat_last_words_come_before_the_notice_of_leaving),
        TEST(test_chat_list_ends_with_the_number_of_rooms_not_shown),
        TEST(test_chat_tells_systems_what_happened),
        TEST(test_chat_names_the_prefix_that_another_plugin_has),
    };

    return cmocka_run_group_tests_name("chat", tests, NULL, NULL);
}
