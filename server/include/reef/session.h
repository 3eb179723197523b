/**
 * @file session.h
 * @brief Connections as the world sees them.
 *
 * Every connected client is an entity with `client_id` and `session`.  Despawning it
 * closes the connection; when the connection ends, `user_disconnected` is emitted once
 * and the entity is despawned after every reader has passed that event.
 * World thread only.
 */
#ifndef REEF_SESSION_H
#define REEF_SESSION_H

#include <reef/app.h>
#include <reef/message.h>

/** What a client and the server have agreed to say to each other. */
typedef enum reef_profile {
    REEF_PROFILE_TEXT,   /* texts; nothing was agreed on */
    REEF_PROFILE_BINARY, /* bytes that only the application understands */
    REEF_PROFILE_V1,     /* reef.v1: texts and typed messages, see opcode.h */
} reef_profile_t;

/** The name of REEF_PROFILE_V1, as a WebSocket's subprotocol. */
#define REEF_V1 "reef.v1"

/** Close the connection of @p entity within this frame.
 *
 * @param code   As of RFC 6455 section 7.4; 0 = 1008 (policy).
 * @param reason UTF-8 of at most 123 bytes, sent to the peer; copied, may be NULL.
 * @return false when @p entity is no connected client.
 */
bool reef_session_close(reef_app_t *app,
                        reef_entity_t entity,
                        uint16_t code,
                        const char *reason);

/** The same with what `user_disconnected` is to say instead of
 *  REEF_DISCONNECT_KICKED. */
bool reef_session_close_as(reef_app_t *app,
                           reef_entity_t entity,
                           uint16_t code,
                           const char *reason,
                           reef_disconnect_t cause);

/** The client entity with this client id, or 0; one that is being closed or was
 *  despawned is none. */
reef_entity_t reef_session_find(const reef_app_t *app, uint64_t client_id);

/** Connected clients. */
uint32_t reef_session_count(const reef_app_t *app);

/** The connected client with the lowest client id greater than @p client_id, or 0. */
reef_entity_t reef_session_next(const reef_app_t *app, uint64_t client_id);

/** Bytes waiting to be sent to a client; 0 when it is none. */
uint64_t reef_session_queue_bytes(const reef_app_t *app, reef_entity_t entity);

/** What reef_session_slot() returns for an entity that is no client. */
#define REEF_NO_SLOT UINT32_MAX

/** A small number of a client's connection, for arrays with a place for each: unique
 *  among those that are connected, or whose end has not been seen by all readers of
 *  `user_disconnected`; used again afterwards.
 *  REEF_NO_SLOT when it is no client; so may one be that was despawned, but the events
 *  carry the slot, too. */
uint32_t reef_session_slot(const reef_app_t *app, reef_entity_t entity);

/** The profile of a client's session; REEF_PROFILE_TEXT when it is none.  Of a
 * WebSocket it is settled before its entity exists, of others by the client's first
 * message. */
reef_profile_t reef_session_profile(const reef_app_t *app, reef_entity_t entity);
/* Signs of life ---------------------------------------------------------------- */

/** Bytes that a ping can carry (RFC 6455 section 5.5). */
enum {
    REEF_MAX_PING = 125
};

/** When the last byte of a client came, be it part of a message or an answer to a ping;
 *  at first, when it connected.  0 when it is no connected client.  By the clock of
 *  reef_app_now_ns(), of which it may be a little ahead.  A client that is not listened
 *  to, for too much of it is unread, counts as heard now. */
uint64_t reef_session_heard_ns(const reef_app_t *app, reef_entity_t entity);

/** Whether the protocol of a client's transport has a ping. */
bool reef_session_can_ping(const reef_app_t *app, reef_entity_t entity);

/**
 * Ask a client for a sign of life by a ping of its protocol.  One is under way at a
 * time: nothing more is sent while the last is unanswered and nothing else has come.
 * Its answer sets `rtt_us` and `jitter_us` of the `session`.
 *
 * @param payload What it carries, REEF_MAX_PING bytes at most; NULL = nothing.  A
 *                reference of its own is taken.
 * @return false when its transport has no ping, or it is no connected client.
 */
bool reef_session_ping(reef_app_t *app, reef_entity_t entity, reef_buffer_t *payload);

/** Whether a client takes texts: its profile is not REEF_PROFILE_BINARY.  False when it
 *  is no connected client. */
bool reef_session_is_text(const reef_app_t *app, reef_entity_t entity);

/** A round trip to a client was measured, by what its transport knows nothing of. */
void reef_session_note_rtt(reef_app_t *app, reef_entity_t entity, int64_t rtt_us);

#endif /* REEF_SESSION_H */
