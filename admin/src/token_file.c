/*
 * A digest in a file cannot be turned back into the token, so reading the file is
 * not enough to log in.  O_EXCL makes sure that two starts never both write it.
 */
#include "token_file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum {
    DIGITS = 2 * REEF_SHA256_SIZE
};

reef_error_t reef__token_file_read(const char *path,
                                   uint8_t digest[REEF_SHA256_SIZE],
                                   bool *exists,
                                   reef_failure_t *failure)
{
    char text[DIGITS + 2];
    uint8_t read_digest[REEF_SHA256_SIZE];
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size;

    if (file < 0 && errno == ENOENT) {
        *exists = false;
        return REEF_OK;
    }
    size = file < 0 ? -1 : read(file, text, sizeof(text));
    if (size < 0) {
        reef_error_t error = reef_fail(failure, REEF_E_IO, "admin.token_file: %s: %s",
                                       path, strerror(errno));

        if (file >= 0) {
            close(file);
        }
        return error;
    }
    close(file);
    if (size < DIGITS || (size > DIGITS && text[DIGITS] != '\n') ||
        reef_crypto_hex_decode(reef_span(text, DIGITS), read_digest,
                               sizeof(read_digest)) != REEF_OK) {
        return reef_fail(failure, REEF_E_INVALID,
                         "admin.token_file: %s does not hold a token's digest; delete "
                         "it to get a new token",
                         path);
    }
    memcpy(digest, read_digest, sizeof(read_digest));
    *exists = true;
    return REEF_OK;
}

reef_error_t reef__token_file_write(const char *path,
                                    const uint8_t digest[REEF_SHA256_SIZE],
                                    reef_failure_t *failure)
{
    char text[DIGITS + 1];
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (file < 0) {
        return reef_fail(failure, REEF_E_IO, "admin.token_file: %s: %s", path,
                         strerror(errno));
    }
    reef_crypto_hex_encode(reef_span(digest, REEF_SHA256_SIZE), text);
    text[DIGITS] = '\n';
    if (write(file, text, DIGITS + 1) != DIGITS + 1) {
        reef_error_t error = reef_fail(failure, REEF_E_IO, "admin.token_file: %s: %s",
                                       path, strerror(errno));

        close(file);
        unlink(path);
        return error;
    }
    close(file);
    return REEF_OK;
}
