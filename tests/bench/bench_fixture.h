/**
 * @file bench_fixture.h
 * @brief A server, and reef-bench that loads it, as a cmocka fixture.
 */
#ifndef BENCH_FIXTURE_H
#define BENCH_FIXTURE_H

#include "process.h"
#include "test.h"

#include <cjson/cJSON.h>

enum {
    CERTIFICATE_PATH = 128
};

#define CERTIFICATE "server"

/** What each test gets: neither is started. */
typedef struct bench_fixture {
    process_t server, bench;
    char directory[64]; /* of the server */
    char url[64];       /* of the server */
    cJSON *report;
} bench_fixture_t;

int setup(void **state);
int teardown(void **state);

/** Start a peer, which says "listening port=…"; its address is tcp://. */
void peer_start(bench_fixture_t *fixture, const char *program, const char *argument);

/** Put another protocol in the address in place of tcp:// or what it has. */
void url_of_scheme(bench_fixture_t *fixture, const char *scheme);

/** Make a self-signed certificate of the server's directory, for the names in @p names,
 *  such as "IP:127.0.0.1". */
void certificate_make(bench_fixture_t *fixture, const char *name, const char *names);

/** Where it is. */
void certificate_path(const bench_fixture_t *fixture,
                      const char *name,
                      char path[CERTIFICATE_PATH]);

/** Start a peer by TLS; its address is tcps://.  It has the CERTIFICATE, which is made
 *  for 127.0.0.1 if there is none. */
void peer_start_tls(bench_fixture_t *fixture,
                    const char *program,
                    const char *argument);

/** Start an application of Reef's; its address is ws://. */
void reef_start(bench_fixture_t *fixture, const char *program);

/** The same with this transport, and this setting too if there is one; the address is
 *  tcp://. */
void reef_start_on(bench_fixture_t *fixture,
                   const char *program,
                   const char *transport,
                   const char *setting);

/** Load the server: `mode`, its address, then the arguments.  Returns the exit code. */
int bench_run(bench_fixture_t *fixture, const char *mode, const char *const *arguments);

/** The same, which must be well; the report is taken apart.  --json is among
 *  them. */
void bench_report(bench_fixture_t *fixture,
                  const char *mode,
                  const char *const *arguments);

#define RUN(fixture, mode, ...)                                                        \
    bench_run((fixture), (mode), (const char *const[]){__VA_ARGS__, NULL})
#define REPORT(fixture, mode, ...)                                                     \
    bench_report((fixture), (mode), (const char *const[]){"--json", __VA_ARGS__, NULL})

/** A number of the report; "a.b" is b in a. */
double report_number(const bench_fixture_t *fixture, const char *name);

/** reef-bench has said this on stderr. */
void expect_error(const bench_fixture_t *fixture, const char *text);

#endif /* BENCH_FIXTURE_H */
