/*
 * Memory grows with what has come, not with what was announced.
 */
#include "body.h"

#include "problem.h"

#include <stdlib.h>

#define BODY_NS (UINT64_C(10) * 1000000000) /* for a body to arrive */

bool reef__body_is_announced(const reef__request_t *request)
{
    const char *length = reef__request_header(request, "Content-Length");

    return reef__request_header(request, "Transfer-Encoding") != NULL ||
           (length != NULL && strtoull(length, NULL, 10) > 0);
}

/* Read into *body until its end; its size, or -1 with the reply filled. */
static ptrdiff_t
receive(const reef__request_t *request, uint32_t max, char **body, reef__reply_t *reply)
{
    size_t size = 0, room = 0;

    for (;;) {
        int got;

        if (size + 1 >= room) {
            room = room == 0 ? 4096 : 2 * room;
            *body = realloc(*body, room);
            if (*body == NULL) {
                abort();
            }
        }
        got = request->read(request->read_context, *body + size, room - size - 1);
        if (got == 0) {
            return (ptrdiff_t)size;
        }
        if (got == REEF__READ_LATE) {
            reef__problem(reply, 408, "the body took too long");
            return -1;
        }
        if (got < 0) {
            reef__problem(reply, 400, "the body ended early");
            return -1;
        }
        size += (size_t)got;
        if (size > max) {
            reef__problem(reply, 413, "a body may have %u bytes", max);
            return -1;
        }
    }
}

bool reef__body_read(reef__request_t *request,
                     uint32_t max,
                     char **body,
                     reef__reply_t *reply)
{
    const char *length = reef__request_header(request, "Content-Length");
    uint64_t promised = length != NULL ? strtoull(length, NULL, 10) : 0;
    ptrdiff_t size;

    if (!reef__body_is_announced(request)) {
        request->body = reef_span("", 0);
        return true;
    }
    if (promised > max) {
        reef__problem(reply, 413, "a body may have %u bytes", max);
        return false;
    }
    size = receive(request, max, body, reply);
    if (size < 0) {
        return false;
    }
    if (length != NULL && (uint64_t)size != promised) {
        reef__problem(reply, 400, "the body ended early");
        return false;
    }
    (*body)[size] = '\0';
    request->body = reef_span(*body, (size_t)size);
    return true;
}
