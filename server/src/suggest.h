/**
 * @file suggest.h
 * @brief "did you mean …": the known word that is nearest to a mistyped one.
 *
 *     reef__suggest_t suggest = {.typed = "websocket.listne"};
 *     reef__suggest_offer(&suggest, "websocket.listen");   (each known word)
 *     suggest.nearest                                      (NULL = none is near)
 */
#ifndef REEF_SUGGEST_H
#define REEF_SUGGEST_H

#include <stddef.h>

enum {
    REEF__SUGGEST_MAX = 63 /* longer words are never near, bytes */
};

typedef struct reef__suggest {
    const char *typed;   /* borrowed */
    const char *nearest; /* borrowed from the offer; NULL = none so far */
    size_t distance;     /* of nearest */
} reef__suggest_t;

/** Take @p word when it is near, and nearer than those offered before. */
void reef__suggest_offer(reef__suggest_t *suggest, const char *word);

/** Fewest insertions, deletions, replacements and swaps of neighbours that make @p a
 *  into @p b (restricted Damerau-Levenshtein distance); both at most
 *  REEF__SUGGEST_MAX bytes. */
size_t reef__edit_distance(const char *a, const char *b);

#endif /* REEF_SUGGEST_H */
