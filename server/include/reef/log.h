/**
 * @file log.h
 * @brief Structured log lines to stderr: logfmt, or JSON.
 *
 *     reef_log(log, REEF_LOG_INFO, "websocket", "listening",
 *              REEF_LOG_TEXT("transport", "websocket"), REEF_LOG_TEXT("addr", addr));
 *
 * prints `time=… level=info module=websocket msg=listening transport=websocket
 * addr=127.0.0.1:8080`.  Values are quoted where needed; control characters and
 * invalid UTF-8 never reach the terminal.  One line is one write of
 * at most 4 KiB; what does not fit is cut and marked with … (in JSON also by
 * `"truncated":true`).  Nobody waits for a full pipe: the line is dropped, and the next
 * one that can be written comes after `level=warn module=log msg="lines dropped"
 * count=…`.  Any thread.
 */
#ifndef REEF_LOG_H
#define REEF_LOG_H

#include <reef/error.h>
#include <reef/span.h>

typedef enum reef_log_level {
    REEF_LOG_DEBUG,
    REEF_LOG_INFO,
    REEF_LOG_WARN,
    REEF_LOG_ERROR,
    REEF_LOG_OFF,
} reef_log_level_t;

enum {
    REEF_LOG_MAX_FIELDS = 12
};

typedef struct reef_log reef_log_t;

typedef struct reef_log_field {
    const char *key; /* NULL ends a list */
    reef_span_t text;
    int64_t integer;
    bool is_integer;
} reef_log_field_t;

#define REEF_LOG_TEXT(key_, text_)                                                     \
    ((reef_log_field_t){.key = (key_), .text = reef_span_text(text_)})
#define REEF_LOG_SPAN(key_, span_) ((reef_log_field_t){.key = (key_), .text = (span_)})
#define REEF_LOG_INT(key_, integer_)                                                   \
    ((reef_log_field_t){                                                               \
        .key = (key_), .integer = (int64_t)(integer_), .is_integer = true})

/** Write one line when @p level is enabled for @p module; up to 12 fields. */
#define reef_log(log, level, module, message, ...)                                     \
    reef_log_write((log), (level), (module), (message),                                \
                   (const reef_log_field_t[REEF_LOG_MAX_FIELDS]){__VA_ARGS__})

/** Use reef_log().  @p log may be NULL: nothing is written.  @p fields has
 *  REEF_LOG_MAX_FIELDS elements; the first NULL key ends them.  All is copied. */
void reef_log_write(reef_log_t *log,
                    reef_log_level_t level,
                    const char *module,
                    const char *message,
                    const reef_log_field_t *fields);

typedef struct reef_log_desc {
    const char *format; /* "logfmt" or "json"; NULL = "logfmt" */
    const char *level;  /* "info", or "info,websocket=debug"; NULL = "info" */
    int descriptor;     /* written to, not closed; 0 = standard error */
} reef_log_desc_t;

/** @return REEF_OK, or REEF_E_INVALID naming the unknown format or level.  Owned by
 *  the caller: reef_log_destroy(). */
REEF_NODISCARD reef_error_t reef_log_create(const reef_log_desc_t *desc,
                                            reef_log_t **log,
                                            reef_failure_t *failure);

/** Use these levels from now on; may be called while others log.  @return REEF_OK, or
 *  REEF_E_INVALID naming the unknown level: then all stays as it is. */
REEF_NODISCARD reef_error_t reef_log_set_level(reef_log_t *log,
                                               const char *level,
                                               reef_failure_t *failure);

/** Accepts NULL. */
void reef_log_destroy(reef_log_t *log);

/** Lines written at @p level or above since the start; shown as a metric. */
uint64_t reef_log_count(const reef_log_t *log, reef_log_level_t level);

/** Lines dropped since the start because they could not be written at once. */
uint64_t reef_log_dropped_count(const reef_log_t *log);

#endif /* REEF_LOG_H */
