/* Plugins go together in any combination and order: each set of them is started, heard
 * by clients that say every command, and stopped. */
#include "loopback.h"
#include "test.h"

#include <reef/chat.h>
#include <reef/demo.h>
#include <reef/heartbeat.h>
#include <reef/list.h>
#include <reef/lobby.h>
#include <reef/opcode.h>
#include <reef/presence.h>
#include <reef/rate_limit.h>
#include <reef/router.h>
#include <reef/session.h>
#include <reef/spatial.h>

#include <stdlib.h>

enum {
    STEP_NS = 100000000,
    HELLO_SIZE = 9,
};

/* In an order in which each comes behind what it needs. */
static const reef_plugin_t *const plugins[] = {
    &reef_rate_limit_plugin, &reef_heartbeat_plugin,  &reef_chat_plugin,
    &reef_chat_core_plugin,  &reef_chat_rooms_plugin, &reef_lobby_plugin,
    &reef_presence_plugin,   &reef_spatial_plugin,    &reef_demo_plugin,
};

enum {
    COUNT = sizeof(plugins) / sizeof(plugins[0]),
    SETS = 1 << COUNT
};

static const struct {
    const char *text;
    const char *owners[2]; /* plugins that know it */
} commands[] = {
    {"/nick Nemo", {"chat", "chat_core"}},
    {"/join blue whale", {"chat", "chat_rooms"}},
    {"/list", {"chat", "chat_rooms"}},
    {"/leave", {"chat", "chat_rooms"}},
    {"/lobby create reef", {"lobby"}},
    {"/lobby list", {"lobby"}},
    {"/lobby info reef", {"lobby"}},
    {"/lobby leave", {"lobby"}},
    {"/status away", {"presence"}},
    {"/move 1 2", {"spatial"}},
    {"/nobody knows", {NULL}},
};

static const char *const texts[] = {"hello", "ping", "pong", "", "/", "[x] y"};

/* Sets ------------------------------------------------------------------------- */

static bool has(uint32_t set, const char *name)
{
    for (uint32_t i = 0; name != NULL && i < COUNT; i++) {
        if (strcmp(plugins[i]->name, name) == 0) {
            return (set >> i & 1) != 0;
        }
    }
    return false;
}

/* What a set needs is in it, and the chat is not in it twice. */
static bool goes_together(uint32_t set)
{
    return !(has(set, "chat") && has(set, "chat_core")) &&
           (!has(set, "chat_rooms") || has(set, "chat_core"));
}

static bool has_commands(uint32_t set)
{
    return has(set, "chat") || has(set, "chat_core") || has(set, "lobby") ||
           has(set, "presence") || has(set, "spatial");
}

/* Backwards for those that need nobody: they are first, then. */
static reef_app_t *create(uint32_t set, bool is_backwards)
{
    static const char *const argv[] = {"test", "--set", "log.level=off"};
    reef_app_t *app = loopback_app_create(3, argv);

    for (uint32_t turn = 0; turn < 2 * COUNT; turn++) {
        uint32_t i = turn % COUNT;
        bool is_later;

        i = is_backwards && turn < COUNT ? COUNT - 1 - i : i;
        is_later = is_backwards && plugins[i]->needs != NULL;
        if ((set >> i & 1) != 0 && is_later == (turn >= COUNT)) {
            assert_int_equal(reef_app_add_plugin(app, plugins[i], NULL, NULL), REEF_OK);
        }
    }
    return app;
}

/* Clients ---------------------------------------------------------------------- */

typedef struct run {
    reef_app_t *app;
    uint32_t set;
    uint64_t now_ns;
    loopback_peer_t talker, other, typed;
} run_t;

static void step(run_t *run)
{
    run->now_ns += STEP_NS;
    loopback_set_time_ns(run->now_ns);
    reef_app_step(run->app, 1);
}

static void look_at_lists(const run_t *run)
{
    for (uint32_t i = 0; i < reef_app_list_count(run->app); i++) {
        const reef_list_desc_t *list = reef_app_list(run->app, i);
        void *row = calloc(1, list->row->size);
        uint32_t members;

        assert_non_null(row);
        for (uint32_t j = 0; j < list->count(list->context); j++) {
            list->get(list->context, j, row);
            if (list->members != NULL) {
                (void)list->members(list->context, j, &members);
            }
        }
        free(row);
    }
}

static void expect_answer(run_t *run, const char *command, bool is_known)
{
    bool is_refused;

    loopback_forget(&run->talker);
    loopback_say(&run->talker, command);
    step(run);
    is_refused = strstr(run->talker.received, "[Error] Unknown command: ") != NULL;
    if (is_refused != (has_commands(run->set) && !is_known)) {
        fail_msg("set %x: '%s' drew '%s'", run->set, command, run->talker.received);
    }
    look_at_lists(run);
}

static void say_all(run_t *run)
{
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        expect_answer(run, commands[i].text,
                      has(run->set, commands[i].owners[0]) ||
                          has(run->set, commands[i].owners[1]));
        loopback_say(&run->other, commands[i].text);
        loopback_send(&run->typed, reef_span_text(commands[i].text));
    }
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        loopback_say(&run->other, texts[i]);
        loopback_send(&run->typed, reef_span_text(texts[i]));
        loopback_forget(&run->typed);
        loopback_forget(&run->other);
        step(run);
    }
}

/* All numbers that there may be, without and with fields. */
static void send_opcodes(run_t *run)
{
    for (uint8_t number = 0; number < 24; number++) {
        uint8_t message[3 + 16] = {0xf8, number, 0};

        loopback_send(&run->typed, reef_span(message, 3));
        loopback_send(&run->typed, reef_span(message, 3 + 8));
        loopback_send(&run->typed, reef_span(message, sizeof(message)));
        loopback_forget(&run->typed);
        step(run);
    }
    look_at_lists(run);
}

static void enter(run_t *run)
{
    loopback_connect(run->app, &run->talker);
    loopback_connect(run->app, &run->other);
    loopback_request(run->app, &run->typed,
                     &(reef_link_desc_t){.transport = &loopback_binary_transport,
                                         .peer = reef_span_text("[2001:db8::1]:7")});
    loopback_send(&run->typed, reef_span("\xf8\0\0REEF\1\0", HELLO_SIZE));
    step(run);
}

/* One is despawned in the frame in which another one goes. */
static void part(run_t *run)
{
    reef_world_t *world = reef_app_world(run->app);

    reef_world_despawn(world, reef_session_find(run->app, 2));
    loopback_disconnect(&run->typed);
    step(run);
    step(run);
    look_at_lists(run);
    assert_true(run->other.is_closed);
    assert_int_equal(reef_session_count(run->app), 1);
}

static void fall_silent(run_t *run)
{
    run->now_ns += UINT64_C(1000000000);
    for (int i = 0; i < 45 && !run->talker.is_closed; i++) {
        run->now_ns += UINT64_C(1000000000);
        loopback_forget(&run->talker);
        step(run);
    }
    assert_int_equal(run->talker.is_closed, has(run->set, "heartbeat"));
}

static void live(uint32_t set, bool is_backwards, bool ends_early)
{
    run_t run = {.app = create(set, is_backwards), .set = set};

    loopback_app_start(run.app);
    run.now_ns = reef_app_now_ns(run.app);
    enter(&run);
    say_all(&run);
    send_opcodes(&run);
    if (!ends_early) {
        part(&run);
        fall_silent(&run);
    }
    reef_app_destroy(run.app);
}

/* Tests ------------------------------------------------------------------------ */

static void test_plugin_sets_run_and_stop(void **state)
{
    uint32_t count = 0;

    (void)state;
    for (uint32_t set = 0; set < SETS; set++) {
        if (goes_together(set)) {
            live(set, false, false);
            count++;
        }
    }
    assert_int_equal(count, 4 * 64);
}

/* Backwards, and with clients that are still there at the end. */
static void test_plugin_sets_may_be_added_in_any_order(void **state)
{
    (void)state;
    for (uint32_t set = 0; set < SETS; set++) {
        if (goes_together(set)) {
            live(set, true, true);
        }
    }
}

static void test_plugin_sets_stop_when_nothing_has_happened(void **state)
{
    (void)state;
    for (uint32_t set = 0; set < SETS; set++) {
        if (goes_together(set)) {
            reef_app_t *app = create(set, false);

            if (set % 2 == 0) {
                loopback_app_start(app);
            }
            reef_app_destroy(app);
        }
    }
}

static bool ignore(reef_run_t *run, const reef_command_text_t *text, void *context)
{
    (void)run;
    (void)text;
    (void)context;
    return true;
}

/* The application has the prefix, or the opcode; other plugins are there already. */
static void expect_conflict(const reef_plugin_t *plugin, const char *taken)
{
    static const char *const argv[] = {"test", "--set", "log.level=off"};
    reef_app_t *app = loopback_app_create(3, argv);
    reef_failure_t failure = {0};
    reef_error_t error =
        strchr(taken, '.') != NULL
            ? reef_app_add_opcode(app, &(reef_opcode_desc_t){.name = taken}, NULL)
            : reef_app_add_prefix(app, taken, ignore, NULL, NULL);

    assert_int_equal(error, REEF_OK);
    assert_int_equal(reef_app_add_plugin(app, &reef_demo_plugin, NULL, NULL), REEF_OK);
    if (plugin == &reef_chat_rooms_plugin) {
        assert_int_equal(reef_app_add_plugin(app, &reef_chat_core_plugin, NULL, NULL),
                         REEF_OK);
    }
    assert_int_equal(reef_app_add_plugin(app, plugin, NULL, &failure), REEF_E_EXISTS);
    if (strstr(failure.text, plugin->name) == NULL ||
        strstr(failure.text, taken) == NULL ||
        strstr(failure.text, "belongs to plugin application") == NULL) {
        fail_msg("%s, %s: '%s'", plugin->name, taken, failure.text);
    }
    reef_app_destroy(app);
}

static void test_plugin_sets_refuse_what_the_application_has_taken(void **state)
{
    static const struct {
        const reef_plugin_t *plugin;
        const char *taken[6];
    } cases[] = {
        {&reef_chat_plugin, {"/nick", "/join", "/leave", "/list", ""}},
        {&reef_chat_core_plugin, {"/nick", ""}},
        {&reef_chat_rooms_plugin, {"/join", "/leave", "/list"}},
        {&reef_heartbeat_plugin, {"ping", "pong"}},
        {&reef_lobby_plugin, {"/lobby"}},
        {&reef_presence_plugin, {"/status"}},
        {&reef_spatial_plugin, {"/move", "spatial.move", "spatial.update"}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (size_t j = 0; cases[i].taken[j] != NULL; j++) {
            expect_conflict(cases[i].plugin, cases[i].taken[j]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plugin_sets_run_and_stop),
        cmocka_unit_test(test_plugin_sets_may_be_added_in_any_order),
        cmocka_unit_test(test_plugin_sets_stop_when_nothing_has_happened),
        cmocka_unit_test(test_plugin_sets_refuse_what_the_application_has_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
