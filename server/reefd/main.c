/* reefd: the server with all built-in plugins, driven by its settings. */
#include <reef/admin.h>
#include <reef/auth.h>
#include <reef/chat.h>
#include <reef/demo.h>
#include <reef/heartbeat.h>
#include <reef/http_plugin.h>
#include <reef/lobby.h>
#include <reef/presence.h>
#include <reef/rate_limit.h>
#include <reef/reef.h>
#include <reef/snapshot.h>
#include <reef/spatial.h>

int main(int argc, char **argv)
{
    const reef_plugin_t *plugins[] = {
        &reef_snapshot_plugin,
        &reef_auth_plugin,
        &reef_rate_limit_plugin,
        &reef_heartbeat_plugin,
        &reef_chat_plugin,
        &reef_chat_core_plugin,
        &reef_chat_rooms_plugin,
        &reef_lobby_plugin,
        &reef_presence_plugin,
        &reef_spatial_plugin,
        &reef_demo_plugin,
        &reef_websocket_plugin,
        &reef_wss_plugin,
        &reef_tcp_plugin,
        &reef_tcps_plugin,
        &reef_udp_plugin,
        &reef_http_plugin,
        &reef_admin_plugin,
        NULL,
    };

    return reef_main(argc, argv, plugins);
}
