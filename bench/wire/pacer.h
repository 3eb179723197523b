/**
 * @file pacer.h
 * @brief When messages are due that go out at a fixed rate, and a timer that wakes a
 *        pool then.
 *
 * Message n is due at the beginning + n / rate, whatever happened to those before it.
 */
#ifndef WIRE_PACER_H
#define WIRE_PACER_H

#include "pool.h"

typedef struct pacer {
    uint64_t begin_ns, per_second;
    int timer;
} pacer_t;

/** A pacer whose time has not begun. */
void pacer_init(pacer_t *pacer, const pool_t *pool, uint64_t per_second);
void pacer_finish(pacer_t *pacer);

/** Message 0 is due now. */
void pacer_begin(pacer_t *pacer);

uint64_t pacer_due_ns(const pacer_t *pacer, uint64_t message);

/** Have pool_step() return when @p message is due. */
void pacer_wake(const pacer_t *pacer, uint64_t message);

#endif /* WIRE_PACER_H */
