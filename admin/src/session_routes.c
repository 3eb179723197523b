/*
 * Logging in and out.  The cookie is for browsers only: scripts cannot read it, other
 * sites cannot send it, and it is only sent to the API.
 */
#include "handlers.h"

static cJSON *session_json(const reef__identity_t *identity)
{
    static const char *const roles[] = {"", "viewer", "operator", "admin"};
    cJSON *json = cJSON_CreateObject();

    cJSON_AddStringToObject(json, "role", roles[identity->role]);
    cJSON_AddStringToObject(json, "csrf", identity->csrf);
    return json;
}

void reef__serve_whoami_get(reef__admin_t *admin,
                            const reef__request_t *request,
                            reef__reply_t *reply)
{
    cJSON *json = session_json(&request->identity);

    (void)admin;
    cJSON_AddStringToObject(json, "by",
                            request->identity.by_cookie ? "cookie" : "bearer");
    reef__reply_json(reply, 200, json);
}

static void log_in(reef__admin_t *admin,
                   const reef__request_t *request,
                   const reef__login_t *login,
                   reef__reply_t *reply)
{
    reef__request_t identified = *request;
    char key[REEF__SECRET_SIZE];

    switch (reef__auth_login(admin->auth, request, login, &identified.identity, key)) {
    case REEF__AUTH_OK:
        reef__reply_json(reply, 200, session_json(&identified.identity));
        reef__reply_header(reply, "Set-Cookie",
                           "reef_session=%s; Path=/api/v1; Max-Age=43200; HttpOnly; "
                           "SameSite=Strict",
                           key);
        reef__audit(admin, &identified, "login", login->code != NULL ? "code" : "token",
                    0);
        break;
    case REEF__AUTH_REFUSED:
        reef__warn_refused(admin, request, login->code != NULL ? "code" : "token");
        reef__problem(reply, 401,
                      login->code != NULL ? "this login code is wrong, used or too old"
                                          : "this token is wrong");
        break;
    case REEF__AUTH_LIMITED:
        reef__problem(reply, 429, "too many failed attempts from this address");
        reef__reply_header(reply, "Retry-After", "2");
        break;
    }
}

void reef__serve_session_open(reef__admin_t *admin,
                              const reef__request_t *request,
                              reef__reply_t *reply)
{
    static const char *const known[] = {"code", "token", NULL};
    reef__field_errors_t errors = {0};
    const cJSON *code, *token;
    cJSON *body;

    if (!reef__admin_json(request, &body, reply)) {
        return;
    }
    reef__check_members(body, known, &errors);
    code = cJSON_GetObjectItemCaseSensitive(body, "code");
    token = cJSON_GetObjectItemCaseSensitive(body, "token");
    if (errors.count == 0 && cJSON_IsString(code) + cJSON_IsString(token) != 1) {
        reef__field_errors_add(&errors, "", "either code or token is wanted");
    }
    if (errors.count > 0) {
        reef__problem_fields(reply, &errors);
    } else {
        log_in(admin, request,
               &(reef__login_t){.code = cJSON_GetStringValue(code),
                                .token = cJSON_GetStringValue(token)},
               reply);
    }
    cJSON_Delete(body);
}

void reef__serve_session_close(reef__admin_t *admin,
                               const reef__request_t *request,
                               reef__reply_t *reply)
{
    reef__auth_logout(admin->auth, &request->identity);
    reef__audit(admin, request, "logout", "session", 0);
    pthread_mutex_lock(&admin->mutex);
    pthread_cond_broadcast(&admin->stop); /* streams look whether they may go on */
    pthread_mutex_unlock(&admin->mutex);
    reply->status = 204;
    reef__reply_header(reply, "Set-Cookie",
                       "reef_session=; Path=/api/v1; Max-Age=0; HttpOnly; "
                       "SameSite=Strict");
}
