/**
 * @file number.h
 * @brief Coordinates as texts, the same in every locale.
 */
#ifndef REEF_SPATIAL_NUMBER_H
#define REEF_SPATIAL_NUMBER_H

#include <reef/span.h>

#include <stdint.h>

enum {
    REEF__NUMBER_SIZE = 24, /* bytes of a number, and that printing may overwrite */
};

typedef enum reef__number {
    REEF__NUMBER_OK,
    REEF__NUMBER_NONE,     /* not a number */
    REEF__NUMBER_INFINITE, /* nan, inf, or too large */
} reef__number_t;

/** Read a whole word: a sign, digits with at most one point, an exponent; nothing else.
 *  @p value is untouched unless it is a number. */
reef__number_t reef__number_parse(reef_span_t word, float *value);

/** Write a finite number in the fewest digits that read back as it.  Returns the end;
 *  up to REEF__NUMBER_SIZE bytes from the first digit on may be overwritten. */
char *reef__number_print(float value, char *out);

/** Write a whole number; as above. */
char *reef__number_print_whole(uint64_t value, char *out);

#endif /* REEF_SPATIAL_NUMBER_H */
