/*
 * The distance by the usual table, of which three rows are kept: a swap of neighbours
 * looks back two.  A word is near when at most a third of what was typed had to change:
 * more is a guess that misleads.
 */
#include "suggest.h"

#include <assert.h>
#include <string.h>

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t reef__edit_distance(const char *a, const char *b)
{
    size_t rows[3][REEF__SUGGEST_MAX + 1];
    size_t a_size = strlen(a);
    size_t b_size = strlen(b);

    assert(a_size <= REEF__SUGGEST_MAX && b_size <= REEF__SUGGEST_MAX);
    for (size_t j = 0; j <= b_size; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= a_size; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i + 2) % 3];
        const size_t *two_above = rows[(i + 1) % 3];

        row[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            size_t replaced = above[j - 1] + (a[i - 1] != b[j - 1]);

            row[j] = least(replaced, least(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = least(row[j], two_above[j - 2] + 1);
            }
        }
    }
    return rows[a_size % 3][b_size];
}

void reef__suggest_offer(reef__suggest_t *suggest, const char *word)
{
    size_t size = strlen(suggest->typed);
    size_t distance;

    if (size > REEF__SUGGEST_MAX || strlen(word) > REEF__SUGGEST_MAX) {
        return;
    }
    distance = reef__edit_distance(suggest->typed, word);
    if (distance <= (size + 2) / 3 &&
        (suggest->nearest == NULL || distance < suggest->distance)) {
        suggest->nearest = word;
        suggest->distance = distance;
    }
}
