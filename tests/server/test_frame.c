/* Real time against ticks: the arithmetic of frame.c, with the clock in hand; and how
 * much a frame takes in. */
#include "app.h"
#include "loopback.h"
#include "test.h"

#include <reef/router.h>
#include <reef/session.h>

#define MS UINT64_C(1000000)

static uint64_t start_ns;

static int setup(void **state)
{
    static const char *const argv[] = {"test", "--set", "server.tick_rate=100", "--set",
                                       "log.level=off"};
    reef_app_t *app = loopback_app_create(5, argv);

    loopback_app_start(app);
    start_ns = app->now_ns;
    *state = app;
    return 0;
}

static int teardown(void **state)
{
    reef_app_destroy(*state);
    return 0;
}

static uint64_t ticks_after_frame_at(reef_app_t *app, uint64_t ms)
{
    loopback_set_time_ns(start_ns + ms * MS);
    reef__frame_run(app, start_ns + ms * MS);
    return REEF_RESOURCE(app->world, simulation_time)->tick;
}

static void test_frame_runs_a_tick_when_it_is_due(void **state)
{
    assert_int_equal(ticks_after_frame_at(*state, 9), 0);
    assert_int_equal(ticks_after_frame_at(*state, 10), 1);
    assert_int_equal(ticks_after_frame_at(*state, 11), 1);
    assert_int_equal(ticks_after_frame_at(*state, 45), 4);
}

static void test_frame_gives_up_and_counts_what_is_too_late(void **state)
{
    reef_app_t *app = *state;
    const frame_time_t *frame = REEF_RESOURCE(app->world, frame_time);

    assert_int_equal(ticks_after_frame_at(app, 200), 5);
    assert_int_equal(frame->skipped_ticks, 15);
    assert_true(frame->overrun);
    assert_int_equal(ticks_after_frame_at(app, 210), 6);
    assert_false(frame->overrun);
}

static void test_frame_waits_for_the_next_tick_when_nothing_came_in(void **state)
{
    reef_app_t *app = *state;

    ticks_after_frame_at(app, 10);
    assert_int_equal(reef__frame_delay_ns(app, start_ns + 12 * MS), 8 * MS);
    assert_int_equal(reef__frame_delay_ns(app, start_ns + 25 * MS), 0);
}

static void test_frame_runs_at_once_when_input_waits(void **state)
{
    reef_app_t *app = *state;
    loopback_peer_t peer;

    ticks_after_frame_at(app, 10);
    loopback_connect(app, &peer);

    assert_int_equal(reef__frame_delay_ns(app, start_ns + 12 * MS), 0);
}

static void test_frame_keeps_min_frame_us_between_frames(void **state)
{
    reef_app_t *app = *state;
    loopback_peer_t peer;

    app->server_config.min_frame_us = 3000;
    ticks_after_frame_at(app, 10);
    loopback_connect(app, &peer);

    assert_int_equal(reef__frame_delay_ns(app, start_ns + 12 * MS), 1 * MS);
}

static void test_frame_waits_for_the_next_tick_once_input_is_done(void **state)
{
    reef_app_t *app = *state;
    loopback_peer_t peer;

    loopback_connect(app, &peer);
    ticks_after_frame_at(app, 10);

    assert_int_equal(reef__frame_delay_ns(app, start_ns + 12 * MS), 8 * MS);
}

static void test_frame_runs_at_once_to_close_a_session(void **state)
{
    reef_app_t *app = *state;
    loopback_peer_t peer;

    loopback_connect(app, &peer);
    ticks_after_frame_at(app, 10);
    assert_true(reef_session_close(app, reef_session_find(app, 1), 0, NULL));

    assert_int_equal(reef__frame_delay_ns(app, start_ns + 12 * MS), 0);
}

static void test_frame_runs_at_once_for_what_was_carried_over(void **state)
{
    reef_app_t *app = *state;
    loopback_peer_t peer[2];

    app->server_config.max_frame_messages = 1;
    for (int i = 0; i < 2; i++) {
        loopback_connect(app, &peer[i]);
        loopback_say(&peer[i], "x");
    }
    ticks_after_frame_at(app, 10);

    assert_int_equal(reef__frame_delay_ns(app, start_ns + 12 * MS), 0);
}

static bool echo(reef_run_t *run, const reef_command_text_t *text, void *context)
{
    (void)context;
    reef_send_text(run, text->entity, "x");
    return true;
}

static void test_frame_runs_at_once_for_commands_that_had_to_wait(void **state)
{
    reef_app_t *app = *state;
    loopback_peer_t peer;

    app->server_config.max_frame_sends = 1;
    assert_int_equal(reef_app_add_prefix(app, "", echo, NULL, NULL), REEF_OK);
    loopback_connect(app, &peer);
    for (int i = 0; i < 3; i++) {
        loopback_say(&peer, "x");
    }
    ticks_after_frame_at(app, 10);
    ticks_after_frame_at(app, 11); /* nothing comes in: commands alone are left */

    assert_int_equal(reef__frame_delay_ns(app, start_ns + 12 * MS), 0);
}

static void test_frame_warns_of_skipped_time_once_a_second(void **state)
{
    reef_app_t *app = *state;

    ticks_after_frame_at(app, 200);
    assert_int_equal(app->pace.warned_ns, start_ns + 200 * MS);
    ticks_after_frame_at(app, 1199);
    assert_int_equal(app->pace.warned_ns, start_ns + 200 * MS);
    ticks_after_frame_at(app, 2000);
    assert_int_equal(app->pace.warned_ns, start_ns + 2000 * MS);
}

static void test_frame_follows_time_again_after_forced_ticks(void **state)
{
    reef_app_step(*state, 3);

    assert_int_equal(ticks_after_frame_at(*state, 10), 4);
}

static void take_3_ms(reef_run_t *run)
{
    reef_app_t *app = reef_run_context(run);

    loopback_set_time_ns(app->now_ns + 3 * MS);
}

static void test_frame_tells_its_number_and_its_length(void **state)
{
    reef_app_t *app = *state;
    const frame_time_t *frame = REEF_RESOURCE(app->world, frame_time);
    uint64_t before = frame->frame;

    reef_app_add_system(
        app, REEF_UPDATE,
        &(reef_system_desc_t){.name = "busy", .run = take_3_ms, .context = app});
    assert_int_equal(
        reef_schedule_build(reef_app_find_schedule(app, REEF_UPDATE), NULL), REEF_OK);
    ticks_after_frame_at(app, 1);
    ticks_after_frame_at(app, 5);

    assert_int_equal(frame->frame, before + 2);
    assert_int_equal(frame->frame_us, 3000);
}
/* What a frame takes in --------------------------------------------------------- */

/* An app that takes in one message per frame, and its one peer. */
static reef_app_t *make_slow_app(const char *setting, loopback_peer_t *peer)
{
    const char *const argv[] = {"test", "--set", "server.max_frame_messages=1", "--set",
                                setting};
    reef_app_t *app = loopback_app_create(5, argv);

    loopback_app_start(app);
    loopback_connect(app, peer);
    return app;
}

static void test_frame_resumes_a_paused_peer_once_at_half_of_its_inbox(void **state)
{
    loopback_peer_t peer;
    reef_app_t *app = make_slow_app("server.inbox_messages=4", &peer);

    (void)state;
    for (int i = 0; i < 4; i++) {
        assert_int_equal(loopback_say(&peer, "x"), i < 3);
    }
    reef_app_step(app, 0);
    assert_false(peer.is_resumed);
    reef_app_step(app, 0);
    assert_true(peer.is_resumed);
    peer.is_resumed = false;
    reef_app_tick_n(app, 3);
    assert_false(peer.is_resumed);
    reef_app_destroy(app);
}

static void test_frame_inbox_is_full_of_bytes_too(void **state)
{
    char text[512] = "";
    loopback_peer_t peer;
    reef_app_t *app = make_slow_app("server.inbox_bytes=1024", &peer);

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    assert_true(loopback_say(&peer, text));
    assert_true(loopback_say(&peer, text));
    assert_false(loopback_say(&peer, "23"));
    reef_app_step(app, 0);
    assert_false(peer.is_resumed); /* 513 are left */
    reef_app_step(app, 0);
    assert_true(peer.is_resumed);
    reef_app_destroy(app);
}

static void test_frame_carries_over_what_exceeds_the_bytes(void **state)
{
    static const char *const argv[] = {"test", "--set", "server.max_frame_bytes=1024"};
    reef_app_t *app = loopback_app_create(3, argv);
    char text[601] = "";
    loopback_peer_t peer;

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    loopback_app_start(app);
    loopback_connect(app, &peer);
    for (int i = 0; i < 3; i++) {
        loopback_say(&peer, text);
    }
    reef_app_step(app, 0);
    assert_int_equal(reef_event_emitted_count(reef_world_events(
                         reef_app_world(app), &message_received_event)),
                     2);
    reef_app_step(app, 0);
    assert_int_equal(reef_event_emitted_count(reef_world_events(
                         reef_app_world(app), &message_received_event)),
                     3);
    reef_app_destroy(app);
}

static void test_frame_takes_no_more_after_an_idle_frame(void **state)
{
    static const char *const argv[] = {"test", "--set", "server.max_frame_messages=64"};
    reef_app_t *app = loopback_app_create(3, argv);
    reef_event_queue_t *received =
        reef_world_events(reef_app_world(app), &message_received_event);
    frame_time_t *frame = REEF_RESOURCE(reef_app_world(app), frame_time);
    loopback_peer_t peer;

    (void)state;
    loopback_app_start(app);
    loopback_connect(app, &peer);
    for (int i = 0; i < 3; i++) {
        frame->frame_us = 20000;
        reef_app_step(app, 0);
    }
    frame->frame_us = 0;
    reef_app_tick_n(app, 3); /* fast, but they show nothing */
    for (int i = 0; i < 64; i++) {
        loopback_say(&peer, "x");
    }
    reef_app_step(app, 0);

    assert_int_equal(reef_event_emitted_count(received), 16);
    reef_app_destroy(app);
}

static void test_frame_counts_what_came_before_its_entity(void **state)
{
    loopback_peer_t first;
    loopback_peer_t second;
    reef_app_t *app = make_slow_app("server.inbox_messages=4", &first);
    reef_entity_t entity;

    (void)state;
    loopback_connect(app, &second);
    loopback_say(&first, "x");
    loopback_say(&second, "early");
    reef_app_tick_n(app, 3); /* the second one's turn comes in the second frame */

    entity = reef_session_find(app, 2);
    assert_int_equal(REEF_FIND(reef_app_world(app), entity, session)->messages_in, 1);
    assert_int_equal(REEF_FIND(reef_app_world(app), entity, session)->bytes_in, 5);
    reef_app_destroy(app);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_frame_runs_a_tick_when_it_is_due),
        TEST(test_frame_gives_up_and_counts_what_is_too_late),
        TEST(test_frame_waits_for_the_next_tick_when_nothing_came_in),
        TEST(test_frame_runs_at_once_when_input_waits),
        TEST(test_frame_keeps_min_frame_us_between_frames),
        TEST(test_frame_waits_for_the_next_tick_once_input_is_done),
        TEST(test_frame_runs_at_once_to_close_a_session),
        TEST(test_frame_runs_at_once_for_what_was_carried_over),
        TEST(test_frame_runs_at_once_for_commands_that_had_to_wait),
        TEST(test_frame_warns_of_skipped_time_once_a_second),
        TEST(test_frame_follows_time_again_after_forced_ticks),
        TEST(test_frame_tells_its_number_and_its_length),
        TEST(test_frame_resumes_a_paused_peer_once_at_half_of_its_inbox),
        TEST(test_frame_inbox_is_full_of_bytes_too),
        TEST(test_frame_carries_over_what_exceeds_the_bytes),
        TEST(test_frame_takes_no_more_after_an_idle_frame),
        TEST(test_frame_counts_what_came_before_its_entity),
    };

    return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
