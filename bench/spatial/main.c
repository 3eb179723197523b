/*
 * Many clients on the move: what an update costs beside a hand-written flat grid that
 * does the same.  Both sides take turns in one process and are timed by the CPU time of
 * the thread; figures are medians.
 */
#include "side.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_TICKS = 10000,
    WARM_UP = 5, /* ticks that do not count */
};

typedef struct options {
    uint32_t entities, movers, ticks;
    double nearby, radius, cell, speed, rate;
    bool json;
    bool alone; /* only the server: for profilers */
} options_t;

/* One series of measurements of a side. */
typedef struct series {
    double ms[MAX_TICKS];
    uint32_t count;
} series_t;

typedef struct figures {
    series_t interest, search, system, reef, flat, moves;
    series_t interest_ratio, system_ratio, reef_ratio;
    uint64_t bytes, flat_bytes, messages;
} figures_t;

static void usage(void)
{
    fputs(
        "Usage: bench_spatial [--entities N] [--movers N] [--ticks N] [--nearby N]\n"
        "       [--radius M] [--cell M] [--speed M/S] [--rate HZ] [--json] "
        "[--alone]\n\n"
        "What an update of the plugin spatial costs in 2d when clients move, beside a\n"
        "flat grid.  Defaults: 10000 clients, all moving at 5 m/s, 50 in range of\n"
        "each, 20 updates per second, radius 100, cells of 50.\n",
        stderr);
    exit(2);
}

static double number_of(const char *text)
{
    char *end;
    double value = text != NULL ? strtod(text, &end) : 0;

    if (text == NULL || *end != '\0' || !(value > 0)) {
        usage();
    }
    return value;
}

static options_t parse(int argc, char **argv)
{
    options_t options = {.entities = 10000,
                         .ticks = 200,
                         .nearby = 50,
                         .radius = 100,
                         .cell = 50,
                         .speed = 5,
                         .rate = 20};

    for (int i = 1; i < argc; i++) {
        const char *name = argv[i];

        if (strcmp(name, "--json") == 0) {
            options.json = true;
        } else if (strcmp(name, "--alone") == 0) {
            options.alone = true;
        } else if (strcmp(name, "--entities") == 0) {
            options.entities = (uint32_t)number_of(argv[++i]);
        } else if (strcmp(name, "--movers") == 0) {
            options.movers = (uint32_t)number_of(argv[++i]);
        } else if (strcmp(name, "--ticks") == 0) {
            options.ticks = (uint32_t)number_of(argv[++i]);
        } else if (strcmp(name, "--nearby") == 0) {
            options.nearby = number_of(argv[++i]);
        } else if (strcmp(name, "--radius") == 0) {
            options.radius = number_of(argv[++i]);
        } else if (strcmp(name, "--cell") == 0) {
            options.cell = number_of(argv[++i]);
        } else if (strcmp(name, "--speed") == 0) {
            options.speed = number_of(argv[++i]);
        } else if (strcmp(name, "--rate") == 0) {
            options.rate = number_of(argv[++i]);
        } else {
            usage();
        }
    }
    if (options.movers == 0 || options.movers > options.entities) {
        options.movers = options.entities;
    }
    if (options.ticks > MAX_TICKS) {
        options.ticks = MAX_TICKS;
    }
    return options;
}

/* Statistics
 * --------------------------------------------------------------------------- */

static void push(series_t *series, double value)
{
    series->ms[series->count++] = value;
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return (left > right) - (left < right);
}

static double quantile(series_t *series, double part)
{
    qsort(series->ms, series->count, sizeof(double), compare);
    return series->ms[(uint32_t)(part * (series->count - 1))];
}

/* Measuring
 * ---------------------------------------------------------------------------- */

static double ms(uint64_t ns)
{
    return (double)ns / 1e6;
}

static void measure(const options_t *options, figures_t *figures)
{
    float side = (float)sqrt(options->entities * 3.141592653589793 * options->radius *
                             options->radius / options->nearby);
    float radius = (float)options->radius, cell = (float)options->cell;
    float leave = (float)(options->radius * 1.1);
    crowd_t crowd;
    server_t *server;
    interest_side_t *interest;
    flat_side_t *search, *flat;

    crowd_init(&crowd, options->entities, side,
               (float)(options->speed / options->rate));
    server = server_create(&crowd, radius, cell);
    interest = interest_side_create(&crowd, radius, cell);
    search = flat_side_create(&crowd, leave, cell);
    flat = flat_side_create(&crowd, leave, cell);
    for (uint32_t tick = 0; tick < options->ticks + WARM_UP; tick++) {
        double times[4];

        crowd_step(&crowd, options->movers);
        if (options->alone) {
            push(&figures->reef, ms(server_update(server, options->movers)));
            continue;
        }
        times[0] = ms(interest_side_update(interest, options->movers));
        times[1] = ms(flat_side_search(search));
        (void)server_take_bytes(server), (void)server_take_messages(server);
        times[2] = ms(server_update(server, options->movers));
        (void)flat_side_take_bytes(flat);
        times[3] = ms(flat_side_tell(flat));
        if (tick < WARM_UP) {
            continue;
        }
        push(&figures->interest, times[0]);
        push(&figures->search, times[1]);
        push(&figures->interest_ratio, times[0] / times[1]);
        push(&figures->reef, times[2]);
        push(&figures->system, ms(server_system_ns(server)));
        push(&figures->system_ratio, ms(server_system_ns(server)) / times[3]);
        push(&figures->flat, times[3]);
        push(&figures->reef_ratio, times[2] / times[3]);
        figures->bytes = server_take_bytes(server);
        figures->messages = server_take_messages(server);
        figures->flat_bytes = flat_side_take_bytes(flat);
    }
    for (uint32_t i = 0; i < 20; i++) {
        crowd_step(&crowd, crowd.count);
        push(&figures->moves, (double)server_hear_moves(server) / (double)crowd.count);
        (void)server_update(server, 0);
    }
    server_destroy(server);
    interest_side_destroy(interest);
    flat_side_destroy(search);
    flat_side_destroy(flat);
    crowd_finish(&crowd);
}

/* Telling
 * ------------------------------------------------------------------------------ */

static void print_table(const options_t *options, figures_t *figures)
{
    printf("%u clients, %u of them moving, %g in range, radius %g, cells of %g; CPU ms "
           "per update\n\n",
           options->entities, options->movers, options->nearby, options->radius,
           options->cell);
    printf("%-40s %8s %8s %8s\n", "", "median", "p95", "ratio");
    printf("%-40s %8.2f %8.2f %8s\n", "flat grid: distance tests",
           quantile(&figures->search, .5), quantile(&figures->search, .95), "");
    printf("%-40s %8.2f %8.2f %8.2f\n", "reef: who sees whom",
           quantile(&figures->interest, .5), quantile(&figures->interest, .95),
           quantile(&figures->interest_ratio, .5));
    printf("%-40s %8.2f %8.2f %8s\n", "flat grid: tests, frames appended",
           quantile(&figures->flat, .5), quantile(&figures->flat, .95), "");
    printf("%-40s %8.2f %8.2f %8.2f\n", "reef: the update, all encoded",
           quantile(&figures->system, .5), quantile(&figures->system, .95),
           quantile(&figures->system_ratio, .5));
    printf("%-40s %8.2f %8.2f %8.2f\n", "reef: the whole frame of the app",
           quantile(&figures->reef, .5), quantile(&figures->reef, .95),
           quantile(&figures->reef_ratio, .5));
    printf("\n%.1f %% of a core at %g Hz; %.2f MB in %lu bundles (flat: %.2f MB)\n",
           quantile(&figures->reef, .5) * options->rate / 10, options->rate,
           (double)figures->bytes / 1e6, (unsigned long)figures->messages,
           (double)figures->flat_bytes / 1e6);
    printf("%.0f ns to hear a /move\n", quantile(&figures->moves, .5));
}

static void print_json(const options_t *options, figures_t *figures)
{
    printf("{\"entities\":%u,\"movers\":%u,\"nearby\":%g,\"radius\":%g,\"cell\":%g,"
           "\"rate_hz\":%g,\"search_ms\":%.4f,\"interest_ms\":%.4f,"
           "\"interest_ratio\":%.3f,\"flat_ms\":%.4f,\"update_ms\":%.4f,"
           "\"update_ratio\":%.3f,\"frame_ms\":%.4f,\"frame_ratio\":%.3f,\"bytes\":%lu,"
           "\"bundles\":%lu,\"flat_bytes\":%lu,"
           "\"move_ns\":%.1f}\n",
           options->entities, options->movers, options->nearby, options->radius,
           options->cell, options->rate, quantile(&figures->search, .5),
           quantile(&figures->interest, .5), quantile(&figures->interest_ratio, .5),
           quantile(&figures->flat, .5), quantile(&figures->system, .5),
           quantile(&figures->system_ratio, .5), quantile(&figures->reef, .5),
           quantile(&figures->reef_ratio, .5), (unsigned long)figures->bytes,
           (unsigned long)figures->messages, (unsigned long)figures->flat_bytes,
           quantile(&figures->moves, .5));
}

static void print_alone(figures_t *figures)
{
    printf("%.2f ms\n", quantile(&figures->reef, .5));
}

int main(int argc, char **argv)
{
    options_t options = parse(argc, argv);
    figures_t *figures = calloc(1, sizeof(*figures));

    measure(&options, figures);
    if (options.alone) {
        print_alone(figures);
    } else {
        (options.json ? print_json : print_table)(&options, figures);
    }
    free(figures);
    return 0;
}
