#include <reef/reflect.h>

#include "test.h"

#include <float.h>
#include <math.h>
#include <string.h>

static const reef_enum_value_t speed_values[] = {{"slow", 1}, {"fast", 5}};
static const reef_enum_value_t side_values[] = {
    {"left", 1}, {"right", 2}, {"both", 3}, {"pair", 12}};

REEF_COMPONENT(point, 0, REEF_F32(x), REEF_F32(y, .initial = "2.5"));
REEF_COMPONENT(
    all,
    REEF_PERSISTENT | REEF_REPLICATED,
    REEF_BOOL(flag, .initial = "on"),
    REEF_I8(i8),
    REEF_I16(i16),
    REEF_I32(i32, .min = -10, .max = 10.5),
    REEF_I64(i64),
    REEF_U8(u8),
    REEF_U16(tick_rate, .min = 1, .max = 1000, .unit = "Hz", .initial = "60"),
    REEF_U32(u32),
    REEF_U64(u64),
    REEF_F32(f32),
    REEF_F64(f64),
    REEF_F32(part, .min = 0, .max = 0.1),
    REEF_ENUM(speed, speed_values, .initial = "fast"),
    REEF_MASK(sides, side_values, .initial = "left|right"),
    REEF_STRING(title, 8, .initial = "none"),
    REEF_ENTITY(target),
    REEF_STRUCT(place, point),
    REEF_ARRAY(weights, F32, 3, .initial = "1"),
    REEF_I32(below, .min = -7.5, .max = -0.5),
    REEF_U64(big, .min = 1, .max = 9007199254740992.0));
REEF_TAG(mark, 0);

static const reef_field_t *field(const char *name)
{
    const reef_field_t *found = reef_type_find_field(&all_type, reef_span_text(name));

    assert_non_null(found);
    return found;
}

static reef_error_t
set(all_t *value, const char *name, reef_value_t given, reef_failure_t *failure)
{
    const reef_field_t *f = field(name);

    return reef_field_set(f, reef_field_at(f, value, 0), given, failure);
}

static reef_value_t of_int(int64_t value)
{
    return (reef_value_t){.tag = REEF_VALUE_INT, .integer = value};
}

static reef_value_t of_uint(uint64_t value)
{
    return (reef_value_t){.tag = REEF_VALUE_UINT, .natural = value};
}

static reef_value_t of_float(double value)
{
    return (reef_value_t){.tag = REEF_VALUE_FLOAT, .real = value};
}

static reef_value_t of_text(const char *text)
{
    return (reef_value_t){.tag = REEF_VALUE_TEXT, .text = reef_span_text(text)};
}

static reef_value_t of_bool(bool value)
{
    return (reef_value_t){.tag = REEF_VALUE_BOOL, .boolean = value};
}

static int setup(void **state)
{
    static all_t value;

    reef_type_init(&all_type, &value);
    *state = &value;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return 0;
}

/* Describing ------------------------------------------------------------------- */

static void test_reflect_macro_describes_the_struct_it_declares(void **state)
{
    const reef_field_t *f = field("tick_rate");

    (void)state;
    assert_string_equal(all_type.name, "all");
    assert_int_equal(all_type.size, sizeof(all_t));
    assert_int_equal(all_type.alignment, _Alignof(all_t));
    assert_int_equal(all_type.flags, REEF_PERSISTENT | REEF_REPLICATED);
    assert_int_equal(all_type.field_count, 20);
    assert_int_equal(f->kind, REEF_KIND_U16);
    assert_int_equal(f->offset, offsetof(all_t, tick_rate));
    assert_int_equal(f->size, 2);
    assert_string_equal(f->unit, "Hz");
    assert_int_equal(field("title")->size, 8);
    assert_int_equal(field("weights")->array_count, 3);
    assert_ptr_equal(field("place")->type, &point_type);
    assert_int_equal(mark_type.size, 0);
}

static void test_reflect_find_field_needs_the_whole_name(void **state)
{
    (void)state;
    assert_null(reef_type_find_field(&all_type, reef_span_text("tick")));
    assert_null(reef_type_find_field(&all_type, reef_span_text("tick_rates")));
    assert_null(reef_type_find_field(&mark_type, reef_span_text("x")));
}

static void test_reflect_field_at_steps_by_element(void **state)
{
    all_t *value = *state;

    assert_ptr_equal(reef_field_at(field("weights"), value, 2), &value->weights[2]);
    assert_ptr_equal(reef_field_at_const(field("title"), value, 0), value->title);
}

static void test_reflect_init_writes_initial_values_and_zeros_the_rest(void **state)
{
    all_t value;

    (void)state;
    memset(&value, 0xff, sizeof(value));
    reef_type_init(&all_type, &value);

    assert_true(value.flag);
    assert_int_equal(value.tick_rate, 60);
    assert_int_equal(value.speed, 5);
    assert_int_equal(value.sides, 3);
    assert_memory_equal(value.title, "none\0\0\0\0", 8);
    assert_true(value.place.y == 2.5f);
    assert_true(value.weights[2] == 1.0f);
    assert_int_equal(value.i64, 0);
    assert_int_equal(value.target, 0);
}

static void test_reflect_init_leaves_a_tag_alone(void **state)
{
    (void)state;
    reef_type_init(&mark_type, NULL);
}

/* Reading ---------------------------------------------------------------------- */

static void test_reflect_get_reads_every_kind(void **state)
{
    all_t *value = *state;
    reef_value_t got;

    value->i8 = -3;
    value->u64 = UINT64_MAX;
    value->f32 = 0.5f;
    assert_int_equal(reef_field_get(field("i8"), &value->i8).integer, -3);
    assert_int_equal(reef_field_get(field("i8"), &value->i8).tag, REEF_VALUE_INT);
    assert_true(reef_field_get(field("u64"), &value->u64).natural == UINT64_MAX);
    assert_true(reef_field_get(field("f32"), &value->f32).real == 0.5);
    assert_true(reef_field_get(field("flag"), &value->flag).boolean);
    assert_int_equal(reef_field_get(field("sides"), &value->sides).natural, 3);

    got = reef_field_get(field("speed"), &value->speed);
    assert_true(reef_span_equal(got.text, reef_span_text("fast")));
    value->speed = 77;
    got = reef_field_get(field("speed"), &value->speed);
    assert_int_equal(got.tag, REEF_VALUE_INT);
    assert_int_equal(got.integer, 77);

    memset(value->title, 'x', sizeof(value->title));
    assert_int_equal(reef_field_get(field("title"), value->title).text.size, 8);
}

/* Writing ---------------------------------------------------------------------- */

static void test_reflect_set_refuses_what_the_kind_does_not_hold(void **state)
{
    all_t *value = *state;
    static const struct {
        const char *name;
        int64_t least, most;
    } limits[] = {
        {"i8", INT8_MIN, INT8_MAX},
        {"i16", INT16_MIN, INT16_MAX},
        {"u8", 0, UINT8_MAX},
        {"u32", 0, UINT32_MAX},
        {"tick_rate", 1, 1000},
        {"i32", -10, 10},
        {"target", 0, INT64_MAX - 1},
        {"below", -7, -1},
        {"big", 1, INT64_C(9007199254740992)},
    };

    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        const char *name = limits[i].name;

        assert_int_equal(set(value, name, of_int(limits[i].least), NULL), REEF_OK);
        assert_int_equal(set(value, name, of_int(limits[i].most), NULL), REEF_OK);
        assert_int_equal(set(value, name, of_int(limits[i].least - 1), NULL),
                         REEF_E_RANGE);
        if (strcmp(name, "target") != 0) {
            assert_int_equal(set(value, name, of_int(limits[i].most + 1), NULL),
                             REEF_E_RANGE);
        }
    }
}

static void test_reflect_set_holds_all_64_bits(void **state)
{
    all_t *value = *state;

    assert_int_equal(set(value, "u64", of_uint(UINT64_MAX), NULL), REEF_OK);
    assert_true(value->u64 == UINT64_MAX);
    assert_int_equal(set(value, "i64", of_int(INT64_MIN), NULL), REEF_OK);
    assert_true(value->i64 == INT64_MIN);
    assert_int_equal(set(value, "i64", of_uint(UINT64_C(1) << 63), NULL), REEF_E_RANGE);
    assert_int_equal(set(value, "u64", of_float(0x1p64), NULL), REEF_E_RANGE);
    assert_int_equal(set(value, "i64", of_float(0x1p63), NULL), REEF_E_RANGE);
    assert_int_equal(set(value, "i64", of_float(-0x1p63), NULL), REEF_OK);
}

static void test_reflect_set_integer_takes_only_whole_floats(void **state)
{
    all_t *value = *state;

    assert_int_equal(set(value, "u8", of_float(7.0), NULL), REEF_OK);
    assert_int_equal(value->u8, 7);
    assert_int_equal(set(value, "u8", of_float(7.5), NULL), REEF_E_INVALID);
    assert_int_equal(set(value, "u8", of_float((double)NAN), NULL), REEF_E_INVALID);
    assert_int_equal(set(value, "u8", of_float((double)INFINITY), NULL),
                     REEF_E_INVALID);
    assert_int_equal(set(value, "u8", of_float(256.0), NULL), REEF_E_RANGE);
    assert_int_equal(value->u8, 7);
}

static void test_reflect_set_float_takes_integers_and_rounds(void **state)
{
    all_t *value = *state;

    assert_int_equal(set(value, "f64", of_int(-3), NULL), REEF_OK);
    assert_true(value->f64 == -3.0);
    assert_int_equal(set(value, "f32", of_uint(16777217), NULL), REEF_OK);
    assert_true(value->f32 == 16777216.0f);
    assert_int_equal(set(value, "f32", of_float(1e39), NULL), REEF_E_RANGE);
    assert_int_equal(set(value, "f32", of_float(3.40282347e+38), NULL), REEF_OK);
    assert_true(value->f32 == FLT_MAX);
}

static void test_reflect_set_float_with_limits_refuses_nan_and_infinity(void **state)
{
    all_t *value = *state;

    assert_int_equal(set(value, "f32", of_float((double)NAN), NULL), REEF_OK);
    assert_int_equal(set(value, "f32", of_float(-(double)INFINITY), NULL), REEF_OK);
    assert_int_equal(set(value, "part", of_float((double)NAN), NULL), REEF_E_RANGE);
    assert_int_equal(set(value, "part", of_float((double)INFINITY), NULL),
                     REEF_E_RANGE);
    assert_int_equal(set(value, "part", of_float(-0.001), NULL), REEF_E_RANGE);
}

static void test_reflect_set_float_takes_back_what_it_gave_at_the_limit(void **state)
{
    all_t *value = *state;

    assert_int_equal(set(value, "part", of_float(0.1), NULL), REEF_OK);
    assert_int_equal(
        set(value, "part", reef_field_get(field("part"), &value->part), NULL), REEF_OK);
}

static void test_reflect_set_refuses_other_types(void **state)
{
    all_t *value = *state;

    assert_int_equal(set(value, "flag", of_int(1), NULL), REEF_E_INVALID);
    assert_int_equal(set(value, "u8", of_bool(true), NULL), REEF_E_INVALID);
    assert_int_equal(set(value, "u8", of_text("1"), NULL), REEF_E_INVALID);
    assert_int_equal(set(value, "f32", of_bool(true), NULL), REEF_E_INVALID);
    assert_int_equal(set(value, "title", of_int(1), NULL), REEF_E_INVALID);
    assert_int_equal(set(value, "place", of_int(1), NULL), REEF_E_INVALID);
    assert_int_equal(set(value, "flag", of_bool(false), NULL), REEF_OK);
    assert_false(value->flag);
}

static void test_reflect_set_enum_by_name_or_named_number(void **state)
{
    all_t *value = *state;
    reef_failure_t failure;

    assert_int_equal(set(value, "speed", of_text("slow"), NULL), REEF_OK);
    assert_int_equal(value->speed, 1);
    assert_int_equal(set(value, "speed", of_int(5), NULL), REEF_OK);
    assert_int_equal(value->speed, 5);
    assert_int_equal(set(value, "speed", of_int(2), &failure), REEF_E_INVALID);
    assert_string_equal(failure.text, "speed: '2' is unknown, one of slow, fast");
    assert_int_equal(set(value, "speed", of_text("Slow"), NULL), REEF_E_INVALID);
    assert_int_equal(value->speed, 5);
}

static void test_reflect_set_mask_refuses_unnamed_bits(void **state)
{
    all_t *value = *state;

    assert_int_equal(set(value, "sides", of_uint(15), NULL), REEF_OK);
    assert_int_equal(value->sides, 15);
    assert_int_equal(set(value, "sides", of_uint(16), NULL), REEF_E_INVALID);
    /* 4 and 8 are only named together */
    assert_int_equal(set(value, "sides", of_uint(4), NULL), REEF_E_INVALID);
    assert_int_equal(set(value, "sides", of_uint(UINT64_C(1) << 32), NULL),
                     REEF_E_INVALID);
    assert_int_equal(set(value, "sides", of_text("right|pair"), NULL), REEF_OK);
    assert_int_equal(value->sides, 14);
    assert_int_equal(set(value, "sides", of_int(0), NULL), REEF_OK);
    assert_int_equal(value->sides, 0);
}

static void test_reflect_set_string_zeros_its_tail(void **state)
{
    all_t *value = *state;

    memset(value->title, 'x', sizeof(value->title));
    assert_int_equal(set(value, "title", of_text("ab"), NULL), REEF_OK);
    assert_memory_equal(value->title, "ab\0\0\0\0\0\0", 8);
    assert_int_equal(set(value, "title", of_text("1234567"), NULL), REEF_OK);
    assert_string_equal(value->title, "1234567");
}

static void test_reflect_set_string_refuses_what_does_not_fit(void **state)
{
    reef_failure_t failure;

    assert_int_equal(set(*state, "title", of_text("12345678"), &failure), REEF_E_RANGE);
    assert_string_equal(failure.text, "title: 8 bytes are too many, at most 7");
    assert_string_equal(((all_t *)*state)->title, "none");
}

static void test_reflect_set_string_wants_utf8_without_nul(void **state)
{
    static const char *const bad[] = {"\x80",
                                      "\xc3",
                                      "\xc0\x80",
                                      "\xc1\xbf",
                                      "\xe0\x80\x80",
                                      "\xed\xa0\x80",
                                      "\xf0\x80\x80\x80",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "a\xe2\x82",
                                      "\xff",
                                      "\xc3\x28"};
    static const char *const good[] = {"",
                                       "\x7f",
                                       "\xc2\x80",
                                       "\xdf\xbf",
                                       "\xe0\xa0\x80",
                                       "\xed\x9f\xbf",
                                       "\xf0\x90\x80\x80",
                                       "\xf4\x8f\xbf\xbf"};
    reef_value_t with_nul = {.tag = REEF_VALUE_TEXT, .text = reef_span("a\0b", 3)};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(set(*state, "title", of_text(bad[i]), NULL), REEF_E_INVALID);
    }
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(set(*state, "title", of_text(good[i]), NULL), REEF_OK);
    }
    assert_int_equal(set(*state, "title", with_nul, NULL), REEF_E_INVALID);
}

static void test_reflect_set_string_accepts_its_own_content(void **state)
{
    all_t *value = *state;

    assert_int_equal(
        set(value, "title", reef_field_get(field("title"), value->title), NULL),
        REEF_OK);
    assert_string_equal(value->title, "none");
}

static void test_reflect_range_failure_names_field_limits_and_unit(void **state)
{
    reef_failure_t failure;

    assert_int_equal(set(*state, "tick_rate", of_int(0), &failure), REEF_E_RANGE);
    assert_string_equal(failure.text, "tick_rate: 0 is out of range, 1 to 1000 Hz");
    assert_int_equal(set(*state, "u8", of_int(256), &failure), REEF_E_RANGE);
    assert_string_equal(failure.text, "u8: 256 is out of range, 0 to 255");
    assert_int_equal(set(*state, "part", of_float((double)NAN), &failure),
                     REEF_E_RANGE);
    assert_string_equal(failure.text, "part: nan is out of range, 0 to 0.1");
    assert_int_equal(failure.error, REEF_E_RANGE);
}

/* Hashes ----------------------------------------------------------------------- */

REEF_COMPONENT(padded, 0, REEF_U8(small), REEF_U64(large));
REEF_COMPONENT(named, 0, REEF_STRING(name, 16));
REEF_COMPONENT(outer, 0, REEF_STRUCT(inner, point), REEF_ARRAY(list, F64, 2));

static void test_reflect_hash_ignores_padding(void **state)
{
    padded_t a, b;

    (void)state;
    memset(&a, 0, sizeof(a));
    memset(&b, 0xff, sizeof(b));
    a.small = b.small = 1;
    a.large = b.large = 2;

    assert_int_equal(reef_type_hash(&padded_type, &a, 5),
                     reef_type_hash(&padded_type, &b, 5));
    b.large = 3;
    assert_int_not_equal(reef_type_hash(&padded_type, &a, 5),
                         reef_type_hash(&padded_type, &b, 5));
    assert_int_not_equal(reef_type_hash(&padded_type, &a, 5),
                         reef_type_hash(&padded_type, &a, 6));
}

static void test_reflect_hash_ends_strings_at_nul(void **state)
{
    named_t a = {"ab"}, b = {"ab"};

    (void)state;
    b.name[5] = 'x';
    assert_int_equal(reef_type_hash(&named_type, &a, 0),
                     reef_type_hash(&named_type, &b, 0));
    b.name[2] = 'c';
    assert_int_not_equal(reef_type_hash(&named_type, &a, 0),
                         reef_type_hash(&named_type, &b, 0));
}

static void test_reflect_hash_sees_nested_fields_and_array_elements(void **state)
{
    outer_t a = {0}, b = {0};

    (void)state;
    b.inner.y = 1;
    assert_int_not_equal(reef_type_hash(&outer_type, &a, 0),
                         reef_type_hash(&outer_type, &b, 0));
    b = a;
    b.list[1] = 1;
    assert_int_not_equal(reef_type_hash(&outer_type, &a, 0),
                         reef_type_hash(&outer_type, &b, 0));
    a.list[0] = 1;
    assert_int_not_equal(reef_type_hash(&outer_type, &a, 0),
                         reef_type_hash(&outer_type, &b, 0));
}

static void test_reflect_hash_takes_all_nans_as_one_and_zeros_as_two(void **state)
{
    static const uint32_t other_nan = 0xffc12345u;
    point_t a = {NAN, 0.0f}, b = {0};

    (void)state;
    memcpy(&b.x, &other_nan, sizeof(b.x));
    assert_int_equal(reef_type_hash(&point_type, &a, 0),
                     reef_type_hash(&point_type, &b, 0));
    b.y = -0.0f;
    assert_int_not_equal(reef_type_hash(&point_type, &a, 0),
                         reef_type_hash(&point_type, &b, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_reflect_macro_describes_the_struct_it_declares),
        TEST(test_reflect_find_field_needs_the_whole_name),
        TEST(test_reflect_field_at_steps_by_element),
        TEST(test_reflect_init_writes_initial_values_and_zeros_the_rest),
        TEST(test_reflect_init_leaves_a_tag_alone),
        TEST(test_reflect_get_reads_every_kind),
        TEST(test_reflect_set_refuses_what_the_kind_does_not_hold),
        TEST(test_reflect_set_holds_all_64_bits),
        TEST(test_reflect_set_integer_takes_only_whole_floats),
        TEST(test_reflect_set_float_takes_integers_and_rounds),
        TEST(test_reflect_set_float_with_limits_refuses_nan_and_infinity),
        TEST(test_reflect_set_float_takes_back_what_it_gave_at_the_limit),
        TEST(test_reflect_set_refuses_other_types),
        TEST(test_reflect_set_enum_by_name_or_named_number),
        TEST(test_reflect_set_mask_refuses_unnamed_bits),
        TEST(test_reflect_set_string_zeros_its_tail),
        TEST(test_reflect_set_string_refuses_what_does_not_fit),
        TEST(test_reflect_set_string_wants_utf8_without_nul),
        TEST(test_reflect_set_string_accepts_its_own_content),
        TEST(test_reflect_range_failure_names_field_limits_and_unit),
        TEST(test_reflect_hash_ignores_padding),
        TEST(test_reflect_hash_ends_strings_at_nul),
        TEST(test_reflect_hash_sees_nested_fields_and_array_elements),
        TEST(test_reflect_hash_takes_all_nans_as_one_and_zeros_as_two),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
