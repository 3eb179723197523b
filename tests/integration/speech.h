/**
 * @file speech.h
 * @brief What a random client says: commands of all plugins, right, wrong and hostile.
 */
#ifndef SPEECH_H
#define SPEECH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SPEECH_MAX = 70000 /* bytes of one message */
};

typedef struct speech_text {
    const uint8_t *data; /* borrowed until the next one */
    size_t size;
    bool is_binary;
} speech_text_t;

typedef struct speech {
    uint64_t state;
    speech_text_t text;
    uint8_t data[SPEECH_MAX + 1];
} speech_t;

/** @p seed is not 0. */
void speech_init(speech_t *speech, uint64_t seed);

/** A number less than @p count. */
uint32_t speech_choose(speech_t *speech, uint32_t count);

/** The next message: mostly a command with arguments that make sense. */
const speech_text_t *speech_next(speech_t *speech);

#endif /* SPEECH_H */
