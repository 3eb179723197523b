/*
 * A script of steps, each a line: one character that says what, a path, a space, a
 * text.  Whatever the path, it leads to one element within the value or is refused with
 * words; a refusal changes nothing, what was written reads back, what is printed parses
 * to the same.
 */
#include <reef/reflect_path.h>

#include <stdlib.h>
#include <string.h>

// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const reef_enum_value_t mood_values[] = {{"calm", 1}, {"angry", -5}};
static const reef_enum_value_t side_values[] = {
    {"left", 1}, {"right", 2}, {"both", 3}, {"top", 0x80000000}};

REEF_COMPONENT(point, 0, REEF_F32(x), REEF_F64(y, .min = -10, .max = 10));
REEF_COMPONENT(member,
               0,
               REEF_TEXT(name, 16, .initial = "nobody"),
               REEF_STRING(short_name, 8),
               REEF_STRUCT_ARRAY(steps, point, 2),
               REEF_TEXT_ARRAY(notes, 8, 2));
REEF_COMPONENT(target,
               0,
               REEF_BOOL(b),
               REEF_I8(i),
               REEF_U64(u, .min = 1, .max = 9007199254740993.0, .initial = "1"),
               REEF_ENUM(mood, mood_values, .initial = "calm"),
               REEF_MASK(sides, side_values),
               REEF_STRING(s, 8),
               REEF_TEXT(t, 32, .initial = "once"),
               REEF_ENTITY(e),
               REEF_STRUCT(at, point),
               REEF_ARRAY(bools, BOOL, 3),
               REEF_ARRAY(reals, F32, 11),
               REEF_ARRAY(entities, ENTITY, 2),
               REEF_ENUM_ARRAY(moods, mood_values, 2, .initial = "angry"),
               REEF_MASK_ARRAY(masks, side_values, 2),
               REEF_STRING_ARRAY(strings, 5, 3),
               REEF_TEXT_ARRAY(texts, 9, 3),
               REEF_STRUCT_ARRAY(members, member, 4));

static void check(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void check_place(const reef_place_t *place)
{
    check(place->index < reef_field_count(place->field));
    check(place->offset + place->field->size <= sizeof(target_t));
}

/* Written by path, the element must read as what was given or as its meaning. */
static void check_written(const target_t *value, reef_span_t path, reef_value_t given)
{
    target_t again;
    reef_value_t back;

    check(reef_path_get(&target_type, value, path, &back, NULL) == REEF_OK);
    if (back.tag == REEF_VALUE_TEXT && given.tag == REEF_VALUE_TEXT) {
        check(reef_span_equal(back.text, given.text));
    }
    check(reef_type_copy(&target_type, &again, value));
    check(reef_path_set(&target_type, &again, path, back, NULL) == REEF_OK);
    check(reef_type_equal(&target_type, &again, value));
    reef_type_drop(&target_type, &again);
}

static void check_printed(const target_t *value, reef_span_t path)
{
    char text[96];
    target_t again;
    reef_place_t place = {0};
    size_t size;

    check(reef_path_resolve(&target_type, path, &place, NULL) == REEF_OK);
    size = reef_field_format(place.field, reef_place_at_const(&place, value), text,
                             sizeof(text));
    check(size < sizeof(text) && text[size] == '\0');
    check(reef_type_copy(&target_type, &again, value));
    check(reef_path_parse(&target_type, &again, path, reef_span(text, size), NULL) ==
          REEF_OK);
    check(reef_type_equal(&target_type, &again, value));
    check(reef_type_hash(&target_type, &again, 0) ==
          reef_type_hash(&target_type, value, 0));
    reef_type_drop(&target_type, &again);
}

static reef_value_t make_value(uint8_t how, reef_span_t text)
{
    reef_value_t value = {.tag = REEF_VALUE_TEXT, .text = text};
    uint64_t bits = 0;

    memcpy(&bits, text.data, text.size < sizeof(bits) ? text.size : sizeof(bits));
    switch (how) {
    case 'b':
        return (reef_value_t){.tag = REEF_VALUE_BOOL, .boolean = (bits & 1) != 0};
    case 'i':
        return (reef_value_t){.tag = REEF_VALUE_INT, .integer = (int64_t)bits};
    case 'u':
        return (reef_value_t){.tag = REEF_VALUE_UINT, .natural = bits};
    case 'f':
        value = (reef_value_t){.tag = REEF_VALUE_FLOAT};
        memcpy(&value.real, &bits, sizeof(bits));
        return value;
    default:
        return value;
    }
}

static void run_step(target_t *value, uint8_t how, reef_span_t path, reef_span_t text)
{
    uint64_t before = reef_type_hash(&target_type, value, 0);
    reef_value_t given = make_value(how, text), ignored;
    reef_failure_t failure = {0};
    reef_place_t place = {0};
    reef_error_t resolved = reef_path_resolve(&target_type, path, &place, &failure);
    reef_error_t error =
        how == 'p' ? reef_path_parse(&target_type, value, path, text, &failure)
                   : reef_path_set(&target_type, value, path, given, &failure);

    if (resolved == REEF_OK) {
        check_place(&place);
        check((reef_path_get(&target_type, value, path, &ignored, NULL) == REEF_OK) ==
              (place.field->kind != REEF_KIND_STRUCT));
    }
    check(resolved == REEF_OK || error == resolved);
    if (error != REEF_OK) {
        check(failure.error == error && failure.text[0] != '\0');
        check(reef_type_hash(&target_type, value, 0) == before);
        return;
    }
    check_written(value, path,
                  how == 'p' ? (reef_value_t){.tag = REEF_VALUE_BOOL} : given);
    check_printed(value, path);
}

/* The bytes of @p text up to @p end, which is skipped. */
static reef_span_t take_until(reef_span_t *text, uint8_t end)
{
    const uint8_t *found = text->size > 0 ? memchr(text->data, end, text->size) : NULL;
    size_t size = found != NULL ? (size_t)(found - text->data) : text->size;
    reef_span_t taken = reef_span(text->data, size);

    *text = reef_span_skip(*text, found != NULL ? size + 1 : size);
    return taken;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    reef_span_t script = reef_span(data, size);
    target_t value;

    if (size == 0) {
        return 0;
    }
    reef_type_init(&target_type, &value);
    while (script.size > 0) {
        reef_span_t line = take_until(&script, '\n');
        uint8_t how;
        reef_span_t path;

        if (line.size == 0) {
            continue;
        }
        how = line.data[0];
        line = reef_span_skip(line, 1);
        path = take_until(&line, ' ');
        run_step(&value, how, path, line);
    }
    reef_type_drop(&target_type, &value);
    return 0;
}
