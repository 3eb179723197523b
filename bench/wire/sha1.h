/**
 * @file sha1.h
 * @brief SHA-1 (RFC 3174), for the check of a handshake.
 */
#ifndef WIRE_SHA1_H
#define WIRE_SHA1_H

#include <stddef.h>
#include <stdint.h>

enum {
    SHA1_SIZE = 20,
    SHA1_MAX_INPUT = 119 /* two blocks with their padding */
};

/** Digest of at most SHA1_MAX_INPUT bytes. */
void sha1(uint8_t digest[SHA1_SIZE], const void *data, size_t size);

#endif /* WIRE_SHA1_H */
