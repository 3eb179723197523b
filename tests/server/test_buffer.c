#include "test.h"

#include "buffer.h"
#include "transport/framer.h"

static void test_buffer_frames_text_once_with_a_short_header(void **state)
{
    reef_buffer_t *buffer = reef_buffer_format("%s %d", "hi", 5);
    reef_span_t frame = reef__buffer_frame(buffer);

    (void)state;
    assert_int_equal(frame.size, 6);
    assert_memory_equal(frame.data, "\x81\x04hi 5", 6);
    assert_ptr_equal(reef_buffer_payload(buffer).data, frame.data + 2);
    assert_int_equal(reef_buffer_kind(buffer), REEF_PAYLOAD_TEXT);
    reef_buffer_unref(buffer);
}

static void test_buffer_frames_large_binary_with_a_long_header(void **state)
{
    static const uint8_t zeros[70000];
    reef_buffer_t *buffer =
        reef_buffer_create(REEF_PAYLOAD_BINARY, reef_span(zeros, sizeof(zeros)));
    reef_span_t frame = reef__buffer_frame(buffer);

    (void)state;
    assert_int_equal(frame.size, 10 + sizeof(zeros));
    assert_memory_equal(frame.data, "\x82\x7f\0\0\0\0\0\x01\x11\x70", 10);
    reef_buffer_unref(buffer);
}

static void test_buffer_lives_until_its_last_reference(void **state)
{
    reef_buffer_t *buffer = reef_buffer_format("x");

    (void)state;
    assert_ptr_equal(reef_buffer_ref(buffer), buffer);
    reef_buffer_unref(buffer);
    assert_memory_equal(reef_buffer_payload(buffer).data, "x", 1);
    reef_buffer_unref(buffer);
    reef_buffer_unref(NULL);
}

static void test_buffer_format_holds_long_texts(void **state)
{
    reef_buffer_t *buffer = reef_buffer_format("%2000d", 7);

    (void)state;
    assert_int_equal(reef_buffer_payload(buffer).size, 2000);
    assert_int_equal(reef_buffer_payload(buffer).data[1999], '7');
    reef_buffer_unref(buffer);
}

static void test_buffer_raw_has_no_header(void **state)
{
    reef_buffer_t *buffer = reef__buffer_raw(reef_span_text("HTTP/1.1 101"));

    (void)state;
    assert_true(
        reef_span_equal(reef__buffer_frame(buffer), reef_span_text("HTTP/1.1 101")));
    reef_buffer_unref(buffer);
}

static void test_buffer_format_keeps_every_byte_at_each_length(void **state)
{
    (void)state;
    for (int size = 510; size <= 514; size++) { /* around what is formatted in place */
        reef_buffer_t *buffer = reef_buffer_format("%*d", size, 7);

        assert_int_equal(reef_buffer_payload(buffer).size, size);
        assert_int_equal(reef_buffer_payload(buffer).data[size - 1], '7');
        reef_buffer_unref(buffer);
    }
}

/* The frame, whether the buffer carries it or it is written from another framing. */
static void expect_frame(reef__framing_t framing,
                         reef_span_t payload,
                         const char *wanted,
                         size_t size)
{
    reef_buffer_t *other = reef__buffer_create_framed(
        framing == REEF__FRAMING_RAW ? REEF__FRAMING_LINES : REEF__FRAMING_RAW,
        REEF_PAYLOAD_BINARY, payload);
    reef_buffer_t *own =
        reef__buffer_create_framed(framing, REEF_PAYLOAD_BINARY, payload);
    uint8_t *written = malloc(size);

    assert_int_equal(reef__buffer_framing(own), framing);
    assert_true(reef_span_equal(reef_buffer_payload(own), payload));
    assert_true(reef_span_equal(reef__buffer_frame(own), reef_span(wanted, size)));
    for (int i = 0; i < 2; i++) {
        const reef_buffer_t *buffer = i == 0 ? own : other;

        assert_int_equal(reef__buffer_frame_size(buffer, framing), size);
        memset(written, 0, size);
        assert_ptr_equal(reef__buffer_write_frame(buffer, framing, written),
                         written + size);
        assert_memory_equal(written, wanted, size);
    }
    free(written);
    reef_buffer_unref(own);
    reef_buffer_unref(other);
}

static void test_buffer_frames_in_each_framing(void **state)
{
    (void)state;
    expect_frame(REEF__FRAMING_WEBSOCKET, reef_span_text("hi"), "\x82\x02hi", 4);
    expect_frame(REEF__FRAMING_RAW, reef_span_text("hi"), "hi", 2);
    expect_frame(REEF__FRAMING_VARINT, reef_span_text("hi"), "\x02hi", 3);
    expect_frame(REEF__FRAMING_U32, reef_span_text("hi"), "\0\0\0\x02hi", 6);
    expect_frame(REEF__FRAMING_LINES, reef_span_text("hi"), "hi\n", 3);
    expect_frame(REEF__FRAMING_LINES, reef_span("", 0), "\n", 1);
}

static void test_buffer_varint_grows_with_the_size(void **state)
{
    static const struct {
        uint32_t size;
        const char *head;
    } rows[] = {
        {127, "\x7f"},
        {128, "\x80\x01"},
        {16383, "\xff\x7f"},
        {16384, "\x80\x80\x01"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t head = strlen(rows[i].head);
        char *frame = calloc(1, head + rows[i].size);

        memcpy(frame, rows[i].head, head);
        expect_frame(REEF__FRAMING_VARINT, reef_span(frame + head, rows[i].size), frame,
                     head + rows[i].size);
        free(frame);
    }
}

static void test_framer_frames_a_message_once(void **state)
{
    reef__framer_t framer = {0};
    reef_buffer_t *message = reef_buffer_format("hi");
    reef_buffer_t *lines[2];
    reef_buffer_t *varint;

    (void)state;
    for (int i = 0; i < 2; i++) {
        lines[i] =
            reef__framer_frame(&framer, reef_buffer_ref(message), REEF__FRAMING_LINES);
    }
    varint =
        reef__framer_frame(&framer, reef_buffer_ref(message), REEF__FRAMING_VARINT);

    assert_ptr_equal(lines[0], lines[1]);
    assert_int_equal(reef__buffer_framing(lines[0]), REEF__FRAMING_LINES);
    assert_int_equal(reef_buffer_kind(lines[0]), REEF_PAYLOAD_TEXT);
    assert_int_equal(reef__buffer_framing(varint), REEF__FRAMING_VARINT);
    assert_ptr_equal(reef__framer_frame(&framer, message, REEF__FRAMING_WEBSOCKET),
                     message);
    assert_ptr_equal(reef__framer_frame(&framer, message, REEF__FRAMING_NONE), message);
    reef__framer_release(&framer);
    assert_null(framer.last[REEF__FRAMING_LINES].payload);
    reef_buffer_unref(lines[0]);
    reef_buffer_unref(lines[1]);
    reef_buffer_unref(varint);
    reef_buffer_unref(message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buffer_frames_text_once_with_a_short_header),
        cmocka_unit_test(test_buffer_frames_large_binary_with_a_long_header),
        cmocka_unit_test(test_buffer_lives_until_its_last_reference),
        cmocka_unit_test(test_buffer_format_holds_long_texts),
        cmocka_unit_test(test_buffer_raw_has_no_header),
        cmocka_unit_test(test_buffer_format_keeps_every_byte_at_each_length),
        cmocka_unit_test(test_buffer_frames_in_each_framing),
        cmocka_unit_test(test_buffer_varint_grows_with_the_size),
        cmocka_unit_test(test_framer_frames_a_message_once),
    };

    return cmocka_run_group_tests_name("buffer", tests, NULL, NULL);
}
