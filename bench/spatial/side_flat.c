/* The flat grid, with the bytes that it would send. */
#include "flat.h"
#include "number.h"
#include "side.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    FRAME_SIZE = 64,      /* of one, with room to copy whole vectors */
    RECEIVER_SIZE = 8192, /* of all that one hears, on average */
};

typedef struct frame {
    uint8_t bytes[FRAME_SIZE];
    uint32_t size;
} frame_t;

struct flat_side {
    const crowd_t *crowd;
    flat_t flat;
    frame_t *frames;
    uint8_t *out; /* of all receivers, one behind the other */
    size_t out_size;
    uint64_t bytes;
};

uint64_t cpu_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

flat_side_t *flat_side_create(const crowd_t *crowd, float radius, float cell)
{
    flat_side_t *side = calloc(1, sizeof(*side));

    side->crowd = crowd;
    flat_init(&side->flat, crowd->count, crowd->side, cell, radius);
    side->frames = calloc(crowd->count, sizeof(*side->frames));
    side->out_size = (size_t)crowd->count * RECEIVER_SIZE;
    side->out = calloc(side->out_size, 1);
    return side;
}

void flat_side_destroy(flat_side_t *side)
{
    flat_finish(&side->flat);
    free(side->frames);
    free(side->out);
    free(side);
}

uint64_t flat_side_search(flat_side_t *side)
{
    uint64_t start = cpu_ns();

    flat_fill(&side->flat, side->crowd->x, side->crowd->y);
    for (uint32_t i = 0; i < side->crowd->count; i++) {
        side->bytes += flat_search(&side->flat, i);
    }
    return cpu_ns() - start;
}

/* A text message of WebSocket. */
static void make_frame(const crowd_t *crowd, uint32_t i, frame_t *frame)
{
    char *text = (char *)frame->bytes + 2;
    char *at = text + 4;

    memcpy(text, "pos ", sizeof("pos "));
    at = reef__number_print_whole(i + 1, at);
    *at++ = ' ';
    at = reef__number_print(crowd->x[i], at);
    *at++ = ' ';
    at = reef__number_print(crowd->y[i], at);
    frame->bytes[0] = 0x81;
    frame->bytes[1] = (uint8_t)(at - text);
    frame->size = (uint32_t)(at - text) + 2;
}

uint64_t flat_side_tell(flat_side_t *side)
{
    uint64_t start = cpu_ns();

    uint8_t *at = side->out;

    flat_fill(&side->flat, side->crowd->x, side->crowd->y);
    for (uint32_t i = 0; i < side->crowd->count; i++) {
        make_frame(side->crowd, i, &side->frames[i]);
    }
    for (uint32_t i = 0; i < side->crowd->count; i++) {
        uint32_t count = flat_search(&side->flat, i);

        for (uint32_t k = 0; k < count; k++) {
            const frame_t *frame = &side->frames[side->flat.neighbors[k]];

            memcpy(at, frame->bytes, FRAME_SIZE);
            at += frame->size;
        }
        if ((size_t)(at - side->out) + (size_t)count * FRAME_SIZE > side->out_size) {
            abort(); /* a crowd that this is not made for */
        }
    }
    side->bytes += (uint64_t)(at - side->out);
    return cpu_ns() - start;
}

uint64_t flat_side_take_bytes(flat_side_t *side)
{
    uint64_t bytes = side->bytes;

    side->bytes = 0;
    return bytes;
}
