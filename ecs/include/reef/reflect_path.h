/**
 * @file reflect_path.h
 * @brief Fields by path: `pose.origin.x`, `weights[2]`, `members[3].name`.
 *
 *     path = step *("." step)        step = name ["[" index "]"]
 *
 * A path names one element: an array needs its index, and only an array takes one.
 * Paths may come from anywhere: they are bounded, and whatever is wrong is told with
 * the path.  Any thread, as far as the value allows.
 */
#ifndef REEF_REFLECT_PATH_H
#define REEF_REFLECT_PATH_H

#include <reef/reflect.h>

enum {
    REEF_MAX_PATH = 512 /* bytes */
};

/** Where a path leads in every value of a type. */
typedef struct reef_place {
    const reef_field_t *field;
    uint32_t index;  /* of the element; 0 when the field is no array */
    uint32_t offset; /* of the element, bytes from the start of the value */
    bool read_only;  /* the type, or a field on the way, is not to be changed */
    bool secret;     /* a field on the way is never to be shown */
} reef_place_t;

/**
 * Find what @p path names.  It may be a nested struct.
 *
 * @return REEF_OK; REEF_E_INVALID (no path; too long; index of what is no array;
 *         missing index; step into what is no struct), REEF_E_NOT_FOUND (unknown
 *         field) or REEF_E_RANGE (index), with *place untouched.
 */
REEF_NODISCARD reef_error_t reef_path_resolve(const reef_type_t *type,
                                              reef_span_t path,
                                              reef_place_t *place,
                                              reef_failure_t *failure);

/** Address of the element in @p value, of the type that was resolved. */
static inline void *reef_place_at(const reef_place_t *place, void *value)
{
    return (uint8_t *)value + place->offset;
}
static inline const void *reef_place_at_const(const reef_place_t *place,
                                              const void *value)
{
    return (const uint8_t *)value + place->offset;
}

/** Read: reef_field_get() by path.  Secrets are given: whether to show them is the
 *  caller's policy.  Also REEF_E_INVALID for a nested struct, which has no value. */
REEF_NODISCARD reef_error_t reef_path_get(const reef_type_t *type,
                                          const void *value,
                                          reef_span_t path,
                                          reef_value_t *out,
                                          reef_failure_t *failure);

/** Write after validation: reef_field_set() by path, with the errors of both; @p value
 *  is then unchanged.  read_only is the caller's policy. */
REEF_NODISCARD reef_error_t reef_path_set(const reef_type_t *type,
                                          void *value,
                                          reef_span_t path,
                                          reef_value_t given,
                                          reef_failure_t *failure);

/** Write from the text a person typed: reef_field_parse() by path. */
REEF_NODISCARD reef_error_t reef_path_parse(const reef_type_t *type,
                                            void *value,
                                            reef_span_t path,
                                            reef_span_t text,
                                            reef_failure_t *failure);

#endif /* REEF_REFLECT_PATH_H */
