/*
 * What plugins show of themselves: which lists there are, their rows, one row, and the
 * entities that belong to it.  A row is named by `key=` and not by a part of the path:
 * keys are what clients chose, and a path can hold neither `/` nor what the gate
 * refuses.
 */
#include "handlers.h"
#include "list_view.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    MAX_CALLS = 64 /* frames that one request may take part in */
};

/* All lists -------------------------------------------------------------------- */

void reef__serve_lists_list(reef__admin_t *admin,
                            const reef__request_t *request,
                            reef__reply_t *reply)
{
    uint32_t count = reef_app_list_count(admin->app);
    reef__list_counts_t counts;
    cJSON *items;

    (void)request;
    reef__list_counts_init(&counts, admin->app);
    if (reef__admin_call(admin, reef__list_counts_collect, &counts, reply)) {
        items = cJSON_CreateArray();
        for (uint32_t i = 0; i < count; i++) {
            cJSON_AddItemToArray(
                items,
                reef__list_describe(reef_app_list(admin->app, i), counts.rows[i]));
        }
        reef__reply_json(reply, 200,
                         reef__list_json(&(reef__list_t){
                             .items = items, .total = count, .now = counts.now}));
    }
    reef__list_counts_finish(&counts);
}

/* What all that is about one list begins with. */
static const reef_list_desc_t *
find_list(reef__admin_t *admin, const reef__request_t *request, reef__reply_t *reply)
{
    const reef_list_desc_t *list =
        reef_app_find_list(admin->app, reef_span_text(request->parameters[0]));

    if (list == NULL) {
        reef__problem(reply, 404, "there is no such list");
    }
    return list;
}

/* Rows ------------------------------------------------------------------------- */

static bool read_order(const reef__request_t *request,
                       reef__rows_page_t *page,
                       reef__reply_t *reply)
{
    const reef_type_t *type = page->walk.list->row;
    char sort[128];

    if (reef__request_parameter(request, "sort", sort, sizeof(sort)) &&
        reef__row_order_parse(&page->order, type, sort)) {
        return true;
    }
    reef__problem(reply, 400, "sort is a field of the rows, or - and a field");
    return false;
}

static bool read_cursor(const reef__request_t *request,
                        reef__rows_page_t *page,
                        reef__reply_t *reply)
{
    char cursor[REEF__ROW_CURSOR_SIZE] = "";
    bool fits = reef__request_parameter(request, "cursor", cursor, sizeof(cursor));

    if (fits && cursor[0] == '\0') {
        return true;
    }
    page->after = calloc(1, page->walk.list->row->size);
    if (page->after == NULL) {
        abort();
    }
    if (fits && reef__row_cursor_parse(&page->order, cursor, page->after)) {
        return true;
    }
    reef__problem(reply, 400, "cursor is the next_cursor of a page in the same order");
    return false;
}

static bool read_rows(const reef__request_t *request,
                      reef__rows_page_t *page,
                      uint64_t *limit,
                      reef__reply_t *reply)
{
    size_t size = sizeof(page->search);

    if (!reef__number_parameter(request, "limit", REEF__PAGE_MAX, limit, reply) ||
        !read_order(request, page, reply) || !read_cursor(request, page, reply)) {
        return false;
    }
    if (!reef__request_parameter(request, "search", page->search, size)) {
        reef__problem(reply, 400, "search is a text of at most %zu bytes", size - 1);
        return false;
    }
    return true;
}

static cJSON *rows_json(reef__rows_page_t *page)
{
    const reef__row_set_t *set = &page->set;
    reef__list_t list = {.items = cJSON_CreateArray(),
                         .total = page->total,
                         .inexact = !page->walk.done,
                         .now = page->walk.now};
    char cursor[REEF__ROW_CURSOR_SIZE];

    for (uint32_t i = 0; i < set->count; i++) {
        cJSON_AddItemToArray(list.items,
                             reef__row_json(page->walk.list, reef__row_set_at(set, i),
                                            set->members[set->slots[i]]));
    }
    if (page->behind > set->count && set->count > 0) {
        reef__row_cursor_print(&page->order, reef__row_set_at(set, set->count - 1),
                               cursor);
        list.next_cursor = cursor;
    }
    return reef__list_json(&list);
}

void reef__serve_rows_list(reef__admin_t *admin,
                           const reef__request_t *request,
                           reef__reply_t *reply)
{
    reef__rows_page_t page = {.app = admin->app};
    uint64_t limit = REEF__PAGE_DEFAULT;
    unsigned calls = 0;
    bool answered;

    page.walk.list = find_list(admin, request, reply);
    answered = page.walk.list != NULL && read_rows(request, &page, &limit, reply);
    if (answered) {
        reef__rows_page_init(&page, (uint32_t)limit);
    }
    while (answered && !page.walk.done && calls++ < MAX_CALLS) {
        answered = reef__admin_call(admin, reef__rows_page_collect, &page, reply);
    }
    if (answered) {
        reef__row_set_sort(&page.set);
        if (calls > 1) {
            reef__row_set_unite(&page.set); /* a row moved while they were walked */
        }
        reef__reply_json(reply, 200, rows_json(&page));
    }
    reef__rows_page_finish(&page);
}

/* One row ---------------------------------------------------------------------- */

/* Find the row that the request names; false with the reply filled when there is none.
 * The page is to be finished in any case. */
static bool find_row(reef__admin_t *admin,
                     const reef__request_t *request,
                     reef__row_page_t *page,
                     reef__reply_t *reply)
{
    char key[REEF_LIST_KEY_SIZE] = "";
    bool fits = reef__request_parameter(request, "key", key, sizeof(key));

    if (fits && key[0] == '\0') {
        reef__problem(reply, 400, "key names the row");
        return false;
    }
    page->app = admin->app;
    (void)reef__row_order_parse(&page->order, page->walk.list->row, "");
    reef__row_page_init(page);
    if (!fits || !reef__row_key_parse(&page->order, key, page->wanted)) {
        reef__problem(reply, 404, "there is no such row");
        return false;
    }
    for (unsigned i = 0; i < MAX_CALLS && !page->walk.done; i++) {
        if (!reef__admin_call(admin, reef__row_page_collect, page, reply)) {
            return false;
        }
    }
    if (!page->found) {
        reef__problem(reply, 404,
                      page->walk.done ? "there is no such row"
                                      : "there is no such row among the last of a list "
                                        "that is too long to search");
    }
    return page->found;
}

void reef__serve_row_get(reef__admin_t *admin,
                         const reef__request_t *request,
                         reef__reply_t *reply)
{
    reef__row_page_t page = {0};

    page.walk.list = find_list(admin, request, reply);
    if (page.walk.list != NULL && find_row(admin, request, &page, reply)) {
        reef__reply_json(reply, 200,
                         reef__row_json(page.walk.list, page.row, page.members));
        reef__reply_header(reply, "Reef-Tick", "%" PRIu64, page.walk.now.tick);
    }
    reef__row_page_finish(&page);
}

/* Members ---------------------------------------------------------------------- */

static cJSON *members_json(const reef__row_page_t *page)
{
    reef__list_t list = {
        .items = cJSON_CreateArray(), .total = page->members, .now = page->walk.now};
    char cursor[16];

    for (uint32_t i = 0; i < page->count; i++) {
        cJSON_AddItemToArray(list.items, reef__member_json(&page->items[i]));
    }
    if (page->more) {
        snprintf(cursor, sizeof(cursor), "%" PRIu32, page->after);
        list.next_cursor = cursor;
    }
    return reef__list_json(&list);
}

void reef__serve_members_list(reef__admin_t *admin,
                              const reef__request_t *request,
                              reef__reply_t *reply)
{
    reef__row_page_t page = {0};
    uint64_t limit = REEF__PAGE_DEFAULT, after = 0;

    page.walk.list = find_list(admin, request, reply);
    if (page.walk.list == NULL) {
        return;
    }
    if (page.walk.list->members == NULL) {
        reef__problem(reply, 404, "rows of this list have no members");
        return;
    }
    if (!reef__number_parameter(request, "limit", REEF__PAGE_MAX, &limit, reply) ||
        !reef__number_parameter(request, "cursor", UINT32_MAX, &after, reply)) {
        return;
    }
    page.limit = (uint32_t)limit;
    page.after = (uint32_t)after;
    if (find_row(admin, request, &page, reply)) {
        reef__reply_json(reply, 200, members_json(&page));
    }
    reef__row_page_finish(&page);
}
