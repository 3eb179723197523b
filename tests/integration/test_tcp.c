/* TCP beside other clients: framings with a client of another make, addresses, the end.
 */
#include "socket.h"
#include "tcp_fixture.h"
#include "tls_client.h"

#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

enum {
    MESSAGES = 200
};

static const char *const manners[] = {"together", "each", "bytewise"};

static void start(server_t *server, const char *framing)
{
    char setting[64];

    snprintf(setting, sizeof(setting), "tcp.framing=%s", framing);
    SERVER_START(server, ECHO_EXAMPLE, setting, "tcp.listen=127.0.0.1:0");
}

static const char *address_of(server_t *server)
{
    static char address[64];

    snprintf(address, sizeof(address), "127.0.0.1:%d",
             tcp_fixture_port(server, "tcp", "127.0.0.1"));
    return address;
}

/* Framings ------------------------------------------------------------------------- */

/* N messages, however they are cut, and the end: N answers, and the end. */
static void expect_all_back(void **state, const char *framing)
{
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    server_base_line_t before;
    double received = 0;

    start(server, framing);
    before = server_base_line(server);
    for (size_t i = 0; i < COUNT_OF(manners); i++) {
        assert_int_equal(tcp_fixture_run_client(address_of(server), framing, "echo",
                                                MESSAGES, manners[i]),
                         MESSAGES);
    }
    server_await_base_line(server, before);
    received = admin_metric(server, "reef_messages_received_total");
    if (strcmp(framing, "raw") != 0) {
        assert_int_equal(received, (int)COUNT_OF(manners) * MESSAGES);
    }
    assert_true(admin_metric(server, "reef_tcp_protocol_errors_total") == 0);
}

static void test_tcp_varint_messages_come_back(void **state)
{
    expect_all_back(state, "varint");
}

static void test_tcp_u32_messages_come_back(void **state)
{
    expect_all_back(state, "u32");
}

static void test_tcp_lines_come_back(void **state)
{
    expect_all_back(state, "lines");
}

static void test_tcp_raw_bytes_come_back(void **state)
{
    expect_all_back(state, "raw");
}

/* socat is yet another client. */
static void test_tcp_lines_of_socat_come_back(void **state)
{
    fixture_t *fixture = *state;
    char command[256];
    char answer[64] = "";
    FILE *socat;

    if (SOCAT[0] == '\0') {
        skip();
    }
    start(&fixture->server, "lines");
    snprintf(command, sizeof(command),
             "printf 'one\\r\\n\\ntwo\\n' | %s -t 60 - TCP:%s", SOCAT,
             address_of(&fixture->server));
    socat = popen(command, "r");
    assert_non_null(socat);
    assert_int_equal(fread(answer, 1, sizeof(answer) - 1, socat), 8);
    assert_int_equal(pclose(socat), 0);
    assert_string_equal(answer, "one\ntwo\n");
}

/* TLS ------------------------------------------------------------------------------ */

static void expect_all_back_over_tls(void **state, const char *framing)
{
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    server_base_line_t before;
    char address[64];

    snprintf(address, sizeof(address), "tcp.framing=%s", framing);
    SERVER_START(server, ECHO_EXAMPLE, address, "tcps.listen=127.0.0.1:0",
                 "tcps.dev=true");
    before = server_base_line(server);
    snprintf(address, sizeof(address), "tls:127.0.0.1:%d",
             tcp_fixture_port(server, "tcps", "127.0.0.1"));
    for (size_t i = 0; i < COUNT_OF(manners); i++) {
        assert_int_equal(
            tcp_fixture_run_client(address, framing, "echo", MESSAGES, manners[i]),
            MESSAGES);
    }
    server_await_base_line(server, before);
}

static void test_tcp_varint_messages_come_back_over_tls(void **state)
{
    expect_all_back_over_tls(state, "varint");
}

static void test_tcp_lines_come_back_over_tls(void **state)
{
    expect_all_back_over_tls(state, "lines");
}

static void test_tcp_sessions_tell_of_their_tls(void **state)
{
    static tls_client_t client;
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    cJSON *list;
    const cJSON *session;

    SERVER_START(server, ECHO_EXAMPLE, "tcp.framing=lines", "tcps.listen=127.0.0.1:0",
                 "tcps.dev=true", "tcps.ciphers=chacha20-poly1305");
    client = (tls_client_t){0};
    TLS_CLIENT_START(&client, tcp_fixture_port(server, "tcps", "127.0.0.1"), "-tls1_3");
    tls_client_say(&client, "here\n");
    assert_true(tls_client_await(&client, "here\n"));
    list = admin_get(server, "/api/v1/entities?query=session");
    session = cJSON_GetObjectItem(
        cJSON_GetObjectItem(cJSON_GetArrayItem(cJSON_GetObjectItem(list, "items"), 0),
                            "components"),
        "session");
    assert_string_equal(admin_text(session, "transport"), "tcp");
    assert_true(cJSON_IsTrue(cJSON_GetObjectItem(session, "tls")));
    assert_string_equal(admin_text(session, "tls_version"), "TLSv1.3");
    assert_string_equal(admin_text(session, "cipher"), "TLS_CHACHA20_POLY1305_SHA256");
    cJSON_Delete(list);
    tls_client_finish(&client);
}

static void test_tcp_tls_client_sees_the_end_of_the_server(void **state)
{
    static tls_client_t client;
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;

    SERVER_START(server, ECHO_EXAMPLE, "tcp.framing=lines", "tcps.listen=127.0.0.1:0",
                 "tcps.dev=true");
    client = (tls_client_t){0};
    TLS_CLIENT_START(&client, tcp_fixture_port(server, "tcps", "127.0.0.1"), "-msg");
    tls_client_say(&client, "here\n");
    assert_true(tls_client_await(&client, "here\n"));
    process_signal(&server->process, SIGTERM);
    assert_true(tls_client_await(&client, "warning close_notify"));
    tls_client_finish(&client);
    assert_int_equal(process_wait(&server->process), 0);
}

/* Rooms ---------------------------------------------------------------------------- */

/* Someone on WebSocket sees every message of someone on TCP, and one leave. */
static const char token_setting[] = "auth.token=" ADMIN_TOKEN;

static void expect_all_seen(void **state, const char *framing, const char *transport)
{
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    ws_client_t *watcher = &fixture->clients[0];
    char address[64];
    char text[64];

    snprintf(text, sizeof(text), "tcp.framing=%s", framing);
    SERVER_START(server, REEFD, text, "tcp.listen=127.0.0.1:0", "tcp.payload=text",
                 "tcps.listen=127.0.0.1:0", "tcps.dev=true", token_setting,
                 "auth.exempt=websocket,tcp"); /* they are asked, and all are let in */
    snprintf(address, sizeof(address), "%s127.0.0.1:%d",
             strcmp(transport, "tcps") == 0 ? "tls:" : "",
             tcp_fixture_port(server, transport, "127.0.0.1"));
    ws_client_open_chat(watcher, server->port);
    ws_client_say(watcher, "/join reef");
    ws_client_expect_text(watcher, "[System] Joined room: reef");
    for (size_t i = 0; i < COUNT_OF(manners); i++) {
        int user = (int)i + 2;

        tcp_fixture_run_client(address, framing, "chat", 50, manners[i]);
        for (int k = 0; k < 50; k++) {
            snprintf(text, sizeof(text), "User %d: message %d", user, k);
            ws_client_expect_text(watcher, text);
        }
        snprintf(text, sizeof(text), "[System] User %d has left.", user);
        ws_client_expect_text(watcher, text);
        ws_client_expect_silence(watcher);
    }
}

static void test_tcp_varint_messages_and_one_leave_are_seen_by_others(void **state)
{
    expect_all_seen(state, "varint", "tcp");
}

static void test_tcp_u32_messages_and_one_leave_are_seen_by_others(void **state)
{
    expect_all_seen(state, "u32", "tcp");
}

static void test_tcp_lines_and_one_leave_are_seen_by_others(void **state)
{
    expect_all_seen(state, "lines", "tcp");
}

/* What comes in one piece with the end of the handshake, the end of the stream too. */
static void test_tcp_tls_messages_and_one_leave_are_seen_by_others(void **state)
{
    expect_all_seen(state, "varint", "tcps");
}

/* What a client waits for before it sends on comes as a message of its own. */
static void test_tcp_raw_reads_and_one_leave_are_seen_by_others(void **state)
{
    static const char *const messages[] = {"/join reef", "one", "two"};
    static const char *const answers[] = {"[System] Joined room: reef", "User 2: one",
                                          "User 2: two"};
    fixture_t *fixture = *state;
    ws_client_t *watcher = &fixture->clients[0];
    int client;

    SERVER_START(&fixture->server, REEFD, "tcp.listen=127.0.0.1:0", "tcp.framing=raw",
                 "tcp.payload=text");
    ws_client_open_chat(watcher, fixture->server.port);
    ws_client_say(watcher, "/join reef");
    ws_client_expect_text(watcher, "[System] Joined room: reef");
    client = socket_connect(tcp_fixture_port(&fixture->server, "tcp", "127.0.0.1"));
    for (size_t i = 0; i < COUNT_OF(messages); i++) {
        assert_true(socket_send(client, messages[i], strlen(messages[i])));
        tcp_fixture_expect(client, answers[i], strlen(answers[i]));
    }
    close(client);
    ws_client_expect_text(watcher, answers[1]);
    ws_client_expect_text(watcher, answers[2]);
    ws_client_expect_text(watcher, "[System] User 2 has left.");
    ws_client_expect_silence(watcher);
}

static void say(int client, const char *text)
{
    char frame[128];
    int size = snprintf(frame, sizeof(frame), "%c%s", (int)strlen(text), text);

    assert_true(socket_send(client, frame, (size_t)size));
}

static void expect_text(int client, const char *text)
{
    char frame[128];
    int size = snprintf(frame, sizeof(frame), "%c%s", (int)strlen(text), text);

    tcp_fixture_expect(client, frame, (size_t)size);
}

/* What is said to a room comes to each in the framing that it speaks. */
static void test_tcp_and_websocket_clients_share_a_room(void **state)
{
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    ws_client_t *other = &fixture->clients[0];
    int client;

    SERVER_START(server, REEFD, "tcp.listen=127.0.0.1:0", "tcp.payload=text");
    ws_client_open_chat(other, server->port);
    ws_client_say(other, "/join reef");
    ws_client_expect_text(other, "[System] Joined room: reef");
    client = socket_connect(tcp_fixture_port(server, "tcp", "127.0.0.1"));
    say(client, "/join reef");
    expect_text(client, "[System] Joined room: reef");
    say(client, "h\xc3\xa4llo");
    expect_text(client, "User 2: h\xc3\xa4llo");
    ws_client_expect_text(other, "User 2: h\xc3\xa4llo");
    ws_client_say(other, "you too");
    expect_text(client, "User 1: you too");
    ws_client_expect_text(other, "User 1: you too");
    close(client);
    ws_client_expect_text(other, "[System] User 2 has left.");
}

/* Addresses ------------------------------------------------------------------------ */

static bool has_ipv6(void)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6,
                                   .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int descriptor = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool has = descriptor >= 0 && bind(descriptor, (const struct sockaddr *)&address,
                                       sizeof(address)) == 0;

    if (descriptor >= 0) {
        close(descriptor);
    }
    return has;
}

static void test_tcp_listens_on_several_addresses(void **state)
{
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    char address[64];

    if (!has_ipv6()) {
        skip();
    }
    SERVER_START(server, ECHO_EXAMPLE, "tcp.listen=127.0.0.1:0, [::1]:0");
    snprintf(address, sizeof(address), "[::1]:%d",
             tcp_fixture_port(server, "tcp", "[::1]"));
    assert_int_equal(tcp_fixture_run_client(address, "varint", "echo", 10, "each"), 10);
    assert_int_equal(
        tcp_fixture_run_client(address_of(server), "varint", "echo", 10, "each"), 10);
}

/* A socket's file that nobody listens on, as a server leaves it that was killed. */
static void leave_socket_behind(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(strlen(path) < sizeof(address.sun_path));
    memcpy(address.sun_path, path, strlen(path));
    assert_int_equal(
        bind(descriptor, (const struct sockaddr *)&address, sizeof(address)), 0);
    close(descriptor);
}

static void test_tcp_listens_on_a_unix_socket(void **state)
{
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    char path[96];
    char address[128];
    char setting[160];
    struct stat file;

    server_path(server, "tcp.sock", path, sizeof(path));
    leave_socket_behind(path);
    snprintf(address, sizeof(address), "unix:%s", path);
    snprintf(setting, sizeof(setting), "tcp.listen=%s", address);
    SERVER_START(server, ECHO_EXAMPLE, setting);
    assert_int_equal(tcp_fixture_run_client(address, "varint", "echo", 10, "each"), 10);
    server_stop(server);
    assert_int_equal(stat(path, &file), -1);
}

/* Starting ------------------------------------------------------------------------- */

static void test_tcp_wrong_settings_are_refused_by_name(void **state)
{
    static const struct {
        const char *setting;
        const char *name;
    } cases[] = {
        {"tcp.listen=127.0.0.1", "tcp.listen"},
        {"tcp.listen=unix:relative", "tcp.listen"},
        {"tcp.listen=127.0.0.1:0,127.0.0.1:99999", "tcp.listen"},
        {"tcp.framing=json", "tcp.framing"},
        {"tcp.payload=texts", "tcp.payload"},
        {"tcp.max_message=15", "tcp.max_message"},
        {"tcp.max_message=67108865", "tcp.max_message"},
        {"tcp.max_sessions=0", "tcp.max_sessions"},
        {"tcp.max_sessions_per_address=x", "tcp.max_sessions_per_address"},
        {"tcp.max_queue=1", "tcp.max_queue"},
        {"tcp.idle_timeout_s=-1", "tcp.idle_timeout_s"},
        {"tcp.keepalive_s=7201", "tcp.keepalive_s"},
        {"tcp.message_timeout_s=86401", "tcp.message_timeout_s"},
        {"tcp.write_timeout_s=86401", "tcp.write_timeout_s"},
        {"tcp.close_timeout_ms=9", "tcp.close_timeout_ms"},
        {"tcp.backlog=0", "tcp.backlog"},
        {"tcp.frame=lines", "tcp.frame"},
        {"tcps.listen=127.0.0.1:70000", "tcps.listen"},
        {"tcps.listen=127.0.0.1:0", "tcps.cert"},
        {"tcps.ciphers=rot13", "tcps.ciphers"},
    };
    fixture_t *fixture = *state;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *const arguments[] = {REEFD, "--check-config", "--set",
                                         cases[i].setting, NULL};
        process_t *process = &fixture->server.process;

        process_start(process,
                      &(process_desc_t){.arguments = arguments,
                                        .directory = fixture->server.directory});
        assert_true(process_wait(process) > 0);
        if (strstr(process->errors.text, cases[i].name) == NULL) {
            fail_msg("%s: %s", cases[i].setting, process->errors.text);
        }
        process_kill(process);
        *process = (process_t){0};
    }
}

/* The end -------------------------------------------------------------------------- */

static void test_tcp_kicked_client_sees_the_end_and_others_stay(void **state)
{
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    int kicked;
    int other;
    int status;

    SERVER_START(server, ECHO_EXAMPLE, "tcp.listen=127.0.0.1:0");
    kicked = socket_connect(tcp_fixture_port(server, "tcp", "127.0.0.1"));
    say(kicked, "here");
    expect_text(kicked, "here");
    other = socket_connect(tcp_fixture_port(server, "tcp", "127.0.0.1"));
    say(other, "here");
    expect_text(other, "here");
    cJSON_Delete(
        admin_request(server, "POST", "/api/v1/clients/1:kick", NULL, &status));
    assert_int_equal(status, 200);
    tcp_fixture_expect_end(kicked);
    assert_true(admin_total(server, "/api/v1/clients") == 1);
    say(other, "still here");
    expect_text(other, "still here");
    close(kicked);
    close(other);
}

static void test_tcp_clients_see_the_end_of_the_server(void **state)
{
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    int client;

    SERVER_START(server, ECHO_EXAMPLE, "tcp.listen=127.0.0.1:0");
    client = socket_connect(tcp_fixture_port(server, "tcp", "127.0.0.1"));
    say(client, "here");
    expect_text(client, "here");
    process_signal(&server->process, SIGTERM);
    tcp_fixture_expect_end(client);
    close(client);
    assert_int_equal(process_wait(&server->process), 0);
}

static void test_tcp_session_says_what_it_is(void **state)
{
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    char local[64];
    cJSON *clients;
    cJSON *session;
    char path[160];
    int client;

    SERVER_START(server, ECHO_EXAMPLE, "tcp.listen=127.0.0.1:0");
    snprintf(local, sizeof(local), "%s", address_of(server));
    client = socket_connect(tcp_fixture_port(server, "tcp", "127.0.0.1"));
    say(client, "here");
    expect_text(client, "here");
    clients = admin_get(server, "/api/v1/clients");
    snprintf(path, sizeof(path), "/api/v1/entities/%s/components/session",
             admin_text(cJSON_GetArrayItem(
                            cJSON_GetObjectItemCaseSensitive(clients, "items"), 0),
                        "entity"));
    session = admin_get(server, path);
    assert_string_equal(admin_text(session, "transport"), "tcp");
    assert_string_equal(admin_text(session, "local"), local);
    assert_int_equal(strncmp(admin_text(session, "peer"), "127.0.0.1:", 10), 0);
    cJSON_Delete(session);
    cJSON_Delete(clients);
    close(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_tcp_varint_messages_come_back),
        TEST(test_tcp_u32_messages_come_back),
        TEST(test_tcp_lines_come_back),
        TEST(test_tcp_raw_bytes_come_back),
        TEST(test_tcp_lines_of_socat_come_back),
        TEST(test_tcp_varint_messages_come_back_over_tls),
        TEST(test_tcp_lines_come_back_over_tls),
        TEST(test_tcp_sessions_tell_of_their_tls),
        TEST(test_tcp_tls_client_sees_the_end_of_the_server),
        TEST(test_tcp_varint_messages_and_one_leave_are_seen_by_others),
        TEST(test_tcp_u32_messages_and_one_leave_are_seen_by_others),
        TEST(test_tcp_lines_and_one_leave_are_seen_by_others),
        TEST(test_tcp_tls_messages_and_one_leave_are_seen_by_others),
        TEST(test_tcp_raw_reads_and_one_leave_are_seen_by_others),
        TEST(test_tcp_and_websocket_clients_share_a_room),
        TEST(test_tcp_listens_on_several_addresses),
        TEST(test_tcp_listens_on_a_unix_socket),
        TEST(test_tcp_wrong_settings_are_refused_by_name),
        TEST(test_tcp_kicked_client_sees_the_end_and_others_stay),
        TEST(test_tcp_clients_see_the_end_of_the_server),
        TEST(test_tcp_session_says_what_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
