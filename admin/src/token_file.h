/**
 * @file token_file.h
 * @brief The file that keeps the SHA-256 of the admin token, as 64 hex digits.
 */
#ifndef REEF_ADMIN_TOKEN_FILE_H
#define REEF_ADMIN_TOKEN_FILE_H

#include <reef/crypto.h>

/** @param exists False when there is no file; @p digest is then untouched. */
REEF_NODISCARD reef_error_t reef__token_file_read(const char *path,
                                                  uint8_t digest[REEF_SHA256_SIZE],
                                                  bool *exists,
                                                  reef_failure_t *failure);

/** Make the file, for its owner only (0600); it must not exist. */
REEF_NODISCARD reef_error_t reef__token_file_write(
    const char *path, const uint8_t digest[REEF_SHA256_SIZE], reef_failure_t *failure);

#endif /* REEF_ADMIN_TOKEN_FILE_H */
