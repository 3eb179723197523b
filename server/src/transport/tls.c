/*
 * wolfSSL asks for the bytes it wants and hands over those it makes, by two callbacks;
 * both work on memory that the caller of the moment has put there:
 *
 *     input ──► give() ─► wolfSSL ─► take() ──► out, while something is encrypted
 *                                         └───► pending, at any other time
 *
 * give() also counts records, for a peer may send many that bring no data and cost an
 * answer or a new key each.  wolfSSL never reads beyond the record it is at.
 */
#include "transport/tls.h"

#include "transport/tls_context.h"
#include "transport/tls_memory.h"

#include <assert.h>
#include <string.h>

#include <wolfssl/options.h>
#include <wolfssl/ssl.h>

enum {
    TYPE_CHANGE_CIPHER_SPEC = 20,
    TYPE_ALERT = 21,
    TYPE_HANDSHAKE = 22,
    TYPE_DATA = 23,
    MAJOR_VERSION = 3,
    FIRST_PENDING = 1024,
};

struct reef__tls {
    reef__tls_context_t *context;
    WOLFSSL *wolf;
    reef_span_t input; /* of this call */
    uint8_t *out;      /* where records go in this call; NULL = pending */
    size_t out_room, out_size;
    struct {
        uint8_t *data;
        size_t first, end, capacity;
    } pending;
    size_t said_size;     /* what TLS itself has put there since it was empty */
    const char *cause;    /* of a failure; static */
    uint32_t record_left; /* of the record that give() is in */
    uint32_t silence;     /* records since the last that brought data */
    uint8_t header[REEF__TLS_HEADER];
    uint8_t header_size;
    bool is_open; /* the handshake is done */
    bool has_failed;
};

/* wolfSSL's callbacks ----------------------------------------------------------- */

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Follow where records begin. */
static void follow(reef__tls_t *tls, const uint8_t *data, size_t size)
{
    while (size > 0) {
        size_t count;

        if (tls->record_left > 0) {
            count = smaller(tls->record_left, size);
            tls->record_left -= (uint32_t)count;
        } else {
            count = smaller(REEF__TLS_HEADER - tls->header_size, size);
            memcpy(tls->header + tls->header_size, data, count);
            tls->header_size = (uint8_t)(tls->header_size + count);
            if (tls->header_size == REEF__TLS_HEADER) {
                tls->record_left = (uint32_t)tls->header[3] << 8 | tls->header[4];
                tls->header_size = 0;
                tls->silence++;
            }
        }
        data += count;
        size -= count;
    }
}

static int give(WOLFSSL *wolf, char *out, int wanted, void *context)
{
    reef__tls_t *tls = context;
    size_t size = smaller(tls->input.size, (size_t)wanted);

    (void)wolf;
    if (size == 0) {
        return WOLFSSL_CBIO_ERR_WANT_READ;
    }
    if (tls->is_open) {
        if (tls->silence > REEF__TLS_MAX_SILENCE) {
            tls->cause = "too many records without data";
            return WOLFSSL_CBIO_ERR_GENERAL;
        }
        follow(tls, tls->input.data, size);
    }
    memcpy(out, tls->input.data, size);
    tls->input = reef_span_skip(tls->input, size);
    return (int)size;
}

static void put_pending(reef__tls_t *tls, const void *data, size_t size)
{
    size_t used = tls->pending.end - tls->pending.first;

    if (tls->pending.end + size > tls->pending.capacity) {
        size_t capacity = tls->pending.capacity ? tls->pending.capacity : FIRST_PENDING;

        while (capacity < used + size) {
            capacity *= 2;
        }
        if (used > 0) {
            memmove(tls->pending.data, tls->pending.data + tls->pending.first, used);
        }
        if (capacity > tls->pending.capacity) {
            tls->pending.data = reef_resize(tls->context->alloc, tls->pending.data,
                                            tls->pending.capacity, capacity);
            tls->pending.capacity = capacity;
        }
        tls->pending.first = 0;
        tls->pending.end = used;
    }
    memcpy(tls->pending.data + tls->pending.end, data, size);
    tls->pending.end += size;
}

static int take(WOLFSSL *wolf, char *data, int size, void *context)
{
    reef__tls_t *tls = context;
    size_t limit = tls->is_open ? REEF__TLS_MAX_ANSWERS : REEF__TLS_MAX_FLIGHT;

    (void)wolf;
    if (tls->out != NULL) {
        if ((size_t)size > tls->out_room - tls->out_size) {
            tls->cause = "no room for a record";
            return WOLFSSL_CBIO_ERR_GENERAL;
        }
        memcpy(tls->out + tls->out_size, data, (size_t)size);
        tls->out_size += (size_t)size;
        return size;
    }
    tls->said_size += (size_t)size;
    if (tls->said_size > limit) {
        tls->cause = "too much to answer";
        return WOLFSSL_CBIO_ERR_GENERAL;
    }
    put_pending(tls, data, (size_t)size);
    return size;
}

/* Life -------------------------------------------------------------------------- */

reef__tls_t *reef__tls_create(reef__tls_context_t *context)
{
    reef__tls_t *tls = reef_resize(context->alloc, NULL, 0, sizeof(*tls));

    *tls = (reef__tls_t){.context = reef__tls_context_ref(context)};
    tls->wolf = wolfSSL_new(context->wolf);
    if (tls->wolf == NULL) {
        reef__tls_destroy(tls);
        return NULL;
    }
    wolfSSL_SSLSetIORecv(tls->wolf, give);
    wolfSSL_SSLSetIOSend(tls->wolf, take);
    wolfSSL_SetIOReadCtx(tls->wolf, tls);
    wolfSSL_SetIOWriteCtx(tls->wolf, tls);
    if (context->alpn[0] != '\0' &&
        wolfSSL_UseALPN(tls->wolf, context->alpn, (unsigned)strlen(context->alpn),
                        WOLFSSL_ALPN_FAILED_ON_MISMATCH) != WOLFSSL_SUCCESS) {
        reef__tls_destroy(tls);
        return NULL;
    }
    return tls;
}

static void release_pending(reef__tls_t *tls)
{
    reef_resize(tls->context->alloc, tls->pending.data, tls->pending.capacity, 0);
    tls->pending.data = NULL;
    tls->pending.first = tls->pending.end = tls->pending.capacity = 0;
}

void reef__tls_destroy(reef__tls_t *tls)
{
    reef__tls_context_t *context;

    if (tls == NULL) {
        return;
    }
    context = tls->context;
    if (tls->wolf != NULL) {
        wolfSSL_free(tls->wolf);
    }
    if (tls->pending.data != NULL) {
        release_pending(tls);
    }
    reef_resize(context->alloc, tls, sizeof(*tls), 0);
    reef__tls_context_unref(context);
}

static reef__tls_status_t fail(reef__tls_t *tls, int error)
{
    tls->has_failed = true;
    if (tls->cause == NULL) {
        tls->cause = wolfSSL_ERR_reason_error_string((unsigned long)error);
    }
    return REEF__TLS_FAILED;
}

const char *reef__tls_cause(const reef__tls_t *tls)
{
    return tls->cause ? tls->cause : "";
}

/* Handshake --------------------------------------------------------------------- */

static bool is_http(const uint8_t *data, size_t size)
{
    static const char *const methods[] = {"GET ", "POST ", "HEAD ", "PUT ", "OPTIONS "};

    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (memcmp(data, methods[i], smaller(size, strlen(methods[i]))) == 0) {
            return true;
        }
    }
    return false;
}

/* Size of the record that begins here, its header included; 0 = not known yet. */
static reef__tls_opening_t look_at_record(reef_span_t input, size_t *size)
{
    const uint8_t *data = input.data;

    *size = 0;
    if (data[0] < TYPE_CHANGE_CIPHER_SPEC || data[0] > TYPE_DATA) {
        return is_http(data, input.size) ? REEF__TLS_OPENING_HTTP
                                         : REEF__TLS_OPENING_GARBAGE;
    }
    if (input.size >= 2 && data[1] != MAJOR_VERSION) {
        return REEF__TLS_OPENING_GARBAGE;
    }
    if (input.size < REEF__TLS_HEADER) {
        return REEF__TLS_OPENING_PARTIAL;
    }
    *size = REEF__TLS_HEADER + ((size_t)data[3] << 8 | data[4]);
    if (*size > REEF__TLS_HEADER + REEF__TLS_MAX_RECORD) {
        return REEF__TLS_OPENING_GARBAGE;
    }
    return input.size < *size          ? REEF__TLS_OPENING_PARTIAL
           : data[0] == TYPE_HANDSHAKE ? REEF__TLS_OPENING_CLEAR
                                       : REEF__TLS_OPENING_SEALED;
}

reef__tls_opening_t reef__tls_look(reef_span_t input, size_t *whole)
{
    reef__tls_opening_t found = REEF__TLS_OPENING_PARTIAL;

    *whole = 0;
    while (input.size > 0) {
        size_t size;
        reef__tls_opening_t record = look_at_record(input, &size);

        if (record == REEF__TLS_OPENING_PARTIAL) {
            break;
        }
        if (record != REEF__TLS_OPENING_CLEAR && record != REEF__TLS_OPENING_SEALED) {
            return record;
        }
        if (found != REEF__TLS_OPENING_CLEAR) {
            found = record;
        }
        *whole += size;
        input = reef_span_skip(input, size);
    }
    return found;
}

reef__tls_status_t
reef__tls_handshake(reef__tls_t *tls, reef_span_t input, size_t *consumed)
{
    int result;
    int error;

    assert(!tls->is_open && !tls->has_failed);
    tls->input = input;
    result = wolfSSL_accept(tls->wolf);
    *consumed = input.size - tls->input.size;
    tls->input = (reef_span_t){0};
    if (result == WOLFSSL_SUCCESS) {
        tls->is_open = true;
        wolfSSL_FreeArrays(tls->wolf); /* in TLS 1.3 it keeps them, to no purpose */
        reef__tls_memory_trim(wolfSSL_get_session(tls->wolf));
        reef__tls_memory_trim(tls->wolf);
        return REEF__TLS_OPEN;
    }
    error = wolfSSL_get_error(tls->wolf, result);
    return error == WOLFSSL_ERROR_WANT_READ ? REEF__TLS_MORE : fail(tls, error);
}

/* Records ----------------------------------------------------------------------- */

/* Whether all that came is read: the next call would only find that out anew. */
static bool is_used_up(const reef__tls_t *tls)
{
    return tls->input.size == 0 && wolfSSL_pending(tls->wolf) == 0;
}

reef__tls_status_t reef__tls_decrypt(reef__tls_t *tls,
                                     reef_span_t input,
                                     uint8_t *out,
                                     size_t capacity,
                                     size_t *out_size)
{
    size_t size = 0;
    int result = 1;
    int error;

    assert(tls->is_open && !tls->has_failed);
    tls->input = input;
    while (result > 0 && size < capacity && !is_used_up(tls)) {
        result = wolfSSL_read(tls->wolf, out + size, (int)(capacity - size));
        if (result > 0) {
            size += (size_t)result;
            tls->silence = 0;
        }
    }
    *out_size = size;
    tls->input = (reef_span_t){0};
    if (result > 0) {
        return REEF__TLS_MORE;
    }
    error = wolfSSL_get_error(tls->wolf, result);
    return error == WOLFSSL_ERROR_WANT_READ     ? REEF__TLS_MORE
           : error == WOLFSSL_ERROR_ZERO_RETURN ? REEF__TLS_CLOSED
                                                : fail(tls, error);
}

size_t reef__tls_encrypt(reef__tls_t *tls, reef_span_t plain, uint8_t *out, size_t room)
{
    int result;

    assert(tls->is_open && room >= reef__tls_sealed_size(plain.size));
    tls->out = out;
    tls->out_room = room;
    tls->out_size = 0;
    result = wolfSSL_write(tls->wolf, plain.data, (int)plain.size);
    tls->out = NULL;
    if (result != (int)plain.size) {
        fail(tls, wolfSSL_get_error(tls->wolf, result));
        return 0;
    }
    return tls->out_size;
}

void reef__tls_shut_down(reef__tls_t *tls)
{
    if (!tls->has_failed) {
        wolfSSL_shutdown(tls->wolf);
    }
}

/* What is pending --------------------------------------------------------------- */

reef_span_t reef__tls_pending(const reef__tls_t *tls)
{
    return tls->pending.data != NULL ? reef_span(tls->pending.data + tls->pending.first,
                                                 tls->pending.end - tls->pending.first)
                                     : (reef_span_t){0};
}

void reef__tls_pend(reef__tls_t *tls, reef_span_t sealed)
{
    put_pending(tls, sealed.data, sealed.size);
}

void reef__tls_pending_consume(reef__tls_t *tls, size_t size)
{
    assert(size <= tls->pending.end - tls->pending.first);
    tls->pending.first += size;
    if (tls->pending.first == tls->pending.end && tls->pending.data != NULL) {
        tls->said_size = 0;
        release_pending(tls); /* it is rarely needed, by few */
    }
}

/* Facts ------------------------------------------------------------------------- */

reef__tls_facts_t reef__tls_facts(const reef__tls_t *tls)
{
    reef__tls_facts_t facts = {.version = "", .cipher = "", .alpn = ""};

    if (tls->is_open) {
        char *name = NULL;
        unsigned short size = 0;

        facts.version = wolfSSL_get_version(tls->wolf);
        facts.cipher =
            reef__tls_suite_name((uint16_t)wolfSSL_get_current_cipher_suite(tls->wolf));
        facts.is_resumed = wolfSSL_session_reused(tls->wolf) != 0;
        if (wolfSSL_ALPN_GetProtocol(tls->wolf, &name, &size) == WOLFSSL_SUCCESS &&
            size > 0) {
            facts.alpn = tls->context->alpn;
        }
    }
    return facts;
}
