/**
 * @file ws_client.h
 * @brief A WebSocket client for tests, as exact or as wrong as a test wants it.
 *
 * What the server sends is checked on the way in: no mask, no reserved bits, control
 * frames whole and short (RFC 6455 section 5).
 */
#ifndef TEST_WS_CLIENT_H
#define TEST_WS_CLIENT_H

#include "socket.h"

enum {
    WS_TEXT = 0x1,
    WS_BINARY = 0x2,
    WS_CLOSE = 0x8,
    WS_PING = 0x9,
    WS_PONG = 0xa,
    WS_FIN = 0x80,
    WS_RSV1 = 0x40,
    WS_RSV2 = 0x20,
    WS_RSV3 = 0x10,
    WS_MAX_HEAD = 14
};

/** A request head without its empty line, so that headers can be added. */
#define WS_HANDSHAKE                                                                   \
    "GET /path?query=1 HTTP/1.1\r\n"                                                   \
    "Host: localhost\r\n"                                                              \
    "Upgrade: websocket\r\n"                                                           \
    "Connection: Upgrade\r\n"                                                          \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"                                  \
    "Sec-WebSocket-Version: 13\r\n"

/** All zero: not connected. */
typedef struct ws_client {
    bool is_connected;
    bool takes_compressed; /* RSV1 of a data frame is no error (RFC 7692) */
    const char *label;     /* in the message of a failure; may be NULL */
    int descriptor;
    uint8_t *data; /* received; [start, size) is not consumed */
    size_t start, size, capacity;
} ws_client_t;

/** Borrowed until the next receive. */
typedef struct ws_frame {
    uint8_t opcode;
    bool final;
    bool compressed; /* RSV1 */
    const uint8_t *data;
    size_t size;
} ws_frame_t;

/** TCP only. */
void ws_client_connect(ws_client_t *client, uint16_t port);

/** Take over a descriptor that leads to the server. */
void ws_client_adopt(ws_client_t *client, int descriptor);

/** The handshake alone, of a client that is connected; it must be accepted. */
void ws_client_upgrade(ws_client_t *client,
                       const char *headers,
                       char *head,
                       size_t capacity);

/** TCP and a handshake that must be accepted. */
void ws_client_open(ws_client_t *client, uint16_t port);

/** The same with @p headers besides those of WS_HANDSHAKE.  @p head receives the
 *  response, as of ws_client_receive_head(). */
void ws_client_open_with(ws_client_t *client,
                         uint16_t port,
                         const char *headers,
                         char *head,
                         size_t capacity);

/** The same with a chat server, and the world has seen it: ids are then in the order of
 *  these calls, also where connections are on several loops. */
void ws_client_open_chat(ws_client_t *client, uint16_t port);

/** Close the socket, without a word; accepts one that is not connected. */
void ws_client_drop(ws_client_t *client);

/** Send bytes as they are. */
void ws_client_send_raw(ws_client_t *client, const void *data, size_t size);

/** Write a masked frame of @p size + WS_MAX_HEAD bytes at most.  @p first: FIN bit and
 *  opcode.  Returns its size. */
size_t
ws_client_write_frame(uint8_t *out, uint8_t first, const void *payload, size_t size);

/** The same with a mask of the caller's choice. */
size_t ws_client_write_masked(uint8_t *out,
                              uint8_t first,
                              const uint8_t mask[4],
                              const void *payload,
                              size_t size);

/** Send one frame. */
void ws_client_send(ws_client_t *client,
                    uint8_t first,
                    const void *payload,
                    size_t size);

/** Send one text message. */
void ws_client_say(ws_client_t *client, const char *text);

/** Read the head of the server's answer to a handshake.  Returns its HTTP status. */
int ws_client_receive_status(ws_client_t *client);

/** The same, and the whole head, terminated. */
int ws_client_receive_head(ws_client_t *client, char *head, size_t capacity);

/** Copy the value of a header in @p head; false when it is not there. */
bool ws_client_head_value(const char *head,
                          const char *name,
                          char *value,
                          size_t capacity);

/** Next frame; an end instead of one fails the test. */
void ws_client_receive(ws_client_t *client, ws_frame_t *frame);

/** Wait for a whole frame or the end of the stream; true at the end. */
bool ws_client_is_at_end(ws_client_t *client);

/** Throw away what comes, up to the end of the stream. */
void ws_client_discard(ws_client_t *client);

/** Whether there is something to receive, the end of the stream included; does not
 *  wait. */
bool ws_client_has_data(const ws_client_t *client);

/** The next frame is this message. */
void ws_client_expect(ws_client_t *client,
                      uint8_t opcode,
                      const void *payload,
                      size_t size);
void ws_client_expect_text(ws_client_t *client, const char *text);

/** The next frame closes with @p code, and with @p reason unless it is NULL. */
void ws_client_expect_close(ws_client_t *client, uint16_t code, const char *reason);

/** Nothing more comes: the server has ended the stream. */
void ws_client_expect_end(ws_client_t *client);

/** A ping goes out, and the next that comes is its pong: nothing was under way. */
void ws_client_expect_silence(ws_client_t *client);

#endif /* TEST_WS_CLIENT_H */
