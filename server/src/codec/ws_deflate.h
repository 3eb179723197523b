/**
 * @file ws_deflate.h
 * @brief Compressed messages, without I/O: permessage-deflate (RFC 7692).
 *
 * A listener's loop owns one reef__ws_deflate_shared_t; a connection that negotiated
 * the extension owns one reef__ws_deflate_t and lets its reader see it:
 *
 *     if (reef__ws_deflate_negotiate(&upgrade, config, &params)) {
 *         connection->deflate = reef__ws_deflate_create(shared, &params);
 *         connection->reader.deflate = connection->deflate;
 *     }
 *     reef__ws_upgrade_write_accept(&upgrade, protocol, negotiated ? &params : NULL,
 * …);
 *
 * The reader then inflates by itself.  To send:
 *
 *     if (deflate != NULL && reef__ws_deflate_wants(deflate, payload.size)) {
 *         size = reef__ws_deflate_compress(deflate, payload, memory of
 *                                          reef__ws_deflate_bound(payload.size) bytes);
 *         if (size > 0) { frame of opcode | REEF__WS_RSV1 with these bytes; done }
 *     }
 *     frame of the payload as it is
 *
 * A direction with context takeover holds its window from its first compressed message
 * on; one without holds nothing between messages.  All that share a
 * reef__ws_deflate_shared_t are used by one thread.
 */
#ifndef REEF_CODEC_WS_DEFLATE_H
#define REEF_CODEC_WS_DEFLATE_H

#include <reef/alloc.h>
#include <reef/attrs.h>
#include <reef/span.h>

#include "codec/ws_upgrade.h"

/** Zero is valid: the extension is declined. */
typedef struct reef__ws_deflate_config {
    bool enabled;
    bool context_takeover; /* false: neither side keeps its window between messages */
    uint8_t level;         /* 1 (fast) to 9 (small); 0 = 6 */
    uint32_t min_size;     /* bytes; shorter messages are sent as they are */
    uint32_t memory;       /* bytes of compressor and inflater that one connection may
                              hold; 0 = as many as they want, about 300 KiB */
} reef__ws_deflate_config_t;

/** What was agreed (section 7.1), and what we chose for ourselves. */
typedef struct reef__ws_deflate_params {
    bool server_no_context_takeover;
    bool client_no_context_takeover;
    bool tells_server_max_window_bits; /* it is in the response */
    bool tells_client_max_window_bits;
    uint8_t server_max_window_bits; /* the compressor's: 9 to 15 */
    uint8_t client_max_window_bits; /* the peer's, so the inflater's: 8 to 15 */
    uint8_t memory_level;           /* zlib's memLevel of a compressor with context */
} reef__ws_deflate_params_t;

enum {
    REEF__WS_DEFLATE_RESPONSE_SIZE = 160, /* holds the header line, with its NUL */
};

/**
 * Accept the first offer that we can, with what fits config->memory.
 *
 * @param upgrade Done; the order of its offers is the client's preference.
 * @return false when the extension is not to be used.
 */
REEF_NODISCARD bool reef__ws_deflate_negotiate(const reef__ws_upgrade_t *upgrade,
                                               const reef__ws_deflate_config_t *config,
                                               reef__ws_deflate_params_t *params);

/** Write the header line of the response, with CR LF and a NUL.  Returns its size
 *  without the NUL. */
size_t reef__ws_deflate_write_response(const reef__ws_deflate_params_t *params,
                                       char out[REEF__WS_DEFLATE_RESPONSE_SIZE]);

/** What the connections of one thread share: scratch memory, and states for messages
 *  without context. */
typedef struct reef__ws_deflate_shared reef__ws_deflate_shared_t;

/** @p alloc and *config: borrowed and copied.  Owned by the caller. */
reef__ws_deflate_shared_t *
reef__ws_deflate_shared_create(const reef_alloc_t *alloc,
                               const reef__ws_deflate_config_t *config);
/** After all connections.  Accepts NULL. */
void reef__ws_deflate_shared_destroy(reef__ws_deflate_shared_t *shared);

/** A connection's two directions. */
typedef struct reef__ws_deflate reef__ws_deflate_t;

/** Small until messages come.  Owned by the caller; @p shared is borrowed. */
reef__ws_deflate_t *reef__ws_deflate_create(reef__ws_deflate_shared_t *shared,
                                            const reef__ws_deflate_params_t *params);
/** Release it; its reader is used no more.  Accepts NULL. */
void reef__ws_deflate_destroy(reef__ws_deflate_t *deflate);

/** Whether a message of @p size bytes is worth compressing. */
bool reef__ws_deflate_wants(const reef__ws_deflate_t *deflate, size_t size);

/**
 * What identifies the compressed form of a message of @p size bytes: connections of one
 * reef__ws_deflate_shared_t with the same key, other than 0, get the same bytes, so
 * that it can be compressed once for all of them.  0 = only for this connection.
 */
uint32_t reef__ws_deflate_share_key(const reef__ws_deflate_t *deflate, size_t size);

/** Bytes that compressing @p size bytes may need. */
size_t reef__ws_deflate_bound(size_t size);

/**
 * Compress a message into the payload of a frame with RSV1 (section 7.2.1).
 *
 * @param out At least reef__ws_deflate_bound(payload.size) bytes.
 * @return Bytes written; 0 when it would not be smaller and the message is to be sent
 * as it is.  Never 0 with context takeover: the peer needs what our window has, so the
 * frame must be sent, and in this order.
 */
REEF_NODISCARD size_t reef__ws_deflate_compress(reef__ws_deflate_t *deflate,
                                                reef_span_t payload,
                                                uint8_t *out);

typedef enum reef__ws_inflate_status {
    REEF__WS_INFLATE_DONE,   /* all input is used up; the message too, if @p last */
    REEF__WS_INFLATE_MORE,   /* *out is full: call again for what follows */
    REEF__WS_INFLATE_BROKEN, /* no valid data after those in *out */
} reef__ws_inflate_status_t;

/**
 * Inflate a part of a message; for the reader.
 *
 * @param in Payload bytes of the message in order; advanced past what was used.
 * @param last Nothing of the message comes after *in.
 * @param out What came of it, also when it is broken.  Borrowed until the next call
 * with any connection of the same reef__ws_deflate_shared_t.
 */
REEF_NODISCARD reef__ws_inflate_status_t reef__ws_deflate_inflate(
    reef__ws_deflate_t *deflate, reef_span_t *in, bool last, reef_span_t *out);

/* For reef__ws_deflate_negotiate(): what a direction holds at most, in bytes. */
uint32_t reef__ws_deflate_compressor_size(unsigned window_bits, unsigned memory_level);
uint32_t reef__ws_deflate_inflater_size(unsigned window_bits);

#endif /* REEF_CODEC_WS_DEFLATE_H */
