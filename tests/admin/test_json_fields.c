#include "json_fields.h"

#include "test.h"

#include <math.h>
#include <stdlib.h>

static const reef_enum_value_t speed_values[] = {{"slow", 1}, {"fast", 5}};
static const reef_enum_value_t side_values[] = {{"left", 1}, {"right", 2}};

REEF_COMPONENT(spot, 0, REEF_F32(x), REEF_F32(y, .read_only = true));
REEF_COMPONENT(thing,
               REEF_PERSISTENT,
               REEF_BOOL(flag),
               REEF_U8(level, .min = 1, .max = 100, .unit = "m", .initial = "7"),
               REEF_I64(i64),
               REEF_U64(u64),
               REEF_F32(f32),
               REEF_F64(f64),
               REEF_ENUM(speed, speed_values, .initial = "slow"),
               REEF_MASK(sides, side_values),
               REEF_STRING(title, 8),
               REEF_STRING(secret, 8, .secret = true),
               REEF_ENTITY(target),
               REEF_STRUCT(place, spot),
               REEF_ARRAY(weights, U16, 2),
               REEF_U32(fixed, .read_only = true, .initial = "3"));
REEF_COMPONENT(book,
               0,
               REEF_TEXT(title, 8, .initial = "none"),
               REEF_TEXT_ARRAY(lines, 16, 2),
               REEF_STRUCT_ARRAY(spots, spot, 2),
               REEF_ENUM_ARRAY(speeds, speed_values, 2, .initial = "slow"),
               REEF_MASK_ARRAY(sides, side_values, 2),
               REEF_STRING_ARRAY(names, 8, 2),
               REEF_ARRAY(targets, ENTITY, 2));
REEF_COMPONENT(locked, REEF_READ_ONLY, REEF_U8(value));
REEF_TAG(mark, 0);

static const char *const canonical =
    "{\"flag\":true,\"level\":7,\"i64\":\"-9223372036854775808\","
    "\"u64\":\"18446744073709551615\",\"f32\":0.1,\"f64\":\"NaN\",\"speed\":\"fast\","
    "\"sides\":[\"left\",\"right\"],\"title\":\"hi\",\"secret\":\"***\","
    "\"target\":null,\"place\":{\"x\":\"-Infinity\",\"y\":2},\"weights\":[1,65535],"
    "\"fixed\":3}";

static thing_t sample(void)
{
    return (thing_t){.flag = true,
                     .level = 7,
                     .i64 = INT64_MIN,
                     .u64 = UINT64_MAX,
                     .f32 = 0.1f,
                     .f64 = (double)NAN,
                     .speed = 5,
                     .sides = 3,
                     .title = "hi",
                     .secret = "x",
                     .place = {.x = -INFINITY, .y = 2},
                     .weights = {1, 65535},
                     .fixed = 3};
}

static bool read(const char *text,
                 const thing_t *present,
                 thing_t *value,
                 reef__field_errors_t *errors)
{
    cJSON *json = cJSON_Parse(text);
    bool accepted;

    assert_non_null(json);
    *errors = (reef__field_errors_t){0};
    memset(value, 0, sizeof(*value));
    accepted = reef__value_from_json(&thing_type, present, json, value, "", errors);
    assert_int_equal(accepted, errors->count == 0);
    cJSON_Delete(json);
    return accepted;
}

/* The pointer of the only error. */
static const char *refused(const char *text)
{
    static reef__field_errors_t errors;
    thing_t present = sample(), value;

    assert_false(read(text, &present, &value, &errors));
    assert_int_equal(errors.count, 1);
    return errors.items[0].pointer;
}

static void test_json_fields_prints_every_kind(void **state)
{
    thing_t value = sample();
    cJSON *json = reef__value_to_json(&thing_type, &value);
    char *text = reef__json_print(json);

    (void)state;
    assert_string_equal(text, canonical);
    free(text);
    cJSON_Delete(json);
}

static void test_json_fields_reads_back_what_it_prints(void **state)
{
    thing_t present = sample(), value;
    reef__field_errors_t errors;

    (void)state;
    assert_true(read(canonical, &present, &value, &errors));
    assert_true(reef_type_hash(&thing_type, &present, 0) ==
                reef_type_hash(&thing_type, &value, 0));
}

static void test_json_fields_gives_initial_values_to_what_is_left_out(void **state)
{
    thing_t present = sample(), value;
    reef__field_errors_t errors;

    (void)state;
    present.fixed = 9;
    assert_true(read("{\"flag\":true}", &present, &value, &errors));
    assert_true(value.flag);
    assert_int_equal(value.level, 7);
    assert_int_equal(value.speed, 1);
    assert_int_equal(value.u64, 0);
    assert_int_equal(value.fixed, 9);
    assert_true(value.place.y == 2);
}

static void test_json_fields_refuses_with_a_pointer(void **state)
{
    (void)state;
    assert_string_equal(refused("{\"level\":0}"), "/level");
    assert_string_equal(refused("{\"level\":101}"), "/level");
    assert_string_equal(refused("{\"level\":1.5}"), "/level");
    assert_string_equal(refused("{\"level\":\"1\"}"), "/level");
    assert_string_equal(refused("{\"flag\":1}"), "/flag");
    assert_string_equal(refused("{\"u64\":\"-1\"}"), "/u64");
    assert_string_equal(refused("{\"u64\":\"18446744073709551616\"}"), "/u64");
    assert_string_equal(refused("{\"u64\":\" 1\"}"), "/u64");
    assert_string_equal(refused("{\"i64\":9007199254740994}"), "/i64");
    assert_string_equal(refused("{\"f32\":1e39}"), "/f32");
    assert_string_equal(refused("{\"f64\":\"nan\"}"), "/f64");
    assert_string_equal(refused("{\"speed\":\"warp\"}"), "/speed");
    assert_string_equal(refused("{\"sides\":[\"up\"]}"), "/sides");
    assert_string_equal(refused("{\"sides\":3}"), "/sides");
    assert_string_equal(refused("{\"title\":\"too long\"}"), "/title");
    assert_string_equal(refused("{\"title\":null}"), "/title");
    assert_string_equal(refused("{\"place\":{\"x\":true}}"), "/place/x");
    assert_string_equal(refused("{\"place\":[]}"), "/place");
    assert_string_equal(refused("{\"weights\":[1]}"), "/weights");
    assert_string_equal(refused("{\"weights\":[1,-1]}"), "/weights/1");
    assert_string_equal(refused("{\"nothing\":1}"), "/nothing");
    assert_string_equal(refused("{\"a/b\":1}"), "/a~1b");
    assert_string_equal(refused("[]"), "");
    assert_string_equal(refused("\"x\""), "");
}

static void test_json_fields_reports_every_wrong_field(void **state)
{
    reef__field_errors_t errors;
    thing_t value;

    (void)state;
    assert_false(read("{\"flag\":0,\"level\":0,\"x\":0}", NULL, &value, &errors));
    assert_int_equal(errors.count, 3);
}

static void test_json_fields_keeps_read_only_fields(void **state)
{
    reef__field_errors_t errors;
    thing_t present = sample(), value;

    (void)state;
    assert_string_equal(refused("{\"fixed\":4}"), "/fixed");
    assert_string_equal(refused("{\"place\":{\"y\":3}}"), "/place/y");
    assert_true(read("{\"fixed\":3,\"place\":{\"y\":2}}", &present, &value, &errors));
    assert_int_equal(value.fixed, 3);
}

static void test_json_fields_keeps_a_secret_that_is_masked(void **state)
{
    reef__field_errors_t errors;
    thing_t present = sample(), value;

    (void)state;
    assert_true(read("{\"secret\":\"***\"}", &present, &value, &errors));
    assert_string_equal(value.secret, "x");
    assert_true(read("{\"secret\":\"new\"}", &present, &value, &errors));
    assert_string_equal(value.secret, "new");
}

static void test_json_fields_refuses_read_only_types(void **state)
{
    reef__field_errors_t errors = {0};
    cJSON *json = cJSON_Parse("{\"value\":1}");
    locked_t value = {0};

    (void)state;
    assert_true(reef__type_is_read_only(&locked_type));
    assert_false(reef__value_from_json(&locked_type, &value, json, &value,
                                       "/components", &errors));
    assert_string_equal(errors.items[0].pointer, "/components");
    cJSON_Delete(json);
}

static void test_json_fields_shows_a_tag_as_true(void **state)
{
    reef__field_errors_t errors = {0};
    cJSON *json = reef__value_to_json(&mark_type, NULL);
    cJSON *other = cJSON_CreateFalse();
    char value;

    (void)state;
    assert_true(cJSON_IsTrue(json));
    assert_true(reef__value_from_json(&mark_type, NULL, json, &value, "", &errors));
    assert_false(reef__value_from_json(&mark_type, NULL, other, &value, "", &errors));
    cJSON_Delete(json);
    cJSON_Delete(other);
}

static void test_json_fields_prints_and_reads_texts_and_arrays(void **state)
{
    static const char *const text =
        "{\"title\":\"tome\",\"lines\":[\"one\",\"\"],"
        "\"spots\":[{\"x\":1,\"y\":0},{\"x\":2,\"y\":0}],"
        "\"speeds\":[\"fast\",\"slow\"],\"sides\":[[\"left\"],[]],"
        "\"names\":[\"a\",\"b\"],\"targets\":[null,\"7\"]}";
    reef__field_errors_t errors = {0};
    cJSON *json = cJSON_Parse(text), *printed;
    char *again;
    book_t value;

    (void)state;
    assert_true(reef__value_from_json(&book_type, NULL, json, &value, "", &errors));
    assert_string_equal(value.title.data, "tome");
    assert_null(value.lines[1].data);
    printed = reef__value_to_json(&book_type, &value);
    again = reef__json_print(printed);
    assert_string_equal(again, text);
    free(again);
    cJSON_Delete(printed);
    cJSON_Delete(json);
    reef_type_drop(&book_type, &value);
}

static void test_json_fields_only_a_hook_makes_a_type_read_only(void **state)
{
    reef_type_t hooked = book_type;

    (void)state;
    assert_false(reef__type_is_read_only(&book_type));
    hooked.drop = free;
    assert_true(reef__type_is_read_only(&hooked));
}

static void test_json_fields_describes_a_text_with_its_limit(void **state)
{
    cJSON *json = reef__type_to_json(&book_type);
    const cJSON *lines = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "fields"), 1);

    (void)state;
    assert_string_equal(cJSON_GetObjectItem(lines, "type")->valuestring, "text");
    assert_int_equal(cJSON_GetObjectItem(lines, "max_size")->valueint, 16);
    assert_int_equal(cJSON_GetObjectItem(lines, "count")->valueint, 2);
    cJSON_Delete(json);
}

static void test_json_fields_mends_text_that_is_no_utf8(void **state)
{
    cJSON *json = reef__json_text(reef_span("a\xff\xc3\xa9\xed\xa0\x80z", 8));

    (void)state;
    assert_string_equal(json->valuestring,
                        "a\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
                        "z");
    cJSON_Delete(json);
}

static void test_json_fields_describes_a_type(void **state)
{
    cJSON *json = reef__type_to_json(&thing_type);
    const cJSON *level = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "fields"), 1);
    const cJSON *place = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "fields"), 11);

    (void)state;
    assert_true(cJSON_IsTrue(cJSON_GetObjectItem(json, "persistent")));
    assert_int_equal(cJSON_GetObjectItem(level, "max")->valueint, 100);
    assert_string_equal(cJSON_GetObjectItem(level, "unit")->valuestring, "m");
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(place, "fields")), 2);
    cJSON_Delete(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_fields_prints_every_kind),
        cmocka_unit_test(test_json_fields_reads_back_what_it_prints),
        cmocka_unit_test(test_json_fields_gives_initial_values_to_what_is_left_out),
        cmocka_unit_test(test_json_fields_refuses_with_a_pointer),
        cmocka_unit_test(test_json_fields_reports_every_wrong_field),
        cmocka_unit_test(test_json_fields_keeps_read_only_fields),
        cmocka_unit_test(test_json_fields_keeps_a_secret_that_is_masked),
        cmocka_unit_test(test_json_fields_refuses_read_only_types),
        cmocka_unit_test(test_json_fields_shows_a_tag_as_true),
        cmocka_unit_test(test_json_fields_prints_and_reads_texts_and_arrays),
        cmocka_unit_test(test_json_fields_only_a_hook_makes_a_type_read_only),
        cmocka_unit_test(test_json_fields_describes_a_text_with_its_limit),
        cmocka_unit_test(test_json_fields_mends_text_that_is_no_utf8),
        cmocka_unit_test(test_json_fields_describes_a_type),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
