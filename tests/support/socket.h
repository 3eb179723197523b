/**
 * @file socket.h
 * @brief TCP to a port of this machine, with a deadline in every wait.
 *
 * A wait that takes longer than SOCKET_DEADLINE_MS fails the test.
 */
#ifndef TEST_SOCKET_H
#define TEST_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SOCKET_DEADLINE_MS = 20000
};

/** Connect to 127.0.0.1:@p port.  The caller closes the descriptor. */
int socket_connect(uint16_t port);

/** The same to [::1]. */
int socket_connect_ipv6(uint16_t port);

/** Whether this machine has [::1]. */
bool socket_has_ipv6(void);

/** Listen on a free port of 127.0.0.1.  The caller closes the descriptor. */
int socket_listen(uint16_t *port);

/** Wait until @p descriptor is readable, or at its end. */
void socket_await(int descriptor);

/** Send all; false when the peer has closed. */
bool socket_send(int descriptor, const void *data, size_t size);

/** Wait for bytes and read some.  Returns 0 at the end, a reset included. */
size_t socket_receive(int descriptor, void *data, size_t capacity);

/** Read to the end; what does not fit fails the test.  @p text is terminated. */
size_t socket_receive_all(int descriptor, char *text, size_t capacity);

/** Status of an HTTP/1.1 response; 0 when @p text does not begin like one. */
int socket_http_status(const char *text);

#endif /* TEST_SOCKET_H */
