#include "aborts.h"
#include "loopback.h"
#include "test.h"

#include <reef/list.h>

REEF_COMPONENT(fish_row, 0, REEF_STRING(name, 16), REEF_U32(weight));
REEF_COMPONENT(long_row, 0, REEF_STRING(name, 16), REEF_TEXT(tale, 100));
REEF_COMPONENT(array_row, 0, REEF_ARRAY(keys, U32, 2));

static int setup(void **state)
{
    *state = loopback_app_create(0, NULL);
    return 0;
}

static int teardown(void **state)
{
    reef_app_destroy(*state);
    return 0;
}

static uint32_t count_fish(void *context)
{
    return *(const uint32_t *)context;
}

static void get_fish(void *context, uint32_t index, void *row)
{
    (void)context;
    *(fish_row_t *)row = (fish_row_t){.name = "fish", .weight = index};
}

static reef_list_desc_t make(const char *name, const reef_type_t *row, void *context)
{
    return (reef_list_desc_t){.name = name,
                              .doc = "What swims.",
                              .row = row,
                              .count = count_fish,
                              .get = get_fish,
                              .context = context};
}

static void test_list_is_found_by_name_and_in_order(void **state)
{
    uint32_t count = 2;
    reef_list_desc_t first = make("fish", &fish_row_type, &count);
    reef_list_desc_t second = make("more_fish", &fish_row_type, &count);

    assert_int_equal(reef_app_list_count(*state), 0);
    reef_app_add_list(*state, &first);
    reef_app_add_list(*state, &second);

    assert_int_equal(reef_app_list_count(*state), 2);
    assert_string_equal(reef_app_list(*state, 0)->name, "fish");
    assert_string_equal(reef_app_list(*state, 1)->name, "more_fish");
    assert_ptr_equal(reef_app_find_list(*state, reef_span_text("more_fish")),
                     reef_app_list(*state, 1));
    assert_null(reef_app_find_list(*state, reef_span_text("more")));
    assert_null(reef_app_find_list(*state, reef_span_text("")));
}

static void test_list_desc_is_copied(void **state)
{
    uint32_t count = 7;
    reef_list_desc_t desc = make("fish", &fish_row_type, &count);
    const reef_list_desc_t *list;
    fish_row_t row = {0};

    reef_app_add_list(*state, &desc);
    memset(&desc, 0, sizeof(desc));
    list = reef_app_find_list(*state, reef_span_text("fish"));

    assert_int_equal(list->count(list->context), 7);
    list->get(list->context, 3, &row);
    assert_int_equal(row.weight, 3);
    assert_null(list->members);
}

static void add_twice(void *context)
{
    reef_list_desc_t desc = make("fish", &fish_row_type, NULL);

    reef_app_add_list(context, &desc);
    reef_app_add_list(context, &desc);
}

static void add_with_texts(void *context)
{
    reef_list_desc_t desc = make("tales", &long_row_type, NULL);

    reef_app_add_list(context, &desc);
}

static void add_without_key(void *context)
{
    reef_list_desc_t desc = make("arrays", &array_row_type, NULL);

    reef_app_add_list(context, &desc);
}

static void test_list_mistakes_stop_the_program(void **state)
{
    assert_aborts(add_twice, *state, "two lists of one name");
    assert_aborts(add_with_texts, *state, "rows of lists have no texts");
    assert_aborts(add_without_key, *state, "array_count == 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_list_is_found_by_name_and_in_order),
        TEST(test_list_desc_is_copied),
        TEST(test_list_mistakes_stop_the_program),
    };

    return cmocka_run_group_tests_name("list", tests, NULL, NULL);
}
