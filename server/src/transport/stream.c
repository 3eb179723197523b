/*
 * Readiness comes from libuv's poll handles and is only noted; the pass then reads from
 * one stream after the other.  What has something to write is noted likewise:
 *
 *     push ─► outbox ─► dirty list ─► writes[] ─► engine ─► results ─► consume
 *     block ────────────────┘         (one call for up to MAX_WRITES of them)
 *
 * Small frames of one stream are copied together, for a list of many spans costs the
 * kernel more than that; large ones go out from where they are.  A socket that took
 * less than it was given is left alone until it is writable.
 */
#include "transport/stream.h"

#include "app.h"
#include "buffer.h"
#include "transport/stream_tls.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    MAX_WRITES = 1024,        /* in one call of the engine */
    MAX_SPANS = 64,           /* of one stream in one write */
    COPY_LIMIT = 16384,       /* bytes: up to this frames are copied together */
    STAGING_SIZE = 256 * 1024 /* for those copies, of one call */
};

struct reef__streams {
    reef__stream_t *ready;
    reef__stream_t *dirty;
    reef__stream_t *first;
    reef__stream_t *writers[MAX_WRITES];
    reef__egress_write_t writes[MAX_WRITES];
    struct iovec spans[MAX_WRITES + MAX_SPANS];
    size_t write_count;
    size_t span_count;
    size_t staging_used;
    reef__stream_tls_loop_t tls;
    uint8_t staging[STAGING_SIZE];
};

void reef__streams_init(reef__io_t *io)
{
    io->streams = reef_resize(io->ios->app->alloc, NULL, 0, sizeof(*io->streams));
    io->streams->ready = NULL;
    io->streams->dirty = NULL;
    io->streams->first = NULL;
    io->streams->write_count = 0;
    io->streams->span_count = 0;
    io->streams->staging_used = 0;
    reef__stream_tls_loop_init(&io->streams->tls, io);
}

void reef__streams_finish(reef__io_t *io)
{
    assert(io->streams->first == NULL);
    reef__stream_tls_loop_finish(&io->streams->tls);
    reef_resize(io->ios->app->alloc, io->streams, sizeof(*io->streams), 0);
}

/* Life ------------------------------------------------------------------------- */

struct reef__stream_tls_loop *reef__streams_tls(reef__io_t *io)
{
    return &io->streams->tls;
}

static void note_dirty(reef__stream_t *stream)
{
    reef__streams_t *streams = stream->peer.io->streams;

    if (!stream->is_dirty && !reef__stream_is_blocked(stream)) {
        stream->is_dirty = true;
        stream->next_dirty = streams->dirty;
        streams->dirty = stream;
    }
}

void reef__stream_note_dirty(reef__stream_t *stream)
{
    note_dirty(stream);
}

static void watch(reef__stream_t *stream);

static bool may_read(const reef__stream_t *stream)
{
    return stream->is_reading && !stream->is_held;
}

static void on_event(uv_poll_t *poll, int status, int events)
{
    reef__stream_t *stream = poll->data;
    reef__streams_t *streams = stream->peer.io->streams;

    if ((events & UV_WRITABLE) != 0) {
        stream->stalled_ms = 0;
        note_dirty(stream);
        watch(stream);
    }
    if (status < 0 && may_read(stream)) {
        watch(stream); /* which libuv has ended, but one read may not bring all */
    }
    if (((events & UV_READABLE) != 0 || status < 0) && !stream->is_ready) {
        stream->is_ready = true;
        stream->next_ready = streams->ready;
        streams->ready = stream;
    }
}

/* Tell the loop what to wait for. */
static void watch(reef__stream_t *stream)
{
    int events = (may_read(stream) ? UV_READABLE : 0) |
                 (reef__stream_is_blocked(stream) ? UV_WRITABLE : 0);

    if (!reef__stream_is_open(stream)) {
        return;
    }
    if (events == 0) {
        uv_poll_stop(&stream->poll);
    } else {
        uv_poll_start(&stream->poll, events, on_event);
    }
}

bool reef__stream_open(reef__stream_t *stream,
                       reef__io_t *io,
                       const reef__peer_type_t *peer_type,
                       const reef__stream_type_t *type,
                       int descriptor,
                       uint64_t queue_limit)
{
    if (uv_poll_init(reef__loop_uv(io->loop), &stream->poll, descriptor) != 0) {
        close(descriptor);
        return false;
    }
    reef__peer_init(&stream->peer, io, peer_type);
    stream->type = type;
    stream->poll.data = stream;
    stream->descriptor = descriptor;
    reef__outbox_init(&stream->outbox, queue_limit);
    stream->next = io->streams->first;
    if (stream->next != NULL) {
        stream->next->previous = stream;
    }
    io->streams->first = stream;
    return true;
}

void reef__stream_free_if_over(reef__stream_t *stream)
{
    reef__io_t *io = stream->peer.io;

    if (!stream->is_closed || !stream->is_released ||
        (stream->tls != NULL && reef__stream_tls_is_working(stream))) {
        return;
    }
    if (stream->tls != NULL) {
        reef__stream_tls_finish(stream);
    }
    reef__outbox_finish(&stream->outbox);
    reef__peer_finish(&stream->peer);
    stream->type->free(stream);
    reef__io_count_out(io);
}

static void on_closed(uv_handle_t *handle)
{
    reef__stream_t *stream = handle->data;

    assert(!stream->is_ready && !stream->is_dirty);
    stream->is_closed = true;
    reef__stream_free_if_over(stream);
}

void reef__stream_close(reef__stream_t *stream)
{
    reef__io_t *io = stream->peer.io;

    if (!reef__stream_is_open(stream)) {
        return;
    }
    if (stream->tls != NULL) {
        reef__stream_tls_close(stream);
    }
    /* Before the descriptor goes: its number may be another thread's at once. */
    uv_close((uv_handle_t *)&stream->poll, on_closed);
    close(stream->descriptor);
    stream->descriptor = -1;
    reef__peer_clear_deadline(&stream->peer);
    *(stream->previous ? &stream->previous->next : &io->streams->first) = stream->next;
    if (stream->next != NULL) {
        stream->next->previous = stream->previous;
    }
}

void reef__stream_release(reef__stream_t *stream)
{
    stream->is_released = true;
    reef__stream_free_if_over(stream);
}

void reef__streams_visit(reef__io_t *io,
                         const reef__stream_type_t *type,
                         void (*visit)(reef__stream_t *stream, void *context),
                         void *context)
{
    reef__stream_t *stream = io->streams->first;

    while (stream != NULL) {
        reef__stream_t *next = stream->next;

        if (stream->type == type) {
            visit(stream, context);
        }
        stream = next;
    }
}

/* Reading ---------------------------------------------------------------------- */

void reef__stream_pause(reef__stream_t *stream)
{
    if (stream->is_reading) {
        stream->is_reading = false;
        watch(stream);
    }
}

void reef__stream_resume(reef__stream_t *stream)
{
    if (!stream->is_reading) {
        stream->is_reading = true;
        watch(stream);
    }
}

void reef__stream_hold(reef__stream_t *stream, bool is_held)
{
    if (stream->is_held != is_held) {
        stream->is_held = is_held;
        watch(stream);
    }
}

static void read_once(reef__stream_t *stream)
{
    reef__io_t *io = stream->peer.io;
    ssize_t size = recv(stream->descriptor, io->slab, REEF__IO_SLAB_SIZE, MSG_DONTWAIT);

    if (size > 0) {
        reef__peer_note_bytes(&stream->peer);
    }
    if (size > 0 && stream->tls != NULL) {
        reef__stream_tls_read(stream, io->slab, (size_t)size);
    } else if (size > 0) {
        stream->type->read(stream, io->slab, (size_t)size);
    } else if (size == 0) {
        stream->type->ended(stream);
    } else if (errno != EAGAIN && errno != EINTR) {
        stream->type->broken(stream);
    }
}

void reef__streams_read(reef__io_t *io)
{
    reef__stream_t *stream = io->streams->ready;

    io->streams->ready = NULL;
    reef__stream_tls_take_work(&io->streams->tls);
    while (stream != NULL) {
        reef__stream_t *next = stream->next_ready;

        stream->is_ready = false;
        if (may_read(stream) && reef__stream_is_open(stream)) {
            read_once(stream);
        }
        stream = next;
    }
}

/* Writing ---------------------------------------------------------------------- */

static void tell_queue(reef__stream_t *stream)
{
    atomic_store_explicit(&stream->peer.queue_bytes,
                          stream->outbox.bytes + stream->sealed_bytes,
                          memory_order_relaxed);
}

/* A block that is to be written in this pass goes first. */
REEF_NOINLINE static void queue_block(reef__stream_t *stream)
{
    reef__outbox_push_begun(&stream->outbox, reef_buffer_ref(stream->block), 0);
    stream->block = NULL;
}

reef_error_t reef__stream_push(reef__stream_t *stream,
                               reef_buffer_t *buffer,
                               uint8_t message_class,
                               uint64_t key)
{
    reef_error_t error;

    if (stream->block != NULL) {
        queue_block(stream);
    }
    error = reef__outbox_push(&stream->outbox, buffer, message_class, key);
    note_dirty(stream);
    if (reef__stream_is_blocked(stream)) {
        tell_queue(stream);
    }
    return error;
}

void reef__stream_push_last(reef__stream_t *stream, reef_buffer_t *buffer)
{
    if (stream->block != NULL) {
        queue_block(stream);
    }
    reef__outbox_push_last(&stream->outbox, buffer);
    note_dirty(stream);
}

bool reef__stream_send_block(reef__stream_t *stream, reef_buffer_t *block)
{
    if (reef__stream_has_output(stream) || reef__stream_is_blocked(stream)) {
        return false;
    }
    stream->block = block;
    note_dirty(stream);
    return true;
}

void reef__stream_shut_down(reef__stream_t *stream)
{
    stream->is_shutting = true;
    if (stream->tls != NULL && reef__stream_tls_is_open(stream)) {
        reef__stream_tls_shut_down(stream);
    }
    note_dirty(stream);
}

/* Copy frames together; returns where. */
static struct iovec
join(reef__streams_t *streams, const reef_span_t *frames, uint32_t count)
{
    uint8_t *start = streams->staging + streams->staging_used;
    uint8_t *at = start;

    for (uint32_t i = 0; i < count; i++) {
        memcpy(at, frames[i].data, frames[i].size);
        at += frames[i].size;
    }
    streams->staging_used += (size_t)(at - start);
    return (struct iovec){.iov_base = start, .iov_len = (size_t)(at - start)};
}

static struct iovec whole(reef_span_t bytes)
{
    return (struct iovec){.iov_base = (void *)bytes.data, .iov_len = bytes.size};
}

/* Small frames are copied together.  Returns the number of spans that are left, at
 * `spans`. */
static uint32_t
gather(reef__streams_t *streams, reef__stream_t *stream, struct iovec *spans)
{
    reef_span_t frames[MAX_SPANS];
    uint32_t count;
    size_t size = 0;

    if (stream->block != NULL) {
        spans[0] = whole(reef__buffer_frame(stream->block));
        return 1;
    }
    count = reef__outbox_gather(&stream->outbox, frames, MAX_SPANS);
    for (uint32_t i = 0; i < count; i++) {
        size += frames[i].size;
    }
    if (count > 1 && size <= COPY_LIMIT) {
        spans[0] = join(streams, frames, count);
        return 1;
    }
    for (uint32_t i = 0; i < count; i++) {
        spans[i] = whole(frames[i]);
    }
    return count;
}

static uint32_t
gather_sealed(reef__streams_t *streams, reef__stream_t *stream, struct iovec *spans)
{
    size_t staged;
    uint32_t count = reef__stream_tls_gather(
        stream, streams->staging + streams->staging_used, &staged, spans);

    streams->staging_used += staged;
    return count;
}

static void add_write(reef__streams_t *streams, reef__stream_t *stream)
{
    struct iovec *spans = &streams->spans[streams->span_count];
    uint32_t count = stream->tls != NULL ? gather_sealed(streams, stream, spans)
                                         : gather(streams, stream, spans);

    if (count == 0) {
        return; /* TLS is not ready for it, or has broken */
    }
    streams->span_count += count;
    streams->writers[streams->write_count] = stream;
    streams->writes[streams->write_count++] = (reef__egress_write_t){
        .descriptor = stream->descriptor, .span_count = count, .spans = spans};
}

static uint64_t wanted_size(const reef__egress_write_t *write)
{
    uint64_t size = 0;

    for (uint32_t i = 0; i < write->span_count; i++) {
        size += write->spans[i].iov_len;
    }
    return size;
}

/* The socket takes no more: wait until it does. */
static void block(reef__stream_t *stream)
{
    if (!reef__stream_is_blocked(stream)) {
        stream->stalled_ms = stream->peer.io->now_ms | 1; /* never 0 */
        watch(stream);
        stream->type->stalled(stream);
    }
}

static void
consume(reef__stream_t *stream, const reef__egress_write_t *write, uint64_t taken)
{
    if (stream->tls != NULL) {
        reef__stream_tls_consume(stream, write->spans, write->span_count, taken);
        return;
    }
    if (stream->block == NULL) {
        reef__outbox_consume(&stream->outbox, taken);
        return;
    }
    if (taken < reef__buffer_frame(stream->block).size) {
        reef__outbox_push_begun(&stream->outbox, reef_buffer_ref(stream->block),
                                (uint32_t)taken);
    }
    stream->block = NULL;
}

/* Nothing is left to be written. */
static void finish_queue(reef__stream_t *stream)
{
    if (stream->is_shutting) {
        shutdown(stream->descriptor, SHUT_WR);
    }
    if (stream->tls == NULL || reef__stream_tls_is_open(stream)) {
        stream->type->flushed(stream);
    }
}

static void finish_write(reef__stream_t *stream, const reef__egress_write_t *write)
{
    bool would_block = write->result == -EAGAIN || write->result == -EWOULDBLOCK;
    uint64_t taken = write->result > 0 ? (uint64_t)write->result : 0;

    if (write->result < 0 && !would_block) {
        stream->block = NULL;
        stream->type->broken(stream);
        return;
    }
    consume(stream, write, taken);
    if (taken < wanted_size(write)) {
        block(stream);
    } else if (stream->outbox.bytes > 0) {
        note_dirty(stream); /* more than one write carries */
    } else {
        finish_queue(stream);
    }
    tell_queue(stream);
}

static void write_gathered(reef__io_t *io)
{
    reef__streams_t *streams = io->streams;

    reef__egress_write(io->egress, streams->writes, streams->write_count);
    for (size_t i = 0; i < streams->write_count; i++) {
        finish_write(streams->writers[i], &streams->writes[i]);
    }
    streams->write_count = 0;
    streams->span_count = 0;
    streams->staging_used = 0;
}

static bool is_full(const reef__streams_t *streams)
{
    return streams->write_count == MAX_WRITES || streams->span_count > MAX_WRITES ||
           streams->staging_used + COPY_LIMIT > STAGING_SIZE;
}

/* TLS may need more of the staging than others. */
static void make_room(reef__io_t *io, const reef__stream_t *stream)
{
    if (stream->tls != NULL &&
        io->streams->staging_used + REEF__STREAM_TLS_ROOM > STAGING_SIZE) {
        write_gathered(io);
    }
}

void reef__streams_write(reef__io_t *io)
{
    reef__streams_t *streams = io->streams;

    while (streams->dirty != NULL) {
        reef__stream_t *stream = streams->dirty;

        streams->dirty = stream->next_dirty;
        stream->is_dirty = false;
        if (!reef__stream_is_open(stream)) {
            stream->block = NULL;
        } else if (reef__stream_has_output(stream)) {
            make_room(io, stream);
            add_write(streams, stream);
        } else {
            finish_queue(stream);
        }
        if (is_full(streams) || (streams->dirty == NULL && streams->write_count > 0)) {
            write_gathered(io);
        }
    }
}
