/**
 * @file tcps.h
 * @brief TCP over TLS as a plugin, beside reef_tcp_plugin, which it needs.
 *
 * Framing, limits and timeouts of section `tcp` hold here too, and its connections
 * count among that plugin's.
 */
#ifndef REEF_TCPS_H
#define REEF_TCPS_H

#include <reef/plugin.h>

/** Section `tcps`. */
REEF_COMPONENT(
    tcps_config,
    0,
    REEF_STRING(listen,
                256,
                .doc = "address:port or unix:/path, several with commas; port 0 = a "
                       "free one, empty = none"),
    REEF_STRING(cert,
                256,
                .doc =
                    "PEM file: the server's certificate, then its issuers; read again "
                    "on SIGHUP"),
    REEF_STRING(key, 256, .doc = "PEM file: its private key, without a password"),
    REEF_BOOL(dev,
              .initial = "false",
              .doc = "make a certificate for localhost in memory, for development"),
    REEF_STRING(ciphers,
                64,
                .doc = "of aes-128-gcm, aes-256-gcm, chacha20-poly1305 those allowed, "
                       "best first; empty = all, the fastest here first"),
    REEF_U32(handshake_timeout_ms,
             .initial = "10000",
             .min = 10,
             .max = 600000,
             .unit = "ms",
             .doc = "time for the handshake of TLS"),
    REEF_U32(backlog,
             .initial = "1024",
             .min = 1,
             .max = 65535,
             .doc = "connections waiting to be accepted"));

extern const reef_plugin_t reef_tcps_plugin;

#endif /* REEF_TCPS_H */
