/* Every test runs with each engine; those of io_uring are skipped where it cannot be
 * used. */
#include "test.h"

#include "transport/egress.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum {
    PAIRS = 100,
    MANY = 2100, /* more than one submission of the ring */
    SPANS = 5,
    LARGE = 8 * 1024 * 1024, /* more than any socket takes at once */
};

typedef struct pair {
    int out; /* written to by the engine; does not block */
    int in;
} pair_t;

typedef struct fixture {
    reef__egress_t *egress; /* NULL: cannot be opened here */
    const char *why;
    pair_t pairs[MANY];
    reef__egress_write_t writes[MANY];
    uint32_t count;
} fixture_t;

static int setup_with(void **state, bool uses_uring)
{
    fixture_t *f = calloc(1, sizeof(*f));

    f->egress = uses_uring ? reef__egress_uring_open(reef_alloc_default(), &f->why)
                           : reef__egress_uv_open(reef_alloc_default());
    signal(SIGPIPE, SIG_DFL); /* a SIGPIPE would end the test */
    *state = f;
    return 0;
}

static int setup_uv(void **state)
{
    return setup_with(state, false);
}

static int setup_uring(void **state)
{
    return setup_with(state, true);
}

static int teardown(void **state)
{
    fixture_t *f = *state;

    for (uint32_t i = 0; i < f->count; i++) {
        close(f->pairs[i].out);
        close(f->pairs[i].in);
    }
    reef__egress_close(f->egress);
    free(f);
    return 0;
}

static fixture_t *begin(void **state)
{
    fixture_t *f = *state;

    if (f->egress == NULL) {
        print_message("io_uring: %s\n", f->why);
        skip();
    }
    return f;
}

static void open_pairs(fixture_t *f, uint32_t count)
{
    for (; f->count < count; f->count++) {
        int ends[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
        assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
        f->pairs[f->count] = (pair_t){.out = ends[0], .in = ends[1]};
    }
}

static struct iovec span_of(const char *text)
{
    return (struct iovec){.iov_base = (void *)text, .iov_len = strlen(text)};
}

static void prepare(fixture_t *f, uint32_t index, const struct iovec *spans, uint32_t n)
{
    f->writes[index] = (reef__egress_write_t){
        .descriptor = f->pairs[index].out, .span_count = n, .spans = spans};
}

static void expect_text(const fixture_t *f, uint32_t index, const char *text)
{
    char received[256] = "";
    ssize_t size = recv(f->pairs[index].in, received, sizeof(received), MSG_DONTWAIT);

    assert_int_equal(f->writes[index].result, strlen(text));
    assert_int_equal(size, strlen(text));
    assert_memory_equal(received, text, strlen(text));
}

static void test_egress_one_write(void **state)
{
    fixture_t *f = begin(state);
    struct iovec span = span_of("alone");

    open_pairs(f, 1);
    prepare(f, 0, &span, 1);
    reef__egress_write(f->egress, f->writes, 1);

    expect_text(f, 0, "alone");
}

static void test_egress_every_connection_gets_its_own(void **state)
{
    fixture_t *f = begin(state);
    static char texts[PAIRS][16];
    struct iovec spans[PAIRS];

    open_pairs(f, PAIRS);
    for (uint32_t i = 0; i < PAIRS; i++) {
        snprintf(texts[i], sizeof(texts[i]), "to %u", i);
        spans[i] = span_of(texts[i]);
        prepare(f, i, &spans[i], 1);
    }
    reef__egress_write(f->egress, f->writes, PAIRS);

    for (uint32_t i = 0; i < PAIRS; i++) {
        expect_text(f, i, texts[i]);
    }
}

static void test_egress_spans_are_joined_in_order(void **state)
{
    fixture_t *f = begin(state);
    const struct iovec spans[SPANS] = {span_of("a"), span_of("bc"), span_of(""),
                                       span_of("def"), span_of("g")};

    open_pairs(f, PAIRS);
    for (uint32_t i = 0; i < PAIRS; i++) {
        prepare(f, i, spans, SPANS - i % 2);
    }
    reef__egress_write(f->egress, f->writes, PAIRS);

    for (uint32_t i = 0; i < PAIRS; i++) {
        expect_text(f, i, i % 2 == 0 ? "abcdefg" : "abcdef");
    }
}

static void test_egress_calls_follow_each_other_in_order(void **state)
{
    fixture_t *f = begin(state);
    const struct iovec first = span_of("first ");
    const struct iovec second = span_of("second");

    open_pairs(f, PAIRS);
    for (int round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < PAIRS; i++) {
            prepare(f, i, round == 0 ? &first : &second, 1);
        }
        reef__egress_write(f->egress, f->writes, PAIRS);
    }

    for (uint32_t i = 0; i < PAIRS; i++) {
        char text[16] = "";

        assert_int_equal(read(f->pairs[i].in, text, sizeof(text)), 12);
        assert_string_equal(text, "first second");
    }
}

/* Bytes that tell where they belong. */
static uint8_t *make_large(void)
{
    uint8_t *data = malloc(LARGE);

    for (uint32_t i = 0; i < LARGE; i++) {
        data[i] = (uint8_t)(i % 251);
    }
    return data;
}

/* Read `size` bytes, of which the first is number `at`. */
static void expect_bytes(int descriptor, uint64_t at, uint64_t size)
{
    static uint8_t received[65536];

    while (size > 0) {
        size_t most = size < sizeof(received) ? (size_t)size : sizeof(received);
        ssize_t count = recv(descriptor, received, most, MSG_DONTWAIT);

        assert_true(count > 0);
        for (ssize_t i = 0; i < count; i++) {
            assert_int_equal(received[i], (at + (uint64_t)i) % 251);
        }
        at += (uint64_t)count;
        size -= (uint64_t)count;
    }
}

static void test_egress_full_socket_takes_a_part_and_then_nothing(void **state)
{
    fixture_t *f = begin(state);
    const struct iovec other = span_of("x");
    uint8_t *data = make_large();
    uint64_t sent = 0;

    open_pairs(f, 2);
    for (int round = 0; round < 4; round++) {
        struct iovec rest = {data + sent, LARGE - sent};
        int64_t taken;

        prepare(f, 0, &rest, 1);
        prepare(f, 1, &other, 1);
        reef__egress_write(f->egress, f->writes, 2);
        taken = f->writes[0].result;
        assert_true(taken > 0 && (uint64_t)taken < LARGE - sent);
        expect_text(f, 1, "x"); /* whatever became of the other */

        rest.iov_base = data + sent + taken;
        rest.iov_len = 1;
        reef__egress_write(f->egress, f->writes, 2);
        assert_int_equal(f->writes[0].result, -EAGAIN);
        expect_text(f, 1, "x");
        expect_bytes(f->pairs[0].in, sent, (uint64_t)taken);
        sent += (uint64_t)taken;
    }
    free(data);
}

static void test_egress_part_may_end_within_any_span(void **state)
{
    fixture_t *f = begin(state);
    uint8_t *data = make_large();
    struct iovec spans[64];
    uint64_t taken;

    open_pairs(f, 2);
    for (int i = 0; i < 64; i++) {
        spans[i] = (struct iovec){data + (ptrdiff_t)i * (LARGE / 64), LARGE / 64};
    }
    prepare(f, 0, spans, 64);
    prepare(f, 1, spans, 64);
    reef__egress_write(f->egress, f->writes, 2);

    for (int i = 0; i < 2; i++) {
        assert_true(f->writes[i].result > 0 && f->writes[i].result < LARGE);
        taken = (uint64_t)f->writes[i].result;
        expect_bytes(f->pairs[i].in, 0, taken);
    }
    free(data);
}

static void test_egress_closed_peer_is_an_error_of_its_own(void **state)
{
    fixture_t *f = begin(state);
    const struct iovec spans[2] = {span_of("sent"), span_of(" all")};

    open_pairs(f, PAIRS);
    for (uint32_t i = 0; i < PAIRS; i++) {
        prepare(f, i, spans, 1 + i % 2);
        if (i % 5 == 0) {
            close(f->pairs[i].in);
        }
    }
    reef__egress_write(f->egress, f->writes, PAIRS);

    for (uint32_t i = 0; i < PAIRS; i++) {
        if (i % 5 == 0) {
            assert_int_equal(f->writes[i].result, -EPIPE);
            f->pairs[i].in = dup(f->pairs[i].out); /* teardown closes it */
        } else {
            expect_text(f, i, i % 2 == 0 ? "sent" : "sent all");
        }
    }
}

static void test_egress_bad_descriptor_harms_no_other(void **state)
{
    fixture_t *f = begin(state);
    const struct iovec span = span_of("fine");

    open_pairs(f, 3);
    for (uint32_t i = 0; i < 3; i++) {
        prepare(f, i, &span, 1);
    }
    f->writes[1].descriptor = INT32_MAX;
    reef__egress_write(f->egress, f->writes, 3);

    assert_int_equal(f->writes[1].result, -EBADF);
    expect_text(f, 0, "fine");
    expect_text(f, 2, "fine");
}

static void test_egress_more_writes_than_one_submission_holds(void **state)
{
    fixture_t *f = begin(state);
    const struct iovec span = span_of("one of many");
    struct rlimit before;
    struct rlimit more;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    more = before;
    more.rlim_cur = MANY * 2 + 64;
    if (setrlimit(RLIMIT_NOFILE, &more) != 0) {
        skip();
    }
    open_pairs(f, MANY);
    for (uint32_t i = 0; i < MANY; i++) {
        prepare(f, i, &span, 1);
    }
    reef__egress_write(f->egress, f->writes, MANY);

    for (uint32_t i = 0; i < MANY; i++) {
        expect_text(f, i, "one of many");
    }
    setrlimit(RLIMIT_NOFILE, &before);
}

static void on_alarm(int number)
{
    (void)number;
}

/* Signals may come at any time; nothing is lost or written twice. */
static void test_egress_signals_do_not_matter(void **state)
{
    fixture_t *f = begin(state);
    const struct iovec spans[2] = {span_of("undis"), span_of("turbed")};
    const struct itimerval often = {{0, 50}, {0, 50}};
    const struct itimerval never = {{0, 0}, {0, 0}};

    open_pairs(f, PAIRS);
    sigaction(SIGALRM, &(struct sigaction){.sa_handler = on_alarm}, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    for (int round = 0; round < 100; round++) {
        for (uint32_t i = 0; i < PAIRS; i++) {
            prepare(f, i, spans, 2);
        }
        reef__egress_write(f->egress, f->writes, PAIRS);
        for (uint32_t i = 0; i < PAIRS; i++) {
            expect_text(f, i, "undisturbed");
        }
    }
    setitimer(ITIMER_REAL, &never, NULL);
    signal(SIGALRM, SIG_DFL);
}

/* Put something else where the engine has its ring: nothing it asks for is done. */
static void take_ring_away(void)
{
    DIR *folder = opendir("/proc/self/fd");
    const struct dirent *entry;
    int found = 0;

    assert_non_null(folder);
    while ((entry = readdir(folder)) != NULL) {
        char path[300];
        char target[64] = "";
        int null;

        snprintf(path, sizeof(path), "/proc/self/fd/%s", entry->d_name);
        if (readlink(path, target, sizeof(target) - 1) < 0 ||
            strcmp(target, "anon_inode:[io_uring]") != 0) {
            continue;
        }
        null = open("/dev/null", O_RDONLY | O_CLOEXEC);
        assert_true(dup2(null, (int)strtol(entry->d_name, NULL, 10)) >= 0);
        close(null);
        found++;
    }
    closedir(folder);
    assert_int_equal(found, 1);
}

static void test_egress_ring_that_refuses_is_done_without(void **state)
{
    fixture_t *f = begin(state);
    const struct iovec span = span_of("all the same");

    take_ring_away();
    open_pairs(f, PAIRS);
    for (int round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < PAIRS; i++) {
            prepare(f, i, &span, 1);
        }
        reef__egress_write(f->egress, f->writes, PAIRS);
        for (uint32_t i = 0; i < PAIRS; i++) {
            expect_text(f, i, "all the same");
        }
    }
}

#define BOTH(name)                                                                     \
    {#name " (uv)", name, setup_uv, teardown, NULL},                                   \
    {                                                                                  \
#name " (uring)", name, setup_uring, teardown, NULL                            \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(test_egress_one_write),
        BOTH(test_egress_every_connection_gets_its_own),
        BOTH(test_egress_spans_are_joined_in_order),
        BOTH(test_egress_calls_follow_each_other_in_order),
        BOTH(test_egress_full_socket_takes_a_part_and_then_nothing),
        BOTH(test_egress_part_may_end_within_any_span),
        BOTH(test_egress_closed_peer_is_an_error_of_its_own),
        BOTH(test_egress_bad_descriptor_harms_no_other),
        BOTH(test_egress_more_writes_than_one_submission_holds),
        BOTH(test_egress_signals_do_not_matter),
        cmocka_unit_test_setup_teardown(test_egress_ring_that_refuses_is_done_without,
                                        setup_uring, teardown),
    };

    return cmocka_run_group_tests_name("egress", tests, NULL, NULL);
}
