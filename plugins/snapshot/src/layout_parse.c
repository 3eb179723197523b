/*
 * Reading a stored layout.  The text may be damaged or made up: counts, depth and
 * sizes are limited, and no field may reach beyond the struct it is in.
 */
#include "layout.h"

#include "layout_kind.h"
#include "memory.h"

#include <reef/array.h>

#include <cjson/cJSON.h>

#include <math.h>

enum {
    MAX_ENUM_VALUES = 4096
};

/* Where in the nesting a field is read. */
typedef struct place {
    const char *prefix; /* path of the struct, REEF__LAYOUT_PATH_SIZE bytes */
    uint32_t base;      /* its offset in the outermost one */
    uint32_t size;
    uint32_t depth;
} place_t;

static reef_error_t fail(reef_failure_t *failure, const char *path, const char *what)
{
    return reef_fail(failure, REEF_E_CORRUPT, "stored layout, field '%.*s': %s", 80,
                     path, what);
}

/* A whole number from 0 to @p max. */
static bool read_u32(const cJSON *object, const char *key, uint32_t max, uint32_t *out)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);

    if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0) ||
        !(item->valuedouble <= max) || trunc(item->valuedouble) != item->valuedouble) {
        return false;
    }
    *out = (uint32_t)item->valuedouble;
    return true;
}

/* Bytes of one element; 0 = any. */
static uint32_t kind_size(reef_kind_t kind)
{
    switch (kind) {
    case REEF_KIND_BOOL:
    case REEF_KIND_I8:
    case REEF_KIND_U8:
        return 1;
    case REEF_KIND_I16:
    case REEF_KIND_U16:
        return 2;
    case REEF_KIND_I32:
    case REEF_KIND_U32:
    case REEF_KIND_F32:
    case REEF_KIND_ENUM:
    case REEF_KIND_MASK:
        return 4;
    case REEF_KIND_I64:
    case REEF_KIND_U64:
    case REEF_KIND_F64:
    case REEF_KIND_ENTITY:
        return 8;
    case REEF_KIND_STRING:
    case REEF_KIND_TEXT:
    case REEF_KIND_STRUCT:
        break;
    }
    return 0;
}

static bool read_shape(const cJSON *object, const place_t *place, reef_field_t *field)
{
    const cJSON *kind = cJSON_GetObjectItemCaseSensitive(object, "kind");
    uint32_t fixed;
    uint64_t count;

    if (!cJSON_IsString(kind) || !reef__kind_find(kind->valuestring, &field->kind) ||
        !read_u32(object, "offset", place->size, &field->offset) ||
        !read_u32(object, "size", place->size, &field->size) ||
        !read_u32(object, "array_count", place->size, &field->array_count)) {
        return false;
    }
    fixed = kind_size(field->kind);
    count = field->array_count == 0 ? 1 : field->array_count;
    return field->size > 0 &&
           (field->kind != REEF_KIND_TEXT || field->size >= REEF__TEXT_SLOT_SIZE) &&
           (fixed == 0 || field->size == fixed) &&
           field->offset + count * field->size <= place->size;
}

static bool read_values(const cJSON *object, reef__leaf_t *leaf)
{
    const cJSON *values = cJSON_GetObjectItemCaseSensitive(object, "values");
    int count = cJSON_GetArraySize(values);
    uint32_t i = 0;

    if (values == NULL || count == 0) {
        return true;
    }
    if (!cJSON_IsObject(values) || count > MAX_ENUM_VALUES) {
        return false;
    }
    leaf->field.value_count = (uint32_t)count;
    leaf->own_values = snapshot_alloc_zeroed((size_t)count * sizeof(*leaf->own_values));
    leaf->field.values = leaf->own_values;
    for (const cJSON *value = values->child; value != NULL; value = value->next) {
        double number = value->valuedouble;

        if (!cJSON_IsNumber(value) || trunc(number) != number ||
            !(number >= (double)INT32_MIN) || !(number <= (double)UINT32_MAX)) {
            return false;
        }
        leaf->own_values[i++] =
            (reef_enum_value_t){.name = value->string, .value = (int64_t)number};
    }
    return true;
}

static reef_error_t read_fields(reef__layout_t *layout,
                                const cJSON *object,
                                const place_t *place,
                                reef_failure_t *failure);

static reef_error_t read_struct(reef__layout_t *layout,
                                const cJSON *object,
                                const reef_field_t *field,
                                const place_t *place,
                                reef_failure_t *failure)
{
    uint32_t count = field->array_count == 0 ? 1 : field->array_count;

    for (uint32_t i = 0; i < count; i++) {
        char path[REEF__LAYOUT_PATH_SIZE];
        reef_error_t error;

        memcpy(path, place->prefix, sizeof(path));
        if (layout->structs++ == REEF__LAYOUT_MAX_LEAVES ||
            !reef__path_append(path, field->name, i, field->array_count > 0)) {
            return fail(failure, path, "too much");
        }
        error = read_fields(
            layout, object,
            &(place_t){.prefix = path,
                       .base = place->base + field->offset + i * field->size,
                       .size = field->size,
                       .depth = place->depth + 1},
            failure);
        if (error != REEF_OK) {
            return error;
        }
    }
    return REEF_OK;
}

static reef_error_t read_field(reef__layout_t *layout,
                               const cJSON *object,
                               const place_t *place,
                               reef_failure_t *failure)
{
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(object, "name");
    reef_field_t field = {0};
    char path[REEF__LAYOUT_PATH_SIZE];
    reef__leaf_t *leaf;

    memcpy(path, place->prefix, sizeof(path));
    if (!cJSON_IsString(name) || name->valuestring[0] == '\0' ||
        !reef__path_append(path, name->valuestring, 0, false)) {
        return fail(failure, path, "a name is missing or too long");
    }
    field.name = name->valuestring;
    if (!read_shape(object, place, &field)) {
        return fail(failure, path, "kind, offset or size is wrong");
    }
    if (field.kind == REEF_KIND_STRUCT) {
        return read_struct(layout, object, &field, place, failure);
    }
    layout->leaf_bytes += (uint64_t)reef_field_count(&field) * field.size;
    if (layout->leaves.count == REEF__LAYOUT_MAX_LEAVES ||
        layout->leaf_bytes > layout->size) {
        return fail(failure, path, "too much");
    }
    leaf = REEF_ARRAY_PUSH(reef_alloc_default(), &layout->leaves);
    *leaf = (reef__leaf_t){.field = field};
    memcpy(leaf->path, path, sizeof(path));
    leaf->field.offset += place->base;
    layout->has_texts = layout->has_texts || field.kind == REEF_KIND_TEXT;
    return read_values(object, leaf) ? REEF_OK : fail(failure, path, "wrong values");
}

static reef_error_t read_fields(reef__layout_t *layout,
                                const cJSON *object,
                                const place_t *place,
                                reef_failure_t *failure)
{
    const cJSON *fields = cJSON_GetObjectItemCaseSensitive(object, "fields");
    reef_error_t error = REEF_OK;

    if (!cJSON_IsArray(fields) || place->depth > REEF__LAYOUT_MAX_DEPTH) {
        return fail(failure, place->prefix, "no list of fields, or nested too deep");
    }
    for (const cJSON *field = fields->child; field != NULL && error == REEF_OK;
         field = field->next) {
        error = read_field(layout, field, place, failure);
    }
    return error;
}

reef_error_t reef__layout_parse(reef_span_t json,
                                int64_t size,
                                reef__layout_t *layout,
                                reef_failure_t *failure)
{
    char root[REEF__LAYOUT_PATH_SIZE] = "";
    reef__layout_t parsed = {0};
    reef_error_t error;

    if (size < 0 || size > REEF__LAYOUT_MAX_SIZE || json.size == 0 ||
        json.size > REEF__LAYOUT_MAX_JSON) {
        return reef_fail(failure, REEF_E_CORRUPT, "stored layout: wrong size");
    }
    parsed.size = (uint32_t)size;
    parsed.json = cJSON_ParseWithLength((const char *)json.data, json.size);
    if (parsed.json == NULL) {
        return reef_fail(failure, REEF_E_CORRUPT, "stored layout: not JSON");
    }
    error = read_fields(&parsed, parsed.json,
                        &(place_t){.prefix = root, .size = parsed.size}, failure);
    if (error == REEF_OK && !reef__layout_seal(&parsed)) {
        error =
            reef_fail(failure, REEF_E_CORRUPT, "stored layout: a field is there twice");
    }
    if (error != REEF_OK) {
        reef__layout_finish(&parsed);
        return error;
    }
    *layout = parsed;
    return REEF_OK;
}
