/**
 * @file reflect_visit.h
 * @brief Whole values out to, and in from, whatever tree the caller has: JSON, say.
 *
 * Nothing here knows a format.  Out, a visitor is told what a value consists of; in, a
 * source shows its tree and the value is built from it after validation.  Pure
 * functions: any thread, as far as the value allows.
 */
#ifndef REEF_REFLECT_VISIT_H
#define REEF_REFLECT_VISIT_H

#include <reef/reflect.h>

/* Out -------------------------------------------------------------------------- */

/**
 * What is told of a value, fields in their order.  @p field is the one that a struct,
 * array or value belongs to, NULL for the outermost struct; the elements of an array
 * come between its begin and end, with the same field.
 *
 * A value is as reef_field_get() gives it and field->kind says what it means: a 64-bit
 * number, a float that need not be finite, an entity that may be none (0), a mask whose
 * names reef_field_mask_name() gives, an enum without a name (a number).  Texts are
 * borrowed during the call.
 */
typedef struct reef_visitor {
    void (*begin_struct)(void *context,
                         const reef_field_t *field,
                         const reef_type_t *type);
    void (*end_struct)(void *context);
    void (*begin_array)(void *context, const reef_field_t *field);
    void (*end_array)(void *context);
    void (*value)(void *context, const reef_field_t *field, reef_value_t value);
    /** In place of `value`, for a secret or what is within one: nobody shows by mistake
     *  what he is not given. */
    void (*secret)(void *context, const reef_field_t *field);
} reef_visitor_t;

/** Show @p value (NULL for a tag, which is a struct without fields) to @p visitor. */
void reef_type_visit(const reef_type_t *type,
                     const void *value,
                     const reef_visitor_t *visitor,
                     void *context);

/**
 * The names of the bits that are set, one per call, in the order of the description:
 *
 *     for (uint32_t i = 0; (name = reef_field_mask_name(field, bits, &i)) != NULL;)
 *
 * @param at Where to go on; 0 at first.
 * @return A static text, or NULL at the end.
 */
const char *
reef_field_mask_name(const reef_field_t *field, uint64_t bits, uint32_t *at);

/* In --------------------------------------------------------------------------- */

typedef enum reef_node_kind {
    REEF_NODE_NULL,
    REEF_NODE_SCALAR, /* a truth, number or text */
    REEF_NODE_ARRAY,
    REEF_NODE_OBJECT,
} reef_node_kind_t;

/** The caller's tree; @p node is one of its nodes.  Everything is borrowed while the
 *  value is read. */
typedef struct reef_source {
    reef_node_kind_t (*kind)(const void *node);
    /** First item of an array or member of an object, or NULL. */
    const void *(*first)(const void *node);
    /** The one behind an item or member, or NULL. */
    const void *(*next)(const void *node);
    /** The name of a member. */
    reef_span_t (*name)(const void *node);
    /** The value of a scalar; a number in whichever form holds it without loss. */
    reef_value_t (*scalar)(const void *node);
} reef_source_t;

enum {
    REEF_MAX_POINTER =
        256 /* size of a JSON pointer with its NUL; a longer one is cut */
};

typedef struct reef_read_desc {
    const reef_source_t *source;
    const void *node;    /* the value in the source */
    const void *present; /* the value to be replaced; NULL = there is none yet */
    const char *pointer; /* JSON pointer of `node`; NULL = "" */

    /** Told everything that is wrong, each with its JSON pointer (RFC 6901). */
    void (*fail)(void *context, const char *pointer, const char *text);
    void *context;
} reef_read_desc_t;

/**
 * Make the value that a tree describes.  A struct is an object, an array an array of
 * all its elements, a tag true or an empty object; a 64-bit number is a decimal text,
 * or a number within ±2^53 when it is a float; a float a number or "NaN", "Infinity",
 * "-Infinity"; an enum its name, a mask an array of names, no entity null.
 *
 * Fields that are left out get their initial value.  Those that are read-only keep the
 * present one and may only be given with that, so that what was shown can be written
 * back; so does a secret that is given as REEF_SECRET_TEXT.  Unknown fields are
 * refused. The flags of the type are the caller's policy.
 *
 * @param value Receives type->size bytes, owned by the caller: reef_type_drop().  What
 *              is there before does not count, is not released and stays on failure.
 * @return False when anything is wrong, or the type has a drop hook, because fields do
 *         not make what that knows of; `fail` was then called.
 */
REEF_NODISCARD bool
reef_type_read(const reef_type_t *type, const reef_read_desc_t *desc, void *value);

#endif /* REEF_REFLECT_VISIT_H */
