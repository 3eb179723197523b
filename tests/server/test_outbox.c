#include "test.h"

#include "buffer.h"
#include "outbox.h"

enum {
    LIMIT = 32
};

static int setup(void **state)
{
    static reef__outbox_t outbox;

    reef__outbox_init(&outbox, LIMIT);
    *state = &outbox;
    return 0;
}

static int teardown(void **state)
{
    reef__outbox_finish(*state);
    return 0;
}

/* A frame of two header bytes and the text. */
static reef_error_t
push(reef__outbox_t *outbox, const char *text, uint8_t message_class, uint64_t key)
{
    reef_buffer_t *buffer = reef_buffer_create(REEF_PAYLOAD_TEXT, reef_span_text(text));
    reef_error_t error = reef__outbox_push(outbox, buffer, message_class, key);

    reef_buffer_unref(buffer);
    return error;
}

/* Payloads in order, each in brackets, as one text. */
static const char *contents(reef__outbox_t *outbox)
{
    static char text[256];
    reef_span_t frames[16];
    uint32_t count = reef__outbox_gather(outbox, frames, 16);
    size_t size = 0;

    text[0] = '\0';
    for (uint32_t i = 0; i < count; i++) {
        size += (size_t)snprintf(text + size, sizeof(text) - size, "[%.*s]",
                                 (int)frames[i].size - 2, frames[i].data + 2);
    }
    return text;
}

static void test_outbox_keeps_order_across_classes(void **state)
{
    assert_int_equal(push(*state, "a", REEF_RELIABLE, 0), REEF_OK);
    assert_int_equal(push(*state, "b", REEF_LATEST, 1), REEF_OK);
    assert_int_equal(push(*state, "c", REEF_DROPPABLE, 0), REEF_OK);

    assert_string_equal(contents(*state), "[a][b][c]");
}

static void test_outbox_refuses_reliable_beyond_the_cap(void **state)
{
    reef__outbox_t *outbox = *state;

    assert_int_equal(push(outbox, "0123456789012345678901234567", REEF_RELIABLE, 0),
                     REEF_OK);
    assert_int_equal(outbox->bytes, 30);
    assert_int_equal(push(outbox, "x", REEF_RELIABLE, 0), REEF_E_LIMIT);
    assert_int_equal(outbox->bytes, 30);
}

static void test_outbox_latest_replaces_the_one_of_its_key(void **state)
{
    assert_int_equal(push(*state, "old", REEF_LATEST, 7), REEF_OK);
    assert_int_equal(push(*state, "other", REEF_LATEST, 8), REEF_OK);
    assert_int_equal(push(*state, "newer", REEF_LATEST, 7), REEF_OK);

    assert_string_equal(contents(*state), "[newer][other]");
    assert_int_equal(((reef__outbox_t *)*state)->bytes, 14);
}

static void test_outbox_latest_leaves_alone_what_is_being_sent(void **state)
{
    reef__outbox_t *outbox = *state;

    assert_int_equal(push(outbox, "old", REEF_LATEST, 7), REEF_OK);
    contents(outbox);
    reef__outbox_hold(outbox);
    assert_int_equal(push(outbox, "new", REEF_LATEST, 7), REEF_OK);

    assert_int_equal(reef__outbox_held_bytes(outbox), 5);
    assert_string_equal(contents(outbox), "[old][new]");
}

static void test_outbox_oldest_droppable_makes_room(void **state)
{
    assert_int_equal(push(*state, "12345678", REEF_DROPPABLE, 0), REEF_OK);
    assert_int_equal(push(*state, "abcdefgh", REEF_DROPPABLE, 0), REEF_OK);
    assert_int_equal(push(*state, "ABCDEFGH", REEF_DROPPABLE, 0), REEF_OK);
    assert_int_equal(push(*state, "reliable", REEF_RELIABLE, 0), REEF_OK);

    assert_string_equal(contents(*state), "[abcdefgh][ABCDEFGH][reliable]");
    assert_int_equal(((reef__outbox_t *)*state)->dropped, 1);
}

static void test_outbox_droppable_gives_way_to_reliable(void **state)
{
    assert_int_equal(push(*state, "01234567890123456789", REEF_RELIABLE, 0), REEF_OK);
    assert_int_equal(push(*state, "01234567890", REEF_DROPPABLE, 0), REEF_OK);

    assert_string_equal(contents(*state), "[01234567890123456789]");
    assert_int_equal(((reef__outbox_t *)*state)->dropped, 1);
}

static void test_outbox_only_the_newest_pong_waits(void **state)
{
    assert_int_equal(push(*state, "one", REEF__OUTBOX_PONG, 0), REEF_OK);
    assert_int_equal(push(*state, "two", REEF__OUTBOX_PONG, 0), REEF_OK);

    assert_string_equal(contents(*state), "[two]");
}

static void test_outbox_consume_may_stop_within_a_frame(void **state)
{
    reef__outbox_t *outbox = *state;
    reef_span_t frames[4];

    assert_int_equal(push(outbox, "abc", REEF_RELIABLE, 0), REEF_OK);
    assert_int_equal(push(outbox, "de", REEF_RELIABLE, 0), REEF_OK);
    reef__outbox_consume(outbox, 4);

    assert_int_equal(reef__outbox_gather(outbox, frames, 4), 2);
    assert_memory_equal(frames[0].data, "c", 1);
    assert_int_equal(frames[0].size, 1);
    reef__outbox_consume(outbox, 1 + 4);
    assert_int_equal(outbox->bytes, 0);
    assert_int_equal(outbox->count, 0);
}

static void test_outbox_latest_never_replaces_a_frame_begun(void **state)
{
    reef__outbox_t *outbox = *state;

    assert_int_equal(push(outbox, "old", REEF_LATEST, 7), REEF_OK);
    reef__outbox_consume(outbox, 1);
    assert_int_equal(push(outbox, "new", REEF_LATEST, 7), REEF_OK);

    assert_int_equal(outbox->count, 2);
    assert_int_equal(outbox->bytes, 4 + 5);
}

static void test_outbox_ring_keeps_entries_when_it_grows(void **state)
{
    reef__outbox_t *outbox = *state;
    char text[2] = "a";

    outbox->limit = 1000;
    for (int i = 0; i < 6; i++) {
        assert_int_equal(push(outbox, "x", REEF_RELIABLE, 0), REEF_OK);
    }
    reef__outbox_consume(outbox, UINT64_C(15)); /* the ring starts in its middle */
    for (int i = 0; i < 12; i++, text[0]++) {
        assert_int_equal(push(outbox, text, REEF_RELIABLE, 0), REEF_OK);
    }

    assert_string_equal(contents(outbox), "[x][a][b][c][d][e][f][g][h][i][j][k][l]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_outbox_keeps_order_across_classes),
        TEST(test_outbox_refuses_reliable_beyond_the_cap),
        TEST(test_outbox_latest_replaces_the_one_of_its_key),
        TEST(test_outbox_latest_leaves_alone_what_is_being_sent),
        TEST(test_outbox_oldest_droppable_makes_room),
        TEST(test_outbox_droppable_gives_way_to_reliable),
        TEST(test_outbox_only_the_newest_pong_waits),
        TEST(test_outbox_consume_may_stop_within_a_frame),
        TEST(test_outbox_latest_never_replaces_a_frame_begun),
        TEST(test_outbox_ring_keeps_entries_when_it_grows),
    };

    return cmocka_run_group_tests_name("outbox", tests, NULL, NULL);
}
