/*
 * The library does not tell the descriptor of a connection, so it is looked for, by its
 * addresses, among those of the process: but only when a wait is overdue, which takes a
 * hostile peer or a dead line.  What is found is duplicated and looked at again before
 * it is shut down, so a descriptor that was closed meanwhile, and opened for somebody
 * else, is left alone.
 */
#include "watch.h"

#include "exchange.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    MAX_OVERDUE = 64, /* cut off in one search */
};

#define REST_NS  UINT64_C(100000000)  /* between two searches */
#define AGAIN_NS UINT64_C(1000000000) /* between two for the same wait */

struct reef__watch {
    pthread_t thread;
    pthread_mutex_t mutex; /* guards what follows, and the waits */
    pthread_cond_t changed;
    reef__wait_t *first;
    uint64_t wakes_ns; /* when the thread looks next */
    bool stopping;
};

/* What is looked for; copied, because its wait may end meanwhile. */
typedef struct target {
    char peer[INET6_ADDRSTRLEN];
    uint16_t peer_port; /* 0 = any peer */
    uint16_t port;
    int how;
} target_t;

/* Port of @p address, and its text. */
static uint16_t read_address(const struct sockaddr_storage *address,
                             char text[INET6_ADDRSTRLEN])
{
    text[0] = '\0';
    if (address->ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;

        inet_ntop(AF_INET, &v4->sin_addr, text, INET6_ADDRSTRLEN);
        return ntohs(v4->sin_port);
    }
    if (address->ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;

        inet_ntop(AF_INET6, &v6->sin6_addr, text, INET6_ADDRSTRLEN);
        return ntohs(v6->sin6_port);
    }
    return 0;
}

static const target_t *match(int descriptor, const target_t *targets, size_t count)
{
    struct sockaddr_storage own = {0}, peer = {0};
    socklen_t own_size = sizeof(own), peer_size = sizeof(peer);
    char own_text[INET6_ADDRSTRLEN], peer_text[INET6_ADDRSTRLEN];
    uint16_t port, peer_port;

    if (getpeername(descriptor, (struct sockaddr *)&peer, &peer_size) != 0 ||
        getsockname(descriptor, (struct sockaddr *)&own, &own_size) != 0) {
        return NULL;
    }
    port = read_address(&own, own_text);
    peer_port = read_address(&peer, peer_text);
    for (size_t i = 0; i < count; i++) {
        if (targets[i].port == port && port != 0 &&
            (targets[i].peer_port == 0 || (targets[i].peer_port == peer_port &&
                                           strcmp(targets[i].peer, peer_text) == 0))) {
            return &targets[i];
        }
    }
    return NULL;
}

static void cut_if_wanted(int descriptor, const target_t *targets, size_t count)
{
    const target_t *target = match(descriptor, targets, count);
    int copy;

    if (target == NULL) {
        return;
    }
    copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
    if (copy >= 0) {
        if (match(copy, target, 1) != NULL) {
            shutdown(copy, target->how);
        }
        close(copy);
    }
}

static void cut(const target_t *targets, size_t count)
{
    DIR *directory = opendir("/proc/self/fd");
    const struct dirent *entry;

    if (directory == NULL) {
        return;
    }
    while ((entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] != '.') {
            cut_if_wanted((int)strtol(entry->d_name, NULL, 10), targets, count);
        }
    }
    closedir(directory);
}

/* With the mutex held: those that are overdue, and when the next one is. */
static size_t
take_overdue(reef__watch_t *watch, uint64_t now_ns, target_t targets[MAX_OVERDUE])
{
    size_t count = 0;

    watch->wakes_ns = UINT64_MAX;
    for (reef__wait_t *wait = watch->first; wait != NULL; wait = wait->next) {
        if (wait->due_ns <= now_ns && count < MAX_OVERDUE) {
            target_t *target = &targets[count++];

            *target = (target_t){.peer_port = wait->peer_port,
                                 .port = wait->port,
                                 .how = wait->may_write ? SHUT_RD : SHUT_RDWR};
            /* A zone, as in fe80::1%eth0, is no part of the address. */
            snprintf(target->peer, sizeof(target->peer), "%.*s",
                     (int)strcspn(wait->peer, "%"), wait->peer);
            wait->is_cut = true;
            wait->due_ns = now_ns + AGAIN_NS; /* should it not be found */
        }
        if (wait->due_ns < watch->wakes_ns) {
            watch->wakes_ns = wait->due_ns;
        }
    }
    if (watch->wakes_ns < now_ns + REST_NS) {
        watch->wakes_ns = now_ns + REST_NS;
    }
    return count;
}

/* With the mutex held. */
static void sleep_on(reef__watch_t *watch)
{
    if (watch->wakes_ns == UINT64_MAX) {
        pthread_cond_wait(&watch->changed, &watch->mutex);
    } else {
        struct timespec until = {.tv_sec = (time_t)(watch->wakes_ns / 1000000000),
                                 .tv_nsec = (long)(watch->wakes_ns % 1000000000)};

        pthread_cond_timedwait(&watch->changed, &watch->mutex, &until);
    }
}

static void *run(void *context)
{
    reef__watch_t *watch = context;
    target_t targets[MAX_OVERDUE];

    pthread_mutex_lock(&watch->mutex);
    while (!watch->stopping) {
        uint64_t now_ns = reef__now_ns();
        size_t count = 0;

        if (now_ns >= watch->wakes_ns) {
            count = take_overdue(watch, now_ns, targets);
        }
        if (count > 0) {
            pthread_mutex_unlock(&watch->mutex);
            cut(targets, count);
            pthread_mutex_lock(&watch->mutex);
        } else {
            sleep_on(watch);
        }
    }
    pthread_mutex_unlock(&watch->mutex);
    return NULL;
}

reef__watch_t *reef__watch_create(void)
{
    reef__watch_t *watch = calloc(1, sizeof(*watch));
    pthread_condattr_t monotonic;

    if (watch == NULL) {
        abort();
    }
    watch->wakes_ns = UINT64_MAX;
    pthread_mutex_init(&watch->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&watch->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (pthread_create(&watch->thread, NULL, run, watch) != 0) {
        abort();
    }
    return watch;
}

void reef__watch_destroy(reef__watch_t *watch)
{
    if (watch == NULL) {
        return;
    }
    pthread_mutex_lock(&watch->mutex);
    watch->stopping = true;
    pthread_cond_signal(&watch->changed);
    pthread_mutex_unlock(&watch->mutex);
    pthread_join(watch->thread, NULL);
    pthread_cond_destroy(&watch->changed);
    pthread_mutex_destroy(&watch->mutex);
    free(watch);
}

void reef__watch_begin(reef__watch_t *watch, reef__wait_t *wait)
{
    wait->is_cut = false;
    pthread_mutex_lock(&watch->mutex);
    wait->next = watch->first;
    watch->first = wait;
    if (wait->due_ns < watch->wakes_ns) {
        watch->wakes_ns = wait->due_ns;
        pthread_cond_signal(&watch->changed);
    }
    pthread_mutex_unlock(&watch->mutex);
}

void reef__watch_end(reef__watch_t *watch, reef__wait_t *wait)
{
    reef__wait_t **link = &watch->first;

    pthread_mutex_lock(&watch->mutex);
    while (*link != wait) {
        link = &(*link)->next;
    }
    *link = wait->next;
    pthread_mutex_unlock(&watch->mutex);
}

void reef__watch_cut_port(uint16_t port)
{
    cut(&(target_t){.port = port, .how = SHUT_RD}, 1);
}
