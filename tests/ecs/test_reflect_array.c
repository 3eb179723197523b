#include "reflect_fixture.h"

#include "test.h"

#include <math.h>

static const reef_field_t *field(const char *name)
{
    const reef_field_t *found = reef_type_find_field(&all_type, reef_span_text(name));

    assert_non_null(found);
    return found;
}

static void
assert_shape(const char *name, reef_kind_t kind, size_t size, uint32_t count)
{
    assert_int_equal(field(name)->kind, kind);
    assert_int_equal(field(name)->size, size);
    assert_int_equal(field(name)->array_count, count);
    assert_int_equal(reef_field_count(field(name)), count);
}

static void test_reflect_array_macros_describe_every_kind(void **state)
{
    (void)state;
    assert_shape("bools", REEF_KIND_BOOL, 1, 2);
    assert_shape("weights", REEF_KIND_F32, 4, 3);
    assert_shape("targets", REEF_KIND_ENTITY, 8, 2);
    assert_shape("moods", REEF_KIND_ENUM, 4, 2);
    assert_shape("sides", REEF_KIND_MASK, 4, 2);
    assert_shape("titles", REEF_KIND_STRING, 6, 3);
    assert_shape("lines", REEF_KIND_TEXT, sizeof(reef_text_t), 3);
    assert_shape("members", REEF_KIND_STRUCT, sizeof(member_t), 4);
    assert_int_equal(field("moods")->value_count, 2);
    assert_ptr_equal(field("members")->type, &member_type);
    assert_int_equal(reef_field_count(field("flag")), 1);
}

static void test_reflect_array_elements_are_where_the_struct_has_them(void **state)
{
    all_t *value = *state;

    assert_ptr_equal(reef_field_at(field("titles"), value, 2), value->titles[2]);
    assert_ptr_equal(reef_field_at(field("lines"), value, 1), &value->lines[1]);
    assert_ptr_equal(reef_field_at(field("members"), value, 3), &value->members[3]);
    assert_ptr_equal(reef_field_at(field("moods"), value, 1), &value->moods[1]);
}

static void test_reflect_array_elements_all_have_the_initial_value(void **state)
{
    const all_t *value = *state;

    assert_true(value->weights[2] == 1.5f);
    assert_int_equal(value->moods[1], 5);
    assert_int_equal(value->sides[1], 3);
    assert_string_equal(value->titles[2], "sir");
    assert_string_equal(value->members[3].name.data, "nobody");
}

static void test_reflect_array_set_writes_one_element(void **state)
{
    all_t *value = *state;

    assert_int_equal(
        reef_field_set(field("titles"), value->titles[1], of_text("dame"), NULL),
        REEF_OK);
    assert_int_equal(
        reef_field_set(field("moods"), &value->moods[0], of_text("calm"), NULL),
        REEF_OK);
    assert_string_equal(value->titles[0], "sir");
    assert_string_equal(value->titles[1], "dame");
    assert_string_equal(value->titles[2], "sir");
    assert_int_equal(value->moods[0], 1);
    assert_int_equal(value->moods[1], 5);
    assert_int_equal(
        reef_field_set(field("titles"), value->titles[1], of_text("longer"), NULL),
        REEF_E_RANGE);
}

/* Change one element of each kind: hash and equality must see it. */
static void test_reflect_array_hash_and_equality_see_the_last_element(void **state)
{
    static const char *const names[] = {"bools", "weights", "targets", "moods",
                                        "sides", "titles",  "lines"};
    static const char *const texts[] = {"on", "2", "9", "calm", "none", "x", "y"};
    const all_t *value = *state;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const reef_field_t *f = field(names[i]);
        all_t copy;

        assert_true(reef_type_copy(&all_type, &copy, value));
        assert_int_equal(reef_field_parse(f,
                                          reef_field_at(f, &copy, f->array_count - 1),
                                          reef_span_text(texts[i]), NULL),
                         REEF_OK);
        assert_false(reef_type_equal(&all_type, &copy, value));
        assert_true(reef_type_hash(&all_type, &copy, 0) !=
                    reef_type_hash(&all_type, value, 0));
        reef_type_drop(&all_type, &copy);
    }
}

static void test_reflect_equal_ignores_what_the_hash_ignores(void **state)
{
    all_t *value = *state, copy;

    value->weights[0] = NAN;
    memcpy(value->titles[0], "a\0bcd", 6);
    assert_true(reef_type_copy(&all_type, &copy, value));
    copy.weights[0] = -NAN;
    memcpy(copy.titles[0], "a\0xyz", 6);
    assert_true(reef_type_equal(&all_type, &copy, value));
    copy.weights[1] = 0.0f;
    value->weights[1] = -0.0f;
    assert_false(reef_type_equal(&all_type, &copy, value));
    reef_type_drop(&all_type, &copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_reflect_array_macros_describe_every_kind),
        TEST(test_reflect_array_elements_are_where_the_struct_has_them),
        TEST(test_reflect_array_elements_all_have_the_initial_value),
        TEST(test_reflect_array_set_writes_one_element),
        TEST(test_reflect_array_hash_and_equality_see_the_last_element),
        TEST(test_reflect_equal_ignores_what_the_hash_ignores),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
