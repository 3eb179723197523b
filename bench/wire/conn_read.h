/**
 * @file conn_read.h
 * @brief What comes from the server on one connection.
 */
#ifndef WIRE_CONN_READ_H
#define WIRE_CONN_READ_H

#include "pool.h"

/** Read once and hand on what is there. */
void conn_read(pool_t *pool, conn_t *conn);

/** Go on with the handshake of TLS. */
void conn_secure(pool_t *pool, conn_t *conn);

/** The connection can be used. */
void conn_opened(pool_t *pool, conn_t *conn);

#endif /* WIRE_CONN_READ_H */
