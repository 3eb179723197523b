/* Structs that changed between two programs. */
#include "snapshot_fixture.h"

#include <string.h>

static const reef_enum_value_t old_moods[] = {{"calm", 0}, {"angry", 1}, {"gone", 2}};
static const reef_enum_value_t new_moods[] = {{"angry", 0}, {"calm", 1}};

REEF_COMPONENT(vector, 0, REEF_F32(x), REEF_F32(y));
REEF_COMPONENT(old_body,
               REEF_PERSISTENT,
               REEF_F32(mass),
               REEF_I32(count),
               REEF_STRUCT(at, vector),
               REEF_STRING(label, 16),
               REEF_BOOL(awake),
               REEF_ENUM(mood, old_moods),
               REEF_ARRAY(weights, U16, 4),
               REEF_U8(dropped));
/* The same component after a change: other order, kinds, sizes; one field more. */
REEF_COMPONENT(vector_now, 0, REEF_F64(y), REEF_F32(x));
REEF_COMPONENT(new_body,
               REEF_PERSISTENT,
               REEF_STRING(label, 8),
               REEF_STRUCT(at, vector_now),
               REEF_U8(count),
               REEF_F64(mass),
               REEF_ENUM(mood, new_moods),
               REEF_U32(added, .initial = "42"),
               REEF_BOOL(awake),
               REEF_ARRAY(weights, U32, 2));

#define BODY(fields_type)                                                              \
    {                                                                                  \
        .name = "body", .size = sizeof(fields_type##_t),                               \
        .alignment = _Alignof(fields_type##_t), .flags = REEF_PERSISTENT,              \
        .fields = fields_type##_fields,                                                \
        .field_count = sizeof(fields_type##_fields) / sizeof(fields_type##_fields[0])  \
    }
static const reef_type_t body_before = BODY(old_body);
static const reef_type_t body_now = BODY(new_body);

static const old_body_t sample = {.mass = 2.5f,
                                  .count = 200,
                                  .at = {.x = 1, .y = 2},
                                  .label = "box",
                                  .awake = true,
                                  .mood = 1,
                                  .weights = {1, 2, 3, 4},
                                  .dropped = 9};

/* Store @p value in one world, load it into a world with the new layout. */
static new_body_t convert(fixture_t *fixture, const old_body_t *value)
{
    reef_world_t *now = make_world();
    reef_entity_t entity = reef_world_spawn(fixture->world, REEF_RANGE_WORLD);
    new_body_t found;

    reef_world_add(fixture->world, entity,
                   reef_world_component(fixture->world, &body_before), value);
    reef__capture_destroy(store_world(fixture, fixture->world, NULL));
    reef_world_component(now, &body_now);
    assert_int_equal(load_world(fixture, fixture->last_id, now), REEF_OK);
    found = *(const new_body_t *)reef_world_find(now, entity,
                                                 reef_world_component(now, &body_now));
    reef_world_destroy(now);
    return found;
}

static bool has_warning(const fixture_t *fixture, const char *part)
{
    for (uint32_t i = 0; i < fixture->report.warning_count; i++) {
        if (strstr(fixture->report.warnings[i], part) != NULL) {
            return true;
        }
    }
    return false;
}

static void test_snapshot_layout_matches_fields_by_name(void **context)
{
    fixture_t *fixture = *context;
    new_body_t body = convert(fixture, &sample);

    assert_true(body.mass == 2.5);
    assert_int_equal(body.count, 200);
    assert_true(body.at.x == 1 && body.at.y == 2);
    assert_string_equal(body.label, "box");
    assert_true(body.awake);
    assert_int_equal(body.mood, 0); /* angry, by name */
    assert_int_equal(body.added, 42);
    assert_true(body.weights[0] == 1 && body.weights[1] == 2);
}

static void test_snapshot_layout_reports_what_is_lost(void **context)
{
    fixture_t *fixture = *context;

    (void)convert(fixture, &sample);
    assert_true(has_warning(fixture, "'dropped' is gone"));
    assert_true(has_warning(fixture, "'weights' has 2 elements now"));
    assert_int_equal(fixture->report.warning_count, 2);
}

static void
test_snapshot_layout_keeps_the_initial_value_of_what_does_not_fit(void **context)
{
    fixture_t *fixture = *context;
    old_body_t value = sample;
    new_body_t body;

    value.count = 256;
    value.mood = 2;
    body = convert(fixture, &value);
    assert_int_equal(body.count, 0);
    assert_int_equal(body.mood, 0);
    assert_true(has_warning(fixture, "not converted: count"));
    assert_true(has_warning(fixture, "not converted: mood"));
}

static void test_snapshot_layout_cuts_texts_between_characters(void **context)
{
    fixture_t *fixture = *context;
    old_body_t value = sample;
    new_body_t body;

    memset(value.label, 0, sizeof(value.label));
    memcpy(value.label, "sixsix\xc3\xa4z", 9);
    body = convert(fixture, &value);
    assert_string_equal(body.label, "sixsix");
    assert_true(has_warning(fixture, "texts in 'label' were cut"));
}

static void test_snapshot_layout_names_unknown_components(void **context)
{
    fixture_t *fixture = *context;
    reef_world_t *now = make_world();
    reef_entity_t entity = reef_world_spawn(fixture->world, REEF_RANGE_WORLD);

    reef_world_add(fixture->world, entity,
                   reef_world_component(fixture->world, &body_before), &sample);
    REEF_ADD(fixture->world, entity, position_2d, .x = 7);
    reef__capture_destroy(store_world(fixture, fixture->world, NULL));
    assert_int_equal(load_world(fixture, 1, now), REEF_OK);
    assert_int_equal(fixture->report.warning_count, 1);
    assert_string_equal(
        fixture->report.warnings[0],
        "component 'body' is not known here: its values were not restored");
    assert_true(REEF_FIND(now, entity, position_2d)->x == 7);
    reef_world_destroy(now);
}

static void test_snapshot_layout_restores_values_beyond_their_limits(void **context)
{
    REEF_COMPONENT(level, REEF_PERSISTENT, REEF_I32(value, .min = 0, .max = 10));
    fixture_t *fixture = *context;
    reef_entity_t entity = reef_world_spawn(fixture->world, REEF_RANGE_WORLD);

    REEF_ADD(fixture->world, entity, level, .value = 1000);
    reef__capture_destroy(store_world(fixture, fixture->world, NULL));
    REEF_FIND_MUT(fixture->world, entity, level)->value = 1;
    assert_int_equal(load_world(fixture, 1, fixture->world), REEF_OK);
    assert_int_equal(REEF_FIND(fixture->world, entity, level)->value, 1000);
}

/* Reading what is wrong -------------------------------------------------------- */

static void refuse(const char *json, int64_t size)
{
    reef__layout_t layout;
    reef_failure_t failure;

    assert_int_equal(reef__layout_parse(reef_span_text(json), size, &layout, &failure),
                     REEF_E_CORRUPT);
}

#define FIELD(name, kind, offset, size, count)                                         \
    "{\"name\":\"" name "\",\"kind\":\"" kind "\",\"offset\":" offset                  \
    ",\"size\":" size ",\"array_count\":" count "}"

static void test_snapshot_layout_refuses_what_is_wrong(void **context)
{
    (void)context;
    refuse("", 4);
    refuse("[]", 4);
    refuse("{}", 4);
    refuse("{\"fields\":[{}]}", 4);
    refuse("{\"fields\":[7]}", 4);
    refuse("{\"fields\":[" FIELD("", "u8", "0", "1", "0") "]}", 4);
    refuse("{\"fields\":[" FIELD("a", "u7", "0", "1", "0") "]}", 4);
    refuse("{\"fields\":[" FIELD("a", "u8", "4", "1", "0") "]}", 4);
    refuse("{\"fields\":[" FIELD("a", "u8", "-1", "1", "0") "]}", 4);
    refuse("{\"fields\":[" FIELD("a", "u8", "0.5", "1", "0") "]}", 4);
    refuse("{\"fields\":[" FIELD("a", "u8", "0", "1", "5") "]}", 4);
    refuse("{\"fields\":[" FIELD("a", "u32", "0", "1", "0") "]}", 4);
    refuse("{\"fields\":[" FIELD("a", "string", "0", "0", "0") "]}", 4);
    refuse("{\"fields\":[" FIELD("a", "struct", "0", "4", "0") "]}", 4);
    refuse("{\"fields\":[" FIELD("a", "u8", "0", "1", "0") "," //
           FIELD("a", "u8", "1", "1", "0") "]}",
           4);
    refuse("{\"fields\":[]}", -1);
    refuse("{\"fields\":[]}", REEF__LAYOUT_MAX_SIZE + 1);
}

static void test_snapshot_layout_refuses_fields_that_overlap(void **context)
{
    (void)context;
    refuse("{\"fields\":[" FIELD("a", "u8", "0", "1", "3") "," //
           FIELD("b", "u8", "2", "1", "2") "]}",
           4);
}

static void test_snapshot_layout_refuses_texts_without_room(void **context)
{
    reef__layout_t layout;

    (void)context;
    refuse("{\"fields\":[" FIELD("a", "text", "0", "7", "0") "]}", 16);
    assert_int_equal(reef__layout_parse(reef_span_text("{\"fields\":[" FIELD(
                                            "a", "text", "0", "8", "0") "]}"),
                                        8, &layout, NULL),
                     REEF_OK);
    assert_true(layout.has_texts);
    reef__layout_finish(&layout);
}

static void test_snapshot_layout_has_room_for_large_arrays_of_structs(void **context)
{
    REEF_COMPONENT(crowd, REEF_PERSISTENT, REEF_STRUCT_ARRAY(spots, vector, 2000));
    char *text = reef__layout_write(&crowd_type);
    reef__layout_t stored;

    (void)context;
    assert_int_equal(
        reef__layout_parse(reef_span_text(text), crowd_type.size, &stored, NULL),
        REEF_OK);
    assert_int_equal(stored.leaves.count, 4000);
    assert_int_equal(reef__layout_find(&stored, "spots[1999].y")->field.offset,
                     crowd_type.size - 4);
    assert_null(reef__layout_find(&stored, "spots[2000].y"));
    assert_false(stored.has_texts);
    reef__layout_finish(&stored);
    reef__layout_free_text(text);
}

static void test_snapshot_layout_reads_what_it_writes(void **context)
{
    char *text = reef__layout_write(&body_before);
    reef__layout_t known, stored;

    (void)context;
    reef__layout_init(&known, &body_before);
    assert_int_equal(
        reef__layout_parse(reef_span_text(text), body_before.size, &stored, NULL),
        REEF_OK);
    assert_int_equal(stored.leaves.count, known.leaves.count);
    for (size_t i = 0; i < known.leaves.count; i++) {
        const reef_field_t *field = &known.leaves.items[i].field;
        const reef_field_t *again = &stored.leaves.items[i].field;

        assert_string_equal(again->name, field->name);
        assert_int_equal(again->kind, field->kind);
        assert_int_equal(again->offset, field->offset);
        assert_int_equal(again->size, field->size);
        assert_int_equal(again->array_count, field->array_count);
        assert_int_equal(again->value_count, field->value_count);
    }
    assert_non_null(reef__layout_find(&stored, "at.y"));
    reef__layout_free_text(text);
    reef__layout_finish(&known);
    reef__layout_finish(&stored);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_snapshot_layout_matches_fields_by_name),
        TEST(test_snapshot_layout_reports_what_is_lost),
        TEST(test_snapshot_layout_keeps_the_initial_value_of_what_does_not_fit),
        TEST(test_snapshot_layout_cuts_texts_between_characters),
        TEST(test_snapshot_layout_names_unknown_components),
        TEST(test_snapshot_layout_restores_values_beyond_their_limits),
        TEST(test_snapshot_layout_refuses_what_is_wrong),
        TEST(test_snapshot_layout_refuses_fields_that_overlap),
        TEST(test_snapshot_layout_refuses_texts_without_room),
        TEST(test_snapshot_layout_has_room_for_large_arrays_of_structs),
        TEST(test_snapshot_layout_reads_what_it_writes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
