/*
 * Text is UTF-8 (RFC 6455 sections 5.6 and 8.1, RFC 3629): cases 6.* of the Autobahn
 * test suite, whose sequences are those of Markus Kuhn's stress test for decoders.
 *
 * Each sequence is sent as one frame, in a fragment per byte, in a write per byte,
 * behind and before ASCII of several lengths, and as the reason of a close.  What is
 * wrong must be refused at its first wrong byte, be the frame at its end or not.
 */
#include "ws_case.h"

typedef struct sequence {
    const char *group; /* in the suite */
    bool valid;
    uint8_t size;
    const char *bytes;
} sequence_t;

#define GOOD(group, text)                                                              \
    {                                                                                  \
        (group), true, sizeof(text) - 1, (text)                                        \
    }
#define BAD(group, text)                                                               \
    {                                                                                  \
        (group), false, sizeof(text) - 1, (text)                                       \
    }

#define KOSME "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5"

static const sequence_t sequences[] = {
    /* whole texts */
    GOOD("6.1", ""),
    GOOD("6.2",
         "Hello-\xc2\xb5@\xc3\x9f\xc3\xb6\xc3\xa4\xc3\xbc\xc3\xa0\xc3\xa1-UTF-8!!"),
    BAD("6.3",
        KOSME "\xed\xa0\x80"
              "edited"),
    BAD("6.4",
        KOSME "\xf4\x90\x80\x80"
              "edited"),
    /* some valid ones */
    GOOD("6.5", "hello\x24world"),
    GOOD("6.5", "hello\xc2\xa2world"),
    GOOD("6.5", "hello\xe2\x82\xacworld"),
    GOOD("6.5", "hello\xf0\xa4\xad\xa2world"),
    GOOD("6.5", KOSME),
    /* all prefixes of a valid one */
    BAD("6.6", "\xce"),
    GOOD("6.6", "\xce\xba"),
    BAD("6.6", "\xce\xba\xe1"),
    BAD("6.6", "\xce\xba\xe1\xbd"),
    GOOD("6.6", "\xce\xba\xe1\xbd\xb9"),
    BAD("6.6", "\xce\xba\xe1\xbd\xb9\xcf"),
    GOOD("6.6", "\xce\xba\xe1\xbd\xb9\xcf\x83"),
    BAD("6.6", "\xce\xba\xe1\xbd\xb9\xcf\x83\xce"),
    GOOD("6.6", "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc"),
    BAD("6.6", "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce"),
    GOOD("6.6", KOSME),
    /* first of each length; of lengths that no character has */
    GOOD("6.7", "\x00"),
    GOOD("6.7", "\xc2\x80"),
    GOOD("6.7", "\xe0\xa0\x80"),
    GOOD("6.7", "\xf0\x90\x80\x80"),
    BAD("6.8", "\xf8\x88\x80\x80\x80"),
    BAD("6.8", "\xfc\x84\x80\x80\x80\x80"),
    /* last of each length */
    GOOD("6.9", "\x7f"),
    GOOD("6.9", "\xdf\xbf"),
    GOOD("6.9", "\xef\xbf\xbf"),
    GOOD("6.9", "\xf4\x8f\xbf\xbf"),
    BAD("6.10", "\xf7\xbf\xbf\xbf"),
    BAD("6.10", "\xfb\xbf\xbf\xbf\xbf"),
    BAD("6.10", "\xfd\xbf\xbf\xbf\xbf\xbf"),
    /* other boundaries */
    GOOD("6.11", "\xed\x9f\xbf"),
    GOOD("6.11", "\xee\x80\x80"),
    GOOD("6.11", "\xef\xbf\xbd"),
    GOOD("6.11", "\xf4\x8f\xbf\xbf"),
    BAD("6.11", "\xf4\x90\x80\x80"),
    /* continuation bytes that continue nothing */
    BAD("6.12", "\x80"),
    BAD("6.12", "\xbf"),
    BAD("6.12", "\x80\xbf"),
    BAD("6.12", "\x80\xbf\x80"),
    BAD("6.12", "\x80\xbf\x80\xbf"),
    BAD("6.12", "\x80\xbf\x80\xbf\x80"),
    BAD("6.12", "\x80\xbf\x80\xbf\x80\xbf"),
    BAD("6.12",
        "\x80\x81\x82\x83\x84\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f"
        "\x90\x91\x92\x93\x94\x95\x96\x97\x98\x99\x9a\x9b\x9c\x9d\x9e\x9f"
        "\xa0\xa1\xa2\xa3\xa4\xa5\xa6\xa7\xa8\xa9\xaa\xab\xac\xad\xae\xaf"
        "\xb0\xb1\xb2\xb3\xb4\xb5\xb6\xb7\xb8\xb9\xba\xbb\xbc\xbd\xbe"),
    /* first bytes alone */
    BAD("6.13",
        "\xc0 \xc1 \xc2 \xc3 \xc4 \xc5 \xc6 \xc7 \xc8 \xc9 \xca \xcb \xcc \xcd "
        "\xce \xcf \xd0 \xd1 \xd2 \xd3 \xd4 \xd5 \xd6 \xd7 \xd8 \xd9 \xda \xdb "
        "\xdc \xdd \xde "),
    BAD("6.13",
        "\xe0 \xe1 \xe2 \xe3 \xe4 \xe5 \xe6 \xe7 \xe8 \xe9 \xea \xeb \xec \xed "
        "\xee "),
    BAD("6.13", "\xf0 \xf1 \xf2 \xf3 \xf4 \xf5 \xf6 "),
    BAD("6.13", "\xf8 \xf9 \xfa "),
    BAD("6.13", "\xfc "),
    BAD("6.13", "\xc2 "),
    BAD("6.13", "\xe1 "),
    BAD("6.13", "\xf1 "),
    /* the last byte is missing */
    BAD("6.14", "\xc0"),
    BAD("6.14", "\xe0\x80"),
    BAD("6.14", "\xf0\x80\x80"),
    BAD("6.14", "\xf8\x80\x80\x80"),
    BAD("6.14", "\xfc\x80\x80\x80\x80"),
    BAD("6.14", "\xdf"),
    BAD("6.14", "\xef\xbf"),
    BAD("6.14", "\xf7\xbf\xbf"),
    BAD("6.14", "\xfb\xbf\xbf\xbf"),
    BAD("6.14", "\xfd\xbf\xbf\xbf\xbf"),
    BAD("6.14", "\xf4\x8f\xbf"),
    /* all of them in a row */
    BAD("6.15",
        "\xc0\xe0\x80\xf0\x80\x80\xf8\x80\x80\x80\xfc\x80\x80\x80\x80\xdf\xef\xbf"
        "\xf7\xbf\xbf\xfb\xbf\xbf\xbf\xfd\xbf\xbf\xbf\xbf"),
    /* bytes of no character */
    BAD("6.16", "\xfe"),
    BAD("6.16", "\xff"),
    BAD("6.16", "\xfe\xfe\xff\xff"),
    /* longer than need be: a slash, the highest such, NUL */
    BAD("6.17", "\xc0\xaf"),
    BAD("6.17", "\xe0\x80\xaf"),
    BAD("6.17", "\xf0\x80\x80\xaf"),
    BAD("6.17", "\xf8\x80\x80\x80\xaf"),
    BAD("6.17", "\xfc\x80\x80\x80\x80\xaf"),
    BAD("6.18", "\xc1\xbf"),
    BAD("6.18", "\xe0\x9f\xbf"),
    BAD("6.18", "\xf0\x8f\xbf\xbf"),
    BAD("6.18", "\xf8\x87\xbf\xbf\xbf"),
    BAD("6.18", "\xfc\x83\xbf\xbf\xbf\xbf"),
    BAD("6.19", "\xc0\x80"),
    BAD("6.19", "\xe0\x80\x80"),
    BAD("6.19", "\xf0\x80\x80\x80"),
    BAD("6.19", "\xf8\x80\x80\x80\x80"),
    BAD("6.19", "\xfc\x80\x80\x80\x80\x80"),
    /* surrogates of UTF-16, alone and in pairs */
    BAD("6.20", "\xed\xa0\x80"),
    BAD("6.20", "\xed\xad\xbf"),
    BAD("6.20", "\xed\xae\x80"),
    BAD("6.20", "\xed\xaf\xbf"),
    BAD("6.20", "\xed\xb0\x80"),
    BAD("6.20", "\xed\xbe\x80"),
    BAD("6.20", "\xed\xbf\xbf"),
    BAD("6.21", "\xed\xa0\x80\xed\xb0\x80"),
    BAD("6.21", "\xed\xa0\x80\xed\xbf\xbf"),
    BAD("6.21", "\xed\xad\xbf\xed\xb0\x80"),
    BAD("6.21", "\xed\xad\xbf\xed\xbf\xbf"),
    BAD("6.21", "\xed\xae\x80\xed\xb0\x80"),
    BAD("6.21", "\xed\xae\x80\xed\xbf\xbf"),
    BAD("6.21", "\xed\xaf\xbf\xed\xb0\x80"),
    BAD("6.21", "\xed\xaf\xbf\xed\xbf\xbf"),
    /* code points that are no characters and yet valid */
    GOOD("6.22", "\xef\xbf\xbe\xef\xbf\xbf"),
    GOOD("6.22", "\xf0\x9f\xbf\xbe\xf0\x9f\xbf\xbf"),
    GOOD("6.22", "\xf0\xaf\xbf\xbe\xf0\xaf\xbf\xbf"),
    GOOD("6.22", "\xf0\xbf\xbf\xbe\xf0\xbf\xbf\xbf"),
    GOOD("6.22", "\xf1\x8f\xbf\xbe\xf1\x8f\xbf\xbf"),
    GOOD("6.22", "\xf1\x9f\xbf\xbe\xf1\x9f\xbf\xbf"),
    GOOD("6.22", "\xf1\xaf\xbf\xbe\xf1\xaf\xbf\xbf"),
    GOOD("6.22", "\xf1\xbf\xbf\xbe\xf1\xbf\xbf\xbf"),
    GOOD("6.22", "\xf2\x8f\xbf\xbe\xf2\x8f\xbf\xbf"),
    GOOD("6.22", "\xf2\x9f\xbf\xbe\xf2\x9f\xbf\xbf"),
    GOOD("6.22", "\xf2\xaf\xbf\xbe\xf2\xaf\xbf\xbf"),
    GOOD("6.22", "\xf2\xbf\xbf\xbe\xf2\xbf\xbf\xbf"),
    GOOD("6.22", "\xf3\x8f\xbf\xbe\xf3\x8f\xbf\xbf"),
    GOOD("6.22", "\xf3\x9f\xbf\xbe\xf3\x9f\xbf\xbf"),
    GOOD("6.22", "\xf3\xaf\xbf\xbe\xf3\xaf\xbf\xbf"),
    GOOD("6.22", "\xf3\xbf\xbf\xbe\xf3\xbf\xbf\xbf"),
    GOOD("6.22", "\xf4\x8f\xbf\xbe\xf4\x8f\xbf\xbf"),
    GOOD("6.23", "\xef\xbf\xb9\xef\xbf\xba\xef\xbf\xbb\xef\xbf\xbc\xef\xbf\xbd"),
};

/* How it is sent ------------------------------------------------------------------- */

enum {
    MAX_TEXT = 256,
    MAX_FRAMES = MAX_TEXT * 8
};

static void expect_answer(ws_client_t *client,
                          const server_t *server,
                          const uint8_t *frames,
                          size_t size,
                          const sequence_t *text)
{
    ws_client_open(client, server->port);
    ws_client_send_raw(client, frames, size);
    if (text->valid) {
        ws_client_expect(client, WS_TEXT, text->bytes, text->size);
    } else {
        ws_client_expect_close(client, 1007, NULL);
    }
    ws_case_end(client, !text->valid);
}

/* In one frame; at once, and byte by byte */
static void
send_whole(ws_client_t *client, const server_t *server, const sequence_t *text)
{
    const ws_step_t steps[] = {WS_BLOCK(WS_FIN | WS_TEXT, text->bytes, text->size),
                               {0}};
    uint8_t frame[MAX_FRAMES];
    size_t size =
        ws_client_write_frame(frame, WS_FIN | WS_TEXT, text->bytes, text->size);

    expect_answer(client, server, frame, size, text);
    ws_client_open(client, server->port);
    ws_case_send(client, steps, WS_BY_BYTE);
    if (text->valid) {
        ws_client_expect(client, WS_TEXT, text->bytes, text->size);
    } else {
        ws_client_expect_close(client, 1007, NULL);
    }
    ws_case_end(client, !text->valid);
}

/* In a fragment per byte */
static void
send_fragments(ws_client_t *client, const server_t *server, const sequence_t *text)
{
    uint8_t frames[MAX_FRAMES];
    size_t size = ws_client_write_frame(frames, WS_TEXT, "", 0);

    for (size_t i = 0; i < text->size; i++) {
        size += ws_client_write_frame(frames + size, 0, text->bytes + i, 1);
    }
    size += ws_client_write_frame(frames + size, WS_FIN, "", 0);
    expect_answer(client, server, frames, size, text);
}

/* Within ASCII: where eight, sixteen or more bytes are looked at together, all begin
 * and end somewhere in the sequence. */
static void
send_among_ascii(ws_client_t *client, const server_t *server, const sequence_t *text)
{
    static const size_t befores[] = {1, 7, 13, 15, 16, 30, 63};

    for (size_t i = 0; i < COUNT_OF(befores); i++) {
        char whole[MAX_TEXT];
        size_t size = befores[i] + text->size;
        sequence_t wrapped = {.valid = text->valid, .bytes = whole};
        uint8_t frame[MAX_FRAMES];

        memset(whole, 'a', sizeof(whole));
        memcpy(whole + befores[i], text->bytes, text->size);
        wrapped.size = (uint8_t)(size + (i % 2 == 0 ? 40 : 3));
        expect_answer(
            client, server, frame,
            ws_client_write_frame(frame, WS_FIN | WS_TEXT, whole, wrapped.size),
            &wrapped);
    }
}

/* As the reason of a close */
static void
send_reason(ws_client_t *client, const server_t *server, const sequence_t *text)
{
    char payload[MAX_TEXT] = "\x03\xe8";

    memcpy(payload + 2, text->bytes, text->size);
    ws_client_open(client, server->port);
    ws_client_send(client, WS_FIN | WS_CLOSE, payload, text->size + 2u);
    ws_client_expect_close(client, text->valid ? 1000 : 1007, NULL);
    ws_case_end(client, true);
}

/* At once ----------------------------------------------------------------------------
 */

/* How many bytes follow a first one, and what the next of them may be (RFC 3629 section
 * 4); -1 = no first byte. */
static int continuation(uint8_t first, uint8_t *low, uint8_t *high)
{
    *low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    *high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    return first < 0x80   ? 0
           : first < 0xc2 ? -1
           : first < 0xe0 ? 1
           : first < 0xf0 ? 2
           : first < 0xf5 ? 3
                          : -1;
}

/* Place of the first byte that no valid text has there; the size if there is none. */
static size_t find_wrong(const sequence_t *text, bool *complete)
{
    const uint8_t *bytes = (const uint8_t *)text->bytes;
    int left = 0;
    uint8_t low;
    uint8_t high;

    for (size_t i = 0; i < text->size; i++) {
        if (left == 0) {
            left = continuation(bytes[i], &low, &high);
            if (left < 0) {
                return i;
            }
        } else {
            if (bytes[i] < low || bytes[i] > high) {
                return i;
            }
            left--;
            low = 0x80;
            high = 0xbf;
        }
    }
    *complete = left == 0;
    return text->size;
}

/* Up to the wrong byte all is well; then neither the rest of the frame nor of the
 * message is waited for (the suite's 6.4.1 to 6.4.4). */
static void
send_until_wrong(ws_client_t *client, const server_t *server, const sequence_t *text)
{
    bool complete = false;
    size_t wrong = find_wrong(text, &complete);
    ws_step_t cut[] = {{.form = WS_FORM_CUT, .data = text->bytes + wrong, .size = 1},
                       {0}};
    ws_step_t end[] = {LAST(""), {0}};

    assert_false(complete); /* or the table is wrong */
    ws_client_open(client, server->port);
    ws_client_send(client, WS_TEXT, text->bytes, wrong);
    ws_client_expect_silence(client);
    ws_case_send(client, wrong < text->size ? cut : end, WS_AT_ONCE);
    ws_client_expect_close(client, 1007, NULL);
    ws_case_end(client, true);

    if (wrong < text->size) {
        cut[0] = (ws_step_t){.form = WS_FORM_CUT,
                             .first = WS_FIN | WS_TEXT,
                             .data = text->bytes,
                             .size = wrong + 1};
        ws_client_open(client, server->port);
        ws_case_send(client, cut, WS_BY_BYTE);
        ws_client_expect_close(client, 1007, NULL);
        ws_case_end(client, true);
    }
}

static void run_sequence(const server_t *server, const void *row, ws_client_t *client)
{
    const sequence_t *text = row;
    bool complete = false;

    if (text->valid) {
        assert_int_equal(find_wrong(text, &complete), text->size);
        assert_true(complete);
    } else {
        send_until_wrong(client, server, text);
    }
    send_whole(client, server, text);
    send_fragments(client, server, text);
    send_among_ascii(client, server, text);
    send_reason(client, server, text);
}

/* Every character --------------------------------------------------------------------
 */

static size_t encode(uint32_t point, uint8_t *out)
{
    static const uint8_t firsts[] = {0x00, 0xc0, 0xe0, 0xf0};
    size_t more = point < 0x80 ? 0 : point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;

    out[0] = (uint8_t)(firsts[more] | point >> (6 * more));
    for (size_t i = 1; i <= more; i++) {
        out[i] = (uint8_t)(0x80 | (point >> (6 * (more - i)) & 0x3f));
    }
    return more + 1;
}

/* All code points but the surrogates, in fragments that end within characters */
static void
run_every_point(const server_t *server, const void *row, ws_client_t *client)
{
    enum {
        MESSAGE = 64000
    };
    static uint8_t text[MESSAGE + 4];
    size_t fragment = *(const size_t *)row;
    uint32_t point = 0;

    ws_client_open(client, server->port);
    while (point < 0x110000) {
        size_t size = 0;

        for (; point < 0x110000 && size < MESSAGE; point++) {
            if (point < 0xd800 || point > 0xdfff) {
                size += encode(point, text + size);
            }
        }
        for (size_t at = 0; at < size; at += fragment) {
            bool last = size - at <= fragment;

            ws_client_send(client,
                           (uint8_t)((at == 0 ? WS_TEXT : 0) | (last ? WS_FIN : 0)),
                           text + at, last ? size - at : fragment);
        }
        ws_client_expect(client, WS_TEXT, text, size);
    }
    ws_case_end(client, false);
}

int main(void)
{
    static const size_t sizes[] = {65536, 4099};
    ws_suite_t suite = {.program = ECHO_EXAMPLE};

    for (size_t i = 0; i < COUNT_OF(sequences); i++) {
        const sequence_t *text = &sequences[i];
        char shown[3 * 12 + 1] = "";

        for (size_t k = 0; k < text->size && k < 12; k++) {
            snprintf(shown + 3 * k, 4, " %02x", (uint8_t)text->bytes[k]);
        }
        ws_suite_add(&suite, run_sequence, text, "RFC 6455 8.1 (%s): %s%s%s",
                     text->group, text->valid ? "valid" : "not valid", shown,
                     text->size > 12 ? " ..." : "");
    }
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        ws_suite_add(&suite, run_every_point, &sizes[i],
                     "RFC 6455 5.6: every character, in fragments of %zu", sizes[i]);
    }
    return ws_suite_run(&suite, "test_ws_conformance_utf8");
}
