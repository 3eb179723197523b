#include "loopback.h"
#include "test.h"

#include "app.h"
#include "transport/acceptor.h"

#include <netinet/in.h>
#include <sys/resource.h>
#include <unistd.h>

typedef struct fixture {
    reef_app_t *app;
    uv_loop_t *loop; /* the app's */
    reef__acceptor_t acceptor;
    int accepted;         /* how many */
    int last;             /* the last one's descriptor */
    uint64_t accepted_ms; /* when it was, as the loop had it */
} fixture_t;

static void on_accepted(void *context, reef__io_t *io, int descriptor)
{
    fixture_t *fixture = context;

    assert_ptr_equal(io, fixture->app->ios->items[0]);
    fixture->accepted++;
    fixture->last = descriptor;
    fixture->accepted_ms = fixture->app->ios->items[0]->now_ms;
}

static reef_error_t open_acceptor(fixture_t *fixture,
                                  reef__acceptor_t *acceptor,
                                  uint16_t port,
                                  reef_failure_t *failure)
{
    struct sockaddr_storage address = {0};
    struct sockaddr_in *in = (struct sockaddr_in *)&address;

    in->sin_family = AF_INET;
    in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    in->sin_port = port;
    return reef__acceptor_open(
        acceptor,
        &(reef__acceptor_desc_t){.io = fixture->app->ios->items[0],
                                 .address = &address,
                                 .module = "websocket",
                                 .backlog = 16,
                                 .accepted = on_accepted,
                                 .context = fixture},
        failure);
}

static int setup(void **state)
{
    static const char *const argv[] = {"test", "--set", "log.level=off"};
    fixture_t *fixture = calloc(1, sizeof(*fixture));

    fixture->app = loopback_app_create(3, argv);
    fixture->loop = reef__loop_uv(fixture->app->loop);
    assert_int_equal(open_acceptor(fixture, &fixture->acceptor, 0, NULL), REEF_OK);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    fixture_t *fixture = *state;

    reef__acceptor_close(&fixture->acceptor);
    reef__ios_run_down(fixture->app->ios);
    reef_app_destroy(fixture->app);
    free(fixture);
    return 0;
}

static int connect_peer(const fixture_t *fixture)
{
    struct sockaddr_storage address;
    int peer = socket(AF_INET, SOCK_STREAM, 0);

    reef__acceptor_address(&fixture->acceptor, &address);
    assert_int_equal(
        connect(peer, (struct sockaddr *)&address, sizeof(struct sockaddr_in)), 0);
    return peer;
}

static void test_acceptor_hands_over_a_descriptor(void **state)
{
    fixture_t *fixture = *state;
    int peer = connect_peer(fixture);
    char byte = 0;

    while (fixture->accepted == 0) {
        uv_run(fixture->loop, UV_RUN_ONCE);
    }
    assert_int_equal(write(fixture->last, "x", 1), 1);
    assert_int_equal(read(peer, &byte, 1), 1);
    assert_int_equal(byte, 'x');
    close(fixture->last);
    close(peer);
}

/* Deadlines are counted from it. */
static void test_acceptor_knows_the_time_after_a_long_sleep(void **state)
{
    fixture_t *fixture = *state;
    uint64_t before = fixture->app->ios->items[0]->now_ms;
    int peer;

    do {
        uv_update_time(fixture->loop);
    } while (uv_now(fixture->loop) < before + 20);
    peer = connect_peer(fixture);
    while (fixture->accepted == 0) {
        uv_run(fixture->loop, UV_RUN_ONCE);
    }
    assert_true(fixture->accepted_ms >= before + 20);
    close(fixture->last);
    close(peer);
}

static void test_acceptor_names_an_address_in_use(void **state)
{
    fixture_t *fixture = *state;
    struct sockaddr_storage address;
    reef__acceptor_t second;
    reef_failure_t failure = {0};

    reef__acceptor_address(&fixture->acceptor, &address);
    assert_int_equal(open_acceptor(fixture, &second,
                                   ((struct sockaddr_in *)&address)->sin_port,
                                   &failure),
                     REEF_E_IO);
    assert_non_null(strstr(failure.text, "websocket.listen: 127.0.0.1:"));
    assert_non_null(strstr(failure.text, "address already in use"));
}

/* Take all descriptors away; returns the limit to give back. */
static struct rlimit allow_none(void)
{
    struct rlimit before;
    struct rlimit none;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 3;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    return before;
}

static void test_acceptor_without_descriptors_waits_and_recovers(void **state)
{
    fixture_t *fixture = *state;
    int peer = connect_peer(fixture);
    struct rlimit before = allow_none();

    while (reef_metric_value(fixture->acceptor.metric_failures) < 1) {
        uv_run(fixture->loop, UV_RUN_ONCE);
    }
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);

    assert_int_equal(fixture->accepted, 0);
    while (fixture->accepted == 0) {
        uv_run(fixture->loop, UV_RUN_ONCE);
    }
    close(fixture->last);
    close(peer);
}

/* A limit below all open descriptors leaves the spare one's place unusable too, so here
 * all of the places are really taken. */
static void test_acceptor_turns_peers_away_while_there_are_no_descriptors(void **state)
{
    fixture_t *fixture = *state;
    struct rlimit before;
    struct rlimit tight;
    int peer = connect_peer(fixture);
    int last = dup(peer);
    int turns = 0;
    char byte;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    tight = before;
    tight.rlim_cur = (rlim_t)last + 1; /* everything below is in use */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    while (reef_metric_value(fixture->acceptor.metric_turned_away) < 1) {
        uv_run(fixture->loop, UV_RUN_ONCE);
        turns++;
    }
    assert_int_equal(read(peer, &byte, 1), 0); /* closed, not forgotten */
    assert_true(turns < 10); /* a failure, and the wait after it: no busy loop */
    assert_int_equal(fixture->accepted, 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    close(last);
    close(peer);

    peer = connect_peer(fixture);
    while (fixture->accepted == 0) {
        uv_run(fixture->loop, UV_RUN_ONCE);
    }
    close(fixture->last);
    close(peer);
}

static void test_acceptor_that_cannot_listen_keeps_no_descriptor(void **state)
{
    fixture_t *fixture = *state;
    struct sockaddr_storage address;
    reef__acceptor_t second;
    reef_failure_t failure = {0};
    int before = dup(fixture->acceptor.descriptor);
    int after;

    close(before);
    reef__acceptor_address(&fixture->acceptor, &address);
    assert_int_equal(open_acceptor(fixture, &second,
                                   ((struct sockaddr_in *)&address)->sin_port,
                                   &failure),
                     REEF_E_IO);
    after = dup(fixture->acceptor.descriptor);
    close(after);

    assert_int_equal(after, before);
}

static void test_acceptor_takes_a_port_over_from_connections_that_end(void **state)
{
    fixture_t *fixture = *state;
    socklen_t size = sizeof(int);
    int on = 0;

    assert_int_equal(
        getsockopt(fixture->acceptor.descriptor, SOL_SOCKET, SO_REUSEADDR, &on, &size),
        0);
    assert_int_not_equal(on, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_acceptor_hands_over_a_descriptor),
        TEST(test_acceptor_knows_the_time_after_a_long_sleep),
        TEST(test_acceptor_names_an_address_in_use),
        TEST(test_acceptor_without_descriptors_waits_and_recovers),
        TEST(test_acceptor_turns_peers_away_while_there_are_no_descriptors),
        TEST(test_acceptor_that_cannot_listen_keeps_no_descriptor),
        TEST(test_acceptor_takes_a_port_over_from_connections_that_end),
    };

    return cmocka_run_group_tests_name("acceptor", tests, NULL, NULL);
}
