/*
 * Level-triggered epoll with the connection as its data.  Another source that wakes the
 * loop, such as a timer, has none.
 */
#include "pool.h"

#include "conn.h"
#include "fail.h"
#include "process.h"
#include "progress.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    BUFFER = 256 * 1024,
    MAX_EVENTS = 512,
    MAX_SOURCES = 200,
    STEP_MS = 100
};

static const uint64_t goodbye_ns = 1000000000;

static uint32_t count_sources(const options_t *options)
{
    uint64_t most = options->mode != MODE_CONNECT ? options->connections
                    : options->round_ns > 0       ? UINT32_MAX
                                                  : options->total;
    uint64_t sources = (most + POOL_PER_SOURCE - 1) / POOL_PER_SOURCE;

    if (options->target.address.ss_family != AF_INET ||
        !target_is_loopback(&options->target)) {
        return 1;
    }
    return (uint32_t)(sources < MAX_SOURCES ? sources : MAX_SOURCES);
}

/* On this machine nobody is in between, and certificates are for trying things out. */
static void init_tls(pool_t *pool, const options_t *options)
{
    const target_t *target = &options->target;
    bool is_unchecked =
        options->is_insecure || (options->ca == NULL && target_is_loopback(target));
    const tls_desc_t desc = {.host = target->host,
                             .ca = options->ca,
                             .version = options->tls,
                             .cipher = options->cipher,
                             .is_unchecked = is_unchecked,
                             .is_http = target->framing == FRAMING_WEBSOCKET,
                             .is_frugal = options->mode == MODE_IDLE};

    if (target->is_tls) {
        pool->tls = tls_create(&desc);
        pool->plain = need_memory(pool->in_capacity, 1);
    }
}

void pool_init(pool_t *pool,
               const options_t *options,
               const payload_t *payload,
               const pool_handler_t *handler,
               uint32_t count)
{
    *pool = (pool_t){.options = options,
                     .payload = payload,
                     .handler = *handler,
                     .count = count,
                     .sources = count_sources(options),
                     .in_capacity = BUFFER,
                     .out_capacity = BUFFER};
    if (payload->size + WS_MAX_HEAD > pool->out_capacity) {
        pool->out_capacity = payload->size + WS_MAX_HEAD;
    }
    process_need_descriptors(count);
    pool->conns = need_memory(count, sizeof(*pool->conns));
    pool->in = need_memory(pool->in_capacity, 1);
    pool->out = need_memory(pool->out_capacity, 1);
    init_tls(pool, options);
    pool->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (pool->epoll < 0) {
        fail("no epoll: %s", strerror(errno));
    }
    pool->now_ns = pool->progress_ns = clock_now_ns();
    pool->random = pool->now_ns | 1;
    for (uint32_t i = 0; i < count; i++) {
        pool->conns[i].number = i;
        pool->conns[i].descriptor = -1;
    }
}

void pool_finish(pool_t *pool)
{
    for (uint32_t i = 0; i < pool->count; i++) {
        conn_close(pool, &pool->conns[i]);
    }
    close(pool->epoll);
    tls_destroy(pool->tls);
    free(pool->conns);
    free(pool->plain);
    free(pool->in);
    free(pool->out);
}

static void check_silence(const pool_t *pool)
{
    uint64_t now = clock_now_ns();
    char what[128] = "an answer to a handshake";

    if (pool->is_patient || now - pool->progress_ns < pool->options->timeout_ns) {
        return;
    }
    if (pool->opening_count == 0 && pool->handler.describe != NULL) {
        pool->handler.describe(pool->handler.context, what, sizeof(what));
    }
    fail("the server was silent for %.3g s; waiting for %s",
         (double)pool->options->timeout_ns / 1e9, what);
}

void pool_step(pool_t *pool, int timeout_ms)
{
    struct epoll_event events[MAX_EVENTS];
    int count = epoll_wait(pool->epoll, events, MAX_EVENTS, timeout_ms);

    for (int i = 0; i < count; i++) {
        conn_t *conn = events[i].data.ptr;

        if (conn != NULL && conn->state != CONN_CLOSED) {
            conn_ready(pool, conn, events[i].events);
        }
    }
    if (count <= 0) {
        check_silence(pool);
    }
}

void pool_open_all(pool_t *pool)
{
    uint32_t next = 0;

    while (pool->open_count < pool->count) {
        while (next < pool->count && pool->opening_count < pool->options->at_once) {
            conn_open(pool, &pool->conns[next++]);
        }
        pool_step(pool, STEP_MS);
        if (progress_is_due(&pool->shown_ns, clock_now_ns())) {
            progress_show("connecting: %u of %u", pool->open_count, pool->count);
        }
    }
}

void pool_close_all(pool_t *pool)
{
    uint64_t end_ns = clock_now_ns() + goodbye_ns;

    for (uint32_t i = 0; i < pool->count; i++) {
        if (pool->conns[i].state == CONN_OPEN) {
            conn_end(pool, &pool->conns[i]);
        }
    }
    while (pool->open_count > 0 && clock_now_ns() < end_ns) {
        pool_step(pool, STEP_MS);
    }
}
