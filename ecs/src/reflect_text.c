/*
 * Fields as the text a person types, and back.  Parsing recognises the form and leaves
 * validation to reef_field_set().  Numbers are read and printed in the C locale, which
 * a program has as long as it does not call setlocale().
 */
#include "reflect.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    NUMBER_INPUT_SIZE = 128, /* longer texts are no numbers */
    SHOWN_SIZE = 48,         /* of what was typed, in a failure */
};

/* Failures --------------------------------------------------------------------- */

void reef__text_show(reef_span_t text, char *out, size_t out_size)
{
    size_t used = 0;

    while (text.size > 0) {
        size_t size = reef__utf8_sequence(text);
        bool printable = size > 1 || (text.data[0] >= 0x20 && text.data[0] < 0x7f);

        if (size == 0) {
            size = 1;
            printable = false;
        }
        if (used + size >= out_size) {
            break;
        }
        if (printable) {
            memcpy(out + used, text.data, size);
            used += size;
        } else {
            out[used++] = '?';
        }
        text = reef_span_skip(text, size);
    }
    out[used] = '\0';
}

static reef_error_t
fail_text(const reef_field_t *field, reef_span_t text, reef_failure_t *failure)
{
    static const char *const wanted[] = {
        [REEF_KIND_BOOL] = "true or false",
        [REEF_KIND_I8] = "a whole number",
        [REEF_KIND_I16] = "a whole number",
        [REEF_KIND_I32] = "a whole number",
        [REEF_KIND_I64] = "a whole number",
        [REEF_KIND_U8] = "a whole number",
        [REEF_KIND_U16] = "a whole number",
        [REEF_KIND_U32] = "a whole number",
        [REEF_KIND_U64] = "a whole number",
        [REEF_KIND_F32] = "a number",
        [REEF_KIND_F64] = "a number",
        [REEF_KIND_ENUM] = "a name",
        [REEF_KIND_MASK] = "names joined by |",
        [REEF_KIND_STRING] = "text",
        [REEF_KIND_TEXT] = "text",
        [REEF_KIND_ENTITY] = "an entity id",
        [REEF_KIND_STRUCT] = "nothing",
    };
    char shown[SHOWN_SIZE];

    reef__text_show(text, shown, sizeof(shown));
    return reef_fail(failure, REEF_E_INVALID, "%s: '%s' is not %s", field->name, shown,
                     wanted[field->kind]);
}

reef_error_t reef__field_fail_range(const reef_field_t *field,
                                    const char *given,
                                    reef_failure_t *failure)
{
    static const char *const whole[] = {
        [REEF_KIND_I8] = "-128 to 127",
        [REEF_KIND_I16] = "-32768 to 32767",
        [REEF_KIND_I32] = "-2147483648 to 2147483647",
        [REEF_KIND_I64] = "-9223372036854775808 to 9223372036854775807",
        [REEF_KIND_U8] = "0 to 255",
        [REEF_KIND_U16] = "0 to 65535",
        [REEF_KIND_U32] = "0 to 4294967295",
        [REEF_KIND_U64] = "0 to 18446744073709551615",
        [REEF_KIND_F32] = "-3.40282347e+38 to 3.40282347e+38",
        [REEF_KIND_F64] = "-1.7976931348623157e+308 to 1.7976931348623157e+308",
        [REEF_KIND_ENUM] = "-2147483648 to 2147483647",
        [REEF_KIND_MASK] = "0 to 4294967295",
        [REEF_KIND_ENTITY] = "0 to 18446744073709551615",
        [REEF_KIND_STRUCT] = NULL,
    };
    char min[REEF__NUMBER_TEXT_SIZE];
    char max[REEF__NUMBER_TEXT_SIZE];
    const char *space = field->unit == NULL ? "" : " ";
    const char *unit = field->unit == NULL ? "" : field->unit;

    if (field->min == 0 && field->max == 0) {
        return reef_fail(failure, REEF_E_RANGE, "%s: %s is out of range, %s%s%s",
                         field->name, given, whole[field->kind], space, unit);
    }
    reef__real_format(REEF_KIND_F64, field->min, min);
    reef__real_format(REEF_KIND_F64, field->max, max);
    return reef_fail(failure, REEF_E_RANGE, "%s: %s is out of range, %s to %s%s%s",
                     field->name, given, min, max, space, unit);
}

bool reef__names_append(char names[REEF__NAMES_SIZE], const char *name)
{
    size_t used = strlen(names);
    size_t room = REEF__NAMES_SIZE - sizeof(", …") - used;
    int length = snprintf(names + used, room, "%s%s", used == 0 ? "" : ", ", name);

    if (length < 0 || (size_t)length >= room) {
        snprintf(names + used, REEF__NAMES_SIZE - used, "%s…", used == 0 ? "" : ", ");
        return false;
    }
    return true;
}

reef_error_t reef__field_fail_name(const reef_field_t *field,
                                   reef_span_t given,
                                   reef_failure_t *failure)
{
    char shown[SHOWN_SIZE];
    char names[REEF__NAMES_SIZE] = "";

    reef__text_show(given, shown, sizeof(shown));
    for (uint32_t i = 0; i < field->value_count; i++) {
        if (!reef__names_append(names, field->values[i].name)) {
            break;
        }
    }
    return reef_fail(failure, REEF_E_INVALID, "%s: '%s' is unknown, %s %s", field->name,
                     shown, field->kind == REEF_KIND_MASK ? "any of" : "one of", names);
}

/* Parsing ---------------------------------------------------------------------- */

static reef_error_t parse_bool(const reef_field_t *field,
                               void *element,
                               reef_span_t text,
                               reef_failure_t *failure)
{
    static const char *const names[][2] = {
        {"false", "true"}, {"off", "on"}, {"no", "yes"}, {"0", "1"}};

    text = reef_span_trim(text);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        for (int truth = 0; truth <= 1; truth++) {
            const char *name = names[i][truth];

            if (text.size == strlen(name) &&
                strncasecmp((const char *)text.data, name, text.size) == 0) {
                reef_value_t value = {.tag = REEF_VALUE_BOOL, .boolean = truth != 0};

                return reef_field_set(field, element, value, failure);
            }
        }
    }
    return fail_text(field, text, failure);
}

/* A whole number in decimal.  False when @p text is something else, errno is ERANGE
 * when it is too big for 64 bits. */
static bool read_whole(const char *text, reef_value_t *value)
{
    char *end = NULL;

    errno = 0;
    if (text[0] == '-') {
        *value =
            (reef_value_t){.tag = REEF_VALUE_INT, .integer = strtoll(text, &end, 10)};
    } else {
        *value =
            (reef_value_t){.tag = REEF_VALUE_UINT, .natural = strtoull(text, &end, 10)};
    }
    return end != text && *end == '\0';
}

static reef_error_t parse_number(const reef_field_t *field,
                                 void *element,
                                 reef_span_t text,
                                 reef_failure_t *failure)
{
    char copy[NUMBER_INPUT_SIZE];
    char shown[SHOWN_SIZE];
    char *end = NULL;
    reef_value_t value;
    bool is_real = field->kind == REEF_KIND_F32 || field->kind == REEF_KIND_F64;

    text = reef_span_trim(text);
    if (text.size == 0 || text.size >= sizeof(copy) ||
        memchr(text.data, '\0', text.size) != NULL) {
        return fail_text(field, text, failure);
    }
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    if (!is_real && read_whole(copy, &value)) {
        if (errno == ERANGE) {
            reef__text_show(text, shown, sizeof(shown));
            return reef__field_fail_range(field, shown, failure);
        }
        return reef_field_set(field, element, value, failure);
    }
    value = (reef_value_t){.tag = REEF_VALUE_FLOAT, .real = strtod(copy, &end)};
    if (end == copy || *end != '\0') {
        return fail_text(field, text, failure);
    }
    if (isinf(value.real) && strpbrk(copy, "iI") == NULL) {
        /* Digits, but too many: not what "inf" asks for. */
        reef__text_show(text, shown, sizeof(shown));
        return reef__field_fail_range(field, shown, failure);
    }
    return reef_field_set(field, element, value, failure);
}

static reef_error_t parse_enum(const reef_field_t *field,
                               void *element,
                               reef_span_t text,
                               reef_failure_t *failure)
{
    reef_value_t value = {.tag = REEF_VALUE_TEXT, .text = reef_span_trim(text)};
    char copy[NUMBER_INPUT_SIZE];
    reef_value_t number;

    if (value.text.size > 0 && value.text.size < sizeof(copy)) {
        memcpy(copy, value.text.data, value.text.size);
        copy[value.text.size] = '\0';
        if (strlen(copy) == value.text.size && read_whole(copy, &number) &&
            errno != ERANGE) {
            value = number;
        }
    }
    return reef_field_set(field, element, value, failure);
}

/* The value called @p name. */
static const reef_enum_value_t *find_value(const reef_field_t *field, reef_span_t name)
{
    for (uint32_t i = 0; i < field->value_count; i++) {
        if (reef_span_equal(reef_span_text(field->values[i].name), name)) {
            return &field->values[i];
        }
    }
    return NULL;
}

static reef_error_t parse_mask(const reef_field_t *field,
                               void *element,
                               reef_span_t text,
                               reef_failure_t *failure)
{
    uint32_t bits = 0;

    if (reef_span_equal(reef_span_trim(text), reef_span_text("none")) &&
        find_value(field, reef_span_trim(text)) == NULL) {
        memcpy(element, &bits, sizeof(bits));
        return REEF_OK;
    }
    for (bool last = false; !last;) {
        const uint8_t *bar = text.size == 0 ? NULL : memchr(text.data, '|', text.size);
        size_t size = bar == NULL ? text.size : (size_t)(bar - text.data);
        reef_span_t name = reef_span_trim(reef_span(text.data, size));
        const reef_enum_value_t *named = find_value(field, name);

        if (named == NULL) {
            return reef__field_fail_name(field, name, failure);
        }
        bits |= (uint32_t)named->value;
        last = bar == NULL;
        if (!last) {
            text = reef_span_skip(text, size + 1);
        }
    }
    memcpy(element, &bits, sizeof(bits));
    return REEF_OK;
}

reef_error_t reef_field_parse(const reef_field_t *field,
                              void *element,
                              reef_span_t text,
                              reef_failure_t *failure)
{
    reef_value_t value = {.tag = REEF_VALUE_TEXT, .text = text};

    switch (field->kind) {
    case REEF_KIND_BOOL:
        return parse_bool(field, element, text, failure);
    case REEF_KIND_ENUM:
        return parse_enum(field, element, text, failure);
    case REEF_KIND_MASK:
        return parse_mask(field, element, text, failure);
    case REEF_KIND_STRING:
    case REEF_KIND_TEXT:
    case REEF_KIND_STRUCT:
        return reef_field_set(field, element, value, failure);
    default:
        return parse_number(field, element, text, failure);
    }
}
