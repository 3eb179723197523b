/*
 * What values own: texts, which the description knows, and what only a drop hook
 * knows.  Elements are loaded with memcpy, because a description may be laid over any
 * bytes.
 */
#include "reflect.h"

#include <string.h>

/* Whether elements of the field may have texts. */
static bool may_have_texts(const reef_field_t *field)
{
    return field->kind == REEF_KIND_TEXT || field->kind == REEF_KIND_STRUCT;
}

bool reef_type_has_texts(const reef_type_t *type)
{
    for (uint32_t i = 0; i < type->field_count; i++) {
        const reef_field_t *field = &type->fields[i];

        if (field->kind == REEF_KIND_TEXT ||
            (field->kind == REEF_KIND_STRUCT && reef_type_has_texts(field->type))) {
            return true;
        }
    }
    return false;
}

bool reef_type_owns(const reef_type_t *type)
{
    return type->drop != NULL || reef_type_has_texts(type);
}

size_t reef__element_own_texts(const reef_field_t *field, void *element)
{
    reef_text_t text;

    if (field->kind == REEF_KIND_STRUCT) {
        return reef_type_own_texts(field->type, element);
    }
    if (field->kind != REEF_KIND_TEXT) {
        return 0;
    }
    memcpy(&text, element, sizeof(text));
    text = reef__text_copy(reef_text_view(&text));
    memcpy(element, &text, sizeof(text));
    return text.size;
}

void reef__element_drop_texts(const reef_field_t *field, void *element)
{
    reef_text_t text;

    if (field->kind == REEF_KIND_STRUCT) {
        reef_type_drop_texts(field->type, element);
    } else if (field->kind == REEF_KIND_TEXT) {
        memcpy(&text, element, sizeof(text));
        reef_text_clear(&text);
        memcpy(element, &text, sizeof(text));
    }
}

size_t reef_type_own_texts(const reef_type_t *type, void *value)
{
    size_t size = 0;

    for (uint32_t i = 0; i < type->field_count; i++) {
        const reef_field_t *field = &type->fields[i];

        for (uint32_t j = 0; may_have_texts(field) && j < reef_field_count(field);
             j++) {
            size += reef__element_own_texts(field, reef_field_at(field, value, j));
        }
    }
    return size;
}

void reef_type_drop_texts(const reef_type_t *type, void *value)
{
    for (uint32_t i = 0; i < type->field_count; i++) {
        const reef_field_t *field = &type->fields[i];

        for (uint32_t j = 0; may_have_texts(field) && j < reef_field_count(field);
             j++) {
            reef__element_drop_texts(field, reef_field_at(field, value, j));
        }
    }
}

void reef_type_drop(const reef_type_t *type, void *value)
{
    if (type->drop != NULL) {
        type->drop(value);
    }
    reef_type_drop_texts(type, value);
}

bool reef_type_copy(const reef_type_t *type, void *to, const void *from)
{
    if (type->drop != NULL) {
        return false;
    }
    if (type->size > 0) {
        memcpy(to, from, type->size);
        (void)reef_type_own_texts(type, to);
    }
    return true;
}
