/* Batches over loopback sockets, and over a system that fails on demand. */
#include "test.h"

#include "transport/udp_socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <unistd.h>

enum {
    MAX_STEPS = 16,
    DEADLINE_MS = 20000,
};

/** What the fake system answers to its next calls: a number sent, or minus an errno. */
static struct {
    int answers[MAX_STEPS];
    unsigned counts[MAX_STEPS]; /* of datagrams offered */
    int calls;
} fake;

static int fake_send(int descriptor, struct mmsghdr *headers, unsigned count, int flags)
{
    int answer = fake.answers[fake.calls];

    (void)descriptor;
    (void)headers;
    assert_true((flags & MSG_DONTWAIT) != 0);
    fake.counts[fake.calls++] = count;
    errno = answer < 0 ? -answer : 0;
    return answer < 0 ? -1 : answer;
}

typedef struct fixture {
    int server;
    int client;
    struct sockaddr_storage server_address;
    struct sockaddr_storage client_address;
    reef__udp_receiver_t *receiver;
    reef__udp_sender_t *sender;
    uint32_t failed[MAX_STEPS]; /* indices */
    int causes[MAX_STEPS];
    int failed_count;
} fixture_t;

static int bound(struct sockaddr_storage *address)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    socklen_t size = sizeof(*address);
    int descriptor;

    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    memset(address, 0, sizeof(*address));
    memcpy(address, &in, sizeof(in));
    descriptor = reef__udp_socket_open(&(reef__udp_socket_desc_t){.address = address});
    assert_true(descriptor >= 0);
    assert_int_equal(getsockname(descriptor, (struct sockaddr *)address, &size), 0);
    return descriptor;
}

static int setup(void **state)
{
    fixture_t *f = calloc(1, sizeof(*f));

    memset(&fake, 0, sizeof(fake));
    f->server = bound(&f->server_address);
    f->client = bound(&f->client_address);
    f->receiver = reef__udp_receiver_create(reef_alloc_default(), 1000);
    f->sender = reef__udp_sender_create(reef_alloc_default(), NULL);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture_t *f = *state;

    close(f->server);
    close(f->client);
    reef__udp_receiver_destroy(f->receiver);
    reef__udp_sender_destroy(f->sender);
    free(f);
    return 0;
}

static void send_text(const fixture_t *f, const char *text)
{
    assert_int_equal(sendto(f->client, text, strlen(text), 0,
                            (const struct sockaddr *)&f->server_address,
                            sizeof(struct sockaddr_in)),
                     strlen(text));
}

static void await(int descriptor)
{
    struct pollfd waiting = {.fd = descriptor, .events = POLLIN};

    assert_int_equal(poll(&waiting, 1, DEADLINE_MS), 1);
}

static void on_failed(void *context, uint32_t index, int cause)
{
    fixture_t *f = context;

    f->failed[f->failed_count] = index;
    f->causes[f->failed_count++] = cause;
}

static void use_fake(fixture_t *f, const int *answers, size_t count)
{
    reef__udp_sender_destroy(f->sender);
    f->sender = reef__udp_sender_create(reef_alloc_default(), fake_send);
    memcpy(fake.answers, answers, count * sizeof(int));
}

#define USE_FAKE(f, ...)                                                               \
    use_fake(f, (int[]){__VA_ARGS__}, sizeof((int[]){__VA_ARGS__}) / sizeof(int))

static reef__udp_send_result_t send_many(fixture_t *f, int count)
{
    for (int i = 0; i < count; i++) {
        reef__udp_sender_add(f->sender, (const struct sockaddr *)&f->client_address,
                             reef_span_text("x"));
    }
    return reef__udp_sender_send(f->sender, f->server, on_failed, f);
}

/* Receiving ------------------------------------------------------------------------ */

static void test_udp_socket_receives_a_batch_in_order(void **state)
{
    fixture_t *f = *state;

    send_text(f, "one");
    send_text(f, "");
    send_text(f, "three");
    await(f->server);

    assert_int_equal(reef__udp_receive(f->receiver, f->server), 3);
    assert_true(reef_span_equal(reef__udp_received(f->receiver, 0).payload,
                                reef_span_text("one")));
    assert_int_equal(reef__udp_received(f->receiver, 1).payload.size, 0);
    assert_true(reef_span_equal(reef__udp_received(f->receiver, 2).payload,
                                reef_span_text("three")));
    assert_memory_equal(reef__udp_received(f->receiver, 2).from, &f->client_address,
                        sizeof(struct sockaddr_in));
    assert_int_equal(reef__udp_receive(f->receiver, f->server), -1);
    assert_int_equal(errno, EAGAIN);
}

static void test_udp_socket_tells_what_is_cut(void **state)
{
    fixture_t *f = *state;
    char text[1002] = {0};

    memset(text, 'x', 1000);
    send_text(f, text);
    text[1000] = 'x';
    send_text(f, text);
    await(f->server);

    assert_int_equal(reef__udp_receive(f->receiver, f->server), 2);
    assert_false(reef__udp_received(f->receiver, 0).is_cut);
    assert_int_equal(reef__udp_received(f->receiver, 0).payload.size, 1000);
    assert_true(reef__udp_received(f->receiver, 1).is_cut);
}

static void test_udp_socket_takes_the_largest_datagram(void **state)
{
    static uint8_t bytes[REEF__UDP_MAX_PAYLOAD];
    fixture_t *f = *state;

    reef__udp_receiver_destroy(f->receiver);
    f->receiver = reef__udp_receiver_create(reef_alloc_default(), sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)(i * 7 + i / 251);
    }
    reef__udp_sender_add(f->sender, (const struct sockaddr *)&f->server_address,
                         reef_span(bytes, sizeof(bytes)));
    assert_int_equal(reef__udp_sender_send(f->sender, f->client, on_failed, f).done, 1);
    assert_int_equal(f->failed_count, 0);
    await(f->server);

    assert_int_equal(reef__udp_receive(f->receiver, f->server), 1);
    assert_true(reef_span_equal(reef__udp_received(f->receiver, 0).payload,
                                reef_span(bytes, sizeof(bytes))));
}

/* Sending -------------------------------------------------------------------------- */

static void test_udp_socket_sends_in_order(void **state)
{
    fixture_t *f = *state;
    char text[8];

    for (int i = 0; i < 3; i++) {
        static const char *const texts[] = {"a", "", "c"};

        reef__udp_sender_add(f->sender, (const struct sockaddr *)&f->client_address,
                             reef_span_text(texts[i]));
    }
    assert_int_equal(reef__udp_sender_send(f->sender, f->server, on_failed, f).done, 3);

    assert_int_equal(reef__udp_sender_count(f->sender), 0);
    assert_int_equal(recv(f->client, text, sizeof(text), 0), 1);
    assert_int_equal(text[0], 'a');
    assert_int_equal(recv(f->client, text, sizeof(text), 0), 0);
    assert_int_equal(recv(f->client, text, sizeof(text), 0), 1);
    assert_int_equal(text[0], 'c');
}

static void test_udp_socket_one_too_large_does_not_hold_up_others(void **state)
{
    static const uint8_t bytes[REEF__UDP_MAX_PAYLOAD + 1];
    fixture_t *f = *state;
    char text[8];

    for (int i = 0; i < 3; i++) {
        reef__udp_sender_add(f->sender, (const struct sockaddr *)&f->client_address,
                             i == 1 ? reef_span(bytes, sizeof(bytes))
                                    : reef_span(i == 0 ? "a" : "c", 1));
    }
    assert_int_equal(reef__udp_sender_send(f->sender, f->server, on_failed, f).done, 3);

    assert_int_equal(f->failed_count, 1);
    assert_int_equal(f->failed[0], 1);
    assert_int_equal(f->causes[0], EMSGSIZE);
    assert_int_equal(recv(f->client, text, sizeof(text), 0), 1);
    assert_int_equal(recv(f->client, text, sizeof(text), 0), 1);
    assert_int_equal(text[0], 'c');
}

static void test_udp_socket_stops_when_the_system_takes_no_more(void **state)
{
    fixture_t *f = *state;

    USE_FAKE(f, 3, -EAGAIN);
    assert_int_equal(send_many(f, 10).done, 3);
    assert_int_equal(f->failed_count, 0);
    assert_int_equal(fake.calls, 2);
    assert_int_equal(fake.counts[1], 7);
}

static void test_udp_socket_goes_on_behind_what_fails(void **state)
{
    fixture_t *f = *state;

    USE_FAKE(f, 2, -EMSGSIZE, -EPERM, -EINTR, 1, -EINVAL, 4);
    assert_int_equal(send_many(f, 10).done, 10);
    assert_int_equal(f->failed_count, 3);
    assert_int_equal(f->failed[0], 2);
    assert_int_equal(f->failed[1], 3);
    assert_int_equal(f->failed[2], 5);
    assert_int_equal(f->causes[2], EINVAL);
}

/* What the network tells of an earlier datagram is no fault of this one. */
static void test_udp_socket_sends_again_after_a_refusal(void **state)
{
    fixture_t *f = *state;
    reef__udp_send_result_t result;

    USE_FAKE(f, -ECONNREFUSED, 2, -ECONNREFUSED, -ECONNREFUSED, 1);
    result = send_many(f, 4);
    assert_int_equal(result.done, 4);
    assert_int_equal(result.refused, 2);
    assert_int_equal(f->failed_count, 1); /* twice in a row: given up */
    assert_int_equal(f->failed[0], 2);
}

/* Opening -------------------------------------------------------------------------- */

static void test_udp_socket_does_not_share_a_port_with_strangers(void **state)
{
    fixture_t *f = *state;
    reef__udp_socket_desc_t desc = {.address = &f->server_address};

    assert_int_equal(reef__udp_socket_open(&desc), -1);
    assert_int_equal(errno, EADDRINUSE);
    desc.shares_port = true;
    desc.is_first = true;
    assert_int_equal(reef__udp_socket_open(&desc), -1);
    assert_int_equal(errno, EADDRINUSE);
}

static void test_udp_socket_shares_a_port_with_its_own(void **state)
{
    fixture_t *f = *state;
    reef__udp_socket_desc_t desc = {
        .address = &f->server_address, .shares_port = true, .is_first = true};
    int first;
    int second;

    close(f->server);
    first = reef__udp_socket_open(&desc);
    desc.is_first = false;
    second = reef__udp_socket_open(&desc);
    assert_true(first >= 0 && second >= 0);
    close(second);
    f->server = first;
}

static int get_option(int descriptor, int level, int name)
{
    socklen_t size = sizeof(int);
    int value;

    assert_int_equal(getsockopt(descriptor, level, name, &value, &size), 0);
    return value;
}

static void test_udp_socket_fragments_only_when_told_to(void **state)
{
    fixture_t *f = *state;
    struct sockaddr_storage address = f->client_address;
    int descriptor;

    assert_int_equal(get_option(f->server, IPPROTO_IP, IP_MTU_DISCOVER),
                     IP_PMTUDISC_DO);
    ((struct sockaddr_in *)&address)->sin_port = 0;
    descriptor = reef__udp_socket_open(&(reef__udp_socket_desc_t){
        .address = &address, .may_fragment = true, .receive_buffer = 65536});
    assert_int_equal(get_option(descriptor, IPPROTO_IP, IP_MTU_DISCOVER),
                     IP_PMTUDISC_DONT);
    assert_int_equal(get_option(descriptor, SOL_SOCKET, SO_RCVBUF), 2 * 65536);
    close(descriptor);
}

/* So that IPv4 may have the port. */
static void test_udp_socket_of_ipv6_leaves_ipv4_alone_when_told_to(void **state)
{
    struct sockaddr_storage address = {.ss_family = AF_INET6};
    reef__udp_socket_desc_t desc = {.address = &address, .is_ipv6_only = true};
    int descriptor;

    (void)state;
    descriptor = reef__udp_socket_open(&desc);
    assert_int_equal(get_option(descriptor, IPPROTO_IPV6, IPV6_V6ONLY), 1);
    close(descriptor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_udp_socket_receives_a_batch_in_order),
        TEST(test_udp_socket_tells_what_is_cut),
        TEST(test_udp_socket_takes_the_largest_datagram),
        TEST(test_udp_socket_sends_in_order),
        TEST(test_udp_socket_one_too_large_does_not_hold_up_others),
        TEST(test_udp_socket_stops_when_the_system_takes_no_more),
        TEST(test_udp_socket_goes_on_behind_what_fails),
        TEST(test_udp_socket_sends_again_after_a_refusal),
        TEST(test_udp_socket_does_not_share_a_port_with_strangers),
        TEST(test_udp_socket_shares_a_port_with_its_own),
        TEST(test_udp_socket_fragments_only_when_told_to),
        TEST(test_udp_socket_of_ipv6_leaves_ipv4_alone_when_told_to),
    };

    return cmocka_run_group_tests_name("udp_socket", tests, NULL, NULL);
}
