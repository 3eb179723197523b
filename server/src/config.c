/*
 * Reading only collects: every setting of every source becomes an entry, in the order
 * file, environment, command line, so that a later one overrides.  A section's struct
 * is known when its plugin is added; then its entries are parsed into a copy of the
 * defaults and marked as used.  What is left unused at the end belongs to nobody.
 *
 * A variable REEF_A_B_C does not tell where its section ends.  So its name stays whole
 * and is compared with REEF_<SECTION>_<KEY> of each setting that is asked for.
 *
 * inih parses one line at a time from a reader of ours, which counts the lines, stops
 * at the first fault and drops indentation: inih takes an indented line as the
 * continuation of the value above, which would swallow settings.
 */
#include "config.h"

#include <reef/alloc.h>
#include <reef/array.h>

#include "suggest.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    MAX_FILE_SIZE = 1 << 20,
    MAX_ENTRIES = 4096,
    MAX_NAME = 48, /* of a section or key; inih cuts at 49 */
    LINE_END_SIZE = 3,
    SETTING_SIZE = 2 * MAX_NAME + 2, /* "section.key" */
    VARIABLE_SIZE = SETTING_SIZE + sizeof("REEF_"),
    PLACE_SIZE = 128, /* of where an entry stands, in a failure */
    SHOWN_SIZE = 40,  /* of what was typed, in a failure */
    MAX_WARNINGS = 20,
};

typedef enum source {
    SOURCE_FILE,
    SOURCE_ENVIRONMENT,
    SOURCE_ASSIGNMENT,
} source_t;

typedef struct entry {
    source_t source;
    int line;      /* in the file, from 1 */
    bool used;     /* a section asked for it */
    char *section; /* these own their text; NULL in the environment */
    char *key;     /* in the environment the variable's name */
    char *value;
} entry_t;

/* A section that was resolved; for suggestions. */
typedef struct section {
    char *name;
    const reef_type_t *type; /* borrowed: types are constant */
} section_t;

struct reef_config {
    char *path; /* as the file is called in failures */
    struct {
        entry_t *items;
        size_t count, capacity;
    } entries;
    struct {
        section_t *items;
        size_t count, capacity;
    } sections;
};

static char *copy_text(const char *text, size_t size)
{
    char *copy = reef_resize(reef_alloc_default(), NULL, 0, size + 1);

    memcpy(copy, text, size);
    copy[size] = '\0';
    return copy;
}

static void free_text(char *text)
{
    if (text != NULL) {
        reef_resize(reef_alloc_default(), text, strlen(text) + 1, 0);
    }
}

/* Entries ---------------------------------------------------------------------- */

static void add_entry(reef_config_t *config, entry_t entry)
{
    *REEF_ARRAY_PUSH(reef_alloc_default(), &config->entries) = entry;
}

/* Such names can be printed as they are. */
static bool is_name(const char *name, size_t size)
{
    if (size == 0 || size > MAX_NAME) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        if (!isalnum((unsigned char)name[i]) && name[i] != '_' && name[i] != '-') {
            return false;
        }
    }
    return true;
}

/* What was typed, safe to print. */
static void show(const char *text, size_t size, char out[SHOWN_SIZE])
{
    size_t used = 0;

    while (used < size && used < SHOWN_SIZE - 1) {
        out[used] = isprint((unsigned char)text[used]) ? text[used] : '?';
        used++;
    }
    out[used] = '\0';
}

/* Where an entry stands: "reef.ini:3: websocket.listen", "--set websocket.listen" or
 * the variable's name. */
static void show_place(const reef_config_t *config,
                       const entry_t *entry,
                       char out[PLACE_SIZE + SETTING_SIZE])
{
    size_t size = PLACE_SIZE + SETTING_SIZE;
    size_t path_size = strlen(config->path);
    size_t skipped = path_size > PLACE_SIZE - 20 ? path_size - (PLACE_SIZE - 20) : 0;

    switch (entry->source) {
    case SOURCE_FILE:
        snprintf(out, size, "%s:%d: %s.%s", config->path + skipped, entry->line,
                 entry->section, entry->key);
        break;
    case SOURCE_ENVIRONMENT:
        snprintf(out, size, "%s", entry->key);
        break;
    case SOURCE_ASSIGNMENT:
        snprintf(out, size, "--set %s.%s", entry->section, entry->key);
        break;
    }
}

static void
write_variable(const char *section, const char *key, char out[VARIABLE_SIZE])
{
    snprintf(out, VARIABLE_SIZE, "REEF_%s_%s", section, key);
    for (char *c = out; *c != '\0'; c++) {
        *c = (char)(*c == '-' ? '_' : toupper((unsigned char)*c));
    }
}

/* The file --------------------------------------------------------------------- */

typedef struct reader {
    reef_config_t *config;
    reef_span_t rest; /* not yet given to inih */
    int line;         /* the one given last */
    reef_error_t error;
    reef_failure_t *failure;
} reader_t;

static void stop(reader_t *reader, const char *what)
{
    if (reader->error == REEF_OK) {
        reader->error = reef_fail(reader->failure, REEF_E_INVALID, "%s:%d: %s",
                                  reader->config->path, reader->line, what);
    }
}

/* An ini_reader: as fgets(). */
static char *read_line(char *out, int size, void *stream)
{
    reader_t *reader = stream;
    const uint8_t *end;
    reef_span_t line = reader->rest;

    if (reader->error != REEF_OK || line.size == 0) {
        return NULL;
    }
    reader->line++;
    end = memchr(line.data, '\n', line.size);
    if (end != NULL) {
        line.size = (size_t)(end - line.data);
    }
    reader->rest = reef_span_skip(reader->rest, line.size + (end != NULL));
    while (line.size > 0 && (line.data[0] == ' ' || line.data[0] == '\t')) {
        line = reef_span_skip(line, 1);
    }
    if (line.size > 0 && memchr(line.data, '\0', line.size) != NULL) {
        stop(reader, "a NUL byte is no text");
        return NULL;
    }
    if (line.size + LINE_END_SIZE > (size_t)size) {
        if (line.data[0] != '#' && line.data[0] != ';') {
            char what[64];

            snprintf(what, sizeof(what), "longer than %d bytes; use --set for it",
                     size - LINE_END_SIZE);
            stop(reader, what);
            return NULL;
        }
        line.size = 1; /* a comment may be long */
    }
    if (line.size > 0) {
        memcpy(out, line.data, line.size);
    }
    memcpy(out + line.size, "\n", 2);
    return out;
}

static const entry_t *
find_in_file(const reef_config_t *config, const char *section, const char *key)
{
    for (size_t i = 0; i < config->entries.count; i++) {
        const entry_t *entry = &config->entries.items[i];

        if (strcmp(entry->section, section) == 0 && strcmp(entry->key, key) == 0) {
            return entry;
        }
    }
    return NULL;
}

/* An ini_handler: one setting.  The reader stops after a fault. */
static int
take_setting(void *user, const char *section, const char *key, const char *value)
{
    reader_t *reader = user;
    reef_config_t *config = reader->config;
    const entry_t *before;
    char what[SETTING_SIZE + 64];

    if (*section == '\0') {
        stop(reader, "a setting before the first [section]");
    } else if (!is_name(section, strlen(section)) || !is_name(key, strlen(key))) {
        stop(reader, "names are up to 48 letters, digits, _ and -");
    } else if (config->entries.count >= MAX_ENTRIES) {
        stop(reader, "too many settings");
    } else if ((before = find_in_file(config, section, key)) != NULL) {
        snprintf(what, sizeof(what), "%s.%s: already set in line %d", section, key,
                 before->line);
        stop(reader, what);
    } else {
        add_entry(config, (entry_t){.source = SOURCE_FILE,
                                    .line = reader->line,
                                    .section = copy_text(section, strlen(section)),
                                    .key = copy_text(key, strlen(key)),
                                    .value = copy_text(value, strlen(value))});
    }
    return 1;
}

static reef_error_t
parse_file(reef_config_t *config, reef_span_t text, reef_failure_t *failure)
{
    reader_t reader = {.config = config, .rest = text, .failure = failure};
    int line = ini_parse_stream(read_line, &reader, take_setting, &reader);

    /* inih goes on after a line that it cannot read, and ours may be a later one. */
    if (line > 0 && (reader.error == REEF_OK || line < reader.line)) {
        return reef_fail(failure, REEF_E_INVALID,
                         "%s:%d: neither [section] nor key = value", config->path,
                         line);
    }
    return reader.error;
}

static reef_error_t fail_io(reef_failure_t *failure, const char *path, int system_error)
{
    char text[128];

    return reef_fail(failure, REEF_E_IO, "%s: %s", path,
                     strerror_r(system_error, text, sizeof(text)));
}

/* @p text receives MAX_FILE_SIZE + 1 bytes at most. */
static reef_error_t
read_file(const char *path, char *text, size_t *size, reef_failure_t *failure)
{
    FILE *file = fopen(path, "rbe");
    int system_error;

    if (file == NULL) {
        return fail_io(failure, path, errno);
    }
    errno = 0;
    *size = fread(text, 1, MAX_FILE_SIZE + 1, file);
    system_error = ferror(file) ? errno : 0;
    fclose(file);
    return system_error == 0 ? REEF_OK : fail_io(failure, path, system_error);
}

/* Environment and command line ------------------------------------------------- */

static void take_environment(reef_config_t *config, char *const *environment)
{
    for (; environment != NULL && *environment != NULL; environment++) {
        const char *equals = strchr(*environment, '=');

        if (equals == NULL || strncmp(*environment, "REEF_", 5) != 0) {
            continue;
        }
        add_entry(
            config,
            (entry_t){.source = SOURCE_ENVIRONMENT,
                      .key = copy_text(*environment, (size_t)(equals - *environment)),
                      .value = copy_text(equals + 1, strlen(equals + 1))});
    }
}

static reef_error_t
take_assignment(reef_config_t *config, const char *text, reef_failure_t *failure)
{
    size_t name_size = strcspn(text, "=");
    const char *equals = text + name_size;
    const char *dot = memchr(text, '.', name_size);

    if (*equals == '\0' || dot == NULL || !is_name(text, (size_t)(dot - text)) ||
        !is_name(dot + 1, (size_t)(equals - dot - 1))) {
        char shown[SHOWN_SIZE];

        show(text, name_size, shown); /* what follows may be a secret */
        return reef_fail(failure, REEF_E_USAGE,
                         "--set %s: not of the form section.key=value", shown);
    }
    add_entry(config, (entry_t){.source = SOURCE_ASSIGNMENT,
                                .section = copy_text(text, (size_t)(dot - text)),
                                .key = copy_text(dot + 1, (size_t)(equals - dot - 1)),
                                .value = copy_text(equals + 1, strlen(equals + 1))});
    return REEF_OK;
}

/* Life ------------------------------------------------------------------------- */

reef_error_t reef__config_parse(const reef_config_desc_t *desc,
                                reef_span_t text,
                                reef_config_t **config,
                                reef_failure_t *failure)
{
    const char *path = desc->path == NULL ? "text" : desc->path;
    reef_config_t *created =
        reef_resize(reef_alloc_default(), NULL, 0, sizeof(*created));
    reef_error_t error;

    *created = (reef_config_t){.path = copy_text(path, strlen(path))};
    error = text.size > MAX_FILE_SIZE
                ? reef_fail(failure, REEF_E_INVALID, "%s: larger than 1 MiB", path)
                : parse_file(created, text, failure);
    if (error == REEF_OK) {
        take_environment(created, desc->environment);
    }
    for (size_t i = 0; i < desc->assignment_count && error == REEF_OK; i++) {
        error = take_assignment(created, desc->assignments[i], failure);
    }
    if (error != REEF_OK) {
        reef_config_destroy(created);
        return error;
    }
    *config = created;
    return REEF_OK;
}

reef_error_t reef_config_create(const reef_config_desc_t *desc,
                                reef_config_t **config,
                                reef_failure_t *failure)
{
    const reef_alloc_t *alloc = reef_alloc_default();
    reef_error_t error = REEF_OK;
    char *text = NULL;
    size_t size = 0;

    if (desc->path != NULL) {
        text = reef_resize(alloc, NULL, 0, MAX_FILE_SIZE + 1);
        error = read_file(desc->path, text, &size, failure);
    }
    if (error == REEF_OK) {
        error = reef__config_parse(desc, reef_span(text, size), config, failure);
    }
    reef_resize(alloc, text, MAX_FILE_SIZE + 1, 0);
    return error;
}

void reef_config_destroy(reef_config_t *config)
{
    const reef_alloc_t *alloc = reef_alloc_default();

    if (config == NULL) {
        return;
    }
    for (size_t i = 0; i < config->entries.count; i++) {
        free_text(config->entries.items[i].section);
        free_text(config->entries.items[i].key);
        free_text(config->entries.items[i].value);
    }
    for (size_t i = 0; i < config->sections.count; i++) {
        free_text(config->sections.items[i].name);
    }
    REEF_ARRAY_FINISH(alloc, &config->entries);
    REEF_ARRAY_FINISH(alloc, &config->sections);
    free_text(config->path);
    reef_resize(alloc, config, sizeof(*config), 0);
}

/* Resolving -------------------------------------------------------------------- */

/* @p cause without the field's name in front, which @p place ends with. */
static reef_error_t fail_value(const char *place,
                               const reef_field_t *field,
                               const reef_failure_t *cause,
                               reef_failure_t *failure)
{
    size_t name_size = strlen(field->name);
    const char *text = cause->text;

    if (strncmp(text, field->name, name_size) == 0 &&
        strncmp(text + name_size, ": ", 2) == 0) {
        text += name_size + 2;
    }
    if (field->secret && field->kind != REEF_KIND_STRING) {
        text = "not accepted"; /* the cause may show the value */
    }
    return reef_fail(failure, cause->error, "%s: %s", place, text);
}

static bool is_zero(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

static reef_error_t apply_given(const char *section,
                                const reef_type_t *type,
                                const void *given,
                                void *value,
                                reef_failure_t *failure)
{
    for (uint32_t i = 0; i < type->field_count; i++) {
        const reef_field_t *field = &type->fields[i];
        const void *element = reef_field_at_const(field, given, 0);
        reef_failure_t cause = {0};

        if (!is_zero(element, field->size) &&
            reef_field_set(field, reef_field_at(field, value, 0),
                           reef_field_get(field, element), &cause) != REEF_OK) {
            char place[PLACE_SIZE + SETTING_SIZE];

            snprintf(place, sizeof(place), "%s.%s (set in code)", section, field->name);
            return fail_value(place, field, &cause, failure);
        }
    }
    return REEF_OK;
}

/* The field that @p entry is meant for, or NULL. */
static const reef_field_t *
match(const entry_t *entry, const char *section, const reef_type_t *type)
{
    char variable[VARIABLE_SIZE];

    if (entry->source != SOURCE_ENVIRONMENT) {
        return reef_type_find_field(type, reef_span_text(entry->key));
    }
    for (uint32_t i = 0; i < type->field_count; i++) {
        write_variable(section, type->fields[i].name, variable);
        if (strcmp(variable, entry->key) == 0) {
            return &type->fields[i];
        }
    }
    return NULL;
}

static reef_error_t fail_unknown(const char *place,
                                 const char *kind,
                                 const char *prefix,
                                 const reef__suggest_t *suggest,
                                 reef_failure_t *failure)
{
    if (suggest->nearest == NULL) {
        return reef_fail(failure, REEF_E_NOT_FOUND, "%s: unknown %s", place, kind);
    }
    return reef_fail(failure, REEF_E_NOT_FOUND, "%s: unknown %s; did you mean %s%s?",
                     place, kind, prefix, suggest->nearest);
}

static reef_error_t fail_unknown_key(const reef_config_t *config,
                                     const entry_t *entry,
                                     const reef_type_t *type,
                                     reef_failure_t *failure)
{
    reef__suggest_t suggest = {.typed = entry->key};
    char place[PLACE_SIZE + SETTING_SIZE];
    char prefix[MAX_NAME + 2];

    for (uint32_t i = 0; i < type->field_count; i++) {
        reef__suggest_offer(&suggest, type->fields[i].name);
    }
    show_place(config, entry, place);
    snprintf(prefix, sizeof(prefix), "%s.", entry->section);
    return fail_unknown(place, "setting", prefix, &suggest, failure);
}

static reef_error_t apply_entry(const reef_config_t *config,
                                const entry_t *entry,
                                const reef_field_t *field,
                                void *value,
                                reef_failure_t *failure)
{
    char place[PLACE_SIZE + SETTING_SIZE];
    reef_failure_t cause = {0};

    if (reef_field_parse(field, reef_field_at(field, value, 0),
                         reef_span_text(entry->value), &cause) == REEF_OK) {
        return REEF_OK;
    }
    show_place(config, entry, place);
    return fail_value(place, field, &cause, failure);
}

static reef_error_t apply_entries(reef_config_t *config,
                                  const char *section,
                                  const reef_type_t *type,
                                  void *value,
                                  reef_failure_t *failure)
{
    for (size_t i = 0; i < config->entries.count; i++) {
        entry_t *entry = &config->entries.items[i];
        const reef_field_t *field;
        reef_error_t error;

        if (entry->section != NULL && strcmp(entry->section, section) != 0) {
            continue;
        }
        field = match(entry, section, type);
        if (field == NULL && entry->source == SOURCE_ENVIRONMENT) {
            continue; /* maybe another section's */
        }
        error = field == NULL ? fail_unknown_key(config, entry, type, failure)
                              : apply_entry(config, entry, field, value, failure);
        if (error != REEF_OK) {
            return error;
        }
        entry->used = true;
    }
    return REEF_OK;
}

static void
remember_section(reef_config_t *config, const char *name, const reef_type_t *type)
{
    for (size_t i = 0; i < config->sections.count; i++) {
        if (strcmp(config->sections.items[i].name, name) == 0) {
            return;
        }
    }
    *REEF_ARRAY_PUSH(reef_alloc_default(), &config->sections) =
        (section_t){.name = copy_text(name, strlen(name)), .type = type};
}

reef_error_t reef_config_resolve(reef_config_t *config,
                                 const char *section,
                                 const reef_type_t *type,
                                 const void *given,
                                 void *value,
                                 reef_failure_t *failure)
{
    const reef_alloc_t *alloc = reef_alloc_default();
    reef_error_t error = REEF_OK;
    void *built;

    assert(is_name(section, strlen(section)) && type->size > 0);
    for (uint32_t i = 0; i < type->field_count; i++) {
        assert(type->fields[i].kind != REEF_KIND_STRUCT);
        assert(type->fields[i].kind != REEF_KIND_TEXT); /* nobody would release it */
        assert(type->fields[i].array_count == 0);
        assert(is_name(type->fields[i].name, strlen(type->fields[i].name)));
    }
    remember_section(config, section, type);
    built = reef_resize(alloc, NULL, 0, type->size);
    memset(built, 0, type->size); /* padding too: values may be compared */
    reef_type_init(type, built);
    if (given != NULL) {
        error = apply_given(section, type, given, built, failure);
    }
    if (error == REEF_OK) {
        error = apply_entries(config, section, type, built, failure);
    }
    if (error == REEF_OK) {
        memcpy(value, built, type->size);
    }
    reef_resize(alloc, built, type->size, 0);
    return error;
}

/* What nobody asked for -------------------------------------------------------- */

static void
warn_variable(const reef_config_t *config, const entry_t *entry, reef_log_t *log)
{
    char nearest[VARIABLE_SIZE] = "";
    size_t distance = 0;

    for (size_t i = 0; i < config->sections.count; i++) {
        const section_t *section = &config->sections.items[i];

        for (uint32_t j = 0; j < section->type->field_count; j++) {
            char variable[VARIABLE_SIZE];
            reef__suggest_t suggest = {.typed = entry->key};

            write_variable(section->name, section->type->fields[j].name, variable);
            reef__suggest_offer(&suggest, variable);
            if (suggest.nearest != NULL &&
                (*nearest == '\0' || suggest.distance < distance)) {
                memcpy(nearest, variable, sizeof(nearest));
                distance = suggest.distance;
            }
        }
    }
    if (*nearest == '\0') {
        reef_log(log, REEF_LOG_WARN, "config", "unknown variable",
                 REEF_LOG_TEXT("variable", entry->key));
    } else {
        reef_log(log, REEF_LOG_WARN, "config", "unknown variable",
                 REEF_LOG_TEXT("variable", entry->key),
                 REEF_LOG_TEXT("nearest", nearest));
    }
}

static reef_error_t fail_unknown_section(const reef_config_t *config,
                                         const entry_t *entry,
                                         reef_failure_t *failure)
{
    reef__suggest_t suggest = {.typed = entry->section};
    char place[PLACE_SIZE + SETTING_SIZE];

    for (size_t i = 0; i < config->sections.count; i++) {
        reef__suggest_offer(&suggest, config->sections.items[i].name);
    }
    show_place(config, entry, place);
    return fail_unknown(place, "section", "", &suggest, failure);
}

reef_error_t reef_config_check_unused(const reef_config_t *config,
                                      reef_log_t *log,
                                      reef_failure_t *failure)
{
    uint32_t warnings = 0;

    for (size_t i = 0; i < config->entries.count; i++) {
        const entry_t *entry = &config->entries.items[i];

        if (entry->used) {
            continue;
        }
        if (entry->source != SOURCE_ENVIRONMENT) {
            return fail_unknown_section(config, entry, failure);
        }
        if (log != NULL && warnings < MAX_WARNINGS) {
            warn_variable(config, entry, log);
            warnings++;
        }
    }
    return REEF_OK;
}
