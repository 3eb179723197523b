/* Membership, whoever changes it: other plugins, operators, despawns. */
#include "chat_fixture.h"

#include <reef/group.h>
#include <reef/list.h>
#include <reef/router.h>

#include <stdio.h>

/* Entities with room_channel, and clients with in_room or `room`. */
static reef_entity_t make_room(fixture_t *fixture, const char *name)
{
    reef_entity_t entity = reef_world_spawn(fixture->world, REEF_RANGE_WORLD);
    room_channel_t channel = {0};

    snprintf(channel.name, sizeof(channel.name), "%s", name);
    assert_true(reef_world_add(fixture->world, entity,
                               reef_world_component(fixture->world, &room_channel_type),
                               &channel));
    return entity;
}

static const char list_of_none[] =
    "[System] Active Rooms:\n  No active rooms right now.\n";

static void test_rooms_client_is_put_into_a_room_by_others(void **state)
{
    fixture_t *fixture = *state;

    say(fixture, 1, "/join a");
    forget_all(fixture);
    assert_true(RELATE(fixture, 2, place_of(fixture, 1)));
    reef_app_step(fixture->app, 0);
    assert_string_equal(heard(fixture, 2), "[System] Joined room: a\n");
    assert_string_equal(room_of(fixture, 2), "a");

    say(fixture, 2, "hi");
    assert_string_equal(heard(fixture, 1), "User 2: hi\n");
    assert_string_equal(heard(fixture, 2), "User 2: hi\n");
    assert_string_equal(heard(fixture, 3), "");
}

/* In the same frame, before the router runs. */
static void relate_first(reef_run_t *run)
{
    fixture_t *fixture = reef_run_context(run);

    if (place_of(fixture, 2) == 0) {
        (void)RELATE(fixture, 2, place_of(fixture, 1));
    }
}

static void test_rooms_text_said_in_the_frame_of_a_move_stays_in_the_room(void **state)
{
    fixture_t *fixture = *state;

    reef_app_add_system(fixture->app, REEF_UPDATE,
                        &(reef_system_desc_t){.name = "relate_first",
                                              .run = relate_first,
                                              .context = fixture,
                                              .exclusive = true,
                                              .before = {"router"}});
    say(fixture, 1, "/join a");
    say(fixture, 2, "hi");

    assert_string_equal(heard(fixture, 1), "User 2: hi\n");
    assert_string_equal(heard(fixture, 2), "[System] Joined room: a\nUser 2: hi\n");
    assert_string_equal(heard(fixture, 3), "");
}

static void test_rooms_client_is_taken_out_by_the_relation(void **state)
{
    fixture_t *fixture = *state;

    say(fixture, 1, "/join a");
    say(fixture, 2, "/join a");
    forget_all(fixture);
    assert_true(REMOVE(fixture, client(fixture, 1), in_room));
    reef_app_step(fixture->app, 0);

    assert_string_equal(heard(fixture, 1), "[System] Left room: a\n");
    assert_string_equal(heard(fixture, 2), "[System] User 1 has left.\n");
    assert_string_equal(room_of(fixture, 1), "");
    say(fixture, 2, "secret");
    assert_string_equal(heard(fixture, 1), "");
}

static void test_rooms_client_is_taken_out_by_its_component(void **state)
{
    fixture_t *fixture = *state;

    say(fixture, 1, "/join a");
    say(fixture, 2, "/join a");
    forget_all(fixture);
    assert_true(REMOVE(fixture, client(fixture, 1), room));
    reef_app_step(fixture->app, 0);

    assert_string_equal(heard(fixture, 1), "[System] Left room: a\n");
    assert_string_equal(heard(fixture, 2), "[System] User 1 has left.\n");
    assert_int_equal(place_of(fixture, 1), 0);
}

static void test_rooms_component_says_the_room_whatever_others_write(void **state)
{
    fixture_t *fixture = *state;

    say(fixture, 1, "/join a");
    REEF_ADD(fixture->world, client(fixture, 1), room, .value = "elsewhere");
    REEF_ADD(fixture->world, client(fixture, 2), room, .value = "nowhere");
    step(fixture);

    assert_string_equal(room_of(fixture, 1), "a");
    assert_string_equal(room_of(fixture, 2), "");
    assert_string_equal(heard(fixture, 1), "");
}

static void test_rooms_client_is_moved_by_others(void **state)
{
    fixture_t *fixture = *state;

    say(fixture, 1, "/join a");
    say(fixture, 2, "/join a");
    say(fixture, 3, "/join b");
    forget_all(fixture);
    assert_true(RELATE(fixture, 1, place_of(fixture, 3)));
    reef_app_step(fixture->app, 0);

    assert_string_equal(heard(fixture, 1), "[System] Joined room: b\n");
    assert_string_equal(heard(fixture, 2), "[System] User 1 has left.\n");
    assert_string_equal(heard(fixture, 3), "");
    say(fixture, 1, "hi");
    assert_string_equal(heard(fixture, 2), "");
    assert_string_equal(heard(fixture, 3), "User 1: hi\n");
}

static void test_rooms_despawned_member_leaves(void **state)
{
    fixture_t *fixture = *state;

    say(fixture, 1, "/join a");
    say(fixture, 2, "/join a");
    forget_all(fixture);
    reef_world_despawn(fixture->world, client(fixture, 1));
    reef_app_tick_n(fixture->app, 2);

    assert_string_equal(heard(fixture, 2), "[System] User 1 has left.\n");
    say(fixture, 2, "still here");
    assert_string_equal(heard(fixture, 2), "User 2: still here\n");
}

static void test_rooms_despawned_room_lets_everybody_go(void **state)
{
    fixture_t *fixture = *state;
    uint64_t entities = reef_world_entity_count(fixture->world);

    say(fixture, 1, "/join a");
    say(fixture, 2, "/join a");
    forget_all(fixture);
    assert_true(reef_world_despawn(fixture->world, place_of(fixture, 1)));
    reef_app_step(fixture->app, 0);

    assert_string_equal(heard(fixture, 1), "[System] Left room: a\n");
    assert_string_equal(heard(fixture, 2), "[System] Left room: a\n");
    assert_string_equal(room_of(fixture, 1), "");
    assert_int_equal(reef_world_entity_count(fixture->world), entities);
    say(fixture, 3, "/list");
    assert_string_equal(heard(fixture, 3), list_of_none);
    say(fixture, 1, "/join a");
    assert_string_equal(room_of(fixture, 1), "a");
}

static void test_rooms_channel_that_goes_closes_the_room(void **state)
{
    fixture_t *fixture = *state;
    uint64_t entities = reef_world_entity_count(fixture->world);

    say(fixture, 1, "/join a");
    forget_all(fixture);
    assert_true(REMOVE(fixture, place_of(fixture, 1), room_channel));
    reef_app_step(fixture->app, 0);

    assert_string_equal(heard(fixture, 1), "[System] Left room: a\n");
    assert_int_equal(place_of(fixture, 1), 0);
    assert_string_equal(room_of(fixture, 1), "");
    assert_int_equal(reef_world_entity_count(fixture->world), entities);
}

static void test_rooms_what_is_no_room_cannot_be_entered(void **state)
{
    fixture_t *fixture = *state;

    say(fixture, 1, "/join a");
    forget_all(fixture);
    assert_true(RELATE(fixture, 1, client(fixture, 2)));
    reef_app_step(fixture->app, 0);

    assert_string_equal(heard(fixture, 1), "[System] Left room: a\n");
    assert_int_equal(place_of(fixture, 1), 0);
    say(fixture, 3, "/list");
    assert_string_equal(heard(fixture, 3), list_of_none);
}

static void test_rooms_of_an_application_stay_when_they_are_empty(void **state)
{
    fixture_t *fixture = *state;
    reef_entity_t lobby = make_room(fixture, "lobby");

    step(fixture);
    say(fixture, 1, "/join lobby");
    assert_int_equal(place_of(fixture, 1), lobby);
    say(fixture, 1, "hi");
    assert_string_equal(heard(fixture, 1), "User 1: hi\n");
    assert_string_equal(heard(fixture, 2), "");
    say(fixture, 1, "/leave");
    say(fixture, 1, "/list");
    assert_string_equal(heard(fixture, 1),
                        "[System] Active Rooms:\n  - lobby (0 users)\n");
    assert_true(reef_world_is_alive(fixture->world, lobby));
}

static void test_rooms_members_may_come_before_the_channel(void **state)
{
    fixture_t *fixture = *state;
    reef_entity_t room = reef_world_spawn(fixture->world, REEF_RANGE_WORLD);

    assert_true(RELATE(fixture, 1, room));
    REEF_ADD(fixture->world, room, room_channel, .name = "late");
    step(fixture);

    assert_string_equal(heard(fixture, 1), "[System] Joined room: late\n");
    assert_string_equal(room_of(fixture, 1), "late");
}

static void test_rooms_have_names_of_their_own(void **state)
{
    fixture_t *fixture = *state;
    reef_entity_t first = make_room(fixture, "lobby");
    reef_entity_t second = reef_world_spawn(fixture->world, REEF_RANGE_WORLD);

    (void)make_room(fixture, "");
    assert_true(RELATE(fixture, 3, second));
    REEF_ADD(fixture->world, second, room_channel, .name = "lobby");
    step(fixture);
    assert_string_equal(heard(fixture, 3), "");
    say(fixture, 1, "/join lobby");
    assert_int_equal(place_of(fixture, 1), first);
    assert_true(RELATE(fixture, 2, second));
    step(fixture);
    assert_int_equal(place_of(fixture, 2), 0);
    assert_string_equal(heard(fixture, 2), "");
}

static void test_rooms_may_be_renamed(void **state)
{
    fixture_t *fixture = *state;
    reef_entity_t room = make_room(fixture, "lobby");
    uint64_t group;

    (void)make_room(fixture, "taken");
    say(fixture, 1, "/join lobby");
    group = REEF_FIND(fixture->world, room, room_channel)->group;
    REEF_ADD(fixture->world, room, room_channel, .name = "hall", .group = 99);
    step(fixture);
    assert_string_equal(room_of(fixture, 1), "hall");
    assert_int_equal(REEF_FIND(fixture->world, room, room_channel)->group, group);
    REEF_ADD(fixture->world, room, room_channel, .name = "taken", .group = group);
    step(fixture);
    assert_string_equal(REEF_FIND(fixture->world, room, room_channel)->name, "hall");
    say(fixture, 2, "/join hall");
    assert_int_equal(place_of(fixture, 2), room);
}

static void test_rooms_may_have_members_that_are_no_clients(void **state)
{
    fixture_t *fixture = *state;
    reef_entity_t robot = reef_world_spawn(fixture->world, REEF_RANGE_WORLD);

    say(fixture, 1, "/join a");
    assert_true(REEF_RELATE(fixture->world, robot, in_room, place_of(fixture, 1)));
    say(fixture, 1, "/leave");
    say(fixture, 1, "/list");
    assert_string_equal(heard(fixture, 1), "[System] Active Rooms:\n  - a (1 users)\n");
    assert_true(reef_world_despawn(fixture->world, robot));
    step(fixture);
    say(fixture, 1, "/list");
    assert_string_equal(heard(fixture, 1), list_of_none);
}

static void test_rooms_follow_while_the_simulation_is_paused(void **state)
{
    fixture_t *fixture = *state;
    reef_schedule_t *frame = reef_app_find_schedule(fixture->app, REEF_FRAME);

    say(fixture, 1, "/join a");
    say(fixture, 2, "/join a");
    for (uint32_t i = 0; i < reef_schedule_count(frame); i++) {
        reef_system_t *system = reef_schedule_system(frame, i);

        if (strstr(reef_system_desc(system)->name, "update") != NULL) {
            reef_system_set_enabled(system, false);
        }
    }
    forget_all(fixture);
    assert_true(REMOVE(fixture, client(fixture, 1), in_room));
    reef_app_step(fixture->app, 0);

    assert_string_equal(heard(fixture, 2), "[System] User 1 has left.\n");
    assert_string_equal(room_of(fixture, 1), "");
}

/* Many at once ----------------------------------------------------------------------
 */

enum {
    CROWD = 300
};

typedef struct crowd {
    reef_app_t *app;
    loopback_peer_t *peers;
    uint64_t sends; /* events, in all */
    size_t large;   /* texts of more than 16 KiB that are not the one before */
    const reef_buffer_t *last;
} crowd_t;

static void count_sends(reef_run_t *run)
{
    crowd_t *crowd = reef_run_context(run);
    const send_message_t *message;

    while ((message = REEF_NEXT(run, send_message)) != NULL) {
        crowd->sends++;
        if (reef_buffer_payload(message->payload).size > 16384 &&
            message->payload != crowd->last) {
            crowd->last = message->payload;
            crowd->large++;
        }
    }
}

static void start_crowd(crowd_t *crowd)
{
    *crowd = (crowd_t){.app = loopback_app_create(0, NULL),
                       .peers = calloc(CROWD, sizeof(loopback_peer_t))};
    assert_non_null(crowd->peers);
    assert_int_equal(reef_app_add_plugin(crowd->app, &reef_chat_plugin, NULL, NULL),
                     REEF_OK);
    reef_app_add_system(crowd->app, REEF_FRAME,
                        &(reef_system_desc_t){.name = "count_sends",
                                              .run = count_sends,
                                              .context = crowd,
                                              .exclusive = true,
                                              .after = {"chat_settle"},
                                              .before = {"egress"},
                                              .reads = {&send_message_event}});
    loopback_app_start(crowd->app);
    for (int i = 0; i < CROWD; i++) {
        loopback_connect(crowd->app, &crowd->peers[i]);
    }
    reef_app_step(crowd->app, 0);
}

static void everybody_joins(crowd_t *crowd)
{
    for (int i = 0; i < CROWD; i++) {
        loopback_say(&crowd->peers[i], "/join a");
    }
    reef_app_step(crowd->app, 0);
    crowd->sends = 0;
}

static void stop_crowd(crowd_t *crowd)
{
    reef_app_destroy(crowd->app);
    free(crowd->peers);
}

static void test_rooms_closing_a_room_costs_one_message_a_member(void **state)
{
    crowd_t crowd;
    reef_world_t *world;

    (void)state;
    start_crowd(&crowd);
    everybody_joins(&crowd);
    world = reef_app_world(crowd.app);
    assert_true(reef_world_despawn(
        world, REEF_TARGET(world, reef_session_find(crowd.app, 1), in_room)));
    reef_app_step(crowd.app, 0);

    assert_int_equal(crowd.sends, CROWD);
    stop_crowd(&crowd);
}

static void test_rooms_members_who_go_together_are_not_told_of_each_other(void **state)
{
    crowd_t crowd;

    (void)state;
    start_crowd(&crowd);
    everybody_joins(&crowd);
    for (int i = 0; i < CROWD; i++) {
        loopback_disconnect(&crowd.peers[i]);
    }
    reef_app_tick_n(crowd.app, 2);

    assert_int_equal(crowd.sends, 0);
    assert_int_equal(reef_world_entity_count(reef_app_world(crowd.app)), 0);
    stop_crowd(&crowd);
}

/* Someone makes rooms and lists them in turn, each list longer than 16 KiB. */
static void test_rooms_lists_of_a_frame_take_bounded_memory(void **state)
{
    crowd_t crowd;
    char text[80];

    (void)state;
    start_crowd(&crowd);
    for (int i = 0; i < CROWD; i++) {
        snprintf(text, sizeof(text), "/join %064d", i);
        loopback_say(&crowd.peers[i], text);
    }
    reef_app_step(crowd.app, 0);
    for (int i = 0; i < 100; i++) {
        snprintf(text, sizeof(text), "/join new %d", i);
        loopback_say(&crowd.peers[0], text);
        loopback_say(&crowd.peers[0], "/list");
    }
    crowd.peers[0].send_error = REEF_E_LIMIT; /* has no room for all that */
    reef_app_step(crowd.app, 0);

    assert_in_range(crowd.large, 2, 60);
    stop_crowd(&crowd);
}

/* The plugins ------------------------------------------------------------------------
 */

static reef_app_t *app_with(const reef_plugin_t *first,
                            const reef_plugin_t *second,
                            reef_failure_t *failure)
{
    reef_app_t *app = loopback_app_create(0, NULL);
    reef_error_t error = reef_app_add_plugin(app, first, NULL, failure);

    if (error == REEF_OK && second != NULL) {
        error = reef_app_add_plugin(app, second, NULL, failure);
    }
    failure->error = error;
    return app;
}

static void test_rooms_core_alone_has_nicknames_and_talk(void **state)
{
    reef_failure_t failure = {0};
    reef_app_t *app = app_with(&reef_chat_core_plugin, NULL, &failure);
    loopback_peer_t peers[2];

    (void)state;
    loopback_app_start(app);
    loopback_connect(app, &peers[0]);
    loopback_connect(app, &peers[1]);
    loopback_say(&peers[0], "/nick Ada");
    loopback_say(&peers[0], "/join a");
    loopback_say(&peers[0], "hi");
    reef_app_step(app, 0);

    assert_string_equal(peers[0].received, "[System] Your nickname is now: Ada\n"
                                           "[Error] Unknown command: /join\nAda: hi\n");
    assert_string_equal(peers[1].received, "Ada: hi\n");
    reef_app_destroy(app);
}

static void test_rooms_are_those_of_core_and_rooms_together(void **state)
{
    reef_failure_t failure = {0};
    reef_app_t *app =
        app_with(&reef_chat_core_plugin, &reef_chat_rooms_plugin, &failure);
    loopback_peer_t peers[2];

    (void)state;
    assert_int_equal(failure.error, REEF_OK);
    loopback_app_start(app);
    loopback_connect(app, &peers[0]);
    loopback_connect(app, &peers[1]);
    loopback_say(&peers[0], "/join a");
    loopback_say(&peers[0], "hi");
    reef_app_step(app, 0);

    assert_string_equal(peers[0].received, "[System] Joined room: a\nUser 1: hi\n");
    assert_string_equal(peers[1].received, "");
    reef_app_destroy(app);
}

static void test_rooms_need_core_and_both_are_refused_beside_chat(void **state)
{
    reef_failure_t failure = {0};

    (void)state;
    reef_app_destroy(app_with(&reef_chat_rooms_plugin, NULL, &failure));
    assert_int_equal(failure.error, REEF_E_NOT_FOUND);
    assert_non_null(strstr(failure.text, "chat_core"));
    reef_app_destroy(app_with(&reef_chat_plugin, &reef_chat_core_plugin, &failure));
    assert_int_equal(failure.error, REEF_E_EXISTS);
    assert_non_null(strstr(failure.text, "plugin chat_core"));
    assert_non_null(strstr(failure.text, "belongs to plugin chat"));
}

/* Cleaned up after the chat, as it was added before it. */
static reef_error_t
early_build(reef_app_t *app, const void *config, void **state, reef_failure_t *failure)
{
    (void)app, (void)config, (void)state, (void)failure;
    return REEF_OK;
}

static void early_cleanup(reef_app_t *app, void *state)
{
    reef_world_t *world = reef_app_world(app);
    reef_entity_t member = reef_session_find(app, 1);
    reef_entity_t target = reef_world_spawn(world, REEF_RANGE_WORLD);

    (void)state;
    assert_int_not_equal(member, 0);
    assert_null(REEF_FIND(world, member, room));
    assert_int_equal(REEF_TARGET(world, member, in_room), 0);
    assert_int_equal(reef_world_entity_count(world), 2);
    /* Nobody listens to any of this. */
    REEF_ADD(world, target, room_channel, .name = "after");
    assert_true(REEF_RELATE(world, member, in_room, target));
    REEF_ADD(world, member, room, .value = "after");
    reef_world_despawn(world, target);
    reef_world_despawn(world, member);
}

static void test_rooms_are_gone_when_the_plugin_is_cleaned_up(void **state)
{
    static const reef_plugin_t early = {REEF_PLUGIN_API, "early", .build = early_build,
                                        .cleanup = early_cleanup};
    reef_failure_t failure = {0};
    reef_app_t *app = app_with(&early, &reef_chat_plugin, &failure);
    loopback_peer_t peer;

    (void)state;
    loopback_app_start(app);
    loopback_connect(app, &peer);
    loopback_say(&peer, "/join a");
    reef_app_step(app, 0);
    loopback_forget(&peer);
    reef_app_destroy(app);
    assert_string_equal(peer.received, "");
}

static void test_rooms_are_listed_with_their_members(void **state)
{
    fixture_t *fixture = *state;
    const reef_list_desc_t *list =
        reef_app_find_list(fixture->app, reef_span_text("rooms"));
    struct {
        char name[128];
        uint32_t members;
        bool stays;
        reef_entity_t entity;
    } row = {0};
    const reef_entity_t *members;
    uint32_t count;

    assert_non_null(list);
    assert_int_equal(list->row->size, sizeof(row));
    assert_int_equal(list->count(list->context), 0);
    say(fixture, 1, "/join a");
    say(fixture, 2, "/join a");
    assert_int_equal(list->count(list->context), 1);
    list->get(list->context, 0, &row);
    assert_string_equal(row.name, "a");
    assert_int_equal(row.members, 2);
    assert_false(row.stays);
    assert_int_equal(row.entity, place_of(fixture, 1));
    members = list->members(list->context, 0, &count);
    assert_int_equal(count, 2);
    assert_int_equal(members[0], client(fixture, 1));
}

/* Random ----------------------------------------------------------------------------
 */

/* Where a client is by the relation, by its component and by the groups is the same,
 * and a room that a join made has somebody in. */
static void check(fixture_t *fixture, reef_entity_t kept)
{
    reef_world_t *world = fixture->world;

    for (int number = 1; number <= PEERS; number++) {
        reef_entity_t room = place_of(fixture, number);
        const room_channel_t *channel =
            room != 0 ? REEF_FIND(world, room, room_channel) : NULL;

        if (client(fixture, number) == 0) {
            continue;
        }
        assert_int_equal(room != 0, channel != NULL);
        assert_string_equal(room_of(fixture, number), channel ? channel->name : "");
        for (reef_entity_t e = 0;
             (e = reef_world_next_entity(world, reef_entity_index(e))) != 0;) {
            const room_channel_t *other = REEF_FIND(world, e, room_channel);

            if (other != NULL) {
                assert_int_equal(
                    reef_group_has(fixture->app, other->group, client(fixture, number)),
                    e == room);
            }
        }
    }
    for (reef_entity_t e = 0;
         (e = reef_world_next_entity(world, reef_entity_index(e))) != 0;) {
        uint32_t count;

        (void)REEF_SOURCES(world, e, in_room, &count);
        if (REEF_FIND(world, e, room_channel) != NULL && e != kept) {
            assert_true(count > 0);
        }
    }
}

/* One of the ways in which membership changes. */
static void
change(fixture_t *fixture, uint32_t what, int number, int other, reef_entity_t kept)
{
    static const char *const texts[] = {"/join a", "/join b", "/join lobby",
                                        "/leave",  "hello",   "/list"};
    loopback_peer_t *peer = &fixture->peer[number - 1];

    switch (what) {
    case 0:
        (void)RELATE(fixture, number, place_of(fixture, other));
        break;
    case 1:
        (void)RELATE(fixture, number, kept);
        break;
    case 2:
        (void)REMOVE(fixture, client(fixture, number), in_room);
        break;
    case 3:
        (void)REMOVE(fixture, client(fixture, number), room);
        break;
    case 4:
        REEF_ADD(fixture->world, client(fixture, number), room, .value = "b");
        break;
    case 5:
        if (place_of(fixture, number) != kept) {
            (void)reef_world_despawn(fixture->world, place_of(fixture, number));
        }
        break;
    case 6:
        if (place_of(fixture, number) != kept) {
            (void)REMOVE(fixture, place_of(fixture, number), room_channel);
        }
        break;
    case 7:
        (void)RELATE(fixture, number, client(fixture, other));
        break;
    default:
        loopback_say(peer, texts[what % 6]);
    }
}

static void test_rooms_agree_with_each_other_whatever_happens(void **state)
{
    fixture_t *fixture = *state;
    reef_entity_t kept = make_room(fixture, "lobby");
    uint32_t seed = 7;

    for (int round = 0; round < 20000; round++) {
        uint32_t what, number, other;

        seed = seed * 1664525u + 1013904223u;
        what = (seed >> 8) % 20;
        number = 1 + (seed >> 14) % PEERS;
        other = 1 + (seed >> 18) % PEERS;
        change(fixture, what, (int)number, (int)other, kept);
        if ((seed >> 22) % 4 == 0) { /* several changes in a frame */
            step(fixture);
            check(fixture, kept);
        }
    }
}

/* Whose schedule is not always due: until then, those who have gone are kept. */
static void read_ends(reef_run_t *run)
{
    while (REEF_NEXT(run, user_disconnected) != NULL) {
    }
}

/* Its last words wait for the next frame, and its end does not: what was said in a room
 * is not for everybody, and nobody who has gone comes into another. */
static void test_rooms_words_that_come_behind_the_end_are_not_heard(void **state)
{
    fixture_t *fixture = *state;

    chat_stop(fixture);
    *state = fixture = chat_start("server.max_frame_sends=1");
    say(fixture, 2, "/join a");
    say(fixture, 3, "/join a");
    reef_app_add_system(fixture->app, REEF_FIXED_UPDATE,
                        &(reef_system_desc_t){.name = "read_ends",
                                              .run = read_ends,
                                              .reads = {&user_disconnected_event}});
    forget_all(fixture);
    loopback_say(&fixture->peer[0], "/leave");
    loopback_say(&fixture->peer[1], "a secret");
    loopback_say(&fixture->peer[1], "/join b");
    loopback_disconnect(&fixture->peer[1]);
    for (int i = 0; i < 4; i++) {
        reef_app_step(fixture->app, 0);
    }
    assert_string_equal(heard(fixture, 1), "[Error] You are not in a room.\n");
    assert_string_equal(heard(fixture, 3), "[System] User 2 has left.\n");
    say(fixture, 1, "/list");
    assert_string_equal(heard(fixture, 1), "[System] Active Rooms:\n  - a (1 users)\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_rooms_words_that_come_behind_the_end_are_not_heard),
        TEST(test_rooms_client_is_put_into_a_room_by_others),
        TEST(test_rooms_text_said_in_the_frame_of_a_move_stays_in_the_room),
        TEST(test_rooms_client_is_taken_out_by_the_relation),
        TEST(test_rooms_client_is_taken_out_by_its_component),
        TEST(test_rooms_component_says_the_room_whatever_others_write),
        TEST(test_rooms_client_is_moved_by_others),
        TEST(test_rooms_despawned_member_leaves),
        TEST(test_rooms_despawned_room_lets_everybody_go),
        TEST(test_rooms_channel_that_goes_closes_the_room),
        TEST(test_rooms_what_is_no_room_cannot_be_entered),
        TEST(test_rooms_of_an_application_stay_when_they_are_empty),
        TEST(test_rooms_members_may_come_before_the_channel),
        TEST(test_rooms_have_names_of_their_own),
        TEST(test_rooms_may_be_renamed),
        TEST(test_rooms_may_have_members_that_are_no_clients),
        TEST(test_rooms_follow_while_the_simulation_is_paused),
        TEST(test_rooms_closing_a_room_costs_one_message_a_member),
        TEST(test_rooms_members_who_go_together_are_not_told_of_each_other),
        TEST(test_rooms_lists_of_a_frame_take_bounded_memory),
        TEST(test_rooms_core_alone_has_nicknames_and_talk),
        TEST(test_rooms_are_those_of_core_and_rooms_together),
        TEST(test_rooms_need_core_and_both_are_refused_beside_chat),
        TEST(test_rooms_are_gone_when_the_plugin_is_cleaned_up),
        TEST(test_rooms_are_listed_with_their_members),
        TEST(test_rooms_agree_with_each_other_whatever_happens),
    };

    return cmocka_run_group_tests_name("chat_rooms", tests, NULL, NULL);
}
