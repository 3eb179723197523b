/* Types in the words in which clients are told of them. */
#include "codec/reef_v1.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

typedef struct text {
    char *out;
    size_t size, used;
    bool is_cut;
} text_t;

REEF_PRINTF(2, 3) static void add(text_t *text, const char *format, ...)
{
    va_list args;
    int size;

    va_start(args, format);
    size = vsnprintf(text->out + text->used, text->size - text->used, format, args);
    va_end(args);
    if (size < 0 || (size_t)size >= text->size - text->used) {
        text->is_cut = true;
        text->used = 0; /* what is written on does not matter any more */
        return;
    }
    text->used += (size_t)size;
}

static void add_names(text_t *text, const reef_field_t *field)
{
    add(text, "%s:%s%" PRIu32 "{", field->kind == REEF_KIND_ENUM ? "enum" : "mask",
        field->kind == REEF_KIND_ENUM && reef__v1_width(field) == 4 ? "i" : "u",
        reef__v1_width(field) * 8);
    for (uint32_t i = 0; i < field->value_count; i++) {
        add(text, "%s%s=%" PRId64, i > 0 ? " " : "", field->values[i].name,
            field->values[i].value);
    }
    add(text, "}");
}

static void add_fields(text_t *text, const reef_type_t *type);

static void add_kind(text_t *text, const reef_field_t *field)
{
    static const char *const names[] = {
        [REEF_KIND_BOOL] = "bool", [REEF_KIND_I8] = "i8",
        [REEF_KIND_I16] = "i16",   [REEF_KIND_I32] = "i32",
        [REEF_KIND_I64] = "i64",   [REEF_KIND_U8] = "u8",
        [REEF_KIND_U16] = "u16",   [REEF_KIND_U32] = "u32",
        [REEF_KIND_U64] = "u64",   [REEF_KIND_F32] = "f32",
        [REEF_KIND_F64] = "f64",   [REEF_KIND_ENTITY] = "entity",
    };

    switch (field->kind) {
    case REEF_KIND_ENUM:
    case REEF_KIND_MASK:
        add_names(text, field);
        break;
    case REEF_KIND_STRING:
        add(text, "string<%" PRIu32 ">", field->size - 1);
        break;
    case REEF_KIND_TEXT:
        add(text, "text<%" PRIu32 ">", field->max_size);
        break;
    case REEF_KIND_STRUCT:
        add(text, "{");
        add_fields(text, field->type);
        add(text, "}");
        break;
    default:
        add(text, "%s", names[field->kind]);
        break;
    }
}

/* NOLINTNEXTLINE(misc-no-recursion): types nest REEF_MAX_NESTING deep at most */
static void add_fields(text_t *text, const reef_type_t *type)
{
    for (uint32_t i = 0; i < type->field_count; i++) {
        const reef_field_t *field = &type->fields[i];

        add(text, "%s%s ", i > 0 ? "," : "", field->name);
        add_kind(text, field);
        if (field->array_count > 0) {
            add(text, "[%" PRIu32 "]", field->array_count);
        }
    }
}

size_t reef__v1_describe(const reef_type_t *type, char *out, size_t size)
{
    text_t text = {.out = out, .size = size};

    out[0] = '\0';
    if (type != NULL) {
        add_fields(&text, type);
    }
    return text.is_cut ? 0 : text.used;
}
