/*
 * Message i is due at begin + i / rate, on connection i modulo the connections, and its
 * latency counts from then on, whenever it could be sent.  So a server that stalls is
 * charged for every message that was due meanwhile, not for one: no coordinated
 * omission.  When a message was due follows from its number, so nothing is kept.
 */
#include "mode.h"

#include "conn.h"
#include "fail.h"
#include "meter.h"
#include "pacer.h"
#include "pool.h"
#include "process.h"
#include "report.h"
#include "verify.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    STEP_MS = 100
};

typedef struct rate {
    const options_t *options;
    pool_t pool;
    payload_t payload;
    meter_t meter;
    pacer_t pacer;
    uint64_t next; /* message to send */
    uint64_t received;
} rate_t;

static void take(void *context, conn_t *conn, const ws_piece_t *piece)
{
    rate_t *rate = context;
    uint64_t message = conn->received * rate->pool.count + conn->number;

    if (conn->received == conn->sent) {
        fail("connection %u: more came than the %llu messages that were sent",
             conn->number, (unsigned long long)conn->sent);
    }
    if (verify_piece(&rate->pool, conn, conn->number, piece)) {
        rate->received++;
        meter_add(&rate->meter,
                  rate->pool.now_ns - pacer_due_ns(&rate->pacer, message));
    }
}

static void describe(void *context, char *out, size_t capacity)
{
    const rate_t *rate = context;

    snprintf(out, capacity, "%llu messages",
             (unsigned long long)(rate->next - rate->received));
}

static void send_due(rate_t *rate)
{
    uint64_t now_ns = clock_now_ns();

    while (pacer_due_ns(&rate->pacer, rate->next) <= now_ns) {
        conn_t *conn = &rate->pool.conns[rate->next % rate->pool.count];

        if (conn->pending != NULL) {
            return; /* the server does not read: it is late, and so is the rest */
        }
        conn_send_payload(&rate->pool, conn, conn->number, conn->sent);
        conn_flush(&rate->pool, conn);
        conn->sent++;
        rate->next++;
    }
}

static void load(rate_t *rate)
{
    pool_t *pool = &rate->pool;

    meter_begin(&rate->meter, rate->options);
    pacer_begin(&rate->pacer);
    while (!meter_is_over(&rate->meter, clock_now_ns())) {
        send_due(rate);
        pacer_wake(&rate->pacer, rate->next);
        pool->is_patient = rate->received == rate->next;
        if (pool->is_patient) {
            pool->progress_ns = clock_now_ns();
        }
        pool_step(pool, STEP_MS);
    }
    pool->is_patient = false;
    while (rate->received < rate->next) {
        pool_step(pool, STEP_MS);
    }
    pool_close_all(pool);
}

void mode_rate(const options_t *options)
{
    rate_t *rate = need_memory(1, sizeof(*rate));
    const pool_handler_t handler = {
        .context = rate, .take = take, .describe = describe};

    rate->options = options;
    payload_init(&rate->payload, options->size, options->is_binary);
    pool_init(&rate->pool, options, &rate->payload, &handler,
              (uint32_t)options->connections);
    pacer_init(&rate->pacer, rate->pool.epoll, options->rate);
    pool_open_all(&rate->pool);
    load(rate);
    report_load(options, &rate->pool.facts, &rate->meter);
    pacer_finish(&rate->pacer);
    pool_finish(&rate->pool);
    payload_finish(&rate->payload);
    free(rate);
}
