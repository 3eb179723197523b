/*
 * Printing tries how many decimals it takes.  With d decimals the nearest candidate is
 * q = round(x · 10^d) / 10^d; it does when q, though known only to within a few parts
 * in 10^16, is on x's side of the middles to x's neighbours for sure.  If d decimals
 * do, so do more; and floats of one exponent never need more than a number known
 * before.  So most need two or three tries.
 */
#include "number.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum {
    MAX_DECIMALS = 12,  /* more than that goes the long way */
    MAX_EXPONENT = 400, /* beyond it nothing changes */
    MAX_POWER = 22,     /* of ten, that a double has exactly */
    MANTISSA_BITS = 23, /* of a float, the first one not counted */
    EXPONENT_BIAS = 127,
};

static const double powers[] = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
};

static const double inverses[MAX_DECIMALS + 1] = {
    1e-0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-11, 1e-12,
};

/* Reading ------------------------------------------------------------------------ */

typedef struct decimal {
    uint64_t mantissa;
    int exponent;
    bool has_digits;
} decimal_t;

static bool is_digit(reef_span_t word, size_t at)
{
    return at < word.size && word.data[at] >= '0' && word.data[at] <= '9';
}

/* Digits from @p at on, after the point or before it.  Returns where they end. */
static size_t
take_digits(reef_span_t word, size_t at, bool is_fraction, decimal_t *decimal)
{
    for (; is_digit(word, at); at++) {
        decimal->has_digits = true;
        if (decimal->mantissa < UINT64_C(100000000000000000)) {
            decimal->mantissa = decimal->mantissa * 10 + (word.data[at] - '0');
            decimal->exponent -= is_fraction;
        } else if (decimal->exponent < MAX_EXPONENT) {
            decimal->exponent += !is_fraction; /* beyond what a float can tell */
        }
    }
    return at;
}

/* `e12`, `E-3`; returns where it ends, or @p at when there is none. */
static size_t take_exponent(reef_span_t word, size_t at, decimal_t *decimal)
{
    size_t start = at;
    bool is_negative = false;
    int exponent = 0;

    if (at == word.size || (word.data[at] | 0x20) != 'e') {
        return at;
    }
    at++;
    if (at < word.size && (word.data[at] == '-' || word.data[at] == '+')) {
        is_negative = word.data[at++] == '-';
    }
    if (!is_digit(word, at)) {
        return start;
    }
    for (; is_digit(word, at); at++) {
        exponent = exponent < MAX_EXPONENT ? exponent * 10 + (word.data[at] - '0')
                                           : MAX_EXPONENT;
    }
    decimal->exponent += is_negative ? -exponent : exponent;
    return at;
}

static double scale(const decimal_t *decimal)
{
    double value = (double)decimal->mantissa;
    int exponent = decimal->exponent;

    while (exponent > 0 && value != 0 && !isinf(value)) {
        int step = exponent < MAX_POWER ? exponent : MAX_POWER;

        value *= powers[step];
        exponent -= step;
    }
    while (exponent < 0 && value != 0) {
        int step = -exponent < MAX_POWER ? -exponent : MAX_POWER;

        value /= powers[step];
        exponent += step;
    }
    return value;
}

static bool is_word(reef_span_t word, const char *lower)
{
    size_t size = strlen(lower);

    for (size_t i = 0; i < word.size && i < size; i++) {
        if ((word.data[i] | 0x20) != lower[i]) {
            return false;
        }
    }
    return word.size == size;
}

reef__number_t reef__number_parse(reef_span_t word, float *value)
{
    decimal_t decimal = {0};
    bool is_negative = word.size > 0 && word.data[0] == '-';
    size_t at;
    float number;

    if (is_negative || (word.size > 0 && word.data[0] == '+')) {
        word = reef_span_skip(word, 1);
    }
    if (is_word(word, "nan") || is_word(word, "inf") || is_word(word, "infinity")) {
        return REEF__NUMBER_INFINITE;
    }
    at = take_digits(word, 0, false, &decimal);
    if (at < word.size && word.data[at] == '.') {
        at = take_digits(word, at + 1, true, &decimal);
    }
    if (!decimal.has_digits || take_exponent(word, at, &decimal) != word.size) {
        return REEF__NUMBER_NONE;
    }
    number = (float)scale(&decimal);
    if (isinf(number)) {
        return REEF__NUMBER_INFINITE;
    }
    *value = is_negative ? -number : number;
    return REEF__NUMBER_OK;
}

/* Printing ----------------------------------------------------------------------- */

/* Digits of a number, so many of them behind a point.  They are made from the last one
 * on; the text is then moved to its place, a fixed size of it. */
static char *print_digits(uint64_t value, unsigned decimals, char *out)
{
    char text[2 * REEF__NUMBER_SIZE];
    char *at = text + REEF__NUMBER_SIZE;

    for (; decimals > 0; decimals--) {
        *--at = (char)('0' + value % 10);
        value /= 10;
        if (decimals == 1) {
            *--at = '.';
        }
    }
    do {
        *--at = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    memcpy(out, at, REEF__NUMBER_SIZE);
    return out + (text + REEF__NUMBER_SIZE - at);
}

char *reef__number_print_whole(uint64_t value, char *out)
{
    return print_digits(value, 0, out);
}

/* Whether @p size, which is not negative, is what its text with @p decimals reads as;
 * @p scaled receives the digits of that text. */
static bool reads_back(float size, unsigned decimals, uint64_t *scaled)
{
    double nearest;

    *scaled = (uint64_t)((double)size * powers[decimals] + 0.5);
    nearest = (double)*scaled * inverses[decimals];
    return (float)(nearest * (1 - 1e-15)) == size &&
           (float)(nearest * (1 + 1e-15)) == size;
}

/* So many decimals are enough for every float of this one's exponent. */
static unsigned enough_decimals(float size)
{
    uint32_t bits;
    int steps; /* the last bit is worth 2^-steps */

    memcpy(&bits, &size, sizeof(bits));
    steps = MANTISSA_BITS + EXPONENT_BIAS - (int)(bits >> MANTISSA_BITS);
    return steps > 0 ? ((unsigned)steps * 78913 >> 18) + 1 : 0; /* · log10(2) */
}

static bool find_decimals(float size, unsigned *decimals, uint64_t *scaled)
{
    unsigned enough = enough_decimals(size);
    unsigned tried = enough > 2 ? enough - 2 : 0;
    uint64_t fewer;

    if (enough > MAX_DECIMALS) {
        return false;
    }
    while (!reads_back(size, tried, scaled)) {
        if (++tried > MAX_DECIMALS) {
            return false;
        }
    }
    while (tried > 0 && reads_back(size, tried - 1, &fewer)) {
        *scaled = fewer;
        tried--;
    }
    *decimals = tried;
    return true;
}

/* For the very small. */
static char *print_long(float value, char *out)
{
    char text[REEF__NUMBER_SIZE];
    int precision = 1;
    size_t size;
    float back = 0;

    do {
        snprintf(text, sizeof(text), "%.*e", precision - 1, (double)value);
        size = strlen(text);
        for (size_t i = 0; i < size; i++) {
            if (text[i] == ',') {
                text[i] = '.'; /* of the locale */
            }
        }
    } while ((reef__number_parse(reef_span_text(text), &back) != REEF__NUMBER_OK ||
              back != value) &&
             ++precision <= 9);
    memcpy(out, text, size);
    return out + size;
}

char *reef__number_print(float value, char *out)
{
    float size = fabsf(value);
    unsigned decimals;
    uint64_t scaled;

    if (size == 0) {
        *out = '0';
        return out + 1;
    }
    if (value < 0) {
        *out++ = '-';
    }
    if (size >= 0x1p63f || !find_decimals(size, &decimals, &scaled)) {
        return print_long(size, out);
    }
    return print_digits(scaled, decimals, out);
}
