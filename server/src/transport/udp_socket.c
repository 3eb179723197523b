/*
 * The headers that the system wants are filled in once; a batch only changes what
 * differs.  A receiver's slots are as large as a datagram can be, but one that is small
 * touches no more than the first page of its slot:
 *
 *     | 128 B ....................... | 1400 B ...................... | …
 *       └ slot 0, of 64 KiB             └ slot 1, a cache line further into its page,
 *                                         lest all of them compete for the same lines
 *
 * sendmmsg(2) stops at the first datagram that fails, and tells why only when that one
 * comes first; so it is called again from there.
 */
#include "transport/udp_socket.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

enum {
    LINE = 64,
    PAGE = 4096,
};

/* Sockets ------------------------------------------------------------------------- */

static void set_option(int descriptor, int level, int name, int value)
{
    /* What the system does not know, or caps, is as well without. */
    (void)setsockopt(descriptor, level, name, &value, sizeof(value));
}

static void set_options(int descriptor, const reef__udp_socket_desc_t *desc)
{
    int discover = desc->may_fragment ? IP_PMTUDISC_DONT : IP_PMTUDISC_DO;
    int discover6 = desc->may_fragment ? IPV6_PMTUDISC_DONT : IPV6_PMTUDISC_DO;

    set_option(descriptor, IPPROTO_IP, IP_MTU_DISCOVER, discover);
    if (desc->address->ss_family == AF_INET6) {
        set_option(descriptor, IPPROTO_IPV6, IPV6_MTU_DISCOVER, discover6);
        set_option(descriptor, IPPROTO_IPV6, IPV6_DONTFRAG, !desc->may_fragment);
    }
    if (desc->receive_buffer > 0) {
        set_option(descriptor, SOL_SOCKET, SO_RCVBUF, (int)desc->receive_buffer);
    }
    if (desc->send_buffer > 0) {
        set_option(descriptor, SOL_SOCKET, SO_SNDBUF, (int)desc->send_buffer);
    }
}

static socklen_t address_size(const struct sockaddr *address)
{
    return address->sa_family == AF_INET ? sizeof(struct sockaddr_in)
                                         : sizeof(struct sockaddr_in6);
}

static int make_socket(const reef__udp_socket_desc_t *desc, bool shares)
{
    const struct sockaddr *address = (const struct sockaddr *)desc->address;
    int cause;
    int descriptor =
        socket(address->sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (descriptor < 0) {
        return -1;
    }
    if (shares) {
        set_option(descriptor, SOL_SOCKET, SO_REUSEPORT, 1);
    }
    if (desc->is_ipv6_only) {
        set_option(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    }
    set_options(descriptor, desc);
    if (bind(descriptor, address, address_size(address)) == 0) {
        return descriptor;
    }
    cause = errno;
    close(descriptor);
    errno = cause;
    return -1;
}

/* Sharing a port means sharing it with anybody of the same user, another server that
 * was forgotten among them.  So the first finds out whether the address is free. */
int reef__udp_socket_open(const reef__udp_socket_desc_t *desc)
{
    if (desc->shares_port && desc->is_first) {
        int probe = make_socket(desc, false);

        if (probe < 0) {
            return -1;
        }
        close(probe);
    }
    return make_socket(desc, desc->shares_port);
}

/* Receiving ------------------------------------------------------------------------ */

struct reef__udp_receiver {
    const reef_alloc_t *alloc;
    uint8_t *arena;
    size_t slot_size;
    uint32_t used; /* headers that the last batch has written to */
    struct mmsghdr headers[REEF__UDP_RECEIVES];
    struct iovec spans[REEF__UDP_RECEIVES];
    struct sockaddr_storage from[REEF__UDP_RECEIVES];
};

static size_t slot_size_for(uint32_t max_payload)
{
    size_t size = ((size_t)max_payload + LINE - 1) / LINE * LINE;

    return size % PAGE == 0 ? size + LINE : size;
}

reef__udp_receiver_t *reef__udp_receiver_create(const reef_alloc_t *alloc,
                                                uint32_t max_payload)
{
    reef__udp_receiver_t *receiver = reef_resize(alloc, NULL, 0, sizeof(*receiver));

    memset(receiver, 0, sizeof(*receiver));
    receiver->alloc = alloc;
    receiver->slot_size = slot_size_for(max_payload);
    receiver->arena =
        reef_resize(alloc, NULL, 0, REEF__UDP_RECEIVES * receiver->slot_size);
    for (size_t i = 0; i < REEF__UDP_RECEIVES; i++) {
        receiver->spans[i] =
            (struct iovec){.iov_base = receiver->arena + i * receiver->slot_size,
                           .iov_len = max_payload};
        receiver->headers[i].msg_hdr = (struct msghdr){
            .msg_name = &receiver->from[i],
            .msg_namelen = sizeof(receiver->from[i]),
            .msg_iov = &receiver->spans[i],
            .msg_iovlen = 1,
        };
    }
    return receiver;
}

void reef__udp_receiver_destroy(reef__udp_receiver_t *receiver)
{
    if (receiver == NULL) {
        return;
    }
    reef_resize(receiver->alloc, receiver->arena,
                REEF__UDP_RECEIVES * receiver->slot_size, 0);
    reef_resize(receiver->alloc, receiver, sizeof(*receiver), 0);
}

int reef__udp_receive(reef__udp_receiver_t *receiver, int descriptor)
{
    int count;

    for (uint32_t i = 0; i < receiver->used; i++) {
        receiver->headers[i].msg_hdr.msg_namelen = sizeof(receiver->from[i]);
    }
    count =
        recvmmsg(descriptor, receiver->headers, REEF__UDP_RECEIVES, MSG_DONTWAIT, NULL);
    receiver->used = count > 0 ? (uint32_t)count : 0;
    return count;
}

reef__udp_datagram_t reef__udp_received(const reef__udp_receiver_t *receiver,
                                        uint32_t index)
{
    const struct mmsghdr *header = &receiver->headers[index];

    assert(index < receiver->used);
    return (reef__udp_datagram_t){
        .from = &receiver->from[index],
        .payload = reef_span(receiver->spans[index].iov_base, header->msg_len),
        .is_cut = (header->msg_hdr.msg_flags & MSG_TRUNC) != 0,
    };
}

/* Sending -------------------------------------------------------------------------- */

struct reef__udp_sender {
    const reef_alloc_t *alloc;
    reef__udp_send_fn send;
    uint32_t count;
    struct mmsghdr headers[REEF__UDP_SENDS];
    struct iovec spans[REEF__UDP_SENDS];
};

reef__udp_sender_t *reef__udp_sender_create(const reef_alloc_t *alloc,
                                            reef__udp_send_fn send)
{
    reef__udp_sender_t *sender = reef_resize(alloc, NULL, 0, sizeof(*sender));

    memset(sender, 0, sizeof(*sender));
    sender->alloc = alloc;
    sender->send = send ? send : sendmmsg;
    for (size_t i = 0; i < REEF__UDP_SENDS; i++) {
        sender->headers[i].msg_hdr.msg_iov = &sender->spans[i];
        sender->headers[i].msg_hdr.msg_iovlen = 1;
    }
    return sender;
}

void reef__udp_sender_destroy(reef__udp_sender_t *sender)
{
    if (sender != NULL) {
        reef_resize(sender->alloc, sender, sizeof(*sender), 0);
    }
}

uint32_t reef__udp_sender_count(const reef__udp_sender_t *sender)
{
    return sender->count;
}

void reef__udp_sender_add(reef__udp_sender_t *sender,
                          const struct sockaddr *to,
                          reef_span_t payload)
{
    struct msghdr *header;

    assert(sender->count < REEF__UDP_SENDS);
    header = &sender->headers[sender->count].msg_hdr;
    header->msg_name = (void *)to;
    header->msg_namelen = address_size(to);
    sender->spans[sender->count++] =
        (struct iovec){.iov_base = (void *)payload.data, .iov_len = payload.size};
}

reef__udp_send_result_t
reef__udp_sender_send(reef__udp_sender_t *sender,
                      int descriptor,
                      void (*failed)(void *context, uint32_t index, int cause),
                      void *context)
{
    reef__udp_send_result_t result = {0};
    bool is_again = false; /* this datagram was tried before */

    while (result.done < sender->count) {
        int sent = sender->send(descriptor, sender->headers + result.done,
                                sender->count - result.done, MSG_DONTWAIT);

        if (sent > 0) {
            result.done += (uint32_t)sent;
            is_again = false;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            break;
        } else if (errno == ECONNREFUSED && !is_again) {
            result.refused++; /* of an earlier one; this was not looked at */
            is_again = true;
        } else if (errno != EINTR) {
            failed(context, result.done++, errno);
            is_again = false;
        }
    }
    sender->count = 0;
    return result;
}
