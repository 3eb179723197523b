#include "problem.h"

#include "test.h"

#include <stdlib.h>

static const char *text_of(const cJSON *json, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name));
}

static void test_problem_is_problem_json(void **state)
{
    reef__reply_t reply = {0};
    cJSON *json;

    (void)state;
    reef__problem(&reply, 404, "there is no \"%s\"", "x");
    assert_int_equal(reply.status, 404);
    assert_string_equal(reply.type, "application/problem+json");
    json = cJSON_Parse(reply.body);
    assert_string_equal(text_of(json, "title"), "Not Found");
    assert_string_equal(text_of(json, "detail"), "there is no \"x\"");
    assert_int_equal(cJSON_GetObjectItem(json, "status")->valueint, 404);
    cJSON_Delete(json);
    reef__reply_finish(&reply);
}

static void test_problem_names_fields_by_pointer(void **state)
{
    reef__field_errors_t errors = {0};
    reef__reply_t reply = {0};
    char pointer[REEF__POINTER_SIZE] = "";
    cJSON *json;
    const cJSON *first;

    (void)state;
    reef__pointer_append(pointer, "a/b~c");
    reef__pointer_append(pointer, "0");
    reef__field_errors_add(&errors, pointer, "too %s", "big");
    reef__problem_fields(&reply, &errors);
    assert_int_equal(reply.status, 422);
    json = cJSON_Parse(reply.body);
    first = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "errors"), 0);
    assert_string_equal(text_of(first, "pointer"), "/a~1b~0c/0");
    assert_string_equal(text_of(first, "detail"), "too big");
    cJSON_Delete(json);
    reef__reply_finish(&reply);
}

static void test_problem_bounds_errors_and_pointers(void **state)
{
    reef__field_errors_t errors = {0};
    char pointer[REEF__POINTER_SIZE] = "";

    (void)state;
    for (int i = 0; i < 100; i++) {
        reef__field_errors_add(&errors, "/x", "%d", i);
        reef__pointer_append(pointer, "seventeen~letters");
    }
    assert_int_equal(errors.count, REEF__MAX_FIELD_ERRORS);
    assert_true(strlen(pointer) < REEF__POINTER_SIZE);
}

static void test_problem_quotes_hostile_bytes_as_text(void **state)
{
    reef__field_errors_t errors = {0};
    reef__reply_t reply = {0};

    (void)state;
    reef__field_errors_add(&errors, "/a\xff", "no '%.2s'", "a\xc3\xa4");
    reef__problem_fields(&reply, &errors);
    assert_null(strchr(reply.body, '\xff'));
    assert_null(strchr(reply.body, '\xc3'));
    assert_non_null(strstr(reply.body, "/a\xef\xbf\xbd"));
    reef__reply_finish(&reply);
    reef__problem(&reply, 400, "there is no '%s'", "\xff");
    assert_null(strchr(reply.body, '\xff'));
    reef__reply_finish(&reply);
}

static void test_problem_stale_carries_the_present_value(void **state)
{
    reef__reply_t reply = {0};

    (void)state;
    reef__problem_stale(&reply, cJSON_CreateNumber(7));
    assert_int_equal(reply.status, 412);
    assert_non_null(strstr(reply.body, "\"value\":7"));
    reef__reply_finish(&reply);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_problem_is_problem_json),
        cmocka_unit_test(test_problem_names_fields_by_pointer),
        cmocka_unit_test(test_problem_bounds_errors_and_pointers),
        cmocka_unit_test(test_problem_quotes_hostile_bytes_as_text),
        cmocka_unit_test(test_problem_stale_carries_the_present_value),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
