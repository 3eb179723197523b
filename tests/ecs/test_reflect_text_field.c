#include "reflect_fixture.h"

#include "test.h"

REEF_COMPONENT(crew, 0, REEF_U8(size), REEF_STRUCT_ARRAY(members, member, 2));

static int dropped;

static void count_drop(void *value)
{
    (void)value;
    dropped++;
}

static const reef_field_t *field(const char *name)
{
    return reef_type_find_field(&all_type, reef_span_text(name));
}

static reef_error_t set_story(all_t *value, reef_value_t given, reef_failure_t *failure)
{
    return reef_field_set(field("story"), &value->story, given, failure);
}

/* The text itself -------------------------------------------------------------- */

static void test_text_set_copies_and_terminates(void **state)
{
    char source[] = "grüße";
    reef_text_t text = {0};

    (void)state;
    assert_true(reef_text_set(&text, reef_span_text(source)));
    source[0] = 'x';
    assert_string_equal(text.data, "grüße");
    assert_int_equal(text.size, 7);
    assert_true(reef_span_equal(reef_text_view(&text), reef_span_text("grüße")));
    reef_text_clear(&text);
    assert_null(text.data);
    assert_int_equal(text.size, 0);
}

static void test_text_set_to_nothing_is_the_empty_text(void **state)
{
    reef_text_t text = {0};

    (void)state;
    assert_true(reef_text_set(&text, reef_span_text("x")));
    assert_true(reef_text_set(&text, reef_span_text("")));
    assert_null(text.data);
    assert_int_equal(text.size, 0);
}

static void test_text_set_may_borrow_from_itself(void **state)
{
    reef_text_t text = {0};

    (void)state;
    assert_true(reef_text_set(&text, reef_span_text("abcdef")));
    assert_true(reef_text_set(&text, reef_span_skip(reef_text_view(&text), 3)));
    assert_string_equal(text.data, "def");
    reef_text_clear(&text);
}

static void test_text_set_refuses_what_is_no_text(void **state)
{
    reef_text_t text = {0};

    (void)state;
    assert_true(reef_text_set(&text, reef_span_text("kept")));
    assert_false(reef_text_set(&text, reef_span("a\0b", 3)));
    assert_false(reef_text_set(&text, reef_span("\xc3", 1)));
    assert_string_equal(text.data, "kept");
    reef_text_clear(&text);
}

static void test_text_cut_ends_between_characters(void **state)
{
    reef_span_t text = reef_span_text("ab\xc3\xa4z");

    (void)state;
    assert_int_equal(reef_text_cut(text, 5).size, 5);
    assert_int_equal(reef_text_cut(text, 4).size, 4);
    assert_int_equal(reef_text_cut(text, 3).size, 2);
    assert_int_equal(reef_text_cut(text, 0).size, 0);
}

/* Fields ----------------------------------------------------------------------- */

static void test_text_field_is_described_with_its_limit(void **state)
{
    (void)state;
    assert_int_equal(field("story")->kind, REEF_KIND_TEXT);
    assert_int_equal(field("story")->size, sizeof(reef_text_t));
    assert_int_equal(field("story")->max_size, 32);
    assert_int_equal(field("lines")->max_size, 8);
}

static void test_text_field_has_its_initial_value(void **state)
{
    all_t *value = *state;

    assert_string_equal(value->story.data, "once");
    assert_string_equal(value->lines[2].data, "line");
    assert_string_equal(value->members[3].name.data, "nobody");
    assert_null(value->members[3].notes[1].data);
}

static void test_text_field_gives_its_text_borrowed(void **state)
{
    all_t *value = *state;
    reef_value_t got = reef_field_get(field("story"), &value->story);

    assert_int_equal(got.tag, REEF_VALUE_TEXT);
    assert_ptr_equal(got.text.data, value->story.data);
    assert_int_equal(got.text.size, 4);
}

static void test_text_field_set_replaces_the_content(void **state)
{
    all_t *value = *state;

    assert_int_equal(set_story(value, of_text("upon a time"), NULL), REEF_OK);
    assert_string_equal(value->story.data, "upon a time");
    assert_int_equal(set_story(value, of_text(""), NULL), REEF_OK);
    assert_null(value->story.data);
}

static void test_text_field_set_takes_its_own_content(void **state)
{
    all_t *value = *state;
    reef_value_t own = reef_field_get(field("story"), &value->story);

    assert_int_equal(set_story(value, own, NULL), REEF_OK);
    assert_string_equal(value->story.data, "once");
}

static void test_text_field_refusal_leaves_it_unchanged(void **state)
{
    all_t *value = *state;
    const char *data = value->story.data;
    reef_failure_t failure;

    assert_int_equal(
        set_story(value, of_text("123456789012345678901234567890123"), &failure),
        REEF_E_RANGE);
    assert_string_equal(failure.text, "story: 33 bytes are too many, at most 32");
    assert_int_equal(set_story(value, of_text("\xff"), &failure), REEF_E_INVALID);
    assert_int_equal(set_story(value, of_uint(1), &failure), REEF_E_INVALID);
    assert_string_equal(failure.text, "story: text is wanted");
    assert_ptr_equal(value->story.data, data);
}

static void test_text_field_accepts_just_its_limit(void **state)
{
    assert_int_equal(
        set_story(*state, of_text("12345678901234567890123456789012"), NULL), REEF_OK);
}

static void test_text_field_format_and_parse_are_inverse(void **state)
{
    all_t *value = *state;
    char out[40];
    size_t size = reef_field_format(field("story"), &value->story, out, sizeof(out));

    assert_string_equal(out, "once");
    assert_int_equal(
        reef_field_parse(field("story"), &value->lines[0], reef_span(out, size), NULL),
        REEF_OK);
    assert_string_equal(value->lines[0].data, "once");
    reef_field_format(field("password"), &value->password, out, sizeof(out));
    assert_string_equal(out, "***");
}

/* Whole values ----------------------------------------------------------------- */

static void test_text_hash_and_equality_are_of_the_content(void **state)
{
    all_t *value = *state, copy;

    assert_true(reef_type_copy(&all_type, &copy, value));
    assert_ptr_not_equal(copy.story.data, value->story.data);
    assert_true(reef_type_equal(&all_type, &copy, value));
    assert_true(reef_type_hash(&all_type, &copy, 1) ==
                reef_type_hash(&all_type, value, 1));
    copy.members[2].notes[1].data = NULL;
    assert_true(reef_text_set(&copy.members[2].notes[1], reef_span_text("n")));
    assert_false(reef_type_equal(&all_type, &copy, value));
    assert_true(reef_type_hash(&all_type, &copy, 1) !=
                reef_type_hash(&all_type, value, 1));
    reef_type_drop(&all_type, &copy);
}

static void test_text_copy_owns_every_text(void **state)
{
    all_t *value = *state, copy;

    assert_true(reef_type_copy(&all_type, &copy, value));
    reef_type_drop(&all_type, value);
    assert_null(value->story.data);
    assert_null(value->members[1].name.data);
    assert_string_equal(copy.story.data, "once");
    assert_string_equal(copy.lines[2].data, "line");
    assert_string_equal(copy.members[1].name.data, "nobody");
    reef_type_drop(&all_type, &copy);
}

static void test_text_drop_may_be_repeated(void **state)
{
    all_t *value = *state;

    reef_type_drop(&all_type, value);
    reef_type_drop(&all_type, value);
    assert_null(value->story.data);
}

static void test_text_types_that_own_say_so(void **state)
{
    reef_type_t hooked = point_type;

    (void)state;
    hooked.drop = count_drop;
    assert_true(reef_type_owns(&member_type));
    assert_true(reef_type_owns(&crew_type)); /* only what is nested */
    assert_true(reef_type_owns(&hooked));
    assert_false(reef_type_owns(&pose_type));
    assert_true(reef_type_has_texts(&all_type));
    assert_false(reef_type_has_texts(&hooked));
}

static void test_text_copy_refuses_types_with_a_hook(void **state)
{
    reef_type_t hooked = member_type;
    member_t from, to = {.age = 7};

    (void)state;
    hooked.drop = count_drop;
    reef_type_init(&hooked, &from);
    assert_false(reef_type_copy(&hooked, &to, &from));
    assert_int_equal(to.age, 7);
    assert_null(to.name.data);
    dropped = 0;
    reef_type_drop(&hooked, &from);
    assert_int_equal(dropped, 1);
    assert_null(from.name.data);
}

static void test_text_own_texts_makes_a_view_that_the_hook_does_not_see(void **state)
{
    reef_type_t hooked = member_type;
    member_t from, view;

    (void)state;
    hooked.drop = count_drop;
    reef_type_init(&hooked, &from);
    view = from;
    assert_int_equal(reef_type_own_texts(&hooked, &view), strlen("nobody"));
    assert_ptr_not_equal(view.name.data, from.name.data);
    dropped = 0;
    reef_type_drop_texts(&hooked, &view);
    assert_int_equal(dropped, 0);
    assert_string_equal(from.name.data, "nobody");
    reef_type_drop(&hooked, &from);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_text_set_copies_and_terminates),
        TEST(test_text_set_to_nothing_is_the_empty_text),
        TEST(test_text_set_may_borrow_from_itself),
        TEST(test_text_set_refuses_what_is_no_text),
        TEST(test_text_cut_ends_between_characters),
        TEST(test_text_field_is_described_with_its_limit),
        TEST(test_text_field_has_its_initial_value),
        TEST(test_text_field_gives_its_text_borrowed),
        TEST(test_text_field_set_replaces_the_content),
        TEST(test_text_field_set_takes_its_own_content),
        TEST(test_text_field_refusal_leaves_it_unchanged),
        TEST(test_text_field_accepts_just_its_limit),
        TEST(test_text_field_format_and_parse_are_inverse),
        TEST(test_text_hash_and_equality_are_of_the_content),
        TEST(test_text_copy_owns_every_text),
        TEST(test_text_drop_may_be_repeated),
        TEST(test_text_types_that_own_say_so),
        TEST(test_text_copy_refuses_types_with_a_hook),
        TEST(test_text_own_texts_makes_a_view_that_the_hook_does_not_see),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
