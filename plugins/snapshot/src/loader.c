/*
 * Every content is looked up by its reference and verified; a reference without a
 * content is damage, not an end.
 */
#include "loader.h"

#include "blob.h"
#include "memory.h"

#include <reef/array.h>

reef_error_t reef__loader_fail(const reef__loader_t *load, const char *what)
{
    return reef_fail(load->failure, REEF_E_CORRUPT, "snapshot %lld: %s",
                     (long long)load->image->id, what);
}

reef_error_t reef__loader_prepare(reef__loader_t *load,
                                  const char *sql,
                                  int64_t owner,
                                  reef_statement_t **statement)
{
    reef_error_t error =
        reef_database_prepare(load->database, sql, statement, load->failure);

    if (error == REEF_OK) {
        reef_statement_bind_int(*statement, 1, load->image->id);
        if (owner >= 0) {
            reef_statement_bind_int(*statement, 2, owner);
        }
    }
    return error;
}

/* Contents --------------------------------------------------------------------- */

reef_error_t reef__loader_each_content(reef__loader_t *load,
                                       const char *sql,
                                       int64_t owner,
                                       reef__content_fn take,
                                       void *context)
{
    reef_statement_t *statement = NULL;
    bool row = true;
    reef_error_t error = reef__loader_prepare(load, sql, owner, &statement);

    while (error == REEF_OK) {
        void *content;
        int64_t size;

        error = reef_statement_step(statement, &row, load->failure);
        if (error != REEF_OK || !row) {
            break;
        }
        if (reef_statement_is_null(statement, 2)) {
            error = reef__loader_fail(load, "a chunk is missing");
            break;
        }
        size = reef_statement_int(statement, 1);
        error = reef__blob_unpack(reef_statement_blob(statement, 2), size,
                                  reef_statement_blob(statement, 0), &content,
                                  load->failure);
        if (error == REEF_OK) {
            error = take(load, context, reef_span(content, (size_t)size));
            snapshot_free(content, (size_t)size);
        }
    }
    reef_statement_destroy(statement);
    return error;
}

/* Types ------------------------------------------------------------------------ */

static const reef_type_t *
find_known(const reef__loader_t *load, reef_span_t name, bool resource)
{
    const reef_type_t *const *types =
        resource ? load->catalogue->resources.items : load->catalogue->components.items;
    size_t count =
        resource ? load->catalogue->resources.count : load->catalogue->components.count;

    for (size_t i = 0; i < count; i++) {
        if (reef_span_equal(reef_span_text(types[i]->name), name)) {
            return types[i];
        }
    }
    return NULL;
}

static reef_error_t read_type(reef__loader_t *load,
                              const reef_statement_t *statement,
                              reef__stored_type_t *stored)
{
    reef_span_t name = reef_statement_text(statement, 0);
    const reef_type_t *known = find_known(load, name, stored->resource);
    reef__layout_t layout;
    reef_error_t error =
        reef__layout_parse(reef_statement_text(statement, 2),
                           reef_statement_int(statement, 1), &layout, load->failure);

    if (error != REEF_OK) {
        return error;
    }
    stored->size = layout.size;
    stored->has_texts = layout.has_texts;
    if (known == NULL) {
        reef__report_warn(
            load->report, "%s '%.*s' is not known here: its values were not restored",
            stored->resource ? "resource" : "component",
            name.size < 80 ? (int)name.size : 80, (const char *)name.data);
        reef__layout_finish(&layout);
        return REEF_OK;
    }
    stored->plan = snapshot_alloc(sizeof(*stored->plan));
    reef__plan_init(stored->plan, known, &layout, load->report);
    return REEF_OK;
}

/* The type with that row id, matched when it is met first. */
reef_error_t reef__loader_ensure_type(reef__loader_t *load,
                                      int64_t id,
                                      bool resource,
                                      reef__stored_type_t *found)
{
    reef_statement_t *statement = NULL;
    bool row = false;
    reef__stored_type_t stored = {.id = id, .resource = resource};
    reef_error_t error;

    for (size_t i = 0; i < load->types.count; i++) {
        if (load->types.items[i].id == id &&
            load->types.items[i].resource == resource) {
            *found = load->types.items[i];
            return REEF_OK;
        }
    }
    error = reef_database_prepare(
        load->database, "SELECT name, size, layout FROM component_type WHERE id = ?1",
        &statement, load->failure);
    if (error == REEF_OK) {
        reef_statement_bind_int(statement, 1, id);
        error = reef_statement_step(statement, &row, load->failure);
    }
    if (error == REEF_OK) {
        error = row ? read_type(load, statement, &stored)
                    : reef__loader_fail(load, "a component type is missing");
    }
    reef_statement_destroy(statement);
    if (error == REEF_OK) {
        *found = *REEF_ARRAY_PUSH(reef_alloc_default(), &load->types) = stored;
    }
    return error;
}

void reef__loader_finish(reef__loader_t *load)
{
    for (size_t i = 0; i < load->types.count; i++) {
        if (load->types.items[i].plan != NULL) {
            reef__plan_finish(load->types.items[i].plan);
            snapshot_free(load->types.items[i].plan, sizeof(reef__plan_t));
        }
    }
    REEF_ARRAY_FINISH(reef_alloc_default(), &load->types);
    snapshot_free(load->seen, load->seen_size);
}
