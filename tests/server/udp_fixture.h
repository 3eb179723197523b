/**
 * @file udp_fixture.h
 * @brief An app that listens for datagrams, clients with sockets, and a system that
 *        notes what sessions do.
 *
 * App and clients are on one thread: whoever waits steps the app meanwhile.  Every test
 * runs with one loop on the world's thread and with two on threads, see BOTH().
 */
#ifndef UDP_FIXTURE_H
#define UDP_FIXTURE_H

#include "test.h"
#include "ws_app.h"

#include <reef/group.h>
#include <reef/session.h>

#include "transport/udp.h"

enum {
    UDP_NOTES = 8192,
    UDP_CLIENTS = 64,
    UDP_LISTENERS = 4,
};

typedef struct fixture {
    reef_app_t *app;
    const char *threads; /* setting */
    struct sockaddr_storage listeners[UDP_LISTENERS];
    int clients[UDP_CLIENTS];
    size_t client_count;
    reef__udp_send_fn send; /* in the system's place, or NULL; before the start */
    bool asks;              /* whether to let somebody in; before the start */

    /* The world's. */
    char heard[UDP_NOTES]; /* messages, as words */
    uint32_t heard_count;
    uint32_t connected_count;
    uint32_t ended_count;
    uint32_t failed[REEF_SEND_TOO_LARGE + 1]; /* by reason */
    reef_entity_t last;                       /* who connected last */
    reef_disconnect_t reason;                 /* of the last that ended */
    reef_payload_kind_t kind;                 /* of the last message */
    bool echoes;
    bool refuses;
    uint32_t asked_count;
} fixture_t;

int setup_world(void **state);
int setup_threads(void **state);
int teardown(void **state);

/** One loop only: what the test looks at is that loop's own. */
#define WORLD(name)                                                                    \
    {                                                                                  \
#name, name, setup_world, teardown, NULL                                       \
    }

#define BOTH(name)                                                                     \
    {#name " (world)", name, setup_world, teardown, NULL},                             \
    {                                                                                  \
#name " (threads)", name, setup_threads, teardown, NULL                        \
    }

/** Start with settings; UDP_START(f, "udp.cookie=true"). */
void udp_start(fixture_t *f, const char *const *settings);

#define UDP_START(f, ...) udp_start((f), (const char *const[]){__VA_ARGS__, NULL})

/** The plugin's own state. */
reef__udp_server_t *udp_server(const fixture_t *f);

/** A socket connected to a listener; closed at the end. */
int udp_client(fixture_t *f, size_t listener);

void udp_say(int client, const char *text);

/** The next datagram is @p text; the app is stepped until it comes. */
void udp_expect(fixture_t *f, int client, const char *text);

/** Nothing has come so far. */
void udp_expect_nothing(int client);

/** Step until a counter of the fixture is at least @p least. */
void udp_await(fixture_t *f, const uint32_t *counter, uint32_t least, const char *what);

/** Say hello, and step until the session is there.  Returns its entity. */
reef_entity_t udp_enter(fixture_t *f, int client);

/** Datagrams dropped for that reason. */
uint32_t udp_dropped(const fixture_t *f, reef__udp_drop_t why);

/** Step until that many were. */
void udp_await_dropped(fixture_t *f, reef__udp_drop_t why, uint32_t least);

/** Step until no more than that many sessions are there, and places taken. */
void udp_await_sessions(fixture_t *f, uint32_t most);
void udp_await_places(fixture_t *f, uint32_t most);

/** Have the world send a text to a client. */
void udp_send(fixture_t *f,
              reef_entity_t target,
              const char *text,
              reef_message_class_t message_class,
              uint64_t key);

#endif /* UDP_FIXTURE_H */
