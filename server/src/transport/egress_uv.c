/* The portable engine: what libuv's uv_try_write() does, without its bookkeeping. */
#include "transport/egress.h"

#include <errno.h>
#include <sys/socket.h>

typedef struct uv_egress {
    reef__egress_t base;
    const reef_alloc_t *alloc;
} uv_egress_t;

static int64_t write_one(const reef__egress_write_t *wanted)
{
    struct msghdr message = {
        .msg_iov = (struct iovec *)wanted->spans,
        .msg_iovlen = wanted->span_count,
    };
    ssize_t written;

    do {
        written =
            wanted->span_count == 1
                ? send(wanted->descriptor, wanted->spans->iov_base,
                       wanted->spans->iov_len, MSG_NOSIGNAL | MSG_DONTWAIT)
                : sendmsg(wanted->descriptor, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (written < 0 && errno == EINTR);
    return written < 0 ? -(int64_t)errno : written;
}

static void
write_all(reef__egress_t *egress, reef__egress_write_t *writes, size_t count)
{
    (void)egress;
    for (size_t i = 0; i < count; i++) {
        writes[i].result = write_one(&writes[i]);
    }
}

static void close_engine(reef__egress_t *egress)
{
    uv_egress_t *uv = (uv_egress_t *)egress;

    reef_resize(uv->alloc, uv, sizeof(*uv), 0);
}

reef__egress_t *reef__egress_uv_open(const reef_alloc_t *alloc)
{
    static const reef__egress_engine_t engine = {"uv", write_all, close_engine};
    uv_egress_t *uv = reef_resize(alloc, NULL, 0, sizeof(*uv));

    *uv = (uv_egress_t){.base = {.engine = &engine}, .alloc = alloc};
    return &uv->base;
}
