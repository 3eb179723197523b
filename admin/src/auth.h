/**
 * @file auth.h
 * @brief Who may do what: the token, the login code of this start, cookie sessions.
 *
 * Only SHA-256 digests are kept of what a person or machine presents, and they are
 * compared in constant time.  Failures are limited per address.  Any thread; time is
 * an argument.
 */
#ifndef REEF_ADMIN_AUTH_H
#define REEF_ADMIN_AUTH_H

#include "exchange.h"

enum {
    REEF__SECRET_SIZE = 2 * 32 + 1, /* a token or code as text, with its NUL */
};

typedef struct reef__auth reef__auth_t;

/** Owned by the caller: reef__auth_destroy(). */
reef__auth_t *reef__auth_create(void);

/** Accepts NULL. */
void reef__auth_destroy(reef__auth_t *auth);

/** Accept @p token from now on, with @p role. */
void reef__auth_set_token(reef__auth_t *auth, const char *token, reef__role_t role);

/**
 * Accept, as admin, the token whose digest @p path keeps; a file that is not there is
 * made, readable by its owner only, with a new token.
 *
 * @param made Receives the new token, "" when there was a file.
 * @return REEF_OK, REEF_E_IO, REEF_E_INVALID (not a file of ours).
 */
REEF_NODISCARD reef_error_t reef__auth_load_token(reef__auth_t *auth,
                                                  const char *path,
                                                  char made[REEF__SECRET_SIZE],
                                                  reef_failure_t *failure);

/** Make the code of this start: good for one login within ten minutes. */
void reef__auth_make_code(reef__auth_t *auth,
                          uint64_t now_ns,
                          char code[REEF__SECRET_SIZE]);

typedef enum reef__auth_result {
    REEF__AUTH_OK,
    REEF__AUTH_REFUSED, /* wrong, used, or too old */
    REEF__AUTH_LIMITED, /* too many failures from this address: not looked at */
} reef__auth_result_t;

/**
 * Find out who sent @p request, by its bearer token or else its cookie.
 *
 * @param identity Filled on REEF__AUTH_OK.
 */
reef__auth_result_t reef__auth_identify(reef__auth_t *auth,
                                        const reef__request_t *request,
                                        reef__identity_t *identity);

/** What a login presents; one of both, the other NULL. */
typedef struct reef__login {
    const char *code, *token;
} reef__login_t;

/**
 * Open a session.
 *
 * @param key Receives the cookie's value.
 */
reef__auth_result_t reef__auth_login(reef__auth_t *auth,
                                     const reef__request_t *request,
                                     const reef__login_t *login,
                                     reef__identity_t *identity,
                                     char key[REEF__SECRET_SIZE]);

/** End the session of @p identity; nothing when it has none. */
void reef__auth_logout(reef__auth_t *auth, const reef__identity_t *identity);

/** Whether @p identity still stands: its session is neither ended nor too old. */
bool reef__auth_is_current(reef__auth_t *auth,
                           const reef__identity_t *identity,
                           uint64_t now_ns);

/** Whether @p request carries the CSRF token of its own session; true without cookie.
 */
bool reef__auth_has_csrf(const reef__request_t *request);

/** @p header, the value of a Cookie header, without the cookie of our sessions; the
 *  caller frees it. */
char *reef__auth_strip_cookie(const char *header);

#endif /* REEF_ADMIN_AUTH_H */
