/*
 * The same registry twice: as Prometheus text (exposition format 0.0.4) and as JSON.
 * Labels are kept as they appear in the text, `name="value",…`, and taken apart for
 * the JSON.
 */
#include "handlers.h"
#include "views.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct exposition {
    FILE *out;
    const char *last; /* name whose head was written */
} exposition_t;

static const char *kind_name(reef_metric_kind_t kind)
{
    return kind == REEF_METRIC_COUNTER ? "counter" : "gauge";
}

static void write_number(FILE *out, double value)
{
    if (isnan(value)) {
        fputs("NaN", out);
    } else if (isinf(value)) {
        fputs(value > 0 ? "+Inf" : "-Inf", out);
    } else {
        fprintf(out, "%.17g", value);
    }
}

static void write_help(FILE *out, const char *help)
{
    for (; *help != '\0'; help++) {
        if (*help == '\\' || *help == '\n') {
            fputs(*help == '\\' ? "\\\\" : "\\n", out);
        } else {
            fputc(*help, out);
        }
    }
}

static void write_metric(const reef_metric_t *metric, void *context)
{
    exposition_t *exposition = context;
    const reef_metric_desc_t *desc = reef_metric_desc(metric);
    FILE *out = exposition->out;

    if (exposition->last == NULL || strcmp(exposition->last, desc->name) != 0) {
        if (desc->help != NULL) {
            fprintf(out, "# HELP %s ", desc->name);
            write_help(out, desc->help);
            fputc('\n', out);
        }
        fprintf(out, "# TYPE %s %s\n", desc->name, kind_name(desc->kind));
        exposition->last = desc->name;
    }
    fputs(desc->name, out);
    if (desc->labels != NULL && desc->labels[0] != '\0') {
        fprintf(out, "{%s}", desc->labels);
    }
    fputc(' ', out);
    write_number(out, reef_metric_value(metric));
    fputc('\n', out);
}

char *reef__metrics_exposition(reef_metrics_t *metrics)
{
    char *text = NULL;
    size_t size;
    exposition_t exposition = {.out = open_memstream(&text, &size)};

    if (exposition.out == NULL) {
        abort();
    }
    reef_metrics_each(metrics, write_metric, &exposition);
    if (fclose(exposition.out) != 0 || text == NULL) {
        abort();
    }
    return text;
}

/* `name="value",…` as members; values have no escapes but \" \\ \n. */
static void add_labels(cJSON *object, const char *labels)
{
    while (labels != NULL && *labels != '\0') {
        char name[64], value[256];
        size_t used = 0, size = strcspn(labels, "=");

        snprintf(name, sizeof(name), "%.*s", (int)size, labels);
        labels += size;
        if (labels[0] != '=' || labels[1] != '"') {
            return;
        }
        for (labels += 2; *labels != '\0' && *labels != '"'; labels++) {
            if (*labels == '\\' && labels[1] != '\0') {
                labels++;
            }
            if (used + 1 < sizeof(value)) {
                value[used++] = *labels;
            }
        }
        cJSON_AddItemToObject(object, name, reef__json_text(reef_span(value, used)));
        labels += *labels == '"';
        labels += strspn(labels, ", ");
    }
}

static void add_metric(const reef_metric_t *metric, void *context)
{
    const reef_metric_desc_t *desc = reef_metric_desc(metric);
    double value = reef_metric_value(metric);
    cJSON *json = cJSON_CreateObject();

    cJSON_AddStringToObject(json, "name", desc->name);
    cJSON_AddStringToObject(json, "type", kind_name(desc->kind));
    cJSON_AddItemToObject(json, "unit",
                          desc->unit != NULL ? cJSON_CreateString(desc->unit)
                                             : cJSON_CreateNull());
    add_labels(cJSON_AddObjectToObject(json, "labels"), desc->labels);
    if (isnan(value)) {
        cJSON_AddStringToObject(json, "value", "NaN");
    } else if (isinf(value)) {
        cJSON_AddStringToObject(json, "value", value > 0 ? "Infinity" : "-Infinity");
    } else {
        cJSON_AddNumberToObject(json, "value", value);
    }
    cJSON_AddItemToArray(context, json);
}

cJSON *reef__metrics_json(reef__admin_t *admin, uint64_t tick)
{
    cJSON *json = cJSON_CreateObject();

    cJSON_AddNumberToObject(json, "tick", (double)tick);
    cJSON_AddNumberToObject(json, "uptime_s", reef__uptime_s(admin));
    reef_metrics_each(reef_app_metrics(admin->app), add_metric,
                      cJSON_AddArrayToObject(json, "items"));
    return json;
}

void reef__serve_metrics_get(reef__admin_t *admin,
                             const reef__request_t *request,
                             reef__reply_t *reply)
{
    reef__frame_view_t frame = {.app = admin->app};

    (void)request;
    if (reef__admin_call(admin, reef__frame_collect, &frame, reply)) {
        reef__reply_json(reply, 200, reef__metrics_json(admin, frame.now.tick));
    }
}

/* Without the world: a scrape must work also when the world hangs. */
void reef__serve_metrics_text(reef__admin_t *admin,
                              const reef__request_t *request,
                              reef__reply_t *reply)
{
    (void)request;
    reef__reply_text(reply, 200, "text/plain; version=0.0.4; charset=utf-8",
                     reef__metrics_exposition(reef_app_metrics(admin->app)));
}
