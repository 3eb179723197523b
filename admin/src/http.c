/*
 * civetweb, behind a few functions.  Each connection has one of its threads while it
 * lasts.  `begin_request` runs before anything the library would do on its own (its
 * preflight answers, authorization, upgrades, files), so every request is answered
 * there and nothing of that is reached.  Paths stay as they were sent: decoding them
 * is the business of who answers.
 *
 * A connection is kept for its next request only while threads are idle: those that
 * wait for a thread go first.
 *
 * Where the library was built without IPv6, it listens on one more port of 127.0.0.1,
 * to which a relay passes what comes by IPv6, and for nobody else.
 */
#include "http.h"

#include "problem.h"
#include "relay.h"
#include "watch.h"

#include <civetweb.h>

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

static_assert((int)REEF__MAX_HEADERS == (int)MG_MAX_HEADERS,
              "as many as the library reads");

enum {
    KNOCK_NS = 10000000, /* between two attempts to wake it */
    MAX_HEAD = 16384,
    MAX_TARGET = 8192, /* path and query */
    PIECE = 16384,     /* read at once */
    SLOWEST = 16384,   /* bytes a second that a peer sends or takes at least */
    WRITE_MS = 10000,  /* for a reply to be taken, beside what its size allows */
    LINGER_MS = 2000,  /* for a peer of the relay to close after the reply */
    QUEUE = 64,        /* connections that wait for a thread */
};

struct reef__http {
    reef__http_desc_t desc;
    reef__listen_t listen;
    struct mg_context *context;
    pthread_mutex_t starting; /* held until what follows is known */
    reef__listen_t own;       /* addresses that the library itself listens on */
    uint16_t own_ports[REEF__MAX_LISTEN];
    reef__relay_t *relay; /* for the other addresses; NULL = there are none */
    reef__watch_t *watch;
    atomic_uint connections; /* that have a thread */
    atomic_bool stopped;
    pthread_t starter;
    char message[256]; /* the library's last complaint on that thread */
};

/* A request on its way in. */
typedef struct carrier {
    struct mg_connection *connection;
    reef__http_t *http;
    uint64_t began_ns;
    uint64_t received; /* bytes of its body */
    bool expects;      /* it sends that once it is told to go on */
} carrier_t;

/* Request ---------------------------------------------------------------------- */

/* HTTP/1.0 knows no interim replies and no chunks. */
static bool is_new(const char *version)
{
    return version != NULL && strcmp(version, "1.1") == 0;
}

/* When @p size bytes must have passed at the latest. */
static uint64_t due_ns(uint64_t began_ns, uint32_t timeout_ms, uint64_t size)
{
    return began_ns + timeout_ms * UINT64_C(1000000) +
           size * UINT64_C(1000000000) / SLOWEST;
}

static reef__wait_t make_wait(struct mg_connection *connection, uint64_t due)
{
    const struct mg_request_info *info = mg_get_request_info(connection);

    return (reef__wait_t){.peer = info->remote_addr,
                          .peer_port = (uint16_t)info->remote_port,
                          .port = (uint16_t)info->server_port,
                          .due_ns = due};
}

/* A wait for bytes ended without any. */
static int explain_end(const carrier_t *carrier)
{
    long long promised = mg_get_request_info(carrier->connection)->content_length;
    uint32_t timeout_ms = carrier->http->desc.timeout_ms;

    if (promised < 0 || carrier->received == (uint64_t)promised) {
        return 0;
    }
    return reef__now_ns() >= due_ns(carrier->began_ns, timeout_ms, 0)
               ? REEF__READ_LATE
               : REEF__READ_BROKEN;
}

static int read_body(void *context, void *data, size_t size)
{
    carrier_t *carrier = context;
    const reef__http_t *http = carrier->http;
    reef__wait_t wait;
    int got;

    if (carrier->expects) {
        carrier->expects = false;
        mg_write(carrier->connection, "HTTP/1.1 100 Continue\r\n\r\n", 25);
    }
    size = size < PIECE ? size : PIECE;
    wait = make_wait(carrier->connection,
                     due_ns(carrier->began_ns, http->desc.body_timeout_ms,
                            carrier->received + size));
    wait.may_write = true;
    reef__watch_begin(http->watch, &wait);
    got = mg_read(carrier->connection, data, size);
    reef__watch_end(http->watch, &wait);
    if (wait.is_cut) {
        return REEF__READ_LATE;
    }
    if (got <= 0) {
        return got < 0 ? REEF__READ_BROKEN : explain_end(carrier);
    }
    carrier->received += (uint64_t)got;
    return got;
}

/* Who is behind a connection of the relay's: "" when it only came to the relay's port.
 * Asked with its first request, and kept; NULL for all other connections. */
static const char *find_behind(const struct mg_connection *connection)
{
    const struct mg_request_info *info = mg_get_request_info(connection);
    reef__http_t *http = mg_get_user_context_data(connection);
    char *peer = mg_get_user_connection_data(connection);

    if (peer != NULL || http->relay == NULL ||
        info->server_port != http->own_ports[http->own.count - 1]) {
        return peer;
    }
    peer = calloc(1, REEF__RELAY_PEER_SIZE);
    if (peer == NULL) {
        abort();
    }
    if (!reef__relay_find_peer(http->relay, info->remote_addr,
                               (uint16_t)info->remote_port, peer)) {
        peer[0] = '\0';
    }
    mg_set_user_connection_data(connection, peer);
    return peer;
}

/* A peer is the same by whichever socket it comes: IPv4 in IPv6 is IPv4. */
static const char *peer_of(const struct mg_connection *connection)
{
    const char *behind = find_behind(connection);
    const char *peer =
        behind != NULL ? behind : mg_get_request_info(connection)->remote_addr;

    return strncmp(peer, "::ffff:", 7) == 0 && strchr(peer, '.') != NULL ? peer + 7
                                                                         : peer;
}

static void fill_request(reef__request_t *request,
                         carrier_t *carrier,
                         reef__header_t headers[REEF__MAX_HEADERS])
{
    const struct mg_request_info *info = mg_get_request_info(carrier->connection);
    const char *expect;

    for (int i = 0; i < info->num_headers; i++) {
        headers[i] = (reef__header_t){.name = info->http_headers[i].name,
                                      .value = info->http_headers[i].value};
    }
    *request = (reef__request_t){
        .method = info->request_method,
        .path = info->local_uri_raw != NULL ? info->local_uri_raw : "",
        .query = info->query_string != NULL ? info->query_string : "",
        .peer = peer_of(carrier->connection),
        .headers = headers,
        .header_count = (size_t)info->num_headers,
        .read = read_body,
        .read_context = carrier,
        .now_ns = carrier->began_ns,
    };
    expect = reef__request_header(request, "Expect");
    carrier->expects = expect != NULL && strcasecmp(expect, "100-continue") == 0 &&
                       is_new(info->http_version);
}

/* The library reads no more headers than these, and keeps silent about others.  Names
 * and values lie where they were received. */
static bool is_large(const struct mg_request_info *info)
{
    const struct mg_header *headers = info->http_headers;
    const char *end = info->num_headers > 0 ? headers[info->num_headers - 1].value
                                            : info->request_uri;

    return info->num_headers == MG_MAX_HEADERS ||
           end + strlen(end) - info->request_method > MAX_HEAD;
}

/*
 * The library takes any line that begins with no name for the end of the head, and
 * ignores all behind it, a Content-Length for one; drops spaces before a colon; and
 * takes a lone LF for the end of a line.  A proxy may see it otherwise, so those are
 * refused (RFC 9112 sections 2.2, 5.1 and 5.2).  It has put NULs for each colon and for
 * what ended a line.
 */
static bool is_clear(const struct mg_request_info *info)
{
    for (int i = 0; i < info->num_headers; i++) {
        const struct mg_header *header = &info->http_headers[i];
        const char *colon = header->name + strlen(header->name);
        const char *end = header->value + strlen(header->value);

        if (colon[1] == '\0' && header->value != colon + 1) {
            return false;
        }
        if (end[1] != '\0' ||
            (i + 1 < info->num_headers ? end + 2 != info->http_headers[i + 1].name
                                       : end[2] != '\r')) {
            return false;
        }
    }
    return true;
}

/* Reply ------------------------------------------------------------------------ */

static bool has_header(const char *lines, const char *name)
{
    size_t size = strlen(name);

    while (*lines != '\0') {
        if (strncasecmp(lines, name, size) == 0 && lines[size] == ':') {
            return true;
        }
        lines += strcspn(lines, "\n");
        lines += *lines == '\n';
    }
    return false;
}

static void write_head(struct mg_connection *connection,
                       const reef__reply_t *reply,
                       const char *length)
{
    const reef__http_t *http = mg_get_user_context_data(connection);
    char head[REEF__REPLY_HEADERS_SIZE + 2048];
    bool has_cache_control = has_header(reply->headers, "Cache-Control");
    int size = snprintf(
        head, sizeof(head), "HTTP/1.1 %d %s\r\n%s%s%s%s%s%s%sConnection: %s\r\n\r\n",
        reply->status, reef__status_text(reply->status), http->desc.headers,
        has_cache_control ? "" : "Cache-Control: no-store\r\n",
        reply->type != NULL ? "Content-Type: " : "",
        reply->type != NULL ? reply->type : "", reply->type != NULL ? "\r\n" : "",
        length, reply->headers, reply->close ? "close" : "keep-alive");

    assert(size > 0 && (size_t)size < sizeof(head));
    mg_write(connection, head, (size_t)size);
}

/* A peer that takes it too slowly gets no more. */
static void write_body(struct mg_connection *connection, const reef__reply_t *reply)
{
    const reef__http_t *http = mg_get_user_context_data(connection);
    const void *body = reply->fixed != NULL ? reply->fixed : reply->body;
    reef__wait_t wait =
        make_wait(connection, due_ns(reef__now_ns(), WRITE_MS, reply->size));

    reef__watch_begin(http->watch, &wait);
    if (mg_write(connection, body, reply->size) != (int)reply->size) {
        mg_disable_connection_keep_alive(connection);
    }
    reef__watch_end(http->watch, &wait);
}

static void write_reply(struct mg_connection *connection,
                        const char *method,
                        const reef__reply_t *reply)
{
    char length[48] = "";

    if (reply->status != 204 && reply->status != 304) {
        snprintf(length, sizeof(length), "Content-Length: %zu\r\n", reply->size);
    }
    write_head(connection, reply, length);
    if (reply->size > 0 && strcmp(method, "HEAD") != 0) {
        write_body(connection, reply);
    }
}

/* Stream ----------------------------------------------------------------------- */

static bool write_chunk(void *context, const char *data, size_t size)
{
    return mg_send_chunk(context, data, (unsigned)size) > 0;
}

static void write_stream(struct mg_connection *connection,
                         const char *method,
                         const reef__reply_t *reply)
{
    write_head(connection, reply, "Transfer-Encoding: chunked\r\n");
    if (strcmp(method, "HEAD") != 0) {
        reply->stream(reply->stream_context,
                      &(reef__sink_t){.write = write_chunk, .context = connection});
        mg_send_chunk(connection, "", 0);
    }
}

/* Answer ----------------------------------------------------------------------- */

static const char unreadable[] = "the request could not be read";

static bool is_crowded(const reef__http_t *http)
{
    return atomic_load(&http->connections) * 4 > http->desc.threads * 3;
}

/* A connection is only kept where both sides say so. */
static bool wants_close(const char *version, const reef__request_t *request)
{
    const char *header = reef__request_header(request, "Connection");

    return !is_new(version) ||
           (header != NULL && strcasecmp(header, "keep-alive") != 0);
}

static void
refuse(reef__http_t *http, int status, const char *detail, reef__reply_t *reply)
{
    if (http->desc.refused != NULL) {
        http->desc.refused(http->desc.context, status);
    }
    reef__problem(reply, status, "%s", detail);
    reply->close = true;
}

static int begin_request(struct mg_connection *connection)
{
    reef__http_t *http = mg_get_user_context_data(connection);
    const struct mg_request_info *info = mg_get_request_info(connection);
    const char *version = info->http_version;
    carrier_t carrier = {
        .connection = connection, .http = http, .began_ns = reef__now_ns()};
    reef__header_t headers[REEF__MAX_HEADERS];
    reef__request_t request;
    reef__reply_t reply = {0};
    int status;

    fill_request(&request, &carrier, headers);
    if (request.peer[0] == '\0') {
        refuse(http, 403, "this port is for internal use", &reply);
    } else if (strlen(request.path) + strlen(request.query) > MAX_TARGET) {
        refuse(http, 414, unreadable, &reply);
    } else if (is_large(info)) {
        refuse(http, 431, unreadable, &reply);
    } else if (!is_clear(info)) {
        refuse(http, 400, unreadable, &reply);
    } else {
        http->desc.answer(http->desc.context, &request, &reply);
    }
    assert(reply.status != 0);
    reply.close = reply.close || wants_close(version, &request) ||
                  reply.stream != NULL || is_crowded(http);
    if (reply.close) {
        mg_disable_connection_keep_alive(connection);
    }
    status = reply.status;
    if (reply.stream != NULL && is_new(version)) {
        write_stream(connection, request.method, &reply);
    } else {
        write_reply(connection, request.method, &reply);
    }
    reef__reply_finish(&reply);
    return status;
}

/* What the library refuses on its own: no HTTP, an end too early, a head too slow. */
static int http_error(struct mg_connection *connection, int status, const char *message)
{
    reef__reply_t reply = {0};

    (void)message;
    refuse(mg_get_user_context_data(connection), status, unreadable, &reply);
    mg_disable_connection_keep_alive(connection);
    write_reply(connection, "GET", &reply);
    reef__reply_finish(&reply);
    return 0;
}

/* The library has nothing to tell of it yet. */
static int open_connection(const struct mg_connection *connection, void **data)
{
    reef__http_t *http = mg_get_user_context_data(connection);

    *data = NULL;
    pthread_mutex_lock(&http->starting);
    pthread_mutex_unlock(&http->starting);
    atomic_fetch_add(&http->connections, 1);
    return 0;
}

static void close_connection(const struct mg_connection *connection)
{
    reef__http_t *http = mg_get_user_context_data(connection);

    atomic_fetch_sub(&http->connections, 1);
    free(mg_get_user_connection_data(connection));
    mg_set_user_connection_data(connection, NULL);
}

/* Listen ----------------------------------------------------------------------- */

/* Kept for a failing start; later ones are broken connections and of no interest. */
static int log_message(const struct mg_connection *connection, const char *message)
{
    reef__http_t *http = mg_get_user_context_data(connection);

    if (http != NULL && pthread_equal(pthread_self(), http->starter)) {
        snprintf(http->message, sizeof(http->message), "%s", message);
    }
    return 1;
}

static const struct mg_callbacks callbacks = {
    .begin_request = begin_request,
    .http_error = http_error,
    .init_connection = open_connection,
    .connection_close = close_connection,
    .log_message = log_message,
};

static struct mg_context *start(reef__http_t *http)
{
    char addresses[REEF__MAX_LISTEN * sizeof(http->own.items[0].text)] = "";
    char threads[16], timeout[16], keep_alive[16], head[16], queue[16];
    const char *options[] = {
        "listening_ports",
        addresses,
        "num_threads",
        threads,
        "enable_keep_alive",
        "yes",
        "keep_alive_timeout_ms",
        keep_alive,
        "request_timeout_ms",
        timeout,
        "connection_queue",
        queue,
        "tcp_nodelay",
        "1",
        "max_request_size",
        head,
        "decode_url",
        "no",
        "enable_auth_domain_check",
        "no",
        "enable_directory_listing",
        "no",
        "access_control_allow_origin",
        "",
        "access_control_allow_methods",
        "",
        "access_control_allow_headers",
        "",
        NULL,
    };

    for (size_t i = 0; i < http->own.count; i++) {
        size_t used = strlen(addresses);

        if (reef__listen_takes_ipv4(&http->own, i)) {
            snprintf(addresses + used, sizeof(addresses) - used, "%s+%u",
                     i > 0 ? "," : "", http->own.items[i].port);
        } else {
            snprintf(addresses + used, sizeof(addresses) - used, "%s%s",
                     i > 0 ? "," : "", http->own.items[i].text);
        }
    }
    /* Larger ones it calls malformed; we can say what is wrong with them. */
    snprintf(head, sizeof(head), "%d", 2 * MAX_HEAD);
    snprintf(queue, sizeof(queue), "%d", QUEUE);
    snprintf(threads, sizeof(threads), "%u", http->desc.threads);
    snprintf(timeout, sizeof(timeout), "%u", http->desc.timeout_ms);
    snprintf(keep_alive, sizeof(keep_alive), "%u", http->desc.keep_alive_ms);
    return mg_start(&callbacks, http, options);
}

static bool needs_relay(const reef__listen_t *listen, size_t index)
{
    return listen->items[index].is_ipv6 && mg_check_feature(MG_FEATURES_IPV6) == 0;
}

/* What the library listens on: of addresses for the relay the last one, of its own. */
static void choose_own(reef__http_t *http)
{
    reef__listen_t internal;

    (void)!reef__listen_parse(http->listen.setting, "127.0.0.1:0", &internal, NULL);
    http->own = (reef__listen_t){.setting = http->listen.setting};
    for (size_t i = 0; i < http->listen.count; i++) {
        if (!needs_relay(&http->listen, i)) {
            http->own.items[http->own.count++] = http->listen.items[i];
        }
    }
    if (http->own.count < http->listen.count) {
        http->own.items[http->own.count++] = internal.items[0];
    }
}

static reef_error_t find_ports(reef__http_t *http, reef_failure_t *failure)
{
    struct mg_server_port found[REEF__MAX_LISTEN];
    int count = mg_get_server_ports(http->context, REEF__MAX_LISTEN, found);

    if (count < 0 || (size_t)count != http->own.count) {
        return reef_fail(failure, REEF_E_IO, "%s: not all were bound",
                         http->listen.setting);
    }
    for (int i = 0; i < count; i++) {
        http->own_ports[i] = (uint16_t)found[i].port;
    }
    return REEF_OK;
}

static reef_error_t start_relay(reef__http_t *http, reef_failure_t *failure)
{
    bool needed = false;

    for (size_t i = 0; i < http->listen.count; i++) {
        needed = needed || needs_relay(&http->listen, i);
    }
    return needed ? reef__relay_start(
                        &(reef__relay_desc_t){
                            .listen = &http->listen,
                            .server_port = http->own_ports[http->own.count - 1],
                            .max_connections = http->desc.threads + 2 * QUEUE,
                            .stall_ms = WRITE_MS,
                            .linger_ms = LINGER_MS},
                        &http->relay, failure)
                  : REEF_OK;
}

/* Connections may come in as soon as the library listens, but wait. */
static reef_error_t start_all(reef__http_t *http, reef_failure_t *failure)
{
    reef_error_t error;

    pthread_mutex_lock(&http->starting);
    http->context = start(http);
    if (http->context == NULL) {
        reef_fail(failure, REEF_E_IO, "%s: %s: %s", http->own.setting,
                  http->own.items[0].text, http->message);
        error = reef__listen_explain(&http->own, failure);
    } else {
        error = find_ports(http, failure);
    }
    if (error == REEF_OK) {
        error = start_relay(http, failure);
    }
    pthread_mutex_unlock(&http->starting);
    return error;
}

reef_error_t reef__http_listen(const reef__http_desc_t *desc,
                               reef__http_t **result,
                               reef_failure_t *failure)
{
    reef__http_t *http = calloc(1, sizeof(*http));
    reef_error_t error;

    if (http == NULL) {
        abort();
    }
    http->desc = *desc;
    http->listen = *desc->listen;
    choose_own(http);
    http->starter = pthread_self();
    http->watch = reef__watch_create();
    pthread_mutex_init(&http->starting, NULL);
    mg_init_library(0);
    error = start_all(http, failure);
    if (error != REEF_OK) {
        reef__http_stop(http);
        return error;
    }
    *result = http;
    return REEF_OK;
}

uint16_t reef__http_port(const reef__http_t *http, size_t index)
{
    size_t before = 0;

    assert(index < http->listen.count);
    if (needs_relay(&http->listen, index)) {
        return reef__relay_port(http->relay, index);
    }
    for (size_t i = 0; i < index; i++) {
        before += !needs_relay(&http->listen, i);
    }
    return http->own_ports[before];
}

/* The library looks at its stop flag when something comes, or every two seconds. */
static void *knock_until_stopped(void *context)
{
    reef__http_t *http = context;

    while (!atomic_load(&http->stopped)) {
        nanosleep(&(struct timespec){.tv_nsec = KNOCK_NS}, NULL);
        reef__listen_knock(&http->own, 0, http->own_ports[0]);
        for (size_t i = 0; i < http->own.count; i++) {
            reef__watch_cut_port(http->own_ports[i]);
        }
    }
    return NULL;
}

static void stop_library(reef__http_t *http)
{
    pthread_t knocker;
    bool knocks = pthread_create(&knocker, NULL, knock_until_stopped, http) == 0;

    mg_stop(http->context);
    atomic_store(&http->stopped, true);
    if (knocks) {
        pthread_join(knocker, NULL);
    }
}

void reef__http_stop(reef__http_t *http)
{
    if (http == NULL) {
        return;
    }
    if (http->context != NULL) {
        stop_library(http);
    }
    mg_exit_library();
    reef__relay_stop(http->relay); /* peers may still take what was said last */
    reef__watch_destroy(http->watch);
    pthread_mutex_destroy(&http->starting);
    free(http);
}
