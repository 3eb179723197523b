/* Received bytes gather in one buffer; a frame is given out once all of it is there. */
#include "ws_client.h"

#include "test.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum {
    READ_SIZE = 65536,
    HEAD_SIZE = 4096
};

/* The answer to the key of WS_HANDSHAKE (RFC 6455 section 1.3). */
static const char accept_header[] =
    "\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";

/* What a message of failure begins with. */
static const char *label(const ws_client_t *client)
{
    return client->label ? client->label : "";
}

void ws_client_connect(ws_client_t *client, uint16_t port)
{
    assert_false(client->is_connected);
    client->descriptor = socket_connect(port);
    client->is_connected = true;
}

void ws_client_adopt(ws_client_t *client, int descriptor)
{
    assert_false(client->is_connected);
    client->descriptor = descriptor;
    client->is_connected = true;
}

void ws_client_drop(ws_client_t *client)
{
    if (client->is_connected) {
        close(client->descriptor);
    }
    free(client->data);
    *client = (ws_client_t){0};
}

void ws_client_send_raw(ws_client_t *client, const void *data, size_t size)
{
    assert_true(socket_send(client->descriptor, data, size));
}

size_t ws_client_write_masked(uint8_t *out,
                              uint8_t first,
                              const uint8_t mask[4],
                              const void *payload,
                              size_t size)
{
    const uint8_t *bytes = payload;
    size_t width = size < 126 ? 0 : size < 65536 ? 2 : 8;
    uint8_t *at = out;

    *at++ = first;
    *at++ = (uint8_t)(0x80 | (width == 0 ? size : width == 2 ? 126 : 127));
    while (width-- > 0) {
        *at++ = (uint8_t)((uint64_t)size >> (8 * width));
    }
    memcpy(at, mask, 4);
    at += 4;
    for (size_t i = 0; i < size; i++) {
        *at++ = bytes[i] ^ mask[i % 4];
    }
    return (size_t)(at - out);
}

size_t
ws_client_write_frame(uint8_t *out, uint8_t first, const void *payload, size_t size)
{
    static const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};

    return ws_client_write_masked(out, first, mask, payload, size);
}

void ws_client_send(ws_client_t *client,
                    uint8_t first,
                    const void *payload,
                    size_t size)
{
    uint8_t *frame = malloc(size + WS_MAX_HEAD);

    assert_non_null(frame);
    size = ws_client_write_frame(frame, first, payload, size);
    /* The server may have closed already: what it said is then still to be read. */
    (void)socket_send(client->descriptor, frame, size);
    free(frame);
}

void ws_client_say(ws_client_t *client, const char *text)
{
    ws_client_send(client, WS_FIN | WS_TEXT, text, strlen(text));
}

/* False at the end of the stream. */
static bool receive_more(ws_client_t *client)
{
    size_t received;

    if (client->start > 0) {
        memmove(client->data, client->data + client->start,
                client->size - client->start);
        client->size -= client->start;
        client->start = 0;
    }
    if (client->capacity - client->size < READ_SIZE) {
        client->capacity = 2 * client->capacity + READ_SIZE;
        client->data = realloc(client->data, client->capacity);
        assert_non_null(client->data);
    }
    received =
        socket_receive(client->descriptor, client->data + client->size, READ_SIZE);
    client->size += received;
    return received > 0;
}

/* Take the head of an HTTP response; terminated. */
static void receive_head(ws_client_t *client, char *head, size_t capacity)
{
    for (;;) {
        const uint8_t *start = client->data + client->start;
        size_t left = client->size - client->start;
        const uint8_t *end = left > 0 ? memmem(start, left, "\r\n\r\n", 4) : NULL;

        if (end != NULL) {
            size_t size = (size_t)(end - start) + 4;

            assert_true(size < capacity);
            memcpy(head, start, size);
            head[size] = '\0';
            client->start += size;
            return;
        }
        if (!receive_more(client)) {
            fail_msg("%sthe server closed instead of answering the handshake",
                     label(client));
        }
    }
}

int ws_client_receive_head(ws_client_t *client, char *head, size_t capacity)
{
    int status;

    receive_head(client, head, capacity);
    status = socket_http_status(head);
    assert_int_not_equal(status, 0);
    if (status == 101) {
        assert_non_null(strstr(head, accept_header));
    }
    return status;
}

int ws_client_receive_status(ws_client_t *client)
{
    char head[HEAD_SIZE];

    return ws_client_receive_head(client, head, sizeof(head));
}

bool ws_client_head_value(const char *head,
                          const char *name,
                          char *value,
                          size_t capacity)
{
    size_t length = strlen(name);

    for (const char *line = strstr(head, "\r\n"); line != NULL;
         line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, length) == 0 && line[length] == ':') {
            line += length + 1;
            line += strspn(line, " ");
            snprintf(value, capacity, "%.*s", (int)strcspn(line, "\r"), line);
            return true;
        }
    }
    return false;
}

void ws_client_upgrade(ws_client_t *client,
                       const char *headers,
                       char *head,
                       size_t capacity)
{
    char request[HEAD_SIZE];
    int size = snprintf(request, sizeof(request), WS_HANDSHAKE "%s\r\n", headers);

    assert_true(size > 0 && (size_t)size < sizeof(request));
    ws_client_send_raw(client, request, (size_t)size);
    assert_int_equal(ws_client_receive_head(client, head, capacity), 101);
}

void ws_client_open_with(ws_client_t *client,
                         uint16_t port,
                         const char *headers,
                         char *head,
                         size_t capacity)
{
    ws_client_connect(client, port);
    ws_client_upgrade(client, headers, head, capacity);
}

void ws_client_open(ws_client_t *client, uint16_t port)
{
    char head[HEAD_SIZE];

    ws_client_open_with(client, port, "", head, sizeof(head));
}

void ws_client_open_chat(ws_client_t *client, uint16_t port)
{
    ws_client_open(client, port);
    ws_client_say(client, "/leave");
    ws_client_expect_text(client, "[Error] You are not in a room.");
}

/* Parse the frame at the front, if it is whole. */
static bool take_frame(ws_client_t *client, ws_frame_t *frame)
{
    const uint8_t *at = client->data + client->start;
    size_t left = client->size - client->start;
    int reserved = WS_RSV1 | WS_RSV2 | WS_RSV3;
    size_t head = 2;
    uint64_t size;

    if (left < head) {
        return false;
    }
    if (client->takes_compressed && (at[0] & 0x0f) < WS_CLOSE) {
        reserved &= ~WS_RSV1;
    }
    assert_int_equal(at[0] & reserved, 0); /* no extension was agreed upon */
    assert_int_equal(at[1] & 0x80, 0);     /* a server does not mask */
    size = at[1];
    head += size == 126 ? 2 : size == 127 ? 8 : 0;
    if (left < head) {
        return false;
    }
    if (head > 2) {
        size = 0;
        for (size_t i = 2; i < head; i++) {
            size = size << 8 | at[i];
        }
    }
    if (left - head < size) {
        return false;
    }
    *frame = (ws_frame_t){
        .opcode = at[0] & 0x0f,
        .final = at[0] & WS_FIN,
        .compressed = at[0] & WS_RSV1,
        .data = at + head,
        .size = size,
    };
    if (frame->opcode >= WS_CLOSE) {
        assert_true(frame->final && size <= 125);
    }
    client->start += head + size;
    return true;
}

void ws_client_discard(ws_client_t *client)
{
    do {
        client->start = client->size;
    } while (receive_more(client));
}

bool ws_client_has_data(const ws_client_t *client)
{
    struct pollfd waiting = {.fd = client->descriptor, .events = POLLIN};

    return client->size > client->start || poll(&waiting, 1, 0) == 1;
}

bool ws_client_is_at_end(ws_client_t *client)
{
    size_t start = client->start;
    ws_frame_t frame;

    while (!take_frame(client, &frame)) {
        if (!receive_more(client)) {
            assert_int_equal(client->size - client->start, 0);
            return true;
        }
        start = client->start;
    }
    client->start = start; /* it is still to be received */
    return false;
}

void ws_client_receive(ws_client_t *client, ws_frame_t *frame)
{
    while (!take_frame(client, frame)) {
        if (!receive_more(client)) {
            fail_msg("%sthe server closed where a frame was expected", label(client));
        }
    }
}

void ws_client_expect(ws_client_t *client,
                      uint8_t opcode,
                      const void *payload,
                      size_t size)
{
    ws_frame_t frame;

    ws_client_receive(client, &frame);
    if (frame.opcode != opcode || frame.size != size ||
        memcmp(frame.data, payload, size) != 0) {
        fail_msg("%sexpected opcode %d '%.*s', got opcode %d '%.*s'", label(client),
                 opcode, (int)size, (const char *)payload, frame.opcode,
                 (int)frame.size, (const char *)frame.data);
    }
    assert_true(frame.final);
}

void ws_client_expect_text(ws_client_t *client, const char *text)
{
    ws_client_expect(client, WS_TEXT, text, strlen(text));
}

void ws_client_expect_close(ws_client_t *client, uint16_t code, const char *reason)
{
    ws_frame_t frame;

    ws_client_receive(client, &frame);
    assert_int_equal(frame.opcode, WS_CLOSE);
    assert_true(frame.size >= 2);
    assert_int_equal(frame.data[0] << 8 | frame.data[1], code);
    if (reason != NULL) {
        assert_int_equal(frame.size - 2, strlen(reason));
        assert_memory_equal(frame.data + 2, reason, frame.size - 2);
    }
}

void ws_client_expect_end(ws_client_t *client)
{
    assert_int_equal(client->size - client->start, 0);
    assert_false(receive_more(client));
}

void ws_client_expect_silence(ws_client_t *client)
{
    ws_client_send(client, WS_FIN | WS_PING, "quiet?", 6);
    ws_client_expect(client, WS_PONG, "quiet?", 6);
}
