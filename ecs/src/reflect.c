/*
 * Finding fields, reading them, initial values, hashes.  Elements are loaded with
 * memcpy, because a description may be laid over any bytes.
 */
#include "reflect.h"

#include <reef/hash.h>

#include <assert.h>
#include <math.h>
#include <string.h>

const reef_field_t *reef_type_find_field(const reef_type_t *type, reef_span_t name)
{
    for (uint32_t i = 0; i < type->field_count; i++) {
        if (reef_span_equal(reef_span_text(type->fields[i].name), name)) {
            return &type->fields[i];
        }
    }
    return NULL;
}

void *reef_field_at(const reef_field_t *field, void *base, uint32_t index)
{
    assert(index < reef_field_count(field));
    return (uint8_t *)base + field->offset + (size_t)index * field->size;
}

const void *
reef_field_at_const(const reef_field_t *field, const void *base, uint32_t index)
{
    assert(index < reef_field_count(field));
    return (const uint8_t *)base + field->offset + (size_t)index * field->size;
}

/* Reading ---------------------------------------------------------------------- */

static int64_t load_signed(const reef_field_t *field, const void *element)
{
    int8_t i8;
    int16_t i16;
    int32_t i32;
    int64_t i64;

    switch (field->size) {
    case sizeof(i8):
        memcpy(&i8, element, sizeof(i8));
        return i8;
    case sizeof(i16):
        memcpy(&i16, element, sizeof(i16));
        return i16;
    case sizeof(i32):
        memcpy(&i32, element, sizeof(i32));
        return i32;
    default:
        memcpy(&i64, element, sizeof(i64));
        return i64;
    }
}

static uint64_t load_unsigned(const reef_field_t *field, const void *element)
{
    uint8_t u8;
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;

    switch (field->size) {
    case sizeof(u8):
        memcpy(&u8, element, sizeof(u8));
        return u8;
    case sizeof(u16):
        memcpy(&u16, element, sizeof(u16));
        return u16;
    case sizeof(u32):
        memcpy(&u32, element, sizeof(u32));
        return u32;
    default:
        memcpy(&u64, element, sizeof(u64));
        return u64;
    }
}

static double load_real(const reef_field_t *field, const void *element)
{
    float f32;
    double f64;

    if (field->kind == REEF_KIND_F32) {
        memcpy(&f32, element, sizeof(f32));
        return (double)f32;
    }
    memcpy(&f64, element, sizeof(f64));
    return f64;
}

static reef_value_t get_enum(const reef_field_t *field, const void *element)
{
    int64_t number = load_signed(field, element);

    for (uint32_t i = 0; i < field->value_count; i++) {
        if (field->values[i].value == number) {
            return (reef_value_t){.tag = REEF_VALUE_TEXT,
                                  .text = reef_span_text(field->values[i].name)};
        }
    }
    return (reef_value_t){.tag = REEF_VALUE_INT, .integer = number};
}

reef_value_t reef_field_get(const reef_field_t *field, const void *element)
{
    reef_text_t text;

    switch (field->kind) {
    case REEF_KIND_BOOL:
        return (reef_value_t){.tag = REEF_VALUE_BOOL,
                              .boolean = *(const uint8_t *)element != 0};
    case REEF_KIND_I8:
    case REEF_KIND_I16:
    case REEF_KIND_I32:
    case REEF_KIND_I64:
        return (reef_value_t){.tag = REEF_VALUE_INT,
                              .integer = load_signed(field, element)};
    case REEF_KIND_U8:
    case REEF_KIND_U16:
    case REEF_KIND_U32:
    case REEF_KIND_U64:
    case REEF_KIND_MASK:
    case REEF_KIND_ENTITY:
        return (reef_value_t){.tag = REEF_VALUE_UINT,
                              .natural = load_unsigned(field, element)};
    case REEF_KIND_F32:
    case REEF_KIND_F64:
        return (reef_value_t){.tag = REEF_VALUE_FLOAT,
                              .real = load_real(field, element)};
    case REEF_KIND_ENUM:
        return get_enum(field, element);
    case REEF_KIND_STRING:
        return (reef_value_t){.tag = REEF_VALUE_TEXT,
                              .text =
                                  reef_span(element, strnlen(element, field->size))};
    case REEF_KIND_TEXT:
        memcpy(&text, element, sizeof(text));
        return (reef_value_t){.tag = REEF_VALUE_TEXT, .text = reef_text_view(&text)};
    case REEF_KIND_STRUCT:
        break;
    }
    assert(field->kind != REEF_KIND_STRUCT); /* it has no single value */
    return (reef_value_t){.tag = REEF_VALUE_BOOL};
}

/* Initial values --------------------------------------------------------------- */

static void init_field(const reef_field_t *field, void *base)
{
    for (uint32_t i = 0; i < reef_field_count(field); i++) {
        void *element = reef_field_at(field, base, i);
        reef_error_t error = REEF_OK;

        if (field->kind == REEF_KIND_STRUCT) {
            reef_type_init(field->type, element);
        } else if (field->initial != NULL) {
            error =
                reef_field_parse(field, element, reef_span_text(field->initial), NULL);
        }
        assert(error == REEF_OK); /* the description contradicts itself */
    }
}

void reef_type_init(const reef_type_t *type, void *value)
{
    if (type->size == 0) {
        return;
    }
    memset(value, 0, type->size);
    for (uint32_t i = 0; i < type->field_count; i++) {
        init_field(&type->fields[i], value);
    }
}

/* Hashes and equality ---------------------------------------------------------- */

/* All NaNs are the same value; otherwise the bits count, so that 0.0 and -0.0 differ.
 */
static uint64_t hash_real(const reef_field_t *field, const void *element, uint64_t seed)
{
    static const uint64_t nan_mark = 0x7ff8000000000000u;

    if (isnan(load_real(field, element))) {
        return reef_hash64(&nan_mark, sizeof(nan_mark), seed);
    }
    return reef_hash64(element, field->size, seed);
}

static uint64_t
hash_element(const reef_field_t *field, const void *element, uint64_t seed)
{
    uint8_t truth;
    reef_span_t text;

    switch (field->kind) {
    case REEF_KIND_BOOL:
        truth = *(const uint8_t *)element != 0;
        return reef_hash64(&truth, sizeof(truth), seed);
    case REEF_KIND_F32:
    case REEF_KIND_F64:
        return hash_real(field, element, seed);
    case REEF_KIND_STRING:
    case REEF_KIND_TEXT:
        text = reef_field_get(field, element).text;
        return reef_hash64(text.data, text.size, seed);
    case REEF_KIND_STRUCT:
        return reef_type_hash(field->type, element, seed);
    default:
        return reef_hash64(element, field->size, seed);
    }
}

uint64_t reef_type_hash(const reef_type_t *type, const void *value, uint64_t seed)
{
    uint64_t hash = seed;

    for (uint32_t i = 0; i < type->field_count; i++) {
        const reef_field_t *field = &type->fields[i];

        for (uint32_t j = 0; j < reef_field_count(field); j++) {
            hash = hash_element(field, reef_field_at_const(field, value, j), hash);
        }
    }
    return hash;
}

bool reef__element_equal(const reef_field_t *field, const void *a, const void *b)
{
    switch (field->kind) {
    case REEF_KIND_BOOL:
        return reef_field_get(field, a).boolean == reef_field_get(field, b).boolean;
    case REEF_KIND_F32:
    case REEF_KIND_F64:
        return (isnan(load_real(field, a)) && isnan(load_real(field, b))) ||
               memcmp(a, b, field->size) == 0;
    case REEF_KIND_STRING:
    case REEF_KIND_TEXT:
        return reef_span_equal(reef_field_get(field, a).text,
                               reef_field_get(field, b).text);
    case REEF_KIND_STRUCT:
        return reef_type_equal(field->type, a, b);
    default:
        return memcmp(a, b, field->size) == 0;
    }
}

bool reef_type_equal(const reef_type_t *type, const void *a, const void *b)
{
    for (uint32_t i = 0; i < type->field_count; i++) {
        const reef_field_t *field = &type->fields[i];

        for (uint32_t j = 0; j < reef_field_count(field); j++) {
            if (!reef__element_equal(field, reef_field_at_const(field, a, j),
                                     reef_field_at_const(field, b, j))) {
                return false;
            }
        }
    }
    return true;
}
