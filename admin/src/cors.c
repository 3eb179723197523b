/*
 * The origin that is answered is one of our own list, never text of the peer's; of the
 * headers that a preflight asks for only names come back.
 */
#include "cors.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum {
    MAX_NAMES = 256, /* bytes of header names in a preflight */
};

#define MAX_AGE "600" /* seconds that a browser may remember an answer */

static bool is_listed(const char *origins, const char *origin)
{
    size_t wanted = strlen(origin);

    while (*origins != '\0') {
        size_t size;

        origins += strspn(origins, " ,");
        size = strcspn(origins, " ,");
        if (size > 0 && size == wanted && strncasecmp(origins, origin, size) == 0) {
            return true;
        }
        origins += size;
    }
    return false;
}

static bool are_names(const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        if (!isalnum((unsigned char)*at) && strchr("-_, ", *at) == NULL) {
            return false;
        }
    }
    return strlen(text) <= MAX_NAMES;
}

static void answer_preflight(const reef__request_t *request,
                             const char *allow,
                             reef__reply_t *reply)
{
    const char *names = reef__request_header(request, "Access-Control-Request-Headers");

    reef__reply_header(reply, "Access-Control-Allow-Methods", "%s", allow);
    if (names != NULL && are_names(names)) {
        reef__reply_header(reply, "Access-Control-Allow-Headers", "%s", names);
    }
    reef__reply_header(reply, "Access-Control-Max-Age", "%s", MAX_AGE);
}

void reef__cors_add(const char *origins,
                    const reef__request_t *request,
                    const char *allow,
                    reef__reply_t *reply)
{
    const char *origin = reef__request_header(request, "Origin");
    bool any = strcmp(origins, "*") == 0;

    if (origins[0] == '\0') {
        return;
    }
    if (!any) {
        reef__reply_header(reply, "Vary", "Origin");
    }
    if (origin == NULL || reef__request_header_count(request, "Origin") != 1 ||
        (!any && !is_listed(origins, origin))) {
        return;
    }
    reef__reply_header(reply, "Access-Control-Allow-Origin", "%s", any ? "*" : origin);
    if (strcmp(request->method, "OPTIONS") == 0 &&
        reef__request_header(request, "Access-Control-Request-Method") != NULL) {
        answer_preflight(request, allow, reply);
    }
}
