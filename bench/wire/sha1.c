/* RFC 3174 section 6.1, word by word; speed does not matter here. */
#include "sha1.h"

#include <assert.h>
#include <string.h>

enum {
    BLOCK = 64
};

static uint32_t rotate(uint32_t word, unsigned bits)
{
    return word << bits | word >> (32 - bits);
}

static uint32_t mix(unsigned round, uint32_t b, uint32_t c, uint32_t d)
{
    switch (round / 20) {
    case 0:
        return ((b & c) | (~b & d)) + 0x5a827999;
    case 1:
        return (b ^ c ^ d) + 0x6ed9eba1;
    case 2:
        return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
    default:
        return (b ^ c ^ d) + 0xca62c1d6;
    }
}

static void add_block(uint32_t state[5], const uint8_t *block)
{
    uint32_t words[80], v[5];

    for (size_t i = 0; i < 16; i++) {
        words[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
                   (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    }
    for (unsigned i = 16; i < 80; i++) {
        words[i] =
            rotate(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1);
    }
    memcpy(v, state, sizeof(v));
    for (unsigned i = 0; i < 80; i++) {
        uint32_t next = rotate(v[0], 5) + mix(i, v[1], v[2], v[3]) + v[4] + words[i];

        v[4] = v[3];
        v[3] = v[2];
        v[2] = rotate(v[1], 30);
        v[1] = v[0];
        v[0] = next;
    }
    for (unsigned i = 0; i < 5; i++) {
        state[i] += v[i];
    }
}

void sha1(uint8_t digest[SHA1_SIZE], const void *data, size_t size)
{
    uint32_t state[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    uint8_t padded[2 * BLOCK] = {0};
    size_t end = size + 9 <= BLOCK ? BLOCK : 2 * BLOCK;

    assert(size <= SHA1_MAX_INPUT);
    memcpy(padded, data, size);
    padded[size] = 0x80;
    padded[end - 2] = (uint8_t)(size * 8 >> 8);
    padded[end - 1] = (uint8_t)(size * 8);
    for (size_t at = 0; at < end; at += BLOCK) {
        add_block(state, padded + at);
    }
    for (unsigned i = 0; i < SHA1_SIZE; i++) {
        digest[i] = (uint8_t)(state[i / 4] >> (24 - i % 4 * 8));
    }
}
