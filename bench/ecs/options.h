/**
 * @file options.h
 * @brief The command line.
 */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

enum {
    OPTIONS_MAX_ROWS = 64
};

typedef struct bench_options {
    bool json, quick, help;
    bool chosen[OPTIONS_MAX_ROWS]; /* by index in bench_rows */
} bench_options_t;

/** False when something is wrong, which was then printed to stderr with the nearest
 *  thing that would be right. */
bool bench_options_parse(bench_options_t *options, int count, char **arguments);

/** What --help prints. */
void bench_options_help(void);

#endif /* BENCH_OPTIONS_H */
