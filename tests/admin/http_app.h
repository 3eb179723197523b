/**
 * @file http_app.h
 * @brief An application with routes, the WebSocket transport and the admin, as a cmocka
 * fixture.
 *
 * It lives on a thread of its own, which is its world thread; the tests are its
 * clients.
 */
#ifndef HTTP_APP_H
#define HTTP_APP_H

#include "http_client.h"

#include <reef/app.h>

#include <pthread.h>
#include <semaphore.h>

enum {
    MAX_SETTINGS = 8,
    BIG = 8 << 20,   /* of the reply to /big; more than sockets buffer */
    SMALL_BODY = 16, /* that POST /echo takes */
};

typedef struct server {
    pthread_t thread;
    sem_t started, stopped;  /* reef_app_stop() has returned */
    sem_t entered, released; /* of the handler that waits */
    const char *settings[MAX_SETTINGS + 1];
    bool is_ipv6;    /* http.listen has addresses of IPv6, and requests go there */
    reef_app_t *app; /* NULL = does not run */
    reef_failure_t failure;
    uint16_t websocket_port, http_port, second_port, admin_port;
    http_reply_t reply;
} server_t;

/** Nothing is started yet. */
int setup(void **state);
int setup_ipv6(void **state);

/** A test of one setup or the other; and one for each. */
#define TEST_OF(test, suffix)                                                          \
    {                                                                                  \
#test #suffix, test, setup##suffix, teardown, NULL                             \
    }
#define BOTH(test) TEST_OF(test, ), TEST_OF(test, _ipv6)

/** Ends what was started. */
int teardown(void **state);

/** Start with @p settings, "section.key=value" up to NULL, beyond those of all tests;
 *  false when the application refuses to, and `failure` says why. */
bool try_start(server_t *server, const char *const *settings);

/** The same, and it must start. */
void start_with(server_t *server, const char *const *settings);

/** Settings one by one: START(server, "http.threads=1"). */
#define START(server, ...)                                                             \
    start_with((server), (const char *const[]){__VA_ARGS__, NULL})
#define START_PLAIN(server) start_with((server), (const char *const[]){NULL})

/** Stop it and wait for its end; what the slow handler waits for comes then. */
void stop(server_t *server);

/** "host:port" of the @p nth listener of @p transport; NULL when there is none. */
const char *find_address(const reef_app_t *app, const char *transport, size_t nth);

/** Its port; 0 when there is none. */
uint16_t find_port(const reef_app_t *app, const char *transport, size_t nth);

/** Connect to http_port.  The caller closes the descriptor. */
int connect_http(const server_t *server);

/** Send it there; the caller reads from the descriptor and closes it. */
int open_http(const server_t *server, http_request_t request);

/** Send it, to http_port when it names no port, and read `reply`.  @return Its status.
 */
int ask(server_t *server, http_request_t request);

int get(server_t *server, const char *path);

/** The reply at hand has this header once. */
void expect_header(server_t *server, const char *name, const char *wanted);

/** Send @p text as it is; what comes until the end of the connection. */
const char *talk(server_t *server, const char *text, size_t size);

/** How often @p what is in @p text. */
size_t count_of(const char *text, const char *what);

/** A value of the admin's metrics, whose line begins with @p line; -1 when it has none.
 */
double metric(server_t *server, const char *line);

#endif /* HTTP_APP_H */
