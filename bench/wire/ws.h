/**
 * @file ws.h
 * @brief The client's side of WebSocket (RFC 6455): handshake and frames, no I/O.
 *
 * Written apart from the server's, so that neither hides the other's mistakes.
 */
#ifndef WIRE_WS_H
#define WIRE_WS_H

#include "target.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    WS_CONTINUATION = 0x0,
    WS_TEXT = 0x1,
    WS_BINARY = 0x2,
    WS_CLOSE = 0x8,
    WS_PING = 0x9,
    WS_PONG = 0xa,
    WS_MAX_HEAD = 14,
    WS_MAX_CONTROL = 125,
    WS_KEY_SIZE = 25, /* 16 bytes in base 64, terminated */
    WS_ACCEPT_SIZE = 29,
    WS_MAX_REQUEST = 2048
};

/** The key of a handshake, from any 16 bytes. */
void ws_key(char key[WS_KEY_SIZE], const uint8_t seed[16]);

/** What a server has to answer to @p key (section 4.2.2). */
void ws_accept(char accept[WS_ACCEPT_SIZE], const char *key);

/** Write the request; returns its size. */
size_t ws_request(char out[WS_MAX_REQUEST], const target_t *target, const char *key);

/** Judge the head of the response, terminated: NULL = accepted, or what is wrong.
 *  @p head is cut into lines. */
const char *ws_check_response(char *head, const char *key);

/** Write the head of a whole message of @p size bytes, masked by @p mask; returns the
 *  size of the head. */
size_t
ws_write_head(uint8_t *out, uint8_t opcode, uint64_t size, const uint8_t mask[4]);

/** Copy under the mask; the first byte is at a multiple of 4 of the payload. */
void ws_mask(uint8_t *out, const uint8_t *data, size_t size, const uint8_t mask[4]);

typedef enum ws_kind {
    WS_PIECE_NONE,    /* all was taken, nothing is complete */
    WS_PIECE_DATA,    /* part of a message */
    WS_PIECE_CONTROL, /* a whole ping, pong or close */
    WS_PIECE_BROKEN   /* the server broke the protocol: `error` */
} ws_kind_t;

/** What a decoder found; data is borrowed from the input or the decoder. */
typedef struct ws_piece {
    ws_kind_t kind;
    uint8_t opcode;         /* of the message, also for what continues it */
    bool is_first, is_last; /* of its message */
    const uint8_t *data;
    size_t size;
    const char *error;
} ws_piece_t;

/** Where one connection's stream of frames stands.  All zero: at its beginning. */
typedef struct ws_decoder {
    uint64_t left; /* of the payload of the current frame */
    uint8_t head[WS_MAX_HEAD];
    uint8_t head_size;    /* bytes of it that are there; 0 = between frames */
    bool is_in_payload;   /* its head is complete */
    bool is_final;        /* current frame */
    bool is_first;        /* nothing of the message was handed out */
    uint8_t frame_opcode; /* of the current frame */
    uint8_t opcode;       /* of the message under way; 0 = none */
    uint8_t control_size;
    uint8_t control[WS_MAX_CONTROL];
} ws_decoder_t;

/** Read on: returns how many bytes were taken, and what they gave.  To be called until
 *  all is taken. */
size_t
ws_decode(ws_decoder_t *decoder, const uint8_t *data, size_t size, ws_piece_t *piece);

#endif /* WIRE_WS_H */
