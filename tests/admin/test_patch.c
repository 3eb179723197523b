#include "patch.h"

#include "test.h"

#include <stdio.h>
#include <stdlib.h>

/* Apply and print; "refused" or "stale" when it is not done. */
static void expect(const char *target, const char *patch, const char *result)
{
    cJSON *json = cJSON_Parse(target);
    cJSON *operations = cJSON_Parse(patch);
    reef__field_errors_t errors = {0};
    char *text;

    assert_non_null(json);
    assert_non_null(operations);
    switch (reef__patch_apply(&json, operations, &errors)) {
    case REEF__PATCH_DONE:
        text = reef__json_print(json);
        assert_string_equal(text, result);
        assert_int_equal(errors.count, 0);
        free(text);
        break;
    case REEF__PATCH_REFUSED:
        assert_string_equal("refused", result);
        assert_int_equal(errors.count, 1);
        break;
    case REEF__PATCH_TEST_FAILED:
        assert_string_equal("stale", result);
        assert_int_equal(errors.count, 1);
        break;
    }
    cJSON_Delete(json);
    cJSON_Delete(operations);
}

static void expect_merge(const char *target, const char *patch, const char *result)
{
    cJSON *change = cJSON_Parse(patch);
    cJSON *json = reef__patch_merge(cJSON_Parse(target), change);
    char *text = reef__json_print(json);

    assert_string_equal(text, result);
    free(text);
    cJSON_Delete(json);
    cJSON_Delete(change);
}

static void test_patch_replaces_adds_and_removes(void **state)
{
    (void)state;
    expect("{\"a\":1}", "[{\"op\":\"replace\",\"path\":\"/a\",\"value\":2}]",
           "{\"a\":2}");
    expect("{\"a\":1}", "[{\"op\":\"add\",\"path\":\"/b\",\"value\":[]}]",
           "{\"a\":1,\"b\":[]}");
    expect("{\"a\":1}", "[{\"op\":\"add\",\"path\":\"/a\",\"value\":3}]", "{\"a\":3}");
    expect("{\"a\":1,\"b\":2}", "[{\"op\":\"remove\",\"path\":\"/a\"}]", "{\"b\":2}");
    expect("{\"a\":1}", "[{\"op\":\"replace\",\"path\":\"\",\"value\":true}]", "true");
    expect("{}", "[]", "{}");
}

static void test_patch_reaches_into_arrays(void **state)
{
    (void)state;
    expect("[1,2,3]", "[{\"op\":\"replace\",\"path\":\"/1\",\"value\":9}]", "[1,9,3]");
    expect("[1,2]", "[{\"op\":\"add\",\"path\":\"/0\",\"value\":9}]", "[9,1,2]");
    expect("[1,2]", "[{\"op\":\"add\",\"path\":\"/-\",\"value\":9}]", "[1,2,9]");
    expect("[1,2]", "[{\"op\":\"remove\",\"path\":\"/0\"}]", "[2]");
    expect("[1]", "[{\"op\":\"replace\",\"path\":\"/-\",\"value\":9}]", "refused");
    expect("[1]", "[{\"op\":\"add\",\"path\":\"/2\",\"value\":9}]", "refused");
    expect("[1]", "[{\"op\":\"replace\",\"path\":\"/00\",\"value\":9}]", "refused");
}

static void test_patch_adds_at_every_place_of_an_array(void **state)
{
    (void)state;
    expect("[1,2,3]", "[{\"op\":\"add\",\"path\":\"/0\",\"value\":9}]", "[9,1,2,3]");
    expect("[1,2,3]", "[{\"op\":\"add\",\"path\":\"/1\",\"value\":9}]", "[1,9,2,3]");
    expect("[1,2,3]", "[{\"op\":\"add\",\"path\":\"/2\",\"value\":9}]", "[1,2,9,3]");
    expect("[1,2,3]", "[{\"op\":\"add\",\"path\":\"/3\",\"value\":9}]", "[1,2,3,9]");
    expect("[1]",
           "[{\"op\":\"add\",\"path\":\"/0\",\"value\":9},"
           "{\"op\":\"add\",\"path\":\"/-\",\"value\":8},"
           "{\"op\":\"remove\",\"path\":\"/1\"}]",
           "[9,8]");
}

static void test_patch_unescapes_pointers(void **state)
{
    (void)state;
    expect("{\"a/b\":1}", "[{\"op\":\"replace\",\"path\":\"/a~1b\",\"value\":2}]",
           "{\"a/b\":2}");
    expect("{\"~1\":1}", "[{\"op\":\"replace\",\"path\":\"/~01\",\"value\":2}]",
           "{\"~1\":2}");
    expect("{\"~\":1}", "[{\"op\":\"remove\",\"path\":\"/~\"}]", "refused");
    expect("{\"a\":1}", "[{\"op\":\"remove\",\"path\":\"a\"}]", "refused");
}

static void test_patch_test_stops_at_another_value(void **state)
{
    (void)state;
    expect("{\"a\":1}",
           "[{\"op\":\"test\",\"path\":\"/a\",\"value\":1},"
           "{\"op\":\"replace\",\"path\":\"/a\",\"value\":2}]",
           "{\"a\":2}");
    expect("{\"a\":1}",
           "[{\"op\":\"test\",\"path\":\"/a\",\"value\":2},"
           "{\"op\":\"replace\",\"path\":\"/a\",\"value\":2}]",
           "stale");
    expect("{\"a\":\"1\"}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":1}]", "stale");
}

static void test_patch_refuses_what_it_does_not_know(void **state)
{
    static const char *const bad[] = {
        "{}",
        "[1]",
        "[{}]",
        "[{\"op\":\"replace\",\"path\":\"/a\"}]",
        "[{\"op\":\"replace\",\"path\":\"/b\",\"value\":1}]",
        "[{\"op\":\"replace\",\"path\":\"/a/b\",\"value\":1}]",
        "[{\"op\":\"move\",\"path\":\"/a\",\"from\":\"/b\"}]",
        "[{\"op\":\"jump\",\"path\":\"/a\",\"value\":1}]",
        "[{\"op\":\"test\",\"path\":\"/a\",\"value\":1,\"x\":1}]",
        "[{\"op\":\"remove\",\"path\":\"\"}]",
        "[{\"op\":1,\"path\":\"/a\"}]",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        expect("{\"a\":1}", bad[i], "refused");
    }
}

static void test_patch_bounds_operations(void **state)
{
    cJSON *patch = cJSON_CreateArray();
    char *text;

    (void)state;
    for (int i = 0; i <= REEF__MAX_PATCH_OPERATIONS; i++) {
        cJSON_AddItemToArray(patch, cJSON_CreateTrue());
    }
    text = reef__json_print(patch);
    expect("{}", text, "refused");
    free(text);
    cJSON_Delete(patch);
}

/* Comparing both ways at each level would take some 2^29 steps. */
static void test_patch_compares_deep_values_at_once(void **state)
{
    char value[256] = "1", patch[1024], result[300];

    (void)state;
    for (int i = 0; i < 29; i++) {
        char inner[256];

        memcpy(inner, value, sizeof(inner));
        snprintf(value, sizeof(value), "{\"a\":%.200s}", inner);
    }
    snprintf(patch, sizeof(patch),
             "[{\"op\":\"add\",\"path\":\"/x\",\"value\":%s},"
             "{\"op\":\"test\",\"path\":\"/x\",\"value\":%s}]",
             value, value);
    snprintf(result, sizeof(result), "{\"x\":%s}", value);
    expect("{}", patch, result);
}

static void test_patch_test_compares_whole_values(void **state)
{
    static const char *const others[] = {"{\"b\":[1,{\"c\":2}]}",
                                         "{\"b\":[1],\"d\":3}",
                                         "{\"b\":[1,{\"c\":2},4],\"d\":3}",
                                         "{\"b\":[1,{\"c\":2}],\"d\":3,\"e\":0}",
                                         "{\"b\":[1,{\"c\":true}],\"d\":3}",
                                         "[]"};
    char patch[256];

    (void)state;
    expect(
        "{\"a\":{\"b\":[1,{\"c\":2}],\"d\":3}}",
        "[{\"op\":\"test\",\"path\":\"/a\",\"value\":{\"d\":3,\"b\":[1,{\"c\":2}]}}]",
        "{\"a\":{\"b\":[1,{\"c\":2}],\"d\":3}}");
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        snprintf(patch, sizeof(patch),
                 "[{\"op\":\"test\",\"path\":\"/a\",\"value\":%s}]", others[i]);
        expect("{\"a\":{\"b\":[1,{\"c\":2}],\"d\":3}}", patch, "stale");
    }
}

static void test_patch_merges(void **state)
{
    (void)state;
    expect_merge("{\"a\":1,\"b\":2}", "{\"a\":3}", "{\"b\":2,\"a\":3}");
    expect_merge("{\"a\":1,\"b\":2}", "{\"a\":null}", "{\"b\":2}");
    expect_merge("{\"a\":{\"b\":1}}", "{\"a\":{\"c\":2,\"d\":null}}",
                 "{\"a\":{\"b\":1,\"c\":2}}");
    expect_merge("{\"a\":[1]}", "{\"a\":[2,3]}", "{\"a\":[2,3]}");
    expect_merge("{\"a\":1}", "[1]", "[1]");
    expect_merge("1", "{\"a\":{\"b\":null}}", "{\"a\":{}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patch_replaces_adds_and_removes),
        cmocka_unit_test(test_patch_reaches_into_arrays),
        cmocka_unit_test(test_patch_adds_at_every_place_of_an_array),
        cmocka_unit_test(test_patch_unescapes_pointers),
        cmocka_unit_test(test_patch_test_stops_at_another_value),
        cmocka_unit_test(test_patch_refuses_what_it_does_not_know),
        cmocka_unit_test(test_patch_bounds_operations),
        cmocka_unit_test(test_patch_compares_deep_values_at_once),
        cmocka_unit_test(test_patch_test_compares_whole_values),
        cmocka_unit_test(test_patch_merges),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
