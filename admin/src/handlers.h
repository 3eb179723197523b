/**
 * @file handlers.h
 * @brief The functions that the route table names, by the file they are in.
 */
#ifndef REEF_ADMIN_HANDLERS_H
#define REEF_ADMIN_HANDLERS_H

#include "state.h"

#define REEF__HANDLER(name)                                                            \
    void reef__serve_##name(reef__admin_t *admin, const reef__request_t *request,      \
                            reef__reply_t *reply)

/* server_routes.c */
REEF__HANDLER(server_get);
REEF__HANDLER(livez_get);
REEF__HANDLER(readyz_get);
REEF__HANDLER(components_list);
REEF__HANDLER(resources_list);
REEF__HANDLER(resource_get);
REEF__HANDLER(openapi_get);
/* session_routes.c */
REEF__HANDLER(whoami_get);
REEF__HANDLER(session_open);
REEF__HANDLER(session_close);
/* entity_routes.c */
REEF__HANDLER(entities_list);
REEF__HANDLER(entity_get);
REEF__HANDLER(entity_spawn);
REEF__HANDLER(entity_despawn);
/* component_routes.c */
REEF__HANDLER(component_get);
REEF__HANDLER(component_put);
REEF__HANDLER(component_patch);
REEF__HANDLER(component_delete);
/* client_routes.c */
REEF__HANDLER(clients_list);
REEF__HANDLER(client_get);
REEF__HANDLER(client_kick);
/* list_routes.c */
REEF__HANDLER(lists_list);
REEF__HANDLER(rows_list);
REEF__HANDLER(row_get);
REEF__HANDLER(members_list);
/* system_routes.c */
REEF__HANDLER(systems_list);
REEF__HANDLER(system_get);
REEF__HANDLER(system_patch);
/* snapshot_routes.c */
REEF__HANDLER(snapshots_list);
REEF__HANDLER(snapshot_take);
REEF__HANDLER(snapshot_get);
REEF__HANDLER(snapshot_restore);
/* metrics_view.c */
REEF__HANDLER(metrics_get);
REEF__HANDLER(metrics_text);
/* stream.c */
REEF__HANDLER(stream_get);

#endif /* REEF_ADMIN_HANDLERS_H */
