/*
 * Up to the first NUL a stored layout, then what a chunk of two such columns holds.
 * Nothing may be read beyond either; what is accepted becomes values of a type of this
 * program whose bools are bools, whose strings end and whose texts are UTF-8.
 */
#include "image.h"

#include <stdlib.h>
#include <string.h>

// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const reef_enum_value_t mood_values[] = {{"calm", 0}, {"angry", 1}};

REEF_COMPONENT(point, 0, REEF_F32(x), REEF_F64(y));
REEF_COMPONENT(body,
               REEF_PERSISTENT,
               REEF_BOOL(awake),
               REEF_I16(count, .min = -5, .max = 5, .initial = "3"),
               REEF_U64(total),
               REEF_STRUCT(at, point),
               REEF_ENUM(mood, mood_values),
               REEF_MASK(flags, mood_values),
               REEF_STRING(label, 8),
               REEF_ENTITY(target),
               REEF_TEXT(story, 24, .initial = "once"),
               REEF_TEXT_ARRAY(lines, 8, 2),
               REEF_STRING_ARRAY(names, 4, 2),
               REEF_ARRAY(weights, F32, 3));

static void check(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void check_text(const reef_text_t *text, size_t max_size)
{
    check(text->size <= max_size && (text->data == NULL) == (text->size == 0));
    check(reef_text_is_valid(reef_text_view(text)));
    check(text->data == NULL || text->data[text->size] == '\0');
}

static void decode(reef__plan_t *plan, reef_span_t content)
{
    const reef__column_t columns[] = {
        {.plan = plan,
         .stored_size = plan->stored.size,
         .has_texts = plan->stored.has_texts},
        {.stored_size = plan->stored.size, .has_texts = plan->stored.has_texts},
    };
    const reef_type_t *const types[] = {&body_type};
    reef_snapshot_restored_t report = {0};
    reef__image_rows_t rows;
    const body_t *bodies;

    if (reef__image_rows_decode(columns, 2, content, &rows, &report) != REEF_OK) {
        return;
    }
    bodies = rows.columns[0];
    for (uint32_t i = 0; i < rows.count; i++) {
        uint8_t awake;

        memcpy(&awake, &bodies[i].awake, 1);
        check(awake <= 1);
        check(memchr(bodies[i].label, 0, sizeof(bodies[i].label)) != NULL);
        check_text(&bodies[i].story, 24);
        check_text(&bodies[i].lines[0], 8);
        check_text(&bodies[i].lines[1], 8);
    }
    check(report.warning_count <= REEF_SNAPSHOT_MAX_WARNINGS);
    reef__image_rows_finish(&rows, types, 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size > 0 ? memchr(data, 0, size) : NULL;
    size_t json_size = end != NULL ? (size_t)(end - data) : size;
    size_t rest = end != NULL ? size - json_size - 1 : 0;
    /* The first byte after the layout is the size of its struct. */
    int64_t struct_size = rest > 0 ? end[1] : 0;
    reef_snapshot_restored_t report = {0};
    reef__layout_t layout;
    reef__plan_t plan;
    reef_failure_t failure = {0};

    if (reef__layout_parse(reef_span(data, json_size), struct_size, &layout,
                           &failure) != REEF_OK) {
        check(failure.text[0] != '\0');
        return 0;
    }
    reef__plan_init(&plan, &body_type, &layout, &report);
    if (rest > 0) {
        decode(&plan, reef_span(end + 2, rest - 1));
    }
    reef__plan_finish(&plan);
    return 0;
}
