/**
 * @file tcp.h
 * @brief TCP as a plugin: listens, tells messages apart, feeds the session table.
 *
 * A client that ends its half of the connection gets the answers to what it sent
 * before; a message that it has not finished then is not delivered.  TCP has no close
 * code: who is closed gets what was queued for it, and the end of the stream.  Texts go
 * out as UTF-8.  What is sent is framed and never changed: with `lines` a payload with
 * line feeds in it arrives as several lines, a binary one too, and an empty one as an
 * empty line; with `varint` and `u32` an empty payload has the length 0, with `raw` it
 * is nothing.
 */
#ifndef REEF_TCP_H
#define REEF_TCP_H

#include <reef/plugin.h>

/** Where a message ends. */
typedef enum reef_tcp_framing {
    REEF_TCP_VARINT, /* length, 7 bits a byte, lowest first, at most 5; the body */
    REEF_TCP_U32,    /* length, 4 bytes, highest first; the body */
    REEF_TCP_LINES,  /* the body; LF or CR LF.  Empty lines are skipped */
    REEF_TCP_RAW,    /* every read is a message */
} reef_tcp_framing_t;

/** What a client's messages are. */
typedef enum reef_tcp_payload {
    REEF_TCP_BINARY,
    REEF_TCP_TEXT, /* must be UTF-8 */
} reef_tcp_payload_t;

static const reef_enum_value_t reef_tcp_framing_names[] = {
    {"varint", REEF_TCP_VARINT},
    {"u32", REEF_TCP_U32},
    {"lines", REEF_TCP_LINES},
    {"raw", REEF_TCP_RAW},
};

static const reef_enum_value_t reef_tcp_payload_names[] = {
    {"binary", REEF_TCP_BINARY},
    {"text", REEF_TCP_TEXT},
};

/** Section `tcp`; for `tcps` too, but for `listen`. */
REEF_COMPONENT(
    tcp_config,
    0,
    REEF_STRING(listen,
                256,
                .doc = "address:port or unix:/path, several with commas; port 0 = a "
                       "free one, empty = none"),
    REEF_ENUM(framing,
              reef_tcp_framing_names,
              .initial = "varint",
              .doc = "where a message ends: varint, u32 (length first), lines or raw"),
    REEF_ENUM(
        payload,
        reef_tcp_payload_names,
        .initial = "binary",
        .doc = "what a client's messages are: binary or text, which must be UTF-8"),
    REEF_U32(max_message,
             .initial = "2097152",
             .min = 16,
             .max = 67108864,
             .unit = "B",
             .doc = "largest message"),
    REEF_U32(max_sessions,
             .initial = "10000",
             .min = 1,
             .max = 1000000,
             .doc = "connections at once"),
    REEF_U32(max_sessions_per_address,
             .initial = "1000",
             .max = 1000000,
             .doc = "of them from one IPv4 address or IPv6 /64, this machine excepted; "
                    "0 = any"),
    REEF_U32(max_queue,
             .initial = "4194304",
             .min = 1024,
             .max = 1073741824,
             .unit = "B",
             .doc = "bytes waiting to be sent to one client; one message always may"),
    REEF_U32(idle_timeout_s,
             .initial = "0",
             .max = 86400,
             .unit = "s",
             .doc = "silence after which a client is closed; 0 = never, for one may "
                    "only listen"),
    REEF_U32(keepalive_s,
             .initial = "60",
             .max = 7200,
             .unit = "s",
             .doc = "silence after which the system asks whether a client is still "
                    "there; closed when that is not answered for as long again; 0 = "
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
    REEF_U32(close_timeout_ms,
             .initial = "5000",
             .min = 10,
             .max = 60000,
             .unit = "ms",
             .doc = "time for a client that is closed to take what is queued for it, "
                    "and to close too"),
    REEF_U32(backlog,
             .initial = "1024",
             .min = 1,
             .max = 65535,
             .doc = "connections waiting to be accepted"));

extern const reef_plugin_t reef_tcp_plugin;

#endif /* REEF_TCP_H */
