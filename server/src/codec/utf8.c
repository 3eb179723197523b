/*
 * A lead byte fixes how many continuation bytes follow and the range of the first
 * of them; that range alone keeps out overlong forms, surrogates and code points
 * above U+10FFFF (RFC 3629 section 4).  All later ones range over 80..BF.  Between
 * characters, eight bytes without a high bit are skipped at a time.
 */
#include "codec/utf8.h"

static size_t ascii_prefix(const uint8_t *data, size_t size)
{
    size_t i = 0;

    for (; i + 8 <= size; i += 8) {
        uint64_t word;

        memcpy(&word, data + i, 8);
        if ((word & UINT64_C(0x8080808080808080)) != 0) {
            break;
        }
    }
    while (i < size && data[i] < 0x80) {
        i++;
    }
    return i;
}

/* Enter a character by its first byte, which is not ASCII. */
static bool begin_character(reef__utf8_t *state, uint8_t lead)
{
    state->low = 0x80;
    state->high = 0xbf;
    if (lead < 0xc2 || lead > 0xf4) {
        return false; /* a stray continuation, an overlong form, or out of range */
    }
    if (lead < 0xe0) {
        state->left = 1;
    } else if (lead < 0xf0) {
        state->left = 2;
        state->low = lead == 0xe0 ? 0xa0 : 0x80;  /* below: overlong */
        state->high = lead == 0xed ? 0x9f : 0xbf; /* above: surrogates */
    } else {
        state->left = 3;
        state->low = lead == 0xf0 ? 0x90 : 0x80;  /* below: overlong */
        state->high = lead == 0xf4 ? 0x8f : 0xbf; /* above: beyond U+10FFFF */
    }
    return true;
}

bool reef__utf8_feed(reef__utf8_t *state, reef_span_t data)
{
    reef__utf8_t now = *state;
    size_t i = 0;

    while (i < data.size) {
        uint8_t byte = data.data[i];

        if (now.left > 0) {
            if (byte < now.low || byte > now.high) {
                return false;
            }
            now.left--;
            now.low = 0x80;
            now.high = 0xbf;
            i++;
        } else if (byte < 0x80) {
            i += ascii_prefix(data.data + i, data.size - i);
        } else {
            if (!begin_character(&now, byte)) {
                return false;
            }
            i++;
        }
    }
    *state = now;
    return true;
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
