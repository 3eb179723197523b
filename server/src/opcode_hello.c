/*
 * What the server says in reef.v1 of its own accord.  The hello is the same for all
 * clients but for the id of each: it is made once, in pieces that fit a datagram, and
 * copied with the id put in.
 */
#include "opcode.h"

#include "app.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

enum {
    PIECE = 1200,                                /* bytes that any datagram may have */
    ID_AT = REEF__V1_HEAD_SIZE + 2,              /* of client_id in a hello */
    HELLO_HEAD = REEF__V1_HEAD_SIZE + 2 + 8 + 2, /* then the count of items */
    CLIENT_HELLO = REEF__V1_HEAD_SIZE + 4 + 2,
};

#define SECOND_NS UINT64_C(1000000000)

const reef_event_type_t v1_agreed_event = {
    .name = "v1_agreed",
    .size = sizeof(v1_agreed_t),
};

bool reef__is_client_hello(reef_span_t payload, uint16_t *version)
{
    static const uint8_t head[] = {REEF__V1_FIRST_BYTE, 0, 0, 'R', 'E', 'E', 'F'};

    if (payload.size != CLIENT_HELLO ||
        !reef_span_starts_with(payload, reef_span(head, sizeof(head)))) {
        return false;
    }
    *version = (uint16_t)(payload.data[7] | payload.data[8] << 8);
    return true;
}

/* The item of an opcode; its texts are borrowed from @p fields and @p items. */
static v1_opcode_t
item_of(const reef_opcode_t *opcode, char fields[static 1], char items[static 1])
{
    v1_opcode_t item = {.opcode = opcode->number,
                        .is_heard = opcode->desc.handle != NULL};

    snprintf(item.name, sizeof(item.name), "%s", opcode->desc.name);
    item.fields =
        (reef_text_t){.data = fields,
                      .size = (uint32_t)reef__v1_describe(opcode->desc.type, fields,
                                                          REEF__V1_MAX_SIGNATURE + 1)};
    item.items =
        (reef_text_t){.data = items,
                      .size = (uint32_t)reef__v1_describe(opcode->desc.item, items,
                                                          REEF__V1_MAX_SIGNATURE + 1)};
    return item;
}

typedef struct piece {
    uint8_t bytes[PIECE + sizeof(v1_opcode_t) + 2 * (size_t)REEF__V1_MAX_SIGNATURE];
    uint32_t count;
    size_t size; /* of the items, which stand behind the head and the count */
} piece_t;

static void end_piece(reef__opcodes_t *opcodes, piece_t *piece)
{
    v1_hello_t hello = {.version = REEF_V1_VERSION,
                        .opcode_count = (uint16_t)opcodes->opcodes.count};

    reef_opcode_write_head(&opcodes->hello, &hello, piece->count, piece->bytes);
    *REEF_ARRAY_PUSH(opcodes->alloc, &opcodes->hellos) = reef_buffer_create(
        REEF_PAYLOAD_BINARY, reef_span(piece->bytes, HELLO_HEAD + 2 + piece->size));
    piece->count = 0;
    piece->size = 0;
}

static void make_hellos(reef__opcodes_t *opcodes)
{
    char fields[REEF__V1_MAX_SIGNATURE + 1];
    char items[REEF__V1_MAX_SIGNATURE + 1];
    piece_t piece;

    piece.count = 0;
    piece.size = 0;
    for (size_t i = 0; i < opcodes->opcodes.count; i++) {
        v1_opcode_t item = item_of(opcodes->opcodes.items[i], fields, items);
        size_t size = reef_opcode_item_size(&opcodes->hello, &item);

        if (piece.count > 0 && HELLO_HEAD + 2 + piece.size + size > PIECE) {
            end_piece(opcodes, &piece);
        }
        reef_opcode_write_item(&opcodes->hello, &item,
                               piece.bytes + HELLO_HEAD + 2 + piece.size);
        piece.size += size;
        piece.count++;
    }
    end_piece(opcodes, &piece);
}

static reef_buffer_t *hello_for(reef_buffer_t *hello, uint64_t client_id)
{
    reef_span_t payload = reef_buffer_payload(hello);
    uint8_t *bytes = reef_resize(reef_alloc_default(), NULL, 0, payload.size);
    reef_buffer_t *result;

    memcpy(bytes, payload.data, payload.size);
    for (int i = 0; i < 8; i++) {
        bytes[ID_AT + i] = (uint8_t)(client_id >> 8 * i);
    }
    result = reef_buffer_create(REEF_PAYLOAD_BINARY, reef_span(bytes, payload.size));
    reef_resize(reef_alloc_default(), bytes, payload.size, 0);
    return result;
}

void reef__opcodes_welcome(reef__opcodes_t *opcodes,
                           reef__v1_session_t *session,
                           reef_entity_t entity,
                           uint64_t client_id)
{
    if (session->hello_count >= REEF__MAX_HELLOS) {
        return;
    }
    if (session->hello_count++ == 0) {
        (void)reef_event_emit(reef_world_events(opcodes->app->world, &v1_agreed_event),
                              &(v1_agreed_t){.entity = entity, .client_id = client_id});
    }
    if (opcodes->hellos.count == 0) {
        make_hellos(opcodes);
    }
    for (size_t i = 0; i < opcodes->hellos.count; i++) {
        reef_world_send(opcodes->app->world,
                        &(send_message_t){
                            .target = entity,
                            .payload = hello_for(opcodes->hellos.items[i], client_id)});
    }
}

/* Whether a session may be told of one more error in this second. */
static bool may_tell(const reef_app_t *app, reef__v1_session_t *session)
{
    uint32_t second = (uint32_t)(app->now_ns / SECOND_NS);

    if (session->error_second != second) {
        session->error_second = second;
        session->error_count = 0;
    }
    if (session->error_count >= REEF__MAX_ERRORS) {
        return false;
    }
    session->error_count++;
    return true;
}

void reef__opcodes_fail(reef__opcodes_t *opcodes,
                        reef__v1_session_t *session,
                        reef_entity_t entity,
                        reef_v1_code_t code,
                        uint16_t opcode,
                        const char *format,
                        ...)
{
    v1_error_t error = {.code = (int32_t)code, .opcode = opcode};
    va_list args;

    reef_metric_add(opcodes->metric_errors, 1);
    if (!may_tell(opcodes->app, session)) {
        return;
    }
    va_start(args, format);
    vsnprintf(error.text, sizeof(error.text), format, args);
    va_end(args);
    reef_world_send(opcodes->app->world,
                    &(send_message_t){.target = entity,
                                      .payload = reef_opcode_encode(&opcodes->error,
                                                                    &error, NULL, 0)});
}
