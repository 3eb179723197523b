/**
 * @file meter.h
 * @brief Warm-up and rounds: what counts, and what it took.
 *
 *     meter_begin ── warm-up ── round 1 ── … ── round K ── over
 *
 * Load goes on from one to the next without a pause; the figures of a round are the
 * differences of counters between its ends.
 */
#ifndef WIRE_METER_H
#define WIRE_METER_H

#include "histogram.h"
#include "options.h"
#include "udp.h"

#include <stdbool.h>
#include <stdint.h>

/** Counters at one moment. */
typedef struct meter_point {
    uint64_t ns, count, server_cpu_ns, client_cpu_ns;
} meter_point_t;

typedef struct meter {
    const options_t *options;
    uint64_t count;  /* messages received and found right */
    uint32_t points; /* taken so far: the end of the warm-up, of each round */
    uint64_t begin_ns, shown_ns;
    uint64_t memory_begin, memory_end; /* of the server, bytes */
    uint64_t unread;                   /* bytes that stalled members were sent */
    udp_counts_t datagrams;            /* UDP, the warm-up included */
    meter_point_t point[OPTIONS_MAX_REPEAT + 1];
    histogram_t latency; /* ns, of all rounds */
} meter_t;

/** The load begins. */
void meter_begin(meter_t *meter, const options_t *options);

/** A message was received and found right. */
void meter_add(meter_t *meter, uint64_t latency_ns);

/** Look whether the warm-up or the round is over, which it is at the first call after
 *  its count or time is reached.  Returns true when all rounds are. */
bool meter_is_over(meter_t *meter, uint64_t now_ns);

/** The figures of a round. */
meter_point_t meter_round(const meter_t *meter, uint32_t round);

/** Median over the rounds of one figure in µs per message. */
double meter_server_us(const meter_t *meter);
double meter_client_us(const meter_t *meter);

/** Median over the rounds of the messages per second. */
double meter_rate(const meter_t *meter);

/** Share of one processor that this program took, over all rounds. */
double meter_client_load(const meter_t *meter);

#endif /* WIRE_METER_H */
