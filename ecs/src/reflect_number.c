/*
 * Writing numbers.  A value is first brought to the field's family (signed, unsigned,
 * real) without loss, then held against what the kind and the description allow, then
 * stored; so a refused value leaves the element alone.
 */
#include "reflect.h"

#include <assert.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* A double at or beyond these does not fit; both are exact. */
#define TWO_TO_63 0x1p63
#define TWO_TO_64 0x1p64
/* Half a step above FLT_MAX: from here on a number rounds to infinity. */
#define FLOAT_OVERFLOW 0x1.ffffffp127

static bool has_limits(const reef_field_t *field)
{
    assert(field->min <= field->max);
    return field->min != 0 || field->max != 0;
}

/* Failures --------------------------------------------------------------------- */

reef_error_t reef__field_fail_type(const reef_field_t *field,
                                   const char *wanted,
                                   reef_failure_t *failure)
{
    return reef_fail(failure, REEF_E_INVALID, "%s: %s is wanted", field->name, wanted);
}

static reef_error_t
fail_signed(const reef_field_t *field, int64_t value, reef_failure_t *failure)
{
    char given[REEF__NUMBER_TEXT_SIZE];

    snprintf(given, sizeof(given), "%" PRId64, value);
    return reef__field_fail_range(field, given, failure);
}

static reef_error_t
fail_unsigned(const reef_field_t *field, uint64_t value, reef_failure_t *failure)
{
    char given[REEF__NUMBER_TEXT_SIZE];

    snprintf(given, sizeof(given), "%" PRIu64, value);
    return reef__field_fail_range(field, given, failure);
}

static reef_error_t
fail_real(const reef_field_t *field, double value, reef_failure_t *failure)
{
    char given[REEF__NUMBER_TEXT_SIZE];

    reef__real_format(REEF_KIND_F64, value, given);
    return reef__field_fail_range(field, given, failure);
}

/* Whole numbers ---------------------------------------------------------------- */

/* Like memcmp(), exactly: a 64-bit integer need not have a double of its own. */
static int compare_signed(int64_t value, double limit)
{
    int64_t whole;

    if (limit >= TWO_TO_63) {
        return -1;
    }
    if (limit < -TWO_TO_63) {
        return 1;
    }
    whole = (int64_t)limit;
    if (value != whole) {
        return value < whole ? -1 : 1;
    }
    return ((double)whole > limit) - ((double)whole < limit);
}

static int compare_unsigned(uint64_t value, double limit)
{
    uint64_t whole;

    if (limit >= TWO_TO_64) {
        return -1;
    }
    if (limit < 0) {
        return 1;
    }
    whole = (uint64_t)limit;
    if (value != whole) {
        return value < whole ? -1 : 1;
    }
    return (double)whole < limit ? -1 : 0;
}

/* Bring any number to an int64_t. */
reef_error_t reef__field_to_signed(const reef_field_t *field,
                                   reef_value_t value,
                                   int64_t *out,
                                   reef_failure_t *failure)
{
    switch (value.tag) {
    case REEF_VALUE_INT:
        *out = value.integer;
        return REEF_OK;
    case REEF_VALUE_UINT:
        if (value.natural > INT64_MAX) {
            return fail_unsigned(field, value.natural, failure);
        }
        *out = (int64_t)value.natural;
        return REEF_OK;
    case REEF_VALUE_FLOAT:
        if (!isfinite(value.real)) {
            break;
        }
        if (value.real >= TWO_TO_63 || value.real < -TWO_TO_63) {
            return fail_real(field, value.real, failure);
        }
        if (value.real != (double)(int64_t)value.real) {
            break;
        }
        *out = (int64_t)value.real;
        return REEF_OK;
    case REEF_VALUE_BOOL:
    case REEF_VALUE_TEXT:
        break;
    }
    return reef__field_fail_type(field, "a whole number", failure);
}

/* Bring any number to a uint64_t. */
reef_error_t reef__field_to_unsigned(const reef_field_t *field,
                                     reef_value_t value,
                                     uint64_t *out,
                                     reef_failure_t *failure)
{
    switch (value.tag) {
    case REEF_VALUE_INT:
        if (value.integer < 0) {
            return fail_signed(field, value.integer, failure);
        }
        *out = (uint64_t)value.integer;
        return REEF_OK;
    case REEF_VALUE_UINT:
        *out = value.natural;
        return REEF_OK;
    case REEF_VALUE_FLOAT:
        if (!isfinite(value.real)) {
            break;
        }
        if (value.real >= TWO_TO_64 || value.real < 0) {
            return fail_real(field, value.real, failure);
        }
        if (value.real != (double)(uint64_t)value.real) {
            break;
        }
        *out = (uint64_t)value.real;
        return REEF_OK;
    case REEF_VALUE_BOOL:
    case REEF_VALUE_TEXT:
        break;
    }
    return reef__field_fail_type(field, "a whole number", failure);
}

/* Write the low `size` bytes of a number that fits in them; in two's complement the
 * sign is in the bits already. */
static void store_integer(void *element, uint64_t number, uint32_t size)
{
    switch (size) {
    case sizeof(uint8_t):
        memcpy(element, &(uint8_t){(uint8_t)number}, sizeof(uint8_t));
        break;
    case sizeof(uint16_t):
        memcpy(element, &(uint16_t){(uint16_t)number}, sizeof(uint16_t));
        break;
    case sizeof(uint32_t):
        memcpy(element, &(uint32_t){(uint32_t)number}, sizeof(uint32_t));
        break;
    default:
        memcpy(element, &number, sizeof(number));
        break;
    }
}

static reef_error_t set_signed(const reef_field_t *field,
                               void *element,
                               reef_value_t value,
                               reef_failure_t *failure)
{
    unsigned unused_bits = 64 - 8 * field->size;
    int64_t number = 0;
    reef_error_t error = reef__field_to_signed(field, value, &number, failure);

    if (error != REEF_OK) {
        return error;
    }
    if (number > INT64_MAX >> unused_bits || number < INT64_MIN >> unused_bits ||
        (has_limits(field) && (compare_signed(number, field->min) < 0 ||
                               compare_signed(number, field->max) > 0))) {
        return fail_signed(field, number, failure);
    }
    store_integer(element, (uint64_t)number, field->size);
    return REEF_OK;
}

static reef_error_t set_unsigned(const reef_field_t *field,
                                 void *element,
                                 reef_value_t value,
                                 reef_failure_t *failure)
{
    unsigned unused_bits = 64 - 8 * field->size;
    uint64_t number = 0;
    reef_error_t error = reef__field_to_unsigned(field, value, &number, failure);

    if (error != REEF_OK) {
        return error;
    }
    if (number > UINT64_MAX >> unused_bits ||
        (has_limits(field) && (compare_unsigned(number, field->min) < 0 ||
                               compare_unsigned(number, field->max) > 0))) {
        return fail_unsigned(field, number, failure);
    }
    store_integer(element, number, field->size);
    return REEF_OK;
}

/* Real numbers ----------------------------------------------------------------- */

static reef_error_t
set_f32(const reef_field_t *field, void *element, double real, reef_failure_t *failure)
{
    float number;

    if (isfinite(real) && fabs(real) >= FLOAT_OVERFLOW) {
        return fail_real(field, real, failure);
    }
    if (isfinite(real) && fabs(real) > (double)FLT_MAX) {
        real = real < 0 ? -(double)FLT_MAX : (double)FLT_MAX;
    }
    number = (float)real;
    /* The limits as floats, so that the largest value read back may be set again. */
    if (has_limits(field) &&
        !(number >= (float)field->min && number <= (float)field->max)) {
        return fail_real(field, real, failure);
    }
    memcpy(element, &number, sizeof(number));
    return REEF_OK;
}

static reef_error_t set_real(const reef_field_t *field,
                             void *element,
                             reef_value_t value,
                             reef_failure_t *failure)
{
    double real;

    switch (value.tag) {
    case REEF_VALUE_INT:
        real = (double)value.integer;
        break;
    case REEF_VALUE_UINT:
        real = (double)value.natural;
        break;
    case REEF_VALUE_FLOAT:
        real = isnan(value.real) ? (double)NAN : value.real;
        break;
    default:
        return reef__field_fail_type(field, "a number", failure);
    }
    if (field->kind == REEF_KIND_F32) {
        return set_f32(field, element, real, failure);
    }
    if (has_limits(field) && !(real >= field->min && real <= field->max)) {
        return fail_real(field, real, failure);
    }
    memcpy(element, &real, sizeof(real));
    return REEF_OK;
}

reef_error_t reef__field_set_number(const reef_field_t *field,
                                    void *element,
                                    reef_value_t value,
                                    reef_failure_t *failure)
{
    switch (field->kind) {
    case REEF_KIND_F32:
    case REEF_KIND_F64:
        return set_real(field, element, value, failure);
    case REEF_KIND_I8:
    case REEF_KIND_I16:
    case REEF_KIND_I32:
    case REEF_KIND_I64:
        return set_signed(field, element, value, failure);
    default:
        return set_unsigned(field, element, value, failure);
    }
}
