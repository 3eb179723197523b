/**
 * @file conn.h
 * @brief One connection of a pool.
 */
#ifndef WIRE_CONN_H
#define WIRE_CONN_H

#include "pool.h"

/** Begin to connect. */
void conn_open(pool_t *pool, conn_t *conn);

/** Close the socket and forget what is pending.  The numbers of messages stay. */
void conn_close(pool_t *pool, conn_t *conn);

/** Say goodbye: a close frame, or the end of the bytes. */
void conn_end(pool_t *pool, conn_t *conn);

/** Stop to read, for good. */
void conn_stall(pool_t *pool, conn_t *conn);

/** Bytes that have come and were not read. */
uint64_t conn_unread(const conn_t *conn);

/** Queue a message of the pool's payload.  All that is queued belongs to one
 *  connection, and leaves by conn_flush(). */
void conn_send_payload(pool_t *pool, conn_t *conn, uint32_t sender, uint64_t number);

/** Queue a frame of any kind; raw bytes on TCP. */
void conn_send(
    pool_t *pool, conn_t *conn, uint8_t opcode, const void *data, size_t size);

/** Write what is queued. */
void conn_flush(pool_t *pool, conn_t *conn);

/** Write what TLS has to say of its own. */
void conn_transmit(pool_t *pool, conn_t *conn);

/** The way is free for messages, or for the request that frees it. */
void conn_established(pool_t *pool, conn_t *conn);

/** Handle the readiness that epoll reports. */
void conn_ready(pool_t *pool, conn_t *conn, uint32_t events);

#endif /* WIRE_CONN_H */
