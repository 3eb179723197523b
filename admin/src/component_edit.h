/**
 * @file component_edit.h
 * @brief Reading and changing one component of one entity.  World thread.
 */
#ifndef REEF_ADMIN_COMPONENT_EDIT_H
#define REEF_ADMIN_COMPONENT_EDIT_H

#include "etag.h"
#include "patch.h"
#include "state.h"

typedef enum reef__edit_kind {
    REEF__EDIT_READ,
    REEF__EDIT_PUT,
    REEF__EDIT_MERGE,
    REEF__EDIT_PATCH,
    REEF__EDIT_REMOVE,
} reef__edit_kind_t;

typedef enum reef__edit_result {
    REEF__EDIT_DONE,
    REEF__EDIT_NO_ENTITY,
    REEF__EDIT_NO_TYPE,      /* no component of this name exists at all */
    REEF__EDIT_NO_COMPONENT, /* the entity has none */
    REEF__EDIT_STALE,
    REEF__EDIT_TEST_FAILED,
    REEF__EDIT_REFUSED, /* see errors */
} reef__edit_result_t;

typedef struct reef__edit {
    /* asked */
    reef_app_t *app;
    reef__edit_kind_t kind;
    reef_entity_t entity;
    const char *component;
    const char *if_match; /* NULL for reading */
    const cJSON *body;

    /* found */
    reef__edit_result_t result;
    uint64_t tick;
    cJSON *before, *after; /* NULL = there was, or is, none */
    reef__field_errors_t errors;
} reef__edit_t;

/** Do it, between two ticks, all or nothing.  A reef_request_fn on the edit. */
void reef__edit_run(void *argument);

/** Release what was found. */
void reef__edit_finish(reef__edit_t *edit);

/** A new value of @p type from @p json, from malloc(), what it owns the caller's:
 *  reef_type_drop(); NULL when @p errors grew. */
void *reef__component_value(const reef_type_t *type,
                            const cJSON *json,
                            const char *pointer,
                            reef__field_errors_t *errors);

#endif /* REEF_ADMIN_COMPONENT_EDIT_H */
