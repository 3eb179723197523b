/* Ports are free ones that the server picks; its log says which. */
#include "server_fixture.h"

#include "admin_client.h"

#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    WATCHDOG_S = 120
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

static uint16_t await_port(server_t *server, const char *transport)
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

void server_start(server_t *server, const char *program, const char *const *settings)
{
    static const char *const own[] = {
        "websocket.listen=127.0.0.1:0",
        "admin.listen=127.0.0.1:0",
        FIXTURE_TOKEN_SETTING,
    };
    const char *arguments[PROCESS_MAX_ARGUMENTS + 1] = {program};
    size_t count = 1;

    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        arguments[count++] = "--set";
        arguments[count++] = own[i];
    }
    for (size_t i = 0; settings != NULL && settings[i] != NULL; i++) {
        assert_true(i < SERVER_MAX_SETTINGS);
        arguments[count++] = "--set";
        arguments[count++] = settings[i];
    }
    process_start(&server->process, &(process_desc_t){.arguments = arguments,
                                                      .directory = server->directory});
    server->port = await_port(server, "websocket");
    server->admin_port = await_port(server, "admin");
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

void server_path(const server_t *server, const char *name, char *path, size_t capacity)
{
    snprintf(path, capacity, "%s/%s", server->directory, name);
}
