/*
 * The first byte says how the rest, a body, is meant: as a value, a merge patch or a
 * JSON Patch of a component.  What is accepted must be within the limits of its fields
 * and print to a body that is accepted again and means the same; what is refused must
 * say why.
 */
#include "json_fields.h"
#include "json_text.h"
#include "patch.h"

#include <stdlib.h>
#include <string.h>

// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const reef_enum_value_t level_values[] = {{"low", -3}, {"high", 7}};
static const reef_enum_value_t flag_values[] = {{"a", 1}, {"b", 2}, {"ab", 3}};

REEF_COMPONENT(place, 0, REEF_F32(x, .min = -10, .max = 10), REEF_F64(y));
REEF_COMPONENT(target,
               0,
               REEF_BOOL(boolean),
               REEF_I8(i8),
               REEF_I64(i64),
               REEF_U16(u16, .min = 1, .max = 1000, .initial = "5"),
               REEF_U64(u64),
               REEF_F32(f32),
               REEF_F64(f64),
               REEF_ENUM(level, level_values, .initial = "low"),
               REEF_MASK(flags, flag_values),
               REEF_STRING(text, 16),
               REEF_ENTITY(entity),
               REEF_STRUCT(place, place),
               REEF_ARRAY(weights, U8, 3),
               REEF_TEXT(story, 16, .initial = "once"),
               REEF_TEXT_ARRAY(lines, 8, 2),
               REEF_STRUCT_ARRAY(places, place, 2),
               REEF_MASK_ARRAY(masks, flag_values, 2),
               REEF_TEXT(rock, 8, .read_only = true, .initial = "rock"),
               REEF_TEXT(password, 8, .secret = true, .initial = "1234"),
               REEF_U32(fixed, .read_only = true, .initial = "9"));

static void check(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* The value that the body makes of @p present; NULL when the patch is refused. */
static cJSON *wanted(uint8_t how, const target_t *present, const cJSON *body)
{
    reef__field_errors_t errors = {0};
    cJSON *json = reef__value_to_json(&target_type, present);

    if (how % 3 == 1) {
        return reef__patch_merge(json, body);
    }
    if (how % 3 == 2 && reef__patch_apply(&json, body, &errors) == REEF__PATCH_DONE) {
        return json;
    }
    cJSON_Delete(json);
    if (how % 3 == 2) {
        check(errors.count > 0);
        return NULL;
    }
    return cJSON_Duplicate(body, true);
}

static void try_value(const target_t *present, const cJSON *json)
{
    reef__field_errors_t errors = {0};
    target_t value, again;
    cJSON *printed;

    if (!reef__value_from_json(&target_type, present, json, &value, "", &errors)) {
        check(errors.count > 0 && errors.items[0].detail[0] != '\0');
        return;
    }
    check(errors.count == 0);
    check(value.u16 >= 1 && value.u16 <= 1000 && value.fixed == present->fixed);
    check(memchr(value.text, '\0', sizeof(value.text)) != NULL);
    check(value.story.size <= 16 && strcmp(value.rock.data, "rock") == 0);
    printed = reef__value_to_json(&target_type, &value);
    /* With itself as the present one, of which a masked secret is kept. */
    check(reef__value_from_json(&target_type, &value, printed, &again, "", &errors));
    check(reef_type_hash(&target_type, &value, 0) ==
          reef_type_hash(&target_type, &again, 0));
    cJSON_Delete(printed);
    reef_type_drop(&target_type, &value);
    reef_type_drop(&target_type, &again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    target_t present;
    cJSON *body, *json;
    char *text;

    if (size == 0) {
        return 0;
    }
    text = malloc(size);
    check(text != NULL);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    reef_type_init(&target_type, &present);
    if (reef__json_parse(reef_span(text, size - 1), &body, NULL) == REEF_OK) {
        json = wanted(data[0], &present, body);
        if (json != NULL) {
            try_value(&present, json);
        }
        cJSON_Delete(json);
        cJSON_Delete(body);
    }
    reef_type_drop(&target_type, &present);
    free(text);
    return 0;
}
