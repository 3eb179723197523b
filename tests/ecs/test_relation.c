#include "ecs_fixture.h"
#include "test.h"

#include <reef/bundle.h>
#include <reef/relation.h>
#include <reef/table.h>

REEF_RELATION(in_room, REEF_PERSISTENT, REEF_DETACH);

static uint32_t count_of(reef_world_t *world, reef_entity_t target)
{
    uint32_t count;

    (void)REEF_SOURCES(world, target, in_room, &count);
    return count;
}

static bool lists(reef_world_t *world, reef_entity_t target, reef_entity_t source)
{
    uint32_t count;
    const reef_entity_t *sources = REEF_SOURCES(world, target, in_room, &count);

    for (uint32_t i = 0; i < count; i++) {
        if (sources[i] == source) {
            return true;
        }
    }
    return false;
}

static void test_relation_lists_its_sources(void **state)
{
    reef_entity_t room = spawn(*state), a = spawn(*state), b = spawn(*state);

    assert_true(REEF_RELATE(*state, a, in_room, room));
    assert_true(REEF_RELATE(*state, b, in_room, room));

    assert_int_equal(count_of(*state, room), 2);
    assert_true(lists(*state, room, a));
    assert_true(lists(*state, room, b));
    assert_int_equal(REEF_TARGET(*state, a, in_room), room);
    assert_int_equal(count_of(*state, a), 0);
    assert_int_equal(REEF_TARGET(*state, room, in_room), 0);
}

static void test_relation_has_one_target_at_a_time(void **state)
{
    reef_entity_t rooms[2] = {spawn(*state), spawn(*state)}, client = spawn(*state);

    assert_true(REEF_RELATE(*state, client, in_room, rooms[0]));
    assert_true(REEF_RELATE(*state, client, in_room, rooms[1]));

    assert_int_equal(count_of(*state, rooms[0]), 0);
    assert_int_equal(count_of(*state, rooms[1]), 1);
    assert_true(reef_world_remove(*state, client, ID(*state, in_room)));
    assert_int_equal(count_of(*state, rooms[1]), 0);
}

static void test_relation_follows_the_rows_of_its_sources(void **state)
{
    enum {
        COUNT = 200
    };
    reef_entity_t room = spawn(*state), ids[COUNT];

    for (int i = 0; i < COUNT; i++) {
        ids[i] = spawn(*state);
        assert_true(REEF_RELATE(*state, ids[i], in_room, room));
    }
    for (int i = 0; i < COUNT; i += 2) {
        REEF_ADD(*state, ids[i], place, .x = 1);
        assert_true(reef_world_despawn(*state, ids[(i + 101) % COUNT]));
    }

    assert_int_equal(count_of(*state, room), COUNT / 2);
    for (int i = 0; i < COUNT; i += 2) {
        assert_true(lists(*state, room, ids[i]));
    }
}

static void test_relation_detaches_when_the_target_goes(void **state)
{
    reef_entity_t room = spawn(*state), client = spawn(*state);

    REEF_RELATE(*state, client, in_room, room);
    assert_true(reef_world_despawn(*state, room));

    assert_true(reef_world_is_alive(*state, client));
    assert_false(reef_world_has(*state, client, ID(*state, in_room)));
    assert_int_equal(count_of(*state, room), 0);
}

static void test_relation_cascades_to_all_descendants(void **state)
{
    enum {
        DEPTH = 50000
    };
    reef_entity_t root = spawn(*state), last = root, bystander = spawn(*state);

    for (int i = 0; i < DEPTH; i++) { /* far deeper than a stack of calls would be */
        reef_entity_t child = spawn(*state);

        assert_true(REEF_RELATE(*state, child, child_of, last));
        last = child;
    }
    assert_true(reef_world_despawn(*state, root));

    assert_int_equal(reef_world_entity_count(*state), 1);
    assert_true(reef_world_is_alive(*state, bystander));
}

static void test_relation_refuses_what_cannot_be(void **state)
{
    reef_entity_t a = spawn(*state), b = spawn(*state), c = spawn(*state);
    reef_entity_t dead = spawn(*state);

    reef_world_despawn(*state, dead);
    assert_true(REEF_RELATE(*state, b, child_of, a));
    assert_true(REEF_RELATE(*state, c, child_of, b));

    assert_false(REEF_RELATE(*state, a, child_of, c)); /* a cycle */
    assert_false(REEF_RELATE(*state, a, child_of, a));
    assert_false(REEF_RELATE(*state, a, child_of, dead));
    assert_false(REEF_RELATE(*state, a, child_of, 0));
    assert_false(REEF_RELATE(*state, b, child_of, c)); /* b keeps its parent */
    assert_int_equal(REEF_TARGET(*state, b, child_of), a);
    assert_int_equal(reef_world_stale_count(*state), 5);
    assert_true(REEF_RELATE(*state, a, in_room, b)); /* of another kind, it may */
}

static void test_relation_by_commands_may_point_to_what_is_spawned_with_it(void **state)
{
    reef_commands_t *commands = reef_commands_create(*state);
    reef_entity_t client = spawn(*state), stray = spawn(*state);
    reef_entity_t room, gone;

    reef_commands_add(commands, client, &place_type, NULL);
    room = reef_commands_spawn(commands, REEF_RANGE_WORLD);
    gone = reef_commands_spawn(commands, REEF_RANGE_WORLD);
    REEF_COMMAND_RELATE(commands, client, in_room, room);
    REEF_COMMAND_RELATE(commands, stray, child_of, gone);
    reef_commands_despawn(commands, gone);
    reef_commands_apply(commands);

    assert_int_equal(count_of(*state, room), 1);
    assert_int_equal(REEF_TARGET(*state, client, in_room), room);
    assert_false(reef_world_is_alive(*state, stray)); /* went with what it hung on */
    reef_commands_destroy(commands);
}

static void test_relation_comes_back_with_restored_rows(void **state)
{
    reef_world_t *copy = reef_world_create(&(reef_world_desc_t){0});
    reef_entity_t room = spawn(*state), client = spawn(*state);
    reef_component_t id = ID(copy, in_room);
    in_room_t value;
    reef_slots_t slots;

    REEF_RELATE(*state, client, in_room, room);
    value = *REEF_FIND(*state, client, in_room);
    value.place = 77; /* not stored */
    reef_world_export_slots(*state, &slots);
    assert_int_equal(reef_world_import_slots(copy, &slots), REEF_OK);
    assert_int_equal(reef_world_restore_rows(
                         copy,
                         &(reef_rows_desc_t){.count = 1,
                                             .components = &id,
                                             .component_count = 1,
                                             .columns = (const void *[]){&value}},
                         &client),
                     REEF_OK);
    assert_int_equal(
        reef_world_restore_rows(copy, &(reef_rows_desc_t){.count = 1}, &room), REEF_OK);
    assert_int_equal(reef_world_restore_end(copy), 0);

    assert_int_equal(count_of(copy, room), 1);
    assert_true(lists(copy, room, client));
    assert_int_equal(reef_world_state_hash(copy), reef_world_state_hash(*state));
    reef_slots_finish(&slots);
    reef_world_destroy(copy);
}

static void test_relation_to_what_was_not_restored_is_let_go(void **state)
{
    reef_world_t *copy = reef_world_create(&(reef_world_desc_t){0});
    reef_entity_t room = spawn(*state), client = spawn(*state);
    reef_component_t id = ID(copy, in_room);
    reef_slots_t slots;

    reef_world_export_slots(*state, &slots);
    assert_int_equal(reef_world_import_slots(copy, &slots), REEF_OK);
    assert_int_equal(reef_world_restore_rows(
                         copy,
                         &(reef_rows_desc_t){
                             .count = 1,
                             .components = &id,
                             .component_count = 1,
                             .columns = (const void *[]){&(in_room_t){.target = room}}},
                         &client),
                     REEF_OK);
    assert_int_equal(reef_world_restore_end(copy), 1);

    assert_true(reef_world_is_alive(copy, client));
    assert_false(reef_world_has(copy, client, id));
    reef_slots_finish(&slots);
    reef_world_destroy(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_relation_lists_its_sources),
        TEST(test_relation_has_one_target_at_a_time),
        TEST(test_relation_follows_the_rows_of_its_sources),
        TEST(test_relation_detaches_when_the_target_goes),
        TEST(test_relation_cascades_to_all_descendants),
        TEST(test_relation_refuses_what_cannot_be),
        TEST(test_relation_by_commands_may_point_to_what_is_spawned_with_it),
        TEST(test_relation_comes_back_with_restored_rows),
        TEST(test_relation_to_what_was_not_restored_is_let_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
