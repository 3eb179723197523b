/*
 * Pure checks on the head of a request, the cheapest and most telling first.
 */
#include "gate.h"

#include <ctype.h>
#include <stdio.h>
#include <strings.h>

bool reef__gate_allow(reef__gate_t *gate, reef_span_t host)
{
    if (gate->host_count == REEF__MAX_HOSTS || host.size == 0 ||
        host.size >= REEF__HOST_SIZE) {
        return false;
    }
    snprintf(gate->hosts[gate->host_count++], REEF__HOST_SIZE, "%.*s", (int)host.size,
             (const char *)host.data);
    return true;
}

static bool is_known_host(const reef__gate_t *gate, const char *host)
{
    for (size_t i = 0; i < gate->host_count; i++) {
        if (strcasecmp(gate->hosts[i], host) == 0) {
            return true;
        }
    }
    return false;
}

static int check_host(const reef__gate_t *gate,
                      const reef__request_t *request,
                      const char **detail)
{
    if (reef__request_header_count(request, "Host") != 1) {
        *detail = "exactly one Host header is needed";
        return 400;
    }
    if (!gate->any_host &&
        !is_known_host(gate, reef__request_header(request, "Host"))) {
        *detail = "this Host is not served here; the setting `hosts` adds names";
        return 421;
    }
    return 0;
}

static int check_length(const reef__request_t *request, const char **detail)
{
    const char *length = reef__request_header(request, "Content-Length");
    const char *encoding = reef__request_header(request, "Transfer-Encoding");

    if ((length != NULL && encoding != NULL) ||
        reef__request_header_count(request, "Content-Length") > 1 ||
        reef__request_header_count(request, "Transfer-Encoding") > 1) {
        *detail = "the length of the body is given twice";
        return 400;
    }
    if (encoding != NULL && strcasecmp(encoding, "chunked") != 0) {
        *detail = "the only transfer encoding understood is chunked";
        return 501;
    }
    if (length != NULL && (length[0] == '\0' || strlen(length) > 15 ||
                           strspn(length, "0123456789") != strlen(length))) {
        *detail = "Content-Length is no number";
        return 400;
    }
    return 0;
}

/* The origin of the page itself; TLS may end at a proxy before us. */
static bool is_own_origin(const char *origin, const char *host)
{
    if (strncasecmp(origin, "http://", 7) == 0) {
        return strcasecmp(origin + 7, host) == 0;
    }
    return strncasecmp(origin, "https://", 8) == 0 && strcasecmp(origin + 8, host) == 0;
}

static int check_origin(const reef__request_t *request, const char **detail)
{
    const char *host = reef__request_header(request, "Host");
    const char *site = reef__request_header(request, "Sec-Fetch-Site");
    const char *origin = reef__request_header(request, "Origin");

    if (reef__request_header_count(request, "Origin") > 1 ||
        (origin != NULL && !is_own_origin(origin, host))) {
        *detail = "requests from other origins are refused";
        return 403;
    }
    if (reef__request_header_count(request, "Sec-Fetch-Site") > 1 ||
        (site != NULL && strcmp(site, "same-origin") != 0 &&
         strcmp(site, "none") != 0)) {
        *detail = "requests from other sites are refused";
        return 403;
    }
    return 0;
}

/* Whether the segment at @p at is "." or "..", also when written with %2e. */
static bool is_dot_segment(const char *at)
{
    size_t dots = 0;

    for (;;) {
        if (*at == '.') {
            at++;
        } else if (strncasecmp(at, "%2e", 3) == 0) {
            at += 3;
        } else {
            break;
        }
        dots++;
    }
    return (*at == '\0' || *at == '/') && (dots == 1 || dots == 2);
}

static int check_path(const char *path, const char **detail)
{
    static const char *const refused[] = {"%2f", "%5c", "%00"};

    *detail = "the path is malformed";
    if (path[0] != '/') {
        return 400;
    }
    for (const char *at = path; *at != '\0'; at++) {
        if ((unsigned char)*at <= ' ' || *at == '\\' || *at == 0x7f) {
            return 400;
        }
        if (at[0] == '/' && (at[1] == '/' || is_dot_segment(at + 1))) {
            return 400;
        }
        if (*at != '%') {
            continue;
        }
        if (!isxdigit((unsigned char)at[1]) || !isxdigit((unsigned char)at[2])) {
            return 400;
        }
        for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
            if (strncasecmp(at, refused[i], 3) == 0) {
                return 400;
            }
        }
    }
    return 0;
}

int reef__gate_check(const reef__gate_t *gate,
                     const reef__request_t *request,
                     const char **detail)
{
    int status = check_host(gate, request, detail);

    if (status == 0) {
        status = check_length(request, detail);
    }
    if (status == 0 && !gate->any_origin) {
        status = check_origin(request, detail);
    }
    if (status == 0) {
        status = check_path(request->path, detail);
    }
    return status;
}
