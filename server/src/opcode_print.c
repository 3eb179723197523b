/*
 * The messages as people read them: the tables of docs/protocol.md, in Markdown.
 * Numbers are left out where they depend on which plugins run.
 */
#include "opcode.h"

#include <stdio.h>

/* An offset is a number as long as all before it have one size. */
typedef struct place {
    size_t offset;
    bool is_known;
} place_t;

static void print_offset(const place_t *place)
{
    if (place->is_known) {
        printf("| %zu ", place->offset);
    } else {
        printf("| … ");
    }
}

/* Names of enums and masks would be taken for columns of the table. */
static void print_text(const char *text)
{
    for (; *text != '\0'; text++) {
        printf(*text == '|' ? "\\|" : "%c", *text);
    }
}

static void print_row(place_t *place,
                      const char *name,
                      const char *type,
                      size_t size,
                      bool is_fixed,
                      const char *doc)
{
    print_offset(place);
    if (is_fixed) {
        printf("| %zu | `%s` | `", size, name);
    } else {
        printf("| %zu + | `%s` | `", size, name);
    }
    print_text(type);
    printf("` | ");
    print_text(doc);
    printf(" |\n");
    place->offset += size;
    place->is_known = place->is_known && is_fixed;
}

/* What a field is, beside its type: unit, range and meaning. */
static void describe_field(const reef_field_t *field, char *out, size_t size)
{
    size_t used = 0;

    out[0] = '\0';
    if (field->doc != NULL) {
        used += (size_t)snprintf(out, size, "%s", field->doc);
    }
    if (field->unit != NULL && used < size) {
        used += (size_t)snprintf(out + used, size - used, "%sin %s", used ? "; " : "",
                                 field->unit);
    }
    if ((field->min != 0 || field->max != 0) && used < size) {
        snprintf(out + used, size - used, "%s%.9g to %.9g", used ? "; " : "",
                 field->min, field->max);
    }
}

/* The size of one field on the wire, at least. */
static size_t field_size(const reef_field_t *field, bool *is_fixed)
{
    const reef_type_t single = {
        .name = "field", .size = UINT32_MAX, .fields = field, .field_count = 1};
    reef__v1_plan_t *plan;
    reef_error_t error =
        reef__v1_plan_create(&single, reef_alloc_default(), &plan, NULL);
    size_t size = error == REEF_OK ? reef__v1_least_size(plan, is_fixed) : 0;

    if (error == REEF_OK) {
        reef__v1_plan_destroy(plan);
    }
    return size;
}

static void print_fields(const reef_type_t *type, place_t *place)
{
    for (uint32_t i = 0; type != NULL && i < type->field_count; i++) {
        const reef_type_t single = {
            .name = "field", .fields = &type->fields[i], .field_count = 1};
        char signature[REEF__V1_MAX_SIGNATURE + 1];
        char doc[512];
        bool is_fixed = true;
        size_t size = field_size(&type->fields[i], &is_fixed);

        (void)reef__v1_describe(&single, signature, sizeof(signature));
        describe_field(&type->fields[i], doc, sizeof(doc));
        print_row(place, type->fields[i].name,
                  signature + strlen(type->fields[i].name) + 1, size, is_fixed, doc);
    }
}

static void print_columns(void)
{
    printf("\n| byte | bytes | field | type | meaning |\n|---|---|---|---|---|\n");
}

static void print_items(const reef_type_t *item)
{
    place_t place = {.is_known = true};

    printf("\nEach item:\n");
    print_columns();
    print_fields(item, &place);
}

static void print_message(const char *title,
                          const char *doc,
                          uint32_t number,
                          const reef_type_t *type,
                          const reef_type_t *item)
{
    place_t place = {.is_known = true};
    char opcode[64] = "as the hello says";

    if (number < REEF_FIRST_OPCODE) {
        snprintf(opcode, sizeof(opcode), "%u", (unsigned)number);
    }
    printf("\n### %s\n\n%s\n", title, doc);
    print_columns();
    print_row(&place, "flags", "u8", 1, true, "0xF8");
    print_row(&place, "opcode", "u16", 2, true, opcode);
    print_fields(type, &place);
    if (item != NULL) {
        print_row(&place, "count", "u16", 2, true, "items that follow");
        print_items(item);
    }
}

static void print_opcode(const reef_opcode_t *opcode)
{
    const reef_opcode_desc_t *desc = &opcode->desc;
    const char *way = desc->handle != NULL ? "client to server" : "server to client";
    char title[128];
    char doc[512];

    snprintf(title, sizeof(title), "`%s`, %s", desc->name, way);
    if (desc->item != NULL && desc->handle != NULL) {
        snprintf(doc, sizeof(doc), "%s At most %u items.", desc->doc ? desc->doc : "",
                 (unsigned)desc->max_items);
    } else {
        snprintf(doc, sizeof(doc), "%s", desc->doc ? desc->doc : "");
    }
    print_message(title, doc, opcode->number, desc->type, desc->item);
}

void reef__opcodes_print(const reef__opcodes_t *opcodes)
{
    print_message("`hello`, client to server",
                  "The first message on TCP and UDP; not needed on a WebSocket.",
                  REEF__OPCODE_HELLO, &v1_client_hello_type, NULL);
    print_opcode(&opcodes->hello);
    print_opcode(&opcodes->error);
    for (size_t i = 0; i < opcodes->opcodes.count; i++) {
        print_opcode(opcodes->opcodes.items[i]);
    }
}
