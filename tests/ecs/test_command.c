#include "ecs_fixture.h"
#include "test.h"

#include <reef/command.h>
#include <reef/observer.h>
#include <reef/table.h>

#include <string.h>

static void test_command_spawned_entity_is_alive_once_applied(void **state)
{
    reef_commands_t *commands = reef_commands_create(*state);
    reef_entity_t entity = reef_commands_spawn(commands, REEF_RANGE_WORLD);

    reef_commands_add(commands, entity, &place_type, &(place_t){.x = 3});
    reef_commands_add(commands, entity, &hidden_type, NULL);
    reef_commands_add(commands, entity, &speed_type, NULL);
    assert_false(reef_world_is_alive(*state, entity));
    reef_commands_apply(commands);

    assert_true(reef_world_is_alive(*state, entity));
    assert_float_equal(REEF_FIND(*state, entity, place)->x, 3, 0);
    assert_true(reef_world_has(*state, entity, ID(*state, hidden)));
    assert_true(reef_world_has(*state, entity, ID(*state, speed)));
    reef_commands_destroy(commands);
}

static void test_command_apply_keeps_the_order_and_forgets(void **state)
{
    reef_commands_t *commands = reef_commands_create(*state);
    reef_entity_t entity = spawn(*state);

    reef_commands_add(commands, entity, &place_type, &(place_t){.x = 1});
    reef_commands_remove(commands, entity, &place_type);
    reef_commands_add(commands, entity, &place_type, &(place_t){.x = 2});
    reef_commands_apply(commands);
    assert_float_equal(REEF_FIND(*state, entity, place)->x, 2, 0);

    reef_world_remove(*state, entity, ID(*state, place));
    reef_commands_apply(commands);
    assert_null(REEF_FIND(*state, entity, place));
    reef_commands_destroy(commands);
}

static void test_command_on_the_dead_is_counted_and_drops_its_value(void **state)
{
    uint32_t dropped = 0;
    reef_commands_t *commands = reef_commands_create(*state);
    reef_entity_t entity = spawn(*state);

    reef_commands_despawn(commands, entity);
    reef_commands_add(commands, entity, &handle_type, &(handle_t){&dropped});
    reef_commands_remove(commands, entity, &handle_type);
    reef_commands_despawn(commands, entity);
    reef_commands_apply(commands);

    assert_int_equal(dropped, 1);
    assert_int_equal(reef_world_stale_count(*state), 3);
    reef_commands_destroy(commands);
}

static void test_command_destroy_discards_values_and_reserved_ids(void **state)
{
    uint32_t dropped = 0;
    reef_commands_t *commands = reef_commands_create(*state);
    reef_entity_t reserved = reef_commands_spawn(commands, REEF_RANGE_SESSION);
    reef_entity_t next;

    reef_commands_add(commands, reserved, &handle_type, &(handle_t){&dropped});
    reef_commands_destroy(commands);
    next = reef_world_spawn(*state, REEF_RANGE_SESSION);

    assert_int_equal(dropped, 1);
    assert_int_equal(reef_entity_index(next), reef_entity_index(reserved));
    assert_int_not_equal(next, reserved);
    reef_commands_destroy(NULL);
}

static void test_command_given_value_is_owned_by_the_world(void **state)
{
    uint32_t dropped = 0;
    reef_commands_t *commands = reef_commands_create(*state);
    reef_entity_t entity = spawn(*state);

    reef_commands_add(commands, entity, &handle_type, &(handle_t){&dropped});
    reef_commands_apply(commands);
    reef_commands_destroy(commands);

    assert_int_equal(dropped, 0);
    reef_world_despawn(*state, entity);
    assert_int_equal(dropped, 1);
}

typedef struct big {
    _Alignas(64) uint8_t bytes[5000];
} big_t;

static void check_alignment(void *value)
{
    assert_int_equal((uintptr_t)value % 64, 0);
}

static void test_command_values_of_any_size_are_aligned(void **state)
{
    static const reef_type_t big_type = {
        .name = "big", .size = sizeof(big_t), .alignment = 64, .drop = check_alignment};
    static big_t value;
    reef_commands_t *commands = reef_commands_create(*state);
    reef_entity_t ids[20];

    for (uint8_t i = 0; i < 20; i++) {
        memset(value.bytes, i, sizeof(value.bytes));
        ids[i] = reef_commands_spawn(commands, REEF_RANGE_WORLD);
        reef_commands_add(commands, ids[i], &big_type, &value);
        reef_commands_add(commands, 99, &big_type, &value);
    }
    reef_commands_apply(commands);

    for (uint8_t i = 0; i < 20; i++) {
        const big_t *big = REEF_FIND(*state, ids[i], big);

        assert_int_equal((uintptr_t)big % 64, 0);
        memset(value.bytes, i, sizeof(value.bytes));
        assert_memory_equal(big, &value, sizeof(value));
    }
    reef_commands_destroy(commands);
}

static void
record_more(reef_world_t *world, reef_entity_t entity, const void *value, void *context)
{
    (void)world;
    (void)value;
    reef_commands_add(context, entity, &speed_type, &(speed_t){.x = 8});
}

static void test_command_recorded_while_applying_is_applied_too(void **state)
{
    reef_commands_t *commands = reef_commands_create(*state);
    reef_entity_t entity = reef_commands_spawn(commands, REEF_RANGE_WORLD);

    reef_world_observe(*state, REEF_OBSERVE_ADD, &place_type, record_more, commands);
    reef_commands_add(commands, entity, &place_type, NULL);
    reef_commands_apply(commands);

    assert_float_equal(REEF_FIND(*state, entity, speed)->x, 8, 0);
    reef_commands_destroy(commands);
}

static void
count_call(reef_world_t *world, reef_entity_t entity, const void *value, void *context)
{
    (void)world, (void)entity;
    assert_non_null(value);
    ++*(uint32_t *)context;
}

static void test_command_apply_moves_an_entity_once(void **state)
{
    uint32_t counts[REEF_OBSERVE_DESPAWN + 1] = {0};
    reef_commands_t *commands = reef_commands_create(*state);
    uint32_t tables;
    reef_entity_t entity;

    for (reef_observe_t what = REEF_OBSERVE_ADD; what <= REEF_OBSERVE_DESPAWN; what++) {
        reef_world_observe(*state, what, &place_type, count_call, &counts[what]);
    }
    tables = reef_world_table_count(*state);
    entity = reef_commands_spawn(commands, REEF_RANGE_WORLD);
    reef_commands_add(commands, entity, &place_type, NULL);
    reef_commands_add(commands, entity, &speed_type, NULL);
    reef_commands_add(commands, spawn(*state), &hidden_type, NULL); /* in between */
    reef_commands_add(commands, entity, &mood_type, NULL);
    reef_commands_remove(commands, entity, &place_type);
    reef_commands_add(commands, entity, &place_type, &(place_t){.x = 1});
    reef_commands_apply(commands);

    /* One table for it and one for the other: none that it only passed through. */
    assert_int_equal(reef_world_table_count(*state), tables + 2);
    assert_int_equal(counts[REEF_OBSERVE_ADD], 1);
    assert_int_equal(counts[REEF_OBSERVE_REMOVE], 0);
    reef_commands_destroy(commands);
}

static void test_command_observers_see_what_changed_in_the_end(void **state)
{
    uint32_t counts[REEF_OBSERVE_DESPAWN + 1] = {0};
    reef_commands_t *commands = reef_commands_create(*state);
    reef_entity_t entity = spawn(*state);

    for (reef_observe_t what = REEF_OBSERVE_ADD; what <= REEF_OBSERVE_DESPAWN; what++) {
        reef_world_observe(*state, what, &place_type, count_call, &counts[what]);
    }
    reef_commands_add(commands, entity, &place_type, NULL);
    reef_commands_remove(commands, entity, &place_type);
    reef_commands_apply(commands); /* never there */
    assert_int_equal(counts[REEF_OBSERVE_ADD] + counts[REEF_OBSERVE_REMOVE], 0);
    REEF_ADD(*state, entity, place, .x = 1);
    reef_commands_set(commands, entity, &place_type, &(place_t){.x = 2});
    reef_commands_set(commands, entity, &place_type, &(place_t){.x = 3});
    reef_commands_set(commands, entity, &speed_type, &(speed_t){.x = 3}); /* absent */
    reef_commands_apply(commands);
    assert_int_equal(counts[REEF_OBSERVE_SET], 1);
    assert_null(REEF_FIND(*state, entity, speed));
    reef_commands_remove(commands, entity, &place_type);
    reef_commands_add(commands, entity, &place_type, NULL);
    reef_commands_apply(commands); /* gone and back */
    assert_int_equal(counts[REEF_OBSERVE_REMOVE], 1);
    assert_int_equal(counts[REEF_OBSERVE_ADD], 2);
    reef_commands_set(commands, entity, &place_type, &(place_t){.x = 2});
    reef_commands_despawn(commands, entity);
    reef_commands_apply(commands);
    assert_int_equal(counts[REEF_OBSERVE_DESPAWN], 1);
    assert_int_equal(counts[REEF_OBSERVE_SET], 1);
    reef_commands_destroy(commands);
}

static void test_command_recorded_before_a_restore_spares_whom_it_brought(void **state)
{
    reef_commands_t *commands = reef_commands_create(*state);
    reef_entity_t entity = reef_commands_spawn(commands, REEF_RANGE_WORLD);
    reef_component_t place = ID(*state, place);
    uint32_t generations[] = {0, 1};
    reef_slots_t slots = {.generations = generations, .slot_count = 2};
    reef_rows_desc_t rows = {.count = 1, .components = &place, .component_count = 1};

    reef_commands_remove(commands, entity, &place_type);
    assert_int_equal(reef_world_import_slots(*state, &slots), REEF_OK);
    assert_int_equal(reef_world_restore_rows(*state, &rows, &entity), REEF_OK);
    reef_commands_apply(commands);

    assert_int_equal(reef_world_entity_count(*state), 1);
    assert_int_equal(reef_world_stale_count(*state), 2);
    assert_true(reef_world_has(*state, entity, place));
    reef_commands_destroy(commands);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_command_spawned_entity_is_alive_once_applied),
        TEST(test_command_apply_keeps_the_order_and_forgets),
        TEST(test_command_on_the_dead_is_counted_and_drops_its_value),
        TEST(test_command_destroy_discards_values_and_reserved_ids),
        TEST(test_command_given_value_is_owned_by_the_world),
        TEST(test_command_values_of_any_size_are_aligned),
        TEST(test_command_recorded_while_applying_is_applied_too),
        TEST(test_command_apply_moves_an_entity_once),
        TEST(test_command_observers_see_what_changed_in_the_end),
        TEST(test_command_recorded_before_a_restore_spares_whom_it_brought),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
