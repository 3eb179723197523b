/*
 * Loading is where a person has to mend something, so each cause has a text of its own:
 * wolfSSL's codes say too little.  The certificates are parsed one by one for that, and
 * then given to wolfSSL as they came.
 *
 * Tickets are sealed by wolfSSL's own callback, with keys that live and rotate in the
 * WOLFSSL_CTX: so a session may be resumed on any loop, and a reload forgets them all.
 */
#include "transport/tls_context.h"

#include <reef/crypto.h>

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <wolfssl/options.h> /* before the others */

#include <wolfssl/openssl/evp.h>
#include <wolfssl/ssl.h>

enum {
    MAX_FILE = 1048576,
    MAX_CHAIN = 9,   /* as many as wolfSSL takes */
    TICKET_S = 1800, /* wolfSSL's keys live for an hour, and a ticket must fit in */
    BEGIN_SIZE = 27, /* of the line "-----BEGIN CERTIFICATE-----" */
};

static const char begin_certificate[] = "-----BEGIN CERTIFICATE-----";
static const char begin_key[] = "PRIVATE KEY-----";

/* Files ------------------------------------------------------------------------- */

typedef struct file {
    const char *path;
    const char *setting; /* "cert" */
    char *text;          /* owned; NUL-terminated */
    size_t size;
} file_t;

static void release_file(const reef_alloc_t *alloc, file_t *file)
{
    if (file->text != NULL) {
        memset(file->text, 0, file->size); /* a key need not lie about */
        reef_resize(alloc, file->text, file->size + 1, 0);
        file->text = NULL;
    }
}

/* Returns why not, or NULL. */
static const char *read_stream(const reef_alloc_t *alloc, FILE *stream, file_t *file)
{
    struct stat status;
    size_t size;

    if (fstat(fileno(stream), &status) != 0) {
        return strerror(errno);
    }
    if (S_ISDIR(status.st_mode) || status.st_size > MAX_FILE) {
        return strerror(S_ISDIR(status.st_mode) ? EISDIR : EFBIG);
    }
    size = (size_t)status.st_size;
    file->text = reef_resize(alloc, NULL, 0, size + 1);
    file->size = fread(file->text, 1, size, stream);
    file->text = reef_resize(alloc, file->text, size + 1, file->size + 1);
    assert(file->text != NULL); /* it is never empty */
    file->text[file->size] = '\0';
    return NULL;
}

static reef_error_t
read_file(const reef__tls_context_desc_t *desc, file_t *file, reef_failure_t *failure)
{
    FILE *stream = fopen(file->path, "rbe");
    const char *cause =
        stream ? read_stream(desc->alloc, stream, file) : strerror(errno);

    if (stream != NULL) {
        fclose(stream);
    }
    return cause == NULL ? REEF_OK
                         : reef_fail(failure, REEF_E_IO, "%s.%s: %s: %s", desc->section,
                                     file->setting, file->path, cause);
}

/* What is wrong with a file. */
static reef_error_t refuse(const reef__tls_context_desc_t *desc,
                           const file_t *file,
                           const char *cause,
                           reef_failure_t *failure)
{
    return reef_fail(failure, REEF_E_INVALID, "%s.%s: %s: %s", desc->section,
                     file->setting, file->path, cause);
}

/* Certificates ------------------------------------------------------------------ */

static int64_t to_time(const WOLFSSL_ASN1_TIME *time)
{
    struct tm tm = {0};

    return time != NULL && wolfSSL_ASN1_TIME_to_tm(time, &tm) == WOLFSSL_SUCCESS
               ? (int64_t)timegm(&tm)
               : 0;
}

static void describe(WOLFSSL_X509 *x509, reef__tls_certificate_t *certificate)
{
    int size = 0;
    const unsigned char *der = wolfSSL_X509_get_der(x509, &size);

    wolfSSL_X509_NAME_oneline(wolfSSL_X509_get_subject_name(x509), certificate->subject,
                              sizeof(certificate->subject));
    reef_crypto_sha256(reef_span(der, size > 0 ? (size_t)size : 0),
                       certificate->sha256);
    certificate->not_before_s = to_time(wolfSSL_X509_get_notBefore(x509));
    certificate->not_after_s = to_time(wolfSSL_X509_get_notAfter(x509));
}

typedef struct chain {
    WOLFSSL_X509 *items[MAX_CHAIN];
    uint32_t count;
} chain_t;

static void free_chain(chain_t *chain)
{
    while (chain->count > 0) {
        wolfSSL_X509_free(chain->items[--chain->count]);
    }
}

static const char *parse_chain(chain_t *chain, const file_t *file)
{
    const char *next = strstr(file->text, begin_certificate);

    if (next == NULL) {
        return strstr(file->text, begin_key) != NULL
                   ? "holds a key; the certificate is wanted here"
                   : "holds no certificate in PEM form";
    }
    while (next != NULL) {
        const char *start = next;
        size_t size;

        next = strstr(start + BEGIN_SIZE, begin_certificate);
        size = next != NULL ? (size_t)(next - start) : strlen(start);
        if (chain->count == MAX_CHAIN) {
            return "holds more than 9 certificates";
        }
        chain->items[chain->count] = wolfSSL_X509_load_certificate_buffer(
            (const unsigned char *)start, (int)size, WOLFSSL_FILETYPE_PEM);
        if (chain->items[chain->count] == NULL) {
            return "holds a certificate that cannot be read";
        }
        chain->count++;
    }
    return NULL;
}

static bool is_issuer(WOLFSSL_X509 *of, WOLFSSL_X509 *issuer)
{
    return wolfSSL_X509_NAME_cmp(wolfSSL_X509_get_issuer_name(of),
                                 wolfSSL_X509_get_subject_name(issuer)) == 0;
}

static const char *
check_chain(const chain_t *chain, int64_t now_s, char *text, size_t size)
{
    for (uint32_t i = 0; i < chain->count; i++) {
        reef__tls_certificate_t facts;

        describe(chain->items[i], &facts);
        if (i > 0 && !is_issuer(chain->items[i - 1], chain->items[i])) {
            return "certificates in wrong order: first the server's, then its issuer, "
                   "and so on";
        }
        if (facts.not_after_s < now_s || facts.not_before_s > now_s) {
            time_t when = (time_t)(facts.not_after_s < now_s ? facts.not_after_s
                                                             : facts.not_before_s);
            char date[32];
            struct tm tm;

            gmtime_r(&when, &tm);
            strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", &tm);
            snprintf(text, size,
                     facts.not_after_s < now_s ? "the certificate of %s expired on %s"
                                               : "the certificate of %s is valid only "
                                                 "from %s",
                     facts.subject, date);
            return text;
        }
    }
    return NULL;
}

/* A certificate is looked at before wolfSSL gets it. */
static reef_error_t load_chain(reef__tls_context_t *context,
                               const reef__tls_context_desc_t *desc,
                               const file_t *file,
                               reef_failure_t *failure)
{
    chain_t chain = {0};
    char text[256];
    const char *cause = parse_chain(&chain, file);

    if (cause == NULL) {
        cause = check_chain(&chain, desc->now_s, text, sizeof(text));
    }
    if (cause == NULL) {
        describe(chain.items[0], &context->certificate);
        if (wolfSSL_CTX_use_certificate_chain_buffer(
                context->wolf, (const unsigned char *)file->text, (long)file->size) !=
            WOLFSSL_SUCCESS) {
            cause = "holds certificates that wolfSSL does not take";
        }
    }
    free_chain(&chain);
    return cause == NULL ? REEF_OK : refuse(desc, file, cause, failure);
}

/* Key --------------------------------------------------------------------------- */

/* wolfSSL would ask on the terminal. */
/* NOLINTNEXTLINE(readability-non-const-parameter): the signature is wolfSSL's */
static int no_password(char *password, int size, int writes, void *context)
{
    (void)password;
    (void)size;
    (void)writes;
    (void)context;
    return -1;
}

/* Whether what one key has signed is good for the other. */
static bool is_pair(WOLFSSL_EVP_PKEY *private_key, WOLFSSL_EVP_PKEY *public_key)
{
    static const char text[] = "does it fit?";
    unsigned char signature[256];
    size_t size = sizeof(signature);
    WOLFSSL_EVP_MD_CTX *sign = wolfSSL_EVP_MD_CTX_new();
    WOLFSSL_EVP_MD_CTX *verify = wolfSSL_EVP_MD_CTX_new();
    const WOLFSSL_EVP_MD *digest = wolfSSL_EVP_sha256();
    bool fits =
        wolfSSL_EVP_DigestSignInit(sign, NULL, digest, NULL, private_key) == 1 &&
        wolfSSL_EVP_DigestSignUpdate(sign, text, sizeof(text)) == 1 &&
        wolfSSL_EVP_DigestSignFinal(sign, signature, &size) == 1 &&
        wolfSSL_EVP_DigestVerifyInit(verify, NULL, digest, NULL, public_key) == 1 &&
        wolfSSL_EVP_DigestVerifyUpdate(verify, text, sizeof(text)) == 1 &&
        wolfSSL_EVP_DigestVerifyFinal(verify, signature, size) == 1;

    wolfSSL_EVP_MD_CTX_free(sign);
    wolfSSL_EVP_MD_CTX_free(verify);
    return fits;
}

/* wolfSSL compares RSA keys; of two on a curve it looks at each alone, at least as
 * Debian builds it. */
static bool fits_certificate(const reef__tls_context_t *context, const file_t *chain)
{
    WOLFSSL_EVP_PKEY *private_key = wolfSSL_CTX_get0_privatekey(context->wolf);
    WOLFSSL_EVP_PKEY *public_key;
    WOLFSSL_X509 *leaf;
    bool fits = wolfSSL_CTX_check_private_key(context->wolf) == WOLFSSL_SUCCESS;

    if (!fits || private_key == NULL ||
        wolfSSL_EVP_PKEY_base_id(private_key) != EVP_PKEY_EC) {
        return fits;
    }
    leaf = wolfSSL_X509_load_certificate_buffer((const unsigned char *)chain->text,
                                                (int)chain->size, WOLFSSL_FILETYPE_PEM);
    public_key = wolfSSL_X509_get_pubkey(leaf);
    fits = public_key != NULL && is_pair(private_key, public_key);
    wolfSSL_EVP_PKEY_free(public_key);
    wolfSSL_X509_free(leaf);
    return fits;
}

static reef_error_t load_key(reef__tls_context_t *context,
                             const reef__tls_context_desc_t *desc,
                             const file_t *file,
                             const file_t *chain,
                             reef_failure_t *failure)
{
    const char *cause = NULL;

    if (strstr(file->text, begin_key) == NULL) {
        cause = "holds no private key in PEM form";
    } else if (strstr(file->text, "ENCRYPTED") != NULL) {
        cause =
            "the key is protected by a password; write it without one: openssl pkey "
            "-in … -out …";
    } else if (wolfSSL_CTX_use_PrivateKey_buffer(
                   context->wolf, (const unsigned char *)file->text, (long)file->size,
                   WOLFSSL_FILETYPE_PEM) != WOLFSSL_SUCCESS) {
        cause = "holds a key that cannot be read";
    } else if (!fits_certificate(context, chain)) {
        return reef_fail(failure, REEF_E_INVALID,
                         "%s.key: %s: does not belong to the certificate in %s",
                         desc->section, file->path, desc->cert_path);
    }
    return cause == NULL ? REEF_OK : refuse(desc, file, cause, failure);
}

static reef_error_t load_files(reef__tls_context_t *context,
                               const reef__tls_context_desc_t *desc,
                               reef_failure_t *failure)
{
    file_t certificate = {.path = desc->cert_path, .setting = "cert"};
    file_t key = {.path = desc->key_path, .setting = "key"};
    reef_error_t error = read_file(desc, &certificate, failure);

    if (error == REEF_OK) {
        error = read_file(desc, &key, failure);
    }
    if (error == REEF_OK) {
        assert(certificate.text != NULL && key.text != NULL);
        error = load_chain(context, desc, &certificate, failure);
    }
    if (error == REEF_OK) {
        error = load_key(context, desc, &key, &certificate, failure);
    }
    release_file(desc->alloc, &certificate);
    release_file(desc->alloc, &key);
    return error;
}

static reef_error_t load_dev(reef__tls_context_t *context,
                             const reef__tls_dev_t *dev,
                             reef_failure_t *failure)
{
    WOLFSSL_X509 *x509 = wolfSSL_X509_load_certificate_buffer(
        dev->certificate, (int)dev->certificate_size, WOLFSSL_FILETYPE_ASN1);

    if (x509 == NULL ||
        wolfSSL_CTX_use_certificate_buffer(context->wolf, dev->certificate,
                                           (long)dev->certificate_size,
                                           WOLFSSL_FILETYPE_ASN1) != WOLFSSL_SUCCESS ||
        wolfSSL_CTX_use_PrivateKey_buffer(context->wolf, dev->key, (long)dev->key_size,
                                          WOLFSSL_FILETYPE_ASN1) != WOLFSSL_SUCCESS) {
        wolfSSL_X509_free(x509);
        return reef_fail(failure, REEF_E_INVALID,
                         "wolfSSL does not take the certificate for development");
    }
    describe(x509, &context->certificate);
    context->certificate.is_dev = true;
    wolfSSL_X509_free(x509);
    return REEF_OK;
}

/* Life -------------------------------------------------------------------------- */

/* Curves in our order.  X25519 is several times as fast as P-256 in a wolfSSL without
 * assembly, and everybody speaks it. */
static bool set_up(WOLFSSL_CTX *wolf, const reef__tls_suites_t *suites)
{
    int groups[] = {WOLFSSL_ECC_X25519, WOLFSSL_ECC_SECP256R1, WOLFSSL_ECC_SECP384R1};
    char list[REEF__TLS_SUITES_SIZE];

    reef__tls_suites_format(suites, list);
    wolfSSL_CTX_set_default_passwd_cb(wolf, no_password);
    /* Tickets do without a cache, which all connections would share. */
    wolfSSL_CTX_set_session_cache_mode(wolf, WOLFSSL_SESS_CACHE_OFF);
    wolfSSL_CTX_set_TicketHint(wolf, TICKET_S);
    wolfSSL_CTX_set_timeout(wolf, TICKET_S);
    wolfSSL_CTX_set_verify(wolf, WOLFSSL_VERIFY_NONE, NULL);
    return wolfSSL_CTX_SetMinVersion(wolf, WOLFSSL_TLSV1_2) == WOLFSSL_SUCCESS &&
           wolfSSL_CTX_set_cipher_list(wolf, list) == WOLFSSL_SUCCESS &&
           wolfSSL_CTX_set_groups(wolf, groups, 3) == WOLFSSL_SUCCESS;
}

static void destroy(reef__tls_context_t *context)
{
    wolfSSL_CTX_free(context->wolf);
    wolfSSL_Cleanup();
    reef_resize(context->alloc, context, sizeof(*context), 0);
}

reef_error_t reef__tls_context_create(const reef__tls_context_desc_t *desc,
                                      reef__tls_context_t **result,
                                      reef_failure_t *failure)
{
    reef__tls_context_t *context = reef_resize(desc->alloc, NULL, 0, sizeof(*context));
    reef_error_t error;

    *context = (reef__tls_context_t){.alloc = desc->alloc};
    atomic_init(&context->references, 1);
    if (desc->alpn != NULL) {
        snprintf(context->alpn, sizeof(context->alpn), "%s", desc->alpn);
    }
    wolfSSL_Init(); /* counted, as is wolfSSL_Cleanup() */
    context->wolf = wolfSSL_CTX_new(wolfSSLv23_server_method());
    if (context->wolf == NULL || !set_up(context->wolf, desc->suites)) {
        destroy(context);
        return reef_fail(failure, REEF_E_INVALID, "%s: wolfSSL cannot be set up",
                         desc->section);
    }
    error = desc->dev != NULL ? load_dev(context, desc->dev, failure)
                              : load_files(context, desc, failure);
    if (error != REEF_OK) {
        destroy(context);
        return error;
    }
    *result = context;
    return REEF_OK;
}

reef__tls_context_t *reef__tls_context_ref(reef__tls_context_t *context)
{
    atomic_fetch_add_explicit(&context->references, 1, memory_order_relaxed);
    return context;
}

void reef__tls_context_unref(reef__tls_context_t *context)
{
    if (context != NULL &&
        atomic_fetch_sub_explicit(&context->references, 1, memory_order_acq_rel) == 1) {
        destroy(context);
    }
}

const reef__tls_certificate_t *
reef__tls_context_certificate(const reef__tls_context_t *context)
{
    return &context->certificate;
}
