#include "json_text.h"

#include "test.h"

#include <stdio.h>
#include <stdlib.h>

static reef_error_t parse(const char *text)
{
    cJSON *json = NULL;
    reef_error_t error = reef__json_parse(reef_span_text(text), &json, NULL);

    assert_int_equal(error == REEF_OK, json != NULL);
    cJSON_Delete(json);
    return error;
}

static void test_json_text_accepts_any_single_value(void **state)
{
    static const char *const good[] = {"{}",
                                       "[]",
                                       " true ",
                                       "null",
                                       "1e3",
                                       "-0",
                                       "\"\"",
                                       "{\"a\":[1,{}]}",
                                       "\"\\\\u0000\"",
                                       "[-0.5e+10,0,10,1E-2]",
                                       "\"\\\"\\n\"",
                                       "\t[\r\n]"};

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(parse(good[i]), REEF_OK);
    }
}

static void test_json_text_refuses_what_is_no_json(void **state)
{
    static const char *const bad[] = {
        "",    "{",        "{}x",         "{} {}",   "{a:1}",   "'a'",        "[1,]",
        "nan", "1e999",    "\"\\u0000\"", "{\"a\"}", "\"",      "{\"a\":1,}", "01",
        "-01", "1.",       "[.5]",        "+1",      "-",       "1e",         "1.e1",
        "1-2", "\"a\nb\"", "\"\t\"",      "[\f1]",   "[1\x01]", "0x1"};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(parse(bad[i]), REEF_E_INVALID);
    }
}

static void test_json_text_refuses_a_nul_byte(void **state)
{
    cJSON *json = NULL;

    (void)state;
    assert_int_equal(reef__json_parse(reef_span("{}\0x", 4), &json, NULL),
                     REEF_E_INVALID);
    assert_null(json);
}

static void test_json_text_refuses_a_name_given_twice(void **state)
{
    (void)state;
    assert_int_equal(parse("{\"a\":1,\"b\":2,\"a\":3}"), REEF_E_INVALID);
    assert_int_equal(parse("[{\"x\":{\"a\":1,\"a\":1}}]"), REEF_E_INVALID);
    assert_int_equal(parse("{\"a\":1,\"A\":2}"), REEF_OK);
}

static void nested(char *text, unsigned depth)
{
    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    text[(size_t)2 * depth] = '\0';
}

static void test_json_text_bounds_depth(void **state)
{
    char text[256];

    (void)state;
    nested(text, REEF__JSON_MAX_DEPTH);
    assert_int_equal(parse(text), REEF_OK);
    nested(text, REEF__JSON_MAX_DEPTH + 1);
    assert_int_equal(parse(text), REEF_E_LIMIT);
    assert_int_equal(parse("\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\""), REEF_OK);
}

static void test_json_text_bounds_members(void **state)
{
    char *text = malloc((size_t)16 * (REEF__JSON_MAX_MEMBERS + 2));
    size_t used = 1;

    (void)state;
    assert_non_null(text);
    text[0] = '{';
    for (int i = 0; i <= REEF__JSON_MAX_MEMBERS; i++) {
        used += (size_t)sprintf(text + used, "%s\"%d\":0", i > 0 ? "," : "", i);
    }
    text[used] = '}';
    text[used + 1] = '\0';
    assert_int_equal(parse(text), REEF_E_LIMIT);
    free(text);
}

static void test_json_text_bounds_values(void **state)
{
    char *text = malloc(2 * REEF__JSON_MAX_VALUES + 4);
    size_t used = 1;

    (void)state;
    assert_non_null(text);
    text[0] = '[';
    for (int i = 1; i < REEF__JSON_MAX_VALUES; i++) {
        text[used++] = '1';
        text[used++] = ',';
    }
    memcpy(text + used - 1, "]", 2);
    assert_int_equal(parse(text), REEF_OK);
    memcpy(text + used - 1, ",1]", 4);
    assert_int_equal(parse(text), REEF_E_LIMIT);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_text_accepts_any_single_value),
        cmocka_unit_test(test_json_text_refuses_what_is_no_json),
        cmocka_unit_test(test_json_text_refuses_a_nul_byte),
        cmocka_unit_test(test_json_text_refuses_a_name_given_twice),
        cmocka_unit_test(test_json_text_bounds_depth),
        cmocka_unit_test(test_json_text_bounds_members),
        cmocka_unit_test(test_json_text_bounds_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
