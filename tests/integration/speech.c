/*
 * A template is chosen, and each `%` in it replaced by a random argument: few names and
 * places, so that clients meet, and among them those that servers must refuse.
 */
#include "speech.h"

#include <stdio.h>
#include <string.h>

static const char *const templates[] = {
    "/join %r",
    "/join %r",
    "/join",
    "/leave",
    "/nick %r",
    "/list",
    "hello %r",
    "hello %r",
    "/lobby create %r %n",
    "/lobby create %r %n private",
    "/lobby create %r",
    "/lobby join %r",
    "/lobby join %r",
    "/lobby leave",
    "/lobby list",
    "/lobby info %r",
    "/lobby",
    "/lobby %r %r %r %r %r",
    "/status online",
    "/status away",
    "/status busy",
    "/status %r",
    "/move %n %n",
    "/move %n %n",
    "/move %n %n",
    "/move %n %n",
    "/move %n",
    "/move %n %n %n",
    "/move %n %n %n %n",
    "/snapshot subscribe",
    "ping",
    "pong",
    "/",
    "/%r",
    "",
    "   ",
};

static const char *const words[] = {
    "reef",
    "blue whale",
    "kelp",
    "atoll",
    "lagoon",
    "[System]",
    "User 1",
    "\xe2\x80\xaeleer",
    "tab\there",
    "null\xc2\x80",
    "\xf0\x9f\x90\xa0",
    "%s%n",
    "../../etc",
    "<script>alert(1)</script>",
};

static const char *const numbers[] = {
    "0",   "1",   "10", "-10", "55.5", "99.999", "120", "-250", "1000",
    "2",   "3",   "4",  "nan", "inf",  "1e999",  "-0",  "0x10", "99999999999999999999",
    "1e3", "--1", ".",  "",    "1,5",  "300",    "60",  "61",   "-60.25",
};

#define COUNT(array) ((uint32_t)(sizeof(array) / sizeof((array)[0])))

void speech_init(speech_t *speech, uint64_t seed)
{
    speech->state = seed;
}

/* xorshift64* (Vigna 2016). */
uint32_t speech_choose(speech_t *speech, uint32_t count)
{
    speech->state ^= speech->state >> 12;
    speech->state ^= speech->state << 25;
    speech->state ^= speech->state >> 27;
    return (uint32_t)((speech->state * 0x2545f4914f6cdd1dU >> 33) % count);
}

static void append(speech_t *speech, const char *text)
{
    size_t size = strlen(text);

    if (speech->text.size + size <= SPEECH_MAX) {
        memcpy(speech->data + speech->text.size, text, size);
        speech->text.size += size;
    }
}

/* `%r` a name, `%n` a number. */
static void fill_in(speech_t *speech, const char *form)
{
    char letter[2] = {0};

    for (; *form != '\0'; form++) {
        if (*form == '%' && form[1] == 'r') {
            append(speech, words[speech_choose(speech, COUNT(words))]);
            form++;
        } else if (*form == '%' && form[1] == 'n') {
            append(speech, numbers[speech_choose(speech, COUNT(numbers))]);
            form++;
        } else {
            letter[0] = *form;
            append(speech, letter);
        }
    }
}

/* A typed message of reef.v1, or what looks like one. */
static void make_typed(speech_t *speech)
{
    speech->text.is_binary = true;
    speech->text.size = speech_choose(speech, 48);
    for (size_t i = 0; i < speech->text.size; i++) {
        speech->data[i] = (uint8_t)speech_choose(speech, 256);
    }
    if (speech->text.size >= 3) {
        speech->data[0] = 0xf8;
        speech->data[1] = (uint8_t)speech_choose(speech, 16);
        speech->data[2] = 0;
    }
}

const speech_text_t *speech_next(speech_t *speech)
{
    speech->text = (speech_text_t){.data = speech->data};
    if (speech_choose(speech, 25) == 0) {
        make_typed(speech);
        return &speech->text;
    }
    fill_in(speech, templates[speech_choose(speech, COUNT(templates))]);
    if (speech_choose(speech, 300) == 0) { /* far too long */
        uint32_t more = speech_choose(speech, SPEECH_MAX / 2);

        memset(speech->data + speech->text.size, 'x', more);
        speech->text.size += more;
    }
    return &speech->text;
}
