/*
 * At most `at_once` connections exist; each that is open is closed at once, and its
 * place is taken by the next.  One before all others lets the server open what it keeps
 * from then on.  Descriptors are counted when the server had time to notice an end.
 */
#include "mode.h"

#include "conn.h"
#include "fail.h"
#include "pool.h"
#include "process.h"
#include "progress.h"
#include "report.h"

#include <stdlib.h>
#include <sys/socket.h>

enum {
    STEP_MS = 100,
    SETTLE_MS = 20,
    SETTLE_STEPS = 10
};

typedef struct connects {
    const options_t *options;
    pool_t pool;
    connect_result_t result;
    uint64_t begun, total; /* connections */
    uint64_t early;        /* of them, when memory is looked at first */
    uint64_t end_ns;       /* when no more are begun */
    uint64_t *begun_ns;    /* by place */
} connects_t;

static void take(void *context, conn_t *conn, const ws_piece_t *piece)
{
    (void)context, (void)conn, (void)piece;
}

static void opened(void *context, conn_t *conn)
{
    connects_t *connects = context;
    const struct linger reset = {.l_onoff = 1, .l_linger = 0};
    pool_t *pool = &connects->pool;
    size_t place = (size_t)(conn - pool->conns);

    connects->result.count++;
    connects->result.resumed += conn->tls != NULL && tls_resumed(conn->tls);
    histogram_record(&connects->result.latency,
                     pool->progress_ns - connects->begun_ns[place]);
    if (connects->options->is_abort) {
        setsockopt(conn->descriptor, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
        conn_close(pool, conn);
    } else {
        conn_end(pool, conn);
    }
}

/* A number of its own for each connection chooses its source address. */
static void begin(connects_t *connects)
{
    pool_t *pool = &connects->pool;

    for (uint32_t i = 0; i < pool->count; i++) {
        if (pool->conns[i].state == CONN_CLOSED && connects->begun < connects->total) {
            pool->conns[i].number = (uint32_t)connects->begun++;
            connects->begun_ns[i] = clock_now_ns();
            conn_open(pool, &pool->conns[i]);
        }
    }
}

static void run(connects_t *connects)
{
    const options_t *options = connects->options;
    connect_result_t *result = &connects->result;
    pool_t *pool = &connects->pool;

    while (result->count < connects->total || pool->open_count > 0) {
        if (clock_now_ns() >= connects->end_ns) {
            connects->total = connects->begun;
        }
        begin(connects);
        pool_step(pool, STEP_MS);
        if (result->memory_early == 0 && options->pid != 0 &&
            result->count >= connects->early) {
            result->memory_early = process_memory((pid_t)options->pid);
        }
        if (progress_is_due(&pool->shown_ns, clock_now_ns())) {
            progress_show("%llu connections", (unsigned long long)result->count);
        }
    }
}

/* One connection, and what the server has when that is gone. */
static void warm_up(connects_t *connects)
{
    pid_t pid = (pid_t)connects->options->pid;
    connect_result_t *result = &connects->result;
    uint64_t least = UINT64_MAX;

    connects->total = connects->early = 1;
    connects->end_ns = UINT64_MAX;
    run(connects);
    connects->pool.is_patient = true;
    for (uint32_t i = 0; i < SETTLE_STEPS && pid != 0; i++) {
        uint64_t count = process_descriptors(pid);

        least = count < least ? count : least;
        pool_step(&connects->pool, SETTLE_MS);
    }
    connects->pool.is_patient = false;
    connects->pool.progress_ns = clock_now_ns();
    *result = (connect_result_t){.descriptors_before = least};
    if (pid != 0) {
        result->memory_before = process_memory(pid);
        result->server_cpu_ns = process_cpu_ns(pid);
    }
}

/* How many, or how long. */
static void set_end(connects_t *connects)
{
    const options_t *options = connects->options;

    connects->begun = 0;
    connects->total = options->round_ns > 0 ? UINT64_MAX : options->total;
    connects->early = options->total / 10;
    connects->end_ns =
        options->round_ns > 0 ? clock_now_ns() + options->round_ns : UINT64_MAX;
}

static void count_left(connects_t *connects)
{
    pid_t pid = (pid_t)connects->options->pid;
    connect_result_t *result = &connects->result;
    uint64_t end_ns = clock_now_ns() + connects->options->timeout_ns;

    connects->pool.is_patient = true;
    do {
        pool_step(&connects->pool, SETTLE_MS);
        result->descriptors_after = process_descriptors(pid);
    } while (result->descriptors_after > result->descriptors_before &&
             clock_now_ns() < end_ns);
    result->memory_after = process_memory(pid);
}

void mode_connect(const options_t *options)
{
    connects_t *connects = need_memory(1, sizeof(*connects));
    const pool_handler_t handler = {
        .context = connects, .opened = opened, .take = take};
    connect_result_t *result = &connects->result;
    pid_t pid = (pid_t)options->pid;
    payload_t payload;

    connects->options = options;
    payload_init(&payload, options->size, false);
    pool_init(&connects->pool, options, &payload, &handler, (uint32_t)options->at_once);
    connects->begun_ns = need_memory(options->at_once, sizeof(uint64_t));
    warm_up(connects);
    set_end(connects);
    result->ns = clock_now_ns();
    run(connects);
    result->ns = clock_now_ns() - result->ns;
    if (options->is_resuming && result->resumed == 0) {
        fail("no session was resumed: the server gives none, or does not keep them");
    }
    if (pid != 0) {
        count_left(connects);
        result->server_cpu_ns = process_cpu_ns(pid) - result->server_cpu_ns;
    }
    report_connect(options, &connects->pool.facts, result);
    free(connects->begun_ns);
    pool_finish(&connects->pool);
    payload_finish(&payload);
    free(connects);
}
