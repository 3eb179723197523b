/**
 * @file egress.h
 * @brief Many sends at once: the seam between what is to be written and how.
 *
 * A pass of a loop ends with one call that carries all its writes.  Two engines:
 *
 *     uv     one sendmsg(2) per connection
 *     uring  one io_uring submission for all of them (Linux, when the kernel lets us)
 *
 * Both write without waiting: what a socket does not take is left to the caller.  Used
 * by the thread that opened it.
 */
#ifndef REEF_SRC_TRANSPORT_EGRESS_H
#define REEF_SRC_TRANSPORT_EGRESS_H

#include <reef/alloc.h>
#include <reef/attrs.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/** What is to be written to one connection; at most one of these per connection. */
typedef struct reef__egress_write {
    int descriptor;
    uint32_t span_count;
    const struct iovec *spans; /* [span_count], borrowed until the call returns */
    int64_t result;            /* bytes taken, or -errno */
} reef__egress_write_t;

typedef struct reef__egress reef__egress_t;

typedef struct reef__egress_engine {
    const char *name; /* as in `server.egress` */
    void (*write)(reef__egress_t *egress, reef__egress_write_t *writes, size_t count);
    void (*close)(reef__egress_t *egress);
} reef__egress_engine_t;

/** First member of what an engine opens. */
struct reef__egress {
    const reef__egress_engine_t *engine;
};

/** The portable engine; never fails. */
reef__egress_t *reef__egress_uv_open(const reef_alloc_t *alloc);

/** io_uring, or NULL where it was not built in, the kernel is too old, or a sandbox
 *  forbids it; @p why then is a static text. */
reef__egress_t *reef__egress_uring_open(const reef_alloc_t *alloc, const char **why);

/** Write all; every element gets its result. */
static inline void
reef__egress_write(reef__egress_t *egress, reef__egress_write_t *writes, size_t count)
{
    egress->engine->write(egress, writes, count);
}

/** Accepts NULL. */
static inline void reef__egress_close(reef__egress_t *egress)
{
    if (egress != NULL) {
        egress->engine->close(egress);
    }
}

#endif /* REEF_SRC_TRANSPORT_EGRESS_H */
