/*
 * Fields printed as reef_field_parse() reads them.
 */
#include "reflect.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void reef__real_format(reef_kind_t kind, double real, char out[REEF__NUMBER_TEXT_SIZE])
{
    int digits = kind == REEF_KIND_F32 ? FLT_DIG : DBL_DIG;
    int most = kind == REEF_KIND_F32 ? FLT_DECIMAL_DIG : DBL_DECIMAL_DIG;

    if (isnan(real)) {
        snprintf(out, REEF__NUMBER_TEXT_SIZE, "nan");
        return;
    }
    for (; digits <= most; digits++) {
        double back;

        snprintf(out, REEF__NUMBER_TEXT_SIZE, "%.*g", digits, real);
        back = strtod(out, NULL);
        if (kind == REEF_KIND_F32 ? (float)back == (float)real : back == real) {
            return;
        }
    }
}

/* Appends to out[size], which stays NUL-terminated; what does not fit is cut. */
typedef struct text_out {
    char *out;
    size_t size;
    size_t used;
} text_out_t;

static void append(text_out_t *to, reef_span_t text)
{
    size_t room = to->size - 1 - to->used;
    size_t size = text.size < room ? text.size : room;

    if (size > 0) {
        memcpy(to->out + to->used, text.data, size);
        to->used += size;
    }
    to->out[to->used] = '\0';
}

bool reef__mask_is_named(const reef_field_t *field, uint32_t mask)
{
    uint32_t named = 0;

    for (uint32_t i = 0; i < field->value_count; i++) {
        uint32_t bits = (uint32_t)field->values[i].value;

        if ((bits & mask) == bits) {
            named |= bits;
        }
    }
    return named == mask;
}

static void format_mask(const reef_field_t *field, uint32_t mask, text_out_t *to)
{
    char number[REEF__NUMBER_TEXT_SIZE];
    uint32_t done = 0;

    for (uint32_t i = 0; i < field->value_count; i++) {
        uint32_t bits = (uint32_t)field->values[i].value;

        if ((bits & mask) == bits && (bits & ~done) != 0) {
            append(to, reef_span_text(done == 0 ? "" : "|"));
            append(to, reef_span_text(field->values[i].name));
            done |= bits;
        }
    }
    if (mask != done) { /* something that no one could have set through here */
        snprintf(number, sizeof(number), "%s0x%" PRIx32, done == 0 ? "" : "|",
                 mask & ~done);
        append(to, reef_span_text(number));
    } else if (mask == 0) {
        append(to, reef_span_text("none"));
    }
}

size_t reef_field_format(const reef_field_t *field,
                         const void *element,
                         char *out,
                         size_t size)
{
    text_out_t to = {.out = out, .size = size};
    char number[REEF__NUMBER_TEXT_SIZE] = "";
    reef_value_t value;

    if (size == 0) {
        return 0;
    }
    out[0] = '\0';
    if (field->secret) {
        append(&to, reef_span_text("***"));
        return to.used;
    }
    value = reef_field_get(field, element);
    if (field->kind == REEF_KIND_MASK) {
        format_mask(field, (uint32_t)value.natural, &to);
        return to.used;
    }
    switch (value.tag) {
    case REEF_VALUE_BOOL:
        append(&to, reef_span_text(value.boolean ? "true" : "false"));
        break;
    case REEF_VALUE_INT:
        snprintf(number, sizeof(number), "%" PRId64, value.integer);
        break;
    case REEF_VALUE_UINT:
        snprintf(number, sizeof(number), "%" PRIu64, value.natural);
        break;
    case REEF_VALUE_FLOAT:
        reef__real_format(field->kind, value.real, number);
        break;
    case REEF_VALUE_TEXT:
        append(&to, value.text);
        break;
    }
    append(&to, reef_span_text(number));
    return to.used;
}
