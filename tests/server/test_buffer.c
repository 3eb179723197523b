#include "test.h"

#include "buffer.h"

static void test_buffer_frames_text_once_with_a_short_header(void **state)
{
    reef_buffer_t *buffer = reef_buffer_format("%s %d", "hi", 5);
    reef_span_t frame = reef__buffer_websocket_frame(buffer);

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
    reef_span_t frame = reef__buffer_websocket_frame(buffer);

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
    assert_true(reef_span_equal(reef__buffer_websocket_frame(buffer),
                                reef_span_text("HTTP/1.1 101")));
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buffer_frames_text_once_with_a_short_header),
        cmocka_unit_test(test_buffer_frames_large_binary_with_a_long_header),
        cmocka_unit_test(test_buffer_lives_until_its_last_reference),
        cmocka_unit_test(test_buffer_format_holds_long_texts),
        cmocka_unit_test(test_buffer_raw_has_no_header),
        cmocka_unit_test(test_buffer_format_keeps_every_byte_at_each_length),
    };

    return cmocka_run_group_tests_name("buffer", tests, NULL, NULL);
}
