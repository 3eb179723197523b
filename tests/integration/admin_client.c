/* What every request has in common; one connection each. */
#include "admin_client.h"

#include "http_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEAD "Authorization: Bearer " ADMIN_TOKEN "\r\nIf-Match: *\r\n"

/* Components are patched by what is to be merged into them (RFC 7396). */
static bool is_merge(const char *method, const char *path)
{
    return strcmp(method, "PATCH") == 0 && strstr(path, "/components/") != NULL;
}

static http_request_t make_request(const server_t *server,
                                   const char *method,
                                   const char *path,
                                   const char *body)
{
    return (http_request_t){
        .port = server->admin_port,
        .method = method,
        .path = path,
        .headers = is_merge(method, path) ? HEAD
                       "Content-Type: application/merge-patch+json\r\n"
                                          : HEAD "Content-Type: application/json\r\n",
        .body = body,
    };
}

int admin_begin(const server_t *server,
                const char *method,
                const char *path,
                const char *body)
{
    http_request_t request = make_request(server, method, path, body);

    return http_open(&request);
}

cJSON *admin_request(const server_t *server,
                     const char *method,
                     const char *path,
                     const char *body,
                     int *status)
{
    http_request_t request = make_request(server, method, path, body);
    http_reply_t *reply = malloc(sizeof(*reply));
    cJSON *parsed;

    assert_non_null(reply);
    http_send(&request, reply);
    *status = reply->status;
    parsed = cJSON_Parse(reply->body);
    free(reply);
    return parsed;
}

cJSON *admin_get(const server_t *server, const char *path)
{
    int status;
    cJSON *reply = admin_request(server, "GET", path, NULL, &status);

    if (status != 200 || reply == NULL) {
        fail_msg("GET %s: status %d", path, status);
    }
    return reply;
}

const char *admin_text(const cJSON *object, const char *name)
{
    const char *text =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));

    if (text == NULL) {
        fail_msg("no text '%s' in the reply", name);
    }
    return text;
}

double admin_number(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

    if (cJSON_IsString(item)) {
        return strtod(item->valuestring, NULL);
    }
    if (!cJSON_IsNumber(item)) {
        fail_msg("no number '%s' in the reply", name);
    }
    return item->valuedouble;
}

double admin_total(const server_t *server, const char *path)
{
    cJSON *reply = admin_get(server, path);
    double total = admin_number(reply, "total");

    cJSON_Delete(reply);
    return total;
}

/* On a slow disk the answer comes before the snapshot is complete. */
void admin_take_snapshot(const server_t *server)
{
    int status;
    cJSON *reply = admin_request(server, "POST", "/api/v1/snapshots", NULL, &status);
    char path[64];

    assert_true(status == 201 || status == 202);
    snprintf(path, sizeof(path), "/api/v1/snapshots/%s", admin_text(reply, "id"));
    for (int i = 0; i < 2000 && strcmp(admin_text(reply, "state"), "writing") == 0;
         i++) {
        cJSON_Delete(reply);
        reply = admin_get(server, path);
    }
    assert_string_equal(admin_text(reply, "state"), "complete");
    cJSON_Delete(reply);
}

double admin_metric(const server_t *server, const char *name)
{
    int descriptor = admin_begin(server, "GET", "/metrics", NULL);
    static char reply[262144];
    char line[96];
    const char *found;

    socket_receive_all(descriptor, reply, sizeof(reply));
    close(descriptor);
    snprintf(line, sizeof(line), "\n%s ", name);
    found = strstr(reply, line);
    return found ? strtod(found + strlen(line), NULL) : -1;
}
