/**
 * @file verify.h
 * @brief Whether what came is what was sent: every byte, the order, the count.
 *
 * A difference ends the program with a text that names connection, message and byte.
 */
#ifndef WIRE_VERIFY_H
#define WIRE_VERIFY_H

#include "pool.h"

/** Check a piece of conn->received, the next message from @p sender.  Returns true when
 *  that message is complete and right; it is then counted. */
bool verify_piece(const pool_t *pool,
                  conn_t *conn,
                  uint32_t sender,
                  const ws_piece_t *piece);

/** The same for messages that the server may put something before and behind, the same
 *  in every message of a sender to one connection. */
bool verify_enveloped(const pool_t *pool,
                      conn_t *conn,
                      uint32_t sender,
                      const ws_piece_t *piece);

#endif /* WIRE_VERIFY_H */
