/*
 * The depth is bounded by a scan before the recursive parser sees the text; names are
 * compared pairwise afterwards, which the bound on members keeps cheap.
 */
#include "json_text.h"

#include <math.h>

static reef_error_t scan(reef_span_t text, reef_failure_t *failure)
{
    unsigned depth = 0;
    bool in_string = false;

    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];

        if (c == '\0') {
            return reef_fail(failure, REEF_E_INVALID, "the body holds a NUL");
        }
        if (in_string && c == '\\') {
            if (text.size - i >= 6 && memcmp(text.data + i, "\\u0000", 6) == 0) {
                return reef_fail(failure, REEF_E_INVALID, "the body holds a NUL");
            }
            i++;
        } else if (c == '"') {
            in_string = !in_string;
        } else if (!in_string && (c == '{' || c == '[')) {
            if (++depth > REEF__JSON_MAX_DEPTH) {
                return reef_fail(failure, REEF_E_LIMIT,
                                 "the body is nested deeper than %d levels",
                                 REEF__JSON_MAX_DEPTH);
            }
        } else if (!in_string && (c == '}' || c == ']') && depth > 0) {
            depth--;
        }
    }
    return REEF_OK;
}

static reef_error_t check_members(const cJSON *object, reef_failure_t *failure)
{
    size_t count = 0;
    const cJSON *item, *other;

    cJSON_ArrayForEach(item, object)
    {
        if (++count > REEF__JSON_MAX_MEMBERS) {
            return reef_fail(failure, REEF_E_LIMIT,
                             "an object has more than %d members",
                             REEF__JSON_MAX_MEMBERS);
        }
        for (other = object->child; other != item; other = other->next) {
            if (strcmp(other->string, item->string) == 0) {
                return reef_fail(failure, REEF_E_INVALID, "\"%.64s\" is given twice",
                                 item->string);
            }
        }
    }
    return REEF_OK;
}

static reef_error_t check_tree(const cJSON *json, reef_failure_t *failure)
{
    const cJSON *item;

    if (cJSON_IsNumber(json) && !isfinite(json->valuedouble)) {
        return reef_fail(failure, REEF_E_INVALID, "a number is too large");
    }
    if (cJSON_IsObject(json)) {
        reef_error_t error = check_members(json, failure);

        if (error != REEF_OK) {
            return error;
        }
    }
    cJSON_ArrayForEach(item, json)
    {
        reef_error_t error = check_tree(item, failure);

        if (error != REEF_OK) {
            return error;
        }
    }
    return REEF_OK;
}

reef_error_t reef__json_parse(reef_span_t text, cJSON **json, reef_failure_t *failure)
{
    reef_error_t error = scan(text, failure);
    cJSON *tree;

    if (error != REEF_OK) {
        return error;
    }
    /* With its NUL, which must follow the value. */
    tree = text.size == 0 ? NULL
                          : cJSON_ParseWithLengthOpts((const char *)text.data,
                                                      text.size + 1, NULL, true);
    if (tree == NULL) {
        return reef_fail(failure, REEF_E_INVALID, "the body is not one JSON value");
    }
    error = check_tree(tree, failure);
    if (error != REEF_OK) {
        cJSON_Delete(tree);
        return error;
    }
    *json = tree;
    return REEF_OK;
}
