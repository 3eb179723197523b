/**
 * @file deflate_client.h
 * @brief A WebSocket client that compresses, with zlib (RFC 7692).
 *
 * What the server sends is inflated with no larger window than was agreed upon, a byte
 * at a time where that matters, so that one which reaches too far back is found out.
 */
#ifndef DEFLATE_CLIENT_H
#define DEFLATE_CLIENT_H

#include "test.h"
#include "ws_client.h"

#define ZLIB_CONST /* input is not written to */
#include <zlib.h>

typedef struct deflate_client {
    ws_client_t *ws;                   /* borrowed */
    bool is_agreed;                    /* the server takes the extension */
    bool client_resets, server_resets; /* no context takeover */
    int client_bits, server_bits;
    bool tells_client_bits, tells_server_bits; /* in the response */
    z_stream out, in;
    uint8_t *data; /* of the last message */
    size_t capacity;
} deflate_client_t;

/** Open with the value @p offer of Sec-WebSocket-Extensions, which must be answered
 * well or not at all (section 7.1). */
void deflate_client_open(deflate_client_t *client,
                         ws_client_t *ws,
                         uint16_t port,
                         const char *offer);

/** Release what it has; the connection stays. */
void deflate_client_finish(deflate_client_t *client);

/** Send a message, compressed if that was agreed upon, in frames of @p fragment bytes
 * at most; 0 = one frame. */
void deflate_client_send(deflate_client_t *client,
                         uint8_t opcode,
                         const void *data,
                         size_t size,
                         size_t fragment);

/** Receive a frame; the data of a message are inflated, and borrowed until the next. */
void deflate_client_receive(deflate_client_t *client, ws_frame_t *frame);

/** Compress as a message of its own (section 7.2.1); the caller frees it. */
uint8_t *deflate_client_compress(z_stream *stream,
                                 const void *data,
                                 size_t size,
                                 size_t *written);

#endif /* DEFLATE_CLIENT_H */
