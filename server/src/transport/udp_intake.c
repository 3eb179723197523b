/*
 * A flood must cost little, and only whom it comes from.  So what is dropped is dropped
 * before anything is copied or allocated, and a pass takes in MAX_BATCHES batches of a
 * socket at most, fewer when they are large: then others get their turn, and what does
 * not fit the socket's buffer meanwhile is dropped by the kernel.
 *
 * The share of one peer is what may be unread of it (server.inbox_messages and
 * inbox_bytes): beyond that its datagrams are dropped until the world has caught up.
 * UDP cannot hold anybody back.
 */
#include "transport/udp.h"

#include "app.h"
#include "codec/utf8.h"

#include <errno.h>

enum {
    MAX_BATCHES = 16,        /* of a socket in a pass */
    MAX_BYTES = 2 * 1048576, /* no further batch when a pass has got so many */
};

/* What was dropped ------------------------------------------------------------------
 */

static void drop(reef__udp_listener_t *listener, reef__udp_drop_t why)
{
    listener->loop->dropped[why]++;
}

/* Who has no cookie yet is no trouble. */
static reef_log_level_t level_of(const reef__udp_loop_t *loop,
                                 const reef__udp_drops_t *drops)
{
    return drops == &loop->server->drops[REEF__UDP_DROP_NO_COOKIE] ? REEF_LOG_INFO
                                                                   : REEF_LOG_WARN;
}

static void log_drops(reef__udp_loop_t *loop, reef__udp_drops_t *drops)
{
    uint64_t count;
    uint64_t skipped;

    if (!reef__log_limit_pass(&drops->log, loop->io->now_ms, &skipped)) {
        return;
    }
    count = atomic_exchange_explicit(&drops->unlogged, 0, memory_order_relaxed);
    reef_log(reef_app_log(loop->server->app), level_of(loop, drops), "udp",
             "datagrams dropped", REEF_LOG_TEXT("reason", drops->reason),
             REEF_LOG_INT("count", count));
}

static void tell_drops(reef__udp_loop_t *loop)
{
    for (int i = 0; i < REEF__UDP_DROP_COUNT; i++) {
        reef__udp_drops_t *drops = &loop->server->drops[i];

        if (loop->dropped[i] > 0) {
            reef_metric_add(drops->metric, loop->dropped[i]);
            atomic_fetch_add_explicit(&drops->unlogged, loop->dropped[i],
                                      memory_order_relaxed);
            loop->dropped[i] = 0;
            log_drops(loop, drops);
        }
    }
}

/* Who has no session ----------------------------------------------------------------
 */

static void challenge(reef__udp_listener_t *listener,
                      const struct sockaddr_storage *from,
                      const reef__udp_key_t *key)
{
    reef__udp_challenges_t *challenges = &listener->loop->challenges;

    reef__udp_cookie_make(&listener->loop->server->secret, key,
                          listener->loop->io->now_ms,
                          challenges->cookies[challenges->count]);
    challenges->to[challenges->count++] = from;
}

static void on_challenge_failed(void *context, uint32_t index, int cause)
{
    (void)index;
    (void)cause;
    reef_metric_add(((reef__udp_loop_t *)context)->server->metric_errors, 1);
}

/* Those for whom the system has no room are not sent: their peers ask again. */
static void send_challenges(reef__udp_listener_t *listener)
{
    reef__udp_loop_t *loop = listener->loop;
    reef__udp_challenges_t *challenges = &loop->challenges;

    if (challenges->count == 0) {
        return;
    }
    for (uint32_t i = 0; i < challenges->count; i++) {
        reef__udp_sender_add(loop->sender, (const struct sockaddr *)challenges->to[i],
                             reef_span(challenges->cookies[i], REEF__UDP_COOKIE_SIZE));
    }
    reef_metric_add(loop->server->metric_challenges, challenges->count);
    challenges->count = 0;
    (void)reef__udp_sender_send(loop->sender, listener->descriptor, on_challenge_failed,
                                loop);
}

/* Whether the address is its sender's own, as far as that is asked for. */
static bool is_true(reef__udp_listener_t *listener,
                    const struct sockaddr_storage *from,
                    const reef__udp_key_t *key,
                    reef_span_t *payload)
{
    const reef__udp_server_t *server = listener->loop->server;
    reef__udp_verdict_t verdict;

    if (!server->config.cookie) {
        return true;
    }
    verdict = reef__udp_cookie_check(&server->secret, key, listener->loop->io->now_ms,
                                     payload);
    if (verdict == REEF__UDP_CHALLENGE) {
        challenge(listener, from, key);
    }
    if (verdict != REEF__UDP_OPEN) {
        drop(listener, REEF__UDP_DROP_NO_COOKIE);
    }
    return verdict == REEF__UDP_OPEN;
}

/* Take a place for a session. */
static bool take_place(reef__udp_listener_t *listener,
                       const struct sockaddr_storage *from,
                       bool *is_counted)
{
    reef__quota_t *quota = &listener->loop->server->quota;
    reef__ip_t counted;

    *is_counted = false;
    if (!reef__quota_take(quota)) {
        drop(listener, REEF__UDP_DROP_SESSIONS);
        return false;
    }
    if (reef__quota_is_local(from)) {
        return true;
    }
    if (!reef__quota_count(quota, from, &counted)) {
        reef__quota_give(quota);
        drop(listener, REEF__UDP_DROP_ADDRESS);
        return false;
    }
    *is_counted = true;
    return true;
}

static bool is_text(const reef__udp_server_t *server, reef_span_t payload)
{
    return server->config.payload != REEF_UDP_TEXT || reef__utf8_is_valid(payload);
}

static reef_buffer_t *make_message(const reef__udp_server_t *server,
                                   reef_span_t payload)
{
    return reef_buffer_create(server->config.payload == REEF_UDP_TEXT
                                  ? REEF_PAYLOAD_TEXT
                                  : REEF_PAYLOAD_BINARY,
                              payload);
}

static void take_from_stranger(reef__udp_listener_t *listener,
                               const struct sockaddr_storage *from,
                               const reef__udp_key_t *key,
                               reef_span_t payload)
{
    reef__udp_server_t *server = listener->loop->server;
    bool has_message;
    bool is_counted;

    if (atomic_load_explicit(&server->is_stopping, memory_order_relaxed)) {
        drop(listener, REEF__UDP_DROP_STOPPING);
        return;
    }
    if (payload.size == 0) {
        drop(listener, REEF__UDP_DROP_EMPTY);
        return;
    }
    if (!is_true(listener, from, key, &payload)) {
        return;
    }
    has_message = payload.size > 0; /* or it was the cookie alone */
    if (has_message && !is_text(server, payload)) {
        drop(listener, REEF__UDP_DROP_NOT_TEXT);
    } else if (take_place(listener, from, &is_counted)) {
        reef__udp_peer_open(listener, from, is_counted,
                            has_message ? make_message(server, payload) : NULL);
    }
}

/* Who has one -----------------------------------------------------------------------
 */

static void take_message(reef__udp_peer_t *peer, reef_span_t payload)
{
    reef__udp_listener_t *listener = peer->listener;

    if (peer->peer.is_waiting || peer->peer.is_paused) {
        drop(listener, REEF__UDP_DROP_INBOX_FULL);
    } else if (peer->state == REEF__UDP_OPENING && peer->first != NULL) {
        drop(listener, REEF__UDP_DROP_NOT_ADMITTED);
    } else if (!is_text(listener->loop->server, payload)) {
        drop(listener, REEF__UDP_DROP_NOT_TEXT);
    } else if (peer->state == REEF__UDP_OPENING) {
        peer->first = make_message(listener->loop->server, payload);
    } else {
        reef__peer_received(&peer->peer, make_message(listener->loop->server, payload));
    }
}

static void take_from_peer(reef__udp_peer_t *peer, reef_span_t payload)
{
    if (peer->state >= REEF__UDP_CLOSING) {
        drop(peer->listener, REEF__UDP_DROP_QUARANTINE);
        return;
    }
    peer->heard_ms = peer->peer.io->now_ms;
    reef__peer_note_bytes(&peer->peer);
    if (peer->listener->loop->server->config.cookie) {
        (void)reef__udp_cookie_cut(&payload);
    }
    if (payload.size > 0) { /* else it was a sign of life */
        take_message(peer, payload);
    }
}

/* All -------------------------------------------------------------------------------
 */

static void take(reef__udp_listener_t *listener, const reef__udp_datagram_t *datagram)
{
    reef__udp_key_t key = reef__udp_key_of(datagram->from);
    reef__udp_peer_t *peer;

    if (key.bits == 0 || key.port == 0) {
        drop(listener, REEF__UDP_DROP_SOURCE);
    } else if (datagram->is_cut) {
        drop(listener, REEF__UDP_DROP_TOO_LARGE);
    } else if ((peer = reef__udp_table_find(&listener->peers, &key)) != NULL) {
        take_from_peer(peer, datagram->payload);
    } else {
        take_from_stranger(listener, datagram->from, &key, datagram->payload);
    }
}

/* Returns the bytes of the batch. */
static size_t take_batch(reef__udp_listener_t *listener, uint32_t count)
{
    size_t bytes = 0;

    for (uint32_t i = 0; i < count; i++) {
        reef__udp_datagram_t datagram = reef__udp_received(listener->loop->receiver, i);

        bytes += datagram.payload.size;
        take(listener, &datagram);
    }
    send_challenges(listener);
    return bytes;
}

void reef__udp_take_in(reef__udp_listener_t *listener)
{
    reef__udp_loop_t *loop = listener->loop;
    size_t bytes = 0;

    for (int batch = 0; batch < MAX_BATCHES && bytes < MAX_BYTES; batch++) {
        int count = reef__udp_receive(loop->receiver, listener->descriptor);

        if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            break;
        }
        if (count < 0) {
            reef_metric_add(loop->server->metric_errors, 1); /* of one sent before */
            continue;
        }
        bytes += take_batch(listener, (uint32_t)count);
        if (count < REEF__UDP_RECEIVES) {
            break;
        }
    }
    tell_drops(loop);
}
