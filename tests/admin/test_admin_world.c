/* What the admin does on the world thread, on an app that is never started. */
#include "component_edit.h"
#include "world_view.h"

#include "test.h"

#include <reef/components.h>
#include <reef/relation.h>

#include <stdio.h>
#include <stdlib.h>

REEF_COMPONENT(note, 0, REEF_TEXT(body, 32), REEF_U8(level, .max = 9));

static int setup(void **state)
{
    reef_app_t *app = NULL;

    assert_int_equal(
        reef_app_create(&(reef_app_desc_t){.ignore_environment = true}, &app, NULL),
        REEF_OK);
    reef_world_component(reef_app_world(app), &name_type);
    reef_world_component(reef_app_world(app), &username_type);
    *state = app;
    return 0;
}

static int teardown(void **state)
{
    reef_app_destroy(*state);
    return 0;
}

static reef_entity_t spawn(reef_app_t *app, float x)
{
    reef_entity_t entity = reef_world_spawn(reef_app_world(app), REEF_RANGE_WORLD);

    REEF_ADD(reef_app_world(app), entity, position_2d, .x = x);
    return entity;
}

static void set_query(reef__page_t *page, const char *query)
{
    assert_true(reef__name_list_parse(&page->query, reef_span_text(query)));
}

/* Pages ------------------------------------------------------------------------ */

static void test_admin_world_pages_cover_each_entity_once(void **state)
{
    reef__page_t page = {.app = *state, .limit = 7};
    size_t seen = 0;
    uint32_t last = 0;

    for (int i = 0; i < 40; i++) {
        spawn(*state, (float)i);
    }
    do {
        reef__page_reset(&page);
        reef__page_collect(&page);
        for (size_t i = 0; i < page.entities.count; i++) {
            uint32_t index = reef_entity_index(page.entities.items[i].id);

            assert_true(index > last);
            last = index;
            seen++;
        }
        assert_int_equal(page.total, 40);
    } while (page.more);
    assert_int_equal(seen, 40);
    reef__page_finish(&page);
}

static void
test_admin_world_usual_page_needs_no_memory_of_the_world_thread(void **state)
{
    reef__page_t page = {.app = *state, .limit = 40};
    const void *entities, *components, *bytes;

    for (int i = 0; i < 40; i++) {
        spawn(*state, (float)i);
    }
    reef__page_reserve(&page);
    entities = page.entities.items;
    components = page.components.items;
    bytes = page.bytes.items;
    reef__page_collect(&page);
    assert_int_equal(page.entities.count, 40);
    assert_ptr_equal(page.entities.items, entities);
    assert_ptr_equal(page.components.items, components);
    assert_ptr_equal(page.bytes.items, bytes);
    reef__page_finish(&page);
}

static void test_admin_world_page_survives_despawns(void **state)
{
    reef__page_t page = {.app = *state, .limit = 2};
    reef_entity_t entities[6];

    for (int i = 0; i < 6; i++) {
        entities[i] = spawn(*state, 0);
    }
    reef__page_collect(&page);
    reef_world_despawn(reef_app_world(*state), entities[0]);
    reef__page_reset(&page);
    reef__page_collect(&page);
    assert_int_equal(page.entities.count, 2);
    assert_int_equal(page.entities.items[0].id, entities[2]);
    reef__page_finish(&page);
}

static void test_admin_world_query_finds_few_among_many(void **state)
{
    reef_world_t *world = reef_app_world(*state);
    reef__page_t page = {.app = *state, .limit = 3};
    reef_entity_t named[5];

    for (int i = 0; i < 6000; i++) {
        reef_entity_t entity = spawn(*state, 0);

        if (i >= 5000 && i % 200 == 0) {
            named[i / 200 - 25] = entity;
        }
    }
    for (int i = 4; i >= 0; i--) { /* their rows lie against the order of indices */
        REEF_ADD(world, named[i], username, .value = "x");
    }
    set_query(&page, "username,position_2d");
    reef__page_collect(&page);
    assert_int_equal(page.total, 5);
    assert_int_equal(page.entities.count, 3);
    assert_true(page.more);
    assert_int_equal(page.entities.items[0].id, named[0]);
    assert_int_equal(page.entities.items[2].id, named[2]);
    reef__page_reset(&page);
    reef__page_collect(&page);
    assert_int_equal(page.entities.count, 2);
    assert_false(page.more);
    assert_int_equal(page.entities.items[1].id, named[4]);
    reef__page_finish(&page);
}

static void test_admin_world_search_looks_at_names_and_ids(void **state)
{
    reef_world_t *world = reef_app_world(*state);
    reef__page_t page = {.app = *state, .limit = 10, .search = "TURT"};
    reef_entity_t turtle = spawn(*state, 0), other = spawn(*state, 0);

    REEF_ADD(world, turtle, name, .value = "a turtle");
    REEF_ADD(world, other, name, .value = "a crab");
    reef__page_collect(&page);
    assert_int_equal(page.entities.count, 1);
    assert_int_equal(page.entities.items[0].id, turtle);
    reef__page_reset(&page);
    page.after = 0;
    snprintf(page.search, sizeof(page.search), "%llu", (unsigned long long)other);
    reef__page_collect(&page);
    assert_int_equal(page.entities.count, 1);
    assert_string_equal(page.entities.items[0].name, "a crab");
    reef__page_finish(&page);
}

static void test_admin_world_long_search_is_continued(void **state)
{
    reef__page_t page = {.app = *state, .limit = 10, .search = "last"};
    reef_entity_t entity = 0;
    unsigned calls = 0;

    for (int i = 0; i < 120000; i++) {
        entity = reef_world_spawn(reef_app_world(*state), REEF_RANGE_WORLD);
    }
    REEF_ADD(reef_app_world(*state), entity, name, .value = "the last");
    do {
        reef__page_collect(&page);
        calls++;
    } while (page.interrupted);
    assert_int_equal(calls, 8);
    assert_int_equal(page.entities.count, 1);
    assert_false(page.more);
    reef__page_finish(&page);
}

static void test_admin_world_unknown_component_is_named(void **state)
{
    reef__page_t page = {.app = *state, .limit = 10};

    set_query(&page, "nothing");
    reef__page_collect(&page);
    assert_string_equal(page.unknown, "nothing");
    assert_int_equal(page.entities.count, 0);
}

static void test_admin_world_fields_narrow_what_is_copied(void **state)
{
    reef__page_t page = {.app = *state, .limit = 10};
    cJSON *json;

    REEF_ADD(reef_app_world(*state), spawn(*state, 2), name, .value = "n");
    assert_true(reef__name_list_parse(&page.fields, reef_span_text("position_2d")));
    reef__page_collect(&page);
    json = reef__page_entity_json(&page, 0);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(json, "components")), 1);
    assert_string_equal(cJSON_GetObjectItem(json, "name")->valuestring, "n");
    assert_non_null(
        strstr(cJSON_GetObjectItem(json, "archetype")->valuestring, "name"));
    cJSON_Delete(json);
    reef__page_finish(&page);
}

static void test_admin_world_page_has_texts_of_its_own(void **state)
{
    reef__page_t page = {.app = *state, .limit = 10};
    reef_world_t *world = reef_app_world(*state);
    reef_entity_t entity = spawn(*state, 2);
    note_t *note;
    cJSON *json;
    char *text;

    REEF_ADD(world, entity, note, .level = 1);
    note = REEF_FIND_MUT(world, entity, note);
    assert_true(reef_text_set(&note->body, reef_span_text("before")));
    reef__page_collect(&page);
    assert_int_equal(page.text_bytes, 6);
    reef_text_clear(&note->body);
    json = reef__page_entity_json(&page, 0);
    text = reef__json_print(json);
    assert_non_null(strstr(text, "{\"body\":\"before\",\"level\":1}"));
    free(text);
    cJSON_Delete(json);
    reef__page_reset(&page);
    assert_int_equal(page.text_bytes, 0);
    assert_true(reef__name_list_parse(&page.fields, reef_span_text("position_2d")));
    page.after = 0;
    reef__page_collect(&page); /* without the note, so there is none to release */
    assert_int_equal(page.entities.count, 1);
    reef__page_finish(&page);
}

/* Edits ------------------------------------------------------------------------ */

typedef struct edit_case {
    reef__edit_kind_t kind;
    reef_entity_t entity;
    const char *component, *if_match, *body;
} edit_case_t;

static reef__edit_result_t
edit(reef_app_t *app, const edit_case_t *wanted, reef__field_errors_t *errors)
{
    cJSON *body = wanted->body != NULL ? cJSON_Parse(wanted->body) : NULL;
    reef__edit_t run = {.app = app,
                        .kind = wanted->kind,
                        .entity = wanted->entity,
                        .component = wanted->component,
                        .if_match = wanted->if_match,
                        .body = body};

    reef__edit_run(&run);
    if (errors != NULL) {
        *errors = run.errors;
    }
    reef__edit_finish(&run);
    cJSON_Delete(body);
    return run.result;
}

static float x_of(reef_app_t *app, reef_entity_t entity)
{
    return REEF_FIND(reef_app_world(app), entity, position_2d)->x;
}

static void test_admin_world_patch_changes_one_field(void **state)
{
    reef_entity_t entity = spawn(*state, 1);
    edit_case_t merge = {REEF__EDIT_MERGE, entity, "position_2d", "*", "{\"y\":4}"};
    edit_case_t patch = {REEF__EDIT_PATCH, entity, "position_2d", "*",
                         "[{\"op\":\"test\",\"path\":\"/y\",\"value\":4},"
                         "{\"op\":\"replace\",\"path\":\"/x\",\"value\":3}]"};

    assert_int_equal(edit(*state, &merge, NULL), REEF__EDIT_DONE);
    assert_int_equal(edit(*state, &patch, NULL), REEF__EDIT_DONE);
    assert_true(x_of(*state, entity) == 3);
    assert_true(REEF_FIND(reef_app_world(*state), entity, position_2d)->y == 4);
}

static void test_admin_world_texts_are_edited(void **state)
{
    reef_world_t *world = reef_app_world(*state);
    reef_entity_t entity = spawn(*state, 1);
    edit_case_t merge = {REEF__EDIT_MERGE, entity, "note", "*", "{\"body\":\"hi\"}"};
    edit_case_t wrong = {REEF__EDIT_MERGE, entity, "note", "*",
                         "{\"body\":\"ho\",\"level\":10}"};

    REEF_ADD(world, entity, note, .level = 1);
    assert_int_equal(edit(*state, &merge, NULL), REEF__EDIT_DONE);
    assert_int_equal(edit(*state, &wrong, NULL), REEF__EDIT_REFUSED);
    assert_string_equal(REEF_FIND(world, entity, note)->body.data, "hi");
    reef_text_clear(&REEF_FIND_MUT(world, entity, note)->body);
}

static void test_admin_world_refused_patch_changes_nothing(void **state)
{
    reef_entity_t entity = spawn(*state, 1);
    edit_case_t patch = {REEF__EDIT_PATCH, entity, "position_2d", "*",
                         "[{\"op\":\"replace\",\"path\":\"/x\",\"value\":3},"
                         "{\"op\":\"test\",\"path\":\"/y\",\"value\":9}]"};
    edit_case_t merge = {REEF__EDIT_MERGE, entity, "position_2d", "*",
                         "{\"x\":5,\"y\":\"no\"}"};
    reef__field_errors_t errors;

    assert_int_equal(edit(*state, &patch, NULL), REEF__EDIT_TEST_FAILED);
    assert_int_equal(edit(*state, &merge, &errors), REEF__EDIT_REFUSED);
    assert_string_equal(errors.items[0].pointer, "/y");
    assert_true(x_of(*state, entity) == 1);
}

static void test_admin_world_stale_etag_is_refused(void **state)
{
    reef_entity_t entity = spawn(*state, 1);
    char etag[REEF__ETAG_SIZE];
    edit_case_t put = {REEF__EDIT_PUT, entity, "position_2d", etag, "{\"x\":2}"};

    reef__etag_make("{\"x\":1,\"y\":0}", etag);
    assert_int_equal(edit(*state, &put, NULL), REEF__EDIT_DONE);
    assert_int_equal(edit(*state, &put, NULL), REEF__EDIT_STALE);
    assert_true(x_of(*state, entity) == 2);
}

static void test_admin_world_put_adds_and_remove_removes(void **state)
{
    reef_world_t *world = reef_app_world(*state);
    reef_entity_t entity = spawn(*state, 1);
    edit_case_t put = {REEF__EDIT_PUT, entity, "name", "*", "{\"value\":\"n\"}"};
    edit_case_t remove = {REEF__EDIT_REMOVE, entity, "name", "*", NULL};
    edit_case_t merge = {REEF__EDIT_MERGE, entity, "name", "*", "{}"};

    assert_int_equal(edit(*state, &merge, NULL), REEF__EDIT_NO_COMPONENT);
    assert_int_equal(edit(*state, &put, NULL), REEF__EDIT_DONE);
    assert_string_equal(REEF_FIND(world, entity, name)->value, "n");
    assert_int_equal(edit(*state, &remove, NULL), REEF__EDIT_DONE);
    assert_null(REEF_FIND(world, entity, name));
    assert_int_equal(edit(*state, &remove, NULL), REEF__EDIT_NO_COMPONENT);
}

static void test_admin_world_relations_that_cannot_be_are_refused(void **state)
{
    reef_world_t *world = reef_app_world(*state);
    reef_entity_t parent = spawn(*state, 1), child = spawn(*state, 2);
    reef__field_errors_t errors = {0};
    char to_child[64];
    edit_case_t cycle = {REEF__EDIT_PUT, parent, "child_of", "*", to_child};

    snprintf(to_child, sizeof(to_child), "{\"target\":\"%llu\"}",
             (unsigned long long)child);
    assert_true(REEF_RELATE(world, child, child_of, parent));

    assert_int_equal(edit(*state, &cycle, &errors), REEF__EDIT_REFUSED);
    assert_int_equal(errors.count, 1);
    assert_null(REEF_FIND(world, parent, child_of));
}

static void test_admin_world_one_component_too_many_is_refused(void **state)
{
    static reef_type_t types[REEF_MAX_TABLE_COMPONENTS];
    static char names[REEF_MAX_TABLE_COMPONENTS][8];
    reef_world_t *world = reef_app_world(*state);
    reef_entity_t entity = spawn(*state, 1); /* has one */
    edit_case_t put = {REEF__EDIT_PUT, entity, names[0], "*", "true"};

    for (int i = 0; i < REEF_MAX_TABLE_COMPONENTS; i++) {
        snprintf(names[i], sizeof(names[i]), "tag_%d", i);
        types[i] = (reef_type_t){.name = names[i], .alignment = 1};
        (void)reef_world_component(world, &types[i]);
        if (i > 0) {
            reef_world_add(world, entity, reef_world_component(world, &types[i]), NULL);
        }
    }

    assert_int_equal(edit(*state, &put, NULL), REEF__EDIT_REFUSED);
    assert_false(reef_world_has(world, entity, reef_world_component(world, &types[0])));
}

static void test_admin_world_read_only_components_are_refused(void **state)
{
    reef_entity_t entity = spawn(*state, 1);
    edit_case_t put = {REEF__EDIT_PUT, entity, "client_id", "*", "{\"value\":\"1\"}"};
    edit_case_t remove = {REEF__EDIT_REMOVE, entity, "client_id", "*", NULL};

    assert_int_equal(edit(*state, &put, NULL), REEF__EDIT_REFUSED);
    REEF_ADD(reef_app_world(*state), entity, client_id, .value = 5);
    assert_int_equal(edit(*state, &put, NULL), REEF__EDIT_REFUSED);
    assert_int_equal(edit(*state, &remove, NULL), REEF__EDIT_REFUSED);
    assert_int_equal(REEF_FIND(reef_app_world(*state), entity, client_id)->value, 5);
}

static void test_admin_world_edit_of_nothing_says_what_is_missing(void **state)
{
    reef_entity_t entity = spawn(*state, 1);
    edit_case_t gone = {REEF__EDIT_READ, 99, "name", NULL, NULL};
    edit_case_t type = {REEF__EDIT_READ, entity, "nothing", NULL, NULL};
    edit_case_t component = {REEF__EDIT_READ, entity, "username", NULL, NULL};

    assert_int_equal(edit(*state, &gone, NULL), REEF__EDIT_NO_ENTITY);
    assert_int_equal(edit(*state, &type, NULL), REEF__EDIT_NO_TYPE);
    assert_int_equal(edit(*state, &component, NULL), REEF__EDIT_NO_COMPONENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_admin_world_pages_cover_each_entity_once),
        TEST(test_admin_world_usual_page_needs_no_memory_of_the_world_thread),
        TEST(test_admin_world_page_survives_despawns),
        TEST(test_admin_world_query_finds_few_among_many),
        TEST(test_admin_world_search_looks_at_names_and_ids),
        TEST(test_admin_world_long_search_is_continued),
        TEST(test_admin_world_unknown_component_is_named),
        TEST(test_admin_world_fields_narrow_what_is_copied),
        TEST(test_admin_world_page_has_texts_of_its_own),
        TEST(test_admin_world_texts_are_edited),
        TEST(test_admin_world_patch_changes_one_field),
        TEST(test_admin_world_refused_patch_changes_nothing),
        TEST(test_admin_world_stale_etag_is_refused),
        TEST(test_admin_world_put_adds_and_remove_removes),
        TEST(test_admin_world_relations_that_cannot_be_are_refused),
        TEST(test_admin_world_one_component_too_many_is_refused),
        TEST(test_admin_world_read_only_components_are_refused),
        TEST(test_admin_world_edit_of_nothing_says_what_is_missing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
