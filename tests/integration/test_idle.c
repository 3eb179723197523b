/* What 100 silent connections cost.  The figure is printed and not judged: that would
 * depend on the machine.  REEFD in the environment names another build to measure. */
#include "server_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum {
    CONNECTIONS = 100,
    MEASURE_S = 2
};

/* The measured quantity is processor time per wall time, so time has to pass. */
static void let_time_pass(void)
{
    struct itimerspec span = {.it_value = {.tv_sec = MEASURE_S}};
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    uint64_t expirations;

    assert_true(timer >= 0);
    assert_int_equal(timerfd_settime(timer, 0, &span, NULL), 0);
    assert_int_equal(read(timer, &expirations, sizeof(expirations)),
                     sizeof(expirations));
    close(timer);
}

static void test_idle_connections_are_alive_after_a_silence(void **state)
{
    fixture_t *fixture = *state;
    ws_client_t clients[CONNECTIONS] = {0};
    const char *measured = getenv("REEFD");
    uint64_t used_us;

    SERVER_START(&fixture->server, measured ? measured : REEFD, NULL);
    for (size_t i = 0; i < CONNECTIONS; i++) {
        ws_client_open(&clients[i], fixture->server.port);
        ws_client_expect_silence(&clients[i]);
    }
    used_us = process_cpu_us(&fixture->server.process);
    let_time_pass();
    used_us = process_cpu_us(&fixture->server.process) - used_us;
    print_message("idle with %d connections: %.2f %% of a core\n", CONNECTIONS,
                  (double)used_us / (MEASURE_S * 1e6) * 100);
    for (size_t i = 0; i < CONNECTIONS; i++) {
        ws_client_expect_silence(&clients[i]);
        ws_client_drop(&clients[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_idle_connections_are_alive_after_a_silence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
