/*
 * A column whose type has texts, or a resource, is stored as
 *
 *     value[n]   heap size (u64)   heap
 *
 * where the place of each text in a value holds {offset, size} in the heap, both u32,
 * and zeros.  The texts are in the heap in the order of values and fields without a
 * gap, which reading insists on: so a value has one stored form, and no content can
 * claim more bytes than it has, however often it refers to them.
 */
#include "texts.h"

#include "memory.h"

#include <assert.h>

/* A text in a stored value. */
typedef struct slot {
    uint32_t offset, size;
} slot_t;

static_assert(sizeof(slot_t) == REEF__TEXT_SLOT_SIZE, "what layouts are checked by");
static_assert(sizeof(slot_t) <= sizeof(reef_text_t), "it takes the place of a text");

uint8_t *reef__bytes_extend(reef__bytes_t *bytes, size_t size)
{
    REEF_ARRAY_RESERVE(reef_alloc_default(), bytes, bytes->count + size);
    bytes->count += size;
    return bytes->items + bytes->count - size;
}

void *reef__bytes_take(reef__bytes_t *bytes, size_t *size)
{
    void *block =
        reef_resize(reef_alloc_default(), bytes->items, bytes->capacity, bytes->count);

    *size = bytes->count;
    *bytes = (reef__bytes_t){0};
    return block;
}

/* Writing ---------------------------------------------------------------------- */

size_t reef__texts_size(const reef_type_t *type, const void *value)
{
    size_t size = 0;

    for (uint32_t i = 0; i < type->field_count; i++) {
        const reef_field_t *field = &type->fields[i];

        if (field->kind != REEF_KIND_TEXT && field->kind != REEF_KIND_STRUCT) {
            continue;
        }
        for (uint32_t j = 0; j < reef_field_count(field); j++) {
            const void *element = reef_field_at_const(field, value, j);

            size += field->kind == REEF_KIND_TEXT
                        ? reef_field_get(field, element).text.size
                        : reef__texts_size(field->type, element);
        }
    }
    return size;
}

/* Append the text at @p at of the content and put its slot there. */
static void move_text(reef__bytes_t *content, size_t at, size_t heap)
{
    reef_text_t text;
    slot_t slot;

    memcpy(&text, content->items + at, sizeof(text));
    slot = (slot_t){.offset = (uint32_t)(content->count - heap), .size = text.size};
    if (text.size > 0) {
        memcpy(reef__bytes_extend(content, text.size), text.data, text.size);
    }
    memset(content->items + at, 0, sizeof(text));
    memcpy(content->items + at, &slot, sizeof(slot));
}

static void
move_texts(reef__bytes_t *content, const reef_type_t *type, size_t value, size_t heap)
{
    for (uint32_t i = 0; i < type->field_count; i++) {
        const reef_field_t *field = &type->fields[i];
        size_t at = value + field->offset;

        if (field->kind != REEF_KIND_TEXT && field->kind != REEF_KIND_STRUCT) {
            continue;
        }
        for (uint32_t j = 0; j < reef_field_count(field); j++, at += field->size) {
            if (field->kind == REEF_KIND_TEXT) {
                move_text(content, at, heap);
            } else {
                move_texts(content, field->type, at, heap);
            }
        }
    }
}

void reef__texts_encode(reef__bytes_t *content,
                        size_t first,
                        const reef_type_t *type,
                        uint32_t count)
{
    size_t heap;
    uint64_t heap_size;

    assert(first + (size_t)count * type->size == content->count);
    (void)reef__bytes_extend(content, sizeof(heap_size));
    heap = content->count;
    for (uint32_t i = 0; i < count; i++) {
        move_texts(content, type, first + (size_t)i * type->size, heap);
    }
    heap_size = content->count - heap;
    memcpy(content->items + heap - sizeof(heap_size), &heap_size, sizeof(heap_size));
}

/* Reading ---------------------------------------------------------------------- */

static slot_t read_slot(const uint8_t *element)
{
    slot_t slot;

    memcpy(&slot, element, sizeof(slot));
    return slot;
}

reef_span_t reef__texts_get(const uint8_t *element, reef_span_t heap)
{
    slot_t slot = read_slot(element);

    return slot.size == 0 ? reef_span(NULL, 0)
                          : reef_span(heap.data + slot.offset, slot.size);
}

/* Each text of one value begins at *used, where the one before it ended. */
static bool check_value(const reef__layout_t *layout,
                        const uint8_t *value,
                        size_t heap_size,
                        size_t *used)
{
    for (size_t i = 0; i < layout->leaves.count; i++) {
        const reef_field_t *field = &layout->leaves.items[i].field;

        if (field->kind != REEF_KIND_TEXT) {
            continue;
        }
        for (uint32_t j = 0; j < reef_field_count(field); j++) {
            slot_t slot = read_slot(reef_field_at_const(field, value, j));

            if (slot.offset != *used || slot.size > heap_size - *used) {
                return false;
            }
            *used += slot.size;
        }
    }
    return true;
}

/* Take @p size bytes from the start of *content; NULL when there are fewer. */
static const uint8_t *take(reef_span_t *content, uint64_t size)
{
    const uint8_t *data = content->data;

    if (size > content->size) {
        return NULL;
    }
    *content = reef_span_skip(*content, (size_t)size);
    return data;
}

bool reef__texts_find_column(reef_span_t *content,
                             uint32_t count,
                             uint32_t size,
                             bool has_texts,
                             const reef__layout_t *layout,
                             reef__stored_column_t *column)
{
    const uint8_t *bytes;
    uint64_t heap_size;
    size_t used = 0;

    *column = (reef__stored_column_t){.values = take(content, (uint64_t)count * size)};
    if (column->values == NULL) {
        return false;
    }
    if (!has_texts) {
        return true;
    }
    bytes = take(content, sizeof(heap_size));
    if (bytes == NULL) {
        return false;
    }
    memcpy(&heap_size, bytes, sizeof(heap_size));
    column->heap.data = take(content, heap_size);
    column->heap.size = (size_t)heap_size;
    if (column->heap.data == NULL) {
        return false;
    }
    for (uint32_t i = 0; layout != NULL && i < count; i++) {
        if (!check_value(layout, column->values + (size_t)i * size, column->heap.size,
                         &used)) {
            return false;
        }
    }
    return layout == NULL || used == heap_size;
}
