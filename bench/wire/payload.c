/* The digits of a mark are base 64, so marks are as long for binary as for text. */
#include "payload.h"

#include "fail.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    SHIFTS = 4093, /* prime: neighbours in number and in sender differ */
    SENDER_DIGITS = 4,
    NUMBER_DIGITS = 7
};

static const char digits[] =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";

void payload_init(payload_t *payload, size_t size, bool is_binary)
{
    uint64_t state = 0x9e3779b97f4a7c15;
    size_t total = size + SHIFTS;

    assert(size >= PAYLOAD_MARK);
    payload->size = size;
    payload->pattern = need_memory(total, 1);
    for (size_t i = 0; i < total; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        payload->pattern[i] =
            is_binary ? (uint8_t)(state >> 32) : (uint8_t)digits[(state >> 32) % 64];
    }
}

void payload_finish(payload_t *payload)
{
    free(payload->pattern);
    payload->pattern = NULL;
}

static void write_digits(uint8_t *out, size_t count, uint64_t value)
{
    for (size_t i = count; i-- > 0; value /= 64) {
        out[i] = (uint8_t)digits[value % 64];
    }
}

static bool read_digits(const uint8_t *in, size_t count, uint64_t *value)
{
    *value = 0;
    for (size_t i = 0; i < count; i++) {
        const char *digit = in[i] != '\0' ? strchr(digits, in[i]) : NULL;

        if (digit == NULL) {
            return false;
        }
        *value = *value * 64 + (uint64_t)(digit - digits);
    }
    return true;
}

void payload_mark(uint8_t *out, uint32_t sender, uint64_t number)
{
    out[0] = '@';
    write_digits(out + 1, SENDER_DIGITS, sender);
    write_digits(out + 1 + SENDER_DIGITS, NUMBER_DIGITS, number);
}

bool payload_read_mark(const uint8_t *mark, uint32_t *sender, uint64_t *number)
{
    uint64_t value;

    if (mark[0] != '@' || !read_digits(mark + 1, SENDER_DIGITS, &value)) {
        return false;
    }
    *sender = (uint32_t)value;
    return read_digits(mark + 1 + SENDER_DIGITS, NUMBER_DIGITS, number);
}

const uint8_t *payload_body(const payload_t *payload, uint32_t sender, uint64_t number)
{
    return payload->pattern + (sender * (uint64_t)31 + number * 7) % SHIFTS;
}

uint8_t
payload_byte(const payload_t *payload, uint32_t sender, uint64_t number, size_t offset)
{
    uint8_t mark[PAYLOAD_MARK];

    if (offset < PAYLOAD_MARK) {
        payload_mark(mark, sender, number);
        return mark[offset];
    }
    return payload_body(payload, sender, number)[offset - PAYLOAD_MARK];
}

static size_t count_equal(const uint8_t *a, const uint8_t *b, size_t size)
{
    size_t i = 0;

    if (memcmp(a, b, size) == 0) {
        return size;
    }
    while (a[i] == b[i]) {
        i++;
    }
    return i;
}

size_t payload_compare(const payload_t *payload,
                       uint32_t sender,
                       uint64_t number,
                       size_t offset,
                       const uint8_t *data,
                       size_t size)
{
    size_t right = 0;

    if (offset < PAYLOAD_MARK) {
        size_t part = PAYLOAD_MARK - offset < size ? PAYLOAD_MARK - offset : size;
        uint8_t mark[PAYLOAD_MARK];

        payload_mark(mark, sender, number);
        right = count_equal(mark + offset, data, part);
        if (right < part || right == size) {
            return right;
        }
        offset = PAYLOAD_MARK;
    }
    return right +
           count_equal(payload_body(payload, sender, number) + offset - PAYLOAD_MARK,
                       data + right, size - right);
}
