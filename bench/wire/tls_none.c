/* In place of tls_openssl.c where there is no OpenSSL.  Nothing but tls_missing() is
 * called then. */
#include "tls.h"

#include "fail.h"

#include <string.h>

static const char missing[] = "this reef-bench was built without OpenSSL: apt-get "
                              "install libssl-dev, build again";

const char *tls_missing(void)
{
    return missing;
}

tls_t *tls_create(const tls_desc_t *desc)
{
    (void)desc;
    fail("%s", missing);
}

void tls_destroy(tls_t *tls)
{
    (void)tls;
}

tls_stream_t *tls_open(tls_t *tls, bool resumes)
{
    (void)tls, (void)resumes;
    return NULL;
}

void tls_close(tls_t *tls, tls_stream_t *stream)
{
    (void)tls, (void)stream;
}

bool tls_resumed(const tls_stream_t *stream)
{
    (void)stream;
    return false;
}

void tls_feed(tls_t *tls, const uint8_t *data, size_t size)
{
    (void)tls, (void)data, (void)size;
}

tls_progress_t tls_handshake(tls_t *tls, tls_stream_t *stream, tls_facts_t *facts)
{
    (void)tls, (void)stream, (void)facts;
    return TLS_BROKEN;
}

size_t tls_read(tls_t *tls,
                tls_stream_t *stream,
                uint8_t *out,
                size_t capacity,
                tls_progress_t *progress)
{
    (void)tls, (void)stream;
    memset(out, 0, capacity);
    *progress = TLS_BROKEN;
    return 0;
}

void tls_write(tls_t *tls, tls_stream_t *stream, const uint8_t *data, size_t size)
{
    (void)tls, (void)stream, (void)data, (void)size;
}

void tls_end(tls_t *tls, tls_stream_t *stream)
{
    (void)tls, (void)stream;
}

const uint8_t *tls_take_output(tls_t *tls, size_t *size)
{
    (void)tls;
    *size = 0;
    return NULL;
}

const char *tls_error(const tls_t *tls)
{
    (void)tls;
    return missing;
}
