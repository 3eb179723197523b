/**
 * @file http_exchange.h
 * @brief One request and its reply, as the files that make them share it.
 */
#ifndef REEF_SRC_HTTP_EXCHANGE_H
#define REEF_SRC_HTTP_EXCHANGE_H

#include <reef/http_server.h>

#include "http_route.h"

enum {
    REEF__HTTP_TYPE_SIZE = 128,
    REEF__HTTP_ALLOW_SIZE = 64,
};

/** A name and its value in a query, decoded. */
typedef struct reef__http_pair {
    const char *name, *value;
} reef__http_pair_t;

typedef struct reef__http_exchange {
    reef_http_request_t request; /* first: what handlers get is this */
    reef_http_head_t head;
    reef__http_match_t match;
    const char *values[REEF_HTTP_MAX_PARAMETERS]; /* of the route's parameters */
    reef__http_pair_t query[REEF_HTTP_MAX_QUERY];
    size_t query_count;
    struct reef__http_block *blocks; /* all that was allocated for it */

    reef_http_result_t result;
    bool replied;
    char allow[REEF__HTTP_ALLOW_SIZE];
    char type[REEF__HTTP_TYPE_SIZE];      /* of the reply's body; "" = none */
    char headers[REEF_HTTP_HEADERS_SIZE]; /* that the handler added */
    size_t headers_size;
} reef__http_exchange_t;

/** Memory that lives as long as the exchange. */
void *reef__http_allocate(reef__http_exchange_t *exchange, size_t size);

#endif /* REEF_SRC_HTTP_EXCHANGE_H */
