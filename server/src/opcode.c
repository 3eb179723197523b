/*
 * The registry is a list in order of numbers.  A typed message is decoded when it is
 * its turn in the router, into memory that the next one uses again; a handler sees what
 * those before it did, as with texts.
 */
#include "opcode.h"

#include "app.h"
#include "session_table.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

enum {
    DEFAULT_MAX_ITEMS = 1024,
    MAX_NAME = sizeof(((v1_opcode_t *)NULL)->name) - 1,
};

/* Life ------------------------------------------------------------------------- */

static void finish_opcode(reef_opcode_t *opcode)
{
    reef__v1_plan_destroy(opcode->value_plan);
    reef__v1_plan_destroy(opcode->item_plan);
}

static reef_error_t
make_plans(reef_opcode_t *opcode, const reef_alloc_t *alloc, reef_failure_t *failure)
{
    const reef_opcode_desc_t *desc = &opcode->desc;
    char signature[REEF__V1_MAX_SIGNATURE + 1];
    reef_error_t error =
        reef__v1_plan_create(desc->type, alloc, &opcode->value_plan, failure);

    if (error == REEF_OK && desc->item != NULL) {
        error = reef__v1_plan_create(desc->item, alloc, &opcode->item_plan, failure);
    }
    if (error == REEF_OK && desc->item != NULL && desc->item->field_count == 0) {
        error = reef_fail(failure, REEF_E_INVALID, "an item has no fields");
    }
    for (int i = 0; i < 2 && error == REEF_OK; i++) {
        const reef_type_t *type = i == 0 ? desc->type : desc->item;

        if (type != NULL && type->field_count > 0 &&
            reef__v1_describe(type, signature, sizeof(signature)) == 0) {
            error = reef_fail(failure, REEF_E_INVALID, "the description is too long");
        }
    }
    if (error != REEF_OK) {
        finish_opcode(opcode);
    }
    return error;
}

/* One of the protocol's own. */
static void make_own(reef__opcodes_t *opcodes,
                     reef_opcode_t *opcode,
                     uint16_t number,
                     const reef_opcode_desc_t *desc)
{
    reef_error_t error;

    *opcode = (reef_opcode_t){.desc = *desc, .plugin = "core", .number = number};
    error = make_plans(opcode, opcodes->alloc, NULL);
    assert(error == REEF_OK);
    (void)error;
}

reef__opcodes_t *reef__opcodes_create(reef_app_t *app)
{
    reef__opcodes_t *opcodes = reef_resize(app->alloc, NULL, 0, sizeof(*opcodes));

    *opcodes = (reef__opcodes_t){.app = app, .alloc = app->alloc};
    make_own(opcodes, &opcodes->hello, REEF__OPCODE_HELLO,
             &(reef_opcode_desc_t){.name = "hello",
                                   .doc = "What the server can say and hear.",
                                   .type = &v1_hello_type,
                                   .item = &v1_opcode_type});
    make_own(opcodes, &opcodes->error, REEF__OPCODE_ERROR,
             &(reef_opcode_desc_t){.name = "error",
                                   .doc = "A message of the client had no effect.",
                                   .type = &v1_error_type});
    opcodes->metric_messages = reef_metrics_ensure(
        app->metrics, &(reef_metric_desc_t){.name = "reef_v1_messages_total",
                                            .help = "Typed messages handled."});
    opcodes->metric_errors = reef_metrics_ensure(
        app->metrics,
        &(reef_metric_desc_t){.name = "reef_v1_errors_total",
                              .help = "Messages of clients of reef.v1 refused."});
    return opcodes;
}

void reef__opcodes_destroy(reef__opcodes_t *opcodes)
{
    if (opcodes == NULL) {
        return;
    }
    for (size_t i = 0; i < opcodes->opcodes.count; i++) {
        reef_opcode_t *opcode = opcodes->opcodes.items[i];

        finish_opcode(opcode);
        reef_resize(opcodes->alloc, opcode, sizeof(*opcode), 0);
    }
    for (size_t i = 0; i < opcodes->hellos.count; i++) {
        reef_buffer_unref(opcodes->hellos.items[i]);
    }
    finish_opcode(&opcodes->hello);
    finish_opcode(&opcodes->error);
    REEF_ARRAY_FINISH(opcodes->alloc, &opcodes->opcodes);
    REEF_ARRAY_FINISH(opcodes->alloc, &opcodes->hellos);
    reef_resize(opcodes->alloc, opcodes->value, opcodes->value_capacity, 0);
    reef_resize(opcodes->alloc, opcodes->items, opcodes->items_capacity, 0);
    reef_resize(opcodes->alloc, opcodes, sizeof(*opcodes), 0);
}

bool reef__opcodes_exist(const reef__opcodes_t *opcodes)
{
    return opcodes->opcodes.count > 0;
}

/* Registering ------------------------------------------------------------------ */

/* Words of a-z, 0-9 and _, joined by dots. */
static bool is_name(const char *name)
{
    char before = '.';

    for (const char *at = name; *at != '\0'; at++) {
        bool is_word =
            (*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9') || *at == '_';

        if (!is_word && (*at != '.' || before == '.')) {
            return false;
        }
        before = *at;
    }
    return before != '.' && strlen(name) <= MAX_NAME;
}

static const reef_opcode_t *find(const reef__opcodes_t *opcodes, const char *name)
{
    if (strcmp(name, opcodes->hello.desc.name) == 0) {
        return &opcodes->hello;
    }
    if (strcmp(name, opcodes->error.desc.name) == 0) {
        return &opcodes->error;
    }
    for (size_t i = 0; i < opcodes->opcodes.count; i++) {
        if (strcmp(opcodes->opcodes.items[i]->desc.name, name) == 0) {
            return opcodes->opcodes.items[i];
        }
    }
    return NULL;
}

static reef_error_t check(const reef_app_t *app,
                          const reef_opcode_desc_t *desc,
                          const char *plugin,
                          reef_failure_t *failure)
{
    const reef_opcode_t *taken = find(app->opcodes, desc->name);

    if (app->state != REEF__APP_ADDING) {
        return reef_fail(failure, REEF_E_INVALID,
                         "plugin %s: the app has started, it is too late for the "
                         "message '%s'",
                         plugin, desc->name);
    }
    if (!is_name(desc->name)) {
        return reef_fail(failure, REEF_E_INVALID,
                         "plugin %s: '%s' is no name of a message", plugin, desc->name);
    }
    if (taken != NULL) {
        return reef_fail(failure, REEF_E_EXISTS,
                         "plugin %s: the message '%s' belongs to plugin %s", plugin,
                         desc->name, taken->plugin);
    }
    if (app->opcodes->opcodes.count >= REEF__OPCODE_OF_TEXTS - REEF_FIRST_OPCODE) {
        return reef_fail(failure, REEF_E_INVALID, "plugin %s: too many messages",
                         plugin);
    }
    return REEF_OK;
}

reef_error_t reef_app_add_opcode(reef_app_t *app,
                                 const reef_opcode_desc_t *desc,
                                 reef_failure_t *failure)
{
    reef__opcodes_t *opcodes = app->opcodes;
    const char *plugin = app->building ? app->building : "application";
    reef_failure_t inner = {0};
    reef_opcode_t *opcode;
    reef_error_t error = check(app, desc, plugin, failure);

    if (error != REEF_OK) {
        return error;
    }
    opcode = reef_resize(opcodes->alloc, NULL, 0, sizeof(*opcode));
    *opcode = (reef_opcode_t){
        .desc = *desc,
        .plugin = plugin,
        .number = (uint16_t)(REEF_FIRST_OPCODE + opcodes->opcodes.count)};
    if (desc->max_items == 0) {
        opcode->desc.max_items = DEFAULT_MAX_ITEMS;
    }
    error = make_plans(opcode, opcodes->alloc, &inner);
    if (error != REEF_OK) {
        reef_resize(opcodes->alloc, opcode, sizeof(*opcode), 0);
        return reef_fail(failure, error, "plugin %s: message '%s': %s", plugin,
                         desc->name, inner.text);
    }
    *REEF_ARRAY_PUSH(opcodes->alloc, &opcodes->opcodes) = opcode;
    return REEF_OK;
}

const reef_opcode_t *reef_opcode_find(const reef_app_t *app, const char *name)
{
    return find(app->opcodes, name);
}

uint16_t reef_opcode_number(const reef_opcode_t *opcode)
{
    return opcode->number;
}

const reef_opcode_desc_t *reef_opcode_desc(const reef_opcode_t *opcode)
{
    return &opcode->desc;
}

/* Encoding --------------------------------------------------------------------- */

static uint8_t *put_u16(uint8_t *out, uint32_t value)
{
    out[0] = (uint8_t)value;
    out[1] = (uint8_t)(value >> 8);
    return out + 2;
}

size_t reef_opcode_head_size(const reef_opcode_t *opcode, const void *value)
{
    return REEF__V1_HEAD_SIZE + reef__v1_size(opcode->value_plan, value) +
           (opcode->item_plan != NULL ? sizeof(uint16_t) : 0);
}

uint8_t *reef_opcode_write_head(const reef_opcode_t *opcode,
                                const void *value,
                                uint32_t count,
                                uint8_t *out)
{
    assert(count <= (opcode->item_plan != NULL ? (uint32_t)REEF__V1_MAX_ITEMS : 0));
    *out++ = REEF__V1_FIRST_BYTE;
    out = put_u16(out, opcode->number);
    out = reef__v1_write(opcode->value_plan, value, out);
    return opcode->item_plan != NULL ? put_u16(out, count) : out;
}

size_t reef_opcode_item_size(const reef_opcode_t *opcode, const void *item)
{
    return reef__v1_size(opcode->item_plan, item);
}

uint8_t *
reef_opcode_write_item(const reef_opcode_t *opcode, const void *item, uint8_t *out)
{
    return reef__v1_write(opcode->item_plan, item, out);
}

static const void *
item_at(const reef_opcode_t *opcode, const void *items, uint32_t index)
{
    return (const uint8_t *)items + (size_t)index * opcode->desc.item->size;
}

reef_buffer_t *reef_opcode_encode(const reef_opcode_t *opcode,
                                  const void *value,
                                  const void *items,
                                  uint32_t count)
{
    size_t size = reef_opcode_head_size(opcode, value);
    reef_buffer_t *buffer;
    uint8_t small[256];
    uint8_t *bytes = small;
    uint8_t *at;

    for (uint32_t i = 0; i < count; i++) {
        size += reef_opcode_item_size(opcode, item_at(opcode, items, i));
    }
    if (size > sizeof(small)) {
        bytes = reef_resize(reef_alloc_default(), NULL, 0, size);
    }
    at = reef_opcode_write_head(opcode, value, count, bytes);
    for (uint32_t i = 0; i < count; i++) {
        at = reef_opcode_write_item(opcode, item_at(opcode, items, i), at);
    }
    assert(at == bytes + size);
    buffer = reef_buffer_create(REEF_PAYLOAD_BINARY, reef_span(bytes, size));
    if (bytes != small) {
        reef_resize(reef_alloc_default(), bytes, size, 0);
    }
    return buffer;
}

void reef_send_opcode(reef_run_t *run,
                      reef_entity_t target,
                      const reef_opcode_t *opcode,
                      const void *value,
                      const void *items,
                      uint32_t count)
{
    (void)REEF_EMIT(run, send_message, .target = target,
                    .payload = reef_opcode_encode(opcode, value, items, count));
}

/* Handling --------------------------------------------------------------------- */

uint16_t reef__typed_opcode(reef_span_t payload)
{
    if (!reef__is_typed(payload)) {
        return REEF__OPCODE_OF_TEXTS;
    }
    if (payload.size < REEF__V1_HEAD_SIZE) {
        return 0;
    }
    return (uint16_t)(payload.data[1] | payload.data[2] << 8);
}

/* The opcode that a client may send, or NULL. */
static const reef_opcode_t *heard_opcode(const reef__opcodes_t *opcodes,
                                         uint16_t number)
{
    size_t index = (size_t)number - REEF_FIRST_OPCODE;

    return number >= REEF_FIRST_OPCODE && index < opcodes->opcodes.count &&
                   opcodes->opcodes.items[index]->desc.handle != NULL
               ? opcodes->opcodes.items[index]
               : NULL;
}

static uint8_t *
reserve(const reef_alloc_t *alloc, uint8_t **memory, size_t *capacity, size_t size)
{
    if (*capacity < size) {
        *memory = reef_resize(alloc, *memory, *capacity, size);
        *capacity = size;
    }
    return *memory;
}

static reef__v1_fault_t wrong_length(const char *text)
{
    return (reef__v1_fault_t){.code = REEF_V1_LENGTH, .text = text};
}

/* Take count and items off the input.  `command->item_count` says how many of them are
 * to be released, whatever happens. */
static reef__v1_fault_t read_items(reef__opcodes_t *opcodes,
                                   const reef_opcode_t *opcode,
                                   reef_span_t *input,
                                   reef_command_binary_t *command)
{
    size_t size = opcode->desc.item->size;
    reef__v1_fault_t fault = {0};
    bool is_fixed;
    uint32_t count;
    uint8_t *items;

    if (input->size < sizeof(uint16_t)) {
        return wrong_length("cut short");
    }
    count = (uint32_t)(input->data[0] | input->data[1] << 8);
    *input = reef_span_skip(*input, sizeof(uint16_t));
    if (count > opcode->desc.max_items) {
        return wrong_length("too many items");
    }
    if (count * reef__v1_least_size(opcode->item_plan, &is_fixed) > input->size) {
        return wrong_length("cut short"); /* before memory is taken for them */
    }
    items = reserve(opcodes->alloc, &opcodes->items, &opcodes->items_capacity,
                    count * size);
    command->items = items;
    for (uint32_t i = 0; i < count && fault.code == 0; i++) {
        fault = reef__v1_read(opcode->item_plan, input, items + i * size);
        command->item_count++;
    }
    return fault;
}

static reef__v1_fault_t decode(reef__opcodes_t *opcodes,
                               const reef_opcode_t *opcode,
                               reef_span_t input,
                               reef_command_binary_t *command)
{
    const reef_type_t *type = opcode->desc.type;
    uint8_t *value = reserve(opcodes->alloc, &opcodes->value, &opcodes->value_capacity,
                             type != NULL && type->size > 0 ? type->size : 1);
    reef__v1_fault_t fault = reef__v1_read(opcode->value_plan, &input, value);

    command->opcode = opcode;
    command->value = value;
    if (fault.code == 0 && opcode->item_plan != NULL) {
        fault = read_items(opcodes, opcode, &input, command);
    }
    if (fault.code == 0 && input.size > 0) {
        fault = wrong_length("bytes behind the end");
    }
    return fault;
}

static void release(reef__opcodes_t *opcodes, const reef_command_binary_t *command)
{
    const reef_opcode_desc_t *desc = &command->opcode->desc;

    if (desc->type != NULL && reef_type_has_texts(desc->type)) {
        reef_type_drop_texts(desc->type, opcodes->value);
    }
    if (command->item_count > 0 && reef_type_has_texts(desc->item)) {
        for (uint32_t i = 0; i < command->item_count; i++) {
            reef_type_drop_texts(desc->item,
                                 opcodes->items + (size_t)i * desc->item->size);
        }
    }
}

static void handle(reef__opcodes_t *opcodes,
                   reef_run_t *run,
                   const message_received_t *message,
                   const reef_opcode_t *opcode,
                   reef__v1_session_t *session)
{
    reef_span_t payload = reef_buffer_payload(message->payload);
    reef_command_binary_t command = {.entity = message->entity,
                                     .client_id = message->client_id};
    reef__v1_fault_t fault =
        decode(opcodes, opcode, reef_span_skip(payload, REEF__V1_HEAD_SIZE), &command);

    if (fault.code != 0) {
        reef__opcodes_fail(opcodes, session, message->entity, fault.code,
                           opcode->number, "%s%s%s: %s", opcode->desc.name,
                           fault.field ? "." : "", fault.field ? fault.field->name : "",
                           fault.text);
    } else if (opcode->desc.handle(run, &command, opcode->desc.context)) {
        reef_metric_add(opcodes->metric_messages, 1);
    } else {
        reef__opcodes_fail(opcodes, session, message->entity, REEF_V1_REFUSED,
                           opcode->number, "%s: refused", opcode->desc.name);
    }
    release(opcodes, &command);
}

static void handle_hello(reef__opcodes_t *opcodes,
                         const message_received_t *message,
                         reef__v1_session_t *session)
{
    uint16_t version = 0;

    if (!reef__is_client_hello(reef_buffer_payload(message->payload), &version)) {
        reef__opcodes_fail(opcodes, session, message->entity, REEF_V1_LENGTH,
                           REEF__OPCODE_HELLO, "hello: not understood");
    } else if (version != REEF_V1_VERSION) {
        reef__opcodes_fail(opcodes, session, message->entity, REEF_V1_WRONG_VERSION,
                           REEF__OPCODE_HELLO, "this server speaks version %d",
                           REEF_V1_VERSION);
    } else {
        reef__opcodes_welcome(opcodes, session, message->entity, message->client_id);
    }
}

void reef__opcodes_dispatch(reef__opcodes_t *opcodes,
                            reef_run_t *run,
                            const message_received_t *message)
{
    reef__sessions_t *sessions = opcodes->app->sessions;
    uint32_t slot = reef__sessions_slot_of(sessions, message->entity);
    reef_span_t payload = reef_buffer_payload(message->payload);
    uint16_t number = reef__typed_opcode(payload);
    const reef_opcode_t *opcode = heard_opcode(opcodes, number);
    reef__v1_session_t *session;

    if (slot == REEF__NO_SLOT) {
        return;
    }
    session = &reef__link_at(sessions, slot)->v1;
    if (!reef__is_typed(payload)) {
        reef__opcodes_fail(opcodes, session, message->entity, REEF_V1_ENCODING, number,
                           "neither UTF-8 nor a typed message");
    } else if (payload.size < REEF__V1_HEAD_SIZE) {
        reef__opcodes_fail(opcodes, session, message->entity, REEF_V1_LENGTH, number,
                           "no opcode");
    } else if (payload.data[0] != REEF__V1_FIRST_BYTE) {
        reef__opcodes_fail(opcodes, session, message->entity, REEF_V1_UNKNOWN, number,
                           "unknown flags");
    } else if (number == REEF__OPCODE_HELLO) {
        handle_hello(opcodes, message, session);
    } else if (opcode == NULL) {
        reef__opcodes_fail(opcodes, session, message->entity, REEF_V1_UNKNOWN, number,
                           "unknown opcode %u", (unsigned)number);
    } else {
        handle(opcodes, run, message, opcode, session);
    }
}
