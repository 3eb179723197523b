/*
 * One authenticator, and a system that looks once a second for sessions whose token has
 * expired.  Of the shared token only the digest is kept.
 */
#include <reef/auth.h>

#include <reef/app.h>
#include <reef/authenticate.h>
#include <reef/components.h>
#include <reef/crypto.h>
#include <reef/session.h>

#include "jwt.h"

#include <stdio.h>
#include <strings.h>
#include <time.h>

enum {
    MIN_TOKEN = 16,
    NAMES = sizeof(reef_transport_names) / sizeof(reef_transport_names[0])
};

#define CHECK_NS UINT64_C(1000000000)

typedef struct auth {
    reef_app_t *app;
    auth_config_t config; /* without the token */
    bool has_token;
    uint8_t token[REEF_SHA256_SIZE]; /* digest */
    bool is_exempt[NAMES];           /* by transport kind */
    uint64_t next_check_ns;
} auth_t;

static uint64_t wall_clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Authenticating --------------------------------------------------------------- */

/* RFC 6750 section 2.1; empty when the header is not there or of another scheme. */
static reef_span_t bearer_of(reef_span_t header)
{
    static const char scheme[] = "Bearer ";

    if (header.size < sizeof(scheme) ||
        strncasecmp((const char *)header.data, scheme, sizeof(scheme) - 1) != 0) {
        return (reef_span_t){0};
    }
    return reef_span_trim(reef_span_skip(header, sizeof(scheme) - 1));
}

/* Where the token is, a query's decoded into @p room; empty when there is none. */
static reef_span_t
find_token(const auth_t *auth, reef_admission_t *admission, char *room, size_t capacity)
{
    const char *parameter = auth->config.query_parameter;
    reef_span_t token = bearer_of(reef_admission_header(admission, "authorization"));

    if (parameter[0] == '\0') {
        return token;
    }
    reef_admission_hide_query(admission, parameter);
    return token.size == 0 && reef_admission_query(admission, parameter, room, capacity)
               ? reef_span_text(room)
               : token;
}

static bool is_shared_token(const auth_t *auth, reef_span_t token)
{
    uint8_t digest[REEF_SHA256_SIZE];

    if (!auth->has_token) {
        return false;
    }
    reef_crypto_sha256(token, digest);
    return reef_crypto_equal(reef_span(digest, sizeof(digest)),
                             reef_span(auth->token, sizeof(auth->token)));
}

/* Whether @p word is one of the words of @p scope (RFC 6749 section 3.3). */
static bool has_word(const char *scope, const char *word)
{
    size_t size = strlen(word);

    for (scope += strspn(scope, " "); *scope != '\0'; scope += strspn(scope, " ")) {
        size_t found = strcspn(scope, " ");

        if (found == size && memcmp(scope, word, size) == 0) {
            return true;
        }
        scope += found;
    }
    return false;
}

static bool
check_jwt(const auth_t *auth, reef_admission_t *admission, reef_span_t token)
{
    const auth_config_t *config = &auth->config;
    claims_t claims;
    reef__jwt_status_t status =
        reef__jwt_verify(token,
                         &(reef__jwt_rules_t){
                             .secret = reef_span_text(config->jwt_secret),
                             .issuer = reef_span_text(config->jwt_issuer),
                             .audience = reef_span_text(config->jwt_audience),
                             .now_ms = wall_clock_ms(),
                             .leeway_ms = config->leeway_s * UINT64_C(1000),
                         },
                         &claims);

    if (status != REEF__JWT_OK) {
        return reef_admission_refuse(admission, 401, reef__jwt_status_text(status));
    }
    if (config->jwt_scope[0] != '\0' && !has_word(claims.scope, config->jwt_scope)) {
        return reef_admission_refuse(admission, 403, "the token lacks the scope");
    }
    reef_admission_set(admission, &claims_type, &claims);
    return true;
}

static bool authenticate(reef_admission_t *admission, void *context)
{
    const auth_t *auth = context;
    char room[REEF__JWT_MAX_SIZE + 1];
    int32_t kind = reef_admission_peer(admission)->kind;
    reef_span_t token = find_token(auth, admission, room, sizeof(room));

    if (kind >= 0 && kind < NAMES && auth->is_exempt[kind]) {
        return true;
    }
    if (token.size == 0) {
        return reef_admission_refuse(admission, 401, "a token is needed");
    }
    if (is_shared_token(auth, token)) {
        return true;
    }
    if (auth->config.jwt_secret[0] == '\0') {
        return reef_admission_refuse(admission, 401, "the token is wrong");
    }
    return check_jwt(auth, admission, token);
}

/* Expiry ----------------------------------------------------------------------- */

static bool is_check_due(const reef_world_t *world, void *context)
{
    auth_t *auth = context;
    uint64_t now_ns = reef_app_now_ns(auth->app);

    (void)world;
    if (now_ns < auth->next_check_ns) {
        return false;
    }
    auth->next_check_ns = now_ns + CHECK_NS;
    return true;
}

static void close_expired(reef_run_t *run)
{
    const auth_t *auth = reef_run_context(run);
    uint64_t now_ms = wall_clock_ms();
    uint64_t leeway_ms = auth->config.leeway_s * UINT64_C(1000);
    reef_query_iter_t it = reef_run_query(run);

    while (reef_query_next(&it)) {
        const claims_t *claims = reef_query_column(&it, 0);

        for (uint32_t i = 0; i < it.count; i++) {
            if (claims[i].expires_at_ms != 0 &&
                claims[i].expires_at_ms + leeway_ms <= now_ms) {
                reef_session_close(auth->app, it.entities[i], REEF_AUTH_EXPIRED_CODE,
                                   "the token has expired");
            }
        }
    }
}

/* Start ------------------------------------------------------------------------ */

static bool listens(const reef_app_t *app, const char *transport)
{
    size_t count, size = strlen(transport);
    const reef_listener_t *listeners = reef_app_listeners(app, &count);

    for (size_t i = 0; i < count; i++) {
        const char *name = listeners[i].transport;

        /* "tcps" is the transport "tcp", over TLS */
        if (strncmp(name, transport, size) == 0 &&
            (name[size] == '\0' || strcmp(name + size, "s") == 0)) {
            return true;
        }
    }
    return false;
}

/* Once everybody listens. */
static void tell_start(reef_run_t *run)
{
    static const int bare[] = {4, 5}; /* TCP, UDP: no request, so no token */
    const auth_t *auth = reef_run_context(run);
    reef_log_t *log = reef_app_log(auth->app);

    reef_log(log, REEF_LOG_INFO, "auth", "clients need a token",
             REEF_LOG_TEXT("shared", auth->has_token ? "yes" : "no"),
             REEF_LOG_TEXT("jwt", auth->config.jwt_secret[0] ? "yes" : "no"),
             REEF_LOG_TEXT("query_parameter", auth->config.query_parameter));
    for (size_t i = 0; i < sizeof(bare) / sizeof(bare[0]); i++) {
        const char *name = reef_transport_names[bare[i]].name;

        if (!auth->is_exempt[bare[i]] && listens(auth->app, name)) {
            reef_log(log, REEF_LOG_WARN, "auth",
                     "clients of this transport cannot show a token: all are refused, "
                     "unless auth.exempt names it",
                     REEF_LOG_TEXT("transport", name));
        }
    }
}

static reef_error_t exempt(auth_t *auth, reef_span_t name, reef_failure_t *failure)
{
    for (size_t i = 0; i < NAMES; i++) {
        if (reef_span_equal(name, reef_span_text(reef_transport_names[i].name))) {
            auth->is_exempt[reef_transport_names[i].value] = true;
            return REEF_OK;
        }
    }
    return reef_fail(failure, REEF_E_INVALID,
                     "auth.exempt: '%.*s' is no transport; there are websocket, wss, "
                     "webtransport, tcp, udp",
                     (int)name.size, (const char *)name.data);
}

static reef_error_t read_exempt(auth_t *auth, reef_failure_t *failure)
{
    reef_span_t list = reef_span_text(auth->config.exempt);
    reef_error_t error = REEF_OK;

    while (list.size > 0 && error == REEF_OK) {
        const uint8_t *comma = memchr(list.data, ',', list.size);
        size_t size = comma ? (size_t)(comma - list.data) : list.size;
        reef_span_t name = reef_span_trim(reef_span(list.data, size));

        if (name.size > 0) {
            error = exempt(auth, name, failure);
        }
        list = reef_span_skip(list, size + (comma != NULL));
    }
    return error;
}

/* Secrets that can be guessed, and rules that nothing would be held to. */
static reef_error_t check_config(const auth_config_t *config, reef_failure_t *failure)
{
    size_t token = strlen(config->token), secret = strlen(config->jwt_secret);

    if (token > 0 && token < MIN_TOKEN) {
        return reef_fail(failure, REEF_E_INVALID,
                         "auth.token: must have at least %d characters", MIN_TOKEN);
    }
    if (secret > 0 && secret < REEF__JWT_MIN_SECRET) {
        return reef_fail(failure, REEF_E_INVALID,
                         "auth.jwt_secret: must have at least %d bytes",
                         REEF__JWT_MIN_SECRET);
    }
    if (secret == 0 &&
        (config->jwt_issuer[0] != '\0' || config->jwt_audience[0] != '\0' ||
         config->jwt_scope[0] != '\0')) {
        return reef_fail(failure, REEF_E_INVALID,
                         "auth.jwt_secret: must be set where auth.jwt_issuer, "
                         "jwt_audience or jwt_scope is");
    }
    return REEF_OK;
}

static void turn_on(auth_t *auth)
{
    static const char *const headers[] = {"authorization", NULL};

    reef_world_component(reef_app_world(auth->app), &claims_type);
    reef_app_add_authenticator(auth->app, &(reef_authenticator_desc_t){
                                              .name = "auth",
                                              .authenticate = authenticate,
                                              .context = auth,
                                              .headers = headers,
                                          });
    reef_app_add_system(auth->app, REEF_STARTUP,
                        &(reef_system_desc_t){
                            .name = "auth_start",
                            .run = tell_start,
                            .context = auth,
                            .exclusive = true,
                        });
    if (!auth->config.keep_expired) {
        reef_app_add_system(auth->app, REEF_UPDATE,
                            &(reef_system_desc_t){
                                .name = "auth_expire",
                                .run = close_expired,
                                .run_if = is_check_due,
                                .context = auth,
                                .query = {REEF_READ(claims), REEF_WITH(client_id)},
                                .exclusive = true,
                            });
    }
}

static reef_error_t
build(reef_app_t *app, const void *config, void **state, reef_failure_t *failure)
{
    auth_t *auth = reef_resize(reef_app_alloc(app), NULL, 0, sizeof(*auth));
    reef_error_t error;

    *auth = (auth_t){.app = app, .config = *(const auth_config_t *)config};
    error = check_config(&auth->config, failure);
    if (error == REEF_OK) {
        error = read_exempt(auth, failure);
    }
    if (error != REEF_OK) {
        reef_resize(reef_app_alloc(app), auth, sizeof(*auth), 0);
        return error;
    }
    auth->has_token = auth->config.token[0] != '\0';
    reef_crypto_sha256(reef_span_text(auth->config.token), auth->token);
    memset(auth->config.token, 0, sizeof(auth->config.token));
    if (auth->has_token || auth->config.jwt_secret[0] != '\0') {
        turn_on(auth);
    }
    *state = auth;
    return REEF_OK;
}

static void cleanup(reef_app_t *app, void *state)
{
    reef_resize(reef_app_alloc(app), state, sizeof(auth_t), 0);
}

const reef_plugin_t reef_auth_plugin = {
    .api = REEF_PLUGIN_API,
    .name = "auth",
    .always = true,
    .config_type = &auth_config_type,
    .build = build,
    .cleanup = cleanup,
};
