/* One build is tested in all modes by what the environment of the tests says. */
#include "admin_client.h"

#include <fcntl.h>
#include <unistd.h>

/* Whether the server's environment has this entry; it is what /proc keeps of the start.
 */
static bool server_has(const server_t *server, const char *entry)
{
    char path[64];
    static char environment[65536];
    ssize_t size;
    int file;

    snprintf(path, sizeof(path), "/proc/%d/environ", (int)server->process.pid);
    file = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(file >= 0);
    size = read(file, environment, sizeof(environment) - 1);
    close(file);
    assert_true(size >= 0);
    environment[size] = '\0';
    for (const char *at = environment; at < environment + size; at += strlen(at) + 1) {
        if (strcmp(at, entry) == 0) {
            return true;
        }
    }
    return false;
}

static void test_modes_are_passed_on_to_the_server_and_nothing_else(void **state)
{
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;

    setenv("REEF_SERVER_IO_THREADS", "0", 1);
    setenv("REEF_SERVER_EGRESS", "uv", 1);
    setenv("REEF_SERVER_TICK_RATE", "30", 1);
    SERVER_START(server, ECHO_EXAMPLE, NULL);
    assert_true(server_has(server, "REEF_SERVER_IO_THREADS=0"));
    assert_true(server_has(server, "REEF_SERVER_EGRESS=uv"));
    assert_false(server_has(server, "REEF_SERVER_TICK_RATE=30"));
}

static void test_modes_that_are_not_named_are_left_to_the_server(void **state)
{
    fixture_t *fixture = *state;

    unsetenv("REEF_SERVER_IO_THREADS");
    setenv("REEF_SERVER_EGRESS", "uv", 1);
    SERVER_START(&fixture->server, ECHO_EXAMPLE, NULL);
    assert_false(server_has(&fixture->server, "REEF_SERVER_IO_THREADS=0"));
    assert_true(server_has(&fixture->server, "REEF_SERVER_EGRESS=uv"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_modes_are_passed_on_to_the_server_and_nothing_else),
        TEST(test_modes_that_are_not_named_are_left_to_the_server),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
