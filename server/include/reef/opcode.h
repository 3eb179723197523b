/**
 * @file opcode.h
 * @brief Typed messages: the binary half of the profile reef.v1.
 *
 * A plugin describes each of its messages by reflected structs and gets a number, an
 * *opcode*, for it.  Clients learn names, numbers and fields from the server's `hello`.
 * On the wire (docs/protocol.md has the tables):
 *
 *     | 0xF8 | opcode, u16 | fields of `type` … | count, u16 | fields of `item` … × |
 *
 * No text begins with 0xF8, so texts and typed messages share a connection; the texts
 * of a client of reef.v1 go to the prefixes of router.h as everybody's do.  Handlers
 * are called by the system `router`, per client in the order of arrival of both.
 *
 *     REEF_COMPONENT(paint_dot, 0, REEF_F32(x, .min = 0, .max = 1), REEF_U8(color));
 *
 *     reef_app_add_opcode(app, &(reef_opcode_desc_t){.name = "paint.dot",
 *                              .type = &paint_dot_type, .handle = on_dot}, failure);
 *     …
 *     dot = reef_opcode_encode(reef_opcode_find(app, "paint.dot"), &value, NULL, 0);
 *
 * A handler sees values that keep to their description: numbers within min and max and
 * finite, booleans 0 or 1, enums and masks of named values, strings of UTF-8.  Whatever
 * else comes is answered by one message `error`, and counted.
 */
#ifndef REEF_OPCODE_H
#define REEF_OPCODE_H

#include <reef/app.h>
#include <reef/message.h>
#include <reef/session.h>

typedef struct reef_opcode reef_opcode_t;

/** `owner` of a message_received that is a typed message: this and its opcode. */
#define REEF_OWNER_TYPED (UINT32_C(1) << 31)

enum {
    REEF_V1_VERSION = 1,
    REEF_FIRST_OPCODE = 16, /* of plugins; those below are the protocol's own */
};

/** Why a message of a client has no effect: `code` of the message `error`. */
typedef enum reef_v1_code {
    REEF_V1_UNKNOWN = 1, /* no such opcode, or not for clients to send; flags not 0 */
    REEF_V1_LENGTH,      /* cut short, too long, or too many items */
    REEF_V1_VALUE,       /* a number, boolean, enum or mask that is none */
    REEF_V1_ENCODING,    /* a text that is not UTF-8, or has a NUL */
    REEF_V1_REFUSED,     /* the plugin says no */
    REEF_V1_WRONG_VERSION,
} reef_v1_code_t;

/** A typed message of a client. */
typedef struct reef_command_binary {
    reef_entity_t entity;
    uint64_t client_id;
    const reef_opcode_t *opcode;
    const void *value; /* of the opcode's type; borrowed during the call, texts too */
    const void *items; /* [item_count] of the opcode's item, likewise */
    uint32_t item_count;
} reef_command_binary_t;

/** Handle one typed message.  Return false to refuse it: the client gets an `error`. */
typedef bool (*reef_opcode_fn)(reef_run_t *run,
                               const reef_command_binary_t *command,
                               void *context);

typedef struct reef_opcode_desc {
    const char *name;        /* "paint.dot": words of a-z, 0-9 and _, joined by dots */
    const char *doc;         /* one line, or NULL */
    const reef_type_t *type; /* fields; NULL = none */
    const reef_type_t *item; /* of what is repeated behind them; NULL = nothing is */
    uint32_t max_items;      /* that a client may send; 0 = 1024 */
    reef_opcode_fn handle;   /* NULL = only the server sends it */
    void *context;
} reef_opcode_desc_t;

/**
 * Register a message, from a plugin's build().  All that @p desc points to is borrowed.
 *
 * @return REEF_OK; REEF_E_EXISTS when the name is taken: the text names both plugins;
 *         REEF_E_INVALID: a bad name, a type with a drop hook or a secret field, an
 *         item without fields, a description of more than 4096 bytes, or the app has
 *         started.
 */
REEF_NODISCARD reef_error_t reef_app_add_opcode(reef_app_t *app,
                                                const reef_opcode_desc_t *desc,
                                                reef_failure_t *failure);

/** The opcode with this name, or NULL; it lives as long as the app. */
const reef_opcode_t *reef_opcode_find(const reef_app_t *app, const char *name);

/** Its number on the wire. */
uint16_t reef_opcode_number(const reef_opcode_t *opcode);

const reef_opcode_desc_t *reef_opcode_desc(const reef_opcode_t *opcode);

/** A client speaks reef.v1 from now on, so typed messages reach it.  Of a WebSocket
 * this comes with `user_connected`; of others with their hello, which may be much
 * later. */
typedef struct v1_agreed {
    reef_entity_t entity;
    uint64_t client_id;
} v1_agreed_t;

extern const reef_event_type_t v1_agreed_event;

/* Encoding.  Any thread; values are the caller's and are not validated, but what does
 * not fit its description would not be understood. ------------------------------- */

/** The message of a value and @p count items as a payload, one reference, the caller's.
 *  @p value may be NULL where there is no type, @p items where @p count is 0. */
reef_buffer_t *reef_opcode_encode(const reef_opcode_t *opcode,
                                  const void *value,
                                  const void *items,
                                  uint32_t count);

/** Send it to one client, reliably, like reef_send(). */
void reef_send_opcode(reef_run_t *run,
                      reef_entity_t target,
                      const reef_opcode_t *opcode,
                      const void *value,
                      const void *items,
                      uint32_t count);

/* The same in pieces, for those who encode an item once and send it to many: a message
 * is a head and as many items as the head says. */

/** Bytes of the head of a message: all that comes before the first item. */
size_t reef_opcode_head_size(const reef_opcode_t *opcode, const void *value);

/** Write the head to @p out; returns where it ends.  @p count is at most 65535, and 0
 *  for an opcode without items. */
uint8_t *reef_opcode_write_head(const reef_opcode_t *opcode,
                                const void *value,
                                uint32_t count,
                                uint8_t *out);

/** Bytes of an item; always the same where it has no strings and no texts. */
size_t reef_opcode_item_size(const reef_opcode_t *opcode, const void *item);

/** Write an item to @p out; returns where it ends. */
uint8_t *
reef_opcode_write_item(const reef_opcode_t *opcode, const void *item, uint8_t *out);

#endif /* REEF_OPCODE_H */
