#include "session_fixture.h"

static void test_session_entity_exists_before_its_first_message(void **state)
{
    fixture_t *fixture = *state;
    reef_world_t *world = reef_app_world(fixture->app);
    reef_entity_t entity;

    loopback_connect(fixture->app, &fixture->peer[0]);
    loopback_say(&fixture->peer[0], "hello");
    reef_app_step(fixture->app, 0);

    assert_string_equal(fixture->log, "connected 1\nmessage 1 hello\n");
    entity = reef_session_find(fixture->app, 1);
    assert_true(reef_world_is_alive(world, entity));
    assert_int_equal(reef_entity_range(entity), REEF_RANGE_SESSION);
    assert_int_equal(REEF_FIND(world, entity, client_id)->value, 1);
    assert_string_equal(REEF_FIND(world, entity, session)->peer, "memory");
}

static void test_session_component_counts_messages(void **state)
{
    fixture_t *fixture = *state;
    const session_t *session;

    fixture->echo = true;
    loopback_connect(fixture->app, &fixture->peer[0]);
    loopback_say(&fixture->peer[0], "abc");
    loopback_say(&fixture->peer[0], "de");
    reef_app_step(fixture->app, 1);

    session = REEF_FIND(reef_app_world(fixture->app),
                        reef_session_find(fixture->app, 1), session);
    assert_int_equal(session->messages_in, 2);
    assert_int_equal(session->bytes_in, 5);
    assert_int_equal(session->messages_out, 2);
    assert_int_equal(session->bytes_out, 5);
}

static void test_session_many_messages_of_a_frame_are_flushed_once(void **state)
{
    fixture_t *fixture = *state;

    fixture->echo = true;
    loopback_connect(fixture->app, &fixture->peer[0]);
    loopback_say(&fixture->peer[0], "a");
    loopback_say(&fixture->peer[0], "b");
    loopback_say(&fixture->peer[0], "c");
    reef_app_step(fixture->app, 0);

    assert_string_equal(fixture->peer[0].received, "a\nb\nc\n");
    assert_int_equal(fixture->peer[0].flush_count, 1);
    loopback_say(&fixture->peer[0], "d");
    reef_app_step(fixture->app, 0);
    assert_int_equal(fixture->peer[0].flush_count, 2);
}

static void test_session_ingress_takes_one_message_in_turn_from_each(void **state)
{
    fixture_t *fixture = *state;

    loopback_connect(fixture->app, &fixture->peer[0]);
    loopback_connect(fixture->app, &fixture->peer[1]);
    reef_app_step(fixture->app, 0);
    fixture->log[0] = '\0';
    for (int i = 0; i < 3; i++) {
        loopback_say(&fixture->peer[0], "flood");
    }
    loopback_say(&fixture->peer[1], "patient");
    reef_app_step(fixture->app, 0);

    assert_string_equal(fixture->log, "message 1 flood\nmessage 2 patient\n"
                                      "message 1 flood\nmessage 1 flood\n");
}

static void test_session_ingress_carries_over_what_exceeds_the_budget(void **state)
{
    fixture_t *fixture = *state;

    for (int i = 0; i < PEERS; i++) {
        loopback_connect(fixture->app, &fixture->peer[i]);
        for (int j = 0; j < 3; j++) {
            loopback_say(&fixture->peer[i], "x");
        }
    }
    reef_app_step(fixture->app, 0);
    assert_int_equal(strlen(fixture->log),
                     strlen("connected 1\n") * 3 + strlen("message 1 x\n") * 6);
    fixture->log[0] = '\0';
    reef_app_step(fixture->app, 0);

    assert_string_equal(fixture->log, "message 1 x\nmessage 2 x\nmessage 3 x\n");
}

static void test_session_full_inbox_stops_reading_until_half_is_free(void **state)
{
    fixture_t *fixture = *state;
    loopback_peer_t *peer = &fixture->peer[0];

    loopback_connect(fixture->app, peer);
    assert_true(loopback_say(peer, "1"));
    assert_true(loopback_say(peer, "2"));
    assert_true(loopback_say(peer, "3"));
    assert_false(loopback_say(peer, "4"));
    assert_false(peer->is_resumed);
    reef_app_step(fixture->app, 0);

    assert_true(peer->is_resumed);
    assert_string_equal(fixture->log, "connected 1\nmessage 1 1\nmessage 1 2\n"
                                      "message 1 3\nmessage 1 4\n");
}

/* What was under way when a peer was told to stop still comes, while the inbox is no
 * longer full and not yet drained. */
static void test_session_straggler_does_not_keep_a_peer_stopped(void **state)
{
    static const char *const argv[] = {"test", "--set", "server.inbox_messages=8",
                                       "--set", "server.max_frame_messages=1"};
    reef_app_t *app = loopback_app_create(5, argv);
    loopback_peer_t peer;

    (void)state;
    loopback_app_start(app);
    loopback_connect(app, &peer);
    for (int i = 1; i < 8; i++) {
        assert_true(loopback_say(&peer, "x"));
    }
    assert_false(loopback_say(&peer, "x"));
    for (int i = 0; i < 3; i++) {
        reef_app_step(app, 0);
    }
    assert_false(loopback_say(&peer, "straggler"));
    for (int i = 0; i < 8; i++) {
        reef_app_step(app, 0);
    }

    assert_true(peer.is_resumed);
    reef_app_destroy(app);
}

/* Messages that client 1 gets through in one frame after one that took `us`. */
static size_t taken_after(reef_app_t *app, fixture_t *fixture, uint64_t us)
{
    REEF_RESOURCE(reef_app_world(app), frame_time)->frame_us = us;
    fixture->log[0] = '\0';
    reef_app_step(app, 0);
    return strlen(fixture->log) / strlen("message 1 x\n");
}

static void test_session_ingress_takes_less_after_a_slow_frame(void **state)
{
    static const char *const argv[] = {"test", "--set", "server.max_frame_messages=64"};
    fixture_t *fixture = *state;
    reef_app_t *app = loopback_app_create(3, argv);
    loopback_peer_t peer;

    reef_app_add_system(
        app, REEF_UPDATE,
        &(reef_system_desc_t){.name = "watch",
                              .run = watch,
                              .context = fixture,
                              .access = {REEF_READ(session)},
                              .reads = {&user_connected_event, &message_received_event,
                                        &user_disconnected_event},
                              .emits = {&send_message_event}});
    loopback_app_start(app);
    loopback_connect(app, &peer);
    reef_app_step(app, 0);
    for (int i = 0; i < 200; i++) {
        loopback_say(&peer, "x");
    }

    assert_int_equal(taken_after(app, fixture, 0), 64);
    assert_int_equal(taken_after(app, fixture, 20000), 32);
    assert_int_equal(taken_after(app, fixture, 20000), 16);
    assert_int_equal(taken_after(app, fixture, 20000), 16);
    assert_int_equal(taken_after(app, fixture, 0), 32);
    reef_app_destroy(app);
}

static void test_session_next_walks_clients_in_order_past_holes(void **state)
{
    fixture_t *fixture = *state;
    reef_world_t *world = reef_app_world(fixture->app);
    reef_entity_t entity;

    for (int i = 0; i < PEERS; i++) {
        loopback_connect(fixture->app, &fixture->peer[i]);
    }
    reef_app_step(fixture->app, 0);
    loopback_disconnect(&fixture->peer[1]);
    reef_app_tick_n(fixture->app, 2);

    entity = reef_session_next(fixture->app, 0);
    assert_int_equal(REEF_FIND(world, entity, client_id)->value, 1);
    entity = reef_session_next(fixture->app, 1);
    assert_int_equal(REEF_FIND(world, entity, client_id)->value, 3);
    assert_int_equal(reef_session_next(fixture->app, 3), 0);
    assert_int_equal(reef_session_next(fixture->app, UINT64_MAX), 0);
}

static void test_session_metrics_count_clients_messages_and_bytes(void **state)
{
    fixture_t *fixture = *state;

    fixture->echo = true;
    loopback_connect(fixture->app, &fixture->peer[0]);
    loopback_connect(fixture->app, &fixture->peer[1]);
    loopback_say(&fixture->peer[0], "abc");
    loopback_say(&fixture->peer[1], "de");
    reef_app_step(fixture->app, 0);
    loopback_disconnect(&fixture->peer[1]);

    assert_true(metric(fixture, "reef_sessions", REEF_METRIC_GAUGE) == 1);
    assert_true(metric(fixture, "reef_sessions_opened_total", 0) == 2);
    assert_true(metric(fixture, "reef_messages_received_total", 0) == 2);
    assert_true(metric(fixture, "reef_received_bytes_total", 0) == 5);
    assert_true(metric(fixture, "reef_messages_sent_total", 0) == 2);
    assert_true(metric(fixture, "reef_sent_bytes_total", 0) == 5);
}

static void test_session_keeps_the_round_trip_time_last_measured(void **state)
{
    fixture_t *fixture = *state;
    reef_world_t *world = reef_app_world(fixture->app);
    reef_entity_t entity;

    loopback_connect(fixture->app, &fixture->peer[0]);
    reef_app_step(fixture->app, 0);
    entity = reef_session_find(fixture->app, 1);
    assert_int_equal(REEF_FIND(world, entity, session)->rtt_us, -1);
    reef_link_heard(fixture->app, fixture->peer[0].link, 1500);
    reef_link_heard(fixture->app, fixture->peer[0].link, -1);
    reef_app_step(fixture->app, 1);

    assert_int_equal(REEF_FIND(world, entity, session)->rtt_us, 1500);
}

static void test_session_queue_is_that_of_the_transport(void **state)
{
    fixture_t *fixture = *state;
    reef_entity_t entity;

    fixture->echo = true;
    loopback_connect(fixture->app, &fixture->peer[0]);
    loopback_say(&fixture->peer[0], "1234");
    reef_app_step(fixture->app, 0);
    entity = reef_session_find(fixture->app, 1);

    assert_int_equal(reef_session_queue_bytes(fixture->app, entity), 5);
    loopback_disconnect(&fixture->peer[0]);
    assert_int_equal(reef_session_queue_bytes(fixture->app, entity), 0);
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

static void test_session_ingress_waits_while_systems_have_a_frame_to_read(void **state)
{
    fixture_t *fixture = *state;
    reef_event_queue_t *received =
        reef_world_events(reef_app_world(fixture->app), &message_received_event);

    reef_app_add_system(fixture->app, REEF_FIXED_UPDATE,
                        &(reef_system_desc_t){.name = "look_back",
                                              .run = look_back,
                                              .context = fixture,
                                              .access = {REEF_READ(session)},
                                              .reads = {&user_disconnected_event,
                                                        &message_received_event}});
    assert_int_equal(reef_schedule_build(
                         reef_app_find_schedule(fixture->app, REEF_FIXED_UPDATE), NULL),
                     REEF_OK);
    for (int i = 0; i < PEERS; i++) {
        loopback_connect(fixture->app, &fixture->peer[i]);
        for (int j = 0; j < 3; j++) {
            loopback_say(&fixture->peer[i], "x");
        }
    }
    for (int i = 0; i < 5; i++) {
        reef_app_step(fixture->app, 0); /* no tick: its system reads nothing */
    }

    assert_int_equal(reef_event_emitted_count(received), 6);
}

static void test_session_message_to_one_who_has_gone_is_a_counted_failure(void **state)
{
    fixture_t *fixture = *state;
    reef_event_queue_t *failed =
        reef_world_events(reef_app_world(fixture->app), &message_send_failed_event);

    fixture->echo = true;
    loopback_connect(fixture->app, &fixture->peer[0]);
    loopback_say(&fixture->peer[0], "good-bye");
    loopback_disconnect(&fixture->peer[0]);
    reef_app_step(fixture->app, 0);

    assert_int_equal(reef_event_emitted_count(failed), 1);
    assert_true(metric(fixture, "reef_messages_send_failed_total", 0) == 1);
    assert_string_equal(fixture->peer[0].received, "");
}

static void overfill(reef_run_t *run)
{
    reef_world_t *world = reef_run_world(run);
    reef_event_queue_t *sends = reef_world_events(world, &send_message_event);
    reef_buffer_t *payload = reef_buffer_format("x");

    while (reef_event_emit(sends, &(send_message_t){0})) {
    }
    reef_send(run, 5, payload);
    reef_world_send(world, &(send_message_t){.target = 5, .payload = payload});
}

/* Not exclusive: what it emits comes to the queue after it ran. */
static void send_one_more(reef_run_t *run)
{
    reef_buffer_t *payload = reef_buffer_format("y");

    reef_send(run, 6, payload);
    reef_buffer_unref(payload);
}

static void test_session_message_beyond_the_event_queue_is_told_of(void **state)
{
    reef_app_t *app = loopback_app_create(0, NULL);

    (void)state;
    reef_app_add_system(
        app, REEF_STARTUP,
        &(reef_system_desc_t){.name = "overfill", .run = overfill, .exclusive = true});
    reef_app_add_system(app, REEF_STARTUP,
                        &(reef_system_desc_t){.name = "send_one_more",
                                              .run = send_one_more,
                                              .emits = {&send_message_event}});
    loopback_app_start(app);

    /* The first that did not fit, two more from there, one from the other. */
    assert_int_equal(reef_event_emitted_count(reef_world_events(
                         reef_app_world(app), &message_send_failed_event)),
                     4);
    reef_app_destroy(app);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_session_entity_exists_before_its_first_message),
        TEST(test_session_component_counts_messages),
        TEST(test_session_many_messages_of_a_frame_are_flushed_once),
        TEST(test_session_ingress_takes_one_message_in_turn_from_each),
        TEST(test_session_ingress_carries_over_what_exceeds_the_budget),
        TEST(test_session_full_inbox_stops_reading_until_half_is_free),
        TEST(test_session_straggler_does_not_keep_a_peer_stopped),
        TEST(test_session_ingress_takes_less_after_a_slow_frame),
        TEST(test_session_next_walks_clients_in_order_past_holes),
        TEST(test_session_metrics_count_clients_messages_and_bytes),
        TEST(test_session_keeps_the_round_trip_time_last_measured),
        TEST(test_session_queue_is_that_of_the_transport),
        TEST(test_session_ingress_waits_while_systems_have_a_frame_to_read),
        TEST(test_session_message_to_one_who_has_gone_is_a_counted_failure),
        TEST(test_session_message_beyond_the_event_queue_is_told_of),
    };

    return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
