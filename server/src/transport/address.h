/**
 * @file address.h
 * @brief "address:port" and "unix:/path" texts, and socket addresses.
 */
#ifndef REEF_SRC_TRANSPORT_ADDRESS_H
#define REEF_SRC_TRANSPORT_ADDRESS_H

#include <reef/attrs.h>
#include <reef/error.h>
#include <reef/span.h>

#include <sys/socket.h>

enum {
    REEF__ADDRESS_TEXT_SIZE = 128
};

/**
 * Read `127.0.0.1:8080`, `[::1]:8080`, `localhost:8080` or `unix:/run/reef.sock`. Names
 * are looked up, which may block: for the start only.
 *
 * @param setting Named in the text of a failure.
 * @return REEF_OK, or REEF_E_INVALID.
 */
REEF_NODISCARD reef_error_t reef__address_parse(reef_span_t text,
                                                const char *setting,
                                                struct sockaddr_storage *address,
                                                reef_failure_t *failure);

/** Print an address as reef__address_parse() reads it. */
void reef__address_format(const struct sockaddr_storage *address,
                          char out[REEF__ADDRESS_TEXT_SIZE]);

/** Bytes of the address that its family uses. */
socklen_t reef__address_size(const struct sockaddr_storage *address);

/** Print who is at the other end of a connected socket: an address, or, of a Unix
 *  socket, process and user: `unix:pid=12,uid=1000`.  `unknown` when it has reset the
 *  connection, for the system forgets it then. */
void reef__address_of_peer(int descriptor, char out[REEF__ADDRESS_TEXT_SIZE]);

/** Print the address at this end. */
void reef__address_of_socket(int descriptor, char out[REEF__ADDRESS_TEXT_SIZE]);

/** Cut the next item off a comma list: trimmed, never empty; false at the end. */
bool reef__address_next(reef_span_t *list, reef_span_t *item);

#endif /* REEF_SRC_TRANSPORT_ADDRESS_H */
