/*
 * The audit trail is a module of the log: one line per change, made after it was
 * applied, with the tick from which it holds.
 */
#include "state.h"

#include <stdio.h>

enum {
    VALUE_SIZE = 512 /* of a logged value; longer ones are cut */
};

static const char *role_name(reef__role_t role)
{
    static const char *const names[] = {"nobody", "viewer", "operator", "admin"};

    return names[role];
}

static reef_log_field_t value_field(const char *key, const char *json)
{
    size_t size = json == NULL ? 0 : strnlen(json, VALUE_SIZE);

    return REEF_LOG_SPAN(key, reef_span(json, size));
}

void reef__audit_change(reef__admin_t *admin,
                        const reef__request_t *request,
                        const reef__audit_change_t *change)
{
    const reef__identity_t *who = &request->identity;
    char name[48];

    if (who->by_cookie) {
        snprintf(name, sizeof(name), "session:%llu", (unsigned long long)who->session);
    } else {
        snprintf(name, sizeof(name), "token");
    }
    reef_log(reef_app_log(admin->app), REEF_LOG_INFO, "audit", change->action,
             REEF_LOG_TEXT("who", name), REEF_LOG_TEXT("role", role_name(who->role)),
             REEF_LOG_TEXT("peer", request->peer),
             REEF_LOG_TEXT("target", change->target),
             value_field("before", change->before), value_field("after", change->after),
             REEF_LOG_INT("tick", change->tick));
}

void reef__audit(reef__admin_t *admin,
                 const reef__request_t *request,
                 const char *action,
                 const char *target,
                 uint64_t tick)
{
    reef__audit_change(
        admin, request,
        &(reef__audit_change_t){.action = action, .target = target, .tick = tick});
}

void reef__warn_refused(reef__admin_t *admin,
                        const reef__request_t *request,
                        const char *what)
{
    reef_log(reef_app_log(admin->app), REEF_LOG_WARN, "audit", "refused",
             REEF_LOG_TEXT("target", what), REEF_LOG_TEXT("peer", request->peer));
}
