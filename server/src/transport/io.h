/**
 * @file io.h
 * @brief Event loops, and the two rings between each of them and the world.
 *
 *     world ── orders ──►  loop     send, to a group, join, leave, close, resume …
 *     world ◄─ reports ──  loop     opened, received, heard, failed, leaving, closed
 *
 * With `server.io_threads = 0` there is one loop, driven by the world's thread between
 * two frames; otherwise each loop has a thread of its own.  Either way the rings are
 * the only thing that both sides touch, so a transport is written once.
 *
 * A connection is a *peer*, embedded in whatever its transport keeps of it.  Between
 * the reports *opened* and *closed*, both sent once, the world may give orders for it;
 * the order *release*, the world's answer to *closed*, is the last of them, and only
 * then may the memory go.  What arrives for a connection that is over is ignored.
 */
#ifndef REEF_SRC_TRANSPORT_IO_H
#define REEF_SRC_TRANSPORT_IO_H

#include <reef/array.h>
#include <reef/transport.h>

#include "loop.h"
#include "outbox.h"
#include "spsc.h"
#include "transport/egress.h"
#include "transport/fan.h"
#include "wheel.h"

#include <stdatomic.h>

typedef struct reef__io reef__io_t;
typedef struct reef__ios reef__ios_t;
typedef struct reef__peer reef__peer_t;

/** What a transport does on its loop's thread. */
typedef struct reef__peer_type {
    const reef_transport_t *transport; /* as the session table knows it */

    /** Queue a message, whose reference is taken over.  Ignored after the end. */
    void (*send)(reef__peer_t *peer, const reef__fan_message_t *message);

    /** Write @p frames, whole frames of the peer's framing, at the end of this pass;
     *  false = it cannot, so send them one by one.  Borrowed until it is written. */
    bool (*send_frames)(reef__peer_t *peer, reef_buffer_t *frames);

    /** Begin to close; code 0 = end as the peer wished, see reef__peer_leaving(). */
    void (*close)(reef__peer_t *peer, uint16_t code, reef_span_t reason);

    void (*pause)(reef__peer_t *peer); /* stop reading */
    void (*resume)(reef__peer_t *peer);

    /** Ask for a sign of life, see reef_transport_t; @p payload is taken over, and may
     *  be NULL.  NULL = the transport has no such function either. */
    void (*ping)(reef__peer_t *peer, reef_buffer_t *payload);

    /** Free the peer: it is closed, and the world has let go of it. */
    void (*release)(reef__peer_t *peer);

    /** The time of reef__peer_set_deadline() has come. */
    void (*expired)(reef__peer_t *peer);

    /** The answer to reef__peer_opened(): the peer is in, or it is to go.  Then @p code
     *  is that of an HTTP status, and the world knows nothing of the peer any more:
     *  it is to be closed without a report. */
    void (*admit)(reef__peer_t *peer);
    void (*refuse)(reef__peer_t *peer, uint16_t code, reef_span_t reason);
} reef__peer_type_t;

struct reef__peer {
    reef__io_t *io;
    const reef__peer_type_t *type;
    reef_link_t link;                 /* the world's; 0 = has no link */
    struct reef_admission *admission; /* the world's: let in, and has to hear of it */
    _Atomic uint64_t queue_bytes;     /* told by the loop, read by the world */
    _Atomic uint64_t heard_ns;        /* likewise: when bytes came last; 0 = never */
    reef__fan_memberships_t memberships; /* the loop's; see fan.h */
    uint8_t framing; /* reef__framing_t; set by the transport before it is opened */
    bool is_binary;  /* likewise; see reef_link_form_t */
    reef__wheel_node_t deadline; /* the loop's */

    /* The loop's: what it has reported of this peer and the world has not taken. */
    uint64_t unread_mark; /* number of the last report of a message, + 1 */
    uint32_t unread_count;
    uint32_t unread_bytes;
    bool
        is_waiting; /* in io->waiting: reading has stopped until the world catches up */
    bool is_paused; /* reading has stopped until the world says so */
    bool is_closed; /* reported */
};

/** What a transport does at the end of each pass; see reef__io_add_flush(). */
typedef struct reef__io_flush {
    void (*flush)(void *context);
    void *context;
} reef__io_flush_t;

/** One event loop. */
struct reef__io {
    reef__ios_t *ios;
    uint32_t index;
    reef__loop_t *loop; /* the app's, or its own when it has a thread */
    reef__spsc_t orders;
    reef__spsc_t reports;
    reef__wheel_t wheel; /* deadlines of its connections */
    reef__egress_t *egress;
    reef__fans_t fans;
    struct reef__streams *streams; /* see stream.h */
    struct {
        reef__peer_t **items;
        size_t count, capacity;
    } waiting;
    struct {
        reef__io_flush_t *items;
        size_t count, capacity;
    } flushes;
    uint8_t *slab;               /* [REEF__IO_SLAB_SIZE]: every read lands here */
    uint64_t now_ms;             /* of this pass */
    uint64_t now_ns;             /* when it began to take in, by the app's clock */
    bool has_overslept;          /* deadlines wait for one more poll */
    _Atomic bool is_sleeping;    /* the loop waits for events: wake it */
    _Atomic bool has_waiting;    /* waiting.count > 0; set by the loop */
    bool has_orders;             /* the world's: pushed and not submitted yet */
    bool has_drained;            /* the world's: reports taken since the last submit */
    uint64_t ordered_bytes;      /* the world's: payloads ever ordered to be sent */
    _Atomic uint64_t done_bytes; /* of them, those that the loop has got to */
    bool is_stopping;
    struct reef__io_thread *thread; /* NULL = driven by the world's thread */
};

struct reef__ios {
    reef_app_t *app;
    reef__io_t **items;
    uint32_t count;
    bool is_threaded;
    bool uses_uring;
    _Atomic bool world_is_sleeping;
    _Atomic uint32_t open_count; /* peers and listeners that are not gone yet */
};

enum {
    REEF__IO_SLAB_SIZE = 65536
};

/* Life: world thread ----------------------------------------------------------------
 */

/** Make the loops; owned by the app: reef__ios_destroy(). */
reef__ios_t *reef__ios_create(reef_app_t *app);

/** Stop what runs and release.  Accepts NULL. */
void reef__ios_destroy(reef__ios_t *ios);

/** Open the egress engines and start the threads; after the listeners are open.
 *  @return REEF_OK, or REEF_E_INVALID for a bad `server.egress`. */
REEF_NODISCARD reef_error_t reef__ios_start(reef__ios_t *ios, reef_failure_t *failure);

/** Have @p flush(context) called on the loop's thread at the end of each pass, when all
 *  that was ordered is queued: for transports whose connections are no streams.  Before
 *  the loops start. */
void reef__io_add_flush(reef__io_t *io, void (*flush)(void *context), void *context);

/** No longer; on the loop's thread. */
void reef__io_remove_flush(reef__io_t *io, const void *context);

/* Between the frames: world thread --------------------------------------------------
 */

/** What the loop that this thread drives has to do after a poll: read, write, expire
 *  deadlines.  Nothing when loops have threads. */
void reef__ios_pass(reef__ios_t *ios);

/** Milliseconds the app's loop may sleep at most, for deadlines. */
uint32_t reef__ios_timeout_ms(const reef__ios_t *ios);

/** About to sleep: from now on reports wake the world's loop.  False when there are
 *  reports already: do not sleep. */
bool reef__ios_world_sleeps(reef__ios_t *ios);
void reef__ios_world_wakes(reef__ios_t *ios);

/** Whether reports wait to be drained. */
bool reef__ios_have_reports(const reef__ios_t *ios);

/** Hand what the loops have reported to the session table. */
void reef__ios_drain(reef__ios_t *ios);

/** Have the loops carry out what was ordered since the last call: one wake-up each. */
void reef__ios_submit(reef__ios_t *ios);

/** The same for one loop, and wait until it has got to the most of it: a loop that does
 *  not keep up with the world slows it down, as it would on the world's thread. */
void reef__io_catch_up(reef__io_t *io);

/** Orders that the loop, or the one most behind, has not got to yet. */
static inline uint64_t reef__io_backlog(const reef__io_t *io)
{
    return reef__spsc_pushed_count(&io->orders) - reef__spsc_popped_count(&io->orders);
}

/** The same of the loop that is most behind. */
uint64_t reef__ios_backlog(const reef__ios_t *ios);

/** Run @p call(context) on the thread of @p io; submitted with the next submit. */
void reef__io_call(reef__io_t *io, void (*call)(void *context), void *context);

/** Drain, submit and let the loops work until all orders are carried out and nothing is
 *  open: for the end.  Whoever calls has ordered everything to close. */
void reef__ios_run_down(reef__ios_t *ios);

/* Orders for groups: world thread ---------------------------------------------------
 */

/** Send to the members of a group on all loops; takes references of its own. */
void reef__ios_send_to_group(reef__ios_t *ios,
                             uint32_t group,
                             const send_message_t *message);

/** A group that has no members any more has ended; its number may be used again. */
void reef__ios_end_group(reef__ios_t *ios, uint32_t group);

/* The transport table's functions for every transport whose connections are peers;
 * world thread. */
reef_error_t reef__peer_send(void *self, const send_message_t *message);
void reef__peer_close(void *self, uint16_t code, const char *reason);
void reef__peer_pause(void *self);
void reef__peer_resume(void *self);
void reef__peer_ping(void *self, reef_buffer_t *payload);
uint64_t reef__peer_queue_bytes(const void *self);
uint64_t reef__peer_heard_ns(const void *self);
void reef__peer_join(void *self, uint32_t group);
void reef__peer_leave(void *self, uint32_t group);
reef_link_form_t reef__peer_form(const void *self);

#define REEF__PEER_TRANSPORT                                                           \
    .send = reef__peer_send, .close = reef__peer_close, .pause = reef__peer_pause,     \
    .resume = reef__peer_resume, .queue_bytes = reef__peer_queue_bytes,                \
    .heard_ns = reef__peer_heard_ns, .join = reef__peer_join,                          \
    .leave = reef__peer_leave, .form = reef__peer_form

/* Reports: the loop's thread --------------------------------------------------------
 */

/** Count the peer in; before anything else. */
void reef__peer_init(reef__peer_t *peer, reef__io_t *io, const reef__peer_type_t *type);

/** Release what the peer holds, before it is freed. */
void reef__peer_finish(reef__peer_t *peer);

/** Bytes of the peer have come. */
static inline void reef__peer_note_bytes(reef__peer_t *peer)
{
    atomic_store_explicit(&peer->heard_ns, peer->io->now_ns, memory_order_relaxed);
}

/** The present time, both ways: before anything is taken in. */
void reef__io_look_at_clock(reef__io_t *io);

/** Have `expired` called at @p due_ms of the loop's clock, instead of any time set
 *  before. */
static inline void reef__peer_set_deadline(reef__peer_t *peer, uint64_t due_ms)
{
    reef__wheel_set(&peer->io->wheel, &peer->deadline, due_ms);
}

/** No deadline any more. */
static inline void reef__peer_clear_deadline(reef__peer_t *peer)
{
    reef__wheel_remove(&peer->io->wheel, &peer->deadline);
}

/** A peer of this loop is freed: count it out.  Nothing may be done for it afterwards,
 *  for what its transport keeps may be gone: reef__ios_run_down() waits for this. */
void reef__io_count_out(reef__io_t *io);

/** The peer wants in, and has said all that it says before that.  @p desc is copied,
 * all its texts too; its transport and connection are filled in.
 *
 *  @return true when it is in already; otherwise `admit` or `refuse` will be called,
 * and no message may be reported before. */
REEF_NODISCARD bool reef__peer_opened(reef__peer_t *peer, const reef_link_desc_t *desc);

/** A whole message, best in the peer's framing; takes the reference over.  The peer's
 * `pause` is called when the world has too much unread of it, and `resume` later. */
void reef__peer_received(reef__peer_t *peer, reef_buffer_t *payload);

/** A round-trip time was measured. */
void reef__peer_heard(reef__peer_t *peer, int64_t rtt_us);

/** A message could not be sent, see reef_link_failed(). */
void reef__peer_failed(reef__peer_t *peer, reef_error_t error);

/** The peer wants to end, or must, but what it sent before is still to be answered:
 *  the world handles it and then calls `close` with code 0. */
void reef__peer_leaving(reef__peer_t *peer, reef_disconnect_t reason);

/** The connection is over: the last report.  `release` will follow. */
void reef__peer_closed(reef__peer_t *peer, reef_disconnect_t reason);

#endif /* REEF_SRC_TRANSPORT_IO_H */
