/*
 * Sessions lie in a small table under one lock.  A cookie's value is 256 random bits
 * and only its digest is kept; the oldest session gives way when the table is full.
 */
#include "auth.h"

#include "auth_limit.h"
#include "token_file.h"

#include <reef/crypto.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define CODE_LIFE_NS    (UINT64_C(600) * 1000000000)
#define SESSION_LIFE_NS (UINT64_C(12) * 3600 * 1000000000)
#define COOKIE_NAME     "reef_session="

enum {
    MAX_SESSIONS = 64,
    MAX_SECRET = 256, /* presented secrets longer than this are wrong anyway */
};

typedef struct session {
    uint8_t digest[REEF_SHA256_SIZE];
    reef__identity_t identity; /* session 0 = free */
    uint64_t ends_ns;
} session_t;

struct reef__auth {
    pthread_mutex_t mutex; /* guards all below */
    bool has_token;
    uint8_t token[REEF_SHA256_SIZE];
    reef__role_t token_role;
    bool has_code;
    uint8_t code[REEF_SHA256_SIZE];
    uint64_t code_ends_ns;
    uint64_t next_session;
    session_t sessions[MAX_SESSIONS];
    reef__auth_limit_t limit;
};

reef__auth_t *reef__auth_create(void)
{
    reef__auth_t *auth = calloc(1, sizeof(*auth));

    if (auth == NULL || pthread_mutex_init(&auth->mutex, NULL) != 0) {
        abort();
    }
    auth->next_session = 1;
    return auth;
}

void reef__auth_destroy(reef__auth_t *auth)
{
    if (auth != NULL) {
        pthread_mutex_destroy(&auth->mutex);
        free(auth);
    }
}

void reef__auth_set_token(reef__auth_t *auth, const char *token, reef__role_t role)
{
    reef_crypto_sha256(reef_span_text(token), auth->token);
    auth->has_token = true;
    auth->token_role = role;
}

static void make_secret(size_t bytes, char text[REEF__SECRET_SIZE])
{
    uint8_t random[32];

    reef_crypto_random(random, bytes);
    reef_crypto_hex_encode(reef_span(random, bytes), text);
}

reef_error_t reef__auth_load_token(reef__auth_t *auth,
                                   const char *path,
                                   char made[REEF__SECRET_SIZE],
                                   reef_failure_t *failure)
{
    bool exists;
    reef_error_t error = reef__token_file_read(path, auth->token, &exists, failure);

    made[0] = '\0';
    if (error == REEF_OK && !exists) {
        make_secret(32, made);
        reef_crypto_sha256(reef_span_text(made), auth->token);
        error = reef__token_file_write(path, auth->token, failure);
    }
    auth->has_token = error == REEF_OK;
    auth->token_role = REEF__ROLE_ADMIN;
    return error;
}

void reef__auth_make_code(reef__auth_t *auth,
                          uint64_t now_ns,
                          char code[REEF__SECRET_SIZE])
{
    make_secret(16, code);
    pthread_mutex_lock(&auth->mutex);
    reef_crypto_sha256(reef_span_text(code), auth->code);
    auth->code_ends_ns = now_ns + CODE_LIFE_NS;
    auth->has_code = true;
    pthread_mutex_unlock(&auth->mutex);
}

static bool digest_equal(const uint8_t *a, const uint8_t *b)
{
    return reef_crypto_equal(reef_span(a, REEF_SHA256_SIZE),
                             reef_span(b, REEF_SHA256_SIZE));
}

/* The value of our cookie in a Cookie header; empty when it is not there. */
static reef_span_t find_cookie(const char *header)
{
    size_t name_size = strlen(COOKIE_NAME);

    while (header != NULL && *header != '\0') {
        size_t pair;

        header += strspn(header, "; \t");
        pair = strcspn(header, ";");
        if (strncmp(header, COOKIE_NAME, name_size) == 0) {
            return reef_span(header + name_size, pair - name_size);
        }
        header += pair;
    }
    return reef_span(NULL, 0);
}

/* Any name that some reader might take for ours, so with spaces and in any case. */
static bool is_our_cookie(const char *pair, size_t size)
{
    size_t name = strlen(COOKIE_NAME) - 1; /* without the = */

    return size >= name && strncasecmp(pair, COOKIE_NAME, name) == 0 &&
           (size == name || strchr("= \t\"", pair[name]) != NULL);
}

char *reef__auth_strip_cookie(const char *header)
{
    char *kept = malloc(2 * strlen(header) + 1); /* a space may come after each ; */
    size_t used = 0;

    if (kept == NULL) {
        abort();
    }
    while (*header != '\0') {
        size_t size;

        header += strspn(header, "; \t\"");
        size = strcspn(header, ";");
        if (size > 0 && !is_our_cookie(header, size)) {
            used += (size_t)sprintf(kept + used, "%s%.*s", used > 0 ? "; " : "",
                                    (int)size, header);
        }
        header += size;
    }
    kept[used] = '\0';
    return kept;
}

/* Locked. */
static session_t *find_session(reef__auth_t *auth, reef_span_t key, uint64_t now_ns)
{
    uint8_t digest[REEF_SHA256_SIZE];
    session_t *found = NULL;

    if (key.size == 0 || key.size > MAX_SECRET) {
        return NULL;
    }
    reef_crypto_sha256(key, digest);
    for (int i = 0; i < MAX_SESSIONS; i++) {
        session_t *session = &auth->sessions[i];

        if (digest_equal(session->digest, digest) && session->identity.session != 0 &&
            session->ends_ns > now_ns) {
            found = session;
        }
    }
    return found;
}

/* Locked.  Compare a token or code, unless its address has failed too often. */
static reef__auth_result_t check_secret(reef__auth_t *auth,
                                        const reef__request_t *request,
                                        reef_span_t secret,
                                        const uint8_t *wanted)
{
    uint8_t digest[REEF_SHA256_SIZE];

    if (!reef__auth_limit_allows(&auth->limit, request->peer, request->now_ns)) {
        return REEF__AUTH_LIMITED;
    }
    if (wanted != NULL && secret.size > 0 && secret.size <= MAX_SECRET) {
        reef_crypto_sha256(secret, digest);
        if (digest_equal(digest, wanted)) {
            return REEF__AUTH_OK;
        }
    }
    reef__auth_limit_fail(&auth->limit, request->peer, request->now_ns);
    return REEF__AUTH_REFUSED;
}

reef__auth_result_t reef__auth_identify(reef__auth_t *auth,
                                        const reef__request_t *request,
                                        reef__identity_t *identity)
{
    const char *bearer = reef__request_header(request, "Authorization");
    reef_span_t key = find_cookie(reef__request_header(request, "Cookie"));
    reef__auth_result_t result = REEF__AUTH_REFUSED;

    pthread_mutex_lock(&auth->mutex);
    if (bearer != NULL) {
        if (strncasecmp(bearer, "Bearer ", 7) == 0) {
            result = check_secret(auth, request, reef_span_text(bearer + 7),
                                  auth->has_token ? auth->token : NULL);
        }
        if (result == REEF__AUTH_OK) {
            *identity = (reef__identity_t){.role = auth->token_role};
        }
    } else {
        session_t *session = find_session(auth, key, request->now_ns);

        if (session != NULL) {
            *identity = session->identity;
            result = REEF__AUTH_OK;
        }
    }
    pthread_mutex_unlock(&auth->mutex);
    return result;
}

/* Locked. */
static session_t *oldest_session(reef__auth_t *auth)
{
    session_t *oldest = &auth->sessions[0];

    for (int i = 1; i < MAX_SESSIONS; i++) {
        if (auth->sessions[i].ends_ns < oldest->ends_ns) {
            oldest = &auth->sessions[i];
        }
    }
    return oldest;
}

reef__auth_result_t reef__auth_login(reef__auth_t *auth,
                                     const reef__request_t *request,
                                     const reef__login_t *login,
                                     reef__identity_t *identity,
                                     char key[REEF__SECRET_SIZE])
{
    reef__auth_result_t result;
    reef__role_t role = REEF__ROLE_ADMIN;

    pthread_mutex_lock(&auth->mutex);
    if (login->code != NULL) {
        bool is_open = auth->has_code && request->now_ns < auth->code_ends_ns;

        result = check_secret(auth, request, reef_span_text(login->code),
                              is_open ? auth->code : NULL);
        if (result == REEF__AUTH_OK) {
            auth->has_code = false;
        }
    } else {
        role = auth->token_role;
        result = check_secret(auth, request, reef_span_text(login->token),
                              auth->has_token ? auth->token : NULL);
    }
    if (result == REEF__AUTH_OK) {
        session_t *session = oldest_session(auth);

        *session = (session_t){.identity = {.role = role,
                                            .by_cookie = true,
                                            .session = auth->next_session++},
                               .ends_ns = request->now_ns + SESSION_LIFE_NS};
        make_secret(32, key);
        make_secret(32, session->identity.csrf);
        reef_crypto_sha256(reef_span_text(key), session->digest);
        *identity = session->identity;
    }
    pthread_mutex_unlock(&auth->mutex);
    return result;
}

void reef__auth_logout(reef__auth_t *auth, const reef__identity_t *identity)
{
    pthread_mutex_lock(&auth->mutex);
    for (int i = 0; i < MAX_SESSIONS; i++) {
        if (identity->session != 0 &&
            auth->sessions[i].identity.session == identity->session) {
            auth->sessions[i] = (session_t){0};
        }
    }
    pthread_mutex_unlock(&auth->mutex);
}

bool reef__auth_is_current(reef__auth_t *auth,
                           const reef__identity_t *identity,
                           uint64_t now_ns)
{
    bool current = !identity->by_cookie;

    pthread_mutex_lock(&auth->mutex);
    for (int i = 0; i < MAX_SESSIONS && !current; i++) {
        current = auth->sessions[i].identity.session == identity->session &&
                  auth->sessions[i].ends_ns > now_ns;
    }
    pthread_mutex_unlock(&auth->mutex);
    return current;
}

bool reef__auth_has_csrf(const reef__request_t *request)
{
    const char *given = reef__request_header(request, "X-Reef-CSRF");

    if (!request->identity.by_cookie) {
        return true;
    }
    return given != NULL && reef_crypto_equal(reef_span_text(given),
                                              reef_span_text(request->identity.csrf));
}
