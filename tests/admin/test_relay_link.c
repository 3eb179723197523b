/*
 * A link between two pairs of sockets of this process, moved by hand: the test is the
 * peer and the server, and time is an argument.
 */
#include "relay_link.h"

#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    STALL_MS = 10000,
    LINGER_MS = 2000,
    MUCH = 4 << 20, /* more than all buffers on the way hold */
};

#define SECOND_NS UINT64_C(1000000000)

typedef struct fixture {
    reef__link_t link;
    int peer, server; /* the other ends */
    uint64_t now_ns;
} fixture_t;

static int setup(void **state)
{
    fixture_t *f = calloc(1, sizeof(*f));
    int peer[2], server[2];

    assert_non_null(f);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, peer), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, server), 0);
    f->link = (reef__link_t){.peer = peer[0],
                             .server = server[0],
                             .stall_ms = STALL_MS,
                             .linger_ms = LINGER_MS};
    f->peer = peer[1];
    f->server = server[1];
    f->now_ns = SECOND_NS;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture_t *f = *state;

    reef__link_finish(&f->link);
    close(f->peer);
    close(f->server);
    free(f);
    return 0;
}

/* Until nothing more can be moved. */
static reef__link_state_t move(fixture_t *f)
{
    reef__link_state_t state;

    do {
        state = reef__link_move(&f->link, f->now_ns);
    } while (state == REEF__LINK_GOES_ON);
    return state;
}

static void put(int descriptor, const char *text)
{
    assert_int_equal(send(descriptor, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void expect(int descriptor, const char *text)
{
    char got[64] = {0};

    assert_int_equal(recv(descriptor, got, sizeof(got) - 1, 0), strlen(text));
    assert_string_equal(got, text);
}

/* Send bytes that are counted up from *sent, as many as fit. */
static void put_all(int descriptor, size_t *sent)
{
    uint8_t bytes[4096];
    ssize_t size;

    do {
        for (size_t i = 0; i < sizeof(bytes); i++) {
            bytes[i] = (uint8_t)((*sent + i) % 251);
        }
        size = send(descriptor, bytes, sizeof(bytes), MSG_NOSIGNAL);
        *sent += size > 0 ? (size_t)size : 0;
    } while (size > 0);
}

/* Read @p most bytes of those at most. */
static void take(int descriptor, size_t most, size_t *taken)
{
    uint8_t bytes[4096];
    ssize_t size = 1;

    while (most > 0 && size > 0) {
        size = recv(descriptor, bytes, most < sizeof(bytes) ? most : sizeof(bytes), 0);
        for (ssize_t i = 0; i < size; i++) {
            assert_int_equal(bytes[i], (*taken + (size_t)i) % 251);
        }
        *taken += size > 0 ? (size_t)size : 0;
        most -= size > 0 ? (size_t)size : 0;
    }
}

static void test_relay_link_moves_bytes_both_ways(void **state)
{
    fixture_t *f = *state;

    put(f->peer, "question");
    assert_int_equal(move(f), REEF__LINK_WAITS);
    expect(f->server, "question");
    put(f->server, "answer");
    assert_int_equal(move(f), REEF__LINK_WAITS);
    expect(f->peer, "answer");
    assert_int_equal(f->link.due_ns, 0);
}

static void test_relay_link_answers_a_peer_that_has_said_all(void **state)
{
    fixture_t *f = *state;

    put(f->peer, "question");
    shutdown(f->peer, SHUT_WR);
    assert_int_equal(move(f), REEF__LINK_WAITS);
    expect(f->server, "question");
    expect(f->server, "");
    put(f->server, "answer");
    assert_int_equal(move(f), REEF__LINK_WAITS);
    expect(f->peer, "answer");
    shutdown(f->server, SHUT_WR);
    assert_int_equal(move(f), REEF__LINK_ENDED);
    assert_false(f->link.is_broken);
    expect(f->peer, "");
}

static void test_relay_link_holds_a_peer_back_whose_server_is_busy(void **state)
{
    fixture_t *f = *state;
    size_t sent = 0, taken = 0, before;

    do {
        before = sent;
        put_all(f->peer, &sent);
        assert_int_equal(move(f), REEF__LINK_WAITS);
    } while (sent > before && sent < MUCH);
    assert_true(sent < MUCH);
    assert_int_equal(f->link.due_ns, 0); /* waiting is the server's business */
    while (taken < sent) {
        take(f->server, MUCH, &taken);
        assert_int_equal(move(f), REEF__LINK_WAITS);
    }
}

/* Fill all there is on the way to a peer that takes nothing. */
static size_t stuff(fixture_t *f)
{
    size_t sent = 0, before;

    do {
        before = sent;
        put_all(f->server, &sent);
        assert_int_equal(move(f), REEF__LINK_WAITS);
    } while (sent > before && sent < MUCH);
    assert_true(sent < MUCH);
    return sent;
}

static void test_relay_link_ends_when_the_peer_takes_nothing(void **state)
{
    fixture_t *f = *state;

    stuff(f);
    assert_int_equal(f->link.due_ns, f->now_ns + STALL_MS * UINT64_C(1000000));
    f->now_ns = f->link.due_ns - 1;
    assert_int_equal(move(f), REEF__LINK_WAITS);
    f->now_ns++;
    assert_int_equal(move(f), REEF__LINK_ENDED);
    assert_true(f->link.is_broken);
}

/* Seconds that it bears a peer which takes @p pace bytes in each, at most 200. */
static int endure(fixture_t *f, size_t pace)
{
    size_t sent = stuff(f), taken = 0;
    int seconds = 0;

    for (; seconds < 200; seconds++) {
        f->now_ns += SECOND_NS;
        take(f->peer, pace, &taken);
        put_all(f->server, &sent);
        if (move(f) == REEF__LINK_ENDED) {
            break;
        }
    }
    return seconds;
}

static void test_relay_link_bears_a_slow_peer(void **state)
{
    assert_int_equal(endure(*state, (size_t)2 * REEF__LINK_SLOWEST), 200);
}

static void test_relay_link_ends_when_the_peer_is_too_slow(void **state)
{
    assert_in_range(endure(*state, REEF__LINK_SLOWEST / 4), STALL_MS / 1000 - 1, 60);
}

/* What a peer takes at once is no credit for hours. */
static void test_relay_link_ends_when_a_fast_peer_stalls(void **state)
{
    fixture_t *f = *state;

    endure(f, (size_t)8 * REEF__LINK_SLOWEST);
    assert_int_not_equal(f->link.due_ns, 0);
    assert_true(f->link.due_ns <= f->now_ns + STALL_MS * UINT64_C(1000000));
}

static void test_relay_link_goes_on_for_a_bounded_time(void **state)
{
    fixture_t *f = *state;
    size_t sent = 0, taken = 0;
    int size = 1 << 20;

    setsockopt(f->server, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    setsockopt(f->link.peer, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    put_all(f->server, &sent);
    if (sent <= (size_t)REEF__LINK_PIECE * 17) {
        skip(); /* this machine has small buffers */
    }
    assert_int_equal(reef__link_move(&f->link, f->now_ns), REEF__LINK_GOES_ON);
    take(f->peer, MUCH, &taken);
    assert_true(taken < sent);
}

static void test_relay_link_lingers_for_the_peer_to_close(void **state)
{
    fixture_t *f = *state;
    size_t sent = 0;

    put(f->server, "go away");
    shutdown(f->server, SHUT_WR);
    assert_int_equal(move(f), REEF__LINK_WAITS);
    while (sent < MUCH) { /* no use any more, but it is taken off */
        put_all(f->peer, &sent);
        assert_int_equal(move(f), REEF__LINK_WAITS);
    }
    assert_int_equal(f->link.due_ns, f->now_ns + LINGER_MS * UINT64_C(1000000));
    expect(f->peer, "go away");
    expect(f->peer, "");
    put(f->peer, "still here");
    f->now_ns = f->link.due_ns;
    assert_int_equal(move(f), REEF__LINK_ENDED);
    assert_false(f->link.is_broken);
}

static void test_relay_link_delivers_what_a_server_said_before_it_closed(void **state)
{
    fixture_t *f = *state;
    size_t sent = 0;

    put(f->server, "no");
    put(f->peer, "unread");
    assert_int_equal(move(f), REEF__LINK_WAITS);
    expect(f->peer, "no");
    put(f->server, "too large");
    close(f->server); /* with bytes of the peer's that it has not read */
    put_all(f->peer, &sent);
    assert_int_equal(move(f), REEF__LINK_WAITS);
    expect(f->peer, "too large");
    expect(f->peer, "");
    close(f->peer);
    assert_int_equal(move(f), REEF__LINK_ENDED);
    f->server = f->peer = -1;
}

static void test_relay_link_ends_when_the_peer_has_gone(void **state)
{
    fixture_t *f = *state;

    close(f->peer);
    f->peer = -1;
    put(f->server, "anyone?");
    assert_int_equal(move(f), REEF__LINK_ENDED);
    assert_true(f->link.is_broken);
}

/* Not an end like others: the server is not to think that all has been said. */
static void test_relay_link_passes_no_end_on_for_a_reset(void **state)
{
    fixture_t *f = *state;
    char byte;

    put(f->server, "unread");
    assert_int_equal(move(f), REEF__LINK_WAITS);
    close(f->peer); /* with that in its buffer: a reset */
    f->peer = -1;
    assert_int_equal(move(f), REEF__LINK_ENDED);
    assert_true(f->link.is_broken);
    assert_int_equal(recv(f->server, &byte, 1, 0), -1);
    assert_int_equal(errno, EAGAIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_relay_link_moves_bytes_both_ways),
        TEST(test_relay_link_answers_a_peer_that_has_said_all),
        TEST(test_relay_link_holds_a_peer_back_whose_server_is_busy),
        TEST(test_relay_link_ends_when_the_peer_takes_nothing),
        TEST(test_relay_link_bears_a_slow_peer),
        TEST(test_relay_link_ends_when_the_peer_is_too_slow),
        TEST(test_relay_link_ends_when_a_fast_peer_stalls),
        TEST(test_relay_link_goes_on_for_a_bounded_time),
        TEST(test_relay_link_lingers_for_the_peer_to_close),
        TEST(test_relay_link_delivers_what_a_server_said_before_it_closed),
        TEST(test_relay_link_ends_when_the_peer_has_gone),
        TEST(test_relay_link_passes_no_end_on_for_a_reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
