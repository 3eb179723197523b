/* A timer of the kernel's, because epoll_wait() counts in milliseconds. */
#include "pacer.h"

#include "fail.h"
#include "process.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <unistd.h>

static const uint64_t second_ns = 1000000000;

void pacer_init(pacer_t *pacer, int epoll, uint64_t per_second)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.ptr = NULL};

    prctl(PR_SET_TIMERSLACK, 1);
    *pacer = (pacer_t){.per_second = per_second};
    pacer->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (pacer->timer < 0 ||
        epoll_ctl(epoll, EPOLL_CTL_ADD, pacer->timer, &event) != 0) {
        fail("no timer: %s", strerror(errno));
    }
}

void pacer_finish(pacer_t *pacer)
{
    close(pacer->timer);
}

void pacer_begin(pacer_t *pacer)
{
    pacer->begin_ns = clock_now_ns();
}

uint64_t pacer_due_ns(const pacer_t *pacer, uint64_t message)
{
    return pacer->begin_ns + message / pacer->per_second * second_ns +
           message % pacer->per_second * second_ns / pacer->per_second;
}

void pacer_wake(const pacer_t *pacer, uint64_t message)
{
    uint64_t due_ns = pacer_due_ns(pacer, message);
    const struct itimerspec time = {
        .it_value = {.tv_sec = (time_t)(due_ns / second_ns),
                     .tv_nsec = (long)(due_ns % second_ns)}};

    timerfd_settime(pacer->timer, TFD_TIMER_ABSTIME, &time, NULL);
}
