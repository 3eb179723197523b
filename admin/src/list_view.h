/**
 * @file list_view.h
 * @brief Rows of the lists that plugins offer, and their members, copied for a reply.
 *
 * The world thread looks at so many rows per call; who asks calls again, in
 * later frames, until the walk is done.  Rows are walked from the last to the first:
 * then neither a removal that moves the last row nor one that moves all rows behind
 * hides a row from the walk.
 */
#ifndef REEF_ADMIN_LIST_VIEW_H
#define REEF_ADMIN_LIST_VIEW_H

#include "row_set.h"
#include "world_view.h"

#include <reef/list.h>

enum {
    REEF__LIST_STEPS = 4096,        /* rows looked at per call: about 0.5 ms */
    REEF__LIST_SEARCH_STEPS = 1024, /* when their texts are searched: 1 ms at worst */
};

/** How far a list was walked; zero is a walk that did not begin. */
typedef struct reef__list_walk {
    const reef_list_desc_t *list;
    bool begun;
    uint32_t at;   /* rows below it are still to be looked at */
    uint32_t rows; /* of the list, when last looked */
    bool done;
    reef__admin_now_t now;
} reef__list_walk_t;

/* All lists -------------------------------------------------------------------- */

/** Row counts by index of the list; an array of reef_app_list_count() places. */
typedef struct reef__list_counts {
    reef_app_t *app;
    uint32_t *rows;
    reef__admin_now_t now;
} reef__list_counts_t;

void reef__list_counts_init(reef__list_counts_t *counts, reef_app_t *app);
void reef__list_counts_finish(reef__list_counts_t *counts);

/** World thread; a reef_request_fn. */
void reef__list_counts_collect(void *argument);

/** What a list is, and how many rows it has. */
cJSON *reef__list_describe(const reef_list_desc_t *list, uint32_t rows);

/* Rows ------------------------------------------------------------------------- */

typedef struct reef__rows_page {
    /* asked */
    reef_app_t *app;
    reef__list_walk_t walk;
    reef__row_order_t order;
    char search[REEF__SEARCH_SIZE]; /* in a text of the row, or its key; "" = all */
    void *after; /* row behind which to begin; NULL = from the first */

    /* found */
    reef__row_set_t set;
    uint64_t total;  /* rows that match */
    uint64_t behind; /* of these, rows behind `after` */
    void *row;       /* the one being looked at */
} reef__rows_page_t;

/** Make room for @p limit rows of the walk's list, fewer when they are large. */
void reef__rows_page_init(reef__rows_page_t *page, uint32_t limit);
void reef__rows_page_finish(reef__rows_page_t *page);

/** Go on until walk.done.  World thread; a reef_request_fn. */
void reef__rows_page_collect(void *argument);

/** A row as it is shown: key, value, number of members (null where there are none). */
cJSON *reef__row_json(const reef_list_desc_t *list, const void *row, uint32_t members);

/* One row and its members ------------------------------------------------------ */

typedef struct reef__member {
    reef_entity_t id;
    uint64_t client_id; /* 0 = no client */
    char name[64];      /* its username, or its name */
} reef__member_t;

typedef struct reef__row_page {
    /* asked */
    reef_app_t *app;
    reef__list_walk_t walk;
    reef__row_order_t order;
    void *wanted;   /* has the key */
    uint32_t limit; /* members; 0 = count them only */
    uint32_t after; /* index of the entity behind which to begin, and to go on */

    /* found */
    void *row;
    bool found;
    uint32_t members; /* of the row */
    bool more;
    reef__member_t *items; /* `limit` places */
    uint32_t count;
} reef__row_page_t;

/** Make room for a row of the walk's list and for `limit` members. */
void reef__row_page_init(reef__row_page_t *page);
void reef__row_page_finish(reef__row_page_t *page);

/** Go on until walk.done.  World thread; a reef_request_fn. */
void reef__row_page_collect(void *argument);

cJSON *reef__member_json(const reef__member_t *member);

#endif /* REEF_ADMIN_LIST_VIEW_H */
