/**
 * @file gate.h
 * @brief Functions that each message must pass before any system sees it.
 *
 * They run in the `admission` step, in the order of their registration, once per
 * message; so they are to be quick.  What a gate holds back reaches no system, no
 * router and no later gate.
 *
 * World thread only.
 */
#ifndef REEF_GATE_H
#define REEF_GATE_H

#include <reef/app.h>
#include <reef/message.h>

/** A message at the gate. */
typedef struct reef_gate_message {
    reef_entity_t entity;
    uint64_t client_id;
    uint32_t slot; /* of the connection: small, and used again after its end; see
                      reef_session_slot() */
    reef_buffer_t *payload; /* borrowed */
} reef_gate_message_t;

/** Let a message pass (true) or drop it.  May emit events, send and close sessions. */
typedef bool (*reef_gate_fn)(reef_app_t *app,
                             const reef_gate_message_t *message,
                             void *context);

/** Put one more gate behind those that are there; from a plugin's build().  @p context
 *  is borrowed.  At most REEF_MAX_GATES; more stop the program. */
void reef_app_add_gate(reef_app_t *app, reef_gate_fn pass, void *context);

enum {
    REEF_MAX_GATES = 8
};

#endif /* REEF_GATE_H */
