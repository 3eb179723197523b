/*
 * Decoding only shrinks and encoding only grows by a known factor, so callers size
 * their memory beforehand and nothing here allocates.
 */
#include "http_text.h"

#include "codec/utf8.h"

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The byte that %XX at *at stands for, with *at on its last digit; -1 when malformed.
 */
static int decode_byte(reef_span_t text, size_t *at)
{
    int high, low;

    if (text.size - *at < 3) {
        return -1;
    }
    high = hex_digit(text.data[*at + 1]);
    low = hex_digit(text.data[*at + 2]);
    *at += 2;
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

static bool is_control(int c)
{
    return c < 0x20 || c == 0x7f;
}

/* Whether the segment from @p start to the present end makes the path ambiguous. */
static bool is_bad_segment(const char *start, const char *end, bool is_last)
{
    size_t size = (size_t)(end - start);

    return (size == 0 && !is_last) || (size == 1 && start[0] == '.') ||
           (size == 2 && start[0] == '.' && start[1] == '.');
}

bool reef__http_decode_path(reef_span_t text, char *out)
{
    char *segment = out + 1;
    char *end = out;

    if (text.size == 0 || text.data[0] != '/') {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        int c = text.data[i];

        if (c == '/' && i > 0) {
            if (is_bad_segment(segment, end, false)) {
                return false;
            }
            segment = end + 1;
        } else if (c == '%') {
            c = decode_byte(text, &i);
            if (c == '/') {
                return false;
            }
        }
        if (is_control(c)) {
            return false;
        }
        *end++ = (char)c;
    }
    *end = '\0';
    return !is_bad_segment(segment, end, true) &&
           reef__utf8_is_valid(reef_span(out, (size_t)(end - out)));
}

bool reef__http_decode_form(reef_span_t text, char *out)
{
    size_t used = 0;

    for (size_t i = 0; i < text.size; i++) {
        int c = text.data[i] == '+' ? ' ' : text.data[i];

        if (text.data[i] == '%') {
            c = decode_byte(text, &i);
        }
        if (c <= 0) {
            return false;
        }
        out[used++] = (char)c;
    }
    out[used] = '\0';
    return reef__utf8_is_valid(reef_span(out, used));
}

static bool is_unreserved(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '-' || c == '.' || c == '_' || c == '~';
}

size_t reef__http_encode(reef_span_t text, char *out)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t used = 0;

    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];

        if (is_unreserved(c)) {
            out[used++] = (char)c;
        } else {
            out[used++] = '%';
            out[used++] = digits[c >> 4];
            out[used++] = digits[c & 15];
        }
    }
    out[used] = '\0';
    return used;
}

/* Size of the UTF-8 character that @p text begins with; 0 when it begins with none. */
static size_t character_size(reef_span_t text)
{
    for (size_t size = 1; size <= 4 && size <= text.size; size++) {
        if (reef__utf8_is_valid(reef_span(text.data, size))) {
            return size;
        }
    }
    return 0;
}

static size_t escape(uint8_t c, char *out)
{
    static const char digits[] = "0123456789abcdef";
    static const char start[] = {'\\', 'u', '0', '0'};

    if (c == '"' || c == '\\') {
        out[0] = '\\';
        out[1] = (char)c;
        return 2;
    }
    memcpy(out, start, sizeof(start));
    out[4] = digits[c >> 4];
    out[5] = digits[c & 15];
    return 6;
}

size_t reef__http_quote(reef_span_t text, char *out)
{
    size_t used = 0;

    out[used++] = '"';
    while (text.size > 0) {
        size_t size = character_size(text);
        uint8_t c = text.data[0];

        if (size == 0) {
            memcpy(out + used, "\xef\xbf\xbd", 3);
            used += 3;
            size = 1;
        } else if (is_control(c) || c == '"' || c == '\\') {
            used += escape(c, out + used);
        } else {
            memcpy(out + used, text.data, size);
            used += size;
        }
        text = reef_span_skip(text, size);
    }
    out[used++] = '"';
    out[used] = '\0';
    return used;
}
