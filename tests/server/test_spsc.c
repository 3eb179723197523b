#include "test.h"

#include "spsc.h"

#include <pthread.h>
#include <sched.h>

#define BLOCK ((uint64_t)REEF__SPSC_BLOCK_RECORDS)

enum {
    RECORDS = 1000000, /* from thread to thread */
    WINDOW = 64,       /* records under way with back-pressure */
};

typedef struct record {
    uint64_t number;
    uint64_t check;
    uint32_t odd; /* so that the size has to be rounded up */
} record_t;

typedef struct fixture {
    reef__spsc_t queue;
    reef_alloc_t alloc;
    _Atomic int64_t bytes;       /* allocated and not released */
    _Atomic int64_t allocations; /* ever */
    uint64_t slots[WINDOW];      /* written by the producer, read by the consumer */
    bool has_window;
} fixture_t;

static void *resize(void *ctx, void *ptr, size_t old_size, size_t new_size)
{
    fixture_t *f = ctx;

    f->bytes += (int64_t)new_size - (int64_t)old_size;
    f->allocations += new_size > 0;
    return reef_resize(reef_alloc_default(), ptr, old_size, new_size);
}

static int setup(void **state)
{
    fixture_t *f = calloc(1, sizeof(*f));

    f->alloc = (reef_alloc_t){.resize = resize, .ctx = f};
    reef__spsc_init(&f->queue, &f->alloc, sizeof(record_t));
    *state = f;
    return 0;
}

/* Whatever a test leaves in the queue, nothing leaks. */
static int teardown(void **state)
{
    fixture_t *f = *state;
    int64_t bytes;

    reef__spsc_finish(&f->queue);
    bytes = f->bytes;
    free(f);
    return bytes == 0 ? 0 : -1;
}

static void push(fixture_t *f, uint64_t number)
{
    record_t *record = reef__spsc_push(&f->queue);

    *record = (record_t){.number = number, .check = ~number, .odd = (uint32_t)number};
}

static void push_many(fixture_t *f, uint64_t first, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        push(f, first + i);
    }
}

/* Whether the front is record `number`, whole. */
static bool is_front(fixture_t *f, uint64_t number)
{
    const record_t *record = reef__spsc_front(&f->queue);

    return record != NULL && record->number == number && record->check == ~number &&
           record->odd == (uint32_t)number;
}

static void pop_many(fixture_t *f, uint64_t first, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        assert_true(is_front(f, first + i));
        reef__spsc_pop(&f->queue);
    }
}

static void test_spsc_shows_nothing_before_it_is_published(void **state)
{
    fixture_t *f = *state;

    assert_null(reef__spsc_front(&f->queue));
    assert_false(reef__spsc_publish(&f->queue));
    push_many(f, 0, 2);
    assert_null(reef__spsc_front(&f->queue));
    assert_true(reef__spsc_publish(&f->queue));
    assert_false(reef__spsc_publish(&f->queue));
    push_many(f, 2, 1);
    pop_many(f, 0, 2);
    assert_null(reef__spsc_front(&f->queue));
    assert_true(reef__spsc_publish(&f->queue));
    pop_many(f, 2, 1);
    assert_null(reef__spsc_front(&f->queue));
}

static void test_spsc_front_stays_until_it_is_popped(void **state)
{
    fixture_t *f = *state;

    push_many(f, 7, 2);
    reef__spsc_publish(&f->queue);
    assert_true(is_front(f, 7));
    assert_true(is_front(f, 7));
    reef__spsc_pop(&f->queue);
    assert_true(is_front(f, 8));
}

static void test_spsc_counts_what_each_side_did(void **state)
{
    fixture_t *f = *state;

    push_many(f, 0, 1000);
    assert_int_equal(reef__spsc_published_count(&f->queue), 0);
    reef__spsc_publish(&f->queue);
    assert_int_equal(reef__spsc_published_count(&f->queue), 1000);
    assert_int_equal(reef__spsc_popped_count(&f->queue), 0);
    pop_many(f, 0, 300);
    assert_int_equal(reef__spsc_popped_count(&f->queue), 300);
    assert_int_equal(reef__spsc_published_count(&f->queue), 1000);
}

static void test_spsc_ends_of_blocks_are_not_seen(void **state)
{
    fixture_t *f = *state;

    /* Published and emptied just before, at, and just behind the end of a block. */
    for (uint64_t ahead = BLOCK - 1; ahead <= BLOCK + 1; ahead++) {
        push_many(f, 0, ahead);
        reef__spsc_publish(&f->queue);
        pop_many(f, 0, ahead);
        assert_null(reef__spsc_front(&f->queue));
    }
}

static void test_spsc_records_of_odd_size_are_aligned(void **state)
{
    fixture_t *f = *state;

    reef__spsc_finish(&f->queue);
    reef__spsc_init(&f->queue, &f->alloc, 13);
    for (uint64_t i = 0; i < 2 * BLOCK; i++) {
        void *record = reef__spsc_push(&f->queue);

        assert_int_equal((uintptr_t)record % 8, 0);
        memset(record, 0xff, 13);
    }
}

static void test_spsc_steady_flow_allocates_nothing(void **state)
{
    fixture_t *f = *state;
    uint64_t batch = 2 * BLOCK; /* three blocks under way at times */
    uint64_t number = 0;
    int64_t before = 0;

    for (int round = 0; round < 200; round++) {
        if (round == 10) {
            before = f->allocations;
        }
        push_many(f, number, batch);
        reef__spsc_publish(&f->queue);
        pop_many(f, number, batch);
        number += batch;
    }
    assert_int_equal(f->allocations, before);
}

static void test_spsc_gives_back_what_a_burst_needed(void **state)
{
    fixture_t *f = *state;
    int64_t one_block = f->bytes; /* the first */

    push_many(f, 0, 1000 * BLOCK);
    reef__spsc_publish(&f->queue);
    assert_true(f->bytes > 999 * one_block);
    pop_many(f, 0, 1000 * BLOCK);
    assert_null(reef__spsc_front(&f->queue));
    assert_true(f->bytes <= (1 + REEF__SPSC_SPARES) * one_block);
}

static void test_spsc_finish_releases_what_nobody_read(void **state)
{
    fixture_t *f = *state;

    push_many(f, 0, 10 * BLOCK);
    reef__spsc_publish(&f->queue);
    pop_many(f, 0, 7 * BLOCK + 5);
    push_many(f, 10 * BLOCK, 3 * BLOCK);
    reef__spsc_finish(&f->queue);
    assert_int_equal(f->bytes, 0);
}

static void test_spsc_keeps_order_in_any_mixture_of_calls(void **state)
{
    fixture_t *f = *state;
    uint64_t pushed = 0, published = 0, popped = 0;
    uint64_t random = 1;

    for (int step = 0; step < 20000; step++) {
        uint64_t count;

        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        count = random >> 40 & 511;
        if (random >> 62 == 0) {
            push_many(f, pushed, count);
            pushed += count;
        } else if (random >> 62 == 1) {
            assert_int_equal(reef__spsc_publish(&f->queue), pushed > published);
            published = pushed;
        } else {
            count = count < published - popped ? count : published - popped;
            pop_many(f, popped, count);
            popped += count;
            assert_int_equal(reef__spsc_front(&f->queue) == NULL, published == popped);
        }
    }
    assert_int_equal(reef__spsc_published_count(&f->queue), published);
    assert_int_equal(reef__spsc_popped_count(&f->queue), popped);
}

/* Numbers from 0 on, in batches of many sizes; with a window, what a record refers to
 * is used again once that record is popped. */
static void *produce(void *argument)
{
    fixture_t *f = argument;

    for (uint64_t i = 0; i < RECORDS; i++) {
        while (f->has_window && i - reef__spsc_popped_count(&f->queue) >= WINDOW) {
            reef__spsc_publish(&f->queue);
            sched_yield();
        }
        if (f->has_window) {
            f->slots[i % WINDOW] = i;
        }
        push(f, i);
        if ((i * i >> 3) % 37 == 0) {
            reef__spsc_publish(&f->queue);
        }
    }
    reef__spsc_publish(&f->queue);
    return NULL;
}

/* Returns how many records came as they should. */
static uint64_t consume(fixture_t *f)
{
    uint64_t good = 0;

    for (uint64_t i = 0; i < RECORDS; i++) {
        while (reef__spsc_front(&f->queue) == NULL) {
            sched_yield();
        }
        good += is_front(f, i) && (!f->has_window || f->slots[i % WINDOW] == i);
        reef__spsc_pop(&f->queue);
    }
    return good;
}

static void run_two_threads(fixture_t *f)
{
    pthread_t producer;
    uint64_t good;

    assert_int_equal(pthread_create(&producer, NULL, produce, f), 0);
    good = consume(f);
    pthread_join(producer, NULL);
    assert_int_equal(good, RECORDS);
    assert_null(reef__spsc_front(&f->queue));
    assert_int_equal(reef__spsc_published_count(&f->queue), RECORDS);
    assert_int_equal(reef__spsc_popped_count(&f->queue), RECORDS);
}

static void test_spsc_carries_all_in_order_between_threads(void **state)
{
    run_two_threads(*state);
}

static void test_spsc_popped_count_tells_what_is_no_longer_in_use(void **state)
{
    fixture_t *f = *state;

    f->has_window = true;
    run_two_threads(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_spsc_shows_nothing_before_it_is_published),
        TEST(test_spsc_front_stays_until_it_is_popped),
        TEST(test_spsc_counts_what_each_side_did),
        TEST(test_spsc_ends_of_blocks_are_not_seen),
        TEST(test_spsc_records_of_odd_size_are_aligned),
        TEST(test_spsc_steady_flow_allocates_nothing),
        TEST(test_spsc_gives_back_what_a_burst_needed),
        TEST(test_spsc_finish_releases_what_nobody_read),
        TEST(test_spsc_keeps_order_in_any_mixture_of_calls),
        TEST(test_spsc_carries_all_in_order_between_threads),
        TEST(test_spsc_popped_count_tells_what_is_no_longer_in_use),
    };

    return cmocka_run_group_tests_name("spsc", tests, NULL, NULL);
}
