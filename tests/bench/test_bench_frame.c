#include "frame.h"
#include "test.h"

enum {
    MAX_MESSAGE = 70000
};

/* What a stream gave. */
typedef struct got {
    uint8_t data[MAX_MESSAGE];
    size_t size, messages;
    bool is_within; /* a message that is not complete */
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

/* Decode in parts of @p step bytes. */
static void
decode(got_t *got, framing_t framing, const uint8_t *data, size_t size, size_t step)
{
    frame_decoder_t decoder = {0};
    ws_piece_t piece;

    *got = (got_t){0};
    for (size_t at = 0; at < size && got->error == NULL;) {
        size_t part = size - at < step ? size - at : step;

        at += frame_decode(&decoder, framing, 4, data + at, part, &piece);
        if (piece.kind == WS_PIECE_DATA) {
            assert_true(got->size + piece.size <= MAX_MESSAGE);
            assert_int_equal(piece.is_first, !got->is_within);
            got->is_within = !piece.is_last;
            memcpy(got->data + got->size, piece.data, piece.size);
            got->size += piece.size;
            got->messages += piece.is_last;
        } else if (piece.kind == WS_PIECE_BROKEN) {
            got->error = piece.error;
        }
    }
}

#define BYTES(...) ((const uint8_t[]){__VA_ARGS__})
#define DECODE(got, framing, ...)                                                      \
    decode((got), (framing), BYTES(__VA_ARGS__), sizeof(BYTES(__VA_ARGS__)), SIZE_MAX)

static void expect_head(framing_t framing, size_t size, const char *head, size_t count)
{
    uint8_t out[FRAME_MAX_HEAD];

    assert_int_equal(frame_write_head(framing, out, size), count);
    assert_memory_equal(out, head, count);
}

static void test_frame_writes_a_varint(void **state)
{
    (void)state;
    expect_head(FRAMING_VARINT, 1, "\x01", 1);
    expect_head(FRAMING_VARINT, 127, "\x7f", 1);
    expect_head(FRAMING_VARINT, 128, "\x80\x01", 2);
    expect_head(FRAMING_VARINT, 300, "\xac\x02", 2);
    expect_head(FRAMING_VARINT, 16384, "\x80\x80\x01", 3);
    expect_head(FRAMING_VARINT, UINT32_MAX, "\xff\xff\xff\xff\x0f", 5);
}

static void test_frame_writes_four_bytes_big_endian(void **state)
{
    (void)state;
    expect_head(FRAMING_U32, 0x01020304, "\x01\x02\x03\x04", 4);
    expect_head(FRAMING_RAW, 5, "", 0);
    expect_head(FRAMING_LINES, 5, "", 0);
}

static void test_frame_ends_a_line(void **state)
{
    uint8_t tail = 0;

    (void)state;
    assert_int_equal(frame_write_tail(FRAMING_LINES, &tail), 1);
    assert_int_equal(tail, '\n');
    assert_int_equal(frame_write_tail(FRAMING_U32, &tail), 0);
}

static void test_frame_reads_messages_of_any_size_in_any_parts(void **state)
{
    static const framing_t framings[] = {FRAMING_VARINT, FRAMING_U32, FRAMING_LINES};
    static const size_t sizes[] = {1, 127, 128, 300, 16383, 16384};
    static uint8_t in[MAX_MESSAGE];
    got_t *got = *state;

    for (size_t i = 0; i < 3; i++) {
        for (size_t step = 1; step <= 1000; step += 333) {
            size_t size = 0, payload = 0;

            for (size_t j = 0; j < sizeof(sizes) / sizeof(sizes[0]); j++) {
                size += frame_write_head(framings[i], in + size, sizes[j]);
                memset(in + size, 'a' + (int)j, sizes[j]);
                size += sizes[j];
                payload += sizes[j];
                size += frame_write_tail(framings[i], in + size);
            }
            decode(got, framings[i], in, size, step);
            assert_null(got->error);
            assert_int_equal(got->messages, sizeof(sizes) / sizeof(sizes[0]));
            assert_int_equal(got->size, payload);
            assert_int_equal(got->data[0], 'a');
            assert_int_equal(got->data[1], 'b');
            assert_int_equal(got->data[payload - 1], 'f');
        }
    }
}

static void test_frame_reads_empty_messages(void **state)
{
    got_t *got = *state;

    DECODE(got, FRAMING_VARINT, 0, 0, 1, 'x');
    assert_int_equal(got->messages, 3);
    DECODE(got, FRAMING_U32, 0, 0, 0, 0, 0, 0, 0, 1, 'x');
    assert_int_equal(got->messages, 2);
    DECODE(got, FRAMING_VARINT, 1, 'x', 0);
    assert_int_equal(got->messages, 2);
    DECODE(got, FRAMING_LINES, '\n', 'x', '\n');
    assert_int_equal(got->messages, 2);
    assert_int_equal(got->size, 1);
}

static void test_frame_cuts_raw_bytes_by_size(void **state)
{
    got_t *got = *state;

    DECODE(got, FRAMING_RAW, 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i');
    assert_int_equal(got->messages, 2);
    assert_int_equal(got->size, 9);
    assert_true(got->is_within);
}

static void test_frame_refuses_a_length_of_more_than_32_bits(void **state)
{
    got_t *got = *state;

    DECODE(got, FRAMING_VARINT, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01);
    assert_non_null(got->error);
    DECODE(got, FRAMING_VARINT, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00);
    assert_non_null(got->error);
    DECODE(got, FRAMING_VARINT, 0xff, 0xff, 0xff, 0xff, 0x1f);
    assert_non_null(got->error);
    DECODE(got, FRAMING_VARINT, 0xff, 0xff, 0xff, 0xff, 0x0f);
    assert_null(got->error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_frame_writes_a_varint),
        TEST(test_frame_writes_four_bytes_big_endian),
        TEST(test_frame_ends_a_line),
        TEST(test_frame_reads_messages_of_any_size_in_any_parts),
        TEST(test_frame_reads_empty_messages),
        TEST(test_frame_cuts_raw_bytes_by_size),
        TEST(test_frame_refuses_a_length_of_more_than_32_bits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
