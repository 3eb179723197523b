/*
 * The value is built aside, on top of the initial one with the protected fields of the
 * present one: what a tree leaves out is well defined, what it must not touch cannot
 * change, and a refused tree leaves nothing behind.  The walk follows the description,
 * so the depth of the tree does not matter.
 */
#include "reflect_read.h"

#include "reflect.h"

#include <reef/alloc.h>

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    NAME_SHOWN_SIZE = 48
};

static void read_struct(reef__reader_t *reader,
                        const reef_type_t *type,
                        const reef__target_t *at,
                        const void *node);

/* Failures --------------------------------------------------------------------- */

void reef__reader_fail(reef__reader_t *reader, const char *format, ...)
{
    char text[REEF_FAILURE_TEXT_SIZE];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    reader->failed = true;
    reader->desc->fail(reader->desc->context, reader->pointer, text);
}

/* Append `/segment`, escaped; what does not fit is cut between characters.  Returns
 * what to give to leave(). */
static size_t enter(reef__reader_t *reader, reef_span_t segment)
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

static void leave(reef__reader_t *reader, size_t before)
{
    reader->pointer[before] = '\0';
}

static bool is_secret_text(const reef__reader_t *reader, const void *node)
{
    reef_value_t value;

    return reef__reader_get(reader, node, REEF_VALUE_TEXT, &value) &&
           reef_span_equal(value.text, reef_span_text(REEF_SECRET_TEXT));
}

/* Fields ----------------------------------------------------------------------- */

/* Replace one element by a copy of the present one. */
static void keep_element(const reef_field_t *field, void *element, const void *present)
{
    reef__element_drop_texts(field, element);
    memcpy(element, present, field->size);
    (void)reef__element_own_texts(field, element);
}

static void
read_element(reef__reader_t *reader, const reef__target_t *target, const void *node)
{
    if (target->field->kind == REEF_KIND_STRUCT) {
        read_struct(reader, target->field->type, target, node);
    } else if (!target->secret || !is_secret_text(reader, node)) {
        reef__reader_take(reader, target, node);
    } else if (target->present != NULL) {
        keep_element(target->field, target->element, target->present);
    }
}

/* Whether an array at @p node has just @p wanted items. */
static bool has_items(const reef__reader_t *reader, const void *node, uint32_t wanted)
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

static void
read_elements(reef__reader_t *reader, const reef__target_t *target, const void *node)
{
    const reef_field_t *field = target->field;
    const void *item;

    if (field->array_count == 0) {
        read_element(reader, target, node);
        return;
    }
    if (!has_items(reader, node, field->array_count)) {
        reef__reader_fail(reader, "%s: an array of %" PRIu32 " is wanted", field->name,
                          field->array_count);
        return;
    }
    item = reader->source->first(node);
    for (uint32_t i = 0; i < field->array_count; i++) {
        size_t offset = (size_t)i * field->size;
        reef__target_t element = *target;
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
static void
read_protected(reef__reader_t *reader, const reef__target_t *target, const void *node)
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
        reef__reader_fail(reader, "%s: is read-only", field->name);
    }
    reader->failed = reader->failed || failed_before;
    memcpy(target->element, kept, size);
    reef_resize(reef_alloc_default(), kept, size, 0);
}

static void read_member(reef__reader_t *reader,
                        const reef_type_t *type,
                        const reef__target_t *at,
                        const void *member)
{
    reef_span_t name = reader->source->name(member);
    const reef_field_t *field = reef_type_find_field(type, name);
    char shown[NAME_SHOWN_SIZE];
    reef__target_t target;

    if (field == NULL) {
        reef__text_show(name, shown, sizeof(shown));
        reef__reader_fail(reader, "%s has no field '%s'", type->name, shown);
        return;
    }
    target = (reef__target_t){
        .field = field,
        .element = reef_field_at(field, at->element, 0),
        .present =
            at->present == NULL ? NULL : reef_field_at_const(field, at->present, 0),
        .secret = at->secret || field->secret};
    if (field->read_only) {
        read_protected(reader, &target, member);
    } else {
        read_elements(reader, &target, member);
    }
}

static void read_struct(reef__reader_t *reader,
                        const reef_type_t *type,
                        const reef__target_t *at,
                        const void *node)
{
    if (reader->source->kind(node) != REEF_NODE_OBJECT) {
        reef__reader_fail(reader, "%s: an object is wanted", type->name);
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

static void read_tag(reef__reader_t *reader, const reef_type_t *type, const void *node)
{
    reef_value_t value = {0};
    bool is_true =
        reef__reader_get(reader, node, REEF_VALUE_BOOL, &value) && value.boolean;
    bool is_empty = reader->source->kind(node) == REEF_NODE_OBJECT &&
                    reader->source->first(node) == NULL;

    if (!is_true && !is_empty) {
        reef__reader_fail(reader, "%s: a tag is true", type->name);
    }
}

bool reef_type_read(const reef_type_t *type, const reef_read_desc_t *desc, void *value)
{
    reef__reader_t reader = {.desc = desc, .source = desc->source};
    uint8_t *built;

    snprintf(reader.pointer, sizeof(reader.pointer), "%s",
             desc->pointer != NULL ? desc->pointer : "");
    if (type->drop != NULL) {
        reef__reader_fail(&reader, "%s: its values cannot be made from their fields",
                          type->name);
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
    read_struct(&reader, type,
                &(reef__target_t){.element = built, .present = desc->present},
                desc->node);
    if (reader.failed) {
        reef_type_drop_texts(type, built);
    } else {
        memcpy(value, built, type->size);
    }
    reef_resize(reef_alloc_default(), built, type->size, 0);
    return !reader.failed;
}
