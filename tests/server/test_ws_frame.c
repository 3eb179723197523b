/* What a client may send and what not, section by section of RFC 6455. */
#include "ws_frame_fixture.h"

/* Data frames ------------------------------------------------------------------ */

/* Section 5.7: the published example, with its mask */
static void test_ws_frame_reads_the_masked_hello_of_the_rfc(void **state)
{
    stream_t *stream = *state;

    put(stream, "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 11);
    expect(stream, "text(Hello)");
    put(stream, "\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 11);
    expect(stream, "pong(Hello)");
}

/* Section 5.7: fragmented */
static void test_ws_frame_joins_fragments(void **state)
{
    stream_t *stream = *state;

    put_text(stream, 0x01, "Hel");
    put_text(stream, 0x80, "lo");
    put_text(stream, 0x02, "a");
    put_text(stream, 0x00, "b");
    put_text(stream, 0x00, "c");
    put_text(stream, 0x80, "d");
    expect(stream, "text(Hello) binary(abcd)");
}

/* Section 5.3: "random" masks, payloads and lengths may look like whole frames,
 * wherever a read begins */
static void test_ws_frame_goes_by_place_not_by_looks(void **state)
{
    stream_t *stream = *state;

    put(stream, "\x81\x82\x82\x80\x00\x00\xeb\xe9", 8);
    put(stream, "\x02\x86\x00\x00\x00\x00\x82\x80\x00\x00\x00\x00", 12);
    put(stream, "\x80\x80\x82\x80\x82\x80", 6);
    put(stream, "\x89\x87\x00\x00\x00\x00\x82\x81qqqqs", 13);
    put_text(stream, 0x81, "end");
    expect(stream, "text(ii) binary(\x82\x80) ping(\x82\x81qqqqs) text(end)");
}

/* Section 5.4: a fragment may be empty, and so may a message */
static void test_ws_frame_takes_empty_frames(void **state)
{
    stream_t *stream = *state;

    put_text(stream, 0x81, "");
    put_text(stream, 0x82, "");
    put_text(stream, 0x01, "");
    put_text(stream, 0x00, "");
    put_text(stream, 0x80, "x");
    put_text(stream, 0x01, "y");
    put_text(stream, 0x80, "");
    put_text(stream, 0x02, "");
    put_text(stream, 0x80, "");
    put_text(stream, 0x89, "");
    expect(stream, "text() binary() text(x) text(y) binary() ping()");
}

/* Sections 5.4 and 5.5: control frames between fragments, never within a frame */
static void test_ws_frame_gives_control_frames_between_fragments(void **state)
{
    stream_t *stream = *state;

    put_text(stream, 0x89, "first");
    put_text(stream, 0x01, "one ");
    put_text(stream, 0x89, "a longer ping");
    put_text(stream, 0x8a, "");
    put_text(stream, 0x00, "two ");
    put_text(stream, 0x8a, "pong");
    put_text(stream, 0x80, "three");
    put_text(stream, 0x82, "next");
    expect(stream, "ping(first) ping(a longer ping) pong() pong(pong) "
                   "text(one two three) binary(next)");
}

/* Section 5.5.1: close may interrupt a message as well */
static void test_ws_frame_close_within_a_message_ends_all(void **state)
{
    stream_t *stream = *state;

    put_text(stream, 0x01, "never finished");
    put_frame(stream, 0x88, "\x03\xe8", 2);
    put_text(stream, 0x80, "ignored");
    expect(stream, "close(1000,)");
}

/* Section 5.2: all three forms of the length, at both of their ends */
static void test_ws_frame_reads_every_length(void **state)
{
    static const size_t sizes[] = {1, 125, 126, 127, 255, 256, 65535, 65536, 70000};
    stream_t *stream = *state;

    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        uint8_t *data = malloc(sizes[i]);
        record_t record = {0};

        for (size_t k = 0; k < sizes[i]; k++) {
            data[k] = (uint8_t)(1 + k * 7 % 251);
        }
        put_frame(stream, 0x82, data, sizes[i]);
        record_event(&record, &(reef__ws_event_t){.kind = REEF__WS_BINARY,
                                                  .data = reef_span(data, sizes[i])});
        expect(stream, record.text);
        free(data);
    }
}

/* Section 5.2: the minimal number of bytes must be used */
static void test_ws_frame_refuses_lengths_in_a_longer_form(void **state)
{
    static const struct {
        uint64_t size;
        size_t extra;
    } cases[] = {{0, 2}, {125, 2}, {0, 8}, {125, 8}, {126, 8}, {65535, 8}};
    stream_t *stream = *state;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        put_head(stream, 0x82, cases[i].size, cases[i].extra);
        expect_error(stream, 1002);
    }
}

/* Section 5.2: the most significant bit must be 0 */
static void test_ws_frame_refuses_lengths_beyond_63_bits(void **state)
{
    stream_t *stream = *state;

    put_head(stream, 0x82, UINT64_C(1) << 63, 8);
    expect_error(stream, 1002);
    put_head(stream, 0x82, UINT64_MAX, 8);
    expect_error(stream, 1002);
    put_head(stream, 0x82, UINT64_MAX >> 1, 8);
    expect_error(stream, 1009);
}

/* Protocol errors -------------------------------------------------------------- */

/* Section 5.1: the server closes upon an unmasked frame */
static void test_ws_frame_refuses_unmasked_frames(void **state)
{
    stream_t *stream = *state;

    put(stream, "\x81\x05Hello", 7);
    expect_error(stream, 1002);
    put(stream, "\x89\x00", 2);
    expect_error(stream, 1002);
}

/* Section 5.2: RSV1 to RSV3 without an extension */
static void test_ws_frame_refuses_reserved_bits(void **state)
{
    stream_t *stream = *state;

    for (unsigned bit = 0x10; bit <= 0x40; bit <<= 1) {
        put_text(stream, 0x81 | bit, "x");
        expect_error(stream, 1002);
        put_text(stream, 0x89 | bit, "x");
        expect_error(stream, 1002);
    }
}

/* Sections 5.2 and 11.8 */
static void test_ws_frame_refuses_reserved_opcodes(void **state)
{
    stream_t *stream = *state;
    int refused = 0;

    for (unsigned opcode = 0; opcode < 16; opcode++) {
        if ((opcode >= 3 && opcode <= 7) || opcode >= 0xb) {
            put_text(stream, 0x80 | opcode, "");
            expect_error(stream, 1002);
            refused++;
        }
    }
    assert_int_equal(refused, 10);
}

/* Section 5.5: at most 125 bytes, never fragmented */
static void test_ws_frame_refuses_long_and_fragmented_control_frames(void **state)
{
    uint8_t data[126];
    record_t record = {0};
    stream_t *stream = *state;

    memset(data, 'p', sizeof(data));
    for (unsigned opcode = 0x8; opcode <= 0xa; opcode++) {
        put_frame(stream, 0x80 | opcode, data, sizeof(data));
        expect_error(stream, 1002);
        put_head(stream, 0x80 | opcode, 5, 8);
        expect_error(stream, 1002);
        put_text(stream, opcode, "");
        expect_error(stream, 1002);
    }
    put_frame(stream, 0x89, data, 125);
    put_frame(stream, 0x8a, data, 125);
    record_event(&record, &(reef__ws_event_t){.kind = REEF__WS_PING,
                                              .data = reef_span(data, 125)});
    record_event(&record, &(reef__ws_event_t){.kind = REEF__WS_PONG,
                                              .data = reef_span(data, 125)});
    expect(stream, record.text);
}

/* Section 5.4 */
static void test_ws_frame_refuses_fragments_out_of_order(void **state)
{
    stream_t *stream = *state;

    put_text(stream, 0x80, "continues nothing");
    expect_error(stream, 1002);
    put_text(stream, 0x00, "continues nothing");
    expect_error(stream, 1002);
    put_text(stream, 0x81, "done");
    put_text(stream, 0x80, "continues nothing");
    expect_error(stream, 1002);
    put_text(stream, 0x01, "begun");
    put_text(stream, 0x81, "another");
    expect_error(stream, 1002);
    put_text(stream, 0x01, "");
    put_text(stream, 0x02, "another");
    expect_error(stream, 1002);
}

/* Section 7.1.7: after an error nothing more is heard */
static void test_ws_frame_ignores_all_after_an_error(void **state)
{
    stream_t *stream = *state;

    put_text(stream, 0x81, "good");
    put_text(stream, 0x83, "bad");
    put_text(stream, 0x81, "late");
    put_text(stream, 0x88, "");
    expect(stream, "text(good) error(1002,reserved opcode)");
}

/* Limits ----------------------------------------------------------------------- */

/* Section 10.4: the message in one frame or in many, up to the limit and beyond */
static void test_ws_frame_max_message_counts_all_fragments(void **state)
{
    stream_t *stream = *state;

    stream->limits.max_message = 10;
    put_text(stream, 0x82, "0123456789");
    put_text(stream, 0x01, "01234");
    put_text(stream, 0x89, "does not count");
    put_text(stream, 0x00, "");
    put_text(stream, 0x80, "56789");
    expect(stream, "binary(0123456789) ping(does not count) text(0123456789)");
    put_text(stream, 0x82, "0123456789a");
    expect_error(stream, 1009);
    put_text(stream, 0x02, "01234");
    put_text(stream, 0x00, "5");
    put_text(stream, 0x80, "6789a");
    expect_error(stream, 1009);
    put_text(stream, 0x02, "0123456789");
    put_text(stream, 0x80, "a");
    expect_error(stream, 1009);
    /* The ping was held too, and growth doubles. */
    assert_in_range(stream->counter.peak, 10, 2 * (10 + 14));
}

static void test_ws_frame_max_frame_counts_one_fragment(void **state)
{
    stream_t *stream = *state;

    stream->limits =
        (reef__ws_limits_t){.alloc = &stream->alloc, .max_message = 10, .max_frame = 4};
    put_text(stream, 0x02, "0123");
    put_text(stream, 0x80, "4567");
    expect(stream, "binary(01234567)");
    put_text(stream, 0x82, "01234");
    expect_error(stream, 1009);
    put_text(stream, 0x89, "01234"); /* control frames have their own limit */
    expect(stream, "ping(01234)");
}

static void test_ws_frame_max_fragments_counts_frames_of_one_message(void **state)
{
    stream_t *stream = *state;

    stream->limits.max_fragments = 3;
    for (int i = 0; i < 2; i++) {
        put_text(stream, 0x01, "a");
        put_text(stream, 0x89, "");
        put_text(stream, 0x00, "");
        put_text(stream, 0x80, "c");
    }
    expect(stream, "ping() text(ac) ping() text(ac)");
    put_text(stream, 0x01, "");
    put_text(stream, 0x00, "");
    put_text(stream, 0x00, "");
    put_text(stream, 0x80, "");
    expect_error(stream, 1008);
}

static void test_ws_frame_zero_limits_are_defaults(void **state)
{
    reef__ws_limits_t limits = {0};

    (void)state;
    reef__ws_limits_resolve(&limits);
    assert_ptr_equal(limits.alloc, reef_alloc_default());
    assert_int_equal(limits.max_message, 2 << 20);
    assert_int_equal(limits.max_frame, 2 << 20);
    assert_int_equal(limits.max_fragments, 131072);
    limits = (reef__ws_limits_t){.max_message = 7, .max_frame = 0, .max_fragments = 1};
    reef__ws_limits_resolve(&limits);
    assert_int_equal(limits.max_message, 7);
    assert_int_equal(limits.max_frame, 7);
    assert_int_equal(limits.max_fragments, 1);
}

/* Text ------------------------------------------------------------------------- */

/* Section 5.6: a fragment need not end between two characters */
static void test_ws_frame_text_may_be_cut_within_a_character(void **state)
{
    stream_t *stream = *state;

    put_text(stream, 0x01, "\xf0\x9f");
    put_text(stream, 0x89, "\xff");
    put_text(stream, 0x00, "");
    put_text(stream, 0x00, "\x90");
    put_text(stream, 0x80, "\x9a!");
    put_text(stream, 0x82, "\xff\xfe"); /* binary is not looked at */
    expect(stream, "ping(\xff) text(\xf0\x9f\x90\x9a!) binary(\xff\xfe)");
}

/* Section 8.1 */
static void test_ws_frame_refuses_text_that_is_not_utf8(void **state)
{
    static const char *const texts[] = {"\xff", "abc\xc0\x80", "\xed\xa0\x80",
                                        "x\xe2\x82", "\xf4\x90\x80\x80"};
    stream_t *stream = *state;

    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        put_text(stream, 0x81, texts[i]);
        expect_error(stream, 1007);
        put_text(stream, 0x01, texts[i]);
        put_text(stream, 0x80, "");
        expect_error(stream, 1007);
    }
}

/* Section 8.1: one message's cut character is not continued by the next */
static void test_ws_frame_refuses_text_that_ends_within_a_character(void **state)
{
    stream_t *stream = *state;

    put_text(stream, 0x01, "\xe2");
    put_text(stream, 0x80, "\x82");
    put_text(stream, 0x81, "\xac");
    expect(stream, "error(1007,text ends within a character)");
}

static void test_ws_frame_refuses_wrong_text_before_the_frame_ends(void **state)
{
    stream_t *stream = *state;
    reef__ws_reader_t reader = {0};
    record_t record = {0};

    reef__ws_limits_resolve(&stream->limits);
    put_head(stream, 0x81, 100, 0);
    put_masked(stream, "abc\xff", 4);
    feed(&reader, &stream->limits, reef_span(stream->bytes, stream->size), &record);
    assert_string_equal(record.text, "error(1007,text is not UTF-8)");
    reef__ws_reader_finish(&reader, &stream->limits);
}

/* Close ------------------------------------------------------------------------ */

static void put_close(stream_t *stream, unsigned code, const char *reason)
{
    char payload[200];
    int size = snprintf(payload, sizeof(payload), "%c%c%s", (int)(code >> 8),
                        (int)(code & 255), reason);

    put_frame(stream, 0x88, payload, (size_t)size);
}

/* Section 5.5.1: empty, a code, a code and a reason; 7.1.5: 1005 stands for no code */
static void test_ws_frame_reads_the_close_payload(void **state)
{
    stream_t *stream = *state;

    put_text(stream, 0x88, "");
    expect(stream, "close(1005,)");
    put_close(stream, 1001, "");
    expect(stream, "close(1001,)");
    put_close(stream, 3000, "going home \xc3\xa9");
    put_text(stream, 0x81, "after the end");
    expect(stream, "close(3000,going home \xc3\xa9)");
}

/* Section 5.5.1: the first two bytes are a code; 8.1: the reason is UTF-8 */
static void test_ws_frame_refuses_a_malformed_close_payload(void **state)
{
    stream_t *stream = *state;

    put_frame(stream, 0x88, "\x03", 1);
    expect_error(stream, 1002);
    put_close(stream, 1000, "\xff");
    expect_error(stream, 1007);
    put_close(stream, 1000, "cut \xe2\x82");
    expect_error(stream, 1007);
}

/* Section 7.4: reserved codes and those that are never sent are protocol errors */
static void test_ws_frame_knows_the_close_codes(void **state)
{
    static const struct {
        unsigned first, last;
    } valid[] = {{1000, 1003}, {1007, 1014}, {3000, 4999}};
    stream_t *stream = *state;

    for (unsigned code = 0; code <= UINT16_MAX; code++) {
        bool expected = false;

        for (size_t i = 0; i < COUNT_OF(valid); i++) {
            expected |= code >= valid[i].first && code <= valid[i].last;
        }
        assert_int_equal(reef__ws_code_is_valid((uint16_t)code), expected);
    }
    put_close(stream, 1005, "");
    expect_error(stream, 1002);
    put_close(stream, 0, "");
    expect_error(stream, 1002);
    put_close(stream, 4999, "");
    expect(stream, "close(4999,)");
}

/* Writing ---------------------------------------------------------------------- */

/* Section 5.2: the shortest form; 5.1: never masked */
static void test_ws_frame_header_has_the_shortest_length(void **state)
{
    static const struct {
        uint64_t payload;
        size_t size;
        const char *bytes;
    } cases[] = {
        {0, 2, "\x82\x00"},
        {125, 2, "\x82\x7d"},
        {126, 4, "\x82\x7e\x00\x7e"},
        {65535, 4, "\x82\x7e\xff\xff"},
        {65536, 10, "\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00"},
        {UINT64_C(0x0102030405060708), 10, "\x82\x7f\x01\x02\x03\x04\x05\x06\x07\x08"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint8_t out[REEF__WS_MAX_SERVER_HEAD];

        assert_int_equal(
            reef__ws_frame_header(out, REEF__WS_OP_BINARY, cases[i].payload),
            cases[i].size);
        assert_memory_equal(out, cases[i].bytes, cases[i].size);
        reef__ws_frame_header(out, REEF__WS_OP_PONG, 125);
        assert_memory_equal(out, "\x8a\x7d", 2);
    }
}

/* Section 5.5.1 */
static void test_ws_frame_close_payload_is_code_and_reason(void **state)
{
    uint8_t out[REEF__WS_MAX_CONTROL];

    (void)state;
    assert_int_equal(reef__ws_frame_close_payload(out, 0, reef_span_text("no")), 0);
    assert_int_equal(reef__ws_frame_close_payload(out, 1005, reef_span_text("no")), 0);
    assert_int_equal(reef__ws_frame_close_payload(out, 1001, reef_span(NULL, 0)), 2);
    assert_memory_equal(out, "\x03\xe9", 2);
    assert_int_equal(reef__ws_frame_close_payload(out, 1008, reef_span_text("why")), 5);
    assert_memory_equal(out, "\x03\xf0why", 5);
}

/* Sections 5.5 and 8.1: at most 125 bytes in all, and still UTF-8 */
static void test_ws_frame_close_payload_cuts_a_long_reason(void **state)
{
    uint8_t out[REEF__WS_MAX_CONTROL];
    char reason[200];

    (void)state;
    memset(reason, 'r', sizeof(reason));
    assert_int_equal(reef__ws_frame_close_payload(out, 1000, reef_span(reason, 200)),
                     125);
    assert_int_equal(reef__ws_frame_close_payload(out, 1000, reef_span(reason, 123)),
                     125);
    reason[121] = '\xe2'; /* the euro sign; its last byte would be the 124th */
    reason[122] = '\x82';
    reason[123] = '\xac';
    assert_int_equal(reef__ws_frame_close_payload(out, 1000, reef_span(reason, 124)),
                     123);
    assert_true(reef__utf8_is_valid(reef_span(out + 2, 121)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_ws_frame_reads_the_masked_hello_of_the_rfc),
        TEST(test_ws_frame_joins_fragments),
        TEST(test_ws_frame_goes_by_place_not_by_looks),
        TEST(test_ws_frame_takes_empty_frames),
        TEST(test_ws_frame_gives_control_frames_between_fragments),
        TEST(test_ws_frame_close_within_a_message_ends_all),
        TEST(test_ws_frame_reads_every_length),
        TEST(test_ws_frame_refuses_lengths_in_a_longer_form),
        TEST(test_ws_frame_refuses_lengths_beyond_63_bits),
        TEST(test_ws_frame_refuses_unmasked_frames),
        TEST(test_ws_frame_refuses_reserved_bits),
        TEST(test_ws_frame_refuses_reserved_opcodes),
        TEST(test_ws_frame_refuses_long_and_fragmented_control_frames),
        TEST(test_ws_frame_refuses_fragments_out_of_order),
        TEST(test_ws_frame_ignores_all_after_an_error),
        TEST(test_ws_frame_max_message_counts_all_fragments),
        TEST(test_ws_frame_max_frame_counts_one_fragment),
        TEST(test_ws_frame_max_fragments_counts_frames_of_one_message),
        TEST(test_ws_frame_zero_limits_are_defaults),
        TEST(test_ws_frame_text_may_be_cut_within_a_character),
        TEST(test_ws_frame_refuses_text_that_is_not_utf8),
        TEST(test_ws_frame_refuses_text_that_ends_within_a_character),
        TEST(test_ws_frame_refuses_wrong_text_before_the_frame_ends),
        TEST(test_ws_frame_reads_the_close_payload),
        TEST(test_ws_frame_refuses_a_malformed_close_payload),
        TEST(test_ws_frame_knows_the_close_codes),
        TEST(test_ws_frame_header_has_the_shortest_length),
        TEST(test_ws_frame_close_payload_is_code_and_reason),
        TEST(test_ws_frame_close_payload_cuts_a_long_reason),
    };

    return cmocka_run_group_tests_name("ws_frame", tests, NULL, NULL);
}
