/*
 * The threads by themselves: every task of every job is run once, whatever came before,
 * and a job is done when its call returns.
 */
#include "executor.h"

#include "test.h"

#include <stdatomic.h>

enum {
    MAX_TASKS = 40,
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    JOBS = 40000
#else
    JOBS = 300000
#endif
};

typedef struct job {
    uint32_t count;
    uint32_t number;
    atomic_uint runs[MAX_TASKS];
    atomic_uint strangers; /* tasks that the job does not have */
    uint32_t
        plain[MAX_TASKS]; /* written without a lock: by the one who runs the task */
} job_t;

static void run_task(void *context, uint32_t task)
{
    job_t *job = context;

    if (task >= job->count) {
        atomic_fetch_add(&job->strangers, 1);
        return;
    }
    atomic_fetch_add_explicit(&job->runs[task], 1, memory_order_relaxed);
    job->plain[task] = job->number;
}

/* Sizes go up and down, so that a thread that comes late meets a larger job. */
static uint32_t size_of(uint32_t number)
{
    return 1 + number * 7 % MAX_TASKS;
}

static void begin_job(job_t *job, uint32_t number)
{
    job->count = size_of(number);
    job->number = number;
    for (uint32_t i = 0; i < MAX_TASKS; i++) {
        atomic_store_explicit(&job->runs[i], 0, memory_order_relaxed);
    }
}

static void check_job(const job_t *job, uint32_t workers)
{
    for (uint32_t i = 0; i < job->count; i++) {
        uint32_t runs = atomic_load_explicit(&job->runs[i], memory_order_relaxed);

        if (runs != 1 || job->plain[i] != job->number) {
            fail_msg("job %u, %u workers: task %u of %u was run %u times", job->number,
                     workers, i, job->count, runs);
        }
    }
    assert_int_equal(atomic_load(&job->strangers), 0);
}

static void run_jobs(uint32_t workers, uint32_t count)
{
    reef__executor_t *executor = reef__executor_create(reef_alloc_default(), workers);
    static job_t jobs[2]; /* a job's context is another than that of the last one */

    for (uint32_t number = 1; number <= count; number++) {
        job_t *job = &jobs[number % 2];

        begin_job(job, number);
        reef__executor_run(executor, run_task, job, job->count);
        check_job(job, workers);
    }
    reef__executor_destroy(executor);
}

static void test_executor_jobs_run_each_task_once(void **state)
{
    (void)state;
    run_jobs(2, JOBS);
    run_jobs(3, JOBS);
    run_jobs(8, JOBS / 10);
}

static void test_executor_jobs_end_with_their_threads(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 300; i++) {
        run_jobs(2 + i % 5, i % 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_executor_jobs_run_each_task_once),
        cmocka_unit_test(test_executor_jobs_end_with_their_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
