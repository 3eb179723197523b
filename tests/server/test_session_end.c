#include "session_fixture.h"

static void test_session_disconnect_comes_after_messages_and_once(void **state)
{
    fixture_t *fixture = *state;

    loopback_connect(fixture->app, &fixture->peer[0]);
    loopback_say(&fixture->peer[0], "last");
    loopback_disconnect(&fixture->peer[0]);
    loopback_disconnect(&fixture->peer[0]);
    reef_app_tick_n(fixture->app, 3);

    assert_string_equal(fixture->log, "connected 1\nmessage 1 last\ngone 1 memory\n");
    assert_int_equal(reef_world_entity_count(reef_app_world(fixture->app)), 0);
    assert_int_equal(reef_session_count(fixture->app), 0);
}

static void test_session_close_reaches_the_peer_in_the_same_frame(void **state)
{
    fixture_t *fixture = *state;
    loopback_peer_t *peer = &fixture->peer[0];

    loopback_connect(fixture->app, peer);
    reef_app_step(fixture->app, 0);
    assert_true(reef_session_close(fixture->app, reef_session_find(fixture->app, 1),
                                   4000, "spam"));
    loopback_say(peer, "too late");
    reef_app_step(fixture->app, 0);

    assert_int_equal(peer->close_code, 4000);
    assert_string_equal(peer->close_reason, "spam");
    reef_app_step(fixture->app, 0);
    assert_string_equal(fixture->log, "connected 1\ngone 1 memory\n");
    assert_int_equal(reef_world_entity_count(reef_app_world(fixture->app)), 0);
}

static void test_session_despawn_closes_the_connection(void **state)
{
    fixture_t *fixture = *state;

    loopback_connect(fixture->app, &fixture->peer[0]);
    reef_app_step(fixture->app, 0);
    reef_world_despawn(reef_app_world(fixture->app),
                       reef_session_find(fixture->app, 1));
    assert_int_equal(reef_session_find(fixture->app, 1), 0);
    assert_int_equal(reef_session_next(fixture->app, 0), 0);
    reef_app_tick_n(fixture->app, 2);

    assert_int_equal(fixture->peer[0].close_code, 1000);
    assert_string_equal(fixture->log, "connected 1\ngone 1 despawned\n");
    assert_int_equal(reef_session_find(fixture->app, 1), 0);
}

static void test_session_reused_index_is_not_the_old_client(void **state)
{
    fixture_t *fixture = *state;
    reef_entity_t first;

    loopback_connect(fixture->app, &fixture->peer[0]);
    reef_app_step(fixture->app, 0);
    first = reef_session_find(fixture->app, 1);
    reef_world_despawn(reef_app_world(fixture->app), first);
    loopback_connect(fixture->app, &fixture->peer[1]);
    reef_app_tick_n(fixture->app, 3);

    assert_int_not_equal(reef_session_find(fixture->app, 2), 0);
    assert_true(
        reef_session_close(fixture->app, reef_session_find(fixture->app, 2), 0, NULL));
    assert_false(reef_session_close(fixture->app, first, 0, NULL));
}

static void test_session_slow_peer_is_closed_with_a_reason(void **state)
{
    fixture_t *fixture = *state;
    loopback_peer_t *peer = &fixture->peer[0];

    fixture->echo = true;
    loopback_connect(fixture->app, peer);
    peer->send_error = REEF_E_LIMIT;
    loopback_say(peer, "x");
    reef_app_step(fixture->app, 0);

    assert_int_equal(peer->close_code, 1008);
    assert_string_equal(peer->close_reason, "too slow to read");
}

static void test_session_lost_reliable_message_closes_its_client(void **state)
{
    fixture_t *fixture = *state;
    reef_world_t *world = reef_app_world(fixture->app);
    reef_event_queue_t *failed = reef_world_events(world, &message_send_failed_event);

    loopback_connect(fixture->app, &fixture->peer[0]);
    reef_app_step(fixture->app, 0);
    reef_event_emit(
        failed, &(message_send_failed_t){.entity = reef_session_find(fixture->app, 1),
                                         .reason = REEF_SEND_QUEUE_FULL});
    reef_app_step(fixture->app, 0);

    assert_int_equal(fixture->peer[0].close_code, 1013);
}

static void test_session_lost_message_to_a_group_closes_its_members(void **state)
{
    fixture_t *fixture = *state;
    reef_app_t *app = fixture->app;
    reef_group_t group = reef_group_create(app);
    reef_event_queue_t *failed =
        reef_world_events(reef_app_world(app), &message_send_failed_event);

    for (int i = 0; i < PEERS; i++) {
        loopback_connect(app, &fixture->peer[i]);
    }
    reef_app_step(app, 0);
    reef_group_add(app, group, reef_session_find(app, 1));
    reef_group_add(app, group, reef_session_find(app, 3));
    reef_event_emit(failed, &(message_send_failed_t){.group = group,
                                                     .reason = REEF_SEND_QUEUE_FULL});
    reef_app_step(app, 0);

    assert_int_equal(fixture->peer[0].close_code, 1013);
    assert_int_equal(fixture->peer[1].close_code, 0);
    assert_int_equal(fixture->peer[2].close_code, 1013);
}

static void test_session_many_come_and_go_without_a_trace(void **state)
{
    fixture_t *fixture = *state;

    for (int i = 0; i < 1000; i++) {
        loopback_connect(fixture->app, &fixture->peer[0]);
        reef_app_step(fixture->app, 0);
        loopback_disconnect(&fixture->peer[0]);
        reef_app_step(fixture->app, 1);
        fixture->log[0] = '\0';
    }

    assert_int_equal(reef_world_entity_count(reef_app_world(fixture->app)), 0);
    assert_int_equal(reef_session_count(fixture->app), 0);
    assert_int_equal(reef_session_next(fixture->app, 0), 0);
}

static void test_session_handle_of_an_ended_link_is_not_its_successor(void **state)
{
    fixture_t *fixture = *state;

    loopback_connect(fixture->app, &fixture->peer[0]);
    reef_app_step(fixture->app, 0);
    loopback_disconnect(&fixture->peer[0]);
    reef_app_tick_n(fixture->app, 3);
    loopback_connect(fixture->app, &fixture->peer[1]); /* the slot is used again */
    reef_app_step(fixture->app, 0);
    fixture->log[0] = '\0';
    loopback_say(&fixture->peer[0], "ghost");
    loopback_disconnect(&fixture->peer[0]);
    reef_app_tick_n(fixture->app, 2);

    assert_string_equal(fixture->log, "");
    assert_int_equal(reef_session_count(fixture->app), 1);
}

static void kick_all(reef_run_t *run)
{
    reef_app_t *app = reef_run_context(run);
    reef_entity_t entity = reef_session_find(app, 1);

    if (entity != 0) {
        reef_session_close(app, entity, 0, "kick");
    }
}

static void test_session_kick_silences_what_the_frame_had_taken_in(void **state)
{
    fixture_t *fixture = *state;

    loopback_connect(fixture->app, &fixture->peer[0]);
    reef_app_step(fixture->app, 0);
    reef_app_add_system(fixture->app, REEF_FRAME,
                        &(reef_system_desc_t){.name = "kick",
                                              .run = kick_all,
                                              .context = fixture->app,
                                              .exclusive = true,
                                              .after = {"admin"},
                                              .before = {"admission"}});
    assert_int_equal(
        reef_schedule_build(reef_app_find_schedule(fixture->app, REEF_FRAME), NULL),
        REEF_OK);
    loopback_say(&fixture->peer[0], "spam");
    reef_app_tick_n(fixture->app, 3);

    assert_string_equal(fixture->log, "connected 1\ngone 1 memory\n");
}

static void test_session_to_be_closed_is_neither_heard_nor_found(void **state)
{
    fixture_t *fixture = *state;
    reef_entity_t entity;

    loopback_connect(fixture->app, &fixture->peer[0]);
    reef_app_step(fixture->app, 0);
    entity = reef_session_find(fixture->app, 1);
    assert_true(reef_session_close(fixture->app, entity, 0, NULL));

    assert_int_equal(reef_session_find(fixture->app, 1), 0);
    assert_int_equal(reef_session_next(fixture->app, 0), 0);
    for (int i = 0; i < 10; i++) {
        assert_true(loopback_say(&fixture->peer[0], "x")); /* never fills an inbox */
    }
    assert_true(metric(fixture, "reef_messages_received_total", 0) == 0);
}

static void test_session_end_tells_who_ended_it(void **state)
{
    fixture_t *fixture = *state;

    for (int i = 0; i < 3; i++) {
        loopback_connect(fixture->app, &fixture->peer[i]);
    }
    reef_app_step(fixture->app, 0);
    loopback_disconnect(&fixture->peer[0]);
    reef_app_tick_n(fixture->app, 2);
    assert_int_equal(fixture->reason, REEF_DISCONNECT_PEER);
    reef_session_close(fixture->app, reef_session_find(fixture->app, 2), 0, NULL);
    reef_app_tick_n(fixture->app, 2);
    assert_int_equal(fixture->reason, REEF_DISCONNECT_KICKED);
    reef_session_close(fixture->app, reef_session_find(fixture->app, 3), 0, NULL);
    loopback_disconnect(&fixture->peer[2]); /* before the server gets to it */
    reef_app_tick_n(fixture->app, 2);
    assert_int_equal(fixture->reason, REEF_DISCONNECT_KICKED);
}

static void stop_accepting(void *self)
{
    (void)self;
}

/* Says a few times that somebody is still there. */
static uint32_t count_down(const void *self)
{
    uint32_t *left = *(uint32_t *const *)self;

    return *left > 0 ? (*left)-- : 0;
}

static void test_session_shutdown_is_the_reason_of_those_it_ends(void **state)
{
    static const reef_transport_t lingering = {.name = "lingering",
                                               .stop_accepting = stop_accepting,
                                               .connection_count = count_down};
    fixture_t *fixture = *state;
    uint32_t left = 2;
    uint32_t *const self = &left;

    reef_app_add_transport(fixture->app, &lingering, (void *)&self);
    loopback_connect(fixture->app, &fixture->peer[0]);
    reef_app_step(fixture->app, 0);
    reef_app_stop(fixture->app);
    reef_app_run(fixture->app);

    assert_int_equal(fixture->peer[0].close_code, 1001);
    assert_string_equal(fixture->log, "connected 1\ngone 1 memory\n");
    assert_int_equal(fixture->reason, REEF_DISCONNECT_SHUTDOWN);
}

static void test_session_close_reason_is_cut_at_a_character(void **state)
{
    fixture_t *fixture = *state;
    char reason[141] = "";

    for (size_t i = 0; i + 2 < sizeof(reason); i += 2) { /* é */
        reason[i] = '\xc3';
        reason[i + 1] = '\xa9';
    }
    loopback_connect(fixture->app, &fixture->peer[0]);
    reef_app_step(fixture->app, 0);
    reef_session_close(fixture->app, reef_session_find(fixture->app, 1), 0, reason);
    reef_app_step(fixture->app, 0);

    assert_int_equal(strlen(fixture->peer[0].close_reason), 122); /* 123 fit */
    assert_int_equal(fixture->peer[0].close_code, 1008);
}

static void look_back(reef_run_t *run)
{
    fixture_t *fixture = reef_run_context(run);
    const user_disconnected_t *gone;

    while ((gone = REEF_NEXT(run, user_disconnected)) != NULL) {
        const session_t *session = reef_run_find(run, gone->entity, &session_type);

        note(fixture, "tick", gone->client_id, session ? session->peer : "despawned");
    }
}

static void
test_session_entity_stays_until_the_last_reader_knows_of_its_end(void **state)
{
    fixture_t *fixture = *state;
    reef_world_t *world = reef_app_world(fixture->app);
    reef_schedule_t *ticks = reef_app_find_schedule(fixture->app, REEF_FIXED_UPDATE);

    reef_app_add_system(fixture->app, REEF_FIXED_UPDATE,
                        &(reef_system_desc_t){.name = "look_back",
                                              .run = look_back,
                                              .context = fixture,
                                              .access = {REEF_READ(session)},
                                              .reads = {&user_disconnected_event}});
    assert_int_equal(reef_schedule_build(ticks, NULL), REEF_OK);
    loopback_connect(fixture->app, &fixture->peer[0]);
    reef_app_step(fixture->app, 1);
    loopback_disconnect(&fixture->peer[0]);
    for (int i = 0; i < 5; i++) {
        reef_app_step(fixture->app, 0); /* no tick, so it was not read there */
    }
    assert_int_equal(reef_world_entity_count(world), 1);
    reef_app_tick_n(fixture->app, 2);

    assert_string_equal(fixture->log, "connected 1\ngone 1 memory\ntick 1 memory\n");
    assert_int_equal(reef_world_entity_count(world), 0);
}

static void test_session_message_refused_by_a_closed_link_closes_nobody(void **state)
{
    fixture_t *fixture = *state;
    reef_world_t *world = reef_app_world(fixture->app);

    loopback_connect(fixture->app, &fixture->peer[0]);
    reef_app_step(fixture->app, 0);
    reef_event_emit(
        reef_world_events(world, &message_send_failed_event),
        &(message_send_failed_t){.entity = reef_session_find(fixture->app, 1),
                                 .reason = REEF_SEND_DISCONNECTED});
    reef_app_step(fixture->app, 0);

    assert_int_equal(fixture->peer[0].close_code, 0);
}

static void test_session_leaving_peer_is_answered_and_then_closed(void **state)
{
    fixture_t *fixture = *state;
    loopback_peer_t *peer = &fixture->peer[0];

    fixture->echo = true;
    loopback_connect(fixture->app, peer);
    reef_app_step(fixture->app, 0);
    loopback_say(peer, "last words");
    reef_link_leaving(fixture->app, peer->link, REEF_DISCONNECT_PEER);
    reef_app_step(fixture->app, 0);

    assert_string_equal(peer->received, "last words\n");
    assert_true(peer->is_closed);
    assert_int_equal(peer->close_code, 0);
    assert_int_equal(fixture->reason, REEF_DISCONNECT_PEER);
    reef_app_step(fixture->app, 0);
    assert_string_equal(fixture->log,
                        "connected 1\nmessage 1 last words\ngone 1 memory\n");
    assert_int_equal(reef_world_entity_count(reef_app_world(fixture->app)), 0);
}

/* The slot of one that left is used again while it is still in the list of those that
 * have something to tell. */
static void test_session_slot_that_is_used_again_at_once_keeps_the_order(void **state)
{
    fixture_t *fixture = *state;

    loopback_connect(fixture->app, &fixture->peer[0]);
    reef_app_step(fixture->app, 0);
    reef_link_leaving(fixture->app, fixture->peer[0].link, REEF_DISCONNECT_PEER);
    reef_app_step(fixture->app, 0);
    for (int i = 0; i < PEERS; i++) {
        loopback_connect(fixture->app, &fixture->peer[i]);
    }
    fixture->log[0] = '\0';
    loopback_say(&fixture->peer[2], "third");
    loopback_say(&fixture->peer[0], "first");
    reef_app_step(fixture->app, 0);

    assert_string_equal(fixture->log, "connected 2\nconnected 3\nconnected 4\n"
                                      "message 2 first\nmessage 4 third\n");
}

static void test_session_failure_that_loses_nothing_closes_nobody(void **state)
{
    fixture_t *fixture = *state;
    reef_world_t *world = reef_app_world(fixture->app);

    loopback_connect(fixture->app, &fixture->peer[0]);
    reef_app_step(fixture->app, 0);
    reef_event_emit(
        reef_world_events(world, &message_send_failed_event),
        &(message_send_failed_t){.entity = reef_session_find(fixture->app, 1),
                                 .reason = REEF_SEND_TOO_LARGE});
    reef_app_step(fixture->app, 0);

    assert_int_equal(fixture->peer[0].close_code, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_session_disconnect_comes_after_messages_and_once),
        TEST(test_session_close_reaches_the_peer_in_the_same_frame),
        TEST(test_session_despawn_closes_the_connection),
        TEST(test_session_reused_index_is_not_the_old_client),
        TEST(test_session_slow_peer_is_closed_with_a_reason),
        TEST(test_session_lost_reliable_message_closes_its_client),
        TEST(test_session_lost_message_to_a_group_closes_its_members),
        TEST(test_session_many_come_and_go_without_a_trace),
        TEST(test_session_handle_of_an_ended_link_is_not_its_successor),
        TEST(test_session_kick_silences_what_the_frame_had_taken_in),
        TEST(test_session_to_be_closed_is_neither_heard_nor_found),
        TEST(test_session_end_tells_who_ended_it),
        TEST(test_session_shutdown_is_the_reason_of_those_it_ends),
        TEST(test_session_close_reason_is_cut_at_a_character),
        TEST(test_session_entity_stays_until_the_last_reader_knows_of_its_end),
        TEST(test_session_message_refused_by_a_closed_link_closes_nobody),
        TEST(test_session_leaving_peer_is_answered_and_then_closed),
        TEST(test_session_slot_that_is_used_again_at_once_keeps_the_order),
        TEST(test_session_failure_that_loses_nothing_closes_nobody),
    };

    return cmocka_run_group_tests_name("session_end", tests, NULL, NULL);
}
