/*
 * Large messages, many fragments, small writes, many messages (RFC 6455 sections 5.2
 * and 5.4): cases 9.* and 10.* of the Autobahn test suite.
 */
#include "ws_case.h"

#include <assert.h>

#define KI ((size_t)1024)
#define MI (KI * KI)

enum {
    FLUSH_SIZE = 65536
};

typedef struct volume {
    const char *number; /* in the suite, for text; binary is the group after it */
    const char *binary_number;
    size_t size;     /* of a message */
    size_t fragment; /* payload bytes per frame; 0 = all */
    size_t write;    /* bytes per write; 0 = many */
    size_t count;    /* of messages, each echoed before the next is sent */
} volume_t;

static const volume_t volumes[] = {
    {"9.1.1", "9.2.1", 64 * KI, 0, 0, 1},
    {"9.1.2", "9.2.2", 256 * KI, 0, 0, 1},
    {"9.1.3", "9.2.3", 1 * MI, 0, 0, 1},
    {"9.1.4", "9.2.4", 4 * MI, 0, 0, 1},
    {"9.1.5", "9.2.5", 8 * MI, 0, 0, 1},
    {"9.1.6", "9.2.6", 16 * MI, 0, 0, 1},
    {"9.3.1", "9.4.1", 4 * MI, 64, 0, 1},
    {"9.3.2", "9.4.2", 4 * MI, 256, 0, 1},
    {"9.3.3", "9.4.3", 4 * MI, 1 * KI, 0, 1},
    {"9.3.4", "9.4.4", 4 * MI, 4 * KI, 0, 1},
    {"9.3.5", "9.4.5", 4 * MI, 16 * KI, 0, 1},
    {"9.3.6", "9.4.6", 4 * MI, 64 * KI, 0, 1},
    {"9.3.7", "9.4.7", 4 * MI, 256 * KI, 0, 1},
    {"9.3.8", "9.4.8", 4 * MI, 1 * MI, 0, 1},
    {"9.3.9", "9.4.9", 4 * MI, 4 * MI, 0, 1},
    {"9.5.1", "9.6.1", 1 * MI, 0, 64, 1},
    {"9.5.2", "9.6.2", 1 * MI, 0, 128, 1},
    {"9.5.3", "9.6.3", 1 * MI, 0, 256, 1},
    {"9.5.4", "9.6.4", 1 * MI, 0, 512, 1},
    {"9.5.5", "9.6.5", 1 * MI, 0, 1024, 1},
    {"9.5.6", "9.6.6", 1 * MI, 0, 2048, 1},
    {"9.7.1", "9.8.1", 0, 0, 0, 1000},
    {"9.7.2", "9.8.2", 16, 0, 0, 1000},
    {"9.7.3", "9.8.3", 64, 0, 0, 1000},
    {"9.7.4", "9.8.4", 256, 0, 0, 1000},
    {"9.7.5", "9.8.5", 1024, 0, 0, 1000},
    {"9.7.6", "9.8.6", 4096, 0, 0, 1000},
    {"10.1.1", "10.1.1", 65536, 1300, 0, 1},
};

/* Characters of one, two, three and four bytes; every size above ends one. */
static char text[16 * MI];

static void fill(void)
{
    static const char pattern[] = "BAsd7\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\xa0&j";

    static_assert(sizeof(pattern) - 1 == 16, "a power of two");
    for (size_t i = 0; i < sizeof(text); i++) {
        text[i] = pattern[i % 16];
    }
}

/* The frames of a message, one behind the other.  Owned by the caller. */
static uint8_t *write_message(const volume_t *volume, uint8_t opcode, size_t *size)
{
    size_t fragment = volume->fragment > 0 ? volume->fragment : volume->size + 1;
    size_t frame_count = volume->size / fragment + 1;
    uint8_t *frames = malloc(volume->size + frame_count * WS_MAX_HEAD);
    size_t at = 0;

    assert_non_null(frames);
    *size = 0;
    do {
        size_t left = volume->size - at;
        bool last = left <= fragment;
        uint8_t first = (uint8_t)((at == 0 ? opcode : 0) | (last ? WS_FIN : 0));
        size_t count = last ? left : fragment;

        *size += ws_client_write_frame(frames + *size, first, text + at, count);
        at += count;
    } while (at < volume->size);
    return frames;
}

static void run_volume(const server_t *server,
                       const volume_t *volume,
                       uint8_t opcode,
                       ws_client_t *client)
{
    size_t size;
    uint8_t *frames = write_message(volume, opcode, &size);
    size_t piece = volume->write > 0 ? volume->write : FLUSH_SIZE;

    ws_client_open(client, server->port);
    for (size_t i = 0; i < volume->count; i++) {
        ws_frame_t echo;

        for (size_t at = 0; at < size; at += piece) {
            ws_client_send_raw(client, frames + at,
                               size - at < piece ? size - at : piece);
        }
        ws_client_receive(client, &echo);
        assert_int_equal(echo.opcode, opcode);
        assert_int_equal(echo.size, volume->size);
        assert_true(memcmp(echo.data, text, volume->size) == 0);
    }
    free(frames);
    ws_case_end(client, false);
}

static void run_text(const server_t *server, const void *row, ws_client_t *client)
{
    run_volume(server, row, WS_TEXT, client);
}

static void run_binary(const server_t *server, const void *row, ws_client_t *client)
{
    run_volume(server, row, WS_BINARY, client);
}

/* The same small messages, all sent before the first echo is read. */
static void run_pipelined(const server_t *server, const void *row, ws_client_t *client)
{
    const volume_t *volume = row;
    size_t size;
    uint8_t *frames = write_message(volume, WS_TEXT, &size);

    ws_client_open(client, server->port);
    for (size_t i = 0; i < volume->count; i++) {
        ws_client_send_raw(client, frames, size);
    }
    for (size_t i = 0; i < volume->count; i++) {
        ws_client_expect(client, WS_TEXT, text, volume->size);
    }
    free(frames);
    ws_case_end(client, false);
}

static void add(ws_suite_t *suite, const volume_t *volume, bool is_text)
{
    ws_suite_add(suite, is_text ? run_text : run_binary, volume,
                 "RFC 6455 5.4 (%s): %zu %s of %zu bytes, frames of %zu, writes of %zu",
                 is_text ? volume->number : volume->binary_number, volume->count,
                 is_text ? "text" : "binary", volume->size, volume->fragment,
                 volume->write);
}

int main(void)
{
    static const char *const settings[] = {"websocket.max_message=16777216",
                                           "websocket.max_frame=16777216",
                                           "websocket.max_queue=33554432", NULL};
    static const volume_t pipelined[] = {
        {"", "", 0, 0, 0, 200}, {"", "", 128, 50, 0, 200}, {"", "", 4096, 0, 0, 40}};
    ws_suite_t suite = {.program = ECHO_EXAMPLE, .settings = settings};

    fill();
    for (size_t i = 0; i < COUNT_OF(volumes); i++) {
        add(&suite, &volumes[i], true);
        add(&suite, &volumes[i], false);
    }
    for (size_t i = 0; i < COUNT_OF(pipelined); i++) {
        ws_suite_add(&suite, run_pipelined, &pipelined[i],
                     "RFC 6455 5.4: %zu messages of %zu bytes before the first echo",
                     pipelined[i].count, pipelined[i].size);
    }
    return ws_suite_run(&suite, "test_ws_conformance_sizes");
}
