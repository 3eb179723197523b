/*
 * A half-closed peer still gets its reply.  The server closes when it has said all, so
 * after that the peer's bytes are read and dropped for a while: closing at once could
 * reset the connection before the peer has read the reply.
 *
 * The pace of the peer is judged by a bucket: it holds stall_ms and loses time while
 * bytes wait for the peer; each byte taken puts in what it may have cost.
 */
#include "relay_link.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    ROUNDS = 16, /* pieces in one turn, each way */
};

#define MS_NS     UINT64_C(1000000)
#define SECOND_NS UINT64_C(1000000000)

static bool must_wait(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK;
}

static bool is_empty(const reef__link_way_t *way)
{
    return way->begin == way->end;
}

/* Read the next piece; true when something changed.  *broken becomes true when there is
 * no end but an error, which comes after all bytes. */
static bool fill(int from, reef__link_way_t *way, bool *broken)
{
    ssize_t got;

    if (!is_empty(way) || way->has_ended) {
        return false;
    }
    got = recv(from, way->bytes, sizeof(way->bytes), MSG_DONTWAIT);
    if (got < 0 && must_wait()) {
        return false;
    }
    way->begin = 0;
    way->end = got > 0 ? (size_t)got : 0;
    way->has_ended = got <= 0;
    *broken = *broken || got < 0;
    return true;
}

/* Bytes that the other side took; -1 when it takes no more. */
static ssize_t drain(int to, reef__link_way_t *way)
{
    ssize_t sent;

    if (is_empty(way)) {
        return 0;
    }
    sent = send(to, way->bytes + way->begin, way->end - way->begin,
                MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0) {
        return must_wait() ? 0 : -1;
    }
    way->begin += (size_t)sent;
    return sent;
}

static bool pass_end_on(int to, reef__link_way_t *way)
{
    if (!way->has_ended || way->is_closed || !is_empty(way)) {
        return false;
    }
    way->is_closed = true;
    shutdown(to, SHUT_WR);
    return true;
}

/* From the peer.  What a server that has closed would have got is dropped. */
static bool move_in(reef__link_t *link)
{
    bool moved = fill(link->peer, &link->in, &link->is_broken);
    ssize_t sent;

    if (link->is_broken) {
        return false; /* and no end is passed on, for it is a reset */
    }
    sent = link->out.is_closed ? -1 : drain(link->server, &link->in);
    if (sent < 0) {
        link->in.begin = link->in.end;
    }
    return pass_end_on(link->server, &link->in) || moved || sent > 0;
}

/* To the peer; *taken grows by what it took. */
static bool move_out(reef__link_t *link, uint64_t now_ns, uint64_t *taken)
{
    bool broken = false; /* by the server: an end like another */
    bool moved = fill(link->server, &link->out, &broken);
    ssize_t sent = drain(link->peer, &link->out);

    if (sent < 0) {
        link->is_broken = true;
        return false;
    }
    *taken += (uint64_t)sent;
    if (pass_end_on(link->peer, &link->out)) {
        link->due_ns = now_ns + link->linger_ms * MS_NS;
        return true;
    }
    return moved || sent > 0;
}

static void judge_pace(reef__link_t *link, uint64_t taken, uint64_t now_ns)
{
    uint64_t full_ns = now_ns + link->stall_ms * MS_NS;
    uint64_t due_ns = link->due_ns + taken * SECOND_NS / REEF__LINK_SLOWEST;

    if (is_empty(&link->out)) {
        link->due_ns = 0;
    } else if (link->due_ns == 0) {
        link->due_ns = full_ns;
    } else {
        link->due_ns = due_ns < full_ns ? due_ns : full_ns;
        link->is_broken = link->due_ns <= now_ns;
    }
}

static bool has_ended(const reef__link_t *link, uint64_t now_ns)
{
    return link->is_broken ||
           (link->out.is_closed && (link->in.has_ended || link->due_ns <= now_ns));
}

reef__link_state_t reef__link_move(reef__link_t *link, uint64_t now_ns)
{
    uint64_t taken = 0;
    bool moved = true;

    if (link->is_broken) {
        return REEF__LINK_ENDED;
    }
    for (int round = 0; moved && round < ROUNDS; round++) {
        moved = move_out(link, now_ns, &taken);
        moved = move_in(link) || moved;
        if (has_ended(link, now_ns)) {
            return REEF__LINK_ENDED;
        }
    }
    if (!link->out.is_closed) {
        judge_pace(link, taken, now_ns);
    }
    if (link->is_broken) {
        return REEF__LINK_ENDED;
    }
    return moved ? REEF__LINK_GOES_ON : REEF__LINK_WAITS;
}

void reef__link_finish(reef__link_t *link)
{
    static const struct linger reset = {.l_onoff = 1};

    if (link->is_broken) {
        setsockopt(link->server, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
        setsockopt(link->peer, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    }
    close(link->server);
    close(link->peer);
}
