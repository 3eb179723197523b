/*
 * Who may connect, as the settings say: paths, origins, and how many from one address.
 *
 * A peer counts for its address from the moment it is accepted; one that comes through
 * a proxy, or from this machine, only once its request has told where it comes from.
 */
#include "transport/ws.h"

#include "transport/address.h"

/* False when the address has as many as it may. */
static bool count_in(reef__ws_connection_t *connection,
                     const struct sockaddr_storage *address)
{
    return reef__quota_count(&connection->server->quota, address, &connection->counted);
}

static void find_peer(const reef__ws_connection_t *connection,
                      struct sockaddr_storage *address)
{
    socklen_t size = sizeof(*address);

    memset(address, 0, sizeof(*address));
    getpeername(connection->stream.descriptor, (struct sockaddr *)address, &size);
}

bool reef__ws_policy_enter(reef__ws_connection_t *connection)
{
    struct sockaddr_storage address;

    find_peer(connection, &address);
    return reef__quota_is_local(&address) ||
           reef__proxies_contain(&connection->server->proxies, &address) ||
           count_in(connection, &address);
}

static bool path_is_allowed(reef_span_t allowed, reef_span_t path)
{
    reef_span_t item;
    bool any = true;

    while (reef__address_next(&allowed, &item)) {
        if (reef_span_equal(item, path)) {
            return true;
        }
        any = false;
    }
    return any;
}

bool reef__ws_policy_check(reef__ws_connection_t *connection,
                           reef__ws_upgrade_t *upgrade,
                           struct sockaddr_storage *client)
{
    const websocket_config_t *config = &connection->server->config;
    struct sockaddr_storage peer;

    find_peer(connection, &peer);
    reef__forwarded_client(&connection->server->proxies, &peer, upgrade->forwarded,
                           upgrade->forwarded_count, client);
    if (!path_is_allowed(reef_span_text(config->paths), upgrade->path)) {
        reef__ws_upgrade_refuse(upgrade, 404, "nothing here; see the path");
        return false;
    }
    if (!reef__ws_origin_is_allowed(reef_span_text(config->origins), upgrade->origin)) {
        reef__ws_upgrade_refuse(upgrade, 403, "this Origin is not allowed");
        return false;
    }
    if (memcmp(client, &peer, sizeof(peer)) != 0 && !count_in(connection, client)) {
        reef__ws_upgrade_refuse(upgrade, 429, REEF__WS_TOO_MANY_TEXT);
        return false;
    }
    return true;
}
