#include "event.h"

#include "test.h"

#include <string.h>

typedef struct note {
    uint64_t number;
    uint32_t *drops; /* counted there when released; may be NULL */
} note_t;

static void drop_note(void *event)
{
    note_t *note = event;

    if (note->drops != NULL) {
        ++*note->drops;
    }
}

REEF_EVENT(note, .limit = 5000, .drop = drop_note);

/* One larger than a block. */
typedef struct page {
    uint8_t bytes[20000];
} page_t;
REEF_EVENT(page);

static reef_world_t *world; /* that the queues tell of what they drop */

static int setup(void **state)
{
    world = reef_world_create(&(reef_world_desc_t){0});
    *state = reef__event_registry_create(world);
    return 0;
}

static int teardown(void **state)
{
    reef__event_registry_destroy(*state);
    reef_world_destroy(world);
    return 0;
}

static reef_event_queue_t *notes(void **state)
{
    return reef__event_registry_ensure(*state, &note_event);
}

static void emit(reef_event_queue_t *queue, uint64_t first, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        assert_true(reef_event_emit(queue, &(note_t){.number = first + i}));
    }
}

static void expect(reef_event_reader_t *reader, uint64_t first, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        const note_t *note = reef_event_next(reader);

        assert_non_null(note);
        assert_int_equal(note->number, first + i);
    }
}

static void test_event_registry_gives_one_queue_per_name(void **state)
{
    reef_event_queue_t *first = notes(state);
    reef_event_type_t same = note_event;

    assert_ptr_equal(reef__event_registry_ensure(*state, &same), first);
    assert_ptr_not_equal(notes(state),
                         reef__event_registry_ensure(*state, &page_event));
}

static void test_event_reader_starts_at_the_present_end(void **state)
{
    reef_event_reader_t *reader;

    emit(notes(state), 0, 3);
    reader = reef_event_reader_create(notes(state));

    assert_null(reef_event_next(reader));
    emit(notes(state), 3, 1);
    expect(reader, 3, 1);
    assert_null(reef_event_next(reader));
    reef_event_reader_destroy(reader);
}

static void test_event_every_reader_has_its_own_cursor(void **state)
{
    reef_event_reader_t *a = reef_event_reader_create(notes(state));
    reef_event_reader_t *b = reef_event_reader_create(notes(state));

    emit(notes(state), 0, 10);
    expect(a, 0, 10);
    assert_int_equal(reef_event_pending(a), 0);
    assert_int_equal(reef_event_pending(b), 10);
    reef__event_registry_trim(*state);
    expect(b, 0, 10);

    reef_event_reader_destroy(a);
    reef_event_reader_destroy(b);
}

/* Several blocks deep, trimmed at many places inside and between them. */
static void test_event_order_survives_trims_at_any_place(void **state)
{
    reef_event_reader_t *fast = reef_event_reader_create(notes(state));
    reef_event_reader_t *slow = reef_event_reader_create(notes(state));
    uint64_t emitted = 0;
    uint64_t read = 0;

    for (uint64_t round = 0; round < 200; round++) {
        emit(notes(state), emitted, 17 * round % 700);
        emitted += 17 * round % 700;
        reef_event_skip(fast);
        if (round % 3 == 2) {
            expect(slow, read, emitted - read - round % 100);
            read = emitted - round % 100;
        }
        reef__event_registry_trim(*state);
    }

    expect(slow, read, emitted - read);
    assert_null(reef_event_next(slow));
    reef_event_reader_destroy(fast);
    reef_event_reader_destroy(slow);
}

static void test_event_address_holds_while_more_is_emitted(void **state)
{
    reef_event_reader_t *reader = reef_event_reader_create(notes(state));
    const note_t *first;

    emit(notes(state), 0, 1);
    first = reef_event_next(reader);
    emit(notes(state), 1, 4000);

    assert_int_equal(first->number, 0);
    expect(reader, 1, 4000);
    assert_int_equal(first->number, 0);
    reef_event_reader_destroy(reader);
}

static void test_event_larger_than_a_block(void **state)
{
    reef_event_queue_t *queue = reef__event_registry_ensure(*state, &page_event);
    reef_event_reader_t *reader = reef_event_reader_create(queue);
    static page_t page;

    for (int i = 0; i < 20; i++) {
        memset(page.bytes, i, sizeof(page.bytes));
        assert_true(reef_event_emit(queue, &page));
    }
    for (int i = 0; i < 20; i++) {
        const page_t *got = reef_event_next(reader);

        assert_int_equal(got->bytes[0], i);
        assert_int_equal(got->bytes[19999], i);
    }
    reef_event_reader_destroy(reader);
}

static void test_event_trim_drops_what_all_have_passed(void **state)
{
    reef_event_reader_t *reader = reef_event_reader_create(notes(state));
    uint32_t drops = 0;

    for (int i = 0; i < 5; i++) {
        reef_event_emit(notes(state), &(note_t){.drops = &drops});
    }
    reef_event_next(reader);
    reef_event_next(reader);
    reef__event_registry_trim(*state);
    assert_int_equal(drops, 2);
    reef__event_registry_trim(*state);
    assert_int_equal(drops, 2);

    reef_event_reader_destroy(reader);
    reef__event_registry_trim(*state);
    assert_int_equal(drops, 5);
}

static void test_event_trim_without_readers_frees_all(void **state)
{
    uint32_t drops = 0;

    reef_event_emit(notes(state), &(note_t){.drops = &drops});
    reef__event_registry_trim(*state);

    assert_int_equal(drops, 1);
}

static void test_event_destroy_drops_what_nobody_read(void **state)
{
    reef_event_registry_t *registry = reef__event_registry_create(world);
    uint32_t drops = 0;

    (void)state;
    for (int i = 0; i < 2000; i++) {
        reef_event_emit(reef__event_registry_ensure(registry, &note_event),
                        &(note_t){.drops = &drops});
    }
    reef__event_registry_destroy(registry);

    assert_int_equal(drops, 2000);
}

static void test_event_beyond_the_bound_is_dropped_and_counted(void **state)
{
    reef_event_reader_t *reader = reef_event_reader_create(notes(state));
    uint32_t drops = 0;

    emit(notes(state), 0, 5000);
    assert_false(reef_event_emit(notes(state), &(note_t){.drops = &drops}));
    assert_int_equal(drops, 1);
    assert_int_equal(reef_event_dropped_count(notes(state)), 1);
    assert_int_equal(reef_event_emitted_count(notes(state)), 5001);

    expect(reader, 0, 1);
    assert_false(reef_event_emit(notes(state), &(note_t){0}));
    reef__event_registry_trim(*state);
    emit(notes(state), 5000, 1);
    expect(reader, 1, 5000);
    assert_null(reef_event_next(reader));
    reef_event_reader_destroy(reader);
}

static void test_event_skip_holds_nothing_up(void **state)
{
    reef_event_reader_t *reader = reef_event_reader_create(notes(state));
    uint32_t drops = 0;

    reef_event_emit(notes(state), &(note_t){.drops = &drops});
    reef_event_skip(reader);
    assert_null(reef_event_next(reader));
    reef__event_registry_trim(*state);

    assert_int_equal(drops, 1);
    reef_event_reader_destroy(reader);
}

static void test_event_passed_waits_for_the_last_reader(void **state)
{
    reef_event_queue_t *queue = notes(state);
    reef_event_reader_t *a = reef_event_reader_create(queue);
    reef_event_reader_t *b = reef_event_reader_create(queue);
    uint64_t mark;

    emit(queue, 0, 2);
    mark = reef_event_emitted_count(queue);
    emit(queue, 2, 2);
    expect(a, 0, 4);
    expect(b, 0, 1);
    assert_false(reef_event_passed(queue, mark));
    expect(b, 1, 1);
    assert_true(reef_event_passed(queue, mark));
    assert_false(reef_event_passed(queue, mark + 1));

    reef_event_reader_destroy(a);
    reef_event_reader_destroy(b);
}

static void test_event_passed_counts_dropped_events_as_passed(void **state)
{
    reef_event_queue_t *queue = notes(state);
    reef_event_reader_t *reader = reef_event_reader_create(queue);
    uint64_t mark;

    emit(queue, 0, 5000);
    for (int i = 0; i < 10; i++) {
        assert_false(reef_event_emit(queue, &(note_t){0}));
    }
    mark = reef_event_emitted_count(queue);
    expect(reader, 0, 4999);
    assert_false(reef_event_passed(queue, mark));
    expect(reader, 4999, 1);
    reef__event_registry_trim(*state);
    emit(queue, 5000, 3);

    assert_true(reef_event_passed(queue, mark));
    assert_false(reef_event_passed(queue, mark + 1));
    reef_event_reader_destroy(reader);
}

static void test_event_passed_without_readers_is_true(void **state)
{
    emit(notes(state), 0, 1);
    assert_true(reef_event_passed(notes(state), 1));
}

static void test_event_many_at_once_go_as_far_as_the_bound(void **state)
{
    static note_t many[6000];
    reef_event_queue_t *queue = notes(state);
    reef_event_reader_t *reader = reef_event_reader_create(queue);
    uint32_t drops = 0;

    for (uint32_t i = 0; i < 6000; i++) {
        many[i] = (note_t){.number = 10 + i, .drops = &drops};
    }
    emit(queue, 0, 10);
    reef__event_emit_all(queue, many, 6000);

    assert_int_equal(reef_event_held(queue), 5000);
    assert_int_equal(reef_event_emitted_count(queue), 6010);
    assert_int_equal(reef_event_dropped_count(queue), 1010);
    assert_int_equal(drops, 1010);
    expect(reader, 0, 5000);
    assert_null(reef_event_next(reader));
    assert_true(reef_event_passed(queue, 6010));
    reef_event_reader_destroy(reader);
    reef__event_registry_trim(*state);
    assert_int_equal(drops, 6000);
}

static void test_event_added_is_read_as_it_was_written(void **state)
{
    reef_event_queue_t *queue = notes(state);
    reef_event_reader_t *reader = reef_event_reader_create(queue);

    for (uint64_t i = 0; i < 5000; i++) {
        note_t *note = reef_event_add(queue);

        assert_non_null(note);
        *note = (note_t){.number = i};
    }
    assert_null(reef_event_add(queue));
    assert_int_equal(reef_event_emitted_count(queue), 5000);
    expect(reader, 0, 5000);
    reef_event_reader_destroy(reader);
}

static void test_event_only_reader_may_take_what_it_owns(void **state)
{
    reef_event_queue_t *queue = notes(state);
    reef_event_reader_t *reader = reef_event_reader_create(queue);
    reef_event_reader_t *other = reef_event_reader_create(queue);
    uint32_t drops = 0;

    assert_false(reef_event_is_only_reader(reader));
    assert_false(reef_event_is_only_reader(other));
    reef_event_reader_destroy(other);
    assert_true(reef_event_is_only_reader(reader));
    reef_event_emit(queue, &(note_t){.drops = &drops});
    reef_event_emit(queue, &(note_t){.drops = &drops});
    ((note_t *)reef_event_next_mut(reader))->drops = NULL;
    assert_non_null(reef_event_next_mut(reader));
    reef__event_registry_trim(*state);
    assert_int_equal(drops, 1);
    reef_event_reader_destroy(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_event_registry_gives_one_queue_per_name),
        TEST(test_event_reader_starts_at_the_present_end),
        TEST(test_event_every_reader_has_its_own_cursor),
        TEST(test_event_order_survives_trims_at_any_place),
        TEST(test_event_address_holds_while_more_is_emitted),
        TEST(test_event_larger_than_a_block),
        TEST(test_event_trim_drops_what_all_have_passed),
        TEST(test_event_trim_without_readers_frees_all),
        TEST(test_event_destroy_drops_what_nobody_read),
        TEST(test_event_beyond_the_bound_is_dropped_and_counted),
        TEST(test_event_skip_holds_nothing_up),
        TEST(test_event_passed_waits_for_the_last_reader),
        TEST(test_event_passed_counts_dropped_events_as_passed),
        TEST(test_event_passed_without_readers_is_true),
        TEST(test_event_many_at_once_go_as_far_as_the_bound),
        TEST(test_event_added_is_read_as_it_was_written),
        TEST(test_event_only_reader_may_take_what_it_owns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
