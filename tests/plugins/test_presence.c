#include "loopback.h"
#include "test.h"

#include <reef/list.h>
#include <reef/metrics.h>
#include <reef/presence.h>
#include <reef/room.h>
#include <reef/session.h>

enum {
    PEERS = 4,
    LOG_SIZE = 1024
};

typedef struct fixture {
    reef_app_t *app;
    loopback_peer_t peer[PEERS + 1]; /* clients 1 to PEERS, and one that comes later */
    char events[LOG_SIZE];
    bool is_late; /* `watch` writes to who has gone */
} fixture_t;

static void watch(reef_run_t *run)
{
    fixture_t *fixture = reef_run_context(run);
    const presence_changed_t *event;

    while ((event = REEF_NEXT(run, presence_changed)) != NULL) {
        size_t size = strlen(fixture->events);

        snprintf(fixture->events + size, LOG_SIZE - size, "%d %d>%d;",
                 (int)event->client_id, (int)event->from, (int)event->to);
        if (fixture->is_late) {
            REEF_COMMAND_ADD(reef_run_commands(run), event->entity, presence,
                             .status = REEF_PRESENCE_BUSY);
        }
    }
}

/* Whose schedule is not always due: until then, those who have gone are kept. */
static void read_ends(reef_run_t *run)
{
    while (REEF_NEXT(run, user_disconnected) != NULL) {
    }
}

static fixture_t *start(int argc, const char *const *argv)
{
    fixture_t *fixture = calloc(1, sizeof(*fixture));

    fixture->app = loopback_app_create(argc, argv);
    assert_int_equal(
        reef_app_add_plugin(fixture->app, &reef_presence_plugin, NULL, NULL), REEF_OK);
    reef_app_add_system(fixture->app, REEF_UPDATE,
                        &(reef_system_desc_t){.name = "watch",
                                              .run = watch,
                                              .context = fixture,
                                              .commands = true,
                                              .reads = {&presence_changed_event},
                                              .after = {"presence_tell"}});
    reef_app_add_system(fixture->app, REEF_FIXED_UPDATE,
                        &(reef_system_desc_t){.name = "read_ends",
                                              .run = read_ends,
                                              .reads = {&user_disconnected_event}});
    loopback_app_start(fixture->app);
    for (int i = 0; i < PEERS; i++) {
        loopback_connect(fixture->app, &fixture->peer[i]);
    }
    reef_app_step(fixture->app, 0);
    return fixture;
}

static int setup(void **state)
{
    static const char *const argv[] = {"test"};

    *state = start(1, argv);
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
    for (int i = 0; i <= PEERS; i++) {
        loopback_forget(&fixture->peer[i]);
    }
    fixture->events[0] = '\0';
}

/* Client `number` says a text in a frame of its own; what was received is gone. */
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

/* What each of the first four received. */
static void assert_heard(const fixture_t *fixture,
                         const char *one,
                         const char *two,
                         const char *three,
                         const char *four)
{
    assert_string_equal(heard(fixture, 1), one);
    assert_string_equal(heard(fixture, 2), two);
    assert_string_equal(heard(fixture, 3), three);
    assert_string_equal(heard(fixture, 4), four);
}

static reef_entity_t client(const fixture_t *fixture, int number)
{
    return reef_session_find(fixture->app, (uint64_t)number);
}

/* Rooms, as the chat would make them ------------------------------------------ */

static reef_entity_t make_room(fixture_t *fixture)
{
    reef_world_t *world = reef_app_world(fixture->app);
    reef_entity_t room = reef_world_spawn(world, REEF_RANGE_SESSION);

    REEF_ADD(world, room, room_channel, .group = reef_group_create(fixture->app));
    return room;
}

static void leave_room(fixture_t *fixture, int number)
{
    reef_world_t *world = reef_app_world(fixture->app);
    reef_entity_t room = REEF_TARGET(world, client(fixture, number), in_room);

    if (room != 0) {
        reef_group_remove(fixture->app, REEF_FIND(world, room, room_channel)->group,
                          client(fixture, number));
        reef_world_remove(world, client(fixture, number),
                          reef_world_component(world, &in_room_type));
    }
}

static void enter_room(fixture_t *fixture, int number, reef_entity_t room)
{
    reef_world_t *world = reef_app_world(fixture->app);

    leave_room(fixture, number);
    REEF_RELATE(world, client(fixture, number), in_room, room);
    reef_group_add(fixture->app, REEF_FIND(world, room, room_channel)->group,
                   client(fixture, number));
}

/* The same in a frame of its own; 0 = out of the room. */
static void move(fixture_t *fixture, int number, reef_entity_t room)
{
    forget_all(fixture);
    if (room != 0) {
        enter_room(fixture, number, room);
    } else {
        leave_room(fixture, number);
    }
    reef_app_step(fixture->app, 0);
}

/* The command ------------------------------------------------------------------ */

static void test_presence_status_is_told_to_everybody(void **state)
{
    fixture_t *fixture = *state;
    const presence_t *presence;

    say(fixture, 2, " /status  away ");
    assert_heard(fixture, "2 away\n", "2 away\n", "2 away\n", "2 away\n");
    assert_string_equal(fixture->events, "2 0>1;");
    presence = REEF_FIND(reef_app_world(fixture->app), client(fixture, 2), presence);
    assert_int_equal(presence->status, REEF_PRESENCE_AWAY);
    assert_true(presence->since_ms > 1600000000000);
    say(fixture, 2, "/status busy");
    assert_string_equal(heard(fixture, 1), "2 busy\n");
    say(fixture, 2, "/status online");
    assert_string_equal(heard(fixture, 1), "2 online\n");
}

static void test_presence_is_told_on_change_only(void **state)
{
    fixture_t *fixture = *state;

    say(fixture, 1, "/status online");
    assert_heard(fixture, "", "", "", "");
    say(fixture, 1, "/status busy");
    say(fixture, 1, "/status busy");
    assert_heard(fixture, "", "", "", "");
    assert_string_equal(fixture->events, "");
}

static void test_presence_bad_input_gets_the_form(void **state)
{
    static const char *const bad[] = {
        "/status",          "/status   ",       "/status asleep",   "/status offline",
        "/status Away",     "/status away now", "/status awayaway", "/status \xc3\xa9",
        "/status away\x1b", "/status 1"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        say(*state, 1, bad[i]);
        assert_heard(*state, "[Presence] Usage: /status online|away|busy\n", "", "",
                     "");
    }
}

/* However often it changes in a frame, the last state is told once. */
static void test_presence_changes_of_a_frame_are_told_once(void **state)
{
    fixture_t *fixture = *state;

    forget_all(fixture);
    for (int i = 0; i < 50; i++) {
        loopback_say(&fixture->peer[0], i % 2 == 0 ? "/status away" : "/status busy");
        loopback_say(&fixture->peer[1], i % 2 == 0 ? "/status away" : "/status online");
    }
    reef_app_step(fixture->app, 0);
    assert_heard(fixture, "1 busy\n", "1 busy\n", "1 busy\n", "1 busy\n");
    assert_string_equal(fixture->events, "1 0>2;");
}

static void test_presence_interval_between_two_news(void **state)
{
    static const char *const argv[] = {"test", "--set", "presence.min_interval_ms=100"};
    fixture_t *fixture;

    teardown(state);
    *state = fixture = start(3, argv);
    say(fixture, 1, "/status away");
    assert_string_equal(heard(fixture, 2), "1 away\n");
    say(fixture, 1, "/status busy");
    say(fixture, 1, "/status online");
    loopback_set_time_ns(1000000000 + 99999999);
    reef_app_step(fixture->app, 0);
    assert_string_equal(heard(fixture, 2), "");
    loopback_set_time_ns(1000000000 + 100000000);
    reef_app_step(fixture->app, 0);
    assert_string_equal(heard(fixture, 2), "1 online\n");
}

/* Coming and going ------------------------------------------------------------- */

static void test_presence_arrivals_are_not_told(void **state)
{
    fixture_t *fixture = *state;

    forget_all(fixture);
    loopback_connect(fixture->app, &fixture->peer[PEERS]);
    reef_app_step(fixture->app, 0);
    assert_heard(fixture, "", "", "", "");
    assert_string_equal(heard(fixture, PEERS + 1), "");
}

static void test_presence_who_arrives_gets_the_present_state(void **state)
{
    fixture_t *fixture = *state;

    say(fixture, 1, "/status away");
    say(fixture, 3, "/status busy");
    say(fixture, 2, "/status away");
    say(fixture, 2, "/status online");
    forget_all(fixture);
    loopback_connect(fixture->app, &fixture->peer[PEERS]);
    reef_app_step(fixture->app, 0);
    assert_string_equal(heard(fixture, PEERS + 1), "3 busy\n1 away\n");
    assert_int_equal(fixture->peer[PEERS].flush_count, 1);
    assert_heard(fixture, "", "", "", "");
}

/* It changes in the frame in which another arrives: one line, the new state. */
static void test_presence_who_arrives_is_told_of_a_change_once(void **state)
{
    fixture_t *fixture = *state;

    say(fixture, 1, "/status away");
    forget_all(fixture);
    loopback_connect(fixture->app, &fixture->peer[PEERS]);
    loopback_say(&fixture->peer[0], "/status busy");
    loopback_say(&fixture->peer[PEERS], "/status away");
    reef_app_step(fixture->app, 0);
    assert_non_null(strstr(heard(fixture, PEERS + 1), "1 busy\n"));
    assert_non_null(strstr(heard(fixture, PEERS + 1), "5 away\n"));
    assert_int_equal(strlen(heard(fixture, PEERS + 1)), 14);
}

static void test_presence_state_for_arrivals_is_bounded(void **state)
{
    static const char *const argv[] = {"test", "--set", "presence.max_state=2"};
    fixture_t *fixture;

    teardown(state);
    *state = fixture = start(3, argv);
    say(fixture, 1, "/status away");
    say(fixture, 2, "/status away");
    say(fixture, 3, "/status away");
    say(fixture, 1, "/status busy");
    loopback_connect(fixture->app, &fixture->peer[PEERS]);
    reef_app_step(fixture->app, 0);
    assert_string_equal(heard(fixture, PEERS + 1), "1 busy\n3 away\n");
}

static void test_presence_disconnect_is_told_as_offline(void **state)
{
    fixture_t *fixture = *state;

    say(fixture, 4, "/status away");
    forget_all(fixture);
    loopback_disconnect(&fixture->peer[0]);
    loopback_disconnect(&fixture->peer[3]);
    reef_app_tick_n(fixture->app, 3);
    assert_string_equal(heard(fixture, 2), "1 offline\n4 offline\n");
    assert_string_equal(heard(fixture, 3), "1 offline\n4 offline\n");
    assert_string_equal(fixture->events, "1 0>3;4 1>3;");
}

/* The entity is there until all have read of its end. */
static void test_presence_of_who_has_gone_is_not_told_again(void **state)
{
    fixture_t *fixture = *state;

    fixture->is_late = true;
    forget_all(fixture);
    loopback_disconnect(&fixture->peer[0]);
    for (uint32_t ticks = 0; ticks < 2; ticks++) {
        reef_app_step(fixture->app, ticks);
        reef_app_step(fixture->app, ticks);
    }
    assert_string_equal(heard(fixture, 2), "1 offline\n");
}

static void test_presence_kick_and_despawn_are_told_as_offline(void **state)
{
    fixture_t *fixture = *state;

    reef_session_close(fixture->app, client(fixture, 1), 0, "out");
    reef_app_tick_n(fixture->app, 3);
    assert_string_equal(heard(fixture, 2), "1 offline\n");
    forget_all(fixture);
    reef_world_despawn(reef_app_world(fixture->app), client(fixture, 3));
    reef_app_tick_n(fixture->app, 3);
    assert_string_equal(heard(fixture, 2), "3 offline\n");
}

static void test_presence_last_words_before_the_end_are_not_told(void **state)
{
    fixture_t *fixture = *state;

    forget_all(fixture);
    loopback_say(&fixture->peer[0], "/status away");
    loopback_disconnect(&fixture->peer[0]);
    reef_app_tick_n(fixture->app, 3);
    assert_string_equal(heard(fixture, 2), "1 offline\n");
    assert_string_equal(fixture->events, "1 0>3;");
}

static void test_presence_of_who_has_gone_is_nowhere(void **state)
{
    fixture_t *fixture = *state;
    const reef_list_desc_t *list =
        reef_app_find_list(fixture->app, reef_span_text("presence"));

    say(fixture, 1, "/status away");
    loopback_disconnect(&fixture->peer[0]);
    reef_app_tick_n(fixture->app, 3);
    assert_int_equal(list->count(list->context), PEERS - 1);
    loopback_connect(fixture->app, &fixture->peer[PEERS]); /* at the same slot */
    reef_app_tick_n(fixture->app, 2);
    assert_string_equal(heard(fixture, PEERS + 1), "");
    assert_int_equal(list->count(list->context), PEERS);
}

/* Rooms ------------------------------------------------------------------------ */

static void test_presence_in_a_room_is_told_to_its_members(void **state)
{
    fixture_t *fixture = *state;
    reef_entity_t room = make_room(fixture);

    move(fixture, 1, room);
    move(fixture, 2, room);
    assert_heard(fixture, "", "", "", "");
    say(fixture, 1, "/status away");
    assert_heard(fixture, "1 away\n", "1 away\n", "", "");
    say(fixture, 3, "/status busy"); /* in none: all see it */
    assert_heard(fixture, "3 busy\n", "3 busy\n", "3 busy\n", "3 busy\n");
    loopback_connect(fixture->app, &fixture->peer[PEERS]);
    reef_app_step(fixture->app, 0);
    assert_string_equal(heard(fixture, PEERS + 1), "3 busy\n");
}

static void test_presence_disconnect_in_a_room_is_told_there(void **state)
{
    fixture_t *fixture = *state;
    reef_entity_t room = make_room(fixture);

    move(fixture, 1, room);
    move(fixture, 2, room);
    move(fixture, 4, room);
    loopback_disconnect(&fixture->peer[0]);
    reef_app_tick_n(fixture->app, 3);
    assert_string_equal(heard(fixture, 2), "1 offline\n");
    assert_string_equal(heard(fixture, 3), "");
    forget_all(fixture);
    reef_world_despawn(reef_app_world(fixture->app), client(fixture, 2));
    reef_app_tick_n(fixture->app, 3);
    assert_string_equal(heard(fixture, 4), "2 offline\n");
    assert_string_equal(heard(fixture, 3), "");
}

static void test_presence_who_enters_a_room_learns_of_it(void **state)
{
    fixture_t *fixture = *state;
    reef_entity_t room = make_room(fixture);

    move(fixture, 1, room);
    move(fixture, 2, room);
    say(fixture, 1, "/status away");
    say(fixture, 2, "/status busy");
    move(fixture, 3, room);
    assert_heard(fixture, "", "", "2 busy\n1 away\n", "");
    move(fixture, 4, room);
    assert_heard(fixture, "", "", "", "2 busy\n1 away\n");
}

/* All saw it before it came, so there is no news. */
static void test_presence_room_knows_who_comes_from_no_room(void **state)
{
    fixture_t *fixture = *state;
    reef_entity_t room = make_room(fixture);

    move(fixture, 1, room);
    say(fixture, 2, "/status away");
    move(fixture, 2, room);
    assert_heard(fixture, "", "", "", "");
}

static void test_presence_room_learns_of_who_comes_from_another(void **state)
{
    fixture_t *fixture = *state;
    reef_entity_t here = make_room(fixture);
    reef_entity_t there = make_room(fixture);

    move(fixture, 1, here);
    move(fixture, 2, there);
    move(fixture, 3, there);
    say(fixture, 2, "/status away");
    move(fixture, 2, here);
    assert_heard(fixture, "2 away\n", "2 away\n", "", "");
    assert_string_equal(fixture->events, ""); /* to it nothing has changed */
    move(fixture, 3, here);
    assert_heard(fixture, "", "", "2 away\n", "");
}

static void test_presence_all_learn_of_who_leaves_a_room(void **state)
{
    fixture_t *fixture = *state;
    reef_entity_t room = make_room(fixture);

    move(fixture, 1, room);
    say(fixture, 1, "/status away");
    move(fixture, 1, 0);
    assert_heard(fixture, "1 away\n", "1 away\n", "1 away\n", "1 away\n");
    move(fixture, 1, room);
    say(fixture, 1, "/status online");
    assert_heard(fixture, "1 online\n", "", "", "");
    move(fixture, 1, 0);
    assert_heard(fixture, "1 online\n", "1 online\n", "1 online\n", "1 online\n");
}

static void test_presence_room_that_goes_lets_all_see_again(void **state)
{
    fixture_t *fixture = *state;
    reef_entity_t room = make_room(fixture);

    move(fixture, 1, room);
    say(fixture, 1, "/status away");
    forget_all(fixture);
    reef_world_despawn(reef_app_world(fixture->app), room);
    reef_app_step(fixture->app, 0);
    assert_heard(fixture, "1 away\n", "1 away\n", "1 away\n", "1 away\n");
}

/* Applications ----------------------------------------------------------------- */

static void test_presence_that_an_application_sets_is_told(void **state)
{
    fixture_t *fixture = *state;
    reef_world_t *world = reef_app_world(fixture->app);

    forget_all(fixture);
    REEF_ADD(world, client(fixture, 1), presence, .status = REEF_PRESENCE_BUSY);
    reef_app_step(fixture->app, 0);
    assert_string_equal(heard(fixture, 2), "1 busy\n");
    assert_true(REEF_FIND(world, client(fixture, 1), presence)->since_ms >
                1600000000000);
    forget_all(fixture);
    reef_world_remove(world, client(fixture, 1),
                      reef_world_component(world, &presence_type));
    reef_app_step(fixture->app, 0);
    assert_string_equal(heard(fixture, 2), "1 offline\n");
    say(fixture, 1, "/status online");
    assert_string_equal(heard(fixture, 2), "1 online\n");
    forget_all(fixture);
    loopback_disconnect(&fixture->peer[0]);
    reef_app_tick_n(fixture->app, 3);
    assert_string_equal(heard(fixture, 2), "1 offline\n");
}

static void test_presence_inspectable_list(void **state)
{
    fixture_t *fixture = *state;
    reef_world_t *world = reef_app_world(fixture->app);
    const reef_list_desc_t *list =
        reef_app_find_list(fixture->app, reef_span_text("presence"));
    _Alignas(8) uint8_t row[512] = {0};
    const reef_field_t *fields = list->row->fields;
    char expected[128];
    char value[128];
    char text[512];
    size_t size = 0;

    REEF_ADD(world, client(fixture, 1), presence, .status = 2, .since_ms = 17);
    assert_int_equal(list->count(list->context), PEERS);
    assert_true(list->row->size <= sizeof(row));
    list->get(list->context, 0, row);
    for (uint32_t i = 0; i < list->row->field_count; i++) {
        reef_field_format(&fields[i], row + fields[i].offset, value, sizeof(value));
        size += (size_t)snprintf(text + size, sizeof(text) - size, "%s;", value);
    }
    snprintf(expected, sizeof(expected), "1;busy;17;%llu;0;",
             (unsigned long long)client(fixture, 1));
    assert_string_equal(text, expected);
}

/* Work ------------------------------------------------------------------------- */

/* Whoever arrives in a frame is told in one go: the number of lines that are made does
 * not grow with that of the arrivals. */
static void test_presence_many_arrivals_are_told_together(void **state)
{
    enum {
        MANY = 300
    };
    fixture_t *fixture = *state;
    loopback_peer_t *peers = calloc(MANY, sizeof(*peers));
    const reef_event_queue_t *sends =
        reef_world_events(reef_app_world(fixture->app), &send_message_event);
    uint64_t before;

    say(fixture, 1, "/status away");
    say(fixture, 2, "/status busy");
    for (int i = 0; i < MANY; i++) {
        loopback_connect(fixture->app, &peers[i]);
    }
    before = reef_event_emitted_count(sends);
    reef_app_step(fixture->app, 0);
    assert_int_equal(reef_event_emitted_count(sends) - before, 2);
    for (int i = 0; i < MANY; i++) {
        assert_string_equal(peers[i].received, "2 busy\n1 away\n");
    }
    teardown(state);
    free(peers);
    setup(state);
}

/* A frame sends so much only; what is over waits for the next, and so do lines for who
 * arrives. */
static void test_presence_what_a_frame_may_not_send_comes_later(void **state)
{
    static const char *const argv[] = {"test", "--set", "server.max_frame_sends=3"};
    fixture_t *fixture;

    teardown(state);
    *state = fixture = start(3, argv);
    forget_all(fixture);
    for (int i = 0; i < PEERS; i++) {
        loopback_say(&fixture->peer[i], "/status away");
    }
    reef_app_step(fixture->app, 0);
    assert_int_equal(strlen(heard(fixture, 1)), 3 * strlen("1 away\n"));
    loopback_connect(fixture->app, &fixture->peer[PEERS]);
    loopback_say(&fixture->peer[0], "/status busy");
    loopback_say(&fixture->peer[1], "/status busy");
    reef_app_step(fixture->app, 0);
    assert_int_equal(strlen(heard(fixture, 1)), 6 * strlen("1 away\n"));
    reef_app_step(fixture->app, 0);
    assert_int_equal(strlen(heard(fixture, PEERS + 1)), (3 + 4) * strlen("1 away\n"));
}

/* Its last command is left for the next frame, and the end is not: the entity is still
 * there, for a system that has not run yet has to read of it. */
static void test_presence_who_has_gone_does_not_come_back(void **state)
{
    static const char *const argv[] = {"test", "--set", "server.max_frame_sends=1"};
    fixture_t *fixture;

    teardown(state);
    *state = fixture = calloc(1, sizeof(*fixture));
    fixture->app = loopback_app_create(3, argv);
    assert_int_equal(
        reef_app_add_plugin(fixture->app, &reef_presence_plugin, NULL, NULL), REEF_OK);
    reef_app_add_system(fixture->app, REEF_FIXED_UPDATE,
                        &(reef_system_desc_t){.name = "read_ends",
                                              .run = read_ends,
                                              .reads = {&user_disconnected_event}});
    loopback_app_start(fixture->app);
    for (int i = 0; i < 2; i++) {
        loopback_connect(fixture->app, &fixture->peer[i]);
    }
    reef_app_step(fixture->app, 0);
    loopback_say(&fixture->peer[0], "/status");
    loopback_say(&fixture->peer[1], "/status away");
    loopback_disconnect(&fixture->peer[1]);
    reef_app_step(fixture->app, 0);
    assert_non_null(strstr(heard(fixture, 1), "2 offline\n"));
    forget_all(fixture);
    reef_app_step(fixture->app, 0);
    reef_app_step(fixture->app, 0);
    assert_string_equal(heard(fixture, 1), "");
    reef_app_tick_n(fixture->app, 2);
    assert_string_equal(heard(fixture, 1), "");
}

/* What clients are, and what each has been told of each. */
typedef struct sight {
    reef_entity_t rooms[3]; /* the first is none */
    int where[PEERS];
    int status[PEERS];
    int known[PEERS][PEERS];
} sight_t;

/* One client says a status or goes somewhere. */
static void do_something(fixture_t *fixture, sight_t *sight, uint32_t random)
{
    static const char *const commands[] = {"/status online", "/status away",
                                           "/status busy"};
    int who = (int)(random >> 24) % PEERS;
    int what = (int)(random >> 16) % 6;

    if (what < 3) {
        sight->status[who] = what;
        loopback_say(&fixture->peer[who], commands[what]);
        return;
    }
    sight->where[who] = what - 3;
    if (sight->where[who] != 0) {
        enter_room(fixture, who + 1, sight->rooms[sight->where[who]]);
    } else {
        leave_room(fixture, who + 1);
    }
}

static void note_news(const fixture_t *fixture, sight_t *sight, int who)
{
    const char *line = fixture->peer[who].received;

    for (; *line != '\0'; line = strchr(line, '\n') + 1) {
        int id = line[0] - '0';

        sight->known[who][id - 1] = line[2] == 'o' ? 0 : line[2] == 'a' ? 1 : 2;
    }
}

/* Random steps; after each, what everybody was told fits what everybody is. */
static void test_presence_everybody_knows_who_they_see(void **state)
{
    fixture_t *fixture = *state;
    sight_t sight = {.rooms = {0, make_room(fixture), make_room(fixture)}};
    uint32_t random = 7;

    for (int step = 0; step < 5000; step++) {
        forget_all(fixture);
        for (int twice = 0; twice < 2; twice++) {
            random = random * 1664525 + 1013904223;
            do_something(fixture, &sight, random);
        }
        reef_app_step(fixture->app, 0);
        for (int i = 0; i < PEERS; i++) {
            note_news(fixture, &sight, i);
            for (int k = 0; k < PEERS; k++) {
                assert_true((sight.where[k] != 0 && sight.where[k] != sight.where[i]) ||
                            sight.known[i][k] == sight.status[k]);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_presence_status_is_told_to_everybody),
        TEST(test_presence_is_told_on_change_only),
        TEST(test_presence_bad_input_gets_the_form),
        TEST(test_presence_changes_of_a_frame_are_told_once),
        TEST(test_presence_interval_between_two_news),
        TEST(test_presence_arrivals_are_not_told),
        TEST(test_presence_who_arrives_gets_the_present_state),
        TEST(test_presence_who_arrives_is_told_of_a_change_once),
        TEST(test_presence_state_for_arrivals_is_bounded),
        TEST(test_presence_disconnect_is_told_as_offline),
        TEST(test_presence_of_who_has_gone_is_not_told_again),
        TEST(test_presence_kick_and_despawn_are_told_as_offline),
        TEST(test_presence_last_words_before_the_end_are_not_told),
        TEST(test_presence_of_who_has_gone_is_nowhere),
        TEST(test_presence_in_a_room_is_told_to_its_members),
        TEST(test_presence_disconnect_in_a_room_is_told_there),
        TEST(test_presence_who_enters_a_room_learns_of_it),
        TEST(test_presence_room_knows_who_comes_from_no_room),
        TEST(test_presence_room_learns_of_who_comes_from_another),
        TEST(test_presence_all_learn_of_who_leaves_a_room),
        TEST(test_presence_room_that_goes_lets_all_see_again),
        TEST(test_presence_that_an_application_sets_is_told),
        TEST(test_presence_inspectable_list),
        TEST(test_presence_many_arrivals_are_told_together),
        TEST(test_presence_what_a_frame_may_not_send_comes_later),
        TEST(test_presence_who_has_gone_does_not_come_back),
        TEST(test_presence_everybody_knows_who_they_see),
    };

    return cmocka_run_group_tests_name("presence", tests, NULL, NULL);
}
