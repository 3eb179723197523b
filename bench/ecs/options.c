/*
 * Few options, so they are compared one by one.  Whatever is not known is answered
 * with the known word of the smallest edit distance.
 */
#include "options.h"

#include "rows.h"

#include <stdio.h>
#include <string.h>

enum {
    MAX_WORD = 64
};

static const char *const option_names[] = {"--json", "--quick", "--only", "--help"};
static const uint32_t option_count = sizeof(option_names) / sizeof(option_names[0]);

static size_t least(size_t a, size_t b, size_t c)
{
    size_t smaller = a < b ? a : b;

    return smaller < c ? smaller : c;
}

/* Levenshtein's, of two words of which what exceeds MAX_WORD is left out. */
static size_t distance(const char *a, size_t a_size, const char *b)
{
    size_t line[MAX_WORD + 1], b_size = strnlen(b, MAX_WORD);

    a_size = a_size < MAX_WORD ? a_size : MAX_WORD;
    for (size_t j = 0; j <= b_size; j++) {
        line[j] = j;
    }
    for (size_t i = 1; i <= a_size; i++) {
        size_t diagonal = line[0];

        line[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            size_t above = line[j];

            line[j] = least(above + 1, line[j - 1] + 1,
                            diagonal + (a[i - 1] == b[j - 1] ? 0 : 1));
            diagonal = above;
        }
    }
    return line[b_size];
}

static const char *word(bool of_rows, uint32_t i)
{
    return of_rows ? bench_rows[i].name : option_names[i];
}

/* Index of the word, or the count after saying which is nearest. */
static uint32_t find(bool of_rows, const char *text, size_t size)
{
    uint32_t count = of_rows ? bench_row_count : option_count, nearest = 0;
    size_t smallest = SIZE_MAX;

    for (uint32_t i = 0; i < count; i++) {
        size_t away = distance(text, size, word(of_rows, i));

        if (strlen(word(of_rows, i)) == size &&
            memcmp(text, word(of_rows, i), size) == 0) {
            return i;
        }
        if (away < smallest) {
            smallest = away;
            nearest = i;
        }
    }
    fprintf(stderr, "bench_ecs: unknown %s: %.*s; did you mean %s?\n",
            of_rows ? "row" : "option", (int)size, text, word(of_rows, nearest));
    return count;
}

static bool choose(bench_options_t *options, const char *list)
{
    while (true) {
        size_t size = strcspn(list, ",");
        uint32_t row = find(true, list, size);

        if (row == bench_row_count) {
            return false;
        }
        options->chosen[row] = true;
        if (list[size] == '\0') {
            return true;
        }
        list += size + 1;
    }
}

static bool choose_next(bench_options_t *options, const char *list, bool *any)
{
    if (list == NULL) {
        fputs("bench_ecs: --only needs names of rows; --help lists them\n", stderr);
        return false;
    }
    *any = true;
    return choose(options, list);
}

bool bench_options_parse(bench_options_t *options, int count, char **arguments)
{
    bool any = false;

    *options = (bench_options_t){0};
    for (int i = 1; i < count; i++) {
        uint32_t option = find(false, arguments[i], strlen(arguments[i]));

        switch (option) {
        case 0:
            options->json = true;
            break;
        case 1:
            options->quick = true;
            break;
        case 2:
            if (!choose_next(options, arguments[++i], &any)) {
                return false;
            }
            break;
        case 3:
            options->help = true;
            break;
        default:
            return false;
        }
    }
    for (uint32_t i = 0; i < bench_row_count && !any; i++) {
        options->chosen[i] = true;
    }
    return true;
}

void bench_options_help(void)
{
    puts("usage: bench_ecs [--only ROW[,ROW...]] [--quick] [--json]\n"
         "\n"
         "Times what the world does beside a floor: plain arrays (soa) or a bare\n"
         "archetype store (mini), both measured in turn in the same run.\n"
         "\n"
         "  --only   run these rows\n"
         "  --quick  few repetitions: shows that it works, not how fast it is\n"
         "  --json   print one JSON object instead of a table\n"
         "\n"
         "Rows:");
    for (uint32_t i = 0; i < bench_row_count; i++) {
        printf("  %s\n", bench_rows[i].name);
    }
}
