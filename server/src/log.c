/*
 * A line is put together in a buffer on the caller's stack and given to one write().
 * What does not fit is left out, marked with …, and the line stays well formed: every
 * put() leaves room for what closes a line.
 *
 * The world must not wait for whoever reads the log, so poll() is asked before every
 * write(); what cannot be written is dropped, counted, and told once writing works
 * again.  A line is at most 4 KiB = PIPE_BUF: a pipe that is writable takes it whole.
 * Elsewhere a line may be taken in part; the rest goes before the next one.  The mutex
 * is for the time between poll() and write(), when another thread could fill the pipe.
 *
 * Text from outside is never trusted.  In logfmt a value is bare when nothing in it
 * could be misread, else quoted; newline, tab and carriage return become \n, \t, \r,
 * other control characters and invalid UTF-8 become \xNN byte by byte.  JSON has no
 * \xNN: there control characters are \u00NN and invalid bytes U+FFFD.
 */
#include <reef/log.h>

#include <reef/alloc.h>
#include <reef/array.h>

#include "codec/utf8.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum {
    LINE_SIZE = 4096,
    LINE_RESERVE = 32, /* for what closes a line that was cut */
    MAX_SPEC_SHOWN = 40,
};

static_assert(LINE_SIZE <= PIPE_BUF, "a pipe must take a line whole");

static const char *const level_names[] = {
    [REEF_LOG_DEBUG] = "debug", [REEF_LOG_INFO] = "info", [REEF_LOG_WARN] = "warn",
    [REEF_LOG_ERROR] = "error", [REEF_LOG_OFF] = "off",
};

typedef struct module_level {
    reef_span_t module; /* in levels.spec */
    reef_log_level_t level;
} module_level_t;

/* What is written; never changed once it is in use. */
typedef struct levels {
    struct levels *replaced; /* kept until the end: somebody may be reading it */
    reef_log_level_t level;  /* of modules that are not listed */
    struct {
        module_level_t *items;
        size_t count, capacity;
    } modules;
    char *spec; /* copy of the description's level */
    size_t spec_size;
} levels_t;

struct reef_log {
    int descriptor;
    bool json;
    _Atomic(levels_t *) levels;
    _Atomic uint64_t counts[REEF_LOG_OFF]; /* lines written, by level */
    _Atomic uint64_t dropped;

    pthread_mutex_t mutex; /* over writing and what follows; nobody waits inside */
    char rest[LINE_SIZE];  /* of a line that was taken in part */
    size_t rest_size;
    uint64_t untold; /* lines dropped since that was last told */
};

/* One line in the making ------------------------------------------------------- */

typedef struct line {
    char text[LINE_SIZE];
    size_t size;
    bool json;
    bool cut; /* something did not fit: only closing parts follow */
} line_t;

/* Append all of it or, when it does not fit, nothing for the rest of the line. */
static bool put(line_t *line, const char *text, size_t size)
{
    if (line->cut || line->size + size > LINE_SIZE - LINE_RESERVE) {
        line->cut = true;
        return false;
    }
    memcpy(line->text + line->size, text, size);
    line->size += size;
    return true;
}

/* Append to the reserve. */
static void put_closing(line_t *line, const char *text)
{
    size_t size = strlen(text);

    assert(line->size + size <= LINE_SIZE);
    memcpy(line->text + line->size, text, size);
    line->size += size;
}

/* One character at the start of @text, not empty. */
typedef struct character {
    size_t size;
    bool valid;   /* UTF-8 */
    bool control; /* C0, DEL or C1: would steer a terminal */
} character_t;

static character_t character_of(reef_span_t text)
{
    uint8_t lead = text.data[0];
    size_t size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;

    if (size > text.size || !reef__utf8_is_valid(reef_span(text.data, size))) {
        return (character_t){.size = 1};
    }
    return (character_t){
        .size = size,
        .valid = true,
        .control = size == 1 ? lead < 0x20 || lead == 0x7f
                             : size == 2 && lead == 0xc2 && text.data[1] < 0xa0,
    };
}

static bool needs_quotes(reef_span_t text)
{
    bool quotes = text.size == 0;

    while (!quotes && text.size > 0) {
        character_t character = character_of(text);

        quotes = !character.valid || character.control || text.data[0] == ' ' ||
                 text.data[0] == '"' || text.data[0] == '=' || text.data[0] == '\\';
        text = reef_span_skip(text, character.size);
    }
    return quotes;
}

/* The escape of the character at @p text; its length, 0 = stands for itself. */
static int
escape(const line_t *line, reef_span_t text, character_t character, char *out)
{
    uint8_t first = text.data[0];
    uint8_t last = text.data[character.size - 1];

    switch (first) {
    case '"':
        return sprintf(out, "\\\"");
    case '\\':
        return sprintf(out, "\\\\");
    case '\n':
        return sprintf(out, "\\n");
    case '\r':
        return sprintf(out, "\\r");
    case '\t':
        return sprintf(out, "\\t");
    default:
        break;
    }
    if (line->json) {
        if (!character.valid) {
            return sprintf(out, "\\ufffd");
        }
        /* Up to U+009F the last byte of a control character is its code point. */
        return character.control ? sprintf(out, "\\u%04x", (unsigned)last) : 0;
    }
    if (character.valid && !character.control) {
        return 0;
    }
    return character.size == 1
               ? sprintf(out, "\\x%02x", (unsigned)first)
               : sprintf(out, "\\x%02x\\x%02x", (unsigned)first, (unsigned)last);
}

static void put_quoted(line_t *line, reef_span_t text)
{
    if (!put(line, "\"", 1)) {
        return;
    }
    while (text.size > 0) {
        character_t character = character_of(text);
        char escaped[16];
        int length = escape(line, text, character, escaped);
        bool fits = length > 0 ? put(line, escaped, (size_t)length)
                               : put(line, (const char *)text.data, character.size);

        if (!fits) {
            put_closing(line, "…");
            break;
        }
        text = reef_span_skip(text, character.size);
    }
    put_closing(line, "\"");
}

static void put_text(line_t *line, reef_span_t text)
{
    if (line->json || needs_quotes(text) ||
        text.size > LINE_SIZE - LINE_RESERVE - line->size) {
        put_quoted(line, text);
    } else {
        put(line, (const char *)text.data, text.size);
    }
}

/* What goes before a value.  False when there is no room for a value after it. */
static bool put_key(line_t *line, const char *key)
{
    size_t start = line->size;
    bool fits = true;

    if (line->size > 0) {
        fits = put(line, line->json ? "," : " ", 1);
    } else if (line->json) {
        fits = put(line, "{", 1);
    }
    if (line->json) {
        fits = fits && put(line, "\"", 1) && put(line, key, strlen(key)) &&
               put(line, "\":", 2);
    } else {
        fits = fits && put(line, key, strlen(key)) && put(line, "=", 1);
    }
    /* A quote, the longest escape: then a cut value shows at least … */
    if (!fits || line->size + LINE_RESERVE + 16 > LINE_SIZE) {
        line->cut = true;
        line->size = start;
        put_closing(line, line->json ? ",\"truncated\":true" : " …");
        return false;
    }
    return true;
}

static void put_pair(line_t *line, const char *key, reef_span_t text)
{
    if (!line->cut && put_key(line, key)) {
        put_text(line, text);
    }
}

static void put_integer(line_t *line, const char *key, int64_t integer)
{
    char digits[24];
    int length = snprintf(digits, sizeof(digits), "%" PRId64, integer);

    /* One that is cut would be another number. */
    if (!line->cut && put_key(line, key) && !put(line, digits, (size_t)length)) {
        put_closing(line, line->json ? "null,\"truncated\":true" : "…");
    }
}

/* RFC 3339, UTC. */
static void put_time(line_t *line)
{
    struct timespec now;
    struct tm utc;
    char text[64];
    size_t length;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    length = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text + length, sizeof(text) - length, ".%03dZ",
             (int)(now.tv_nsec / 1000000));
    put_pair(line, "time", reef_span_text(text));
}

/* Writing ---------------------------------------------------------------------- */

static bool
is_enabled(const reef_log_t *log, reef_log_level_t level, reef_span_t module)
{
    const levels_t *levels = atomic_load_explicit(&log->levels, memory_order_acquire);

    for (size_t i = 0; i < levels->modules.count; i++) {
        if (reef_span_equal(levels->modules.items[i].module, module)) {
            return level >= levels->modules.items[i].level;
        }
    }
    return level >= levels->level;
}

static void begin_line(line_t *line,
                       bool json,
                       reef_log_level_t level,
                       const char *module,
                       const char *message)
{
    line->size = 0;
    line->json = json;
    line->cut = false;
    put_time(line);
    put_pair(line, "level", reef_span_text(level_names[level]));
    put_pair(line, "module", reef_span_text(module));
    put_pair(line, "msg", reef_span_text(message));
}

static void end_line(line_t *line)
{
    put_closing(line, line->json ? "}\n" : "\n");
}

/* Write what is taken without waiting.  Returns its size. */
static size_t write_now(int descriptor, const char *text, size_t size)
{
    size_t done = 0;

    while (done < size) {
        struct pollfd writable = {.fd = descriptor, .events = POLLOUT};
        int status = poll(&writable, 1, 0);
        ssize_t written =
            status > 0 ? write(descriptor, text + done, size - done) : status;

        if (written > 0) {
            done += (size_t)written;
        } else if (written == 0 || errno != EINTR) {
            break;
        }
    }
    return done;
}

/* Keep what is left of a line after @p done bytes were taken. */
static void keep_rest(reef_log_t *log, const char *text, size_t size, size_t done)
{
    log->rest_size = size - done;
    memmove(log->rest, text + done, log->rest_size);
}

/* False when nothing of the line was taken.  The mutex is held. */
static bool send_line(reef_log_t *log, const line_t *line, reef_log_level_t level)
{
    size_t done = write_now(log->descriptor, log->rest, log->rest_size);

    keep_rest(log, log->rest, log->rest_size, done);
    if (log->rest_size > 0) {
        return false;
    }
    done = write_now(log->descriptor, line->text, line->size);
    if (done == 0) {
        return false;
    }
    keep_rest(log, line->text, line->size, done);
    atomic_fetch_add_explicit(&log->counts[level], 1, memory_order_relaxed);
    return true;
}

/* Whatever the level: who reads the log must know that it has gaps.  False when it
 * cannot be told now.  The mutex is held. */
static bool tell_dropped(reef_log_t *log)
{
    line_t line;

    if (log->untold == 0) {
        return true;
    }
    begin_line(&line, log->json, REEF_LOG_WARN, "log", "lines dropped");
    put_integer(&line, "count", (int64_t)log->untold);
    end_line(&line);
    if (!send_line(log, &line, REEF_LOG_WARN)) {
        return false;
    }
    log->untold = 0;
    return true;
}

void reef_log_write(reef_log_t *log,
                    reef_log_level_t level,
                    const char *module,
                    const char *message,
                    const reef_log_field_t *fields)
{
    line_t line;

    assert(level < REEF_LOG_OFF);
    if (log == NULL || !is_enabled(log, level, reef_span_text(module))) {
        return;
    }
    begin_line(&line, log->json, level, module, message);
    for (int i = 0; i < REEF_LOG_MAX_FIELDS && fields[i].key != NULL; i++) {
        if (fields[i].is_integer) {
            put_integer(&line, fields[i].key, fields[i].integer);
        } else {
            put_pair(&line, fields[i].key, fields[i].text);
        }
    }
    end_line(&line);
    pthread_mutex_lock(&log->mutex);
    if (!tell_dropped(log) || !send_line(log, &line, level)) {
        log->untold++;
        atomic_fetch_add_explicit(&log->dropped, 1, memory_order_relaxed);
    }
    pthread_mutex_unlock(&log->mutex);
}

uint64_t reef_log_dropped_count(const reef_log_t *log)
{
    return atomic_load_explicit(&log->dropped, memory_order_relaxed);
}

uint64_t reef_log_count(const reef_log_t *log, reef_log_level_t level)
{
    uint64_t count = 0;

    for (int i = (int)level; i < REEF_LOG_OFF; i++) {
        count += atomic_load_explicit(&log->counts[i], memory_order_relaxed);
    }
    return count;
}

/* Set-up ----------------------------------------------------------------------- */

static reef_error_t
parse_level(reef_span_t name, reef_log_level_t *level, reef_failure_t *failure)
{
    int shown = name.size < MAX_SPEC_SHOWN ? (int)name.size : MAX_SPEC_SHOWN;

    for (int i = 0; i <= REEF_LOG_OFF; i++) {
        if (reef_span_equal(name, reef_span_text(level_names[i]))) {
            *level = (reef_log_level_t)i;
            return REEF_OK;
        }
    }
    return reef_fail(failure, REEF_E_INVALID,
                     "log.level: '%.*s' is unknown, one of debug, info, warn, error, "
                     "off, each also as module=level",
                     shown, (const char *)name.data);
}

/* "info" or "websocket=debug" */
static reef_error_t
parse_item(levels_t *levels, reef_span_t item, reef_failure_t *failure)
{
    const uint8_t *equals = item.size == 0 ? NULL : memchr(item.data, '=', item.size);
    reef_log_level_t level = REEF_LOG_INFO;
    reef_span_t module;
    reef_error_t error;

    if (equals == NULL) {
        return parse_level(reef_span_trim(item), &levels->level, failure);
    }
    module = reef_span(item.data, (size_t)(equals - item.data));
    error = parse_level(reef_span_trim(reef_span_skip(item, module.size + 1)), &level,
                        failure);
    if (error == REEF_OK) {
        *REEF_ARRAY_PUSH(reef_alloc_default(), &levels->modules) =
            (module_level_t){.module = reef_span_trim(module), .level = level};
    }
    return error;
}

static reef_error_t
parse_spec(levels_t *levels, const char *spec, reef_failure_t *failure)
{
    reef_span_t rest;

    levels->spec_size = strlen(spec) + 1;
    levels->spec = reef_resize(reef_alloc_default(), NULL, 0, levels->spec_size);
    memcpy(levels->spec, spec, levels->spec_size);
    rest = reef_span_text(levels->spec);
    for (bool last = false; !last;) {
        const uint8_t *comma =
            rest.size == 0 ? NULL : memchr(rest.data, ',', rest.size);
        size_t size = comma == NULL ? rest.size : (size_t)(comma - rest.data);
        reef_error_t error = parse_item(levels, reef_span(rest.data, size), failure);

        if (error != REEF_OK) {
            return error;
        }
        last = comma == NULL;
        rest = reef_span_skip(rest, last ? size : size + 1);
    }
    return REEF_OK;
}

/* With all that it has replaced. */
static void destroy_levels(levels_t *levels)
{
    const reef_alloc_t *alloc = reef_alloc_default();

    while (levels != NULL) {
        levels_t *replaced = levels->replaced;

        REEF_ARRAY_FINISH(alloc, &levels->modules);
        reef_resize(alloc, levels->spec, levels->spec_size, 0);
        reef_resize(alloc, levels, sizeof(*levels), 0);
        levels = replaced;
    }
}

reef_error_t
reef_log_set_level(reef_log_t *log, const char *level, reef_failure_t *failure)
{
    levels_t *levels = reef_resize(reef_alloc_default(), NULL, 0, sizeof(*levels));
    reef_error_t error;

    *levels = (levels_t){.level = REEF_LOG_INFO};
    error = parse_spec(levels, level, failure);
    if (error != REEF_OK) {
        destroy_levels(levels);
        return error;
    }
    levels->replaced = atomic_load_explicit(&log->levels, memory_order_relaxed);
    atomic_store_explicit(&log->levels, levels, memory_order_release);
    return REEF_OK;
}

reef_error_t
reef_log_create(const reef_log_desc_t *desc, reef_log_t **log, reef_failure_t *failure)
{
    const char *format = desc->format == NULL ? "logfmt" : desc->format;
    reef_log_t *created;
    reef_error_t error;

    if (strcmp(format, "logfmt") != 0 && strcmp(format, "json") != 0) {
        return reef_fail(failure, REEF_E_INVALID,
                         "log.format: '%.*s' is unknown, one of logfmt, json",
                         MAX_SPEC_SHOWN, format);
    }
    created = reef_resize(reef_alloc_default(), NULL, 0, sizeof(*created));
    *created = (reef_log_t){
        .descriptor = desc->descriptor == 0 ? STDERR_FILENO : desc->descriptor,
        .json = strcmp(format, "json") == 0,
    };
    pthread_mutex_init(&created->mutex, NULL);
    error = reef_log_set_level(created, desc->level == NULL ? "info" : desc->level,
                               failure);
    if (error != REEF_OK) {
        reef_log_destroy(created);
        return error;
    }
    *log = created;
    return REEF_OK;
}

void reef_log_destroy(reef_log_t *log)
{
    if (log == NULL) {
        return;
    }
    (void)tell_dropped(log);
    pthread_mutex_destroy(&log->mutex);
    destroy_levels(atomic_load_explicit(&log->levels, memory_order_relaxed));
    reef_resize(reef_alloc_default(), log, sizeof(*log), 0);
}
