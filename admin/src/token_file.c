/*
 * A digest in a file cannot be turned back into the token, so reading the file is
 * not enough to log in.  O_EXCL makes sure that two starts never both write it.
 */
#include "token_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    DIGITS = 2 * REEF_SHA256_SIZE
};

static reef_error_t fail_errno(const char *path, reef_failure_t *failure)
{
    return reef_fail(failure, REEF_E_IO, "admin.token_file: %s: %s", path,
                     strerror(errno));
}

/* Whoever may write the digest decides which token is right. */
static reef_error_t check_file(int file, const char *path, reef_failure_t *failure)
{
    struct stat info;

    if (fstat(file, &info) != 0) {
        return fail_errno(path, failure);
    }
    if (!S_ISREG(info.st_mode)) {
        return reef_fail(failure, REEF_E_INVALID,
                         "admin.token_file: %s is no regular file", path);
    }
    if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return reef_fail(failure, REEF_E_INVALID,
                         "admin.token_file: %s may be written by others; chmod 600 it",
                         path);
    }
    return REEF_OK;
}

static reef_error_t read_digest(int file,
                                const char *path,
                                uint8_t digest[REEF_SHA256_SIZE],
                                reef_failure_t *failure)
{
    char text[DIGITS + 2];
    uint8_t found[REEF_SHA256_SIZE];
    ssize_t size = read(file, text, sizeof(text));

    if (size < 0) {
        return fail_errno(path, failure);
    }
    if ((size != DIGITS && (size != DIGITS + 1 || text[DIGITS] != '\n')) ||
        reef_crypto_hex_decode(reef_span(text, DIGITS), found, sizeof(found)) !=
            REEF_OK) {
        return reef_fail(failure, REEF_E_INVALID,
                         "admin.token_file: %s does not hold a token's digest; delete "
                         "it to get a new token",
                         path);
    }
    memcpy(digest, found, sizeof(found));
    return REEF_OK;
}

reef_error_t reef__token_file_read(const char *path,
                                   uint8_t digest[REEF_SHA256_SIZE],
                                   bool *exists,
                                   reef_failure_t *failure)
{
    /* Not blocking, as opening a pipe would. */
    int file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    reef_error_t error;

    *exists = file >= 0;
    if (file < 0) {
        return errno == ENOENT ? REEF_OK : fail_errno(path, failure);
    }
    error = check_file(file, path, failure);
    if (error == REEF_OK) {
        error = read_digest(file, path, digest, failure);
    }
    close(file);
    return error;
}

reef_error_t reef__token_file_write(const char *path,
                                    const uint8_t digest[REEF_SHA256_SIZE],
                                    reef_failure_t *failure)
{
    char text[DIGITS + 1];
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (file < 0) {
        return fail_errno(path, failure);
    }
    reef_crypto_hex_encode(reef_span(digest, REEF_SHA256_SIZE), text);
    text[DIGITS] = '\n';
    if (write(file, text, DIGITS + 1) != DIGITS + 1) {
        reef_error_t error = fail_errno(path, failure);

        close(file);
        unlink(path);
        return error;
    }
    close(file);
    return REEF_OK;
}
