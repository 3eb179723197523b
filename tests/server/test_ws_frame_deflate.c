/* Compressed messages as the reader sees them, section by section of RFC 7692. */
#include "ws_frame_fixture.h"

#define HELLO       "\xf2\x48\xcd\xc9\xc9\x07\x00" /* section 7.2.3.1 */
#define HELLO_AGAIN "\xf2\x00\x11\x00\x00"         /* section 7.2.3.2 */

/* With compression in both directions. */
static int begin(void **state)
{
    const reef__ws_deflate_config_t config = {.enabled = true};
    stream_t *stream;

    setup(state);
    stream = *state;
    stream->shared = reef__ws_deflate_shared_create(reef_alloc_default(), &config);
    stream->params = (reef__ws_deflate_params_t){
        .server_max_window_bits = 15, .client_max_window_bits = 15, .memory_level = 8};
    return 0;
}

#define DEFLATE_TEST(name) cmocka_unit_test_setup_teardown(name, begin, teardown)

#define PUT(stream, first, literal)                                                    \
    put_frame(stream, first, literal, sizeof(literal) - 1)

/* A client that compresses with its context, as a codec of its own. */
typedef struct client {
    reef__ws_deflate_shared_t *shared;
    reef__ws_deflate_t *deflate;
    uint8_t *out;
} client_t;

static client_t begin_client(const stream_t *stream)
{
    client_t client = {0};

    client.shared = reef__ws_deflate_shared_create(reef_alloc_default(),
                                                   &(reef__ws_deflate_config_t){0});
    client.deflate = reef__ws_deflate_create(client.shared, &stream->params);
    client.out = malloc(reef__ws_deflate_bound(1 << 20));
    return client;
}

static void finish_client(client_t *client)
{
    reef__ws_deflate_destroy(client->deflate);
    reef__ws_deflate_shared_destroy(client->shared);
    free(client->out);
}

/* A message in frames of at most @p step bytes. */
static void put_message(stream_t *stream,
                        const client_t *client,
                        unsigned opcode,
                        reef_span_t payload,
                        size_t step)
{
    size_t size = reef__ws_deflate_compress(client->deflate, payload, client->out);
    unsigned first = opcode | REEF__WS_RSV1;

    for (size_t i = 0; i < size; i += step) {
        size_t part = size - i < step ? size - i : step;

        put_frame(stream, first | (i + part == size ? 0x80 : 0), client->out + i, part);
        first = 0;
    }
}

/* Examples --------------------------------------------------------------------- */

/* Section 7.2.3.1 */
static void test_ws_frame_deflate_reads_hello(void **state)
{
    stream_t *stream = *state;

    PUT(stream, 0xc1, HELLO);
    expect(stream, "text(Hello)");
    PUT(stream, 0x41, "\xf2\x48\xcd");
    PUT(stream, 0x80, "\xc9\xc9\x07\x00");
    expect(stream, "text(Hello)");
    PUT(stream, 0xc2, HELLO);
    expect(stream, "binary(Hello)");
}

/* Section 7.2.3.2 */
static void test_ws_frame_deflate_shares_the_window_of_messages(void **state)
{
    stream_t *stream = *state;

    PUT(stream, 0xc1, HELLO);
    PUT(stream, 0xc1, HELLO_AGAIN);
    put_text(stream, 0x81, "not compressed");
    PUT(stream, 0xc1, HELLO_AGAIN);
    expect(stream, "text(Hello) text(Hello) text(not compressed) text(Hello)");
    stream->params.client_no_context_takeover = true;
    PUT(stream, 0xc1, HELLO);
    PUT(stream, 0xc1, HELLO);
    PUT(stream, 0xc1, HELLO_AGAIN);
    expect(stream, "text(Hello) text(Hello) error(1007,compressed data is broken)");
}

/* Sections 7.2.3.3 to 7.2.3.5 */
static void test_ws_frame_deflate_reads_blocks_of_all_kinds(void **state)
{
    stream_t *stream = *state;

    PUT(stream, 0xc1, "\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00");
    PUT(stream, 0xc1, "\xf3\x48\xcd\xc9\xc9\x07\x00\x00");
    PUT(stream, 0xc1, "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00");
    PUT(stream, 0xc1, "\xf3\x48\xcd\xc9\xc9\x07\x00" HELLO_AGAIN);
    PUT(stream, 0xc1, HELLO_AGAIN);
    expect(stream, "text(Hello) text(Hello) text(Hello) text(HelloHello) text(Hello)");
}

/* Section 7.2.3.6, and fragments without a byte */
static void test_ws_frame_deflate_reads_empty_messages(void **state)
{
    stream_t *stream = *state;

    PUT(stream, 0xc1, "\x00");
    PUT(stream, 0xc2, "\x00");
    PUT(stream, 0xc2, "");
    PUT(stream, 0x41, "");
    PUT(stream, 0x00, HELLO);
    PUT(stream, 0x00, "");
    PUT(stream, 0x80, "");
    PUT(stream, 0x42, "");
    PUT(stream, 0x80, "");
    PUT(stream, 0xc1, HELLO_AGAIN);
    expect(stream, "text() binary() binary() text(Hello) binary() text(Hello)");
}

/* Section 5: control frames are never compressed, and may come between fragments */
static void test_ws_frame_deflate_takes_control_frames_between(void **state)
{
    stream_t *stream = *state;

    PUT(stream, 0x41, "\xf2\x48");
    put_text(stream, 0x89, "ping one");
    PUT(stream, 0x00, "\xcd\xc9");
    put_text(stream, 0x8a, "pong");
    PUT(stream, 0x80, "\xc9\x07\x00");
    put_text(stream, 0x81, "next");
    expect(stream, "ping(ping one) pong(pong) text(Hello) text(next)");
}

/* Messages larger than the scratch area, in frames of all sizes, with context */
static void test_ws_frame_deflate_reads_large_messages(void **state)
{
    static const size_t sizes[] = {100, 16383, 16384, 16385, 50000, 100000};
    static uint8_t payload[100000];
    stream_t *stream = *state;

    for (size_t step = 300; step < 40000; step *= 11) {
        client_t client = begin_client(stream);
        record_t record = {0};

        for (size_t i = 0; i < COUNT_OF(sizes); i++) {
            reef_span_t message = reef_span(payload, sizes[i]);

            for (size_t k = 0; k < sizes[i]; k++) {
                payload[k] = (uint8_t)(k * k >> (i + 3) & 0x3f);
            }
            put_message(stream, &client, 2, message, step);
            record_event(&record,
                         &(reef__ws_event_t){.kind = REEF__WS_BINARY, .data = message});
        }
        expect(stream, record.text);
        finish_client(&client);
    }
}

/* Reserved bits ---------------------------------------------------------------- */

/* Section 6: "RSV1" only on the first frame of a data message */
static void test_ws_frame_deflate_refuses_the_bit_elsewhere(void **state)
{
    stream_t *stream = *state;

    put_text(stream, 0xc9, "");
    expect_error(stream, 1002);
    put_text(stream, 0xca, "");
    expect_error(stream, 1002);
    put_text(stream, 0xc8, "");
    expect_error(stream, 1002);
    PUT(stream, 0x41, "\xf2");
    PUT(stream, 0xc0, "\x48\xcd\xc9\xc9\x07\x00");
    expect_error(stream, 1002);
    put_text(stream, 0x01, "a");
    put_text(stream, 0xc0, "b");
    expect_error(stream, 1002);
    put_text(stream, 0x01, "a");
    put_text(stream, 0x40, "b");
    expect_error(stream, 1002);
}

/* RFC 6455 section 5.2: RSV2 and RSV3 stay reserved */
static void test_ws_frame_deflate_refuses_other_bits(void **state)
{
    stream_t *stream = *state;

    for (unsigned bits = 0x10; bits <= 0x70; bits += 0x10) {
        if (bits != 0x40) {
            PUT(stream, 0x81 | bits, HELLO);
            expect_error(stream, 1002);
        }
    }
}

static void test_ws_frame_deflate_refuses_the_bit_when_not_negotiated(void **state)
{
    stream_t *stream = *state;

    reef__ws_deflate_shared_destroy(stream->shared);
    stream->shared = NULL;
    PUT(stream, 0xc1, HELLO);
    expect_error(stream, 1002);
}

/* Section 6: the bit is of one message */
static void test_ws_frame_deflate_takes_uncompressed_messages(void **state)
{
    stream_t *stream = *state;

    put_text(stream, 0x81, "a");
    PUT(stream, 0xc1, HELLO);
    put_text(stream, 0x01, "b");
    put_text(stream, 0x80, "c");
    PUT(stream, 0xc1, HELLO_AGAIN);
    expect(stream, "text(a) text(Hello) text(bc) text(Hello)");
}

/* Errors ----------------------------------------------------------------------- */

static void test_ws_frame_deflate_refuses_broken_data(void **state)
{
    stream_t *stream = *state;

    PUT(stream, 0xc1, "\x06");
    expect_error(stream, 1007);
    PUT(stream, 0xc2, "\xff\xff\xff");
    expect_error(stream, 1007);
    PUT(stream, 0xc2, HELLO_AGAIN);
    expect_error(stream, 1007);
    PUT(stream, 0x42, "\xf2\x48\xcd"); /* not whole */
    PUT(stream, 0x80, "\xc9");
    expect_error(stream, 1007);
    PUT(stream, 0x42, HELLO);
    PUT(stream, 0x80, "\x06");
    put_text(stream, 0x81, "ignored");
    expect(stream, "error(1007,compressed data is broken)");
}

/* RFC 6455 section 8.1, of the text that was compressed: at once, and across fragments
 */
static void test_ws_frame_deflate_text_is_utf8(void **state)
{
    stream_t *stream = *state;
    client_t client = begin_client(stream);

    put_message(stream, &client, 1, reef_span_text("\xe2\x82\xac\xf0\x9f\x90\x9a"), 1);
    expect(stream, "text(\xe2\x82\xac\xf0\x9f\x90\x9a)");
    finish_client(&client);
    client = begin_client(stream);
    put_message(stream, &client, 1, reef_span_text("good \xe2\x82"), 3);
    expect(stream, "error(1007,text ends within a character)");
    finish_client(&client);
    client = begin_client(stream);
    put_message(stream, &client, 2, reef_span_text("\xff"), 9);
    put_message(stream, &client, 1, reef_span_text("good \xff and more"), 3);
    expect(stream, "binary(\xff) error(1007,text is not UTF-8)");
    finish_client(&client);
    PUT(stream, 0x41, "\x00\x01\x00\xfe\xff\xc0\x00"); /* stored, never continued */
    expect(stream, "error(1007,text is not UTF-8)");
}

/* What is wrong first is told, though one read shows several errors. */
static void test_ws_frame_deflate_tells_the_first_error(void **state)
{
    stream_t *stream = *state;

    stream->limits.max_message = 4;
    PUT(stream, 0x41, "\x00\x05\x00\xfa\xff\xff\x65\x6c\x6c\x6f\x06");
    expect(stream, "error(1007,text is not UTF-8)");
    PUT(stream, 0x41, "\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\xff\x06");
    expect(stream, "error(1009,message too big)");
    PUT(stream, 0x41, "\x00\x04\x00\xfb\xff\x48\x65\x6c\xff\x06");
    expect(stream, "error(1007,text is not UTF-8)");
    PUT(stream, 0x41, "\x00\x04\x00\xfb\xff\x48\x65\x6c\x6c\x06");
    expect(stream, "error(1007,compressed data is broken)");
}

/* Limits ----------------------------------------------------------------------- */

/* RFC 6455 section 10.4: the limit is one of the inflated message */
static void test_ws_frame_deflate_max_message_counts_inflated_bytes(void **state)
{
    stream_t *stream = *state;
    uint8_t payload[2001] = {0};
    client_t client = begin_client(stream);

    stream->limits.max_message = 2000;
    put_message(stream, &client, 2, reef_span(payload, 2000), 5);
    put_text(stream, 0x89, "");
    put_message(stream, &client, 2, reef_span(payload, 2001), 5);
    expect_error(stream, 1009);
    finish_client(&client);
    client = begin_client(stream);
    put_message(stream, &client, 2, reef_span(payload, 2001), 100);
    expect(stream, "error(1009,message too big)");
    finish_client(&client);
}

/* Noise gets longer by being compressed; that is no reason to refuse it. */
static void test_ws_frame_deflate_max_message_allows_noise(void **state)
{
    stream_t *stream = *state;
    uint8_t payload[3000];
    client_t client = begin_client(stream);
    record_t record = {0};
    uint32_t random = 1;

    stream->limits.max_message = sizeof(payload);
    for (size_t i = 0; i < sizeof(payload); i++) {
        random = random * 1664525 + 1013904223;
        payload[i] = (uint8_t)(random >> 24);
    }
    put_message(stream, &client, 2, reef_span(payload, sizeof(payload)), 1 << 20);
    assert_true(stream->size > sizeof(payload) + 8);
    record_event(&record,
                 &(reef__ws_event_t){.kind = REEF__WS_BINARY,
                                     .data = reef_span(payload, sizeof(payload))});
    expect(stream, record.text);
    finish_client(&client);
    put_head(stream, 0xc2, sizeof(payload) * 9 / 8 + 64, 2);
    put_masked(stream, "\x06", 1);
    expect_error(stream, 1007);
    put_head(stream, 0xc2, sizeof(payload) * 9 / 8 + 65, 2);
    expect_error(stream, 1009);
}

static void test_ws_frame_deflate_max_fragments_counts_too(void **state)
{
    stream_t *stream = *state;

    stream->limits.max_fragments = 3;
    PUT(stream, 0x41, "\xf2");
    PUT(stream, 0x00, "\x48\xcd\xc9\xc9\x07\x00");
    PUT(stream, 0x80, "");
    PUT(stream, 0x41, "\xf2");
    PUT(stream, 0x00, "");
    PUT(stream, 0x00, "");
    PUT(stream, 0x00, "");
    expect(stream, "text(Hello) error(1008,too many fragments)");
}

/* Some kilobytes that become a gigabyte: refused with no more than the limit held. */
static void test_ws_frame_deflate_bomb_takes_no_memory(void **state)
{
    enum {
        LIMIT = 1 << 20
    };
    stream_t *stream = *state;
    client_t client = begin_client(stream);
    uint8_t *zeroes = calloc(1, LIMIT);
    reef__ws_reader_t reader = begin_reader(stream);
    static record_t record;
    size_t size;

    record = (record_t){0};
    stream->limits.max_message = LIMIT;
    reef__ws_limits_resolve(&stream->limits);
    size =
        reef__ws_deflate_compress(client.deflate, reef_span(zeroes, LIMIT), client.out);
    assert_true(size < 1200);
    for (int i = 0; i < 1000; i++) { /* fragments of one message, a megabyte each */
        put_frame(stream, i == 0 ? 0x42 : 0x00, client.out, size);
        put_frame(stream, 0x00, "\x00\x00\xff\xff", 4);
        feed(&reader, &stream->limits, reef_span(stream->bytes, stream->size), &record);
        stream->size = 0;
    }
    assert_string_equal(record.text, "error(1009,message too big)");
    assert_in_range(stream->counter.peak, LIMIT / 2, LIMIT);
    assert_int_equal(stream->counter.live, 0);
    finish_reader(stream, &reader);
    finish_client(&client);
    free(zeroes);
}

/* Short messages are given from the scratch area, in one piece or in many reads but
 * one. */
static void test_ws_frame_deflate_short_messages_take_no_memory(void **state)
{
    stream_t *stream = *state;
    reef__ws_reader_t reader = begin_reader(stream);
    record_t record = {0};

    reef__ws_limits_resolve(&stream->limits);
    for (int i = 0; i < 50; i++) {
        PUT(stream, 0xc1, HELLO);
    }
    feed(&reader, &stream->limits, reef_span(stream->bytes, stream->size), &record);
    assert_int_equal(record.events, 50);
    assert_int_equal(stream->counter.calls, 0);
    finish_reader(stream, &reader);
}

/* The transport may close in the middle of a message. */
static void test_ws_frame_deflate_finish_in_the_middle_leaves_nothing(void **state)
{
    stream_t *stream = *state;

    for (int takeover = 0; takeover < 2; takeover++) {
        static const char start[] = HELLO;

        stream->params.client_no_context_takeover = takeover == 0;
        for (size_t size = 0; size < sizeof(start); size++) {
            put_frame(stream, 0x41, start, size);
            expect(stream, "");
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DEFLATE_TEST(test_ws_frame_deflate_reads_hello),
        DEFLATE_TEST(test_ws_frame_deflate_shares_the_window_of_messages),
        DEFLATE_TEST(test_ws_frame_deflate_reads_blocks_of_all_kinds),
        DEFLATE_TEST(test_ws_frame_deflate_reads_empty_messages),
        DEFLATE_TEST(test_ws_frame_deflate_takes_control_frames_between),
        DEFLATE_TEST(test_ws_frame_deflate_reads_large_messages),
        DEFLATE_TEST(test_ws_frame_deflate_refuses_the_bit_elsewhere),
        DEFLATE_TEST(test_ws_frame_deflate_refuses_other_bits),
        DEFLATE_TEST(test_ws_frame_deflate_refuses_the_bit_when_not_negotiated),
        DEFLATE_TEST(test_ws_frame_deflate_takes_uncompressed_messages),
        DEFLATE_TEST(test_ws_frame_deflate_refuses_broken_data),
        DEFLATE_TEST(test_ws_frame_deflate_text_is_utf8),
        DEFLATE_TEST(test_ws_frame_deflate_tells_the_first_error),
        DEFLATE_TEST(test_ws_frame_deflate_max_message_counts_inflated_bytes),
        DEFLATE_TEST(test_ws_frame_deflate_max_message_allows_noise),
        DEFLATE_TEST(test_ws_frame_deflate_max_fragments_counts_too),
        DEFLATE_TEST(test_ws_frame_deflate_bomb_takes_no_memory),
        DEFLATE_TEST(test_ws_frame_deflate_short_messages_take_no_memory),
        DEFLATE_TEST(test_ws_frame_deflate_finish_in_the_middle_leaves_nothing),
    };

    return cmocka_run_group_tests_name("ws_frame_deflate", tests, NULL, NULL);
}
