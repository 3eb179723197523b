/* The plugin's interest sets alone. */
#include "interest.h"
#include "side.h"

#include <stdlib.h>

struct interest_side {
    const crowd_t *crowd;
    reef__interest_t interest;
    uint32_t *slots;
    uint64_t due;
};

static void ignore_entered(void *context, uint32_t observer, uint32_t other)
{
    (void)context, (void)observer, (void)other;
}

static void ignore_left(void *context, uint32_t observer, uint32_t other, bool was_told)
{
    (void)context, (void)observer, (void)other, (void)was_told;
}

static void count_due(void *context, uint32_t receiver, const reef__due_t *due)
{
    (void)receiver;
    ((interest_side_t *)context)->due += due->count;
}

static const reef__interest_hooks_t hooks = {ignore_entered, ignore_left, count_due};

interest_side_t *interest_side_create(const crowd_t *crowd, float radius, float cell)
{
    interest_side_t *side = calloc(1, sizeof(*side));

    side->crowd = crowd;
    side->slots = calloc(crowd->count, sizeof(*side->slots));
    reef__interest_init(&side->interest, &(reef__interest_desc_t){
                                             .alloc = reef_alloc_default(),
                                             .cell_size = (double)cell,
                                             .enter = (double)radius,
                                             .leave = (double)radius * 1.1,
                                             .hooks = &hooks,
                                             .context = side,
                                         });
    for (uint32_t i = 0; i < crowd->count; i++) {
        side->slots[i] = reef__interest_add(
            &side->interest, (reef__point_t){crowd->x[i], crowd->y[i], 0}, true);
    }
    reef__interest_update(&side->interest);
    return side;
}

void interest_side_destroy(interest_side_t *side)
{
    reef__interest_finish(&side->interest);
    free(side->slots);
    free(side);
}

uint64_t interest_side_update(interest_side_t *side, uint32_t movers)
{
    uint64_t start = cpu_ns();

    for (uint32_t i = 0; i < movers; i++) {
        reef__point_t point = {side->crowd->x[i], side->crowd->y[i], 0};

        reef__cell_t cell = reef__grid_cell(&side->interest.grid, point);

        reef__interest_move(&side->interest, side->slots[i], point, &cell);
    }
    reef__interest_update(&side->interest);
    return cpu_ns() - start;
}
