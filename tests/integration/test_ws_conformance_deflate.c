/*
 * Compressed messages (RFC 7692): what is offered and answered, the examples of the
 * RFC, conversations with every pair of parameters, and what is wrong or too much.
 *
 * The numbers in parentheses are those of the same cases in the Autobahn test
 * suite: 12.* has five kinds of data, 13.* seven offers, each with 18 sizes.
 */
#include "deflate_client.h"
#include "ws_case.h"

#define KI ((size_t)1024)
#define MI (KI * KI)

/* Negotiation ------------------------------------------------------------------------
 */

#define PMD "permessage-deflate"

typedef struct offer {
    const char *section; /* of RFC 7692 */
    const char *value;   /* of Sec-WebSocket-Extensions */
    bool is_accepted;
    bool server_resets; /* must be in the response */
    int server_bits;    /* at most; 0 = not asked for */
    int client_bits;    /* at most; 0 = may not be in the response */
} offer_t;

static const offer_t offers[] = {
    {"7.1", PMD, true, false, 0, 0},
    {"7.1.1.1", PMD "; server_no_context_takeover", true, true, 0, 0},
    {"7.1.1.2", PMD "; client_no_context_takeover", true, false, 0, 0},
    {"7.1.2.1", PMD "; server_max_window_bits=15", true, false, 15, 0},
    {"7.1.2.1", PMD "; server_max_window_bits=10", true, false, 10, 0},
    {"7.1.2.1", PMD "; server_max_window_bits=9", true, false, 9, 0},
    {"7.1.2.2", PMD "; client_max_window_bits", true, false, 0, 15},
    {"7.1.2.2", PMD "; client_max_window_bits=15", true, false, 0, 15},
    {"7.1.2.2", PMD "; client_max_window_bits=9", true, false, 0, 9},
    {"7.1.2.2", PMD "; client_max_window_bits=8", true, false, 0, 8},
    {"7.1",
     PMD "; server_no_context_takeover; client_no_context_takeover; "
         "server_max_window_bits=12; client_max_window_bits=11",
     true, true, 12, 11},
    {"7.1", PMD ";server_no_context_takeover;server_max_window_bits=12", true, true, 12,
     0},
    {"7.1", PMD "; server_max_window_bits=\"12\"", true, false, 12, 0},
    {"5", "x-unknown, " PMD, true, false, 0, 0},
    {"5", "x-unknown; a=1\r\nSec-WebSocket-Extensions: " PMD, true, false, 0, 0},
    {"5", PMD "; server_max_window_bits=77, " PMD, true, false, 0, 0},
    {"5", PMD "; x-unknown, " PMD "; server_no_context_takeover", true, true, 0, 0},
    {"5.1", PMD "; server_max_window_bits=10, " PMD, true, false, 10, 0},
    {"7.1", PMD "; x-unknown", false, false, 0, 0},
    {"7.1", PMD "; x-unknown=1", false, false, 0, 0},
    {"7.1.1.1", PMD "; server_no_context_takeover=1", false, false, 0, 0},
    {"7.1.1.2", PMD "; client_no_context_takeover=true", false, false, 0, 0},
    {"7.1.2.1", PMD "; server_max_window_bits", false, false, 0, 0},
    {"7.1.2.1", PMD "; server_max_window_bits=7", false, false, 0, 0},
    {"7.1.2.1", PMD "; server_max_window_bits=16", false, false, 0, 0},
    {"7.1.2.1", PMD "; server_max_window_bits=010", false, false, 0, 0},
    {"7.1.2.1", PMD "; server_max_window_bits=1e1", false, false, 0, 0},
    {"7.1.2.1", PMD "; server_max_window_bits=-9", false, false, 0, 0},
    {"7.1.2.2", PMD "; client_max_window_bits=7", false, false, 0, 0},
    {"7.1.2.2", PMD "; client_max_window_bits=16", false, false, 0, 0},
    {"7.1.2.2", PMD "; client_max_window_bits=08", false, false, 0, 0},
    {"7.1", PMD "; server_no_context_takeover; server_no_context_takeover", false,
     false, 0, 0},
    {"7.1", PMD "; client_max_window_bits; client_max_window_bits=10", false, false, 0,
     0},
    {"5", "x-webkit-deflate-frame", false, false, 0, 0},
    {"5", "permessage-bzip2, permessage-deflates", false, false, 0, 0},
};

static void expect_echo(deflate_client_t *client, const char *text, size_t size)
{
    ws_frame_t frame;

    deflate_client_send(client, WS_TEXT, text, size, 0);
    deflate_client_receive(client, &frame);
    assert_int_equal(frame.opcode, WS_TEXT);
    assert_int_equal(frame.size, size);
    assert_memory_equal(frame.data, text, size);
}

static void run_offer(const server_t *server, const void *row, ws_client_t *ws)
{
    const offer_t *offer = row;
    deflate_client_t client;

    deflate_client_open(&client, ws, server->port, offer->value);
    assert_int_equal(client.is_agreed, offer->is_accepted);
    if (offer->server_resets) {
        assert_true(client.server_resets);
    }
    if (offer->server_bits > 0) {
        assert_true(client.tells_server_bits);
        assert_in_range(client.server_bits, 8, offer->server_bits);
    }
    if (client.tells_client_bits) {
        assert_in_range(client.client_bits, 8, offer->client_bits);
    }
    expect_echo(&client, "with it or without", 18);
    deflate_client_finish(&client);
    ws_case_end(ws, false);
}

/* RFC 6455 section 9.1: a header that is not well-formed fails the connection. */
static void run_malformed(const server_t *server, const void *row, ws_client_t *ws)
{
    char request[512];
    int size = snprintf(request, sizeof(request),
                        WS_HANDSHAKE "Sec-WebSocket-Extensions: %s\r\n\r\n",
                        *(const char *const *)row);

    ws_client_connect(ws, server->port);
    ws_client_send_raw(ws, request, (size_t)size);
    assert_int_equal(ws_client_receive_status(ws), 400);
}

/* Frames -----------------------------------------------------------------------------
 */

#define RSV1_TEXT      (WS_FIN | WS_RSV1 | WS_TEXT)
#define RSV1_BINARY    (WS_FIN | WS_RSV1 | WS_BINARY)
#define RSV1_TEXT_PART (WS_RSV1 | WS_TEXT)
#define HELLO          "\xf2\x48\xcd\xc9\xc9\x07\x00"

/* Titles begin with a section of RFC 7692.  What is expected is what was compressed. */
static const ws_case_t frames[] = {
    {"7.2.3.1: one block", {WS_FRAME(RSV1_TEXT, HELLO)}, {TEXT("Hello")}},
    {"7.2.3.1: one block in two fragments",
     {WS_FRAME(RSV1_TEXT_PART, "\xf2\x48\xcd"), LAST("\xc9\xc9\x07\x00")},
     {TEXT("Hello")}},
    {"6.1: a ping between compressed fragments",
     {WS_FRAME(RSV1_TEXT_PART, "\xf2\x48\xcd"), PING("x"), MORE(""),
      LAST("\xc9\xc9\x07\x00")},
     {PONG("x"), TEXT("Hello")}},
    {"7.2.3.2: the window is kept",
     {WS_FRAME(RSV1_TEXT, HELLO), WS_FRAME(RSV1_TEXT, "\xf2\x00\x11\x00\x00")},
     {TEXT("Hello"), TEXT("Hello")}},
    {"7.2.3.3: a block without compression",
     {WS_FRAME(RSV1_TEXT, "\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00")},
     {TEXT("Hello")}},
    {"7.2.3.4: a last block, and another message",
     {WS_FRAME(RSV1_TEXT, "\xf3\x48\xcd\xc9\xc9\x07\x00\x00"),
      WS_FRAME(RSV1_TEXT, HELLO)},
     {TEXT("Hello"), TEXT("Hello")}},
    {"7.2.3.5: two blocks",
     {WS_FRAME(RSV1_TEXT, "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00")},
     {TEXT("Hello")}},
    {"7.2.3.6: an empty message", {WS_FRAME(RSV1_TEXT, "\x00")}, {TEXT("")}},
    {"7.2.3.6: an empty message in two fragments",
     {WS_FRAME(RSV1_TEXT_PART, ""), LAST("\x00")},
     {TEXT("")}},
    {"6: a compressed binary message",
     {WS_FRAME(RSV1_BINARY, HELLO)},
     {BINARY("Hello")}},
    {"6: messages may be left uncompressed",
     {TEXT("plain"), WS_FRAME(RSV1_TEXT, HELLO), TEXT_PART("pl"), LAST("ain"),
      WS_FRAME(RSV1_TEXT, "\xf2\x00\x11\x00\x00")},
     {TEXT("plain"), TEXT("Hello"), TEXT("plain"), TEXT("Hello")}},
    {"6.1: RSV1 in a later fragment",
     {TEXT("a"), WS_FRAME(RSV1_TEXT_PART, "\xf2\x48\xcd"),
      WS_FRAME(WS_FIN | WS_RSV1, "\xc9\xc9\x07\x00")},
     {TEXT("a"), CLOSE(1002, "")}},
    {"6.1: RSV1 in a later fragment only",
     {TEXT("a"), TEXT_PART("b"), WS_FRAME(WS_FIN | WS_RSV1, HELLO)},
     {TEXT("a"), CLOSE(1002, "")}},
    {"6.1: RSV1 in a ping",
     {TEXT("a"), WS_FRAME(WS_FIN | WS_RSV1 | WS_PING, HELLO)},
     {TEXT("a"), CLOSE(1002, "")}},
    {"6.1: RSV1 in a close",
     {TEXT("a"), WS_FRAME(WS_FIN | WS_RSV1 | WS_CLOSE, "\x03\xe8")},
     {TEXT("a"), CLOSE(1002, "")}},
    {"6: RSV2 in a compressed message",
     {TEXT("a"), WS_FRAME(RSV1_TEXT | WS_RSV2, HELLO)},
     {TEXT("a"), CLOSE(1002, "")}},
    {"7.2.2: no such kind of block",
     {TEXT("a"), WS_FRAME(RSV1_TEXT, "\xff\xff\xff\xff")},
     {TEXT("a"), CLOSE(1007, "")}},
    {"7.2.2: a reference to before the first byte",
     {TEXT("a"), WS_FRAME(RSV1_TEXT, "\xf2\x00\x11\x00\x00")},
     {TEXT("a"), CLOSE(1007, "")}},
    {"7.2.2: a length that is not its complement's",
     {TEXT("a"), WS_FRAME(RSV1_BINARY, "\x00\x05\x00\xfa\xfe\x48\x65\x6c\x6c\x6f\x00")},
     {TEXT("a"), CLOSE(1007, "")}},
    {"7.2.2: text that is not UTF-8 once inflated",
     {TEXT("a"), WS_FRAME(RSV1_TEXT, "\x00\x03\x00\xfc\xff\xed\xa0\x80\x00")},
     {TEXT("a"), CLOSE(1007, "")}},
    {"7.2.2: text that ends within a character once inflated",
     {TEXT("a"), WS_FRAME(RSV1_TEXT, "\x00\x02\x00\xfd\xff\xe2\x82\x00")},
     {TEXT("a"), CLOSE(1007, "")}},
    {"6: compressed bytes need not be UTF-8, nor a character end with its fragment",
     {WS_FRAME(RSV1_TEXT_PART, "\x00\x03\x00\xfc\xff\xe2"), LAST("\x82\xac\x00")},
     {TEXT("\xe2\x82\xac")}},
};

static void run_frames(const server_t *server, const void *row, ws_client_t *ws)
{
    const ws_case_t *frame_case = row;

    for (int style = 0; style < WS_STYLE_COUNT; style++) {
        deflate_client_t client;
        bool has_closed = false;

        deflate_client_open(&client, ws, server->port, PMD);
        assert_true(client.is_agreed);
        ws->label = "(compressed) ";
        ws_case_send(ws, frame_case->sent, (ws_style_t)style);
        for (const ws_step_t *step = frame_case->expected; step->data != NULL; step++) {
            ws_frame_t frame;

            deflate_client_receive(&client, &frame);
            ws_case_check(ws, step, &frame);
            has_closed = frame.opcode == WS_CLOSE;
        }
        deflate_client_finish(&client);
        ws_case_end(ws, has_closed);
    }
}

/* Conversations ----------------------------------------------------------------------
 */

typedef enum kind {
    KIND_PROSE, /* words */
    KIND_IMAGE, /* neighbours that differ a little */
    KIND_MIXED, /* noise and structure by turns, as in a PDF */
    KIND_JSON,
    KIND_HTML,
    KIND_COUNT
} kind_t;

typedef struct extent {
    size_t size;     /* of a message */
    size_t fragment; /* bytes per frame; 0 = all */
} extent_t;

static const extent_t extents[] = {
    {16, 0},
    {64, 0},
    {256, 0},
    {1 * KI, 0},
    {4 * KI, 0},
    {8 * KI, 0},
    {16 * KI, 0},
    {32 * KI, 0},
    {64 * KI, 0},
    {128 * KI, 0},
    {8 * KI, 256},
    {16 * KI, 256},
    {32 * KI, 256},
    {64 * KI, 256},
    {128 * KI, 256},
    {128 * KI, 1 * KI},
    {128 * KI, 4 * KI},
    {128 * KI, 32 * KI},
};

enum {
    DATA_SIZE = 512 * KI,
    ROW_BYTES = 128 * KI, /* that a conversation is scaled to */
    MIN_MESSAGES = 2,
    MAX_MESSAGES = 40,
    SURELY_COMPRESSED = 1 * KI, /* text of this size does not come back as it is */
};

static char data[KIND_COUNT][DATA_SIZE];

typedef struct talk {
    const char *offer;
    kind_t kind;
    extent_t extent;
} talk_t;

static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static void fill_words(char *out, size_t size, const char *const *words, size_t count)
{
    uint32_t random = 2463534242;

    for (size_t used = 0; used < size;) {
        const char *word = words[next_random(&random) % count];

        while (*word != '\0' && used < size) {
            out[used++] = *word++;
        }
    }
}

static void fill_image(char *out, size_t size)
{
    uint32_t random = 88675123;

    for (size_t i = 0; i < size; i++) {
        out[i] = (char)(i / 512 / 4 + i % 512 / 4 + next_random(&random) % 3);
    }
}

/* Every other piece of four KiB is noise. */
static void add_noise(char *out, size_t size)
{
    uint32_t random = 521288629;

    for (size_t i = 0; i < size; i++) {
        uint32_t noise = next_random(&random);

        if (i / 4096 % 2 == 1) {
            out[i] = (char)noise;
        }
    }
}

static void fill(void)
{
    static const char *const prose[] = {"tide ",  "coral ", "the ",           "and ",
                                        "fish, ", "reef. ", "w\xc3\xa4rmer ", "deep "};
    static const char *const json[] = {
        "{\"id\":", "17", "42", ",\"x\":", "0.5", "-1.25", "},", "\"name\":\"eel\""};
    static const char *const html[] = {"<div class=\"", "row\">",      "</div>\n",
                                       "<a href=\"/",   "entities\">", "</a>",
                                       "text ",         "&amp;"};

    fill_words(data[KIND_PROSE], DATA_SIZE, prose, COUNT_OF(prose));
    fill_image(data[KIND_IMAGE], DATA_SIZE);
    fill_words(data[KIND_MIXED], DATA_SIZE, prose, COUNT_OF(prose));
    add_noise(data[KIND_MIXED], DATA_SIZE);
    fill_words(data[KIND_JSON], DATA_SIZE, json, COUNT_OF(json));
    fill_words(data[KIND_HTML], DATA_SIZE, html, COUNT_OF(html));
}

static size_t message_count(size_t size)
{
    size_t count = ROW_BYTES / size;

    return count < MIN_MESSAGES   ? MIN_MESSAGES
           : count > MAX_MESSAGES ? MAX_MESSAGES
                                  : count;
}

static void run_talk(const server_t *server, const void *row, ws_client_t *ws)
{
    const talk_t *talk = row;
    size_t size = talk->extent.size;
    size_t count = message_count(size);
    bool is_text = talk->kind == KIND_JSON || talk->kind == KIND_HTML; /* ASCII */
    uint8_t opcode = is_text ? WS_TEXT : WS_BINARY;
    deflate_client_t client;
    size_t at = 0;

    deflate_client_open(&client, ws, server->port, talk->offer);
    for (size_t i = 0; i < count; i++) {
        const char *message = data[talk->kind] + at;
        ws_frame_t frame;

        deflate_client_send(&client, opcode, message, size, talk->extent.fragment);
        deflate_client_receive(&client, &frame);
        assert_int_equal(frame.opcode, opcode);
        assert_int_equal(frame.size, size);
        assert_memory_equal(frame.data, message, size);
        if (client.is_agreed && is_text && size >= SURELY_COMPRESSED) {
            assert_true(frame.compressed);
        }
        at += at + 2 * size <= DATA_SIZE ? size : 0;
    }
    deflate_client_finish(&client);
    ws_case_end(ws, false);
}

/* Too much ---------------------------------------------------------------------------
 */

typedef struct bomb {
    uint8_t opcode;
    size_t fragment;
} bomb_t;

/* A message of 64 MiB in 64 KiB */
static void run_bomb(const server_t *server, const void *row, ws_client_t *ws)
{
    enum {
        INFLATED = 64 * MI,
        GROWTH = 8 * MI
    };
    const bomb_t *bomb = row;
    size_t before = process_memory_bytes(&server->process);
    char *zeroes = calloc(1, INFLATED);
    deflate_client_t client;

    assert_non_null(zeroes);
    deflate_client_open(&client, ws, server->port, PMD);
    assert_true(client.is_agreed);
    ws->label = "(bomb) ";
    for (int i = 0; i < 3; i++) { /* within the limit */
        expect_echo(&client, zeroes, 1 * MI);
    }
    deflate_client_send(&client, bomb->opcode, zeroes, INFLATED, bomb->fragment);
    free(zeroes);
    ws_client_expect_close(ws, 1009, NULL);
    deflate_client_finish(&client);
    ws_case_end(ws, true);
    server_expect_memory(server, before, GROWTH);
}

/* Windows are kept within websocket.deflate_memory, 64 KiB each by default. */
static void run_crowd(const server_t *server, const void *row, ws_client_t *ws)
{
    enum {
        CLIENTS = 100,
        EACH = 64 * KI + 32 * KI, /* the rest of a connection besides */
        SLACK = 8 * MI
    };
    size_t before = process_memory_bytes(&server->process);
    ws_client_t crowd[CLIENTS] = {0};
    deflate_client_t clients[CLIENTS];

    (void)row, (void)ws;
    for (size_t i = 0; i < CLIENTS; i++) {
        deflate_client_open(&clients[i], &crowd[i], server->port,
                            PMD "; client_max_window_bits");
        assert_true(clients[i].is_agreed);
        expect_echo(&clients[i], data[KIND_JSON], 64 * KI);
        expect_echo(&clients[i], data[KIND_HTML], 64 * KI);
    }
    server_expect_memory(server, before, (size_t)CLIENTS * EACH + SLACK);
    for (size_t i = 0; i < CLIENTS; i++) {
        expect_echo(&clients[i], data[KIND_HTML], 64 * KI);
        deflate_client_finish(&clients[i]);
        ws_case_end(&crowd[i], false);
    }
}

/* Without context takeover
 * ------------------------------------------------------------- */

static void
run_without_takeover(const server_t *server, const void *row, ws_client_t *ws)
{
    deflate_client_t client;

    deflate_client_open(&client, ws, server->port, row);
    assert_true(client.is_agreed);
    assert_true(client.client_resets && client.server_resets);
    for (int i = 0; i < 3; i++) {
        expect_echo(&client, data[KIND_JSON], 16 * KI);
        expect_echo(&client, data[KIND_HTML] + i, 300);
    }
    deflate_client_finish(&client);
    ws_case_end(ws, false);
}

static void run_disabled(const server_t *server, const void *row, ws_client_t *ws)
{
    deflate_client_t client;

    deflate_client_open(&client, ws, server->port, row);
    assert_false(client.is_agreed);
    ws_client_send(ws, WS_FIN | WS_RSV1 | WS_TEXT, HELLO, sizeof(HELLO) - 1);
    ws_client_expect_close(ws, 1002, NULL);
    ws_case_end(ws, true);
}

/* The suites -------------------------------------------------------------------------
 */

static const char *const kind_names[] = {"prose", "an image", "noise and prose", "JSON",
                                         "HTML"};

/* What the suite's client says by default, and what it asks of the server in 13.*. */
#define DEFAULT_OFFER PMD "; client_no_context_takeover; client_max_window_bits"
static const char *const suite_offers[] = {
    DEFAULT_OFFER,
    DEFAULT_OFFER "; server_no_context_takeover",
    DEFAULT_OFFER "; server_max_window_bits=9",
    DEFAULT_OFFER "; server_max_window_bits=15",
    DEFAULT_OFFER "; server_no_context_takeover; server_max_window_bits=9",
    DEFAULT_OFFER "; server_no_context_takeover; server_max_window_bits=15",
    DEFAULT_OFFER
    "; server_no_context_takeover; server_max_window_bits=9, " DEFAULT_OFFER
    "; server_no_context_takeover, " DEFAULT_OFFER,
};

static void
add_talk(ws_suite_t *suite, talk_t *talk, const talk_t *value, int group, size_t index)
{
    *talk = *value;
    ws_suite_add(suite, run_talk, talk,
                 "RFC 7692 7.2 (%d.%zu.%zu): %s, %zu bytes, frames of %zu", group,
                 index / COUNT_OF(extents) + 1, index % COUNT_OF(extents) + 1,
                 group == 12 ? kind_names[talk->kind]
                             : talk->offer + sizeof(DEFAULT_OFFER) - 1,
                 talk->extent.size, talk->extent.fragment);
}

enum {
    DATA_TALKS = KIND_COUNT * COUNT_OF(extents),
    OFFER_TALKS = COUNT_OF(suite_offers) * COUNT_OF(extents),
};

static void add_suite_talks(ws_suite_t *suite)
{
    static talk_t of_data[DATA_TALKS];
    static talk_t of_offers[OFFER_TALKS];

    for (size_t i = 0; i < DATA_TALKS; i++) {
        add_talk(suite, &of_data[i],
                 &(talk_t){DEFAULT_OFFER, (kind_t)(i / COUNT_OF(extents)),
                           extents[i % COUNT_OF(extents)]},
                 12, i);
    }
    for (size_t i = 0; i < OFFER_TALKS; i++) {
        add_talk(suite, &of_offers[i],
                 &(talk_t){suite_offers[i / COUNT_OF(extents)], KIND_JSON,
                           extents[i % COUNT_OF(extents)]},
                 13, i);
    }
}

/* Every pair of parameters of the two directions.  A server may decline a window of 8
 * bits for itself: what matters is that both sides do as was agreed. */
static void add_matrix(ws_suite_t *suite)
{
    enum {
        SERVER_SIDE = 10,
        CLIENT_SIDE = 12
    };
    static const char *const server_side[SERVER_SIDE] = {
        "",
        "; server_max_window_bits=8",
        "; server_max_window_bits=9",
        "; server_max_window_bits=12",
        "; server_max_window_bits=15",
        "; server_no_context_takeover",
        "; server_no_context_takeover; server_max_window_bits=8",
        "; server_no_context_takeover; server_max_window_bits=9",
        "; server_no_context_takeover; server_max_window_bits=12",
        "; server_no_context_takeover; server_max_window_bits=15"};
    static const char *const client_side[CLIENT_SIDE] = {
        "",
        "; client_max_window_bits",
        "; client_max_window_bits=8",
        "; client_max_window_bits=9",
        "; client_max_window_bits=12",
        "; client_max_window_bits=15",
        "; client_no_context_takeover",
        "; client_no_context_takeover; client_max_window_bits",
        "; client_no_context_takeover; client_max_window_bits=8",
        "; client_no_context_takeover; client_max_window_bits=9",
        "; client_no_context_takeover; client_max_window_bits=12",
        "; client_no_context_takeover; client_max_window_bits=15"};
    static char texts[SERVER_SIDE * CLIENT_SIDE][192];
    static talk_t talks[SERVER_SIDE * CLIENT_SIDE];

    for (size_t i = 0; i < COUNT_OF(talks); i++) {
        snprintf(texts[i], sizeof(texts[i]), PMD "%s%s", server_side[i % SERVER_SIDE],
                 client_side[i / SERVER_SIDE]);
        talks[i] = (talk_t){texts[i], KIND_HTML, {12000, i % 3 * 1000}};
        ws_suite_add(suite, run_talk, &talks[i], "RFC 7692 7.1: %s", texts[i]);
    }
}

static int run_with_takeover(void)
{
    static const char *const settings[] = {"websocket.permessage_deflate=true",
                                           "websocket.deflate_min_size=64", NULL};
    static const char *const malformed[] = {
        PMD ";", PMD "; =1", PMD "; a=", PMD "; a=\"", "; " PMD, PMD " a"};
    static const bomb_t bombs[] = {{WS_TEXT, 0}, {WS_BINARY, 0}, {WS_BINARY, 1 * KI}};
    ws_suite_t suite = {.program = ECHO_EXAMPLE, .settings = settings};

    for (size_t i = 0; i < COUNT_OF(offers); i++) {
        ws_suite_add(&suite, run_offer, &offers[i], "RFC 7692 %s: %s",
                     offers[i].section, offers[i].value);
    }
    for (size_t i = 0; i < COUNT_OF(malformed); i++) {
        ws_suite_add(&suite, run_malformed, &malformed[i], "RFC 6455 9.1: %s",
                     malformed[i]);
    }
    for (size_t i = 0; i < COUNT_OF(frames); i++) {
        ws_suite_add(&suite, run_frames, &frames[i], "RFC 7692 %s", frames[i].title);
    }
    for (size_t i = 0; i < COUNT_OF(bombs); i++) {
        ws_suite_add(&suite, run_bomb, &bombs[i],
                     "RFC 7692 8: 64 MiB in 64 KiB, opcode %d, frames of %zu",
                     bombs[i].opcode, bombs[i].fragment);
    }
    ws_suite_add(&suite, run_crowd, NULL, "RFC 7692 8: memory of many connections");
    add_matrix(&suite);
    add_suite_talks(&suite);
    return ws_suite_run(&suite, "test_ws_conformance_deflate");
}

static int run_other_settings(void)
{
    static const char *const settings[] = {"websocket.permessage_deflate=true",
                                           "websocket.deflate_context_takeover=false",
                                           "websocket.deflate_min_size=64", NULL};
    ws_suite_t without = {.program = ECHO_EXAMPLE, .settings = settings};
    ws_suite_t disabled = {.program = ECHO_EXAMPLE};

    for (size_t i = 0; i < COUNT_OF(suite_offers); i++) {
        ws_suite_add(&without, run_without_takeover, suite_offers[i],
                     "RFC 7692 7.1.1, no takeover by setting: %s", suite_offers[i]);
        ws_suite_add(&disabled, run_disabled, suite_offers[i],
                     "RFC 7692 5, off by default: %s", suite_offers[i]);
    }
    return ws_suite_run(&without, "test_ws_conformance_deflate_no_takeover") +
           ws_suite_run(&disabled, "test_ws_conformance_deflate_off");
}

int main(void)
{
    fill();
    return run_with_takeover() + run_other_settings();
}
