/* WebSocket over TLS, with clients that are not ours: OpenSSL's, and curl. */
#include "tcp_fixture.h"
#include "wss_client.h"

#include <reef/crypto.h>

#include <sched.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

static wss_client_t secure[2];

static int start(void **state)
{
    memset(secure, 0, sizeof(secure));
    return setup(state);
}

static int stop(void **state)
{
    for (size_t i = 0; i < 2; i++) {
        wss_client_drop(&secure[i]);
    }
    return teardown(state);
}

#define SECURE_TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

static void expect_service(ws_client_t *client)
{
    ws_client_say(client, "still here?");
    ws_client_expect_text(client, "still here?");
}

/* Messages --------------------------------------------------------------------- */

static void echo_all_sizes(ws_client_t *client)
{
    static const size_t sizes[] = {0, 1, 125, 126, 16383, 16384, 16385, 70000, 300000};
    static uint8_t payload[300000];

    for (size_t i = 0; i < sizeof(payload); i++) {
        payload[i] = (uint8_t)(i * 31 >> 3);
    }
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        ws_client_send(client, WS_FIN | WS_BINARY, payload, sizes[i]);
        ws_client_expect(client, WS_BINARY, payload, sizes[i]);
    }
}

static void test_wss_echoes_every_size_in_both_versions(void **state)
{
    fixture_t *fixture = *state;
    tls_files_t files;
    uint16_t port = WSS_START(&fixture->server, ECHO_EXAMPLE, &files, NULL);

    WSS_CLIENT_OPEN(&secure[0], port, "-tls1_2");
    WSS_CLIENT_OPEN(&secure[1], port, "-tls1_3");
    echo_all_sizes(&secure[0].ws);
    echo_all_sizes(&secure[1].ws);
    for (int i = 0; i < 2; i++) {
        ws_client_send(&secure[i].ws, WS_FIN | WS_CLOSE, "\x03\xe8", 2);
        ws_client_expect_close(&secure[i].ws, 1000, NULL);
        ws_client_expect_end(&secure[i].ws);
    }
}

static void test_wss_echoes_with_every_cipher(void **state)
{
    static const struct {
        const char *version, *option, *cipher, *setting;
    } cases[] = {
        {"-tls1_3", "-ciphersuites", "TLS_AES_128_GCM_SHA256", "aes-128-gcm"},
        {"-tls1_3", "-ciphersuites", "TLS_AES_256_GCM_SHA384", "aes-256-gcm"},
        {"-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256", "aes-128-gcm"},
        {"-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384", "aes-256-gcm"},
    };
    fixture_t *fixture = *state;
    tls_files_t files;
    uint16_t port = WSS_START(&fixture->server, ECHO_EXAMPLE, &files, NULL);

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        WSS_CLIENT_OPEN(&secure[0], port, cases[i].version, cases[i].option,
                        cases[i].cipher);
        echo_all_sizes(&secure[0].ws);
        wss_client_drop(&secure[0]);
    }
}

/* More than the system's buffers take goes out, in order, when the client reads. */
static void test_wss_waits_for_a_client_that_reads_late(void **state)
{
    enum {
        COUNT = 200
    };
    fixture_t *fixture = *state;
    static char text[65536];
    tls_files_t files;
    uint16_t port =
        WSS_START(&fixture->server, ECHO_EXAMPLE, &files,
                  "websocket.max_queue=67108864", "server.inbox_bytes=67108864");

    WSS_CLIENT_OPEN(&secure[0], port, NULL);
    for (int i = 0; i < COUNT; i++) {
        text[0] = (char)i;
        ws_client_send(&secure[0].ws, WS_FIN | WS_BINARY, text, sizeof(text));
    }
    for (int i = 0; i < COUNT; i++) {
        text[0] = (char)i;
        ws_client_expect(&secure[0].ws, WS_BINARY, text, sizeof(text));
    }
}

/* Request, messages, close frame and the end of all in one piece, more than the inbox
 * takes at once: all are answered, and TLS ends as the stream does. */
static void test_wss_answers_what_came_with_the_end(void **state)
{
    static const char *const manners[] = {"plain", "deflate"};
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    tls_files_t files;
    char address[64];

    WSS_START(server, ECHO_EXAMPLE, &files, "server.inbox_messages=8",
              "websocket.permessage_deflate=true");
    for (int is_secure = 0; is_secure < 2; is_secure++) {
        snprintf(address, sizeof(address), "%s127.0.0.1:%d", is_secure ? "tls:" : "",
                 is_secure ? server_await_port(server, "wss") : server->port);
        for (size_t i = 0; i < sizeof(manners) / sizeof(manners[0]); i++) {
            assert_int_equal(tcp_fixture_run_websocket_client(address, 300, manners[i]),
                             300);
        }
    }
}

static void test_wss_clients_share_a_room_with_others(void **state)
{
    fixture_t *fixture = *state;
    ws_client_t *plain = &fixture->clients[0];
    tls_files_t files;
    uint16_t port = WSS_START(&fixture->server, REEFD, &files, NULL);

    WSS_CLIENT_OPEN(&secure[0], port, NULL);
    ws_client_say(&secure[0].ws, "/join reef");
    ws_client_expect_text(&secure[0].ws, "[System] Joined room: reef");
    ws_client_open(plain, fixture->server.port);
    ws_client_say(plain, "/join reef");
    ws_client_expect_text(plain, "[System] Joined room: reef");
    ws_client_say(plain, "hello");
    ws_client_expect_text(&secure[0].ws, "User 2: hello");
    ws_client_expect_text(plain, "User 2: hello");
    ws_client_say(&secure[0].ws, "hi");
    ws_client_expect_text(plain, "User 1: hi");
}

static void test_wss_sessions_tell_of_their_tls(void **state)
{
    fixture_t *fixture = *state;
    tls_files_t files;
    uint16_t port =
        WSS_START(&fixture->server, ECHO_EXAMPLE, &files, "wss.ciphers=aes-256-gcm");
    cJSON *list;
    const cJSON *session;

    WSS_CLIENT_OPEN(&secure[0], port, "-tls1_3");
    expect_service(&secure[0].ws);
    list = admin_get(&fixture->server, "/api/v1/entities?query=session");
    session = cJSON_GetObjectItem(
        cJSON_GetObjectItem(cJSON_GetArrayItem(cJSON_GetObjectItem(list, "items"), 0),
                            "components"),
        "session");
    assert_string_equal(admin_text(session, "transport"), "wss");
    assert_true(cJSON_IsTrue(cJSON_GetObjectItem(session, "tls")));
    assert_string_equal(admin_text(session, "tls_version"), "TLSv1.3");
    assert_string_equal(admin_text(session, "cipher"), "TLS_AES_256_GCM_SHA384");
    cJSON_Delete(list);
    list = admin_get(&fixture->server, "/api/v1/clients");
    session = cJSON_GetArrayItem(cJSON_GetObjectItem(list, "items"), 0);
    assert_string_equal(admin_text(session, "tls"), "TLSv1.3");
    assert_string_equal(admin_text(session, "cipher"), "TLS_AES_256_GCM_SHA384");
    cJSON_Delete(list);
}

/* Handshakes ------------------------------------------------------------------- */

static void test_wss_refuses_what_is_older_or_weak(void **state)
{
    fixture_t *fixture = *state;
    tls_files_t files;
    uint16_t port = WSS_START(&fixture->server, ECHO_EXAMPLE, &files, NULL);
    tls_client_t *client = &secure[0].tls;

    TLS_CLIENT_START(client, port, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0");
    assert_true(tls_client_await(client, "Cipher is (NONE)"));
    tls_client_finish(client);
    TLS_CLIENT_START(client, port, "-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA");
    assert_true(tls_client_await(client, "Cipher is (NONE)"));
    tls_client_finish(client);
    TLS_CLIENT_START(client, port, "-alpn", "h2");
    assert_true(tls_client_await(client, "Cipher is (NONE)"));
    tls_client_finish(client);
    assert_int_equal(
        admin_metric(&fixture->server, "reef_tls_handshake_failures_total"), 3);
}

static void resume(server_t *server, uint16_t port, const char *version)
{
    tls_client_t *client = &secure[0].tls;
    char path[TLS_CLIENT_PATH];

    server_path(server, "session.pem", path, sizeof(path));
    TLS_CLIENT_START(client, port, version, "-sess_out", path);
    assert_true(tls_client_await(client, "New, TLSv1"));
    assert_true(tls_client_await(client, "TLS session ticket:"));
    tls_client_finish(client);
    TLS_CLIENT_START(client, port, version, "-sess_in", path);
    assert_true(tls_client_await(client, "Reused, TLSv1"));
    tls_client_finish(client);
}

static void test_wss_resumes_sessions_in_both_versions(void **state)
{
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    tls_files_t files;
    uint16_t port = WSS_START(server, ECHO_EXAMPLE, &files, NULL);

    resume(server, port, "-tls1_2");
    resume(server, port, "-tls1_3");
    assert_int_equal(
        admin_metric(server, "reef_tls_handshakes_total{resumed=\"true\"}"), 2);
    assert_int_equal(
        admin_metric(server, "reef_tls_handshakes_total{resumed=\"false\"}"), 2);
}

static void test_wss_does_not_renegotiate(void **state)
{
    fixture_t *fixture = *state;
    tls_files_t files;
    uint16_t port = WSS_START(&fixture->server, ECHO_EXAMPLE, &files, NULL);
    tls_client_t *client = &secure[0].tls;

    WSS_CLIENT_OPEN(&secure[1], port, NULL);
    TLS_CLIENT_START(client, port, "-tls1_2");
    assert_true(tls_client_await(client, "New, TLSv1.2"));
    tls_client_say(client, "R\n");
    tls_client_finish(client); /* the server has hung up */
    expect_service(&secure[1].ws);
    assert_int_equal(
        admin_metric(&fixture->server, "reef_tls_handshake_failures_total"), 1);
}

static void test_wss_speaks_to_curl(void **state)
{
    fixture_t *fixture = *state;
    process_t curl = {0};
    tls_files_t files;
    uint16_t port = WSS_START(&fixture->server, ECHO_EXAMPLE, &files, NULL);
    char url[64];
    char rest[256];
    const char *arguments[] = {"/usr/bin/env",
                               "curl",
                               "--silent",
                               "--verbose",
                               "--http1.1",
                               "--insecure",
                               "--header",
                               "Upgrade: websocket",
                               "--header",
                               "Connection: Upgrade",
                               "--header",
                               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
                               "--header",
                               "Sec-WebSocket-Version: 13",
                               url,
                               NULL};

    snprintf(url, sizeof(url), "https://127.0.0.1:%u/", port);
    process_start(&curl, &(process_desc_t){.arguments = arguments,
                                           .directory = fixture->server.directory});
    process_await(&curl, "ALPN: server accepted http/1.1", rest, sizeof(rest));
    process_await(&curl, "< HTTP/1.1 101", rest, sizeof(rest));
    process_await(&curl, "Sec-WebSocket-Accept: ", rest, sizeof(rest));
    assert_non_null(strstr(rest, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    process_kill(&curl);
}

/* Certificates ----------------------------------------------------------------- */

/* What a new client is shown. */
static void expect_shown(uint16_t port, const char *name)
{
    tls_client_t *client = &secure[1].tls;
    char subject[64];

    snprintf(subject, sizeof(subject), "%s, CN", name); /* as any version prints it */
    TLS_CLIENT_START(client, port, NULL);
    assert_true(tls_client_await(client, subject));
    tls_client_finish(client);
}

/* Put other files where the server has found those of before. */
static void replace_files(server_t *server, const tls_files_t *files, const char *name)
{
    tls_files_t others;

    tls_files_make(&others, server->directory, name, "10");
    assert_int_equal(rename(others.cert, files->cert), 0);
    assert_int_equal(rename(others.key, files->key), 0);
}

static void test_wss_reloads_for_new_clients_and_keeps_the_old(void **state)
{
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    tls_files_t files;
    uint16_t port = WSS_START(server, ECHO_EXAMPLE, &files, NULL);
    char rest[256];

    WSS_CLIENT_OPEN(&secure[0], port, NULL);
    expect_shown(port, "first");
    replace_files(server, &files, "second");
    process_signal(&server->process, SIGHUP);
    process_await(&server->process, "msg=certificate subject=\"/O=second", rest,
                  sizeof(rest));
    expect_shown(port, "second");
    expect_service(&secure[0].ws);
}

static void test_wss_keeps_its_certificate_when_the_new_one_is_broken(void **state)
{
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    tls_files_t files;
    uint16_t port = WSS_START(server, ECHO_EXAMPLE, &files, NULL);
    char rest[256];
    FILE *file;

    WSS_CLIENT_OPEN(&secure[0], port, NULL);
    file = fopen(files.key, "we");
    fputs("nonsense\n", file);
    fclose(file);
    process_signal(&server->process, SIGHUP);
    process_await(&server->process, "certificate not reloaded", rest, sizeof(rest));
    assert_non_null(strstr(rest, "wss.key"));
    expect_shown(port, "first");
    expect_service(&secure[0].ws);
}

static void test_wss_reload_also_reads_the_log_level(void **state)
{
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    char path[TLS_CLIENT_PATH];
    char rest[256];
    const char *arguments[] = {ECHO_EXAMPLE, "--config", "reef.ini", NULL};
    FILE *file;

    server_path(server, "reef.ini", path, sizeof(path));
    file = fopen(path, "we");
    fputs("[websocket]\nlisten = 127.0.0.1:0\n[admin]\nlisten = 127.0.0.1:0\n", file);
    fclose(file);
    process_start(&server->process, &(process_desc_t){.arguments = arguments,
                                                      .directory = server->directory});
    server->port = server_await_port(server, "websocket");
    process_await(&server->process, "transport=admin", rest, sizeof(rest));
    file = fopen(path, "ae");
    fputs("[log]\nlevel = info,websocket=debug\n", file);
    fclose(file);
    process_signal(&server->process, SIGHUP);
    process_await(&server->process, "msg=reloading", rest, sizeof(rest));
    ws_client_connect(&fixture->clients[0], server->port);
    ws_client_send_raw(&fixture->clients[0], "?\r\n\r\n", 5);
    process_await(&server->process, "level=debug module=websocket", rest, sizeof(rest));
}

/* The hash that is printed, listed and sent is one. */
static void test_wss_dev_makes_a_certificate_and_tells_its_hash(void **state)
{
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    cJSON *reply;
    const cJSON *certificate;
    char logged[256];
    uint16_t port;

    SERVER_START(server, ECHO_EXAMPLE, "wss.listen=127.0.0.1:0", "wss.dev=true");
    port = server_await_port(server, "wss");
    process_await(&server->process, "module=wss msg=certificate", logged,
                  sizeof(logged));
    reply = admin_get(server, "/api/v1/server");
    certificate = cJSON_GetArrayItem(cJSON_GetObjectItem(reply, "certificates"), 0);
    assert_string_equal(admin_text(certificate, "transport"), "wss");
    assert_true(cJSON_IsTrue(cJSON_GetObjectItem(certificate, "dev")));
    assert_int_equal(strlen(admin_text(certificate, "sha256")), 64);
    assert_non_null(strstr(logged, admin_text(certificate, "sha256")));
    WSS_CLIENT_OPEN(&secure[0], port, NULL);
    expect_service(&secure[0].ws);
    wss_client_drop(&secure[0]);
    server_stop(server); /* then all that it has printed is here */
    assert_non_null(
        strstr(server->process.output.text, admin_text(certificate, "sha256")));
    cJSON_Delete(reply);
}

/* Starts ----------------------------------------------------------------------- */

static void test_wss_without_an_address_the_log_warns(void **state)
{
    fixture_t *fixture = *state;
    char rest[256];

    SERVER_START(&fixture->server, ECHO_EXAMPLE, "wss.dev=true");
    process_await(&fixture->server.process, "level=warn module=wss", rest,
                  sizeof(rest));
    assert_non_null(strstr(rest, "set wss.listen"));
}

/* It must end with 1 and say @p text. */
static void
expect_refusal(fixture_t *fixture, const char *const *settings, const char *text)
{
    process_t *process = &fixture->server.process;
    const char *arguments[24] = {ECHO_EXAMPLE,
                                 "--set",
                                 "websocket.listen=127.0.0.1:0",
                                 "--set",
                                 "admin.listen=127.0.0.1:0",
                                 "--set",
                                 "wss.listen=127.0.0.1:0"};
    size_t count = 7;

    for (; *settings != NULL; settings++) {
        arguments[count++] = "--set";
        arguments[count++] = *settings;
    }
    process_start(process, &(process_desc_t){.arguments = arguments,
                                             .directory = fixture->server.directory});
    assert_int_equal(process_wait(process), 1);
    if (strstr(process->errors.text, text) == NULL) {
        fail_msg("expected '%s', got:\n%s", text, process->errors.text);
    }
    process_kill(process);
}

#define EXPECT_REFUSAL(fixture, text, ...)                                             \
    expect_refusal((fixture), (const char *const[]){__VA_ARGS__, NULL}, (text))

static void test_wss_start_says_what_is_to_be_set(void **state)
{
    fixture_t *fixture = *state;

    EXPECT_REFUSAL(fixture, "wss.listen: needs a certificate: set wss.cert", NULL);
    EXPECT_REFUSAL(fixture, "wss.dev: makes a certificate of its own", "wss.dev=true",
                   "wss.cert=a.pem", "wss.key=a.key");
    EXPECT_REFUSAL(fixture, "wss.cert: a.pem: No such file", "wss.cert=a.pem",
                   "wss.key=a.key");
    EXPECT_REFUSAL(fixture, "wss.ciphers: 'des'", "wss.dev=true", "wss.ciphers=des");
}

/* A certificate whose last second is over.  One of a negative number of days is not
 * made by every version of OpenSSL, so this one was valid for a moment. */
static void make_expired(tls_files_t *files, const char *directory)
{
    time_t made;

    tls_files_make(files, directory, "expired", "0");
    made = time(NULL);
    while (time(NULL) == made) {
        sched_yield();
    }
}

static void test_wss_start_refuses_a_certificate_that_is_of_no_use(void **state)
{
    fixture_t *fixture = *state;
    const char *directory = fixture->server.directory;
    tls_files_t expired;
    tls_files_t other;

    make_expired(&expired, directory);
    tls_files_make(&other, directory, "other", "10");
    EXPECT_REFUSAL(fixture, "expired on", "wss.cert=expired.pem",
                   "wss.key=expired.key");
    EXPECT_REFUSAL(fixture, "wss.key: expired.key: does not belong",
                   "wss.cert=other.pem", "wss.key=expired.key");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SECURE_TEST(test_wss_echoes_every_size_in_both_versions),
        SECURE_TEST(test_wss_echoes_with_every_cipher),
        SECURE_TEST(test_wss_waits_for_a_client_that_reads_late),
        SECURE_TEST(test_wss_answers_what_came_with_the_end),
        SECURE_TEST(test_wss_clients_share_a_room_with_others),
        SECURE_TEST(test_wss_sessions_tell_of_their_tls),
        SECURE_TEST(test_wss_refuses_what_is_older_or_weak),
        SECURE_TEST(test_wss_resumes_sessions_in_both_versions),
        SECURE_TEST(test_wss_does_not_renegotiate),
        SECURE_TEST(test_wss_speaks_to_curl),
        SECURE_TEST(test_wss_reloads_for_new_clients_and_keeps_the_old),
        SECURE_TEST(test_wss_keeps_its_certificate_when_the_new_one_is_broken),
        SECURE_TEST(test_wss_reload_also_reads_the_log_level),
        SECURE_TEST(test_wss_without_an_address_the_log_warns),
        SECURE_TEST(test_wss_dev_makes_a_certificate_and_tells_its_hash),
        SECURE_TEST(test_wss_start_says_what_is_to_be_set),
        SECURE_TEST(test_wss_start_refuses_a_certificate_that_is_of_no_use),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
