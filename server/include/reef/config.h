/**
 * @file config.h
 * @brief Settings from a file, the environment and the command line.
 *
 * A setting is `section.key`; the section is a plugin's name (or `server`, `log`) and
 * the key a field of its config struct.  Order: defaults < struct given in code <
 * file < environment (`REEF_SECTION_KEY`) < `--set section.key=value`.  Sections are
 * resolved one by one as plugins are added; what nobody asked for is then refused, or
 * for the environment warned about.
 */
#ifndef REEF_CONFIG_H
#define REEF_CONFIG_H

#include <reef/log.h>
#include <reef/reflect.h>

typedef struct reef_config reef_config_t;

typedef struct reef_config_desc {
    const char *path;               /* INI file, or NULL for none */
    const char *const *assignments; /* "section.key=value" of --set, in order */
    size_t assignment_count;
    char *const *environment; /* as environ; NULL = none */
} reef_config_desc_t;

/**
 * Read all sources.  Owned by the caller: reef_config_destroy().  All is copied.
 *
 * The file has `[section]`, `key = value` and comments: lines that begin with `;` or
 * `#`, and what follows ` ;` in a line.  A line has at most 197 bytes, the file 1 MiB;
 * a setting may stand in it once.
 *
 * @return REEF_OK; REEF_E_IO (file unreadable), REEF_E_INVALID (a line that is no
 *         INI or sets something again, with its number; a file too large),
 *         REEF_E_USAGE (an assignment without `.` or `=`).
 */
REEF_NODISCARD reef_error_t reef_config_create(const reef_config_desc_t *desc,
                                               reef_config_t **config,
                                               reef_failure_t *failure);

/** Accepts NULL. */
void reef_config_destroy(reef_config_t *config);

/**
 * Fill @p value with the final settings of @p section.
 *
 * @param type  The config struct: no arrays, no nested structs.
 * @param given A struct of that type from code, zero fields meaning *default*; or NULL.
 * @param value Receives type->size bytes; unchanged on failure.
 * @return REEF_OK; REEF_E_INVALID or REEF_E_RANGE with a text that names the setting,
 *         its source and what is accepted; REEF_E_NOT_FOUND for an unknown key, with
 *         the nearest known one.
 */
REEF_NODISCARD reef_error_t reef_config_resolve(reef_config_t *config,
                                                const char *section,
                                                const reef_type_t *type,
                                                const void *given,
                                                void *value,
                                                reef_failure_t *failure);

/**
 * Refuse what no section asked for: after all reef_config_resolve() calls.
 *
 * @param log Gets a warning per unknown REEF_… variable; may be NULL.
 * @return REEF_OK, or REEF_E_NOT_FOUND naming the unknown section or key and the
 *         nearest known one.
 */
REEF_NODISCARD reef_error_t reef_config_check_unused(const reef_config_t *config,
                                                     reef_log_t *log,
                                                     reef_failure_t *failure);

#endif /* REEF_CONFIG_H */
