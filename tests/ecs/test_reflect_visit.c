#include <reef/reflect_visit.h>

#include "reflect_fixture.h"

#include "test.h"

#include <inttypes.h>

REEF_COMPONENT(small,
               0,
               REEF_TEXT(name, 8, .initial = "hi"),
               REEF_STRUCT(at, point),
               REEF_ARRAY(list, U8, 2, .initial = "4"),
               REEF_STRUCT_ARRAY(spots, point, 2),
               REEF_MASK(sides, side_values, .initial = "left|right"),
               REEF_ENUM(mood, mood_values, .initial = "calm"),
               REEF_ENTITY(target),
               REEF_TEXT(password, 8, .secret = true, .initial = "1234"),
               REEF_STRUCT(vault, keys, .secret = true));
REEF_TAG(mark, 0);

/* What a visitor was told, in one line. */
typedef struct told {
    char text[512];
    size_t used;
} told_t;

REEF_PRINTF(2, 3)
static void tell(told_t *told, const char *format, ...)
{
    va_list arguments;
    int size;

    va_start(arguments, format);
    size = vsnprintf(told->text + told->used, sizeof(told->text) - told->used, format,
                     arguments);
    va_end(arguments);
    assert_true(size >= 0 && (size_t)size < sizeof(told->text) - told->used);
    told->used += (size_t)size;
}

static void
begin_struct(void *context, const reef_field_t *field, const reef_type_t *type)
{
    tell(context, "%s:%s{ ", field != NULL ? field->name : "", type->name);
}

static void end_struct(void *context)
{
    tell(context, "} ");
}

static void begin_array(void *context, const reef_field_t *field)
{
    tell(context, "%s[ ", field->name);
}

static void end_array(void *context)
{
    tell(context, "] ");
}

static void on_value(void *context, const reef_field_t *field, reef_value_t value)
{
    const char *name;

    if (value.tag == REEF_VALUE_TEXT) {
        tell(context, "%s='%.*s' ", field->name, (int)value.text.size,
             (const char *)value.text.data);
    } else if (value.tag == REEF_VALUE_FLOAT) {
        tell(context, "%s=%g ", field->name, value.real);
    } else if (field->kind == REEF_KIND_MASK) {
        for (uint32_t i = 0;
             (name = reef_field_mask_name(field, value.natural, &i)) != NULL;) {
            tell(context, "%s+%s ", field->name, name);
        }
    } else {
        tell(context, "%s=%" PRIu64 " ", field->name, value.natural);
    }
}

static void on_secret(void *context, const reef_field_t *field)
{
    tell(context, "%s? ", field->name);
}

static const reef_visitor_t visitor = {.begin_struct = begin_struct,
                                       .end_struct = end_struct,
                                       .begin_array = begin_array,
                                       .end_array = end_array,
                                       .value = on_value,
                                       .secret = on_secret};

static void test_reflect_visit_tells_everything_in_order(void **state)
{
    told_t told = {0};
    small_t value;

    (void)state;
    reef_type_init(&small_type, &value);
    value.spots[1].x = 2;
    reef_type_visit(&small_type, &value, &visitor, &told);
    assert_string_equal(told.text,
                        ":small{ name='hi' at:point{ x=0 y=0 } list[ list=4 list=4 ] "
                        "spots[ spots:point{ x=0 y=0 } spots:point{ x=2 y=0 } ] "
                        "sides+left sides+right mood='calm' target=0 password? "
                        "vault:keys{ pin? word? } } ");
    reef_type_drop(&small_type, &value);
}

static void test_reflect_visit_shows_a_tag_as_an_empty_struct(void **state)
{
    told_t told = {0};

    (void)state;
    reef_type_visit(&mark_type, NULL, &visitor, &told);
    assert_string_equal(told.text, ":mark{ } ");
}

static void test_reflect_mask_names_are_those_of_set_bits(void **state)
{
    const reef_field_t *field =
        reef_type_find_field(&small_type, reef_span_text("sides"));
    uint32_t at = 0;

    (void)state;
    assert_string_equal(reef_field_mask_name(field, 2 | 64, &at), "right");
    assert_null(reef_field_mask_name(field, 2 | 64, &at));
    at = 0;
    assert_null(reef_field_mask_name(field, 0, &at));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reflect_visit_tells_everything_in_order),
        cmocka_unit_test(test_reflect_visit_shows_a_tag_as_an_empty_struct),
        cmocka_unit_test(test_reflect_mask_names_are_those_of_set_bits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
