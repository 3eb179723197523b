/*
 * What may change while the server runs: certificates, which their transports read
 * anew, and what is logged.  All other settings hold from start to end.
 */
#include "app.h"

#include <string.h>

/* Certificates ------------------------------------------------------------------ */

void reef_app_set_certificate(reef_app_t *app, const reef_certificate_t *certificate)
{
    reef_certificate_t *place = NULL;

    pthread_mutex_lock(&app->certificates.lock);
    for (size_t i = 0; i < app->certificates.count && place == NULL; i++) {
        if (strcmp(app->certificates.items[i].transport, certificate->transport) == 0) {
            place = &app->certificates.items[i];
        }
    }
    if (place == NULL) {
        place = REEF_ARRAY_PUSH(app->alloc, &app->certificates);
    }
    *place = *certificate;
    pthread_mutex_unlock(&app->certificates.lock);
}

size_t reef_app_certificates(reef_app_t *app,
                             reef_certificate_t *certificates,
                             size_t capacity)
{
    size_t count;

    pthread_mutex_lock(&app->certificates.lock);
    count = app->certificates.count;
    for (size_t i = 0; i < count && i < capacity; i++) {
        certificates[i] = app->certificates.items[i];
    }
    pthread_mutex_unlock(&app->certificates.lock);
    return count;
}

/* Reload ------------------------------------------------------------------------ */

/* As at the start: file, environment and command line, by their order. */
static reef_error_t read_log_level(reef_app_t *app, reef_failure_t *failure)
{
    reef_config_t *config;
    log_config_t log_config;
    reef_error_t error = reef__app_read_config(app, &config, failure);

    if (error != REEF_OK) {
        return error;
    }
    error = reef_config_resolve(config, "log", &log_config_type, NULL, &log_config,
                                failure);
    if (error == REEF_OK) {
        error = reef_log_set_level(app->log, log_config.level, failure);
    }
    reef_config_destroy(config);
    return error;
}

void reef_app_on_reload(reef_app_t *app, void (*reload)(void *context), void *context)
{
    *REEF_ARRAY_PUSH(app->alloc, &app->reloaders) =
        (reef__reloader_t){.reload = reload, .context = context};
}

void reef_app_reload(reef_app_t *app)
{
    reef_failure_t failure;

    reef_log(app->log, REEF_LOG_INFO, "app", "reloading");
    if (read_log_level(app, &failure) != REEF_OK) {
        reef_log(app->log, REEF_LOG_ERROR, "app", "log level not reloaded",
                 REEF_LOG_TEXT("error", failure.text));
    }
    for (size_t i = 0; i < app->reloaders.count; i++) {
        app->reloaders.items[i].reload(app->reloaders.items[i].context);
    }
}
