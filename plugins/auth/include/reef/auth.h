/**
 * @file auth.h
 * @brief Lets in whoever carries a bearer token: one that all share, or a JSON Web
 * Token.
 *
 * A client shows it in the header `Authorization: Bearer …`, or in a query parameter,
 * because a browser can set no header on a WebSocket.  With neither `token` nor
 * `jwt_secret` set the plugin is off: everybody is let in.
 */
#ifndef REEF_AUTH_H
#define REEF_AUTH_H

#include <reef/plugin.h>

/** What a session's token says of its holder; sessions let in by the shared token, or
 *  without one, have none. */
REEF_COMPONENT(claims,
               REEF_READ_ONLY,
               REEF_STRING(subject, 128, .doc = "sub: who it is"),
               REEF_STRING(issuer, 128, .doc = "iss: who says so"),
               REEF_STRING(scope, 256, .doc = "what it may do, by spaces"),
               REEF_U64(expires_at_ms,
                        .unit = "ms",
                        .doc = "exp: since 1970, UTC; 0 = never"));

#endif /* REEF_AUTH_H */
