/**
 * @file opcode.h
 * @brief The registry of typed messages, and what is said in reef.v1 by the server
 *        itself.  World thread, unless told otherwise.
 */
#ifndef REEF_SRC_OPCODE_H
#define REEF_SRC_OPCODE_H

#include <reef/metrics.h>
#include <reef/opcode.h>

#include "codec/reef_v1.h"

enum {
    REEF__OPCODE_HELLO = 0,
    REEF__OPCODE_ERROR = 1,
    REEF__HELLO_MAGIC = 0x46454552, /* "REEF" */
    REEF__MAX_HELLOS = 8,           /* that one session is answered */
    REEF__MAX_ERRORS = 8,           /* that one session is told of in a second */
};

/** What a client says first where nothing else tells that it speaks reef.v1. */
REEF_COMPONENT(v1_client_hello,
               0,
               REEF_U32(magic, .doc = "0x46454552, the bytes \"REEF\""),
               REEF_U16(version, .doc = "1"));

/** The server's: one message or several, until all opcodes are told. */
REEF_COMPONENT(v1_hello,
               0,
               REEF_U16(version, .doc = "of the protocol: 1"),
               REEF_U64(client_id, .doc = "of this client"),
               REEF_U16(opcode_count,
                        .doc = "items that come in all, in this and "
                               "further messages"));
REEF_COMPONENT(v1_opcode,
               0,
               REEF_U16(opcode),
               REEF_BOOL(is_heard, .doc = "clients may send it"),
               REEF_STRING(name, 64),
               REEF_TEXT(fields, REEF__V1_MAX_SIGNATURE, .doc = "see Signatures"),
               REEF_TEXT(items,
                         REEF__V1_MAX_SIGNATURE,
                         .doc = "fields of what is repeated; empty = nothing is"));

static const reef_enum_value_t reef__v1_codes[] = {
    {"unknown", REEF_V1_UNKNOWN}, {"length", REEF_V1_LENGTH},
    {"value", REEF_V1_VALUE},     {"encoding", REEF_V1_ENCODING},
    {"refused", REEF_V1_REFUSED}, {"wrong_version", REEF_V1_WRONG_VERSION},
};

/** What had no effect, and why. */
REEF_COMPONENT(v1_error,
               0,
               REEF_ENUM(code, reef__v1_codes),
               REEF_U16(opcode, .doc = "of the message in question; 65535 = a text"),
               REEF_STRING(text, 160, .doc = "for people"));

struct reef_opcode {
    reef_opcode_desc_t desc;
    const char *plugin;
    reef__v1_plan_t *value_plan;
    reef__v1_plan_t *item_plan; /* NULL = there are none */
    uint16_t number;
};

/** What a session has been told; all zero at first. */
typedef struct reef__v1_session {
    uint32_t error_second; /* in which the errors were */
    uint8_t error_count;
    uint8_t hello_count;
    bool has_spoken; /* its first message has passed */
} reef__v1_session_t;

typedef struct reef__opcodes {
    reef_app_t *app;
    const reef_alloc_t *alloc;
    reef_opcode_t hello;
    reef_opcode_t error;
    struct {
        reef_opcode_t **items; /* of plugins: number - REEF_FIRST_OPCODE */
        size_t count, capacity;
    } opcodes;
    struct {
        reef_buffer_t **items; /* the hello, made once; without the client's id */
        size_t count, capacity;
    } hellos;
    uint8_t *value; /* of a message being handled, [value_capacity] */
    uint8_t *items;
    size_t value_capacity, items_capacity;
    reef_metric_t *metric_messages;
    reef_metric_t *metric_errors;
} reef__opcodes_t;

/** Own it: reef__opcodes_destroy(). */
reef__opcodes_t *reef__opcodes_create(reef_app_t *app);

/** Accepts NULL. */
void reef__opcodes_destroy(reef__opcodes_t *opcodes);

/** Whether plugins have opcodes: otherwise nobody speaks reef.v1.  Any thread once the
 *  app is started. */
bool reef__opcodes_exist(const reef__opcodes_t *opcodes);

/** Whether bytes are a typed message. */
static inline bool reef__is_typed(reef_span_t payload)
{
    return payload.size > 0 && payload.data[0] >= REEF__V1_FIRST_BYTE;
}

/** The opcode of a typed message, as it stands there; 0 when it is cut short, and
 *  REEF__OPCODE_OF_TEXTS when the message is none. */
uint16_t reef__typed_opcode(reef_span_t payload);

/** Whether bytes are a client's hello, of whichever version. */
bool reef__is_client_hello(reef_span_t payload, uint16_t *version);

/** Handle one message of a client of reef.v1 that is no text. */
void reef__opcodes_dispatch(reef__opcodes_t *opcodes,
                            reef_run_t *run,
                            const message_received_t *message);

/** Tell a client the opcodes, unless it has heard them too often. */
void reef__opcodes_welcome(reef__opcodes_t *opcodes,
                           reef__v1_session_t *session,
                           reef_entity_t entity,
                           uint64_t client_id);

enum {
    REEF__OPCODE_OF_TEXTS = UINT16_MAX /* in an error */
};

/** Tell a client what is wrong with its message, unless it is told too often; counted
 *  in any case. */
REEF_PRINTF(6, 7)
void reef__opcodes_fail(reef__opcodes_t *opcodes,
                        reef__v1_session_t *session,
                        reef_entity_t entity,
                        reef_v1_code_t code,
                        uint16_t opcode,
                        const char *format,
                        ...);

/** Print all messages as the tables of docs/protocol.md. */
void reef__opcodes_print(const reef__opcodes_t *opcodes);

#endif /* REEF_SRC_OPCODE_H */
