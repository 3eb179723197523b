/**
 * @file ws_upgrade.h
 * @brief The server's side of the WebSocket opening handshake, without I/O
 * (RFC 6455 section 4.2 over the message syntax of RFC 9112).
 *
 * The transport keeps a zeroed reef__ws_upgrade_t for the time of the handshake
 * and gives it all bytes received so far, from the first one, after each read:
 *
 *     switch (reef__ws_upgrade_parse(&upgrade, limits, data, size)) {
 *     case REEF__WS_UPGRADE_MORE: keep the bytes, read on; break;
 *     case REEF__WS_UPGRADE_DONE:
 *         if (!reef__ws_origin_is_allowed(origins, upgrade.origin)) {
 *             reef__ws_upgrade_refuse(&upgrade, 403, "this Origin is not allowed");
 *             send reef__ws_upgrade_write_refusal(); close; break;
 *         }
 *         protocol = reef__ws_upgrade_choose_protocol(&upgrade, supported);
 *         send reef__ws_upgrade_write_accept(); copy what is needed of the spans;
 *         bytes from upgrade.consumed on are frames; break;
 *     case REEF__WS_UPGRADE_REFUSED: send reef__ws_upgrade_write_refusal(); close;
 *     }
 *
 * For its own refusals (408 after the timeout, 503 when full) the transport calls
 * reef__ws_upgrade_refuse() at any time.
 */
#ifndef REEF_CODEC_WS_UPGRADE_H
#define REEF_CODEC_WS_UPGRADE_H

#include <reef/attrs.h>
#include <reef/span.h>

enum {
    REEF__WS_ACCEPT_SIZE = 28,     /* characters of Sec-WebSocket-Accept */
    REEF__WS_MAX_PROTOCOLS = 16,   /* subprotocols that a client may offer */
    REEF__WS_RESPONSE_SIZE = 1024, /* holds every response written here */
    REEF__WS_MAX_PROTOCOL = 256,   /* bytes of a subprotocol that a server may choose */
    REEF__WS_MAX_FORWARDED = 8,    /* X-Forwarded-For headers */
    REEF__WS_MAX_DEFLATE_OFFERS = 8, /* of permessage-deflate; later ones are the
                                        client's last choices and not looked at */
    REEF__WS_MAX_HEADERS = 32,       /* lines of headers that were asked for */
};

typedef struct reef__ws_upgrade_limits {
    uint32_t max_head;    /* bytes up to and including the empty line; 0 = 8192 */
    uint32_t max_headers; /* header lines; 0 = 64 */

    /* Names of headers to hand out as they are, case aside; more than
     * REEF__WS_MAX_HEADERS lines of them are refused. */
    const char *const *wanted; /* [wanted_count] */
    uint32_t wanted_count;
} reef__ws_upgrade_limits_t;

/** A line of a header that was asked for. */
typedef struct reef__ws_header {
    uint32_t wanted; /* position of its name */
    reef_span_t value;
} reef__ws_header_t;

typedef enum reef__ws_upgrade_status {
    REEF__WS_UPGRADE_MORE,    /* no empty line yet */
    REEF__WS_UPGRADE_DONE,    /* a valid handshake */
    REEF__WS_UPGRADE_REFUSED, /* answer with .http_status and close */
} reef__ws_upgrade_status_t;

struct reef__ws_deflate_params;

/** Spans borrow from the bytes of the last reef__ws_upgrade_parse(). */
typedef struct reef__ws_upgrade {
    size_t scanned;     /* private: bytes already seen by the scan */
    uint32_t lines;     /* private: whole lines among them */
    int http_status;    /* refused: 400 to 599 */
    const char *reason; /* refused: what was wrong; static */

    size_t consumed;    /* done: size of the head */
    reef_span_t path;   /* begins with '/'; percent-encoding left as it is */
    reef_span_t query;  /* behind the '?', which is left out; empty when absent */
    reef_span_t host;   /* with the port, if any */
    reef_span_t origin; /* data is NULL when the client sent none: no browser */
    reef_span_t protocols[REEF__WS_MAX_PROTOCOLS]; /* in order of preference */
    size_t protocol_count;
    reef_span_t forwarded[REEF__WS_MAX_FORWARDED]; /* values of X-Forwarded-For */
    uint32_t forwarded_count;

    /* Parameters of its offers of permessage-deflate, for reef__ws_deflate_negotiate()
     */
    reef_span_t deflate_offers[REEF__WS_MAX_DEFLATE_OFFERS];
    uint32_t deflate_offer_count;
    char accept[REEF__WS_ACCEPT_SIZE + 1]; /* answer to the key, NUL-terminated */

    /* Those asked for, in their order, one name perhaps several times; where they are
     * kept is the caller's: [REEF__WS_MAX_HEADERS], or NULL when none is asked for. */
    reef__ws_header_t *headers;
    uint32_t header_count;
} reef__ws_upgrade_t;

/**
 * Parse a request head, or as much of it as there is.
 *
 * Linear in all calls together until the empty line is there.  Not to be called
 * again after DONE or REFUSED.
 *
 * @param upgrade Zeroed before the first call.
 * @param data All bytes of the connection so far; may lie elsewhere in each call.
 */
REEF_NODISCARD reef__ws_upgrade_status_t
reef__ws_upgrade_parse(reef__ws_upgrade_t *upgrade,
                       const reef__ws_upgrade_limits_t *limits,
                       const uint8_t *data,
                       size_t size);

/** Refuse for a reason of the caller's own.  @p reason is static text. */
reef__ws_upgrade_status_t reef__ws_upgrade_refuse(reef__ws_upgrade_t *upgrade,
                                                  int http_status,
                                                  const char *reason);

/**
 * Whether a page of @p origin may connect (section 10.2).
 *
 * @param allowed `*`, or a comma list of origins such as `https://example.org`.
 * @param origin Its data is NULL when there was no such header: then no browser is
 *               behind it, and the answer is yes.
 */
bool reef__ws_origin_is_allowed(reef_span_t allowed, reef_span_t origin);

/** The first subprotocol offered that is in the comma list @p supported, or an empty
 * span; borrows from the request. */
reef_span_t reef__ws_upgrade_choose_protocol(const reef__ws_upgrade_t *upgrade,
                                             reef_span_t supported);

/**
 * Write the 101 response of a done handshake.
 *
 * @param protocol The chosen one, at most REEF__WS_MAX_PROTOCOL bytes; empty = none.
 * @param deflate What was negotiated; NULL = no compression.
 * @return Bytes written.
 */
size_t reef__ws_upgrade_write_accept(const reef__ws_upgrade_t *upgrade,
                                     reef_span_t protocol,
                                     const struct reef__ws_deflate_params *deflate,
                                     char out[REEF__WS_RESPONSE_SIZE]);

/** Write the response of a refused handshake, body and all.  Returns its size. */
size_t reef__ws_upgrade_write_refusal(const reef__ws_upgrade_t *upgrade,
                                      char out[REEF__WS_RESPONSE_SIZE]);

#endif /* REEF_CODEC_WS_UPGRADE_H */
