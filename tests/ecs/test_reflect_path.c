#include <reef/reflect_path.h>

#include "reflect_fixture.h"

#include "test.h"

static reef_failure_t failure;

static reef_place_t resolve(const char *path)
{
    reef_place_t place = {0};
    reef_error_t error =
        reef_path_resolve(&all_type, reef_span_text(path), &place, &failure);

    if (error != REEF_OK) {
        fail_msg("%s", failure.text);
    }
    return place;
}

/* The words of the refusal. */
static const char *refused(const char *path, reef_error_t wanted)
{
    reef_place_t place = {.offset = 4711};

    assert_int_equal(
        reef_path_resolve(&all_type, reef_span_text(path), &place, &failure), wanted);
    assert_int_equal(place.offset, 4711);
    return failure.text;
}

static void test_reflect_path_leads_to_fields_elements_and_nested_ones(void **state)
{
    all_t *value = *state;
    reef_place_t name = resolve("members[3].name");
    reef_place_t weight = resolve("weights[2]");
    reef_place_t x = resolve("pose.origin.x");
    reef_place_t note = resolve("members[1].notes[1]");

    assert_ptr_equal(reef_place_at(&name, value), &value->members[3].name);
    assert_ptr_equal(reef_place_at_const(&weight, value), &value->weights[2]);
    assert_int_equal(weight.index, 2);
    assert_string_equal(weight.field->name, "weights");
    assert_ptr_equal(reef_place_at(&x, value), &value->pose.origin.x);
    assert_int_equal(x.index, 0);
    assert_ptr_equal(reef_place_at(&note, value), &value->members[1].notes[1]);
}

static void test_reflect_path_may_end_at_a_struct(void **state)
{
    all_t *value = *state;
    reef_place_t place = resolve("members[2]");

    assert_ptr_equal(place.field->type, &member_type);
    assert_ptr_equal(reef_place_at(&place, value), &value->members[2]);
}

static void test_reflect_path_tells_what_is_protected_on_the_way(void **state)
{
    reef_type_t locked = all_type;
    reef_place_t place = {0};

    (void)state;
    locked.flags |= REEF_READ_ONLY;
    assert_false(resolve("pose.origin.x").read_only);
    assert_true(resolve("pose.origin.y").read_only);
    assert_false(resolve("story").secret);
    assert_true(resolve("password").secret);
    assert_true(resolve("vault.pin").secret);
    assert_int_equal(reef_path_resolve(&locked, reef_span_text("flag"), &place, NULL),
                     REEF_OK);
    assert_true(place.read_only);
}

static void test_reflect_path_unknown_field_tells_the_known_ones(void **state)
{
    (void)state;
    assert_string_equal(refused("pose.origin.z", REEF_E_NOT_FOUND),
                        "'pose.origin.z': point has no field 'z', it has x, y");
    assert_non_null(strstr(refused("nothing", REEF_E_NOT_FOUND), "flag, u64, f64"));
    assert_non_null(strstr(refused("stor", REEF_E_NOT_FOUND), "no field 'stor'"));
    assert_non_null(strstr(refused("storyx", REEF_E_NOT_FOUND), "no field 'storyx'"));
}

static void test_reflect_path_index_must_fit(void **state)
{
    (void)state;
    assert_string_equal(refused("weights[3]", REEF_E_RANGE),
                        "'weights[3]': the index of 'weights' is out of range, it has "
                        "3 elements, the first is 0");
    (void)refused("weights[4294967296]", REEF_E_RANGE);
    (void)refused("weights[4294967297]", REEF_E_RANGE);
    (void)refused("weights[99999999999999999999999999]", REEF_E_RANGE);
    (void)refused("members[4].name", REEF_E_RANGE);
}

static void test_reflect_path_index_belongs_to_arrays(void **state)
{
    (void)state;
    assert_string_equal(refused("flag[0]", REEF_E_INVALID),
                        "'flag[0]': 'flag' is no array");
    assert_string_equal(refused("weights", REEF_E_INVALID),
                        "'weights': 'weights' is an array of 3, an index is missing");
    (void)refused("members.name", REEF_E_INVALID);
    (void)refused("pose[0].turn", REEF_E_INVALID);
}

static void test_reflect_path_must_be_well_formed(void **state)
{
    static const char *const wrong[] = {
        "",           ".",           "pose.",       ".pose",       "pose..turn",
        "weights[",   "weights[]",   "weights[0",   "weights[-1]", "weights[+1]",
        "weights[ 1", "weights[01]", "weights[1]x", "weights[x]",  "weights[1][0]",
        "flag.x",     "[0]",         "story.size",  "weights]0[",  "weights[1]."};

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        reef_place_t place = {0};

        assert_int_not_equal(
            reef_path_resolve(&all_type, reef_span_text(wrong[i]), &place, &failure),
            REEF_OK);
        assert_true(failure.text[0] == '\'');
    }
}

static void test_reflect_path_is_bounded_and_shown_safely(void **state)
{
    char path[REEF_MAX_PATH + 1];
    reef_place_t place = {0};

    (void)state;
    memset(path, 'a', sizeof(path));
    assert_int_equal(
        reef_path_resolve(&all_type, reef_span(path, sizeof(path)), &place, &failure),
        REEF_E_INVALID);
    assert_non_null(strstr(failure.text, "at most 512 bytes"));
    assert_int_equal(
        reef_path_resolve(&all_type, reef_span("a\0\n\xff", 4), &place, &failure),
        REEF_E_NOT_FOUND);
    assert_non_null(strstr(failure.text, "'a\?\?\?'"));
}

static void test_reflect_path_gets_values(void **state)
{
    all_t *value = *state;
    reef_value_t got;

    value->pose.turn = 3;
    assert_int_equal(
        reef_path_get(&all_type, value, reef_span_text("pose.turn"), &got, &failure),
        REEF_OK);
    assert_int_equal(got.natural, 3);
    assert_int_equal(reef_path_get(&all_type, value, reef_span_text("members[0].name"),
                                   &got, &failure),
                     REEF_OK);
    assert_true(reef_span_equal(got.text, reef_span_text("nobody")));
}

static void test_reflect_path_struct_has_no_value(void **state)
{
    reef_span_t path = reef_span_text("pose.origin");
    reef_value_t got;

    assert_int_equal(reef_path_get(&all_type, *state, path, &got, &failure),
                     REEF_E_INVALID);
    assert_string_equal(failure.text,
                        "'pose.origin': a nested struct has no value, its "
                        "fields have");
    assert_int_equal(reef_path_set(&all_type, *state, path, of_uint(1), &failure),
                     REEF_E_INVALID);
    assert_int_equal(reef_path_parse(&all_type, *state, path, path, &failure),
                     REEF_E_INVALID);
}

static void test_reflect_path_sets_after_validation(void **state)
{
    all_t *value = *state;

    assert_int_equal(reef_path_set(&all_type, value,
                                   reef_span_text("members[2].notes[0]"),
                                   of_text("hello"), &failure),
                     REEF_OK);
    assert_string_equal(value->members[2].notes[0].data, "hello");
    assert_int_equal(reef_path_set(&all_type, value, reef_span_text("pose.turn"),
                                   of_uint(8), &failure),
                     REEF_E_RANGE);
    assert_string_equal(failure.text, "pose.turn: 8 is out of range, 0 to 7");
    assert_int_equal(value->pose.turn, 0);
}

static void test_reflect_path_parses_what_a_person_typed(void **state)
{
    all_t *value = *state;

    assert_int_equal(reef_path_parse(&all_type, value, reef_span_text("sides[1]"),
                                     reef_span_text("right"), &failure),
                     REEF_OK);
    assert_int_equal(value->sides[1], 2);
    assert_int_equal(reef_path_parse(&all_type, value, reef_span_text("moods[0]"),
                                     reef_span_text("sad"), &failure),
                     REEF_E_INVALID);
    assert_string_equal(failure.text, "moods[0]: 'sad' is unknown, one of calm, angry");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_reflect_path_leads_to_fields_elements_and_nested_ones),
        TEST(test_reflect_path_may_end_at_a_struct),
        TEST(test_reflect_path_tells_what_is_protected_on_the_way),
        TEST(test_reflect_path_unknown_field_tells_the_known_ones),
        TEST(test_reflect_path_index_must_fit),
        TEST(test_reflect_path_index_belongs_to_arrays),
        TEST(test_reflect_path_must_be_well_formed),
        TEST(test_reflect_path_is_bounded_and_shown_safely),
        TEST(test_reflect_path_gets_values),
        TEST(test_reflect_path_struct_has_no_value),
        TEST(test_reflect_path_sets_after_validation),
        TEST(test_reflect_path_parses_what_a_person_typed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
