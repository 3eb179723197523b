#include "test.h"

#include "loop.h"

#include <time.h>
#include <unistd.h>
#include <uv.h>

static int setup(void **state)
{
    alarm(20); /* a wait without an end ends the test */
    *state = reef__loop_create(reef_alloc_default());
    return 0;
}

static int teardown(void **state)
{
    reef__loop_destroy(*state);
    alarm(0);
    return 0;
}

static uint64_t now_ms(void)
{
    return uv_hrtime() / 1000000;
}

static void test_loop_poll_waits_for_the_time_given(void **state)
{
    uint64_t start = now_ms();

    reef__loop_poll(*state, 20);
    assert_true(now_ms() - start >= 19);
}

static void test_loop_wake_ends_the_next_wait(void **state)
{
    reef__loop_wake(*state);
    reef__loop_poll(*state, 60000);
}

/* As if the thread had been kept from running between two steps of libuv. */
static void lose_time(uv_timer_t *timer)
{
    uint64_t start = now_ms();

    while (now_ms() - start < 5) {
    }
    uv_update_time(timer->loop);
}

static void test_loop_wait_ends_although_its_time_was_over_before_it_began(void **state)
{
    uv_timer_t thief;

    uv_timer_init(reef__loop_uv(*state), &thief);
    uv_timer_start(&thief, lose_time, 0, 0);
    reef__loop_poll(*state, 2);
    uv_close((uv_handle_t *)&thief, NULL);
    reef__loop_poll(*state, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_loop_poll_waits_for_the_time_given),
        TEST(test_loop_wake_ends_the_next_wait),
        TEST(test_loop_wait_ends_although_its_time_was_over_before_it_began),
    };

    return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
