/* Requests and the world thread: how long they wait, and for whom. */
#include "http_app.h"
#include "socket.h"
#include "test.h"

#include <reef/mailbox.h>

#include <sys/socket.h>
#include <unistd.h>

static void test_http_plugin_answers_503_when_the_world_is_busy(void **state)
{
    server_t *server = *state;
    int waiting;

    START(server, "http.deadline_ms=50");
    waiting = open_http(server, (http_request_t){.path = "/slow"});
    sem_wait(&server->entered);
    assert_int_equal(get(server, "/fish"), 503);
    expect_header(server, "Retry-After", "1");
    sem_post(&server->released);
    socket_receive_all(waiting, server->reply.text, sizeof(server->reply.text));
    close(waiting);
    assert_non_null(strstr(server->reply.text, "at last"));
}

/* Its requests and those of routes wait in one place. */
static void test_http_plugin_leaves_room_for_the_admin(void **state)
{
    enum {
        CROWD = 300
    };
    server_t *server = *state;
    reef_mailbox_t *mailbox;
    int waiting[CROWD + 1], admin;

    START(server, "http.threads=400", "http.deadline_ms=60000",
          "admin.deadline_ms=60000");
    mailbox = reef_app_mailbox(server->app);
    waiting[0] = open_http(server, (http_request_t){.path = "/slow"});
    sem_wait(&server->entered);
    for (int i = 1; i <= CROWD; i++) {
        waiting[i] = open_http(server, (http_request_t){.path = "/fish"});
    }
    while (reef_mailbox_count(mailbox) < 256) {
        usleep(1000); /* they are on their way */
    }
    admin =
        http_open(&(http_request_t){.port = server->admin_port,
                                    .path = "/api/v1/entities",
                                    .headers = "Authorization: Bearer a-token\r\n"});
    while (reef_mailbox_count(mailbox) < CROWD + 1 &&
           recv(admin, server->reply.text, 1, MSG_PEEK | MSG_DONTWAIT) < 0) {
        usleep(1000);
    }
    sem_post(&server->released);
    socket_receive_all(admin, server->reply.text, sizeof(server->reply.text));
    close(admin);
    for (int i = 0; i <= CROWD; i++) {
        close(waiting[i]);
    }
    assert_int_equal(socket_http_status(server->reply.text), 200);
}

static void test_http_plugin_answers_before_the_next_tick(void **state)
{
    START(*state, "server.tick_rate=1");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(get(*state, "/frames"), 200);
    }
    assert_string_equal(((server_t *)*state)->reply.body, "some");
}

static void test_http_plugin_stops_while_requests_wait(void **state)
{
    server_t *server = *state;
    int waiting[5];

    START(server, "http.deadline_ms=60000", "server.shutdown_ms=0");
    waiting[0] = open_http(server, (http_request_t){.path = "/slow"});
    sem_wait(&server->entered);
    for (size_t i = 1; i < 5; i++) {
        waiting[i] = open_http(server, (http_request_t){.path = "/fish"});
    }
    stop(server);
    for (size_t i = 0; i < 5; i++) {
        socket_receive_all(waiting[i], server->reply.text, sizeof(server->reply.text));
        close(waiting[i]);
        /* Answered, refused, or turned away; never left hanging. */
        assert_true(server->reply.text[0] == '\0' ||
                    strstr(server->reply.text, "HTTP/1.1 ") == server->reply.text);
        assert_true(i > 0 || strstr(server->reply.text, "at last") != NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(test_http_plugin_answers_503_when_the_world_is_busy),
        BOTH(test_http_plugin_leaves_room_for_the_admin),
        BOTH(test_http_plugin_answers_before_the_next_tick),
        BOTH(test_http_plugin_stops_while_requests_wait),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
