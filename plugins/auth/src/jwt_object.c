/*
 * Depth and number of values are bounded by a scan before the recursive parser sees the
 * text.  Names are compared pairwise afterwards, which the bound on values keeps cheap.
 */
#include "jwt_object.h"

#include <reef/text.h>

#include <math.h>

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

/* Size of the token at the start of @p text, letters and digits one by one; 0 for what
 * is none. */
static size_t token_size(reef_span_t text)
{
    uint8_t c = text.data[0];

    if (c == '"') {
        return string_size(text);
    }
    return c >= ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_within_bounds(reef_span_t text)
{
    unsigned depth = 0, values = 1;

    while (text.size > 0) {
        uint8_t c = text.data[0];
        size_t size = token_size(text);

        if (size == 0) {
            return false;
        }
        depth += c == '{' || c == '[';
        depth -= (c == '}' || c == ']') && depth > 0;
        values += c == '{' || c == '[' || c == ',';
        if (depth > REEF__JWT_MAX_DEPTH || values > REEF__JWT_MAX_VALUES) {
            return false;
        }
        text = reef_span_skip(text, size);
    }
    return true;
}

static bool has_name_before(const cJSON *object, const cJSON *member)
{
    const cJSON *other;

    for (other = object->child; other != member; other = other->next) {
        if (strcmp(other->string, member->string) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_tree_good(const cJSON *json)
{
    const cJSON *item;

    if (cJSON_IsNumber(json) && !isfinite(json->valuedouble)) {
        return false;
    }
    cJSON_ArrayForEach(item, json)
    {
        if ((cJSON_IsObject(json) && has_name_before(json, item)) ||
            !is_tree_good(item)) {
            return false;
        }
    }
    return true;
}

cJSON *reef__jwt_object_parse(reef_span_t text)
{
    const char *end = NULL;
    cJSON *tree;

    if (text.size == 0 || !reef_text_is_valid(text) || !is_within_bounds(text)) {
        return NULL;
    }
    tree = cJSON_ParseWithLengthOpts((const char *)text.data, text.size, &end, false);
    if (tree != NULL &&
        (!cJSON_IsObject(tree) || !is_tree_good(tree) ||
         reef_span_trim(
             reef_span(end, (size_t)((const char *)text.data + text.size - end)))
                 .size > 0)) {
        cJSON_Delete(tree);
        tree = NULL;
    }
    return tree;
}
