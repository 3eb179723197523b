/**
 * @file websocket.h
 * @brief WebSocket (RFC 6455) as a plugin: listens, speaks, feeds the session table.
 */
#ifndef REEF_WEBSOCKET_H
#define REEF_WEBSOCKET_H

#include <reef/plugin.h>

/** Section `websocket`. */
REEF_COMPONENT(
    websocket_config,
    0,
    REEF_STRING(
        listen,
        256,
        .initial = "127.0.0.1:8080",
        .doc = "address:port, several with commas; port 0 = a free one, empty = none"),
    REEF_STRING(origins,
                512,
                .initial = "*",
                .doc = "allowed Origin headers, with commas; * = any"),
    REEF_STRING(subprotocols,
                256,
                .doc = "subprotocols spoken, with commas; the first offered one is "
                       "chosen"),
    REEF_U32(max_message,
             .initial = "1048576",
             .min = 125,
             .max = 67108864,
             .unit = "B",
             .doc = "largest message, all fragments together"),
    REEF_U32(max_frame,
             .initial = "1048576",
             .min = 125,
             .max = 67108864,
             .unit = "B",
             .doc = "largest frame"),
    REEF_U32(max_fragments,
             .initial = "131072",
             .min = 1,
             .max = 67108864,
             .doc = "frames of one message"),
    REEF_U32(max_handshake,
             .initial = "8192",
             .min = 512,
             .max = 65536,
             .unit = "B",
             .doc = "size of the request head"),
    REEF_U32(max_sessions,
             .initial = "10000",
             .min = 1,
             .max = 1000000,
             .doc = "connections at once, handshakes included"),
    REEF_U32(max_queue,
             .initial = "4194304",
             .min = 1024,
             .max = 1073741824,
             .unit = "B",
             .doc = "bytes waiting to be sent to one client"),
    REEF_U32(handshake_timeout_ms,
             .initial = "10000",
             .min = 10,
             .max = 600000,
             .unit = "ms",
             .doc = "time for the request head"),
    REEF_U32(close_timeout_ms,
             .initial = "2000",
             .min = 10,
             .max = 60000,
             .unit = "ms",
             .doc = "time for the peer's answer to a close frame"),
    REEF_U32(idle_timeout_s,
             .initial = "120",
             .max = 86400,
             .unit = "s",
             .doc = "silence after which a client is closed; pinged at half of it; 0 = "
                    "never"),
    REEF_U32(message_timeout_s,
             .initial = "120",
             .max = 86400,
             .unit = "s",
             .doc = "time for a message from its first byte to its last; 0 = any"),
    REEF_U32(write_timeout_s,
             .initial = "30",
             .max = 86400,
             .unit = "s",
             .doc = "time in which a client must take something that is sent; 0 = any"),
    REEF_U32(backlog,
             .initial = "1024",
             .min = 1,
             .max = 65535,
             .doc = "connections waiting to be accepted"));

extern const reef_plugin_t reef_websocket_plugin;

#endif /* REEF_WEBSOCKET_H */
