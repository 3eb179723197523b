#include "ecs_fixture.h"
#include "test.h"

#include <reef/observer.h>
#include <reef/table.h>

#include <stdio.h>
#include <string.h>

/* What observers saw, as text. */
typedef struct log {
    char text[400];
    const char *name;
} log_t;

static void
note_tag(reef_world_t *world, reef_entity_t entity, const void *value, void *context)
{
    (void)world;
    assert_non_null(value);
    *(reef_entity_t *)context = entity;
}

static void
note(reef_world_t *world, reef_entity_t entity, const void *value, void *context)
{
    log_t *log = context;
    size_t length = strlen(log->text);
    const speed_t *speed = REEF_FIND(world, entity, speed);

    snprintf(log->text + length, sizeof(log->text) - length, "%s%u=%g,%s;", log->name,
             reef_entity_index(entity), (double)((const place_t *)value)->x,
             speed != NULL ? "whole" : "-");
}

static void test_observer_sees_values_of_add_set_and_remove(void **state)
{
    log_t log = {.name = "a"};
    reef_world_t *world = *state;
    reef_entity_t entity = spawn(world);

    for (reef_observe_t what = REEF_OBSERVE_ADD; what <= REEF_OBSERVE_REMOVE; what++) {
        reef_world_observe(world, what, &place_type, note, &log);
    }
    REEF_ADD(world, entity, place, .x = 1);
    REEF_ADD(world, entity, place, .x = 2);
    reef_world_set(world, entity, ID(world, place), &(place_t){.x = 3});
    REEF_FIND_MUT(world, entity, place)->x = 4;
    REEF_ADD(world, entity, speed, .x = 0);
    reef_world_remove(world, entity, ID(world, place));

    assert_string_equal(log.text, "a1=1,-;a1=2,-;a1=3,-;a1=4,whole;");
}

static void test_observer_of_remove_sees_a_despawned_entity_whole(void **state)
{
    log_t log = {.name = "r"};
    reef_world_t *world = *state;
    reef_entity_t entity = spawn(world);

    REEF_ADD(world, entity, speed, .x = 0);
    REEF_ADD(world, entity, place, .x = 6);
    reef_world_observe(world, REEF_OBSERVE_REMOVE, &place_type, note, &log);
    reef_world_despawn(world, entity);

    assert_string_equal(log.text, "r1=6,whole;");
}

static void test_observer_of_a_tag_is_told(void **state)
{
    reef_entity_t seen = 0;
    reef_entity_t entity = spawn(*state);

    reef_world_observe(*state, REEF_OBSERVE_ADD, &hidden_type, note_tag, &seen);
    reef_world_add(*state, entity, ID(*state, hidden), NULL);

    assert_int_equal(seen, entity);
}

static void
note_first(reef_world_t *world, reef_entity_t entity, const void *value, void *context)
{
    log_t *log = context;

    log->name = "first";
    note(world, entity, value, context);
    log->name = "second";
}

static void test_observers_run_in_order_of_registration(void **state)
{
    log_t log = {.name = ""};
    reef_world_t *world = *state;

    reef_world_observe(world, REEF_OBSERVE_ADD, &place_type, note_first, &log);
    reef_world_observe(world, REEF_OBSERVE_ADD, &place_type, note, &log);
    reef_world_observe(world, REEF_OBSERVE_SET, &place_type, note, &log);
    REEF_ADD(world, spawn(world), place, .x = 1);

    assert_string_equal(log.text, "first1=1,-;second1=1,-;");
}

static void test_observer_runs_for_spawned_and_restored_rows(void **state)
{
    log_t log = {.name = "s"};
    reef_world_t *world = *state;
    reef_component_t components[] = {ID(world, speed), ID(world, place)};
    place_t places[] = {{.x = 1}, {.x = 2}};
    reef_rows_desc_t rows = {.count = 2,
                             .components = components,
                             .component_count = 2,
                             .columns = (const void *[]){NULL, places}};
    reef_entity_t ids[2];
    reef_slots_t slots;

    reef_world_spawn_rows(world, &rows, ids); /* the table is older than the observer */
    reef_world_despawn(world, ids[1]);
    reef_world_despawn(world, ids[0]);
    reef_world_observe(world, REEF_OBSERVE_ADD, &place_type, note, &log);
    reef_world_spawn_rows(world, &rows, ids);
    reef_world_export_slots(world, &slots);
    assert_string_equal(log.text, "s1=1,whole;s2=2,whole;");
    log = (log_t){.name = "n"};
    reef_world_observe(world, REEF_OBSERVE_REMOVE, &place_type, note, &log);
    assert_int_equal(reef_world_import_slots(world, &slots), REEF_OK);
    assert_int_equal(reef_world_restore_rows(world, &rows, ids), REEF_OK);

    assert_string_equal(log.text, "n1=1,whole;n2=2,whole;n1=1,whole;n2=2,whole;");
    reef_slots_finish(&slots);
}

static void test_observer_that_was_taken_off_is_told_no_more(void **state)
{
    log_t gone = {.name = "g"};
    log_t other = {.name = "o"};
    reef_world_t *world = *state;
    reef_entity_t entity = spawn(world);

    reef_world_observe(world, REEF_OBSERVE_ADD, &place_type, note, &gone);
    reef_world_observe(world, REEF_OBSERVE_ADD, &place_type, note, &other);
    reef_world_observe(world, REEF_OBSERVE_REMOVE, &place_type, note, &gone);
    reef_world_unobserve(world, REEF_OBSERVE_ADD, &place_type, note, &gone);
    reef_world_unobserve(world, REEF_OBSERVE_REMOVE, &place_type, note, &gone);
    reef_world_unobserve(world, REEF_OBSERVE_REMOVE, &place_type, note, &gone);
    REEF_ADD(world, entity, place, .x = 1);
    reef_world_despawn(world, entity);

    assert_string_equal(gone.text, "");
    assert_string_equal(other.text, "o1=1,-;");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_observer_sees_values_of_add_set_and_remove),
        TEST(test_observer_of_remove_sees_a_despawned_entity_whole),
        TEST(test_observer_of_a_tag_is_told),
        TEST(test_observers_run_in_order_of_registration),
        TEST(test_observer_runs_for_spawned_and_restored_rows),
        TEST(test_observer_that_was_taken_off_is_told_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
