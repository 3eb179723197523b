/*
 * Reading single values: what a tree may give for each kind.  Validation is left to
 * reef_field_set().
 */
#include "reflect_read.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The largest integer up to which every double is exact. */
#define EXACT_INTEGER 0x1p53

enum {
    INTEGER_SIZE = 24 /* of the text of a 64-bit number */
};

static void
refuse(reef__reader_t *reader, const reef__target_t *target, const char *wanted)
{
    reef__reader_fail(reader, "%s: %s is wanted", target->field->name, wanted);
}

static void
set(reef__reader_t *reader, const reef__target_t *target, reef_value_t value)
{
    reef_failure_t failure;

    if (reef_field_set(target->field, target->element, value, &failure) != REEF_OK) {
        reef__reader_fail(reader, "%s", failure.text);
    }
}

/* The scalar at @p node, when it has that tag. */
bool reef__reader_get(const reef__reader_t *reader,
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

static bool
get_number(const reef__reader_t *reader, const void *node, reef_value_t *value)
{
    return reef__reader_get(reader, node, REEF_VALUE_FLOAT, value) ||
           reef__reader_get(reader, node, REEF_VALUE_INT, value) ||
           reef__reader_get(reader, node, REEF_VALUE_UINT, value);
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

static void
read_integer(reef__reader_t *reader, const reef__target_t *target, const void *node)
{
    bool is_signed = target->field->kind == REEF_KIND_I64;
    reef_value_t value;

    if (reef__reader_get(reader, node, REEF_VALUE_TEXT, &value)) {
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

static void
read_real(reef__reader_t *reader, const reef__target_t *target, const void *node)
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
    for (size_t i = 0; reef__reader_get(reader, node, REEF_VALUE_TEXT, &value) && i < 3;
         i++) {
        if (reef_span_equal(value.text, reef_span_text(special[i].text))) {
            set(reader, target,
                (reef_value_t){.tag = REEF_VALUE_FLOAT, .real = special[i].real});
            return;
        }
    }
    refuse(reader, target, "a number");
}

static void
read_mask(reef__reader_t *reader, const reef__target_t *target, const void *node)
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

        for (uint32_t i = 0; reef__reader_get(reader, item, REEF_VALUE_TEXT, &name) &&
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
static void read_plain(reef__reader_t *reader,
                       const reef__target_t *target,
                       const void *node,
                       reef_value_tag_t tag,
                       const char *wanted)
{
    reef_value_t value;

    if (reef__reader_get(reader, node, tag, &value)) {
        set(reader, target, value);
    } else {
        refuse(reader, target, wanted);
    }
}

static void
read_whole(reef__reader_t *reader, const reef__target_t *target, const void *node)
{
    bool is_enum = target->field->kind == REEF_KIND_ENUM;
    reef_value_t value;

    if (get_number(reader, node, &value) ||
        (is_enum && reef__reader_get(reader, node, REEF_VALUE_TEXT, &value))) {
        set(reader, target, value);
    } else {
        refuse(reader, target, is_enum ? "one of its names" : "a whole number");
    }
}

void reef__reader_take(reef__reader_t *reader,
                       const reef__target_t *target,
                       const void *node)
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
