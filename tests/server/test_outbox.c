#include "test.h"

#include "buffer.h"
#include "outbox.h"

enum {
    ENTRY_COST = 64 /* memory of an entry beside its frame, as outbox.c counts it */
};

static int setup(void **state)
{
    static reef__outbox_t outbox;

    reef__outbox_init(&outbox, 10000);
    *state = &outbox;
    return 0;
}

static int teardown(void **state)
{
    reef__outbox_finish(*state);
    return 0;
}

/* Let it hold `entries` frames of `bytes` in all. */
static void set_limit(reef__outbox_t *outbox, uint64_t entries, uint64_t bytes)
{
    outbox->limit = entries * ENTRY_COST + bytes;
}

/* A frame of two header bytes and the text. */
static reef_error_t
push(reef__outbox_t *outbox, const char *text, uint8_t message_class, uint64_t key)
{
    return reef__outbox_push(
        outbox, reef_buffer_create(REEF_PAYLOAD_TEXT, reef_span_text(text)),
        message_class, key);
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

    set_limit(outbox, 2, 32);
    assert_int_equal(push(outbox, "0123456789012345678901234567", REEF_RELIABLE, 0),
                     REEF_OK);
    assert_int_equal(outbox->bytes, 30);
    assert_int_equal(push(outbox, "x", REEF_RELIABLE, 0), REEF_E_LIMIT);
    assert_int_equal(outbox->bytes, 30);
}

static void test_outbox_one_message_always_fits(void **state)
{
    reef__outbox_t *outbox = *state;

    set_limit(outbox, 1, 4);
    assert_int_equal(push(outbox, "larger than the cap", REEF_RELIABLE, 0), REEF_OK);
    assert_int_equal(push(outbox, "", REEF_RELIABLE, 0), REEF_E_LIMIT);
    reef__outbox_consume(outbox, 21);
    assert_int_equal(push(outbox, "larger than the cap", REEF_DROPPABLE, 0), REEF_OK);

    assert_string_equal(contents(outbox), "[larger than the cap]");
}

static void test_outbox_latest_replaces_the_one_of_its_key(void **state)
{
    assert_int_equal(push(*state, "old", REEF_LATEST, 7), REEF_OK);
    assert_int_equal(push(*state, "other", REEF_LATEST, 8), REEF_OK);
    assert_int_equal(push(*state, "newer", REEF_LATEST, 7), REEF_OK);

    assert_string_equal(contents(*state), "[newer][other]");
    assert_int_equal(((reef__outbox_t *)*state)->bytes, 14);
}

static void test_outbox_goes_on_with_what_was_begun_elsewhere(void **state)
{
    reef__outbox_t *outbox = *state;
    reef_buffer_t *buffer =
        reef_buffer_create(REEF_PAYLOAD_TEXT, reef_span_text("begun"));
    reef_span_t frames[4];

    set_limit(outbox, 1, 16);
    assert_int_equal(push(outbox, "hole", REEF_DROPPABLE, 0), REEF_OK);
    assert_int_equal(push(outbox, "123456789012", REEF_RELIABLE, 0), REEF_OK);
    reef__outbox_consume(outbox, 14);
    reef__outbox_push_begun(outbox, buffer, 4);
    assert_int_equal(outbox->bytes, 3);
    assert_int_equal(push(outbox, "x", REEF_LATEST, 0), REEF_OK); /* does not fit */

    assert_int_equal(reef__outbox_gather(outbox, frames, 4), 1);
    assert_memory_equal(frames[0].data, "gun", 3);
    reef__outbox_consume(outbox, 3);
    assert_int_equal(outbox->count, 0);
}

static void test_outbox_oldest_droppable_makes_room(void **state)
{
    set_limit(*state, 3, 32);
    assert_int_equal(push(*state, "12345678", REEF_DROPPABLE, 0), REEF_OK);
    assert_int_equal(push(*state, "abcdefgh", REEF_DROPPABLE, 0), REEF_OK);
    assert_int_equal(push(*state, "ABCDEFGH", REEF_DROPPABLE, 0), REEF_OK);
    assert_int_equal(push(*state, "reliable", REEF_RELIABLE, 0), REEF_OK);

    assert_string_equal(contents(*state), "[abcdefgh][ABCDEFGH][reliable]");
    assert_int_equal(((reef__outbox_t *)*state)->dropped, 1);
}

static void test_outbox_droppable_gives_way_to_reliable(void **state)
{
    set_limit(*state, 2, 32);
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

    for (int i = 0; i < 6; i++) {
        assert_int_equal(push(outbox, "x", REEF_RELIABLE, 0), REEF_OK);
    }
    reef__outbox_consume(outbox, UINT64_C(15)); /* the ring starts in its middle */
    for (int i = 0; i < 12; i++, text[0]++) {
        assert_int_equal(push(outbox, text, REEF_RELIABLE, 0), REEF_OK);
    }

    assert_string_equal(contents(outbox), "[x][a][b][c][d][e][f][g][h][i][j][k][l]");
}

static void test_outbox_stalled_reader_costs_no_more_than_the_cap(void **state)
{
    reef__outbox_t *outbox = *state;

    set_limit(outbox, 10, 100);
    assert_int_equal(push(outbox, "stuck", REEF_RELIABLE, 0), REEF_OK);
    reef__outbox_consume(outbox, 1);
    for (int i = 0; i < 10000; i++) {
        assert_int_equal(push(outbox, "dropped", REEF_DROPPABLE, 0), REEF_OK);
        assert_int_equal(push(outbox, "pong", REEF__OUTBOX_PONG, 0), REEF_OK);
    }

    assert_true(outbox->capacity <= 64);
    assert_true(outbox->bytes <= 100);
}

static void test_outbox_finds_its_pong_after_holes_were_closed(void **state)
{
    reef__outbox_t *outbox = *state;

    set_limit(outbox, 8, 64);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(push(outbox, "drop", REEF_DROPPABLE, 0), REEF_OK);
    }
    assert_int_equal(push(outbox, "old", REEF__OUTBOX_PONG, 0), REEF_OK);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(push(outbox, "more", REEF_RELIABLE, 0), REEF_OK);
    }
    assert_int_equal(push(outbox, "new", REEF__OUTBOX_PONG, 0), REEF_OK);

    assert_string_equal(contents(outbox),
                        "[drop][new][more][more][more][more][more][more]");
}

static void test_outbox_empty_again_gives_a_large_ring_back(void **state)
{
    reef__outbox_t *outbox = *state;

    outbox->limit = 1 << 20;
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(push(outbox, "x", REEF_RELIABLE, 0), REEF_OK);
    }
    reef__outbox_consume(outbox, 3000);

    assert_int_equal(outbox->capacity, 0);
    assert_int_equal(push(outbox, "y", REEF_RELIABLE, 0), REEF_OK);
    assert_string_equal(contents(outbox), "[y]");
}

static void test_outbox_of_a_quiet_peer_is_small(void **state)
{
    reef__outbox_t *outbox = *state;

    assert_int_equal(push(outbox, "hello", REEF_RELIABLE, 0), REEF_OK);
    reef__outbox_consume(outbox, outbox->bytes);
    assert_true(outbox->capacity * sizeof(*outbox->entries) <= 64);
}

static void test_outbox_begins_the_next_frame_at_its_beginning(void **state)
{
    reef__outbox_t *outbox = *state;
    reef_span_t frames[4];

    assert_int_equal(push(outbox, "abc", REEF_RELIABLE, 0), REEF_OK);
    assert_int_equal(push(outbox, "de", REEF_RELIABLE, 0), REEF_OK);
    reef__outbox_consume(outbox, 4);
    reef__outbox_consume(outbox, 1);

    assert_int_equal(reef__outbox_gather(outbox, frames, 4), 1);
    assert_int_equal(frames[0].size, 4);
}

static void test_outbox_pong_leaves_alone_the_one_being_sent(void **state)
{
    reef__outbox_t *outbox = *state;

    assert_int_equal(push(outbox, "one", REEF__OUTBOX_PONG, 0), REEF_OK);
    reef__outbox_consume(outbox, 1);
    assert_int_equal(push(outbox, "two", REEF__OUTBOX_PONG, 0), REEF_OK);
    assert_int_equal(push(outbox, "three", REEF__OUTBOX_PONG, 0), REEF_OK);

    assert_int_equal(outbox->count, 2);
    reef__outbox_consume(outbox, 4);
    assert_string_equal(contents(outbox), "[three]");
}

static void test_outbox_never_drops_a_frame_begun(void **state)
{
    reef__outbox_t *outbox = *state;

    set_limit(outbox, 1, 16);
    assert_int_equal(push(outbox, "12345678", REEF_DROPPABLE, 0), REEF_OK);
    reef__outbox_consume(outbox, 1);
    assert_int_equal(push(outbox, "more", REEF_RELIABLE, 0), REEF_E_LIMIT);

    assert_int_equal(outbox->bytes, 9);
    assert_int_equal(outbox->dropped, 0);
}

static void test_outbox_cap_is_the_same_after_messages_were_dropped(void **state)
{
    reef__outbox_t *outbox = *state;

    set_limit(outbox, 2, 9);
    assert_int_equal(push(outbox, "a", REEF_DROPPABLE, 0), REEF_OK);
    assert_int_equal(push(outbox, "b", REEF_DROPPABLE, 0), REEF_OK);
    assert_int_equal(push(outbox, "c", REEF_RELIABLE, 0), REEF_OK);
    assert_string_equal(contents(outbox), "[b][c]");
    reef__outbox_consume(outbox, 6);
    assert_int_equal(push(outbox, "d", REEF_RELIABLE, 0), REEF_OK);
    assert_int_equal(push(outbox, "e", REEF_RELIABLE, 0), REEF_OK);

    assert_int_equal(push(outbox, "f", REEF_RELIABLE, 0), REEF_E_LIMIT);
}

static void test_outbox_latest_may_not_grow_beyond_the_cap(void **state)
{
    set_limit(*state, 3, 22);
    assert_int_equal(push(*state, "a", REEF_LATEST, 7), REEF_OK);
    assert_int_equal(push(*state, "b", REEF_LATEST, 8), REEF_OK);
    assert_int_equal(push(*state, "drop", REEF_DROPPABLE, 0), REEF_OK);
    assert_int_equal(push(*state, "1234567", REEF_LATEST, 7), REEF_OK);
    assert_int_equal(push(*state, "0123456789012345678901234", REEF_LATEST, 8),
                     REEF_OK);

    assert_string_equal(contents(*state), "[1234567][b]");
    assert_int_equal(((reef__outbox_t *)*state)->dropped, 3);
}

/* As contents(), for those who send messages whole. */
static const char *whole_contents(reef__outbox_t *outbox)
{
    static char text[256];
    reef_buffer_t *messages[16];
    uint32_t count = reef__outbox_gather_whole(outbox, messages, 16);
    size_t size = 0;

    text[0] = '\0';
    for (uint32_t i = 0; i < count; i++) {
        reef_span_t payload = reef_buffer_payload(messages[i]);

        size += (size_t)snprintf(text + size, sizeof(text) - size, "[%.*s]",
                                 (int)payload.size, (const char *)payload.data);
    }
    return text;
}

static void test_outbox_messages_leave_whole(void **state)
{
    reef__outbox_t *outbox = *state;
    reef_buffer_t *first;

    assert_int_equal(push(outbox, "a", REEF_RELIABLE, 0), REEF_OK);
    assert_int_equal(push(outbox, "", REEF_RELIABLE, 0), REEF_OK);
    assert_int_equal(push(outbox, "c", REEF_LATEST, 7), REEF_OK);
    assert_string_equal(whole_contents(outbox), "[a][][c]");
    assert_int_equal(reef__outbox_gather_whole(outbox, &first, 1), 1);
    assert_true(reef_span_equal(reef_buffer_payload(first), reef_span_text("a")));

    reef__outbox_pop(outbox);
    assert_int_equal(push(outbox, "d", REEF_LATEST, 7), REEF_OK);
    assert_string_equal(whole_contents(outbox), "[][d]");
    reef__outbox_pop(outbox);
    reef__outbox_pop(outbox);
    assert_int_equal(outbox->bytes, 0);
    assert_int_equal(outbox->count, 0);
}

/* What was given up is passed, whether it comes first or last. */
static void test_outbox_messages_leave_without_holes(void **state)
{
    reef__outbox_t *outbox = *state;

    set_limit(outbox, 3, 60);
    assert_int_equal(push(outbox, "a", REEF_RELIABLE, 0), REEF_OK);
    assert_int_equal(push(outbox, "01234567890123456789", REEF_DROPPABLE, 0), REEF_OK);
    assert_int_equal(push(outbox, "c", REEF_RELIABLE, 0), REEF_OK);
    assert_int_equal(
        push(outbox, "0123456789012345678901234567890123456789", REEF_RELIABLE, 0),
        REEF_OK);
    assert_int_equal(outbox->holes, 1);
    reef__outbox_pop(outbox);
    assert_int_equal(outbox->holes, 0);
    assert_string_equal(whole_contents(outbox),
                        "[c][0123456789012345678901234567890123456789]");
    reef__outbox_pop(outbox);
    reef__outbox_pop(outbox);
    assert_int_equal(outbox->count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_outbox_keeps_order_across_classes),
        TEST(test_outbox_refuses_reliable_beyond_the_cap),
        TEST(test_outbox_one_message_always_fits),
        TEST(test_outbox_latest_replaces_the_one_of_its_key),
        TEST(test_outbox_goes_on_with_what_was_begun_elsewhere),
        TEST(test_outbox_oldest_droppable_makes_room),
        TEST(test_outbox_droppable_gives_way_to_reliable),
        TEST(test_outbox_only_the_newest_pong_waits),
        TEST(test_outbox_consume_may_stop_within_a_frame),
        TEST(test_outbox_latest_never_replaces_a_frame_begun),
        TEST(test_outbox_ring_keeps_entries_when_it_grows),
        TEST(test_outbox_stalled_reader_costs_no_more_than_the_cap),
        TEST(test_outbox_finds_its_pong_after_holes_were_closed),
        TEST(test_outbox_empty_again_gives_a_large_ring_back),
        TEST(test_outbox_of_a_quiet_peer_is_small),
        TEST(test_outbox_begins_the_next_frame_at_its_beginning),
        TEST(test_outbox_pong_leaves_alone_the_one_being_sent),
        TEST(test_outbox_never_drops_a_frame_begun),
        TEST(test_outbox_cap_is_the_same_after_messages_were_dropped),
        TEST(test_outbox_latest_may_not_grow_beyond_the_cap),
        TEST(test_outbox_messages_leave_whole),
        TEST(test_outbox_messages_leave_without_holes),
    };

    return cmocka_run_group_tests_name("outbox", tests, NULL, NULL);
}
