/*
 * Names and units are plain words, so JSON needs no escapes; what is not there is
 * null.
 */
#include "report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Load from which on other programs take the second thread's core now and then. */
static const double busy = 0.7;

void report_begin(void)
{
    double load = 0;

    if (getloadavg(&load, 1) == 1 && load > busy) {
        printf("the machine is busy (load %.1f): rows of two threads say little\n",
               load);
    }
    printf("%-24s %10s %-9s %10s %-6s %7s  %-14s\n", "row", "value", "unit", "floor",
           "", "ratio", "budget");
}

/* At least three significant digits from 0.1 on, without an exponent. */
static void print_number(int width, double value)
{
    if (isnan(value)) {
        printf("%*s", width, "");
    } else {
        printf("%*.*f", width,
               value < 1     ? 3
               : value < 10  ? 2
               : value < 100 ? 1
                             : 0,
               value);
    }
}

static void print_budget(const bench_row_t *row)
{
    switch (row->judge) {
    case BENCH_BY_RATIO:
        printf("<= %-4.3g x floor", row->budget);
        break;
    case BENCH_BY_VALUE:
        printf("<= %-4.3g        ", row->budget);
        break;
    case BENCH_NO_BUDGET:
        printf("%-15s", "");
    }
}

void report_row(const bench_result_t *result)
{
    const bench_row_t *row = result->row;

    printf("%-24s ", row->name);
    print_number(10, result->value);
    printf(" %-9s ", bench_unit_text(row->unit));
    print_number(10, result->floor);
    printf(" %-6s ", row->floor_kind ? row->floor_kind : "");
    print_number(7, result->ratio);
    printf("  ");
    print_budget(row);
    printf("%s\n", result->within ? "" : "  OVER");
    if (!isnan(result->beside_ratio)) {
        printf("  beside %s: ", row->beside);
        print_number(0, result->beside_ratio);
        printf(" x, budget <= %.3g x\n", row->beside_budget);
    }
    fflush(stdout);
}

void report_end(const bench_result_t *results, uint32_t count)
{
    uint32_t with_budget = 0, within = 0;

    for (uint32_t i = 0; i < count; i++) {
        bool judged = results[i].row->judge != BENCH_NO_BUDGET;

        with_budget += judged;
        within += judged && results[i].within;
    }
    printf("%u of %u rows with a budget are within it\n", within, with_budget);
}

static void print_json_number(const char *key, double value)
{
    if (isfinite(value)) {
        printf(",\"%s\":%.4g", key, value);
    } else {
        printf(",\"%s\":null", key);
    }
}

static void print_json_row(const bench_result_t *result)
{
    const bench_row_t *row = result->row;

    printf("{\"name\":\"%s\",\"unit\":\"%s\"", row->name, bench_unit_text(row->unit));
    print_json_number("value", result->value);
    print_json_number("floor", result->floor);
    print_json_number("ratio", result->ratio);
    printf(",\"floor_kind\":%s%s%s", row->floor_kind ? "\"" : "",
           row->floor_kind ? row->floor_kind : "null", row->floor_kind ? "\"" : "");
    print_json_number("budget",
                      row->judge == BENCH_NO_BUDGET ? (double)NAN : row->budget);
    printf(",\"budget_of\":%s", row->judge == BENCH_BY_RATIO   ? "\"ratio\""
                                : row->judge == BENCH_BY_VALUE ? "\"value\""
                                                               : "null");
    if (row->beside != NULL) {
        printf(",\"beside\":\"%s\"", row->beside);
        print_json_number("beside_ratio", result->beside_ratio);
        print_json_number("beside_budget", row->beside_budget);
    }
    printf(",\"ok\":%s}", result->within ? "true" : "false");
}

void report_json(const bench_result_t *results, uint32_t count)
{
    printf("{\"bench\":\"ecs\",\"results\":[");
    for (uint32_t i = 0; i < count; i++) {
        printf(i > 0 ? ",\n" : "\n");
        print_json_row(&results[i]);
    }
    printf("\n]}\n");
}
