/**
 * @file side.h
 * @brief The two sides: a server with the plugin, and the flat grid.
 */
#ifndef BENCH_SPATIAL_SIDE_H
#define BENCH_SPATIAL_SIDE_H

#include "crowd.h"

#include <stdint.h>

/** CPU time of this thread. */
uint64_t cpu_ns(void);

typedef struct server server_t;

/** A server with a client at each place of the crowd, all of them told of. */
server_t *server_create(const crowd_t *crowd, float radius, float cell);
void server_destroy(server_t *server);

/** Put the first @p movers clients where the crowd is now, and make an update that
 *  reaches the transport.  Returns the time from the first position written to the last
 *  message handed over. */
uint64_t server_update(server_t *server, uint32_t movers);

/** Of that, the time in the plugin's system: all but handing messages over. */
uint64_t server_system_ns(const server_t *server);

/** All say `/move`; returns the time until all are heard, without an update. */
uint64_t server_hear_moves(server_t *server);

/** Bytes and messages that the transport was handed since the last call. */
uint64_t server_take_bytes(server_t *server);
uint64_t server_take_messages(server_t *server);

typedef struct interest_side interest_side_t;

/** The same without a server: only who sees whom. */
interest_side_t *interest_side_create(const crowd_t *crowd, float radius, float cell);
void interest_side_destroy(interest_side_t *side);
uint64_t interest_side_update(interest_side_t *side, uint32_t movers);

typedef struct flat_side flat_side_t;

/** @p radius: up to where is searched. */
flat_side_t *flat_side_create(const crowd_t *crowd, float radius, float cell);
void flat_side_destroy(flat_side_t *side);

/** Sort and search for everybody. */
uint64_t flat_side_search(flat_side_t *side);

/** Besides, make each one's frame once and append it for everybody who sees it. */
uint64_t flat_side_tell(flat_side_t *side);

/** Bytes appended since the last call. */
uint64_t flat_side_take_bytes(flat_side_t *side);

#endif /* BENCH_SPATIAL_SIDE_H */
