#include "entity_index.h"

#include "test.h"

enum {
    GENERATION_ONE = 1,
    SOME_TABLE = 7, /* it is not looked into */
};

static int setup(void **state)
{
    static reef__entity_index_t index;

    reef__entity_index_init(&index, reef_alloc_default(), REEF_RANGE_WORLD);
    *state = &index;
    return 0;
}

static int teardown(void **state)
{
    reef__entity_index_finish(*state);
    return 0;
}

static reef_entity_t spawn(reef__entity_index_t *index)
{
    reef__record_t *record;
    reef_entity_t entity = reef__entity_index_reserve(index, &record);

    reef__entity_index_activate(index, record);
    record->table = SOME_TABLE;
    return entity;
}

static void release(reef__entity_index_t *index, reef_entity_t entity)
{
    reef__entity_index_release(index, reef__entity_index_find(index, entity),
                               reef__entity_slot(entity));
}

static void test_entity_index_starts_at_index_1_generation_1(void **state)
{
    reef_entity_t entity = spawn(*state);

    assert_int_equal(reef_entity_index(entity), 1);
    assert_int_equal(reef_entity_generation(entity), GENERATION_ONE);
    assert_null(reef__entity_index_find(*state, 0));
    assert_null(reef__entity_index_find(*state, UINT64_C(1) << 32));
}

static void test_entity_index_of_sessions_starts_at_its_base(void **state)
{
    reef__entity_index_t sessions;
    reef_entity_t entity;

    (void)state;
    reef__entity_index_init(&sessions, reef_alloc_default(), REEF_RANGE_SESSION);
    entity = spawn(&sessions);

    assert_int_equal(reef_entity_index(entity), REEF_SESSION_INDEX_BASE);
    assert_int_equal(reef_entity_range(entity), REEF_RANGE_SESSION);
    assert_non_null(reef__entity_index_find(&sessions, entity));
    assert_int_equal(sessions.slot_count, 1);
    reef__entity_index_finish(&sessions);
}

static void test_entity_index_release_invalidates_stale_id(void **state)
{
    reef_entity_t first = spawn(*state);
    reef_entity_t second;

    release(*state, first);
    second = spawn(*state);

    assert_int_equal(reef_entity_index(first), reef_entity_index(second));
    assert_null(reef__entity_index_find(*state, first));
    assert_non_null(reef__entity_index_find(*state, second));
}

static void test_entity_index_reuses_the_last_freed_first(void **state)
{
    reef_entity_t a = spawn(*state);
    reef_entity_t b = spawn(*state);

    release(*state, a);
    release(*state, b);

    assert_int_equal(reef_entity_index(spawn(*state)), reef_entity_index(b));
    assert_int_equal(reef_entity_index(spawn(*state)), reef_entity_index(a));
}

static void test_entity_index_even_generation_is_never_alive(void **state)
{
    reef_entity_t entity = spawn(*state);
    reef_entity_t dead = entity + (UINT64_C(1) << 32);

    release(*state, entity);

    assert_int_equal(reef__entity_index_slot(*state, 1)->generation, 2);
    assert_null(reef__entity_index_find(*state, dead));
}

static void test_entity_index_retires_a_slot_whose_generations_are_used_up(void **state)
{
    reef__record_t *record;
    reef_entity_t entity = spawn(*state);

    record = reef__entity_index_find(*state, entity);
    record->generation = UINT32_MAX;
    release(*state, (uint64_t)UINT32_MAX << 32 | 1);

    assert_int_equal(reef_entity_index(spawn(*state)), 2);
}

static void test_entity_index_reserved_id_is_not_alive_until_activated(void **state)
{
    reef__entity_index_t *index = *state;
    reef__record_t *record;
    reef_entity_t entity = reef__entity_index_reserve(index, &record);

    assert_null(reef__entity_index_find(index, entity));
    assert_ptr_equal(reef__entity_index_find_reserved(index, entity), record);

    reef__entity_index_activate(index, record);
    record->table = SOME_TABLE;
    assert_ptr_equal(reef__entity_index_find(index, entity), record);
    assert_null(reef__entity_index_find_reserved(index, entity));
}

static void test_entity_index_cancelled_id_never_comes_back(void **state)
{
    reef__record_t *record;
    reef_entity_t cancelled = reef__entity_index_reserve(*state, &record);
    reef_entity_t next;

    reef__entity_index_cancel(*state, cancelled);
    next = spawn(*state);

    assert_int_equal(reef_entity_index(next), reef_entity_index(cancelled));
    assert_int_not_equal(next, cancelled);
}

static void test_entity_index_next_skips_the_dead(void **state)
{
    reef__entity_index_t *index = *state;
    reef_entity_t ids[3 * 1024];
    uint32_t count = sizeof(ids) / sizeof(ids[0]);

    for (uint32_t i = 0; i < count; i++) {
        ids[i] = spawn(index);
    }
    for (uint32_t i = 1; i < count - 1; i++) {
        release(index, ids[i]);
    }

    assert_int_equal(reef__entity_index_next(index, 0), ids[0]);
    assert_int_equal(reef__entity_index_next(index, 2), ids[count - 1]);
    assert_int_equal(reef__entity_index_next(index, count + 1), 0);
}

static reef_error_t check(reef__entity_index_t *index,
                          uint32_t *generations,
                          uint32_t slot_count,
                          uint32_t *free_list,
                          uint32_t free_count)
{
    return reef__entity_index_check(index, &(reef_slots_t){.generations = generations,
                                                           .slot_count = slot_count,
                                                           .free_list = free_list,
                                                           .free_count = free_count});
}

static void test_entity_index_check_refuses_contradictions(void **state)
{
    uint32_t generations[] = {0, 1, 2, 4};
    uint32_t used_zero[] = {1, 1};
    uint32_t good[] = {3, 2};
    uint32_t alive[] = {1};
    uint32_t twice[] = {2, 2};
    uint32_t too_big[] = {4};
    uint32_t zero[] = {0};

    assert_int_equal(check(*state, generations, 4, good, 2), REEF_OK);
    assert_int_equal(check(*state, NULL, 0, NULL, 0), REEF_OK);
    assert_int_equal(check(*state, generations, 4, alive, 1), REEF_E_CORRUPT);
    assert_int_equal(check(*state, generations, 4, twice, 2), REEF_E_CORRUPT);
    assert_int_equal(check(*state, generations, 4, too_big, 1), REEF_E_CORRUPT);
    assert_int_equal(check(*state, generations, 4, zero, 1), REEF_E_CORRUPT);
    assert_int_equal(check(*state, used_zero, 2, NULL, 0), REEF_E_CORRUPT);
    assert_int_equal(check(*state, generations, 1, good, 2), REEF_E_CORRUPT);
}

static void test_entity_index_import_gives_the_same_next_ids(void **state)
{
    reef__entity_index_t *index = *state;
    reef__entity_index_t copy;
    reef_slots_t slots;
    reef_entity_t ids[5];

    for (uint32_t i = 0; i < 5; i++) {
        ids[i] = spawn(index);
    }
    release(index, ids[3]);
    release(index, ids[1]);
    reef__entity_index_export(index, &slots);
    reef__entity_index_init(&copy, reef_alloc_default(), REEF_RANGE_WORLD);
    assert_int_equal(reef__entity_index_check(&copy, &slots), REEF_OK);
    reef__entity_index_import(&copy, &slots);
    reef_slots_finish(&slots);

    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(spawn(&copy), spawn(index));
    }
    assert_null(reef__entity_index_find(&copy, ids[0]));
    assert_non_null(reef__entity_index_find_reserved(&copy, ids[0]));
    assert_int_equal(reef__entity_index_cancel_all(&copy), 3);
    reef__entity_index_finish(&copy);
}

static void test_entity_index_claim_refuses_duplicates_and_undoes(void **state)
{
    reef__entity_index_t *index = *state;
    reef__record_t *record;
    reef_entity_t a = reef__entity_index_reserve(index, &record);
    reef_entity_t b = reef__entity_index_reserve(index, &record);
    reef_entity_t twice[] = {a, b, a};
    reef_entity_t session[] = {a | REEF_SESSION_INDEX_BASE};

    assert_int_equal(reef__entity_index_claim(index, twice, 3), REEF_E_CORRUPT);
    assert_int_equal(reef__entity_index_claim(index, session, 1), REEF_E_CORRUPT);
    assert_non_null(reef__entity_index_find_reserved(index, a));
    assert_non_null(reef__entity_index_find_reserved(index, b));
    assert_int_equal(reef__entity_index_claim(index, twice, 2), REEF_OK);
    assert_int_equal(reef__entity_index_claim(index, &b, 1), REEF_E_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_entity_index_starts_at_index_1_generation_1),
        TEST(test_entity_index_of_sessions_starts_at_its_base),
        TEST(test_entity_index_release_invalidates_stale_id),
        TEST(test_entity_index_reuses_the_last_freed_first),
        TEST(test_entity_index_even_generation_is_never_alive),
        TEST(test_entity_index_retires_a_slot_whose_generations_are_used_up),
        TEST(test_entity_index_reserved_id_is_not_alive_until_activated),
        TEST(test_entity_index_cancelled_id_never_comes_back),
        TEST(test_entity_index_next_skips_the_dead),
        TEST(test_entity_index_check_refuses_contradictions),
        TEST(test_entity_index_import_gives_the_same_next_ids),
        TEST(test_entity_index_claim_refuses_duplicates_and_undoes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
