/**
 * @file tcp_fixture.h
 * @brief Servers that listen for TCP, and clients of another make.
 */
#ifndef TCP_FIXTURE_H
#define TCP_FIXTURE_H

#include "admin_client.h"

/** The port behind `listening transport=<transport> addr=<host>:` in the server's log;
 *  @p host is "127.0.0.1" or "[::1]". */
uint16_t tcp_fixture_port(server_t *server, const char *transport, const char *host);

/**
 * Run tcp_client.py with these arguments; it must end well.
 *
 * @return The number that it prints, or 0.
 */
int tcp_fixture_run_client(const char *address,
                           const char *framing,
                           const char *what,
                           int count,
                           const char *manner);

/** Run wss_client.py in the same way. */
int tcp_fixture_run_websocket_client(const char *address,
                                     int count,
                                     const char *manner);

/** Read as many bytes as @p expected has; they must be these. */
void tcp_fixture_expect(int descriptor, const void *expected, size_t size);

/** Nothing more comes: the end. */
void tcp_fixture_expect_end(int descriptor);

#endif /* TCP_FIXTURE_H */
