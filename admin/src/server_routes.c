/*
 * What the server is, whether it lives, and which types it knows.
 */
#include "handlers.h"
#include "json_fields.h"
#include "openapi.h"
#include "views.h"
#include "world_view.h"

#include <reef/crypto.h>
#include <reef/snapshot_service.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    READY_MS = 500,       /* a world that takes longer is not ready */
    MAX_CERTIFICATES = 8, /* a transport has one */
};

static void add_listeners(cJSON *json, const reef_app_t *app)
{
    cJSON *array = cJSON_AddArrayToObject(json, "listeners");
    size_t count;
    const reef_listener_t *listeners = reef_app_listeners(app, &count);

    for (size_t i = 0; i < count; i++) {
        cJSON *item = cJSON_CreateObject();

        cJSON_AddStringToObject(item, "transport", listeners[i].transport);
        cJSON_AddStringToObject(item, "addr", listeners[i].address);
        cJSON_AddItemToArray(array, item);
    }
}

/* An operator who compares a hash wants hex; a page that pins one takes the same. */
static void add_certificates(cJSON *json, reef_app_t *app)
{
    cJSON *array = cJSON_AddArrayToObject(json, "certificates");
    reef_certificate_t certificates[MAX_CERTIFICATES];
    size_t count = reef_app_certificates(app, certificates, MAX_CERTIFICATES);

    for (size_t i = 0; i < count && i < MAX_CERTIFICATES; i++) {
        const reef_certificate_t *certificate = &certificates[i];
        cJSON *item = cJSON_CreateObject();
        char hex[2 * sizeof(certificate->sha256) + 1];
        char date[32];
        time_t end = (time_t)certificate->not_after_s;
        struct tm utc;

        reef_crypto_hex_encode(
            reef_span(certificate->sha256, sizeof(certificate->sha256)), hex);
        gmtime_r(&end, &utc);
        strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", &utc);
        cJSON_AddStringToObject(item, "transport", certificate->transport);
        cJSON_AddStringToObject(item, "subject", certificate->subject);
        cJSON_AddStringToObject(item, "sha256", hex);
        cJSON_AddStringToObject(item, "not_after", date);
        cJSON_AddBoolToObject(item, "dev", certificate->is_dev);
        cJSON_AddItemToArray(array, item);
    }
}

void reef__serve_server_get(reef__admin_t *admin,
                            const reef__request_t *request,
                            reef__reply_t *reply)
{
    reef__frame_view_t frame = {.app = admin->app};
    cJSON *json;

    (void)request;
    if (!reef__admin_call(admin, reef__frame_collect, &frame, reply)) {
        return;
    }
    json = reef__frame_json(&frame);
    cJSON_AddStringToObject(json, "name", program_invocation_short_name);
    cJSON_AddStringToObject(json, "version", reef_version());
    cJSON_AddNumberToObject(json, "uptime_s", reef__uptime_s(admin));
    cJSON_AddBoolToObject(json, "paused", frame.now.paused);
    add_listeners(json, admin->app);
    add_certificates(json, admin->app);
    reef__reply_json(reply, 200, json);
}

static void reply_plain(reef__reply_t *reply, int status, const char *text)
{
    char *copy = strdup(text);

    if (copy == NULL) {
        abort();
    }
    reef__reply_text(reply, status, "text/plain; charset=utf-8", copy);
}

void reef__serve_livez_get(reef__admin_t *admin,
                           const reef__request_t *request,
                           reef__reply_t *reply)
{
    (void)admin;
    (void)request;
    reply_plain(reply, 200, "ok\n");
}

void reef__serve_readyz_get(reef__admin_t *admin,
                            const reef__request_t *request,
                            reef__reply_t *reply)
{
    reef__frame_view_t frame = {.app = admin->app};
    reef_error_t error = reef_mailbox_call(reef_app_mailbox(admin->app),
                                           reef__frame_collect, &frame, READY_MS);
    bool snapshots = reef_app_service(admin->app, REEF_SNAPSHOT_SERVICE) != NULL;
    bool verbose = strncmp(request->query, "verbose", 7) == 0;
    char text[256];

    snprintf(text, sizeof(text), "[%s] world: %s\n[+] snapshots: %s\n%s\n",
             error == REEF_OK ? "+" : "-",
             error == REEF_OK ? "ok" : reef_error_text(error),
             snapshots ? "ok" : "not used", error == REEF_OK ? "ready" : "not ready");
    if (!verbose) {
        snprintf(text, sizeof(text), "%s\n", error == REEF_OK ? "ok" : "not ready");
    }
    reply_plain(reply, error == REEF_OK ? 200 : 503, text);
}

/* Types ------------------------------------------------------------------------ */

/* Pointers to descriptions, which live as long as the world. */
static void collect_types(void *argument)
{
    reef__page_t *page = argument;
    const reef_world_t *world = reef_app_world(page->app);
    uint32_t count = reef_world_component_count(world);

    page->now = reef__admin_now(page->app);
    for (uint32_t i = 0; i < count; i++) {
        static const reef_type_t none = {0};
        const reef_type_t *type = reef_world_component_type(world, (reef_component_t)i);
        size_t at = page->components.count;

        reef__page_copy_value(page, &none, NULL);
        page->components.items[at] =
            (reef__component_copy_t){.type = type, .offset = UINT32_MAX};
    }
}

static void collect_resources(void *argument)
{
    reef__page_t *page = argument;
    reef_world_t *world = reef_app_world(page->app);
    uint32_t count = reef_world_resource_count(world);

    page->now = reef__admin_now(page->app);
    for (uint32_t i = 0; i < count; i++) {
        reef__page_copy_value(page, reef_world_resource_type(world, i),
                              reef_world_resource_value(world, i));
    }
}

void reef__serve_components_list(reef__admin_t *admin,
                                 const reef__request_t *request,
                                 reef__reply_t *reply)
{
    reef__page_t page = {.app = admin->app};
    cJSON *items;

    (void)request;
    if (reef__admin_call(admin, collect_types, &page, reply)) {
        items = cJSON_CreateArray();
        for (size_t i = 0; i < page.components.count; i++) {
            cJSON_AddItemToArray(items,
                                 reef__type_to_json(page.components.items[i].type));
        }
        reef__reply_json(reply, 200,
                         reef__list_json(&(reef__list_t){.items = items,
                                                         .total = page.components.count,
                                                         .now = page.now}));
    }
    reef__page_finish(&page);
}

static cJSON *resource_value(const reef__page_t *page, size_t index)
{
    const reef__component_copy_t *copy = &page->components.items[index];

    return reef__value_to_json(copy->type, page->bytes.items + copy->offset);
}

void reef__serve_resources_list(reef__admin_t *admin,
                                const reef__request_t *request,
                                reef__reply_t *reply)
{
    reef__page_t page = {.app = admin->app};
    cJSON *items;

    (void)request;
    if (reef__admin_call(admin, collect_resources, &page, reply)) {
        items = cJSON_CreateArray();
        for (size_t i = 0; i < page.components.count; i++) {
            cJSON *item = reef__type_to_json(page.components.items[i].type);

            cJSON_AddItemToObject(item, "value", resource_value(&page, i));
            cJSON_AddItemToArray(items, item);
        }
        reef__reply_json(reply, 200,
                         reef__list_json(&(reef__list_t){.items = items,
                                                         .total = page.components.count,
                                                         .now = page.now}));
    }
    reef__page_finish(&page);
}

void reef__serve_resource_get(reef__admin_t *admin,
                              const reef__request_t *request,
                              reef__reply_t *reply)
{
    reef__page_t page = {.app = admin->app};

    if (reef__admin_call(admin, collect_resources, &page, reply)) {
        reef__problem(reply, 404, "there is no such resource");
        for (size_t i = 0; i < page.components.count; i++) {
            if (strcmp(page.components.items[i].type->name, request->parameters[0]) ==
                0) {
                reef__reply_json(reply, 200, resource_value(&page, i));
                reef__reply_header(reply, "Reef-Tick", "%" PRIu64, page.now.tick);
            }
        }
    }
    reef__page_finish(&page);
}

void reef__serve_openapi_get(reef__admin_t *admin,
                             const reef__request_t *request,
                             reef__reply_t *reply)
{
    (void)admin;
    (void)request;
    reply->status = 200;
    reply->type = "application/json";
    reply->fixed = reef__openapi;
    reply->size = reef__openapi_size;
}
