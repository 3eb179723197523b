/**
 * @file tls_context.h
 * @brief What the files of the TLS engine share about a context.
 */
#ifndef REEF_SRC_TRANSPORT_TLS_CONTEXT_H
#define REEF_SRC_TRANSPORT_TLS_CONTEXT_H

#include "transport/tls.h"

#include <stdatomic.h>

struct WOLFSSL_CTX;

enum {
    REEF__TLS_ALPN_SIZE = 32
};

struct reef__tls_context {
    const reef_alloc_t *alloc;
    struct WOLFSSL_CTX *wolf;
    _Atomic uint32_t references;
    reef__tls_certificate_t certificate;
    char alpn[REEF__TLS_ALPN_SIZE]; /* "" = not looked at */
};

#endif /* REEF_SRC_TRANSPORT_TLS_CONTEXT_H */
