/* Blocking sockets; poll() bounds each wait. */
#include "socket.h"

#include "test.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sockaddr_in loopback(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr = {htonl(INADDR_LOOPBACK)},
    };
}

static struct sockaddr_in6 loopback_ipv6(uint16_t port)
{
    return (struct sockaddr_in6){
        .sin6_family = AF_INET6,
        .sin6_port = htons(port),
        .sin6_addr = IN6ADDR_LOOPBACK_INIT,
    };
}

static int connect_to(const struct sockaddr *address, socklen_t size)
{
    int descriptor = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int one = 1;

    assert_true(descriptor >= 0);
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    assert_int_equal(connect(descriptor, address, size), 0);
    return descriptor;
}

int socket_connect(uint16_t port)
{
    struct sockaddr_in address = loopback(port);

    return connect_to((const struct sockaddr *)&address, sizeof(address));
}

int socket_connect_ipv6(uint16_t port)
{
    struct sockaddr_in6 address = loopback_ipv6(port);

    return connect_to((const struct sockaddr *)&address, sizeof(address));
}

bool socket_has_ipv6(void)
{
    struct sockaddr_in6 address = loopback_ipv6(0);
    int descriptor = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool has = descriptor >= 0 && bind(descriptor, (const struct sockaddr *)&address,
                                       sizeof(address)) == 0;

    if (descriptor >= 0) {
        close(descriptor);
    }
    return has;
}

int socket_listen(uint16_t *port)
{
    struct sockaddr_in address = loopback(0);
    socklen_t size = sizeof(address);
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(descriptor >= 0);
    assert_int_equal(
        bind(descriptor, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(descriptor, 1), 0);
    assert_int_equal(getsockname(descriptor, (struct sockaddr *)&address, &size), 0);
    *port = ntohs(address.sin_port);
    return descriptor;
}

static void await(int descriptor, short events)
{
    struct pollfd waiting = {.fd = descriptor, .events = events};

    if (poll(&waiting, 1, SOCKET_DEADLINE_MS) != 1) {
        fail_msg("the server was silent for %d ms", SOCKET_DEADLINE_MS);
    }
}

void socket_await(int descriptor)
{
    await(descriptor, POLLIN);
}

bool socket_send(int descriptor, const void *data, size_t size)
{
    const uint8_t *bytes = data;

    while (size > 0) {
        ssize_t sent;

        await(descriptor, POLLOUT);
        sent = send(descriptor, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno != EAGAIN) {
            return false;
        }
        bytes += sent > 0 ? sent : 0;
        size -= sent > 0 ? (size_t)sent : 0;
    }
    return true;
}

size_t socket_receive(int descriptor, void *data, size_t capacity)
{
    ssize_t received;

    socket_await(descriptor);
    received = recv(descriptor, data, capacity, 0);
    return received > 0 ? (size_t)received : 0;
}

size_t socket_receive_all(int descriptor, char *text, size_t capacity)
{
    size_t size = 0;
    size_t received;

    do {
        assert_true(size + 1 < capacity);
        received = socket_receive(descriptor, text + size, capacity - size - 1);
        size += received;
    } while (received > 0);
    text[size] = '\0';
    return size;
}

int socket_http_status(const char *text)
{
    static const char version[] = "HTTP/1.1 ";
    char *end = NULL;
    long status;

    if (strncmp(text, version, strlen(version)) != 0) {
        return 0;
    }
    status = strtol(text + strlen(version), &end, 10);
    return *end == ' ' && status >= 100 && status < 600 ? (int)status : 0;
}
