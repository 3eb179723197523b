/* The validator against a second one that decodes and compares (RFC 3629 section 3). */
#include "test.h"

#include "codec/utf8.h"

static size_t encode(uint32_t point, uint8_t out[4])
{
    if (point < 0x80) {
        out[0] = (uint8_t)point;
        return 1;
    }
    if (point < 0x800) {
        out[0] = (uint8_t)(0xc0 | point >> 6);
        out[1] = (uint8_t)(0x80 | (point & 63));
        return 2;
    }
    if (point < 0x10000) {
        out[0] = (uint8_t)(0xe0 | point >> 12);
        out[1] = (uint8_t)(0x80 | (point >> 6 & 63));
        out[2] = (uint8_t)(0x80 | (point & 63));
        return 3;
    }
    out[0] = (uint8_t)(0xf0 | point >> 18);
    out[1] = (uint8_t)(0x80 | (point >> 12 & 63));
    out[2] = (uint8_t)(0x80 | (point >> 6 & 63));
    out[3] = (uint8_t)(0x80 | (point & 63));
    return 4;
}

static bool is_valid(const uint8_t *data, size_t size)
{
    return reef__utf8_is_valid(reef_span(data, size));
}

static bool is_valid_text(const char *text)
{
    return reef__utf8_is_valid(reef_span_text(text));
}

/* RFC 3629 section 3: all code points but the surrogates. */
static void test_utf8_accepts_every_code_point_but_surrogates(void **state)
{
    (void)state;
    for (uint32_t point = 0; point <= 0x10ffff; point++) {
        uint8_t text[4];
        size_t size = encode(point, text);

        if (is_valid(text, size) == (point >= 0xd800 && point <= 0xdfff)) {
            fail_msg("U+%04X", (unsigned)point);
        }
    }
}

static uint32_t next(uint32_t *random)
{
    *random = *random * 1664525 + 1013904223;
    return *random >> 8;
}

/* Whether the bytes are one character in its only form, or several of one byte. */
static bool is_valid_slowly(const uint8_t *data, size_t size)
{
    static const uint8_t kinds[][2] = {
        {0, 0}, {0xc0, 0xe0}, {0xe0, 0xf0}, {0xf0, 0xf8}};
    uint8_t again[4];
    uint32_t point;

    if (size == 0) {
        return true;
    }
    if (data[0] < 0x80) {
        return is_valid_slowly(data + 1, size - 1);
    }
    for (size_t extra = 1; extra < 4; extra++) {
        if ((data[0] & kinds[extra][1]) != kinds[extra][0] || size <= extra) {
            continue;
        }
        point = data[0] & (0x3fU >> extra);
        for (size_t i = 1; i <= extra; i++) {
            point = point << 6 | (data[i] & 63);
        }
        return point <= 0x10ffff && (point < 0xd800 || point > 0xdfff) &&
               encode(point, again) == extra + 1 &&
               memcmp(again, data, extra + 1) == 0 &&
               is_valid_slowly(data + extra + 1, size - extra - 1);
    }
    return false;
}

/* RFC 3629 section 4: stray and missing continuations, overlong forms, FE and FF. */
static void test_utf8_agrees_with_a_decoder_on_all_short_texts(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 1U << 24; i += i < 1U << 16 ? 1 : 3) {
        uint8_t text[3] = {(uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i};

        if (is_valid(text, 3) != is_valid_slowly(text, 3)) {
            fail_msg("%02x %02x %02x", text[0], text[1], text[2]);
        }
    }
    for (uint32_t i = 0; i < 1U << 21; i++) { /* F0 to F7 and three more */
        uint8_t text[4] = {(uint8_t)(0xf0 | i >> 18), (uint8_t)(0x80 | (i >> 12 & 63)),
                           (uint8_t)(0x80 | (i >> 6 & 63)), (uint8_t)(0x80 | (i & 63))};

        if (is_valid(text, 4) != is_valid_slowly(text, 4)) {
            fail_msg("%02x %02x %02x %02x", text[0], text[1], text[2], text[3]);
        }
    }
}

/* A text of up to @p room bytes: characters of all sizes in runs, perhaps with one bit
 * or byte wrong. */
static size_t write_text(uint8_t *out, size_t room, uint32_t *random)
{
    static const uint32_t starts[] = {0x20,   0x80,   0x400,  0x800,
                                      0x4e00, 0xd7f0, 0x1f600};
    size_t size = 0;

    while (size + 4 <= room) {
        uint32_t start = starts[next(random) % 7];

        for (uint32_t run = next(random) % 24; run > 0 && size + 4 <= room; run--) {
            size += encode(start + next(random) % 16, out + size);
        }
        if (next(random) % 16 == 0) {
            break;
        }
    }
    if (size > 0 && next(random) % 2 == 0) {
        out[next(random) % size] ^= (uint8_t)(1U << next(random) % 8);
    }
    if (size > 0 && next(random) % 4 == 0) {
        size = next(random) % size; /* cut */
    }
    return size;
}

/* The fast ways through long texts, at every place where they may begin and end. */
static void test_utf8_agrees_with_a_decoder_on_long_texts(void **state)
{
    uint32_t random = 1;
    size_t valid = 0;

    (void)state;
    for (int i = 0; i < 100000; i++) {
        uint8_t text[200];
        size_t size = write_text(text, next(&random) % sizeof(text), &random);
        uint8_t *copy = malloc(size > 0 ? size : 1); /* its end is guarded */
        size_t cut = size > 0 ? next(&random) % size : 0;
        reef__utf8_t utf8 = {0};
        bool expected = is_valid_slowly(text, size);
        bool parts;

        memcpy(copy, text, size);
        parts = reef__utf8_feed(&utf8, reef_span(copy, cut)) &&
                reef__utf8_feed(&utf8, reef_span(copy + cut, size - cut)) &&
                reef__utf8_is_complete(&utf8);
        if (is_valid(copy, size) != expected || parts != expected) {
            fail_msg("text %d, cut at %zu of %zu", i, cut, size);
        }
        valid += expected;
        free(copy);
    }
    assert_in_range(valid, 20000, 80000);
}

/* Every byte in the place of each. */
static size_t count_disagreements(uint8_t *text, size_t size)
{
    size_t count = 0;

    for (size_t i = 0; i < size; i++) {
        uint8_t before = text[i];

        for (unsigned byte = 0; byte < 256; byte++) {
            text[i] = (uint8_t)byte;
            count += is_valid(text, size) != is_valid_slowly(text, size);
        }
        text[i] = before;
    }
    return count;
}

/* Runs of characters that are read in words */
static void test_utf8_agrees_with_a_decoder_on_runs_with_one_byte_wrong(void **state)
{
    static const uint32_t points[] = {'x', 0x7ff, 0x4e00, 0x1f600};

    (void)state;
    for (size_t kind = 0; kind < sizeof(points) / sizeof(points[0]); kind++) {
        uint8_t text[44];
        size_t size = 0;

        while (size + 4 <= sizeof(text)) {
            size += encode(points[kind], text + size);
        }
        assert_int_equal(count_disagreements(text, size), 0);
    }
}

static void test_utf8_refuses_broken_texts(void **state)
{
    (void)state;
    assert_true(is_valid_text(""));
    assert_true(is_valid_text("κόσμε \xf0\x9f\x90\x9a"));
    assert_false(is_valid_text("\x80"));
    assert_false(is_valid_text("\xce"));             /* ends within a character */
    assert_false(is_valid_text("\xce\x61"));         /* continuation missing */
    assert_false(is_valid_text("\xce\xba\xba"));     /* one too many */
    assert_false(is_valid_text("\xc0\xaf"));         /* overlong */
    assert_false(is_valid_text("\xc1\xbf"));         /* overlong */
    assert_false(is_valid_text("\xe0\x9f\xbf"));     /* overlong */
    assert_false(is_valid_text("\xf0\x8f\xbf\xbf")); /* overlong */
    assert_false(is_valid_text("\xed\xa0\x80"));     /* U+D800 */
    assert_false(is_valid_text("\xf4\x90\x80\x80")); /* U+110000 */
    assert_false(is_valid_text("\xf5\x80\x80\x80"));
    assert_false(is_valid_text("\xff"));
}

/* RFC 6455 section 5.6: a character may be cut by a fragment. */
static void test_utf8_goes_on_after_any_cut(void **state)
{
    static const char text[] =
        "a\xc3\xa9 eight ascii bytes \xe2\x82\xac\xf0\x9f\x90\x9a.";
    const size_t size = sizeof(text) - 1;

    (void)state;
    for (size_t first = 0; first <= size; first++) {
        for (size_t second = first; second <= size; second++) {
            reef__utf8_t utf8 = {0};

            assert_true(reef__utf8_feed(&utf8, reef_span(text, first)));
            assert_int_equal(reef__utf8_is_complete(&utf8),
                             first == size || ((uint8_t)text[first] & 0xc0) != 0x80);
            assert_true(
                reef__utf8_feed(&utf8, reef_span(text + first, second - first)));
            assert_true(
                reef__utf8_feed(&utf8, reef_span(text + second, size - second)));
            assert_true(reef__utf8_is_complete(&utf8));
        }
    }
}

/* RFC 6455 section 8.1: known at the first byte that is wrong. */
static void test_utf8_fails_at_the_first_wrong_byte(void **state)
{
    static const char *const texts[] = {
        "\xe0\x9f",         "\xed\xa0",     "\xf0\x8f",
        "\xf4\x90",         "\xc0",         "\xf0\x90\x7f",
        "\xe2\x82\x28",     "\x80",         "\xf8",
        "\xce\xce",         "12345678\xff", "1234567\xff",
        "\xf0\x90\x80\xc0",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        size_t size = strlen(texts[i]);
        reef__utf8_t utf8 = {0};

        assert_true(reef__utf8_feed(&utf8, reef_span(texts[i], size - 1)));
        assert_false(reef__utf8_feed(&utf8, reef_span(texts[i] + size - 1, 1)));
    }
}

/* The bytes taken together must not step over one with a high bit. */
static void test_utf8_sees_a_wrong_byte_at_every_place(void **state)
{
    uint8_t text[100];

    (void)state;
    for (size_t size = 1; size <= sizeof(text); size++) {
        for (size_t i = 0; i < size; i++) {
            memset(text, 'x', sizeof(text));
            assert_true(is_valid(text, size));
            text[i] = 0x80;
            assert_false(is_valid(text, size));
        }
    }
}

static void test_utf8_cut_splits_no_character(void **state)
{
    static const char text[] = "ab\xf0\x9f\x90\x9a\xc3\xa9";
    static const size_t sizes[] = {0, 1, 2, 2, 2, 2, 6, 6, 8, 8};

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        reef_span_t part = reef__utf8_cut(reef_span_text(text), i);

        assert_int_equal(part.size, sizes[i]);
        assert_true(reef__utf8_is_valid(part));
    }
    assert_int_equal(reef__utf8_cut(reef_span(NULL, 0), 5).size, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_utf8_accepts_every_code_point_but_surrogates),
        cmocka_unit_test(test_utf8_agrees_with_a_decoder_on_all_short_texts),
        cmocka_unit_test(test_utf8_agrees_with_a_decoder_on_long_texts),
        cmocka_unit_test(test_utf8_agrees_with_a_decoder_on_runs_with_one_byte_wrong),
        cmocka_unit_test(test_utf8_refuses_broken_texts),
        cmocka_unit_test(test_utf8_goes_on_after_any_cut),
        cmocka_unit_test(test_utf8_fails_at_the_first_wrong_byte),
        cmocka_unit_test(test_utf8_sees_a_wrong_byte_at_every_place),
        cmocka_unit_test(test_utf8_cut_splits_no_character),
    };

    return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
