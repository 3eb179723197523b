/* What the path allows, and addresses that are not this machine's loopback: in a
 * network of the test's own, whose only link takes packets of 1500 bytes. */
#include "udp_fixture.h"

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
    MTU = 1500,
    FITS = MTU - 20 - 8,
    FITS_IPV6 = MTU - 40 - 8,
};

static const char own_address[] = "10.9.8.7";

static bool has_network;

static bool set_link(int descriptor, const char *name, unsigned long request, int value)
{
    struct ifreq wanted = {0};

    snprintf(wanted.ifr_name, sizeof(wanted.ifr_name), "%s", name);
    if (request == SIOCSIFFLAGS) {
        wanted.ifr_flags = (short)value;
    } else {
        wanted.ifr_mtu = value;
    }
    return ioctl(descriptor, request, &wanted) == 0;
}

static bool set_address(int descriptor, const char *name)
{
    struct sockaddr_storage address = {0};
    struct ifreq wanted = {0};
    reef__ip_t ip;

    snprintf(wanted.ifr_name, sizeof(wanted.ifr_name), "%s", name);
    assert_true(reef__ip_parse(reef_span_text(own_address), &ip));
    reef__ip_to_address(&ip, 0, &address);
    memcpy(&wanted.ifr_addr, &address, sizeof(wanted.ifr_addr));
    return ioctl(descriptor, SIOCSIFADDR, &wanted) == 0;
}

/* Needs to be root, or a kernel that lets anybody. */
static bool make_network(void)
{
    int descriptor;
    bool is_made;

    if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
        return false;
    }
    descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    is_made = set_link(descriptor, "lo", SIOCSIFMTU, MTU) &&
              set_link(descriptor, "lo", SIOCSIFFLAGS, IFF_UP | IFF_RUNNING) &&
              set_address(descriptor, "lo:1");
    close(descriptor);
    return is_made;
}

static void need_network(void)
{
    if (!has_network) {
        print_message("no network of one's own: not allowed here\n");
        skip();
    }
}

static void send_size(fixture_t *f, reef_entity_t target, size_t size)
{
    char text[8192] = {0};

    memset(text, 'x', size);
    udp_send(f, target, text, REEF_RELIABLE, 0);
}

static void expect_limit(fixture_t *f, const char *listen, size_t fits)
{
    char fitting[8192] = {0};
    reef_entity_t entity;
    int client;

    need_network();
    memset(fitting, 'x', fits);
    f->echoes = false;
    UDP_START(f, listen);
    client = udp_client(f, 0);
    entity = udp_enter(f, client);
    send_size(f, entity, fits);
    send_size(f, entity, fits + 1);
    udp_send(f, entity, "and on", REEF_RELIABLE, 0);
    udp_await(f, &f->failed[REEF_SEND_TOO_LARGE], 1, "a refusal");
    udp_expect(f, client, fitting);
    udp_expect(f, client, "and on");
    assert_int_equal(f->failed[REEF_SEND_TOO_LARGE], 1);
    assert_int_equal(f->ended_count, 0);
}

static void test_udp_path_limits_what_is_sent(void **state)
{
    expect_limit(*state, "udp.listen=127.0.0.1:0", FITS);
}

static void test_udp_path_limits_what_is_sent_over_ipv6(void **state)
{
    if (has_network && access("/proc/net/if_inet6", R_OK) != 0) {
        print_message("there is no IPv6\n");
        skip();
    }
    expect_limit(*state, "udp.listen=[::1]:0", FITS_IPV6);
}

static void test_udp_path_may_cut_when_it_is_let(void **state)
{
    char text[5001] = {0};
    fixture_t *f = *state;
    int client;

    need_network();
    memset(text, 'x', 5000);
    f->echoes = false;
    UDP_START(f, "udp.fragment=true");
    client = udp_client(f, 0);
    send_size(f, udp_enter(f, client), 5000);
    udp_expect(f, client, text);
    assert_int_equal(f->failed[REEF_SEND_TOO_LARGE], 0);
}

static void test_udp_path_one_address_has_so_many_sessions(void **state)
{
    fixture_t *f = *state;
    reef_entity_t first;
    int clients[3];

    need_network();
    UDP_START(f, "udp.listen=10.9.8.7:0,127.0.0.1:0", "udp.max_sessions_per_address=2",
              "udp.quarantine_s=0");
    for (int i = 0; i < 3; i++) {
        clients[i] = udp_client(f, 0);
        udp_enter(f, udp_client(f, 1)); /* loopback is excepted */
    }
    first = udp_enter(f, clients[0]);
    udp_enter(f, clients[1]);
    udp_say(clients[2], "hello");
    udp_await_dropped(f, REEF__UDP_DROP_ADDRESS, 1);
    assert_int_equal(reef_session_count(f->app), 5);

    reef_session_close(f->app, first, 1008, "make room");
    udp_await_places(f, 4);
    udp_enter(f, clients[2]);
    assert_int_equal(reef_session_count(f->app), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(test_udp_path_limits_what_is_sent),
        BOTH(test_udp_path_limits_what_is_sent_over_ipv6),
        BOTH(test_udp_path_may_cut_when_it_is_let),
        BOTH(test_udp_path_one_address_has_so_many_sessions),
    };

    has_network = make_network();
    return cmocka_run_group_tests_name("udp_path", tests, NULL, NULL);
}
