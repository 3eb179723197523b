/* Texts and arrays of every kind to the database and back, and contents that lie. */
#include "snapshot_fixture.h"

#include <string.h>

static const reef_enum_value_t mood_values[] = {{"calm", 0}, {"angry", 1}};

REEF_COMPONENT(line, 0, REEF_TEXT(words, 64), REEF_U32(number));
REEF_COMPONENT(page,
               REEF_PERSISTENT,
               REEF_U8(first),
               REEF_TEXT(title, REEF_TEXT_MAX_SIZE),
               REEF_TEXT_ARRAY(tags, 16, 2),
               REEF_STRUCT_ARRAY(lines, line, 3),
               REEF_STRING_ARRAY(names, 6, 2),
               REEF_ENUM_ARRAY(moods, mood_values, 2),
               REEF_MASK_ARRAY(masks, mood_values, 2),
               REEF_ARRAY(truths, BOOL, 3),
               REEF_ARRAY(targets, ENTITY, 2));
REEF_COMPONENT(motto, REEF_PERSISTENT, REEF_TEXT(words, 64), REEF_U32(count));

static void set(reef_text_t *text, const char *content)
{
    assert_true(reef_text_set(text, reef_span_text(content)));
}

/* A value whose every field depends on @p seed. */
static page_t make_page(uint32_t seed)
{
    page_t page;
    char text[16];

    reef_type_init(&page_type, &page);
    snprintf(text, sizeof(text), "text %u", seed);
    page.first = (uint8_t)seed;
    set(&page.title, text);
    set(&page.tags[1], text + 1);
    set(&page.lines[0].words, seed % 2 == 0 ? "" : text);
    set(&page.lines[2].words, "grüße");
    page.lines[2].number = seed;
    snprintf(page.names[1], sizeof(page.names[1]), "%u", seed);
    page.moods[1] = 1;
    page.masks[0] = 1;
    page.truths[2] = true;
    page.targets[1] = seed;
    return page;
}

static reef_entity_t spawn_page(reef_world_t *world, page_t page)
{
    reef_entity_t entity = reef_world_spawn(world, REEF_RANGE_WORLD);

    REEF_ADD(world, entity, position_2d, .x = page.first);
    assert_true(
        reef_world_add(world, entity, reef_world_component(world, &page_type), &page));
    return entity;
}

/* Release the texts of a component before its world goes. */
static void drop_all(reef_world_t *world, const reef_type_t *type)
{
    reef_component_t component = reef_world_component(world, type);
    reef_entity_t entity = 0;

    while ((entity = reef_world_next_entity(world, reef_entity_index(entity))) != 0) {
        void *value = reef_world_find_mut(world, entity, component);

        if (value != NULL) {
            reef_type_drop_texts(type, value);
        }
    }
}

static reef_world_t *make_page_world(void)
{
    reef_world_t *world = make_world();

    reef_world_component(world, &page_type);
    return world;
}

static void destroy(reef_world_t *world, const reef_type_t *type)
{
    drop_all(world, type);
    reef_world_destroy(world);
}

/* Round trip ------------------------------------------------------------------- */

static void test_snapshot_text_gives_back_the_same_values(void **context)
{
    fixture_t *fixture = *context;
    reef_world_t *other = make_page_world();
    reef_entity_t third = 0;

    for (uint32_t i = 0; i < 700; i++) {
        reef_entity_t entity = spawn_page(fixture->world, make_page(i));

        third = i == 3 ? entity : third;
    }
    reef__capture_destroy(store_world(fixture, fixture->world, NULL));
    assert_int_equal(load_world(fixture, 1, other), REEF_OK);
    assert_int_equal(fixture->report.warning_count, 0);
    assert_true(reef_world_persistent_hash(other) ==
                reef_world_persistent_hash(fixture->world));
    assert_string_equal(REEF_FIND(other, third, page)->lines[0].words.data, "text 3");
    assert_ptr_not_equal(REEF_FIND(other, third, page)->title.data,
                         REEF_FIND(fixture->world, third, page)->title.data);
    drop_all(fixture->world, &page_type);
    destroy(other, &page_type);
}

static void test_snapshot_text_same_content_is_stored_once(void **context)
{
    fixture_t *fixture = *context;
    int64_t chunks;

    for (uint32_t i = 0; i < 20; i++) {
        spawn_page(fixture->world, make_page(i));
    }
    reef__capture_destroy(store_world(fixture, fixture->world, NULL));
    chunks = ask(fixture, "SELECT count(*) FROM chunk");
    drop_all(fixture->world, &page_type); /* the same texts at other addresses */
    for (uint32_t i = 0; i < 20; i++) {
        reef_entity_t entity = reef_world_next_entity(fixture->world, i);
        page_t page = make_page(i);

        assert_true(reef_world_set(fixture->world, entity,
                                   reef_world_component(fixture->world, &page_type),
                                   &page));
    }
    reef__capture_destroy(store_world(fixture, fixture->world, NULL));
    assert_int_equal(ask(fixture, "SELECT count(*) FROM chunk"), chunks);
    drop_all(fixture->world, &page_type);
}

static void test_snapshot_text_leaves_rows_of_sessions_out(void **context)
{
    fixture_t *fixture = *context;
    reef_world_t *other = make_page_world();
    reef_component_t component = reef_world_component(fixture->world, &page_type);
    page_t page = make_page(1);
    reef_entity_t session = reef_world_spawn(fixture->world, REEF_RANGE_SESSION);
    reef_entity_t kept;

    REEF_ADD(fixture->world, session, position_2d, .x = 1);
    assert_true(reef_world_add(fixture->world, session, component, &page));
    kept = spawn_page(fixture->world, make_page(2));
    reef__capture_destroy(store_world(fixture, fixture->world, NULL));
    assert_int_equal(load_world(fixture, 1, other), REEF_OK);
    assert_int_equal(reef_world_entity_count(other), 1);
    assert_string_equal(REEF_FIND(other, kept, page)->title.data, "text 2");
    drop_all(fixture->world, &page_type);
    destroy(other, &page_type);
}

static page_t make_large_page(uint32_t seed)
{
    page_t page = make_page(seed);
    char *large = malloc(REEF_TEXT_MAX_SIZE);

    assert_non_null(large);
    memset(large, 'a' + (int)seed, REEF_TEXT_MAX_SIZE);
    assert_true(reef_text_set(&page.title, reef_span(large, REEF_TEXT_MAX_SIZE)));
    free(large);
    return page;
}

static void test_snapshot_text_large_texts_are_cut_into_parts(void **context)
{
    fixture_t *fixture = *context;
    reef_world_t *other = make_page_world();
    reef__capture_t *base, *again;

    for (uint32_t i = 0; i < 20; i++) {
        spawn_page(fixture->world, make_large_page(i));
    }
    base = store_world(fixture, fixture->world, NULL);
    assert_true(
        ask(fixture, "SELECT count(*) FROM snapshot_chunk WHERE kind = 'rows'") >= 3);
    again = reef__capture_create(
        fixture->world, &(reef__capture_desc_t){.reason = "demand", .base = base});
    assert_int_equal(again->parts.count, base->parts.count);
    for (size_t i = 0; i < again->parts.count; i++) {
        if (again->parts.items[i].kind == REEF__PART_ROWS) {
            assert_null(again->parts.items[i].data);
            assert_int_equal(again->parts.items[i].rows, base->parts.items[i].rows);
        }
    }
    reef__capture_destroy(again);
    reef__capture_destroy(base);
    assert_int_equal(load_world(fixture, 1, other), REEF_OK);
    assert_true(reef_world_persistent_hash(other) ==
                reef_world_persistent_hash(fixture->world));
    drop_all(fixture->world, &page_type);
    destroy(other, &page_type);
}

static void test_snapshot_text_row_larger_than_a_part_is_a_part(void **context)
{
    REEF_COMPONENT(shelf, REEF_PERSISTENT,
                   REEF_TEXT_ARRAY(books, REEF_TEXT_MAX_SIZE, 9));
    fixture_t *fixture = *context;
    shelf_t shelf;

    for (int i = 0; i < 2; i++) {
        reef_entity_t entity = reef_world_spawn(fixture->world, REEF_RANGE_WORLD);

        reef_type_init(&shelf_type, &shelf);
        for (int book = 0; book < 9; book++) {
            page_t page = make_large_page((uint32_t)book);

            shelf.books[book] = page.title;
            page.title = (reef_text_t){0};
            reef_type_drop(&page_type, &page);
        }
        REEF_ADD(fixture->world, entity, position_2d, .x = 1);
        reef_world_add(fixture->world, entity,
                       reef_world_component(fixture->world, &shelf_type), &shelf);
    }
    reef__capture_destroy(store_world(fixture, fixture->world, NULL));
    assert_int_equal(
        ask(fixture, "SELECT count(*) FROM snapshot_chunk WHERE kind = 'rows'"), 2);
    drop_all(fixture->world, &shelf_type);
}

static void test_snapshot_text_resource_comes_back(void **context)
{
    fixture_t *fixture = *context;
    motto_t *motto = REEF_RESOURCE(fixture->world, motto);

    set(&motto->words, "semper idem");
    motto->count = 3;
    reef__capture_destroy(store_world(fixture, fixture->world, NULL));
    set(&motto->words, "something else");
    assert_int_equal(load_world(fixture, 1, fixture->world), REEF_OK);
    motto = REEF_RESOURCE(fixture->world, motto);
    assert_string_equal(motto->words.data, "semper idem");
    assert_int_equal(motto->count, 3);
    reef_text_clear(&motto->words);
}

static void test_snapshot_text_unknown_component_is_skipped(void **context)
{
    fixture_t *fixture = *context;
    reef_world_t *other = make_world();
    reef_entity_t entity = spawn_page(fixture->world, make_page(5));

    reef__capture_destroy(store_world(fixture, fixture->world, NULL));
    assert_int_equal(load_world(fixture, 1, other), REEF_OK);
    assert_int_equal(fixture->report.warning_count, 1);
    assert_true(REEF_FIND(other, entity, position_2d)->x == 5);
    drop_all(fixture->world, &page_type);
    reef_world_destroy(other);
}

static void test_snapshot_text_types_without_are_stored_as_before(void **context)
{
    fixture_t *fixture = *context;
    reef_entity_t entity = reef_world_spawn(fixture->world, REEF_RANGE_WORLD);
    reef__capture_t *capture;
    const position_2d_t *position;

    REEF_ADD(fixture->world, entity, position_2d, .x = 3, .y = 4);
    capture = reef__capture_create(fixture->world, &(reef__capture_desc_t){0});
    assert_int_equal(capture->parts.items[0].kind, REEF__PART_ROWS);
    assert_int_equal(capture->parts.items[0].size,
                     sizeof(entity) + sizeof(position_2d_t));
    assert_memory_equal(capture->parts.items[0].data, &entity, sizeof(entity));
    position = REEF_FIND(fixture->world, entity, position_2d);
    assert_memory_equal((uint8_t *)capture->parts.items[0].data + sizeof(entity),
                        position, sizeof(*position));
    reef__capture_destroy(capture);
}

/* Other layouts ---------------------------------------------------------------- */

REEF_COMPONENT(old_card,
               REEF_PERSISTENT,
               REEF_STRING(grown, 16),
               REEF_TEXT(shrunk, 32),
               REEF_TEXT(shorter, 32),
               REEF_TEXT(mood, 16),
               REEF_TEXT(number, 16),
               REEF_TEXT_ARRAY(list, 16, 3),
               REEF_TEXT(gone, 16));
REEF_COMPONENT(new_card,
               REEF_PERSISTENT,
               REEF_TEXT(shorter, 4),
               REEF_TEXT(grown, 64),
               REEF_TEXT(fresh, 16),
               REEF_STRING(shrunk, 6),
               REEF_ENUM(mood, mood_values),
               REEF_U32(number, .initial = "7"),
               REEF_STRING_ARRAY(list, 8, 2));

#define CARD(fields_type)                                                              \
    {                                                                                  \
        .name = "card", .size = sizeof(fields_type##_t),                               \
        .alignment = _Alignof(fields_type##_t), .flags = REEF_PERSISTENT,              \
        .fields = fields_type##_fields,                                                \
        .field_count = sizeof(fields_type##_fields) / sizeof(fields_type##_fields[0])  \
    }
static const reef_type_t card_before = CARD(old_card);
static const reef_type_t card_now = CARD(new_card);

static bool has_warning(const reef_snapshot_restored_t *report, const char *part)
{
    for (uint32_t i = 0; i < report->warning_count; i++) {
        if (strstr(report->warnings[i], part) != NULL) {
            return true;
        }
    }
    return false;
}

static void test_snapshot_text_converts_between_strings_and_texts(void **context)
{
    fixture_t *fixture = *context;
    reef_world_t *now = make_world();
    reef_entity_t entity = reef_world_spawn(fixture->world, REEF_RANGE_WORLD);
    old_card_t old = {.grown = "little"};
    const new_card_t *card;

    set(&old.shrunk, "fives\xc3\xa4");
    set(&old.shorter, "much too long");
    set(&old.mood, "angry");
    set(&old.number, "12");
    set(&old.list[1], "second");
    set(&old.gone, "lost");
    reef_world_add(fixture->world, entity,
                   reef_world_component(fixture->world, &card_before), &old);
    reef__capture_destroy(store_world(fixture, fixture->world, NULL));
    reef_world_component(now, &card_now);
    assert_int_equal(load_world(fixture, 1, now), REEF_OK);
    card = reef_world_find(now, entity, reef_world_component(now, &card_now));
    assert_string_equal(card->grown.data, "little");
    assert_string_equal(card->shrunk, "fives");
    assert_string_equal(card->shorter.data, "much");
    assert_null(card->fresh.data);
    assert_int_equal(card->mood, 1);
    assert_int_equal(card->number, 7);
    assert_string_equal(card->list[1], "second");
    assert_true(has_warning(&fixture->report, "texts in 'shrunk' were cut"));
    assert_true(has_warning(&fixture->report, "texts in 'shorter' were cut"));
    assert_true(has_warning(&fixture->report, "not converted: number"));
    assert_true(has_warning(&fixture->report, "'gone' is gone"));
    assert_true(has_warning(&fixture->report, "'list' has 2 elements now"));
    drop_all(fixture->world, &card_before);
    destroy(now, &card_now);
}

/* Contents that lie ------------------------------------------------------------ */

REEF_COMPONENT(duo, REEF_PERSISTENT, REEF_TEXT(a, 16), REEF_TEXT(b, 16));
REEF_COMPONENT(pair,
               REEF_PERSISTENT,
               REEF_TEXT(a, 16, .initial = "A"),
               REEF_TEXT(b, 16));

enum {
    CONTENT_SIZE = 256,
    AT_COUNT = 0, /* offsets in the content of one row, see capture.c and texts.c */
    AT_A = 16,
    AT_B = AT_A + (int)sizeof(reef_text_t),
    AT_HEAP_SIZE = AT_A + (int)sizeof(pair_t),
    AT_HEAP = AT_HEAP_SIZE + 8
};

typedef struct content {
    uint8_t bytes[CONTENT_SIZE];
    size_t size;
} content_t;

static void put32(content_t *content, size_t at, uint32_t value)
{
    memcpy(content->bytes + at, &value, sizeof(value));
}

/* One row: a = "one", b = "twos". */
static content_t make_content(void)
{
    content_t content = {.size = AT_HEAP + 7};

    put32(&content, AT_COUNT, 1);
    put32(&content, AT_A + 4, 3);
    put32(&content, AT_B, 3);
    put32(&content, AT_B + 4, 4);
    put32(&content, AT_HEAP_SIZE, 7);
    memcpy(content.bytes + AT_HEAP, "onetwos", 7);
    return content;
}

/* Decode a content as a table of pairs; the first of them, when it is accepted. */
static reef_error_t
decode(const content_t *content, pair_t *first, reef_snapshot_restored_t *report)
{
    static const reef_type_t *const types[] = {&pair_type};
    reef__layout_t stored;
    reef__plan_t plan;
    reef__image_rows_t rows;
    reef_error_t error;
    /* A block of just the size, so that a sanitizer sees every byte too far. */
    uint8_t *exact = malloc(content->size > 0 ? content->size : 1);

    assert_non_null(exact);
    memcpy(exact, content->bytes, content->size);
    *report = (reef_snapshot_restored_t){0};
    reef__layout_init(&stored, &pair_type);
    reef__plan_init(&plan, &pair_type, &stored, report);
    error = reef__image_rows_decode(&(reef__column_t){.plan = &plan,
                                                      .stored_size = sizeof(pair_t),
                                                      .has_texts = true},
                                    1, reef_span(exact, content->size), &rows, report);
    if (error == REEF_OK) {
        assert_true(reef_type_copy(&pair_type, first, rows.columns[0]));
        reef__image_rows_finish(&rows, types, 1);
    }
    reef__plan_finish(&plan);
    free(exact);
    return error;
}

static void test_snapshot_text_is_stored_as_its_place_in_the_heap(void **context)
{
    fixture_t *fixture = *context;
    reef_entity_t entity = reef_world_spawn(fixture->world, REEF_RANGE_WORLD);
    content_t content = make_content();
    reef__capture_t *capture;
    duo_t duo;

    memset(&duo, 0xff, sizeof(duo)); /* what lies between the members, too */
    duo.a = (reef_text_t){0};
    duo.b = (reef_text_t){0};
    set(&duo.a, "one");
    set(&duo.b, "twos");
    reef_world_add(fixture->world, entity,
                   reef_world_component(fixture->world, &duo_type), &duo);
    capture = reef__capture_create(fixture->world, &(reef__capture_desc_t){0});
    memcpy(content.bytes + AT_COUNT + 8, &entity, sizeof(entity));
    assert_int_equal(capture->parts.items[0].size, content.size);
    assert_memory_equal(capture->parts.items[0].data, content.bytes, content.size);
    reef__capture_destroy(capture);
    drop_all(fixture->world, &duo_type);
}

static void test_snapshot_text_decodes_what_is_right(void **context)
{
    content_t content = make_content();
    reef_snapshot_restored_t report;
    pair_t pair = {0};

    (void)context;
    assert_int_equal(decode(&content, &pair, &report), REEF_OK);
    assert_string_equal(pair.a.data, "one");
    assert_string_equal(pair.b.data, "twos");
    reef_type_drop(&pair_type, &pair);
}

static void refuse32(size_t at, uint32_t value)
{
    content_t content = make_content();
    reef_snapshot_restored_t report;
    pair_t pair = {0};

    put32(&content, at, value);
    assert_int_equal(decode(&content, &pair, &report), REEF_E_CORRUPT);
}

static void test_snapshot_text_refuses_places_beyond_the_heap(void **context)
{
    (void)context;
    refuse32(AT_B + 4, 5);
    refuse32(AT_B + 4, UINT32_MAX);
    refuse32(AT_B, 4);
    refuse32(AT_B, UINT32_MAX);
}

static void test_snapshot_text_refuses_texts_that_share_or_leave_bytes(void **context)
{
    (void)context;
    refuse32(AT_B, 0);
    refuse32(AT_A, 1);
    refuse32(AT_B + 4, 3);
    refuse32(AT_A + 4, 0);
}

static void test_snapshot_text_refuses_wrong_sizes(void **context)
{
    content_t content = make_content();
    reef_snapshot_restored_t report;
    pair_t pair = {0};

    (void)context;
    refuse32(AT_COUNT, 0);
    refuse32(AT_COUNT, 2);
    refuse32(AT_COUNT, UINT32_MAX);
    refuse32(AT_COUNT + 4, 1);
    refuse32(AT_HEAP_SIZE, 6);
    refuse32(AT_HEAP_SIZE, 8);
    refuse32(AT_HEAP_SIZE + 4, 1);
    for (content.size = 0; content.size < AT_HEAP + 7; content.size++) {
        assert_int_equal(decode(&content, &pair, &report), REEF_E_CORRUPT);
    }
    content.size = AT_HEAP + 8;
    assert_int_equal(decode(&content, &pair, &report), REEF_E_CORRUPT);
}

static void test_snapshot_text_that_is_no_utf8_becomes_the_initial_one(void **context)
{
    content_t content = make_content();
    reef_snapshot_restored_t report;
    pair_t pair = {0};

    (void)context;
    content.bytes[AT_HEAP] = 0xff;
    content.bytes[AT_HEAP + 4] = 0;
    assert_int_equal(decode(&content, &pair, &report), REEF_OK);
    assert_string_equal(pair.a.data, "A");
    assert_null(pair.b.data);
    assert_true(has_warning(&report, "a: is no UTF-8"));
    assert_true(has_warning(&report, "b: is no UTF-8"));
    reef_type_drop(&pair_type, &pair);
}

static void test_snapshot_text_damaged_chunk_is_refused_without_a_leak(void **context)
{
    fixture_t *fixture = *context;
    reef_world_t *other = make_page_world();

    for (uint32_t i = 0; i < 30; i++) {
        spawn_page(fixture->world, make_page(i));
    }
    reef__capture_destroy(store_world(fixture, fixture->world, NULL));
    /* The rows twice: the first copy is decoded, then its ids are there again. */
    run_sql(fixture, "INSERT INTO snapshot_chunk (snapshot_id, kind, owner, position, "
                     "hash) SELECT snapshot_id, kind, owner, 99, hash FROM "
                     "snapshot_chunk WHERE kind = 'rows' LIMIT 1");
    assert_int_equal(load_world(fixture, 1, other), REEF_E_CORRUPT);
    drop_all(fixture->world, &page_type);
    reef_world_destroy(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_snapshot_text_gives_back_the_same_values),
        TEST(test_snapshot_text_same_content_is_stored_once),
        TEST(test_snapshot_text_leaves_rows_of_sessions_out),
        TEST(test_snapshot_text_large_texts_are_cut_into_parts),
        TEST(test_snapshot_text_row_larger_than_a_part_is_a_part),
        TEST(test_snapshot_text_resource_comes_back),
        TEST(test_snapshot_text_unknown_component_is_skipped),
        TEST(test_snapshot_text_types_without_are_stored_as_before),
        TEST(test_snapshot_text_converts_between_strings_and_texts),
        TEST(test_snapshot_text_is_stored_as_its_place_in_the_heap),
        TEST(test_snapshot_text_decodes_what_is_right),
        TEST(test_snapshot_text_refuses_places_beyond_the_heap),
        TEST(test_snapshot_text_refuses_texts_that_share_or_leave_bytes),
        TEST(test_snapshot_text_refuses_wrong_sizes),
        TEST(test_snapshot_text_that_is_no_utf8_becomes_the_initial_one),
        TEST(test_snapshot_text_damaged_chunk_is_refused_without_a_leak),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
