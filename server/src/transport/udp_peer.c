/*
 * A session costs the wheel nothing per datagram: when its time has come, it is looked
 * up when the peer was last heard, and the time set anew.
 *
 * Nothing tells a peer that its session was closed: it may go on sending, and each of
 * its datagrams would open the next session.  So its address stays known for a while,
 * as QUARANTINED.  Such a peer still has its place among max_sessions, which bounds
 * them, too.
 */
#include "transport/udp.h"

#include "app.h"

#include <assert.h>
#include <string.h>

enum {
    LINGER_MS = 1000, /* for what waits to be sent at a close */
};

static const reef__peer_type_t peer_type;

static const reef_alloc_t *alloc_of(const reef__udp_peer_t *peer)
{
    return reef_app_alloc(peer->listener->loop->server->app);
}

/* Its address as others take it; no more of it is read than its family has. */
static const struct sockaddr_storage *address_of(const reef__udp_peer_t *peer)
{
    return (const struct sockaddr_storage *)(const void *)&peer->address;
}

/* The beginning ---------------------------------------------------------------------
 */

static void set_idle_deadline(reef__udp_peer_t *peer)
{
    uint32_t timeout_s = peer->listener->loop->server->config.idle_timeout_s;

    reef__peer_set_deadline(&peer->peer, peer->heard_ms + timeout_s * UINT64_C(1000));
}

static void admit(reef__peer_t *base)
{
    reef__udp_peer_t *peer = (reef__udp_peer_t *)base;
    reef_buffer_t *first = peer->first;

    assert(peer->state == REEF__UDP_OPENING);
    peer->state = REEF__UDP_SPEAKING;
    peer->first = NULL;
    if (first != NULL) {
        reef__peer_received(base, first);
    }
}

void reef__udp_peer_open(reef__udp_listener_t *listener,
                         const struct sockaddr_storage *from,
                         bool is_counted,
                         reef_buffer_t *first)
{
    reef__udp_loop_t *loop = listener->loop;
    reef__udp_key_t key = reef__udp_key_of(from);
    char text[REEF__ADDRESS_TEXT_SIZE];
    reef__udp_peer_t *peer =
        reef_resize(reef_app_alloc(loop->server->app), NULL, 0, sizeof(*peer));

    memset(peer, 0, sizeof(*peer));
    reef__peer_init(&peer->peer, loop->io, &peer_type);
    peer->peer.framing = REEF__FRAMING_NONE;
    peer->peer.is_binary = loop->server->config.payload != REEF_UDP_TEXT;
    peer->listener = listener;
    memcpy(&peer->address, from, sizeof(peer->address));
    peer->is_counted = is_counted;
    peer->first = first;
    peer->heard_ms = loop->io->now_ms;
    reef__outbox_init(&peer->outbox, loop->server->config.max_queue);
    reef__udp_table_add(&listener->peers, &key, peer);
    atomic_fetch_add(&loop->server->session_count, 1);
    set_idle_deadline(peer);
    reef__address_format(from, text);
    if (reef__peer_opened(&peer->peer, &(reef_link_desc_t){
                                           .peer = reef_span_text(text),
                                           .local = reef_span_text(listener->local),
                                       })) {
        admit(&peer->peer);
    }
}

/* The end ---------------------------------------------------------------------------
 */

static void free_if_over(reef__udp_peer_t *peer)
{
    reef__io_t *io = peer->peer.io;

    if (peer->state != REEF__UDP_DEAD || !peer->is_released) {
        return;
    }
    reef__peer_finish(&peer->peer);
    reef_resize(alloc_of(peer), peer, sizeof(*peer), 0);
    reef__io_count_out(io);
}

/* From now on its address is that of a stranger. */
static void forget(reef__udp_peer_t *peer)
{
    reef__udp_server_t *server = peer->listener->loop->server;
    reef__udp_key_t key = reef__udp_key_of(address_of(peer));

    reef__udp_table_remove(&peer->listener->peers, &key);
    reef__peer_clear_deadline(&peer->peer);
    if (peer->is_counted) {
        reef__ip_t counted = reef__ip_of(address_of(peer));

        reef__quota_uncount(&server->quota, &counted);
    }
    reef__quota_give(&server->quota);
    peer->state = REEF__UDP_DEAD;
    free_if_over(peer);
}

/* Neither sends nor receives any more. */
static void fall_silent(reef__udp_peer_t *peer)
{
    reef__udp_discard(peer);
    reef_buffer_unref(peer->first);
    peer->first = NULL;
    atomic_fetch_sub(&peer->listener->loop->server->session_count, 1);
}

static void quarantine(reef__udp_peer_t *peer)
{
    uint32_t seconds = peer->listener->loop->server->config.quarantine_s;

    if (seconds == 0) {
        forget(peer);
        return;
    }
    peer->state = REEF__UDP_QUARANTINED;
    reef__peer_set_deadline(&peer->peer,
                            peer->peer.io->now_ms + seconds * UINT64_C(1000));
}

static void end(reef__udp_peer_t *peer, reef_disconnect_t reason)
{
    fall_silent(peer);
    reef__peer_closed(&peer->peer, reason);
    forget(peer);
}

void reef__udp_peer_finish_close(reef__udp_peer_t *peer)
{
    fall_silent(peer);
    reef__peer_closed(&peer->peer, REEF_DISCONNECT_KICKED);
    quarantine(peer);
}

static void close_peer(reef__peer_t *base, uint16_t code, reef_span_t reason)
{
    reef__udp_peer_t *peer = (reef__udp_peer_t *)base;

    (void)code; /* nobody can be told */
    (void)reason;
    if (peer->state >= REEF__UDP_CLOSING) {
        return;
    }
    peer->state = REEF__UDP_CLOSING;
    if (peer->outbox.count == 0) {
        reef__udp_peer_finish_close(peer);
    } else {
        reef__peer_set_deadline(base, base->io->now_ms + LINGER_MS);
    }
}

static void refuse(reef__peer_t *base, uint16_t code, reef_span_t reason)
{
    reef__udp_peer_t *peer = (reef__udp_peer_t *)base;

    (void)code;
    (void)reason;
    assert(peer->state == REEF__UDP_OPENING);
    fall_silent(peer);
    peer->is_released = true;
    quarantine(peer);
}

static void expired(reef__peer_t *base)
{
    reef__udp_peer_t *peer = (reef__udp_peer_t *)base;
    const udp_config_t *config = &peer->listener->loop->server->config;

    switch ((reef__udp_state_t)peer->state) {
    case REEF__UDP_OPENING:
    case REEF__UDP_SPEAKING:
        if (base->io->now_ms <
            peer->heard_ms + config->idle_timeout_s * UINT64_C(1000)) {
            set_idle_deadline(peer);
        } else {
            end(peer, REEF_DISCONNECT_TIMEOUT);
        }
        break;
    case REEF__UDP_CLOSING:
        reef__udp_peer_finish_close(peer);
        break;
    case REEF__UDP_QUARANTINED:
        forget(peer);
        break;
    case REEF__UDP_DEAD:
        break;
    }
}

static void release(reef__peer_t *base)
{
    reef__udp_peer_t *peer = (reef__udp_peer_t *)base;

    peer->is_released = true;
    free_if_over(peer);
}

static void abort_peer(reef__udp_peer_t *peer)
{
    if (peer->state == REEF__UDP_QUARANTINED) {
        forget(peer);
    } else {
        end(peer, REEF_DISCONNECT_SHUTDOWN);
    }
}

static void abort_listener(reef__udp_listener_t *listener)
{
    const reef_alloc_t *alloc = reef_app_alloc(listener->loop->server->app);
    uint32_t count = listener->peers.count;
    void **peers = reef_resize(alloc, NULL, 0, count * sizeof(*peers));

    reef__udp_table_copy_values(&listener->peers, peers);
    for (uint32_t i = 0; i < count; i++) {
        abort_peer(peers[i]);
    }
    reef_resize(alloc, peers, count * sizeof(*peers), 0);
}

void reef__udp_peers_abort(reef__udp_loop_t *loop)
{
    for (uint32_t i = 0; i < loop->listener_count; i++) {
        abort_listener(&loop->listeners[i]);
    }
}

/* As the loop knows it --------------------------------------------------------------
 */

static void send_message(reef__peer_t *base, const reef__fan_message_t *message)
{
    reef__udp_send((reef__udp_peer_t *)base, message);
}

static bool send_frames(reef__peer_t *base, reef_buffer_t *frames)
{
    (void)base;
    (void)frames;
    return false; /* each message is a datagram of its own */
}

/* A socket is everybody's: reading never stops.  See udp_intake.c for what is done. */
static void go_on(reef__peer_t *base)
{
    (void)base;
}

static const reef__peer_type_t peer_type = {
    .transport = &reef__udp_transport,
    .send = send_message,
    .send_frames = send_frames,
    .close = close_peer,
    .pause = go_on,
    .resume = go_on,
    .release = release,
    .expired = expired,
    .admit = admit,
    .refuse = refuse,
};
