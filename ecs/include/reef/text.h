/**
 * @file text.h
 * @brief A text of any length that its holder owns.
 *
 * UTF-8 without NUL inside, followed by a NUL that does not count; the empty text is
 * {NULL, 0}.  The bytes come from reef_alloc_default() and are moved, like every value
 * of a component, by copying the struct: whoever has the last copy releases them.
 */
#ifndef REEF_TEXT_H
#define REEF_TEXT_H

#include <reef/attrs.h>
#include <reef/span.h>

#include <stdbool.h>
#include <stdint.h>

/** Zero is the empty text. */
typedef struct reef_text {
    char *data;    /* owned; NULL when empty */
    uint32_t size; /* bytes, without the NUL */
} reef_text_t;

/** Whether @p content may be a text: UTF-8 (RFC 3629) without NUL. */
bool reef_text_is_valid(reef_span_t content);

/** The start of @p content that fits into @p max_size bytes, cut between characters. */
reef_span_t reef_text_cut(reef_span_t content, size_t max_size);

/**
 * Replace the content by a copy of @p content, which may be borrowed from @p text.
 * What a field allows is not looked at: reef_field_set() does.
 *
 * @return False, @p text unchanged, when @p content is no valid text or has 4 GiB.
 */
REEF_NODISCARD bool reef_text_set(reef_text_t *text, reef_span_t content);

/** Release the content; the text is then empty. */
void reef_text_clear(reef_text_t *text);

/** The content; borrowed until the text changes. */
static inline reef_span_t reef_text_view(const reef_text_t *text)
{
    return reef_span(text->data, text->size);
}

#endif /* REEF_TEXT_H */
