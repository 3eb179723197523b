/* The lists that plugins offer for inspection, in order of registration. */
#include <reef/list.h>

#include "app.h"

#include <assert.h>

void reef_app_add_list(reef_app_t *app, const reef_list_desc_t *desc)
{
    const reef_field_t *key = &desc->row->fields[0];

    assert(!reef_type_has_texts(desc->row) && "rows of lists have no texts");
    assert(key->kind != REEF_KIND_STRUCT && key->array_count == 0);
    assert(key->size <= REEF_LIST_KEY_SIZE && "the key of a list is too long");
    assert(reef_app_find_list(app, reef_span_text(desc->name)) == NULL &&
           "two lists of one name");
    (void)key;
    *REEF_ARRAY_PUSH(app->alloc, &app->lists) = *desc;
}

uint32_t reef_app_list_count(const reef_app_t *app)
{
    return (uint32_t)app->lists.count;
}

const reef_list_desc_t *reef_app_list(const reef_app_t *app, uint32_t index)
{
    assert(index < app->lists.count);
    return &app->lists.items[index];
}

const reef_list_desc_t *reef_app_find_list(const reef_app_t *app, reef_span_t name)
{
    for (size_t i = 0; i < app->lists.count; i++) {
        if (reef_span_equal(reef_span_text(app->lists.items[i].name), name)) {
            return &app->lists.items[i];
        }
    }
    return NULL;
}
