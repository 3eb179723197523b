/*
 * How values of a stored layout become values of a type of this program.
 */
#ifndef REEF_SNAPSHOT_PLAN_H
#define REEF_SNAPSHOT_PLAN_H

#include "layout.h"
#include "report.h"
#include "texts.h"

typedef enum reef__step_kind {
    REEF__STEP_COPY,    /* bytes as they are */
    REEF__STEP_BOOL,    /* any byte but 0 is true */
    REEF__STEP_TEXT,    /* of a string or text; cut where it does not fit */
    REEF__STEP_CONVERT, /* through a reef_value_t */
} reef__step_kind_t;

typedef struct reef__step {
    reef__step_kind_t kind;
    uint32_t from, to; /* offsets */
    uint32_t size;     /* bytes to copy */
    uint32_t count;    /* elements, where it is no copy */
    const reef_field_t *source, *target;
    bool warned;
} reef__step_t;

typedef struct reef__plan {
    const reef_type_t *type;
    reef__layout_t stored, known;
    struct {
        reef__step_t *items;
        size_t count, capacity;
    } steps;
    uint8_t *initial; /* one value of the type, for fields that were not stored */
} reef__plan_t;

/* Match by path.  Takes over @p stored; fields that are gone are reported. */
void reef__plan_init(reef__plan_t *plan,
                     const reef_type_t *type,
                     reef__layout_t *stored,
                     reef_snapshot_restored_t *report);

void reef__plan_finish(reef__plan_t *plan);

/* Convert @p count values of plan->stored.size bytes into values of plan->type->size
 * bytes at @p to, whose texts are then the caller's: reef_type_drop_texts(). */
void reef__plan_apply(reef__plan_t *plan,
                      const reef__stored_column_t *from,
                      uint8_t *to,
                      uint32_t count,
                      reef_snapshot_restored_t *report);

#endif /* REEF_SNAPSHOT_PLAN_H */
