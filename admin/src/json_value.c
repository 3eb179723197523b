/*
 * JSON to reflected values.  The result is built on top of the initial value with the
 * protected fields of the present one, so what a body leaves out is well defined and
 * what it must not touch cannot change.
 */
#include "json_fields.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* The largest integer up to which every double is exact. */
#define EXACT_INTEGER 0x1p53

typedef struct target {
    const reef_field_t *field;
    void *element;
    const void *present; /* element of the present value, or NULL */
    const char *pointer;
    reef__field_errors_t *errors;
} target_t;

static bool
read_struct(const reef_type_t *type, const cJSON *json, const target_t *target);

static bool refuse(const target_t *target, const char *wanted)
{
    reef__field_errors_add(target->errors, target->pointer, "%s: %s is wanted",
                           target->field->name, wanted);
    return false;
}

static bool set(const target_t *target, reef_value_t value)
{
    reef_failure_t failure;

    if (reef_field_set(target->field, target->element, value, &failure) != REEF_OK) {
        reef__field_errors_add(target->errors, target->pointer, "%s", failure.text);
        return false;
    }
    return true;
}

/* A decimal string as of 64-bit fields; neither spaces nor a plus sign. */
static bool parse_integer(const char *text, bool is_signed, reef_value_t *value)
{
    const char *digits = text + (is_signed && text[0] == '-');
    char *end;

    if (digits[0] == '\0' || strspn(digits, "0123456789") != strlen(digits)) {
        return false;
    }
    errno = 0;
    if (is_signed) {
        *value =
            (reef_value_t){.tag = REEF_VALUE_INT, .integer = strtoll(text, &end, 10)};
    } else {
        *value =
            (reef_value_t){.tag = REEF_VALUE_UINT, .natural = strtoull(text, &end, 10)};
    }
    return errno == 0 && *end == '\0';
}

static bool read_integer(const target_t *target, const cJSON *json)
{
    bool is_signed = target->field->kind == REEF_KIND_I64;
    reef_value_t value;

    if (cJSON_IsString(json) && parse_integer(json->valuestring, is_signed, &value)) {
        return set(target, value);
    }
    if (cJSON_IsNumber(json) && fabs(json->valuedouble) <= EXACT_INTEGER) {
        return set(target,
                   (reef_value_t){.tag = REEF_VALUE_FLOAT, .real = json->valuedouble});
    }
    return refuse(target, "a whole 64-bit number as a string");
}

static bool read_real(const target_t *target, const cJSON *json)
{
    static const struct {
        const char *text;
        double real;
    } special[] = {
        {"NaN", (double)NAN},
        {"Infinity", (double)INFINITY},
        {"-Infinity", -(double)INFINITY},
    };

    if (cJSON_IsNumber(json)) {
        return set(target,
                   (reef_value_t){.tag = REEF_VALUE_FLOAT, .real = json->valuedouble});
    }
    for (size_t i = 0; cJSON_IsString(json) && i < 3; i++) {
        if (strcmp(json->valuestring, special[i].text) == 0) {
            return set(target, (reef_value_t){.tag = REEF_VALUE_FLOAT,
                                              .real = special[i].real});
        }
    }
    return refuse(target, "a number");
}

static bool read_mask(const target_t *target, const cJSON *json)
{
    uint64_t bits = 0;
    const cJSON *name;

    if (!cJSON_IsArray(json)) {
        return refuse(target, "an array of names");
    }
    cJSON_ArrayForEach(name, json)
    {
        bool known = false;

        for (uint32_t i = 0; cJSON_IsString(name) && i < target->field->value_count;
             i++) {
            if (strcmp(target->field->values[i].name, name->valuestring) == 0) {
                bits |= (uint64_t)target->field->values[i].value;
                known = true;
            }
        }
        if (!known) {
            return refuse(target, "an array of its names");
        }
    }
    return set(target, (reef_value_t){.tag = REEF_VALUE_UINT, .natural = bits});
}

static bool read_text(const target_t *target, const cJSON *json)
{
    if (!cJSON_IsString(json)) {
        return refuse(target, "a string");
    }
    if (target->field->secret && strcmp(json->valuestring, REEF__SECRET_TEXT) == 0) {
        if (target->present != NULL) {
            memcpy(target->element, target->present, target->field->size);
        }
        return true;
    }
    return set(target, (reef_value_t){.tag = REEF_VALUE_TEXT,
                                      .text = reef_span_text(json->valuestring)});
}

static bool read_element(const target_t *target, const cJSON *json)
{
    switch (target->field->kind) {
    case REEF_KIND_STRUCT:
        return read_struct(target->field->type, json, target);
    case REEF_KIND_BOOL:
        if (!cJSON_IsBool(json)) {
            return refuse(target, "true or false");
        }
        return set(target, (reef_value_t){.tag = REEF_VALUE_BOOL,
                                          .boolean = cJSON_IsTrue(json)});
    case REEF_KIND_ENTITY:
        if (cJSON_IsNull(json)) {
            return set(target, (reef_value_t){.tag = REEF_VALUE_UINT});
        }
        return read_integer(target, json);
    case REEF_KIND_I64:
    case REEF_KIND_U64:
        return read_integer(target, json);
    case REEF_KIND_F32:
    case REEF_KIND_F64:
        return read_real(target, json);
    case REEF_KIND_MASK:
        return read_mask(target, json);
    case REEF_KIND_ENUM:
        if (cJSON_IsString(json)) {
            return read_text(target, json);
        }
        break;
    case REEF_KIND_STRING:
        return read_text(target, json);
    default:
        break;
    }
    if (!cJSON_IsNumber(json)) {
        return refuse(target, target->field->kind == REEF_KIND_ENUM ? "one of its names"
                                                                    : "a whole number");
    }
    return set(target,
               (reef_value_t){.tag = REEF_VALUE_FLOAT, .real = json->valuedouble});
}

static size_t element_count(const reef_field_t *field)
{
    return field->array_count == 0 ? 1 : field->array_count;
}

static bool read_array(const target_t *target, const cJSON *json)
{
    const reef_field_t *field = target->field;
    bool accepted = true;
    size_t i = 0;
    const cJSON *item;

    if (!cJSON_IsArray(json) || cJSON_GetArraySize(json) != (int)field->array_count) {
        reef__field_errors_add(target->errors, target->pointer,
                               "%s: an array of %u is wanted", field->name,
                               field->array_count);
        return false;
    }
    cJSON_ArrayForEach(item, json)
    {
        char pointer[REEF__POINTER_SIZE], index[24];
        target_t element = *target;

        snprintf(pointer, sizeof(pointer), "%s", target->pointer);
        snprintf(index, sizeof(index), "%zu", i);
        reef__pointer_append(pointer, index);
        element.pointer = pointer;
        element.element = (uint8_t *)target->element + i * field->size;
        if (target->present != NULL) {
            element.present = (const uint8_t *)target->present + i * field->size;
        }
        accepted = read_element(&element, item) && accepted;
        i++;
    }
    return accepted;
}

/* A protected field keeps its value; giving that same value is no attempt to change
 * it, so that what was read can be written back. */
static bool read_field(const target_t *target, const cJSON *json)
{
    const reef_field_t *field = target->field;
    size_t size = element_count(field) * field->size;
    uint8_t *kept;
    bool accepted;

    if (!field->read_only) {
        return field->array_count > 0 ? read_array(target, json)
                                      : read_element(target, json);
    }
    kept = malloc(size);
    if (kept == NULL) {
        abort();
    }
    memcpy(kept, target->element, size);
    accepted =
        field->array_count > 0 ? read_array(target, json) : read_element(target, json);
    if (accepted && memcmp(kept, target->element, size) != 0) {
        reef__field_errors_add(target->errors, target->pointer, "%s: is read-only",
                               field->name);
        accepted = false;
    }
    memcpy(target->element, kept, size);
    free(kept);
    return accepted;
}

static bool
read_struct(const reef_type_t *type, const cJSON *json, const target_t *target)
{
    bool accepted = true;
    const cJSON *member;

    if (!cJSON_IsObject(json)) {
        reef__field_errors_add(target->errors, target->pointer,
                               "%s: an object is wanted", type->name);
        return false;
    }
    cJSON_ArrayForEach(member, json)
    {
        char pointer[REEF__POINTER_SIZE];
        const reef_field_t *field =
            reef_type_find_field(type, reef_span_text(member->string));

        snprintf(pointer, sizeof(pointer), "%s", target->pointer);
        reef__pointer_append(pointer, member->string);
        if (field == NULL) {
            reef__field_errors_add(target->errors, pointer, "%s has no field '%.64s'",
                                   type->name, member->string);
            accepted = false;
            continue;
        }
        accepted =
            read_field(&(target_t){.field = field,
                                   .element = reef_field_at(field, target->element, 0),
                                   .present = target->present == NULL
                                                  ? NULL
                                                  : reef_field_at_const(
                                                        field, target->present, 0),
                                   .pointer = pointer,
                                   .errors = target->errors},
                       member) &&
            accepted;
    }
    return accepted;
}

/* Read-only fields of nested structs are protected too. */
static void keep_protected(const reef_type_t *type, const void *present, void *value)
{
    for (uint32_t i = 0; i < type->field_count; i++) {
        const reef_field_t *field = &type->fields[i];

        for (uint32_t k = 0; k < element_count(field); k++) {
            void *element = reef_field_at(field, value, k);
            const void *old = reef_field_at_const(field, present, k);

            if (field->read_only) {
                memcpy(element, old, field->size);
            } else if (field->kind == REEF_KIND_STRUCT) {
                keep_protected(field->type, old, element);
            }
        }
    }
}

bool reef__value_from_json(const reef_type_t *type,
                           const void *present,
                           const cJSON *json,
                           void *value,
                           const char *pointer,
                           reef__field_errors_t *errors)
{
    if (reef__type_is_read_only(type)) {
        reef__field_errors_add(errors, pointer, "%s: is read-only", type->name);
        return false;
    }
    if (type->size == 0) {
        if (!cJSON_IsTrue(json) &&
            !(cJSON_IsObject(json) && cJSON_GetArraySize(json) == 0)) {
            reef__field_errors_add(errors, pointer, "%s: a tag is true", type->name);
            return false;
        }
        return true;
    }
    reef_type_init(type, value);
    if (present != NULL) {
        keep_protected(type, present, value);
    }
    return read_struct(type, json,
                       &(target_t){.element = value,
                                   .present = present,
                                   .pointer = pointer,
                                   .errors = errors});
}
