/*
 * echo, rate and idle over UDP.  A message that echo or idle loses is sent again, so
 * that as many stay in flight; one that rate loses is given up.
 */
#include "mode.h"

#include "fail.h"
#include "meter.h"
#include "pacer.h"
#include "process.h"
#include "progress.h"
#include "report.h"
#include "udp.h"

#include <stdlib.h>

enum {
    STEP_MS = 20,
    LEAST_WINDOW = 16
};

static const uint64_t second_ns = 1000000000;
static const uint64_t rest_ns = 300000000; /* for what follows the last session */

typedef struct datagrams {
    const options_t *options;
    udp_t udp;
    payload_t payload;
    meter_t meter;
    pacer_t pacer; /* rate */
    bool is_over;  /* nothing is sent any more */
} datagrams_t;

static void
answered(void *context, udp_socket_t *socket, uint64_t number, uint64_t due_ns)
{
    datagrams_t *datagrams = context;
    udp_t *udp = &datagrams->udp;

    meter_add(&datagrams->meter, udp->now_ns > due_ns ? udp->now_ns - due_ns : 0);
    if (datagrams->options->mode == MODE_ECHO && !datagrams->is_over) {
        udp_send(udp, socket, number + udp->window, udp->now_ns);
    }
}

/* What is on its way when the last round ends must still come. */
static void drain(datagrams_t *datagrams)
{
    datagrams->is_over = true;
    while (datagrams->udp.in_flight > 0) {
        udp_step(&datagrams->udp, STEP_MS);
    }
}

static void load_echo(datagrams_t *datagrams)
{
    udp_t *udp = &datagrams->udp;

    udp->is_resending = true;
    udp->now_ns = clock_now_ns();
    for (uint32_t i = 0; i < udp->count; i++) {
        for (uint64_t number = 0; number < udp->window; number++) {
            udp_send(udp, &udp->sockets[i], number, udp->now_ns);
        }
        udp_flush(udp, &udp->sockets[i]);
    }
    while (!meter_is_over(&datagrams->meter, udp->now_ns)) {
        udp_step(udp, STEP_MS);
    }
    drain(datagrams);
}

/* Message i is due at begin + i / rate, on socket i modulo the sockets. */
static void load_rate(datagrams_t *datagrams)
{
    udp_t *udp = &datagrams->udp;
    uint64_t next = 0;

    pacer_init(&datagrams->pacer, udp->epoll, datagrams->options->rate);
    pacer_begin(&datagrams->pacer);
    while (!meter_is_over(&datagrams->meter, clock_now_ns())) {
        uint64_t due_ns;

        udp->now_ns = clock_now_ns();
        while ((due_ns = pacer_due_ns(&datagrams->pacer, next)) <= udp->now_ns) {
            udp_socket_t *socket = &udp->sockets[next % udp->count];

            udp_send(udp, socket, next / udp->count, due_ns);
            udp_flush(udp, socket);
            next++;
        }
        pacer_wake(&datagrams->pacer, next);
        udp_step(udp, STEP_MS);
    }
    drain(datagrams);
    pacer_finish(&datagrams->pacer);
}

/* Messages that may be unanswered before they count as lost. */
static uint64_t window_of(const options_t *options)
{
    uint64_t patience_ns = 2 * options->resend_ns;

    if (options->mode == MODE_ECHO) {
        return options->pipeline;
    }
    return options->mode == MODE_IDLE
               ? 1
               : options->rate * (patience_ns / 1000) / (second_ns / 1000) /
                         options->connections +
                     LEAST_WINDOW;
}

/* One message each makes the server have a session. */
static void open_all(datagrams_t *datagrams)
{
    udp_t *udp = &datagrams->udp;

    udp->is_resending = true;
    for (uint32_t i = 0; i < udp->count; i++) {
        udp->now_ns = clock_now_ns();
        udp_send(udp, &udp->sockets[i], 0, udp->now_ns);
        udp_flush(udp, &udp->sockets[i]);
        while (udp->in_flight >= datagrams->options->at_once) {
            udp_step(udp, STEP_MS);
        }
    }
    drain(datagrams);
}

static void hold(datagrams_t *datagrams, uint64_t ns)
{
    uint64_t begin_ns = clock_now_ns();

    while (clock_now_ns() - begin_ns < ns) {
        udp_step(&datagrams->udp, STEP_MS);
    }
}

static void idle(datagrams_t *datagrams)
{
    const options_t *options = datagrams->options;
    pid_t pid = (pid_t)options->pid;
    idle_result_t result = {0};

    result.memory_before = pid != 0 ? process_memory(pid) : 0;
    open_all(datagrams);
    hold(datagrams, rest_ns);
    result.server_cpu_ns = pid != 0 ? process_cpu_ns(pid) : 0;
    result.hold_ns = clock_now_ns();
    hold(datagrams, options->round_ns);
    result.hold_ns = clock_now_ns() - result.hold_ns;
    result.server_cpu_ns = pid != 0 ? process_cpu_ns(pid) - result.server_cpu_ns : 0;
    result.memory_after = pid != 0 ? process_memory(pid) : 0;
    report_idle(options, NULL, &result);
}

void mode_udp(const options_t *options)
{
    datagrams_t *datagrams = need_memory(1, sizeof(*datagrams));

    datagrams->options = options;
    payload_init(&datagrams->payload, options->size, options->is_binary);
    udp_init(&datagrams->udp, options, &datagrams->payload, window_of(options),
             answered, datagrams);
    meter_begin(&datagrams->meter, options);
    if (options->mode == MODE_IDLE) {
        idle(datagrams);
    } else {
        (options->mode == MODE_ECHO ? load_echo : load_rate)(datagrams);
        udp_check_loss(&datagrams->udp);
        datagrams->meter.datagrams = datagrams->udp.counts;
        report_load(options, NULL, &datagrams->meter);
    }
    udp_finish(&datagrams->udp);
    payload_finish(&datagrams->payload);
    free(datagrams);
}
