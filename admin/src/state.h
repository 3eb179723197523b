/**
 * @file state.h
 * @brief What all parts of the admin share, and how they reach the world.
 */
#ifndef REEF_ADMIN_STATE_H
#define REEF_ADMIN_STATE_H

#include "auth.h"
#include "gate.h"
#include "problem.h"

#include <reef/admin.h>
#include <reef/app.h>

#include <pthread.h>
#include <stdatomic.h>

typedef struct reef__admin {
    reef_app_t *app;
    admin_config_t config;
    reef__auth_t *auth;
    reef__gate_t gate;
    struct reef__http *http;
    reef_metric_t *requests, *refusals, *streams;
    atomic_bool is_open; /* all above is set: requests may be answered */

    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t stop;   /* wakes sleeping streams; monotonic */
    bool stopping;
    uint32_t stream_count;
} reef__admin_t;

typedef void (*reef__handler_fn)(reef__admin_t *admin,
                                 const reef__request_t *request,
                                 reef__reply_t *reply);

/** What every reply about the world says. */
typedef struct reef__admin_now {
    uint64_t tick;
    bool paused;
} reef__admin_now_t;

/** World thread only. */
reef__admin_now_t reef__admin_now(reef_app_t *app);

/**
 * Have @p run called with @p argument on the world thread.
 *
 * @return false when the world did not answer in time: @p reply then says so (503).
 */
bool reef__admin_call(reef__admin_t *admin,
                      reef_request_fn run,
                      void *argument,
                      reef__reply_t *reply);

/** Parse the body; false with the reply filled when it is no acceptable JSON. */
bool reef__admin_json(const reef__request_t *request,
                      cJSON **json,
                      reef__reply_t *reply);

/** Refuse members of the object @p body beyond the NULL-terminated @p known. */
void reef__check_members(const cJSON *body,
                         const char *const *known,
                         reef__field_errors_t *errors);

/** A decimal id; false when @p text is none. */
bool reef__parse_id(const char *text, uint64_t *id);

/**
 * Read a numeric query parameter.
 *
 * @param value In: what it is when absent; out.
 * @return false, with a 400 in @p reply, when it is not within min … max.
 */
bool reef__number_parameter(const reef__request_t *request,
                            const char *name,
                            uint64_t max,
                            uint64_t *value,
                            reef__reply_t *reply);

/** A list's reply: items (taken over), next_cursor (NULL = last page), total. */
typedef struct reef__list {
    cJSON *items;
    const char *next_cursor;
    uint64_t total;
    bool inexact;
    reef__admin_now_t now;
} reef__list_t;

cJSON *reef__list_json(const reef__list_t *list);

/** Seconds since the start, to the millisecond. */
double reef__uptime_s(const reef__admin_t *admin);

/** Write who did what to the log: module `audit`. */
void reef__audit(reef__admin_t *admin,
                 const reef__request_t *request,
                 const char *action,
                 const char *target,
                 uint64_t tick);

/** The same with the value before and after as JSON texts; either may be NULL. */
typedef struct reef__audit_change {
    const char *action, *target, *before, *after;
    uint64_t tick;
} reef__audit_change_t;

void reef__audit_change(reef__admin_t *admin,
                        const reef__request_t *request,
                        const reef__audit_change_t *change);

/** Warn of a wrong code or token; what was sent is not logged.  The limit on failures
 *  bounds how often. */
void reef__warn_refused(reef__admin_t *admin,
                        const reef__request_t *request,
                        const char *what);

#endif /* REEF_ADMIN_STATE_H */
