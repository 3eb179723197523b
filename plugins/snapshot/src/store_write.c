/*
 * The one transaction that makes a snapshot.  Contents are looked for by hash before
 * they are compressed, so what is stored already costs a lookup.
 */
#include "store.h"

#include "layout.h"
#include "memory.h"

#include <reef/array.h>

static const char *const kind_names[] = {
    [REEF__PART_SLOTS] = "slots",
    [REEF__PART_ROWS] = "rows",
    [REEF__PART_RESOURCE] = "resource",
};

/* A type that was entered in this transaction, and its row. */
typedef struct known_type {
    const reef_type_t *type;
    int64_t id;
} known_type_t;

typedef struct write {
    reef_database_t *database;
    reef__capture_t *capture;
    reef_failure_t *failure;
    reef_statement_t *find_chunk, *add_chunk, *refer;
    struct {
        known_type_t *items;
        size_t count, capacity;
    } types;
} write_t;

/* Types ------------------------------------------------------------------------ */

static reef_error_t run_type_statement(write_t *write,
                                       const char *sql,
                                       const reef_type_t *type,
                                       reef_span_t layout,
                                       int64_t *id)
{
    reef__blob_hash_t hash = reef__blob_hash(layout.data, layout.size);
    reef_statement_t *statement = NULL;
    bool row = false;
    reef_error_t error =
        reef_database_prepare(write->database, sql, &statement, write->failure);

    if (error == REEF_OK) {
        reef_statement_bind_text(statement, 1, reef_span_text(type->name));
        reef_statement_bind_blob(statement, 2,
                                 reef_span(hash.bytes, sizeof(hash.bytes)));
        if (id == NULL) {
            reef_statement_bind_int(statement, 3, type->size);
            reef_statement_bind_text(statement, 4, layout);
        }
        error = reef_statement_step(statement, &row, write->failure);
    }
    if (error == REEF_OK && id != NULL) {
        *id = row ? reef_statement_int(statement, 0) : 0;
    }
    reef_statement_destroy(statement);
    return error;
}

static reef_error_t ensure_type(write_t *write, const reef_type_t *type, int64_t *id)
{
    char *layout;
    reef_span_t text;
    reef_error_t error;

    for (size_t i = 0; i < write->types.count; i++) {
        if (write->types.items[i].type == type) {
            *id = write->types.items[i].id;
            return REEF_OK;
        }
    }
    layout = reef__layout_write(type);
    text = reef_span_text(layout);
    error = run_type_statement(write,
                               "INSERT OR IGNORE INTO component_type "
                               "(name, layout_hash, size, layout) "
                               "VALUES (?1, ?2, ?3, ?4)",
                               type, text, NULL);
    if (error == REEF_OK) {
        error = run_type_statement(write,
                                   "SELECT id FROM component_type "
                                   "WHERE name = ?1 AND layout_hash = ?2",
                                   type, text, id);
    }
    reef__layout_free_text(layout);
    if (error == REEF_OK) {
        *REEF_ARRAY_PUSH(reef_alloc_default(), &write->types) =
            (known_type_t){.type = type, .id = *id};
    }
    return error;
}

static reef_error_t write_table(write_t *write, uint32_t position)
{
    const reef__captured_table_t *table = &write->capture->tables.items[position];
    int64_t snapshot = write->capture->id;
    reef_error_t error = reef__store_run(
        write->database,
        "INSERT INTO snapshot_table (snapshot_id, position, rows) VALUES (?1, ?2, ?3)",
        (const int64_t[]){snapshot, position, (int64_t)table->rows}, 3, write->failure);

    for (uint32_t i = 0; i < table->type_count && error == REEF_OK; i++) {
        int64_t type;

        error = ensure_type(write, table->types[i], &type);
        if (error == REEF_OK) {
            error = reef__store_run(write->database,
                                    "INSERT INTO snapshot_column (snapshot_id, "
                                    "table_position, position, component_type_id) "
                                    "VALUES (?1, ?2, ?3, ?4)",
                                    (const int64_t[]){snapshot, position, i, type}, 4,
                                    write->failure);
        }
    }
    return error;
}

static reef_error_t write_resource(write_t *write, uint32_t position)
{
    int64_t type;
    reef_error_t error =
        ensure_type(write, write->capture->resources.items[position], &type);

    if (error != REEF_OK) {
        return error;
    }
    return reef__store_run(
        write->database,
        "INSERT INTO snapshot_resource (snapshot_id, position, component_type_id) "
        "VALUES (?1, ?2, ?3)",
        (const int64_t[]){write->capture->id, position, type}, 3, write->failure);
}

/* Contents --------------------------------------------------------------------- */

static reef_error_t add_chunk(write_t *write, reef__part_t *part)
{
    reef_error_t error;
    size_t capacity, packed_size;
    void *packed;

    if (part->data == NULL) {
        return reef_fail(write->failure, REEF_E_CORRUPT,
                         "a chunk of the snapshot before is gone");
    }
    if (part->size > REEF__BLOB_MAX_SIZE) {
        return reef_fail(write->failure, REEF_E_LIMIT,
                         "one value with its texts has %zu bytes, at most %d can be "
                         "stored",
                         part->size, REEF__BLOB_MAX_SIZE);
    }
    reef__blob_pack(part->data, part->size, &packed, &capacity, &packed_size);
    reef_statement_bind_blob(write->add_chunk, 1,
                             reef_span(part->hash.bytes, sizeof(part->hash.bytes)));
    reef_statement_bind_int(write->add_chunk, 2, (int64_t)part->size);
    reef_statement_bind_blob(write->add_chunk, 3, reef_span(packed, packed_size));
    error = reef_statement_run(write->add_chunk, write->failure);
    snapshot_free(packed, capacity);
    part->stored_size = packed_size;
    return error;
}

static reef_error_t write_part(write_t *write, reef__part_t *part)
{
    reef_span_t hash = reef_span(part->hash.bytes, sizeof(part->hash.bytes));
    bool found = false;
    reef_error_t error;

    if (part->data != NULL) {
        part->hash = reef__blob_hash(part->data, part->size);
    }
    reef_statement_bind_blob(write->find_chunk, 1, hash);
    error = reef_statement_step(write->find_chunk, &found, write->failure);
    if (error == REEF_OK && found) {
        part->stored_size = (uint64_t)reef_statement_int(write->find_chunk, 0);
    }
    reef_statement_reset(write->find_chunk);
    if (error == REEF_OK && !found) {
        error = add_chunk(write, part);
    }
    if (error != REEF_OK) {
        return error;
    }
    reef_statement_bind_int(write->refer, 1, write->capture->id);
    reef_statement_bind_text(write->refer, 2, reef_span_text(kind_names[part->kind]));
    reef_statement_bind_int(write->refer, 3, part->owner);
    reef_statement_bind_int(write->refer, 4, part->position);
    reef_statement_bind_blob(write->refer, 5, hash);
    return reef_statement_run(write->refer, write->failure);
}

static reef_error_t prepare(write_t *write)
{
    reef_error_t error = reef_database_prepare(
        write->database, "SELECT length(data) FROM chunk WHERE hash = ?1",
        &write->find_chunk, write->failure);

    if (error == REEF_OK) {
        error = reef_database_prepare(
            write->database, "INSERT INTO chunk (hash, size, data) VALUES (?1, ?2, ?3)",
            &write->add_chunk, write->failure);
    }
    if (error == REEF_OK) {
        error = reef_database_prepare(
            write->database,
            "INSERT INTO snapshot_chunk (snapshot_id, kind, owner, position, hash) "
            "VALUES (?1, ?2, ?3, ?4, ?5)",
            &write->refer, write->failure);
    }
    return error;
}

static reef_error_t write_all(write_t *write, uint64_t *bytes)
{
    const reef__capture_t *capture = write->capture;
    uint64_t sum = 0;
    reef_error_t error = prepare(write);

    for (size_t i = 0; i < capture->tables.count && error == REEF_OK; i++) {
        error = write_table(write, (uint32_t)i);
    }
    for (size_t i = 0; i < capture->resources.count && error == REEF_OK; i++) {
        error = write_resource(write, (uint32_t)i);
    }
    for (size_t i = 0; i < capture->parts.count && error == REEF_OK; i++) {
        error = write_part(write, &capture->parts.items[i]);
        sum += capture->parts.items[i].stored_size;
    }
    if (error == REEF_OK) {
        error = reef__store_run(
            write->database,
            "UPDATE snapshot SET state = 'complete', bytes = ?2 WHERE id = ?1",
            (const int64_t[]){capture->id, (int64_t)sum}, 2, write->failure);
    }
    *bytes = sum;
    return error;
}

reef_error_t reef__store_write(reef_database_t *database,
                               reef__capture_t *capture,
                               uint64_t *bytes,
                               reef_failure_t *failure)
{
    write_t write = {.database = database, .capture = capture, .failure = failure};
    uint64_t sum = 0;
    reef_error_t error = reef_database_run(database, "BEGIN IMMEDIATE", failure);

    if (error != REEF_OK) {
        return error;
    }
    error = write_all(&write, &sum);
    reef_statement_destroy(write.find_chunk);
    reef_statement_destroy(write.add_chunk);
    reef_statement_destroy(write.refer);
    REEF_ARRAY_FINISH(reef_alloc_default(), &write.types);
    if (error == REEF_OK) {
        error = reef_database_run(database, "COMMIT", failure);
    }
    if (error != REEF_OK) {
        (void)!reef_database_run(database, "ROLLBACK", NULL);
        return error;
    }
    *bytes = sum;
    return REEF_OK;
}
