/**
 * @file relay_link.h
 * @brief Two sockets joined: what one end sends, the other gets.
 *
 * Bounded: a direction holds one piece, and reads the next when that is taken.  So an
 * end that does not read stops the other one's sending, as if they were connected.
 */
#ifndef REEF_ADMIN_RELAY_LINK_H
#define REEF_ADMIN_RELAY_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    REEF__LINK_PIECE = 16384,   /* read at once */
    REEF__LINK_SLOWEST = 16384, /* bytes a second that a peer takes at least */
};

/** One direction. */
typedef struct reef__link_way {
    size_t begin, end; /* of what is not taken yet */
    bool has_ended;    /* nothing more comes from where it is read */
    bool is_closed;    /* the other side has been told so */
    char bytes[REEF__LINK_PIECE];
} reef__link_way_t;

/** Zero, and the first four filled in, is ready to use. */
typedef struct reef__link {
    int peer, server;   /* do not block; the link's, see reef__link_finish() */
    uint32_t stall_ms;  /* the peer may take nothing for this long */
    uint32_t linger_ms; /* the peer has to close, once the server has */

    uint64_t due_ns; /* when to move it at the latest; 0 = no need to */
    bool is_broken;  /* the peer has gone, or took too little; may be set */
    reef__link_way_t in, out;
} reef__link_t;

typedef enum reef__link_state {
    REEF__LINK_WAITS,   /* for one of its sockets, or until it is due */
    REEF__LINK_GOES_ON, /* could move more, but others have their turn */
    REEF__LINK_ENDED,
} reef__link_state_t;

/**
 * Move what can be moved without waiting, a bounded amount of it.  To be called at the
 * start, when either socket becomes readable or writable (once per change is enough),
 * when it is due, and again while it goes on.
 */
reef__link_state_t reef__link_move(reef__link_t *link, uint64_t now_ns);

/** Close both.  A server whose peer has gone sees a reset. */
void reef__link_finish(reef__link_t *link);

#endif /* REEF_ADMIN_RELAY_LINK_H */
