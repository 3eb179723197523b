/* The test is the peers and the server; between them the relay, on a thread of its own.
 */
#include "relay.h"

#include "socket.h"
#include "test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    SHORT_MS = 50,
    LONG_MS = 60000,
    MAX_CALLERS = 4,
    PIECE = 65536,
};

typedef struct fixture {
    reef__relay_t *relay;
    int listener; /* the server's */
    uint16_t server_port, port;
} fixture_t;

/* A connection of a peer, as both see it. */
typedef struct pair {
    int peer, server;
    char from[INET_ADDRSTRLEN]; /* the server's view */
    uint16_t from_port;
} pair_t;

static int setup(void **state)
{
    fixture_t *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    f->listener = socket_listen(&f->server_port);
    assert_int_equal(listen(f->listener, MAX_CALLERS), 0);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture_t *f = *state;

    reef__relay_stop(f->relay);
    close(f->listener);
    free(f);
    return 0;
}

static void start(fixture_t *f, uint32_t stall_ms, uint32_t linger_ms)
{
    reef__listen_t listen;
    reef_failure_t failure = {0};

    if (!socket_has_ipv6()) {
        print_message("there is no [::1]\n");
        skip();
    }
    assert_int_equal(
        reef__listen_parse("http.listen", "127.0.0.1:0,[::1]:0", &listen, NULL),
        REEF_OK);
    if (reef__relay_start(&(reef__relay_desc_t){.listen = &listen,
                                                .server_port = f->server_port,
                                                .max_connections = MAX_CALLERS,
                                                .stall_ms = stall_ms,
                                                .linger_ms = linger_ms},
                          &f->relay, &failure) != REEF_OK) {
        fail_msg("%s", failure.text);
    }
    f->port = reef__relay_port(f->relay, 1);
}

static void accept_call(fixture_t *f, pair_t *pair)
{
    struct sockaddr_in from = {0};
    socklen_t size = sizeof(from);

    socket_await(f->listener);
    pair->server = accept(f->listener, (struct sockaddr *)&from, &size);
    assert_true(pair->server >= 0);
    inet_ntop(AF_INET, &from.sin_addr, pair->from, sizeof(pair->from));
    pair->from_port = ntohs(from.sin_port);
}

static void open_pair(fixture_t *f, pair_t *pair)
{
    pair->peer = socket_connect_ipv6(f->port);
    accept_call(f, pair);
}

static void close_pair(pair_t *pair)
{
    close(pair->peer);
    close(pair->server);
}

static bool is_known(fixture_t *f, const pair_t *pair)
{
    char peer[REEF__RELAY_PEER_SIZE];

    return reef__relay_find_peer(f->relay, pair->from, pair->from_port, peer);
}

/* The relay is a thread: what it does after a peer did something takes a while. */
static void await_unknown(fixture_t *f, const pair_t *pair)
{
    for (int ms = 0; is_known(f, pair); ms++) {
        assert_true(ms < SOCKET_DEADLINE_MS);
        usleep(1000);
    }
}

static double cpu_s(void)
{
    struct timespec time;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* No call comes for a while, and nobody is busy with that. */
static void expect_rest(fixture_t *f)
{
    struct pollfd call = {.fd = f->listener, .events = POLLIN};
    double before = cpu_s();

    assert_int_equal(poll(&call, 1, 10 * SHORT_MS), 0);
    assert_true(cpu_s() - before < 5 * SHORT_MS / 1e3);
}

/* Send zeros until all buffers are full, for a while.  Returns how many. */
static size_t fill(int descriptor)
{
    struct pollfd room = {.fd = descriptor, .events = POLLOUT};
    char *bytes = calloc(1, PIECE);
    size_t total = 0;

    assert_non_null(bytes);
    while (poll(&room, 1, SHORT_MS) == 1) {
        ssize_t sent = send(descriptor, bytes, PIECE, MSG_DONTWAIT | MSG_NOSIGNAL);

        total += sent > 0 ? (size_t)sent : 0;
    }
    free(bytes);
    return total;
}

static void test_relay_joins_peer_and_server(void **state)
{
    fixture_t *f = *state;
    char text[64];
    pair_t pair;

    start(f, LONG_MS, LONG_MS);
    open_pair(f, &pair);
    assert_true(socket_send(pair.peer, "question", 8));
    shutdown(pair.peer, SHUT_WR);
    socket_receive_all(pair.server, text, sizeof(text));
    assert_string_equal(text, "question");
    assert_true(socket_send(pair.server, "answer", 6));
    close(pair.server);
    socket_receive_all(pair.peer, text, sizeof(text));
    assert_string_equal(text, "answer");
    close(pair.peer);
    await_unknown(f, &pair);
}

static void test_relay_knows_who_is_behind_a_call(void **state)
{
    fixture_t *f = *state;
    char peer[REEF__RELAY_PEER_SIZE];
    uint16_t other;
    pair_t pair;

    start(f, LONG_MS, LONG_MS);
    open_pair(f, &pair);
    other = (uint16_t)(pair.from_port + 1);
    assert_true(reef__relay_find_peer(f->relay, pair.from, pair.from_port, peer));
    assert_string_equal(peer, "::1");
    assert_false(reef__relay_find_peer(f->relay, pair.from, other, peer));
    assert_false(reef__relay_find_peer(f->relay, "127.0.0.1", pair.from_port, peer));
    assert_false(reef__relay_find_peer(f->relay, "", pair.from_port, peer));
    close_pair(&pair);
    await_unknown(f, &pair);
}

static void test_relay_does_not_know_others(void **state)
{
    fixture_t *f = *state;
    pair_t pair;

    start(f, LONG_MS, LONG_MS);
    pair.peer = socket_connect(f->server_port);
    accept_call(f, &pair);
    assert_false(is_known(f, &pair));
    close_pair(&pair);
}

/* So a call that waits to be accepted cannot be mistaken for a later one. */
static void test_relay_calls_from_an_address_once(void **state)
{
    fixture_t *f = *state;
    pair_t pairs[2];

    start(f, LONG_MS, LONG_MS);
    for (size_t i = 0; i < 2; i++) {
        open_pair(f, &pairs[i]);
        close_pair(&pairs[i]);
        await_unknown(f, &pairs[i]);
    }
    assert_string_not_equal(pairs[0].from, pairs[1].from);
}

static void test_relay_moves_much_both_ways_at_once(void **state)
{
    fixture_t *f = *state;
    size_t sent[2] = {0}, got[2] = {0}, total = (size_t)64 * PIECE;
    uint8_t *bytes = calloc(1, PIECE);
    pair_t pair;

    start(f, LONG_MS, LONG_MS);
    open_pair(f, &pair);
    while (got[0] < total || got[1] < total) {
        int ends[2] = {pair.peer, pair.server};

        for (size_t i = 0; i < 2; i++) {
            size_t left = total - sent[i] < PIECE ? total - sent[i] : PIECE;
            ssize_t size = 0;

            memset(bytes, (int)(sent[i] / PIECE), left); /* by piece */
            if (left > 0) {
                size = send(ends[i], bytes, left - (sent[i] % PIECE), MSG_DONTWAIT);
                sent[i] += size > 0 ? (size_t)size : 0;
            }
            size = recv(ends[1 - i], bytes, PIECE, MSG_DONTWAIT);
            for (ssize_t k = 0; k < size; k++) {
                assert_int_equal(bytes[k], got[i]++ / PIECE);
            }
        }
    }
    close_pair(&pair);
    free(bytes);
}

static void test_relay_lets_those_wait_for_whom_there_is_no_room(void **state)
{
    fixture_t *f = *state;
    pair_t pairs[MAX_CALLERS + 1];

    start(f, LONG_MS, LONG_MS);
    for (size_t i = 0; i < MAX_CALLERS; i++) {
        open_pair(f, &pairs[i]);
    }
    pairs[MAX_CALLERS].peer = socket_connect_ipv6(f->port);
    expect_rest(f);
    close_pair(&pairs[0]);
    accept_call(f, &pairs[MAX_CALLERS]);
    for (size_t i = 1; i <= MAX_CALLERS; i++) {
        close_pair(&pairs[i]);
    }
}

/* A server whose peer has gone is told so, or it would write to nobody for ever. */
static void test_relay_resets_the_call_of_a_peer_that_reset(void **state)
{
    static const struct linger reset = {.l_onoff = 1};
    fixture_t *f = *state;
    char byte;
    pair_t pair;

    start(f, LONG_MS, LONG_MS);
    open_pair(f, &pair);
    setsockopt(pair.peer, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    close(pair.peer);
    socket_await(pair.server);
    assert_int_equal(recv(pair.server, &byte, 1, 0), -1);
    assert_int_equal(errno, ECONNRESET);
    await_unknown(f, &pair);
    close(pair.server);
}

static void test_relay_notices_a_reset_while_the_server_is_busy(void **state)
{
    static const struct linger reset = {.l_onoff = 1};
    fixture_t *f = *state;
    char byte;
    pair_t pair;

    start(f, LONG_MS, LONG_MS);
    open_pair(f, &pair);
    while (fill(pair.peer) > 0) { /* the relay tries again with what comes back */
        assert_true(socket_send(pair.server, "x", 1));
        assert_int_equal(socket_receive(pair.peer, &byte, 1), 1);
    }
    setsockopt(pair.peer, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    close(pair.peer);
    await_unknown(f, &pair);
    close(pair.server);
}

static void test_relay_gives_up_a_peer_that_takes_nothing(void **state)
{
    fixture_t *f = *state;
    char *bytes = calloc(1, PIECE);
    pair_t pair;

    start(f, SHORT_MS, LONG_MS);
    open_pair(f, &pair);
    while (socket_send(pair.server, bytes, PIECE)) {
    }
    await_unknown(f, &pair);
    close_pair(&pair);
    free(bytes);
}

static void test_relay_waits_for_the_peer_to_close_but_not_for_ever(void **state)
{
    fixture_t *f = *state;
    char text[16];
    pair_t pair;

    start(f, LONG_MS, SHORT_MS);
    open_pair(f, &pair);
    assert_true(socket_send(pair.server, "bye", 3));
    close(pair.server);
    socket_receive_all(pair.peer, text, sizeof(text));
    assert_string_equal(text, "bye");
    await_unknown(f, &pair);
    close(pair.peer);
}

static void test_relay_hangs_up_when_there_is_no_server(void **state)
{
    fixture_t *f = *state;
    char byte;
    int peer;

    start(f, LONG_MS, LONG_MS);
    close(f->listener);
    peer = socket_connect_ipv6(f->port);
    assert_int_equal(socket_receive(peer, &byte, 1), 0);
    close(peer);
    f->listener = socket_listen(&f->server_port);
}

/* The number that the next descriptor will have. */
static rlim_t next_descriptor(void)
{
    int next = dup(STDIN_FILENO);

    assert_true(next >= 0);
    close(next);
    return (rlim_t)next;
}

static void test_relay_rests_while_there_are_no_descriptors(void **state)
{
    fixture_t *f = *state;
    struct sockaddr_in6 to = {.sin6_family = AF_INET6,
                              .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct rlimit limit, few;
    pair_t pair;

    start(f, LONG_MS, LONG_MS);
    to.sin6_port = htons(f->port);
    pair.peer = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    few = (struct rlimit){next_descriptor(), limit.rlim_max}; /* none for the call */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    assert_int_equal(connect(pair.peer, (struct sockaddr *)&to, sizeof(to)), 0);
    for (int i = 0; i < 2; i++) {
        expect_rest(f);
        few.rlim_cur++; /* none for the peer */
        assert_int_equal(setrlimit(RLIMIT_NOFILE, i == 0 ? &few : &limit), 0);
    }
    accept_call(f, &pair);
    close_pair(&pair);
}

static void *stop(void *context)
{
    reef__relay_stop(context);
    return NULL;
}

static void test_relay_stop_lets_peers_have_what_was_said(void **state)
{
    fixture_t *f = *state;
    char *bytes = calloc(1, PIECE);
    size_t sent, taken = 0, got;
    pthread_t stopper;
    pair_t pair;

    start(f, LONG_MS, LONG_MS);
    open_pair(f, &pair);
    sent = fill(pair.server);
    close(pair.server);
    assert_int_equal(pthread_create(&stopper, NULL, stop, f->relay), 0);
    while ((got = socket_receive(pair.peer, bytes, PIECE)) > 0) {
        taken += got;
    }
    pthread_join(stopper, NULL);
    f->relay = NULL;
    assert_int_equal(taken, sent);
    close(pair.peer);
    free(bytes);
}

static void test_relay_stop_does_not_wait_for_who_takes_nothing(void **state)
{
    fixture_t *f = *state;
    pair_t pair;

    start(f, LONG_MS, SHORT_MS);
    open_pair(f, &pair);
    fill(pair.server);
    reef__relay_stop(f->relay);
    f->relay = NULL;
    close_pair(&pair);
}

static void test_relay_says_what_it_could_not_bind(void **state)
{
    fixture_t *f = *state;
    reef__listen_t listen;
    reef_failure_t failure = {0};
    char text[64], wanted[96];
    reef__relay_t *second = NULL;

    start(f, LONG_MS, LONG_MS);
    snprintf(text, sizeof(text), "[::1]:0,[::1]:%u", f->port);
    snprintf(wanted, sizeof(wanted), "http.listen: [::1]:%u: address in use", f->port);
    assert_int_equal(reef__listen_parse("http.listen", text, &listen, NULL), REEF_OK);
    assert_int_equal(reef__relay_start(
                         &(reef__relay_desc_t){.listen = &listen, .max_connections = 1},
                         &second, &failure),
                     REEF_E_IO);
    assert_string_equal(failure.text, wanted);
    assert_null(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_relay_joins_peer_and_server),
        TEST(test_relay_knows_who_is_behind_a_call),
        TEST(test_relay_does_not_know_others),
        TEST(test_relay_calls_from_an_address_once),
        TEST(test_relay_moves_much_both_ways_at_once),
        TEST(test_relay_lets_those_wait_for_whom_there_is_no_room),
        TEST(test_relay_resets_the_call_of_a_peer_that_reset),
        TEST(test_relay_notices_a_reset_while_the_server_is_busy),
        TEST(test_relay_gives_up_a_peer_that_takes_nothing),
        TEST(test_relay_waits_for_the_peer_to_close_but_not_for_ever),
        TEST(test_relay_hangs_up_when_there_is_no_server),
        TEST(test_relay_rests_while_there_are_no_descriptors),
        TEST(test_relay_stop_lets_peers_have_what_was_said),
        TEST(test_relay_stop_does_not_wait_for_who_takes_nothing),
        TEST(test_relay_says_what_it_could_not_bind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
