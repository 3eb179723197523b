/*
 * The value is built aside, on top of the initial one with the protected fields of the
 * present one: what a tree leaves out is well defined, what it must not touch cannot
 * change, and a refused tree leaves nothing behind.  The walk follows the description,
 * so the depth of the tree does not matter.
 */
#include <reef/reflect_visit.h>

#include "reflect.h"

#include <reef/alloc.h>

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The largest integer up to which every double is exact. */
#define EXACT_INTEGER 0x1p53

enum {
    NAME_SHOWN_SIZE = 48,
    INTEGER_SIZE = 24, /* of the text of a 64-bit number */
};

typedef struct reader {
    const reef_read_desc_t *desc;
    const reef_source_t *source;
    char pointer[REEF_MAX_POINTER]; /* of what is being read */
    bool failed;
} reader_t;

/* What is being read: the elements of a field, or one of them. */
typedef struct target {
    const reef_field_t *field;
    uint8_t *element;
    const uint8_t *present; /* the same of the present value, or NULL */
    bool secret;
} target_t;

static void read_struct(reader_t *reader,
                        const reef_type_t *type,
                        const target_t *at,
                        const void *node);

/* Failures --------------------------------------------------------------------- */

REEF_PRINTF(2, 3)
static void fail(reader_t *reader, const char *format, ...)
{
    char text[REEF_FAILURE_TEXT_SIZE];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    reader->failed = true;
    reader->desc->fail(reader->desc->context, reader->pointer, text);
}

static void refuse(reader_t *reader, const target_t *target, const char *wanted)
{
    fail(reader, "%s: %s is wanted", target->field->name, wanted);
}

/* Append `/segment`, escaped; what does not fit is cut between characters.  Returns
 * what to give to leave(). */
static size_t enter(reader_t *reader, reef_span_t segment)
{
    size_t before = strlen(reader->pointer);
    size_t used = before;

    if (used + 1 < REEF_MAX_POINTER) {
        reader->pointer[used++] = '/';
    }
    while (segment.size > 0) {
        size_t size = reef__utf8_sequence(segment);
        uint8_t c = segment.data[0];
        const void *bytes = c == '~'   ? "~0"
                            : c == '/' ? "~1"
                                       : (const void *)segment.data;
        size_t byte_count = c == '~' || c == '/' ? 2 : size > 0 ? size : 1;

        if (used + byte_count >= REEF_MAX_POINTER) {
            break;
        }
        memcpy(reader->pointer + used, bytes, byte_count);
        used += byte_count;
        segment = reef_span_skip(segment, size > 0 ? size : 1);
    }
    reader->pointer[used] = '\0';
    return before;
}

static void leave(reader_t *reader, size_t before)
{
    reader->pointer[before] = '\0';
}

/* Single values ---------------------------------------------------------------- */

static void set(reader_t *reader, const target_t *target, reef_value_t value)
{
    reef_failure_t failure;

    if (reef_field_set(target->field, target->element, value, &failure) != REEF_OK) {
        fail(reader, "%s", failure.text);
    }
}

/* The scalar at @p node, when it has that tag. */
static bool get_scalar(const reader_t *reader,
                       const void *node,
                       reef_value_tag_t tag,
                       reef_value_t *value)
{
    if (reader->source->kind(node) != REEF_NODE_SCALAR) {
        return false;
    }
    *value = reader->source->scalar(node);
    return value->tag == tag;
}

static bool get_number(const reader_t *reader, const void *node, reef_value_t *value)
{
    return get_scalar(reader, node, REEF_VALUE_FLOAT, value) ||
           get_scalar(reader, node, REEF_VALUE_INT, value) ||
           get_scalar(reader, node, REEF_VALUE_UINT, value);
}

static bool is_secret_text(const reader_t *reader, const void *node)
{
    reef_value_t value;

    return get_scalar(reader, node, REEF_VALUE_TEXT, &value) &&
           reef_span_equal(value.text, reef_span_text(REEF_SECRET_TEXT));
}

/* A decimal text as of 64-bit fields; neither spaces nor a plus sign. */
static bool parse_integer(reef_span_t text, bool is_signed, reef_value_t *value)
{
    char copy[INTEGER_SIZE];
    const char *digits = copy;

    if (text.size == 0 || text.size >= sizeof(copy) ||
        memchr(text.data, '\0', text.size) != NULL) {
        return false;
    }
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    digits += is_signed && copy[0] == '-';
    if (digits[0] == '\0' || strspn(digits, "0123456789") != strlen(digits)) {
        return false;
    }
    errno = 0;
    if (is_signed) {
        *value =
            (reef_value_t){.tag = REEF_VALUE_INT, .integer = strtoll(copy, NULL, 10)};
    } else {
        *value =
            (reef_value_t){.tag = REEF_VALUE_UINT, .natural = strtoull(copy, NULL, 10)};
    }
    return errno == 0;
}

static void read_integer(reader_t *reader, const target_t *target, const void *node)
{
    bool is_signed = target->field->kind == REEF_KIND_I64;
    reef_value_t value;

    if (get_scalar(reader, node, REEF_VALUE_TEXT, &value)) {
        if (parse_integer(value.text, is_signed, &value)) {
            set(reader, target, value);
            return;
        }
    } else if (get_number(reader, node, &value) &&
               (value.tag != REEF_VALUE_FLOAT || fabs(value.real) <= EXACT_INTEGER)) {
        set(reader, target, value);
        return;
    }
    refuse(reader, target, "a whole 64-bit number as a string");
}

static void read_real(reader_t *reader, const target_t *target, const void *node)
{
    static const struct {
        const char *text;
        double real;
    } special[] = {
        {"NaN", (double)NAN},
        {"Infinity", (double)INFINITY},
        {"-Infinity", -(double)INFINITY},
    };
    reef_value_t value;

    if (get_number(reader, node, &value)) {
        set(reader, target, value);
        return;
    }
    for (size_t i = 0; get_scalar(reader, node, REEF_VALUE_TEXT, &value) && i < 3;
         i++) {
        if (reef_span_equal(value.text, reef_span_text(special[i].text))) {
            set(reader, target,
                (reef_value_t){.tag = REEF_VALUE_FLOAT, .real = special[i].real});
            return;
        }
    }
    refuse(reader, target, "a number");
}

static void read_mask(reader_t *reader, const target_t *target, const void *node)
{
    uint64_t bits = 0;

    if (reader->source->kind(node) != REEF_NODE_ARRAY) {
        refuse(reader, target, "an array of names");
        return;
    }
    for (const void *item = reader->source->first(node); item != NULL;
         item = reader->source->next(item)) {
        reef_value_t name;
        bool known = false;

        for (uint32_t i = 0; get_scalar(reader, item, REEF_VALUE_TEXT, &name) &&
                             i < target->field->value_count;
             i++) {
            const reef_enum_value_t *named = &target->field->values[i];

            if (reef_span_equal(reef_span_text(named->name), name.text)) {
                bits |= (uint64_t)named->value;
                known = true;
            }
        }
        if (!known) {
            refuse(reader, target, "an array of its names");
            return;
        }
    }
    set(reader, target, (reef_value_t){.tag = REEF_VALUE_UINT, .natural = bits});
}

/* A value whose scalar is @p tag, or what is wanted instead. */
static void read_plain(reader_t *reader,
                       const target_t *target,
                       const void *node,
                       reef_value_tag_t tag,
                       const char *wanted)
{
    reef_value_t value;

    if (get_scalar(reader, node, tag, &value)) {
        set(reader, target, value);
    } else {
        refuse(reader, target, wanted);
    }
}

static void read_whole(reader_t *reader, const target_t *target, const void *node)
{
    bool is_enum = target->field->kind == REEF_KIND_ENUM;
    reef_value_t value;

    if (get_number(reader, node, &value) ||
        (is_enum && get_scalar(reader, node, REEF_VALUE_TEXT, &value))) {
        set(reader, target, value);
    } else {
        refuse(reader, target, is_enum ? "one of its names" : "a whole number");
    }
}

static void read_value(reader_t *reader, const target_t *target, const void *node)
{
    switch (target->field->kind) {
    case REEF_KIND_BOOL:
        read_plain(reader, target, node, REEF_VALUE_BOOL, "true or false");
        break;
    case REEF_KIND_STRING:
    case REEF_KIND_TEXT:
        read_plain(reader, target, node, REEF_VALUE_TEXT, "a string");
        break;
    case REEF_KIND_ENTITY:
        if (reader->source->kind(node) == REEF_NODE_NULL) {
            set(reader, target, (reef_value_t){.tag = REEF_VALUE_UINT});
        } else {
            read_integer(reader, target, node);
        }
        break;
    case REEF_KIND_I64:
    case REEF_KIND_U64:
        read_integer(reader, target, node);
        break;
    case REEF_KIND_F32:
    case REEF_KIND_F64:
        read_real(reader, target, node);
        break;
    case REEF_KIND_MASK:
        read_mask(reader, target, node);
        break;
    default:
        read_whole(reader, target, node);
        break;
    }
}

/* Fields ----------------------------------------------------------------------- */

/* Replace one element by a copy of the present one. */
static void keep_element(const reef_field_t *field, void *element, const void *present)
{
    reef__element_drop_texts(field, element);
    memcpy(element, present, field->size);
    (void)reef__element_own_texts(field, element);
}

static void read_element(reader_t *reader, const target_t *target, const void *node)
{
    if (target->field->kind == REEF_KIND_STRUCT) {
        read_struct(reader, target->field->type, target, node);
    } else if (!target->secret || !is_secret_text(reader, node)) {
        read_value(reader, target, node);
    } else if (target->present != NULL) {
        keep_element(target->field, target->element, target->present);
    }
}

/* Whether an array at @p node has just @p wanted items. */
static bool has_items(const reader_t *reader, const void *node, uint32_t wanted)
{
    const void *item;
    uint32_t count = 0;

    if (reader->source->kind(node) != REEF_NODE_ARRAY) {
        return false;
    }
    item = reader->source->first(node);
    for (; item != NULL && count <= wanted; item = reader->source->next(item)) {
        count++;
    }
    return count == wanted;
}

static void read_elements(reader_t *reader, const target_t *target, const void *node)
{
    const reef_field_t *field = target->field;
    const void *item;

    if (field->array_count == 0) {
        read_element(reader, target, node);
        return;
    }
    if (!has_items(reader, node, field->array_count)) {
        fail(reader, "%s: an array of %" PRIu32 " is wanted", field->name,
             field->array_count);
        return;
    }
    item = reader->source->first(node);
    for (uint32_t i = 0; i < field->array_count; i++) {
        size_t offset = (size_t)i * field->size;
        target_t element = *target;
        char index[16];
        size_t before;

        snprintf(index, sizeof(index), "%" PRIu32, i);
        before = enter(reader, reef_span_text(index));
        element.element += offset;
        element.present = target->present != NULL ? target->present + offset : NULL;
        read_element(reader, &element, item);
        leave(reader, before);
        item = reader->source->next(item);
    }
}

/* Read over a copy of what a protected field holds, which then comes back: giving that
 * same value is no attempt to change it. */
static void read_protected(reader_t *reader, const target_t *target, const void *node)
{
    const reef_field_t *field = target->field;
    size_t size = (size_t)reef_field_count(field) * field->size;
    uint8_t *kept = reef_resize(reef_alloc_default(), NULL, 0, size);
    bool failed_before = reader->failed;
    bool same = true;

    memcpy(kept, target->element, size);
    for (size_t at = 0; at < size; at += field->size) {
        (void)reef__element_own_texts(field, target->element + at);
    }
    reader->failed = false;
    read_elements(reader, target, node);
    for (size_t at = 0; at < size; at += field->size) {
        same = same && reef__element_equal(field, kept + at, target->element + at);
        reef__element_drop_texts(field, target->element + at);
    }
    if (!reader->failed && !same) {
        fail(reader, "%s: is read-only", field->name);
    }
    reader->failed = reader->failed || failed_before;
    memcpy(target->element, kept, size);
    reef_resize(reef_alloc_default(), kept, size, 0);
}

static void read_member(reader_t *reader,
                        const reef_type_t *type,
                        const target_t *at,
                        const void *member)
{
    reef_span_t name = reader->source->name(member);
    const reef_field_t *field = reef_type_find_field(type, name);
    char shown[NAME_SHOWN_SIZE];
    target_t target;

    if (field == NULL) {
        reef__text_show(name, shown, sizeof(shown));
        fail(reader, "%s has no field '%s'", type->name, shown);
        return;
    }
    target = (target_t){.field = field,
                        .element = reef_field_at(field, at->element, 0),
                        .present = at->present == NULL
                                       ? NULL
                                       : reef_field_at_const(field, at->present, 0),
                        .secret = at->secret || field->secret};
    if (field->read_only) {
        read_protected(reader, &target, member);
    } else {
        read_elements(reader, &target, member);
    }
}

static void read_struct(reader_t *reader,
                        const reef_type_t *type,
                        const target_t *at,
                        const void *node)
{
    if (reader->source->kind(node) != REEF_NODE_OBJECT) {
        fail(reader, "%s: an object is wanted", type->name);
        return;
    }
    for (const void *member = reader->source->first(node); member != NULL;
         member = reader->source->next(member)) {
        size_t before = enter(reader, reader->source->name(member));

        read_member(reader, type, at, member);
        leave(reader, before);
    }
}

/* Read-only fields of nested structs are protected too. */
static void keep_protected(const reef_type_t *type, const void *present, void *value)
{
    for (uint32_t i = 0; i < type->field_count; i++) {
        const reef_field_t *field = &type->fields[i];

        for (uint32_t k = 0; k < reef_field_count(field); k++) {
            void *element = reef_field_at(field, value, k);
            const void *old = reef_field_at_const(field, present, k);

            if (field->read_only) {
                keep_element(field, element, old);
            } else if (field->kind == REEF_KIND_STRUCT) {
                keep_protected(field->type, old, element);
            }
        }
    }
}

/* ---------------------------------------------------------------------------------- */

static void read_tag(reader_t *reader, const reef_type_t *type, const void *node)
{
    reef_value_t value = {0};
    bool is_true = get_scalar(reader, node, REEF_VALUE_BOOL, &value) && value.boolean;
    bool is_empty = reader->source->kind(node) == REEF_NODE_OBJECT &&
                    reader->source->first(node) == NULL;

    if (!is_true && !is_empty) {
        fail(reader, "%s: a tag is true", type->name);
    }
}

bool reef_type_read(const reef_type_t *type, const reef_read_desc_t *desc, void *value)
{
    reader_t reader = {.desc = desc, .source = desc->source};
    uint8_t *built;

    snprintf(reader.pointer, sizeof(reader.pointer), "%s",
             desc->pointer != NULL ? desc->pointer : "");
    if (type->drop != NULL) {
        fail(&reader, "%s: its values cannot be made from their fields", type->name);
        return false;
    }
    if (type->size == 0) {
        read_tag(&reader, type, desc->node);
        return !reader.failed;
    }
    built = reef_resize(reef_alloc_default(), NULL, 0, type->size);
    reef_type_init(type, built);
    if (desc->present != NULL) {
        keep_protected(type, desc->present, built);
    }
    read_struct(&reader, type, &(target_t){.element = built, .present = desc->present},
                desc->node);
    if (reader.failed) {
        reef_type_drop_texts(type, built);
    } else {
        memcpy(value, built, type->size);
    }
    reef_resize(reef_alloc_default(), built, type->size, 0);
    return !reader.failed;
}
