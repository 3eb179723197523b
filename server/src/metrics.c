/*
 * Metrics are allocated one by one, so that their addresses stay, and linked in an
 * array in which those of one name stand together, names in order of first
 * registration.  The registry's mutex guards the array only; a value is the bits of a
 * double in an atomic, added to by compare and exchange.
 */
#include <reef/metrics.h>

#include <reef/array.h>

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

struct reef_metric {
    reef_metric_desc_t desc;
    char *labels;          /* the copy that desc refers to, or NULL */
    _Atomic uint64_t bits; /* of the double */
};

struct reef_metrics {
    const reef_alloc_t *alloc;
    pthread_mutex_t mutex; /* guards items */
    struct {
        reef_metric_t **items;
        size_t count, capacity;
    } metrics;
};

static uint64_t to_bits(double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

static double from_bits(uint64_t bits)
{
    double value;

    memcpy(&value, &bits, sizeof(value));
    return value;
}

/* Locking fails only when the program is wrong. */
static void lock(reef_metrics_t *metrics)
{
    int error = pthread_mutex_lock(&metrics->mutex);

    assert(error == 0);
    (void)error;
}

static void unlock(reef_metrics_t *metrics)
{
    int error = pthread_mutex_unlock(&metrics->mutex);

    assert(error == 0);
    (void)error;
}

reef_metrics_t *reef_metrics_create(const reef_alloc_t *alloc)
{
    reef_metrics_t *metrics;
    int error;

    alloc = alloc == NULL ? reef_alloc_default() : alloc;
    metrics = reef_resize(alloc, NULL, 0, sizeof(*metrics));
    *metrics = (reef_metrics_t){.alloc = alloc};
    error = pthread_mutex_init(&metrics->mutex, NULL);
    assert(error == 0);
    (void)error;
    return metrics;
}

static void free_metric(const reef_alloc_t *alloc, reef_metric_t *metric)
{
    if (metric->labels != NULL) {
        reef_resize(alloc, metric->labels, strlen(metric->labels) + 1, 0);
    }
    reef_resize(alloc, metric, sizeof(*metric), 0);
}

void reef_metrics_destroy(reef_metrics_t *metrics)
{
    if (metrics == NULL) {
        return;
    }
    for (size_t i = 0; i < metrics->metrics.count; i++) {
        free_metric(metrics->alloc, metrics->metrics.items[i]);
    }
    REEF_ARRAY_FINISH(metrics->alloc, &metrics->metrics);
    pthread_mutex_destroy(&metrics->mutex);
    reef_resize(metrics->alloc, metrics, sizeof(*metrics), 0);
}

static reef_metric_t *create_metric(const reef_alloc_t *alloc,
                                    const reef_metric_desc_t *desc)
{
    reef_metric_t *metric = reef_resize(alloc, NULL, 0, sizeof(*metric));

    metric->desc = *desc;
    metric->labels = NULL;
    atomic_init(&metric->bits, to_bits(0));
    if (desc->labels != NULL) {
        size_t size = strlen(desc->labels) + 1;

        metric->labels = reef_resize(alloc, NULL, 0, size);
        memcpy(metric->labels, desc->labels, size);
        metric->desc.labels = metric->labels;
    }
    return metric;
}

static bool same_labels(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* With the mutex held.  NULL when it is new; *place is then where it belongs. */
static reef_metric_t *
find(const reef_metrics_t *metrics, const reef_metric_desc_t *desc, size_t *place)
{
    *place = metrics->metrics.count;
    for (size_t i = 0; i < metrics->metrics.count; i++) {
        reef_metric_t *metric = metrics->metrics.items[i];

        if (strcmp(metric->desc.name, desc->name) == 0) {
            assert(metric->desc.kind == desc->kind);
            if (same_labels(metric->desc.labels, desc->labels)) {
                return metric;
            }
            *place = i + 1;
        }
    }
    return NULL;
}

reef_metric_t *reef_metrics_ensure(reef_metrics_t *metrics,
                                   const reef_metric_desc_t *desc)
{
    reef_metric_t *metric;
    size_t place;

    assert(desc->name != NULL && desc->help != NULL);
    lock(metrics);
    metric = find(metrics, desc, &place);
    if (metric == NULL) {
        reef_metric_t **items;
        size_t after = metrics->metrics.count - place;

        metric = create_metric(metrics->alloc, desc);
        (void)REEF_ARRAY_PUSH(metrics->alloc, &metrics->metrics);
        items = metrics->metrics.items;
        memmove(items + place + 1, items + place, after * sizeof(reef_metric_t *));
        items[place] = metric;
    }
    unlock(metrics);
    return metric;
}

void reef_metric_add(reef_metric_t *metric, double amount)
{
    uint64_t before = atomic_load_explicit(&metric->bits, memory_order_relaxed);

    assert(metric->desc.kind == REEF_METRIC_GAUGE || amount >= 0);
    while (!atomic_compare_exchange_weak_explicit(
        &metric->bits, &before, to_bits(from_bits(before) + amount),
        memory_order_relaxed, memory_order_relaxed)) {
    }
}

void reef_metric_set(reef_metric_t *metric, double value)
{
    atomic_store_explicit(&metric->bits, to_bits(value), memory_order_relaxed);
}

double reef_metric_value(const reef_metric_t *metric)
{
    return from_bits(atomic_load_explicit(&metric->bits, memory_order_relaxed));
}

const reef_metric_desc_t *reef_metric_desc(const reef_metric_t *metric)
{
    return &metric->desc;
}

void reef_metrics_each(reef_metrics_t *metrics,
                       void (*visit)(const reef_metric_t *metric, void *context),
                       void *context)
{
    lock(metrics);
    for (size_t i = 0; i < metrics->metrics.count; i++) {
        visit(metrics->metrics.items[i], context);
    }
    unlock(metrics);
}
