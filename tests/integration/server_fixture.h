/**
 * @file server_fixture.h
 * @brief A server process in a directory of its own, as a cmocka fixture.
 *
 * Every test begins with an empty directory and no process.  What is left running at
 * its end, also by a failed assertion, is stopped by SIGTERM and must exit with 0, or
 * the test has failed; the directory is removed.
 *
 * There is no rate limit and no heartbeat but where a test sets them.
 *
 * REEF_SERVER_IO_THREADS and REEF_SERVER_EGRESS of the tests' environment reach every
 * server, so that one build can be tested in all modes; nothing else of it does.
 */
#ifndef SERVER_FIXTURE_H
#define SERVER_FIXTURE_H

#include "process.h"
#include "test.h"
#include "ws_client.h"

enum {
    FIXTURE_CLIENTS = 3
};

typedef struct server {
    process_t process;
    char directory[64]; /* database, token file */
    uint16_t port;      /* WebSocket */
    uint16_t admin_port;
} server_t;

/** What each test gets: one server and a few clients, none of them started. */
typedef struct fixture {
    server_t server;
    ws_client_t clients[FIXTURE_CLIENTS];
} fixture_t;

int setup(void **state);
int teardown(void **state);

/** Up to this many settings beyond those of the fixture. */
enum {
    SERVER_MAX_SETTINGS = 16
};

/**
 * Start @p program, whose path has been given by CMake, on free ports; returns once its
 * loop answers.
 *
 * @param settings NULL-terminated "section.key=value"; NULL = none.  Without
 *                 "plugins.enabled=…" reefd runs without lobby, presence and
 *                 spatial: so that clients hear of others only what they say.
 */
void server_start(server_t *server, const char *program, const char *const *settings);

/** Settings one by one: SERVER_START(server, REEFD, "demo.entities=3"). */
#define SERVER_START(server, program, ...)                                             \
    server_start((server), (program), (const char *const[]){__VA_ARGS__, NULL})

/** The port that @p transport listens on, at 127.0.0.1. */
uint16_t server_await_port(server_t *server, const char *transport);

/** Stop by SIGTERM and wait: it must exit with 0. */
void server_stop(server_t *server);

/** End by SIGKILL. */
void server_kill(server_t *server);

/** Fail if the server's memory is more than @p growth bytes beyond @p before, as of
 *  process_memory_bytes(); a sanitizer's build may take more. */
void server_expect_memory(const server_t *server, size_t before, size_t growth);

/** What connections cost a server, as long as they last. */
typedef struct server_base_line {
    double entities;
    size_t descriptors;
} server_base_line_t;

/** What there is now. */
server_base_line_t server_base_line(const server_t *server);

/** Ask until there is no more than @p expected: the server lets go of a connection
 *  after its peer has. */
void server_await_base_line(const server_t *server, server_base_line_t expected);

/** Path of @p name in the server's directory. */
void server_path(const server_t *server, const char *name, char *path, size_t capacity);

#endif /* SERVER_FIXTURE_H */
