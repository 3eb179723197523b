/*
 * Problems are small JSON objects; `type` stays about:blank because the status and
 * the sentence say all there is to say.
 */
#include "problem.h"

#include <stdarg.h>
#include <stdio.h>

void reef__field_errors_add(reef__field_errors_t *errors,
                            const char *pointer,
                            const char *format,
                            ...)
{
    va_list arguments;

    if (errors->count == REEF__MAX_FIELD_ERRORS) {
        return;
    }
    snprintf(errors->items[errors->count].pointer, REEF__POINTER_SIZE, "%s", pointer);
    va_start(arguments, format);
    vsnprintf(errors->items[errors->count].detail, REEF_FAILURE_TEXT_SIZE, format,
              arguments);
    va_end(arguments);
    errors->count++;
}

void reef__pointer_append(char pointer[REEF__POINTER_SIZE], const char *segment)
{
    size_t used = strlen(pointer);

    if (used + 1 < REEF__POINTER_SIZE) {
        pointer[used++] = '/';
    }
    for (; *segment != '\0' && used + 2 < REEF__POINTER_SIZE; segment++) {
        if (*segment == '~' || *segment == '/') {
            pointer[used++] = '~';
            pointer[used++] = *segment == '~' ? '0' : '1';
        } else {
            pointer[used++] = *segment;
        }
    }
    pointer[used] = '\0';
}

const char *reef__status_text(int status)
{
    static const struct {
        int status;
        const char *text;
    } known[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {303, "See Other"},
        {304, "Not Modified"},
        {307, "Temporary Redirect"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {411, "Length Required"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {421, "Misdirected Request"},
        {422, "Unprocessable Content"},
        {428, "Precondition Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i].status == status) {
            return known[i].text;
        }
    }
    return status < 400 ? "Done" : status < 500 ? "Refused" : "Failed";
}

/* Quoted input may be no UTF-8, or cut within a character. */
static void add_text(cJSON *object, const char *name, const char *text)
{
    cJSON_AddItemToObject(object, name, reef__json_text(reef_span_text(text)));
}

static cJSON *problem_json(int status, const char *detail)
{
    cJSON *json = cJSON_CreateObject();

    cJSON_AddStringToObject(json, "type", "about:blank");
    cJSON_AddStringToObject(json, "title", reef__status_text(status));
    cJSON_AddNumberToObject(json, "status", status);
    add_text(json, "detail", detail);
    return json;
}

static void reply_problem(reef__reply_t *reply, int status, cJSON *json)
{
    reef__reply_json(reply, status, json);
    reply->type = "application/problem+json";
}

void reef__problem(reef__reply_t *reply, int status, const char *format, ...)
{
    char detail[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(detail, sizeof(detail), format, arguments);
    va_end(arguments);
    reply_problem(reply, status, problem_json(status, detail));
}

void reef__problem_fields(reef__reply_t *reply, const reef__field_errors_t *errors)
{
    cJSON *json = problem_json(422, errors->count > 0 ? errors->items[0].detail
                                                      : "the body is not acceptable");
    cJSON *list = cJSON_AddArrayToObject(json, "errors");

    for (size_t i = 0; i < errors->count; i++) {
        cJSON *item = cJSON_CreateObject();

        add_text(item, "pointer", errors->items[i].pointer);
        add_text(item, "detail", errors->items[i].detail);
        cJSON_AddItemToArray(list, item);
    }
    reply_problem(reply, 422, json);
}

void reef__problem_stale(reef__reply_t *reply, cJSON *value)
{
    cJSON *json = problem_json(412, "the component was changed since it was read");

    cJSON_AddItemToObject(json, "value", value != NULL ? value : cJSON_CreateNull());
    reply_problem(reply, 412, json);
}
