/**
 * @file gate.h
 * @brief What a request must pass before anybody asks who sent it.
 *
 * Against DNS rebinding (Host), other pages in the operator's browser (Origin,
 * Sec-Fetch-Site), request smuggling (two lengths) and paths that mean different
 * things to different readers (%2f, %00, dot segments).
 */
#ifndef REEF_ADMIN_GATE_H
#define REEF_ADMIN_GATE_H

#include "exchange.h"

enum {
    REEF__MAX_HOSTS = 64,
    REEF__HOST_SIZE = 128,
};

/** Values of the Host header that are answered. */
typedef struct reef__gate {
    bool any_host;   /* these and all others */
    bool any_origin; /* also what pages of other sites ask for */
    char hosts[REEF__MAX_HOSTS][REEF__HOST_SIZE];
    size_t host_count;
} reef__gate_t;

/** Allow one value; false when it is too long or they are too many. */
bool reef__gate_allow(reef__gate_t *gate, reef_span_t host);

/**
 * @param detail Receives a static sentence when the request is refused.
 * @return 0, or the HTTP status to refuse it with.
 */
int reef__gate_check(const reef__gate_t *gate,
                     const reef__request_t *request,
                     const char **detail);

#endif /* REEF_ADMIN_GATE_H */
