/*
 * Flattening a type of this program, and writing its description as JSON:
 *
 *     {"fields": [{"name": "x", "kind": "f32", "offset": 0, "size": 4,
 *                  "array_count": 0, "values": {"a": 1}, "fields": [nested]}]}
 *
 * Offsets are relative to the struct the field is in.  layout_parse.c reads it.
 */
#include "layout.h"

#include "layout_kind.h"
#include "memory.h"

#include <reef/array.h>

#include <cjson/cJSON.h>

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const kind_names[] = {
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

bool reef__kind_find(const char *name, reef_kind_t *kind)
{
    for (size_t i = 0; i < sizeof(kind_names) / sizeof(kind_names[0]); i++) {
        if (strcmp(kind_names[i], name) == 0) {
            *kind = (reef_kind_t)i;
            return true;
        }
    }
    return false;
}

const char *reef__kind_name(reef_kind_t kind)
{
    return kind_names[kind];
}

bool reef__path_append(char *path, const char *name, uint32_t index, bool indexed)
{
    size_t used = strlen(path);
    size_t room = REEF__LAYOUT_PATH_SIZE - used;
    const char *dot = used > 0 ? "." : "";
    int length = indexed ? snprintf(path + used, room, "%s%s[%u]", dot, name, index)
                         : snprintf(path + used, room, "%s%s", dot, name);

    return length > 0 && (size_t)length < room;
}

/* Flattening ------------------------------------------------------------------- */

static void flatten(reef__layout_t *layout,
                    const reef_type_t *type,
                    uint32_t base,
                    const char *prefix)
{
    for (uint32_t i = 0; i < type->field_count; i++) {
        const reef_field_t *field = &type->fields[i];
        uint32_t structs = field->kind != REEF_KIND_STRUCT ? 0
                           : field->array_count == 0       ? 1
                                                           : field->array_count;
        char path[REEF__LAYOUT_PATH_SIZE];
        bool fits;

        for (uint32_t j = 0; j < structs; j++) {
            memcpy(path, prefix, sizeof(path));
            fits = reef__path_append(path, field->name, j, field->array_count > 0);
            assert(fits);
            flatten(layout, field->type, base + field->offset + j * field->size, path);
        }
        if (structs == 0) {
            reef__leaf_t *leaf = REEF_ARRAY_PUSH(reef_alloc_default(), &layout->leaves);

            assert(layout->leaves.count <= REEF__LAYOUT_MAX_LEAVES);
            *leaf = (reef__leaf_t){.field = *field};
            memcpy(leaf->path, prefix, sizeof(leaf->path));
            fits = reef__path_append(leaf->path, field->name, 0, false);
            assert(fits);
            leaf->field.offset += base;
            layout->has_texts = layout->has_texts || field->kind == REEF_KIND_TEXT;
        }
    }
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp((*(const reef__leaf_t *const *)a)->path,
                  (*(const reef__leaf_t *const *)b)->path);
}

bool reef__layout_seal(reef__layout_t *layout)
{
    size_t count = layout->leaves.count;
    bool distinct = true;

    layout->by_path = snapshot_alloc(count * sizeof(const reef__leaf_t *));
    for (size_t i = 0; i < count; i++) {
        reef__leaf_t *leaf = &layout->leaves.items[i];

        leaf->field.name = leaf->path;
        layout->by_path[i] = leaf;
    }
    if (count > 0) {
        qsort(layout->by_path, count, sizeof(const reef__leaf_t *), compare_paths);
    }
    for (size_t i = 1; i < count; i++) {
        distinct = distinct &&
                   strcmp(layout->by_path[i - 1]->path, layout->by_path[i]->path) != 0;
    }
    return distinct;
}

void reef__layout_init(reef__layout_t *layout, const reef_type_t *type)
{
    char root[REEF__LAYOUT_PATH_SIZE] = "";
    bool distinct;

    *layout = (reef__layout_t){.size = type->size};
    flatten(layout, type, 0, root);
    distinct = reef__layout_seal(layout);
    assert(distinct); /* a struct cannot have two members of one name */
}

void reef__layout_finish(reef__layout_t *layout)
{
    for (size_t i = 0; i < layout->leaves.count; i++) {
        reef__leaf_t *leaf = &layout->leaves.items[i];

        snapshot_free(leaf->own_values,
                      leaf->field.value_count * sizeof(*leaf->own_values));
    }
    if (layout->by_path != NULL) {
        snapshot_free((void *)layout->by_path,
                      layout->leaves.count * sizeof(const reef__leaf_t *));
    }
    REEF_ARRAY_FINISH(reef_alloc_default(), &layout->leaves);
    cJSON_Delete(layout->json);
    layout->json = NULL;
}

const reef__leaf_t *reef__layout_find(const reef__layout_t *layout, const char *path)
{
    size_t first = 0, last = layout->leaves.count;

    while (first < last) {
        size_t middle = first + (last - first) / 2;
        int order = strcmp(layout->by_path[middle]->path, path);

        if (order == 0) {
            return layout->by_path[middle];
        }
        first = order < 0 ? middle + 1 : first;
        last = order < 0 ? last : middle;
    }
    return NULL;
}

/* Writing ---------------------------------------------------------------------- */

static cJSON *write_fields(const reef_type_t *type);

static cJSON *write_field(const reef_field_t *field)
{
    cJSON *object = cJSON_CreateObject();
    cJSON *values;

    cJSON_AddStringToObject(object, "name", field->name);
    cJSON_AddStringToObject(object, "kind", kind_names[field->kind]);
    cJSON_AddNumberToObject(object, "offset", field->offset);
    cJSON_AddNumberToObject(object, "size", field->size);
    cJSON_AddNumberToObject(object, "array_count", field->array_count);
    if (field->value_count > 0) {
        values = cJSON_AddObjectToObject(object, "values");
        for (uint32_t i = 0; i < field->value_count; i++) {
            cJSON_AddNumberToObject(values, field->values[i].name,
                                    (double)field->values[i].value);
        }
    }
    if (field->kind == REEF_KIND_STRUCT) {
        cJSON_AddItemToObject(object, "fields", write_fields(field->type));
    }
    return object;
}

static cJSON *write_fields(const reef_type_t *type)
{
    cJSON *array = cJSON_CreateArray();

    for (uint32_t i = 0; i < type->field_count; i++) {
        cJSON_AddItemToArray(array, write_field(&type->fields[i]));
    }
    return array;
}

/* Values that a layout can have; more than that could not be read back. */
static size_t count_leaves(const reef_type_t *type)
{
    size_t count = 0;

    for (uint32_t i = 0; i < type->field_count; i++) {
        const reef_field_t *field = &type->fields[i];

        count += field->kind == REEF_KIND_STRUCT
                     ? reef_field_count(field) * count_leaves(field->type)
                     : 1;
    }
    return count;
}

char *reef__layout_write(const reef_type_t *type)
{
    cJSON *root = cJSON_CreateObject();
    char *text;

    assert(type->size <= REEF__LAYOUT_MAX_SIZE);
    assert(count_leaves(type) <= REEF__LAYOUT_MAX_LEAVES);

    cJSON_AddItemToObject(root, "fields", write_fields(type));
    text = cJSON_PrintUnformatted(root);
    assert(text != NULL); /* only for lack of memory */
    cJSON_Delete(root);
    return text;
}

void reef__layout_free_text(char *text)
{
    cJSON_free(text);
}
