/**
 * @file message.h
 * @brief Messages as events, and the shortest ways to send one.
 *
 * A client's message arrives as `message_received`; what is to go out is emitted as
 * `send_message`.  Per client messages leave in the order in which they were emitted.
 * World thread only.
 */
#ifndef REEF_MESSAGE_H
#define REEF_MESSAGE_H

#include <reef/buffer.h>
#include <reef/schedule.h>

typedef enum reef_message_class {
    REEF_RELIABLE,  /* a full queue closes the client, with a reason */
    REEF_LATEST,    /* replaces a queued one of the same key */
    REEF_DROPPABLE, /* the oldest of these makes room, counted */
} reef_message_class_t;

typedef enum reef_send_failure {
    REEF_SEND_QUEUE_FULL,
    REEF_SEND_DISCONNECTED,
    REEF_SEND_NOT_FOUND, /* the entity is no connected client */
    REEF_SEND_TOO_LARGE,
} reef_send_failure_t;

typedef enum reef_disconnect {
    REEF_DISCONNECT_PEER,     /* the other side closed in good order */
    REEF_DISCONNECT_LOST,     /* the connection broke */
    REEF_DISCONNECT_KICKED,   /* closed by an operator or a system */
    REEF_DISCONNECT_PROTOCOL, /* the peer broke the protocol */
    REEF_DISCONNECT_SLOW,     /* it did not read what was sent */
    REEF_DISCONNECT_TIMEOUT,
    REEF_DISCONNECT_SHUTDOWN,
} reef_disconnect_t;

/** Static text for a reason; never NULL. */
const char *reef_disconnect_text(reef_disconnect_t reason);

typedef struct message_received {
    reef_entity_t entity;
    uint64_t client_id;
    reef_buffer_t *payload; /* borrowed while the event lives */
    uint32_t owner;         /* router's id of the prefix that owns it; 0 = none; see
                               REEF_OWNER_TYPED in opcode.h */
} message_received_t;

/** A group of clients; see group.h.  0 is none. */
typedef uint64_t reef_group_t;

typedef struct send_message {
    reef_entity_t target;   /* a client; ignored when there is a group */
    reef_group_t group;     /* everybody in it */
    reef_buffer_t *payload; /* the event owns one reference */
    uint64_t key;           /* of REEF_LATEST */
    reef_message_class_t message_class;
} send_message_t;

typedef struct message_send_failed {
    reef_entity_t entity; /* whose message it was; 0 = that of a whole group */
    reef_group_t group;
    reef_send_failure_t reason;
} message_send_failed_t;

typedef struct user_connected {
    reef_entity_t entity;
    uint64_t client_id;
    uint32_t slot; /* of its connection, see reef_session_slot() */
} user_connected_t;

typedef struct user_disconnected {
    reef_entity_t entity; /* its components stay readable until all have read this;
                             dead when it was despawned, which ended the session */
    uint64_t client_id;
    uint32_t slot; /* which nobody else has before all have read this */
    reef_disconnect_t reason;
} user_disconnected_t;

extern const reef_event_type_t message_received_event;
extern const reef_event_type_t send_message_event;
extern const reef_event_type_t message_send_failed_event;
extern const reef_event_type_t user_connected_event;
extern const reef_event_type_t user_disconnected_event;

/** Emit @p message as it is, taking over its reference, from where there is no run
 *  context: observers, and exclusive systems.  When the queue is full the message is
 *  lost, `message_send_failed` is emitted, and the client will be closed (1013), for a
 *  reliable stream with a hole is none. */
void reef_world_send(reef_world_t *world, const send_message_t *message);

/** Send @p payload to one client, reliably.  Takes a reference of its own.  The system
 *  declares `.emits = {&send_message_event}`. */
void reef_send(reef_run_t *run, reef_entity_t target, reef_buffer_t *payload);

/** Send @p payload to all members of a group, reliably; otherwise like reef_send(). */
void reef_send_group(reef_run_t *run, reef_group_t group, reef_buffer_t *payload);

/** Send a text from a format to one client, reliably. */
REEF_PRINTF(3, 4)
void reef_send_text(reef_run_t *run, reef_entity_t target, const char *format, ...);

#endif /* REEF_MESSAGE_H */
