/**
 * @file session.h
 * @brief The session table: links of transports, their inboxes, their entities.
 */
#ifndef REEF_SRC_SESSION_H
#define REEF_SRC_SESSION_H

#include <reef/session.h>
#include <reef/transport.h>

typedef struct reef__sessions reef__sessions_t;

/** Own it: reef__sessions_destroy(), after the world, whose observers use it. */
reef__sessions_t *reef__sessions_create(reef_app_t *app);

/** Make the group of everybody; once the app knows its sessions. */
void reef__groups_create_first(reef__sessions_t *sessions);

/** Before the world goes.  Accepts NULL. */
void reef__sessions_stop_reading(reef__sessions_t *sessions);

/** Accepts NULL. */
void reef__sessions_destroy(reef__sessions_t *sessions);

/* The frame's steps, each an exclusive system whose context is the table. */

/** Spawn entities of new links, then drain inboxes one message in turn from each,
 *  within the frame's budget. */
void reef__sessions_ingress(reef_run_t *run);

/** Give each drained message its owner and emit it. */
void reef__sessions_admission(reef_run_t *run);

/** Hand what systems sent to the transports and flush each once. */
void reef__sessions_egress(reef_run_t *run);

/** Close what was asked to be closed; despawn what has ended. */
void reef__sessions_lifetimes(reef_run_t *run);

/** Let transports stop accepting. */
void reef__sessions_stop_accepting(reef__sessions_t *sessions);

/** Have transports close what is left, at once; they are forgotten. */
void reef__sessions_end_transports(reef__sessions_t *sessions);

/** Ask every session to close. */
void reef__sessions_close_all(reef__sessions_t *sessions,
                              uint16_t code,
                              const char *reason);

/** Connections that transports still hold, those in a closing handshake included. */
uint32_t reef__sessions_connection_count(const reef__sessions_t *sessions);

#endif /* REEF_SRC_SESSION_H */
