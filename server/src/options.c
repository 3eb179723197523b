/* Long options with their value behind `=` or in the next word. */
#include "options.h"

#include <reef/array.h>

#include <string.h>

void reef__options_finish(reef__options_t *options, const reef_alloc_t *alloc)
{
    reef_resize(alloc, options->assignments,
                options->assignment_capacity * sizeof(*options->assignments), 0);
    *options = (reef__options_t){0};
}

/* The value of option `name` at argv[*index], which is moved past it; NULL = none. */
static bool take_value(
    const char *name, int argc, const char *const *argv, int *index, const char **value)
{
    const char *word = argv[*index];
    size_t length = strlen(name);

    if (strncmp(word, name, length) != 0) {
        return false;
    }
    if (word[length] == '=') {
        *value = word + length + 1;
        return true;
    }
    if (word[length] != '\0') {
        return false;
    }
    *index += 1;
    /* The next option is no value: one that begins so is written behind `=`. */
    *value = *index < argc && strncmp(argv[*index], "--", 2) != 0 ? argv[*index] : NULL;
    return true;
}

static void
add_assignment(reef__options_t *options, const reef_alloc_t *alloc, const char *text)
{
    options->assignments = reef_array_reserve(
        alloc, options->assignments, &options->assignment_capacity,
        options->assignment_count + 1, sizeof(*options->assignments));
    options->assignments[options->assignment_count++] = text;
}

static bool take_flag(reef__options_t *options, const char *word)
{
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        options->help = true;
    } else if (strcmp(word, "--version") == 0) {
        options->version = true;
    } else if (strcmp(word, "--check-config") == 0) {
        options->check_config = true;
    } else if (strcmp(word, "--describe-protocol") == 0) {
        options->describe_protocol = true;
    } else {
        return false;
    }
    return true;
}

reef_error_t reef__options_parse(reef__options_t *options,
                                 const reef_alloc_t *alloc,
                                 int argc,
                                 const char *const *argv,
                                 reef_failure_t *failure)
{
    *options = (reef__options_t){0};
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        const char *value = NULL;

        if (take_flag(options, word)) {
            continue;
        }
        if (take_value("--config", argc, argv, &i, &value)) {
            options->config_path = value;
        } else if (take_value("--set", argc, argv, &i, &value)) {
            if (value != NULL) {
                add_assignment(options, alloc, value);
            }
        } else {
            reef__options_finish(options, alloc);
            return reef_fail(failure, REEF_E_USAGE, "unknown option '%s'; try --help",
                             word);
        }
        if (value == NULL) {
            reef__options_finish(options, alloc);
            return reef_fail(failure, REEF_E_USAGE, "option '%s' needs a value", word);
        }
    }
    return REEF_OK;
}
