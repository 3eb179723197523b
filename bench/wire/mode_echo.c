/*
 * Every connection has `pipeline` messages in flight.  What one read completes is
 * replaced by as many new messages in one write.
 */
#include "mode.h"

#include "conn.h"
#include "fail.h"
#include "meter.h"
#include "pool.h"
#include "process.h"
#include "report.h"
#include "verify.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    STEP_MS = 100
};

typedef struct echo {
    const options_t *options;
    pool_t pool;
    payload_t payload;
    meter_t meter;
    uint64_t *sent_ns; /* when, by connection, then by number modulo the pipeline */
    uint64_t in_flight;
    bool is_over; /* nothing is sent any more */
} echo_t;

static uint64_t *sent_ns(echo_t *echo, const conn_t *conn, uint64_t number)
{
    uint64_t pipeline = echo->options->pipeline;

    return &echo->sent_ns[conn->number * pipeline + number % pipeline];
}

static void send_all(echo_t *echo, conn_t *conn)
{
    while (conn->sent - conn->received < echo->options->pipeline) {
        *sent_ns(echo, conn, conn->sent) = echo->pool.now_ns;
        conn_send_payload(&echo->pool, conn, conn->number, conn->sent);
        conn->sent++;
        echo->in_flight++;
    }
    conn_flush(&echo->pool, conn);
}

static void take(void *context, conn_t *conn, const ws_piece_t *piece)
{
    echo_t *echo = context;
    uint64_t number = conn->received;

    if (conn->received == conn->sent) {
        fail("connection %u: more came than the %llu messages that were sent",
             conn->number, (unsigned long long)conn->sent);
    }
    if (verify_piece(&echo->pool, conn, conn->number, piece)) {
        meter_add(&echo->meter, echo->pool.now_ns - *sent_ns(echo, conn, number));
        echo->in_flight--;
    }
}

static void read_end(void *context, conn_t *conn)
{
    echo_t *echo = context;

    if (!echo->is_over) {
        send_all(echo, conn);
    }
}

static void describe(void *context, char *out, size_t capacity)
{
    const echo_t *echo = context;

    for (uint32_t i = 0; i < echo->pool.count; i++) {
        const conn_t *conn = &echo->pool.conns[i];

        if (conn->received < conn->sent) {
            snprintf(out, capacity, "message %llu on connection %u, and %llu more",
                     (unsigned long long)conn->received, i,
                     (unsigned long long)echo->in_flight - 1);
            return;
        }
    }
}

static void load(echo_t *echo)
{
    pool_t *pool = &echo->pool;

    meter_begin(&echo->meter, echo->options);
    pool->now_ns = clock_now_ns();
    for (uint32_t i = 0; i < pool->count; i++) {
        send_all(echo, &pool->conns[i]);
    }
    while (!meter_is_over(&echo->meter, pool->now_ns)) {
        pool_step(pool, STEP_MS);
    }
    echo->is_over = true;
    while (echo->in_flight > 0) {
        pool_step(pool, STEP_MS);
    }
    pool_close_all(pool);
}

void mode_echo(const options_t *options)
{
    echo_t *echo = need_memory(1, sizeof(*echo));
    const pool_handler_t handler = {
        .context = echo, .take = take, .read_end = read_end, .describe = describe};

    echo->options = options;
    payload_init(&echo->payload, options->size, options->is_binary);
    pool_init(&echo->pool, options, &echo->payload, &handler,
              (uint32_t)options->connections);
    echo->sent_ns =
        need_memory(options->connections * options->pipeline, sizeof(*echo->sent_ns));
    pool_open_all(&echo->pool);
    echo->is_over = false;
    load(echo);
    report_load(options, &echo->pool.facts, &echo->meter);
    free(echo->sent_ns);
    pool_finish(&echo->pool);
    payload_finish(&echo->payload);
    free(echo);
}
