/*
 * Two passes.  The scan goes over each byte once, however the head is cut: it looks
 * for the empty line and refuses control characters, line ends other than CR LF, and
 * heads beyond the limits as soon as they are seen.  When the head is whole, the
 * parse walks its lines: request line, then headers, each handed to the function in
 * header_handlers that collects it, then the checks on what was collected.
 *
 * Strict where leniency has let requests be smuggled past proxies: no white space
 * before a colon, no continued lines, no body, nothing twice that must be single.
 */
#include "codec/ws_upgrade.h"

#include "codec/ws_deflate.h"
#include "codec/ws_extension.h"

#include <assert.h>
#include <stdio.h>

#include <reef/crypto.h>

enum {
    KEY_SIZE = 16,
    KEY_TEXT_SIZE = REEF_BASE64_SIZE(KEY_SIZE)
};

/* Section 1.3: proves that the answer comes from a WebSocket server. */
static const char accept_salt[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/* What the header lines contributed, besides what goes into reef__ws_upgrade_t. */
typedef struct head {
    reef__ws_upgrade_t *upgrade;
    const reef__ws_upgrade_limits_t *limits;
    reef_span_t key;
    reef_span_t version;
    bool absolute_target; /* the host came with the target */
    bool has_host;
    bool upgrade_websocket;
    bool connection_upgrade;
} head_t;

/* Every check returns false after it has refused. */
static bool refuse(head_t *head, int http_status, const char *reason)
{
    reef__ws_upgrade_refuse(head->upgrade, http_status, reason);
    return false;
}

reef__ws_upgrade_status_t reef__ws_upgrade_refuse(reef__ws_upgrade_t *upgrade,
                                                  int http_status,
                                                  const char *reason)
{
    upgrade->http_status = http_status;
    upgrade->reason = reason;
    return REEF__WS_UPGRADE_REFUSED;
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

/* Equal but for the case of ASCII letters. */
static bool equal_text(reef_span_t a, reef_span_t b)
{
    if (a.size != b.size) {
        return false;
    }
    for (size_t i = 0; i < a.size; i++) {
        if (lower(a.data[i]) != lower(b.data[i])) {
            return false;
        }
    }
    return true;
}

static bool is_alphanumeric(uint8_t c)
{
    return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z');
}

/* All of @p text are letters, digits or one of @p others, and there is at least one. */
static bool consists_of(reef_span_t text, const char *others)
{
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];

        if (!is_alphanumeric(c) && (c == '\0' || strchr(others, c) == NULL)) {
            return false;
        }
    }
    return text.size > 0;
}

/* RFC 9110 section 5.6.2 */
static bool is_token(reef_span_t text)
{
    return text.size > 0 && reef__ws_token_size(text) == text.size;
}

static reef_span_t trim(reef_span_t text)
{
    while (text.size > 0 && (text.data[0] == ' ' || text.data[0] == '\t')) {
        text = reef_span_skip(text, 1);
    }
    while (text.size > 0 &&
           (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t')) {
        text.size--;
    }
    return text;
}

/* Cut @p text at the first @p separator into the part before it, which is returned,
 * and the part behind it.  Without one all is returned and nothing is left. */
static reef_span_t cut(reef_span_t *text, char separator)
{
    reef_span_t part = *text;
    const uint8_t *at =
        text->size > 0 ? memchr(text->data, separator, text->size) : NULL;

    if (at == NULL) {
        *text = (reef_span_t){0};
        return part;
    }
    part.size = (size_t)(at - part.data);
    *text = reef_span_skip(*text, part.size + 1);
    return part;
}

/* Next non-empty element of a comma list (RFC 9110 section 5.6.1); empty at its end. */
static reef_span_t next_element(reef_span_t *list)
{
    reef_span_t element = {0};

    while (list->size > 0 && element.size == 0) {
        element = trim(cut(list, ','));
    }
    return element;
}

static bool list_contains(reef_span_t list, const char *token)
{
    for (;;) {
        reef_span_t element = next_element(&list);

        if (element.size == 0) {
            return false;
        }
        if (equal_text(element, reef_span_text(token))) {
            return true;
        }
    }
}

/* Look at the bytes that are new.  DONE when the empty line is there. */
static reef__ws_upgrade_status_t scan(reef__ws_upgrade_t *upgrade,
                                      const reef__ws_upgrade_limits_t *limits,
                                      const uint8_t *data,
                                      size_t size)
{
    size_t max_head = limits->max_head > 0 ? limits->max_head : 8192;
    uint32_t max_headers = limits->max_headers > 0 ? limits->max_headers : 64;
    size_t i = upgrade->scanned;

    for (; i < size; i++) {
        uint8_t c = data[i];
        bool after_return = i > 0 && data[i - 1] == '\r';

        if (i == max_head) {
            return reef__ws_upgrade_refuse(upgrade, 431, "request head too big");
        }
        if (after_return != (c == '\n')) {
            return reef__ws_upgrade_refuse(upgrade, 400, "line end other than CR LF");
        }
        if ((c < 0x20 && c != '\r' && c != '\n' && c != '\t') || c == 0x7f) {
            return reef__ws_upgrade_refuse(upgrade, 400, "control character");
        }
        if (c == '\n') {
            if (i >= 3 && data[i - 2] == '\n') {
                upgrade->consumed = i + 1;
                return REEF__WS_UPGRADE_DONE;
            }
            if (upgrade->lines > max_headers) { /* the first is the request line */
                return reef__ws_upgrade_refuse(upgrade, 431, "too many headers");
            }
            upgrade->lines++;
        }
    }
    upgrade->scanned = i;
    return REEF__WS_UPGRADE_MORE;
}

/* RFC 9112 section 2.3 */
static bool check_version(head_t *head, reef_span_t version)
{
    if (reef_span_equal(version, reef_span_text("HTTP/1.1"))) {
        return true;
    }
    if (version.size == 8 && reef_span_starts_with(version, reef_span_text("HTTP/"))) {
        return refuse(head, 505, "only HTTP/1.1 is supported");
    }
    return refuse(head, 400, "malformed request line");
}

/* Every '%' is followed by two hexadecimal digits (RFC 3986 section 2.1). */
static bool is_percent_encoded(reef_span_t text)
{
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte;

        if (text.data[i] == '%' &&
            (text.size - i < 3 ||
             reef_crypto_hex_decode(reef_span(text.data + i + 1, 2), &byte, 1) != 0)) {
            return false;
        }
    }
    return true;
}

/* Origin-form, or absolute-form whose authority then counts as the host (RFC 6455
 * section 4.2.1 item 1, RFC 9112 section 3.2). */
static bool parse_target(head_t *head, reef_span_t target)
{
    static const char *const schemes[] = {"http://", "https://"};

    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        reef_span_t scheme = reef_span_text(schemes[i]);

        if (target.size > scheme.size &&
            equal_text(reef_span(target.data, scheme.size), scheme)) {
            reef_span_t rest = reef_span_skip(target, scheme.size);
            size_t size = 0;

            while (size < rest.size && rest.data[size] != '/') {
                size++;
            }
            head->upgrade->host = reef_span(rest.data, size);
            head->absolute_target = true;
            target = reef_span_skip(rest, size);
            break;
        }
    }
    if (target.size == 0 || target.data[0] != '/' ||
        !consists_of(target, "!$%&'()*+,-./:;=?@[]_~|^`{}\"<>\\") ||
        !is_percent_encoded(target)) {
        return refuse(head, 400, "malformed request target");
    }
    head->upgrade->path = cut(&target, '?');
    head->upgrade->query = target;
    return true;
}

/* RFC 9112 section 3 */
static bool parse_request_line(head_t *head, reef_span_t line)
{
    reef_span_t method = cut(&line, ' ');
    reef_span_t target = cut(&line, ' ');

    if (!is_token(method)) {
        return refuse(head, 400, "malformed request line");
    }
    if (!check_version(head, line)) {
        return false;
    }
    if (!reef_span_equal(method, reef_span_text("GET"))) {
        return refuse(head, 405, "the opening handshake is a GET request");
    }
    return parse_target(head, target);
}

/* Section 4.2.1 item 2 */
static bool on_host(head_t *head, reef_span_t value)
{
    if (head->has_host) {
        return refuse(head, 400, "more than one Host header");
    }
    if (!consists_of(value, "-._~!$&'()*+;=:[]%")) {
        return refuse(head, 400, "malformed Host header");
    }
    head->has_host = true;
    if (!head->absolute_target) {
        head->upgrade->host = value;
    }
    return true;
}

static bool on_upgrade(head_t *head, reef_span_t value)
{
    head->upgrade_websocket |= list_contains(value, "websocket");
    return true;
}

static bool on_connection(head_t *head, reef_span_t value)
{
    head->connection_upgrade |= list_contains(value, "upgrade");
    return true;
}

static bool on_key(head_t *head, reef_span_t value)
{
    if (head->key.data != NULL) {
        return refuse(head, 400, "more than one Sec-WebSocket-Key header");
    }
    head->key = value;
    return true;
}

static bool on_version(head_t *head, reef_span_t value)
{
    if (head->version.data != NULL) {
        return refuse(head, 400, "more than one Sec-WebSocket-Version header");
    }
    head->version = value;
    return true;
}

static bool on_origin(head_t *head, reef_span_t value)
{
    if (head->upgrade->origin.data != NULL) {
        return refuse(head, 400, "more than one Origin header");
    }
    head->upgrade->origin = value;
    return true;
}

/* Section 4.1 item 10: unique tokens, in one header or in several. */
static bool on_protocol(head_t *head, reef_span_t value)
{
    reef__ws_upgrade_t *upgrade = head->upgrade;
    reef_span_t token = next_element(&value);

    if (token.size == 0) {
        return refuse(head, 400, "empty Sec-WebSocket-Protocol header");
    }
    for (; token.size > 0; token = next_element(&value)) {
        if (!is_token(token)) {
            return refuse(head, 400, "malformed Sec-WebSocket-Protocol header");
        }
        for (size_t i = 0; i < upgrade->protocol_count; i++) {
            if (reef_span_equal(upgrade->protocols[i], token)) {
                return refuse(head, 400, "subprotocol offered twice");
            }
        }
        if (upgrade->protocol_count == REEF__WS_MAX_PROTOCOLS) {
            return refuse(head, 400, "too many subprotocols");
        }
        upgrade->protocols[upgrade->protocol_count++] = token;
    }
    return true;
}

static bool on_forwarded(head_t *head, reef_span_t value)
{
    reef__ws_upgrade_t *upgrade = head->upgrade;

    if (upgrade->forwarded_count == REEF__WS_MAX_FORWARDED) {
        return refuse(head, 400, "too many X-Forwarded-For headers");
    }
    upgrade->forwarded[upgrade->forwarded_count++] = value;
    return true;
}

/* Section 9.1: what does not conform to the grammar fails the connection, whether or
 * not the extension is known. */
static bool on_extensions(head_t *head, reef_span_t value)
{
    reef__ws_upgrade_t *upgrade = head->upgrade;
    reef__ws_extension_t extension;
    reef__ws_extension_status_t status;
    bool empty = true;

    while ((status = reef__ws_extension_next(&value, &extension)) ==
           REEF__WS_EXTENSION_NEXT) {
        empty = false;
        if (reef_span_equal(extension.name, reef_span_text("permessage-deflate")) &&
            upgrade->deflate_offer_count < REEF__WS_MAX_DEFLATE_OFFERS) {
            upgrade->deflate_offers[upgrade->deflate_offer_count++] = extension.params;
        }
    }
    return (status == REEF__WS_EXTENSION_END && !empty) ||
           refuse(head, 400, "malformed Sec-WebSocket-Extensions header");
}

static bool on_content_length(head_t *head, reef_span_t value)
{
    return reef_span_equal(value, reef_span_text("0")) ||
           refuse(head, 400, "the opening handshake has no body");
}

static bool on_transfer_encoding(head_t *head, reef_span_t value)
{
    (void)value;
    return refuse(head, 400, "the opening handshake has no body");
}

typedef bool (*header_fn)(head_t *head, reef_span_t value);

static const struct {
    const char *name;
    header_fn handle;
} header_handlers[] = {
    {"Host", on_host},
    {"Upgrade", on_upgrade},
    {"Connection", on_connection},
    {"Sec-WebSocket-Key", on_key},
    {"Sec-WebSocket-Version", on_version},
    {"Sec-WebSocket-Protocol", on_protocol},
    {"Sec-WebSocket-Extensions", on_extensions},
    {"X-Forwarded-For", on_forwarded},
    {"Origin", on_origin},
    {"Content-Length", on_content_length},
    {"Transfer-Encoding", on_transfer_encoding},
};

/* Keep a header that somebody asked for, whatever it means to the handshake. */
static bool keep_header(head_t *head, reef_span_t name, reef_span_t value)
{
    const reef__ws_upgrade_limits_t *limits = head->limits;
    reef__ws_upgrade_t *upgrade = head->upgrade;

    for (uint32_t i = 0; i < limits->wanted_count; i++) {
        if (!equal_text(name, reef_span_text(limits->wanted[i]))) {
            continue;
        }
        if (upgrade->header_count == REEF__WS_MAX_HEADERS) {
            return refuse(head, 431, "too many headers of one name");
        }
        upgrade->headers[upgrade->header_count++] =
            (reef__ws_header_t){.wanted = i, .value = value};
        break;
    }
    return true;
}

/* RFC 9112 section 5 */
static bool parse_header(head_t *head, reef_span_t line)
{
    reef_span_t value = line;
    reef_span_t name = cut(&value, ':');

    if (line.data[0] == ' ' || line.data[0] == '\t') {
        return refuse(head, 400, "continued header line");
    }
    if (name.size == line.size || !is_token(name)) {
        return refuse(head, 400, "malformed header line");
    }
    value = trim(value);
    if (!keep_header(head, name, value)) {
        return false;
    }
    for (size_t i = 0; i < sizeof(header_handlers) / sizeof(header_handlers[0]); i++) {
        if (equal_text(name, reef_span_text(header_handlers[i].name))) {
            return header_handlers[i].handle(head, value);
        }
    }
    return true;
}

/* Section 4.2.2 item 5.4 */
static bool compute_accept(head_t *head)
{
    uint8_t key[KEY_SIZE];
    uint8_t text[KEY_TEXT_SIZE + sizeof(accept_salt) - 1];
    uint8_t digest[REEF_SHA1_SIZE];
    size_t size = 0;

    static_assert(REEF_BASE64_SIZE(sizeof(digest)) == REEF__WS_ACCEPT_SIZE, "");
    if (reef_crypto_base64_decode(head->key, key, sizeof(key), &size) != REEF_OK ||
        size != KEY_SIZE) {
        return refuse(head, 400, "Sec-WebSocket-Key is not 16 bytes in base64");
    }
    memcpy(text, head->key.data, KEY_TEXT_SIZE);
    memcpy(text + KEY_TEXT_SIZE, accept_salt, sizeof(accept_salt) - 1);
    reef_crypto_sha1(reef_span(text, sizeof(text)), digest);
    reef_crypto_base64_encode(reef_span(digest, sizeof(digest)), head->upgrade->accept);
    return true;
}

/* Section 4.2.1: what must be there */
static bool check_head(head_t *head)
{
    if (!head->has_host) {
        return refuse(head, 400, "Host header missing");
    }
    if (!consists_of(head->upgrade->host, "-._~!$&'()*+;=:[]%")) {
        return refuse(head, 400, "malformed request target");
    }
    if (!head->upgrade_websocket) {
        return refuse(head, 426,
                      "this is a WebSocket endpoint: connect with a WebSocket client, "
                      "as new WebSocket(\"ws://...\") does in a browser");
    }
    if (!head->connection_upgrade) {
        return refuse(head, 400, "Connection header without Upgrade");
    }
    if (!reef_span_equal(head->version, reef_span_text("13"))) {
        return refuse(head, 426, "Sec-WebSocket-Version must be 13");
    }
    if (head->key.data == NULL) {
        return refuse(head, 400, "Sec-WebSocket-Key header missing");
    }
    return compute_accept(head);
}

/* Take a line off @p text, which ends with CR LF. */
static reef_span_t next_line(reef_span_t *text)
{
    reef_span_t line = cut(text, '\n');

    line.size--;
    return line;
}

reef__ws_upgrade_status_t
reef__ws_upgrade_parse(reef__ws_upgrade_t *upgrade,
                       const reef__ws_upgrade_limits_t *limits,
                       const uint8_t *data,
                       size_t size)
{
    head_t head = {.upgrade = upgrade, .limits = limits};
    reef__ws_upgrade_status_t status = scan(upgrade, limits, data, size);
    reef_span_t rest;
    bool good;

    if (status != REEF__WS_UPGRADE_DONE) {
        return status;
    }
    rest = reef_span(data, upgrade->consumed - 2);
    good = parse_request_line(&head, next_line(&rest));
    while (good && rest.size > 0) {
        good = parse_header(&head, next_line(&rest));
    }
    good = good && check_head(&head);
    return good ? REEF__WS_UPGRADE_DONE : REEF__WS_UPGRADE_REFUSED;
}

bool reef__ws_origin_is_allowed(reef_span_t allowed, reef_span_t origin)
{
    if (origin.data == NULL || reef_span_equal(trim(allowed), reef_span_text("*"))) {
        return true;
    }
    for (;;) {
        reef_span_t element = next_element(&allowed);

        if (element.size == 0) {
            return false;
        }
        if (equal_text(element, origin)) {
            return true;
        }
    }
}

reef_span_t reef__ws_upgrade_choose_protocol(const reef__ws_upgrade_t *upgrade,
                                             reef_span_t supported)
{
    for (size_t i = 0; i < upgrade->protocol_count; i++) {
        reef_span_t list = supported;
        reef_span_t element = next_element(&list);

        for (; element.size > 0; element = next_element(&list)) {
            if (reef_span_equal(element, upgrade->protocols[i])) {
                return upgrade->protocols[i];
            }
        }
    }
    return (reef_span_t){0};
}

size_t reef__ws_upgrade_write_accept(const reef__ws_upgrade_t *upgrade,
                                     reef_span_t protocol,
                                     const struct reef__ws_deflate_params *deflate,
                                     char out[REEF__WS_RESPONSE_SIZE])
{
    char extension[REEF__WS_DEFLATE_RESPONSE_SIZE] = "";
    bool chosen = protocol.size > 0;
    int size;

    assert(upgrade->accept[0] != '\0' && protocol.size <= REEF__WS_MAX_PROTOCOL);
    if (deflate != NULL) {
        reef__ws_deflate_write_response(deflate, extension);
    }
    size = snprintf(out, REEF__WS_RESPONSE_SIZE,
                    "HTTP/1.1 101 Switching Protocols\r\n"
                    "Upgrade: websocket\r\n"
                    "Connection: Upgrade\r\n"
                    "Sec-WebSocket-Accept: %s\r\n"
                    "%s%.*s%s"
                    "%s"
                    "\r\n",
                    upgrade->accept, chosen ? "Sec-WebSocket-Protocol: " : "",
                    (int)protocol.size, chosen ? (const char *)protocol.data : "",
                    chosen ? "\r\n" : "", extension);
    assert(size > 0 && size < REEF__WS_RESPONSE_SIZE);
    return (size_t)size;
}

/* RFC 9110 section 15 */
static const char *status_text(int http_status)
{
    switch (http_status) {
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 408:
        return "Request Timeout";
    case 426:
        return "Upgrade Required";
    case 429:
        return "Too Many Requests";
    case 431:
        return "Request Header Fields Too Large";
    case 503:
        return "Service Unavailable";
    case 505:
        return "HTTP Version Not Supported";
    default:
        return "Error";
    }
}

size_t reef__ws_upgrade_write_refusal(const reef__ws_upgrade_t *upgrade,
                                      char out[REEF__WS_RESPONSE_SIZE])
{
    int http_status = upgrade->http_status;
    const char *more = "";
    const char *connection = "close";
    int size;

    assert(http_status >= 400 && http_status < 600);
    if (http_status == 401) { /* RFC 9110 section 11.6.1, RFC 6750 section 3 */
        more = "WWW-Authenticate: Bearer\r\n";
    } else if (http_status == 405) { /* RFC 9110 section 15.5.6 */
        more = "Allow: GET\r\n";
    } else if (http_status == 426) { /* RFC 6455 section 4.4, RFC 9110 15.5.22 */
        more = "Upgrade: websocket\r\n"
               "Sec-WebSocket-Version: 13\r\n";
        connection = "Upgrade, close";
    }
    size = snprintf(out, REEF__WS_RESPONSE_SIZE,
                    "HTTP/1.1 %d %s\r\n"
                    "Connection: %s\r\n"
                    "%s"
                    "Content-Type: text/plain; charset=utf-8\r\n"
                    "Content-Length: %zu\r\n"
                    "\r\n"
                    "%s\n",
                    http_status, status_text(http_status), connection, more,
                    strlen(upgrade->reason) + 1, upgrade->reason);
    assert(size > 0 && size < REEF__WS_RESPONSE_SIZE);
    return (size_t)size;
}
