/** @file den_list.h  A list whose rows a test adds, changes and removes. */
#ifndef TEST_DEN_LIST_H
#define TEST_DEN_LIST_H

#include <reef/components.h>
#include <reef/list.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const reef_enum_value_t den_moods[] = {{"calm", 0}, {"wild", 1}};

REEF_COMPONENT(den,
               0,
               REEF_STRING(name, 128),
               REEF_U32(depth, .unit = "m"),
               REEF_ENUM(mood, den_moods),
               REEF_U64(seen),
               REEF_ENTITY(owner));

enum {
    MAX_DENS = 12000,
    MAX_GUESTS = 3000
};

/** The rows, in no order, and who is in the first of them. */
typedef struct dens {
    uint32_t count;
    den_t rows[MAX_DENS];
    uint32_t guest_count;
    reef_entity_t guests[MAX_GUESTS];
    uint32_t most_gets; /* between two calls of count() */
    uint32_t gets;
} dens_t;

static inline uint32_t count_dens(void *context)
{
    dens_t *dens = context;

    dens->gets = 0;
    return dens->count;
}

static inline void get_den(void *context, uint32_t index, void *row)
{
    dens_t *dens = context;

    if (index >= dens->count) {
        abort();
    }
    memcpy(row, &dens->rows[index], sizeof(dens->rows[index]));
    dens->gets++;
    dens->most_gets = dens->gets > dens->most_gets ? dens->gets : dens->most_gets;
}

/* All guests are in the den of depth 0. */
static inline const reef_entity_t *
get_guests(void *context, uint32_t index, uint32_t *count)
{
    dens_t *dens = context;

    *count = dens->rows[index].depth == 0 ? dens->guest_count : 0;
    return dens->guests;
}

static inline den_t *add_den(dens_t *dens, const char *name, uint32_t depth)
{
    den_t *den = &dens->rows[dens->count++];

    *den = (den_t){.depth = depth};
    snprintf(den->name, sizeof(den->name), "%s", name);
    return den;
}

/** As a packed array does it: the last row takes the place. */
static inline void remove_den(dens_t *dens, const char *name)
{
    for (uint32_t i = 0; i < dens->count; i++) {
        if (strcmp(dens->rows[i].name, name) == 0) {
            dens->rows[i] = dens->rows[--dens->count];
            return;
        }
    }
}

static inline void offer_dens(reef_app_t *app, dens_t *dens)
{
    reef_app_add_list(app, &(reef_list_desc_t){.name = "dens",
                                               .doc = "Where creatures hide.",
                                               .row = &den_type,
                                               .count = count_dens,
                                               .get = get_den,
                                               .members = get_guests,
                                               .context = dens});
}

#endif /* TEST_DEN_LIST_H */
