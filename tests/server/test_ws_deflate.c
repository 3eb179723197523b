/* Compressing and inflating messages: RFC 7692 section 7.2, and the memory it takes. */
#include "ws_frame_fixture.h"

#define HELLO         "\xf2\x48\xcd\xc9\xc9\x07\x00" /* section 7.2.3.1 */
#define HELLO_AGAIN   "\xf2\x00\x11\x00\x00"         /* section 7.2.3.2 */
#define SPAN(literal) reef_span(literal, sizeof(literal) - 1)

enum {
    OUT_SIZE = 1 << 18
};

/* Two ends of a connection: what `ours` compresses `theirs` inflates.  A server's and a
 * client's codec are the same but for the names of the parameters. */
typedef struct pair {
    counter_t counter;
    reef_alloc_t alloc;
    reef__ws_deflate_shared_t *shared;
    reef__ws_deflate_params_t params; /* the same in both directions */
    reef__ws_deflate_t *ours;
    reef__ws_deflate_t *theirs;
    uint8_t *packed;
    uint8_t *out;
    size_t out_size;
} pair_t;

static int begin(void **state)
{
    pair_t *pair = calloc(1, sizeof(*pair));

    pair->alloc = (reef_alloc_t){count_resize, &pair->counter};
    pair->packed = malloc(reef__ws_deflate_bound(OUT_SIZE));
    pair->out = malloc(OUT_SIZE);
    pair->params = (reef__ws_deflate_params_t){
        .server_max_window_bits = 15, .client_max_window_bits = 15, .memory_level = 8};
    *state = pair;
    return 0;
}

static void close_pair(pair_t *pair)
{
    reef__ws_deflate_destroy(pair->ours);
    reef__ws_deflate_destroy(pair->theirs);
    reef__ws_deflate_shared_destroy(pair->shared);
    pair->ours = NULL;
    pair->theirs = NULL;
    pair->shared = NULL;
    assert_int_equal(pair->counter.live, 0);
}

static int end(void **state)
{
    pair_t *pair = *state;

    close_pair(pair);
    free(pair->packed);
    free(pair->out);
    free(pair);
    return 0;
}

#define PAIR_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

static void open_pair(pair_t *pair, const reef__ws_deflate_config_t *config)
{
    close_pair(pair);
    pair->shared = reef__ws_deflate_shared_create(&pair->alloc, config);
    pair->ours = reef__ws_deflate_create(pair->shared, &pair->params);
    pair->theirs = reef__ws_deflate_create(pair->shared, &pair->params);
}

static void set_context(pair_t *pair, bool takeover)
{
    pair->params.server_no_context_takeover = !takeover;
    pair->params.client_no_context_takeover = !takeover;
    open_pair(pair, &(reef__ws_deflate_config_t){0});
}

/* Inflate a whole message in pieces of @p step bytes into pair->out. */
static reef__ws_inflate_status_t
inflate_all(pair_t *pair, reef_span_t packed, size_t step)
{
    reef__ws_inflate_status_t status = REEF__WS_INFLATE_DONE;
    bool last = false;

    pair->out_size = 0;
    while (!last && status == REEF__WS_INFLATE_DONE) {
        size_t size = step < packed.size ? step : packed.size;
        uint8_t *copy = malloc(size > 0 ? size : 1); /* its end is guarded */
        reef_span_t in = reef_span(copy, size);

        memcpy(copy, packed.data, size);
        packed = reef_span_skip(packed, size);
        last = packed.size == 0;
        do {
            reef_span_t out;

            status = reef__ws_deflate_inflate(pair->theirs, &in, last, &out);
            assert_true(pair->out_size + out.size <= OUT_SIZE);
            memcpy(pair->out + pair->out_size, out.data, out.size);
            pair->out_size += out.size;
        } while (status == REEF__WS_INFLATE_MORE);
        assert_true(in.size == 0 || status == REEF__WS_INFLATE_BROKEN);
        free(copy);
    }
    return status;
}

static void expect_inflated(pair_t *pair, reef_span_t packed, const char *text)
{
    assert_int_equal(inflate_all(pair, packed, packed.size + 1), REEF__WS_INFLATE_DONE);
    assert_int_equal(pair->out_size, strlen(text));
    assert_memory_equal(pair->out, text, pair->out_size);
}

static void expect_broken(pair_t *pair, reef_span_t packed)
{
    for (size_t step = 1; step <= packed.size + 1; step++) {
        set_context(pair, true);
        if (inflate_all(pair, packed, step) != REEF__WS_INFLATE_BROKEN) {
            fail_msg("taken in steps of %zu", step);
        }
    }
}

static reef_span_t pack(pair_t *pair, reef_span_t payload)
{
    size_t bound = reef__ws_deflate_bound(payload.size);
    uint8_t *out = malloc(bound); /* its end is guarded */
    size_t size = reef__ws_deflate_compress(pair->ours, payload, out);

    memcpy(pair->packed, out, size);
    free(out);
    return reef_span(pair->packed, size);
}

/* Text that repeats itself at a distance, or noise. */
static void fill(uint8_t *data, size_t size, unsigned kind)
{
    static const char words[] = "the same words again ";
    uint32_t random = kind * 7919 + 1;

    for (size_t i = 0; i < size; i++) {
        random = random * 1664525 + 1013904223;
        switch (kind % 3) {
        case 0:
            data[i] = (uint8_t)(random >> 24);
            break;
        case 1:
            data[i] = (uint8_t)words[i % (sizeof(words) - 1)];
            break;
        default:
            data[i] = (uint8_t)('a' + (random >> 30));
        }
    }
}

/* The RFC's bytes -------------------------------------------------------------- */

/* Sections 7.2.3.1 and 7.2.3.2 */
static void test_ws_deflate_compresses_as_the_rfc_does(void **state)
{
    pair_t *pair = *state;

    for (int takeover = 0; takeover < 2; takeover++) {
        set_context(pair, takeover != 0);
        if (takeover != 0) {
            assert_true(reef_span_equal(pack(pair, SPAN("Hello")), SPAN(HELLO)));
            assert_true(reef_span_equal(pack(pair, SPAN("Hello")), SPAN(HELLO_AGAIN)));
        } else { /* longer than the text: it is sent as it is */
            assert_int_equal(pack(pair, SPAN("Hello")).size, 0);
        }
    }
}

/* Sections 7.2.3.1 to 7.2.3.6, in any pieces */
static void test_ws_deflate_inflates_the_examples_of_the_rfc(void **state)
{
    static const struct {
        reef_span_t packed;
        const char *text;
    } cases[] = {
        {{(const uint8_t *)HELLO, 7}, "Hello"},
        {{(const uint8_t *)"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00", 11},
         "Hello"},
        {{(const uint8_t *)"\xf3\x48\xcd\xc9\xc9\x07\x00\x00", 8}, "Hello"},
        {{(const uint8_t *)"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", 13},
         "Hello"},
        {{(const uint8_t *)"\x00", 1}, ""},
    };
    pair_t *pair = *state;

    for (int takeover = 0; takeover < 2; takeover++) {
        set_context(pair, takeover != 0);
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
            for (size_t step = 1; step <= cases[i].packed.size; step++) {
                assert_int_equal(inflate_all(pair, cases[i].packed, step),
                                 REEF__WS_INFLATE_DONE);
                assert_int_equal(pair->out_size, strlen(cases[i].text));
                assert_memory_equal(pair->out, cases[i].text, pair->out_size);
            }
        }
    }
}

/* Section 7.2.3.2: the window is that of the messages before, or empty */
static void test_ws_deflate_window_goes_on_with_context_only(void **state)
{
    pair_t *pair = *state;

    set_context(pair, true);
    expect_inflated(pair, SPAN(HELLO), "Hello");
    expect_inflated(pair, SPAN(HELLO_AGAIN), "Hello");
    expect_inflated(pair, SPAN("\x00"), "");
    expect_inflated(pair, SPAN(HELLO_AGAIN), "Hello");
    set_context(pair, false);
    expect_inflated(pair, SPAN(HELLO), "Hello");
    assert_int_equal(inflate_all(pair, SPAN(HELLO_AGAIN), 9), REEF__WS_INFLATE_BROKEN);
}

/* Section 7.2.3.4: a final block ends neither the message nor the context */
static void test_ws_deflate_goes_on_after_a_final_block(void **state)
{
    pair_t *pair = *state;

    for (size_t step = 1; step < 12; step++) {
        set_context(pair, true);
        assert_int_equal(
            inflate_all(pair, SPAN("\xf3\x48\xcd\xc9\xc9\x07\x00" HELLO), step),
            REEF__WS_INFLATE_DONE);
        assert_int_equal(pair->out_size, 10);
        assert_memory_equal(pair->out, "HelloHello", 10);
        expect_inflated(pair, SPAN("\xf3\x00\x11\x00\x00"), "Hello");
        expect_inflated(pair, SPAN(HELLO_AGAIN), "Hello");
        /* Two final blocks, and one that reaches back over them */
        expect_inflated(pair, SPAN("\x03\x00\x03\x00" HELLO_AGAIN), "Hello");
    }
}

/* Not as the RFC has it, but whole and clear: final blocks without the octet behind,
 * and a message without a byte. */
static void test_ws_deflate_tolerates_a_missing_last_octet(void **state)
{
    pair_t *pair = *state;

    set_context(pair, true);
    expect_inflated(pair, SPAN("\xf3\x48\xcd\xc9\xc9\x07\x00"), "Hello");
    expect_inflated(pair, SPAN(""), "");
    expect_inflated(pair, SPAN("\x01"), ""); /* an empty final block, cut like others */
    expect_inflated(pair, SPAN(HELLO_AGAIN), "Hello");
}

/* Broken ----------------------------------------------------------------------- */

static void test_ws_deflate_refuses_what_is_no_deflate_data(void **state)
{
    pair_t *pair = *state;

    expect_broken(pair, SPAN("\x06"));             /* a block of the reserved type */
    expect_broken(pair, SPAN("\x00\x05\x00\xfa")); /* a stored block, cut */
    expect_broken(pair, SPAN("\x00\x05\x00\x05\x00Hello\x00")); /* its sizes disagree */
    expect_broken(pair, SPAN("\xf2\x48\xcd\xc9")); /* no end of the block */
    expect_broken(pair, SPAN(HELLO_AGAIN)); /* reaches back before the beginning */
    expect_broken(pair, SPAN("\xf3\x48\xcd\xc9\xc9\x07\x00\x06"));
    expect_broken(pair, SPAN("\xff\xff\xff\xff\xff\xff"));
}

/* What came before the error counts: a reader must see a limit or a wrong character
 * first, whatever the pieces are. */
static void test_ws_deflate_gives_what_came_before_the_error(void **state)
{
    pair_t *pair = *state;

    for (size_t step = 1; step < 10; step++) {
        set_context(pair, true);
        assert_int_equal(
            inflate_all(pair, SPAN("\xf2\x48\xcd\xc9\xc9\x07\x00\x00\x00\xff\xff\x06"),
                        step),
            REEF__WS_INFLATE_BROKEN);
        assert_int_equal(pair->out_size, 5);
    }
}

/* A peer whose window is larger than agreed */
static void test_ws_deflate_refuses_a_larger_window_than_agreed(void **state)
{
    pair_t *pair = *state;
    uint8_t payload[4096];
    reef_span_t packed;

    for (size_t i = 0; i < sizeof(payload); i += 2048) {
        fill(payload + i, 2048, 0);
    }
    pair->params.client_max_window_bits = 9;
    set_context(pair, true);
    packed = pack(pair, reef_span(payload, sizeof(payload)));
    assert_in_range(packed.size, 2048, 2400); /* its second half is the first's copy */
    assert_int_equal(inflate_all(pair, packed, 100), REEF__WS_INFLATE_BROKEN);
    pair->params.client_max_window_bits = 12;
    set_context(pair, true);
    packed = pack(pair, reef_span(payload, sizeof(payload)));
    assert_int_equal(inflate_all(pair, packed, 100), REEF__WS_INFLATE_DONE);
}

/* Round trips ------------------------------------------------------------------ */

static void expect_round_trip(pair_t *pair, size_t size, unsigned kind, size_t step)
{
    uint8_t *payload = malloc(size > 0 ? size : 1);
    reef_span_t packed;

    fill(payload, size, kind);
    packed = pack(pair, reef_span(payload, size));
    if (packed.size > 0) {
        assert_int_equal(inflate_all(pair, packed, step), REEF__WS_INFLATE_DONE);
        assert_int_equal(pair->out_size, size);
        assert_memory_equal(pair->out, payload, size);
    } else {
        assert_true(pair->params.server_no_context_takeover);
    }
    free(payload);
}

/* Section 7.2: every window, every memory, both contexts */
static void test_ws_deflate_inflates_what_it_compressed(void **state)
{
    static const size_t sizes[] = {0, 1, 5, 125, 250, 4000, 16384, 40000, 66000};
    pair_t *pair = *state;

    for (uint8_t bits = 9; bits <= 15; bits++) {
        pair->params.server_max_window_bits = bits;
        pair->params.client_max_window_bits = bits;
        pair->params.memory_level = (uint8_t)(bits - 7);
        for (int takeover = 0; takeover < 2; takeover++) {
            set_context(pair, takeover != 0);
            for (size_t i = 0; i < 3 * COUNT_OF(sizes); i++) {
                expect_round_trip(pair, sizes[i / 3], (unsigned)i, 1 + i * 700);
            }
        }
    }
}

/* No input is too hard for the bound, at any memory level. */
static void test_ws_deflate_bound_holds_for_noise(void **state)
{
    pair_t *pair = *state;

    for (uint8_t level = 1; level <= 8; level++) {
        pair->params.server_max_window_bits = 9;
        pair->params.memory_level = level;
        set_context(pair, true);
        for (size_t size = 1; size < 3000; size = size * 5 / 4 + 1) {
            expect_round_trip(pair, size, 0, size);
        }
        expect_round_trip(pair, 200000, 0, 200000);
    }
}

/* A message that repeats an earlier one shrinks to almost nothing, even though others
 * that did not shrink came between: they were sent compressed all the same. */
static void test_ws_deflate_with_context_sends_also_what_grew(void **state)
{
    pair_t *pair = *state;
    uint8_t noise[500];
    reef_span_t packed;

    fill(noise, sizeof(noise), 0);
    set_context(pair, true);
    packed = pack(pair, reef_span(noise, sizeof(noise)));
    assert_in_range(packed.size, sizeof(noise), sizeof(noise) + 16);
    assert_int_equal(inflate_all(pair, packed, 64), REEF__WS_INFLATE_DONE);
    packed = pack(pair, reef_span(noise, sizeof(noise)));
    assert_in_range(packed.size, 1, 30);
    assert_int_equal(inflate_all(pair, packed, 64), REEF__WS_INFLATE_DONE);
    assert_memory_equal(pair->out, noise, sizeof(noise));
    set_context(pair, false);
    assert_int_equal(pack(pair, reef_span(noise, sizeof(noise))).size, 0);
}

/* Section 7.2.3.6 */
static void test_ws_deflate_empty_message_is_one_zero(void **state)
{
    pair_t *pair = *state;

    for (int takeover = 0; takeover < 2; takeover++) {
        set_context(pair, takeover != 0);
        for (int i = 0; i < 2; i++) {
            assert_true(reef_span_equal(pack(pair, SPAN("")), SPAN("\x00")));
        }
    }
}

static void test_ws_deflate_min_size_leaves_short_messages_alone(void **state)
{
    pair_t *pair = *state;

    open_pair(pair, &(reef__ws_deflate_config_t){.min_size = 64});
    assert_false(reef__ws_deflate_wants(pair->ours, 0));
    assert_false(reef__ws_deflate_wants(pair->ours, 63));
    assert_true(reef__ws_deflate_wants(pair->ours, 64));
    open_pair(pair, &(reef__ws_deflate_config_t){0});
    assert_true(reef__ws_deflate_wants(pair->ours, 0));
}

/* Equal keys, equal bytes; and the smallest window is for the smallest message. */
static void test_ws_deflate_share_key_tells_who_may_share(void **state)
{
    pair_t *pair = *state;
    uint8_t payload[1000];
    uint8_t packed[2][1100];
    size_t size;

    fill(payload, sizeof(payload), 1);
    set_context(pair, true);
    assert_int_equal(reef__ws_deflate_share_key(pair->ours, 1000), 0);
    set_context(pair, false);
    reef__ws_deflate_destroy(pair->theirs);
    pair->params.server_max_window_bits = 11;
    pair->theirs = reef__ws_deflate_create(pair->shared, &pair->params);
    pair->params.server_max_window_bits = 15;
    assert_int_equal(reef__ws_deflate_share_key(pair->ours, 250), 9);
    assert_int_equal(reef__ws_deflate_share_key(pair->ours, 251), 10);
    assert_int_equal(reef__ws_deflate_share_key(pair->ours, 1000), 11);
    assert_int_equal(reef__ws_deflate_share_key(pair->theirs, 1000), 11);
    assert_int_equal(reef__ws_deflate_share_key(pair->theirs, 5000), 11);
    assert_int_equal(reef__ws_deflate_share_key(pair->ours, 5000), 13);
    assert_int_equal(reef__ws_deflate_share_key(pair->ours, 1 << 20), 15);
    size = reef__ws_deflate_compress(pair->ours, reef_span(payload, 1000), packed[0]);
    assert_int_equal(
        reef__ws_deflate_compress(pair->theirs, reef_span(payload, 1000), packed[1]),
        size);
    assert_memory_equal(packed[0], packed[1], size);
}

static void test_ws_deflate_level_is_obeyed(void **state)
{
    pair_t *pair = *state;
    static uint8_t payload[60000];
    size_t fast;
    size_t small;

    fill(payload, sizeof(payload), 2);
    open_pair(pair, &(reef__ws_deflate_config_t){.level = 1});
    fast = pack(pair, reef_span(payload, sizeof(payload))).size;
    open_pair(pair, &(reef__ws_deflate_config_t){.level = 9});
    small = pack(pair, reef_span(payload, sizeof(payload))).size;
    assert_true(small < fast);
}

/* Memory ----------------------------------------------------------------------- */

/* What is promised to reef__ws_deflate_negotiate() is kept, and not by far. */
static void test_ws_deflate_holds_what_was_computed(void **state)
{
    pair_t *pair = *state;
    uint8_t payload[300];

    fill(payload, sizeof(payload), 1);
    for (uint8_t bits = 9; bits <= 15; bits++) {
        for (uint8_t level = 1; level <= 8; level++) {
            size_t computed = reef__ws_deflate_compressor_size(bits, level);
            size_t before;
            reef_span_t packed;

            pair->params.server_max_window_bits = bits;
            pair->params.client_max_window_bits = bits;
            pair->params.memory_level = level;
            set_context(pair, true);
            before = pair->counter.live;
            packed = pack(pair, reef_span(payload, sizeof(payload)));
            assert_in_range(pair->counter.live - before, computed - 1024, computed);
            before = pair->counter.live;
            computed = reef__ws_deflate_inflater_size(bits);
            assert_int_equal(inflate_all(pair, packed, 7), REEF__WS_INFLATE_DONE);
            assert_in_range(pair->counter.live - before, computed - 1024, computed);
        }
    }
}

static void test_ws_deflate_holds_nothing_before_the_first_message(void **state)
{
    pair_t *pair = *state;
    size_t before;

    set_context(pair, true);
    before = pair->counter.live;
    pack(pair, SPAN(""));
    assert_int_equal(pair->counter.live, before);
    reef__ws_deflate_destroy(reef__ws_deflate_create(pair->shared, &pair->params));
    assert_true(pair->counter.peak - before <= 64);
}

/* A thousand connections without context hold no more than a few. */
static void test_ws_deflate_without_context_connections_hold_nothing(void **state)
{
    enum {
        COUNT = 1000
    };
    static reef__ws_deflate_t *many[COUNT];
    pair_t *pair = *state;
    uint8_t payload[200];
    reef_span_t packed;
    size_t before;

    fill(payload, sizeof(payload), 1);
    set_context(pair, false);
    packed = pack(pair, reef_span(payload, sizeof(payload)));
    assert_int_equal(inflate_all(pair, packed, 50), REEF__WS_INFLATE_DONE);
    before = pair->counter.live;
    for (int i = 0; i < COUNT; i++) {
        uint8_t out[300];
        reef_span_t in = packed;
        reef_span_t text;

        many[i] = reef__ws_deflate_create(pair->shared, &pair->params);
        assert_int_equal(reef__ws_deflate_compress(
                             many[i], reef_span(payload, sizeof(payload)), out),
                         packed.size);
        assert_int_equal(reef__ws_deflate_inflate(many[i], &in, true, &text),
                         REEF__WS_INFLATE_DONE);
        assert_int_equal(text.size, sizeof(payload));
    }
    assert_true(pair->counter.live - before <= (size_t)COUNT * 64);
    for (int i = 0; i < COUNT; i++) {
        reef__ws_deflate_destroy(many[i]);
    }
    assert_int_equal(pair->counter.live, before);
}

/* Connections in the middle of a message do not share a state. */
static void test_ws_deflate_without_context_messages_may_overlap(void **state)
{
    enum {
        COUNT = 20
    };
    static const char hello[] = HELLO;
    static const char text[] = "Hello";
    pair_t *pair = *state;
    reef__ws_deflate_t *many[COUNT];
    reef_span_t out;

    set_context(pair, false);
    for (int i = 0; i < COUNT; i++) {
        reef_span_t in = reef_span(hello, 3);

        many[i] = reef__ws_deflate_create(pair->shared, &pair->params);
        assert_int_equal(reef__ws_deflate_inflate(many[i], &in, false, &out),
                         REEF__WS_INFLATE_DONE);
    }
    for (int i = 0; i < COUNT; i++) {
        reef_span_t in = reef_span(hello + 3, 4);

        assert_int_equal(reef__ws_deflate_inflate(many[i], &in, true, &out),
                         REEF__WS_INFLATE_DONE);
        assert_true(out.size <= 5 &&
                    memcmp(out.data, text + 5 - out.size, out.size) == 0);
    }
    for (int i = 0; i < COUNT; i++) {
        reef__ws_deflate_destroy(many[i]);
    }
    /* Not all that were used are kept. */
    assert_true(pair->counter.live < 20000 + 10 * reef__ws_deflate_inflater_size(15));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PAIR_TEST(test_ws_deflate_compresses_as_the_rfc_does),
        PAIR_TEST(test_ws_deflate_inflates_the_examples_of_the_rfc),
        PAIR_TEST(test_ws_deflate_window_goes_on_with_context_only),
        PAIR_TEST(test_ws_deflate_goes_on_after_a_final_block),
        PAIR_TEST(test_ws_deflate_tolerates_a_missing_last_octet),
        PAIR_TEST(test_ws_deflate_refuses_what_is_no_deflate_data),
        PAIR_TEST(test_ws_deflate_gives_what_came_before_the_error),
        PAIR_TEST(test_ws_deflate_refuses_a_larger_window_than_agreed),
        PAIR_TEST(test_ws_deflate_inflates_what_it_compressed),
        PAIR_TEST(test_ws_deflate_bound_holds_for_noise),
        PAIR_TEST(test_ws_deflate_with_context_sends_also_what_grew),
        PAIR_TEST(test_ws_deflate_empty_message_is_one_zero),
        PAIR_TEST(test_ws_deflate_min_size_leaves_short_messages_alone),
        PAIR_TEST(test_ws_deflate_share_key_tells_who_may_share),
        PAIR_TEST(test_ws_deflate_level_is_obeyed),
        PAIR_TEST(test_ws_deflate_holds_what_was_computed),
        PAIR_TEST(test_ws_deflate_holds_nothing_before_the_first_message),
        PAIR_TEST(test_ws_deflate_without_context_connections_hold_nothing),
        PAIR_TEST(test_ws_deflate_without_context_messages_may_overlap),
    };

    return cmocka_run_group_tests_name("ws_deflate", tests, NULL, NULL);
}
