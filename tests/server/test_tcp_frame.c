/*
 * Each stream of bytes is read in one piece, in two pieces cut at every byte, and byte
 * by byte; but for raw, every way must give the same events, and leave no memory
 * behind.  Events are compared as text: `a bc! error(length 0)`.  The pieces are copied
 * to memory of exactly their size, so that AddressSanitizer sees one byte too many.
 */
#include "test.h"

#include "codec/tcp_frame.h"

#include <reef/hash.h>

/* Memory ----------------------------------------------------------------------- */

typedef struct fixture {
    reef__tcp_limits_t limits;
    reef_alloc_t alloc;
    size_t live; /* bytes */
    size_t calls;
    uint8_t bytes[1 << 18]; /* what the client sends */
    size_t size;
} fixture_t;

static void *count_resize(void *context, void *ptr, size_t old_size, size_t new_size)
{
    fixture_t *fixture = context;

    fixture->calls++;
    fixture->live = fixture->live - old_size + new_size;
    if (new_size == 0) {
        free(ptr);
        return NULL;
    }
    return realloc(ptr, new_size);
}

static int setup(void **state)
{
    fixture_t *fixture = calloc(1, sizeof(*fixture));

    fixture->alloc = (reef_alloc_t){count_resize, fixture};
    fixture->limits.alloc = &fixture->alloc;
    fixture->limits.framing = REEF__FRAMING_VARINT;
    reef__tcp_limits_resolve(&fixture->limits);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    fixture_t *fixture = *state;
    size_t live = fixture->live;

    free(fixture);
    return live == 0 ? 0 : -1;
}

/* Streams ---------------------------------------------------------------------- */

static void put(fixture_t *fixture, const void *bytes, size_t size)
{
    assert_true(fixture->size + size <= sizeof(fixture->bytes));
    memcpy(fixture->bytes + fixture->size, bytes, size);
    fixture->size += size;
}

static void put_text(fixture_t *fixture, const char *text)
{
    put(fixture, text, strlen(text));
}

static void put_message(fixture_t *fixture, const void *data, size_t size)
{
    uint8_t head[REEF__TCP_MAX_HEAD];

    put(fixture, head,
        reef__tcp_frame_header(head, fixture->limits.framing, (uint32_t)size));
    put(fixture, data, size);
    if (fixture->limits.framing == REEF__FRAMING_LINES) {
        put_text(fixture, "\n");
    }
}

/* Events ----------------------------------------------------------------------- */

typedef struct record {
    char text[4096];
    size_t size;
    bool ended;
    bool is_busy;
} record_t;

static void record_event(record_t *record, const reef__tcp_event_t *event)
{
    char *out = record->text + record->size;
    size_t room = sizeof(record->text) - record->size;
    const char *space = record->size > 0 ? " " : "";
    const char *data = (const char *)event->data.data;
    int size = (int)event->data.size;

    assert_false(record->ended);
    assert_true(room > 128);
    if (event->kind == REEF__TCP_ERROR) {
        record->size += (size_t)snprintf(out, room, "%serror(%.*s)", space, size, data);
        record->ended = true;
    } else if (size <= 60) {
        record->size += (size_t)snprintf(out, room, "%s%.*s", space, size, data);
    } else {
        record->size +=
            (size_t)snprintf(out, room, "%s%d:%016llx", space, size,
                             (unsigned long long)reef_hash64(data, (size_t)size, 0));
    }
}

static void feed(fixture_t *fixture,
                 reef__tcp_reader_t *reader,
                 const uint8_t *bytes,
                 size_t size,
                 record_t *record)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);
    reef_span_t input = {copy, size};
    reef__tcp_event_t event;

    memcpy(copy, bytes, size);
    while (reef__tcp_frame_next(reader, &fixture->limits, &input, &event)) {
        record_event(record, &event);
    }
    assert_ptr_equal(input.data, copy + size);
    assert_int_equal(input.size, 0);
    record->is_busy = reef__tcp_reader_is_busy(reader);
    free(copy);
}

/* Read the stream in pieces of @p first bytes, then of @p then each. */
static record_t read_pieces(fixture_t *fixture, size_t first, size_t then)
{
    reef__tcp_reader_t reader = {0};
    record_t record = {0};

    feed(fixture, &reader, fixture->bytes, first, &record);
    for (size_t i = first, count; i < fixture->size; i += count) {
        count = fixture->size - i < then ? fixture->size - i : then;
        feed(fixture, &reader, fixture->bytes + i, count, &record);
    }
    reef__tcp_reader_finish(&reader, &fixture->limits);
    assert_int_equal(fixture->live, 0);
    return record;
}

/* Read the stream in all ways; it must give @p expected, and is empty afterwards. */
static bool expect(fixture_t *fixture, const char *expected)
{
    size_t step = fixture->size < 4096 ? 1 : fixture->size / 50;
    record_t record = read_pieces(fixture, fixture->size, 1);
    bool is_busy = record.is_busy;

    assert_string_equal(record.text, expected);
    for (size_t cut = 0; cut <= fixture->size; cut += step) {
        record = read_pieces(fixture, cut, SIZE_MAX);
        assert_string_equal(record.text, expected);
        assert_int_equal(record.is_busy, is_busy);
    }
    record = read_pieces(fixture, 0, 1);
    assert_string_equal(record.text, expected);
    assert_int_equal(record.is_busy, is_busy);
    fixture->size = 0;
    return is_busy;
}

static void expect_whole(fixture_t *fixture, const char *expected)
{
    assert_false(expect(fixture, expected));
}

static void expect_cut(fixture_t *fixture, const char *expected)
{
    assert_true(expect(fixture, expected));
}

/* Length and body -------------------------------------------------------------- */

static void test_tcp_frame_reads_varint_messages(void **state)
{
    fixture_t *fixture = *state;

    put_text(fixture, "\x01"
                      "a\x03"
                      "bcd\x05"
                      "\nefg\n");
    expect_whole(fixture, "a bcd \nefg\n");
}

static void test_tcp_frame_reads_u32_messages(void **state)
{
    fixture_t *fixture = *state;

    fixture->limits.framing = REEF__FRAMING_U32;
    put(fixture, "\0\0\0\1a\0\0\0\3bcd", 12);
    expect_whole(fixture, "a bcd");
}

static void test_tcp_frame_reads_what_it_writes_at_every_size(void **state)
{
    static const size_t sizes[] = {1, 127, 128, 255, 256, 16383, 16384, 70000};
    static const reef__framing_t framings[] = {REEF__FRAMING_VARINT, REEF__FRAMING_U32,
                                               REEF__FRAMING_LINES};
    fixture_t *fixture = *state;
    uint8_t *data = malloc(70000);

    for (size_t i = 0; i < 70000; i++) {
        data[i] = (uint8_t)(11 + i * 7 % 241);
    }
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        for (size_t k = 0; k < sizeof(framings) / sizeof(framings[0]); k++) {
            record_t record = {0};
            reef__tcp_event_t event = {.data = reef_span(data, sizes[i])};

            record_event(&record, &event);
            record_event(&record, &event);
            fixture->limits.framing = framings[k];
            put_message(fixture, data, sizes[i]);
            put_message(fixture, data, sizes[i]);
            expect_whole(fixture, record.text);
        }
    }
    free(data);
}

static void test_tcp_frame_writes_headers(void **state)
{
    static const struct {
        uint32_t size;
        size_t count;
        const char *varint;
        const char *u32;
    } cases[] = {{1, 1, "\x01", "\0\0\0\1"},
                 {127, 1, "\x7f", "\0\0\0\x7f"},
                 {128, 2, "\x80\x01", "\0\0\0\x80"},
                 {300, 2, "\xac\x02", "\0\0\1\x2c"},
                 {2097151, 3, "\xff\xff\x7f", "\0\x1f\xff\xff"},
                 {UINT32_MAX, 5, "\xff\xff\xff\xff\x0f", "\xff\xff\xff\xff"}};
    uint8_t head[REEF__TCP_MAX_HEAD];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(
            reef__tcp_frame_header(head, REEF__FRAMING_VARINT, cases[i].size),
            cases[i].count);
        assert_memory_equal(head, cases[i].varint, cases[i].count);
        assert_int_equal(reef__tcp_frame_header(head, REEF__FRAMING_U32, cases[i].size),
                         4);
        assert_memory_equal(head, cases[i].u32, 4);
    }
    assert_int_equal(reef__tcp_frame_header(head, REEF__FRAMING_LINES, 7), 0);
    assert_int_equal(reef__tcp_frame_header(head, REEF__FRAMING_RAW, 7), 0);
}

/* Encoders that reserve five bytes and fill in the length later */
static void test_tcp_frame_takes_lengths_in_a_longer_form(void **state)
{
    fixture_t *fixture = *state;

    put(fixture,
        "\x81\x00"
        "a\x82\x80\x80\x80\x00"
        "bc",
        10);
    expect_whole(fixture, "a bc");
}

static void test_tcp_frame_refuses_length_0(void **state)
{
    fixture_t *fixture = *state;

    put(fixture,
        "\x01"
        "a\x00\x01"
        "b",
        5);
    expect_whole(fixture, "a error(length 0)");
    put(fixture, "\x80\x80\x00\x01", 4);
    expect_whole(fixture, "error(length 0)");
    fixture->limits.framing = REEF__FRAMING_U32;
    put(fixture, "\0\0\0\1a\0\0\0\0\0", 10);
    expect_whole(fixture, "a error(length 0)");
}

static void test_tcp_frame_refuses_varints_of_six_bytes(void **state)
{
    fixture_t *fixture = *state;

    put(fixture,
        "\x01"
        "a\x80\x80\x80\x80\x80\x00",
        8);
    expect_whole(fixture, "a error(length of more than 5 bytes)");
    put(fixture, "\x81\x80\x80\x80\x80", 5); /* the sixth need not come */
    expect_whole(fixture, "error(length of more than 5 bytes)");
}

static void test_tcp_frame_refuses_varints_of_more_than_32_bits(void **state)
{
    fixture_t *fixture = *state;

    put(fixture, "\x81\x80\x80\x80\x10", 5);
    expect_whole(fixture, "error(length of more than 32 bits)");
    put(fixture, "\xff\xff\xff\xff\x7f", 5);
    expect_whole(fixture, "error(length of more than 32 bits)");
    put(fixture, "\xff\xff\xff\xff\x0f", 5);
    expect_whole(fixture, "error(message too long)");
}

static void test_tcp_frame_refuses_lengths_over_the_limit(void **state)
{
    fixture_t *fixture = *state;

    fixture->limits.max_message = 4;
    put_text(fixture, "\x04"
                      "abcd\x05"
                      "efghi");
    expect_whole(fixture, "abcd error(message too long)");
    fixture->limits.framing = REEF__FRAMING_U32;
    put(fixture, "\0\0\0\4abcd\0\0\0\5e", 13);
    expect_whole(fixture, "abcd error(message too long)");
    put(fixture, "\xff\xff\xff\xff", 4);
    expect_whole(fixture, "error(message too long)");
}

static void test_tcp_frame_knows_that_a_message_is_cut_short(void **state)
{
    fixture_t *fixture = *state;

    put_text(fixture, "\x01"
                      "a\x03"
                      "bc");
    expect_cut(fixture, "a");
    put_text(fixture, "\x01"
                      "a\x03");
    expect_cut(fixture, "a");
    put_text(fixture, "\x81");
    expect_cut(fixture, "");
    fixture->limits.framing = REEF__FRAMING_U32;
    put(fixture, "\0\0\0", 3);
    expect_cut(fixture, "");
    fixture->limits.framing = REEF__FRAMING_LINES;
    put_text(fixture, "a\nb");
    expect_cut(fixture, "a");
}

/* Lines ------------------------------------------------------------------------ */

static void test_tcp_frame_reads_lines_with_and_without_cr(void **state)
{
    fixture_t *fixture = *state;

    fixture->limits.framing = REEF__FRAMING_LINES;
    put_text(fixture, "one\ntwo\r\nth\rree\n\rfour\n");
    expect_whole(fixture, "one two th\rree \rfour");
}

static void test_tcp_frame_cuts_one_cr_only(void **state)
{
    fixture_t *fixture = *state;

    fixture->limits.framing = REEF__FRAMING_LINES;
    put_text(fixture, "a\r\r\n\r\r\n");
    expect_whole(fixture, "a\r \r");
}

static void test_tcp_frame_skips_empty_lines(void **state)
{
    fixture_t *fixture = *state;

    fixture->limits.framing = REEF__FRAMING_LINES;
    put_text(fixture, "\n\r\n\na\n\n\r\nb\n\r\n");
    expect_whole(fixture, "a b");
}

static void test_tcp_frame_refuses_lines_over_the_limit(void **state)
{
    fixture_t *fixture = *state;

    fixture->limits.framing = REEF__FRAMING_LINES;
    fixture->limits.max_message = 4;
    put_text(fixture, "abcd\nefgh\r\nijklm\n");
    expect_whole(fixture, "abcd efgh error(line too long)");
    put_text(fixture, "abcd\re\n");
    expect_whole(fixture, "error(line too long)");
    put_text(fixture, "abcd\r");
    expect_cut(fixture, "");
    put_text(fixture, "abcde"); /* its LF need not come */
    expect_whole(fixture, "error(line too long)");
}

/* Raw -------------------------------------------------------------------------- */

static void test_tcp_frame_gives_each_raw_read_as_a_message(void **state)
{
    fixture_t *fixture = *state;

    fixture->limits.framing = REEF__FRAMING_RAW;
    put_text(fixture, "abcdefgh");
    assert_string_equal(read_pieces(fixture, 8, 1).text, "abcdefgh");
    assert_string_equal(read_pieces(fixture, 3, SIZE_MAX).text, "abc defgh");
    assert_string_equal(read_pieces(fixture, 0, 1).text, "a b c d e f g h");
    assert_int_equal(fixture->calls, 0);
}

static void test_tcp_frame_splits_raw_reads_at_the_limit(void **state)
{
    fixture_t *fixture = *state;

    fixture->limits.framing = REEF__FRAMING_RAW;
    fixture->limits.max_message = 4;
    put_text(fixture, "abcdefghij");
    assert_string_equal(read_pieces(fixture, 10, 1).text, "abcd efgh ij");
}

static void test_tcp_frame_keeps_raw_characters_whole(void **state)
{
    fixture_t *fixture = *state;

    fixture->limits.framing = REEF__FRAMING_RAW;
    fixture->limits.is_text = true;
    put_text(fixture, "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\x9f"
                      "b"); /* aä€🐟b */
    assert_string_equal(read_pieces(fixture, 0, 1).text,
                        "a \xc3\xa4 \xe2\x82\xac \xf0\x9f\x90\x9f b");
    assert_string_equal(read_pieces(fixture, 4, 5).text,
                        "a\xc3\xa4 \xe2\x82\xac \xf0\x9f\x90\x9f"
                        "b");
    fixture->limits.max_message = 4;
    assert_string_equal(read_pieces(fixture, fixture->size, 1).text,
                        "a\xc3\xa4 \xe2\x82\xac \xf0\x9f\x90\x9f b");
    fixture->size = 8; /* within the fish */
    assert_true(read_pieces(fixture, 7, 1).is_busy);
}

static void test_tcp_frame_refuses_raw_text_that_is_not_utf8(void **state)
{
    fixture_t *fixture = *state;

    fixture->limits.framing = REEF__FRAMING_RAW;
    fixture->limits.is_text = true;
    put_text(fixture, "a\xc3(");
    assert_string_equal(read_pieces(fixture, 3, 1).text, "error(text is not UTF-8)");
    assert_string_equal(read_pieces(fixture, 0, 1).text, "a error(text is not UTF-8)");
}

/* Text ------------------------------------------------------------------------- */

static void test_tcp_frame_checks_text_where_it_must_be(void **state)
{
    static const reef__framing_t framings[] = {REEF__FRAMING_VARINT, REEF__FRAMING_U32,
                                               REEF__FRAMING_LINES};
    fixture_t *fixture = *state;

    for (size_t i = 0; i < sizeof(framings) / sizeof(framings[0]); i++) {
        fixture->limits.framing = framings[i];
        fixture->limits.is_text = true;
        put_message(fixture, "\xe2\x82\xac", 3);
        put_message(fixture, "\xe2\x82", 2);
        put_message(fixture, "\xac", 1);
        expect_whole(fixture, "\xe2\x82\xac error(text is not UTF-8)");
        fixture->limits.is_text = false;
        put_message(fixture, "\xe2\x82", 2);
        put_message(fixture, "\xac", 1);
        expect_whole(fixture, "\xe2\x82 \xac");
    }
}

/* Memory ----------------------------------------------------------------------- */

static void test_tcp_frame_gives_whole_messages_as_views_without_memory(void **state)
{
    static const reef__framing_t framings[] = {REEF__FRAMING_VARINT, REEF__FRAMING_U32,
                                               REEF__FRAMING_LINES};
    fixture_t *fixture = *state;

    for (size_t i = 0; i < sizeof(framings) / sizeof(framings[0]); i++) {
        reef__tcp_reader_t reader = {0};
        reef__tcp_event_t event;
        reef_span_t input;
        size_t events = 0;

        fixture->limits.framing = framings[i];
        fixture->size = 0;
        for (int k = 0; k < 100; k++) {
            put_message(fixture, "a message", 9);
        }
        input = reef_span(fixture->bytes, fixture->size);
        while (reef__tcp_frame_next(&reader, &fixture->limits, &input, &event)) {
            assert_true(event.data.data > fixture->bytes - 1 &&
                        event.data.data + 9 <= fixture->bytes + fixture->size);
            events++;
        }
        assert_int_equal(events, 100);
    }
    assert_int_equal(fixture->calls, 0);
}

static void test_tcp_frame_holds_what_came_not_what_was_announced(void **state)
{
    fixture_t *fixture = *state;
    reef__tcp_reader_t reader = {0};
    record_t record = {0};

    fixture->limits.max_message = UINT32_C(1) << 31;
    put_text(fixture, "\x80\x80\x80\x80\x08"
                      "0123456789");
    for (size_t i = 0; i < fixture->size; i++) {
        feed(fixture, &reader, fixture->bytes + i, 1, &record);
        assert_true(fixture->live <= 2 * (i < 4 ? 0 : i - 4));
    }
    assert_true(fixture->live >= 10);
    reef__tcp_reader_finish(&reader, &fixture->limits);
    assert_int_equal(fixture->live, 0);
    reef__tcp_reader_finish(&reader, &fixture->limits);
    feed(fixture, &reader, (const uint8_t *)"\x01z", 2, &record);
    assert_int_equal(record.size, 0);
}

static void test_tcp_frame_grows_the_buffer_seldom(void **state)
{
    fixture_t *fixture = *state;
    reef__tcp_reader_t reader = {0};
    record_t record = {0};

    fixture->limits.framing = REEF__FRAMING_LINES;
    for (size_t i = 0; i < 100000; i++) {
        feed(fixture, &reader, (const uint8_t *)"x", 1, &record);
    }
    assert_in_range(fixture->calls, 1, 20);
    feed(fixture, &reader, (const uint8_t *)"\n", 1, &record);
    assert_int_equal(strncmp(record.text, "100000:", 7), 0);
    assert_int_equal(fixture->live, 0);
}

/* The transport may stop after any event and go on later with the rest. */
static void test_tcp_frame_leaves_the_rest_of_the_input_alone(void **state)
{
    fixture_t *fixture = *state;
    reef__tcp_reader_t reader = {0};
    reef__tcp_event_t event;
    reef_span_t input = reef_span("\x03one\x03two\x05", 9);
    const uint8_t *start = input.data;

    assert_true(reef__tcp_frame_next(&reader, &fixture->limits, &input, &event));
    assert_ptr_equal(input.data, start + 4);
    assert_int_equal(input.size, 5);
    assert_true(reef__tcp_frame_next(&reader, &fixture->limits, &input, &event));
    assert_true(reef_span_equal(event.data, reef_span_text("two")));
    assert_false(reef__tcp_frame_next(&reader, &fixture->limits, &input, &event));
    assert_true(reef__tcp_reader_is_busy(&reader));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_tcp_frame_reads_varint_messages),
        TEST(test_tcp_frame_reads_u32_messages),
        TEST(test_tcp_frame_reads_what_it_writes_at_every_size),
        TEST(test_tcp_frame_writes_headers),
        TEST(test_tcp_frame_takes_lengths_in_a_longer_form),
        TEST(test_tcp_frame_refuses_length_0),
        TEST(test_tcp_frame_refuses_varints_of_six_bytes),
        TEST(test_tcp_frame_refuses_varints_of_more_than_32_bits),
        TEST(test_tcp_frame_refuses_lengths_over_the_limit),
        TEST(test_tcp_frame_knows_that_a_message_is_cut_short),
        TEST(test_tcp_frame_reads_lines_with_and_without_cr),
        TEST(test_tcp_frame_cuts_one_cr_only),
        TEST(test_tcp_frame_skips_empty_lines),
        TEST(test_tcp_frame_refuses_lines_over_the_limit),
        TEST(test_tcp_frame_gives_each_raw_read_as_a_message),
        TEST(test_tcp_frame_splits_raw_reads_at_the_limit),
        TEST(test_tcp_frame_keeps_raw_characters_whole),
        TEST(test_tcp_frame_refuses_raw_text_that_is_not_utf8),
        TEST(test_tcp_frame_checks_text_where_it_must_be),
        TEST(test_tcp_frame_gives_whole_messages_as_views_without_memory),
        TEST(test_tcp_frame_holds_what_came_not_what_was_announced),
        TEST(test_tcp_frame_grows_the_buffer_seldom),
        TEST(test_tcp_frame_leaves_the_rest_of_the_input_alone),
    };

    return cmocka_run_group_tests_name("tcp_frame", tests, NULL, NULL);
}
