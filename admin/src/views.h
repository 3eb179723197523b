/**
 * @file views.h
 * @brief Copies of clients, systems, snapshots and frame figures, and their JSON.
 *
 * Each collect function is a reef_request_fn for the world thread (snapshots excepted:
 * their service has a thread of its own); each JSON function is for any thread.
 */
#ifndef REEF_ADMIN_VIEWS_H
#define REEF_ADMIN_VIEWS_H

#include "state.h"

#include <reef/components.h>
#include <reef/snapshot_service.h>

/* Clients (client_view.c) ------------------------------------------------------ */

typedef struct reef__client_copy {
    uint64_t id;
    reef_entity_t entity;
    session_t session;
    uint64_t queue_bytes;
} reef__client_copy_t;

typedef struct reef__clients {
    reef_app_t *app;
    uint64_t after; /* client id behind which to begin */
    uint32_t limit;
    bool more;
    uint64_t total;
    reef__admin_now_t now;
    struct {
        reef__client_copy_t *items;
        size_t count, capacity;
    } list;
} reef__clients_t;

void reef__clients_collect(void *argument);
cJSON *reef__client_json(const reef__client_copy_t *client);
cJSON *reef__clients_items(const reef__clients_t *clients);
void reef__clients_finish(reef__clients_t *clients);

/* Systems (system_view.c) ------------------------------------------------------ */

typedef struct reef__system_copy {
    const reef_system_desc_t *desc; /* lives as long as the app */
    const char *schedule;
    uint32_t order;
    uint32_t stage;
    bool enabled;
    reef_system_stats_t stats;
} reef__system_copy_t;

typedef struct reef__systems {
    reef_app_t *app;
    reef__admin_now_t now;
    struct {
        reef__system_copy_t *items;
        size_t count, capacity;
    } list;
} reef__systems_t;

void reef__systems_collect(void *argument);
cJSON *reef__system_json(const reef__system_copy_t *system);
cJSON *reef__systems_items(const reef__systems_t *systems);
void reef__systems_finish(reef__systems_t *systems);

/* Snapshots (snapshot_routes.c) ------------------------------------------------ */

cJSON *reef__admin_snapshot_json(const reef_snapshot_info_t *info);

/* The server (server_view.c)
 * ----------------------------------------------------------- */

typedef struct reef__frame_view {
    reef_app_t *app;
    reef__admin_now_t now;
    uint64_t frame_us, entities;
    uint32_t clients;
} reef__frame_view_t;

void reef__frame_collect(void *argument);
cJSON *reef__frame_json(const reef__frame_view_t *frame);

/* Metrics (metrics_view.c)
 * -------------------------------------------------------------- */

cJSON *reef__metrics_json(reef__admin_t *admin, uint64_t tick);

/** Prometheus text exposition 0.0.4; the caller frees it. */
char *reef__metrics_exposition(reef_metrics_t *metrics);

#endif /* REEF_ADMIN_VIEWS_H */
