/*
 * Reflection to JSON.  A float is printed with as few digits as bring it back, so that
 * 0.1f shows as 0.1; the library would print the digits of its double.
 */
#include "json_fields.h"

#include <reef/reflect_visit.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static cJSON *id_json(const char *format, uint64_t value)
{
    char text[24];

    if (format[0] == '-') {
        snprintf(text, sizeof(text), "%" PRId64, (int64_t)value);
    } else {
        snprintf(text, sizeof(text), "%" PRIu64, value);
    }
    return cJSON_CreateString(text);
}

static cJSON *real_json(reef_kind_t kind, double real)
{
    char text[40];

    if (isnan(real)) {
        return cJSON_CreateString("NaN");
    }
    if (isinf(real)) {
        return cJSON_CreateString(real > 0 ? "Infinity" : "-Infinity");
    }
    for (int digits = 6; kind == REEF_KIND_F32 && digits <= 9; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, real);
        if (strtof(text, NULL) == (float)real) {
            real = strtod(text, NULL);
            break;
        }
    }
    return cJSON_CreateNumber(real);
}

static cJSON *mask_json(const reef_field_t *field, uint64_t bits)
{
    cJSON *names = cJSON_CreateArray();
    const char *name;

    for (uint32_t i = 0; (name = reef_field_mask_name(field, bits, &i)) != NULL;) {
        cJSON_AddItemToArray(names, cJSON_CreateString(name));
    }
    return names;
}

/* A tree while it grows. */
typedef struct builder {
    cJSON *open[2 * (REEF_MAX_NESTING + 1)]; /* structs and arrays not yet ended */
    size_t open_count;
    cJSON *root;
} builder_t;

static void add(builder_t *builder, const reef_field_t *field, cJSON *item)
{
    cJSON *parent =
        builder->open_count > 0 ? builder->open[builder->open_count - 1] : NULL;

    if (parent == NULL) {
        builder->root = item;
    } else if (cJSON_IsArray(parent)) {
        cJSON_AddItemToArray(parent, item);
    } else {
        cJSON_AddItemToObject(parent, field->name, item);
    }
}

static void begin(builder_t *builder, const reef_field_t *field, cJSON *item)
{
    add(builder, field, item);
    builder->open[builder->open_count++] = item;
}

static void
begin_struct(void *context, const reef_field_t *field, const reef_type_t *type)
{
    (void)type;
    begin(context, field, cJSON_CreateObject());
}

static void begin_array(void *context, const reef_field_t *field)
{
    begin(context, field, cJSON_CreateArray());
}

static void end(void *context)
{
    ((builder_t *)context)->open_count--;
}

static void add_secret(void *context, const reef_field_t *field)
{
    add(context, field, cJSON_CreateString(REEF_SECRET_TEXT));
}

static cJSON *value_json(const reef_field_t *field, reef_value_t value)
{
    switch (field->kind) {
    case REEF_KIND_ENTITY:
        return value.natural == 0 ? cJSON_CreateNull() : id_json("", value.natural);
    case REEF_KIND_U64:
        return id_json("", value.natural);
    case REEF_KIND_I64:
        return id_json("-", (uint64_t)value.integer);
    case REEF_KIND_MASK:
        return mask_json(field, value.natural);
    default:
        break;
    }
    switch (value.tag) {
    case REEF_VALUE_BOOL:
        return cJSON_CreateBool(value.boolean);
    case REEF_VALUE_INT:
        return cJSON_CreateNumber((double)value.integer);
    case REEF_VALUE_UINT:
        return cJSON_CreateNumber((double)value.natural);
    case REEF_VALUE_FLOAT:
        return real_json(field->kind, value.real);
    case REEF_VALUE_TEXT:
        break;
    }
    return reef__json_text(value.text);
}

static void add_value(void *context, const reef_field_t *field, reef_value_t value)
{
    add(context, field, value_json(field, value));
}

cJSON *reef__value_to_json(const reef_type_t *type, const void *value)
{
    static const reef_visitor_t visitor = {.begin_struct = begin_struct,
                                           .end_struct = end,
                                           .begin_array = begin_array,
                                           .end_array = end,
                                           .value = add_value,
                                           .secret = add_secret};
    builder_t builder = {0};

    if (type->size == 0) {
        return cJSON_CreateTrue();
    }
    reef_type_visit(type, value, &visitor, &builder);
    return builder.root;
}

bool reef__type_is_read_only(const reef_type_t *type)
{
    return (type->flags & REEF_READ_ONLY) != 0 || type->drop != NULL;
}

/* Types ------------------------------------------------------------------------ */

static const char *kind_name(reef_kind_t kind)
{
    static const char *const names[] = {
        [REEF_KIND_BOOL] = "bool",     [REEF_KIND_I8] = "i8",
        [REEF_KIND_I16] = "i16",       [REEF_KIND_I32] = "i32",
        [REEF_KIND_I64] = "i64",       [REEF_KIND_U8] = "u8",
        [REEF_KIND_U16] = "u16",       [REEF_KIND_U32] = "u32",
        [REEF_KIND_U64] = "u64",       [REEF_KIND_F32] = "f32",
        [REEF_KIND_F64] = "f64",       [REEF_KIND_ENUM] = "enum",
        [REEF_KIND_MASK] = "mask",     [REEF_KIND_STRING] = "string",
        [REEF_KIND_TEXT] = "text",     [REEF_KIND_ENTITY] = "entity",
        [REEF_KIND_STRUCT] = "struct",
    };

    return names[kind];
}

static void add_text(cJSON *object, const char *name, const char *text)
{
    cJSON_AddItemToObject(object, name,
                          text != NULL ? cJSON_CreateString(text) : cJSON_CreateNull());
}

static cJSON *fields_json(const reef_type_t *type);

static cJSON *describe_field(const reef_field_t *field)
{
    cJSON *json = cJSON_CreateObject();
    bool limited = field->min != 0 || field->max != 0;

    cJSON_AddStringToObject(json, "name", field->name);
    cJSON_AddStringToObject(json, "type", kind_name(field->kind));
    add_text(json, "unit", field->unit);
    add_text(json, "doc", field->doc);
    cJSON_AddItemToObject(
        json, "min", limited ? cJSON_CreateNumber(field->min) : cJSON_CreateNull());
    cJSON_AddItemToObject(
        json, "max", limited ? cJSON_CreateNumber(field->max) : cJSON_CreateNull());
    cJSON_AddBoolToObject(json, "read_only", field->read_only);
    if (field->kind == REEF_KIND_STRING) {
        cJSON_AddNumberToObject(json, "max_size", field->size - 1);
    } else if (field->kind == REEF_KIND_TEXT) {
        cJSON_AddNumberToObject(json, "max_size", field->max_size);
    }
    if (field->array_count > 0) {
        cJSON_AddNumberToObject(json, "count", field->array_count);
    }
    if (field->kind == REEF_KIND_STRUCT) {
        cJSON_AddItemToObject(json, "fields", fields_json(field->type));
    }
    if (field->value_count > 0) {
        cJSON *values = cJSON_AddArrayToObject(json, "values");

        for (uint32_t i = 0; i < field->value_count; i++) {
            cJSON_AddItemToArray(values, cJSON_CreateString(field->values[i].name));
        }
    }
    return json;
}

static cJSON *fields_json(const reef_type_t *type)
{
    cJSON *fields = cJSON_CreateArray();

    for (uint32_t i = 0; i < type->field_count; i++) {
        cJSON_AddItemToArray(fields, describe_field(&type->fields[i]));
    }
    return fields;
}

cJSON *reef__type_to_json(const reef_type_t *type)
{
    cJSON *json = cJSON_CreateObject();

    cJSON_AddStringToObject(json, "name", type->name);
    cJSON_AddNumberToObject(json, "size", type->size);
    cJSON_AddBoolToObject(json, "persistent", (type->flags & REEF_PERSISTENT) != 0);
    cJSON_AddBoolToObject(json, "read_only", reef__type_is_read_only(type));
    cJSON_AddItemToObject(json, "fields", fields_json(type));
    return json;
}
