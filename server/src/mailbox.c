/*
 * A request is a node on its caller's stack, linked into a queue under one mutex:
 *
 *     waiting ──drain──► running ──► done        the caller wakes and returns
 *        └──deadline──► unlinked                 the caller returns REEF_E_TIMEOUT
 *
 * Only a waiting request may be taken back.  Once it is running, its argument is in use
 * by the world thread, so the caller waits on, whatever the deadline says.  Each node
 * has a condition of its own: an answer wakes its caller and no other.
 */
#include <reef/mailbox.h>

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <time.h>

enum {
    DEFAULT_CAPACITY = 256
};

typedef enum state {
    WAITING,
    RUNNING,
    DONE,
    REFUSED, /* closed before it was begun */
} state_t;

typedef struct request {
    struct request *next;
    reef_request_fn run;
    void *argument;
    state_t state;
    pthread_cond_t changed;
} request_t;

struct reef_mailbox {
    const reef_alloc_t *alloc;
    uint32_t capacity;
    void (*wake)(void *context);
    void *wake_context;
    pthread_mutex_t mutex; /* guards all below, and the nodes */
    pthread_condattr_t clock;
    request_t *first;
    request_t **end; /* where the next one is linked */
    uint32_t count;
    uint32_t callers; /* threads in reef_mailbox_call() */
    bool closed;
};

/* pthread calls fail here only when the program is wrong. */
static void must(int error)
{
    assert(error == 0);
    (void)error;
}

reef_mailbox_t *reef_mailbox_create(const reef_mailbox_desc_t *desc)
{
    const reef_alloc_t *alloc =
        desc->alloc == NULL ? reef_alloc_default() : desc->alloc;
    reef_mailbox_t *mailbox = reef_resize(alloc, NULL, 0, sizeof(*mailbox));

    *mailbox = (reef_mailbox_t){
        .alloc = alloc,
        .capacity = desc->capacity == 0 ? DEFAULT_CAPACITY : desc->capacity,
        .wake = desc->wake,
        .wake_context = desc->wake_context,
    };
    mailbox->end = &mailbox->first;
    must(pthread_mutex_init(&mailbox->mutex, NULL));
    must(pthread_condattr_init(&mailbox->clock));
    must(pthread_condattr_setclock(&mailbox->clock, CLOCK_MONOTONIC));
    return mailbox;
}

void reef_mailbox_destroy(reef_mailbox_t *mailbox)
{
    if (mailbox == NULL) {
        return;
    }
    must(pthread_mutex_lock(&mailbox->mutex));
    assert(mailbox->callers == 0);
    must(pthread_mutex_unlock(&mailbox->mutex));
    must(pthread_condattr_destroy(&mailbox->clock));
    must(pthread_mutex_destroy(&mailbox->mutex));
    reef_resize(mailbox->alloc, mailbox, sizeof(*mailbox), 0);
}

static struct timespec deadline_after(uint32_t timeout_ms)
{
    struct timespec deadline;

    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += (time_t)(timeout_ms / 1000);
    deadline.tv_nsec += (long)(timeout_ms % 1000) * 1000000L;
    if (deadline.tv_nsec >= 1000000000L) {
        deadline.tv_sec++;
        deadline.tv_nsec -= 1000000000L;
    }
    return deadline;
}

/* With the mutex held. */
static void append(reef_mailbox_t *mailbox, request_t *request)
{
    *mailbox->end = request;
    mailbox->end = &request->next;
    mailbox->count++;
}

/* With the mutex held; @p link points at a waiting request. */
static request_t *unlink_at(reef_mailbox_t *mailbox, request_t **link)
{
    request_t *request = *link;

    *link = request->next;
    if (mailbox->end == &request->next) {
        mailbox->end = link;
    }
    request->next = NULL;
    mailbox->count--;
    return request;
}

/* With the mutex held. */
static void take_back(reef_mailbox_t *mailbox, request_t *request)
{
    request_t **link = &mailbox->first;

    while (*link != request) {
        link = &(*link)->next;
    }
    unlink_at(mailbox, link);
}

/* Sleep until the request has an answer; with the mutex held. */
static reef_error_t
await(reef_mailbox_t *mailbox, request_t *request, const struct timespec *deadline)
{
    while (request->state == WAITING) {
        int error =
            pthread_cond_timedwait(&request->changed, &mailbox->mutex, deadline);

        if (error == ETIMEDOUT && request->state == WAITING) {
            take_back(mailbox, request);
            return REEF_E_TIMEOUT;
        }
    }
    while (request->state == RUNNING) {
        must(pthread_cond_wait(&request->changed, &mailbox->mutex));
    }
    return request->state == DONE ? REEF_OK : REEF_E_CLOSED;
}

reef_error_t reef_mailbox_call(reef_mailbox_t *mailbox,
                               reef_request_fn run,
                               void *argument,
                               uint32_t timeout_ms)
{
    struct timespec deadline = deadline_after(timeout_ms);
    request_t request = {.run = run, .argument = argument, .state = WAITING};
    reef_error_t error = REEF_OK;

    must(pthread_cond_init(&request.changed, &mailbox->clock));
    must(pthread_mutex_lock(&mailbox->mutex));
    if (mailbox->closed) {
        error = REEF_E_CLOSED;
    } else if (mailbox->count >= mailbox->capacity) {
        error = REEF_E_LIMIT;
    } else {
        mailbox->callers++;
        append(mailbox, &request);
        must(pthread_mutex_unlock(&mailbox->mutex));
        if (mailbox->wake != NULL) {
            mailbox->wake(mailbox->wake_context);
        }
        must(pthread_mutex_lock(&mailbox->mutex));
        error = await(mailbox, &request, &deadline);
        mailbox->callers--;
    }
    must(pthread_mutex_unlock(&mailbox->mutex));
    must(pthread_cond_destroy(&request.changed));
    return error;
}

/* Begin the oldest request, if there is one. */
static request_t *begin(reef_mailbox_t *mailbox)
{
    request_t *request = NULL;

    must(pthread_mutex_lock(&mailbox->mutex));
    if (mailbox->first != NULL) {
        request = unlink_at(mailbox, &mailbox->first);
        request->state = RUNNING;
    }
    must(pthread_mutex_unlock(&mailbox->mutex));
    return request;
}

/* The node is gone as soon as the mutex is free. */
static void finish(reef_mailbox_t *mailbox, request_t *request)
{
    must(pthread_mutex_lock(&mailbox->mutex));
    request->state = DONE;
    must(pthread_cond_signal(&request->changed));
    must(pthread_mutex_unlock(&mailbox->mutex));
}

uint32_t reef_mailbox_count(reef_mailbox_t *mailbox)
{
    uint32_t count;

    must(pthread_mutex_lock(&mailbox->mutex));
    count = mailbox->count;
    must(pthread_mutex_unlock(&mailbox->mutex));
    return count;
}

uint32_t reef_mailbox_drain(reef_mailbox_t *mailbox)
{
    uint32_t present = reef_mailbox_count(mailbox);
    uint32_t ran = 0;

    /* Those posted meanwhile wait for the next frame, so a frame stays bounded. */
    while (ran < present) {
        request_t *request = begin(mailbox);

        if (request == NULL) {
            break; /* some were taken back */
        }
        request->run(request->argument);
        finish(mailbox, request);
        ran++;
    }
    return ran;
}

void reef_mailbox_close(reef_mailbox_t *mailbox)
{
    must(pthread_mutex_lock(&mailbox->mutex));
    mailbox->closed = true;
    while (mailbox->first != NULL) {
        request_t *request = unlink_at(mailbox, &mailbox->first);

        request->state = REFUSED;
        must(pthread_cond_signal(&request->changed));
    }
    must(pthread_mutex_unlock(&mailbox->mutex));
}
