/*
 * Files are embedded gzipped and are sent as they are; a client that cannot unpack
 * them is told so.  They carry no secrets, so they need no login: the page is what
 * logs in.
 */
#include "asset.h"

#include "etag.h"
#include "problem.h"

#include <reef/dashboard_assets.h>

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

static const reef_asset_t *find_asset(const char *path)
{
    if (strcmp(path, "/") == 0) {
        path = "/index.html";
    }
    for (size_t i = 0; i < reef_dashboard_asset_count; i++) {
        if (strcmp(reef_dashboard_assets[i].path, path) == 0) {
            return &reef_dashboard_assets[i];
        }
    }
    return NULL;
}

/* RFC 9110 section 12.5.3: no header accepts everything. */
static bool accepts_gzip(const char *header)
{
    while (header != NULL && *header != '\0') {
        size_t size;

        header += strspn(header, ", \t");
        size = strcspn(header, ",; \t");
        if ((size == 4 && strncasecmp(header, "gzip", 4) == 0) ||
            (size == 1 && header[0] == '*')) {
            const char *weight = header + size + strspn(header + size, " \t;");

            return strncasecmp(weight, "q=", 2) != 0 || strtod(weight + 2, NULL) > 0;
        }
        header += strcspn(header, ",");
    }
    return false;
}

bool reef__asset_serve(const reef__request_t *request, reef__reply_t *reply)
{
    const reef_asset_t *asset = find_asset(request->path);
    const char *encoding = reef__request_header(request, "Accept-Encoding");
    const char *known = reef__request_header(request, "If-None-Match");
    char etag[64];

    if (asset == NULL) {
        return false;
    }
    snprintf(etag, sizeof(etag), "\"%s\"", asset->etag);
    if (known != NULL && reef__etag_is_known(known, etag)) {
        reply->status = 304;
    } else if (encoding != NULL && !accepts_gzip(encoding)) {
        reef__problem(reply, 406, "this file is only to be had with gzip");
        return true;
    } else {
        reply->status = 200;
        reply->type = asset->type;
        reply->fixed = asset->gz;
        reply->size = asset->gz_size;
        reef__reply_header(reply, "Content-Encoding", "gzip");
    }
    reef__reply_header(reply, "ETag", "%s", etag);
    reef__reply_header(reply, "Cache-Control", "no-cache");
    reef__reply_header(reply, "Vary", "Accept-Encoding");
    return true;
}
