/*
 * Our reader against the server side of libwslay, on streams that clients might send:
 *
 *     differential_ws_frame [--inputs <count>] [--seed <number>] [--first <number>]
 *
 * Input <n> of a seed is always the same stream, cut at the same places; a difference
 * prints its number, so that `--first <n> --inputs 1` shows it again.  What is
 * compared: all messages and control frames in order, whether the stream is refused,
 * with which close code, and that we are not later to refuse it.
 *
 * Where the two differ legitimately, the RFC decides for ours; each such difference is
 * a row of `legitimate`, and is counted:
 *
 *  - Close codes 1012 to 1014.  wslay knows those of RFC 6455 only and refuses these;
 *    section 7.4.2: 1000 to 2999 are for "definition by this protocol, its future
 *    revisions, and extensions", and the registry of section 11.7 has them since.
 *  - No code with an error in a frame's header.  wslay closes with an empty close
 * frame; section 7.4.1: "1002 indicates that an endpoint is terminating the connection
 * due to a protocol error".
 *  - A close frame of one byte.  wslay takes it as one without a code; section 5.5.1:
 * "If there is a body, the first two bytes of the body MUST be a 2-byte unsigned
 * integer".
 *  - A close frame with a wrong code and a reason that is not UTF-8: 1002 or 1007, for
 * no section tells an order.
 *  - A close reason that arrives in several reads.  wslay leaves the first two bytes of
 *    each out of its check; section 8.1: "a byte stream that is interpreted as UTF-8"
 *    fails when it is not, wherever it was cut.  Such a stream is judged a second time,
 *    cut between its frames, and then they must agree.
 *
 * Compression, which wslay does not know, is not negotiated.
 */
#include "codec/ws_frame.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <wslay/wslay.h>

enum {
    MAX_STREAM = 1 << 18,
    MAX_LOG = 2 * MAX_STREAM,
    FILLER = 160, /* completes a close frame that was cut: we judge only whole ones */
};

/* Random numbers --------------------------------------------------------------- */

/* SplitMix64 (Steele, Lea and Flood, 2014) */
static uint64_t next(uint64_t *random)
{
    uint64_t z = (*random += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static size_t below(uint64_t *random, size_t bound)
{
    return (size_t)(next(random) % bound);
}

static bool one_in(uint64_t *random, size_t count)
{
    return below(random, count) == 0;
}

/* Streams ---------------------------------------------------------------------- */

typedef struct stream {
    uint8_t bytes[MAX_STREAM];
    size_t size;
    uint64_t random;
    uint32_t max_message;
    bool in_message; /* of several frames */
    bool text;       /* the message in assembly is */
} stream_t;

static void put(stream_t *stream, const void *data, size_t size)
{
    if (size <= MAX_STREAM - FILLER - stream->size) {
        memcpy(stream->bytes + stream->size, data, size);
        stream->size += size;
    }
}

static size_t payload_size(stream_t *stream)
{
    static const size_t edges[] = {125, 126, 127, 65535, 65536};
    uint64_t *random = &stream->random;

    switch (below(random, 24)) {
    case 0:
        return stream->max_message + below(random, 3) - 1;
    case 1:
        return edges[below(random, one_in(random, 8) ? 5 : 3)];
    case 2:
        return below(random, 2000);
    default:
        return below(random, 40);
    }
}

/* Text, mostly valid, that may end within a character. */
static void fill_text(stream_t *stream, uint8_t *data, size_t size)
{
    static const char *const pieces[] = {"a",
                                         "word ",
                                         "\xc3\xa9",
                                         "\xe2\x82\xac",
                                         "\xf0\x9f\x90\x9a",
                                         "\xed\x9f\xbf",
                                         "\xf4\x8f\xbf\xbf",
                                         "0123456789 abcdef"};
    static const char *const wrong[] = {"\x80", "\xc0\xaf",         "\xed\xa0\x80",
                                        "\xff", "\xf4\x90\x80\x80", "\xe2\x28\xa1"};
    bool whole = !one_in(&stream->random, 8);

    for (size_t i = 0; i < size;) {
        reef_span_t piece = reef_span_text(one_in(&stream->random, 400)
                                               ? wrong[below(&stream->random, 6)]
                                               : pieces[below(&stream->random, 8)]);

        if (piece.size > size - i) {
            const char *last = whole ? "................." : (const char *)piece.data;

            piece = reef_span(last, size - i);
        }
        memcpy(data + i, piece.data, piece.size);
        i += piece.size;
    }
}

static size_t fill_close(stream_t *stream, uint8_t *data)
{
    static const uint16_t codes[] = {1000, 1001, 1002, 1003, 1004, 1005, 1006,
                                     1007, 1008, 1011, 1012, 1014, 1015, 1016,
                                     2999, 3000, 4999, 5000, 0,    999,  65535};
    uint64_t *random = &stream->random;
    uint16_t code = codes[below(random, sizeof(codes) / sizeof(codes[0]))];
    size_t size = 2 + (one_in(random, 2) ? below(random, 124) : 0);

    code = one_in(random, 2) ? 1000 : code;
    data[0] = (uint8_t)(code >> 8);
    data[1] = (uint8_t)code;
    fill_text(stream, data + 2, size - 2);
    return one_in(random, 6) ? below(random, 2) : size;
}

/* The header; @p form has the length in more bytes than needed, 0 = as needed. */
static void put_head(
    stream_t *stream, unsigned first, uint64_t size, unsigned form, const uint8_t *mask)
{
    unsigned extra = size < 126 ? 0 : size < 65536 ? 2 : 8;
    uint8_t head[10] = {(uint8_t)first};

    extra = form > extra ? form : extra;
    head[1] = (uint8_t)(extra == 0 ? size : extra == 2 ? 126 : 127);
    for (unsigned i = 0; i < extra; i++) {
        head[2 + i] = (uint8_t)(size >> 8 * (extra - 1 - i));
    }
    if (mask != NULL) {
        head[1] |= 0x80;
    }
    put(stream, head, 2 + extra);
    if (mask != NULL) {
        put(stream, mask, 4);
    }
}

/* FIN and opcode of what may come next in a good stream. */
static unsigned next_first_byte(stream_t *stream)
{
    uint64_t *random = &stream->random;
    unsigned fin = one_in(random, 3) ? 0 : 0x80;

    if (one_in(random, 5)) {
        return one_in(random, 4) ? 0x88 : 0x89 + (unsigned)below(random, 2);
    }
    if (stream->in_message) {
        stream->in_message = fin == 0;
        return fin;
    }
    stream->in_message = fin == 0;
    stream->text = one_in(random, 2);
    return fin | (stream->text ? 1 : 2);
}

static void put_frame(stream_t *stream)
{
    static uint8_t payload[1 << 17];
    uint64_t *random = &stream->random;
    unsigned first = next_first_byte(stream);
    size_t size = payload_size(stream);
    uint8_t mask[4];
    uint64_t key = one_in(random, 16) ? 0 : next(random);
    bool is_masked = !one_in(random, 400);
    unsigned form = one_in(random, 300) ? 8 : one_in(random, 300) ? 2 : 0;
    uint64_t announced;

    memcpy(mask, &key, sizeof(mask));
    if ((first & 8) != 0) {
        size = one_in(random, 100) ? 126 : size % 126;
    }
    size = size < sizeof(payload) ? size : sizeof(payload);
    if (first == 0x88) {
        size = fill_close(stream, payload);
    } else if (stream->text && (first & 8) == 0) {
        fill_text(stream, payload, size);
    } else {
        memset(payload, (int)below(random, 256), size);
    }
    if (one_in(random, 200)) { /* a reserved bit, a reserved opcode, FIN */
        first ^= 1U << below(random, 8);
    }
    announced = size;
    if (one_in(random, 300)) {
        announced = next(random);
        announced >>= below(random, 64);
    }
    put_head(stream, first, announced, form, is_masked ? mask : NULL);
    for (size_t i = 0; is_masked && i < size; i++) {
        payload[i] ^= mask[i % 4];
    }
    put(stream, payload, size);
}

/* Bits turned, bytes lost, doubled or random. */
static void mutate(stream_t *stream)
{
    uint64_t *random = &stream->random;

    for (size_t count = 1 + below(random, 4); count > 0 && stream->size > 1; count--) {
        size_t at = below(random, stream->size);
        size_t rest = stream->size - at - 1;

        switch (below(random, 4)) {
        case 0:
            stream->bytes[at] ^= (uint8_t)(1U << below(random, 8));
            break;
        case 1:
            memmove(stream->bytes + at, stream->bytes + at + 1, rest);
            stream->size--;
            break;
        case 2:
            memmove(stream->bytes + at + 1, stream->bytes + at, rest);
            break;
        default:
            stream->bytes[at] = (uint8_t)next(random);
        }
    }
}

static void make_stream(stream_t *stream, uint64_t seed, uint64_t number)
{
    static const uint32_t limits[] = {125, 126, 300, 2000, 70000};
    uint64_t *random = &stream->random;

    stream->size = 0;
    stream->in_message = false;
    stream->text = false;
    *random = seed;
    *random = next(random) ^ number;
    stream->max_message = limits[below(random, 5)];
    if (one_in(random, 16)) { /* garbage */
        size_t size = below(random, 200);

        for (size_t i = 0; i < size; i++) {
            stream->bytes[i] = (uint8_t)next(random);
        }
        stream->size = size;
    } else {
        for (size_t count = 1 + below(random, 8); count > 0; count--) {
            put_frame(stream);
        }
        if (one_in(random, 3)) {
            mutate(stream);
        }
        if (one_in(random, 8)) {
            stream->size = below(random, stream->size + 1);
        }
    }
    memset(stream->bytes + stream->size, one_in(random, 2) ? 0 : 0x81, FILLER);
    stream->size += FILLER;
}

/* What an implementation made of a stream -------------------------------------- */

enum {
    REFUSED = 0xff /* as a kind of event, besides the opcodes */
};

typedef struct entry {
    uint8_t kind;
    uint16_t code;
    uint32_t size; /* of the data that follows */
} entry_t;

typedef struct verdict {
    uint8_t log[MAX_LOG]; /* entries with their data */
    size_t size;
    size_t refused_at; /* number of the piece; SIZE_MAX = not refused */
    bool in_close;     /* it was refused for what a close frame says */
} verdict_t;

/* Where the pieces of a stream end; the last is its end. */
typedef struct cuts {
    size_t ends[MAX_STREAM];
    size_t count;
} cuts_t;

static void record(verdict_t *verdict, unsigned kind, unsigned code, reef_span_t data)
{
    entry_t entry = {0};

    entry.kind = (uint8_t)kind;
    entry.code = (uint16_t)code;
    entry.size = (uint32_t)data.size;
    if (verdict->size + sizeof(entry) + data.size > MAX_LOG) {
        abort();
    }
    memcpy(verdict->log + verdict->size, &entry, sizeof(entry));
    verdict->size += sizeof(entry);
    if (data.size > 0) {
        memcpy(verdict->log + verdict->size, data.data, data.size);
        verdict->size += data.size;
    }
}

/* Ours */
static void
record_event(verdict_t *verdict, const reef__ws_event_t *event, size_t piece)
{
    static const uint8_t opcodes[] = {
        [REEF__WS_TEXT] = REEF__WS_OP_TEXT,   [REEF__WS_BINARY] = REEF__WS_OP_BINARY,
        [REEF__WS_PING] = REEF__WS_OP_PING,   [REEF__WS_PONG] = REEF__WS_OP_PONG,
        [REEF__WS_CLOSE] = REEF__WS_OP_CLOSE,
    };

    if (event->kind == REEF__WS_ERROR) {
        record(verdict, REFUSED, event->code, reef_span(NULL, 0));
        verdict->refused_at = piece;
        verdict->in_close = strstr((const char *)event->data.data, "close") != NULL;
    } else {
        record(verdict, opcodes[event->kind], event->code, event->data);
    }
}

/* libwslay --------------------------------------------------------------------- */

typedef struct peer {
    verdict_t *verdict;
    const uint8_t *data; /* what is left of the piece */
    size_t size;
    size_t piece;
    bool closed; /* by the client */
} peer_t;

static ssize_t on_recv(
    wslay_event_context_ptr context, uint8_t *out, size_t room, int flags, void *user)
{
    peer_t *peer = user;
    size_t size = peer->size < room ? peer->size : room;

    (void)flags;
    if (size == 0) {
        wslay_event_set_error(context, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    memcpy(out, peer->data, size);
    peer->data += size;
    peer->size -= size;
    return (ssize_t)size;
}

static ssize_t on_send(wslay_event_context_ptr context,
                       const uint8_t *data,
                       size_t size,
                       int flags,
                       void *user)
{
    (void)context;
    (void)data;
    (void)flags;
    (void)user;
    return (ssize_t)size;
}

static void on_message(wslay_event_context_ptr context,
                       const struct wslay_event_on_msg_recv_arg *message,
                       void *user)
{
    peer_t *peer = user;
    reef_span_t data = reef_span(message->msg, message->msg_length);
    unsigned code = 0;

    (void)context;
    if (message->opcode == WSLAY_CONNECTION_CLOSE) {
        peer->closed = true;
        code = message->status_code == 0 ? REEF__WS_CODE_NONE : message->status_code;
        data = data.size < 2 ? reef_span(NULL, 0) : reef_span_skip(data, 2);
    }
    record(peer->verdict, message->opcode, code, data);
}

static const struct wslay_event_callbacks callbacks = {
    .recv_callback = on_recv,
    .send_callback = on_send,
    .on_msg_recv_callback = on_message,
};

static void feed_theirs(wslay_event_context_ptr context, peer_t *peer)
{
    verdict_t *verdict = peer->verdict;
    int code = wslay_event_want_read(context) ? wslay_event_recv(context) : 0;

    if (code != 0 && code != WSLAY_ERR_CALLBACK_FAILURE) { /* what a bad header gives */
        abort();
    }
    if (wslay_event_want_write(context) && wslay_event_send(context) != 0) {
        abort();
    }
    if (wslay_event_get_close_sent(context) && !peer->closed &&
        verdict->refused_at == SIZE_MAX) {
        record(verdict, REFUSED, wslay_event_get_status_code_sent(context),
               reef_span(NULL, 0));
        verdict->refused_at = peer->piece;
    }
}

/* Both ------------------------------------------------------------------------- */

static void cut_randomly(stream_t *stream, cuts_t *cuts)
{
    uint64_t *random = &stream->random;
    size_t most = one_in(random, 2) ? 64 : MAX_STREAM;
    size_t end = 0;

    most = 1 + below(random, most);
    cuts->count = 0;
    while (end < stream->size) {
        end += 1 + below(random, most);
        end = end < stream->size ? end : stream->size;
        cuts->ends[cuts->count++] = end;
    }
}

/* Give the stream to our reader; @p ends, if any, gets where the frames of events end.
 */
static void
judge_ours(const stream_t *stream, const cuts_t *cuts, verdict_t *verdict, cuts_t *ends)
{
    static uint8_t copy[MAX_STREAM];
    reef__ws_limits_t limits = {.max_message = stream->max_message};
    reef__ws_reader_t reader = {0};
    size_t start = 0;

    verdict->size = 0;
    verdict->refused_at = SIZE_MAX;
    verdict->in_close = false;
    reef__ws_limits_resolve(&limits);
    memcpy(copy, stream->bytes, stream->size);
    for (size_t piece = 0; piece < cuts->count; piece++) {
        reef__ws_input_t input = {copy + start, cuts->ends[piece] - start};
        reef__ws_event_t event;

        while (reef__ws_frame_next(&reader, &limits, &input, &event)) {
            record_event(verdict, &event, piece);
            if (ends != NULL && event.kind != REEF__WS_ERROR) {
                ends->ends[ends->count++] = (size_t)(input.data - copy);
            }
        }
        start = cuts->ends[piece];
    }
    reef__ws_reader_finish(&reader, &limits);
}

/* If @p ours has refused it, bytes are added that complete a header: wslay judges only
 * whole ones. */
static void judge_theirs(const stream_t *stream,
                         const cuts_t *cuts,
                         const verdict_t *ours,
                         verdict_t *verdict)
{
    static const uint8_t rest[REEF__WS_MAX_CLIENT_HEAD];
    wslay_event_context_ptr context;
    peer_t peer = {.verdict = verdict};
    size_t start = 0;

    verdict->size = 0;
    verdict->refused_at = SIZE_MAX;
    if (wslay_event_context_server_init(&context, &callbacks, &peer) != 0) {
        abort();
    }
    wslay_event_config_set_max_recv_msg_length(context, stream->max_message);
    for (size_t piece = 0; piece < cuts->count; piece++) {
        peer.data = stream->bytes + start;
        peer.size = cuts->ends[piece] - start;
        peer.piece = piece;
        feed_theirs(context, &peer);
        start = cuts->ends[piece];
    }
    if (ours->refused_at != SIZE_MAX && verdict->refused_at == SIZE_MAX) {
        peer.data = rest;
        peer.size = sizeof(rest);
        peer.piece = cuts->count;
        feed_theirs(context, &peer);
    }
    wslay_event_context_free(context);
}

/* Differences ------------------------------------------------------------------ */

/* The last entries differ so; all before them are the same. */
typedef struct difference {
    const char *name;
    uint8_t our_kind;
    uint16_t our_first, our_last; /* range of codes */
    bool in_close;                /* only for what a close frame says */
    uint8_t their_kind;
    uint16_t their_code;
    size_t count;
} difference_t;

static difference_t legitimate[] = {
    {"close code of a later specification (7.4.2)", REEF__WS_OP_CLOSE, 1012, 1014,
     false, REFUSED, 1002, 0},
    {"no code with an error in a header (7.4.1)", REFUSED, 1002, 1002, false, REFUSED,
     REEF__WS_CODE_NONE, 0},
    {"close frame with half a code (5.5.1)", REFUSED, 1002, 1002, true,
     REEF__WS_OP_CLOSE, REEF__WS_CODE_NONE, 0},
    {"close frame with both code and reason wrong", REFUSED, 1002, 1002, true, REFUSED,
     1007, 0},
};

static entry_t entry_at(const verdict_t *verdict, size_t at)
{
    entry_t entry = {0};

    if (at + sizeof(entry) <= verdict->size) {
        memcpy(&entry, verdict->log + at, sizeof(entry));
    }
    return entry;
}

/* Where the first entry that differs begins in both. */
static size_t first_difference(const verdict_t *a, const verdict_t *b)
{
    size_t at = 0;

    while (at < a->size && at < b->size) {
        size_t size = sizeof(entry_t) + entry_at(a, at).size;

        if (at + size > b->size || memcmp(a->log + at, b->log + at, size) != 0) {
            break;
        }
        at += size;
    }
    return at;
}

static bool is_legitimate(const verdict_t *ours, const verdict_t *theirs, size_t at)
{
    entry_t our = entry_at(ours, at);
    entry_t their = entry_at(theirs, at);

    if (at + sizeof(our) + our.size != ours->size ||
        at + sizeof(their) + their.size != theirs->size) {
        return false; /* not the last one */
    }
    for (size_t i = 0; i < sizeof(legitimate) / sizeof(legitimate[0]); i++) {
        difference_t *row = &legitimate[i];

        if (our.kind == row->our_kind && our.code >= row->our_first &&
            our.code <= row->our_last && (!row->in_close || ours->in_close) &&
            their.kind == row->their_kind && their.code == row->their_code) {
            row->count++;
            return true;
        }
    }
    return false;
}

static void print_entries(const char *name, const verdict_t *verdict)
{
    printf("%s:", name);
    for (size_t at = 0; at < verdict->size;) {
        entry_t entry = entry_at(verdict, at);

        printf(" %02x(%u, %u bytes)", entry.kind, entry.code, (unsigned)entry.size);
        at += sizeof(entry) + entry.size;
    }
    printf("\n");
}

/* Totals of a run. */
typedef struct totals {
    size_t messages, refused, differences;
    size_t cut_reasons; /* close frames in several reads that were judged again */
} totals_t;

static bool agree(const verdict_t *ours, const verdict_t *theirs)
{
    size_t at = first_difference(ours, theirs);

    return (at == ours->size && at == theirs->size &&
            (ours->in_close || ours->refused_at <= theirs->refused_at)) ||
           is_legitimate(ours, theirs, at);
}

/* Whether the last entries are a close frame and its refusal, in either order. */
static bool differ_in_close(const verdict_t *ours, const verdict_t *theirs)
{
    size_t at = first_difference(ours, theirs);
    entry_t our = entry_at(ours, at);
    entry_t their = entry_at(theirs, at);

    return (our.kind == REEF__WS_OP_CLOSE && their.kind == REFUSED) ||
           (our.kind == REFUSED && their.kind == REEF__WS_OP_CLOSE) ||
           (our.kind == REFUSED && their.kind == REFUSED);
}

static void count(const verdict_t *verdict, totals_t *totals)
{
    totals->refused += verdict->refused_at != SIZE_MAX;
    for (size_t at = 0; at < verdict->size;) {
        entry_t entry = entry_at(verdict, at);

        totals->messages += entry.kind != REFUSED;
        at += sizeof(entry) + entry.size;
    }
}

static void compare(stream_t *stream, uint64_t number, totals_t *totals)
{
    static verdict_t ours;
    static verdict_t theirs;
    static cuts_t cuts;
    static cuts_t ends;

    cut_randomly(stream, &cuts);
    ends.count = 0;
    judge_ours(stream, &cuts, &ours, &ends);
    judge_theirs(stream, &cuts, &ours, &theirs);
    count(&ours, totals);
    if (agree(&ours, &theirs)) {
        return;
    }
    if (differ_in_close(&ours, &theirs)) {
        ends.ends[ends.count++] = stream->size;
        judge_ours(stream, &ends, &ours, NULL);
        judge_theirs(stream, &ends, &ours, &theirs);
        if (agree(&ours, &theirs)) {
            totals->cut_reasons++;
            return;
        }
    }
    printf("input %llu differs\n", (unsigned long long)number);
    print_entries("  ours", &ours);
    print_entries("  wslay", &theirs);
    totals->differences++;
}

static uint64_t read_number(const char *text)
{
    char *end;
    uint64_t number;

    errno = 0;
    number = strtoull(text, &end, 0);
    if (errno != 0 || *end != '\0' || end == text) {
        fprintf(stderr, "not a number: %s\n", text);
        exit(2);
    }
    return number;
}

int main(int argc, char **argv)
{
    static stream_t stream;
    uint64_t inputs = 20000;
    uint64_t first = 0;
    uint64_t seed = 1;
    totals_t totals = {0};

    for (int i = 1; i < argc; i += 2) {
        if (i + 1 < argc && strcmp(argv[i], "--inputs") == 0) {
            inputs = read_number(argv[i + 1]);
        } else if (i + 1 < argc && strcmp(argv[i], "--seed") == 0) {
            seed = read_number(argv[i + 1]);
        } else if (i + 1 < argc && strcmp(argv[i], "--first") == 0) {
            first = read_number(argv[i + 1]);
        } else {
            fprintf(stderr,
                    "usage: %s [--inputs <count>] [--seed <number>] "
                    "[--first <number>]\n",
                    argv[0]);
            return 2;
        }
    }
    for (uint64_t i = first; i < first + inputs && totals.differences < 10; i++) {
        make_stream(&stream, seed, i);
        compare(&stream, i, &totals);
    }
    printf("%llu inputs: %zu messages and control frames, %zu streams refused, "
           "%zu differences\n",
           (unsigned long long)inputs, totals.messages, totals.refused,
           totals.differences);
    for (size_t i = 0; i < sizeof(legitimate) / sizeof(legitimate[0]); i++) {
        printf("  %zu times: %s\n", legitimate[i].count, legitimate[i].name);
    }
    printf("  %zu times: close reason in several reads (8.1)\n", totals.cut_reasons);
    return totals.differences == 0 ? 0 : 1;
}
