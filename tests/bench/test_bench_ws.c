#include "test.h"
#include "ws.h"

enum {
    MAX_MESSAGE = 70000
};

/* What a stream of frames gave. */
typedef struct got {
    uint8_t data[MAX_MESSAGE];
    size_t size, messages, controls;
    bool is_within; /* a message that is not complete */
    uint8_t opcode, control_opcode;
    const char *error;
} got_t;

static int setup(void **state)
{
    *state = calloc(1, sizeof(got_t));
    return *state != NULL ? 0 : -1;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

static void take(got_t *got, const ws_piece_t *piece)
{
    switch (piece->kind) {
    case WS_PIECE_DATA:
        assert_true(got->size + piece->size <= MAX_MESSAGE);
        assert_int_equal(piece->is_first, !got->is_within);
        got->is_within = !piece->is_last;
        memcpy(got->data + got->size, piece->data, piece->size);
        got->size += piece->size;
        got->opcode = piece->opcode;
        got->messages += piece->is_last;
        break;
    case WS_PIECE_CONTROL:
        got->controls++;
        got->control_opcode = piece->opcode;
        break;
    case WS_PIECE_BROKEN:
        got->error = piece->error;
        break;
    case WS_PIECE_NONE:
        break;
    }
}

/* Decode in parts of @p step bytes. */
static void decode(got_t *got, const uint8_t *data, size_t size, size_t step)
{
    ws_decoder_t decoder = {0};
    ws_piece_t piece;

    *got = (got_t){0};
    for (size_t at = 0; at < size && got->error == NULL;) {
        size_t part = size - at < step ? size - at : step;

        at += ws_decode(&decoder, data + at, part, &piece);
        take(got, &piece);
    }
}

#define BYTES(...) ((const uint8_t[]){__VA_ARGS__})
#define DECODE(got, ...)                                                               \
    decode((got), BYTES(__VA_ARGS__), sizeof(BYTES(__VA_ARGS__)), SIZE_MAX)

static void test_ws_masks_as_the_rfc_does(void **state)
{
    /* RFC 6455 section 5.7: a single-frame masked text message */
    static const uint8_t expected[] = {0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d,
                                       0x7f, 0x9f, 0x4d, 0x51, 0x58};
    static const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};
    uint8_t out[WS_MAX_HEAD + 5];
    size_t head = ws_write_head(out, WS_TEXT, 5, mask);

    (void)state;
    ws_mask(out + head, (const uint8_t *)"Hello", 5, mask);
    assert_int_equal(head + 5, sizeof(expected));
    assert_memory_equal(out, expected, sizeof(expected));
}

static void test_ws_head_has_the_shortest_size(void **state)
{
    static const uint8_t mask[4] = {0};
    uint8_t out[WS_MAX_HEAD];

    (void)state;
    assert_int_equal(ws_write_head(out, WS_BINARY, 125, mask), 6);
    assert_int_equal(ws_write_head(out, WS_BINARY, 126, mask), 8);
    assert_int_equal(ws_write_head(out, WS_BINARY, 65535, mask), 8);
    assert_int_equal(ws_write_head(out, WS_BINARY, 65536, mask), 14);
    assert_memory_equal(out, BYTES(0x82, 0xff, 0, 0, 0, 0, 0, 1, 0, 0), 10);
}

static void test_ws_decodes_whatever_the_split(void **state)
{
    /* fragments with a ping between them, then an empty message */
    static const uint8_t stream[] = {0x01, 3,    'H', 'e', 'l', 0x89, 1,
                                     'x',  0x80, 2,   'l', 'o', 0x81, 0};
    got_t *got = *state;

    for (size_t step = 1; step <= sizeof(stream); step++) {
        decode(got, stream, sizeof(stream), step);
        assert_null(got->error);
        assert_int_equal(got->messages, 2);
        assert_int_equal(got->controls, 1);
        assert_int_equal(got->control_opcode, WS_PING);
        assert_int_equal(got->size, 5);
        assert_memory_equal(got->data, "Hello", 5);
    }
}

static void test_ws_decodes_every_size_of_head(void **state)
{
    static uint8_t stream[MAX_MESSAGE + 10];
    got_t *got = *state;

    memcpy(stream, BYTES(0x82, 126, 0x01, 0x00), 4);
    decode(got, stream, 4 + 256, 7);
    assert_int_equal(got->messages, 1);
    assert_int_equal(got->size, 256);
    memcpy(stream, BYTES(0x82, 127, 0, 0, 0, 0, 0, 1, 0, 1), 10);
    decode(got, stream, 10 + 65537, 1000);
    assert_int_equal(got->messages, 1);
    assert_int_equal(got->size, 65537);
    assert_int_equal(got->opcode, WS_BINARY);
}

static void test_ws_refuses_what_a_server_must_not_send(void **state)
{
    got_t *got = *state;

    DECODE(got, 0xc1, 0);
    assert_string_equal(got->error, "a reserved bit is set");
    DECODE(got, 0x81, 0x80, 0, 0, 0, 0);
    assert_string_equal(got->error, "a frame is masked");
    DECODE(got, 0x83, 0);
    assert_string_equal(got->error, "an opcode is unknown");
    DECODE(got, 0x09, 0);
    assert_string_equal(got->error, "a control frame is fragmented");
    DECODE(got, 0x89, 126, 0, 126);
    assert_string_equal(got->error, "a control frame is too long");
    DECODE(got, 0x80, 0);
    assert_string_equal(got->error, "a continuation has no beginning");
    DECODE(got, 0x01, 1, 'a', 0x81, 0);
    assert_string_equal(got->error, "a message begins within another");
}

static const char sample_key[] = "dGhlIHNhbXBsZSBub25jZQ==";

static void test_ws_accept_is_that_of_the_rfc(void **state)
{
    char accept[WS_ACCEPT_SIZE], key[WS_KEY_SIZE];

    (void)state;
    ws_key(key, (const uint8_t *)"the sample nonce");
    assert_string_equal(key, sample_key);
    ws_accept(accept, key); /* RFC 6455 section 1.3 */
    assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

static const char *check(const char *lines)
{
    char head[512];

    snprintf(head, sizeof(head), "%s", lines);
    return ws_check_response(head, sample_key);
}

#define ACCEPT "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"

static void test_ws_accepts_a_response_in_any_case_and_order(void **state)
{
    (void)state;
    assert_null(check("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                      "Connection: Upgrade\r\n" ACCEPT));
    assert_null(check("HTTP/1.1 101\r\n" ACCEPT "connection:  keep-alive, upgrade \r\n"
                      "UPGRADE:WebSocket\r\nServer: x\r\n"));
}

static void test_ws_refuses_a_response_that_lacks_something(void **state)
{
    (void)state;
    assert_non_null(check("HTTP/1.1 200 OK\r\nUpgrade: websocket\r\n"
                          "Connection: Upgrade\r\n" ACCEPT));
    assert_non_null(check(""));
    assert_non_null(check("HTTP/1.1 101 x\r\nConnection: Upgrade\r\n" ACCEPT));
    assert_non_null(check("HTTP/1.1 101 x\r\nUpgrade: websocket\r\n"
                          "Connection: upgraded\r\n" ACCEPT));
    assert_non_null(check("HTTP/1.1 101 x\r\nUpgrade: websocket\r\n"
                          "Connection: Upgrade\r\n"));
    assert_non_null(check("HTTP/1.1 101 x\r\nUpgrade: websocket\r\n"
                          "Connection: Upgrade\r\n"
                          "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOp=\r\n"));
    assert_non_null(check("HTTP/1.1 101 x\r\nUpgrade: websocket\r\n"
                          "Connection: Upgrade\r\n" ACCEPT
                          "Sec-WebSocket-Extensions: permessage-deflate\r\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_ws_masks_as_the_rfc_does),
        TEST(test_ws_head_has_the_shortest_size),
        TEST(test_ws_decodes_whatever_the_split),
        TEST(test_ws_decodes_every_size_of_head),
        TEST(test_ws_refuses_what_a_server_must_not_send),
        TEST(test_ws_accept_is_that_of_the_rfc),
        TEST(test_ws_accepts_a_response_in_any_case_and_order),
        TEST(test_ws_refuses_a_response_that_lacks_something),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
