/*
 * A copied entity as JSON.  Each value is printed once: the text is both what the ETag
 * hashes and what goes into the reply.
 */
#include "etag.h"
#include "json_fields.h"
#include "world_view.h"

#include <stdio.h>
#include <stdlib.h>

static const void *value_of(const reef__page_t *page,
                            const reef__component_copy_t *copy)
{
    return page->bytes.items + copy->offset;
}

static void
add_archetype(cJSON *json, const reef__component_copy_t *components, uint32_t count)
{
    char text[REEF_MAX_TABLE_COMPONENTS * 65];
    size_t used = 0;

    text[0] = '\0';
    for (uint32_t i = 0; i < count && used < sizeof(text); i++) {
        int size = snprintf(text + used, sizeof(text) - used, "%s%s", i > 0 ? "," : "",
                            components[i].type->name);

        used += size > 0 ? (size_t)size : 0;
    }
    cJSON_AddStringToObject(json, "archetype", text);
}

cJSON *reef__page_entity_json(const reef__page_t *page, size_t index)
{
    const reef__entity_copy_t *entity = &page->entities.items[index];
    const reef__component_copy_t *components = &page->components.items[entity->first];
    cJSON *json = cJSON_CreateObject();
    cJSON *values, *etags;

    reef__json_add_id(json, "id", entity->id);
    cJSON_AddItemToObject(json, "name",
                          entity->name[0] != '\0'
                              ? reef__json_text(reef_span_text(entity->name))
                              : cJSON_CreateNull());
    add_archetype(json, components, entity->count);
    if (entity->client_id != 0) {
        reef__json_add_id(json, "client_id", entity->client_id);
    } else {
        cJSON_AddNullToObject(json, "client_id");
    }
    cJSON_AddNullToObject(json, "parent");
    values = cJSON_AddObjectToObject(json, "components");
    etags = cJSON_CreateObject();
    for (uint32_t i = 0; i < entity->count; i++) {
        const reef_type_t *type = components[i].type;
        char etag[REEF__ETAG_SIZE];
        cJSON *value;
        char *text;

        if (components[i].offset == UINT32_MAX) {
            continue;
        }
        value = reef__value_to_json(type, value_of(page, &components[i]));
        text = reef__json_print(value);
        reef__etag_make(text, etag);
        cJSON_AddRawToObject(values, type->name, text);
        cJSON_AddStringToObject(etags, type->name, etag);
        cJSON_Delete(value);
        free(text);
    }
    cJSON_AddItemToObject(json, "etags", etags);
    return json;
}
