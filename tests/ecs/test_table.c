#include "ecs_fixture.h"
#include "test.h"

#include <reef/relation.h>
#include <reef/table.h>

/* The table of all entities with exactly place and hidden. */
static const reef_table_t *table_of(reef_world_t *world)
{
    for (uint32_t i = 0; i < reef_world_table_count(world); i++) {
        const reef_table_t *table = reef_world_table(world, i);
        uint32_t count;

        reef_table_components(table, &count);
        if (count == 2) {
            return table;
        }
    }
    return NULL;
}

static void fill(reef_world_t *world, uint32_t count, reef_entity_t *ids)
{
    reef_component_t components[] = {ID(world, place), ID(world, hidden)};

    reef_world_spawn_rows(world,
                          &(reef_rows_desc_t){.count = count,
                                              .components = components,
                                              .component_count = 2},
                          ids);
}

static void test_table_columns_are_aligned_and_chunks_bounded(void **state)
{
    const reef_table_t *table;
    uint64_t rows = 0;

    for (uint32_t i = 0; i < 100; i++) {
        fill(*state, 333, NULL);
    }
    table = table_of(*state);

    assert_true(reef_table_chunk_count(table) > 4);
    for (uint32_t i = 0; i < reef_table_chunk_count(table); i++) {
        reef_chunk_view_t chunk = reef_table_chunk(table, i);

        assert_true(chunk.count * (sizeof(reef_entity_t) + sizeof(place_t)) <= 65536);
        assert_int_equal((uintptr_t)chunk.entities % 64, 0);
        assert_int_equal((uintptr_t)reef_table_column(table, i, 0, NULL) % 64, 0);
        assert_null(reef_table_column(table, i, 1, NULL));
        rows += chunk.count;
    }
    assert_int_equal(rows, 33300);
    assert_int_equal(reef_table_row_count(table), 33300);
}

typedef struct counting {
    size_t bytes;
} counting_t;

static void *count_resize(void *ctx, void *ptr, size_t old_size, size_t new_size)
{
    counting_t *counting = ctx;
    const reef_alloc_t *alloc = reef_alloc_default();

    counting->bytes += new_size - old_size;
    return alloc->resize(alloc->ctx, ptr, old_size, new_size);
}

static void
test_table_keeps_memory_until_it_is_trimmed_and_gives_back_every_byte(void **state)
{
    static reef_entity_t ids[30000];
    counting_t counting = {0};
    reef_alloc_t alloc = {.resize = count_resize, .ctx = &counting};
    reef_world_t *world = reef_world_create(&(reef_world_desc_t){.alloc = &alloc});
    size_t full;

    (void)state;
    fill(world, 30000, ids);
    full = counting.bytes;
    for (uint32_t i = 0; i < 30000; i++) {
        reef_world_despawn(world, ids[i]);
    }

    assert_int_equal(counting.bytes >= full, true); /* kept for the next ones */
    assert_int_equal(reef_table_chunk_count(table_of(world)), 0);
    reef_world_trim(world);
    assert_true(counting.bytes + 300000 < full);
    reef_world_destroy(world);
    assert_int_equal(counting.bytes, 0);
}

static void test_table_of_few_rows_stays_small(void **state)
{
    counting_t counting = {0};
    reef_alloc_t alloc = {.resize = count_resize, .ctx = &counting};
    reef_world_t *world = reef_world_create(&(reef_world_desc_t){.alloc = &alloc});
    size_t before;

    (void)state;
    ID(world, place);
    ID(world, hidden);
    before = counting.bytes;
    fill(world, 4, NULL);

    assert_true(counting.bytes - before < 4096);
    reef_world_destroy(world);
}

static void test_table_versions_tell_what_was_written(void **state)
{
    reef_world_t *world = *state;
    reef_entity_t ids[2];
    const reef_table_t *table;
    uint64_t version;

    fill(world, 2, ids);
    table = table_of(world);
    reef_table_column(table, 0, 0, &version);
    assert_int_equal(version, 1);
    reef_world_advance_version(world);
    REEF_FIND(world, ids[0], place);
    reef_table_column(table, 0, 0, &version);
    assert_int_equal(version, 1);
    REEF_FIND_MUT(world, ids[0], place)->x = 1;
    reef_table_column(table, 0, 0, &version);
    assert_int_equal(version, 2);
    assert_int_equal(reef_table_chunk(table, 0).rows_version, 1);
    reef_world_advance_version(world);
    reef_world_despawn(world, ids[0]);
    assert_int_equal(reef_table_chunk(table, 0).rows_version, 3);
    reef_table_column(table, 0, 0, &version);
    assert_int_equal(version, 2);
}

/* Slots of a world with one entity of each kind, and the ids. */
static void make_slots(reef_slots_t *slots, reef_entity_t *ids, uint32_t count)
{
    reef_world_t *world = reef_world_create(&(reef_world_desc_t){0});

    for (uint32_t i = 0; i < count; i++) {
        ids[i] = spawn(world);
    }
    reef_world_export_slots(world, slots);
    reef_world_destroy(world);
}

static void test_table_restore_puts_rows_back_under_their_ids(void **state)
{
    reef_entity_t ids[3];
    reef_entity_t session = reef_world_spawn(*state, REEF_RANGE_SESSION);
    reef_entity_t old = 0;
    reef_slots_t slots;
    reef_component_t place = ID(*state, place);
    place_t places[] = {{.x = 1}, {.x = 2}};
    reef_rows_desc_t rows = {.count = 2,
                             .components = &place,
                             .component_count = 1,
                             .columns = (const void *[]){places}};

    for (uint32_t i = 0; i < 9; i++) {
        old = spawn(*state);
    }
    make_slots(&slots, ids, 3);
    assert_int_equal(reef_world_import_slots(*state, &slots), REEF_OK);
    reef_slots_finish(&slots);
    assert_false(reef_world_is_alive(*state, ids[0]));
    assert_int_equal(reef_world_restore_rows(*state, &rows, ids), REEF_OK);
    assert_int_equal(reef_world_restore_end(*state), 1);

    assert_float_equal(REEF_FIND(*state, ids[1], place)->x, 2, 0);
    assert_false(reef_world_is_alive(*state, ids[2]));
    assert_false(reef_world_is_alive(*state, old));
    assert_true(reef_world_is_alive(*state, session));
    assert_int_equal(reef_world_entity_count(*state), 3);
    assert_int_equal(reef_entity_index(spawn(*state)), reef_entity_index(ids[2]));
}

static void test_table_restore_refuses_ids_dead_or_in_use(void **state)
{
    reef_entity_t ids[2];
    reef_entity_t dead[2];
    reef_slots_t slots;
    reef_rows_desc_t rows = {.count = 2};

    make_slots(&slots, ids, 2);
    assert_int_equal(reef_world_import_slots(*state, &slots), REEF_OK);
    reef_slots_finish(&slots);
    dead[0] = ids[0];
    dead[1] = ids[1] + (UINT64_C(2) << 32);

    assert_int_equal(reef_world_restore_rows(*state, &rows, dead), REEF_E_CORRUPT);
    assert_int_equal(reef_world_entity_count(*state), 0);
    assert_int_equal(reef_world_restore_rows(*state, &rows, ids), REEF_OK);
    assert_int_equal(reef_world_restore_rows(*state, &rows, ids), REEF_E_CORRUPT);
    assert_int_equal(reef_world_entity_count(*state), 2);
    assert_int_equal(reef_world_restore_end(*state), 0);
}

static void test_table_restore_breaks_a_cycle_among_its_rows(void **state)
{
    reef_component_t parent = ID(*state, child_of);
    reef_entity_t ids[3];
    reef_slots_t slots;
    child_of_t parents[3];
    reef_rows_desc_t rows = {.count = 3,
                             .components = &parent,
                             .component_count = 1,
                             .columns = (const void *[]){parents}};

    make_slots(&slots, ids, 3);
    parents[0] = (child_of_t){.target = ids[1]};
    parents[1] = (child_of_t){.target = ids[2]};
    parents[2] = (child_of_t){.target = ids[1]};
    assert_int_equal(reef_world_import_slots(*state, &slots), REEF_OK);
    reef_slots_finish(&slots);
    assert_int_equal(reef_world_restore_rows(*state, &rows, ids), REEF_OK);

    assert_int_equal(REEF_TARGET(*state, ids[0], child_of), ids[1]);
    assert_int_equal(REEF_TARGET(*state, ids[1], child_of), ids[2]);
    assert_int_equal(REEF_TARGET(*state, ids[2], child_of), 0);
}

static void test_table_import_of_corrupt_slots_changes_nothing(void **state)
{
    reef_entity_t entity = spawn(*state);
    uint32_t generations[] = {0, 1};
    uint32_t free_list[] = {1};
    reef_slots_t slots = {generations, 2, free_list, 1};

    assert_int_equal(reef_world_import_slots(*state, &slots), REEF_E_CORRUPT);
    assert_true(reef_world_is_alive(*state, entity));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_table_columns_are_aligned_and_chunks_bounded),
        TEST(test_table_keeps_memory_until_it_is_trimmed_and_gives_back_every_byte),
        TEST(test_table_of_few_rows_stays_small),
        TEST(test_table_versions_tell_what_was_written),
        TEST(test_table_restore_puts_rows_back_under_their_ids),
        TEST(test_table_restore_refuses_ids_dead_or_in_use),
        TEST(test_table_restore_breaks_a_cycle_among_its_rows),
        TEST(test_table_import_of_corrupt_slots_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
