#include "ecs_fixture.h"
#include "test.h"

#include <reef/query.h>
#include <reef/table.h>

static uint32_t visit(reef_query_t *query)
{
    reef_query_iter_t it = reef_query_begin(query);
    uint32_t count = 0;

    while (reef_query_next(&it)) {
        assert_true(it.count > 0);
        count += it.count;
    }
    return count;
}

static void test_query_visits_what_matches_with_and_without(void **state)
{
    reef_world_t *world = *state;
    reef_query_t *query = reef_query_create(
        world, &(reef_query_desc_t){{REEF_READ(place), REEF_WITHOUT(hidden)}});
    reef_entity_t seen = spawn(world);
    reef_entity_t unseen = spawn(world);
    reef_query_iter_t it;

    REEF_ADD(world, seen, place, .x = 4);
    REEF_ADD(world, unseen, place, .x = 5);
    reef_world_add(world, unseen, ID(world, hidden), NULL);
    spawn(world);

    it = reef_query_begin(query);
    assert_true(reef_query_next(&it));
    assert_int_equal(it.count, 1);
    assert_int_equal(it.entities[0], seen);
    assert_float_equal(((const place_t *)reef_query_column(&it, 0))->x, 4, 0);
    assert_null(reef_query_column(&it, 1));
    assert_false(reef_query_next(&it));
    assert_int_equal(reef_query_count(query), 1);
    reef_query_destroy(query);
}

static void test_query_made_late_finds_tables_made_before(void **state)
{
    reef_world_t *world = *state;
    reef_query_t *query;

    REEF_ADD(world, spawn(world), place, .x = 1);
    query = reef_query_create(world, &(reef_query_desc_t){{REEF_READ(place)}});

    assert_int_equal(visit(query), 1);
    reef_query_destroy(query);
    reef_query_destroy(NULL);
}

static void test_query_writes_through_its_columns(void **state)
{
    enum {
        COUNT = 12345
    };
    static reef_entity_t ids[COUNT];
    reef_world_t *world = *state;
    reef_component_t place = ID(world, place);
    reef_query_t *query =
        reef_query_create(world, &(reef_query_desc_t){{REEF_WRITE(place)}});
    reef_query_iter_t it;
    float next = 0;

    reef_world_spawn_rows(
        world,
        &(reef_rows_desc_t){.count = COUNT, .components = &place, .component_count = 1},
        ids);
    it = reef_query_begin(query);
    while (reef_query_next(&it)) {
        place_t *places = reef_query_column_mut(&it, 0);

        assert_int_equal((uintptr_t)places % 64, 0);
        for (uint32_t i = 0; i < it.count; i++) {
            places[i].x = next++;
        }
    }

    for (uint32_t i = 0; i < COUNT; i++) {
        assert_float_equal(REEF_FIND(world, ids[i], place)->x, i, 0);
    }
    reef_query_destroy(query);
}

static void test_query_maybe_is_null_where_absent(void **state)
{
    reef_world_t *world = *state;
    reef_query_t *query = reef_query_create(
        world, &(reef_query_desc_t){{REEF_READ(place), REEF_MAYBE_WRITE(speed),
                                     REEF_MAYBE_READ(hidden), REEF_WITH(place)}});
    reef_entity_t both = spawn(world);
    uint32_t with_speed = 0;
    reef_query_iter_t it;

    REEF_ADD(world, spawn(world), place, .x = 1);
    REEF_ADD(world, both, place, .x = 1);
    REEF_ADD(world, both, speed, .x = 9);
    it = reef_query_begin(query);
    while (reef_query_next(&it)) {
        const speed_t *speeds = reef_query_column_mut(&it, 1);

        if (speeds != NULL) {
            assert_float_equal(speeds[0].x, 9, 0);
            with_speed += it.count;
        }
        assert_null(reef_query_column(&it, 2));
        assert_null(reef_query_column(&it, 3));
    }

    assert_int_equal(with_speed, 1);
    assert_int_equal(reef_query_count(query), 2);
    reef_query_destroy(query);
}

static void test_query_without_terms_visits_every_entity(void **state)
{
    reef_query_t *query = reef_query_create(*state, &(reef_query_desc_t){0});

    spawn(*state);
    REEF_ADD(*state, spawn(*state), place, .x = 1);

    assert_int_equal(visit(query), 2);
    reef_query_destroy(query);
}

static void test_query_changed_sees_each_write_once_versions_advance(void **state)
{
    reef_world_t *world = *state;
    reef_query_t *query =
        reef_query_create(world, &(reef_query_desc_t){{REEF_CHANGED(place)}});
    reef_entity_t entity = spawn(world);

    REEF_ADD(world, entity, place, .x = 1);
    REEF_ADD(world, entity, speed, .x = 1);
    reef_world_advance_version(world);
    assert_int_equal(visit(query), 1);
    reef_world_advance_version(world);
    assert_int_equal(visit(query), 0);
    REEF_FIND_MUT(world, entity, speed)->x = 2;
    assert_int_equal(visit(query), 0);
    REEF_FIND_MUT(world, entity, place)->x = 2;
    reef_world_advance_version(world);
    assert_int_equal(visit(query), 1);
    reef_world_advance_version(world);
    assert_int_equal(visit(query), 0);
    reef_query_destroy(query);
}

static void test_query_changed_does_not_miss_a_write_after_its_look(void **state)
{
    reef_world_t *world = *state;
    reef_query_t *query =
        reef_query_create(world, &(reef_query_desc_t){{REEF_CHANGED(place)}});
    reef_entity_t entity = spawn(world);

    REEF_ADD(world, entity, place, .x = 1);
    reef_world_advance_version(world);
    visit(query);
    REEF_FIND_MUT(world, entity, place)->x = 2; /* same version as the look */
    reef_world_advance_version(world);

    assert_int_equal(visit(query), 1);
    reef_query_destroy(query);
}

static void test_query_changed_keeps_what_an_early_leave_did_not_reach(void **state)
{
    reef_world_t *world = *state;
    reef_query_t *query =
        reef_query_create(world, &(reef_query_desc_t){{REEF_CHANGED(place)}});
    reef_entity_t ids[3];
    reef_query_iter_t it;

    for (int i = 0; i < 3; i++) {
        ids[i] = spawn(world);
        REEF_ADD(world, ids[i], place, .x = 1);
    }
    assert_int_equal(visit(query), 3);
    REEF_FIND_MUT(world, ids[0], place)->x = 2;
    REEF_FIND_MUT(world, ids[2], place)->x = 2;
    it = reef_query_begin(query);
    assert_true(reef_query_next(&it));
    assert_int_equal(it.entities[0], ids[0]);

    it = reef_query_begin(query);
    assert_true(reef_query_next(&it));
    assert_int_equal(it.count, 1);
    assert_int_equal(it.entities[0], ids[2]);
    assert_float_equal(((const place_t *)reef_query_column(&it, 0))->x, 2, 0);
    assert_false(reef_query_next(&it));
    reef_query_destroy(query);
}

static void test_query_changed_follows_a_row_that_moves_to_another_chunk(void **state)
{
    enum {
        COUNT = 10000
    };
    static reef_entity_t ids[COUNT];
    reef_world_t *world = *state;
    reef_component_t place = ID(world, place);
    reef_query_t *query =
        reef_query_create(world, &(reef_query_desc_t){{REEF_CHANGED(place)}});
    reef_query_iter_t it;

    reef_world_spawn_rows(
        world,
        &(reef_rows_desc_t){.count = COUNT, .components = &place, .component_count = 1},
        ids);
    reef_world_advance_version(world);
    visit(query);
    reef_world_advance_version(world);
    REEF_FIND_MUT(world, ids[COUNT - 1], place)->x = 5;
    reef_world_advance_version(world);
    reef_world_despawn(world, ids[0]); /* the last row, just written, fills row 0 */
    reef_world_advance_version(world);

    it = reef_query_begin(query);
    assert_true(reef_query_next(&it));
    assert_int_equal(it.entities[0], ids[COUNT - 1]);
    reef_query_destroy(query);
}

static void test_query_added_sees_each_arrival_once(void **state)
{
    reef_world_t *world = *state;
    reef_query_t *query =
        reef_query_create(world, &(reef_query_desc_t){{REEF_ADDED(place)}});
    reef_entity_t entity = spawn(world);

    REEF_ADD(world, entity, place, .x = 1);
    assert_int_equal(visit(query), 1);
    REEF_FIND_MUT(world, entity, place)->x = 2; /* written, not added */
    REEF_ADD(world, entity, place, .x = 3);
    REEF_ADD(world, entity, speed, .x = 1); /* moves the row */
    assert_int_equal(visit(query), 0);
    reef_world_remove(world, entity, ID(world, place));
    REEF_ADD(world, entity, place, .x = 4);
    assert_int_equal(visit(query), 1);
    reef_query_destroy(query);
}

static void test_query_changed_follows_a_row_to_another_table(void **state)
{
    reef_world_t *world = *state;
    reef_query_t *query =
        reef_query_create(world, &(reef_query_desc_t){{REEF_CHANGED(place)}});
    reef_entity_t written = spawn(world), other = spawn(world);
    reef_query_iter_t it;

    REEF_ADD(world, written, place, .x = 1);
    REEF_ADD(world, other, place, .x = 1);
    (void)visit(query);
    REEF_FIND_MUT(world, written, place)->x = 2;
    REEF_ADD(world, written, speed, .x = 1);
    REEF_ADD(world, other, speed, .x = 1);

    it = reef_query_begin(query);
    assert_true(reef_query_next(&it));
    assert_int_equal(it.count, 1);
    assert_int_equal(it.entities[0], written);
    assert_false(reef_query_next(&it));
    reef_query_destroy(query);
}

static void test_query_value_mut_marks_one_row(void **state)
{
    reef_world_t *world = *state;
    reef_query_t *changed =
        reef_query_create(world, &(reef_query_desc_t){{REEF_CHANGED(place)}});
    reef_query_t *all =
        reef_query_create(world, &(reef_query_desc_t){{REEF_WRITE(place)}});
    reef_query_iter_t it;

    for (int i = 0; i < 3000; i++) {
        REEF_ADD(world, spawn(world), place, .x = 1);
    }
    (void)visit(changed);
    it = reef_query_begin(all);
    assert_true(reef_query_next(&it));
    ((place_t *)reef_query_value_mut(&it, 0, 2500))->x = 5;

    it = reef_query_begin(changed);
    assert_true(reef_query_next(&it));
    assert_int_equal(it.count, 1);
    assert_float_equal(((const place_t *)reef_query_column(&it, 0))->x, 5, 0);
    assert_false(reef_query_next(&it));
    reef_query_destroy(all);
    reef_query_destroy(changed);
}

static void test_query_either_wants_one_of_each_group(void **state)
{
    reef_world_t *world = *state;
    reef_query_t *query = reef_query_create(
        world, &(reef_query_desc_t){
                   {REEF_EITHER_READ(0, place), REEF_EITHER_READ(0, speed),
                    REEF_EITHER_READ(1, hidden), REEF_EITHER_WRITE(1, mood)}});
    reef_entity_t entity = spawn(world);
    reef_query_iter_t it;

    REEF_ADD(world, entity, place, .x = 1);
    assert_int_equal(visit(query), 0);
    REEF_ADD(world, entity, mood, .value = 1);
    REEF_ADD(world, spawn(world), mood, .value = 1);
    assert_int_equal(visit(query), 1);
    it = reef_query_begin(query);
    assert_true(reef_query_next(&it));

    assert_non_null(reef_query_column(&it, 0));
    assert_null(reef_query_column(&it, 1));
    assert_null(reef_query_column(&it, 2));
    assert_non_null(reef_query_column_mut(&it, 3));
    reef_query_destroy(query);
}

static void test_query_forgets_tables_that_are_released(void **state)
{
    reef_world_t *world = *state;
    reef_query_t *query =
        reef_query_create(world, &(reef_query_desc_t){{REEF_READ(place)}});
    reef_entity_t entity = spawn(world);
    uint32_t tables = reef_world_table_count(world);

    REEF_ADD(world, entity, place, .x = 1);
    REEF_ADD(world, entity, speed, .x = 1);
    assert_int_equal(visit(query), 1);
    reef_world_despawn(world, entity);
    reef_world_trim(world);
    assert_int_equal(reef_world_table_count(world), tables);
    assert_int_equal(visit(query), 0);
    REEF_ADD(world, spawn(world), place, .x = 1);
    assert_int_equal(visit(query), 1);
    reef_query_destroy(query);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_query_visits_what_matches_with_and_without),
        TEST(test_query_made_late_finds_tables_made_before),
        TEST(test_query_writes_through_its_columns),
        TEST(test_query_maybe_is_null_where_absent),
        TEST(test_query_without_terms_visits_every_entity),
        TEST(test_query_changed_sees_each_write_once_versions_advance),
        TEST(test_query_changed_does_not_miss_a_write_after_its_look),
        TEST(test_query_changed_keeps_what_an_early_leave_did_not_reach),
        TEST(test_query_changed_follows_a_row_that_moves_to_another_chunk),
        TEST(test_query_changed_follows_a_row_to_another_table),
        TEST(test_query_added_sees_each_arrival_once),
        TEST(test_query_value_mut_marks_one_row),
        TEST(test_query_either_wants_one_of_each_group),
        TEST(test_query_forgets_tables_that_are_released),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
