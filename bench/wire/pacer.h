/**
 * @file pacer.h
 * @brief When messages are due that go out at a fixed rate, and a timer that wakes
 *        a loop then.
 *
 * Message n is due at the beginning + n / rate, whatever happened to those before it.
 */
#ifndef WIRE_PACER_H
#define WIRE_PACER_H

#include <stdint.h>

typedef struct pacer {
    uint64_t begin_ns, per_second;
    int timer;
} pacer_t;

/** A pacer whose time has not begun; its timer is among what @p epoll waits for, with
 *  NULL as its data. */
void pacer_init(pacer_t *pacer, int epoll, uint64_t per_second);
void pacer_finish(pacer_t *pacer);

/** Message 0 is due now. */
void pacer_begin(pacer_t *pacer);

uint64_t pacer_due_ns(const pacer_t *pacer, uint64_t message);

/** Have whoever waits for @p epoll wake when @p message is due. */
void pacer_wake(const pacer_t *pacer, uint64_t message);

#endif /* WIRE_PACER_H */
