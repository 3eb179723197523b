/* What the admin does with lists on the world thread, on an app that is never started.
 */
#include "list_view.h"

#include "den_list.h"
#include "test.h"

#include <reef/components.h>

#include <stdio.h>
#include <stdlib.h>

typedef struct fixture {
    reef_app_t *app;
    dens_t dens;
} fixture_t;

static int setup(void **state)
{
    fixture_t *fixture = calloc(1, sizeof(*fixture));

    assert_non_null(fixture);
    assert_int_equal(reef_app_create(&(reef_app_desc_t){.ignore_environment = true},
                                     &fixture->app, NULL),
                     REEF_OK);
    offer_dens(fixture->app, &fixture->dens);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    fixture_t *fixture = *state;

    reef_app_destroy(fixture->app);
    free(fixture);
    return 0;
}

static void add_numbered(dens_t *dens, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        char name[32];

        /* 7919 is a prime: all numbers, mixed. */
        snprintf(name, sizeof(name), "den %05u", (uint32_t)(i * 7919u % count));
        add_den(dens, name, i + 1);
    }
}

/* A page of the fixture's list behind @p cursor; to be finished. */
static reef__rows_page_t
begin_page(fixture_t *fixture, const char *sort, const char *cursor)
{
    reef__rows_page_t page = {.app = fixture->app,
                              .walk.list = reef_app_list(fixture->app, 0)};

    assert_true(reef__row_order_parse(&page.order, &den_type, sort));
    if (cursor[0] != '\0') {
        page.after = calloc(1, sizeof(den_t));
        assert_true(reef__row_cursor_parse(&page.order, cursor, page.after));
    }
    return page;
}

static void collect(reef__rows_page_t *page, uint32_t limit)
{
    reef__rows_page_init(page, limit);
    while (!page->walk.done) {
        reef__rows_page_collect(page);
    }
    reef__row_set_sort(&page->set);
    reef__row_set_unite(&page->set);
}

static const den_t *row_at(const reef__rows_page_t *page, uint32_t index)
{
    return reef__row_set_at(&page->set, index);
}

/* Collect one page and move the cursor behind its last row; the number of rows. */
static uint32_t take_page(fixture_t *fixture,
                          const char *sort,
                          char cursor[REEF__ROW_CURSOR_SIZE],
                          uint32_t limit,
                          char (*names)[128])
{
    reef__rows_page_t page = begin_page(fixture, sort, cursor);
    uint32_t count;

    collect(&page, limit);
    count = page.set.count;
    for (uint32_t i = 0; i < count; i++) {
        memcpy(names[i], row_at(&page, i)->name, 128);
    }
    if (count > 0) {
        reef__row_cursor_print(&page.order, row_at(&page, count - 1), cursor);
    }
    reef__rows_page_finish(&page);
    return count;
}

/* Pages ------------------------------------------------------------------------ */

static void test_list_view_pages_cover_each_row_once_in_order(void **state)
{
    fixture_t *fixture = *state;
    char cursor[REEF__ROW_CURSOR_SIZE] = "", names[1000][128], expected[32];
    uint32_t seen = 0, count;

    add_numbered(&fixture->dens, 10000);
    while ((count = take_page(fixture, "", cursor, 1000, names)) > 0) {
        for (uint32_t i = 0; i < count; i++) {
            snprintf(expected, sizeof(expected), "den %05u", seen++);
            assert_string_equal(names[i], expected);
        }
    }
    assert_int_equal(seen, 10000);
}

static void test_list_view_one_call_looks_at_a_bounded_number_of_rows(void **state)
{
    fixture_t *fixture = *state;
    reef__rows_page_t page = begin_page(fixture, "", "");
    int calls = 0;

    add_numbered(&fixture->dens, 10000);
    reef__rows_page_init(&page, 10);
    for (; !page.walk.done; calls++) {
        reef__rows_page_collect(&page);
    }
    assert_int_equal(calls, 3);
    assert_int_equal(fixture->dens.most_gets, REEF__LIST_STEPS);
    assert_int_equal(page.total, 10000);
    reef__rows_page_finish(&page);

    page = begin_page(fixture, "", "");
    fixture->dens.most_gets = 0;
    snprintf(page.search, sizeof(page.search), "den");
    collect(&page, 10);
    assert_int_equal(fixture->dens.most_gets, REEF__LIST_SEARCH_STEPS);
    assert_int_equal(page.total, 10000);
    reef__rows_page_finish(&page);
}

static void test_list_view_rows_that_vanish_do_not_shift_pages(void **state)
{
    fixture_t *fixture = *state;
    char cursor[REEF__ROW_CURSOR_SIZE] = "", names[10][128];

    add_numbered(&fixture->dens, 30);
    assert_int_equal(take_page(fixture, "", cursor, 10, names), 10);
    assert_string_equal(names[9], "den 00009");
    /* Shown ones, the last shown one among them, and the next one. */
    remove_den(&fixture->dens, "den 00003");
    remove_den(&fixture->dens, "den 00009");
    remove_den(&fixture->dens, "den 00010");
    add_den(&fixture->dens, "den 00005b", 99);

    assert_int_equal(take_page(fixture, "", cursor, 10, names), 10);
    assert_string_equal(names[0], "den 00011");
    assert_string_equal(names[9], "den 00020");
    assert_int_equal(take_page(fixture, "", cursor, 10, names), 9);
    assert_string_equal(names[8], "den 00029");
    assert_int_equal(take_page(fixture, "", cursor, 10, names), 0);
}

static void test_list_view_rows_that_move_between_two_calls_are_shown_once(void **state)
{
    fixture_t *fixture = *state;
    reef__rows_page_t page = begin_page(fixture, "", "");
    reef__rows_page_t quiet = begin_page(fixture, "", "");

    add_numbered(&fixture->dens, 6000);
    reef__rows_page_init(&page, 1000);
    reef__rows_page_collect(&page);
    assert_false(page.walk.done);
    /* Each removal moves a row that was looked at to where the walk still comes. */
    for (int i = 0; i < 500; i++) {
        fixture->dens.rows[i] = fixture->dens.rows[--fixture->dens.count];
    }
    while (!page.walk.done) {
        reef__rows_page_collect(&page);
    }
    reef__row_set_sort(&page.set);
    reef__row_set_unite(&page.set);
    collect(&quiet, 1000);
    assert_true(page.set.count > 900);
    for (uint32_t i = 0; i < page.set.count; i++) {
        assert_string_equal(row_at(&page, i)->name, row_at(&quiet, i)->name);
    }
    reef__rows_page_finish(&page);
    reef__rows_page_finish(&quiet);
}

static void test_list_view_list_that_shrinks_ends_the_walk(void **state)
{
    fixture_t *fixture = *state;
    reef__rows_page_t page = begin_page(fixture, "", "");

    add_numbered(&fixture->dens, 6000);
    reef__rows_page_init(&page, 5);
    reef__rows_page_collect(&page);
    fixture->dens.count = 0;
    reef__rows_page_collect(&page);
    assert_true(page.walk.done);
    reef__rows_page_finish(&page);
}

/* Order ------------------------------------------------------------------------ */

static void test_list_view_sorts_by_any_field_both_ways(void **state)
{
    fixture_t *fixture = *state;
    char cursor[REEF__ROW_CURSOR_SIZE] = "", names[3][128];

    add_den(&fixture->dens, "b", 20)->mood = 1;
    add_den(&fixture->dens, "a", 10)->mood = 1;
    add_den(&fixture->dens, "C", 30)->owner = 7;

    assert_int_equal(take_page(fixture, "", cursor, 3, names), 3);
    assert_string_equal(names[2], "C"); /* as people sort, not as bytes do */
    cursor[0] = '\0';
    assert_int_equal(take_page(fixture, "-name", cursor, 3, names), 3);
    assert_string_equal(names[0], "C");
    cursor[0] = '\0';
    assert_int_equal(take_page(fixture, "-depth", cursor, 2, names), 2);
    assert_string_equal(names[0], "C");
    assert_string_equal(names[1], "b");
    assert_int_equal(take_page(fixture, "-depth", cursor, 2, names), 1);
    assert_string_equal(names[0], "a");
    cursor[0] = '\0';
    assert_int_equal(take_page(fixture, "mood", cursor, 3, names), 3);
    assert_string_equal(names[0], "C");
    assert_string_equal(names[1], "a"); /* equal: by key */
    cursor[0] = '\0';
    assert_int_equal(take_page(fixture, "owner", cursor, 3, names), 3);
    assert_string_equal(names[2], "C");
}

static void test_list_view_refuses_orders_and_cursors_that_cannot_be(void **state)
{
    static const char *const bad[] = {".", "6", "6z", "00", "6100", "61.62", "-", "É"};
    reef__row_order_t order;
    char long_one[2 * 128 + 1] = "";
    den_t row = {0};

    (void)state;
    assert_false(reef__row_order_parse(&order, &den_type, "nothing"));
    assert_false(reef__row_order_parse(&order, &den_type, "--name"));
    assert_true(reef__row_order_parse(&order, &den_type, ""));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(reef__row_cursor_parse(&order, bad[i], &row));
    }
    memset(long_one, '6', sizeof(long_one) - 1);
    assert_false(reef__row_cursor_parse(&order, long_one, &row));
    assert_true(reef__row_order_parse(&order, &den_type, "depth"));
    assert_false(reef__row_cursor_parse(&order, "61", &row));
    assert_false(reef__row_cursor_parse(&order, "0102.61", &row));
    assert_true(reef__row_cursor_parse(&order, "01020304.61", &row));
    assert_string_equal(row.name, "a");
}

static void test_list_view_search_looks_at_texts_and_enums(void **state)
{
    static const struct {
        const char *search;
        uint32_t found;
    } cases[] = {{"COR", 1}, {"wild", 2}, {"nothing", 0}, {"", 3}};
    fixture_t *fixture = *state;

    add_den(&fixture->dens, "coral", 20)->mood = 1;
    add_den(&fixture->dens, "a/b", 10)->mood = 1;
    add_den(&fixture->dens, "cave", 30);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        reef__rows_page_t page = begin_page(fixture, "", "");

        snprintf(page.search, sizeof(page.search), "%s", cases[i].search);
        collect(&page, 10);
        assert_int_equal(page.set.count, cases[i].found);
        assert_int_equal(page.total, cases[i].found);
        reef__rows_page_finish(&page);
    }
}

/* One row ---------------------------------------------------------------------- */

static void begin_row(fixture_t *fixture, reef__row_page_t *page, const char *key)
{
    page->app = fixture->app;
    page->walk.list = reef_app_list(fixture->app, 0);
    assert_true(reef__row_order_parse(&page->order, &den_type, ""));
    reef__row_page_init(page);
    assert_true(reef__row_key_parse(&page->order, key, page->wanted));
    while (!page->walk.done) {
        reef__row_page_collect(page);
    }
}

static void test_list_view_finds_a_row_by_its_whole_key(void **state)
{
    fixture_t *fixture = *state;
    reef__row_page_t found = {0}, missing = {0};

    add_numbered(&fixture->dens, 9000);
    add_den(&fixture->dens, "Den/% ü", 7);
    begin_row(fixture, &found, "Den/% ü");
    assert_true(found.found);
    assert_int_equal(((const den_t *)found.row)->depth, 7);
    begin_row(fixture, &missing, "den/% ü");
    assert_false(missing.found);
    reef__row_page_finish(&found);
    reef__row_page_finish(&missing);
}

static void test_list_view_members_are_paged_in_the_order_of_indices(void **state)
{
    fixture_t *fixture = *state;
    reef_world_t *world = reef_app_world(fixture->app);
    dens_t *dens = &fixture->dens;
    uint32_t seen = 0, after = 0;
    bool more = true;

    add_den(dens, "x", 0);
    for (; dens->guest_count < 2500; dens->guest_count++) {
        dens->guests[2499 - dens->guest_count] =
            reef_world_spawn(world, REEF_RANGE_WORLD);
    }
    while (more) {
        reef__row_page_t page = {.limit = 1000, .after = after};

        begin_row(fixture, &page, "x");
        assert_int_equal(page.members, 2500);
        for (uint32_t i = 0; i < page.count; i++, seen++) {
            assert_true(page.items[i].id == dens->guests[2499 - seen]);
        }
        more = page.more;
        after = page.after;
        reef__row_page_finish(&page);
    }
    assert_int_equal(seen, 2500);
}

static void test_list_view_member_is_called_by_its_username_first(void **state)
{
    fixture_t *fixture = *state;
    reef_world_t *world = reef_app_world(fixture->app);
    reef__row_page_t page = {.limit = 10};
    dens_t *dens = &fixture->dens;

    add_den(dens, "x", 0);
    for (; dens->guest_count < 3; dens->guest_count++) {
        dens->guests[dens->guest_count] = reef_world_spawn(world, REEF_RANGE_WORLD);
    }
    REEF_ADD(world, dens->guests[0], name, .value = "turtle");
    REEF_ADD(world, dens->guests[1], name, .value = "crab");
    REEF_ADD(world, dens->guests[1], username, .value = "nick");
    REEF_ADD(world, dens->guests[1], client_id, .value = 5);
    reef_world_despawn(world, dens->guests[2]);

    begin_row(fixture, &page, "x");
    assert_int_equal(page.count, 2); /* nobody has to look at one that is gone */
    assert_string_equal(page.items[0].name, "turtle");
    assert_true(page.items[0].client_id == 0);
    assert_string_equal(page.items[1].name, "nick");
    assert_true(page.items[1].client_id == 5);
    reef__row_page_finish(&page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_list_view_pages_cover_each_row_once_in_order),
        TEST(test_list_view_one_call_looks_at_a_bounded_number_of_rows),
        TEST(test_list_view_rows_that_vanish_do_not_shift_pages),
        TEST(test_list_view_rows_that_move_between_two_calls_are_shown_once),
        TEST(test_list_view_list_that_shrinks_ends_the_walk),
        TEST(test_list_view_sorts_by_any_field_both_ways),
        TEST(test_list_view_refuses_orders_and_cursors_that_cannot_be),
        TEST(test_list_view_search_looks_at_texts_and_enums),
        TEST(test_list_view_finds_a_row_by_its_whole_key),
        TEST(test_list_view_members_are_paged_in_the_order_of_indices),
        TEST(test_list_view_member_is_called_by_its_username_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
