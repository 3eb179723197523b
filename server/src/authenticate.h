/**
 * @file authenticate.h
 * @brief Showing peers to the authenticators, and keeping what they gave one.
 *
 * World thread, but for what is read only.
 */
#ifndef REEF_SRC_AUTHENTICATE_H
#define REEF_SRC_AUTHENTICATE_H

#include <reef/authenticate.h>
#include <reef/components.h>
#include <reef/transport.h>

typedef struct reef__authenticators reef__authenticators_t;

/** Own it: reef__authenticators_destroy(). */
reef__authenticators_t *reef__authenticators_create(reef_app_t *app);

/** Accepts NULL. */
void reef__authenticators_destroy(reef__authenticators_t *authenticators);

/** Ask nobody any more: who comes from now on is refused, if somebody was to be asked.
 *  At the end, before those who would answer go. */
void reef__authenticators_stop(reef__authenticators_t *authenticators);

/** Whether there is anybody to ask.  Any thread, once the app is started. */
bool reef__authenticators_exist(const reef__authenticators_t *authenticators);

/** Names of the headers that they want to see.  Any thread, once the app is started. */
const char *const *
reef__authenticators_headers(const reef__authenticators_t *authenticators,
                             uint32_t *count);

/**
 * Show a peer to all authenticators.
 *
 * @param refusal Receives why, when it is refused.
 * @return What it is let in with, for reef__admission_open() or reef__admission_drop();
 *         NULL = refused.
 */
reef_admission_t *reef__admission_ask(reef_app_t *app,
                                      const reef_link_desc_t *desc,
                                      reef_refusal_t *refusal);

/** The peer is in: open its link.  Takes @p admission over.  (session.c) */
reef_link_t reef__admission_open(reef_app_t *app, reef_admission_t *admission);

/** The peer did not come in after all.  Accepts NULL. */
void reef__admission_drop(reef_admission_t *admission);

/** The values have been moved into the entity: release the rest. */
void reef__admission_moved(reef_admission_t *admission);

struct reef_admission {
    const reef_alloc_t *alloc;
    reef_world_t *world;
    reef_peer_t peer;             /* valid while authenticators are asked */
    const reef_link_desc_t *desc; /* likewise */
    const reef_transport_t *transport;
    void *connection;
    session_t *opening; /* owned; the component, until the link has it */
    uint8_t *query;     /* owned copy of the peer's; what is hidden is blackened */
    size_t query_size;
    reef_refusal_t refusal;
    uint32_t count;
    reef_component_t components[REEF_MAX_ADMISSION_COMPONENTS];
    const reef_type_t *types[REEF_MAX_ADMISSION_COMPONENTS];
    void *values[REEF_MAX_ADMISSION_COMPONENTS]; /* owned; NULL = a tag */
};

#endif /* REEF_SRC_AUTHENTICATE_H */
