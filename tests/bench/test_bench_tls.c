/* reef-bench by TLS: versions, ciphers, certificates, resumption; and what is wrong. */
#include "bench_fixture.h"

#include <stdbool.h>
#include <string.h>

static char *pid_of(const bench_fixture_t *fixture, char text[16])
{
    snprintf(text, 16, "%d", (int)fixture->server.pid);
    return text;
}

static const char *report_text(const bench_fixture_t *fixture, const char *name)
{
    const cJSON *tls = cJSON_GetObjectItemCaseSensitive(fixture->report, "tls");

    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(tls, name));
}

static bool report_checked(const bench_fixture_t *fixture)
{
    const cJSON *tls = cJSON_GetObjectItemCaseSensitive(fixture->report, "tls");

    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(tls, "checked"));
}

static void forget_report(bench_fixture_t *fixture)
{
    cJSON_Delete(fixture->report);
    fixture->report = NULL;
}

static void test_tls_echo_in_each_version(void **state)
{
    static const char *const versions[] = {"1.2", "1.3"};
    bench_fixture_t *fixture = *state;
    char text[16];

    peer_start_tls(fixture, PEER_UV_TLS_ECHO, NULL);
    for (size_t i = 0; i < 2; i++) {
        REPORT(fixture, "echo", "--connections", "20", "--pipeline", "16", "--messages",
               "5000", "--warmup", "10", "--tls", versions[i], "--pid",
               pid_of(fixture, text));
        assert_true(report_number(fixture, "messages") >= 5000);
        assert_true(report_number(fixture, "server_cpu_us") > 0);
        snprintf(text, sizeof(text), "TLSv%s", versions[i]);
        assert_string_equal(report_text(fixture, "version"), text);
        assert_false(report_checked(fixture));
        forget_report(fixture);
    }
}

static void test_tls_echo_of_messages_longer_than_a_record(void **state)
{
    bench_fixture_t *fixture = *state;

    peer_start_tls(fixture, PEER_UV_TLS_ECHO, NULL);
    url_of_scheme(fixture, "tcps+varint");
    REPORT(fixture, "echo", "--connections", "3", "--size", "700k", "--pipeline", "3",
           "--messages", "30", "--warmup", "0", "--binary");
    assert_true(report_number(fixture, "messages") >= 30);
}

static void test_tls_with_a_cipher_of_either_version(void **state)
{
    static const char *const ciphers[] = {"TLS_CHACHA20_POLY1305_SHA256",
                                          "ECDHE-ECDSA-AES128-GCM-SHA256"};
    bench_fixture_t *fixture = *state;

    peer_start_tls(fixture, PEER_UV_TLS_ECHO, NULL);
    for (size_t i = 0; i < 2; i++) {
        REPORT(fixture, "rate", "--rate", "1000", "--messages", "50", "--warmup", "0",
               "--cipher", ciphers[i]);
        assert_string_equal(report_text(fixture, "cipher"), ciphers[i]);
        forget_report(fixture);
    }
    assert_int_equal(RUN(fixture, "echo", "--cipher", "ROT13"), 1);
    expect_error(fixture, "--cipher: ROT13: ");
}

static void test_tls_checks_the_certificate(void **state)
{
    bench_fixture_t *fixture = *state;
    char own[CERTIFICATE_PATH], other[CERTIFICATE_PATH];

    peer_start_tls(fixture, PEER_UV_TLS_ECHO, NULL);
    certificate_path(fixture, CERTIFICATE, own);
    REPORT(fixture, "echo", "--messages", "50", "--warmup", "0", "--ca", own);
    assert_true(report_checked(fixture));
    certificate_make(fixture, "other", "IP:127.0.0.1");
    certificate_path(fixture, "other", other);
    assert_int_equal(RUN(fixture, "echo", "--ca", other), 1);
    expect_error(fixture, "connection 0: TLS: certificate verify failed: ");
    assert_int_equal(RUN(fixture, "echo", "--ca", "/nowhere"), 1);
    expect_error(fixture, "--ca: cannot read /nowhere");
}

static void test_tls_checks_whose_certificate_it_is(void **state)
{
    bench_fixture_t *fixture = *state;
    char own[CERTIFICATE_PATH];

    certificate_make(fixture, CERTIFICATE, "IP:127.0.0.2,DNS:elsewhere.example");
    peer_start_tls(fixture, PEER_UV_TLS_ECHO, NULL);
    certificate_path(fixture, CERTIFICATE, own);
    assert_int_equal(RUN(fixture, "echo", "--ca", own), 1);
    expect_error(fixture, "IP address mismatch");
}

static void test_tls_resumes_sessions_on_request(void **state)
{
    static const char *const versions[] = {"1.2", "1.3"};
    bench_fixture_t *fixture = *state;

    peer_start_tls(fixture, PEER_UV_TLS_ECHO, NULL);
    for (size_t i = 0; i < 2; i++) {
        REPORT(fixture, "connect", "--total", "60", "--tls", versions[i], "--at-once",
               "9");
        assert_int_equal(report_number(fixture, "resumed"), 0);
        forget_report(fixture);
        REPORT(fixture, "connect", "--total", "200", "--tls", versions[i], "--at-once",
               "9", "--resume");
        assert_int_equal(report_number(fixture, "resumed"), 200);
        forget_report(fixture);
    }
}

static void test_tls_says_that_a_server_resumes_nothing(void **state)
{
    bench_fixture_t *fixture = *state;

    peer_start_tls(fixture, PEER_UV_TLS_ECHO, "--no-resume");
    assert_int_equal(RUN(fixture, "connect", "--total", "10", "--resume"), 1);
    expect_error(fixture, "no session was resumed");
}

static void test_tls_connect_leaves_no_descriptor(void **state)
{
    static const char *const ways[] = {"--at-once=20", "--abort"};
    bench_fixture_t *fixture = *state;
    char pid[16];

    peer_start_tls(fixture, PEER_UV_TLS_ECHO, NULL);
    for (size_t i = 0; i < 2; i++) {
        REPORT(fixture, "connect", "--total", "100", ways[i], "--pid",
               pid_of(fixture, pid));
        assert_int_equal(report_number(fixture, "total"), 100);
        assert_int_equal(report_number(fixture, "server_descriptors_after"),
                         report_number(fixture, "server_descriptors_before"));
        forget_report(fixture);
    }
}

static void test_tls_idle_reports_memory(void **state)
{
    bench_fixture_t *fixture = *state;
    char pid[16];

    peer_start_tls(fixture, PEER_UV_TLS_ECHO, NULL);
    REPORT(fixture, "idle", "--connections", "100", "--seconds", "0.1", "--pid",
           pid_of(fixture, pid));
    assert_true(report_number(fixture, "server_bytes_per_connection") > 0);
}

static void test_tls_finds_a_server_that_does_not_speak_it(void **state)
{
    bench_fixture_t *fixture = *state;

    peer_start(fixture, PEER_UV_ECHO, NULL); /* returns the hello */
    url_of_scheme(fixture, "tcps");
    assert_int_equal(RUN(fixture, "echo", "--connections", "1"), 1);
    expect_error(fixture, "connection 0: TLS: ");
}

static void test_tls_finds_a_server_that_closes_in_the_handshake(void **state)
{
    bench_fixture_t *fixture = *state;

    peer_start(fixture, FAULTY_PEER, "hang-up");
    url_of_scheme(fixture, "wss");
    assert_int_equal(RUN(fixture, "echo", "--connections", "1"), 1);
    expect_error(fixture, " during the handshake of TLS");
}

static void test_tls_echo_on_websocket(void **state)
{
    static const char *const versions[] = {"1.2", "1.3"};
    bench_fixture_t *fixture = *state;
    char pid[16];

    reef_start_on(fixture, ECHO_EXAMPLE, "wss", "wss.dev=true");
    url_of_scheme(fixture, "wss");
    for (size_t i = 0; i < 2; i++) {
        REPORT(fixture, "echo", "--connections", "20", "--pipeline", "16", "--messages",
               "2000", "--warmup", "10", "--tls", versions[i]);
        assert_true(report_number(fixture, "messages") >= 2000);
        forget_report(fixture);
        REPORT(fixture, "connect", "--total", "60", "--tls", versions[i], "--resume",
               "--pid", pid_of(fixture, pid));
        assert_int_equal(report_number(fixture, "resumed"), 60);
        assert_int_equal(report_number(fixture, "server_descriptors_after"),
                         report_number(fixture, "server_descriptors_before"));
        forget_report(fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_tls_echo_in_each_version),
        TEST(test_tls_echo_of_messages_longer_than_a_record),
        TEST(test_tls_with_a_cipher_of_either_version),
        TEST(test_tls_checks_the_certificate),
        TEST(test_tls_checks_whose_certificate_it_is),
        TEST(test_tls_resumes_sessions_on_request),
        TEST(test_tls_says_that_a_server_resumes_nothing),
        TEST(test_tls_connect_leaves_no_descriptor),
        TEST(test_tls_idle_reports_memory),
        TEST(test_tls_finds_a_server_that_does_not_speak_it),
        TEST(test_tls_finds_a_server_that_closes_in_the_handshake),
        TEST(test_tls_echo_on_websocket),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
