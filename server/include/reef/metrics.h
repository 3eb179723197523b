/**
 * @file metrics.h
 * @brief Counters and gauges that any thread may read while others write them.
 *
 * Names follow the Prometheus conventions: base units, `_total` for counters.  Labels
 * are fixed at registration and few: never one per entity or client.
 */
#ifndef REEF_METRICS_H
#define REEF_METRICS_H

#include <reef/alloc.h>
#include <reef/span.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum reef_metric_kind {
    REEF_METRIC_COUNTER, /* only grows */
    REEF_METRIC_GAUGE,
} reef_metric_kind_t;

typedef struct reef_metrics reef_metrics_t;
typedef struct reef_metric reef_metric_t;

typedef struct reef_metric_desc {
    const char *name;   /* "reef_messages_received_total"; borrowed */
    const char *help;   /* one sentence; borrowed */
    const char *unit;   /* "bytes", "seconds", or NULL; borrowed */
    const char *labels; /* `transport="websocket"`, or NULL; copied */
    reef_metric_kind_t kind;
} reef_metric_desc_t;

/** Create an empty registry; @p alloc is borrowed, NULL = default.  Owned by the
 * caller: reef_metrics_destroy(). */
reef_metrics_t *reef_metrics_create(const reef_alloc_t *alloc);

/** Accepts NULL. */
void reef_metrics_destroy(reef_metrics_t *metrics);

/** Register, or find the one of the same name and labels; all of one name have one
 *  kind.  Owned by the registry; the
 *  address is stable.  Any thread. */
reef_metric_t *reef_metrics_ensure(reef_metrics_t *metrics,
                                   const reef_metric_desc_t *desc);

/** Any thread, without a lock.  A counter takes no negative @p amount. */
void reef_metric_add(reef_metric_t *metric, double amount);
void reef_metric_set(reef_metric_t *metric, double value);
double reef_metric_value(const reef_metric_t *metric);
const reef_metric_desc_t *reef_metric_desc(const reef_metric_t *metric);

/** Call @p visit for each metric, those of one name together, names in order of
 *  first registration.  @p visit must not register metrics.  Any thread. */
void reef_metrics_each(reef_metrics_t *metrics,
                       void (*visit)(const reef_metric_t *metric, void *context),
                       void *context);

#endif /* REEF_METRICS_H */
