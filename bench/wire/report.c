/* Both outputs say the same; times of messages are in µs, of processors too. */
#include "report.h"

#include "progress.h"

#include <inttypes.h>
#include <stdio.h>

static const struct {
    const char *name;
    double percent;
} percentiles[] = {{"p50", 50}, {"p90", 90}, {"p99", 99}, {"p99_9", 99.9}};

enum {
    PERCENTILES = sizeof(percentiles) / sizeof(percentiles[0])
};

static double us(uint64_t ns)
{
    return (double)ns / 1e3;
}

static double mebibytes(uint64_t bytes)
{
    return (double)bytes / (1 << 20);
}

/* Of a URL, so only what JSON cannot have as it is needs an escape. */
static void print_json_text(const char *text)
{
    putchar('"');
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;

        if (byte < ' ' || byte == '"' || byte == '\\') {
            printf("\\u%04x", byte);
        } else {
            putchar(byte);
        }
    }
    putchar('"');
}

static void print_json_target(const options_t *options, const tls_facts_t *facts)
{
    const target_t *target = &options->target;

    printf("{\"bench\":\"wire\",\"mode\":\"%s\",\"protocol\":\"%s\",\"host\":",
           options_mode_name(options->mode), target->scheme);
    print_json_text(target->host);
    printf(",\"port\":%u,\"path\":", target->port);
    print_json_text(target->path);
    if (target->is_tls) {
        printf(",\"tls\":{\"version\":\"%s\",\"cipher\":\"%s\",\"checked\":%s}",
               facts->version, facts->cipher, facts->is_checked ? "true" : "false");
    }
}

static void print_json_latency(const histogram_t *latency)
{
    printf(",\"latency_us\":{\"min\":%.1f", us(latency->min));
    for (uint32_t i = 0; i < PERCENTILES; i++) {
        printf(",\"%s\":%.1f", percentiles[i].name,
               us(histogram_percentile(latency, percentiles[i].percent)));
    }
    printf(",\"max\":%.1f}", us(latency->max));
}

static void print_latency(const char *what, const histogram_t *latency)
{
    printf("%-15s min %.1f", what, us(latency->min));
    for (uint32_t i = 0; i < PERCENTILES; i++) {
        printf("  p%g %.1f", percentiles[i].percent,
               us(histogram_percentile(latency, percentiles[i].percent)));
    }
    printf("  max %.1f us\n", us(latency->max));
}

static void print_json_load(const options_t *options,
                            const tls_facts_t *facts,
                            const meter_t *meter)
{
    print_json_target(options, facts);
    printf(",\"connections\":%" PRIu64 ",\"size\":%" PRIu64 ",\"binary\":%s",
           options->connections, options->size, options->is_binary ? "true" : "false");
    if (options->rate > 0) {
        printf(",\"rate\":%" PRIu64, options->rate);
    }
    if (options->mode == MODE_ECHO) {
        printf(",\"pipeline\":%" PRIu64, options->pipeline);
    } else if (options->mode == MODE_FANOUT) {
        printf(",\"room\":%" PRIu64 ",\"window\":%" PRIu64 ",\"stalled\":%" PRIu64
               ",\"stalled_unread\":%" PRIu64,
               options->room, options->window, options->stall, meter->unread);
    }
    if (options->target.framing == FRAMING_DATAGRAM) {
        printf(",\"datagrams\":{\"sent\":%" PRIu64 ",\"lost\":%" PRIu64
               ",\"reordered\":%" PRIu64 ",\"repeated\":%" PRIu64 "}",
               meter->datagrams.sent, meter->datagrams.lost, meter->datagrams.reordered,
               meter->datagrams.repeated);
    }
    printf(",\"messages\":%" PRIu64 ",\"messages_per_s\":%.1f", meter->latency.count,
           meter_rate(meter));
    print_json_latency(&meter->latency);
    printf(",\"client_cpu_us\":%.4f,\"client_load\":%.3f", meter_client_us(meter),
           meter_client_load(meter));
    if (options->pid != 0) {
        printf(",\"server_cpu_us\":%.4f,\"server_cpu_us_rounds\":[",
               meter_server_us(meter));
        for (uint32_t i = 0; i < options->repeat; i++) {
            meter_point_t round = meter_round(meter, i);

            printf("%s%.4f", i > 0 ? "," : "",
                   us(round.server_cpu_ns) / (double)round.count);
        }
        printf("],\"server_memory_before\":%" PRIu64
               ",\"server_memory_after\":%" PRIu64,
               meter->memory_begin, meter->memory_end);
    }
    printf("}\n");
}

static void print_title(const options_t *options, const tls_facts_t *facts)
{
    const target_t *target = &options->target;

    printf("%s %s://%s:%u%s\n", options_mode_name(options->mode), target->scheme,
           target->host, target->port, target->path);
    if (target->is_tls) {
        printf("%-15s %s, %s; certificate %s\n", "TLS", facts->version, facts->cipher,
               facts->is_checked ? "checked" : "not checked");
    }
}

static void print_load_title(const options_t *options, const tls_facts_t *facts)
{
    print_title(options, facts);
    printf("%-15s %" PRIu64, "connections", options->connections);
    if (options->mode == MODE_ECHO) {
        printf(", %" PRIu64 " in flight on each", options->pipeline);
    } else if (options->mode == MODE_RATE) {
        printf(", %" PRIu64 " messages a second over all", options->rate);
    } else {
        printf(" in rooms of %" PRIu64 ", %" PRIu64 " broadcasts in flight",
               options->room, options->window);
    }
    if (options->mode == MODE_FANOUT && options->rate > 0) {
        printf(", %" PRIu64 " a second", options->rate);
    }
    printf("\n%-15s %" PRIu64 " bytes, %s\n", "size", options->size,
           options->is_binary ? "binary" : "text");
}

static void print_server(const options_t *options, const meter_t *meter)
{
    printf("%-15s %.3f us per %s (", "server CPU", meter_server_us(meter),
           options->mode == MODE_FANOUT ? "delivery" : "message");
    for (uint32_t i = 0; i < options->repeat; i++) {
        meter_point_t round = meter_round(meter, i);

        printf("%s%.3f", i > 0 ? " " : "",
               us(round.server_cpu_ns) / (double)round.count);
    }
    printf(")\n%-15s %.1f MiB, %.1f MiB before\n", "server memory",
           mebibytes(meter->memory_end), mebibytes(meter->memory_begin));
}

void report_load(const options_t *options,
                 const tls_facts_t *facts,
                 const meter_t *meter)
{
    progress_clear();
    if (options->is_json) {
        print_json_load(options, facts, meter);
        return;
    }
    print_load_title(options, facts);
    printf("%-15s %" PRIu64 ", %.0f per second\n",
           options->mode == MODE_FANOUT ? "deliveries" : "messages",
           meter->latency.count, meter_rate(meter));
    print_latency("latency", &meter->latency);
    if (options->target.framing == FRAMING_DATAGRAM) {
        printf("%-15s %" PRIu64 " sent, %" PRIu64 " lost, %" PRIu64
               " out of order, %" PRIu64 " repeated\n",
               "datagrams", meter->datagrams.sent, meter->datagrams.lost,
               meter->datagrams.reordered, meter->datagrams.repeated);
    }
    if (options->stall > 0) {
        printf("%-15s %" PRIu64 ", who have %" PRIu64 " bytes before them\n", "stalled",
               options->stall, meter->unread);
    }
    if (options->pid != 0) {
        print_server(options, meter);
    }
    printf("%-15s %.3f us per %s, %.0f %% of a processor\n", "client CPU",
           meter_client_us(meter),
           options->mode == MODE_FANOUT ? "delivery" : "message",
           meter_client_load(meter) * 100);
}

void report_idle(const options_t *options,
                 const tls_facts_t *facts,
                 const idle_result_t *result)
{
    double each = ((double)result->memory_after - (double)result->memory_before) /
                  (double)options->connections;
    double load = (double)result->server_cpu_ns / (double)result->hold_ns;

    progress_clear();
    if (options->is_json) {
        print_json_target(options, facts);
        printf(",\"connections\":%" PRIu64 ",\"seconds\":%.3f", options->connections,
               (double)result->hold_ns / 1e9);
        if (options->pid != 0) {
            printf(",\"server_memory_before\":%" PRIu64
                   ",\"server_memory_after\":%" PRIu64
                   ",\"server_bytes_per_connection\":%.1f,\"server_load\":%.5f",
                   result->memory_before, result->memory_after, each, load);
        }
        printf("}\n");
        return;
    }
    print_title(options, facts);
    printf("%-15s %" PRIu64 ", held for %.1f s\n", "connections", options->connections,
           (double)result->hold_ns / 1e9);
    if (options->pid != 0) {
        printf("%-15s %.1f MiB, %.1f MiB before: %.0f bytes per connection\n",
               "server memory", mebibytes(result->memory_after),
               mebibytes(result->memory_before), each);
        printf("%-15s %.2f %% of a processor\n", "server CPU", load * 100);
    }
}

static void print_json_connect(const options_t *options,
                               const tls_facts_t *facts,
                               const connect_result_t *result)
{
    print_json_target(options, facts);
    printf(",\"total\":%" PRIu64 ",\"at_once\":%" PRIu64 ",\"seconds\":%.3f"
           ",\"connects_per_s\":%.1f",
           result->count, options->at_once, (double)result->ns / 1e9,
           (double)result->count * 1e9 / (double)result->ns);
    if (options->target.is_tls) {
        printf(",\"resumed\":%" PRIu64, result->resumed);
    }
    print_json_latency(&result->latency);
    if (options->pid != 0) {
        printf(",\"server_cpu_us\":%.3f,\"server_descriptors_before\":%" PRIu64
               ",\"server_descriptors_after\":%" PRIu64
               ",\"server_memory_before\":%" PRIu64 ",\"server_memory_early\":%" PRIu64
               ",\"server_memory_after\":%" PRIu64,
               us(result->server_cpu_ns) / (double)result->count,
               result->descriptors_before, result->descriptors_after,
               result->memory_before, result->memory_early, result->memory_after);
    }
    printf("}\n");
}

void report_connect(const options_t *options,
                    const tls_facts_t *facts,
                    const connect_result_t *result)
{
    progress_clear();
    if (options->is_json) {
        print_json_connect(options, facts, result);
        return;
    }
    print_title(options, facts);
    printf("%-15s %" PRIu64 ", %" PRIu64 " at once, %.0f per second\n", "connections",
           result->count, options->at_once,
           (double)result->count * 1e9 / (double)result->ns);
    print_latency("to open", &result->latency);
    if (options->is_resuming) {
        printf("%-15s %" PRIu64 "\n", "resumed", result->resumed);
    }
    if (options->pid != 0) {
        printf("%-15s %.2f us per connection\n", "server CPU",
               us(result->server_cpu_ns) / (double)result->count);
        printf("%-15s %" PRIu64 ", %" PRIu64 " before\n", "descriptors",
               result->descriptors_after, result->descriptors_before);
        printf("%-15s %.1f MiB, %.1f MiB after a tenth, %.1f MiB before\n",
               "server memory", mebibytes(result->memory_after),
               mebibytes(result->memory_early), mebibytes(result->memory_before));
    }
}
