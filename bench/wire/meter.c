/* Counters are read between two batches of events, so the ends of a round are exact:
 * its real count and time are used, not those that were asked for. */
#include "meter.h"

#include "process.h"
#include "progress.h"

#include <math.h>
#include <stdlib.h>

static uint64_t memory_of(const options_t *options)
{
    return options->pid != 0 ? process_memory((pid_t)options->pid) : 0;
}

void meter_begin(meter_t *meter, const options_t *options)
{
    *meter = (meter_t){.options = options, .begin_ns = clock_now_ns()};
    meter->memory_begin = memory_of(options);
}

void meter_add(meter_t *meter, uint64_t latency_ns)
{
    meter->count++;
    if (meter->points > 0 && meter->points <= meter->options->repeat) {
        histogram_record(&meter->latency, latency_ns);
    }
}

static bool is_reached(const meter_t *meter, uint64_t now_ns)
{
    const options_t *options = meter->options;
    const meter_point_t *last;

    if (meter->points == 0) {
        return meter->count >= options->warmup_messages &&
               now_ns - meter->begin_ns >= options->warmup_ns;
    }
    last = &meter->point[meter->points - 1];
    if (meter->count == last->count) {
        return false; /* a round has something to divide by */
    }
    return options->messages > 0 ? meter->count - last->count >= options->messages
                                 : now_ns - last->ns >= options->round_ns;
}

static void take_point(meter_t *meter)
{
    const options_t *options = meter->options;

    meter->point[meter->points++] = (meter_point_t){
        .ns = clock_now_ns(),
        .count = meter->count,
        .server_cpu_ns = options->pid != 0 ? process_cpu_ns((pid_t)options->pid) : 0,
        .client_cpu_ns = process_own_cpu_ns(),
    };
}

static void show(meter_t *meter, uint64_t now_ns)
{
    if (!progress_is_due(&meter->shown_ns, now_ns)) {
        return;
    }
    if (meter->points == 0) {
        progress_show("warm-up: %llu messages", (unsigned long long)meter->count);
    } else {
        const meter_point_t *last = &meter->point[meter->points - 1];
        double seconds = (double)(now_ns - last->ns) / 1e9;

        progress_show("round %u of %llu: %.1f s, %.0f messages/s", meter->points,
                      (unsigned long long)meter->options->repeat, seconds,
                      (double)(meter->count - last->count) / seconds);
    }
}

bool meter_is_over(meter_t *meter, uint64_t now_ns)
{
    show(meter, now_ns);
    if (is_reached(meter, now_ns)) {
        take_point(meter);
    }
    if (meter->points <= meter->options->repeat) {
        return false;
    }
    meter->memory_end = memory_of(meter->options);
    return true;
}

meter_point_t meter_round(const meter_t *meter, uint32_t round)
{
    const meter_point_t *from = &meter->point[round], *to = from + 1;

    return (meter_point_t){
        .ns = to->ns - from->ns,
        .count = to->count - from->count,
        .server_cpu_ns = to->server_cpu_ns - from->server_cpu_ns,
        .client_cpu_ns = to->client_cpu_ns - from->client_cpu_ns,
    };
}

typedef double (*figure_fn)(meter_point_t round);

static double server_us(meter_point_t round)
{
    return (double)round.server_cpu_ns / 1e3 / (double)round.count;
}

static double client_us(meter_point_t round)
{
    return (double)round.client_cpu_ns / 1e3 / (double)round.count;
}

static double rate(meter_point_t round)
{
    return (double)round.count * 1e9 / (double)round.ns;
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return (left > right) - (left < right);
}

static double median(const meter_t *meter, figure_fn figure)
{
    uint32_t count = (uint32_t)meter->options->repeat;
    double values[OPTIONS_MAX_REPEAT];

    for (uint32_t i = 0; i < count; i++) {
        values[i] = figure(meter_round(meter, i));
    }
    qsort(values, count, sizeof(values[0]), compare);
    return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

double meter_server_us(const meter_t *meter)
{
    return median(meter, server_us);
}

double meter_client_us(const meter_t *meter)
{
    return median(meter, client_us);
}

double meter_rate(const meter_t *meter)
{
    return median(meter, rate);
}

double meter_client_load(const meter_t *meter)
{
    const meter_point_t *first = &meter->point[0];
    const meter_point_t *last = &meter->point[meter->options->repeat];

    return (double)(last->client_cpu_ns - first->client_cpu_ns) /
           (double)(last->ns - first->ns);
}
