/*
 * The rows that changed.  A watch (watch.h) has a bit per row that is set by writes and
 * cleared by the visit; an iteration hands out runs of set bits.  A bit is cleared when
 * its row is handed out, so an iteration that is left early leaves the rest for the
 * next one, and a row written meanwhile stays marked.
 *
 * Eight dirty bytes are looked at as one number, of which the lowest byte is the first:
 * little endian, as all machines are that this is built for.
 *
 * Mostly one term watches, whose bits and dirty bytes the iterator then points to. With
 * more of them the marks of all are taken together.
 */
#include "query.h"

/* The marks of 64 rows. */
static inline uint64_t read_word(const reef_query_iter_t *iter, uint32_t word)
{
    const reef_query_t *query = iter->query;
    uint64_t bits = 0;

    if (REEF_LIKELY(iter->marks.bits != NULL)) {
        return iter->marks.bits[word];
    }
    for (uint32_t left = query->watching; left != 0; left &= left - 1) {
        uint32_t term = REEF_LOWEST_BIT(left);

        bits |= reef__track_bits(reef__query_table_column(iter, term)->track,
                                 query->watches[term])[word];
    }
    return bits;
}

static inline void
clear_word(const reef_query_iter_t *iter, uint32_t word, uint64_t bits)
{
    const reef_query_t *query = iter->query;

    if (REEF_LIKELY(iter->marks.bits != NULL)) {
        iter->marks.bits[word] &= ~bits;
        iter->marks.dirty[word] = iter->marks.bits[word] != 0;
        return;
    }
    for (uint32_t left = query->watching; left != 0; left &= left - 1) {
        uint32_t term = REEF_LOWEST_BIT(left);
        const reef__track_t *track = reef__query_table_column(iter, term)->track;

        reef__track_bits(track, query->watches[term])[word] &= ~bits;
        reef__track_dirty(track, query->watches[term])[word] =
            reef__track_bits(track, query->watches[term])[word] != 0;
    }
}

/* Eight dirty bytes, each 0 or 1, as the bits of one: byte i, at bit 8 i, comes to bit
 * 56 + i. */
static inline uint64_t bits_of_bytes(uint64_t eight)
{
    return eight * UINT64_C(0x0102040810204080) >> 56;
}

/* Which of the 64 words from `word` on, before `end`, some watch calls dirty.  Looks at
 * no word beyond: it may be another worker's. */
static uint64_t dirty_words(const reef_query_iter_t *iter, uint32_t word, uint32_t end)
{
    const reef_query_t *query = iter->query;
    uint64_t mask = 0;

    for (uint32_t left = query->watching; left != 0; left &= left - 1) {
        uint32_t term = REEF_LOWEST_BIT(left);
        const uint8_t *dirty = reef__track_dirty(
            reef__query_table_column(iter, term)->track, query->watches[term]);

        for (uint32_t i = 0; i < 64 && word + i < end; i += 8) {
            uint64_t eight = 0;

            if (REEF_LIKELY(word + i + 8 <= end)) {
                memcpy(&eight, dirty + word + i, sizeof(eight));
            } else {
                memcpy(&eight, dirty + word + i, end - word - i);
            }
            mask |= bits_of_bytes(eight) << i;
        }
    }
    return mask;
}

/* As far as 64 words at a time are clean, when one term watches. */
static uint32_t skip_clean(const reef_query_iter_t *iter, uint32_t word, uint32_t end)
{
    uint64_t eight[8];

    for (; iter->marks.bits != NULL && word + 64 <= end; word += 64) {
        memcpy(eight, iter->marks.dirty + word, sizeof(eight));
        if (((eight[0] | eight[1]) | (eight[2] | eight[3]) | (eight[4] | eight[5]) |
             (eight[6] | eight[7])) != 0) {
            break;
        }
    }
    return word;
}

static void prefetch_row(const reef_query_iter_t *iter, uint32_t row)
{
    const reef__match_t *match = &iter->query->matches.items[iter->slice->match];

    for (uint32_t i = 0; i < iter->query->term_count; i++) {
        const uint8_t *data = iter->slice->columns[i].data;

        if (data != NULL) {
            size_t size = match->table->columns[match->columns[i]].size;

            REEF_PREFETCH(data + (size_t)row * size);
        }
    }
}

/* Rows that changed lie far apart: look a few words ahead, so that their values are on
 * their way while the present ones are worked on. */
static void look_ahead(reef_query_iter_t *iter)
{
    uint32_t end = (iter->limit + 63) / 64;

    while (iter->marks.count < REEF__WORDS_AHEAD && iter->marks.next < end) {
        uint32_t word;
        uint64_t bits;

        if (iter->marks.mask == 0) {
            iter->marks.next = skip_clean(iter, iter->marks.next + 64, end);
            iter->marks.mask = dirty_words(iter, iter->marks.next, end);
            continue;
        }
        word = iter->marks.next + REEF_LOWEST_BIT(iter->marks.mask);
        iter->marks.mask &= iter->marks.mask - 1;
        bits = read_word(iter, word);
        if (REEF_UNLIKELY(bits == 0)) {
            clear_word(iter, word, 0); /* clean after all */
            continue;
        }
        prefetch_row(iter, word * 64 + REEF_LOWEST_BIT(bits));
        iter->marks
            .words[(iter->marks.first + iter->marks.count++) % REEF__WORDS_AHEAD] =
            word;
    }
}

/* The bits of a word that are rows of this iteration from row `row` on. */
static uint64_t bits_within(const reef_query_iter_t *iter, uint32_t word, uint32_t row)
{
    uint64_t bits = UINT64_MAX;

    if (row > word * 64) {
        bits <<= row - word * 64;
    }
    if (iter->limit - word * 64 < 64) {
        bits &= UINT64_MAX >> (64 - (iter->limit - word * 64));
    }
    return bits;
}

/* Whole words follow each other in what was written as a column. */
static void extend_run(reef_query_iter_t *iter)
{
    uint32_t word = (iter->first + iter->count) / 64;

    while (iter->first + iter->count + 64 <= iter->limit &&
           read_word(iter, word) == UINT64_MAX) {
        clear_word(iter, word, UINT64_MAX);
        iter->count += 64;
        word++;
    }
}

bool reef__query_next_run(reef_query_iter_t *iter)
{
    uint32_t from = iter->first + iter->count;

    for (;; iter->marks.first++, iter->marks.count--) {
        uint32_t word;
        uint64_t bits, rest;

        if (iter->marks.count < REEF__WORDS_AHEAD / 2) {
            look_ahead(iter);
        }
        if (iter->marks.count == 0) {
            return false;
        }
        word = iter->marks.words[iter->marks.first % REEF__WORDS_AHEAD];
        if (word * 64 + 64 <= from) {
            continue; /* was part of a run */
        }
        bits = read_word(iter, word) & bits_within(iter, word, from);
        if (bits == 0) {
            continue;
        }
        iter->first = word * 64 + REEF_LOWEST_BIT(bits);
        rest = ~(bits >> REEF_LOWEST_BIT(bits));
        iter->count = rest == 0 ? 64 : REEF_LOWEST_BIT(rest);
        clear_word(iter, word,
                   (UINT64_MAX >> (64 - iter->count)) << REEF_LOWEST_BIT(bits));
        if ((iter->first + iter->count) % 64 == 0) {
            extend_run(iter);
        }
        iter->entities = iter->slice->entities + iter->first;
        return true;
    }
}

void reef__query_open_marks(reef_query_iter_t *iter)
{
    uint32_t term = REEF_LOWEST_BIT(iter->query->watching);

    iter->marks.bits = NULL;
    if ((iter->query->watching & (iter->query->watching - 1)) == 0) {
        const reef__track_t *track = reef__query_table_column(iter, term)->track;

        iter->marks.bits = reef__track_bits(track, iter->query->watches[term]);
        iter->marks.dirty = reef__track_dirty(track, iter->query->watches[term]);
    }
    iter->marks.next = iter->first / 64;
    iter->marks.mask = dirty_words(iter, iter->marks.next, (iter->limit + 63) / 64);
    iter->marks.first = 0;
    iter->marks.count = 0;
}
