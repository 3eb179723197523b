/*
 * libuv in five handles: an async for wake-ups, a timer that bounds a wait, and three
 * signals.  None of them keeps the loop alive by itself; reef__loop_poll() is one
 * uv_run(), so all readiness of one system call is handled before the frame runs.
 */
#include "loop.h"

#include <assert.h>
#include <signal.h>
#include <uv.h>

enum {
    SIGNAL_COUNT = 3
};

static const int watched[SIGNAL_COUNT] = {SIGINT, SIGTERM, SIGHUP};

struct reef__loop {
    const reef_alloc_t *alloc;
    uv_loop_t uv;
    uv_async_t wake;
    uv_timer_t timeout;
    uv_signal_t signals[SIGNAL_COUNT];
    void (*received)(void *context, int signal);
    void *received_context;
};

static void on_wake(uv_async_t *handle)
{
    (void)handle; /* ending the wait is all it is for */
}

static void on_timeout(uv_timer_t *handle)
{
    (void)handle;
}

reef__loop_t *reef__loop_create(const reef_alloc_t *alloc)
{
    reef__loop_t *loop = reef_resize(alloc, NULL, 0, sizeof(*loop));
    int error;

    *loop = (reef__loop_t){.alloc = alloc};
    error = uv_loop_init(&loop->uv);
    assert(error == 0);
    error = uv_async_init(&loop->uv, &loop->wake, on_wake);
    assert(error == 0);
    uv_timer_init(&loop->uv, &loop->timeout);
    for (int i = 0; i < SIGNAL_COUNT; i++) {
        uv_signal_init(&loop->uv, &loop->signals[i]);
    }
    (void)error;
    return loop;
}

static void close_handle(uv_handle_t *handle, void *context)
{
    (void)context;
    if (!uv_is_closing(handle)) {
        uv_close(handle, NULL);
    }
}

void reef__loop_destroy(reef__loop_t *loop)
{
    int error;

    if (loop == NULL) {
        return;
    }
    uv_walk(&loop->uv, close_handle, NULL);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    error = uv_loop_close(&loop->uv);
    assert(error == 0);
    (void)error;
    reef_resize(loop->alloc, loop, sizeof(*loop), 0);
}

void *reef__loop_uv(reef__loop_t *loop)
{
    return &loop->uv;
}

void reef__loop_poll(reef__loop_t *loop, uint32_t timeout_ms)
{
    if (timeout_ms == 0) {
        uv_run(&loop->uv, UV_RUN_NOWAIT);
        return;
    }
    uv_update_time(&loop->uv); /* the frame took time: count from now */
    /* Repeated, for libuv runs the timers that are due before it waits, too: a thread
     * that was kept from running until then would have none left, and wait for ever. */
    uv_timer_start(&loop->timeout, on_timeout, timeout_ms, timeout_ms);
    uv_run(&loop->uv, UV_RUN_ONCE);
    uv_timer_stop(&loop->timeout);
}

void reef__loop_wake(reef__loop_t *loop)
{
    uv_async_send(&loop->wake);
}

static void on_signal(uv_signal_t *handle, int number)
{
    reef__loop_t *loop = handle->data;

    /* From now on the default action: a second signal ends the process. */
    for (int i = 0; i < SIGNAL_COUNT && number != SIGHUP; i++) {
        if (watched[i] != SIGHUP) {
            uv_signal_stop(&loop->signals[i]);
        }
    }
    loop->received(loop->received_context, number);
}

void reef__loop_watch_signals(reef__loop_t *loop,
                              void (*received)(void *context, int signal),
                              void *context)
{
    loop->received = received;
    loop->received_context = context;
    for (int i = 0; i < SIGNAL_COUNT; i++) {
        loop->signals[i].data = loop;
        uv_signal_start(&loop->signals[i], on_signal, watched[i]);
    }
}
