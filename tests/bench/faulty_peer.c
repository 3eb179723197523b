/*
 * A TCP echo for one client that is wrong in one way: faulty_peer FAULT.  Messages are
 * of 128 bytes, and number 3 is the one that goes wrong.  With the path of a Unix
 * socket instead of a fault it is right, and listens there.
 */
#include "ws.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    SIZE = 128,
    WRONG = 3,
    WRONG_BYTE = 40
};

static bool read_message(int client, char *message)
{
    return recv(client, message, SIZE, MSG_WAITALL) == SIZE;
}

static void write_message(int client, const char *message, size_t size)
{
    send(client, message, size, MSG_NOSIGNAL);
}

static void answer_handshake(int client, const char *head)
{
    char request[2048];

    recv(client, request, sizeof(request), 0);
    send(client, head, strlen(head), MSG_NOSIGNAL);
}

/* Accept a handshake, then send what is in @p more behind the head. */
static void accept_handshake(int client, const char *more)
{
    char request[2048] = "", head[256], accept[WS_ACCEPT_SIZE], *key;
    int size;

    recv(client, request, sizeof(request) - 1, 0);
    key = strstr(request, "Sec-WebSocket-Key: ");
    key = key != NULL ? key + strlen("Sec-WebSocket-Key: ") : request;
    key[WS_KEY_SIZE - 1] = '\0';
    ws_accept(accept, key);
    size = snprintf(head, sizeof(head),
                    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                    "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n%s",
                    accept, more);
    send(client, head, (size_t)size, MSG_NOSIGNAL);
}

/* Ping, and close with 1000 if what comes first is the pong, else with 1011. */
static void ping(int client)
{
    uint8_t pong[8], *mask = pong + 2, code[] = {0x88, 2, 1000 >> 8, 1000 & 0xff};

    accept_handshake(client, "\x89\x02hi");
    if (recv(client, pong, sizeof(pong), MSG_WAITALL) != sizeof(pong) ||
        pong[0] != 0x8a || pong[1] != 0x82 || (pong[6] ^ mask[0]) != 'h' ||
        (pong[7] ^ mask[1]) != 'i') {
        code[3] = 1011 & 0xff;
    }
    send(client, code, sizeof(code), MSG_NOSIGNAL);
}

/* Return a message with one byte more or less. */
static void resize(int client, int change)
{
    uint8_t in[8 + SIZE], *mask = in + 4;
    uint8_t out[4 + SIZE + 1] = {0x81, 126, 0, (uint8_t)(SIZE + change)};

    accept_handshake(client, "");
    if (recv(client, in, sizeof(in), MSG_WAITALL) == sizeof(in)) {
        ws_mask(out + 4, in + 8, SIZE, mask);
        send(client, out, 4 + (size_t)(SIZE + change), MSG_NOSIGNAL);
    }
}

/* False = the connection is over. */
static bool go_wrong(int client, const char *fault, char *message)
{
    char next[SIZE];

    if (strcmp(fault, "flip") == 0) {
        message[WRONG_BYTE] ^= 1;
        write_message(client, message, SIZE);
    } else if (strcmp(fault, "swap") == 0 && read_message(client, next)) {
        write_message(client, next, SIZE);
        write_message(client, message, SIZE);
    } else if (strcmp(fault, "twice") == 0) { /* when the next three have come */
        for (int i = 0; i < 3; i++) {
            read_message(client, next);
        }
        write_message(client, message, SIZE);
        write_message(client, message, SIZE);
    } else if (strcmp(fault, "short") == 0) {
        write_message(client, message, SIZE - 1);
    } else if (strcmp(fault, "wide") == 0) { /* a VarInt of six bytes */
        write_message(client, "\x80\x80\x80\x80\x80\x01", 6);
    } else if (strcmp(fault, "empty") == 0) {
        write_message(client, "\0\0\0", 4);
    } else if (strcmp(fault, "close") == 0) {
        return false;
    } else if (strcmp(fault, "silent") == 0) {
        return read_message(client, next); /* never answered, like what follows */
    }
    return true;
}

static void serve(int client, const char *fault)
{
    bool is_in_stream =
        fault[0] != '/' && strcmp(fault, "none") != 0 && strcmp(fault, "late") != 0;
    char message[SIZE];

    if (strcmp(fault, "refuse") == 0) {
        answer_handshake(client, "HTTP/1.1 403 Forbidden\r\n\r\n");
    } else if (strcmp(fault, "unproven") == 0) {
        answer_handshake(client, "HTTP/1.1 101 Switching Protocols\r\n"
                                 "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                                 "Sec-WebSocket-Accept: AAAA\r\n\r\n");
    } else if (strcmp(fault, "hang-up") == 0) {
        return;
    } else if (strcmp(fault, "ping") == 0) {
        ping(client);
    } else if (strcmp(fault, "longer") == 0) {
        resize(client, 1);
    } else if (strcmp(fault, "shorter") == 0) {
        resize(client, -1);
    }
    for (unsigned number = 0; read_message(client, message); number++) {
        if (number == WRONG && is_in_stream) {
            if (!go_wrong(client, fault, message)) {
                return;
            }
        } else if (number < WRONG || strcmp(fault, "silent") != 0) {
            write_message(client, message, SIZE);
        }
    }
    if (strcmp(fault, "late") == 0) { /* nothing is owed any more */
        write_message(client, message, SIZE);
    }
}

static int listen_on_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener, (struct sockaddr *)&address, size) != 0 ||
        listen(listener, 1) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0) {
        return -1;
    }
    fprintf(stderr, "listening port=%u\n", ntohs(address.sin_port));
    return listener;
}

static int listen_on_path(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    if (bind(listener, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(listener, 1) != 0) {
        return -1;
    }
    fprintf(stderr, "listening port=0\n");
    return listener;
}

int main(int count, char **arguments)
{
    int listener, client;

    if (count != 2) {
        return 2;
    }
    listener = arguments[1][0] == '/' ? listen_on_path(arguments[1]) : listen_on_port();
    if (listener < 0) {
        return 1;
    }
    client = accept(listener, NULL, NULL);
    serve(client, arguments[1]);
    close(client);
    return 0;
}
