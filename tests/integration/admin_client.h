/**
 * @file admin_client.h
 * @brief The admin API as a test calls it: with the token of the fixture, into cJSON.
 */
#ifndef ADMIN_CLIENT_H
#define ADMIN_CLIENT_H

#include "server_fixture.h"

#include <cjson/cJSON.h>

#define ADMIN_TOKEN "integration-test-token-0123456789abcdef"

/**
 * Send a request and do not wait for the answer.  The caller closes the descriptor.
 *
 * @param body JSON, or NULL.
 */
int admin_begin(const server_t *server,
                const char *method,
                const char *path,
                const char *body);

/**
 * One request and its answer.
 *
 * @param body JSON, or NULL.
 * @param status Receives the HTTP status.
 * @return The reply; NULL when it has no body.  The caller deletes it.
 */
cJSON *admin_request(const server_t *server,
                     const char *method,
                     const char *path,
                     const char *body,
                     int *status);

/** GET that must give 200. */
cJSON *admin_get(const server_t *server, const char *path);

/** Text of a string in an object; fails the test when there is none. */
const char *admin_text(const cJSON *object, const char *name);

/** A number in an object, also one of 64 bits in a string. */
double admin_number(const cJSON *object, const char *name);

/** Members of list @p path, by its `total`. */
double admin_total(const server_t *server, const char *path);

/** A value of the metrics' text, by its name and labels; -1 when there is none. */
double admin_metric(const server_t *server, const char *name);

/** Take a snapshot and wait until it is complete. */
void admin_take_snapshot(const server_t *server);

#endif /* ADMIN_CLIENT_H */
