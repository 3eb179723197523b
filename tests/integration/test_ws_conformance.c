/*
 * RFC 6455 as a client sees it, case by case: framing, control frames, reserved bits
 * and opcodes, fragments, the closing handshake.  A row names the section and, where
 * there is one, the number of the same case in the Autobahn test suite.
 *
 * What came before an error or a close is answered before the close is.
 */
#include "ws_case.h"

#define HELLO      "Hello, world!"
#define B5(text)   text text text text text
#define B25(text)  B5(text) B5(text) B5(text) B5(text) B5(text)
#define B125(text) B25(text) B25(text) B25(text) B25(text) B25(text)

enum {
    BLOCK_SIZE = 65536
};

/* ASCII, so that it is text as well; filled by main. */
static char block[4 * BLOCK_SIZE];

/* 1.*: framing ------------------------------------------------------------------- */

#define SIZED(number_, kind, count)                                                    \
    {                                                                                  \
        "5.2" number_ ": a message of " #count " bytes",                               \
            {WS_BLOCK(WS_FIN | (kind), block, count)},                                 \
        {                                                                              \
            WS_BLOCK(WS_FIN | (kind), block, count)                                    \
        }                                                                              \
    }

static const ws_case_t framing[] = {
    SIZED(" (1.1.1)", WS_TEXT, 0),
    SIZED(" (1.1.2)", WS_TEXT, 125),
    SIZED(" (1.1.3)", WS_TEXT, 126),
    SIZED(" (1.1.4)", WS_TEXT, 127),
    SIZED(" (1.1.5)", WS_TEXT, 128),
    SIZED(" (1.1.6)", WS_TEXT, 65535),
    SIZED(" (1.1.7, 1.1.8)", WS_TEXT, 65536),
    SIZED(" (1.2.1)", WS_BINARY, 0),
    SIZED(" (1.2.2)", WS_BINARY, 125),
    SIZED(" (1.2.3)", WS_BINARY, 126),
    SIZED(" (1.2.4)", WS_BINARY, 127),
    SIZED(" (1.2.5)", WS_BINARY, 128),
    SIZED(" (1.2.6)", WS_BINARY, 65535),
    SIZED(" (1.2.7, 1.2.8)", WS_BINARY, 65536),
    {"5.7: the masked Hello of the RFC",
     {BYTES("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58")},
     {TEXT("Hello")}},
    {"5.6: text and binary keep their kinds and their order",
     {TEXT("a"), BINARY("\0\xff\x80"), TEXT("b"), BINARY("")},
     {TEXT("a"), BINARY("\0\xff\x80"), TEXT("b"), BINARY("")}},
    {"5.2: 125 bytes in 16 bits of length",
     {TEXT("a"), BYTES("\x82\xfe\x00\x7d\0\0\0\0")},
     {TEXT("a"), CLOSE(1002, "")}},
    {"5.2: 65535 bytes in 64 bits of length",
     {TEXT("a"), BYTES("\x82\xff\0\0\0\0\0\0\xff\xff\0\0\0\0")},
     {TEXT("a"), CLOSE(1002, "")}},
    {"5.2: a length of 64 bits with the highest set",
     {TEXT("a"), BYTES("\x82\xff\x80\0\0\0\0\0\0\0\0\0\0\0")},
     {TEXT("a"), CLOSE(1002, "")}},
    {"5.2, 7.4.1: a length of 2^63 - 1",
     {TEXT("a"), BYTES("\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0")},
     {TEXT("a"), CLOSE(1009, "")}},
    {"5.1: text without a mask",
     {TEXT("a"), BYTES("\x81\x02hi"), PING("")},
     {TEXT("a"), CLOSE(1002, "")}},
    {"5.1: a ping without a mask",
     {TEXT("a"), BYTES("\x89\x00"), PING("")},
     {TEXT("a"), CLOSE(1002, "")}},
    {"5.1: a close without a mask",
     {TEXT("a"), BYTES("\x88\x02\x03\xe8")},
     {TEXT("a"), CLOSE(1002, "")}},
    {"5.1: a continuation without a mask",
     {TEXT_PART("a"), BYTES("\x80\x01z")},
     {CLOSE(1002, "")}},
};

/* 2.*: pings and pongs ------------------------------------------------------------- */

#define TEN_PINGS                                                                      \
    PING("0"), PING("1"), PING("2"), PING("3"), PING("4"), PING("5"), PING("6"),       \
        PING("7"), PING("8"), PING("9")
#define TEN_PONGS                                                                      \
    PONG("0"), PONG("1"), PONG("2"), PONG("3"), PONG("4"), PONG("5"), PONG("6"),       \
        PONG("7"), PONG("8"), PONG("9")

static const ws_case_t pings[] = {
    {"5.5.2 (2.1): an empty ping", {PING("")}, {PONG("")}},
    {"5.5.3 (2.2): a ping with text", {PING(HELLO)}, {PONG(HELLO)}},
    {"5.5.3 (2.3): a ping with bytes that are no text",
     {PING("\x00\xff\xfe\xfd\xfc\xfb\x00\xff")},
     {PONG("\x00\xff\xfe\xfd\xfc\xfb\x00\xff")}},
    {"5.5 (2.4, 2.6): a ping of 125 bytes", {PING(B125("\xfe"))}, {PONG(B125("\xfe"))}},
    {"5.5 (2.5): a ping of 126 bytes",
     {TEXT("a"), PING(B125("\xfe") "\xfe"), PING("")},
     {TEXT("a"), CLOSE(1002, "")}},
    {"5.5: a pong of 126 bytes",
     {TEXT("a"), PONG(B125("\xfe") "\xfe"), PING("")},
     {TEXT("a"), CLOSE(1002, "")}},
    {"5.5.3 (2.7): an unasked pong is not answered", {PONG("")}, {{0}}},
    {"5.5.3 (2.8): an unasked pong with text", {PONG("unasked")}, {{0}}},
    {"5.5.3 (2.9): a ping after an unasked pong",
     {PONG("unasked"), PING("asked")},
     {PONG("asked")}},
    {"5.5.2 (2.10, 2.11): ten pings get ten pongs in order", {TEN_PINGS}, {TEN_PONGS}},
};

/* 3.*: reserved bits --------------------------------------------------------------- */

#define RESERVED(number_, name_, first)                                                \
    {                                                                                  \
        "5.2" number_ ": " name_, {TEXT(HELLO), WS_FRAME((first), HELLO), PING("")},   \
        {                                                                              \
            TEXT(HELLO), CLOSE(1002, "")                                               \
        }                                                                              \
    }

static const ws_case_t reserved_bits[] = {
    {"5.2 (3.1): RSV3 in the first frame of all",
     {WS_FRAME(WS_FIN | WS_RSV3 | WS_TEXT, HELLO)},
     {CLOSE(1002, "")}},
    RESERVED(" (3.2)", "RSV2 in a text", WS_FIN | WS_RSV2 | WS_TEXT),
    RESERVED(" (3.3)", "RSV2 and RSV3 in a text", WS_FIN | WS_RSV2 | WS_RSV3 | WS_TEXT),
    RESERVED(" (3.4)", "RSV1 in a text", WS_FIN | WS_RSV1 | WS_TEXT),
    RESERVED(
        " (3.5)", "RSV1 and RSV3 in binary", WS_FIN | WS_RSV1 | WS_RSV3 | WS_BINARY),
    RESERVED(" (3.6)", "RSV1 and RSV2 in a ping", WS_FIN | WS_RSV1 | WS_RSV2 | WS_PING),
    {"5.2 (3.7): all reserved bits in a close",
     {TEXT(HELLO), WS_FRAME(WS_FIN | WS_RSV1 | WS_RSV2 | WS_RSV3 | WS_CLOSE, "")},
     {TEXT(HELLO), CLOSE(1002, "")}},
    RESERVED("", "RSV1 in a pong", WS_FIN | WS_RSV1 | WS_PONG),
    {"5.2: RSV1 in a continuation",
     {TEXT_PART("a"), WS_FRAME(WS_FIN | WS_RSV1, "b")},
     {CLOSE(1002, "")}},
};

/* 4.*: opcodes --------------------------------------------------------------------- */

#define OPCODE(number_, opcode_)                                                       \
    {                                                                                  \
        "5.2" number_ ": opcode " #opcode_,                                            \
            {TEXT(HELLO), WS_FRAME(WS_FIN | (opcode_), "x"), PING("")},                \
        {                                                                              \
            TEXT(HELLO), CLOSE(1002, "")                                               \
        }                                                                              \
    }

static const ws_case_t opcodes[] = {
    {"5.2 (4.1.1): opcode 3, empty and first",
     {WS_FRAME(WS_FIN | 3, "")},
     {CLOSE(1002, "")}},
    {"5.2 (4.1.2): opcode 4, first", {WS_FRAME(WS_FIN | 4, "x")}, {CLOSE(1002, "")}},
    OPCODE("", 3),
    OPCODE("", 4),
    OPCODE(" (4.1.3)", 5),
    OPCODE(" (4.1.4)", 6),
    OPCODE(" (4.1.5)", 7),
    {"5.2 (4.2.1): opcode 11, empty and first",
     {WS_FRAME(WS_FIN | 11, "")},
     {CLOSE(1002, "")}},
    {"5.2 (4.2.2): opcode 12, first", {WS_FRAME(WS_FIN | 12, "x")}, {CLOSE(1002, "")}},
    OPCODE("", 11),
    OPCODE("", 12),
    OPCODE(" (4.2.3)", 13),
    OPCODE(" (4.2.4)", 14),
    OPCODE(" (4.2.5)", 15),
    {"5.2: opcode 3 within a message",
     {TEXT_PART("a"), WS_FRAME(WS_FIN | 3, "x"), LAST("b")},
     {CLOSE(1002, "")}},
};

/* 5.*: fragments ------------------------------------------------------------------- */

static const ws_case_t fragments[] = {
    {"5.5 (5.1): a ping in two fragments",
     {WS_FRAME(WS_PING, "fragment1"), LAST("fragment2")},
     {CLOSE(1002, "")}},
    {"5.5 (5.2): a pong in two fragments",
     {WS_FRAME(WS_PONG, "fragment1"), LAST("fragment2")},
     {CLOSE(1002, "")}},
    {"5.5: a close in two fragments",
     {WS_FRAME(WS_CLOSE, "\x03\xe8"), LAST("bye")},
     {CLOSE(1002, "")}},
    {"5.4 (5.3, 5.4, 5.5): text in two fragments",
     {TEXT_PART("fragment1"), LAST("fragment2")},
     {TEXT("fragment1fragment2")}},
    {"5.4: binary in four fragments",
     {BINARY_PART("\0\xff"), MORE(""), MORE("\x80"), LAST("\xc0")},
     {BINARY("\0\xff\x80\xc0")}},
    {"5.4 (5.6, 5.7, 5.8): a ping between two fragments is answered first",
     {TEXT_PART("fragment1"), PING("between"), LAST("fragment2")},
     {PONG("between"), TEXT("fragment1fragment2")}},
    {"5.4 (5.9, 5.10, 5.11): a last fragment of nothing",
     {LAST("of nothing"), TEXT(HELLO)},
     {CLOSE(1002, "")}},
    {"5.4 (5.12, 5.13, 5.14): a fragment of nothing",
     {MORE("of nothing"), TEXT(HELLO)},
     {CLOSE(1002, "")}},
    {"5.4 (5.15): a fragment of nothing behind a message in fragments",
     {TEXT_PART("fragment1"), LAST("fragment2"), MORE("fragment3"), TEXT("fragment4")},
     {TEXT("fragment1fragment2"), CLOSE(1002, "")}},
    {"5.4 (5.16): fragments of nothing before every message",
     {MORE("1"), TEXT_PART("2"), LAST("3"), MORE("1"), TEXT_PART("2"), LAST("3")},
     {CLOSE(1002, "")}},
    {"5.4 (5.17): last fragments of nothing before every message",
     {LAST("1"), TEXT_PART("2"), LAST("3"), LAST("1"), TEXT_PART("2"), LAST("3")},
     {CLOSE(1002, "")}},
    {"5.4 (5.18): another message begins within one",
     {TEXT_PART("fragment1"), TEXT("fragment2")},
     {CLOSE(1002, "")}},
    {"5.4: binary begins within text",
     {TEXT("a"), TEXT_PART("fragment1"), BINARY_PART("fragment2")},
     {TEXT("a"), CLOSE(1002, "")}},
    {"5.4 (5.19, 5.20): pings between five fragments",
     {TEXT_PART("fragment1"), MORE("fragment2"), PING("pongme 1!"), MORE("fragment3"),
      MORE("fragment4"), PING("pongme 2!"), LAST("fragment5")},
     {PONG("pongme 1!"), PONG("pongme 2!"),
      TEXT("fragment1fragment2fragment3fragment4fragment5")}},
    {"5.4: a pong between fragments",
     {TEXT_PART("a"), PONG("unasked"), LAST("b")},
     {TEXT("ab")}},
    {"5.4 (6.1.2): three empty fragments",
     {TEXT_PART(""), MORE(""), LAST("")},
     {TEXT("")}},
    {"5.4 (6.1.3): empty fragments around one that is not",
     {TEXT_PART(""), MORE("middle"), LAST("")},
     {TEXT("middle")}},
    {"5.4: messages in fragments one after the other",
     {TEXT_PART("a"), LAST("b"), BINARY_PART("c"), LAST("d"), TEXT_PART(""), LAST("")},
     {TEXT("ab"), BINARY("cd"), TEXT("")}},
};

/* 7.*: close ----------------------------------------------------------------------- */

static const ws_case_t closing[] = {
    {"5.5.1 (7.1.1): a message, then a close",
     {TEXT(HELLO), CLOSE(1000, "")},
     {TEXT(HELLO), CLOSE(1000, "")}},
    {"5.5.1 (7.1.2): two closes",
     {CLOSE(1000, ""), CLOSE(1001, "")},
     {CLOSE(1000, "")}},
    {"5.5.1 (7.1.3): a ping after a close",
     {CLOSE(1000, ""), PING("late")},
     {CLOSE(1000, "")}},
    {"5.5.1 (7.1.4): a message after a close",
     {CLOSE(1000, ""), TEXT(HELLO)},
     {CLOSE(1000, "")}},
    {"5.5.1 (7.1.5): a close within a message",
     {TEXT_PART("fragment1"), CLOSE(1000, ""), LAST("fragment2")},
     {CLOSE(1000, "")}},
    {"5.5.1 (7.1.6): 256 KiB, a message, a close and a ping",
     {WS_BLOCK(WS_FIN | WS_TEXT, block, sizeof(block)), TEXT(HELLO), CLOSE(1000, ""),
      PING("")},
     {WS_BLOCK(WS_FIN | WS_TEXT, block, sizeof(block)), TEXT(HELLO), CLOSE(1000, "")}},
    {"5.5.1: pings, then a close",
     {PING("1"), PING("2"), PING("3"), CLOSE(3000, "")},
     {PONG("1"), PONG("2"), PONG("3"), CLOSE(3000, "")}},
    {"5.5.1: an error after a close",
     {CLOSE(1000, ""), WS_FRAME(WS_FIN | 3, "")},
     {CLOSE(1000, "")}},
    {"5.5.1 (7.3.1): a close without a code", {CLOSE_EMPTY}, {CLOSE_EMPTY}},
    {"5.5.1 (7.3.2): a close with half a code",
     {TEXT("a"), WS_FRAME(WS_FIN | WS_CLOSE, "x")},
     {TEXT("a"), CLOSE(1002, "")}},
    {"5.5.1 (7.3.3): a close with a code", {CLOSE(1000, "")}, {CLOSE(1000, "")}},
    {"5.5.1 (7.3.4): a close with a reason", {CLOSE(1000, HELLO)}, {CLOSE(1000, "")}},
    {"5.5.1 (7.3.5): a close with a reason of 123 bytes",
     {CLOSE(1000, B25("****") B5("****") "***")},
     {CLOSE(1000, "")}},
    {"5.5 (7.3.6): a close with a reason of 124 bytes",
     {TEXT("a"), CLOSE(1000, B25("****") B5("****") "****")},
     {TEXT("a"), CLOSE(1002, "")}},
    {"8.1 (7.5.1): a reason that is not UTF-8",
     {TEXT("a"), CLOSE(1000,
                       "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5"
                       "\xed\xa0\x80"
                       "edited")},
     {TEXT("a"), CLOSE(1007, "")}},
    {"8.1: a reason that ends within a character",
     {TEXT("a"), CLOSE(1000, "\xce\xba\xe1")},
     {TEXT("a"), CLOSE(1007, "")}},
    {"5.5.1: a reason of many characters",
     {CLOSE(1000, "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xf0\x9f\x90\xa0")},
     {CLOSE(1000, "")}},
};

/* 7.7: codes that an endpoint may send; 7.9: those it may not.  7.13 (5000 and beyond)
 * is not defined, so any code that says so will do; here it is a protocol error. */
static const uint16_t valid_codes[] = {1000, 1001, 1002, 1003, 1007, 1008,
                                       1009, 1010, 1011, 1012, 1013, 1014,
                                       3000, 3001, 3999, 4000, 4001, 4999};
static const uint16_t invalid_codes[] = {0,    1,    100,  999,  1004, 1005,
                                         1006, 1015, 1016, 1100, 1999, 2000,
                                         2500, 2999, 5000, 9999, 65535};

static void expect_code(const server_t *server,
                        ws_client_t *client,
                        const ws_case_t *model,
                        uint16_t sent,
                        uint16_t expected)
{
    ws_case_t row = *model;

    for (size_t i = 0; row.sent[i].data != NULL; i++) {
        row.sent[i].code = sent;
    }
    for (size_t i = 0; row.expected[i].data != NULL; i++) {
        row.expected[i].code = expected;
    }
    ws_case_run(server, &row, client);
}

static void run_valid_code(const server_t *server, const void *row, ws_client_t *client)
{
    static const ws_case_t bare = {.sent = {CLOSE(0, "")}, .expected = {CLOSE(0, "")}};
    static const ws_case_t full = {.sent = {CLOSE(0, "for \xe2\x82\xac"
                                                     "5")},
                                   .expected = {CLOSE(0, "")}};
    uint16_t code = *(const uint16_t *)row;

    expect_code(server, client, &bare, code, code);
    expect_code(server, client, &full, code, code);
}

static void
run_invalid_code(const server_t *server, const void *row, ws_client_t *client)
{
    static const ws_case_t bare = {.sent = {TEXT("a"), CLOSE(0, "")},
                                   .expected = {TEXT("a"), CLOSE(0, "")}};
    static const ws_case_t full = {.sent = {TEXT("a"), CLOSE(0, "reason")},
                                   .expected = {TEXT("a"), CLOSE(0, "")}};

    expect_code(server, client, &bare, *(const uint16_t *)row, 1002);
    expect_code(server, client, &full, *(const uint16_t *)row, 1002);
}

/* Masks ---------------------------------------------------------------------------- */

static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

enum {
    MASK_SIZES = 160,
    MASK_BYTES = MASK_SIZES * (MASK_SIZES + WS_MAX_HEAD)
};

/* Section 5.3: a mask of its own for each frame; all in one write, so that payloads
 * begin at every alignment. */
static void run_masks(const server_t *server, const void *row, ws_client_t *client)
{
    static uint8_t all[MASK_BYTES];
    size_t size = 0;
    uint32_t random = *(const uint32_t *)row;

    for (size_t i = 0; i < MASK_SIZES; i++) {
        uint32_t mask = next_random(&random);
        uint8_t bytes[4];

        memcpy(bytes, &mask, sizeof(bytes));
        size += ws_client_write_masked(all + size, WS_FIN | WS_BINARY, bytes, block, i);
    }
    ws_client_open(client, server->port);
    ws_client_send_raw(client, all, size);
    for (size_t i = 0; i < MASK_SIZES; i++) {
        ws_client_expect(client, WS_BINARY, block, i);
    }
    ws_case_end(client, false);
}

/* Opening handshakes --------------------------------------------------------------- */

#define REQUEST(line, upgrade)                                                         \
    line "\r\nHost: reef.example:80\r\n" upgrade                                       \
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"                             \
         "Sec-WebSocket-Version: 13\r\n\r\n"
#define PLAIN "Upgrade: websocket\r\nConnection: Upgrade\r\n"

typedef struct handshake {
    const char *section; /* of RFC 6455 */
    const char *name;
    const char *request;
} handshake_t;

static const handshake_t handshakes[] = {
    {"4.2.1", "names of headers in any case",
     "GET / HTTP/1.1\r\nHOST: a\r\nuPGRADE: websocket\r\nconnection: Upgrade\r\n"
     "sec-websocket-KEY: dGhlIHNhbXBsZSBub25jZQ==\r\n"
     "SEC-WEBSOCKET-VERSION: 13\r\n\r\n"},
    {"4.2.1", "values of Upgrade and Connection in any case",
     REQUEST("GET / HTTP/1.1", "Upgrade: WebSocket\r\nConnection: uPGRADE\r\n")},
    {"4.2.1", "Upgrade among other tokens of Connection",
     REQUEST("GET / HTTP/1.1",
             "Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n")},
    {"4.2.1", "blanks around values, or none",
     REQUEST("GET / HTTP/1.1", "Upgrade:\t websocket \r\nConnection:Upgrade\t\r\n")},
    {"4.2.1", "any other headers",
     REQUEST("GET / HTTP/1.1",
             PLAIN "Cookie: a=b\r\nUser-Agent: x/1 (y; z)\r\n"
                   "Empty:\r\n")},
    {"4.2.1", "a path with a query", REQUEST("GET /a/b%20c?d=e&f=%2F HTTP/1.1", PLAIN)},
    {"9.1", "an extension that nobody knows",
     REQUEST("GET / HTTP/1.1",
             PLAIN "Sec-WebSocket-Extensions: x-unknown; a=1; b=\"2\"\r\n")},
    {"4.2.2", "a subprotocol that nobody knows",
     REQUEST("GET / HTTP/1.1", PLAIN "Sec-WebSocket-Protocol: x-unknown\r\n")},
};

static void run_handshake(const server_t *server, const void *row, ws_client_t *client)
{
    const handshake_t *handshake = row;
    char head[4096];
    char value[128];

    ws_client_connect(client, server->port);
    ws_client_send_raw(client, handshake->request, strlen(handshake->request));
    assert_int_equal(ws_client_receive_head(client, head, sizeof(head)), 101);
    assert_true(ws_client_head_value(head, "Upgrade", value, sizeof(value)));
    assert_string_equal(value, "websocket");
    assert_true(ws_client_head_value(head, "Connection", value, sizeof(value)));
    assert_string_equal(value, "Upgrade");
    assert_false(
        ws_client_head_value(head, "Sec-WebSocket-Extensions", value, sizeof(value)));
    assert_false(
        ws_client_head_value(head, "Sec-WebSocket-Protocol", value, sizeof(value)));
    ws_client_say(client, "are you there?");
    ws_client_expect_text(client, "are you there?");
    ws_case_end(client, false);
}

int main(void)
{
    static const uint32_t seeds[] = {1, 20, 300, 4000};
    ws_suite_t suite = {.program = ECHO_EXAMPLE};

    for (size_t i = 0; i < sizeof(block); i++) {
        block[i] = "BAsd7&jh23"[i % 10];
    }
    for (size_t i = 0; i < COUNT_OF(handshakes); i++) {
        ws_suite_add(&suite, run_handshake, &handshakes[i], "RFC 6455 %s: %s",
                     handshakes[i].section, handshakes[i].name);
    }
    ws_suite_add_cases(&suite, framing, COUNT_OF(framing));
    for (size_t i = 0; i < COUNT_OF(seeds); i++) {
        ws_suite_add(&suite, run_masks, &seeds[i],
                     "RFC 6455 5.3: masks of their own, seed %u", seeds[i]);
    }
    ws_suite_add_cases(&suite, pings, COUNT_OF(pings));
    ws_suite_add_cases(&suite, reserved_bits, COUNT_OF(reserved_bits));
    ws_suite_add_cases(&suite, opcodes, COUNT_OF(opcodes));
    ws_suite_add_cases(&suite, fragments, COUNT_OF(fragments));
    ws_suite_add_cases(&suite, closing, COUNT_OF(closing));
    for (size_t i = 0; i < COUNT_OF(valid_codes); i++) {
        ws_suite_add(&suite, run_valid_code, &valid_codes[i],
                     "RFC 6455 7.4 (7.7): a close with %d", valid_codes[i]);
    }
    for (size_t i = 0; i < COUNT_OF(invalid_codes); i++) {
        ws_suite_add(&suite, run_invalid_code, &invalid_codes[i],
                     "RFC 6455 7.4 (7.9, 7.13): a close with %d", invalid_codes[i]);
    }
    return ws_suite_run(&suite, "test_ws_conformance");
}
