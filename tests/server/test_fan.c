/* Fan-out to peers that only note what they get.  A message is a number as text. */
#include "test.h"

#include "buffer.h"
#include "transport/io.h"

enum {
    PEERS = 12,
    GROUPS = 6,
    MAX_NOTED = 4096,
    OPERATIONS = 40000,
    LARGEST_BLOCK = 65536,
};

typedef struct list {
    uint32_t items[MAX_NOTED];
    uint32_t count;
} list_t;

typedef struct fake {
    reef__peer_t peer; /* first */
    list_t got;        /* numbers, in order */
    list_t wanted;     /* of the model */
    uint32_t block_count;
    uint32_t send_count;
    const reef_buffer_t *block; /* the last one */
    bool refuses_blocks;
    bool notes_nothing; /* its frames are not WebSocket's */
    bool is_in[GROUPS]; /* of the model */
} fake_t;

typedef struct fixture {
    reef__fans_t fans;
    reef_alloc_t alloc;
    size_t allocated;
    fake_t peers[PEERS];
    uint32_t next; /* number of the next message */
    uint64_t random;
} fixture_t;

static void note(list_t *list, uint32_t number)
{
    assert_true(list->count < MAX_NOTED);
    list->items[list->count++] = number;
}

/* Payload size and head size of a server's frame (RFC 6455 section 5.2). */
static size_t read_head(const uint8_t *frame, size_t *size)
{
    *size = frame[1];
    if (frame[1] == 126) {
        *size = (size_t)frame[2] << 8 | frame[3];
        return 4;
    }
    if (frame[1] == 127) {
        *size = (size_t)frame[6] << 24 | (size_t)frame[7] << 16 |
                (size_t)frame[8] << 8 | frame[9];
        return 10;
    }
    return 2;
}

static void note_frames(list_t *list, reef_span_t frames)
{
    while (frames.size > 0) {
        size_t size;
        size_t head = read_head(frames.data, &size);

        assert_true(head + size <= frames.size);
        note(list, (uint32_t)strtoul((const char *)frames.data + head, NULL, 10));
        frames = reef_span_skip(frames, head + size);
    }
}

static void fake_send(reef__peer_t *peer, const reef__fan_message_t *message)
{
    fake_t *fake = (fake_t *)peer;

    fake->send_count++;
    note_frames(&fake->got, reef__buffer_frame(message->payload));
    reef_buffer_unref(message->payload);
}

static bool fake_send_frames(reef__peer_t *peer, reef_buffer_t *frames)
{
    fake_t *fake = (fake_t *)peer;

    if (fake->refuses_blocks) {
        return false;
    }
    fake->block_count++;
    fake->block = frames;
    if (!fake->notes_nothing) {
        note_frames(&fake->got, reef__buffer_frame(frames));
    }
    return true;
}

static const reef__peer_type_t fake_type = {
    .send = fake_send,
    .send_frames = fake_send_frames,
};

static void *resize(void *ctx, void *ptr, size_t old_size, size_t new_size)
{
    ((fixture_t *)ctx)->allocated += new_size - old_size;
    return reef_resize(reef_alloc_default(), ptr, old_size, new_size);
}

static int setup(void **state)
{
    fixture_t *f = calloc(1, sizeof(*f));

    f->alloc = (reef_alloc_t){.resize = resize, .ctx = f};
    reef__fans_init(&f->fans, &f->alloc);
    for (int i = 0; i < PEERS; i++) {
        f->peers[i].peer.type = &fake_type;
    }
    *state = f;
    return 0;
}

/* Whatever a test leaves pending, nothing leaks. */
static int teardown(void **state)
{
    fixture_t *f = *state;
    size_t allocated;

    for (int i = 0; i < PEERS; i++) {
        for (uint32_t group = 0; group < GROUPS; group++) {
            reef__fans_leave(&f->fans, &f->peers[i].peer, group);
        }
        reef__fans_finish_peer(&f->fans, &f->peers[i].peer);
    }
    reef__fans_finish(&f->fans);
    allocated = f->allocated;
    free(f);
    return allocated == 0 ? 0 : -1;
}

static void join(fixture_t *f, int peer, uint32_t group)
{
    reef__fans_join(&f->fans, &f->peers[peer].peer, group);
}

static void leave(fixture_t *f, int peer, uint32_t group)
{
    reef__fans_leave(&f->fans, &f->peers[peer].peer, group);
}

/* The next number, in a payload of `size` bytes or as many as it needs. */
static reef_buffer_t *make_message(fixture_t *f, size_t size)
{
    reef_buffer_t *buffer;
    char *text = calloc(1, size + 16);
    int digits = snprintf(text, size + 16, "%u ", f->next++);

    size = size > (size_t)digits ? size : (size_t)digits;
    buffer = reef_buffer_create(REEF_PAYLOAD_TEXT, reef_span(text, size));
    free(text);
    return buffer;
}

static void send_sized(fixture_t *f, uint32_t group, size_t size)
{
    reef__fans_send(&f->fans, group,
                    &(reef__fan_message_t){.payload = make_message(f, size)});
}

static void send(fixture_t *f, uint32_t group)
{
    send_sized(f, group, 0);
}

/* As peer.c does it. */
static void send_directly(fixture_t *f, int peer)
{
    reef_buffer_t *buffer = make_message(f, 0);

    reef__fans_catch_up(&f->fans, &f->peers[peer].peer);
    fake_send(&f->peers[peer].peer, &(reef__fan_message_t){.payload = buffer});
}

static void end_pass(fixture_t *f)
{
    reef__fans_flush(&f->fans);
    reef__fans_release(&f->fans);
}

/* The numbers a peer got, as one text. */
static const char *got(const fixture_t *f, int peer)
{
    static char text[256];
    const list_t *list = &f->peers[peer].got;
    size_t size = 0;

    text[0] = '\0';
    for (uint32_t i = 0; i < list->count; i++) {
        size += (size_t)snprintf(text + size, sizeof(text) - size, "%s%u",
                                 i == 0 ? "" : " ", list->items[i]);
    }
    return text;
}

static void test_fan_members_share_one_block(void **state)
{
    fixture_t *f = *state;

    for (int i = 0; i < 3; i++) {
        join(f, i, 0);
    }
    send(f, 0);
    send(f, 0);
    reef__fans_flush(&f->fans);

    for (int i = 0; i < 3; i++) {
        assert_string_equal(got(f, i), "0 1");
        assert_int_equal(f->peers[i].block_count, 1);
        assert_int_equal(f->peers[i].send_count, 0);
        assert_ptr_equal(f->peers[i].block, f->peers[0].block);
    }
    assert_string_equal(got(f, 3), "");
    reef__fans_release(&f->fans);
}

static void test_fan_makes_a_block_for_each_framing(void **state)
{
    static const struct {
        reef__framing_t framing;
        const char *frames;
    } rows[] = {
        {REEF__FRAMING_WEBSOCKET, "\x81\x02"
                                  "0 \x81\x02"
                                  "1 "},
        {REEF__FRAMING_RAW, "0 1 "},
        {REEF__FRAMING_VARINT, "\x02"
                               "0 \x02"
                               "1 "},
        {REEF__FRAMING_LINES, "0 \n1 \n"},
        {REEF__FRAMING_LINES, "0 \n1 \n"},
    };
    fixture_t *f = *state;

    for (int i = 0; i < 5; i++) {
        f->peers[i].peer.framing = (uint8_t)rows[i].framing;
        f->peers[i].notes_nothing = true;
        join(f, i, 0);
    }
    f->peers[5].peer.framing = REEF__FRAMING_NONE;
    join(f, 5, 0);
    send(f, 0);
    send(f, 0);
    reef__fans_flush(&f->fans);

    for (int i = 0; i < 5; i++) {
        assert_int_equal(f->peers[i].block_count, 1);
        assert_true(reef_span_equal(reef__buffer_frame(f->peers[i].block),
                                    reef_span_text(rows[i].frames)));
    }
    assert_ptr_equal(f->peers[3].block, f->peers[4].block);
    assert_int_equal(f->peers[5].block_count, 0);
    assert_string_equal(got(f, 5), "0 1");
    reef__fans_release(&f->fans);
}

static void test_fan_block_stays_until_it_is_written(void **state)
{
    fixture_t *f = *state;
    list_t *again = calloc(1, sizeof(*again));

    join(f, 0, 0);
    send(f, 0);
    send(f, 0);
    reef__fans_flush(&f->fans);
    note_frames(again, reef__buffer_frame(f->peers[0].block));
    assert_int_equal(again->count, 2);
    assert_int_equal(f->fans.blocks.count, 1);

    reef__fans_release(&f->fans);
    assert_int_equal(f->fans.blocks.count, 0);
    free(again);
}

static void test_fan_single_message_is_not_copied(void **state)
{
    fixture_t *f = *state;
    reef_buffer_t *buffer = make_message(f, 1 << 20); /* larger than a block may be */

    join(f, 0, 0);
    join(f, 1, 0);
    reef__fans_send(&f->fans, 0,
                    &(reef__fan_message_t){.payload = reef_buffer_ref(buffer)});
    end_pass(f);

    assert_ptr_equal(f->peers[0].block, buffer);
    assert_ptr_equal(f->peers[1].block, buffer);
    reef_buffer_unref(buffer);
}

static void test_fan_joiner_gets_what_comes_after(void **state)
{
    fixture_t *f = *state;

    join(f, 0, 0);
    send(f, 0);
    join(f, 1, 0);
    send(f, 0);
    end_pass(f);

    assert_string_equal(got(f, 0), "0 1");
    assert_string_equal(got(f, 1), "1");
}

static void test_fan_leaver_gets_what_came_before(void **state)
{
    fixture_t *f = *state;

    join(f, 0, 0);
    join(f, 1, 0);
    send(f, 0);
    leave(f, 0, 0);
    send(f, 0);
    end_pass(f);

    assert_string_equal(got(f, 0), "0");
    assert_string_equal(got(f, 1), "0 1");
}

static void test_fan_back_again_misses_only_what_came_between(void **state)
{
    fixture_t *f = *state;

    join(f, 0, 0);
    join(f, 1, 0);
    send(f, 0);
    leave(f, 0, 0);
    send(f, 0);
    join(f, 0, 0);
    send(f, 0);
    end_pass(f);

    assert_string_equal(got(f, 0), "0 2");
    assert_string_equal(got(f, 1), "0 1 2");
}

static void test_fan_leaving_what_one_is_not_in_does_nothing(void **state)
{
    fixture_t *f = *state;

    join(f, 0, 0);
    leave(f, 0, 1);
    leave(f, 1, 0);
    leave(f, 1, 5); /* of which nobody has heard */
    send(f, 0);
    end_pass(f);

    assert_string_equal(got(f, 0), "0");
}

static void test_fan_two_groups_come_in_order_of_emission(void **state)
{
    fixture_t *f = *state;

    join(f, 0, 0);
    join(f, 0, 1);
    join(f, 1, 0);
    join(f, 2, 1);
    send(f, 0);
    send(f, 1);
    send(f, 0);
    send(f, 1);
    end_pass(f);

    assert_string_equal(got(f, 0), "0 1 2 3");
    assert_string_equal(got(f, 1), "0 2");
    assert_string_equal(got(f, 2), "1 3");
    assert_int_equal(f->peers[1].block_count, 1);
}

static void test_fan_quiet_second_group_leaves_the_block(void **state)
{
    fixture_t *f = *state;

    join(f, 0, 0);
    join(f, 0, 1);
    join(f, 1, 2);
    send(f, 0);
    send(f, 2);
    send(f, 0);
    end_pass(f);

    assert_string_equal(got(f, 0), "0 2");
    assert_int_equal(f->peers[0].block_count, 1);
}

static void test_fan_direct_messages_keep_their_place(void **state)
{
    fixture_t *f = *state;

    join(f, 0, 0);
    join(f, 1, 0);
    send_directly(f, 0);
    send(f, 0);
    send_directly(f, 0);
    send(f, 0);
    end_pass(f);
    send(f, 0);
    end_pass(f);

    assert_string_equal(got(f, 0), "0 1 2 3 4");
    assert_string_equal(got(f, 1), "1 3 4");
    assert_int_equal(f->peers[1].block_count, 2);
}

static void test_fan_peer_that_refuses_blocks_gets_them_singly(void **state)
{
    fixture_t *f = *state;

    join(f, 0, 0);
    join(f, 1, 0);
    f->peers[0].refuses_blocks = true;
    send(f, 0);
    send(f, 0);
    end_pass(f);

    assert_string_equal(got(f, 0), "0 1");
    assert_int_equal(f->peers[0].send_count, 2);
    assert_string_equal(got(f, 1), "0 1");
    assert_int_equal(f->peers[1].send_count, 0);
}

static void test_fan_large_blocks_go_singly(void **state)
{
    fixture_t *f = *state;
    size_t half = LARGEST_BLOCK / 2 - 4; /* and a head of four bytes */

    join(f, 0, 0);
    send_sized(f, 0, half);
    send_sized(f, 0, half);
    end_pass(f);
    assert_int_equal(f->peers[0].block_count, 1);
    send_sized(f, 0, half);
    send_sized(f, 0, half + 1);
    end_pass(f);

    assert_int_equal(f->peers[0].block_count, 1);
    assert_int_equal(f->peers[0].send_count, 2);
    assert_string_equal(got(f, 0), "0 1 2 3");
}

static void test_fan_group_without_members_keeps_nothing(void **state)
{
    fixture_t *f = *state;

    send(f, 3);
    join(f, 0, 3);
    end_pass(f);
    assert_string_equal(got(f, 0), "");

    leave(f, 0, 3);
    send(f, 3);
    assert_int_equal(f->fans.pending.count, 0);
}

static void test_fan_number_of_an_ended_group_may_be_used_again(void **state)
{
    fixture_t *f = *state;

    join(f, 0, 0);
    send(f, 0);
    leave(f, 0, 0);
    reef__fans_end(&f->fans, 0);
    join(f, 1, 0); /* within the same pass */
    send(f, 0);
    end_pass(f);

    assert_string_equal(got(f, 0), "0");
    assert_string_equal(got(f, 1), "1");
}

static void test_fan_ends_with_messages_pending(void **state)
{
    fixture_t *f = *state;

    join(f, 0, 0);
    send(f, 0);
    send(f, 0); /* teardown finds out whether they leak */
    assert_int_equal(f->fans.pending.count, 1);
}

/* Random operations ------------------------------------------------------------- */

static uint32_t random_below(fixture_t *f, uint32_t limit)
{
    f->random = f->random * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (uint32_t)((f->random >> 33) % limit);
}

static void change_membership(fixture_t *f)
{
    int peer = (int)random_below(f, PEERS);
    uint32_t group = random_below(f, GROUPS);
    bool *is_in = &f->peers[peer].is_in[group];

    if (*is_in) {
        leave(f, peer, group);
    } else {
        join(f, peer, group);
    }
    *is_in = !*is_in;
}

static void send_to_some_group(fixture_t *f)
{
    uint32_t group = random_below(f, GROUPS);

    for (int i = 0; i < PEERS; i++) {
        if (f->peers[i].is_in[group]) {
            note(&f->peers[i].wanted, f->next);
        }
    }
    send_sized(f, group, random_below(f, 20) == 0 ? random_below(f, 40000) : 0);
}

static void send_to_some_peer(fixture_t *f)
{
    int peer = (int)random_below(f, PEERS);

    note(&f->peers[peer].wanted, f->next);
    send_directly(f, peer);
}

static void end_some_group(fixture_t *f)
{
    uint32_t group = random_below(f, GROUPS);

    for (int i = 0; i < PEERS; i++) {
        leave(f, i, group);
        f->peers[i].is_in[group] = false;
    }
    reef__fans_end(&f->fans, group);
}

static void check_all(fixture_t *f)
{
    end_pass(f);
    for (int i = 0; i < PEERS; i++) {
        fake_t *fake = &f->peers[i];

        assert_int_equal(fake->got.count, fake->wanted.count);
        assert_memory_equal(fake->got.items, fake->wanted.items,
                            fake->got.count * sizeof(fake->got.items[0]));
        fake->got.count = 0;
        fake->wanted.count = 0;
        fake->refuses_blocks = random_below(f, 4) == 0;
    }
}

static void operate(fixture_t *f)
{
    uint32_t choice = random_below(f, 100);

    if (choice < 25) {
        change_membership(f);
    } else if (choice < 70) {
        send_to_some_group(f);
    } else if (choice < 80) {
        send_to_some_peer(f);
    } else if (choice < 81) {
        end_some_group(f);
    } else {
        check_all(f);
    }
}

static void test_fan_random_operations_give_everybody_the_expected(void **state)
{
    fixture_t *f = *state;
    uint64_t blocks = 0;

    for (uint64_t seed = 1; seed <= 4; seed++) {
        f->random = seed;
        for (int i = 0; i < OPERATIONS / 4; i++) {
            operate(f);
        }
    }
    check_all(f);
    for (int i = 0; i < PEERS; i++) {
        blocks += f->peers[i].block_count;
    }
    assert_true(blocks > 1000); /* both ways were gone */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_fan_members_share_one_block),
        TEST(test_fan_makes_a_block_for_each_framing),
        TEST(test_fan_block_stays_until_it_is_written),
        TEST(test_fan_single_message_is_not_copied),
        TEST(test_fan_joiner_gets_what_comes_after),
        TEST(test_fan_leaver_gets_what_came_before),
        TEST(test_fan_back_again_misses_only_what_came_between),
        TEST(test_fan_leaving_what_one_is_not_in_does_nothing),
        TEST(test_fan_two_groups_come_in_order_of_emission),
        TEST(test_fan_quiet_second_group_leaves_the_block),
        TEST(test_fan_direct_messages_keep_their_place),
        TEST(test_fan_peer_that_refuses_blocks_gets_them_singly),
        TEST(test_fan_large_blocks_go_singly),
        TEST(test_fan_group_without_members_keeps_nothing),
        TEST(test_fan_number_of_an_ended_group_may_be_used_again),
        TEST(test_fan_ends_with_messages_pending),
        TEST(test_fan_random_operations_give_everybody_the_expected),
    };

    return cmocka_run_group_tests_name("fan", tests, NULL, NULL);
}
