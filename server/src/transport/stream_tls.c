/*
 * The handshake.  Its public-key steps take half a millisecond and more, in which a
 * frame would stand still.  So what may need one is copied and goes to a thread of
 * libuv's pool, while the stream does not read; the rest is done here:
 *
 *     read ─► input ─► a whole record? ─► clear ──► waiting ─► thread ─┐
 *               ▲                    └──► sealed ──► at once ──────────┤
 *               └───────────────────── more ◄──────────────────────────┴─► open, failed
 *
 * A loop has few threads at a time, for the processors are needed for the frame; who is
 * in turn is decided first come, first served.  Until a whole record has come nothing
 * is made for a peer but the copy of what it sent.
 *
 * Records.  Small frames are joined, for a record costs a fixed time beside that of its
 * bytes; a frame that is alone is encrypted from where it lies.
 */
#include "transport/stream_tls.h"

#include "app.h"
#include "buffer.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    PLAIN_SIZE = REEF__IO_SLAB_SIZE + REEF__TLS_MAX_RECORD,
    NICENESS = 5,        /* of the threads that do handshakes */
    MAX_FRAMES = 64,     /* in one write */
    MAX_PENDING = 16384, /* bytes: with more, nothing is encrypted on top */
};

typedef struct handshake {
    uv_work_t work;
    reef__tls_status_t status; /* of the last step */
    size_t whole;              /* bytes of whole records: given to the next step */
    size_t consumed;           /* of them */
    uint8_t *input;            /* [capacity]; whole records and the beginning of one */
    size_t size, capacity;
} handshake_t;

struct reef__stream_tls {
    reef__stream_t *stream;
    reef__tls_context_t *context;
    reef__tls_t *session;     /* NULL until a record has come */
    handshake_t *handshake;   /* NULL once it is done */
    reef__stream_tls_t *next; /* in the queue that it is in */
    const char *cause;        /* of a failure; static, NULL = none */
    bool is_waiting;          /* for a thread */
    bool is_working;          /* a thread has it */
    bool has_ended;           /* the peer has said so */
};

static const reef_alloc_t *alloc_of(const reef__stream_t *stream)
{
    return reef_app_alloc(stream->peer.io->ios->app);
}

static reef__stream_tls_loop_t *loop_of(const reef__stream_t *stream)
{
    return reef__streams_tls(stream->peer.io);
}

/* Life -------------------------------------------------------------------------- */

/* libuv would make four threads, each with tables of wolfSSL that hold up to 12 MB.
 * Whoever has set the variable decides. */
static void limit_threads(uint32_t count)
{
    char text[16];

    snprintf(text, sizeof(text), "%u", count);
    setenv("UV_THREADPOOL_SIZE", text, 0);
}

void reef__stream_tls_loop_init(reef__stream_tls_loop_t *loop, reef__io_t *io)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    uint32_t share = processors > 0 ? (uint32_t)processors / 2 / io->ios->count : 0;

    *loop = (reef__stream_tls_loop_t){.io = io, .working_limit = share > 0 ? share : 1};
    if (io->index == 0) {
        limit_threads(loop->working_limit * io->ios->count);
    }
}

void reef__stream_tls_loop_finish(reef__stream_tls_loop_t *loop)
{
    const reef_alloc_t *alloc = reef_app_alloc(loop->io->ios->app);

    assert(loop->working_count == 0);
    if (loop->plain != NULL) {
        reef_resize(alloc, loop->plain, PLAIN_SIZE, 0);
        reef_resize(alloc, loop->joined, REEF__TLS_MAX_PLAIN, 0);
    }
}

static void ensure_buffers(reef__stream_tls_loop_t *loop)
{
    const reef_alloc_t *alloc = reef_app_alloc(loop->io->ios->app);

    if (loop->plain == NULL) {
        loop->plain = reef_resize(alloc, NULL, 0, PLAIN_SIZE);
        loop->joined = reef_resize(alloc, NULL, 0, REEF__TLS_MAX_PLAIN);
    }
}

void reef__stream_secure(reef__stream_t *stream, reef__tls_context_t *context)
{
    const reef_alloc_t *alloc = alloc_of(stream);

    assert(stream->tls == NULL && !stream->is_reading);
    ensure_buffers(loop_of(stream));
    stream->tls = reef_resize(alloc, NULL, 0, sizeof(*stream->tls));
    *stream->tls = (reef__stream_tls_t){
        .stream = stream,
        .context = reef__tls_context_ref(context),
        .handshake = reef_resize(alloc, NULL, 0, sizeof(handshake_t)),
    };
    *stream->tls->handshake = (handshake_t){.work = {.data = stream->tls}};
}

static void release_handshake(const reef__stream_t *stream, handshake_t *handshake)
{
    const reef_alloc_t *alloc = alloc_of(stream);

    if (handshake != NULL) {
        if (handshake->input != NULL) {
            reef_resize(alloc, handshake->input, handshake->capacity, 0);
        }
        reef_resize(alloc, handshake, sizeof(*handshake), 0);
    }
}

void reef__stream_tls_finish(reef__stream_t *stream)
{
    reef__stream_tls_t *tls = stream->tls;

    assert(!tls->is_waiting && !tls->is_working);
    release_handshake(stream, tls->handshake);
    reef__tls_destroy(tls->session);
    reef__tls_context_unref(tls->context);
    reef_resize(alloc_of(stream), tls, sizeof(*tls), 0);
    stream->tls = NULL;
}

bool reef__stream_tls_is_open(const reef__stream_t *stream)
{
    return stream->tls->handshake == NULL;
}

bool reef__stream_tls_is_working(const reef__stream_t *stream)
{
    return stream->tls->is_working;
}

const char *reef__stream_tls_cause(const reef__stream_t *stream)
{
    return stream->tls != NULL ? stream->tls->cause : NULL;
}

reef__tls_facts_t reef__stream_tls_facts(const reef__stream_t *stream)
{
    return stream->tls != NULL && stream->tls->session != NULL
               ? reef__tls_facts(stream->tls->session)
               : (reef__tls_facts_t){.version = "", .cipher = "", .alpn = ""};
}

/* What TLS has to say may have changed. */
static void note_pending(reef__stream_t *stream)
{
    stream->sealed_bytes = reef__tls_pending(stream->tls->session).size;
    if (stream->sealed_bytes > 0) {
        reef__stream_note_dirty(stream);
    }
}

/* The alert that says why is sent if the socket takes it now. */
static void fail(reef__stream_t *stream, const char *cause)
{
    reef__stream_tls_t *tls = stream->tls;

    tls->cause = cause;
    if (tls->session != NULL) {
        reef_span_t alert = reef__tls_pending(tls->session);
        ssize_t sent = send(stream->descriptor, alert.data, alert.size,
                            MSG_DONTWAIT | MSG_NOSIGNAL);

        (void)sent;
    }
    stream->type->broken(stream);
}

/* Records in -------------------------------------------------------------------- */

static void read_records(reef__stream_t *stream, const uint8_t *data, size_t data_size)
{
    reef__stream_tls_t *tls = stream->tls;
    reef__stream_tls_loop_t *loop = loop_of(stream);
    size_t size;
    reef__tls_status_t status;

    if (tls->has_ended || tls->cause != NULL) {
        return;
    }
    status = reef__tls_decrypt(tls->session, reef_span(data, data_size), loop->plain,
                               PLAIN_SIZE, &size);
    tls->has_ended = status == REEF__TLS_CLOSED;
    note_pending(stream);
    if (size > 0) {
        stream->type->read(stream, loop->plain, size);
    }
    if (!reef__stream_is_open(stream)) {
        return;
    }
    if (status == REEF__TLS_FAILED) {
        fail(stream, reef__tls_cause(tls->session));
    } else if (status == REEF__TLS_CLOSED) {
        stream->type->ended(stream);
    }
}

/* Handshake --------------------------------------------------------------------- */

static void open_stream(reef__stream_t *stream)
{
    handshake_t *handshake = stream->tls->handshake;
    reef_span_t rest = reef_span_skip(reef_span(handshake->input, handshake->size),
                                      handshake->consumed);

    stream->tls->handshake = NULL;
    reef__stream_note_dirty(stream); /* some may have been pushed already */
    stream->type->secured(stream);
    if (rest.size > 0 && reef__stream_is_open(stream)) {
        read_records(stream, rest.data, rest.size);
    }
    release_handshake(stream, handshake);
}

static void finish_step(reef__stream_t *stream)
{
    reef__stream_tls_t *tls = stream->tls;
    handshake_t *handshake = tls->handshake;

    if (tls->session == NULL) {
        fail(stream, "wolfSSL cannot make a session");
        return;
    }
    note_pending(stream);
    switch (handshake->status) {
    case REEF__TLS_MORE:
        handshake->size -= handshake->consumed;
        memmove(handshake->input, handshake->input + handshake->consumed,
                handshake->size);
        break;
    case REEF__TLS_OPEN:
        open_stream(stream);
        break;
    case REEF__TLS_CLOSED:
    case REEF__TLS_FAILED:
        fail(stream, reef__tls_cause(tls->session));
        break;
    }
}

/* On any thread. */
static void take_step(reef__stream_tls_t *tls)
{
    handshake_t *handshake = tls->handshake;

    if (tls->session == NULL) {
        tls->session = reef__tls_create(tls->context);
    }
    if (tls->session != NULL) {
        handshake->status = reef__tls_handshake(
            tls->session, reef_span(handshake->input, handshake->whole),
            &handshake->consumed);
    }
}

/* On a thread of the pool.  Where processors are few it is to make way for the frame;
 * setting the priority anew each time costs nothing beside what follows. */
static void work(uv_work_t *work)
{
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICENESS);
    take_step(work->data);
}

static void append(reef__stream_tls_queue_t *queue, reef__stream_tls_t *tls)
{
    tls->next = NULL;
    *(queue->first ? &queue->last->next : &queue->first) = tls;
    queue->last = tls;
}

static reef__stream_tls_t *take_first(reef__stream_tls_queue_t *queue)
{
    reef__stream_tls_t *tls = queue->first;

    if (tls != NULL) {
        queue->first = tls->next;
    }
    return tls;
}

static void start_work(reef__stream_tls_loop_t *loop);

/* Called while libuv polls; what follows is for the pass, as with other events. */
static void on_worked(uv_work_t *work, int status)
{
    reef__stream_tls_t *tls = work->data;
    reef__stream_tls_loop_t *loop = loop_of(tls->stream);

    (void)status;
    append(&loop->worked, tls);
    loop->working_count--;
    start_work(loop);
}

static void start_work(reef__stream_tls_loop_t *loop)
{
    while (loop->waiting.first != NULL && loop->working_count < loop->working_limit) {
        reef__stream_tls_t *tls = take_first(&loop->waiting);

        tls->is_waiting = false;
        tls->is_working = true;
        loop->working_count++;
        uv_queue_work(reef__loop_uv(loop->io->loop), &tls->handshake->work, work,
                      on_worked);
    }
}

void reef__stream_tls_take_work(reef__stream_tls_loop_t *loop)
{
    reef__stream_tls_t *tls;

    while ((tls = take_first(&loop->worked)) != NULL) {
        reef__stream_t *stream = tls->stream;

        tls->is_working = false;
        if (reef__stream_is_open(stream)) {
            finish_step(stream);
            reef__stream_hold(stream, false);
        } else {
            reef__stream_free_if_over(stream);
        }
    }
}

static void wait_for_thread(reef__stream_t *stream)
{
    reef__stream_tls_loop_t *loop = loop_of(stream);

    reef__stream_hold(stream, true);
    stream->tls->is_waiting = true;
    append(&loop->waiting, stream->tls);
    start_work(loop);
}

void reef__stream_tls_close(reef__stream_t *stream)
{
    reef__stream_tls_loop_t *loop = loop_of(stream);
    reef__stream_tls_t *before = NULL;
    reef__stream_tls_t *tls = loop->waiting.first;

    if (!stream->tls->is_waiting) {
        return;
    }
    while (tls != stream->tls) {
        before = tls;
        tls = tls->next;
    }
    *(before ? &before->next : &loop->waiting.first) = tls->next;
    if (loop->waiting.last == tls) {
        loop->waiting.last = before;
    }
    tls->is_waiting = false;
}

static void keep(reef__stream_t *stream, const uint8_t *data, size_t size)
{
    handshake_t *handshake = stream->tls->handshake;

    if (handshake->size + size > handshake->capacity) {
        size_t capacity = handshake->size + size;

        handshake->input = reef_resize(alloc_of(stream), handshake->input,
                                       handshake->capacity, capacity);
        handshake->capacity = capacity;
    }
    memcpy(handshake->input + handshake->size, data, size);
    handshake->size += size;
}

static void advance(reef__stream_t *stream)
{
    handshake_t *handshake = stream->tls->handshake;
    bool is_first = stream->tls->session == NULL;

    switch (reef__tls_look(reef_span(handshake->input, handshake->size),
                           &handshake->whole)) {
    case REEF__TLS_OPENING_PARTIAL:
        break; /* of one record: that bounds what is kept */
    case REEF__TLS_OPENING_CLEAR:
        wait_for_thread(stream);
        break;
    case REEF__TLS_OPENING_SEALED:
        if (is_first) {
            fail(stream, "no ClientHello");
            break;
        }
        take_step(stream->tls);
        finish_step(stream);
        break;
    case REEF__TLS_OPENING_HTTP:
        fail(stream, "plain HTTP on a port for TLS");
        break;
    case REEF__TLS_OPENING_GARBAGE:
        fail(stream, "no TLS");
        break;
    }
}

void reef__stream_tls_read(reef__stream_t *stream, uint8_t *data, size_t size)
{
    if (stream->tls->handshake != NULL) {
        keep(stream, data, size);
        advance(stream);
    } else {
        read_records(stream, data, size);
    }
}

/* Records out ------------------------------------------------------------------- */

typedef struct sealing {
    reef__stream_t *stream;
    uint8_t *out;
    size_t out_size;
    size_t plain_size; /* of what is encrypted */
    size_t joined_size;
    bool has_failed;
} sealing_t;

static void seal(sealing_t *sealing, const uint8_t *data, size_t size)
{
    size_t added;

    if (sealing->has_failed || size == 0) {
        return;
    }
    added = reef__tls_encrypt(sealing->stream->tls->session, reef_span(data, size),
                              sealing->out + sealing->out_size,
                              REEF__STREAM_TLS_ROOM - sealing->out_size);
    sealing->has_failed = added == 0;
    sealing->out_size += added;
    sealing->plain_size += size;
}

static void seal_joined(sealing_t *sealing)
{
    seal(sealing, loop_of(sealing->stream)->joined, sealing->joined_size);
    sealing->joined_size = 0;
}

/* A frame, or the part of it that there is room for. */
static void add_frame(sealing_t *sealing, reef_span_t frame, bool is_last)
{
    uint8_t *joined = loop_of(sealing->stream)->joined;
    size_t room =
        REEF__STREAM_TLS_MAX_WRITE - sealing->plain_size - sealing->joined_size;

    frame.size = frame.size < room ? frame.size : room;
    while (frame.size > 0) {
        size_t free_size = REEF__TLS_MAX_PLAIN - sealing->joined_size;
        size_t size = frame.size < free_size ? frame.size : free_size;

        if (sealing->joined_size == 0 && (size == REEF__TLS_MAX_PLAIN || is_last)) {
            seal(sealing, frame.data, size);
        } else {
            memcpy(joined + sealing->joined_size, frame.data, size);
            sealing->joined_size += size;
        }
        if (sealing->joined_size == REEF__TLS_MAX_PLAIN) {
            seal_joined(sealing);
        }
        frame = reef_span_skip(frame, size);
    }
}

static void consume_plain(reef__stream_t *stream, size_t size)
{
    if (stream->block == NULL) {
        reef__outbox_consume(&stream->outbox, size);
        return;
    }
    if (size < reef__buffer_frame(stream->block).size) {
        reef__outbox_push_begun(&stream->outbox, reef_buffer_ref(stream->block),
                                (uint32_t)size);
    }
    stream->block = NULL;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): the records are written there */
static bool encrypt(reef__stream_t *stream, uint8_t *staging, size_t *staged)
{
    reef_span_t frames[MAX_FRAMES];
    sealing_t sealing = {.stream = stream, .out = staging};
    uint32_t count = 1;

    if (stream->block != NULL) {
        frames[0] = reef__buffer_frame(stream->block);
    } else {
        count = reef__outbox_gather(&stream->outbox, frames, MAX_FRAMES);
    }
    for (uint32_t i = 0; i < count; i++) {
        add_frame(&sealing, frames[i], i + 1 == count);
    }
    seal_joined(&sealing);
    if (!sealing.has_failed) {
        consume_plain(stream, sealing.plain_size);
    }
    *staged = sealing.out_size;
    return !sealing.has_failed;
}

uint32_t reef__stream_tls_gather(reef__stream_t *stream,
                                 uint8_t *staging,
                                 size_t *staged,
                                 struct iovec spans[REEF__STREAM_TLS_MAX_SPANS])
{
    reef_span_t pending = {0};
    uint32_t count = 0;

    *staged = 0;
    if (stream->tls->is_working || stream->tls->session == NULL) {
        return 0;
    }
    pending = reef__tls_pending(stream->tls->session);
    if (pending.size > 0) {
        spans[count++] = (struct iovec){(void *)pending.data, pending.size};
    }
    if (!reef__stream_tls_is_open(stream) || pending.size > MAX_PENDING ||
        (stream->block == NULL && stream->outbox.bytes == 0)) {
        return count;
    }
    if (!encrypt(stream, staging, staged)) {
        fail(stream, reef__tls_cause(stream->tls->session));
        return 0;
    }
    spans[count++] = (struct iovec){staging, *staged};
    return count;
}

void reef__stream_tls_consume(reef__stream_t *stream,
                              const struct iovec *spans,
                              uint32_t span_count,
                              uint64_t taken)
{
    reef__tls_t *session = stream->tls->session;
    reef_span_t pending = reef__tls_pending(session);

    for (uint32_t i = 0; i < span_count; i++) {
        size_t size = spans[i].iov_len;
        size_t gone = taken < size ? (size_t)taken : size;

        if (spans[i].iov_base == (void *)pending.data) {
            reef__tls_pending_consume(session, gone);
        } else if (gone < size) {
            reef__tls_pend(session,
                           reef_span((uint8_t *)spans[i].iov_base + gone, size - gone));
        }
        taken -= gone;
    }
    stream->sealed_bytes = reef__tls_pending(session).size;
}

void reef__stream_tls_shut_down(reef__stream_t *stream)
{
    reef__tls_shut_down(stream->tls->session);
    note_pending(stream);
}
