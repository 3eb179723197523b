/*
 * A UDP echo that is wrong in one way: faulty_datagrams FAULT.  Datagrams are of 128
 * bytes, and the fifth that comes is the one that goes wrong.
 */
#include "payload.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum {
    SIZE = 128,
    WRONG = 4,
    WRONG_BYTE = 40,
    FEW = 1000, /* one in so many is left out */
    MANY = 10,
    BUFFER = 1 << 20
};

typedef struct datagram {
    uint8_t data[SIZE + 1];
    struct sockaddr_in from;
} datagram_t;

static int server;

static void answer(const datagram_t *datagram, size_t size)
{
    sendto(server, datagram->data, size, 0, (const struct sockaddr *)&datagram->from,
           sizeof(datagram->from));
}

static void receive(datagram_t *datagram)
{
    socklen_t size = sizeof(datagram->from);

    recvfrom(server, datagram->data, SIZE, 0, (struct sockaddr *)&datagram->from,
             &size);
}

/* Answer nothing until it is sent again, and then both: the first answer lets the
 * client go on, so the second reaches it before its end. */
static void be_late(const datagram_t *late)
{
    datagram_t next;

    do {
        receive(&next);
    } while (memcmp(next.data, late->data, SIZE) != 0);
    answer(&next, SIZE);
    answer(late, SIZE);
}

/* A message of that sender that is right, only that it was not sent. */
static void invent(datagram_t *datagram)
{
    uint32_t sender = 0;
    uint64_t number = 0;
    payload_t payload;

    payload_init(&payload, SIZE, false);
    payload_read_mark(datagram->data, &sender, &number);
    payload_mark(datagram->data, sender, number + 1000);
    memcpy(datagram->data + PAYLOAD_MARK, payload_body(&payload, sender, number + 1000),
           SIZE - PAYLOAD_MARK);
    payload_finish(&payload);
    answer(datagram, SIZE);
}

static void go_wrong(const char *fault, datagram_t *datagram)
{
    datagram_t next;

    if (strcmp(fault, "flip") == 0) {
        datagram->data[WRONG_BYTE] ^= 1;
        answer(datagram, SIZE);
    } else if (strcmp(fault, "swap") == 0) {
        receive(&next);
        answer(&next, SIZE);
        answer(datagram, SIZE);
    } else if (strcmp(fault, "twice") == 0) {
        answer(datagram, SIZE);
        answer(datagram, SIZE);
    } else if (strcmp(fault, "late") == 0) {
        be_late(datagram);
    } else if (strcmp(fault, "longer") == 0) {
        answer(datagram, SIZE + 1);
    } else if (strcmp(fault, "shorter") == 0) {
        answer(datagram, SIZE - 1);
    } else if (strcmp(fault, "unsent") == 0) {
        invent(datagram);
    } else if (strcmp(fault, "stranger") == 0) {
        payload_mark(datagram->data, 77, 0);
        answer(datagram, SIZE);
    }
}

int main(int count, char **arguments)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof(address);
    const char *fault = count == 2 ? arguments[1] : "none";
    int buffer = BUFFER;
    bool is_right, is_silent = strcmp(fault, "silent") == 0;
    unsigned long share = strcmp(fault, "lose-few") == 0    ? FEW
                          : strcmp(fault, "lose-many") == 0 ? MANY
                                                            : 0;
    datagram_t datagram;

    server = socket(AF_INET, SOCK_DGRAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(server, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
    if (bind(server, (struct sockaddr *)&address, size) != 0 ||
        getsockname(server, (struct sockaddr *)&address, &size) != 0) {
        return 1;
    }
    fprintf(stderr, "listening port=%u\n", ntohs(address.sin_port));
    is_right = strcmp(fault, "none") == 0 || share > 0;
    for (unsigned long number = 0;; number++) {
        receive(&datagram);
        if (number == WRONG && !is_right && !is_silent) {
            go_wrong(fault, &datagram);
        } else if ((share == 0 || number % share != WRONG) &&
                   (!is_silent || number < WRONG)) {
            answer(&datagram, SIZE);
        }
    }
}
