/**
 * @file udp.h
 * @brief UDP as a plugin: one datagram is one message, an address is a session.
 *
 * The first datagram from an address opens its session, silence ends it.  Nothing is
 * sent again and nothing is put in order: applications live with that, or use another
 * transport.  What a client sends, and how the cookie works, is in docs/wire.md.
 */
#ifndef REEF_UDP_H
#define REEF_UDP_H

#include <reef/plugin.h>

typedef enum reef_udp_payload {
    REEF_UDP_BINARY,
    REEF_UDP_TEXT,
} reef_udp_payload_t;

static const reef_enum_value_t reef_udp_payload_names[] = {
    {"binary", REEF_UDP_BINARY},
    {"text", REEF_UDP_TEXT},
};

/** Section `udp`. */
REEF_COMPONENT(
    udp_config,
    0,
    REEF_STRING(listen,
                256,
                .doc = "address:port, several with commas; port 0 = a free one, empty "
                       "= none"),
    REEF_ENUM(payload,
              reef_udp_payload_names,
              .initial = "binary",
              .doc = "what messages are: binary, or text, which must be UTF-8"),
    REEF_U32(idle_timeout_s,
             .initial = "30",
             .min = 1,
             .max = 86400,
             .unit = "s",
             .doc = "silence after which a session ends"),
    REEF_U32(max_sessions,
             .initial = "10000",
             .min = 1,
             .max = 1000000,
             .doc = "sessions at once"),
    REEF_U32(max_sessions_per_address,
             .initial = "1000",
             .max = 1000000,
             .doc = "of them from one IPv4 address or IPv6 /64, this machine excepted; "
                    "0 = any"),
    REEF_U32(max_datagram,
             .initial = "65507",
             .min = 1,
             .max = 65507,
             .unit = "B",
             .doc = "largest message, both ways"),
    REEF_BOOL(cookie,
              .initial = "false",
              .doc = "sessions only for clients that show they get what is sent to "
                     "their address"),
    REEF_BOOL(fragment,
              .initial = "false",
              .doc =
                  "let the network cut messages that are larger than the path takes; "
                  "false = those fail"),
    REEF_U32(quarantine_s,
             .initial = "2",
             .max = 86400,
             .unit = "s",
             .doc = "time after a kick or a refusal in which the address gets no new "
                    "session"),
    REEF_U32(max_queue,
             .initial = "262144",
             .min = 1024,
             .max = 1073741824,
             .unit = "B",
             .doc = "bytes waiting to be sent to one client; one message always may"),
    REEF_U32(max_queue_all,
             .initial = "67108864",
             .min = 1024,
             .max = 1073741824,
             .unit = "B",
             .doc = "bytes waiting to be sent to all clients of one loop; one message "
                    "always may"),
    REEF_U32(receive_buffer_bytes,
             .initial = "4194304",
             .max = 1073741824,
             .unit = "B",
             .doc =
                 "datagrams that may wait in the kernel, which has a cap of its own; "
                 "0 = as it likes"),
    REEF_U32(send_buffer_bytes,
             .initial = "0",
             .max = 1073741824,
             .unit = "B",
             .doc = "the same on the way out"));

extern const reef_plugin_t reef_udp_plugin;

#endif /* REEF_UDP_H */
