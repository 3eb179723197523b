/**
 * @file report.h
 * @brief Results as a table for people, or as JSON.
 */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include "harness.h"

/** Heading of the table. */
void report_begin(void);

/** One line of the table. */
void report_row(const bench_result_t *result);

/** What does not fit into lines: which rows are over budget. */
void report_end(const bench_result_t *results, uint32_t count);

/** All of it as one JSON object. */
void report_json(const bench_result_t *results, uint32_t count);

#endif /* BENCH_REPORT_H */
