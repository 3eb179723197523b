/*
 * The first member of each room sends.  A broadcast is complete when every member that
 * reads has received it; the next one goes out then, so `window` are in flight.  At a
 * fixed rate it waits until it is due, and its latency counts from then on, also when
 * the window was full.  All members of a room are consecutive connections.
 */
#include "mode.h"

#include "conn.h"
#include "fail.h"
#include "meter.h"
#include "pacer.h"
#include "pool.h"
#include "process.h"
#include "report.h"
#include "verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    STEP_MS = 100,
    SETTLE_STEP_MS = 10,
    MAX_JOIN = 4096
};

/* Broadcasts in flight are at their number modulo the window. */
typedef struct room {
    conn_t *sender;
    uint32_t receivers;
    uint64_t done;     /* broadcasts that all have received */
    uint64_t *sent_ns; /* when, or when it was due */
    uint32_t *left;    /* receivers that it has not reached */
} room_t;

typedef struct fanout {
    const options_t *options;
    pool_t pool;
    payload_t payload;
    meter_t meter;
    pacer_t pacer; /* where there is a rate */
    room_t *rooms;
    uint32_t room_count;
    bool is_settling; /* what comes is ignored */
    bool is_over;
} fanout_t;

static room_t *room_of(const fanout_t *fanout, const conn_t *conn)
{
    return &fanout->rooms[conn->number / fanout->options->room];
}

/* Broadcast what is due until the window is full. */
static void fill(fanout_t *fanout, room_t *room)
{
    uint64_t window = fanout->options->window;
    bool is_paced = fanout->options->rate > 0;
    conn_t *sender = room->sender;

    while (!fanout->is_over && sender->sent - room->done < window) {
        uint64_t now_ns = fanout->pool.now_ns;
        uint64_t due_ns =
            is_paced ? pacer_due_ns(&fanout->pacer, sender->sent) : now_ns;

        if (due_ns > now_ns) {
            break;
        }
        room->sent_ns[sender->sent % window] = due_ns;
        room->left[sender->sent % window] = room->receivers;
        conn_send_payload(&fanout->pool, sender, sender->number, sender->sent);
        sender->sent++;
    }
    conn_flush(&fanout->pool, sender);
}

static void fill_all(fanout_t *fanout)
{
    for (uint32_t i = 0; i < fanout->room_count; i++) {
        fill(fanout, &fanout->rooms[i]);
    }
}

static void received(fanout_t *fanout, room_t *room, uint64_t number)
{
    uint64_t place = number % fanout->options->window;

    meter_add(&fanout->meter, fanout->pool.now_ns - room->sent_ns[place]);
    if (--room->left[place] == 0) { /* each member receives in order, so do all */
        room->done = number + 1;
    }
}

static void take(void *context, conn_t *conn, const ws_piece_t *piece)
{
    fanout_t *fanout = context;
    room_t *room = room_of(fanout, conn);
    uint64_t number = conn->received;

    if (fanout->is_settling || conn->state != CONN_OPEN) {
        return;
    }
    if (number == room->sender->sent ||
        (conn == room->sender && fanout->options->is_without_self)) {
        fail("connection %u: '%.*s' came, and no broadcast was under way%s",
             conn->number, (int)(piece->size < 64 ? piece->size : 64),
             (const char *)piece->data,
             conn == room->sender ? " to it (--no-self)" : "");
    }
    if (verify_enveloped(&fanout->pool, conn, room->sender->number, piece)) {
        received(fanout, room, number);
    }
}

static void read_end(void *context, conn_t *conn)
{
    fanout_t *fanout = context;

    if (!fanout->is_settling) {
        fill(fanout, room_of(fanout, conn));
    }
}

static void ended(void *context, conn_t *conn, const char *why)
{
    (void)context;
    if (!conn->is_stalled) {
        fail("connection %u: %s", conn->number, why);
    }
}

static void describe(void *context, char *out, size_t capacity)
{
    const fanout_t *fanout = context;

    for (uint32_t i = 0; i < fanout->pool.count; i++) {
        const conn_t *conn = &fanout->pool.conns[i];
        const room_t *room = room_of(fanout, conn);
        bool receives = !conn->is_stalled &&
                        !(conn == room->sender && fanout->options->is_without_self);

        if (receives && conn->received < room->sender->sent) {
            snprintf(out, capacity, "broadcast %llu of connection %u on connection %u",
                     (unsigned long long)conn->received, room->sender->number, i);
            return;
        }
    }
}

static void make_rooms(fanout_t *fanout)
{
    const options_t *options = fanout->options;
    uint64_t window = options->window;

    fanout->room_count = (uint32_t)(options->connections / options->room);
    fanout->rooms = need_memory(fanout->room_count, sizeof(*fanout->rooms));
    for (uint32_t i = 0; i < fanout->room_count; i++) {
        fanout->rooms[i] = (room_t){
            .sender = &fanout->pool.conns[i * options->room],
            .receivers = (uint32_t)options->room - options->is_without_self,
            .sent_ns = need_memory(window, sizeof(uint64_t)),
            .left = need_memory(window, sizeof(uint32_t)),
        };
    }
    fanout->rooms[0].receivers -= (uint32_t)options->stall;
    for (uint32_t i = 1; i <= options->stall; i++) {
        fanout->pool.conns[i].is_stalled = true;
    }
}

/* The text with the numbers of room and connection in place of %r and %n. */
static size_t
expand(const fanout_t *fanout, const conn_t *conn, char *out, size_t capacity)
{
    size_t size = 0;

    for (const char *at = fanout->options->join; *at != '\0'; at++) {
        if (size + 24 > capacity) {
            fail("--join: the text is too long");
        }
        if (at[0] == '%' && (at[1] == 'r' || at[1] == 'n')) {
            uint64_t number =
                *++at == 'r' ? conn->number / fanout->options->room : conn->number;

            size += (size_t)snprintf(out + size, capacity - size, "%llu",
                                     (unsigned long long)number);
        } else {
            out[size++] = *at;
        }
    }
    return size;
}

static void join_all(fanout_t *fanout)
{
    char text[MAX_JOIN];

    for (uint32_t i = 0; i < fanout->pool.count && fanout->options->join; i++) {
        conn_t *conn = &fanout->pool.conns[i];
        size_t size = expand(fanout, conn, text, sizeof(text));

        conn_send(&fanout->pool, conn, WS_TEXT, text, size);
        conn_flush(&fanout->pool, conn);
        pool_step(&fanout->pool, 0); /* what others are told about it */
    }
}

/* Silence says that all know of all. */
static void settle(fanout_t *fanout)
{
    pool_t *pool = &fanout->pool;

    pool->is_patient = true;
    pool->progress_ns = clock_now_ns();
    while (clock_now_ns() - pool->progress_ns < fanout->options->settle_ns) {
        pool_step(pool, SETTLE_STEP_MS);
    }
    pool->is_patient = false;
    fanout->is_settling = false;
    for (uint32_t i = 1; i <= fanout->options->stall; i++) {
        conn_stall(pool, &pool->conns[i]);
    }
}

/* All rooms broadcast at the same times. */
static void step_paced(fanout_t *fanout)
{
    pool_t *pool = &fanout->pool;
    uint64_t next = 0;

    pool->now_ns = clock_now_ns();
    fill_all(fanout);
    for (uint32_t i = 0; i < fanout->room_count; i++) {
        uint64_t sent = fanout->rooms[i].sender->sent;

        next = sent > next ? sent : next;
    }
    pacer_wake(&fanout->pacer, next);
    pool_step(pool, STEP_MS);
}

static uint64_t in_flight(const fanout_t *fanout)
{
    uint64_t count = 0;

    for (uint32_t i = 0; i < fanout->room_count; i++) {
        count += fanout->rooms[i].sender->sent - fanout->rooms[i].done;
    }
    return count;
}

static void load(fanout_t *fanout)
{
    pool_t *pool = &fanout->pool;
    bool is_paced = fanout->options->rate > 0;

    meter_begin(&fanout->meter, fanout->options);
    if (is_paced) {
        pacer_init(&fanout->pacer, pool->epoll, fanout->options->rate);
        pacer_begin(&fanout->pacer);
    }
    pool->now_ns = pool->progress_ns = clock_now_ns();
    fill_all(fanout);
    while (!meter_is_over(&fanout->meter, pool->now_ns)) {
        if (is_paced) {
            step_paced(fanout);
        } else {
            pool_step(pool, STEP_MS);
        }
    }
    fanout->is_over = true;
    while (in_flight(fanout) > 0) {
        pool_step(pool, STEP_MS);
    }
    for (uint32_t i = 1; i <= fanout->options->stall; i++) {
        fanout->meter.unread += conn_unread(&pool->conns[i]);
    }
    if (is_paced) {
        pacer_finish(&fanout->pacer);
    }
}

void mode_fanout(const options_t *options)
{
    fanout_t *fanout = need_memory(1, sizeof(*fanout));
    const pool_handler_t handler = {.context = fanout,
                                    .take = take,
                                    .read_end = read_end,
                                    .ended = ended,
                                    .describe = describe};

    fanout->options = options;
    fanout->is_settling = true;
    payload_init(&fanout->payload, options->size, options->is_binary);
    pool_init(&fanout->pool, options, &fanout->payload, &handler,
              (uint32_t)options->connections);
    make_rooms(fanout);
    pool_open_all(&fanout->pool);
    join_all(fanout);
    settle(fanout);
    load(fanout);
    report_load(options, &fanout->pool.facts, &fanout->meter);
    for (uint32_t i = 0; i < fanout->room_count; i++) {
        free(fanout->rooms[i].sent_ns);
        free(fanout->rooms[i].left);
    }
    free(fanout->rooms);
    pool_finish(&fanout->pool);
    payload_finish(&fanout->payload);
    free(fanout);
}
