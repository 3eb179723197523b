/* Every test runs with members in memory, behind sockets on the world's thread, and
 * behind sockets on threads of their own.  With sockets the last member is in memory
 * all the same: groups are mixed. */
#include "test.h"
#include "ws_app.h"

#include <reef/components.h>
#include <reef/group.h>
#include <reef/session.h>

#include "app.h"
#include "session_table.h"

enum {
    MEMBERS = 4
};

#define MS UINT64_C(1000000)

typedef struct fixture fixture_t;
typedef void (*script_fn)(fixture_t *fixture, reef_run_t *run);

struct fixture {
    reef_app_t *app;
    bool has_sockets;
    loopback_peer_t peers[MEMBERS];
    ws_client_t clients[MEMBERS];
    reef_entity_t entities[MEMBERS];
    reef_group_t group;
    reef_group_t other;
    script_fn script; /* run once by the next frame */
    int marked;       /* member that the script `mark` sends to */
};

/* An exclusive system: it may change groups, and send. */
static void run_script(reef_run_t *run)
{
    fixture_t *f = reef_run_context(run);
    script_fn script = f->script;

    f->script = NULL;
    if (script != NULL) {
        script(f, run);
    }
}

static int setup_with(void **state, bool has_sockets, int argc, const char *const *argv)
{
    fixture_t *f = calloc(1, sizeof(*f));

    f->app = loopback_app_create(argc, argv);
    f->has_sockets = has_sockets;
    if (has_sockets) {
        ws_app_listen(f->app);
    }
    reef_app_add_system(f->app, REEF_UPDATE,
                        &(reef_system_desc_t){
                            .name = "script",
                            .run = run_script,
                            .context = f,
                            .exclusive = true,
                            .emits = {&send_message_event},
                        });
    loopback_app_start(f->app);
    f->group = reef_group_create(f->app);
    f->other = reef_group_create(f->app);
    *state = f;
    return 0;
}

static int setup_memory(void **state)
{
    static const char *const argv[] = {"test", "--set", "log.level=off"};

    return setup_with(state, false, 3, argv);
}

static int setup_sockets(void **state)
{
    static const char *const argv[] = {"test", "--set", "log.level=off", "--set",
                                       "server.egress=uv"};

    return setup_with(state, true, 5, argv);
}

static int setup_threads(void **state)
{
    static const char *const argv[] = {"test", "--set", "log.level=off", "--set",
                                       "server.io_threads=2"};

    return setup_with(state, true, 5, argv);
}

static int teardown(void **state)
{
    fixture_t *f = *state;

    for (int i = 0; i < MEMBERS; i++) {
        ws_client_drop(&f->clients[i]);
    }
    reef_app_destroy(f->app);
    free(f);
    return 0;
}

static bool has_socket(const fixture_t *f, int member)
{
    return f->has_sockets && member < MEMBERS - 1;
}

static void connect_member(fixture_t *f, int member)
{
    if (has_socket(f, member)) {
        f->entities[member] = ws_app_open(f->app, &f->clients[member]);
        return;
    }
    loopback_connect(f->app, &f->peers[member]);
    reef_app_step(f->app, 0);
    f->entities[member] = reef_session_find(
        f->app, REEF_RESOURCE(reef_app_world(f->app), client_counter)->last);
    assert_true(f->entities[member] != 0);
}

static void connect_all(fixture_t *f)
{
    for (int i = 0; i < MEMBERS; i++) {
        connect_member(f, i);
    }
}

static bool is_gone(void *context)
{
    return reef_session_count(((fixture_t *)context)->app) < MEMBERS;
}

/* Of MEMBERS that are connected one goes; the world has heard of it afterwards. */
static void disconnect_member(fixture_t *f, int member)
{
    if (has_socket(f, member)) {
        ws_client_drop(&f->clients[member]);
    } else {
        loopback_disconnect(&f->peers[member]);
    }
    ws_app_step_until(f->app, is_gone, f, "the end of a client");
}

static bool add(fixture_t *f, reef_group_t group, int member)
{
    return reef_group_add(f->app, group, f->entities[member]);
}

static bool has(const fixture_t *f, reef_group_t group, int member)
{
    return reef_group_has(f->app, group, f->entities[member]);
}

static void run(fixture_t *f, script_fn script)
{
    f->script = script;
    reef_app_step(f->app, 1);
    assert_null(f->script);
}

static void send_group(reef_run_t *run, reef_group_t group, const char *text)
{
    reef_buffer_t *payload =
        reef_buffer_create(REEF_PAYLOAD_TEXT, reef_span_text(text));

    reef_send_group(run, group, payload);
    reef_buffer_unref(payload);
}

static void send_mark(fixture_t *f, reef_run_t *run)
{
    reef_send_text(run, f->entities[f->marked], "%s", "end");
}

/* The member has got the words of `text`, in this order, and nothing else since. */
static void expect(fixture_t *f, int member, const char *text)
{
    char words[256];
    char *rest = words;
    const char *word;

    f->marked = member;
    run(f, send_mark);
    snprintf(words, sizeof(words), "%s%send", text, *text ? " " : "");
    if (!has_socket(f, member)) {
        for (char *at = words; (at = strchr(at, ' ')) != NULL;) {
            *at = '\n';
        }
        assert_true(strlen(words) + 1 < sizeof(words));
        memcpy(words + strlen(words), "\n", 2);
        assert_string_equal(f->peers[member].received, words);
        loopback_forget(&f->peers[member]);
        return;
    }
    while ((word = strtok_r(rest, " ", &rest)) != NULL) {
        ws_app_expect_text(f->app, &f->clients[member], word);
    }
}

/* Messages ---------------------------------------------------------------------- */

static void mix(fixture_t *f, reef_run_t *run)
{
    send_group(run, f->group, "a");
    reef_send_text(run, f->entities[0], "b");
    send_group(run, f->group, "c");
    reef_send_text(run, f->entities[1], "d");
    reef_send_text(run, f->entities[2], "e");
    send_group(run, f->group, "f");
}

static void test_group_and_direct_messages_keep_their_order(void **state)
{
    fixture_t *f = *state;

    connect_all(f);
    add(f, f->group, 0);
    add(f, f->group, 1);
    add(f, f->group, 3);
    run(f, mix);

    expect(f, 0, "a b c f");
    expect(f, 1, "a c d f");
    expect(f, 2, "e");
    expect(f, 3, "a c f");
}

static void send_to_both(fixture_t *f, reef_run_t *run)
{
    send_group(run, f->group, "a");
    send_group(run, f->other, "b");
    send_group(run, f->group, "c");
    send_group(run, f->other, "d");
}

static void test_group_members_of_two_get_both_in_order(void **state)
{
    fixture_t *f = *state;

    connect_all(f);
    for (int i = 0; i < MEMBERS; i++) {
        add(f, f->group, i);
    }
    add(f, f->other, 0);
    add(f, f->other, 3);
    run(f, send_to_both);

    expect(f, 0, "a b c d");
    expect(f, 1, "a c");
    expect(f, 3, "a b c d");
}

static void change_between(fixture_t *f, reef_run_t *run)
{
    send_group(run, f->group, "a");
    assert_true(add(f, f->group, 2));
    assert_true(add(f, f->group, 3));
    send_group(run, f->group, "b");
    assert_true(reef_group_remove(f->app, f->group, f->entities[0]));
    assert_true(reef_group_remove(f->app, f->group, f->entities[3]));
    send_group(run, f->group, "c");
    assert_true(add(f, f->group, 0));
    send_group(run, f->group, "d");
}

static void test_group_changes_between_two_messages_of_a_frame(void **state)
{
    fixture_t *f = *state;

    connect_all(f);
    add(f, f->group, 0);
    add(f, f->group, 1);
    run(f, change_between);

    expect(f, 0, "a b d");
    expect(f, 1, "a b c d");
    expect(f, 2, "b c d");
    expect(f, 3, "b");
}

static void destroy_between(fixture_t *f, reef_run_t *run)
{
    reef_group_t ended = f->group;

    send_group(run, f->group, "a");
    reef_group_destroy(f->app, f->group);
    send_group(run, ended, "b");
    f->group = reef_group_create(f->app); /* with the number of the ended one */
    send_group(run, ended, "c");
    assert_true(add(f, f->group, 1));
    send_group(run, ended, "d");
    send_group(run, f->group, "e");
}

static void test_group_that_ends_delivers_what_it_was_sent(void **state)
{
    fixture_t *f = *state;
    reef_group_t ended = f->group;

    connect_all(f);
    add(f, f->group, 0);
    add(f, f->group, 1);
    add(f, f->group, 3);
    run(f, destroy_between);

    assert_true(f->group != ended);
    expect(f, 0, "a");
    expect(f, 1, "a e");
    expect(f, 3, "a");
}

static void test_group_handle_of_an_ended_one_is_dead(void **state)
{
    fixture_t *f = *state;
    reef_group_t ended = f->group;

    connect_all(f);
    add(f, ended, 0);
    reef_group_destroy(f->app, ended);
    reef_group_destroy(f->app, ended); /* nothing happens */
    f->group = reef_group_create(f->app);
    add(f, f->group, 1);

    assert_false(add(f, ended, 0));
    assert_false(has(f, ended, 0));
    assert_false(has(f, ended, 1));
    assert_false(reef_group_remove(f->app, ended, f->entities[1]));
    assert_int_equal(reef_group_count(f->app, ended), 0);
    assert_int_equal(reef_group_count(f->app, f->group), 1);
    assert_int_equal(reef_group_count(f->app, 0), 0);
    assert_int_equal(reef_group_count(f->app, UINT64_MAX), 0);
}

static void send_everyone(fixture_t *f, reef_run_t *run)
{
    send_group(run, reef_group_everyone(f->app), "all");
}

static void test_group_everyone_is_who_is_connected(void **state)
{
    fixture_t *f = *state;
    reef_group_t everyone = reef_group_everyone(f->app);

    assert_int_equal(reef_group_count(f->app, everyone), 0);
    connect_all(f);
    assert_int_equal(reef_group_count(f->app, everyone), MEMBERS);
    disconnect_member(f, 1);
    assert_int_equal(reef_group_count(f->app, everyone), MEMBERS - 1);
    assert_false(has(f, everyone, 1));
    run(f, send_everyone);

    expect(f, 0, "all");
    expect(f, 2, "all");
    expect(f, 3, "all");
}

/* Membership -------------------------------------------------------------------- */

static void test_group_counts_and_knows_its_members(void **state)
{
    fixture_t *f = *state;

    connect_all(f);
    assert_true(add(f, f->group, 0));
    assert_false(add(f, f->group, 0));
    assert_true(add(f, f->group, 3));
    assert_true(add(f, f->other, 0));

    assert_int_equal(reef_group_count(f->app, f->group), 2);
    assert_true(has(f, f->group, 0));
    assert_false(has(f, f->group, 1));
    assert_false(has(f, f->other, 3));
    assert_true(reef_group_remove(f->app, f->group, f->entities[0]));
    assert_false(reef_group_remove(f->app, f->group, f->entities[0]));
    assert_int_equal(reef_group_count(f->app, f->group), 1);
    assert_true(has(f, f->other, 0));
}

/* There are many of them, and most are in the first group only. */
static void test_group_memory_of_a_client_follows_its_groups(void **state)
{
    fixture_t *f = *state;
    const reef__sessions_t *sessions = f->app->sessions;
    const reef__link_t *link;

    connect_all(f);
    link = reef__link_at(sessions, reef__sessions_slot_of(sessions, f->entities[0]));
    assert_int_equal(link->groups.capacity, 1);
    assert_true(add(f, f->group, 0));
    assert_true(add(f, f->other, 0));
    assert_int_equal(link->groups.count, 3);
    assert_int_equal(link->groups.capacity, 4);
}

static void test_group_takes_in_clients_only(void **state)
{
    fixture_t *f = *state;
    reef_world_t *world = reef_app_world(f->app);
    reef_entity_t thing = reef_world_spawn(world, REEF_RANGE_WORLD);

    assert_false(reef_group_add(f->app, f->group, thing));
    assert_false(reef_group_add(f->app, f->group, 0));
    assert_false(reef_group_has(f->app, f->group, thing));
    assert_int_equal(reef_group_count(f->app, f->group), 0);
}

static void send_both_groups(fixture_t *f, reef_run_t *run)
{
    send_group(run, f->group, "g");
    send_group(run, f->other, "o");
}

static void test_group_client_that_disconnects_leaves_all(void **state)
{
    fixture_t *f = *state;

    connect_all(f);
    for (int i = 0; i < MEMBERS; i++) {
        add(f, f->group, i);
        add(f, f->other, i);
    }
    disconnect_member(f, 0);

    assert_int_equal(reef_group_count(f->app, f->group), MEMBERS - 1);
    assert_int_equal(reef_group_count(f->app, f->other), MEMBERS - 1);
    assert_false(has(f, f->group, 0));
    assert_false(add(f, f->group, 0));
    run(f, send_both_groups);
    for (int i = 1; i < MEMBERS; i++) {
        expect(f, i, "g o");
    }
}

static void test_group_reaches_who_is_left(void **state)
{
    fixture_t *f = *state;

    connect_all(f);
    add(f, f->group, 0);
    add(f, f->group, 3);
    reef_group_remove(f->app, f->group, f->entities[3]);
    add(f, f->other, 1);
    add(f, f->other, 3);
    reef_group_remove(f->app, f->other, f->entities[1]);
    run(f, send_both_groups);

    expect(f, 0, "g");
    expect(f, 1, "");
    expect(f, 3, "o");
}

static void send_and_kick(fixture_t *f, reef_run_t *run)
{
    send_group(run, f->group, "before");
    assert_true(reef_session_close(f->app, f->entities[0], 4000, "enough"));
    send_group(run, f->group, "after");
}

static void test_group_member_kicked_gets_what_was_sent_in_its_frame(void **state)
{
    fixture_t *f = *state;

    connect_all(f);
    for (int i = 0; i < MEMBERS; i++) {
        add(f, f->group, i);
    }
    run(f, send_and_kick);

    assert_int_equal(reef_group_count(f->app, f->group), MEMBERS - 1);
    expect(f, 1, "before after");
    expect(f, 3, "before after");
    if (f->has_sockets) {
        ws_app_expect_text(f->app, &f->clients[0], "before");
        ws_app_expect_text(f->app, &f->clients[0], "after");
        ws_app_await(f->app, &f->clients[0]);
        ws_client_expect_close(&f->clients[0], 4000, "enough");
    } else {
        assert_string_equal(f->peers[0].received, "before\nafter\n");
        assert_int_equal(f->peers[0].close_code, 4000);
    }
}

static void test_group_member_that_cannot_be_sent_to_harms_no_other(void **state)
{
    fixture_t *f = *state;

    connect_all(f);
    for (int i = 0; i < MEMBERS; i++) {
        add(f, f->group, i);
    }
    f->peers[MEMBERS - 1].send_error = REEF_E_LIMIT;
    run(f, send_both_groups);

    assert_int_equal(f->peers[MEMBERS - 1].close_code, 1008);
    assert_int_equal(reef_group_count(f->app, f->group), MEMBERS - 1);
    for (int i = 0; i < MEMBERS - 1; i++) {
        expect(f, i, "g");
    }
}

/* Counters ---------------------------------------------------------------------- */

static void send_counted(fixture_t *f, reef_run_t *run)
{
    send_group(run, f->group, "12345");
    send_group(run, f->other, "123");
    reef_send_text(run, f->entities[0], "1");
}

static void expect_counted(fixture_t *f, int member, uint64_t messages, uint64_t bytes)
{
    const session_t *session =
        REEF_FIND(reef_app_world(f->app), f->entities[member], session);

    assert_int_equal(session->messages_out, messages);
    assert_int_equal(session->bytes_out, bytes);
}

/* Counters of groups are shown 250 ms after the last time at the latest. */
static void pass_time(fixture_t *f)
{
    loopback_set_time_ns(reef_app_now_ns(f->app) + 250 * MS);
    reef_app_step(f->app, 1);
}

static void test_group_messages_are_counted_for_each_member(void **state)
{
    fixture_t *f = *state;

    connect_all(f);
    for (int i = 0; i < MEMBERS - 1; i++) {
        add(f, f->group, i);
    }
    add(f, f->other, 0);
    run(f, send_counted);
    pass_time(f);

    expect_counted(f, 0, 3, 9);
    expect_counted(f, 1, 1, 5);
    expect_counted(f, 3, 0, 0);
}

static void test_group_counts_go_on_when_members_change(void **state)
{
    fixture_t *f = *state;

    connect_all(f);
    add(f, f->group, 1);
    add(f, f->group, 2);
    run(f, send_counted);
    reef_group_remove(f->app, f->group, f->entities[1]);
    add(f, f->group, 3); /* what was sent before does not count for it */
    run(f, send_counted);
    add(f, f->group, 1);
    run(f, send_counted);
    reef_group_remove(f->app, f->group, f->entities[3]);
    pass_time(f);

    expect_counted(f, 1, 2, 10);
    expect_counted(f, 2, 3, 15);
    expect_counted(f, 3, 2, 10);
}

static void test_group_that_ends_leaves_its_counts(void **state)
{
    fixture_t *f = *state;

    connect_all(f);
    add(f, f->group, 1);
    run(f, send_counted);
    reef_group_destroy(f->app, f->group);
    f->group = reef_group_create(f->app);
    add(f, f->group, 1);
    run(f, send_counted);
    pass_time(f);

    expect_counted(f, 1, 2, 10);
}

static uint64_t counter(fixture_t *f, const char *name)
{
    return (uint64_t)reef_metric_value(
        reef_metrics_ensure(reef_app_metrics(f->app),
                            &(reef_metric_desc_t){.name = name, .help = "there"}));
}

static void test_group_message_counts_once_per_member_in_the_metrics(void **state)
{
    fixture_t *f = *state;

    connect_all(f);
    for (int i = 0; i < MEMBERS; i++) {
        add(f, f->group, i);
    }
    run(f, send_counted); /* nobody is in the other group */

    assert_int_equal(counter(f, "reef_messages_sent_total"), MEMBERS + 1);
    assert_int_equal(counter(f, "reef_sent_bytes_total"), MEMBERS * 5 + 1);
}

#define EVERY_WAY(name)                                                                \
    {#name " (memory)", name, setup_memory, teardown, NULL},                           \
        {#name " (sockets)", name, setup_sockets, teardown, NULL},                     \
    {                                                                                  \
#name " (threads)", name, setup_threads, teardown, NULL                        \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        EVERY_WAY(test_group_and_direct_messages_keep_their_order),
        EVERY_WAY(test_group_members_of_two_get_both_in_order),
        EVERY_WAY(test_group_changes_between_two_messages_of_a_frame),
        EVERY_WAY(test_group_that_ends_delivers_what_it_was_sent),
        EVERY_WAY(test_group_handle_of_an_ended_one_is_dead),
        EVERY_WAY(test_group_everyone_is_who_is_connected),
        EVERY_WAY(test_group_counts_and_knows_its_members),
        EVERY_WAY(test_group_memory_of_a_client_follows_its_groups),
        EVERY_WAY(test_group_takes_in_clients_only),
        EVERY_WAY(test_group_client_that_disconnects_leaves_all),
        EVERY_WAY(test_group_reaches_who_is_left),
        EVERY_WAY(test_group_member_kicked_gets_what_was_sent_in_its_frame),
        EVERY_WAY(test_group_member_that_cannot_be_sent_to_harms_no_other),
        EVERY_WAY(test_group_messages_are_counted_for_each_member),
        EVERY_WAY(test_group_counts_go_on_when_members_change),
        EVERY_WAY(test_group_that_ends_leaves_its_counts),
        EVERY_WAY(test_group_message_counts_once_per_member_in_the_metrics),
    };

    return cmocka_run_group_tests_name("group", tests, NULL, NULL);
}
