/**
 * @file http.h
 * @brief The HTTP server: listens, and hands each request to the dispatcher.
 *
 * The only part that knows the library behind it.
 */
#ifndef REEF_ADMIN_HTTP_H
#define REEF_ADMIN_HTTP_H

#include "state.h"

/**
 * Listen on admin->config.listen and answer on threads of its own.  Owned by the
 * caller: reef__http_stop().
 *
 * @return REEF_OK, or REEF_E_IO with a text that names the address.
 */
REEF_NODISCARD reef_error_t reef__http_listen(reef__admin_t *admin,
                                              reef__http_t **http,
                                              reef_failure_t *failure);

/** Ports listened on, in the order of the setting; returns how many. */
size_t reef__http_ports(const reef__http_t *http, uint16_t *ports, size_t capacity);

/** End all connections and threads.  Streams must have been told to end.  Accepts
 *  NULL. */
void reef__http_stop(reef__http_t *http);

#endif /* REEF_ADMIN_HTTP_H */
