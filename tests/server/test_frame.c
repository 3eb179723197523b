/* Real time against ticks: the arithmetic of frame.c, with the clock in hand. */
#include "app.h"
#include "loopback.h"
#include "test.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_frame_runs_a_tick_when_it_is_due),
        TEST(test_frame_gives_up_and_counts_what_is_too_late),
        TEST(test_frame_waits_for_the_next_tick_when_nothing_came_in),
        TEST(test_frame_runs_at_once_when_input_waits),
        TEST(test_frame_keeps_min_frame_us_between_frames),
    };

    return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
