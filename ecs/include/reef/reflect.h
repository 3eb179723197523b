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
 */
#ifndef REEF_REFLECT_H
#define REEF_REFLECT_H

#include <reef/attrs.h>
#include <reef/error.h>
#include <reef/foreach.h>
#include <reef/span.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

    /** Release what @p value owns, when its component is removed.  NULL = nothing to
     *  release.  Values are always moved by memcpy. */
    void (*drop)(void *value);
};

/* Fields.  What follows the name are initialisers of reef_field_t: .unit, .min … */
#define REEF_BOOL(name, ...) (BOOL, bool, name, , __VA_ARGS__)
#define REEF_I8(name, ...)   (I8, int8_t, name, , __VA_ARGS__)
#define REEF_I16(name, ...)  (I16, int16_t, name, , __VA_ARGS__)
#define REEF_I32(name, ...)  (I32, int32_t, name, , __VA_ARGS__)
#define REEF_I64(name, ...)  (I64, int64_t, name, , __VA_ARGS__)
#define REEF_U8(name, ...)   (U8, uint8_t, name, , __VA_ARGS__)
#define REEF_U16(name, ...)  (U16, uint16_t, name, , __VA_ARGS__)
#define REEF_U32(name, ...)  (U32, uint32_t, name, , __VA_ARGS__)
#define REEF_U64(name, ...)  (U64, uint64_t, name, , __VA_ARGS__)
#define REEF_F32(name, ...)  (F32, float, name, , __VA_ARGS__)
#define REEF_F64(name, ...)  (F64, double, name, , __VA_ARGS__)
/** An int32_t that is one of @p table, an array of reef_enum_value_t. */
#define REEF_ENUM(name, table, ...)                                                    \
    (ENUM, int32_t, name, , REEF__VALUES(table), __VA_ARGS__)
/** A uint32_t of bits named in @p table, an array of reef_enum_value_t. */
#define REEF_MASK(name, table, ...)                                                    \
    (MASK, uint32_t, name, , REEF__VALUES(table), __VA_ARGS__)
/** A text of at most @p capacity - 1 bytes. */
#define REEF_STRING(name, capacity, ...)                                               \
    (STRING, char, name, [capacity], .size = (capacity), __VA_ARGS__)
#define REEF_ENTITY(name, ...) (ENTITY, uint64_t, name, , __VA_ARGS__)
/** A struct that was itself declared with REEF_STRUCT_TYPE() or REEF_COMPONENT(). */
#define REEF_STRUCT(name, struct_name, ...)                                            \
    (STRUCT, struct_name##_t, name, , .type = &struct_name##_type, __VA_ARGS__)
/** @p count elements of a numeric kind: REEF_ARRAY(weights, F32, 4). */
#define REEF_ARRAY(name, kind, count, ...)                                             \
    (kind, REEF__CTYPE_##kind, name, [count], .array_count = (count), __VA_ARGS__)

/** Declare struct `<name>_t` and its description `<name>_type`, 1 to 32 fields. */
#define REEF_COMPONENT(name_, flags_, ...)                                             \
    typedef struct name_ {                                                             \
        REEF__EACH(REEF__DECLARE, name_, __VA_ARGS__)                                  \
    } name_##_t;                                                                       \
    REEF_UNUSED static const reef_field_t name_##_fields[] = {                         \
        REEF__EACH(REEF__DESCRIBE, name_, __VA_ARGS__)};                               \
    REEF_UNUSED static const reef_type_t name_##_type = {                              \
        .name = #name_,                                                                \
        .size = sizeof(name_##_t),                                                     \
        .alignment = _Alignof(name_##_t),                                              \
        .flags = (flags_),                                                             \
        .fields = name_##_fields,                                                      \
        .field_count = sizeof(name_##_fields) / sizeof(name_##_fields[0])}

/** Declare a component without data. */
#define REEF_TAG(name_, flags_)                                                        \
    REEF_UNUSED static const reef_type_t name_##_type = {                              \
        .name = #name_, .alignment = 1, .flags = (flags_)}

#define REEF__CTYPE_BOOL   bool
#define REEF__CTYPE_I8     int8_t
#define REEF__CTYPE_I16    int16_t
#define REEF__CTYPE_I32    int32_t
#define REEF__CTYPE_I64    int64_t
#define REEF__CTYPE_U8     uint8_t
#define REEF__CTYPE_U16    uint16_t
#define REEF__CTYPE_U32    uint32_t
#define REEF__CTYPE_U64    uint64_t
#define REEF__CTYPE_F32    float
#define REEF__CTYPE_F64    double
#define REEF__CTYPE_ENTITY uint64_t

/* A string gives its capacity itself. */
#define REEF__SIZE_BOOL(ctype_)   .size = sizeof(ctype_),
#define REEF__SIZE_I8(ctype_)     .size = sizeof(ctype_),
#define REEF__SIZE_I16(ctype_)    .size = sizeof(ctype_),
#define REEF__SIZE_I32(ctype_)    .size = sizeof(ctype_),
#define REEF__SIZE_I64(ctype_)    .size = sizeof(ctype_),
#define REEF__SIZE_U8(ctype_)     .size = sizeof(ctype_),
#define REEF__SIZE_U16(ctype_)    .size = sizeof(ctype_),
#define REEF__SIZE_U32(ctype_)    .size = sizeof(ctype_),
#define REEF__SIZE_U64(ctype_)    .size = sizeof(ctype_),
#define REEF__SIZE_F32(ctype_)    .size = sizeof(ctype_),
#define REEF__SIZE_F64(ctype_)    .size = sizeof(ctype_),
#define REEF__SIZE_ENUM(ctype_)   .size = sizeof(ctype_),
#define REEF__SIZE_MASK(ctype_)   .size = sizeof(ctype_),
#define REEF__SIZE_ENTITY(ctype_) .size = sizeof(ctype_),
#define REEF__SIZE_STRUCT(ctype_) .size = sizeof(ctype_),
#define REEF__SIZE_STRING(ctype_)

#define REEF__VALUES(table)                                                            \
    .values = (table), .value_count = sizeof(table) / sizeof((table)[0])
#define REEF__DECLARE(name_, field_)                       REEF__DECLARE_ field_
#define REEF__DECLARE_(kind_, ctype_, member_, dims_, ...) ctype_ member_ dims_;
#define REEF__DESCRIBE(name_, field_)                      REEF__DESCRIBE_(name_, REEF__UNPACK field_)
#define REEF__UNPACK(...)                                  __VA_ARGS__
#define REEF__DESCRIBE_(name_, ...)                        REEF__DESCRIBE__(name_, __VA_ARGS__)
#define REEF__DESCRIBE__(name_, kind_, ctype_, member_, dims_, ...)                    \
    {.name = #member_,                                                                 \
     .kind = REEF_KIND_##kind_,                                                        \
     .offset = offsetof(name_##_t, member_),                                           \
     REEF__SIZE_##kind_(ctype_) __VA_ARGS__},

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

/** The field called @p name, or NULL. */
const reef_field_t *reef_type_find_field(const reef_type_t *type, reef_span_t name);

/** Address of element @p index of a field in the struct at @p base (index 0 of a
 *  field that is no array). */
void *reef_field_at(const reef_field_t *field, void *base, uint32_t index);
const void *
reef_field_at_const(const reef_field_t *field, const void *base, uint32_t index);

/**
 * Read one element.  Enums give their name as text (or the number, when it has no
 * name), masks and entities a UINT, strings a text borrowed from the element.
 * Not for nested structs: visit their fields.
 */
reef_value_t reef_field_get(const reef_field_t *field, const void *element);

/**
 * Write one element after validation: type, range of the kind, min and max, enum
 * names, string size and UTF-8.  Numbers convert when no information is lost;
 * floats accept integers.  Does not look at read_only: that is the caller's policy.
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

/** Write the `initial` of every field (zero where there is none); @p value has
 *  type->size bytes. */
void reef_type_init(const reef_type_t *type, void *value);

/** Hash of the reflected fields only: neither padding nor a string's tail counts. */
uint64_t reef_type_hash(const reef_type_t *type, const void *value, uint64_t seed);

#endif /* REEF_REFLECT_H */
