/**
 * @file executor.h
 * @brief Threads that help the world thread with the tasks of one stage.
 */
#ifndef REEF_ECS_EXECUTOR_H
#define REEF_ECS_EXECUTOR_H

#include <reef/alloc.h>

#include <stdint.h>

typedef struct reef__executor reef__executor_t;

typedef void (*reef__task_fn)(void *context, uint32_t task);

/** Start @p workers - 1 threads, which sleep until there is work. */
reef__executor_t *reef__executor_create(const reef_alloc_t *alloc, uint32_t workers);

/** Stop the threads.  Accepts NULL. */
void reef__executor_destroy(reef__executor_t *executor);

/**
 * Call @p run once for each task 0 … count - 1, on all threads and on the calling one,
 * and return when all have returned.  Tasks start in ascending order.
 */
void reef__executor_run(reef__executor_t *executor,
                        reef__task_fn run,
                        void *context,
                        uint32_t count);

#endif /* REEF_ECS_EXECUTOR_H */
