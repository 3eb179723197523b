/**
 * @file loop.h
 * @brief The event loop: waits for sockets, timers, signals and other threads.
 *
 * Everything belongs to the thread that runs it, except reef__loop_wake().
 */
#ifndef REEF_SRC_LOOP_H
#define REEF_SRC_LOOP_H

#include <reef/alloc.h>

#include <stdbool.h>
#include <stdint.h>

typedef struct reef__loop reef__loop_t;

/** Own it: reef__loop_destroy(). */
reef__loop_t *reef__loop_create(const reef_alloc_t *alloc);

/** Close all that is still open, wait for it, release.  Accepts NULL. */
void reef__loop_destroy(reef__loop_t *loop);

/** The uv_loop_t, for transports. */
void *reef__loop_uv(reef__loop_t *loop);

/** Handle what is ready.  Nothing ready: wait until something is, or for @p timeout_ms
 *  at most (0 = do not wait). */
void reef__loop_poll(reef__loop_t *loop, uint32_t timeout_ms);

/** End a wait now, or the next one at once.  Any thread. */
void reef__loop_wake(reef__loop_t *loop);

/** Call @p received for each SIGHUP, and once for the first SIGINT or SIGTERM; a second
 *  of these ends the process as if nothing had been installed. */
void reef__loop_watch_signals(reef__loop_t *loop,
                              void (*received)(void *context, int signal),
                              void *context);

#endif /* REEF_SRC_LOOP_H */
