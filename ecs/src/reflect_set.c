/*
 * Writing a field after validation: names, texts, and the way to the right kind.
 * Numbers are in reflect_number.c.
 */
#include "reflect.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Names ------------------------------------------------------------------------ */

static reef_error_t set_enum(const reef_field_t *field,
                             void *element,
                             reef_value_t value,
                             reef_failure_t *failure)
{
    char given[REEF__NUMBER_TEXT_SIZE];
    int64_t number = 0;

    if (value.tag != REEF_VALUE_TEXT) {
        reef_error_t error = reef__field_to_signed(field, value, &number, failure);

        if (error != REEF_OK) {
            return error;
        }
    }
    for (uint32_t i = 0; i < field->value_count; i++) {
        const reef_enum_value_t *candidate = &field->values[i];

        if (value.tag == REEF_VALUE_TEXT
                ? reef_span_equal(reef_span_text(candidate->name), value.text)
                : candidate->value == number) {
            memcpy(element, &(int32_t){(int32_t)candidate->value}, sizeof(int32_t));
            return REEF_OK;
        }
    }
    if (value.tag == REEF_VALUE_TEXT) {
        return reef__field_fail_name(field, value.text, failure);
    }
    snprintf(given, sizeof(given), "%" PRId64, number);
    return reef__field_fail_name(field, reef_span_text(given), failure);
}

static reef_error_t set_mask(const reef_field_t *field,
                             void *element,
                             reef_value_t value,
                             reef_failure_t *failure)
{
    char given[REEF__NUMBER_TEXT_SIZE];
    uint64_t bits = 0;
    reef_error_t error;

    if (value.tag == REEF_VALUE_TEXT) {
        return reef_field_parse(field, element, value.text, failure);
    }
    error = reef__field_to_unsigned(field, value, &bits, failure);
    if (error != REEF_OK) {
        return error;
    }
    if (bits > UINT32_MAX || !reef__mask_is_named(field, (uint32_t)bits)) {
        snprintf(given, sizeof(given), "0x%" PRIx64, bits);
        return reef__field_fail_name(field, reef_span_text(given), failure);
    }
    memcpy(element, &(uint32_t){(uint32_t)bits}, sizeof(uint32_t));
    return REEF_OK;
}

/* Text ------------------------------------------------------------------------- */

/* Whether @p value is a text of at most @p max_size bytes. */
static reef_error_t check_text(const reef_field_t *field,
                               reef_value_t value,
                               uint32_t max_size,
                               reef_failure_t *failure)
{
    if (value.tag != REEF_VALUE_TEXT) {
        return reef__field_fail_type(field, "text", failure);
    }
    if (value.text.size > max_size) {
        return reef_fail(failure, REEF_E_RANGE,
                         "%s: %zu bytes are too many, at most %" PRIu32, field->name,
                         value.text.size, max_size);
    }
    if (!reef_text_is_valid(value.text)) {
        return reef__field_fail_type(field, "valid UTF-8 without NUL", failure);
    }
    return REEF_OK;
}

static reef_error_t set_string(const reef_field_t *field,
                               void *element,
                               reef_value_t value,
                               reef_failure_t *failure)
{
    reef_error_t error = check_text(field, value, field->size - 1, failure);

    if (error != REEF_OK) {
        return error;
    }
    if (value.text.size > 0) {
        /* The text may be borrowed from this very element. */
        memmove(element, value.text.data, value.text.size);
    }
    memset((char *)element + value.text.size, 0, field->size - value.text.size);
    return REEF_OK;
}

static reef_error_t set_text(const reef_field_t *field,
                             void *element,
                             reef_value_t value,
                             reef_failure_t *failure)
{
    reef_error_t error = check_text(field, value, field->max_size, failure);
    reef_text_t text;
    bool valid;

    assert(field->max_size <= REEF_TEXT_MAX_SIZE);
    if (error != REEF_OK) {
        return error;
    }
    memcpy(&text, element, sizeof(text));
    valid = reef_text_set(&text, value.text);
    assert(valid); /* checked above */
    memcpy(element, &text, sizeof(text));
    return REEF_OK;
}

reef_error_t reef_field_set(const reef_field_t *field,
                            void *element,
                            reef_value_t value,
                            reef_failure_t *failure)
{
    switch (field->kind) {
    case REEF_KIND_BOOL:
        if (value.tag != REEF_VALUE_BOOL) {
            return reef__field_fail_type(field, "true or false", failure);
        }
        memcpy(element, &value.boolean, sizeof(bool));
        return REEF_OK;
    case REEF_KIND_I8:
    case REEF_KIND_I16:
    case REEF_KIND_I32:
    case REEF_KIND_I64:
    case REEF_KIND_U8:
    case REEF_KIND_U16:
    case REEF_KIND_U32:
    case REEF_KIND_U64:
    case REEF_KIND_F32:
    case REEF_KIND_F64:
    case REEF_KIND_ENTITY:
        return reef__field_set_number(field, element, value, failure);
    case REEF_KIND_ENUM:
        return set_enum(field, element, value, failure);
    case REEF_KIND_MASK:
        return set_mask(field, element, value, failure);
    case REEF_KIND_STRING:
        return set_string(field, element, value, failure);
    case REEF_KIND_TEXT:
        return set_text(field, element, value, failure);
    case REEF_KIND_STRUCT:
        break;
    }
    return reef_fail(failure, REEF_E_INVALID,
                     "%s: a nested struct is set field by field", field->name);
}
