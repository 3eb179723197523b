/**
 * @file auth.h
 * @brief Lets in whoever carries a bearer token: one that all share, or a JSON Web
 * Token.
 *
 * A client shows it in the header `Authorization: Bearer …`, or in a parameter of the
 * query, because a browser can set no header on a WebSocket.  With neither `token` nor
 * `jwt_secret` set the plugin is off: everybody is let in.
 */
#ifndef REEF_AUTH_H
#define REEF_AUTH_H

#include <reef/plugin.h>

enum {
    REEF_AUTH_EXPIRED_CODE = 4401 /* a session is closed with, when its token expires */
};

/** Section `auth`. */
REEF_COMPONENT(
    auth_config,
    0,
    REEF_STRING(token,
                256,
                .secret = true,
                .doc = "token that all clients share, 16 characters or more; empty = "
                       "none"),
    REEF_STRING(jwt_secret,
                256,
                .secret = true,
                .doc = "what JSON Web Tokens are signed with (HS256), 32 bytes or "
                       "more; empty = none"),
    REEF_STRING(jwt_issuer, 128, .doc = "iss that a JWT must have; empty = any"),
    REEF_STRING(jwt_audience,
                128,
                .doc = "aud that a JWT must have; empty = it must have none"),
    REEF_STRING(jwt_scope,
                64,
                .doc = "word that a JWT's scope must hold; empty = any scope"),
    REEF_U32(leeway_s,
             .initial = "30",
             .max = 3600,
             .unit = "s",
             .doc = "that the clock of a JWT's issuer may be apart from ours"),
    REEF_STRING(query_parameter,
                32,
                .initial = "access_token",
                .doc = "parameter of the query that may hold the token; empty = none"),
    REEF_STRING(exempt,
                128,
                .doc = "transports whose clients need no token, by commas: tcp, udp"),
    REEF_BOOL(keep_expired,
              .initial = "false",
              .doc = "leave sessions alone whose JWT has expired meanwhile"));

/** What a session's JWT says of its holder; sessions let in by the shared token, or
 *  without one, have none. */
REEF_COMPONENT(claims,
               REEF_READ_ONLY,
               REEF_U64(expires_at_ms,
                        .unit = "ms",
                        .doc = "exp: since 1970, UTC; 0 = never"),
               REEF_STRING(subject, 128, .doc = "sub: who it is"),
               REEF_STRING(issuer, 128, .doc = "iss: who says so"),
               REEF_STRING(scope, 256, .doc = "what it may do, by spaces"));

/** Config: auth_config_t. */
extern const reef_plugin_t reef_auth_plugin;

#endif /* REEF_AUTH_H */
