/*
 * One thread and one epoll.
 *
 *   peer ── [::1]:8081 ── relay ── 127.x.y.z:port ── 127.0.0.1:server_port ── server
 *
 * Each connection calls the server from the next of millions of loopback addresses, so
 * an address comes again only when no queue can hold a connection of the last one that
 * had it: nobody is taken for somebody else.  The address is noted before the call is
 * made.  Another process may use the same address, but not with the port, which is
 * bound.
 *
 * Connections are edge-triggered, so that one whose other side is slow does not report
 * the same again and again.  Listening sockets are level-triggered, and not asked while
 * there is no room, or no descriptors are left.
 */
#include "relay.h"

#include "exchange.h"
#include "relay_link.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    EVENTS = 64,                /* taken from epoll at once */
    PAUSE_MS = 100,             /* after descriptors or memory were short */
    FIRST_ADDRESS = 0x7f010000, /* 127.1.0.0 */
    ADDRESSES = 0xfe0000,       /* up to 127.254.255.255 */
};

#define MS_NS UINT64_C(1000000)

/* What a word of epoll stands for: a door, the wake-up, or a side of a caller. */
enum {
    WORD_WAKE = REEF__MAX_LISTEN,
    WORD_CALLERS,
};

/* A connection of a peer, and the call to the server for it. */
typedef struct caller {
    reef__link_t link;
    struct sockaddr_in address; /* where the server sees it come from */
    char peer[REEF__RELAY_PEER_SIZE];
    bool is_ready; /* to be moved, whether or not it is due */
} caller_t;

struct reef__relay {
    reef__relay_desc_t desc;
    reef__listen_t listen;
    int doors[REEF__MAX_LISTEN]; /* listening sockets; -1 = none */
    uint16_t ports[REEF__MAX_LISTEN];
    int epoll, wake;
    pthread_t thread;
    atomic_bool stopping;

    pthread_mutex_t mutex; /* guards the pointers, and who is behind them */
    caller_t **callers;    /* max_connections; NULL = free */

    /* of the thread */
    uint32_t count;  /* of callers */
    uint32_t number; /* of the next one */
    bool is_open;    /* the doors are watched */
    uint64_t opens_ns, wakes_ns;
};

/* Callers ---------------------------------------------------------------------- */

static bool watch(reef__relay_t *relay, int descriptor, uint32_t events, size_t word)
{
    struct epoll_event event = {.events = events, .data.u64 = word};

    return epoll_ctl(relay->epoll, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

/* A socket that calls from an address of its own; -1 when there is none. */
static int open_call(uint32_t number, struct sockaddr_in *address)
{
    socklen_t size = sizeof(*address);
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int failed;

    *address = (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_addr = {htonl((uint32_t)FIRST_ADDRESS + number % (uint32_t)ADDRESSES)}};
    if (descriptor >= 0 &&
        (bind(descriptor, (const struct sockaddr *)address, size) != 0 ||
         getsockname(descriptor, (struct sockaddr *)address, &size) != 0)) {
        failed = errno;
        close(descriptor);
        errno = failed;
        return -1;
    }
    return descriptor;
}

static caller_t *make_caller(const reef__relay_t *relay, int peer, int server)
{
    caller_t *caller = calloc(1, sizeof(*caller));
    int one = 1;

    if (caller == NULL) {
        abort();
    }
    caller->link = (reef__link_t){.peer = peer,
                                  .server = server,
                                  .stall_ms = relay->desc.stall_ms,
                                  .linger_ms = relay->desc.linger_ms};
    caller->is_ready = true;
    setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    setsockopt(peer, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
    return caller;
}

static size_t enter(reef__relay_t *relay, caller_t *caller)
{
    size_t slot = 0;

    pthread_mutex_lock(&relay->mutex);
    while (relay->callers[slot] != NULL) {
        slot++;
    }
    relay->callers[slot] = caller;
    pthread_mutex_unlock(&relay->mutex);
    relay->count++;
    return slot;
}

static void leave(reef__relay_t *relay, size_t slot)
{
    caller_t *caller = relay->callers[slot];

    pthread_mutex_lock(&relay->mutex);
    relay->callers[slot] = NULL;
    pthread_mutex_unlock(&relay->mutex);
    relay->count--;
    reef__link_finish(&caller->link);
    free(caller);
}

static void call(reef__relay_t *relay, caller_t *caller)
{
    const uint32_t events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    const struct sockaddr_in to = {.sin_family = AF_INET,
                                   .sin_port = htons(relay->desc.server_port),
                                   .sin_addr = {htonl(INADDR_LOOPBACK)}};
    size_t slot = enter(relay, caller);
    size_t word = WORD_CALLERS + 2 * slot;

    if ((connect(caller->link.server, (const struct sockaddr *)&to, sizeof(to)) != 0 &&
         errno != EINPROGRESS) ||
        !watch(relay, caller->link.peer, events, word) ||
        !watch(relay, caller->link.server, events, word + 1)) {
        caller->link.is_broken = true;
        leave(relay, slot);
    }
}

/* Doors ------------------------------------------------------------------------ */

static void open_doors(reef__relay_t *relay, bool is_open)
{
    for (size_t i = 0; i < relay->listen.count; i++) {
        struct epoll_event event = {.events = is_open ? EPOLLIN : 0, .data.u64 = i};

        if (relay->doors[i] >= 0) {
            epoll_ctl(relay->epoll, EPOLL_CTL_MOD, relay->doors[i], &event);
        }
    }
    relay->is_open = is_open;
}

/* What was short may be there again soon; till then nothing is asked. */
static void rest(reef__relay_t *relay, uint64_t now_ns)
{
    relay->opens_ns = now_ns + PAUSE_MS * MS_NS;
}

/* The call's socket comes first: a peer for which there is none waits unaccepted. */
static void accept_one(reef__relay_t *relay, size_t door, uint64_t now_ns)
{
    struct sockaddr_in6 from = {0};
    socklen_t size = sizeof(from);
    struct sockaddr_in address;
    int server = open_call(relay->number++, &address);
    caller_t *caller;
    int peer;

    if (server < 0) {
        rest(relay, now_ns);
        return;
    }
    peer = accept4(relay->doors[door], (struct sockaddr *)&from, &size,
                   SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (peer < 0) {
        if (errno != EAGAIN && errno != ECONNABORTED) {
            rest(relay, now_ns);
        }
        close(server);
        return;
    }
    caller = make_caller(relay, peer, server);
    caller->address = address;
    if (getnameinfo((const struct sockaddr *)&from, size, caller->peer,
                    sizeof(caller->peer), NULL, 0, NI_NUMERICHOST) != 0) {
        inet_ntop(AF_INET6, &from.sin6_addr, caller->peer, sizeof(caller->peer));
    }
    call(relay, caller);
}

/* Thread ----------------------------------------------------------------------- */

static void
take_event(reef__relay_t *relay, const struct epoll_event *event, uint64_t now_ns)
{
    size_t word = event->data.u64;
    caller_t *caller;

    if (word < WORD_WAKE) {
        if (now_ns >= relay->opens_ns && relay->count < relay->desc.max_connections) {
            accept_one(relay, word, now_ns);
        }
    } else if (word >= WORD_CALLERS) {
        bool is_peer = (word - WORD_CALLERS) % 2 == 0;

        caller = relay->callers[(word - WORD_CALLERS) / 2];
        caller->is_ready = true;
        if (is_peer && (event->events & EPOLLERR) != 0) {
            caller->link.is_broken = true; /* though it may not be read now */
        }
    }
}

static void wake_at(reef__relay_t *relay, uint64_t at_ns)
{
    if (at_ns < relay->wakes_ns) {
        relay->wakes_ns = at_ns;
    }
}

static void move(reef__relay_t *relay, size_t slot, uint64_t now_ns)
{
    caller_t *caller = relay->callers[slot];
    uint64_t due_ns = caller->link.due_ns;

    if (caller->is_ready || (due_ns != 0 && due_ns <= now_ns)) {
        reef__link_state_t state = reef__link_move(&caller->link, now_ns);

        if (state == REEF__LINK_ENDED) {
            leave(relay, slot);
            return;
        }
        caller->is_ready = state == REEF__LINK_GOES_ON;
    }
    if (caller->is_ready) {
        wake_at(relay, now_ns);
    } else if (caller->link.due_ns != 0) {
        wake_at(relay, caller->link.due_ns);
    }
}

static void move_all(reef__relay_t *relay, uint64_t now_ns)
{
    relay->wakes_ns = UINT64_MAX;
    for (size_t i = 0; i < relay->desc.max_connections; i++) {
        if (relay->callers[i] != NULL) {
            move(relay, i, now_ns);
        }
    }
}

static void tend_doors(reef__relay_t *relay, uint64_t now_ns)
{
    bool has_room = relay->count < relay->desc.max_connections;
    bool is_open = has_room && now_ns >= relay->opens_ns;

    if (is_open != relay->is_open) {
        open_doors(relay, is_open);
    }
    if (has_room && !is_open) {
        wake_at(relay, relay->opens_ns);
    }
}

static void wait_and_move(reef__relay_t *relay)
{
    struct epoll_event events[EVENTS];
    uint64_t now_ns = reef__now_ns();
    int timeout_ms = -1, count;

    if (relay->wakes_ns <= now_ns) {
        timeout_ms = 0;
    } else if (relay->wakes_ns != UINT64_MAX) {
        timeout_ms = (int)((relay->wakes_ns - now_ns + MS_NS - 1) / MS_NS);
    }
    count = epoll_wait(relay->epoll, events, EVENTS, timeout_ms);
    now_ns = reef__now_ns();
    for (int i = 0; i < count; i++) {
        take_event(relay, &events[i], now_ns);
    }
    move_all(relay, now_ns);
}

static void close_doors(reef__relay_t *relay)
{
    for (size_t i = 0; i < relay->listen.count; i++) {
        if (relay->doors[i] >= 0) {
            close(relay->doors[i]);
            relay->doors[i] = -1;
        }
    }
}

/* Those who have all are let go; the others have linger_ms. */
static void finish(reef__relay_t *relay)
{
    uint64_t last_ns = reef__now_ns() + relay->desc.linger_ms * MS_NS;

    close_doors(relay);
    epoll_ctl(relay->epoll, EPOLL_CTL_DEL, relay->wake, NULL);
    for (size_t i = 0; i < relay->desc.max_connections; i++) {
        caller_t *caller = relay->callers[i];

        if (caller != NULL) {
            caller->is_ready = true;
            caller->link.linger_ms = 0;
            if (caller->link.out.is_closed) {
                caller->link.due_ns = 0;
            }
        }
    }
    wake_at(relay, 0);
    while (relay->count > 0 && reef__now_ns() < last_ns) {
        wait_and_move(relay);
        wake_at(relay, last_ns);
    }
    for (size_t i = 0; i < relay->desc.max_connections; i++) {
        if (relay->callers[i] != NULL) {
            relay->callers[i]->link.is_broken = true;
            leave(relay, i);
        }
    }
}

static void *run(void *context)
{
    reef__relay_t *relay = context;

    while (!atomic_load(&relay->stopping)) {
        wait_and_move(relay);
        tend_doors(relay, reef__now_ns());
    }
    finish(relay);
    return NULL;
}

/* Life ------------------------------------------------------------------------- */

static void destroy(reef__relay_t *relay)
{
    close_doors(relay);
    close(relay->epoll);
    close(relay->wake);
    pthread_mutex_destroy(&relay->mutex);
    free(relay->callers);
    free(relay);
}

static reef__relay_t *create(const reef__relay_desc_t *desc)
{
    reef__relay_t *relay = calloc(1, sizeof(*relay));

    if (relay == NULL ||
        (relay->callers = calloc(desc->max_connections, sizeof(caller_t *))) == NULL) {
        abort();
    }
    relay->desc = *desc;
    relay->listen = *desc->listen;
    relay->is_open = true;
    relay->wakes_ns = UINT64_MAX;
    relay->epoll = epoll_create1(EPOLL_CLOEXEC);
    relay->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&relay->mutex, NULL);
    for (size_t i = 0; i < REEF__MAX_LISTEN; i++) {
        relay->doors[i] = -1;
    }
    return relay;
}

/* A machine may have less of loopback than is usual: better to say so now. */
static reef_error_t prepare(reef__relay_t *relay, reef_failure_t *failure)
{
    struct sockaddr_in address;
    int trial = open_call(relay->number++, &address);

    if (trial >= 0) {
        close(trial);
        if (watch(relay, relay->wake, EPOLLIN, WORD_WAKE)) {
            return REEF_OK;
        }
    }
    return reef_fail(failure, REEF_E_IO, "%s: IPv6 cannot be passed on: %s",
                     relay->listen.setting, strerror(errno));
}

static reef_error_t bind_doors(reef__relay_t *relay, reef_failure_t *failure)
{
    for (size_t i = 0; i < relay->listen.count; i++) {
        if (!relay->listen.items[i].is_ipv6) {
            continue;
        }
        relay->doors[i] = reef__listen_open(&relay->listen, i, &relay->ports[i]);
        if (relay->doors[i] < 0 || !watch(relay, relay->doors[i], EPOLLIN, i)) {
            return reef__listen_fail(&relay->listen, i, errno, failure);
        }
    }
    return REEF_OK;
}

reef_error_t reef__relay_start(const reef__relay_desc_t *desc,
                               reef__relay_t **result,
                               reef_failure_t *failure)
{
    reef__relay_t *relay = create(desc);
    reef_error_t error = prepare(relay, failure);
    int failed;

    if (error == REEF_OK) {
        error = bind_doors(relay, failure);
    }
    if (error == REEF_OK &&
        (failed = pthread_create(&relay->thread, NULL, run, relay)) != 0) {
        error = reef_fail(failure, REEF_E_IO, "%s: no thread: %s",
                          relay->listen.setting, strerror(failed));
    }
    if (error != REEF_OK) {
        destroy(relay);
        return error;
    }
    *result = relay;
    return REEF_OK;
}

uint16_t reef__relay_port(const reef__relay_t *relay, size_t index)
{
    assert(index < relay->listen.count && relay->listen.items[index].is_ipv6);
    return relay->ports[index];
}

bool reef__relay_find_peer(reef__relay_t *relay,
                           const char *address,
                           uint16_t port,
                           char peer[REEF__RELAY_PEER_SIZE])
{
    struct in_addr wanted;
    bool found = false;

    if (inet_pton(AF_INET, address, &wanted) != 1) {
        return false;
    }
    pthread_mutex_lock(&relay->mutex);
    for (size_t i = 0; !found && i < relay->desc.max_connections; i++) {
        const caller_t *caller = relay->callers[i];

        found = caller != NULL && caller->address.sin_addr.s_addr == wanted.s_addr &&
                caller->address.sin_port == htons(port);
        if (found) {
            memcpy(peer, caller->peer, sizeof(caller->peer));
        }
    }
    pthread_mutex_unlock(&relay->mutex);
    return found;
}

void reef__relay_stop(reef__relay_t *relay)
{
    uint64_t one = 1;

    if (relay == NULL) {
        return;
    }
    atomic_store(&relay->stopping, true);
    while (write(relay->wake, &one, sizeof(one)) < 0 && errno == EINTR) {
    }
    pthread_join(relay->thread, NULL);
    destroy(relay);
}
