/* Waits of one thread, cut off by the watch; the peers are sockets of this process. */
#include "exchange.h"
#include "socket.h"
#include "test.h"
#include "watch.h"

#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct fixture {
    reef__watch_t *watch;
    int listener;
    uint16_t port;
} fixture_t;

/* Two ends of a connection, and the wait of the server's. */
typedef struct pair {
    int client, server;
    reef__wait_t wait;
} pair_t;

static int setup(void **state)
{
    fixture_t *fixture = calloc(1, sizeof(*fixture));

    assert_non_null(fixture);
    fixture->watch = reef__watch_create();
    fixture->listener = socket_listen(&fixture->port);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    fixture_t *fixture = *state;

    reef__watch_destroy(fixture->watch);
    close(fixture->listener);
    free(fixture);
    return 0;
}

static void open_pair(fixture_t *fixture, pair_t *pair, uint64_t due_ns)
{
    struct sockaddr_in peer = {0};
    socklen_t size = sizeof(peer);

    pair->client = socket_connect(fixture->port);
    pair->server = accept(fixture->listener, (struct sockaddr *)&peer, &size);
    assert_true(pair->server >= 0);
    pair->wait = (reef__wait_t){.peer = "127.0.0.1",
                                .peer_port = ntohs(peer.sin_port),
                                .port = fixture->port,
                                .due_ns = due_ns};
    reef__watch_begin(fixture->watch, &pair->wait);
}

static void close_pair(fixture_t *fixture, pair_t *pair)
{
    reef__watch_end(fixture->watch, &pair->wait);
    close(pair->client);
    close(pair->server);
}

static void test_watch_cuts_off_what_is_overdue_and_nothing_else(void **state)
{
    fixture_t *fixture = *state;
    pair_t overdue, later;
    char byte;

    open_pair(fixture, &later, UINT64_MAX);
    open_pair(fixture, &overdue, reef__now_ns());
    assert_int_equal(socket_receive(overdue.server, &byte, 1), 0);
    assert_int_equal(socket_receive(overdue.client, &byte, 1), 0);
    assert_true(socket_send(later.client, "x", 1));
    assert_int_equal(socket_receive(later.server, &byte, 1), 1);
    close_pair(fixture, &overdue);
    close_pair(fixture, &later);
    assert_true(overdue.wait.is_cut);
    assert_false(later.wait.is_cut);
}

static void test_watch_leaves_the_way_back_open_for_a_reply(void **state)
{
    fixture_t *fixture = *state;
    pair_t pair;
    char byte;

    open_pair(fixture, &pair, UINT64_MAX);
    reef__watch_end(fixture->watch, &pair.wait);
    pair.wait.may_write = true;
    pair.wait.due_ns = reef__now_ns();
    reef__watch_begin(fixture->watch, &pair.wait);
    assert_int_equal(socket_receive(pair.server, &byte, 1), 0);
    assert_true(socket_send(pair.server, "x", 1));
    assert_int_equal(socket_receive(pair.client, &byte, 1), 1);
    close_pair(fixture, &pair);
    assert_true(pair.wait.is_cut);
}

static void test_watch_cuts_off_many_one_after_the_other(void **state)
{
    enum {
        COUNT = 100 /* more than in one search */
    };
    fixture_t *fixture = *state;
    pair_t *pairs = calloc(COUNT, sizeof(*pairs));
    uint64_t now_ns = reef__now_ns();
    char byte;

    assert_non_null(pairs);
    for (size_t i = 0; i < COUNT; i++) {
        open_pair(fixture, &pairs[i], now_ns + i * 100000);
    }
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(socket_receive(pairs[i].server, &byte, 1), 0);
        close_pair(fixture, &pairs[i]);
    }
    free(pairs);
}

/* Until there was a search: @p wait, of nobody's, is overdue. */
static void await_search(fixture_t *fixture)
{
    reef__wait_t wait = {.peer = "192.0.2.1", .port = 1};

    while (!wait.is_cut) {
        reef__watch_begin(fixture->watch, &wait);
        usleep(1000); /* so that it is there for a while */
        reef__watch_end(fixture->watch, &wait);
    }
}

static void test_watch_tries_again_when_it_could_not_look(void **state)
{
    fixture_t *fixture = *state;
    struct rlimit limit, none;
    pair_t pair;
    char byte;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    open_pair(fixture, &pair, UINT64_MAX);
    none = (struct rlimit){.rlim_cur = 0, .rlim_max = limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    reef__watch_end(fixture->watch, &pair.wait);
    pair.wait.due_ns = reef__now_ns();
    reef__watch_begin(fixture->watch, &pair.wait);
    await_search(fixture);
    await_search(fixture); /* the one before has ended */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(socket_receive(pair.server, &byte, 1), 0);
    close_pair(fixture, &pair);
}

static void test_watch_finds_addresses_with_a_zone(void **state)
{
    fixture_t *fixture = *state;
    pair_t pair;
    char byte;

    open_pair(fixture, &pair, UINT64_MAX);
    reef__watch_end(fixture->watch, &pair.wait);
    pair.wait.peer = "127.0.0.1%lo"; /* as fe80::1%eth0 is written */
    pair.wait.due_ns = reef__now_ns();
    reef__watch_begin(fixture->watch, &pair.wait);
    assert_int_equal(socket_receive(pair.server, &byte, 1), 0);
    close_pair(fixture, &pair);
}

static void test_watch_leaves_other_kinds_of_sockets_alone(void **state)
{
    int ends[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    reef__watch_cut_port(0); /* nothing was bound */
    assert_true(socket_send(ends[0], "x", 1));
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_watch_cuts_off_what_is_overdue_and_nothing_else),
        TEST(test_watch_leaves_the_way_back_open_for_a_reply),
        TEST(test_watch_cuts_off_many_one_after_the_other),
        TEST(test_watch_tries_again_when_it_could_not_look),
        TEST(test_watch_finds_addresses_with_a_zone),
        TEST(test_watch_leaves_other_kinds_of_sockets_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
