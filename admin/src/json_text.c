/*
 * The depth and the number of values are bounded by a scan before the recursive parser
 * sees the text, and what that parser takes beyond RFC 8259 is refused there.  Names
 * are compared pairwise afterwards, which the bound on members keeps cheap.
 */
#include "json_text.h"

#include <math.h>
#include <string.h>

#define DIGITS "0123456789"

/* Size of the number at @p text, or 0; the library would also take 01 and 1. */
static size_t number_size(const char *text)
{
    size_t size = text[0] == '-';
    size_t digits = strspn(text + size, DIGITS);

    if (digits == 0 || (digits > 1 && text[size] == '0')) {
        return 0;
    }
    size += digits;
    if (text[size] == '.') {
        digits = strspn(text + size + 1, DIGITS);
        size += digits + 1;
    }
    if (digits > 0 && (text[size] == 'e' || text[size] == 'E')) {
        size += text[size + 1] == '+' || text[size + 1] == '-' ? 2 : 1;
        digits = strspn(text + size, DIGITS);
        size += digits;
    }
    return digits > 0 ? size : 0;
}

/* Size of the string at the start of @p text, quotes included; 0 when it does not end
 * or holds a control character, which the library would take, or a NUL. */
static size_t string_size(reef_span_t text)
{
    for (size_t i = 1; i < text.size; i++) {
        if (text.data[i] == '"') {
            return i + 1;
        }
        if (text.data[i] < ' ') {
            return 0;
        }
        if (text.data[i] == '\\') {
            if (text.size - i >= 6 && memcmp(text.data + i, "\\u0000", 6) == 0) {
                return 0;
            }
            i++;
        }
    }
    return 0;
}

/* Size of the token at the start of @p text, white space and letters one by one. */
static size_t token_size(reef_span_t text)
{
    uint8_t c = text.data[0];

    if (c == '"') {
        return string_size(text);
    }
    if (c == '-' || (c >= '0' && c <= '9')) {
        return number_size((const char *)text.data);
    }
    return c >= ' ' || c == '\t' || c == '\n' || c == '\r';
}

static reef_error_t scan(reef_span_t text, reef_failure_t *failure)
{
    unsigned depth = 0, values = 1;

    while (text.size > 0) {
        uint8_t c = text.data[0];
        size_t size = token_size(text);

        if (size == 0) {
            return reef_fail(failure, REEF_E_INVALID,
                             "the body holds a malformed number or text, or a control "
                             "character");
        }
        depth += c == '{' || c == '[';
        depth -= (c == '}' || c == ']') && depth > 0;
        values += c == '{' || c == '[' || c == ',';
        if (depth > REEF__JSON_MAX_DEPTH || values > REEF__JSON_MAX_VALUES) {
            return reef_fail(failure, REEF_E_LIMIT,
                             "the body has more than %d levels or %d values",
                             REEF__JSON_MAX_DEPTH, REEF__JSON_MAX_VALUES);
        }
        text = reef_span_skip(text, size);
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
