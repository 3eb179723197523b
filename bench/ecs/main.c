/*
 * bench_ecs: what the world costs beside what it could cost.  rows.c has the table of
 * rows, rows_*.c the work of each, harness.c the timing, soa.c and mini.c the floors.
 */
#include "harness.h"
#include "options.h"
#include "report.h"
#include "rows.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const bench_effort_t usual = {
    .rounds = 7, .least_batches = 3, .round_ns = 30000000};
static const bench_effort_t quick = {.rounds = 1, .least_batches = 1, .round_ns = 0};

/* The value as a multiple of another row's, where there is a budget for that. */
static void
judge_beside(bench_result_t *result, const bench_result_t *others, uint32_t count)
{
    for (uint32_t i = 0; i < count && result->row->beside != NULL; i++) {
        if (strcmp(others[i].row->name, result->row->beside) == 0) {
            result->beside_ratio = result->value / others[i].value;
            result->within =
                result->within && result->beside_ratio <= result->row->beside_budget;
        }
    }
}

int main(int argument_count, char **arguments)
{
    bench_result_t results[OPTIONS_MAX_ROWS];
    bench_options_t options;
    uint32_t count = 0;

    if (!bench_options_parse(&options, argument_count, arguments)) {
        return 2;
    }
    if (options.help) {
        bench_options_help();
        return 0;
    }
    if (!options.json) {
        report_begin();
    }
    for (uint32_t i = 0; i < bench_row_count; i++) {
        if (!options.chosen[i]) {
            continue;
        }
        results[count] = bench_run(&bench_rows[i], options.quick ? &quick : &usual);
        judge_beside(&results[count], results, count);
        if (!options.json) {
            report_row(&results[count]);
        }
        count++;
    }
    if (options.json) {
        report_json(results, count);
    } else {
        report_end(results, count);
    }
    return 0;
}
