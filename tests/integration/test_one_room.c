/* Clients of every kind in one room, as a program of its own that is no part of this.
 */
#include "server_fixture.h"

#include <stdio.h>
#include <string.h>

enum {
    ADDRESS_SIZE = 64
};

static void await_address(fixture_t *fixture, const char *transport, char *address)
{
    char wanted[64];

    snprintf(wanted, sizeof(wanted), "transport=%s addr=", transport);
    process_await(&fixture->server.process, wanted, address, ADDRESS_SIZE);
}

static void test_one_room_holds_every_kind_of_client(void **state)
{
    static const char *const transports[] = {"websocket", "wss", "tcp", "udp"};
    fixture_t *fixture = *state;
    char addresses[4][ADDRESS_SIZE];
    process_t clients = {0};
    int code;

    SERVER_START(&fixture->server, ONE_ROOM_EXAMPLE, "wss.listen=127.0.0.1:0",
                 "tcp.listen=127.0.0.1:0", "udp.listen=127.0.0.1:0");
    for (size_t i = 0; i < 4; i++) {
        await_address(fixture, transports[i], addresses[i]);
    }
    process_start(&clients, &(process_desc_t){.directory = "/",
                                              .arguments = (const char *const[]){
                                                  PYTHON, ONE_ROOM_CLIENTS,
                                                  addresses[0], addresses[1],
                                                  addresses[2], addresses[3], NULL}});
    code = process_wait(&clients);
    if (code != 0) {
        print_error("%s", clients.errors.text);
    }
    process_kill(&clients);
    assert_int_equal(code, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_one_room_holds_every_kind_of_client),
    };

    return cmocka_run_group_tests_name("one_room", tests, NULL, NULL);
}
