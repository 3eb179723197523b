/*
 * A path is read from left to right, one step per turn; each turn goes one struct
 * deeper in the description, so a path can neither recurse nor run longer than its
 * own bytes.
 */
#include <reef/reflect_path.h>

#include "reflect.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    PATH_SHOWN_SIZE = 96, /* of the path, in a failure */
    STEP_SHOWN_SIZE = 40,
    MAX_DIGITS = 9, /* no array has more elements */
};

/* A path on its way through the types. */
typedef struct walk {
    reef_span_t path, rest;
    const reef_type_t *type;
    reef_place_t place;
    reef_error_t error;
    reef_failure_t *failure;
} walk_t;

/* Note what is wrong with the path; always false. */
REEF_PRINTF(3, 4)
static bool fail(walk_t *walk, reef_error_t error, const char *format, ...)
{
    char shown[PATH_SHOWN_SIZE];
    char what[REEF_FAILURE_TEXT_SIZE];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    reef__text_show(walk->path, shown, sizeof(shown));
    walk->error = reef_fail(walk->failure, error, "'%s': %s", shown, what);
    return false;
}

static bool fail_unknown(walk_t *walk, reef_span_t name)
{
    char shown[STEP_SHOWN_SIZE];
    char names[REEF__NAMES_SIZE] = "";

    reef__text_show(name, shown, sizeof(shown));
    for (uint32_t i = 0; i < walk->type->field_count; i++) {
        if (!reef__names_append(names, walk->type->fields[i].name)) {
            break;
        }
    }
    return fail(walk, REEF_E_NOT_FOUND, "%s has no field '%s', it has %s",
                walk->type->name, shown, names[0] == '\0' ? "none" : names);
}

/* The field that the next step names. */
static bool take_name(walk_t *walk)
{
    size_t size = 0;
    reef_span_t name;

    while (size < walk->rest.size && walk->rest.data[size] != '.' &&
           walk->rest.data[size] != '[') {
        size++;
    }
    if (size == 0) {
        return fail(walk, REEF_E_INVALID, "the name of a field is missing");
    }
    name = reef_span(walk->rest.data, size);
    walk->rest = reef_span_skip(walk->rest, size);
    walk->place.field = reef_type_find_field(walk->type, name);
    return walk->place.field != NULL || fail_unknown(walk, name);
}

/* The digits between the brackets; false when there is anything else. */
static bool take_number(walk_t *walk, uint64_t *number)
{
    size_t digits = 0;

    walk->rest = reef_span_skip(walk->rest, 1);
    for (*number = 0; digits < walk->rest.size; digits++) {
        uint8_t digit = walk->rest.data[digits];

        if (digit < '0' || digit > '9') {
            break;
        }
        /* Too many are a number that is too large, which the caller finds out. */
        *number = digits < MAX_DIGITS ? *number * 10 + (digit - '0') : UINT32_MAX;
    }
    if (digits == 0 || (digits > 1 && walk->rest.data[0] == '0') ||
        digits == walk->rest.size || walk->rest.data[digits] != ']') {
        return false;
    }
    walk->rest = reef_span_skip(walk->rest, digits + 1);
    return true;
}

static bool take_index(walk_t *walk)
{
    const reef_field_t *field = walk->place.field;
    bool given = walk->rest.size > 0 && walk->rest.data[0] == '[';
    uint64_t index = 0;

    if (field->array_count == 0) {
        return !given || fail(walk, REEF_E_INVALID, "'%s' is no array", field->name);
    }
    if (!given) {
        return fail(walk, REEF_E_INVALID,
                    "'%s' is an array of %" PRIu32 ", an index is missing", field->name,
                    field->array_count);
    }
    if (!take_number(walk, &index)) {
        return fail(walk, REEF_E_INVALID, "the index of '%s' is no number in brackets",
                    field->name);
    }
    if (index >= field->array_count) {
        return fail(walk, REEF_E_RANGE,
                    "the index of '%s' is out of range, it has %" PRIu32
                    " elements, the first is 0",
                    field->name, field->array_count);
    }
    walk->place.index = (uint32_t)index;
    return true;
}

/* One step: to a field and its element. */
static bool take_step(walk_t *walk)
{
    const reef_field_t *field;

    walk->place.index = 0;
    if (!take_name(walk) || !take_index(walk)) {
        return false;
    }
    field = walk->place.field;
    walk->place.offset += field->offset + walk->place.index * field->size;
    walk->place.read_only = walk->place.read_only || field->read_only;
    walk->place.secret = walk->place.secret || field->secret;
    return true;
}

/* Into the struct that the last step led to. */
static bool take_dot(walk_t *walk)
{
    const reef_field_t *field = walk->place.field;

    if (walk->rest.data[0] != '.') {
        return fail(walk, REEF_E_INVALID, "behind '%s' a '.' is wanted", field->name);
    }
    if (field->kind != REEF_KIND_STRUCT) {
        return fail(walk, REEF_E_INVALID, "'%s' is no struct, it has no fields",
                    field->name);
    }
    walk->rest = reef_span_skip(walk->rest, 1);
    walk->type = field->type;
    return true;
}

/* All steps; false with the error set. */
static bool take_path(walk_t *walk)
{
    if (walk->path.size > REEF_MAX_PATH) {
        return fail(walk, REEF_E_INVALID, "a path has at most %d bytes", REEF_MAX_PATH);
    }
    walk->rest = walk->path;
    walk->place.read_only = (walk->type->flags & REEF_READ_ONLY) != 0;
    if (!take_step(walk)) {
        return false;
    }
    while (walk->rest.size > 0) {
        if (!take_dot(walk) || !take_step(walk)) {
            return false;
        }
    }
    return true;
}

reef_error_t reef_path_resolve(const reef_type_t *type,
                               reef_span_t path,
                               reef_place_t *place,
                               reef_failure_t *failure)
{
    walk_t walk = {.path = path, .type = type, .failure = failure};

    if (!take_path(&walk)) {
        return walk.error;
    }
    *place = walk.place;
    return REEF_OK;
}

/* Values ----------------------------------------------------------------------- */

/* A copy of the field at the end of a path. */
typedef struct found {
    reef_field_t field; /* its name, which failures show, is the path */
    char shown[PATH_SHOWN_SIZE];
} found_t;

/* To a field that has a value; false with the error set. */
static bool find_value(walk_t *walk, found_t *found)
{
    if (!take_path(walk)) {
        return false;
    }
    if (walk->place.field->kind == REEF_KIND_STRUCT) {
        return fail(walk, REEF_E_INVALID,
                    "a nested struct has no value, its fields have");
    }
    reef__text_show(walk->path, found->shown, sizeof(found->shown));
    found->field = *walk->place.field;
    found->field.name = found->shown;
    return true;
}

reef_error_t reef_path_get(const reef_type_t *type,
                           const void *value,
                           reef_span_t path,
                           reef_value_t *out,
                           reef_failure_t *failure)
{
    walk_t walk = {.path = path, .type = type, .failure = failure};
    found_t found;

    if (!find_value(&walk, &found)) {
        return walk.error;
    }
    *out = reef_field_get(&found.field, reef_place_at_const(&walk.place, value));
    return REEF_OK;
}

reef_error_t reef_path_set(const reef_type_t *type,
                           void *value,
                           reef_span_t path,
                           reef_value_t given,
                           reef_failure_t *failure)
{
    walk_t walk = {.path = path, .type = type, .failure = failure};
    found_t found;

    if (!find_value(&walk, &found)) {
        return walk.error;
    }
    return reef_field_set(&found.field, reef_place_at(&walk.place, value), given,
                          failure);
}

reef_error_t reef_path_parse(const reef_type_t *type,
                             void *value,
                             reef_span_t path,
                             reef_span_t text,
                             reef_failure_t *failure)
{
    walk_t walk = {.path = path, .type = type, .failure = failure};
    found_t found;

    if (!find_value(&walk, &found)) {
        return walk.error;
    }
    return reef_field_parse(&found.field, reef_place_at(&walk.place, value), text,
                            failure);
}
