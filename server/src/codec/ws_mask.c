/*
 * Words of eight bytes, four at a time, which compilers make two or one vector of.  The
 * rest is done by halves.  Long payloads go through a loop of their own, compiled for
 * wider vectors too: choosing that costs more than it gains for short ones.
 */
#include "codec/ws_mask.h"

#include <reef/attrs.h>

#include <string.h>

enum {
    WORD = sizeof(uint64_t),
    TWO_WORDS = 2 * WORD,
    THREE_WORDS = 3 * WORD,
    STEP = 4 * WORD,
    HALF = WORD / 2,
    LONG_SIZE = 512
};

static inline void xor_word(uint8_t *data, uint64_t key)
{
    uint64_t word;

    memcpy(&word, data, sizeof(word));
    word ^= key;
    memcpy(data, &word, sizeof(word));
}

/* Of @p size bytes, a multiple of WORD. */
REEF_TARGET_CLONES static void unmask_long(uint8_t *data, size_t size, uint64_t key)
{
    for (size_t i = 0; i < size; i += WORD) {
        xor_word(data + i, key);
    }
}

static inline void unmask_short(uint8_t *data, size_t size, const uint8_t *mask)
{
    uint32_t half;
    uint64_t key;

    memcpy(&half, mask, sizeof(half));
    key = (uint64_t)half << 32 | half; /* in any byte order */
    for (; size >= STEP; size -= STEP, data += STEP) {
        xor_word(data, key);
        xor_word(data + WORD, key);
        xor_word(data + TWO_WORDS, key);
        xor_word(data + THREE_WORDS, key);
    }
    if ((size & TWO_WORDS) != 0) {
        xor_word(data, key);
        xor_word(data + WORD, key);
        data += TWO_WORDS;
    }
    if ((size & WORD) != 0) {
        xor_word(data, key);
        data += WORD;
    }
    if ((size & HALF) != 0) {
        uint32_t word;

        memcpy(&word, data, sizeof(word));
        word ^= half;
        memcpy(data, &word, sizeof(word));
        data += HALF;
    }
    for (size_t i = 0; i < size % HALF; i++) {
        data[i] ^= mask[i];
    }
}

static void unmask_in_parts(uint8_t *data, size_t size, const uint8_t *mask)
{
    size_t part = size / WORD * WORD;
    uint32_t half;

    memcpy(&half, mask, sizeof(half));
    unmask_long(data, part, (uint64_t)half << 32 | half);
    unmask_short(data + part, size - part, mask);
}

void reef__ws_unmask(uint8_t *data, size_t size, const uint8_t mask[REEF__WS_MASK_SIZE])
{
    if (REEF_UNLIKELY(size >= LONG_SIZE)) {
        unmask_in_parts(data, size, mask);
    } else {
        unmask_short(data, size, mask);
    }
}

void reef__ws_mask_turn(uint8_t mask[REEF__WS_MASK_SIZE], size_t count)
{
    uint8_t turned[REEF__WS_MASK_SIZE];

    for (size_t i = 0; i < REEF__WS_MASK_SIZE; i++) {
        turned[i] = mask[(count + i) % REEF__WS_MASK_SIZE];
    }
    memcpy(mask, turned, REEF__WS_MASK_SIZE);
}
