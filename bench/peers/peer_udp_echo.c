/*
 * What datagrams cost without anything around them: an echo by recvmmsg(2) and
 * sendmmsg(2), on a socket that blocks, with nothing else to wait for.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
    BATCH = 64,
    SLOT = 65536 + 64, /* a cache line more: slots do not compete for the same lines */
    BUFFER = 4 * 1024 * 1024
};

typedef struct server {
    int descriptor;
    struct mmsghdr headers[BATCH];
    struct iovec spans[BATCH];
    struct sockaddr_in from[BATCH];
    char slab[BATCH][SLOT];
} server_t;

static int listen_on(server_t *server, int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((in_port_t)port)};
    socklen_t size = sizeof(address);
    int buffer = BUFFER;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server->descriptor = socket(AF_INET, SOCK_DGRAM, 0);
    if (server->descriptor < 0 ||
        bind(server->descriptor, (struct sockaddr *)&address, size) != 0 ||
        getsockname(server->descriptor, (struct sockaddr *)&address, &size) != 0) {
        fprintf(stderr, "peer_udp_echo: cannot listen: %s\n", strerror(errno));
        return -1;
    }
    (void)setsockopt(server->descriptor, SOL_SOCKET, SO_RCVBUF, &buffer,
                     sizeof(buffer));
    fprintf(stderr, "listening port=%d\n", ntohs(address.sin_port));
    return 0;
}

static void prepare(server_t *server)
{
    for (int i = 0; i < BATCH; i++) {
        server->headers[i].msg_hdr = (struct msghdr){
            .msg_name = &server->from[i],
            .msg_iov = &server->spans[i],
            .msg_iovlen = 1,
        };
        server->spans[i].iov_base = server->slab[i];
    }
}

/* At least one, and what else is there. */
static int receive(server_t *server)
{
    for (int i = 0; i < BATCH; i++) {
        server->headers[i].msg_hdr.msg_namelen = sizeof(server->from[i]);
        server->spans[i].iov_len = SLOT;
    }
    return recvmmsg(server->descriptor, server->headers, BATCH, MSG_WAITFORONE, NULL);
}

static void echo(server_t *server, int count)
{
    int sent = 0;

    for (int i = 0; i < count; i++) {
        server->spans[i].iov_len = server->headers[i].msg_len;
    }
    while (sent < count) {
        int more = sendmmsg(server->descriptor, server->headers + sent,
                            (unsigned)(count - sent), 0);

        sent += more > 0 ? more : 1; /* one that cannot be sent is lost */
    }
}

int main(int count, char **arguments)
{
    static server_t server;
    int port = 0;

    for (int i = 1; i < count; i++) {
        if (strcmp(arguments[i], "--port") == 0 && i + 1 < count) {
            port = (int)strtol(arguments[++i], NULL, 10);
        } else {
            fputs("usage: peer_udp_echo [--port N]\n", stderr);
            return 2;
        }
    }
    if (listen_on(&server, port) != 0) {
        return 1;
    }
    prepare(&server);
    for (;;) {
        int received = receive(&server);

        if (received > 0) {
            echo(&server, received);
        }
    }
}
