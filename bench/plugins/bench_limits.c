/*
 * What heartbeat and rate limit cost per message that passes: the same frames, of the
 * same clients over a transport in memory, in apps with and without them.  The apps
 * take turns (A B C D, A B C D …), so what the machine does meanwhile hits all alike;
 * of each the median of the rounds counts, and of the differences to the bare app, too.
 *
 *     bench_limits [clients [rounds]]
 */
#include <reef/app.h>
#include <reef/heartbeat.h>
#include <reef/rate_limit.h>
#include <reef/router.h>
#include <reef/session.h>
#include <reef/transport.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    MAX_ARGS = 16,
    MAX_ROUNDS = 10000,
    FRAMES = 20 /* in a round, of one message from each client */
};

/* A transport that keeps nothing ---------------------------------------------------
 */

static reef_error_t swallow(void *connection, const send_message_t *message)
{
    (void)connection, (void)message;
    return REEF_OK;
}

static void close_peer(void *connection, uint16_t code, const char *reason)
{
    (void)connection, (void)code, (void)reason;
}

static void ping_peer(void *connection, reef_buffer_t *payload)
{
    (void)connection, (void)payload;
}

static void resume(void *connection)
{
    (void)connection;
}

static uint64_t queue_bytes(const void *connection)
{
    (void)connection;
    return 0;
}

static void stop_accepting(void *self)
{
    (void)self;
}

static uint32_t connection_count(const void *self)
{
    (void)self;
    return 0;
}

static const reef_transport_t transport = {
    .name = "memory",
    .send = swallow,
    .close = close_peer,
    .ping = ping_peer,
    .resume = resume,
    .queue_bytes = queue_bytes,
    .stop_accepting = stop_accepting,
    .connection_count = connection_count,
};

/* Apps ------------------------------------------------------------------------- */

typedef struct subject {
    const char *name;
    bool limits, beats;
    reef_app_t *app;
    reef_link_t *links;
    uint64_t handled; /* texts that reached the owner of all */
    double times[MAX_ROUNDS];
    double differences[MAX_ROUNDS]; /* to the first, of the same round */
} subject_t;

static void require(reef_error_t error, const reef_failure_t *failure)
{
    if (error != REEF_OK) {
        fprintf(stderr, "bench_limits: %s\n", failure->text);
        exit(1);
    }
}

static bool handle(reef_run_t *run, const reef_command_text_t *text, void *context)
{
    (void)run, (void)text;
    ((subject_t *)context)->handled++;
    return true;
}

static void start(subject_t *subject, uint32_t clients)
{
    static const char *const argv[] = {"bench_limits",
                                       "--set",
                                       "log.level=warn",
                                       "--set",
                                       "server.max_frame_us=10000000",
                                       "--set",
                                       "server.workers=1"};
    static char connection;
    reef_failure_t failure = {0};

    require(reef_app_create(&(reef_app_desc_t){.name = "bench_limits",
                                               .argc = sizeof(argv) / sizeof(argv[0]),
                                               .argv = argv,
                                               .ignore_environment = true},
                            &subject->app, &failure),
            &failure);
    reef_app_add_transport(subject->app, &transport, NULL);
    if (subject->limits) {
        require(reef_app_add_plugin(subject->app, &reef_rate_limit_plugin,
                                    &(rate_limit_config_t){.max_messages = 10000000,
                                                           .max_bytes = 1073741824},
                                    &failure),
                &failure);
    }
    if (subject->beats) {
        require(
            reef_app_add_plugin(subject->app, &reef_heartbeat_plugin, NULL, &failure),
            &failure);
    }
    require(reef_app_add_prefix(subject->app, "", handle, subject, &failure), &failure);
    require(reef_app_start(subject->app, &failure), &failure);
    subject->links = calloc(clients, sizeof(*subject->links));
    for (uint32_t i = 0; i < clients; i++) {
        subject->links[i] = reef_link_open(
            subject->app, &(reef_link_desc_t){.transport = &transport,
                                              .connection = &connection,
                                              .peer = reef_span_text("192.0.2.1:1")});
        reef_app_step(subject->app, 0);
    }
}

static void stop(subject_t *subject)
{
    reef_app_destroy(subject->app);
    free(subject->links);
}

/* Measuring -------------------------------------------------------------------- */

static double now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Nanoseconds per message. */
static double run_round(subject_t *subject, uint32_t clients)
{
    static const char text[] = "move 12.5 -3.25 and say hello";
    uint64_t expected = subject->handled + (uint64_t)clients * FRAMES;
    double begin = now_ns();
    double end;

    for (int frame = 0; frame < FRAMES; frame++) {
        for (uint32_t i = 0; i < clients; i++) {
            (void)reef_link_receive(subject->app, subject->links[i], REEF_PAYLOAD_TEXT,
                                    reef_span(text, sizeof(text) - 1));
        }
        reef_app_step(subject->app, 0);
    }
    end = now_ns();
    while (subject->handled < expected) { /* while the first frames take in less */
        reef_app_step(subject->app, 0);
        end = now_ns();
    }
    return (end - begin) / ((double)clients * FRAMES);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *values, uint32_t count)
{
    qsort(values, count, sizeof(*values), compare);
    return values[count / 2];
}

static uint32_t number(const char *text, uint32_t most)
{
    unsigned long value = strtoul(text, NULL, 10);

    if (value == 0 || value > most) {
        fprintf(stderr, "bench_limits: '%s' is not 1 to %u\n", text, most);
        exit(2);
    }
    return (uint32_t)value;
}

int main(int argc, char **argv)
{
    static subject_t subjects[] = {
        {.name = "neither"},
        {.name = "rate_limit", .limits = true},
        {.name = "heartbeat", .beats = true},
        {.name = "both", .limits = true, .beats = true},
    };
    const size_t count = sizeof(subjects) / sizeof(subjects[0]);
    uint32_t clients = argc > 1 ? number(argv[1], 100000) : 1000;
    uint32_t rounds = argc > 2 ? number(argv[2], MAX_ROUNDS) : 201;

    for (size_t i = 0; i < count; i++) {
        start(&subjects[i], clients);
        run_round(&subjects[i], clients); /* not counted */
    }
    for (uint32_t round = 0; round < rounds; round++) {
        for (size_t i = 0; i < count; i++) {
            subjects[i].times[round] = run_round(&subjects[i], clients);
            subjects[i].differences[round] =
                subjects[i].times[round] - subjects[0].times[round];
        }
    }
    printf("%u clients, a message of each per frame, %u rounds\n\n", clients, rounds);
    printf("| plugins | ns/message | more |\n|---|---|---|\n");
    for (size_t i = 0; i < count; i++) {
        printf("| %s | %.1f | %.1f |\n", subjects[i].name,
               median(subjects[i].times, rounds),
               median(subjects[i].differences, rounds));
        stop(&subjects[i]);
    }
    return 0;
}
