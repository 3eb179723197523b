/*
 * The precondition, the patch and the write happen in one request of the world thread,
 * so nothing can change the component between them.
 */
#include "component_edit.h"

#include "json_fields.h"

#include <stdlib.h>

/* One byte more, so that a tag has an address too. */
static void *allocate(const reef_type_t *type)
{
    void *value = calloc(1, (size_t)type->size + 1);

    if (value == NULL) {
        abort();
    }
    return value;
}

void *reef__component_value(const reef_type_t *type,
                            const cJSON *json,
                            const char *pointer,
                            reef__field_errors_t *errors)
{
    void *value = allocate(type);

    if (!reef__value_from_json(type, NULL, json, value, pointer, errors)) {
        free(value);
        return NULL;
    }
    return value;
}

static bool precondition_holds(const reef__edit_t *edit)
{
    char etag[REEF__ETAG_SIZE] = "\"\"";

    if (edit->before != NULL) {
        char *text = reef__json_print(edit->before);

        reef__etag_make(text, etag);
        free(text);
    }
    return reef__etag_matches(edit->if_match, etag);
}

/* The JSON that the component is to become; NULL with the result set on failure. */
static cJSON *wanted_json(reef__edit_t *edit)
{
    cJSON *json;

    if (edit->kind == REEF__EDIT_PUT) {
        return cJSON_Duplicate(edit->body, true);
    }
    json = cJSON_Duplicate(edit->before, true);
    if (edit->kind == REEF__EDIT_MERGE) {
        return reef__patch_merge(json, edit->body);
    }
    switch (reef__patch_apply(&json, edit->body, &edit->errors)) {
    case REEF__PATCH_DONE:
        return json;
    case REEF__PATCH_TEST_FAILED:
        edit->result = REEF__EDIT_TEST_FAILED;
        break;
    case REEF__PATCH_REFUSED:
        edit->result = REEF__EDIT_REFUSED;
        break;
    }
    cJSON_Delete(json);
    return NULL;
}

static bool has_most_components(const reef_world_t *world, reef_entity_t entity)
{
    uint32_t count;

    (void)reef_world_components_of(world, entity, &count);
    return count == REEF_MAX_TABLE_COMPONENTS;
}

static void
write_value(reef__edit_t *edit, const reef_type_t *type, reef_component_t component)
{
    reef_world_t *world = reef_app_world(edit->app);
    const void *present = reef_world_find(world, edit->entity, component);
    void *value = allocate(type);
    cJSON *json = wanted_json(edit);

    if (json == NULL) {
        /* The result says why. */
    } else if (!reef__value_from_json(type, present, json, value, "", &edit->errors)) {
        edit->result = REEF__EDIT_REFUSED;
    } else if (present == NULL && has_most_components(world, edit->entity)) {
        reef__field_errors_add(&edit->errors, "",
                               "the entity has %d components, the most",
                               REEF_MAX_TABLE_COMPONENTS);
        reef_type_drop(type, value);
        edit->result = REEF__EDIT_REFUSED;
    } else {
        /* Printed first: afterwards it is the world's, and observers may change it. */
        edit->after = reef__value_to_json(type, value);
        if (!(present != NULL
                  ? reef_world_set(world, edit->entity, component, value)
                  : reef_world_add(world, edit->entity, component, value))) {
            /* Alive and of the right type: only a relation refuses what is left. */
            reef__field_errors_add(&edit->errors, "/target",
                                   "target: is not alive, or above would be below");
            reef_type_drop(type, value);
            edit->result = REEF__EDIT_REFUSED;
        } else {
            edit->result = REEF__EDIT_DONE;
        }
    }
    cJSON_Delete(json);
    free(value);
}

static void
remove_value(reef__edit_t *edit, const reef_type_t *type, reef_component_t component)
{
    if (reef__type_is_read_only(type)) {
        reef__field_errors_add(&edit->errors, "", "%s: is read-only", type->name);
        edit->result = REEF__EDIT_REFUSED;
        return;
    }
    reef_world_remove(reef_app_world(edit->app), edit->entity, component);
    edit->result = REEF__EDIT_DONE;
}

void reef__edit_run(void *argument)
{
    reef__edit_t *edit = argument;
    reef_world_t *world = reef_app_world(edit->app);
    reef_component_t component =
        reef_world_find_component(world, reef_span_text(edit->component));
    const reef_type_t *type;
    const void *present;

    edit->tick = reef__admin_now(edit->app).tick;
    if (!reef_world_is_alive(world, edit->entity)) {
        edit->result = REEF__EDIT_NO_ENTITY;
        return;
    }
    if (component == REEF_NO_COMPONENT) {
        edit->result = REEF__EDIT_NO_TYPE;
        return;
    }
    type = reef_world_component_type(world, component);
    present = reef_world_find(world, edit->entity, component);
    if (present != NULL) {
        edit->before = reef__value_to_json(type, present);
    } else if (edit->kind != REEF__EDIT_PUT) {
        edit->result = REEF__EDIT_NO_COMPONENT;
        return;
    }
    if (edit->kind == REEF__EDIT_READ) {
        edit->result = REEF__EDIT_DONE;
    } else if (!precondition_holds(edit)) {
        edit->result = REEF__EDIT_STALE;
    } else if (edit->kind == REEF__EDIT_REMOVE) {
        remove_value(edit, type, component);
    } else {
        write_value(edit, type, component);
    }
}

void reef__edit_finish(reef__edit_t *edit)
{
    cJSON_Delete(edit->before);
    cJSON_Delete(edit->after);
    edit->before = NULL;
    edit->after = NULL;
}
