#include "loopback.h"
#include "test.h"

#include <reef/router.h>
#include <reef/session.h>

typedef struct fixture {
    reef_app_t *app;
    loopback_peer_t peer;
    uint32_t owner;
} fixture_t;

static void watch_owner(reef_run_t *run)
{
    fixture_t *fixture = reef_run_context(run);
    const message_received_t *message;

    while ((message = REEF_NEXT(run, message_received)) != NULL) {
        fixture->owner = message->owner;
    }
}

static bool answer(reef_run_t *run, const reef_command_text_t *text, void *context)
{
    if (text->rest.size == 0) {
        return false;
    }
    reef_send_text(run, text->entity, "%s(%.*s)", (const char *)context,
                   (int)text->rest.size, (const char *)text->rest.data);
    return true;
}

static int setup(void **state)
{
    fixture_t *fixture = calloc(1, sizeof(*fixture));

    fixture->app = loopback_app_create(0, NULL);
    reef_app_add_system(fixture->app, REEF_UPDATE,
                        &(reef_system_desc_t){.name = "watch_owner",
                                              .run = watch_owner,
                                              .context = fixture,
                                              .reads = {&message_received_event}});
    loopback_app_start(fixture->app);
    loopback_connect(fixture->app, &fixture->peer);
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

/* What the router answers to one text. */
static const char *ask(fixture_t *fixture, const char *text)
{
    loopback_forget(&fixture->peer);
    loopback_say(&fixture->peer, text);
    reef_app_step(fixture->app, 0);
    return fixture->peer.received;
}

static void add(fixture_t *fixture, const char *prefix, const char *name)
{
    assert_int_equal(
        reef_app_add_prefix(fixture->app, prefix, answer, (char *)name, NULL), REEF_OK);
}

static void test_router_without_prefixes_never_answers(void **state)
{
    fixture_t *fixture = *state;

    fixture->owner = 99;
    assert_string_equal(ask(fixture, "/x y"), "");
    assert_int_equal(fixture->owner, 0);
}

static void test_router_with_whole_texts_only_answers_no_command(void **state)
{
    add(*state, "pong", "P");
    assert_string_equal(ask(*state, "/x y"), "");
    add(*state, "", "S");
    assert_string_equal(ask(*state, "/x y"), "[Error] Unknown command: /x\n");
}

static void test_router_gives_each_prefix_its_owner(void **state)
{
    fixture_t *fixture = *state;

    add(fixture, "/join", "join");
    add(fixture, "/joined", "joined");
    add(fixture, "", "plain");

    assert_string_equal(ask(fixture, "/join a b"), "join(a b)\n");
    assert_int_equal(fixture->owner, 1);
    assert_string_equal(ask(fixture, "/joined  x "), "joined(x)\n");
    assert_int_equal(fixture->owner, 2);
    assert_string_equal(ask(fixture, "  hello there\n"), "plain(hello there)\n");
    assert_int_equal(fixture->owner, 3);
}

static void test_router_answers_unknown_and_declined_commands(void **state)
{
    fixture_t *fixture = *state;

    add(fixture, "/join", "join");

    assert_string_equal(ask(fixture, "/x y"), "[Error] Unknown command: /x\n");
    assert_string_equal(ask(fixture, "/join"), "[Error] Unknown command: /join\n");
    assert_string_equal(ask(fixture, "/JOIN a"), "[Error] Unknown command: /JOIN\n");
    assert_string_equal(ask(fixture, "/"), "[Error] Unknown command: /\n");
}

static void test_router_leaves_plain_text_without_owner_alone(void **state)
{
    fixture_t *fixture = *state;

    add(fixture, "/join", "join");

    assert_string_equal(ask(fixture, "hello"), "");
    assert_string_equal(ask(fixture, ""), "");
}

static void test_router_cuts_a_long_unknown_command_at_a_character(void **state)
{
    fixture_t *fixture = *state;
    char text[128] = "/";
    const char *reply;

    add(fixture, "/join", "join");
    for (size_t i = 0; i < 60; i++) { /* é: the cut at 64 bytes falls inside one */
        text[1 + 2 * i] = '\xc3';
        text[2 + 2 * i] = '\xa9';
    }
    reply = ask(fixture, text);

    assert_int_equal(strlen(reply), strlen("[Error] Unknown command: ") + 63 + 1);
}

static void test_router_waits_for_the_next_frame_when_it_sent_enough(void **state)
{
    static const char *const argv[] = {"test", "--set", "server.max_frame_sends=2"};
    reef_app_t *app = loopback_app_create(3, argv);
    loopback_peer_t peer;

    (void)state;
    assert_int_equal(reef_app_add_prefix(app, "", answer, (char *)"a", NULL), REEF_OK);
    loopback_app_start(app);
    loopback_connect(app, &peer);
    for (int i = 0; i < 3; i++) {
        loopback_say(&peer, "x");
    }
    reef_app_step(app, 0);
    assert_string_equal(peer.received, "a(x)\na(x)\n");
    reef_app_step(app, 0);
    assert_string_equal(peer.received, "a(x)\na(x)\na(x)\n");
    reef_app_destroy(app);
}

static void test_router_refuses_a_prefix_twice(void **state)
{
    fixture_t *fixture = *state;

    add(fixture, "/join", "join");

    assert_int_equal(reef_app_add_prefix(fixture->app, "/join", answer, NULL, NULL),
                     REEF_E_EXISTS);
}

static bool say_own(reef_run_t *run, const reef_command_text_t *text, void *context)
{
    reef_send_text(run, text->entity, "%s[%.*s]", (const char *)context,
                   (int)text->rest.size, (const char *)text->rest.data);
    return true;
}

static bool decline(reef_run_t *run, const reef_command_text_t *text, void *context)
{
    (void)run, (void)text;
    ++*(int *)context;
    return false;
}

static void test_router_gives_a_whole_text_its_owner(void **state)
{
    fixture_t *fixture = *state;

    assert_int_equal(
        reef_app_add_prefix(fixture->app, "pong", say_own, (char *)"pong", NULL),
        REEF_OK);
    add(fixture, "", "plain");

    assert_string_equal(ask(fixture, "  pong\n"), "pong[pong]\n");
    assert_int_equal(fixture->owner, 1);
    assert_string_equal(ask(fixture, "pong pong"), "plain(pong pong)\n");
    assert_string_equal(ask(fixture, "pongs"), "plain(pongs)\n");
    assert_string_equal(ask(fixture, "PONG"), "plain(PONG)\n");
    assert_string_equal(ask(fixture, "/pong"), "[Error] Unknown command: /pong\n");
}

static void test_router_gives_a_declined_text_to_the_owner_of_plain_text(void **state)
{
    fixture_t *fixture = *state;
    int calls = 0;

    assert_int_equal(reef_app_add_prefix(fixture->app, "pong", decline, &calls, NULL),
                     REEF_OK);
    add(fixture, "", "plain");
    assert_string_equal(ask(fixture, " pong "), "plain(pong)\n");
    assert_int_equal(calls, 1);
}

/* Not to itself once more. */
static void test_router_lets_plain_text_that_is_declined_be(void **state)
{
    fixture_t *fixture = *state;
    int calls = 0;

    assert_int_equal(reef_app_add_prefix(fixture->app, "", decline, &calls, NULL),
                     REEF_OK);
    assert_string_equal(ask(fixture, "hello"), "");
    assert_int_equal(calls, 1);
}

static reef_error_t
claim(reef_app_t *app, const void *config, void **state, reef_failure_t *failure)
{
    static const reef_prefix_t prefixes[] = {
        {"/one", answer}, {"/two", answer}, {NULL, NULL}};

    (void)config, (void)state;
    return reef_app_add_prefixes(app, prefixes, NULL, failure);
}

static void test_router_names_both_plugins_of_a_conflict(void **state)
{
    static const reef_plugin_t red = {REEF_PLUGIN_API, "red", .build = claim};
    static const reef_plugin_t blue = {REEF_PLUGIN_API, "blue", .build = claim};
    reef_app_t *app = loopback_app_create(0, NULL);
    reef_failure_t failure = {0};

    (void)state;
    assert_int_equal(reef_app_add_plugin(app, &red, NULL, NULL), REEF_OK);
    assert_int_equal(reef_app_add_plugin(app, &blue, NULL, &failure), REEF_E_EXISTS);
    assert_string_equal(failure.text,
                        "plugin blue: the prefix '/one' belongs to plugin red");
    assert_int_equal(reef_app_add_prefix(app, "/two", answer, NULL, &failure),
                     REEF_E_EXISTS);
    assert_string_equal(failure.text,
                        "plugin application: the prefix '/two' belongs to plugin red");
    reef_app_destroy(app);
}

static void test_router_takes_no_command_from_a_binary_message(void **state)
{
    fixture_t *fixture = *state;

    add(fixture, "/join", "join");
    fixture->owner = 99;
    reef_link_receive(fixture->app, fixture->peer.link, REEF_PAYLOAD_BINARY,
                      reef_span_text("/what"));
    reef_link_receive(fixture->app, fixture->peer.link, REEF_PAYLOAD_BINARY,
                      reef_span_text("/join a"));
    reef_app_step(fixture->app, 0);

    assert_string_equal(fixture->peer.received, "");
    assert_int_equal(fixture->owner, 0);
}

static void despawn_client(reef_run_t *run)
{
    reef_app_t *app = reef_run_context(run);
    reef_entity_t entity = reef_session_find(app, 1);

    if (entity != 0) {
        reef_world_despawn(reef_app_world(app), entity);
    }
}

static bool count_call(reef_run_t *run, const reef_command_text_t *text, void *context)
{
    (void)run;
    (void)text;
    ++*(int *)context;
    return true;
}

static void test_router_does_not_hear_a_client_despawned_before(void **state)
{
    reef_app_t *app = loopback_app_create(0, NULL);
    loopback_peer_t peer;
    int calls = 0;

    (void)state;
    assert_int_equal(reef_app_add_prefix(app, "", count_call, &calls, NULL), REEF_OK);
    reef_app_add_system(app, REEF_UPDATE,
                        &(reef_system_desc_t){.name = "despawn",
                                              .run = despawn_client,
                                              .context = app,
                                              .exclusive = true,
                                              .before = {"router"}});
    loopback_app_start(app);
    loopback_connect(app, &peer);
    loopback_say(&peer, "x");
    reef_app_tick_n(app, 2);

    assert_int_equal(calls, 0);
    reef_app_destroy(app);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_router_without_prefixes_never_answers),
        TEST(test_router_with_whole_texts_only_answers_no_command),
        TEST(test_router_gives_each_prefix_its_owner),
        TEST(test_router_answers_unknown_and_declined_commands),
        TEST(test_router_leaves_plain_text_without_owner_alone),
        TEST(test_router_cuts_a_long_unknown_command_at_a_character),
        TEST(test_router_waits_for_the_next_frame_when_it_sent_enough),
        TEST(test_router_refuses_a_prefix_twice),
        TEST(test_router_gives_a_whole_text_its_owner),
        TEST(test_router_gives_a_declined_text_to_the_owner_of_plain_text),
        TEST(test_router_lets_plain_text_that_is_declined_be),
        TEST(test_router_names_both_plugins_of_a_conflict),
        TEST(test_router_takes_no_command_from_a_binary_message),
        TEST(test_router_does_not_hear_a_client_despawned_before),
    };

    return cmocka_run_group_tests_name("router", tests, NULL, NULL);
}
