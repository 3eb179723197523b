/**
 * @file session_table.h
 * @brief The data of the session table, shared by the files session*.c and group.c.
 *
 * A link goes OPENING → OPEN → ENDED → GONE → FREE:
 *
 *     OPENING  the transport opened it; `ingress` will spawn its entity
 *     OPEN     entity and connection belong together
 *     ENDED    the connection is gone or given up; messages may still wait
 *     GONE     user_disconnected is emitted; `lifetimes` despawns when all have read it
 */
#ifndef REEF_SRC_SESSION_TABLE_H
#define REEF_SRC_SESSION_TABLE_H

#include "authenticate.h"
#include "opcode.h"
#include "session.h"

#include <reef/array.h>
#include <reef/components.h>
#include <reef/gate.h>
#include <reef/metrics.h>

enum {
    REEF__CLOSE_REASON_SIZE = 124,
    REEF__NO_SLOT = UINT32_MAX,
    REEF__FIRST_ALLOWANCE = 1024, /* messages that the first frame takes in */
    REEF__LEAST_ALLOWANCE = 16,
};

typedef enum reef__link_state {
    REEF__LINK_FREE,
    REEF__LINK_OPENING,
    REEF__LINK_OPEN,
    REEF__LINK_ENDED,
    REEF__LINK_GONE,
} reef__link_state_t;

/** That a link is in a group. */
typedef struct reef__link_group {
    uint32_t group;    /* its number */
    uint32_t position; /* among the members */
    uint64_t messages; /* that the group had been sent before the link came */
    uint64_t bytes;
} reef__link_group_t;

typedef struct reef__link {
    const reef_transport_t *transport;
    void *connection; /* NULL once the link has ended */
    reef_entity_t entity;
    uint64_t client_id;

    struct {
        reef_buffer_t **items; /* ring of [capacity], a power of two */
        uint32_t capacity, first, count;
        uint64_t bytes;
    } inbox;

    uint64_t messages_in, messages_out, bytes_in, bytes_out;
    int64_t rtt_us;
    int64_t jitter_16ths; /* of a microsecond; -1 = not known */
    uint64_t heard_ns;    /* when it opened, or handed something in */
    uint64_t gone_mark;   /* user_disconnected events before this one's end */

    struct {
        reef__link_group_t *items;
        size_t count, capacity;
    } groups;

    uint32_t generation;
    uint32_t next_ready; /* slot after this one in the ready list */
    uint8_t state;       /* reef__link_state_t */
    uint8_t reason;      /* reef_disconnect_t, once ended */
    uint8_t framing;     /* reef_framing_t */
    uint8_t profile;     /* reef_profile_t */
    reef__v1_session_t v1;
    bool is_ready;     /* in the ready list */
    bool is_paused;    /* the transport was told to stop reading */
    bool needs_flush;  /* in the list of this frame's flushes */
    bool is_dirty;     /* counters changed since the component was written */
    bool close_wanted; /* `lifetimes` will close it */
    bool is_leaving;   /* ends when what came before is answered */
    uint16_t close_code;
    char *close_reason;          /* owned, REEF__CLOSE_REASON_SIZE; NULL = none */
    session_t *opening;          /* owned component value until the entity is spawned */
    reef_admission_t *admission; /* owned: what the entity is to have besides; NULL */
} reef__link_t;

/** One drained message, or the end of a session (payload NULL). */
typedef struct reef__inbound {
    uint32_t slot;
    reef_buffer_t *payload;
} reef__inbound_t;

/** A group of links. */
typedef struct reef__group {
    struct {
        uint32_t *items; /* slots */
        size_t count, capacity;
    } members;
    size_t direct_count; /* members whose transport is sent each message singly */
    uint64_t messages;   /* sent to the group */
    uint64_t bytes;
    uint64_t shown_messages; /* sent when the members' components were written last */
    uint32_t generation;     /* odd while the group exists */
} reef__group_t;

typedef struct reef__slots {
    uint32_t *items;
    size_t count, capacity;
} reef__slots_t;

struct reef__sessions {
    reef_app_t *app;
    const reef_alloc_t *alloc;
    struct {
        reef__link_t **items; /* by slot; addresses are stable */
        size_t count, capacity;
    } links;
    reef__slots_t free_slots;
    reef__slots_t flushes;            /* links that were sent something in this frame */
    reef__slots_t closing;            /* links with close_wanted */
    reef__slots_t gone;               /* links in state GONE */
    reef__slots_t dirty;              /* links whose component is out of date */
    uint32_t first_ready, last_ready; /* FIFO through next_ready */
    struct {
        reef__inbound_t *items;
        size_t count, capacity;
    } batch; /* from ingress to admission */
    struct {
        uint32_t *items; /* slot + 1 by entity index - REEF_SESSION_INDEX_BASE */
        size_t count, capacity;
    } by_entity;
    struct {
        struct reef__client {
            uint64_t client_id;
            uint32_t slot; /* REEF__NO_SLOT = a hole */
        } * items;         /* ascending: ids are handed out in order */
        size_t count, capacity;
        size_t holes;
    } clients;
    struct {
        struct reef__transport_entry {
            const reef_transport_t *transport;
            void *self;
        } * items;
        size_t count, capacity;
    } transports;
    struct {
        reef_gate_fn pass;
        void *context;
    } gates[REEF_MAX_GATES];
    uint32_t gate_count;
    struct {
        reef__group_t *items;
        size_t count, capacity;
    } groups;
    reef__slots_t free_groups;
    reef_group_t everyone;

    /* Counted here and told to the metrics once a frame. */
    uint64_t messages_in, messages_out, bytes_in, bytes_out;
    uint64_t components_tick; /* when the components were written last */
    uint64_t groups_shown_ns; /* when those of whole groups were */

    uint32_t open_count;
    uint32_t allowance;         /* messages that the next frame may take in */
    uint32_t direct_left;       /* of them, those that need not wait in an inbox … */
    uint64_t direct_bytes_left; /* … and the bytes that they may have */
    bool used_allowance;        /* the last frame took in all it was allowed */

    reef_component_t client_id_component;
    reef_component_t session_component;
    reef_event_queue_t *disconnected;
    reef_event_queue_t *received;
    reef_event_queue_t *sends;
    reef_event_reader_t *sends_reader;
    reef_event_queue_t *failed;
    reef_metric_t *metric_sessions;
    reef_metric_t *metric_connects;
    reef_metric_t *metric_messages_in;
    reef_metric_t *metric_messages_out;
    reef_metric_t *metric_bytes_in;
    reef_metric_t *metric_bytes_out;
    reef_metric_t *metric_send_failed;
    reef_metric_t *metric_dropped_received; /* events lost at their bound */
    reef_metric_t *metric_dropped_sends;
};

/** The `session` component of a link, owned by the caller. */
session_t *reef__session_component(reef__sessions_t *sessions,
                                   const reef_link_desc_t *desc);

/** The link in a slot. */
static inline reef__link_t *reef__link_at(const reef__sessions_t *sessions,
                                          uint32_t slot)
{
    return sessions->links.items[slot];
}

/** Slot of the link bound to @p entity, or REEF__NO_SLOT. */
uint32_t reef__sessions_slot_of(const reef__sessions_t *sessions, reef_entity_t entity);

/** Position in the list of clients of the first whose id is at least @p client_id. */
size_t reef__client_position(const reef__sessions_t *sessions, uint64_t client_id);

/** Put a link at the end of the ready list, if it is not in it. */
void reef__link_make_ready(reef__sessions_t *sessions, uint32_t slot);

/** First link of the ready list, taken out; REEF__NO_SLOT when it is empty. */
uint32_t reef__sessions_take_ready(reef__sessions_t *sessions);

/** Remember to close a link in this frame's `lifetimes`; the first request counts. */
void reef__link_want_close(reef__sessions_t *sessions,
                           uint32_t slot,
                           uint16_t code,
                           const char *text,
                           reef_disconnect_t reason);

/** The connection is over: unread messages stay, nothing more comes. */
void reef__link_end(reef__sessions_t *sessions,
                    uint32_t slot,
                    reef_disconnect_t reason);

/** A message as the profile of its session has it.  Takes the reference over, and gives
 *  one; NULL = it was a hello.  (session_v1.c) */
reef_buffer_t *reef__link_as_profile(reef__sessions_t *sessions,
                                     reef__link_t *link,
                                     reef_buffer_t *payload);

/** Who owns such a message: `owner` of message_received.  (session_v1.c) */
uint32_t reef__link_owner(const reef__sessions_t *sessions,
                          const reef__link_t *link,
                          const reef_buffer_t *payload);

/** Forget what the peer sent and nobody has read. */
void reef__link_discard_inbox(reef__sessions_t *sessions, reef__link_t *link);

/** Append a message to the frame's, taking its reference over; NULL = the link's end.
 */
static inline void
reef__batch_add(reef__sessions_t *sessions, uint32_t slot, reef_buffer_t *payload)
{
    *REEF_ARRAY_PUSH(sessions->alloc, &sessions->batch) =
        (reef__inbound_t){.slot = slot, .payload = payload};
}

/** reef_link_receive() for a message that is a buffer already, of a payload of @p size
 *  bytes; takes its reference over, and tells the transport to pause. */
void reef__link_receive(reef_app_t *app,
                        reef_link_t handle,
                        reef_buffer_t *payload,
                        size_t size);

/** A message to a link was lost: emits message_send_failed, and closes the link when
 *  its stream has a hole now. */
void reef__link_fail(reef__sessions_t *sessions, uint32_t slot, reef_error_t error);

/** Hand the transports what was emitted as send_message so far. */
void reef__sessions_send_pending(reef__sessions_t *sessions);

/** Send to one client; takes the payload's reference over.  @return as
 *  reef_transport_t.send. */
reef_error_t reef__sessions_send_to(reef__sessions_t *sessions,
                                    uint32_t slot,
                                    const send_message_t *message);

/** Send to a group; nothing happens when it has ended. */
void reef__group_send(reef__sessions_t *sessions, const send_message_t *message);

/** Close all members: their streams have a hole. */
void reef__group_close(reef__sessions_t *sessions,
                       reef_group_t handle,
                       uint16_t code,
                       const char *text);

/** A link without a connection is in no group. */
void reef__groups_leave_all(reef__sessions_t *sessions, uint32_t slot);

/** Messages and bytes that a link was sent through its groups. */
void reef__groups_count(const reef__sessions_t *sessions,
                        const reef__link_t *link,
                        uint64_t *messages,
                        uint64_t *bytes);

/** Mark all members of groups that were sent something as out of date. */
void reef__groups_mark_dirty(reef__sessions_t *sessions);

void reef__groups_finish(reef__sessions_t *sessions);

/** Take the oldest message out of an inbox; one reference, the caller's. */
reef_buffer_t *reef__link_take(reef__link_t *link);

/** Bind a link to its entity, or unbind it (entity 0). */
void reef__link_bind(reef__sessions_t *sessions, uint32_t slot, reef_entity_t entity);

/** A round trip was measured. */
void reef__link_note_rtt(reef__sessions_t *sessions, uint32_t slot, int64_t rtt_us);

/** Give the slot back. */
void reef__link_free(reef__sessions_t *sessions, uint32_t slot);

/** Note that the entity's `session` component is out of date. */
static inline void reef__link_mark_dirty(reef__sessions_t *sessions, uint32_t slot)
{
    reef__link_t *link = reef__link_at(sessions, slot);

    if (!link->is_dirty) {
        link->is_dirty = true;
        *REEF_ARRAY_PUSH(sessions->alloc, &sessions->dirty) = slot;
    }
}

#endif /* REEF_SRC_SESSION_TABLE_H */
