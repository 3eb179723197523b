/*
 * What loading a snapshot needs on its way: contents by their references, and stored
 * types matched with those of this program, once per snapshot.
 */
#ifndef REEF_SNAPSHOT_LOADER_H
#define REEF_SNAPSHOT_LOADER_H

#include "image.h"

/* A row of component_type. */
typedef struct reef__stored_type {
    int64_t id;
    bool resource;
    uint32_t size;
    bool has_texts;
    reef__plan_t *plan; /* NULL = unknown here */
} reef__stored_type_t;

typedef struct reef__loader {
    reef_database_t *database;
    const reef__catalogue_t *catalogue;
    reef__image_t *image;
    reef_snapshot_restored_t *report;
    reef_failure_t *failure;
    struct {
        reef__stored_type_t *items;
        size_t count, capacity;
    } types;
    uint8_t *seen; /* bit per slot: has a row */
    size_t seen_size;
} reef__loader_t;

#define REEF__CONTENT_OF(kind_)                                                        \
    "SELECT s.hash, c.size, c.data FROM snapshot_chunk AS s "                          \
    "LEFT JOIN chunk AS c ON c.hash = s.hash "                                         \
    "WHERE s.snapshot_id = ?1 AND s.kind = '" kind_ "' AND s.owner = ?2 "              \
    "ORDER BY s.position"

/* Take a content in; borrowed during the call. */
typedef reef_error_t (*reef__content_fn)(reef__loader_t *load,
                                         void *context,
                                         reef_span_t content);

/* Call @p take for each content that @p sql, a REEF__CONTENT_OF(), gives for an owner,
 * in order. */
REEF_NODISCARD reef_error_t reef__loader_each_content(reef__loader_t *load,
                                                      const char *sql,
                                                      int64_t owner,
                                                      reef__content_fn take,
                                                      void *context);

/* The stored type with that row id, of a component or of a resource; matched, with
 * warnings, when it is met first. */
REEF_NODISCARD reef_error_t reef__loader_ensure_type(reef__loader_t *load,
                                                     int64_t id,
                                                     bool resource,
                                                     reef__stored_type_t *found);

/* Prepare a statement whose first parameter is the snapshot and, unless it is
 * negative, whose second is @p owner. */
REEF_NODISCARD reef_error_t reef__loader_prepare(reef__loader_t *load,
                                                 const char *sql,
                                                 int64_t owner,
                                                 reef_statement_t **statement);

/* REEF_E_CORRUPT, with the snapshot's id. */
reef_error_t reef__loader_fail(const reef__loader_t *load, const char *what);

/* Release all but the image. */
void reef__loader_finish(reef__loader_t *load);

#endif /* REEF_SNAPSHOT_LOADER_H */
