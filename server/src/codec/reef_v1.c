/*
 * A plan has two lists of steps, each step one field or one run of fields:
 *
 *     type     a u32 · b f32 · name char[8] · spots struct[3] {x u16, ok bool}
 *     write    copy 8 · string · repeat 3 × { copy 3 }
 *     read     number · number · string · repeat 3 × { number · bool }
 *
 * What lies in memory as it travels, one field behind the other, is written by one
 * memcpy on little-endian machines; what is read is looked at element by element, for
 * it comes from whoever likes to send it.  Structs that are no arrays are flattened.
 */
#include "codec/reef_v1.h"

#include <reef/array.h>

#include "codec/utf8.h"

#include <assert.h>
#include <math.h>
#include <string.h>

typedef enum step_kind {
    STEP_COPY,   /* `count` bytes; only when writing */
    STEP_NUMBER, /* whole numbers, entities */
    STEP_FLOAT,
    STEP_BOOL,
    STEP_ENUM,
    STEP_MASK,
    STEP_STRING,
    STEP_TEXT,
    STEP_REPEAT, /* the next `inner` steps, with `stride` bytes in between */
} step_kind_t;

typedef struct step {
    uint8_t kind;    /* step_kind_t */
    uint8_t width;   /* bytes of an element, or of a length, on the wire */
    uint32_t offset; /* in the struct, or in the element that is repeated */
    uint32_t count;  /* elements */
    uint32_t stride; /* bytes from one element to the next in memory */
    uint32_t inner;
    const reef_field_t *field;
} step_t;

typedef struct steps {
    step_t *items;
    size_t count, capacity;
} steps_t;

struct reef__v1_plan {
    const reef_alloc_t *alloc;
    const reef_type_t *type;
    steps_t write;
    steps_t read;
    size_t least_size;
    bool is_fixed;
};

static const bool is_little_endian = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;

/* Bytes ------------------------------------------------------------------------ */

static uint64_t load(const uint8_t *at, uint32_t size)
{
    uint16_t two;
    uint32_t four;
    uint64_t eight;

    switch (size) {
    case 1:
        return *at;
    case 2:
        memcpy(&two, at, sizeof(two));
        return two;
    case 4:
        memcpy(&four, at, sizeof(four));
        return four;
    default:
        memcpy(&eight, at, sizeof(eight));
        return eight;
    }
}

static void store(uint8_t *at, uint64_t value, uint32_t size)
{
    switch (size) {
    case 1:
        *at = (uint8_t)value;
        break;
    case 2:
        memcpy(at, &(uint16_t){(uint16_t)value}, 2);
        break;
    case 4:
        memcpy(at, &(uint32_t){(uint32_t)value}, 4);
        break;
    default:
        memcpy(at, &value, 8);
        break;
    }
}

/* Widths are 1, 2, 4 and 8.  Told apart here, so that each becomes one instruction. */
static uint8_t *put(uint8_t *out, uint64_t value, uint32_t width)
{
    switch (width) {
    case 1:
        out[0] = (uint8_t)value;
        break;
    case 2:
        for (int i = 0; i < 2; i++) {
            out[i] = (uint8_t)(value >> 8 * i);
        }
        break;
    case 4:
        for (int i = 0; i < 4; i++) {
            out[i] = (uint8_t)(value >> 8 * i);
        }
        break;
    default:
        for (int i = 0; i < 8; i++) {
            out[i] = (uint8_t)(value >> 8 * i);
        }
        break;
    }
    return out + width;
}

static uint64_t get_u32(const uint8_t *at)
{
    return at[0] | (uint64_t)at[1] << 8 | (uint64_t)at[2] << 16 | (uint64_t)at[3] << 24;
}

static uint64_t get(const uint8_t *at, uint32_t width)
{
    switch (width) {
    case 1:
        return at[0];
    case 2:
        return at[0] | (uint64_t)at[1] << 8;
    case 4:
        return get_u32(at);
    default:
        return get_u32(at) | get_u32(at + 4) << 32;
    }
}

/* Plans ------------------------------------------------------------------------ */

uint32_t reef__v1_width(const reef_field_t *field)
{
    uint64_t all = 0;

    for (uint32_t i = 0; i < field->value_count; i++) {
        int64_t value = field->values[i].value;

        if (value < 0 && field->kind == REEF_KIND_ENUM) {
            return 4;
        }
        all |= (uint64_t)value;
    }
    return all <= UINT8_MAX ? 1 : all <= UINT16_MAX ? 2 : 4;
}

static step_kind_t kind_of(const reef_field_t *field)
{
    switch (field->kind) {
    case REEF_KIND_F32:
    case REEF_KIND_F64:
        return STEP_FLOAT;
    case REEF_KIND_BOOL:
        return STEP_BOOL;
    case REEF_KIND_ENUM:
        return STEP_ENUM;
    case REEF_KIND_MASK:
        return STEP_MASK;
    case REEF_KIND_STRING:
        return STEP_STRING;
    case REEF_KIND_TEXT:
        return STEP_TEXT;
    default:
        return STEP_NUMBER;
    }
}

static uint32_t width_of(const reef_field_t *field)
{
    switch (field->kind) {
    case REEF_KIND_ENUM:
    case REEF_KIND_MASK:
        return reef__v1_width(field);
    case REEF_KIND_STRING:
        return 2;
    case REEF_KIND_TEXT:
        return field->max_size > UINT16_MAX ? 4 : 2;
    default:
        return field->size;
    }
}

static bool is_as_in_memory(const step_t *step)
{
    return is_little_endian && step->kind != STEP_STRING && step->kind != STEP_TEXT &&
           step->kind != STEP_REPEAT && step->width == step->field->size;
}

/* Append to what is written: a step of its own, or more bytes of the copy before it.
 * @p first: the first step of this struct; one before it belongs to somebody else. */
static void add_write(reef__v1_plan_t *plan, const step_t *step, size_t first)
{
    steps_t *steps = &plan->write;
    step_t added = *step;

    if (is_as_in_memory(step)) {
        added = (step_t){.kind = STEP_COPY,
                         .offset = step->offset,
                         .count = step->count * step->stride};
    }
    if (added.kind == STEP_COPY && steps->count > first) {
        step_t *last = &steps->items[steps->count - 1];

        if (last->kind == STEP_COPY && last->offset + last->count == added.offset) {
            last->count += added.count;
            return;
        }
    }
    *REEF_ARRAY_PUSH(plan->alloc, steps) = added;
}

static reef_error_t
check_field(const reef_type_t *type, const reef_field_t *field, reef_failure_t *failure)
{
    if (field->secret) {
        return reef_fail(failure, REEF_E_INVALID, "%s.%s: a secret is not sent",
                         type->name, field->name);
    }
    if (field->kind == REEF_KIND_STRING && field->size - 1 > UINT16_MAX) {
        return reef_fail(failure, REEF_E_INVALID, "%s.%s: the string is too long",
                         type->name, field->name);
    }
    return REEF_OK;
}

static reef_error_t add_fields(reef__v1_plan_t *plan,
                               const reef_type_t *type,
                               uint32_t offset,
                               size_t *least,
                               size_t first,
                               reef_failure_t *failure);

static void add_plain(reef__v1_plan_t *plan,
                      const reef_field_t *field,
                      uint32_t offset,
                      size_t *least,
                      size_t first)
{
    step_t step = {.kind = (uint8_t)kind_of(field),
                   .width = (uint8_t)width_of(field),
                   .offset = offset + field->offset,
                   .count = reef_field_count(field),
                   .stride = field->size,
                   .field = field};

    add_write(plan, &step, first);
    *REEF_ARRAY_PUSH(plan->alloc, &plan->read) = step;
    *least += (size_t)step.width * step.count;
    if (step.kind == STEP_STRING || step.kind == STEP_TEXT) {
        plan->is_fixed = false;
    }
}

/* An array of structs: their steps, between which the address moves on. */
static reef_error_t add_repeat(reef__v1_plan_t *plan,
                               const reef_field_t *field,
                               uint32_t offset,
                               size_t *least,
                               reef_failure_t *failure)
{
    step_t step = {.kind = STEP_REPEAT,
                   .offset = offset + field->offset,
                   .count = field->array_count,
                   .stride = field->size,
                   .field = field};
    size_t write = plan->write.count;
    size_t read = plan->read.count;
    size_t inner_least = 0;
    reef_error_t error;

    *REEF_ARRAY_PUSH(plan->alloc, &plan->write) = step;
    *REEF_ARRAY_PUSH(plan->alloc, &plan->read) = step;
    error = add_fields(plan, field->type, 0, &inner_least, write + 1, failure);
    plan->write.items[write].inner = (uint32_t)(plan->write.count - write - 1);
    plan->read.items[read].inner = (uint32_t)(plan->read.count - read - 1);
    *least += inner_least * field->array_count;
    return error;
}

/* @p first: as in add_write(). */
static reef_error_t
/* NOLINTNEXTLINE(misc-no-recursion): types nest REEF_MAX_NESTING deep at most */
add_fields(reef__v1_plan_t *plan,
           const reef_type_t *type,
           uint32_t offset,
           size_t *least,
           size_t first,
           reef_failure_t *failure)
{
    reef_error_t error = REEF_OK;

    for (uint32_t i = 0; i < type->field_count && error == REEF_OK; i++) {
        const reef_field_t *field = &type->fields[i];

        error = check_field(type, field, failure);
        if (error != REEF_OK) {
            break;
        }
        if (field->kind != REEF_KIND_STRUCT) {
            add_plain(plan, field, offset, least, first);
        } else if (field->array_count == 0) {
            error = add_fields(plan, field->type, offset + field->offset, least, first,
                               failure);
        } else {
            error = add_repeat(plan, field, offset, least, failure);
            first = plan->write.count;
        }
    }
    return error;
}

reef_error_t reef__v1_plan_create(const reef_type_t *type,
                                  const reef_alloc_t *alloc,
                                  reef__v1_plan_t **result,
                                  reef_failure_t *failure)
{
    reef__v1_plan_t *plan;
    reef_error_t error = REEF_OK;

    if (type != NULL && type->drop != NULL) {
        return reef_fail(failure, REEF_E_INVALID,
                         "%s: a value with a drop hook is not sent", type->name);
    }
    plan = reef_resize(alloc, NULL, 0, sizeof(*plan));
    *plan = (reef__v1_plan_t){.alloc = alloc, .type = type, .is_fixed = true};
    if (type != NULL) {
        error = add_fields(plan, type, 0, &plan->least_size, 0, failure);
    }
    if (error != REEF_OK) {
        reef__v1_plan_destroy(plan);
        return error;
    }
    *result = plan;
    return REEF_OK;
}

void reef__v1_plan_destroy(reef__v1_plan_t *plan)
{
    if (plan != NULL) {
        const reef_alloc_t *alloc = plan->alloc;

        REEF_ARRAY_FINISH(alloc, &plan->write);
        REEF_ARRAY_FINISH(alloc, &plan->read);
        reef_resize(alloc, plan, sizeof(*plan), 0);
    }
}

/* Writing ---------------------------------------------------------------------- */

size_t reef__v1_least_size(const reef__v1_plan_t *plan, bool *is_fixed)
{
    *is_fixed = plan->is_fixed;
    return plan->least_size;
}

/* The content of a string or text. */
static reef_span_t content(const step_t *step, const uint8_t *element)
{
    reef_text_t text;

    if (step->kind == STEP_STRING) {
        return reef_span(element,
                         strnlen((const char *)element, step->field->size - 1));
    }
    memcpy(&text, element, sizeof(text));
    return reef_text_view(&text);
}

/* Bytes beside the least of those steps. */
/* NOLINTNEXTLINE(misc-no-recursion): types nest REEF_MAX_NESTING deep at most */
static size_t extra_size(const step_t *steps, size_t count, const uint8_t *base)
{
    size_t size = 0;

    for (size_t i = 0; i < count; i++) {
        const step_t *step = &steps[i];
        bool has_content = step->kind == STEP_STRING || step->kind == STEP_TEXT;

        for (uint32_t j = 0; has_content && j < step->count; j++) {
            size += content(step, base + step->offset + (size_t)j * step->stride).size;
        }
        for (uint32_t j = 0; step->kind == STEP_REPEAT && j < step->count; j++) {
            size += extra_size(step + 1, step->inner,
                               base + step->offset + (size_t)j * step->stride);
        }
        i += step->kind == STEP_REPEAT ? step->inner : 0;
    }
    return size;
}

size_t reef__v1_size(const reef__v1_plan_t *plan, const void *value)
{
    return plan->least_size +
           (plan->is_fixed ? 0
                           : extra_size(plan->write.items, plan->write.count, value));
}

static uint8_t *write_content(const step_t *step, const uint8_t *element, uint8_t *out)
{
    reef_span_t bytes = content(step, element);

    out = put(out, bytes.size, step->width);
    if (bytes.size > 0) {
        memcpy(out, bytes.data, bytes.size);
    }
    return out + bytes.size;
}

static uint8_t *write_elements(const step_t *step, const uint8_t *base, uint8_t *out)
{
    for (uint32_t i = 0; i < step->count; i++) {
        const uint8_t *element = base + step->offset + (size_t)i * step->stride;

        out = step->kind == STEP_STRING || step->kind == STEP_TEXT
                  ? write_content(step, element, out)
                  : put(out, load(element, step->field->size), step->width);
    }
    return out;
}

static uint8_t *
/* NOLINTNEXTLINE(misc-no-recursion): types nest REEF_MAX_NESTING deep at most */
write_steps(const step_t *steps, size_t count, const uint8_t *base, uint8_t *out)
{
    for (size_t i = 0; i < count; i++) {
        const step_t *step = &steps[i];

        if (step->kind == STEP_COPY) {
            memcpy(out, base + step->offset, step->count);
            out += step->count;
        } else if (step->kind != STEP_REPEAT) {
            out = write_elements(step, base, out);
        } else {
            for (uint32_t j = 0; j < step->count; j++) {
                out = write_steps(step + 1, step->inner,
                                  base + step->offset + (size_t)j * step->stride, out);
            }
            i += step->inner;
        }
    }
    return out;
}

uint8_t *reef__v1_write(const reef__v1_plan_t *plan, const void *value, uint8_t *out)
{
    return write_steps(plan->write.items, plan->write.count, value, out);
}

/* Reading ---------------------------------------------------------------------- */

static reef__v1_fault_t fault(reef_v1_code_t code, const step_t *step, const char *text)
{
    return (reef__v1_fault_t){.code = code, .field = step->field, .text = text};
}

static const reef__v1_fault_t fine = {0};

/* As many bits as the element has, with its sign. */
static double number_as_double(const reef_field_t *field, uint64_t bits)
{
    switch (field->kind) {
    case REEF_KIND_I8:
        return (double)(int8_t)bits;
    case REEF_KIND_I16:
        return (double)(int16_t)bits;
    case REEF_KIND_I32:
        return (double)(int32_t)bits;
    case REEF_KIND_I64:
        return (double)(int64_t)bits;
    default:
        return (double)bits;
    }
}

static double float_as_double(const step_t *step, uint64_t bits)
{
    uint32_t low = (uint32_t)bits;
    float single;
    double result;

    if (step->width == sizeof(single)) {
        memcpy(&single, &low, sizeof(single));
        return (double)single;
    }
    memcpy(&result, &bits, sizeof(result));
    return result;
}

static bool is_in_range(const reef_field_t *field, double value)
{
    return (field->min == 0 && field->max == 0) ||
           (value >= field->min && value <= field->max);
}

static bool is_named(const reef_field_t *field, int64_t value)
{
    for (uint32_t i = 0; i < field->value_count; i++) {
        if (field->values[i].value == value) {
            return true;
        }
    }
    return false;
}

/* A union of named values: those that are within it make it up. */
static bool is_union(const reef_field_t *field, uint64_t bits)
{
    uint64_t named = 0;

    for (uint32_t i = 0; i < field->value_count; i++) {
        uint64_t value = (uint32_t)field->values[i].value;

        named |= (value & bits) == value ? value : 0;
    }
    return named == bits;
}

static reef__v1_fault_t check_number(const step_t *step, uint64_t bits)
{
    const reef_field_t *field = step->field;

    switch ((step_kind_t)step->kind) {
    case STEP_FLOAT:
        if (!isfinite(float_as_double(step, bits))) {
            return fault(REEF_V1_VALUE, step, "not finite");
        }
        return is_in_range(field, float_as_double(step, bits))
                   ? fine
                   : fault(REEF_V1_VALUE, step, "out of range");
    case STEP_BOOL:
        return bits <= 1 ? fine : fault(REEF_V1_VALUE, step, "neither 0 nor 1");
    case STEP_ENUM:
        return is_named(field,
                        step->width == 4 ? (int64_t)(int32_t)bits : (int64_t)bits)
                   ? fine
                   : fault(REEF_V1_VALUE, step, "no such value");
    case STEP_MASK:
        return is_union(field, bits) ? fine
                                     : fault(REEF_V1_VALUE, step, "no such bits");
    default:
        return is_in_range(field, number_as_double(field, bits))
                   ? fine
                   : fault(REEF_V1_VALUE, step, "out of range");
    }
}

/* Take the content of a string or text off the input, validated. */
static reef__v1_fault_t
take_content(const step_t *step, reef_span_t *input, reef_span_t *bytes)
{
    uint32_t most =
        step->kind == STEP_STRING ? step->field->size - 1 : step->field->max_size;
    uint64_t size;

    if (input->size < step->width) {
        return fault(REEF_V1_LENGTH, step, "cut short");
    }
    size = get(input->data, step->width);
    if (size > most) {
        return fault(REEF_V1_LENGTH, step, "too long");
    }
    if (size > input->size - step->width) {
        return fault(REEF_V1_LENGTH, step, "cut short");
    }
    *bytes = reef_span(input->data + step->width, (size_t)size);
    *input = reef_span_skip(*input, step->width + (size_t)size);
    return reef_text_is_valid(*bytes)
               ? fine
               : fault(REEF_V1_ENCODING, step, "not UTF-8 without NUL");
}

static reef__v1_fault_t
read_content(const step_t *step, reef_span_t *input, uint8_t *element)
{
    reef_span_t bytes;
    reef__v1_fault_t result = take_content(step, input, &bytes);
    reef_text_t text = {0};

    if (result.code != 0 || bytes.size == 0) {
        return result;
    }
    if (step->kind == STEP_STRING) {
        memcpy(element, bytes.data, bytes.size);
    } else {
        bool is_set = reef_text_set(&text, bytes);

        assert(is_set); /* it was validated */
        memcpy(element, &text, sizeof(text));
    }
    return fine;
}

static reef__v1_fault_t
read_elements(const step_t *step, reef_span_t *input, uint8_t *base)
{
    reef__v1_fault_t result = fine;

    for (uint32_t i = 0; i < step->count && result.code == 0; i++) {
        uint8_t *element = base + step->offset + (size_t)i * step->stride;
        uint64_t bits;

        if (step->kind == STEP_STRING || step->kind == STEP_TEXT) {
            result = read_content(step, input, element);
            continue;
        }
        if (input->size < step->width) {
            return fault(REEF_V1_LENGTH, step, "cut short");
        }
        bits = get(input->data, step->width);
        *input = reef_span_skip(*input, step->width);
        result = check_number(step, bits);
        if (result.code == 0) {
            store(element, bits, step->field->size);
        }
    }
    return result;
}

static reef__v1_fault_t
/* NOLINTNEXTLINE(misc-no-recursion): types nest REEF_MAX_NESTING deep at most */
read_steps(const step_t *steps, size_t count, reef_span_t *input, uint8_t *base)
{
    reef__v1_fault_t result = fine;

    for (size_t i = 0; i < count && result.code == 0; i++) {
        const step_t *step = &steps[i];

        if (step->kind != STEP_REPEAT) {
            result = read_elements(step, input, base);
            continue;
        }
        for (uint32_t j = 0; j < step->count && result.code == 0; j++) {
            result = read_steps(step + 1, step->inner, input,
                                base + step->offset + (size_t)j * step->stride);
        }
        i += step->inner;
    }
    return result;
}

reef__v1_fault_t
reef__v1_read(const reef__v1_plan_t *plan, reef_span_t *input, void *value)
{
    if (plan->type == NULL) {
        return fine;
    }
    memset(value, 0, plan->type->size);
    return read_steps(plan->read.items, plan->read.count, input, value);
}
