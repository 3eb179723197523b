/**
 * @file list.h
 * @brief Inspectable lists: what a plugin shows of itself in the dashboard.
 *
 * A list is rows of one reflected struct, and each row may have members, entities:
 * rooms and who is in them.  The admin reads lists in its step and needs to know no
 * plugin; `GET /api/v1/lists/rooms` and a page of the dashboard come by themselves.
 *
 *     REEF_COMPONENT(room_row, 0, REEF_STRING(name, 128), REEF_U32(members));
 *
 *     reef_app_add_list(app, &(reef_list_desc_t){
 *         .name = "rooms", .doc = "Rooms of the chat.", .row = &room_row_type,
 *         .count = count_rooms, .get = get_room, .members = get_members,
 *         .context = chat});
 *
 * World thread only, but for looking at the descriptions after the start.
 */
#ifndef REEF_LIST_H
#define REEF_LIST_H

#include <reef/app.h>

enum {
    REEF_LIST_KEY_SIZE = 256 /* bytes of the largest key, its NUL included */
};

typedef struct reef_list_desc {
    const char *name; /* unique, snake_case */
    const char *doc;  /* one line for people */

    /** What a row is.  Its first field, a string (UTF-8) or an integer, is the row's
     * key: unique in the list.  Texts (REEF_TEXT) are not allowed.  A field that is an
     * entity becomes a link. */
    const reef_type_t *row;

    /** Rows there are now. */
    uint32_t (*count)(void *context);

    /** Write row @p index, less than the count, to @p row, which is zeroed.  The order
     *  is that of the plugin, and stays while nothing changes.  Called for thousands of
     *  rows in a frame, so it looks nothing up. */
    void (*get)(void *context, uint32_t index, void *row);

    /** Entities that belong to a row; borrowed until something changes.  NULL = rows
     *  have none. */
    const reef_entity_t *(*members)(void *context, uint32_t index, uint32_t *count);

    void *context; /* borrowed */
} reef_list_desc_t;

/** Offer a list; the desc is copied, what it points to is borrowed.  A duplicate name
 *  stops the program: it is a bug of the caller. */
void reef_app_add_list(reef_app_t *app, const reef_list_desc_t *desc);

/** The lists, in order of registration. */
uint32_t reef_app_list_count(const reef_app_t *app);
const reef_list_desc_t *reef_app_list(const reef_app_t *app, uint32_t index);

/** The list called @p name, or NULL. */
const reef_list_desc_t *reef_app_find_list(const reef_app_t *app, reef_span_t name);

#endif /* REEF_LIST_H */
