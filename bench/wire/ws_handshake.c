/*
 * The response is judged by what section 4.1 asks of a client: status, Upgrade,
 * Connection, Sec-WebSocket-Accept; and nothing that was not asked for.
 */
#include "ws.h"

#include "sha1.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

static void encode_base64(char *out, const uint8_t *data, size_t size)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < size; i += 3) {
        uint32_t group = (uint32_t)data[i] << 16 |
                         (i + 1 < size ? (uint32_t)data[i + 1] << 8 : 0) |
                         (i + 2 < size ? (uint32_t)data[i + 2] : 0);

        *out++ = digits[group >> 18];
        *out++ = digits[group >> 12 & 63];
        *out++ = (char)(i + 1 < size ? digits[group >> 6 & 63] : '=');
        *out++ = (char)(i + 2 < size ? digits[group & 63] : '=');
    }
    *out = '\0';
}

void ws_key(char key[WS_KEY_SIZE], const uint8_t seed[16])
{
    encode_base64(key, seed, 16);
}

void ws_accept(char accept[WS_ACCEPT_SIZE], const char *key)
{
    char text[WS_KEY_SIZE + sizeof(guid)];
    uint8_t digest[SHA1_SIZE];
    int size = snprintf(text, sizeof(text), "%s%s", key, guid);

    sha1(digest, text, (size_t)size);
    encode_base64(accept, digest, sizeof(digest));
}

size_t ws_request(char out[WS_MAX_REQUEST], const target_t *target, const char *key)
{
    bool is_ipv6 = strchr(target->host, ':') != NULL;

    return (size_t)snprintf(
        out, WS_MAX_REQUEST,
        "GET %s HTTP/1.1\r\nHost: %s%s%s:%u\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: %s\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n",
        target->path, is_ipv6 ? "[" : "", target->host, is_ipv6 ? "]" : "",
        target->port, key);
}

/* Value of a line that has this name, without blanks around it; or NULL. */
static char *value_of(char *line, const char *name)
{
    size_t size = strlen(name);
    char *value, *end;

    if (strncasecmp(line, name, size) != 0 || line[size] != ':') {
        return NULL;
    }
    value = line + size + 1;
    value += strspn(value, " \t");
    end = value + strlen(value);
    while (end > value && (end[-1] == ' ' || end[-1] == '\t')) {
        *--end = '\0';
    }
    return value;
}

static bool has_token(const char *list, const char *token)
{
    size_t size = strlen(token);

    while (*list != '\0') {
        list += strspn(list, ", \t");
        if (strncasecmp(list, token, size) == 0 && strchr(", \t", list[size]) != NULL) {
            return true;
        }
        list += strcspn(list, ",");
    }
    return false;
}

const char *ws_check_response(char *head, const char *key)
{
    char expected[WS_ACCEPT_SIZE];
    bool has_upgrade = false, has_connection = false, has_accept = false;
    char *rest, *line = strtok_r(head, "\r\n", &rest);

    if (line == NULL || strncmp(line, "HTTP/1.1 101", 12) != 0) {
        return "it did not answer with 101";
    }
    ws_accept(expected, key);
    while ((line = strtok_r(NULL, "\r\n", &rest)) != NULL) {
        const char *value;

        if ((value = value_of(line, "Upgrade")) != NULL) {
            has_upgrade = strcasecmp(value, "websocket") == 0;
        } else if ((value = value_of(line, "Connection")) != NULL) {
            has_connection = has_token(value, "Upgrade");
        } else if ((value = value_of(line, "Sec-WebSocket-Accept")) != NULL) {
            has_accept = strcmp(value, expected) == 0;
        } else if (value_of(line, "Sec-WebSocket-Extensions") != NULL) {
            return "it answered with an extension that was not offered";
        } else if (value_of(line, "Sec-WebSocket-Protocol") != NULL) {
            return "it answered with a subprotocol that was not offered";
        }
    }
    if (!has_upgrade || !has_connection) {
        return "its 101 lacks 'Upgrade: websocket' or 'Connection: Upgrade'";
    }
    return has_accept ? NULL : "its Sec-WebSocket-Accept is missing or wrong";
}
