/*
 * A lead byte fixes how many continuation bytes follow and the range of the first
 * of them; that range alone keeps out overlong forms, surrogates and code points
 * above U+10FFFF (RFC 3629 section 4).  All later ones range over 80..BF.
 *
 * Three speeds: 32 bytes at a time without a high bit, whole characters while four
 * bytes are there, and single bytes at both ends of the data, where a character may be
 * cut.
 */
#include "codec/utf8.h"

static inline bool is_in(uint8_t byte, uint8_t low, uint8_t high)
{
    return (uint8_t)(byte - low) <= (uint8_t)(high - low);
}

static inline bool is_continuation(uint8_t byte)
{
    return (byte & 0xc0) == 0x80;
}

static inline uint64_t load_word(const uint8_t *data)
{
    uint64_t word;

    memcpy(&word, data, sizeof(word));
    return word;
}

static inline bool is_ascii(uint64_t word)
{
    return (word & UINT64_C(0x8080808080808080)) == 0;
}

static inline bool is_ascii_32(const uint8_t *data)
{
    return is_ascii(load_word(data) | load_word(data + 8) | load_word(data + 16) |
                    load_word(data + 24));
}

/* Bytes at the start of @p data, in whole words unless it is all, that are ASCII. */
static inline size_t ascii_prefix(const uint8_t *data, size_t size)
{
    size_t i = 0;

    while (size - i >= 32 && is_ascii_32(data + i)) {
        i += 32;
    }
    while (size - i >= 8 && is_ascii(load_word(data + i))) {
        i += 8;
    }
    if (size - i >= 8) {
        return i;
    }
    if (size >= 8) { /* the last word overlaps what was seen */
        return is_ascii(load_word(data + size - 8)) ? size : i;
    }
    while (i < size && data[i] < 0x80) {
        i++;
    }
    return i;
}

/* The ranges that only some lead bytes have for the byte behind them. */
static inline uint8_t first_low(uint8_t lead)
{
    return lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80; /* below: overlong */
}

static inline uint8_t first_high(uint8_t lead)
{
    /* Above: surrogates, or beyond U+10FFFF. */
    return lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
}

/* Size of the character at @p at, which is not ASCII; 0 when it is invalid.  Four bytes
 * can be read. */
static inline size_t character_size(const uint8_t *at)
{
    uint8_t lead = at[0];

    if (is_in(lead, 0xc2, 0xdf)) {
        return is_continuation(at[1]) ? 2 : 0;
    }
    if (!is_in(lead, 0xe0, 0xf4) || !is_in(at[1], first_low(lead), first_high(lead)) ||
        !is_continuation(at[2])) {
        return 0; /* a stray continuation, an overlong form, or out of range */
    }
    if (lead < 0xf0) {
        return 3;
    }
    return is_continuation(at[3]) ? 4 : 0;
}

/* Whether the 8 bytes at @p at are four characters of two bytes: many alphabets. */
static inline bool are_four_pairs(const uint8_t *at)
{
    static const uint8_t kind_mask[] = {0xe0, 0xc0, 0xe0, 0xc0, 0xe0, 0xc0, 0xe0, 0xc0};
    static const uint8_t kind[] = {0xc0, 0x80, 0xc0, 0x80, 0xc0, 0x80, 0xc0, 0x80};
    static const uint8_t value[] = {0x1e, 0, 0x1e, 0, 0x1e, 0, 0x1e, 0};
    static const uint8_t carry[] = {0x7f, 0, 0x7f, 0, 0x7f, 0, 0x7f, 0};
    static const uint8_t high[] = {0x80, 0, 0x80, 0, 0x80, 0, 0x80, 0};
    uint64_t word = load_word(at);

    /* C0 and C1 are overlong: of each lead byte one of the bits of 1E is set, so that
     * adding 7F carries into the highest. */
    return (word & load_word(kind_mask)) == load_word(kind) &&
           (((word & load_word(value)) + load_word(carry)) & load_word(high)) ==
               load_word(high);
}

/* One byte further. */
static bool feed_byte(reef__utf8_t *state, uint8_t byte)
{
    if (state->left > 0) {
        if (!is_in(byte, state->low, state->high)) {
            return false;
        }
        state->left--;
        state->low = 0x80;
        state->high = 0xbf;
        return true;
    }
    if (byte < 0x80) {
        return true;
    }
    state->left = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
    state->low = first_low(byte);
    state->high = first_high(byte);
    return is_in(byte, 0xc2, 0xf4);
}

/* Text that is not just ASCII, or goes on within a character. */
static bool feed_mixed(reef__utf8_t *state, const uint8_t *at, const uint8_t *end)
{
    reef__utf8_t now = *state;

    while (at < end && now.left > 0) {
        if (!feed_byte(&now, *at++)) {
            return false;
        }
    }
    while (end - at >= 8) {
        if (at[0] < 0x80) {
            size_t ascii = at[1] < 0x80 ? ascii_prefix(at, (size_t)(end - at)) : 0;

            at += ascii > 0 ? ascii : 1;
        } else if (at[0] < 0xe0 && are_four_pairs(at)) {
            at += 8;
        } else {
            size_t size = character_size(at);

            if (size == 0) {
                return false;
            }
            at += size;
        }
    }
    while (at < end) {
        if (!feed_byte(&now, *at++)) {
            return false;
        }
    }
    *state = now;
    return true;
}

bool reef__utf8_feed(reef__utf8_t *state, reef_span_t data)
{
    size_t ascii = state->left == 0 ? ascii_prefix(data.data, data.size) : 0;

    return ascii == data.size ||
           feed_mixed(state, data.data + ascii, data.data + data.size);
}

bool reef__utf8_is_valid(reef_span_t text)
{
    reef__utf8_t state = {0};

    return reef__utf8_feed(&state, text) && reef__utf8_is_complete(&state);
}

reef_span_t reef__utf8_cut(reef_span_t text, size_t size)
{
    if (text.size <= size) {
        return text;
    }
    while (size > 0 && (text.data[size] & 0xc0) == 0x80) {
        size--;
    }
    return reef_span(text.data, size);
}
