/**
 * @file interest_parts.h
 * @brief What interest.c lends to interest_update.c.
 */
#ifndef REEF_SPATIAL_INTEREST_PARTS_H
#define REEF_SPATIAL_INTEREST_PARTS_H

#include "interest.h"

/** Beside a slot that is due to one that stayed: came now. */
#define REEF__DUE_IS_NEW (UINT32_C(1) << 31)

/** Arrays with room for all slots and REEF__GRID_HITS_SLACK more. */
typedef struct reef__scratch {
    uint32_t *hits, *due, *stayed;
} reef__scratch_t;

reef__scratch_t reef__interest_scratch(const reef__interest_t *interest);

/** A stamp for marks that no body has. */
uint16_t reef__interest_next_stamp(reef__interest_t *interest);

/** @p observer sees @p other from now on. */
void reef__interest_see(reef__interest_t *interest, uint32_t observer, uint32_t other);

/** @p observer, a body that stayed, sees @p other no longer. */
void reef__interest_lose(reef__interest_t *interest, uint32_t observer, uint32_t other);

/** A body that stayed is to be told of another: a slot, with REEF__DUE_IS_NEW. */
void reef__interest_make_due(reef__interest_t *interest,
                             uint32_t receiver,
                             uint32_t entry);

/** Give memory for a crowd that is gone back. */
void reef__interest_trim(const reef__interest_t *interest, reef__sight_t *sight);

#endif /* REEF_SPATIAL_INTEREST_PARTS_H */
