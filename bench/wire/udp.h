/**
 * @file udp.h
 * @brief UDP sockets to one server, each with a window of datagrams in flight.
 *
 * Datagrams may be lost, which is counted, may come twice or in another order, which is
 * counted too; what they hold must be right.
 */
#ifndef WIRE_UDP_H
#define WIRE_UDP_H

#include "options.h"
#include "payload.h"

enum {
    UDP_BATCH = 64 /* datagrams of one system call */
};

/** A place in a window. */
typedef struct udp_slot {
    uint64_t number;  /* of the message that has it */
    uint64_t due_ns;  /* when its latency begins */
    uint64_t sent_ns; /* the last time */
    uint64_t turn;    /* among all that its socket sent */
    bool is_awaited;
} udp_slot_t;

typedef struct udp_socket {
    int descriptor;
    uint32_t number;
    udp_slot_t *slots;         /* message n is at n modulo the window */
    uint64_t turns, last_turn; /* sent; of the latest answer */
} udp_socket_t;

typedef struct udp_counts {
    uint64_t sent;      /* messages; not counting those sent again */
    uint64_t answered;  /* of them */
    uint64_t lost;      /* unanswered in time, each time */
    uint64_t reordered; /* answers that came behind later ones */
    uint64_t repeated;  /* answers that came again or too late */
} udp_counts_t;

struct udp;

/** A message is answered, and right. */
typedef void (*udp_answered_fn)(void *context,
                                udp_socket_t *socket,
                                uint64_t number,
                                uint64_t due_ns);

typedef struct udp {
    const options_t *options;
    const payload_t *payload;
    udp_answered_fn answered;
    void *context;
    udp_socket_t *sockets;
    uint32_t count;
    uint64_t window;
    bool is_resending; /* what is lost */
    int epoll;
    uint64_t now_ns;      /* of the last read */
    uint64_t progress_ns; /* when something came last */
    uint64_t looked_ns;   /* when lost datagrams were looked for */
    uint64_t in_flight;
    udp_counts_t counts;
    struct udp_batch *batch;
} udp_t;

/** A socket for each of options->connections. */
void udp_init(udp_t *udp,
              const options_t *options,
              const payload_t *payload,
              uint64_t window,
              udp_answered_fn answered,
              void *context);
void udp_finish(udp_t *udp);

/** Queue message @p number of a socket; a message that still has its place is lost. All
 *  that is queued belongs to one socket, and leaves by udp_flush(). */
void udp_send(udp_t *udp, udp_socket_t *socket, uint64_t number, uint64_t due_ns);

/** Send what is queued. */
void udp_flush(udp_t *udp, udp_socket_t *socket);

/** Wait up to @p timeout_ms for datagrams, hand them on, and look for lost ones. fail()
 *  when the server was silent for too long. */
void udp_step(udp_t *udp, int timeout_ms);

/** fail() when too many were lost. */
void udp_check_loss(const udp_t *udp);

#endif /* WIRE_UDP_H */
