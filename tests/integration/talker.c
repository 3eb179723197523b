/* WebSockets by ws_client.h, the others by plain sockets. */
#include "talker.h"

#include "tcp_fixture.h"

#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    MAX_SETTINGS = SERVER_MAX_SETTINGS,
    MAX_DATAGRAM = 65536,
};

void talker_start_server(server_t *server,
                         const char *program,
                         const char *const *settings)
{
    static const char *const own[] = {"tcp.listen=127.0.0.1:0", "tcp.framing=lines",
                                      "tcp.payload=text", "udp.listen=127.0.0.1:0",
                                      "udp.payload=text"};
    const char *all[MAX_SETTINGS + 1] = {NULL};
    size_t count = 0;

    for (; count < sizeof(own) / sizeof(own[0]); count++) {
        all[count] = own[count];
    }
    for (; *settings != NULL; settings++) {
        assert_true(count < MAX_SETTINGS);
        all[count++] = *settings;
    }
    server_start(server, program, all);
}

static int connect_udp(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    assert_true(descriptor >= 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(descriptor, (struct sockaddr *)&address, sizeof(address)),
                     0);
    return descriptor;
}

const char *talker_plugins(talker_kind_t kind, const char *plugins)
{
    static char all[256];

    snprintf(all, sizeof(all), "%s%s", plugins, kind == TALKER_V1 ? ",spatial" : "");
    return all;
}

/* The server's hello is its first message. */
static void open_v1(ws_client_t *client, uint16_t port)
{
    char head[1024];
    char protocol[16] = "";
    ws_frame_t frame;

    ws_client_open_with(client, port, "Sec-WebSocket-Protocol: reef.v1\r\n", head,
                        sizeof(head));
    assert_true(ws_client_head_value(head, "Sec-WebSocket-Protocol", protocol,
                                     sizeof(protocol)));
    assert_string_equal(protocol, "reef.v1");
    ws_client_receive(client, &frame);
    assert_int_equal(frame.opcode, WS_BINARY);
}

static bool is_websocket(const talker_t *talker)
{
    return talker->kind == TALKER_WEBSOCKET || talker->kind == TALKER_V1;
}

void talker_open(talker_t *talker, server_t *server, talker_kind_t kind)
{
    *talker = (talker_t){.kind = kind, .is_open = true, .descriptor = -1};
    if (kind == TALKER_WEBSOCKET) {
        ws_client_open(&talker->ws, server->port);
    } else if (kind == TALKER_V1) {
        open_v1(&talker->ws, server->port);
    } else if (kind == TALKER_TCP) {
        talker->descriptor =
            socket_connect(tcp_fixture_port(server, "tcp", "127.0.0.1"));
    } else {
        talker->descriptor = connect_udp(tcp_fixture_port(server, "udp", "127.0.0.1"));
    }
}

void talker_open_chat(talker_t *talker, server_t *server, talker_kind_t kind)
{
    talker_open(talker, server, kind);
    talker_say(talker, "/leave");
    talker_expect(talker, "[Error] You are not in a room.");
}

void talker_close(talker_t *talker)
{
    if (talker->is_open && is_websocket(talker)) {
        ws_client_drop(&talker->ws);
    } else if (talker->is_open) {
        close(talker->descriptor);
    }
    talker->is_open = false;
}

void talker_say(talker_t *talker, const char *text)
{
    char line[4096];
    int size;

    if (is_websocket(talker)) {
        ws_client_say(&talker->ws, text);
        return;
    }
    size = snprintf(line, sizeof(line), "%s%s", text,
                    talker->kind == TALKER_TCP ? "\n" : "");
    assert_in_range(size, 1, sizeof(line) - 1);
    assert_true(socket_send(talker->descriptor, line, (size_t)size));
}

void talker_expect(talker_t *talker, const char *text)
{
    char heard[MAX_DATAGRAM + 1];

    if (is_websocket(talker)) {
        ws_client_expect_text(&talker->ws, text);
    } else if (talker->kind == TALKER_TCP) {
        size_t size = (size_t)snprintf(heard, sizeof(heard), "%s\n", text);

        tcp_fixture_expect(talker->descriptor, heard, size);
    } else {
        size_t size = socket_receive(talker->descriptor, heard, MAX_DATAGRAM);

        heard[size] = '\0';
        assert_string_equal(heard, text);
    }
}

void talker_expect_silence(talker_t *talker)
{
    talker_say(talker, "/nothing");
    talker_expect(talker, "[Error] Unknown command: /nothing");
}

void talker_join(talker_t *talker, const char *room)
{
    char text[256];

    snprintf(text, sizeof(text), "/join %s", room);
    talker_say(talker, text);
    snprintf(text, sizeof(text), "[System] Joined room: %s", room);
    talker_expect(talker, text);
}
