/**
 * @file copy.h
 * @brief Copying one value of a size known only at run time.
 *
 * Components and events are mostly 4 to 64 bytes, where a call of memcpy() costs more
 * than the copy.  Two overlapping moves do for every size from one power of two to the
 * next; the most usual sizes have their own, which do not overlap and so forward to the
 * next load.
 */
#ifndef REEF_ECS_COPY_H
#define REEF_ECS_COPY_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline void reef__copy_value(uint8_t *to, const uint8_t *from, size_t size)
{
    struct four {
        uint64_t a, b, c, d;
    } head32, tail32;
    struct two {
        uint64_t a, b;
    } head, tail;
    uint64_t head8, tail8;
    uint32_t head4, tail4;

    if (size == 12) { /* three floats, and next a pointer or two floats */
        memcpy(&head8, from, 8);
        memcpy(&tail4, from + 8, 4);
        memcpy(to, &head8, 8);
        memcpy(to + 8, &tail4, 4);
    } else if (size == 8) {
        memcpy(&head8, from, 8);
        memcpy(to, &head8, 8);
    } else if (size > 64) {
        memcpy(to, from, size);
    } else if (size > 32) {
        memcpy(&head32, from, 32);
        memcpy(&tail32, from + size - 32, 32);
        memcpy(to, &head32, 32);
        memcpy(to + size - 32, &tail32, 32);
    } else if (size >= 16) {
        memcpy(&head, from, 16);
        memcpy(&tail, from + size - 16, 16);
        memcpy(to, &head, 16);
        memcpy(to + size - 16, &tail, 16);
    } else if (size >= 8) {
        memcpy(&head8, from, 8);
        memcpy(&tail8, from + size - 8, 8);
        memcpy(to, &head8, 8);
        memcpy(to + size - 8, &tail8, 8);
    } else if (size >= 4) {
        memcpy(&head4, from, 4);
        memcpy(&tail4, from + size - 4, 4);
        memcpy(to, &head4, 4);
        memcpy(to + size - 4, &tail4, 4);
    } else {
        for (size_t i = 0; i < size; i++) {
            to[i] = from[i];
        }
    }
}

#endif /* REEF_ECS_COPY_H */
