/* The client is a process of its own; PYTHON3, TCP_CLIENT and WSS_CLIENT come from
 * CMake. */
#include "tcp_fixture.h"

#include "process.h"
#include "socket.h"

#include <stdio.h>

uint16_t tcp_fixture_port(server_t *server, const char *transport, const char *host)
{
    char text[96];
    char port[64];

    snprintf(text, sizeof(text), "msg=listening transport=%s addr=%s:", transport,
             host);
    process_await(&server->process, text, port, sizeof(port));
    return (uint16_t)strtoul(port, NULL, 10);
}

/* Returns the number that it prints. */
static int run(const char *const *arguments)
{
    process_t *client = calloc(1, sizeof(*client));
    int printed;
    int code;

    assert_non_null(client);
    process_start(client, &(process_desc_t){.arguments = arguments, .directory = "/"});
    code = process_wait(client);
    if (code != 0) {
        fail_msg("the client ended with %d; it had said:\n%s", code,
                 client->errors.text);
    }
    printed = (int)strtol(client->output.text, NULL, 10);
    process_kill(client);
    free(client);
    return printed;
}

int tcp_fixture_run_client(const char *address,
                           const char *framing,
                           const char *what,
                           int count,
                           const char *manner)
{
    char count_text[16];

    snprintf(count_text, sizeof(count_text), "%d", count);
    return run((const char *const[]){PYTHON3, TCP_CLIENT, address, framing, what,
                                     count_text, manner, NULL});
}

int tcp_fixture_run_websocket_client(const char *address, int count, const char *manner)
{
    char count_text[16];

    snprintf(count_text, sizeof(count_text), "%d", count);
    return run(
        (const char *const[]){PYTHON3, WSS_CLIENT, address, count_text, manner, NULL});
}

void tcp_fixture_expect(int descriptor, const void *expected, size_t size)
{
    uint8_t received[4096];
    size_t at = 0;

    assert_true(size <= sizeof(received));
    while (at < size) {
        size_t count = socket_receive(descriptor, received + at, size - at);

        assert_true(count > 0);
        at += count;
    }
    assert_memory_equal(received, expected, size);
}

void tcp_fixture_expect_end(int descriptor)
{
    uint8_t byte;

    assert_int_equal(socket_receive(descriptor, &byte, 1), 0);
}
