/*
 * OpenSSL reads from and writes to the memory of tls_t through one BIO that all streams
 * share, so a connection costs one read of its socket per readiness and one write per
 * flush, whatever the size of records.
 */
#include "tls.h"

#include "fail.h"

#include <assert.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tls {
    SSL_CTX *context;
    BIO *bio;
    SSL_SESSION *session; /* the last that a server gave */
    tls_desc_t desc;
    const uint8_t *in;
    size_t in_size;
    uint8_t *out;
    size_t out_size, out_capacity;
    char error[256];
};

/* An SSL is a tls_stream_t to others. */
static SSL *ssl_of(const tls_stream_t *stream)
{
    return (SSL *)stream;
}

const char *tls_missing(void)
{
    return NULL;
}

static int read_memory(BIO *bio, char *out, int capacity)
{
    tls_t *tls = BIO_get_data(bio);
    size_t size = capacity > 0 ? (size_t)capacity : 0;

    BIO_clear_retry_flags(bio);
    size = size < tls->in_size ? size : tls->in_size;
    if (size == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    memcpy(out, tls->in, size);
    tls->in += size;
    tls->in_size -= size;
    return (int)size;
}

static int write_memory(BIO *bio, const char *data, int count)
{
    tls_t *tls = BIO_get_data(bio);
    size_t size = count > 0 ? (size_t)count : 0;

    BIO_clear_retry_flags(bio);
    if (tls->out_capacity - tls->out_size < size) {
        size_t capacity = 2 * (tls->out_size + size);
        uint8_t *out = need_memory(capacity, 1);

        if (tls->out_size > 0) {
            memcpy(out, tls->out, tls->out_size);
        }
        free(tls->out);
        tls->out = out;
        tls->out_capacity = capacity;
    }
    memcpy(tls->out + tls->out_size, data, size);
    tls->out_size += size;
    return count;
}

static long control(BIO *bio, int command, long number, void *data)
{
    (void)bio, (void)number, (void)data;
    return command == BIO_CTRL_FLUSH;
}

static BIO *make_bio(tls_t *tls)
{
    static BIO_METHOD *method; /* as a type: made once, kept */
    BIO *bio;

    if (method == NULL) {
        method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "reef-bench");
        BIO_meth_set_read(method, read_memory);
        BIO_meth_set_write(method, write_memory);
        BIO_meth_set_ctrl(method, control);
    }
    bio = BIO_new(method);
    BIO_set_data(bio, tls);
    BIO_set_init(bio, 1);
    return bio;
}

static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    tls_t *tls = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

    SSL_SESSION_free(tls->session);
    tls->session = session;
    return 1; /* it is ours now */
}

static const char *reason(void)
{
    unsigned long code = ERR_peek_last_error();
    const char *text = code != 0 ? ERR_reason_error_string(code) : NULL;

    ERR_clear_error();
    return text != NULL ? text : "unknown reason";
}

static void choose_version(tls_t *tls)
{
    const char *text = tls->desc.version;
    int version =
        text == NULL || strcmp(text, "1.3") == 0 ? TLS1_3_VERSION : TLS1_2_VERSION;

    SSL_CTX_set_min_proto_version(tls->context,
                                  text != NULL ? version : TLS1_2_VERSION);
    SSL_CTX_set_max_proto_version(tls->context, version);
}

/* Both versions have lists of their own; a name is in one of them. */
static void choose_cipher(tls_t *tls)
{
    const char *name = tls->desc.cipher;

    if (name == NULL) {
        return;
    }
    if (strncmp(name, "TLS_", 4) == 0) {
        if (SSL_CTX_set_ciphersuites(tls->context, name) != 1) {
            fail("--cipher: %s: %s", name, reason());
        }
        SSL_CTX_set_min_proto_version(tls->context, TLS1_3_VERSION);
    } else {
        if (SSL_CTX_set_cipher_list(tls->context, name) != 1) {
            fail("--cipher: %s: %s", name, reason());
        }
        SSL_CTX_set_max_proto_version(tls->context, TLS1_2_VERSION);
    }
}

static void choose_authorities(tls_t *tls)
{
    const char *file = tls->desc.ca;
    bool is_read = tls->desc.is_unchecked ||
                   (file != NULL ? SSL_CTX_load_verify_file(tls->context, file)
                                 : SSL_CTX_set_default_verify_paths(tls->context)) == 1;

    if (!is_read) {
        fail("--ca: cannot read %s: %s", file != NULL ? file : "the system's",
             reason());
    }
    SSL_CTX_set_verify(
        tls->context, tls->desc.is_unchecked ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
}

tls_t *tls_create(const tls_desc_t *desc)
{
    static const unsigned char http[] = "\x08http/1.1";
    tls_t *tls = need_memory(1, sizeof(*tls));

    tls->desc = *desc;
    tls->context = SSL_CTX_new(TLS_client_method());
    if (tls->context == NULL) {
        fail("no TLS: %s", reason());
    }
    tls->bio = make_bio(tls);
    SSL_CTX_set_app_data(tls->context, tls);
    choose_version(tls);
    choose_cipher(tls);
    choose_authorities(tls);
    if (desc->is_http) {
        SSL_CTX_set_alpn_protos(tls->context, http, sizeof(http) - 1);
    }
    if (desc->is_frugal) {
        SSL_CTX_set_mode(tls->context, SSL_MODE_RELEASE_BUFFERS);
    }
    SSL_CTX_set_session_cache_mode(tls->context,
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(tls->context, keep_session);
    return tls;
}

void tls_destroy(tls_t *tls)
{
    if (tls == NULL) {
        return;
    }
    SSL_SESSION_free(tls->session);
    SSL_CTX_free(tls->context);
    BIO_free(tls->bio);
    free(tls->out);
    free(tls);
}

/* A name is announced to the server and looked for in its certificate, an address only
 * looked for. */
static void expect_host(const tls_t *tls, SSL *ssl)
{
    X509_VERIFY_PARAM *check = SSL_get0_param(ssl);
    const char *host = tls->desc.host;

    if (X509_VERIFY_PARAM_set1_ip_asc(check, host) != 1) {
        SSL_set_tlsext_host_name(ssl, host);
        X509_VERIFY_PARAM_set1_host(check, host, 0);
    }
    ERR_clear_error();
}

tls_stream_t *tls_open(tls_t *tls, bool resumes)
{
    SSL *ssl = SSL_new(tls->context);

    if (ssl == NULL) {
        fail("no TLS connection: %s", reason());
    }
    BIO_up_ref(tls->bio);
    SSL_set_bio(ssl, tls->bio, tls->bio);
    SSL_set_connect_state(ssl);
    expect_host(tls, ssl);
    if (resumes && tls->session != NULL) {
        /* a copy, for OpenSSL takes a session out of use that got a successor */
        SSL_SESSION *session = SSL_SESSION_dup(tls->session);

        SSL_set_session(ssl, session);
        SSL_SESSION_free(session);
    }
    return (tls_stream_t *)ssl;
}

/* A session is good for others also where this connection had no proper end. */
void tls_close(tls_t *tls, tls_stream_t *stream)
{
    if (stream != NULL) {
        tls->in_size = tls->out_size = 0;
        SSL_set_shutdown(ssl_of(stream), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
        SSL_free(ssl_of(stream));
    }
}

bool tls_resumed(const tls_stream_t *stream)
{
    return SSL_session_reused(ssl_of(stream)) == 1;
}

void tls_feed(tls_t *tls, const uint8_t *data, size_t size)
{
    assert(tls->in_size == 0);
    tls->in = data;
    tls->in_size = size;
}

static tls_progress_t progress_of(tls_t *tls, SSL *ssl, int result)
{
    long verified = SSL_get_verify_result(ssl);

    switch (SSL_get_error(ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return TLS_WAITING;
    case SSL_ERROR_ZERO_RETURN:
        return TLS_ENDED;
    default:
        tls->in_size = 0;
        snprintf(tls->error, sizeof(tls->error), "%s%s%s", reason(),
                 verified != X509_V_OK && !tls->desc.is_unchecked ? ": " : "",
                 verified != X509_V_OK && !tls->desc.is_unchecked
                     ? X509_verify_cert_error_string(verified)
                     : "");
        return TLS_BROKEN;
    }
}

tls_progress_t tls_handshake(tls_t *tls, tls_stream_t *stream, tls_facts_t *facts)
{
    SSL *ssl = ssl_of(stream);
    int result = SSL_do_handshake(ssl);

    if (result != 1) {
        return progress_of(tls, ssl, result);
    }
    *facts = (tls_facts_t){.is_checked = !tls->desc.is_unchecked};
    snprintf(facts->version, sizeof(facts->version), "%s", SSL_get_version(ssl));
    snprintf(facts->cipher, sizeof(facts->cipher), "%s", SSL_get_cipher_name(ssl));
    return TLS_READY;
}

size_t tls_read(tls_t *tls,
                tls_stream_t *stream,
                uint8_t *out,
                size_t capacity,
                tls_progress_t *progress)
{
    SSL *ssl = ssl_of(stream);
    size_t size = 0, part;
    int result = 1;

    *progress = TLS_WAITING;
    while (size < capacity &&
           (result = SSL_read_ex(ssl, out + size, capacity - size, &part)) == 1) {
        size += part;
    }
    if (result != 1) {
        *progress = progress_of(tls, ssl, result);
    }
    return size;
}

void tls_write(tls_t *tls, tls_stream_t *stream, const uint8_t *data, size_t size)
{
    size_t written;

    if (SSL_write_ex(ssl_of(stream), data, size, &written) != 1) {
        fail("TLS: cannot write: %s", reason());
    }
    assert(written == size);
    (void)tls;
}

void tls_end(tls_t *tls, tls_stream_t *stream)
{
    (void)tls;
    SSL_shutdown(ssl_of(stream));
    ERR_clear_error();
}

const uint8_t *tls_take_output(tls_t *tls, size_t *size)
{
    *size = tls->out_size;
    tls->out_size = 0;
    return tls->out;
}

const char *tls_error(const tls_t *tls)
{
    return tls->error;
}
