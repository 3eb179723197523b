#include "ecs_fixture.h"
#include "test.h"

#include <string.h>

/* Two entities, added in one order or the other, components registered likewise. */
static void fill(reef_world_t *world, bool reversed)
{
    reef_entity_t ids[3];

    for (uint32_t i = 0; i < 3; i++) {
        ids[i] = spawn(world);
    }
    for (uint32_t k = 0; k < 3; k++) {
        uint32_t i = reversed ? 2 - k : k;

        if (reversed) {
            REEF_ADD(world, ids[i], speed, .x = (float)i);
            REEF_ADD(world, ids[i], place, .x = (float)i);
        } else {
            REEF_ADD(world, ids[i], place, .x = (float)i);
            REEF_ADD(world, ids[i], speed, .x = (float)i);
        }
    }
}

static void test_state_hash_ignores_rows_order_and_component_ids(void **state)
{
    reef_world_t *other = reef_world_create(&(reef_world_desc_t){0});

    fill(*state, false);
    fill(other, true);

    assert_int_equal(reef_world_state_hash(*state), reef_world_state_hash(other));
    assert_int_equal(reef_world_persistent_hash(*state),
                     reef_world_persistent_hash(other));
    reef_world_destroy(other);
}

static void test_state_hash_sees_values_ids_tags_and_resources(void **state)
{
    reef_entity_t entity = spawn(*state);
    uint64_t hashes[6];

    hashes[0] = reef_world_state_hash(*state);
    REEF_ADD(*state, entity, place, .x = 1);
    hashes[1] = reef_world_state_hash(*state);
    REEF_FIND_MUT(*state, entity, place)->x = 2;
    hashes[2] = reef_world_state_hash(*state);
    reef_world_add(*state, entity, ID(*state, hidden), NULL);
    hashes[3] = reef_world_state_hash(*state);
    REEF_RESOURCE(*state, speed)->x = 1;
    hashes[4] = reef_world_state_hash(*state);
    spawn(*state);
    hashes[5] = reef_world_state_hash(*state);

    for (uint32_t i = 0; i < 6; i++) {
        for (uint32_t k = 0; k < i; k++) {
            assert_int_not_equal(hashes[i], hashes[k]);
        }
    }
}

static void test_state_hash_ignores_the_tail_of_a_string(void **state)
{
    reef_entity_t entity = spawn(*state);
    uint64_t hash;

    REEF_ADD(*state, entity, mood, .text = "calm");
    hash = reef_world_state_hash(*state);
    REEF_FIND_MUT(*state, entity, mood)->text[10] = 'x';
    assert_int_equal(reef_world_state_hash(*state), hash);
    REEF_FIND_MUT(*state, entity, mood)->text[0] = 'x';
    assert_int_not_equal(reef_world_state_hash(*state), hash);
}

static void test_persistent_hash_covers_only_what_a_snapshot_stores(void **state)
{
    reef_entity_t entity = spawn(*state);
    reef_entity_t session = reef_world_spawn(*state, REEF_RANGE_SESSION);
    uint64_t hash;

    REEF_ADD(*state, entity, place, .x = 1);
    hash = reef_world_persistent_hash(*state);
    REEF_ADD(*state, entity, mood, .value = 1);
    REEF_ADD(*state, session, place, .x = 1);
    REEF_RESOURCE(*state, mood)->value = 4;
    assert_int_equal(reef_world_persistent_hash(*state), hash);
    REEF_RESOURCE(*state, place)->x = 4;
    assert_int_not_equal(reef_world_persistent_hash(*state), hash);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_state_hash_ignores_rows_order_and_component_ids),
        TEST(test_state_hash_sees_values_ids_tags_and_resources),
        TEST(test_state_hash_ignores_the_tail_of_a_string),
        TEST(test_persistent_hash_covers_only_what_a_snapshot_stores),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
