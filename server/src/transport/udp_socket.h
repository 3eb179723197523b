/**
 * @file udp_socket.h
 * @brief UDP sockets, and datagrams by the batch: one system call for many.
 *
 * A receiver and a sender serve all sockets of a loop, one after the other.  Nothing
 * here knows who is behind an address.
 */
#ifndef REEF_SRC_TRANSPORT_UDP_SOCKET_H
#define REEF_SRC_TRANSPORT_UDP_SOCKET_H

#include <reef/alloc.h>
#include <reef/attrs.h>
#include <reef/span.h>

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum {
    REEF__UDP_MAX_PAYLOAD = 65507, /* 65535 less the headers of IPv4 and UDP */
    REEF__UDP_RECEIVES = 64,       /* datagrams of one batch */
    REEF__UDP_SENDS = 1024,
};

typedef struct reef__udp_socket_desc {
    const struct sockaddr_storage *address;
    bool shares_port;        /* with other sockets of this process (SO_REUSEPORT) … */
    bool is_first;           /* … of which this is the first */
    bool is_ipv6_only;       /* see reef__address_is_ipv6_only() */
    bool may_fragment;       /* datagrams larger than the path allows; else EMSGSIZE */
    uint32_t receive_buffer; /* bytes in the kernel; 0 = as the system has it */
    uint32_t send_buffer;
} reef__udp_socket_desc_t;

/** A bound socket that does not block, or -1 with errno. */
REEF_NODISCARD int reef__udp_socket_open(const reef__udp_socket_desc_t *desc);

/* Receiving ------------------------------------------------------------------------ */

typedef struct reef__udp_datagram {
    const struct sockaddr_storage *from;
    reef_span_t payload;
    bool is_cut; /* it was larger than the receiver takes */
} reef__udp_datagram_t;

typedef struct reef__udp_receiver reef__udp_receiver_t;

/** Room for a batch of datagrams of up to @p max_payload bytes.  Memory that no
 *  datagram has reached is not taken.  Owned by the caller. */
reef__udp_receiver_t *reef__udp_receiver_create(const reef_alloc_t *alloc,
                                                uint32_t max_payload);

/** Accepts NULL. */
void reef__udp_receiver_destroy(reef__udp_receiver_t *receiver);

/** Receive what is there, at most REEF__UDP_RECEIVES.  Fewer = there was no more.
 *  @return Datagrams, or -1 with errno: EAGAIN, or what the network had to tell about
 *          a datagram sent before, after which one tries again. */
int reef__udp_receive(reef__udp_receiver_t *receiver, int descriptor);

/** Datagram @p index of the batch; borrowed until the next one. */
reef__udp_datagram_t reef__udp_received(const reef__udp_receiver_t *receiver,
                                        uint32_t index);

/* Sending -------------------------------------------------------------------------- */

typedef struct reef__udp_sender reef__udp_sender_t;

/** sendmmsg(2), or what a test puts in its place. */
typedef int (*reef__udp_send_fn)(int descriptor,
                                 struct mmsghdr *headers,
                                 unsigned count,
                                 int flags);

typedef struct reef__udp_send_result {
    uint32_t done;    /* from the first on, sent or given up; the rest has to wait */
    uint32_t refused; /* times the network told of one sent before (ICMP) */
} reef__udp_send_result_t;

/** Owned by the caller. @p send NULL = sendmmsg(2). */
reef__udp_sender_t *reef__udp_sender_create(const reef_alloc_t *alloc,
                                            reef__udp_send_fn send);

/** Accepts NULL. */
void reef__udp_sender_destroy(reef__udp_sender_t *sender);

/** Datagrams added and not sent yet. */
uint32_t reef__udp_sender_count(const reef__udp_sender_t *sender);

/** Add a datagram, of REEF__UDP_SENDS at most.  Address (IPv4 or IPv6) and payload are
 *  borrowed until they are sent. */
void reef__udp_sender_add(reef__udp_sender_t *sender,
                          const struct sockaddr *to,
                          reef_span_t payload);

/**
 * Send what was added, in order; the sender is empty afterwards.
 *
 * @param failed Called for each datagram that cannot be sent, with its index and the
 *               cause (EMSGSIZE …); the others are not affected.
 */
reef__udp_send_result_t
reef__udp_sender_send(reef__udp_sender_t *sender,
                      int descriptor,
                      void (*failed)(void *context, uint32_t index, int cause),
                      void *context);

#endif /* REEF_SRC_TRANSPORT_UDP_SOCKET_H */
