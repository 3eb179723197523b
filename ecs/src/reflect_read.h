/*
 * What the files of reef_type_read() share.
 */
#ifndef REEF_ECS_REFLECT_READ_H
#define REEF_ECS_REFLECT_READ_H

#include <reef/reflect_visit.h>

typedef struct reef__reader {
    const reef_read_desc_t *desc;
    const reef_source_t *source;
    char pointer[REEF_MAX_POINTER]; /* of what is being read */
    bool failed;
} reef__reader_t;

/* What is being read: the elements of a field, or one of them. */
typedef struct reef__target {
    const reef_field_t *field;
    uint8_t *element;
    const uint8_t *present; /* the same of the present value, or NULL */
    bool secret;
} reef__target_t;

/* Tell that what is being read is wrong. */
REEF_PRINTF(2, 3)
void reef__reader_fail(reef__reader_t *reader, const char *format, ...);

/* Get the scalar at @p node; false when that is something else, or has another tag. */
bool reef__reader_get(const reef__reader_t *reader,
                      const void *node,
                      reef_value_tag_t tag,
                      reef_value_t *value);

/* Read one element that is no struct. */
void reef__reader_take(reef__reader_t *reader,
                       const reef__target_t *target,
                       const void *node);

#endif /* REEF_ECS_REFLECT_READ_H */
