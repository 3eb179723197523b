/*
 * The order is the security of it: nothing is read of a request's body, and nothing
 * told about what exists, before the gate and the credentials have been passed.
 */
#include "dispatch.h"

#include "asset.h"
#include "body.h"
#include "route.h"

#include <stdlib.h>
#include <strings.h>

const char reef__common_headers[] =
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "Cross-Origin-Opener-Policy: same-origin\r\n"
    "Cross-Origin-Resource-Policy: same-origin\r\n";

static void refuse_identity(reef__admin_t *admin,
                            const reef__request_t *request,
                            reef__auth_result_t result,
                            reef__reply_t *reply)
{
    if (result == REEF__AUTH_LIMITED) {
        reef__problem(reply, 429, "too many failed attempts from this address");
        reef__reply_header(reply, "Retry-After", "2");
        return;
    }
    if (reef__request_header(request, "Authorization") != NULL) {
        reef__warn_refused(admin, request, "bearer");
    }
    reef__problem(reply, 401, "log in, or send the token as Authorization: Bearer");
    reef__reply_header(reply, "WWW-Authenticate", "Bearer");
}

static void run(reef__admin_t *admin,
                reef__request_t *request,
                reef__reply_t *reply,
                const reef__route_t *route)
{
    char *body = NULL;

    if (reef__request_is_safe(request) ||
        reef__body_read(request, admin->config.max_body, &body, reply)) {
        route->handle(admin, request, reply);
    }
    free(body);
}

static void answer_api(reef__admin_t *admin,
                       reef__request_t *request,
                       reef__reply_t *reply,
                       const reef__route_match_t *match)
{
    const reef__route_t *route = match->route;
    reef__auth_result_t result = REEF__AUTH_OK;

    if (route == NULL || route->role != REEF__ROLE_NONE) {
        result = reef__auth_identify(admin->auth, request, &request->identity);
    }
    if (result != REEF__AUTH_OK) {
        refuse_identity(admin, request, result, reply);
    } else if (!match->path_known) {
        reef__problem(reply, 404, "there is nothing at this address");
    } else if (route == NULL) {
        reef__problem(reply, 405, "this address answers %s", match->allow);
        reef__reply_header(reply, "Allow", "%s", match->allow);
    } else if (request->identity.role < route->role) {
        reef__problem(reply, 403, "this needs a higher role than yours");
    } else if (!reef__request_is_safe(request) && !reef__auth_has_csrf(request)) {
        reef__problem(reply, 403, "writes by cookie need the header X-Reef-CSRF");
    } else {
        run(admin, request, reply, route);
    }
}

void reef__dispatch(reef__admin_t *admin,
                    reef__request_t *request,
                    reef__reply_t *reply)
{
    const char *detail = NULL;
    reef__route_match_t match;
    int status;

    if (!atomic_load(&admin->is_open)) {
        reef__problem(reply, 503, "the server is starting");
        reply->close = true;
        return;
    }
    status = reef__gate_check(&admin->gate, request, &detail);
    reef_metric_add(admin->requests, 1);
    if (status != 0) {
        reef_metric_add(admin->refusals, 1);
        reef__problem(reply, status, "%s", detail);
        reply->close = true;
        return;
    }
    match = reef__route_find(request);
    if (!match.path_known && reef__request_is_safe(request) &&
        reef__asset_serve(request, reply)) {
        return;
    }
    answer_api(admin, request, reply, &match);
    if (reply->status >= 400) {
        reef_metric_add(admin->refusals, 1);
    }
    /* A body that was not read would be taken for the next request. */
    reply->close = reply->status == 401 || reply->status == 413 ||
                   (request->body.data == NULL && reef__body_is_announced(request));
}
