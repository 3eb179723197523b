#include <reef/reflect.h>

#include "test.h"

#include <float.h>
#include <math.h>
#include <string.h>

static const reef_enum_value_t speed_values[] = {{"slow", -1}, {"fast", 5}};
static const reef_enum_value_t side_values[] = {{"left", 1}, {"right", 2}, {"both", 3}};

REEF_COMPONENT(sample,
               0,
               REEF_BOOL(flag),
               REEF_I8(i8),
               REEF_I64(i64),
               REEF_U64(u64),
               REEF_F32(f32),
               REEF_F64(f64),
               REEF_U16(rate, .min = 1, .max = 1000, .unit = "Hz"),
               REEF_ENUM(speed, speed_values),
               REEF_MASK(sides, side_values),
               REEF_STRING(title, 16),
               REEF_STRING(token, 16, .secret = true),
               REEF_ENTITY(target),
               REEF_ARRAY(list, I32, 2));

static const reef_field_t *field(const char *name)
{
    const reef_field_t *found =
        reef_type_find_field(&sample_type, reef_span_text(name));

    assert_non_null(found);
    return found;
}

static reef_error_t
parse(sample_t *value, const char *name, const char *text, reef_failure_t *failure)
{
    const reef_field_t *f = field(name);

    return reef_field_parse(f, reef_field_at(f, value, 0), reef_span_text(text),
                            failure);
}

#define ASSERT_FORMAT(value, name, text)                                               \
    do {                                                                               \
        char out_[64];                                                                 \
        const reef_field_t *field_ = field(name);                                      \
        size_t length_ = reef_field_format(                                            \
            field_, reef_field_at_const(field_, (value), 0), out_, sizeof(out_));      \
        assert_string_equal(out_, (text));                                             \
        assert_int_equal(length_, strlen(text));                                       \
    } while (0)

static int setup(void **state)
{
    static sample_t value;

    memset(&value, 0, sizeof(value));
    *state = &value;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return 0;
}

static void test_reflect_text_bool_has_four_spellings(void **state)
{
    static const char *const yes[] = {"true", "on", "yes", "1", " TRUE "};
    static const char *const no[] = {"false", "off", "no", "0", "Off"};
    sample_t *value = *state;

    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
        assert_int_equal(parse(value, "flag", yes[i], NULL), REEF_OK);
        assert_true(value->flag);
        assert_int_equal(parse(value, "flag", no[i], NULL), REEF_OK);
        assert_false(value->flag);
    }
    assert_int_equal(parse(value, "flag", "2", NULL), REEF_E_INVALID);
    assert_int_equal(parse(value, "flag", "", NULL), REEF_E_INVALID);
    assert_int_equal(parse(value, "flag", "o", NULL), REEF_E_INVALID);
    ASSERT_FORMAT(value, "flag", "false");
}

static void test_reflect_text_integers_read_what_a_person_types(void **state)
{
    sample_t *value = *state;

    assert_int_equal(parse(value, "i8", " -12\n", NULL), REEF_OK);
    assert_int_equal(value->i8, -12);
    assert_int_equal(parse(value, "i8", "+7", NULL), REEF_OK);
    assert_int_equal(value->i8, 7);
    assert_int_equal(parse(value, "rate", "1e2", NULL), REEF_OK);
    assert_int_equal(value->rate, 100);
    assert_int_equal(parse(value, "u64", "18446744073709551615", NULL), REEF_OK);
    ASSERT_FORMAT(value, "u64", "18446744073709551615");
    assert_int_equal(parse(value, "i64", "-9223372036854775808", NULL), REEF_OK);
    ASSERT_FORMAT(value, "i64", "-9223372036854775808");
}

static void test_reflect_text_integers_refuse_the_rest(void **state)
{
    static const char *const invalid[] = {"",    " ",   "x",   "1x",  "--1",
                                          "0.5", "nan", "inf", "1 2", "1e-1"};
    static const char *const out_of_range[] = {
        "128", "-129", "1e9", "99999999999999999999", "-99999999999999999999", "1e999"};
    sample_t *value = *state;

    for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++) {
        assert_int_equal(parse(value, "i8", invalid[i], NULL), REEF_E_INVALID);
    }
    for (size_t i = 0; i < sizeof(out_of_range) / sizeof(out_of_range[0]); i++) {
        assert_int_equal(parse(value, "i8", out_of_range[i], NULL), REEF_E_RANGE);
    }
    assert_int_equal(value->i8, 0);
}

static void test_reflect_text_refuses_nul_inside_a_number(void **state)
{
    sample_t *value = *state;
    const reef_field_t *f = field("i8");

    assert_int_equal(reef_field_parse(f, &value->i8, reef_span("1\0", 2), NULL),
                     REEF_E_INVALID);
}

static void test_reflect_text_failures_name_field_and_what_it_accepts(void **state)
{
    reef_failure_t failure;

    assert_int_equal(parse(*state, "rate", "0", &failure), REEF_E_RANGE);
    assert_string_equal(failure.text, "rate: 0 is out of range, 1 to 1000 Hz");
    assert_int_equal(parse(*state, "rate", "-1", &failure), REEF_E_RANGE);
    assert_string_equal(failure.text, "rate: -1 is out of range, 1 to 1000 Hz");
    assert_int_equal(parse(*state, "rate", "99999999999999999999", &failure),
                     REEF_E_RANGE);
    assert_string_equal(failure.text,
                        "rate: 99999999999999999999 is out of range, 1 to 1000 Hz");
    assert_int_equal(parse(*state, "rate", "fast", &failure), REEF_E_INVALID);
    assert_string_equal(failure.text, "rate: 'fast' is not a whole number");
    assert_int_equal(parse(*state, "sides", "left|top", &failure), REEF_E_INVALID);
    assert_string_equal(failure.text,
                        "sides: 'top' is unknown, any of left, right, both");
}

static void test_reflect_text_failures_print_hostile_input_harmlessly(void **state)
{
    reef_failure_t failure;

    assert_int_equal(parse(*state, "rate", "a\x1b[1m\n\xff\xc3\xa4", &failure),
                     REEF_E_INVALID);
    assert_string_equal(failure.text, "rate: 'a?[1m??\xc3\xa4' is not a whole number");
}

static void test_reflect_text_floats_print_the_shortest_that_reads_back(void **state)
{
    static const double values[] = {0.1,     1e-3, 1.0 / 3, 1e300, 5e-324, DBL_MAX,
                                    -2.5e10, 100,  -0.0,    1e23,  0.3};
    static const float floats[] = {0.1f,    1.0f / 3,  FLT_MAX,   1e-45f,
                                   FLT_MIN, 123456.7f, 16777216.f};
    sample_t *value = *state;
    char text[64];

    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        value->f64 = values[i];
        reef_field_format(field("f64"), &value->f64, text, sizeof(text));
        value->f64 = 7;
        assert_int_equal(parse(value, "f64", text, NULL), REEF_OK);
        assert_memory_equal(&value->f64, &values[i], sizeof(double));
    }
    for (size_t i = 0; i < sizeof(floats) / sizeof(floats[0]); i++) {
        value->f32 = floats[i];
        reef_field_format(field("f32"), &value->f32, text, sizeof(text));
        value->f32 = 7;
        assert_int_equal(parse(value, "f32", text, NULL), REEF_OK);
        assert_memory_equal(&value->f32, &floats[i], sizeof(float));
    }
    value->f32 = 0.1f;
    ASSERT_FORMAT(value, "f32", "0.1");
    value->f64 = 0.1;
    ASSERT_FORMAT(value, "f64", "0.1");
    value->f64 = 0.1 + 0.2;
    ASSERT_FORMAT(value, "f64", "0.30000000000000004");
}

static void test_reflect_text_floats_spell_what_is_not_finite(void **state)
{
    sample_t *value = *state;

    assert_int_equal(parse(value, "f32", "nan", NULL), REEF_OK);
    assert_true(isnan(value->f32));
    ASSERT_FORMAT(value, "f32", "nan");
    assert_int_equal(parse(value, "f64", "-inf", NULL), REEF_OK);
    ASSERT_FORMAT(value, "f64", "-inf");
    value->f64 = -(double)NAN;
    ASSERT_FORMAT(value, "f64", "nan");
    assert_int_equal(parse(value, "f64", "1e999", NULL), REEF_E_RANGE);
    assert_int_equal(parse(value, "f32", "1e39", NULL), REEF_E_RANGE);
    assert_int_equal(parse(value, "f64", "1.5.", NULL), REEF_E_INVALID);
}

static void test_reflect_text_enum_by_name_or_number_that_has_a_name(void **state)
{
    sample_t *value = *state;

    assert_int_equal(parse(value, "speed", " fast ", NULL), REEF_OK);
    assert_int_equal(value->speed, 5);
    ASSERT_FORMAT(value, "speed", "fast");
    assert_int_equal(parse(value, "speed", "-1", NULL), REEF_OK);
    ASSERT_FORMAT(value, "speed", "slow");
    assert_int_equal(parse(value, "speed", "3", NULL), REEF_E_INVALID);
    assert_int_equal(parse(value, "speed", "", NULL), REEF_E_INVALID);
    assert_int_equal(parse(value, "speed", "99999999999999999999", NULL),
                     REEF_E_INVALID);
    value->speed = 42;
    ASSERT_FORMAT(value, "speed", "42");
}

static void test_reflect_text_mask_joins_names(void **state)
{
    sample_t *value = *state;

    assert_int_equal(parse(value, "sides", "right | left", NULL), REEF_OK);
    assert_int_equal(value->sides, 3);
    ASSERT_FORMAT(value, "sides", "left|right");
    assert_int_equal(parse(value, "sides", "none", NULL), REEF_OK);
    assert_int_equal(value->sides, 0);
    ASSERT_FORMAT(value, "sides", "none");
    assert_int_equal(parse(value, "sides", "both", NULL), REEF_OK);
    assert_int_equal(value->sides, 3);
    assert_int_equal(parse(value, "sides", "left|", NULL), REEF_E_INVALID);
    assert_int_equal(parse(value, "sides", "", NULL), REEF_E_INVALID);
    assert_int_equal(value->sides, 3);
    value->sides = 17;
    ASSERT_FORMAT(value, "sides", "left|0x10");
}

static void test_reflect_text_strings_keep_their_spaces(void **state)
{
    sample_t *value = *state;

    assert_int_equal(parse(value, "title", " a b ", NULL), REEF_OK);
    ASSERT_FORMAT(value, "title", " a b ");
    assert_int_equal(parse(value, "title", "", NULL), REEF_OK);
    ASSERT_FORMAT(value, "title", "");
}

static void test_reflect_text_entity_is_a_decimal_number(void **state)
{
    sample_t *value = *state;

    assert_int_equal(parse(value, "target", "8589934593", NULL), REEF_OK);
    ASSERT_FORMAT(value, "target", "8589934593");
    assert_int_equal(parse(value, "target", "-1", NULL), REEF_E_RANGE);
}

static void test_reflect_text_never_prints_a_secret(void **state)
{
    sample_t *value = *state;

    assert_int_equal(parse(value, "token", "hunter2", NULL), REEF_OK);
    assert_string_equal(value->token, "hunter2");
    ASSERT_FORMAT(value, "token", "***");
}

static void test_reflect_text_format_cuts_to_the_buffer(void **state)
{
    sample_t *value = *state;
    char out[4] = "xxx";

    value->i64 = 123456;
    assert_int_equal(reef_field_format(field("i64"), &value->i64, out, sizeof(out)), 3);
    assert_string_equal(out, "123");
    assert_int_equal(reef_field_format(field("i64"), &value->i64, out, 1), 0);
    assert_string_equal(out, "");
    out[0] = 'x';
    assert_int_equal(reef_field_format(field("i64"), &value->i64, out, 0), 0);
    assert_int_equal(out[0], 'x');
}

static void test_reflect_text_writes_one_element_of_an_array(void **state)
{
    sample_t *value = *state;
    const reef_field_t *f = field("list");

    assert_int_equal(
        reef_field_parse(f, reef_field_at(f, value, 1), reef_span_text("5"), NULL),
        REEF_OK);
    assert_int_equal(value->list[0], 0);
    assert_int_equal(value->list[1], 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_reflect_text_bool_has_four_spellings),
        TEST(test_reflect_text_integers_read_what_a_person_types),
        TEST(test_reflect_text_integers_refuse_the_rest),
        TEST(test_reflect_text_refuses_nul_inside_a_number),
        TEST(test_reflect_text_failures_name_field_and_what_it_accepts),
        TEST(test_reflect_text_failures_print_hostile_input_harmlessly),
        TEST(test_reflect_text_floats_print_the_shortest_that_reads_back),
        TEST(test_reflect_text_floats_spell_what_is_not_finite),
        TEST(test_reflect_text_enum_by_name_or_number_that_has_a_name),
        TEST(test_reflect_text_mask_joins_names),
        TEST(test_reflect_text_strings_keep_their_spaces),
        TEST(test_reflect_text_entity_is_a_decimal_number),
        TEST(test_reflect_text_never_prints_a_secret),
        TEST(test_reflect_text_format_cuts_to_the_buffer),
        TEST(test_reflect_text_writes_one_element_of_an_array),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
