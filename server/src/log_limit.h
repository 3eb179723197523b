/**
 * @file log_limit.h
 * @brief At most one log line a second of what peers can cause at will.
 *
 * One limit per kind of line.  Any thread.
 */
#ifndef REEF_SRC_LOG_LIMIT_H
#define REEF_SRC_LOG_LIMIT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/** All zero = nothing was logged yet. */
typedef struct reef__log_limit {
    _Atomic uint64_t due_ms;  /* no line before */
    _Atomic uint64_t skipped; /* lines since the last one */
} reef__log_limit_t;

/**
 * Whether the line may be logged now.
 *
 * @param now_ms  Of any monotonic clock, always the same one.
 * @param skipped Receives how many were not, since the last that was; untouched when
 *                this one is not.
 */
bool reef__log_limit_pass(reef__log_limit_t *limit, uint64_t now_ms, uint64_t *skipped);

#endif /* REEF_SRC_LOG_LIMIT_H */
