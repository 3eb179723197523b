/**
 * @file reflect.h
 * @brief Structs that describe themselves: fields, types, ranges, units.
 *
 * One macro declares a struct and its description together:
 *
 *     REEF_COMPONENT(velocity_2d, REEF_PERSISTENT,
 *                    REEF_F32(x, .unit = "m/s"),
 *                    REEF_F32(y, .unit = "m/s"))
 *
 * makes `velocity_2d_t` (the struct) and `velocity_2d_type` (its reef_type_t).  The
 * same description serves components, resources and plugin settings: the admin's
 * editors, JSON, snapshots, `--set` and the environment all go through it.
 * Descriptions are constant; every function here may be called from any thread.
 * The macros are in reflect_declare.h, fields by path in reflect_path.h, whole values
 * in and out in reflect_visit.h.
 */
#ifndef REEF_REFLECT_H
#define REEF_REFLECT_H

#include <reef/attrs.h>
#include <reef/error.h>
#include <reef/reflect_declare.h>
#include <reef/span.h>
#include <reef/text.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What is shown of a secret. */
#define REEF_SECRET_TEXT "***"

enum {
    REEF_MAX_NESTING = 8,            /* structs within a struct */
    REEF_TEXT_MAX_SIZE = 1024 * 1024 /* bytes of the largest text of a field */
};

typedef enum reef_kind {
    REEF_KIND_BOOL,
    REEF_KIND_I8,
    REEF_KIND_I16,
    REEF_KIND_I32,
    REEF_KIND_I64,
    REEF_KIND_U8,
    REEF_KIND_U16,
    REEF_KIND_U32,
    REEF_KIND_U64,
    REEF_KIND_F32,
    REEF_KIND_F64,
    REEF_KIND_ENUM,   /* int32_t, one of `values` */
    REEF_KIND_MASK,   /* uint32_t, any union of `values` */
    REEF_KIND_STRING, /* char[size], NUL-terminated UTF-8, tail zeroed */
    REEF_KIND_TEXT,   /* reef_text_t, owned, at most max_size bytes */
    REEF_KIND_ENTITY, /* reef_entity_t, 0 = none */
    REEF_KIND_STRUCT, /* nested; see `type` */
} reef_kind_t;

/** One name of an enum or one bit (or set of bits) of a mask. */
typedef struct reef_enum_value {
    const char *name;
    int64_t value;
} reef_enum_value_t;

typedef struct reef_type reef_type_t;

typedef struct reef_field {
    const char *name;
    reef_kind_t kind;
    uint32_t offset;         /* bytes from the start of the struct */
    uint32_t size;           /* bytes of one element; of a string: its capacity */
    uint32_t max_size;       /* bytes that a text may have */
    uint32_t array_count;    /* elements of an array; 0 = not an array */
    bool read_only;          /* not to be changed by operators */
    bool secret;             /* never shown: logs and the admin print *** */
    double min, max;         /* inclusive; both 0 = whatever the kind holds */
    const char *unit;        /* "m/s", or NULL */
    const char *doc;         /* one line, or NULL */
    const char *initial;     /* text of the default value; NULL = zero */
    const reef_type_t *type; /* of a nested struct */
    const reef_enum_value_t *values; /* of an enum or mask */
    uint32_t value_count;
} reef_field_t;

/** Properties of a component or resource type. */
enum {
    REEF_PERSISTENT = 1u << 0, /* stored in snapshots */
    REEF_REPLICATED = 1u << 1, /* sent to subscribed clients */
    REEF_READ_ONLY = 1u << 2,  /* operators may look, not edit */
    REEF_DETACH = 1u << 3,     /* a relation: gone when its target is; relation.h */
    REEF_CASCADE = 1u << 4,    /* a relation: its entity goes with the target */
};

struct reef_type {
    const char *name; /* unique in a world, snake_case */
    uint32_t size;    /* bytes; 0 = a tag */
    uint32_t alignment;
    uint32_t flags; /* REEF_PERSISTENT | … */
    const reef_field_t *fields;
    uint32_t field_count;

    /** Release what @p value owns beside its texts, when its component is removed; NULL
     *  = nothing.  Only the outermost type's hook is run.  Values are always moved by
     *  memcpy. */
    void (*drop)(void *value);
};

/** A value on its way in or out of a field, whatever the field's kind. */
typedef enum reef_value_tag {
    REEF_VALUE_BOOL,
    REEF_VALUE_INT,
    REEF_VALUE_UINT,
    REEF_VALUE_FLOAT,
    REEF_VALUE_TEXT,
} reef_value_tag_t;

typedef struct reef_value {
    reef_value_tag_t tag;
    union {
        bool boolean;
        int64_t integer;
        uint64_t natural;
        double real;
        reef_span_t text; /* borrowed */
    };
} reef_value_t;

/* Fields ----------------------------------------------------------------------- */

/** The field called @p name, or NULL. */
const reef_field_t *reef_type_find_field(const reef_type_t *type, reef_span_t name);

/** Elements of a field: 1 when it is no array. */
static inline uint32_t reef_field_count(const reef_field_t *field)
{
    return field->array_count == 0 ? 1 : field->array_count;
}

/** Address of element @p index of a field in the struct at @p base (index 0 of a
 *  field that is no array). */
void *reef_field_at(const reef_field_t *field, void *base, uint32_t index);
const void *
reef_field_at_const(const reef_field_t *field, const void *base, uint32_t index);

/**
 * Read one element.  Enums give their name as text (or the number, when it has no
 * name), masks and entities a UINT, strings and texts a text borrowed from the element
 * until that changes.
 * Not for nested structs: visit their fields.
 */
reef_value_t reef_field_get(const reef_field_t *field, const void *element);

/**
 * Write one element after validation: type, range of the kind, min and max, enum
 * names, size and UTF-8 of strings and texts.  Numbers convert when no information is
 * lost; floats accept integers.  A text is copied and the content before it released;
 * @p value may be borrowed from this very element.  Does not look at read_only: that
 * is the caller's policy.
 *
 * @return REEF_OK; REEF_E_INVALID (wrong type, unknown name, bad UTF-8) or
 *         REEF_E_RANGE with a text that names the field and what it accepts; the
 *         element is then unchanged.
 */
REEF_NODISCARD reef_error_t reef_field_set(const reef_field_t *field,
                                           void *element,
                                           reef_value_t value,
                                           reef_failure_t *failure);

/**
 * Write one element from the text a person typed ("60", "1e-3", "true", "off", an
 * enum name, mask names joined by `|`).  Errors as reef_field_set().
 */
REEF_NODISCARD reef_error_t reef_field_parse(const reef_field_t *field,
                                             void *element,
                                             reef_span_t text,
                                             reef_failure_t *failure);

/** Print one element as reef_field_parse() reads it; secrets as `***`.  Returns the
 *  length, cut to @p size - 1. */
size_t reef_field_format(const reef_field_t *field,
                         const void *element,
                         char *out,
                         size_t size);

/* Values ----------------------------------------------------------------------- */

/** Write the `initial` of every field (zero where there is none).  @p value has
 *  type->size bytes, whose content does not count; what its texts then own is the
 *  caller's: reef_type_drop(). */
void reef_type_init(const reef_type_t *type, void *value);

/** Hash of the reflected fields only: neither padding nor a string's tail nor where a
 *  text lies counts. */
uint64_t reef_type_hash(const reef_type_t *type, const void *value, uint64_t seed);

/** Whether all reflected fields are the same; all NaNs are, 0.0 and -0.0 are not. */
bool reef_type_equal(const reef_type_t *type, const void *a, const void *b);

/* Ownership -------------------------------------------------------------------- */

/** Whether values own anything: the type has a drop hook or a text, nested included. */
bool reef_type_owns(const reef_type_t *type);

/** Whether values have texts, nested ones included. */
bool reef_type_has_texts(const reef_type_t *type);

/** Release what @p value owns: runs the hook, then releases all texts, which are empty
 *  afterwards. */
void reef_type_drop(const reef_type_t *type, void *value);

/**
 * Make @p to a copy of @p from with texts of its own, owned by the caller:
 * reef_type_drop().  The content of @p to before does not count.
 *
 * @return False, @p to untouched, when the type has a drop hook: nobody but that knows
 *         what a value owns.
 */
REEF_NODISCARD bool reef_type_copy(const reef_type_t *type, void *to, const void *from);

/**
 * Give a value that was copied byte by byte texts of its own.  For copies that are only
 * looked at: what a drop hook knows of stays with the original, so release such a copy
 * by reef_type_drop_texts().  Returns the bytes of the texts.
 */
size_t reef_type_own_texts(const reef_type_t *type, void *value);

/** Release the texts only, which are empty afterwards. */
void reef_type_drop_texts(const reef_type_t *type, void *value);

#endif /* REEF_REFLECT_H */
