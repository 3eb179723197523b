/*
 * Writing a field after validation: names, texts, and the way to the right kind.
 * Numbers are in reflect_number.c.
 */
#include "reflect.h"

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

/* Bytes of the UTF-8 sequence at the start of @p text, 0 when it is malformed:
 * RFC 3629, so neither overlong forms nor surrogates nor anything above U+10FFFF. */
size_t reef__utf8_sequence(reef_span_t text)
{
    uint8_t lead = text.data[0];
    size_t size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;

    if (size == 1) {
        return 1;
    }
    if (lead < 0xc2 || lead > 0xf4 || size > text.size || text.data[1] < low ||
        text.data[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < size; i++) {
        if ((text.data[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return size;
}

static bool is_utf8_without_nul(reef_span_t text)
{
    while (text.size > 0) {
        size_t size = reef__utf8_sequence(text);

        if (size == 0 || text.data[0] == 0) {
            return false;
        }
        text = reef_span_skip(text, size);
    }
    return true;
}

static reef_error_t set_string(const reef_field_t *field,
                               void *element,
                               reef_value_t value,
                               reef_failure_t *failure)
{
    if (value.tag != REEF_VALUE_TEXT) {
        return reef__field_fail_type(field, "text", failure);
    }
    if (value.text.size >= field->size) {
        return reef_fail(failure, REEF_E_RANGE,
                         "%s: %zu bytes are too many, at most %" PRIu32, field->name,
                         value.text.size, field->size - 1);
    }
    if (!is_utf8_without_nul(value.text)) {
        return reef__field_fail_type(field, "valid UTF-8 without NUL", failure);
    }
    if (value.text.size > 0) {
        /* The text may be borrowed from this very element. */
        memmove(element, value.text.data, value.text.size);
    }
    memset((char *)element + value.text.size, 0, field->size - value.text.size);
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
    case REEF_KIND_STRUCT:
        break;
    }
    return reef_fail(failure, REEF_E_INVALID,
                     "%s: a nested struct is set field by field", field->name);
}
