/*
 * Where an order between threads matters, the mailbox's own wake callback, which runs
 * after a post, tells the test that a request is waiting.
 */
#include <reef/mailbox.h>

#include "test.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

enum {
    LONG_MS = 60000, /* never passes in a test */
    CALLERS = 4,
    CALLS_EACH = 500,
};

typedef struct fixture {
    reef_mailbox_t *mailbox;
    sem_t posted; /* one per post */
    char order[16];
} fixture_t;

/* One call on a thread of its own. */
typedef struct call {
    fixture_t *f;
    reef_request_fn run;
    uint32_t timeout_ms;
    reef_error_t error;
    char mark;
    pthread_t thread;
} call_t;

static void count_post(void *context)
{
    sem_post(&((fixture_t *)context)->posted);
}

static int setup(void **state)
{
    fixture_t *f = calloc(1, sizeof(*f));

    sem_init(&f->posted, 0, 0);
    f->mailbox = reef_mailbox_create(
        &(reef_mailbox_desc_t){.capacity = 2, .wake = count_post, .wake_context = f});
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture_t *f = *state;

    reef_mailbox_destroy(f->mailbox);
    sem_destroy(&f->posted);
    free(f);
    return 0;
}

static void append_mark(void *argument)
{
    call_t *call = argument;

    strncat(call->f->order, &call->mark, 1);
}

static void *call_thread(void *argument)
{
    call_t *call = argument;

    call->error =
        reef_mailbox_call(call->f->mailbox, call->run, call, call->timeout_ms);
    return NULL;
}

/* Returns when the request is waiting. */
static void begin(call_t *call)
{
    assert_int_equal(pthread_create(&call->thread, NULL, call_thread, call), 0);
    sem_wait(&call->f->posted);
}

static reef_error_t end(call_t *call)
{
    pthread_join(call->thread, NULL);
    return call->error;
}

static void test_mailbox_runs_requests_in_order_of_arrival(void **state)
{
    fixture_t *f = *state;
    call_t a = {.f = f, .run = append_mark, .timeout_ms = LONG_MS, .mark = 'a'};
    call_t b = {.f = f, .run = append_mark, .timeout_ms = LONG_MS, .mark = 'b'};

    begin(&a);
    begin(&b);
    assert_string_equal(f->order, "");
    assert_int_equal(reef_mailbox_drain(f->mailbox), 2);
    assert_string_equal(f->order, "ab");
    assert_int_equal(end(&a), REEF_OK);
    assert_int_equal(end(&b), REEF_OK);
    assert_int_equal(reef_mailbox_drain(f->mailbox), 0);
}

static void test_mailbox_takes_a_request_back_at_the_deadline(void **state)
{
    fixture_t *f = *state;
    call_t late = {.f = f, .run = append_mark, .mark = 'x'};

    assert_int_equal(reef_mailbox_call(f->mailbox, append_mark, &late, 1),
                     REEF_E_TIMEOUT);
    assert_int_equal(reef_mailbox_call(f->mailbox, append_mark, &late, 0),
                     REEF_E_TIMEOUT);
    assert_int_equal(reef_mailbox_drain(f->mailbox), 0);
    assert_string_equal(f->order, "");
}

static void test_mailbox_keeps_the_others_when_one_is_taken_back(void **state)
{
    fixture_t *f = *state;
    call_t first = {.f = f, .run = append_mark, .timeout_ms = LONG_MS, .mark = 'a'};
    call_t next = {.f = f, .run = append_mark, .timeout_ms = LONG_MS, .mark = 'b'};

    begin(&first);
    assert_int_equal(reef_mailbox_call(f->mailbox, append_mark, &next, 1),
                     REEF_E_TIMEOUT);
    sem_wait(&f->posted);
    begin(&next);
    assert_int_equal(reef_mailbox_drain(f->mailbox), 2);
    assert_int_equal(end(&first), REEF_OK);
    assert_int_equal(end(&next), REEF_OK);
    assert_string_equal(f->order, "ab");
}

/* Runs past the caller's deadline, whose clock it watches. */
static void outlast_deadline(void *argument)
{
    const struct timespec two_deadlines = {.tv_nsec = 40000000};

    nanosleep(&two_deadlines, NULL);
    append_mark(argument);
}

static void test_mailbox_waits_for_a_request_that_was_begun(void **state)
{
    fixture_t *f = *state;
    call_t call = {.f = f, .run = outlast_deadline, .timeout_ms = 20, .mark = 'x'};
    uint32_t ran;

    begin(&call);
    ran = reef_mailbox_drain(f->mailbox);
    /* On a machine so busy that the deadline passed first, it was not run. */
    assert_int_equal(end(&call), ran == 1 ? REEF_OK : REEF_E_TIMEOUT);
    assert_string_equal(f->order, ran == 1 ? "x" : "");
}

static void test_mailbox_refuses_when_full(void **state)
{
    fixture_t *f = *state;
    call_t a = {.f = f, .run = append_mark, .timeout_ms = LONG_MS, .mark = 'a'};
    call_t b = {.f = f, .run = append_mark, .timeout_ms = LONG_MS, .mark = 'b'};
    call_t c = {.f = f, .mark = 'c'};

    begin(&a);
    begin(&b);
    assert_int_equal(reef_mailbox_call(f->mailbox, append_mark, &c, LONG_MS),
                     REEF_E_LIMIT);
    assert_int_equal(reef_mailbox_drain(f->mailbox), 2);
    assert_int_equal(end(&a), REEF_OK);
    assert_int_equal(end(&b), REEF_OK);
    assert_string_equal(f->order, "ab");
}

/* A request during whose run another one arrives. */
static void begin_another(void *argument)
{
    call_t *call = argument;
    call_t *another = call + 1;

    append_mark(call);
    begin(another);
}

static void test_mailbox_drain_leaves_what_arrives_meanwhile(void **state)
{
    fixture_t *f = *state;
    call_t calls[2] = {
        {.f = f, .run = begin_another, .timeout_ms = LONG_MS, .mark = 'a'},
        {.f = f, .run = append_mark, .timeout_ms = LONG_MS, .mark = 'b'},
    };

    begin(&calls[0]);
    assert_int_equal(reef_mailbox_drain(f->mailbox), 1);
    assert_string_equal(f->order, "a");
    assert_int_equal(reef_mailbox_drain(f->mailbox), 1);
    assert_string_equal(f->order, "ab");
    assert_int_equal(end(&calls[0]), REEF_OK);
    assert_int_equal(end(&calls[1]), REEF_OK);
}

static void test_mailbox_close_fails_waiting_and_new_requests(void **state)
{
    fixture_t *f = *state;
    call_t call = {.f = f, .run = append_mark, .timeout_ms = LONG_MS, .mark = 'a'};

    begin(&call);
    reef_mailbox_close(f->mailbox);
    assert_int_equal(end(&call), REEF_E_CLOSED);
    assert_int_equal(reef_mailbox_call(f->mailbox, append_mark, &call, LONG_MS),
                     REEF_E_CLOSED);
    assert_int_equal(reef_mailbox_drain(f->mailbox), 0);
    assert_string_equal(f->order, "");
}

/* A crowd: callers of short and long patience against one that drains. */
typedef struct crowd {
    reef_mailbox_t *mailbox;
    uint32_t sum; /* written by requests only, so without a lock */
    atomic_uint accepted;
    atomic_uint left; /* callers that are not yet done */
} crowd_t;

static void add_one(void *argument)
{
    ((crowd_t *)argument)->sum++;
}

static void *call_often(void *argument)
{
    crowd_t *crowd = argument;

    for (uint32_t i = 0; i < CALLS_EACH; i++) {
        if (reef_mailbox_call(crowd->mailbox, add_one, crowd, i % 3 == 0 ? 0 : 1000) ==
            REEF_OK) {
            atomic_fetch_add(&crowd->accepted, 1);
        }
    }
    atomic_fetch_sub(&crowd->left, 1);
    return NULL;
}

static void test_mailbox_answers_say_what_happened(void **state)
{
    crowd_t crowd = {.mailbox = reef_mailbox_create(
                         &(reef_mailbox_desc_t){.capacity = CALLERS - 1})};
    pthread_t threads[CALLERS];
    uint32_t ran = 0;

    (void)state;
    atomic_store(&crowd.left, CALLERS);
    for (int i = 0; i < CALLERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, call_often, &crowd), 0);
    }
    while (atomic_load(&crowd.left) > 0) {
        ran += reef_mailbox_drain(crowd.mailbox);
        sched_yield();
    }
    for (int i = 0; i < CALLERS; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(ran, atomic_load(&crowd.accepted));
    assert_int_equal(ran, crowd.sum);
    assert_true(ran > 0);
    reef_mailbox_destroy(crowd.mailbox);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_mailbox_runs_requests_in_order_of_arrival),
        TEST(test_mailbox_takes_a_request_back_at_the_deadline),
        TEST(test_mailbox_keeps_the_others_when_one_is_taken_back),
        TEST(test_mailbox_waits_for_a_request_that_was_begun),
        TEST(test_mailbox_refuses_when_full),
        TEST(test_mailbox_drain_leaves_what_arrives_meanwhile),
        TEST(test_mailbox_close_fails_waiting_and_new_requests),
        TEST(test_mailbox_answers_say_what_happened),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
