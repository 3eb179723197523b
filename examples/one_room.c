/* One room for every kind of client: WebSocket, WebSocket over TLS, TCP, UDP. */
#include <reef/admin.h>
#include <reef/chat.h>
#include <reef/reef.h>

int main(int argc, char **argv)
{
    reef_plugin_t wss = reef_wss_plugin;
    reef_plugin_t tcp = reef_tcp_plugin;
    reef_plugin_t udp = reef_udp_plugin;
    const reef_plugin_t *plugins[] = {
        &reef_chat_plugin,
        &reef_websocket_plugin,
        &wss,
        &tcp,
        &udp,
        &reef_admin_plugin,
        NULL,
    };

    wss.config = &(wss_config_t){.listen = "127.0.0.1:8443", .dev = true};
    tcp.config = &(tcp_config_t){.listen = "127.0.0.1:7000",
                                 .framing = REEF_TCP_LINES,
                                 .payload = REEF_TCP_TEXT};
    udp.config = &(udp_config_t){.listen = "127.0.0.1:7000", .payload = REEF_UDP_TEXT};
    return reef_main(argc, argv, plugins);
}
