/**
 * @file session_fixture.h
 * @brief An app with peers in memory and a system that notes what sessions do.
 */
#ifndef SESSION_FIXTURE_H
#define SESSION_FIXTURE_H

#include "loopback.h"
#include "test.h"

#include <reef/components.h>
#include <reef/group.h>
#include <reef/session.h>

enum {
    PEERS = 3
};

typedef struct fixture {
    reef_app_t *app;
    loopback_peer_t peer[PEERS];
    char log[4096];           /* what the system saw, one line each */
    reef_disconnect_t reason; /* of the last one who left */
    bool echo;
} fixture_t;

/** Three peers, four messages to an inbox, six to a frame. */
int setup(void **state);
int teardown(void **state);

/** The system: notes connects, messages and ends in `log`; echoes if it is to. */
void watch(reef_run_t *run);

/** Append a line to `log`. */
void note(fixture_t *fixture, const char *what, uint64_t id, const char *text);

/** Value of a metric. */
double metric(const fixture_t *fixture, const char *name, reef_metric_kind_t kind);

#endif /* SESSION_FIXTURE_H */
