/**
 * @file world_view.h
 * @brief Copies of entities, taken on the world thread and shown elsewhere.
 *
 * The world thread only copies bytes; names, JSON and tags are made from the copy by
 * whoever asked.  A page holds entities in the order of their indices, so entities
 * that come and go do not shift the pages behind them.
 */
#ifndef REEF_ADMIN_WORLD_VIEW_H
#define REEF_ADMIN_WORLD_VIEW_H

#include "state.h"

enum {
    REEF__MAX_QUERY = 16, /* component names in a query or a field list */
    REEF__PAGE_DEFAULT = 100,
    REEF__PAGE_MAX = 1000,
    REEF__PAGE_BYTES = 8 << 20, /* of component values; a page ends early there */
    REEF__SEARCH_SIZE = 128,
};

/** Component names, split from a list by commas. */
typedef struct reef__name_list {
    size_t count;
    char names[REEF__MAX_QUERY][64];
} reef__name_list_t;

/** False when they are too many or too long. */
bool reef__name_list_parse(reef__name_list_t *list, reef_span_t text);

/** One component of a copied entity. */
typedef struct reef__component_copy {
    const reef_type_t *type; /* lives as long as the world */
    uint32_t offset;         /* into the page's bytes; UINT32_MAX = not copied */
} reef__component_copy_t;

typedef struct reef__entity_copy {
    reef_entity_t id;
    uint64_t client_id; /* 0 = no client */
    char name[64];
    uint32_t first; /* of its components */
    uint32_t count;
} reef__entity_copy_t;

/** A request for entities and what came of it; zero is an empty one. */
typedef struct reef__page {
    /* asked */
    reef_app_t *app;
    reef__name_list_t query;        /* has all of these */
    reef__name_list_t fields;       /* copy these; empty = all */
    char search[REEF__SEARCH_SIZE]; /* in the name, or the id; "" = everything */
    uint32_t limit;
    uint32_t after; /* index behind which to begin, and where a next call goes on */

    /* found */
    char unknown[64]; /* first name that is no component; nothing else is then done */
    bool more;        /* there may be entities behind `after` */
    bool interrupted; /* the budget of this call is spent: call again */
    bool counted;
    uint64_t total; /* entities that match `query` */
    reef__admin_now_t now;
    struct {
        reef__entity_copy_t *items;
        size_t count, capacity;
    } entities;
    struct {
        reef__component_copy_t *items;
        size_t count, capacity;
    } components;
    struct {
        uint8_t *items;
        size_t count, capacity;
    } bytes;
    size_t text_bytes; /* of the texts that the values own */
} reef__page_t;

/** Fill a page, or go on filling it.  World thread; a reef_request_fn on the page. */
void reef__page_collect(void *argument);

/** Copy one entity, appended to the page; false when it is not alive.  World thread. */
bool reef__page_copy(reef__page_t *page, reef_entity_t entity);

/** Append a copy of @p value, with texts of its own, to the page's components, without
 *  an entity. */
void reef__page_copy_value(reef__page_t *page,
                           const reef_type_t *type,
                           const void *value);

/** Make room for a usual page, so that the world thread only has to fill it. */
void reef__page_reserve(reef__page_t *page);

/** Forget what was found and keep the memory and what is asked. */
void reef__page_reset(reef__page_t *page);

/** Release what was found. */
void reef__page_finish(reef__page_t *page);

/** The shape `Entity` of one copied entity. */
cJSON *reef__page_entity_json(const reef__page_t *page, size_t index);

#endif /* REEF_ADMIN_WORLD_VIEW_H */
