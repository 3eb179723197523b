/**
 * @file payload.h
 * @brief What is in a message: known from who sends it, its number and its size.
 *
 *     '@' | 4 characters: sender | 7 characters: number | body …
 *
 * The body is a piece of one fixed random text, beginning at a place that depends on
 * sender and number; so it is written by one copy and checked by one comparison.
 */
#ifndef WIRE_PAYLOAD_H
#define WIRE_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PAYLOAD_MARK = 12 /* bytes before the body, the least size of a message */
};

/** The messages of a run. */
typedef struct payload {
    uint8_t *pattern;
    size_t size;
} payload_t;

/** Messages of @p size bytes, printable unless @p is_binary. */
void payload_init(payload_t *payload, size_t size, bool is_binary);
void payload_finish(payload_t *payload);

/** Write the first PAYLOAD_MARK bytes. */
void payload_mark(uint8_t *out, uint32_t sender, uint64_t number);

/** Read them back; false when they are no mark. */
bool payload_read_mark(const uint8_t *mark, uint32_t *sender, uint64_t *number);

/** The size - PAYLOAD_MARK bytes after the mark; borrowed. */
const uint8_t *payload_body(const payload_t *payload, uint32_t sender, uint64_t number);

/** Byte at @p offset of a message. */
uint8_t
payload_byte(const payload_t *payload, uint32_t sender, uint64_t number, size_t offset);

/** Compare bytes with those from @p offset on.  Returns how many are right. */
size_t payload_compare(const payload_t *payload,
                       uint32_t sender,
                       uint64_t number,
                       size_t offset,
                       const uint8_t *data,
                       size_t size);

#endif /* WIRE_PAYLOAD_H */
