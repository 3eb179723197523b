/*
 * What the files of the reflection share.
 */
#ifndef REEF_ECS_REFLECT_H
#define REEF_ECS_REFLECT_H

#include <reef/reflect.h>

enum {
    REEF__NUMBER_TEXT_SIZE = 40,
    REEF__NAMES_SIZE = 160, /* of the names that would do, in a failure */
};

/* The shortest decimal text that reads back as @p real; of a float when @p kind is
 * REEF_KIND_F32. */
void reef__real_format(reef_kind_t kind, double real, char out[REEF__NUMBER_TEXT_SIZE]);

/* REEF_E_RANGE, with what was given, the limits and the unit. */
reef_error_t reef__field_fail_range(const reef_field_t *field,
                                    const char *given,
                                    reef_failure_t *failure);

/* Whether any union of named values gives exactly @p mask. */
bool reef__mask_is_named(const reef_field_t *field, uint32_t mask);

/* REEF_E_INVALID with the names that would do. */
reef_error_t reef__field_fail_name(const reef_field_t *field,
                                   reef_span_t given,
                                   reef_failure_t *failure);

/* REEF_E_INVALID: "<field>: <wanted> is wanted". */
reef_error_t reef__field_fail_type(const reef_field_t *field,
                                   const char *wanted,
                                   reef_failure_t *failure);

/* Bring a number to an integer without loss; errors as reef_field_set(). */
reef_error_t reef__field_to_signed(const reef_field_t *field,
                                   reef_value_t value,
                                   int64_t *out,
                                   reef_failure_t *failure);
reef_error_t reef__field_to_unsigned(const reef_field_t *field,
                                     reef_value_t value,
                                     uint64_t *out,
                                     reef_failure_t *failure);

/* reef_field_set() for whole and real numbers and for entities. */
reef_error_t reef__field_set_number(const reef_field_t *field,
                                    void *element,
                                    reef_value_t value,
                                    reef_failure_t *failure);

/* What somebody sent, safe to print: cut between characters, others than printable ones
 * as '?'. */
void reef__text_show(reef_span_t text, char *out, size_t out_size);

/* Append to a list of names; false, with an ellipsis at its end, when it is full. */
bool reef__names_append(char names[REEF__NAMES_SIZE], const char *name);

/* Whether two elements of a field are the same, as reef_type_equal() has it. */
bool reef__element_equal(const reef_field_t *field, const void *a, const void *b);

/* reef_type_own_texts() and reef_type_drop_texts() of one element. */
size_t reef__element_own_texts(const reef_field_t *field, void *element);
void reef__element_drop_texts(const reef_field_t *field, void *element);

/* A text of its own with that content, which is not looked at. */
reef_text_t reef__text_copy(reef_span_t content);

/* Bytes of the UTF-8 sequence at the start of a non-empty text; 0 when malformed. */
size_t reef__utf8_sequence(reef_span_t text);

#endif /* REEF_ECS_REFLECT_H */
