/* A world to the database and back: what must come back, what is shared, what a
 * damaged file does. */
#include "snapshot_fixture.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

/* Movers, some with names and tags, some holes among the ids. */
static void populate(reef_world_t *world, uint32_t count)
{
    reef_entity_t entities[1000];

    assert_true(count <= 1000);
    for (uint32_t i = 0; i < count; i++) {
        char text[64] = {0};

        entities[i] = reef_world_spawn(world, REEF_RANGE_WORLD);
        REEF_ADD(world, entities[i], position_2d, .x = (float)i, .y = -1);
        if (i % 2 == 0) {
            REEF_ADD(world, entities[i], velocity_2d, .x = 0.5f, .y = (float)i);
        }
        if (i % 3 == 0) {
            snprintf(text, sizeof(text), "mover %u", i);
            reef_world_add(world, entities[i], reef_world_component(world, &name_type),
                           text);
        }
        if (i % 5 == 0) {
            reef_world_add(world, entities[i],
                           reef_world_component(world, &frozen_type), NULL);
        }
    }
    for (uint32_t i = 0; i < count; i += 7) {
        reef_world_despawn(world, entities[i]);
    }
}

static reef_entity_t spawn_at(reef_world_t *world, float x)
{
    reef_entity_t entity = reef_world_spawn(world, REEF_RANGE_WORLD);

    REEF_ADD(world, entity, position_2d, .x = x);
    return entity;
}

/* Round trip ------------------------------------------------------------------- */

static void test_snapshot_store_gives_back_the_same_world(void **context)
{
    fixture_t *fixture = *context;
    reef_world_t *other = make_world();

    populate(fixture->world, 500);
    REEF_RESOURCE(fixture->world, simulation_time)->tick = 4711;
    reef__capture_destroy(store_world(fixture, fixture->world, NULL));
    assert_int_equal(load_world(fixture, 1, other), REEF_OK);
    assert_true(reef_world_persistent_hash(other) ==
                reef_world_persistent_hash(fixture->world));
    assert_int_equal(reef_world_entity_count(other),
                     reef_world_entity_count(fixture->world));
    assert_int_equal(fixture->report.applied_tick, 4711);
    assert_int_equal(fixture->report.entities, reef_world_entity_count(other));
    assert_int_equal(fixture->report.warning_count, 0);
    assert_int_equal(REEF_RESOURCE(other, simulation_time)->tick, 4711);
    reef_world_destroy(other);
}

static void test_snapshot_store_continues_the_ids(void **context)
{
    fixture_t *fixture = *context;
    reef_world_t *other = make_world();

    populate(fixture->world, 50);
    reef__capture_destroy(store_world(fixture, fixture->world, NULL));
    assert_int_equal(load_world(fixture, 1, other), REEF_OK);
    for (int i = 0; i < 20; i++) {
        assert_true(reef_world_spawn(other, REEF_RANGE_WORLD) ==
                    reef_world_spawn(fixture->world, REEF_RANGE_WORLD));
    }
    reef_world_destroy(other);
}

static void test_snapshot_store_of_an_empty_world_is_empty(void **context)
{
    fixture_t *fixture = *context;
    reef_world_t *other = make_world();

    spawn_at(other, 1);
    reef__capture_destroy(store_world(fixture, fixture->world, NULL));
    assert_int_equal(load_world(fixture, 1, other), REEF_OK);
    assert_int_equal(reef_world_entity_count(other), 0);
    reef_world_destroy(other);
}

static void test_snapshot_store_leaves_sessions_out_and_alone(void **context)
{
    fixture_t *fixture = *context;
    reef_world_t *world = fixture->world;
    reef_entity_t before = spawn_at(world, 1);
    reef_entity_t session = reef_world_spawn(world, REEF_RANGE_SESSION);
    reef_entity_t after;

    REEF_ADD(world, session, position_2d, .x = 2);
    after = spawn_at(world, 3);
    reef__capture_destroy(store_world(fixture, world, NULL));
    REEF_FIND_MUT(world, session, position_2d)->x = 20;
    reef_world_despawn(world, after);
    assert_int_equal(load_world(fixture, 1, world), REEF_OK);
    assert_int_equal(fixture->report.entities, 2);
    assert_true(REEF_FIND(world, before, position_2d)->x == 1);
    assert_true(REEF_FIND(world, session, position_2d)->x == 20);
    assert_true(REEF_FIND(world, after, position_2d)->x == 3);
}

static void test_snapshot_store_frees_ids_of_which_nothing_is_stored(void **context)
{
    fixture_t *fixture = *context;
    reef_world_t *other = make_world();
    reef_entity_t bare = reef_world_spawn(fixture->world, REEF_RANGE_WORLD);
    reef_entity_t kept = spawn_at(fixture->world, 1);
    reef_entity_t transient = reef_world_spawn(fixture->world, REEF_RANGE_WORLD);
    reef_entity_t next;

    REEF_ADD(fixture->world, transient, scratch, .value = 1);
    reef__capture_destroy(store_world(fixture, fixture->world, NULL));
    assert_int_equal(load_world(fixture, 1, other), REEF_OK);
    assert_false(reef_world_is_alive(other, bare));
    assert_false(reef_world_is_alive(other, transient));
    assert_true(reef_world_is_alive(other, kept));
    next = reef_world_spawn(other, REEF_RANGE_WORLD);
    assert_true(reef_entity_index(next) == reef_entity_index(bare) ||
                reef_entity_index(next) == reef_entity_index(transient));
    assert_true(next != bare && next != transient);
    reef_world_destroy(other);
}

/* In the file itself, so that whatever reads it need not know which rows to expect. */
static void test_snapshot_capture_writes_unstored_ids_as_free(void **context)
{
    fixture_t *fixture = *context;
    reef_entity_t bare = reef_world_spawn(fixture->world, REEF_RANGE_WORLD);
    reef_entity_t kept = spawn_at(fixture->world, 1);
    reef__capture_t *capture = reef__capture_create(
        fixture->world, &(reef__capture_desc_t){.reason = "demand"});
    const reef__part_t *slots = &capture->parts.items[capture->parts.count - 1];
    const uint32_t *words = slots->data;

    assert_int_equal(slots->kind, REEF__PART_SLOTS);
    assert_int_equal(slots->size, (2 + words[0] + words[1]) * sizeof(*words));
    assert_int_equal(words[1], 1);
    assert_int_equal(words[2 + words[0]], reef_entity_index(bare));
    assert_int_equal(words[2 + reef_entity_index(bare)],
                     reef_entity_generation(bare) + 1);
    assert_int_equal(words[2 + reef_entity_index(kept)], reef_entity_generation(kept));
    reef__capture_destroy(capture);
}

static void test_snapshot_store_never_turns_the_client_counter_back(void **context)
{
    fixture_t *fixture = *context;

    REEF_RESOURCE(fixture->world, client_counter)->last = 5;
    reef__capture_destroy(store_world(fixture, fixture->world, NULL));
    REEF_RESOURCE(fixture->world, client_counter)->last = 9;
    assert_int_equal(load_world(fixture, 1, fixture->world), REEF_OK);
    assert_int_equal(REEF_RESOURCE(fixture->world, client_counter)->last, 9);
    REEF_RESOURCE(fixture->world, client_counter)->last = 2;
    assert_int_equal(load_world(fixture, 1, fixture->world), REEF_OK);
    assert_int_equal(REEF_RESOURCE(fixture->world, client_counter)->last, 5);
}

static void test_snapshot_store_leaves_the_length_of_a_tick_alone(void **context)
{
    fixture_t *fixture = *context;
    simulation_time_t *time = REEF_RESOURCE(fixture->world, simulation_time);

    *time = (simulation_time_t){.tick = 7, .dt = 0.5};
    reef__capture_destroy(store_world(fixture, fixture->world, NULL));
    *time = (simulation_time_t){.tick = 9, .dt = 0.25};
    assert_int_equal(load_world(fixture, 1, fixture->world), REEF_OK);
    assert_int_equal(time->tick, 7);
    assert_true(time->dt == 0.25);
}

/* Sharing and retention -------------------------------------------------------- */

static void test_snapshot_store_shares_unchanged_chunks(void **context)
{
    fixture_t *fixture = *context;
    reef__capture_t *first, *second;
    int64_t chunks;

    populate(fixture->world, 900);
    first = store_world(fixture, fixture->world, NULL);
    chunks = ask(fixture, "SELECT count(*) FROM chunk");
    second = store_world(fixture, fixture->world, first);
    assert_int_equal(ask(fixture, "SELECT count(*) FROM chunk"), chunks);
    assert_int_equal(ask(fixture, "SELECT count(*) FROM snapshot_chunk "
                                  "WHERE snapshot_id = 2"),
                     ask(fixture, "SELECT count(*) FROM snapshot_chunk "
                                  "WHERE snapshot_id = 1"));
    assert_int_equal(ask(fixture, "SELECT bytes FROM snapshot WHERE id = 2"),
                     ask(fixture, "SELECT bytes FROM snapshot WHERE id = 1"));
    reef__capture_destroy(first);
    reef__capture_destroy(second);
}

static void test_snapshot_capture_copies_only_what_changed(void **context)
{
    fixture_t *fixture = *context;
    reef_entity_t named = reef_world_spawn(fixture->world, REEF_RANGE_WORLD);
    reef_entity_t moved = spawn_at(fixture->world, 1);
    reef__capture_t *base, *capture;
    reef_world_t *other = make_world();

    REEF_ADD(fixture->world, named, name, "still");
    base = store_world(fixture, fixture->world, NULL);
    REEF_FIND_MUT(fixture->world, moved, position_2d)->x = 2;
    capture = reef__capture_create(
        fixture->world, &(reef__capture_desc_t){.reason = "demand", .base = base});
    assert_int_equal(capture->entities, 2);
    for (size_t i = 0; i < capture->parts.count; i++) {
        const reef__part_t *part = &capture->parts.items[i];

        if (part->kind == REEF__PART_ROWS) {
            const reef_type_t *type = capture->tables.items[part->owner].types[0];

            assert_true((part->data == NULL) == (strcmp(type->name, "name") == 0));
        }
    }
    reef__capture_destroy(capture);
    capture = store_world(fixture, fixture->world, base);
    assert_int_equal(load_world(fixture, 2, other), REEF_OK);
    assert_true(reef_world_persistent_hash(other) ==
                reef_world_persistent_hash(fixture->world));
    reef__capture_destroy(base);
    reef__capture_destroy(capture);
    reef_world_destroy(other);
}

static void test_snapshot_store_prunes_and_keeps_shared_chunks(void **context)
{
    fixture_t *fixture = *context;
    reef_entity_t moved = spawn_at(fixture->world, 0);
    reef_entity_t named = reef_world_spawn(fixture->world, REEF_RANGE_WORLD);
    reef__capture_t *base = NULL;
    reef_world_t *other = make_world();

    REEF_ADD(fixture->world, named, name, "shared by all");
    for (int i = 0; i < 5; i++) {
        reef__capture_t *capture;

        REEF_FIND_MUT(fixture->world, moved, position_2d)->x = (float)i;
        capture = store_world(fixture, fixture->world, base);
        reef__capture_destroy(base);
        base = capture;
        assert_int_equal(reef__store_prune(fixture->database, 2, &fixture->failure),
                         REEF_OK);
    }
    reef__capture_destroy(base);
    assert_int_equal(ask(fixture, "SELECT count(*) FROM snapshot"), 2);
    assert_int_equal(ask(fixture, "SELECT min(id) FROM snapshot"), 4);
    assert_int_equal(ask(fixture, "SELECT count(*) FROM chunk"),
                     ask(fixture, "SELECT count(DISTINCT hash) FROM snapshot_chunk"));
    assert_int_equal(load_world(fixture, 4, other), REEF_OK);
    assert_true(REEF_FIND(other, moved, position_2d)->x == 3);
    assert_string_equal(REEF_FIND(other, named, name)->value, "shared by all");
    reef_world_destroy(other);
}

/* Damage ----------------------------------------------------------------------- */

static void expect_corrupt(fixture_t *fixture, const char *sql)
{
    run_sql(fixture, "PRAGMA foreign_keys = OFF");
    run_sql(fixture, "SAVEPOINT damage");
    run_sql(fixture, sql);
    run_sql(fixture, "RELEASE damage");
    fixture->failure.text[0] = '\0';
    assert_int_equal(load_world(fixture, 1, fixture->world), REEF_E_CORRUPT);
    assert_true(fixture->failure.text[0] != '\0');
}

#define DAMAGE(name, sql)                                                              \
    static void test_snapshot_store_refuses_##name(void **context)                     \
    {                                                                                  \
        fixture_t *fixture = *context;                                                 \
        uint64_t hash;                                                                 \
                                                                                       \
        populate(fixture->world, 20);                                                  \
        reef__capture_destroy(store_world(fixture, fixture->world, NULL));             \
        hash = reef_world_persistent_hash(fixture->world);                             \
        expect_corrupt(fixture, sql);                                                  \
        assert_true(reef_world_persistent_hash(fixture->world) == hash);               \
    }

DAMAGE(a_missing_chunk, "DELETE FROM chunk WHERE rowid = 1")
DAMAGE(data_that_is_no_zstd, "UPDATE chunk SET data = x'00112233'")
DAMAGE(data_that_is_empty, "UPDATE chunk SET data = x''")
DAMAGE(a_size_beyond_the_limit, "UPDATE chunk SET size = 1 << 40")
DAMAGE(a_negative_size, "UPDATE chunk SET size = -1")
DAMAGE(a_cut_frame, "UPDATE chunk SET data = substr(data, 1, length(data) - 3)")
DAMAGE(contents_exchanged,
       "UPDATE chunk SET (size, data) = "
       "(SELECT size, data FROM chunk AS c WHERE c.rowid <> chunk.rowid LIMIT 1)")
DAMAGE(layouts_that_are_no_json, "UPDATE component_type SET layout = '{'")
DAMAGE(a_layout_beyond_its_struct, "UPDATE component_type SET size = 1")
DAMAGE(a_column_that_is_gone,
       "DELETE FROM snapshot_column WHERE component_type_id = "
       "(SELECT id FROM component_type WHERE name = 'position_2d')")
DAMAGE(a_type_that_is_gone, "DELETE FROM component_type WHERE name = 'position_2d'")
DAMAGE(a_table_that_is_gone, "DELETE FROM snapshot_table WHERE position = 0")
DAMAGE(ids_that_are_gone, "DELETE FROM snapshot_chunk WHERE kind = 'slots'")
DAMAGE(a_chunk_in_two_places,
       "INSERT INTO snapshot_chunk SELECT snapshot_id, kind, owner, 9999, hash "
       "FROM snapshot_chunk WHERE kind = 'rows';"
       "UPDATE snapshot SET entities = entities * 2")
DAMAGE(contents_of_another_kind,
       "UPDATE snapshot_chunk SET hash = (SELECT hash FROM snapshot_chunk "
       "WHERE kind = 'rows' LIMIT 1) WHERE kind = 'resource'")

/* Same size, well compressed: only the hash tells. */
static void test_snapshot_store_refuses_another_content(void **context)
{
    fixture_t *fixture = *context;
    reef_entity_t entity = spawn_at(fixture->world, 1);

    reef__capture_destroy(store_world(fixture, fixture->world, NULL));
    REEF_FIND_MUT(fixture->world, entity, position_2d)->x = 2;
    reef__capture_destroy(store_world(fixture, fixture->world, NULL));
    expect_corrupt(fixture, "UPDATE chunk SET data = (SELECT data FROM chunk AS c "
                            "JOIN snapshot_chunk AS s USING (hash) "
                            "WHERE s.snapshot_id = 2 AND s.kind = 'rows') "
                            "WHERE hash = (SELECT hash FROM snapshot_chunk "
                            "WHERE snapshot_id = 1 AND kind = 'rows')");
    assert_non_null(strstr(fixture->failure.text, "does not match its hash"));
}

static void test_snapshot_store_does_not_load_what_is_not_complete(void **context)
{
    fixture_t *fixture = *context;

    reef__capture_destroy(store_world(fixture, fixture->world, NULL));
    run_sql(fixture, "UPDATE snapshot SET state = 'failed'");
    assert_int_equal(load_world(fixture, 1, fixture->world), REEF_E_INVALID);
    assert_int_equal(load_world(fixture, 2, fixture->world), REEF_E_NOT_FOUND);
}

static void test_snapshot_store_marks_leftovers_as_failed(void **context)
{
    fixture_t *fixture = *context;
    reef_snapshot_info_t info;

    reef__capture_destroy(store_world(fixture, fixture->world, NULL));
    run_sql(fixture, "UPDATE snapshot SET state = 'writing'");
    reef_database_close(fixture->database);
    assert_int_equal(
        reef__store_open(fixture->path, &fixture->database, &fixture->failure),
        REEF_OK);
    assert_int_equal(reef__store_get(fixture->database, 1, &info, &fixture->failure),
                     REEF_OK);
    assert_int_equal(info.state, REEF_SNAPSHOT_FAILED);
}

static void test_snapshot_store_refuses_a_newer_database(void **context)
{
    fixture_t *fixture = *context;

    run_sql(fixture, "PRAGMA user_version = 9999");
    reef_database_close(fixture->database);
    fixture->database = NULL;
    assert_int_equal(
        reef__store_open(fixture->path, &fixture->database, &fixture->failure),
        REEF_E_TOO_NEW);
    assert_null(fixture->database);
}

static void test_snapshot_store_write_that_fails_leaves_nothing(void **context)
{
    fixture_t *fixture = *context;
    reef__capture_t *capture;
    uint64_t bytes = 0;

    populate(fixture->world, 20);
    run_sql(fixture, "CREATE TRIGGER full BEFORE INSERT ON snapshot_chunk "
                     "WHEN new.kind = 'slots' "
                     "BEGIN SELECT RAISE(ABORT, 'no room'); END");
    capture = reef__capture_create(fixture->world,
                                   &(reef__capture_desc_t){.reason = "demand"});
    capture->id = 1;
    assert_int_equal(reef__store_begin(fixture->database, capture, &fixture->failure),
                     REEF_OK);
    assert_int_equal(
        reef__store_write(fixture->database, capture, &bytes, &fixture->failure),
        REEF_E_IO);
    assert_non_null(strstr(fixture->failure.text, "no room"));
    assert_int_equal(ask(fixture, "SELECT count(*) FROM chunk"), 0);
    reef__capture_destroy(capture);
}

/* Killed ----------------------------------------------------------------------- */

/* Store a growing world for ever, and tell of each that is complete. */
static void write_for_ever(const char *path, int notify)
{
    fixture_t child = {0};
    reef__capture_t *base = NULL;
    reef_world_t *world = make_world();

    if (reef__store_open(path, &child.database, NULL) != REEF_OK) {
        _exit(2);
    }
    for (uint64_t tick = 1;; tick++) {
        reef__capture_t *capture;

        spawn_at(world, (float)tick);
        REEF_RESOURCE(world, simulation_time)->tick = tick;
        capture = store_world(&child, world, base);
        reef__capture_destroy(base);
        base = capture;
        if (reef__store_prune(child.database, 3, NULL) != REEF_OK ||
            write(notify, "x", 1) != 1) {
            _exit(3);
        }
    }
}

static void test_snapshot_store_survives_a_kill_at_any_time(void **context)
{
    enum {
        COMPLETE = 20
    };
    fixture_t *fixture = *context;
    int ends[2];
    pid_t child;
    int status;
    char byte;
    int64_t id;

    reef_database_close(fixture->database);
    fixture->database = NULL;
    assert_int_equal(pipe(ends), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        write_for_ever(fixture->path, ends[1]);
    }
    close(ends[1]);
    for (int i = 0; i < COMPLETE; i++) {
        assert_int_equal(read(ends[0], &byte, 1), 1);
    }
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    close(ends[0]);
    assert_int_equal(
        reef__store_open(fixture->path, &fixture->database, &fixture->failure),
        REEF_OK);
    assert_int_equal(reef__store_newest_complete(fixture->database, INT64_MAX, &id,
                                                 &fixture->failure),
                     REEF_OK);
    assert_true(id >= COMPLETE);
    assert_int_equal(load_world(fixture, id, fixture->world), REEF_OK);
    assert_int_equal(fixture->report.applied_tick, id);
    assert_int_equal(reef_world_entity_count(fixture->world), id);
    assert_int_equal(ask(fixture, "SELECT count(*) FROM snapshot "
                                  "WHERE state = 'writing'"),
                     0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_snapshot_store_gives_back_the_same_world),
        TEST(test_snapshot_store_continues_the_ids),
        TEST(test_snapshot_store_of_an_empty_world_is_empty),
        TEST(test_snapshot_store_leaves_sessions_out_and_alone),
        TEST(test_snapshot_store_frees_ids_of_which_nothing_is_stored),
        TEST(test_snapshot_capture_writes_unstored_ids_as_free),
        TEST(test_snapshot_store_never_turns_the_client_counter_back),
        TEST(test_snapshot_store_leaves_the_length_of_a_tick_alone),
        TEST(test_snapshot_store_shares_unchanged_chunks),
        TEST(test_snapshot_capture_copies_only_what_changed),
        TEST(test_snapshot_store_prunes_and_keeps_shared_chunks),
        TEST(test_snapshot_store_refuses_a_missing_chunk),
        TEST(test_snapshot_store_refuses_data_that_is_no_zstd),
        TEST(test_snapshot_store_refuses_data_that_is_empty),
        TEST(test_snapshot_store_refuses_a_size_beyond_the_limit),
        TEST(test_snapshot_store_refuses_a_negative_size),
        TEST(test_snapshot_store_refuses_a_cut_frame),
        TEST(test_snapshot_store_refuses_contents_exchanged),
        TEST(test_snapshot_store_refuses_layouts_that_are_no_json),
        TEST(test_snapshot_store_refuses_a_layout_beyond_its_struct),
        TEST(test_snapshot_store_refuses_a_column_that_is_gone),
        TEST(test_snapshot_store_refuses_a_type_that_is_gone),
        TEST(test_snapshot_store_refuses_a_table_that_is_gone),
        TEST(test_snapshot_store_refuses_ids_that_are_gone),
        TEST(test_snapshot_store_refuses_a_chunk_in_two_places),
        TEST(test_snapshot_store_refuses_contents_of_another_kind),
        TEST(test_snapshot_store_refuses_another_content),
        TEST(test_snapshot_store_does_not_load_what_is_not_complete),
        TEST(test_snapshot_store_marks_leftovers_as_failed),
        TEST(test_snapshot_store_refuses_a_newer_database),
        TEST(test_snapshot_store_write_that_fails_leaves_nothing),
        TEST(test_snapshot_store_survives_a_kill_at_any_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
