/**
 * @file authenticate.h
 * @brief Who is let in: functions that see a peer before it is a client.
 *
 * Added by plugins in build().  Each peer whose handshake is done is shown to them, one
 * after the other, in the order in which they were added; all must let it in.  Until
 * then it has no entity, and nothing of it is seen anywhere else.  With none added
 * every peer is in at once.
 *
 *     static bool authenticate(reef_admission_t *admission, void *context)
 *     {
 *         const reef_peer_t *peer = reef_admission_peer(admission);
 *         reef_span_t cookie = reef_admission_header(admission, "cookie");
 *
 *         if (!is_good(cookie)) {
 *             return reef_admission_refuse(admission, 401, "log in first");
 *         }
 *         REEF_ADMISSION_SET(admission, account, .level = 3);
 *         return true;
 *     }
 *
 * World thread, in `ingress`: whoever waits here keeps the world waiting.
 */
#ifndef REEF_AUTHENTICATE_H
#define REEF_AUTHENTICATE_H

#include <reef/app.h>
#include <reef/span.h>

enum {
    REEF_MAX_ASKED_HEADERS = 16,      /* different names, of all authenticators */
    REEF_MAX_ADMISSION_COMPONENTS = 8 /* for one peer, from all authenticators */
};

/** What is known of a peer; borrowed while the function runs. */
typedef struct reef_peer {
    const char *transport; /* as in the log: "websocket" */
    int32_t kind;          /* of reef_transport_names in components.h */
    bool tls;
    reef_span_t tls_version; /* "TLSv1.3"; empty without */
    reef_span_t cipher;
    reef_span_t peer;  /* address of the other side */
    reef_span_t local; /* address on this side */
    reef_span_t path;  /* this and what follows: empty where there is no request */
    reef_span_t query; /* percent-encoded as it came, without the '?' */
    reef_span_t subprotocol; /* the one agreed on */
} reef_peer_t;

typedef struct reef_admission reef_admission_t;

/** Look at a peer.  @return true = let it in; false = refuse it, with what
 *  reef_admission_refuse() said, or else 401. */
typedef bool (*reef_authenticate_fn)(reef_admission_t *admission, void *context);

typedef struct reef_authenticator_desc {
    const char *name; /* for the log; borrowed */
    reef_authenticate_fn authenticate;
    void *context; /* must live as long as the app does, or until cleanup() */

    /** Names of the request's headers it wants to see, NULL-terminated, case aside;
     * NULL = none.  Borrowed.  Others are not kept. */
    const char *const *headers;
} reef_authenticator_desc_t;

/** Add an authenticator; before the app is started. */
void reef_app_add_authenticator(reef_app_t *app, const reef_authenticator_desc_t *desc);

/** The peer in question. */
const reef_peer_t *reef_admission_peer(const reef_admission_t *admission);

/** Value of a header that was asked for; empty when the peer sent none.  Of several of
 *  one name the values are joined by ", " (RFC 9110 section 5.3). */
reef_span_t reef_admission_header(const reef_admission_t *admission, const char *name);

/**
 * Value of a parameter of the query, percent-decoded as its name is ('+' is left as it
 * is).
 *
 * @param out  Receives the value and a NUL.
 * @return false when there is none of that name, it does not fit, its encoding is wrong
 *         or it holds a NUL; of several the first counts.
 */
bool reef_admission_query(const reef_admission_t *admission,
                          const char *name,
                          char *out,
                          size_t capacity);

/** Have every parameter of this name hidden in the `session` component: what is a
 * secret is not to be seen by operators. */
void reef_admission_hide_query(reef_admission_t *admission, const char *name);

/**
 * Add a component to the entity, which has it before `user_connected` is seen.
 *
 * @param type  Not `client_id` or `session`.
 * @param value Of type->size bytes, taken over as by reef_world_add(), NULL = the
 * initial one; one set before is replaced.  Dropped when the peer does not become a
 *              client.
 */
void reef_admission_set(reef_admission_t *admission,
                        const reef_type_t *type,
                        const void *value);

/** `REEF_ADMISSION_SET(admission, claims, .expires_at_ms = 1);` */
#define REEF_ADMISSION_SET(admission, name, ...)                                       \
    reef_admission_set((admission), &name##_type, &(name##_t){__VA_ARGS__})

/**
 * Say why it is refused: `return reef_admission_refuse(admission, 403, "no guests");`
 *
 * @param status Of HTTP, 400 to 599.  A WebSocket's upgrade is answered with it; other
 *               transports just close.
 * @param reason Shown to the peer and in the log; one line of printable ASCII, at most
 *               123 bytes; copied.
 * @return false.
 */
bool reef_admission_refuse(reef_admission_t *admission,
                           uint16_t status,
                           const char *reason);

#endif /* REEF_AUTHENTICATE_H */
