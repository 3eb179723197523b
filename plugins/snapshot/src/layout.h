/*
 * Layouts of structs, as they were stored and as this program has them, both flat: a
 * list of fields that hold a value, nested ones under a path ("pose.origin.x").
 */
#ifndef REEF_SNAPSHOT_LAYOUT_H
#define REEF_SNAPSHOT_LAYOUT_H

#include <reef/attrs.h>
#include <reef/error.h>
#include <reef/reflect.h>

enum {
    REEF__LAYOUT_MAX_SIZE = 1 << 20, /* bytes of a struct */
    REEF__LAYOUT_MAX_LEAVES = 16384, /* of structs in arrays, each has its own */
    REEF__LAYOUT_MAX_DEPTH = 8,
    REEF__LAYOUT_MAX_JSON = 1 << 20, /* bytes */
    REEF__LAYOUT_PATH_SIZE = 200,
    REEF__TEXT_SLOT_SIZE = 8, /* bytes of a text in a stored value, at least */
};

typedef struct reef__leaf {
    char path[REEF__LAYOUT_PATH_SIZE];
    reef_field_t field; /* offset from the start of the outermost struct; name = path */
    reef_enum_value_t *own_values; /* of a stored enum or mask; field.values */
} reef__leaf_t;

typedef struct reef__layout {
    uint32_t size; /* bytes of the struct */
    struct {
        reef__leaf_t *items;
        size_t count, capacity;
    } leaves;
    const reef__leaf_t **by_path; /* [leaves.count], sorted */
    bool has_texts;
    uint32_t structs;    /* of a stored one: nested structs seen */
    uint64_t leaf_bytes; /* of a stored one: of all fields */
    void *json;          /* of a stored one: holds the names of its enum values */
} reef__layout_t;

/* The layout of a type of this program: reef__layout_finish(). */
void reef__layout_init(reef__layout_t *layout, const reef_type_t *type);

/*
 * Read a stored layout: every field lies within @p size bytes, no two of one path.
 * @return REEF_OK with a layout to reef__layout_finish(); or REEF_E_CORRUPT.
 */
REEF_NODISCARD reef_error_t reef__layout_parse(reef_span_t json,
                                               int64_t size,
                                               reef__layout_t *layout,
                                               reef_failure_t *failure);

void reef__layout_finish(reef__layout_t *layout);

/* The field at @p path, or NULL. */
const reef__leaf_t *reef__layout_find(const reef__layout_t *layout, const char *path);

/* The description of @p type as JSON text: reef__layout_free_text(). */
char *reef__layout_write(const reef_type_t *type);
void reef__layout_free_text(char *text);

#endif /* REEF_SNAPSHOT_LAYOUT_H */
