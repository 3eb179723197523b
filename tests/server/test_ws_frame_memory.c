/* What the reader does to the bytes it is given, and what it holds in between. */
#include "ws_frame_fixture.h"

/* Masking ---------------------------------------------------------------------- */

/* Section 5.3: every size, short and long, at every alignment, cut everywhere */
static void test_ws_frame_memory_unmasks_at_every_alignment_and_cut(void **state)
{
    enum {
        MAX_SIZE = 600
    };
    uint8_t plain[MAX_SIZE];
    stream_t *stream = *state;

    reef__ws_limits_resolve(&stream->limits);
    for (size_t i = 0; i < MAX_SIZE; i++) {
        plain[i] = (uint8_t)(i * 89 + i / 256 + 3);
    }
    for (size_t size = 0; size <= MAX_SIZE; size++) {
        stream->size = 0;
        put_frame(stream, 0x82, plain, size);
        for (size_t offset = 0; offset < 8; offset++) {
            uint8_t slab[MAX_SIZE + 32];
            reef__ws_reader_t reader = {0};
            reef__ws_input_t input = {slab + offset, stream->size};
            reef__ws_event_t event;

            memset(slab, 0x5a, sizeof(slab));
            memcpy(input.data, stream->bytes, stream->size);
            assert_true(reef__ws_frame_next(&reader, &stream->limits, &input, &event));
            assert_int_equal(event.data.size, size);
            assert_memory_equal(event.data.data, plain, size);
            assert_int_equal(slab[offset + stream->size], 0x5a);
        }
    }
    for (size_t cut = 8; cut <= stream->size; cut++) { /* the longest one */
        uint8_t slab[MAX_SIZE + 32];
        reef__ws_reader_t reader = {0};
        reef__ws_input_t input = {slab, cut};
        reef__ws_event_t event;

        memcpy(slab, stream->bytes, stream->size);
        if (!reef__ws_frame_next(&reader, &stream->limits, &input, &event)) {
            input = (reef__ws_input_t){slab + cut, stream->size - cut};
            assert_true(reef__ws_frame_next(&reader, &stream->limits, &input, &event));
        }
        assert_memory_equal(event.data.data, plain, MAX_SIZE);
        reef__ws_reader_finish(&reader, &stream->limits);
    }
}

/* Section 5.3: each frame has a key of its own, and 0 is one too */
static void test_ws_frame_memory_masks_are_per_frame(void **state)
{
    stream_t *stream = *state;

    put(stream,
        "\x01\x83\x01\x02\x03\x04"
        "\x60\x60\x60",
        9);
    put(stream, "\x89\x81\xff\xff\xff\xff\x9e", 7);
    put(stream, "\x80\x82\0\0\0\0de", 8);
    expect(stream, "ping(a) text(abcde)");
}

/* Memory ----------------------------------------------------------------------- */

static void test_ws_frame_memory_whole_messages_are_views_without_memory(void **state)
{
    stream_t *stream = *state;
    reef__ws_reader_t reader = {0};
    reef__ws_input_t input;
    reef__ws_event_t event;
    size_t events = 0;

    reef__ws_limits_resolve(&stream->limits);
    for (int i = 0; i < 100; i++) {
        put_text(stream, 0x81, "a text");
        put_text(stream, 0x82, "");
        put_text(stream, 0x89, "a ping");
    }
    input = (reef__ws_input_t){stream->bytes, stream->size};
    while (reef__ws_frame_next(&reader, &stream->limits, &input, &event)) {
        assert_true(event.data.data >= stream->bytes &&
                    event.data.data + event.data.size <= stream->bytes + stream->size);
        events++;
    }
    assert_int_equal(events, 300);
    assert_int_equal(stream->counter.calls, 0);
    assert_null(reader.buffer);
}

static void test_ws_frame_memory_holds_what_came_not_what_was_announced(void **state)
{
    stream_t *stream = *state;
    reef__ws_reader_t reader = {0};
    record_t record = {0};

    stream->limits.max_message = 1U << 31;
    reef__ws_limits_resolve(&stream->limits);
    put_head(stream, 0x82, 1U << 31, 8);
    put_masked(stream, "0123456789", 10);
    for (size_t i = 0; i < stream->size; i++) {
        feed(&reader, &stream->limits, reef_span(stream->bytes + i, 1), &record);
        assert_true(stream->counter.live <= 2 * (i < 13 ? 0 : i - 13));
    }
    assert_int_equal(record.events, 0);
    assert_true(stream->counter.live >= 10);
    reef__ws_reader_finish(&reader, &stream->limits);
    assert_int_equal(stream->counter.live, 0);
    reef__ws_reader_finish(&reader, &stream->limits);
    feed(&reader, &stream->limits, reef_span("\x81", 1), &record);
    assert_int_equal(record.events, 0);
}

static void test_ws_frame_memory_releases_the_message_at_the_next_call(void **state)
{
    stream_t *stream = *state;
    reef__ws_reader_t reader = {0};
    record_t record = {0};

    reef__ws_limits_resolve(&stream->limits);
    put_text(stream, 0x01, "in ");
    put_text(stream, 0x80, "pieces");
    feed(&reader, &stream->limits, reef_span(stream->bytes, stream->size), &record);
    assert_string_equal(record.text, "text(in pieces)");
    assert_int_equal(stream->counter.live, 0);
    stream->size = 0;
    put_text(stream, 0x89, "a ping in pieces");
    feed(&reader, &stream->limits, reef_span(stream->bytes, 9), &record);
    assert_true(stream->counter.live > 0);
    feed(&reader, &stream->limits, reef_span(stream->bytes + 9, stream->size - 9),
         &record);
    assert_int_equal(stream->counter.live, 0);
    assert_int_equal(record.events, 2);
}

/* A message in assembly that has no byte yet holds nothing for a ping that came
 * between. */
static void test_ws_frame_memory_releases_a_ping_in_an_empty_message(void **state)
{
    stream_t *stream = *state;
    reef__ws_reader_t reader = {0};
    record_t record = {0};

    reef__ws_limits_resolve(&stream->limits);
    put_text(stream, 0x01, "");
    put_text(stream, 0x89, "a ping in pieces");
    feed(&reader, &stream->limits, reef_span(stream->bytes, 16), &record);
    assert_true(stream->counter.live > 0);
    feed(&reader, &stream->limits, reef_span(stream->bytes + 16, stream->size - 16),
         &record);
    assert_string_equal(record.text, "ping(a ping in pieces)");
    assert_int_equal(stream->counter.live, 0);
    stream->size = 0;
    put_text(stream, 0x80, "x");
    feed(&reader, &stream->limits, reef_span(stream->bytes, stream->size), &record);
    assert_string_equal(record.text, "ping(a ping in pieces) text(x)");
}

/* Pings that arrive in pieces must not have the message copied for each of them. */
static void test_ws_frame_memory_grows_the_buffer_seldom(void **state)
{
    stream_t *stream = *state;
    reef__ws_reader_t reader = {0};
    static record_t record;
    uint8_t data[125] = {0};
    size_t ends[2];

    reef__ws_limits_resolve(&stream->limits);
    record = (record_t){0};
    put_frame(stream, 0x02, data, sizeof(data));
    ends[0] = stream->size;
    put_frame(stream, 0x89, data, sizeof(data));
    put_frame(stream, 0x00, data, sizeof(data));
    ends[1] = stream->size;
    feed(&reader, &stream->limits, reef_span(stream->bytes, ends[0]), &record);
    for (int i = 0; i < 4000; i++) {
        size_t middle = ends[0] + 60;

        record.size = 0;
        feed(&reader, &stream->limits, reef_span(stream->bytes + ends[0], 60), &record);
        feed(&reader, &stream->limits,
             reef_span(stream->bytes + middle, ends[1] - middle), &record);
    }
    assert_int_equal(record.events, 4000);
    assert_int_equal(reader.message_size, 4001 * sizeof(data));
    assert_in_range(stream->counter.calls, 1, 25);
    assert_true(stream->counter.peak <= 2 * (reader.message_size + sizeof(data)));
    reef__ws_reader_finish(&reader, &stream->limits);
}

/* The transport may stop after any event and go on later with the rest. */
static void test_ws_frame_memory_leaves_the_rest_of_the_input_alone(void **state)
{
    stream_t *stream = *state;
    reef__ws_reader_t reader = {0};
    reef__ws_input_t input;
    reef__ws_event_t event;
    uint8_t before[64];
    size_t first;

    reef__ws_limits_resolve(&stream->limits);
    put_text(stream, 0x81, "one");
    first = stream->size;
    put_text(stream, 0x82, "two");
    memcpy(before, stream->bytes, stream->size);
    input = (reef__ws_input_t){stream->bytes, stream->size};
    assert_true(reef__ws_frame_next(&reader, &stream->limits, &input, &event));
    assert_ptr_equal(input.data, stream->bytes + first);
    assert_int_equal(input.size, stream->size - first);
    assert_memory_equal(input.data, before + first, input.size);
    assert_true(reef__ws_frame_next(&reader, &stream->limits, &input, &event));
    assert_true(reef_span_equal(event.data, reef_span_text("two")));
    assert_false(reef__ws_frame_next(&reader, &stream->limits, &input, &event));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_ws_frame_memory_unmasks_at_every_alignment_and_cut),
        TEST(test_ws_frame_memory_masks_are_per_frame),
        TEST(test_ws_frame_memory_whole_messages_are_views_without_memory),
        TEST(test_ws_frame_memory_holds_what_came_not_what_was_announced),
        TEST(test_ws_frame_memory_releases_the_message_at_the_next_call),
        TEST(test_ws_frame_memory_releases_a_ping_in_an_empty_message),
        TEST(test_ws_frame_memory_grows_the_buffer_seldom),
        TEST(test_ws_frame_memory_leaves_the_rest_of_the_input_alone),
    };

    return cmocka_run_group_tests_name("ws_frame_memory", tests, NULL, NULL);
}
