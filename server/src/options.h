/**
 * @file options.h
 * @brief The command line that every Reef program understands.
 */
#ifndef REEF_SRC_OPTIONS_H
#define REEF_SRC_OPTIONS_H

#include <reef/alloc.h>
#include <reef/attrs.h>
#include <reef/error.h>

#include <stdbool.h>
#include <stddef.h>

typedef struct reef__options {
    const char *config_path;  /* of --config, or NULL */
    const char **assignments; /* of --set, in order; owned array of borrowed texts */
    size_t assignment_count;
    size_t assignment_capacity;
    bool help;
    bool version;
    bool check_config;
    bool describe_protocol;
} reef__options_t;

/** @return REEF_OK or REEF_E_USAGE.  Texts are borrowed from @p argv. */
REEF_NODISCARD reef_error_t reef__options_parse(reef__options_t *options,
                                                const reef_alloc_t *alloc,
                                                int argc,
                                                const char *const *argv,
                                                reef_failure_t *failure);

void reef__options_finish(reef__options_t *options, const reef_alloc_t *alloc);

#endif /* REEF_SRC_OPTIONS_H */
