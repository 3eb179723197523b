/*
 * All writes of a pass in one system call.  Every entry is a send that must not wait,
 * on a socket that does not block, so it is carried out while it is submitted and its
 * completion is there when the call returns: nothing stays with the kernel, and no
 * buffer or socket has to be kept for it.
 *
 *     writes ─► one entry each ─► io_uring_submit_and_wait(n) ─► n completions
 *
 * A ring that refuses again and again is given up, and what it would not carry out is
 * written directly.  It says how many entries it has taken, and those are through, so
 * nothing is written twice.
 *
 * A ring belongs to the thread that made it (SINGLE_ISSUER); completions are run when
 * that thread asks for them and not in between (DEFER_TASKRUN).  Both want Linux 6.1.
 */
#include "transport/egress.h"

#include <errno.h>
#include <liburing.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    ENTRIES = 1024, /* writes per system call */
    LEAST = 2,      /* a single write is cheaper without the ring */
    TRIES = 8,      /* refusals in one batch; the kernel may be short of memory */
};

typedef struct uring_egress {
    reef__egress_t base;
    const reef_alloc_t *alloc;
    reef__egress_t *direct; /* for what the ring is not worth, or refuses */
    bool is_broken;         /* the ring is given up */
    struct io_uring ring;
    struct msghdr messages[ENTRIES];
} uring_egress_t;

static void
prepare(uring_egress_t *uring, const reef__egress_write_t *wanted, uint32_t index)
{
    struct io_uring_sqe *entry = io_uring_get_sqe(&uring->ring); /* never full */

    if (wanted->span_count == 1) {
        io_uring_prep_send(entry, wanted->descriptor, wanted->spans->iov_base,
                           wanted->spans->iov_len, MSG_NOSIGNAL | MSG_DONTWAIT);
    } else {
        uring->messages[index] = (struct msghdr){
            .msg_iov = (struct iovec *)wanted->spans,
            .msg_iovlen = wanted->span_count,
        };
        io_uring_prep_sendmsg(entry, wanted->descriptor, &uring->messages[index],
                              MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    io_uring_sqe_set_data64(entry, index);
}

static uint32_t take_results(uring_egress_t *uring, reef__egress_write_t *writes)
{
    struct io_uring_cqe *completion;
    uint32_t count = 0;
    unsigned head;

    io_uring_for_each_cqe(&uring->ring, head, completion)
    {
        writes[io_uring_cqe_get_data64(completion)].result = completion->res;
        count++;
    }
    io_uring_cq_advance(&uring->ring, count);
    return count;
}

/* Have what is prepared carried out.  Returns how many, the last ones, the ring would
 * not take; it is broken then. */
static uint32_t
submit(uring_egress_t *uring, reef__egress_write_t *writes, uint32_t count)
{
    uint32_t done = 0;
    uint32_t refusals = 0;

    while (done < count && refusals < TRIES) {
        int error = io_uring_submit_and_wait(&uring->ring, count - done);

        done += take_results(uring, writes);      /* some may be there all the same */
        refusals += error < 0 && error != -EINTR; /* a signal: wait again */
    }
    uring->is_broken = done < count;
    return uring->is_broken ? io_uring_sq_ready(&uring->ring) : 0;
}

/* At most ENTRIES. */
static void
write_some(uring_egress_t *uring, reef__egress_write_t *writes, uint32_t count)
{
    uint32_t refused;

    for (uint32_t i = 0; i < count; i++) {
        prepare(uring, &writes[i], i);
        writes[i].result = -EIO; /* taken, but what became of it is not known */
    }
    refused = submit(uring, writes, count);
    reef__egress_write(uring->direct, &writes[count - refused], refused);
    for (uint32_t i = 0; i < count; i++) {
        if (writes[i].result == -EINTR) { /* nothing of it is written */
            reef__egress_write(uring->direct, &writes[i], 1);
        }
    }
}

static void
write_all(reef__egress_t *egress, reef__egress_write_t *writes, size_t count)
{
    uring_egress_t *uring = (uring_egress_t *)egress;

    while (count >= LEAST && !uring->is_broken) {
        uint32_t some = count < ENTRIES ? (uint32_t)count : ENTRIES;

        write_some(uring, writes, some);
        writes += some;
        count -= some;
    }
    reef__egress_write(uring->direct, writes, count);
}

static void close_engine(reef__egress_t *egress)
{
    uring_egress_t *uring = (uring_egress_t *)egress;

    io_uring_queue_exit(&uring->ring);
    reef__egress_close(uring->direct);
    reef_resize(uring->alloc, uring, sizeof(*uring), 0);
}

/* Does it do here what it is made for?  A sandbox may let a ring be made and then
 * refuse to let it send. */
static bool can_send(uring_egress_t *uring)
{
    struct iovec span = {.iov_base = (char[]){"x"}, .iov_len = 1};
    reef__egress_write_t writes[2];
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) {
        return false;
    }
    for (int i = 0; i < 2; i++) {
        writes[i] = (reef__egress_write_t){
            .descriptor = ends[i], .span_count = 1, .spans = &span};
    }
    write_some(uring, writes, 2);
    close(ends[0]);
    close(ends[1]);
    return !uring->is_broken && writes[0].result == 1 && writes[1].result == 1;
}

reef__egress_t *reef__egress_uring_open(const reef_alloc_t *alloc, const char **why)
{
    static const reef__egress_engine_t engine = {"uring", write_all, close_engine};
    uring_egress_t *uring = reef_resize(alloc, NULL, 0, sizeof(*uring));
    struct io_uring_params params = {.flags = IORING_SETUP_SINGLE_ISSUER |
                                              IORING_SETUP_DEFER_TASKRUN};
    int error;

    uring->base.engine = &engine;
    uring->alloc = alloc;
    uring->is_broken = false;
    error = io_uring_queue_init_params(ENTRIES, &uring->ring, &params);
    if (error != 0) {
        *why = strerror(-error);
        reef_resize(alloc, uring, sizeof(*uring), 0);
        return NULL;
    }
    uring->direct = reef__egress_uv_open(alloc);
    if (!can_send(uring)) {
        *why = "it may not send here";
        close_engine(&uring->base);
        return NULL;
    }
    return &uring->base;
}
