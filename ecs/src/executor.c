/*
 * A job is a number of tasks, which whoever is free takes.  The word `next` holds the
 * job's number above and below it how many tasks nobody has taken, so that a thread
 * that comes late, when the next job is on its way or there, takes none of a job it
 * does not know: all that decides lies in that one word.
 *
 * A thread that has nothing to do looks for the next job for a few microseconds, as
 * stages of one frame follow each other closely, then sleeps on a condition.  So idle
 * costs nothing, and waking up is paid once per frame.  The world thread waits for the
 * last tasks in the same way.
 */
#include "executor.h"

#include "block.h"

#include <reef/attrs.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    SPINS = 2000 /* 10 to 50 µs; sleeping and waking up costs about as much */
};

struct reef__executor {
    const reef_alloc_t *alloc;
    uint32_t thread_count;
    pthread_t *threads; /* [thread_count] */

    /* The job.  Plain members are written before its number is published. */
    reef__task_fn run;
    void *context;
    uint32_t count;  /* tasks */
    uint32_t number; /* of the last job; only the world thread's */
    _Alignas(64) atomic_uint_fast64_t next; /* job number << 32 | tasks not taken */
    _Alignas(64) atomic_uint_fast32_t left; /* tasks that have not returned */

    pthread_mutex_t mutex;
    pthread_cond_t work; /* a new job, or stop */
    pthread_cond_t done; /* left is 0 */
    atomic_uint_fast32_t sleepers;
    bool waits; /* the world thread sleeps; under mutex */
    atomic_bool stops;
};

/* Take and run tasks of job `number` until none is left. */
static void work_on(reef__executor_t *executor, uint32_t number)
{
    for (;;) {
        uint_fast64_t next =
            atomic_load_explicit(&executor->next, memory_order_acquire);

        do {
            if (next >> 32 != number || (uint32_t)next == 0) {
                return;
            }
        } while (!atomic_compare_exchange_weak_explicit(&executor->next, &next,
                                                        next - 1, memory_order_acq_rel,
                                                        memory_order_acquire));
        executor->run(executor->context, executor->count - (uint32_t)next);
        if (atomic_fetch_sub_explicit(&executor->left, 1, memory_order_acq_rel) == 1) {
            pthread_mutex_lock(&executor->mutex);
            if (executor->waits) {
                pthread_cond_signal(&executor->done);
            }
            pthread_mutex_unlock(&executor->mutex);
        }
    }
}

/* Number of the newest job. */
static uint32_t newest(reef__executor_t *executor)
{
    return (uint32_t)(atomic_load_explicit(&executor->next, memory_order_acquire) >>
                      32);
}

static void wait_for_job(reef__executor_t *executor, uint32_t seen)
{
    for (uint32_t i = 0; i < SPINS; i++) {
        if (newest(executor) != seen ||
            atomic_load_explicit(&executor->stops, memory_order_relaxed)) {
            return;
        }
        REEF_PAUSE();
    }
    pthread_mutex_lock(&executor->mutex);
    atomic_fetch_add(&executor->sleepers, 1);
    while (atomic_load(&executor->next) >> 32 == seen &&
           !atomic_load(&executor->stops)) {
        pthread_cond_wait(&executor->work, &executor->mutex);
    }
    atomic_fetch_sub(&executor->sleepers, 1);
    pthread_mutex_unlock(&executor->mutex);
}

static void *thread_main(void *argument)
{
    reef__executor_t *executor = argument;
    uint32_t seen = 0;

    while (!atomic_load(&executor->stops)) {
        wait_for_job(executor, seen);
        seen = newest(executor);
        work_on(executor, seen);
    }
    return NULL;
}

reef__executor_t *reef__executor_create(const reef_alloc_t *alloc, uint32_t workers)
{
    reef__executor_t *executor = reef__block_create(alloc, sizeof(*executor));

    *executor = (reef__executor_t){.alloc = alloc, .thread_count = workers - 1};
    pthread_mutex_init(&executor->mutex, NULL);
    pthread_cond_init(&executor->work, NULL);
    pthread_cond_init(&executor->done, NULL);
    executor->threads =
        reef_resize(alloc, NULL, 0, executor->thread_count * sizeof(pthread_t));
    for (uint32_t i = 0; i < executor->thread_count; i++) {
        if (pthread_create(&executor->threads[i], NULL, thread_main, executor) != 0) {
            fprintf(stderr, "worker thread %u of %u could not be started\n", i + 1,
                    executor->thread_count);
            abort();
        }
    }
    return executor;
}

static void wake_all(reef__executor_t *executor)
{
    pthread_mutex_lock(&executor->mutex);
    pthread_cond_broadcast(&executor->work);
    pthread_mutex_unlock(&executor->mutex);
}

void reef__executor_destroy(reef__executor_t *executor)
{
    if (executor == NULL) {
        return;
    }
    atomic_store(&executor->stops, true);
    wake_all(executor);
    for (uint32_t i = 0; i < executor->thread_count; i++) {
        pthread_join(executor->threads[i], NULL);
    }
    reef_resize(executor->alloc, executor->threads,
                executor->thread_count * sizeof(pthread_t), 0);
    pthread_mutex_destroy(&executor->mutex);
    pthread_cond_destroy(&executor->work);
    pthread_cond_destroy(&executor->done);
    reef__block_destroy(executor->alloc, executor, sizeof(*executor));
}

static void wait_until_done(reef__executor_t *executor)
{
    for (uint32_t i = 0; i < SPINS; i++) {
        if (atomic_load_explicit(&executor->left, memory_order_acquire) == 0) {
            return;
        }
        REEF_PAUSE();
    }
    pthread_mutex_lock(&executor->mutex);
    executor->waits = true;
    while (atomic_load_explicit(&executor->left, memory_order_acquire) != 0) {
        pthread_cond_wait(&executor->done, &executor->mutex);
    }
    executor->waits = false;
    pthread_mutex_unlock(&executor->mutex);
}

void reef__executor_run(reef__executor_t *executor,
                        reef__task_fn run,
                        void *context,
                        uint32_t count)
{
    executor->number++;
    executor->run = run;
    executor->context = context;
    executor->count = count;
    atomic_store_explicit(&executor->left, count, memory_order_relaxed);
    /* Sequentially consistent, like the count of sleepers: a thread that is about to
     * sleep sees the job, or we see the sleeper. */
    atomic_store(&executor->next, (uint_fast64_t)executor->number << 32 | count);
    if (atomic_load(&executor->sleepers) > 0) {
        wake_all(executor);
    }
    work_on(executor, executor->number);
    wait_until_done(executor);
}
