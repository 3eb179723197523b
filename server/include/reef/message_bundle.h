/**
 * @file message_bundle.h
 * @brief Many messages to one client as one piece.
 *
 * A bundle holds frames as the client's connection carries them, one after the other;
 * it is queued as one entry and written at once, and the client sees the messages in
 * it as if they had been sent one by one.  It is for those who send each client many
 * small messages of its own: one allocation and one event for all of them.
 *
 *     framing = reef_session_framing(app, client);
 *     size = reef_frame_size(framing, payload.size);          room that a message takes
 *     at = reef_frame_write(framing, REEF_PAYLOAD_BINARY, payload, at);   … and so on
 *     reef_send_bundle(run, client, &(reef_message_bundle_t){.framing = framing, …});
 *
 * A frame depends on framing, kind and payload alone: what goes to several clients of
 * one framing can be framed once and copied.
 */
#ifndef REEF_MESSAGE_BUNDLE_H
#define REEF_MESSAGE_BUNDLE_H

#include <reef/app.h>
#include <reef/message.h>

/** How a connection tells where a message ends: a small number, for tables with a place
 *  for each.  It never changes in a connection's life. */
typedef uint8_t reef_framing_t;

enum {
    REEF_FRAMING_PARTS = 0, /* not at all: each message travels for itself (UDP) */
    REEF_FRAMING_COUNT = 6, /* all are less than this */
};

/** The framing of a client's connection; REEF_FRAMING_PARTS when it is none.
 *  World thread. */
reef_framing_t reef_session_framing(const reef_app_t *app, reef_entity_t client);

/** Bytes of a message of @p size bytes as a frame.  Any thread. */
size_t reef_frame_size(reef_framing_t framing, size_t size);

/** Write a message as a frame to @p out, which has room for reef_frame_size() bytes.
 *  Returns where the frame ends.  Any thread. */
uint8_t *reef_frame_write(reef_framing_t framing,
                          reef_payload_kind_t kind,
                          reef_span_t payload,
                          uint8_t *out);

typedef struct reef_message_bundle {
    reef_span_t frames;     /* of reef_frame_write(), one behind the other; copied */
    uint32_t message_count; /* how many they are */
    uint32_t payload_size;  /* bytes of their payloads, for the counters; 0 = as many as
                               the frames have */
    reef_framing_t framing; /* the target's */
    reef_message_class_t message_class; /* of all together: they wait, are dropped and
                                           are replaced as one */
    uint64_t key;                       /* of REEF_LATEST */
} reef_message_bundle_t;

/** The bundle as payload of a send_message, one reference, the caller's.  Its target
 *  must be a client of that framing, never a group.  @p bundle has a message at least.
 *  Any thread. */
reef_buffer_t *reef_message_bundle_create(const reef_message_bundle_t *bundle);

/** A bundle of which neither the frames are written nor their number is known: they go
 *  to @p *frames, @p room bytes at most, and reef_message_bundle_end() follows, before
 *  anybody else sees the buffer. */
reef_buffer_t *
reef_message_bundle_blank(reef_framing_t framing, size_t room, uint8_t **frames);

/** Say what was written, one message at least: bytes, messages, bytes of payload. */
void reef_message_bundle_end(reef_buffer_t *buffer,
                             size_t size,
                             uint32_t message_count,
                             uint32_t payload_size);

/** Send a bundle to a client; nothing happens when it is empty.  Like reef_send(), from
 *  a system that declares `.emits = {&send_message_event}`. */
void reef_send_bundle(reef_run_t *run,
                      reef_entity_t target,
                      const reef_message_bundle_t *bundle);

#endif /* REEF_MESSAGE_BUNDLE_H */
