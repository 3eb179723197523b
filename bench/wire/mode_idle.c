/* Open, hold, compare.  Pings are answered, whatever else comes is not looked at. */
#include "mode.h"

#include "fail.h"
#include "pool.h"
#include "process.h"
#include "progress.h"
#include "report.h"

#include <stdlib.h>

enum {
    STEP_MS = 100
};

static const uint64_t rest_ns = 300000000; /* for what follows the last handshake */

static void take(void *context, conn_t *conn, const ws_piece_t *piece)
{
    (void)context, (void)conn, (void)piece;
}

static void hold(pool_t *pool, uint64_t ns)
{
    uint64_t begin_ns = clock_now_ns(), now_ns;

    while ((now_ns = clock_now_ns()) - begin_ns < ns) {
        pool_step(pool, STEP_MS);
        if (progress_is_due(&pool->shown_ns, now_ns)) {
            progress_show("holding %u connections: %.1f s", pool->count,
                          (double)(now_ns - begin_ns) / 1e9);
        }
    }
}

void mode_idle(const options_t *options)
{
    const pool_handler_t handler = {.take = take};
    pid_t pid = (pid_t)options->pid;
    idle_result_t result = {0};
    payload_t payload;
    pool_t pool;

    payload_init(&payload, options->size, false);
    pool_init(&pool, options, &payload, &handler, (uint32_t)options->connections);
    result.memory_before = pid != 0 ? process_memory(pid) : 0;
    pool_open_all(&pool);
    pool.is_patient = true;
    hold(&pool, rest_ns);
    result.server_cpu_ns = pid != 0 ? process_cpu_ns(pid) : 0;
    result.hold_ns = clock_now_ns();
    hold(&pool, options->round_ns);
    result.hold_ns = clock_now_ns() - result.hold_ns;
    result.server_cpu_ns = pid != 0 ? process_cpu_ns(pid) - result.server_cpu_ns : 0;
    result.memory_after = pid != 0 ? process_memory(pid) : 0;
    report_idle(options, &pool.facts, &result);
    pool_finish(&pool);
    payload_finish(&payload);
}
