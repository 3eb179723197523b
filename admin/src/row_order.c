/*
 * A cursor is hex of the bytes that a field has in memory, the tail of a string left
 * out: `<field>.<key>`, or the key alone.  What a cursor says is checked before it is
 * compared, because anybody can send one.
 */
#include "row_order.h"

#include <reef/crypto.h>

#include <string.h>
#include <strings.h>

static bool is_sortable(const reef_field_t *field)
{
    return field->kind != REEF_KIND_STRUCT && field->kind != REEF_KIND_TEXT &&
           field->array_count == 0 && !field->secret &&
           field->size <= REEF_LIST_KEY_SIZE;
}

bool reef__row_order_parse(reef__row_order_t *order,
                           const reef_type_t *type,
                           const char *sort)
{
    *order = (reef__row_order_t){.key = &type->fields[0], .descending = *sort == '-'};
    sort += *sort == '-';
    if (*sort != '\0') {
        order->field = reef_type_find_field(type, reef_span_text(sort));
        if (order->field == NULL || !is_sortable(order->field)) {
            return false;
        }
    }
    if (order->field == order->key) {
        order->field = NULL;
    }
    return true;
}

/* Comparing -------------------------------------------------------------------- */

static int compare_natural(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int compare_integer(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

/* What is no number comes last. */
static int compare_real(double a, double b)
{
    if (a != a || b != b) {
        return (a != a) - (b != b);
    }
    return (a > b) - (a < b);
}

/* As people look for it, and the bytes decide between those that differ in case. */
static int compare_string(const char *a, const char *b)
{
    int result = strcasecmp(a, b);

    return result != 0 ? result : strcmp(a, b);
}

static int
compare_field(const reef_field_t *field, const void *row_a, const void *row_b)
{
    const void *a = reef_field_at_const(field, row_a, 0);
    const void *b = reef_field_at_const(field, row_b, 0);
    int32_t enum_a, enum_b;

    if (field->kind == REEF_KIND_STRING) {
        return compare_string(a, b);
    }
    if (field->kind == REEF_KIND_ENUM) {
        memcpy(&enum_a, a, sizeof(enum_a));
        memcpy(&enum_b, b, sizeof(enum_b));
        return compare_integer(enum_a, enum_b);
    }
    switch (reef_field_get(field, a).tag) {
    case REEF_VALUE_BOOL:
        return compare_natural(reef_field_get(field, a).boolean,
                               reef_field_get(field, b).boolean);
    case REEF_VALUE_INT:
        return compare_integer(reef_field_get(field, a).integer,
                               reef_field_get(field, b).integer);
    case REEF_VALUE_UINT:
        return compare_natural(reef_field_get(field, a).natural,
                               reef_field_get(field, b).natural);
    case REEF_VALUE_FLOAT:
        return compare_real(reef_field_get(field, a).real,
                            reef_field_get(field, b).real);
    case REEF_VALUE_TEXT:
        break;
    }
    return 0;
}

int reef__row_compare(const reef__row_order_t *order, const void *a, const void *b)
{
    const reef_field_t *first = order->field != NULL ? order->field : order->key;
    int result = compare_field(first, a, b);

    if (order->descending) {
        result = -result;
    }
    return result == 0 && order->field != NULL ? compare_field(order->key, a, b)
                                               : result;
}

bool reef__row_is_same(const reef__row_order_t *order, const void *a, const void *b)
{
    return compare_field(order->key, a, b) == 0;
}

/* Cursors ---------------------------------------------------------------------- */

static char *print_field(const reef_field_t *field, const void *row, char *out)
{
    const char *bytes = reef_field_at_const(field, row, 0);
    size_t size =
        field->kind == REEF_KIND_STRING ? strnlen(bytes, field->size - 1) : field->size;

    reef_crypto_hex_encode(reef_span(bytes, size), out);
    return out + 2 * size;
}

void reef__row_cursor_print(const reef__row_order_t *order,
                            const void *row,
                            char cursor[REEF__ROW_CURSOR_SIZE])
{
    char *at = cursor;

    if (order->field != NULL) {
        at = print_field(order->field, row, at);
        *at++ = '.';
    }
    at = print_field(order->key, row, at);
    *at = '\0';
}

static bool parse_field(const reef_field_t *field, reef_span_t hex, void *row)
{
    uint8_t bytes[REEF_LIST_KEY_SIZE];
    size_t size = hex.size / 2;
    bool fits =
        field->kind == REEF_KIND_STRING ? size < field->size : size == field->size;

    if (!fits || reef_crypto_hex_decode(hex, bytes, size) != REEF_OK ||
        (field->kind == REEF_KIND_STRING && memchr(bytes, '\0', size) != NULL)) {
        return false;
    }
    memcpy(reef_field_at(field, row, 0), bytes, size);
    return true;
}

bool reef__row_cursor_parse(const reef__row_order_t *order,
                            const char *cursor,
                            void *row)
{
    const char *dot = strchr(cursor, '.');

    if ((dot != NULL) != (order->field != NULL)) {
        return false;
    }
    if (dot != NULL) {
        if (!parse_field(order->field, reef_span(cursor, (size_t)(dot - cursor)),
                         row)) {
            return false;
        }
        cursor = dot + 1;
    }
    return parse_field(order->key, reef_span_text(cursor), row);
}

bool reef__row_key_parse(const reef__row_order_t *order, const char *key, void *row)
{
    void *at = reef_field_at(order->key, row, 0);
    size_t size = strlen(key);

    if (order->key->kind == REEF_KIND_STRING) {
        if (size < order->key->size) {
            memcpy(at, key, size);
        }
        return size < order->key->size;
    }
    return reef_field_parse(order->key, at, reef_span_text(key), NULL) == REEF_OK;
}
