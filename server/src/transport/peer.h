/**
 * @file peer.h
 * @brief The records in the rings between the world and a loop.
 */
#ifndef REEF_SRC_TRANSPORT_PEER_H
#define REEF_SRC_TRANSPORT_PEER_H

#include "transport/io.h"

typedef enum reef__order_kind {
    REEF__ORDER_SEND,
    REEF__ORDER_SEND_TO_GROUP,
    REEF__ORDER_JOIN,
    REEF__ORDER_LEAVE,
    REEF__ORDER_END_GROUP,
    REEF__ORDER_ADMIT,
    REEF__ORDER_REFUSE,
    REEF__ORDER_CLOSE,
    REEF__ORDER_PING,
    REEF__ORDER_PAUSE,
    REEF__ORDER_RESUME,
    REEF__ORDER_RELEASE,
    REEF__ORDER_CALL,
} reef__order_kind_t;

/** What the world wants of a loop. */
typedef struct reef__order {
    union {
        reef__peer_t *peer;
        void (*call)(void *context); /* call */
    };
    union {
        reef_buffer_t *payload; /* send, ping: one reference; close, refuse: the reason,
                                   or NULL */
        void *context;          /* call */
    };
    uint64_t key;
    uint32_t group;
    uint16_t code;         /* close; refuse: HTTP status */
    uint8_t message_class; /* send */
    uint8_t kind;          /* reef__order_kind_t */
} reef__order_t;

typedef enum reef__report_kind {
    REEF__REPORT_OPENED,
    REEF__REPORT_ASKED,    /* to be let in */
    REEF__REPORT_ADMITTED, /* was there still to be let in */
    REEF__REPORT_RECEIVED,
    REEF__REPORT_HEARD,
    REEF__REPORT_FAILED,
    REEF__REPORT_LEAVING,
    REEF__REPORT_CLOSED,
} reef__report_kind_t;

/** What a loop has to tell the world. */
typedef struct reef__report {
    reef__peer_t *peer;
    union {
        reef_buffer_t *payload;   /* received: one reference */
        reef_link_desc_t *opened; /* opened, asked: owned, its texts behind it */
    };
    int64_t value; /* received: bytes of the payload, which is not looked at before its
                      turn comes; heard: µs; failed: the error; leaving, closed: the
                      reason */
    uint8_t kind;  /* reef__report_kind_t */
} reef__report_t;

/** Carry out all orders that were submitted. */
void reef__orders_carry_out(reef__io_t *io);

/** Have peers read again whose reports the world has taken. */
void reef__peers_stop_waiting(reef__io_t *io);

/** Whether there are such. */
bool reef__peers_may_stop_waiting(const reef__io_t *io);

/** At the end: release what nobody will read any more. */
void reef__orders_discard(reef__io_t *io);
void reef__reports_discard(reef__io_t *io);

#endif /* REEF_SRC_TRANSPORT_PEER_H */
