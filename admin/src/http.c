/*
 * civetweb, behind a few functions.  Each connection has one of its threads while it
 * lasts.  `begin_request` runs before anything the library would do on its own (its
 * preflight answers, authorization, upgrades, files), so every request is answered
 * there and nothing of that is reached.  Paths stay as they were sent: decoding them
 * is the business of the route table.
 */
#include "http.h"

#include "dispatch.h"
#include "listen.h"

#include <civetweb.h>

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

enum {
    SPARE_THREADS = 8, /* beside one per stream */
    MAX_PORTS = 16,
    KNOCK_NS = 10000000, /* between two attempts to wake it */
};

struct reef__http {
    reef__admin_t *admin;
    struct mg_context *context;
    char host[48]; /* to knock at when it is to stop */
    uint16_t port;
    atomic_bool stopped;
    pthread_t starter;
    char message[256]; /* the library's last complaint on that thread */
};

/* Gate ------------------------------------------------------------------------- */

static int read_body(void *context, void *data, size_t size)
{
    return mg_read(context, data, size);
}

static void fill_request(reef__request_t *request,
                         struct mg_connection *connection,
                         reef__header_t headers[MG_MAX_HEADERS])
{
    const struct mg_request_info *info = mg_get_request_info(connection);

    for (int i = 0; i < info->num_headers; i++) {
        headers[i] = (reef__header_t){.name = info->http_headers[i].name,
                                      .value = info->http_headers[i].value};
    }
    *request = (reef__request_t){
        .method = info->request_method,
        .path = info->local_uri_raw != NULL ? info->local_uri_raw : "",
        .query = info->query_string != NULL ? info->query_string : "",
        .peer = info->remote_addr,
        .headers = headers,
        .header_count = (size_t)info->num_headers,
        .read = read_body,
        .read_context = connection,
        .now_ns = reef__now_ns(),
    };
}

/* Reply ------------------------------------------------------------------------ */

static void write_head(struct mg_connection *connection,
                       const reef__reply_t *reply,
                       const char *length)
{
    char head[REEF__REPLY_HEADERS_SIZE + 2048];
    bool has_cache_control = strstr(reply->headers, "Cache-Control:") != NULL;
    int size = snprintf(
        head, sizeof(head), "HTTP/1.1 %d %s\r\n%s%s%s%s%s%s%sConnection: %s\r\n\r\n",
        reply->status, reef__status_text(reply->status), reef__common_headers,
        has_cache_control ? "" : "Cache-Control: no-store\r\n",
        reply->type != NULL ? "Content-Type: " : "",
        reply->type != NULL ? reply->type : "", reply->type != NULL ? "\r\n" : "",
        length, reply->headers, reply->close ? "close" : "keep-alive");

    assert(size > 0 && (size_t)size < sizeof(head));
    mg_write(connection, head, (size_t)size);
}

static void write_reply(struct mg_connection *connection,
                        const reef__request_t *request,
                        const reef__reply_t *reply)
{
    const void *body = reply->fixed != NULL ? reply->fixed : reply->body;
    char length[48] = "";

    if (reply->status != 204 && reply->status != 304) {
        snprintf(length, sizeof(length), "Content-Length: %zu\r\n", reply->size);
    }
    write_head(connection, reply, length);
    if (reply->size > 0 && strcmp(request->method, "HEAD") != 0) {
        mg_write(connection, body, reply->size);
    }
}

/* Stream ----------------------------------------------------------------------- */

static bool write_chunk(void *context, const char *data, size_t size)
{
    return mg_send_chunk(context, data, (unsigned)size) > 0;
}

static void write_stream(struct mg_connection *connection,
                         const reef__request_t *request,
                         const reef__reply_t *reply)
{
    write_head(connection, reply, "Transfer-Encoding: chunked\r\n");
    if (strcmp(request->method, "HEAD") != 0) {
        reply->stream(reply->stream_context,
                      &(reef__sink_t){.write = write_chunk, .context = connection});
        mg_send_chunk(connection, "", 0);
    }
}

/* Route ------------------------------------------------------------------------ */

/* HTTP/1.0 knows no chunks, and a connection is only kept where both sides say so. */
static bool wants_close(struct mg_connection *connection,
                        const reef__request_t *request)
{
    const char *version = mg_get_request_info(connection)->http_version;
    const char *header = reef__request_header(request, "Connection");

    return version == NULL || strcmp(version, "1.1") != 0 ||
           (header != NULL && strcasecmp(header, "keep-alive") != 0);
}

static int begin_request(struct mg_connection *connection)
{
    reef__http_t *http = mg_get_user_context_data(connection);
    const char *version = mg_get_request_info(connection)->http_version;
    reef__header_t headers[MG_MAX_HEADERS];
    reef__request_t request;
    reef__reply_t reply = {0};
    const char *expect;
    int status;

    fill_request(&request, connection, headers);
    expect = reef__request_header(&request, "Expect");
    if (expect != NULL && strcasecmp(expect, "100-continue") == 0) {
        mg_write(connection, "HTTP/1.1 100 Continue\r\n\r\n", 25);
    }
    reef__dispatch(http->admin, &request, &reply);
    assert(reply.status != 0);
    reply.close =
        reply.close || wants_close(connection, &request) || reply.stream != NULL;
    if (reply.close) {
        mg_disable_connection_keep_alive(connection);
    }
    status = reply.status;
    if (reply.stream != NULL && version != NULL && strcmp(version, "1.1") == 0) {
        write_stream(connection, &request, &reply);
    } else {
        write_reply(connection, &request, &reply);
    }
    reef__reply_finish(&reply);
    return status;
}

/* What the library refuses on its own: no HTTP, headers too large, too slow. */
static int http_error(struct mg_connection *connection, int status, const char *message)
{
    reef__reply_t reply = {.close = true};

    (void)message;
    reef__problem(&reply, status, "the request could not be read");
    reply.close = true;
    mg_disable_connection_keep_alive(connection);
    write_reply(connection, &(reef__request_t){.method = "GET"}, &reply);
    reef__reply_finish(&reply);
    return 0;
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

reef_error_t
reef__http_listen(reef__admin_t *admin, reef__http_t **result, reef_failure_t *failure)
{
    static const struct mg_callbacks callbacks = {
        .begin_request = begin_request,
        .http_error = http_error,
        .log_message = log_message,
    };
    reef__http_t *http = calloc(1, sizeof(*http));
    char threads[16];
    const char *options[] = {
        "listening_ports",
        admin->config.listen,
        "num_threads",
        threads,
        "enable_keep_alive",
        "yes",
        "keep_alive_timeout_ms",
        "1000",
        "request_timeout_ms",
        "5000",
        "connection_queue",
        "64",
        "tcp_nodelay",
        "1",
        "max_request_size",
        "16384",
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

    if (http == NULL) {
        abort();
    }
    http->admin = admin;
    http->starter = pthread_self();
    snprintf(threads, sizeof(threads), "%u", admin->config.max_streams + SPARE_THREADS);
    mg_init_library(0);
    http->context = mg_start(&callbacks, http, options);
    if (http->context == NULL) {
        reef_error_t error = reef_fail(failure, REEF_E_IO, "admin.listen: %s: %s",
                                       admin->config.listen, http->message);

        mg_exit_library();
        free(http);
        return error;
    }
    *result = http;
    return REEF_OK;
}

size_t reef__http_ports(const reef__http_t *http, uint16_t *ports, size_t capacity)
{
    struct mg_server_port found[MAX_PORTS];
    int count = mg_get_server_ports(http->context, MAX_PORTS, found);
    size_t used = 0;

    for (int i = 0; i < count && used < capacity; i++) {
        ports[used++] = (uint16_t)found[i].port;
    }
    return used;
}

/* The library looks at its stop flag when a connection comes, or every two seconds. */
static void *knock_until_stopped(void *context)
{
    reef__http_t *http = context;

    while (!atomic_load(&http->stopped)) {
        nanosleep(&(struct timespec){.tv_nsec = KNOCK_NS}, NULL);
        reef__listen_knock(http->host, http->port);
    }
    return NULL;
}

void reef__http_stop(reef__http_t *http)
{
    reef__listen_t listen;
    pthread_t knocker;
    bool knocks;

    if (http == NULL) {
        return;
    }
    if (reef__listen_parse(http->admin->config.listen, &listen, NULL) == REEF_OK) {
        snprintf(http->host, sizeof(http->host), "%s", listen.items[0].host);
    }
    (void)reef__http_ports(http, &http->port, 1);
    knocks = pthread_create(&knocker, NULL, knock_until_stopped, http) == 0;
    mg_stop(http->context);
    atomic_store(&http->stopped, true);
    if (knocks) {
        pthread_join(knocker, NULL);
    }
    mg_exit_library();
    free(http);
}
