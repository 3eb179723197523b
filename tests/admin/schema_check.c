/*
 * Knows $ref, allOf, type, enum, properties, required, additionalProperties, items,
 * pattern and minimum; any other word of a schema is an error, so that none is silently
 * skipped.
 */
#include "schema_check.h"

#include "openapi.h"

#include <regex.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

typedef struct check {
    const cJSON *document;
    char at[128]; /* pointer into the reply */
    char *wrong;
} check_t;

static void check_value(check_t *check, const cJSON *schema, const cJSON *value);

static void fail(check_t *check, const char *what, const char *name)
{
    if (check->wrong[0] == '\0') {
        snprintf(check->wrong, 256, "%s: %s %s", check->at, what, name);
    }
}

/* "#/components/schemas/Row" */
static const cJSON *resolve(const check_t *check, const char *reference)
{
    const cJSON *at = check->document;
    char part[64];

    for (reference += strspn(reference, "#/"); at != NULL && *reference != '\0';) {
        size_t size = strcspn(reference, "/");

        snprintf(part, sizeof(part), "%.*s", (int)size, reference);
        at = cJSON_GetObjectItemCaseSensitive(at, part);
        reference += size + (reference[size] == '/');
    }
    return at;
}

static bool is_type(const cJSON *value, const char *type)
{
    return (strcmp(type, "object") == 0 && cJSON_IsObject(value)) ||
           (strcmp(type, "array") == 0 && cJSON_IsArray(value)) ||
           (strcmp(type, "string") == 0 && cJSON_IsString(value)) ||
           (strcmp(type, "boolean") == 0 && cJSON_IsBool(value)) ||
           (strcmp(type, "null") == 0 && cJSON_IsNull(value)) ||
           (strcmp(type, "number") == 0 && cJSON_IsNumber(value)) ||
           (strcmp(type, "integer") == 0 && cJSON_IsNumber(value) &&
            value->valuedouble == (double)(long long)value->valuedouble);
}

static void check_type(check_t *check, const cJSON *types, const cJSON *value)
{
    const cJSON *type;

    if (cJSON_IsString(types)) {
        if (!is_type(value, types->valuestring)) {
            fail(check, "is not of type", types->valuestring);
        }
        return;
    }
    cJSON_ArrayForEach(type, types)
    {
        if (is_type(value, type->valuestring)) {
            return;
        }
    }
    fail(check, "is of none of the types", "");
}

static void check_pattern(check_t *check, const char *pattern, const cJSON *value)
{
    regex_t regex;

    if (!cJSON_IsString(value)) {
        return;
    }
    if (regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) != 0) {
        fail(check, "has the bad pattern", pattern);
        return;
    }
    if (regexec(&regex, value->valuestring, 0, NULL, 0) != 0) {
        fail(check, "does not match", pattern);
    }
    regfree(&regex);
}

static void
check_part(check_t *check, const cJSON *schema, const cJSON *value, const char *name)
{
    size_t used = strlen(check->at);

    snprintf(check->at + used, sizeof(check->at) - used, "/%s", name);
    check_value(check, schema, value);
    check->at[used] = '\0';
}

static void check_properties(check_t *check, const cJSON *schema, const cJSON *value)
{
    const cJSON *properties = cJSON_GetObjectItemCaseSensitive(schema, "properties");
    const cJSON *closed =
        cJSON_GetObjectItemCaseSensitive(schema, "additionalProperties");
    const cJSON *members = cJSON_IsObject(value) ? value : NULL;
    const cJSON *member;

    cJSON_ArrayForEach(member, members)
    {
        const cJSON *known =
            cJSON_GetObjectItemCaseSensitive(properties, member->string);

        if (known != NULL) {
            check_part(check, known, member, member->string);
        } else if (cJSON_IsFalse(closed)) {
            fail(check, "is not described:", member->string);
        } else if (cJSON_IsObject(closed)) {
            check_part(check, closed, member, member->string);
        }
    }
}

static void check_word(check_t *check, const cJSON *word, const cJSON *value)
{
    const cJSON *elements = cJSON_IsArray(value) ? value : NULL;
    const cJSON *item;
    bool found = false;

    if (strcmp(word->string, "$ref") == 0) {
        check_value(check, resolve(check, word->valuestring), value);
    } else if (strcmp(word->string, "allOf") == 0) {
        cJSON_ArrayForEach(item, word)
        {
            check_value(check, item, value);
        }
    } else if (strcmp(word->string, "type") == 0) {
        check_type(check, word, value);
    } else if (strcmp(word->string, "enum") == 0) {
        cJSON_ArrayForEach(item, word)
        {
            found |= cJSON_Compare(item, value, true);
        }
        if (!found) {
            fail(check, "is none of", word->string);
        }
    } else if (strcmp(word->string, "required") == 0) {
        cJSON_ArrayForEach(item, word)
        {
            if (!cJSON_HasObjectItem(value, item->valuestring)) {
                fail(check, "has no", item->valuestring);
            }
        }
    } else if (strcmp(word->string, "items") == 0) {
        cJSON_ArrayForEach(item, elements)
        {
            check_part(check, word, item, "*");
        }
    } else if (strcmp(word->string, "pattern") == 0) {
        check_pattern(check, word->valuestring, value);
    } else if (strcmp(word->string, "minimum") == 0) {
        if (cJSON_IsNumber(value) && value->valuedouble < word->valuedouble) {
            fail(check, "is below the", word->string);
        }
    } else if (strcmp(word->string, "description") != 0 &&
               strcmp(word->string, "format") != 0 &&
               strcmp(word->string, "properties") != 0 &&
               strcmp(word->string, "additionalProperties") != 0) {
        fail(check, "is described by the unknown word", word->string);
    }
}

static void check_value(check_t *check, const cJSON *schema, const cJSON *value)
{
    const cJSON *word;

    if (schema == NULL) {
        fail(check, "has no", "schema");
        return;
    }
    cJSON_ArrayForEach(word, schema)
    {
        check_word(check, word, value);
    }
    check_properties(check, schema, value);
}

void schema_check_reply(const char *path, int status, const char *body, char wrong[256])
{
    static const char *const steps[] = {"get",     "responses",        "200",
                                        "content", "application/json", "schema"};
    check_t check = {.document = cJSON_Parse(reef__openapi), .wrong = wrong};
    const cJSON *schema = cJSON_GetObjectItemCaseSensitive(
        cJSON_GetObjectItemCaseSensitive(check.document, "paths"), path);
    cJSON *value = cJSON_Parse(body);

    wrong[0] = '\0';
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        schema = cJSON_GetObjectItemCaseSensitive(schema, steps[i]);
    }
    if (status != 200) {
        schema = resolve(&check, "#/components/schemas/Problem");
    }
    if (value == NULL) {
        fail(&check, "is no", "JSON");
    } else {
        check_value(&check, schema, value);
    }
    cJSON_Delete(value);
    cJSON_Delete((cJSON *)check.document);
}
