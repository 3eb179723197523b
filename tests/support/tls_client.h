/**
 * @file tls_client.h
 * @brief OpenSSL's programs for tests: certificates, and a client that is not ours.
 *
 * The client is `openssl s_client` with a socket as its standard input and output.  No
 * wait is without a deadline; one that takes longer fails the test.
 */
#ifndef TEST_TLS_CLIENT_H
#define TEST_TLS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    TLS_CLIENT_TEXT = 65536,
    TLS_CLIENT_PATH = 128,
};

/** All zero: not started. */
typedef struct tls_client {
    pid_t pid;
    int descriptor; /* of its input and output */
    size_t size;
    size_t seen;                /* of the text, by tls_client_await() */
    char text[TLS_CLIENT_TEXT]; /* what it has printed so far; terminated */
} tls_client_t;

/** Run `openssl` with @p words to its end, in @p directory; it must succeed. */
void openssl_run(const char *directory, const char *const *words);
#define OPENSSL_RUN(directory, ...)                                                    \
    openssl_run((directory), (const char *const[]){__VA_ARGS__, NULL})

/** Paths of a certificate for localhost and its key, PEM files in @p directory. */
typedef struct tls_files {
    char cert[TLS_CLIENT_PATH];
    char key[TLS_CLIENT_PATH];
} tls_files_t;

/** Make `<name>.pem` and `<name>.key`, self-signed, ECDSA P-256, with @p name as the
 *  organisation; @p days from now on, -1 = expired. */
void tls_files_make(tls_files_t *files,
                    const char *directory,
                    const char *name,
                    const char *days);

/**
 * Connect to 127.0.0.1:@p port.
 *
 * @param words Further options of s_client, NULL-terminated.
 */
void tls_client_start(tls_client_t *client, uint16_t port, const char *const *words);
#define TLS_CLIENT_START(client, port, ...)                                            \
    tls_client_start((client), (port), (const char *const[]){__VA_ARGS__, NULL})

/** Type @p text. */
void tls_client_say(const tls_client_t *client, const char *text);

/** Wait until it has printed @p text, after what was waited for before.  False when it
 *  ends without. */
bool tls_client_await(tls_client_t *client, const char *text);

/** End its input and wait until it ends. */
void tls_client_finish(tls_client_t *client);

/** Let go of a client whose descriptor somebody else uses; it ends with that.  Accepts
 *  one that was not started. */
void tls_client_drop(tls_client_t *client);

#endif /* TEST_TLS_CLIENT_H */
