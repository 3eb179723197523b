/*
 * The context is the only thing that loops and world share; the lock is held while a
 * reference is taken, once per connection.
 */
#include "transport/tls_listener.h"

#include <reef/crypto.h>

#include "app.h"
#include "transport/address.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    DAY_S = 24 * 60 * 60,
    DATE_SIZE = 32,
    HEX_SIZE = 65,
};

static const uint64_t look_interval_ns = UINT64_C(60000000000);

static int64_t unix_time_s(void)
{
    return (int64_t)time(NULL);
}

/* Settings ---------------------------------------------------------------------- */

static reef_error_t check(const reef__tls_listener_desc_t *desc,
                          reef_failure_t *failure)
{
    const char *name = desc->name;
    bool has_cert = desc->cert[0] != '\0';
    bool has_key = desc->key[0] != '\0';

    if (desc->listen[0] == '\0') {
        return REEF_OK;
    }
    if (desc->dev && (has_cert || has_key)) {
        return reef_fail(failure, REEF_E_INVALID,
                         "%s.dev: makes a certificate of its own; unset it, or %s.cert "
                         "and %s.key",
                         name, name, name);
    }
    if (!desc->dev && !(has_cert && has_key)) {
        return reef_fail(
            failure, REEF_E_INVALID,
            "%s.listen: needs a certificate: set %s.cert and %s.key to PEM "
            "files, or %s.dev=true for one made in memory",
            name, name, name, name);
    }
    return REEF_OK;
}

static void register_metrics(reef__tls_listener_t *listener)
{
    reef_metrics_t *metrics = reef_app_metrics(listener->app);
    char labels[64];

    listener->metric_failures = reef_metrics_ensure(
        metrics, &(reef_metric_desc_t){.name = "reef_tls_handshake_failures_total",
                                       .help = "TLS handshakes that failed, and "
                                               "connections that TLS broke."});
    listener->metric_full = reef_metrics_ensure(
        metrics, &(reef_metric_desc_t){.name = "reef_tls_handshakes_total",
                                       .help = "TLS handshakes done.",
                                       .labels = "resumed=\"false\""});
    listener->metric_resumed = reef_metrics_ensure(
        metrics, &(reef_metric_desc_t){.name = "reef_tls_handshakes_total",
                                       .help = "TLS handshakes done.",
                                       .labels = "resumed=\"true\""});
    snprintf(labels, sizeof(labels), "transport=\"%s\"", listener->desc.name);
    listener->metric_expiry = reef_metrics_ensure(
        metrics,
        &(reef_metric_desc_t){.name = "reef_tls_certificate_expiry_timestamp_seconds",
                              .help = "When the certificate in use expires, Unix time.",
                              .unit = "seconds",
                              .labels = labels,
                              .kind = REEF_METRIC_GAUGE});
}

/* Once a minute, whether or not the simulation is paused. */
static void step_roll(reef_run_t *run)
{
    reef__tls_listener_t *listener = reef_run_context(run);
    uint64_t now_ns = reef_app_now_ns(listener->app);

    if (now_ns >= listener->next_look_ns) {
        listener->next_look_ns = now_ns + look_interval_ns;
        reef__tls_listener_roll(listener, unix_time_s());
    }
}

static void add_step(reef__tls_listener_t *listener)
{
    snprintf(listener->system_name, sizeof(listener->system_name), "%s_certificate",
             listener->desc.name);
    reef_app_add_system(listener->app, REEF_FRAME,
                        &(reef_system_desc_t){.name = listener->system_name,
                                              .run = step_roll,
                                              .context = listener,
                                              .exclusive = true,
                                              .after = {"lifetimes"}});
}

reef_error_t reef__tls_listener_init(reef__tls_listener_t *listener,
                                     reef_app_t *app,
                                     const reef__tls_listener_desc_t *desc,
                                     reef_failure_t *failure)
{
    reef_error_t error = check(desc, failure);

    memset(listener, 0, sizeof(*listener));
    listener->app = app;
    listener->desc = *desc;
    if (error == REEF_OK && desc->ciphers[0] != '\0') {
        char setting[64];

        snprintf(setting, sizeof(setting), "%s.ciphers", desc->name);
        error = reef__tls_suites_parse(&listener->suites, reef_span_text(desc->ciphers),
                                       setting, failure);
    }
    if (error == REEF_OK) {
        error = reef__listeners_init(&listener->listeners, app, desc->name,
                                     reef_span_text(desc->listen), failure);
    }
    if (error != REEF_OK) {
        return error;
    }
    pthread_mutex_init(&listener->lock, NULL);
    if (desc->dev && listener->listeners.address_count > 0) {
        add_step(listener);
    }
    return REEF_OK;
}

/* Certificate ------------------------------------------------------------------- */

static void format_date(int64_t time_s, char text[DATE_SIZE])
{
    time_t time = (time_t)time_s;
    struct tm tm;

    gmtime_r(&time, &tm);
    strftime(text, DATE_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

static reef_error_t load(reef__tls_listener_t *listener,
                         int64_t now_s,
                         reef__tls_context_t **context,
                         reef_failure_t *failure)
{
    reef__tls_dev_t dev;
    reef_error_t error = REEF_OK;

    if (listener->desc.dev) {
        error = reef__tls_dev_create(&dev, now_s, failure);
    }
    if (error != REEF_OK) {
        return error;
    }
    return reef__tls_context_create(
        &(reef__tls_context_desc_t){
            .alloc = reef_app_alloc(listener->app),
            .section = listener->desc.name,
            .cert_path = listener->desc.cert,
            .key_path = listener->desc.key,
            .dev = listener->desc.dev ? &dev : NULL,
            .suites = &listener->suites,
            .alpn = listener->desc.alpn,
            .now_s = now_s,
        },
        context, failure);
}

static void tell_certificate(reef__tls_listener_t *listener,
                             const reef__tls_certificate_t *certificate)
{
    const char *name = listener->desc.name;
    char date[DATE_SIZE];
    char hex[HEX_SIZE];
    reef_certificate_t listed = {.not_after_s = certificate->not_after_s,
                                 .is_dev = certificate->is_dev};

    format_date(certificate->not_after_s, date);
    reef_crypto_hex_encode(reef_span(certificate->sha256, sizeof(certificate->sha256)),
                           hex);
    snprintf(listed.transport, sizeof(listed.transport), "%s", name);
    snprintf(listed.subject, sizeof(listed.subject), "%s", certificate->subject);
    memcpy(listed.sha256, certificate->sha256, sizeof(listed.sha256));
    reef_app_set_certificate(listener->app, &listed);
    reef_metric_set(listener->metric_expiry, (double)certificate->not_after_s);
    reef_log(reef_app_log(listener->app), REEF_LOG_INFO, name, "certificate",
             REEF_LOG_TEXT("subject", certificate->subject),
             REEF_LOG_TEXT("sha256", hex), REEF_LOG_TEXT("not_after", date),
             REEF_LOG_TEXT("dev", certificate->is_dev ? "true" : "false"));
}

static void use(reef__tls_listener_t *listener, reef__tls_context_t *context)
{
    reef__tls_context_t *old;

    tell_certificate(listener, reef__tls_context_certificate(context));
    pthread_mutex_lock(&listener->lock);
    old = listener->context;
    listener->context = context;
    pthread_mutex_unlock(&listener->lock);
    reef__tls_context_unref(old);
}

static void renew(reef__tls_listener_t *listener, int64_t now_s)
{
    reef__tls_context_t *context;
    reef_failure_t failure;

    if (load(listener, now_s, &context, &failure) == REEF_OK) {
        use(listener, context);
        return;
    }
    reef_log(reef_app_log(listener->app), REEF_LOG_ERROR, listener->desc.name,
             "certificate not reloaded, the old one stays in use",
             REEF_LOG_TEXT("error", failure.text));
}

void reef__tls_listener_reload(reef__tls_listener_t *listener)
{
    if (listener->context != NULL && !listener->desc.dev) {
        renew(listener, unix_time_s());
    }
}

void reef__tls_listener_roll(reef__tls_listener_t *listener, int64_t now_s)
{
    if (listener->context != NULL && listener->desc.dev &&
        reef__tls_context_certificate(listener->context)->not_after_s - now_s <
            (int64_t)REEF__TLS_DEV_ROLL_DAYS * DAY_S) {
        renew(listener, now_s);
    }
}

reef__tls_context_t *reef__tls_listener_context(reef__tls_listener_t *listener)
{
    reef__tls_context_t *context;

    pthread_mutex_lock(&listener->lock);
    context = reef__tls_context_ref(listener->context);
    pthread_mutex_unlock(&listener->lock);
    return context;
}

/* Life -------------------------------------------------------------------------- */

static void choose_suites(reef__tls_listener_t *listener)
{
    char order[96] = "";
    size_t size = 0;
    bool is_measured = listener->suites.count == 0;

    if (is_measured) {
        reef__tls_suites_measure(&listener->suites);
    }
    for (uint32_t i = 0; i < listener->suites.count; i++) {
        size += (size_t)snprintf(order + size, sizeof(order) - size, "%s%s",
                                 i > 0 ? "," : "",
                                 reef__tls_aead_name(listener->suites.order[i]));
    }
    if (is_measured) {
        const double *speed = listener->suites.mb_per_s;

        reef_log(
            reef_app_log(listener->app), REEF_LOG_INFO, listener->desc.name,
            "ciphers in order of measured speed", REEF_LOG_TEXT("ciphers", order),
            REEF_LOG_INT("aes_128_gcm_mb_s", speed[REEF__TLS_AES_128_GCM]),
            REEF_LOG_INT("aes_256_gcm_mb_s", speed[REEF__TLS_AES_256_GCM]),
            REEF_LOG_INT("chacha20_poly1305_mb_s", speed[REEF__TLS_CHACHA20_POLY1305]));
    } else {
        reef_log(reef_app_log(listener->app), REEF_LOG_INFO, listener->desc.name,
                 "ciphers as set", REEF_LOG_TEXT("ciphers", order));
    }
}

static void on_reload(void *context)
{
    reef__tls_listener_reload(context);
}

static void announce_dev(const reef__tls_listener_t *listener)
{
    char hex[HEX_SIZE];

    reef_crypto_hex_encode(
        reef_span(reef__tls_context_certificate(listener->context)->sha256, 32), hex);
    reef_app_announce(listener->app, "", "certificate made for this run, SHA-256 %s",
                      hex);
}

/* Somebody sets a certificate up and forgets the address. */
static void warn_if_meant(const reef__tls_listener_t *listener)
{
    const reef__tls_listener_desc_t *desc = &listener->desc;
    char message[96];

    if (desc->dev || desc->cert[0] != '\0' || desc->key[0] != '\0') {
        snprintf(message, sizeof(message),
                 "nothing listens: set %s.listen to an address and port", desc->name);
        reef_log(reef_app_log(listener->app), REEF_LOG_WARN, desc->name, message);
    }
}

reef_error_t reef__tls_listener_open(reef__tls_listener_t *listener,
                                     reef_failure_t *failure)
{
    reef__tls_context_t *context;
    reef_error_t error;

    if (listener->listeners.address_count == 0) {
        warn_if_meant(listener);
        return REEF_OK;
    }
    register_metrics(listener);
    choose_suites(listener);
    error = load(listener, unix_time_s(), &context, failure);
    if (error != REEF_OK) {
        return error;
    }
    use(listener, context);
    error =
        reef__listeners_open(&listener->listeners, &listener->desc.listeners, failure);
    if (error == REEF_OK && listener->desc.dev) {
        announce_dev(listener);
    }
    reef_app_on_reload(listener->app, on_reload, listener);
    return error;
}

void reef__tls_listener_close(reef__tls_listener_t *listener)
{
    reef__listeners_close(&listener->listeners);
}

void reef__tls_listener_finish(reef__tls_listener_t *listener)
{
    reef__listeners_finish(&listener->listeners);
    reef__tls_context_unref(listener->context);
    pthread_mutex_destroy(&listener->lock);
}

/* What happens ------------------------------------------------------------------ */

void reef__tls_listener_secured(reef__tls_listener_t *listener, bool is_resumed)
{
    reef_metric_add(is_resumed ? listener->metric_resumed : listener->metric_full, 1);
}

void reef__tls_listener_failed(reef__tls_listener_t *listener,
                               int descriptor,
                               const char *cause,
                               uint64_t now_ms)
{
    char peer[REEF__ADDRESS_TEXT_SIZE];
    uint64_t skipped = 0;

    reef_metric_add(listener->metric_failures, 1);
    if (!reef__log_limit_pass(&listener->failure_limit, now_ms, &skipped)) {
        return;
    }
    reef__address_of_peer(descriptor, peer);
    reef_log(reef_app_log(listener->app), REEF_LOG_WARN, listener->desc.name,
             "TLS failed", REEF_LOG_TEXT("peer", peer), REEF_LOG_TEXT("cause", cause),
             REEF_LOG_INT("not_logged_before", skipped));
}
