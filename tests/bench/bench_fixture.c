/* Reef's servers write files, so each has a directory that is removed with it. */
#include "bench_fixture.h"

#include <ftw.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

enum {
    WATCHDOG_S = 200,
    MAX_ARGUMENTS = 24
};

static int
remove_entry(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    (void)info, (void)kind, (void)place;
    return remove(path);
}

int setup(void **state)
{
    bench_fixture_t *fixture = calloc(1, sizeof(*fixture));

    assert_non_null(fixture);
    process_watchdog(WATCHDOG_S);
    snprintf(fixture->directory, sizeof(fixture->directory), "/tmp/reef-test-XXXXXX");
    assert_non_null(mkdtemp(fixture->directory));
    *state = fixture;
    return 0;
}

int teardown(void **state)
{
    bench_fixture_t *fixture = *state;

    process_kill(&fixture->server);
    process_kill(&fixture->bench);
    cJSON_Delete(fixture->report);
    nftw(fixture->directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    free(fixture);
    return 0;
}

void peer_start(bench_fixture_t *fixture, const char *program, const char *argument)
{
    const char *const arguments[] = {program, argument, NULL};
    char port[16];

    process_start(&fixture->server,
                  &(process_desc_t){.arguments = arguments, .directory = "."});
    process_await(&fixture->server, "listening port=", port, sizeof(port));
    snprintf(fixture->url, sizeof(fixture->url), "tcp://127.0.0.1:%s", port);
}

void url_of_scheme(bench_fixture_t *fixture, const char *scheme)
{
    char rest[sizeof(fixture->url)];

    snprintf(rest, sizeof(rest), "%s", strstr(fixture->url, "://"));
    snprintf(fixture->url, sizeof(fixture->url), "%s%.32s", scheme, rest);
}

void certificate_path(const bench_fixture_t *fixture,
                      const char *name,
                      char path[CERTIFICATE_PATH])
{
    snprintf(path, CERTIFICATE_PATH, "%s/%s.pem", fixture->directory, name);
}

static void
key_path(const bench_fixture_t *fixture, const char *name, char path[CERTIFICATE_PATH])
{
    snprintf(path, CERTIFICATE_PATH, "%s/%s.key", fixture->directory, name);
}

void certificate_make(bench_fixture_t *fixture, const char *name, const char *names)
{
    char certificate[CERTIFICATE_PATH], key[CERTIFICATE_PATH], extension[256];
    const char *const arguments[] = {OPENSSL,
                                     "req",
                                     "-x509",
                                     "-newkey",
                                     "ec",
                                     "-pkeyopt",
                                     "ec_paramgen_curve:P-256",
                                     "-nodes",
                                     "-keyout",
                                     key,
                                     "-out",
                                     certificate,
                                     "-days",
                                     "2",
                                     "-subj",
                                     "/CN=test",
                                     "-addext",
                                     extension,
                                     NULL};
    process_t openssl = {0};

    certificate_path(fixture, name, certificate);
    key_path(fixture, name, key);
    snprintf(extension, sizeof(extension), "subjectAltName=%s", names);
    process_start(&openssl,
                  &(process_desc_t){.arguments = arguments, .directory = "."});
    if (process_wait(&openssl) != 0) {
        fail_msg("openssl: %s", openssl.errors.text);
    }
    process_kill(&openssl);
}

void peer_start_tls(bench_fixture_t *fixture, const char *program, const char *argument)
{
    char certificate[CERTIFICATE_PATH], key[CERTIFICATE_PATH], port[16];
    const char *const arguments[] = {program, "--tls",  certificate,
                                     key,     argument, NULL};

    certificate_path(fixture, CERTIFICATE, certificate);
    key_path(fixture, CERTIFICATE, key);
    if (access(certificate, R_OK) != 0) {
        certificate_make(fixture, CERTIFICATE, "IP:127.0.0.1");
    }
    process_start(&fixture->server,
                  &(process_desc_t){.arguments = arguments, .directory = "."});
    process_await(&fixture->server, "listening port=", port, sizeof(port));
    snprintf(fixture->url, sizeof(fixture->url), "tcps://127.0.0.1:%s", port);
}

void reef_start(bench_fixture_t *fixture, const char *program)
{
    reef_start_on(fixture, program, "websocket", NULL);
    url_of_scheme(fixture, "ws");
}

void reef_start_on(bench_fixture_t *fixture,
                   const char *program,
                   const char *transport,
                   const char *setting)
{
    char listen[64], line[64], port[16];
    const char *const arguments[] = {program,
                                     "--set",
                                     "websocket.listen=127.0.0.1:0",
                                     "--set",
                                     "admin.listen=127.0.0.1:0",
                                     "--set",
                                     listen,
                                     setting != NULL ? "--set" : NULL,
                                     setting,
                                     NULL};

    snprintf(listen, sizeof(listen), "%s.listen=127.0.0.1:0", transport);
    snprintf(line, sizeof(line), "transport=%s addr=127.0.0.1:", transport);
    process_start(&fixture->server, &(process_desc_t){.arguments = arguments,
                                                      .directory = fixture->directory});
    process_await(&fixture->server, line, port, sizeof(port));
    snprintf(fixture->url, sizeof(fixture->url), "tcp://127.0.0.1:%s", port);
    process_await(&fixture->server, "transport=admin addr=", port, sizeof(port));
}

int bench_run(bench_fixture_t *fixture, const char *mode, const char *const *arguments)
{
    const char *all[MAX_ARGUMENTS + 4] = {REEF_BENCH, mode, fixture->url};

    for (size_t i = 0; arguments[i] != NULL; i++) {
        assert_true(i < MAX_ARGUMENTS);
        all[3 + i] = arguments[i];
    }
    process_kill(&fixture->bench);
    process_start(&fixture->bench,
                  &(process_desc_t){.arguments = all, .directory = "."});
    return process_wait(&fixture->bench);
}

void bench_report(bench_fixture_t *fixture,
                  const char *mode,
                  const char *const *arguments)
{
    int code = bench_run(fixture, mode, arguments);

    if (code != 0) {
        fail_msg("reef-bench ended with %d: %s", code, fixture->bench.errors.text);
    }
    assert_string_equal(fixture->bench.errors.text, "");
    fixture->report = cJSON_ParseWithOpts(fixture->bench.output.text, NULL, true);
    assert_non_null(fixture->report);
}

double report_number(const bench_fixture_t *fixture, const char *name)
{
    const cJSON *item = fixture->report;
    char part[64];

    while (*name != '\0') {
        size_t size = strcspn(name, ".");

        snprintf(part, sizeof(part), "%.*s", (int)size, name);
        item = cJSON_GetObjectItemCaseSensitive(item, part);
        name += size + (name[size] == '.');
    }
    if (!cJSON_IsNumber(item)) {
        fail_msg("no number %s in %s", part, fixture->bench.output.text);
    }
    return item->valuedouble;
}

void expect_error(const bench_fixture_t *fixture, const char *text)
{
    if (strstr(fixture->bench.errors.text, text) == NULL) {
        fail_msg("'%s' is not in: %s", text, fixture->bench.errors.text);
    }
}
