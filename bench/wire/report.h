/**
 * @file report.h
 * @brief The figures on stdout: a table for people, or one JSON document.
 */
#ifndef WIRE_REPORT_H
#define WIRE_REPORT_H

#include "meter.h"
#include "options.h"
#include "tls.h"

/** What connections cost while nothing is said. */
typedef struct idle_result {
    uint64_t hold_ns, server_cpu_ns;
    uint64_t memory_before, memory_after; /* bytes, of the server */
} idle_result_t;

/** What opening and closing left behind. */
typedef struct connect_result {
    uint64_t ns, count, server_cpu_ns;
    uint64_t resumed; /* connections that took up a session of TLS */
    uint64_t descriptors_before, descriptors_after;
    uint64_t memory_before, memory_early, memory_after; /* early: after a tenth */
    histogram_t latency;                                /* ns from connect() to open */
} connect_result_t;

/** echo, fanout and rate.  Here and below, @p facts are looked at only with TLS. */
void report_load(const options_t *options,
                 const tls_facts_t *facts,
                 const meter_t *meter);

void report_idle(const options_t *options,
                 const tls_facts_t *facts,
                 const idle_result_t *result);

void report_connect(const options_t *options,
                    const tls_facts_t *facts,
                    const connect_result_t *result);

#endif /* WIRE_REPORT_H */
