/* Ports are free ones that the server picks; its log says which. */
#include "server_fixture.h"

#include "admin_client.h"

#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    WATCHDOG_S = 120,
    BASE_LINE_MS = 20000,
};

/* What sanitizers keep of freed memory is not the server's doing. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MEMORY_SLACK ((size_t)1 << 30)
#else
#define MEMORY_SLACK ((size_t)0)
#endif

/* How the server is built up inside; every test holds in every mode. */
static const char *const modes[] = {"REEF_SERVER_IO_THREADS", "REEF_SERVER_EGRESS"};

enum {
    MODE_COUNT = sizeof(modes) / sizeof(modes[0]),
    MODE_SIZE = 64,
};

/* Tests send as fast as they can, and on a busy machine are silent for long.  From the
 * environment, where programs without the plugins only wonder about it; a setting of a
 * test goes before it. */
static const char *const unlimited[] = {
    "REEF_RATE_LIMIT_MAX_MESSAGES=10000000", "REEF_RATE_LIMIT_MAX_BYTES=0",
    "REEF_HEARTBEAT_INTERVAL_S=3600", "REEF_HEARTBEAT_TIMEOUT_S=7200"};

enum {
    UNLIMITED_COUNT = sizeof(unlimited) / sizeof(unlimited[0])
};

#define FIXTURE_TOKEN_SETTING "admin.token=" ADMIN_TOKEN

static int
remove_entry(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    (void)info, (void)kind, (void)place;
    return remove(path);
}

int setup(void **state)
{
    fixture_t *fixture = calloc(1, sizeof(*fixture));

    assert_non_null(fixture);
    process_watchdog(WATCHDOG_S);
    snprintf(fixture->server.directory, sizeof(fixture->server.directory), "%s",
             "/tmp/reef-test-XXXXXX");
    assert_non_null(mkdtemp(fixture->server.directory));
    *state = fixture;
    return 0;
}

/* What still runs must be able to end well: that is where leaks are found. */
static int stop_what_runs(server_t *server)
{
    int code = 0;

    if (server->process.pid != 0) {
        process_signal(&server->process, SIGTERM);
        code = process_wait(&server->process);
        if (code != 0) {
            print_error("the server ended with %d; it had said:\n%s", code,
                        server->process.errors.text);
        }
    }
    process_kill(&server->process);
    return code;
}

int teardown(void **state)
{
    fixture_t *fixture = *state;
    int code;

    for (size_t i = 0; i < FIXTURE_CLIENTS; i++) {
        ws_client_drop(&fixture->clients[i]);
    }
    code = stop_what_runs(&fixture->server);
    nftw(fixture->server.directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    free(fixture);
    return code;
}

uint16_t server_await_port(server_t *server, const char *transport)
{
    char text[64];
    char address[64];

    snprintf(text, sizeof(text),
             "msg=listening transport=%s addr=127.0.0.1:", transport);
    process_await(&server->process, text, address, sizeof(address));
    return (uint16_t)strtoul(address, NULL, 10);
}

/* It listens before its loop runs: have it answer something that leaves no trace. */
static void await_answer(const server_t *server)
{
    ws_client_t probe = {0};

    ws_client_connect(&probe, server->port);
    ws_client_send_raw(&probe, "?\r\n\r\n", 5);
    assert_int_equal(ws_client_receive_status(&probe), 400);
    ws_client_drop(&probe);
}

/* Without limits, and in those modes that the environment of the tests asks for, as
 * "NAME=value". */
static void take_modes(char texts[MODE_COUNT][MODE_SIZE], const char **environment)
{
    memcpy(environment, unlimited, sizeof(unlimited));
    environment += UNLIMITED_COUNT;
    for (size_t i = 0; i < MODE_COUNT; i++) {
        const char *value = getenv(modes[i]);

        if (value != NULL) {
            int size = snprintf(texts[i], MODE_SIZE, "%s=%s", modes[i], value);

            assert_true(size < MODE_SIZE);
            *environment++ = texts[i];
        }
    }
    *environment = NULL;
}

/* What clients of reefd hear unless a test asks for other plugins: the chat, no news of
 * those who come and go.  NULL = the program or the test has its own. */
static const char *default_plugins(const char *program, const char *const *settings)
{
    static const char setting[] = "plugins.enabled=";
    const char *slash = strrchr(program, '/');

    if (strcmp(slash != NULL ? slash + 1 : program, "reefd") != 0) {
        return NULL;
    }
    for (; settings != NULL && *settings != NULL; settings++) {
        if (strncmp(*settings, setting, sizeof(setting) - 1) == 0) {
            return NULL;
        }
    }
    return "plugins.enabled=chat,demo,heartbeat,rate_limit,snapshot";
}

void server_start(server_t *server, const char *program, const char *const *settings)
{
    char mode_texts[MODE_COUNT][MODE_SIZE];
    const char *environment[UNLIMITED_COUNT + MODE_COUNT + 1];
    static const char *const own[] = {
        "websocket.listen=127.0.0.1:0",
        "admin.listen=127.0.0.1:0",
        "admin.deadline_ms=20000", /* the machine may be busy with other tests */
        FIXTURE_TOKEN_SETTING,
    };
    const char *arguments[PROCESS_MAX_ARGUMENTS + 1] = {program};
    const char *plugins = default_plugins(program, settings);
    size_t count = 1;

    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        arguments[count++] = "--set";
        arguments[count++] = own[i];
    }
    if (plugins != NULL) {
        arguments[count++] = "--set";
        arguments[count++] = plugins;
    }
    for (size_t i = 0; settings != NULL && settings[i] != NULL; i++) {
        assert_true(i < SERVER_MAX_SETTINGS);
        arguments[count++] = "--set";
        arguments[count++] = settings[i];
    }
    take_modes(mode_texts, environment);
    process_start(&server->process, &(process_desc_t){.arguments = arguments,
                                                      .environment = environment,
                                                      .directory = server->directory});
    server->port = server_await_port(server, "websocket");
    server->admin_port = server_await_port(server, "admin");
    await_answer(server);
}

void server_stop(server_t *server)
{
    int code;

    process_signal(&server->process, SIGTERM);
    code = process_wait(&server->process);
    if (code != 0) {
        fail_msg("the server ended with %d; it had said:\n%s", code,
                 server->process.errors.text);
    }
}

void server_kill(server_t *server)
{
    process_kill(&server->process);
}

void server_expect_memory(const server_t *server, size_t before, size_t growth)
{
    size_t now = process_memory_bytes(&server->process);

    if (now > before + growth + MEMORY_SLACK) {
        fail_msg("the server grew from %zu to %zu KiB, %zu more were allowed",
                 before >> 10, now >> 10, growth >> 10);
    }
}

server_base_line_t server_base_line(const server_t *server)
{
    return (server_base_line_t){
        .entities = admin_total(server, "/api/v1/entities?limit=1"),
        .descriptors = process_descriptor_count(&server->process),
    };
}

static uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

void server_await_base_line(const server_t *server, server_base_line_t expected)
{
    uint64_t deadline_ms = now_ms() + BASE_LINE_MS;
    server_base_line_t found;

    do {
        found = server_base_line(server);
        if (found.entities <= expected.entities &&
            found.descriptors <= expected.descriptors) {
            return;
        }
    } while (now_ms() < deadline_ms);
    fail_msg("%g entities instead of %g, %zu descriptors instead of %zu",
             found.entities, expected.entities, found.descriptors,
             expected.descriptors);
}

void server_path(const server_t *server, const char *name, char *path, size_t capacity)
{
    snprintf(path, capacity, "%s/%s", server->directory, name);
}
